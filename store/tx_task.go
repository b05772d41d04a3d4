package store

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// OpenTask opens the task that the case waits for. Its id is filled in.
func (tx *Tx) OpenTask(t kam.Task) error {
	t = tx.newTask(t)
	tx.Case.Task = &t
	tx.queueTask(t, "")
	return nil
}

// OpenSideTask opens a task that outlives the case; subject says what it is
// about, as "KA-000045".
func (tx *Tx) OpenSideTask(t kam.Task, subject string) error {
	tx.queueTask(tx.newTask(t), subject)
	return nil
}

func (tx *Tx) newTask(t kam.Task) kam.Task {
	tx.tasks++
	t.ID = tx.newID(tx.tasks)
	if t.OpenedAt.IsZero() {
		t.OpenedAt = tx.At.UTC()
	}
	if t.Step == "" {
		t.Step = tx.Case.Step
	}
	return t
}

// CloseTask ends the case's task: how is DONE, WITHDRAWN or EXPIRED. Without
// a task nothing happens.
func (tx *Tx) CloseTask(how string, by kam.UserID) error {
	const end = `update kam.task set status = $2, closed_at = $3, closed_by = $4, task = $5 where task_id = $1`

	t := tx.Case.Task
	if t == nil {
		return nil
	}
	tx.queued.Queue(end, t.ID, how, tx.At, by, *t)
	tx.Case.Task = nil
	return nil
}

// UpdateTask saves what was changed in the case's task.
func (tx *Tx) UpdateTask() error {
	if tx.Case.Task == nil {
		return kam.Errorf(kam.Fault, "case %s has no task to change", tx.was.CaseNo)
	}
	tx.queueTask(*tx.Case.Task, "")
	return nil
}

func (tx *Tx) queueTask(t kam.Task, subject string) {
	const upsert = `
		insert into kam.task (task_id, case_no, subject, kind, step_code, node, queue, priority, opened_at, due_at, task, claimed_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		on conflict (task_id) do update set node = excluded.node, queue = excluded.queue,
			priority = excluded.priority, due_at = excluded.due_at, task = excluded.task, claimed_by = excluded.claimed_by`
	var due *time.Time
	if d, ok := t.Next(); ok {
		due = &d.At
	}
	tx.queued.Queue(upsert, t.ID, tx.was.CaseNo, subject, t.Kind, t.Step, t.Node, t.Queue, t.Priority, t.OpenedAt, due, t, t.ClaimedBy)
	tx.queueAssignees(t.ID, t.Assignees)
}

func (tx *Tx) queueAssignees(task string, to []kam.UserID) {
	const leave = `delete from kam.task_assignee where task_id = $1 and user_id <> all ($2)`
	const assign = `
		insert into kam.task_assignee (task_id, user_id) select distinct $1, unnest($2::text[])
		on conflict (user_id, task_id) do nothing`

	to = append([]kam.UserID{}, to...)
	tx.queued.Queue(leave, task, to)
	tx.queued.Queue(assign, task, to)
}

// Absent says whether a person is away on the day that at shows in its own
// zone: absences are dates, and whose midnight counts the caller knows. An
// error fails the effect.
func (tx *Tx) Absent(user kam.UserID, at time.Time) bool {
	const away = `
		select exists (select from kam.absence
			where user_id = $1 and $2::text::date between from_date and to_date)`

	absent, _, err := one(tx.ctx, tx.tx, "look up absences", pgx.RowTo[bool], away, user, at.Format(time.DateOnly))
	if err != nil {
		tx.fail(err)
	}
	return absent
}
