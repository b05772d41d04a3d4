package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// MoveLeaversTasks gives the tasks that outlive their cases, of people who have
// left, to the next one above them who has not (P2.7). It is done once for each
// change of the organisation; moved counts the tasks. Those that nobody is left
// for stay where they are, and Stuck names them.
func (s *Store) MoveLeaversTasks(ctx context.Context, change string) (moved int, err error) {
	const leavers = `
		select t.task_id, t.subject, a.user_id from kam.task t
		join kam.task_assignee a using (task_id) join kam.person p on p.user_id = a.user_id
		where t.status = 'OPEN' and t.subject <> '' and not p.active order by t.task_id`
	const give = `
		update kam.task set task = jsonb_set(task, '{assignees}', to_jsonb(array[$2::text])) where task_id = $1`
	type row struct {
		Task, Subject string
		User          kam.UserID
	}

	now, err := s.Now(ctx)
	if err != nil {
		return 0, err
	}
	e := Effect{CaseNo: "org", Key: "leavers/" + change, Digest: "leavers/" + change, At: now, By: kam.System}
	_, err = s.OnSubject(ctx, e, func(_ context.Context, tx *Tx) (any, error) {
		moved = 0
		all, err := list(tx.ctx, tx.tx, "look for tasks of leavers", pgx.RowToStructByPos[row], leavers)
		if err != nil {
			return nil, err
		}
		var lines []string
		for _, r := range all {
			who, err := tx.Present(r.User)
			if err != nil {
				return nil, err
			}
			to := who.ID
			if to == "" {
				continue
			}
			moved++
			lines = append(lines, fmt.Sprintf("%s of %s: %s to %s", r.Task, r.Subject, r.User, to))
			tx.queued.Queue(give, r.Task, to)
			tx.queued.Queue(`update kam.task_assignee set user_id = $3 where task_id = $1 and user_id = $2`, r.Task, r.User, to)
			if err := tx.Publish(Message{Kind: "task.opened", To: []kam.UserID{to}, Subject: r.Subject + " waits for you: " + string(r.User) + " has left"}); err != nil {
				return nil, err
			}
		}
		text := "no task of a leaver is open"
		if moved > 0 {
			text = strings.Join(lines, "; ")
		}
		tx.Log(kam.AuditEvent{Type: kam.EventTaskReassigned, Actor: kam.System, ReasonCode: "ORGANISATION", Text: clip(text, 4000)})
		return moved, nil
	})
	return moved, err
}

// Present is the person, or where he has left the next one above him who has
// not; nobody where there is none.
func (tx *Tx) Present(u kam.UserID) (kam.Person, error) {
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
