package ledger

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// NewTask gives a task its id, and the time of the effect where it has none.
func (e *Entry) NewTask(t kam.Task) kam.Task {
	e.tasks++
	t.ID = e.newID(e.tasks)
	if t.OpenedAt.IsZero() {
		t.OpenedAt = e.At.UTC()
	}
	return t
}

// SaveTask queues a task as it is now: a new one, or one that was changed.
// About says what it is about where it outlives the subject, or the subject has
// several: "KA-000045", "import/B-000001".
func (e *Entry) SaveTask(t kam.Task, about string) {
	const upsert = `
		insert into kam.task (task_id, case_no, subject, kind, step_code, node, queue, priority, opened_at, due_at, task, claimed_by)
		values (@task_id, @case_no, @about, @kind, @step_code, @node, @queue, @priority, @opened_at, @due_at, @task, @claimed_by)
		on conflict (task_id) do update set node = excluded.node, queue = excluded.queue,
			priority = excluded.priority, due_at = excluded.due_at, task = excluded.task, claimed_by = excluded.claimed_by`

	var due *time.Time
	if d, ok := t.Next(); ok {
		due = &d.At
	}
	e.queued.Queue(upsert, pgx.StrictNamedArgs{
		"task_id": t.ID, "case_no": e.effect.Subject.ID, "about": about, "kind": t.Kind, "step_code": t.Step, "node": t.Node,
		"queue": t.Queue, "priority": t.Priority, "opened_at": t.OpenedAt, "due_at": due, "task": t, "claimed_by": t.ClaimedBy,
	})
	e.queueAssignees(t.ID, t.Assignees, t.Posts)
}

// EndTask ends a task that is open: how is DONE, WITHDRAWN or EXPIRED.
func (e *Entry) EndTask(t kam.Task, how string, by kam.UserID) {
	const end = `
		update kam.task set status = @how, closed_at = @at, closed_by = @by, task = @task
		where task_id = @task_id and status = 'OPEN'`

	e.queued.Queue(end, pgx.StrictNamedArgs{"task_id": t.ID, "how": how, "at": e.At, "by": by, "task": t})
}

// GiveTask gives an open task to others, each by himself and not by a post.
func (e *Entry) GiveTask(id string, to []kam.UserID) {
	e.queued.Queue(`update kam.task set task = jsonb_set(task - 'posts', '{assignees}', @to) where task_id = @task_id`,
		pgx.StrictNamedArgs{"task_id": id, "to": to})
	e.queueAssignees(id, to, nil)
}

// queueAssignees queues who has a task, and by which post.
func (e *Entry) queueAssignees(task string, to []kam.UserID, by map[kam.UserID]string) {
	const leave = `delete from kam.task_assignee where task_id = @task_id and user_id <> all (@to)`
	const assign = `
		insert into kam.task_assignee (task_id, user_id, node, since) select distinct on (u) @task_id, u, n, @at::timestamptz from unnest(@to::text[], @nodes::text[]) as x (u, n)
		on conflict (user_id, task_id) do update set node = excluded.node where task_assignee.node <> excluded.node`

	nodes := make([]string, len(to))
	for i, u := range to {
		nodes[i] = by[u]
	}
	e.queued.Queue(leave, pgx.StrictNamedArgs{"task_id": task, "to": append([]kam.UserID{}, to...)})
	e.queued.Queue(assign, pgx.StrictNamedArgs{"task_id": task, "to": append([]kam.UserID{}, to...), "nodes": nodes, "at": e.At})
}
