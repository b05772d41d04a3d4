package route

import (
	"slices"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// Timed gives a task its deadlines and starts its clock, by the hours of whoever
// it waits for first.
func (r Route) Timed(t *kam.Task, sla policy.Wait, first kam.Person) (err error) {
	if t.Deadlines, err = r.deadlines(sla, t.Priority != "", first); err != nil {
		return err
	}
	c, err := r.CalendarOf(first)
	if err != nil {
		return err
	}
	t.StartClock(c, r.target(c, sla, t.Priority != ""))
	return nil
}

// deadlines turns business days into instants: reminders and escalation by the
// calendar of the first assignee, the end by the territory's (D20), or by the
// assignee's too while the case has no territory.
func (r Route) deadlines(sla policy.Wait, high bool, first kam.Person) ([]kam.Deadline, error) {
	own, err := r.CalendarOf(first)
	if err != nil {
		return nil, err
	}
	home := own
	if r.Home() != "" && r.Home() != Unassigned {
		if home, err = r.calendarAt(r.Home()); err != nil {
			return nil, err
		}
	}
	factor := r.pace(high)
	var out []kam.Deadline
	add := func(kind kam.DeadlineKind, days *kam.Dec, c kam.Calendar, factor float64) {
		if days == nil {
			return
		}
		out = append(out, kam.Deadline{Kind: kind, At: c.Add(r.Org.At, float64(*days)/100*factor).UTC()})
	}
	add(kam.DueRemind, sla.Remind, own, factor)
	add(kam.DueEscalate, sla.Escalate, own, factor)
	add(kam.DueNotify, sla.NotifyManager, own, 1)
	add(kam.DueExpire, sla.Expire, home, 1)
	add(kam.DueLapse, sla.Lapse, home, 1)
	sortDeadlines(out)
	return out, nil
}

// pace is what high priority makes of a wait.
func (r Route) pace(high bool) float64 {
	if high {
		return float64(r.Pol.SLA.HighFactor) / 100
	}
	return 1
}

// target is what the stage of a task is measured against (D47): the hours that
// the policy gives, else those until it escalates, or until the manager is told;
// 0 where there is nothing of it.
func (r Route) target(c kam.Calendar, sla policy.Wait, high bool) kam.Dec {
	days, factor := sla.Escalate, r.pace(high)
	if days == nil {
		days, factor = sla.NotifyManager, 1
	}
	switch {
	case sla.Target != nil:
		return *sla.Target
	case days == nil:
		return 0
	}
	until := c.Add(r.Org.At, float64(*days)/100*factor)
	return kam.HoursOf(c.Between(r.Org.At, until))
}

// PassOn goes on counting the time of a task by the hours of whoever has it now.
func (r Route) PassOn(t *kam.Task, to kam.Person) error {
	now, err := r.CalendarOf(to)
	if err != nil || now.Code == t.Calendar {
		return err
	}
	before, err := r.calendar(t.Calendar)
	if err != nil {
		return err
	}
	t.PassOn(before, now, r.Org.At)
	return nil
}

func sortDeadlines(d []kam.Deadline) {
	slices.SortStableFunc(d, func(a, b kam.Deadline) int { return a.At.Compare(b.At) })
}

// CalendarOf is the calendar of the node a person works in.
func (r Route) CalendarOf(p kam.Person) (kam.Calendar, error) {
	if len(p.Nodes) > 0 {
		return r.calendarAt(p.Nodes[0])
	}
	return r.calendarAt(r.Home())
}

// calendarAt is the calendar of a node, or of the nearest one above that has
// one; without any it is the default of the policy, in UTC.
func (r Route) calendarAt(node string) (kam.Calendar, error) {
	if node != "" && node != Unassigned {
		chain, err := r.Org.Chain(node)
		if err != nil {
			return kam.Calendar{}, err
		}
		for _, n := range chain {
			if n.Calendar != "" {
				row, err := r.Org.Calendar(n.Calendar)
				if err != nil {
					return kam.Calendar{}, err
				}
				return row.Read()
			}
		}
	}
	return r.Pol.Calendar.Default()
}

// calendar is one by its code, as [kam.Calendars] reads it.
func (r Route) calendar(code string) (kam.Calendar, error) {
	row, err := r.Org.Calendar(code)
	if kam.CodeOf(err) == kam.NotFound {
		return r.Pol.Calendar.Default()
	}
	if err != nil {
		return kam.Calendar{}, err
	}
	return row.Read()
}

// FreshDeadlines gives who joins his own reminder and escalation, and his hours
// to the clock; the end of the wait stays where it is.
func (r Route) FreshDeadlines(t *kam.Task, sla policy.Wait, first kam.Person) error {
	if err := r.PassOn(t, first); err != nil {
		return err
	}
	fresh, err := r.deadlines(sla, t.Priority != "", first)
	if err != nil {
		return err
	}
	perLevel := func(d kam.Deadline) bool { return d.Kind == kam.DueRemind || d.Kind == kam.DueEscalate }
	t.Deadlines = slices.DeleteFunc(t.Deadlines, perLevel)
	for _, d := range fresh {
		if perLevel(d) {
			t.Deadlines = append(t.Deadlines, d)
		}
	}
	sortDeadlines(t.Deadlines)
	return nil
}

// Elapsed takes a deadline from a task; false where the task no longer has it,
// because somebody acted first, or where it has not come yet.
func Elapsed(t *kam.Task, due *kam.Deadline, now time.Time) bool {
	if t == nil || due == nil || due.At.After(now) {
		return false
	}
	i := slices.IndexFunc(t.Deadlines, func(d kam.Deadline) bool { return d.Kind == due.Kind && d.At.Equal(due.At) })
	if i < 0 {
		return false
	}
	t.Deadlines = slices.Delete(slices.Clone(t.Deadlines), i, i+1)
	return true
}

// Again sets the daily repeat of an escalation, by the hours of whoever was
// asked last (D20): the manager of the highest level, or the lead of the queue.
// Where there is nobody it goes by the territory's.
func (r Route) Again(t *kam.Task) error {
	var asked kam.Person
	var err error
	if n := len(t.Assignees); n > 0 {
		asked, err = r.Org.Person(t.Assignees[n-1])
	} else {
		asked, err = r.Lead(kam.Role(t.Queue))
	}
	if err != nil {
		return err
	}
	c, err := r.CalendarOf(asked)
	if err != nil {
		return err
	}
	t.Deadlines = append(t.Deadlines, kam.Deadline{Kind: kam.DueEscalate, At: c.Add(r.Org.At, 1).UTC()})
	sortDeadlines(t.Deadlines)
	return nil
}
