package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// MoveLeaversTasks gives the tasks that outlive their cases, of people who have
// left, to the next one above them who has not (P2.7). Only the leaver is
// replaced: whoever else has the task keeps it. It is done once for each
// change of the organisation; moved counts the tasks. Those that nobody is left
// for stay where they are, and Stuck names them.
func (s *Store) MoveLeaversTasks(ctx context.Context, change string) (moved int, err error) {
	const leavers = `
		select t.task_id, t.subject, coalesce(t.task -> 'assignees', '[]') from kam.task t
		where t.status = 'OPEN' and t.subject <> '' and exists (
			select from kam.task_assignee a join kam.person p using (user_id) where a.task_id = t.task_id and not p.active)
		order by t.task_id for update of t`
	type row struct {
		Task, Subject string
		Assignees     []kam.UserID
	}

	now, err := s.ledger.Now(ctx)
	if err != nil {
		return 0, err
	}
	e := ledger.Effect{Subject: Organisation, Key: "leavers/" + change, Digest: "leavers/" + change, At: now, By: kam.System}
	_, err = s.on(ctx, e, func(tx *Tx) (any, error) {
		moved = 0
		all, err := pg.List(tx.ctx, tx.tx, "look for tasks of leavers", pgx.RowToStructByPos[row], leavers)
		if err != nil {
			return nil, err
		}
		var lines []string
		for _, r := range all {
			to, replaced, err := tx.withoutLeavers(r.Assignees)
			if err != nil {
				return nil, err
			}
			if len(replaced) == 0 {
				continue
			}
			moved++
			lines = append(lines, kam.Note("task %s of %s: %s", r.Task, r.Subject, strings.Join(replaced, ", ")))
			tx.GiveTask(r.Task, to)
			if err := s.given(tx.Entry, r.Task, r.Subject, to); err != nil {
				return nil, err
			}
			told := slices.DeleteFunc(slices.Clone(to), func(u kam.UserID) bool { return slices.Contains(r.Assignees, u) })
			if len(told) == 0 {
				continue
			}
			if err := tx.Publish(ledger.Message{Kind: "task.opened", To: told, Subject: kam.Note("%s waits for you: %s", r.Subject, strings.Join(replaced, ", "))}); err != nil {
				return nil, err
			}
		}
		text := kam.Note("no task of a leaver is open")
		if moved > 0 {
			text = strings.Join(lines, "; ")
		}
		tx.Log(kam.AuditEvent{Type: kam.EventTaskReassigned, Actor: kam.System, ReasonCode: "ORGANISATION", Text: pg.Clip(text, 4000)})
		return moved, nil
	})
	return moved, err
}

// withoutLeavers are assignees with the next one above each leaver in his
// place; replaced tells who went to whom, empty where nobody could.
func (tx *Tx) withoutLeavers(all []kam.UserID) (to []kam.UserID, replaced []string, err error) {
	for _, u := range all {
		who, err := tx.ActiveOrAbove(u)
		if err != nil {
			return nil, nil, err
		}
		next := who.ID
		switch {
		case next == "":
			next = u // nobody is left above him
		case next != u:
			replaced = append(replaced, fmt.Sprintf("%s → %s", u, next))
		}
		if !slices.Contains(to, next) {
			to = append(to, next)
		}
	}
	return to, replaced, nil
}

// ActiveOrAbove is the person, or where he has left the next one above him who has
// not; nobody where there is none.
func (tx *Tx) ActiveOrAbove(u kam.UserID) (kam.Person, error) {
	for range 20 {
		p, err := tx.Person(u)
		if kam.CodeOf(err) == kam.NotFound {
			return kam.Person{}, nil
		}
		if err != nil || p.Active {
			return p, err
		}
		u = p.ManagerID
	}
	return kam.Person{}, nil
}
