package kam

import "time"

// TaskKind is the kind of work that is put into an inbox. It is also the key of
// the policy's sla section.
type TaskKind string

// A Task is work for people. Its deadlines are instants that were computed in
// business time when it opened, or when its level was raised: a restart or a
// later change of calendar does not move them.
type Task struct {
	ID        string    `json:"task_id"`
	Kind      TaskKind  `json:"kind"`
	Step      StepCode  `json:"step_code"`
	Level     NodeLevel `json:"level,omitempty"` // of the manager it waits for
	Node      string    `json:"node,omitempty"`
	Assignees []UserID  `json:"assignees,omitempty"` // persons who may act; grows with escalation
	// Posts are the nodes by whose post assignees have the task: it goes with the
	// post. Who is not in it was named himself.
	Posts     map[UserID]string `json:"posts,omitempty"`
	Queue     string            `json:"queue,omitempty"`    // role or UNROUTED, for shared work
	Priority  string            `json:"priority,omitempty"` // HIGH or empty
	OpenedAt  time.Time         `json:"opened_at"`
	Deadlines []Deadline        `json:"deadlines,omitempty"` // ascending
	Escalated int               `json:"escalated"`
	// ClaimedBy is who took the task from its queue: the others leave it to him
	// until he releases it or it is escalated.
	ClaimedBy UserID `json:"claimed_by,omitempty"`
	// ByHand says that somebody reassigned the task: a change in the tree does
	// not move it.
	ByHand bool `json:"by_hand,omitempty"`
	// Calendar is that by which the time of the task is counted since Since: of
	// whom it waits for. Before are the hours that were worked until then, by the
	// calendars of who had it before.
	Calendar string    `json:"calendar,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Before   Dec       `json:"before,omitzero"`
	// Target is what the time of the stage is measured against, nil for nothing.
	Target *StageTarget `json:"target,omitempty"`
	// Fields and Note are what a person was asked to change.
	Fields []string `json:"fields,omitempty"`
	Note   string   `json:"note,omitempty"`
}

// AddressTo says by which post somebody has the task; "" is by none. It forgets
// those who do not have the task.
func (t *Task) AddressTo(u UserID, node string) {
	posts := map[UserID]string{}
	for _, a := range t.Assignees {
		if by := t.Posts[a]; by != "" && a != u {
			posts[a] = by
		}
	}
	if node != "" {
		posts[u] = node
	}
	t.Posts = posts
}

// QueueUnrouted holds tasks that nobody in the chain may take.
const QueueUnrouted = "UNROUTED"

// DeadlineKind says what is done when a deadline passes.
type DeadlineKind string

// The kinds of deadline.
const (
	DueRemind   DeadlineKind = "REMIND"
	DueEscalate DeadlineKind = "ESCALATE"
	DueNotify   DeadlineKind = "NOTIFY_MANAGER"
	DueExpire   DeadlineKind = "EXPIRE"
	DueLapse    DeadlineKind = "LAPSE"
)

// A Deadline is an instant at which silence has a consequence.
type Deadline struct {
	Kind DeadlineKind `json:"kind"`
	At   time.Time    `json:"at"`
}

// Next is the earliest deadline of the task.
func (t *Task) Next() (Deadline, bool) {
	if t == nil || len(t.Deadlines) == 0 {
		return Deadline{}, false
	}
	return t.Deadlines[0], true
}
