package access

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// HandTask gives the part that somebody has in an open task that outlives its case,
// or is a batch's, to a colleague who may do the action where the task is. Whoever
// else has the task keeps it. It is one effect under the decision id of the act.
func (s *Store) HandTask(ctx context.Context, a OrgAct, task string, to kam.UserID, action access.Action) error {
	const find = `
		select t.task, t.subject, coalesce(nullif(t.node, ''), k.home_node, '') as place from kam.task t
		left join kam.key_account k on k.key_account_no = t.subject
		where t.task_id = $1 and t.status = 'OPEN' and t.subject <> '' for update of t`
	type row struct {
		Task           kam.Task
		Subject, Place string
	}

	_, err := s.onOrg(ctx, a, ledger.Digest([]any{"hand task", task, to}), false, func(tx *Tx) (OrgChange, error) {
		r, found, err := pg.One(tx.ctx, tx.tx, "look for a task", pgx.RowToStructByName[row], find, task)
		if err == nil && !found {
			err = kam.Errorf(kam.AlreadyDecided, "the task is not open any more").On("task_id")
		}
		if err != nil {
			return OrgChange{}, err
		}
		giver, err := tx.Actor(a.By)
		if err != nil {
			return OrgChange{}, err
		}
		target, err := tx.Person(to)
		if err != nil {
			return OrgChange{}, wrongOn("to", err)
		}
		chain, err := tx.Chain(r.Place)
		if err != nil {
			return OrgChange{}, err
		}
		subject := access.Subject{Assignees: r.Task.Assignees}
		subject.At(chain)
		role, err := a.Judge(giver, access.ActionReassign, subject)
		if err != nil {
			return OrgChange{}, err
		}
		if _, err := a.Judge(target, action, subject); err != nil {
			return OrgChange{}, err
		}
		others := slices.DeleteFunc(slices.Clone(r.Task.Assignees), func(u kam.UserID) bool {
			byPost := func(n kam.TerritoryNode) bool { return n.Code == r.Task.Posts[u] && n.ManagerID == a.By }
			return u == a.By || slices.ContainsFunc(chain, byPost)
		})
		if len(others) == len(r.Task.Assignees) {
			return OrgChange{}, kam.Errorf(kam.WrongState, "the task of %s is not yours", r.Subject).On("task_id")
		}
		has := append(slices.DeleteFunc(others, func(u kam.UserID) bool { return u == to }), to)
		tx.GiveTask(task, has)
		if err := s.given(tx.Entry, task, r.Subject, has); err != nil {
			return OrgChange{}, err
		}
		what := kam.Note("%s of %s: %s to %s", r.Task.Kind, r.Subject, a.By, to)
		tx.Log(kam.AuditEvent{Type: kam.EventTaskReassigned, Actor: a.By, RolesUsed: []kam.Role{role}, Text: pg.Clip(because(what, a.Reason), 4000)})
		return OrgChange{What: what, Cases: []kam.CaseNo{}}, tx.Publish(ledger.Message{Kind: "task.opened", To: []kam.UserID{to}, Subject: pg.Clip(r.Subject+" was given to you by "+string(a.By), 1000)})
	})
	return err
}
