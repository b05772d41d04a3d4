package kam

import (
	"slices"
	"time"
)

// A Party is who owes the next step of a process: while he owes it, the time
// that passes is his and nobody else's.
type Party string

// The parties. The engine's time is that of automatic steps and of the operators
// who look after them.
const (
	PartyRequester  Party = "REQUESTER"
	PartyManager    Party = "MANAGER"
	PartySteward    Party = "STEWARD"
	PartyCompliance Party = "COMPLIANCE"
	PartyEngine     Party = "ENGINE"
)

// Parties are all of them, in the order in which they are shown.
var Parties = []Party{PartyRequester, PartyManager, PartySteward, PartyCompliance, PartyEngine}

// Queues are the roles whose shared work a party owes.
func (p Party) Queues() []Role {
	switch p {
	case PartySteward:
		return []Role{DataSteward}
	case PartyCompliance:
		return []Role{ComplianceRole}
	case PartyEngine:
		return []Role{Operator}
	default:
		return nil
	}
}

// owns is the party that owes the work of a queue, "" where no party does.
func owns(queue string) Party {
	i := slices.IndexFunc(Parties, func(p Party) bool { return slices.Contains(p.Queues(), Role(queue)) })
	if i < 0 {
		return ""
	}
	return Parties[i]
}

// OwedBy is the party that owes the next step in a state: that of the queue in
// which the task stands, else the state's own. An end is owed by nobody. Work
// that nobody may take (UNROUTED) stays with the party of the state.
func (l StatesOf[S]) OwedBy(s S, queue string) Party {
	switch spec := l.Spec(s); spec.Kind {
	case Automatic:
		return PartyEngine
	case Human:
		if p := owns(queue); p != "" {
			return p
		}
		return spec.Owes
	default:
		return ""
	}
}

// PartyOf is the party that owes a task of the process, "" for one that outlives
// it.
func (l StatesOf[S]) PartyOf(t Task) Party {
	for i := range l {
		if l[i].Task == t.Kind && l[i].Kind == Human {
			return l.OwedBy(l[i].State, t.Queue)
		}
	}
	return ""
}

// A StageTarget is the time in which a stage should be done (D47), in working
// hours. At is the last instant at which no more than that has been worked, as
// the calendar was when it was set: lists are sorted and filtered by it.
type StageTarget struct {
	Hours Dec       `json:"hours"`
	At    time.Time `json:"at"`
}

// tick is the least time that a database tells from none.
const tick = time.Microsecond

// StartClock counts the time of a task from its opening by a calendar, against a
// target; 0 is none.
func (t *Task) StartClock(c Calendar, target Dec) {
	t.Calendar, t.Since, t.Before, t.Target = c.Code, t.OpenedAt, 0, nil
	if target > 0 {
		t.Target = &StageTarget{Hours: target}
		t.aim(c)
	}
}

// PassOn counts the time of a task by the calendar of who has it now. What was
// worked by the calendar before stays counted.
func (t *Task) PassOn(before, now Calendar, at time.Time) {
	t.Before = HoursOf(t.worked(before, at))
	t.Calendar, t.Since = now.Code, at
	if t.Target != nil {
		target := *t.Target // the snapshot before has it too
		t.Target = &target
		t.aim(now)
	}
}

// aim sets the instant of the target, unless it is past already.
func (t *Task) aim(c Calendar) {
	if left := t.Target.Hours - t.Before; left >= 0 {
		t.Target.At = c.AddTime(t.Since, hours(left)+tick).Add(-tick).UTC()
	}
}

// worked is the working time since the task opened, c being its calendar.
func (t Task) worked(c Calendar, until time.Time) time.Duration {
	since := t.Since
	if since.IsZero() { // opened by a release that had no clock
		since = t.OpenedAt
	}
	return hours(t.Before) + max(c.Between(since, until), 0)
}

// A hundredth of an hour is 36 seconds.
const hundredth = time.Hour / 100

func hours(d Dec) time.Duration { return time.Duration(d) * hundredth }

// HoursOf is a time in hours, to the hundredth.
func HoursOf(d time.Duration) Dec { return Dec((d + hundredth/2) / hundredth) }

// DefaultCalendar is the code of the policy's own calendar, for places that have
// none.
const DefaultCalendar = "default"

