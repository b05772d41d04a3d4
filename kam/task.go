package kam

import (
	"slices"
	"time"
)

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
	// StandIns are those of Assignees who have the task in somebody else's place.
	StandIns []StandIn `json:"stand_ins,omitempty"`
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

// A StandIn has a task in the place of somebody who is away.
type StandIn struct {
	By  UserID `json:"by"`
	For UserID `json:"for"`
}

func (s StandIn) String() string { return Note("%s for %s", s.By, s.For) }

// StandsInFor is in whose place a person has the task; empty where it is his own,
// or he has it not at all.
func (t *Task) StandsInFor(u UserID) UserID {
	if t != nil {
		for _, s := range t.StandIns {
			if s.By == u {
				return s.For
			}
		}
	}
	return ""
}

// InPlaceOf is who has the task in a person's place; empty where nobody has.
func (t *Task) InPlaceOf(u UserID) UserID {
	for _, s := range t.StandIns {
		if s.For == u {
			return s.By
		}
	}
	return ""
}

// Holders are those whose own the task is, without those who stand in for them.
func (t *Task) Holders() []UserID {
	var own []UserID
	if t != nil {
		for _, u := range t.Assignees {
			if t.StandsInFor(u) == "" {
				own = append(own, u)
			}
		}
	}
	return own
}

// Names are those who have the task, by id: who stands in together with whom he
// stands in for.
func (t *Task) Names() []string { return t.Named(func(u UserID) string { return string(u) }) }

// Named is Names with other words for whose own the task is.
func (t *Task) Named(say func(UserID) string) []string {
	var names []string
	for _, u := range t.Assignees {
		named := false // or will be, beside who stands in for him
		for _, s := range t.StandIns {
			if s.By == u {
				names = append(names, Note("%s for %s", s.By, say(s.For)))
			}
			named = named || s.By == u || s.For == u && slices.Contains(t.Assignees, s.By)
		}
		if !named {
			names = append(names, say(u))
		}
	}
	return names
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