// Calendars are those of the organisation by code, with the policy's own under
// [DefaultCalendar]. That one counts, too, where a task has none, as tasks of
// old releases, or one that the organisation has given up.
type Calendars map[string]Calendar

// alwaysOpen is the calendar of the engine, which works at any hour.
var alwaysOpen = Calendar{Close: 24 * 60}

func (all Calendars) of(t Task, p Party) Calendar {
	if p == PartyEngine {
		return alwaysOpen
	}
	if c, ok := all[t.Calendar]; ok {
		return c
	}
	return all[DefaultCalendar]
}

// A Measure is how long a stage has taken against its target, in working hours
// of the calendar that counts: that of whoever owes the answer.
type Measure struct {
	Party   Party `json:"party,omitempty"` // whose turn it is
	Worked  Dec   `json:"worked_hours"`
	Target  Dec   `json:"target_hours,omitzero"` // 0 where the stage has none
	Over    Dec   `json:"over_hours,omitzero"`   // beyond the target
	Overdue bool  `json:"overdue"`
	// Mine is the time since the task came to who asks, nil where he has none.
	Mine *Dec `json:"mine_hours,omitempty"`
	// InAll is the time of the whole case, of all parties together, each by its
	// own calendar; nil where the task belongs to no case.
	InAll *Dec `json:"in_all_hours,omitempty"`
}

// Measure holds the time since a task opened against its target; p owes it.
func (all Calendars) Measure(t Task, p Party, until time.Time) Measure {
	worked := t.worked(all.of(t, p), until)
	m := Measure{Party: p, Worked: HoursOf(worked)}
	if t.Target != nil {
		m.Target = t.Target.Hours
		m.Overdue = worked > hours(m.Target)
		m.Over = max(m.Worked-m.Target, 0)
	}
	return m
}

// Held is the working time from an instant on, by the calendar of the task.
func (all Calendars) Held(t Task, p Party, from, until time.Time) Dec {
	return HoursOf(max(all.of(t, p).Between(from, until), 0))
}

// A Turn is the time in which one party owed the answer: that of a task, from
// its opening until it was closed. Until is zero while it is open.
type Turn struct {
	Task  Task
	Party Party
	Until time.Time
}

// A StageTime is what one stage of a case took.
type StageTime struct {
	Measure
	Step  StepCode   `json:"step_code"`
	Task  TaskKind   `json:"task"`
	From  time.Time  `json:"from"`
	Until *time.Time `json:"until,omitempty"` // nil while it goes on
}

// PartyTime is what one party took of a case.
type PartyTime struct {
	Party Party `json:"party"`
	Hours Dec   `json:"hours"`
}

// A Clock is the time of a case by party and by stage, in working hours, each
// party's by its own calendar. InAll is the sum of the parties.
type Clock struct {
	InAll   Dec         `json:"in_all_hours"`
	Parties []PartyTime `json:"parties"` // those that owed anything, as in [Parties]
	Stages  []StageTime `json:"stages"`  // of people, in order
}

// Read makes the clock of a case that began and, unless it is still open, ended;
// until is then its end, else now. Turns are those of its tasks, in order. What
// no task fills is the engine's.
func (all Calendars) Read(began, until time.Time, turns []Turn) Clock {
	spent := map[Party]time.Duration{}
	at := began
	c := Clock{Parties: []PartyTime{}, Stages: []StageTime{}}
	for _, turn := range turns {
		end := turn.Until
		if end.IsZero() {
			end = until
		}
		spent[PartyEngine] += max(turn.Task.OpenedAt.Sub(at), 0)
		at = later(at, end)
		s := StageTime{Measure: all.Measure(turn.Task, turn.Party, end), Step: turn.Task.Step, Task: turn.Task.Kind, From: turn.Task.OpenedAt}
		if !turn.Until.IsZero() {
			s.Until = &turn.Until
		}
		c.Stages = append(c.Stages, s)
		spent[turn.Party] += turn.Task.worked(all.of(turn.Task, turn.Party), end)
	}
	spent[PartyEngine] += max(until.Sub(at), 0)
	for _, p := range Parties {
		if h := HoursOf(spent[p]); h > 0 {
			c.Parties = append(c.Parties, PartyTime{p, h})
			c.InAll += h
		}
	}
	return c
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
