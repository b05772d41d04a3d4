// Package route finds whom a task waits for, and until when: the manager of a
// place, or the next one up who may decide, and the deadlines by the hours of
// whoever is asked.
package route

import (
	"slices"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/policy"
	accessdb "github.com/kamflow/kamflow/store/access"
)

// Unassigned is the territory of a case that no assignment rule fits.
const Unassigned = "UNASSIGNED"

// A Route finds whom a task waits for, and until when, in one transaction: of a
// case, or of a scope of an import.
type Route struct {
	Org *accessdb.Tx
	Pol *rules.Set
	// Home is the node that the subject of the task belongs to now; empty where
	// it has none.
	Home func() string
}

// A Seat is a management post that a task may go to.
type Seat struct {
	Node   kam.TerritoryNode
	Person kam.Person
	Passed []string // why posts below were passed over
}

// SeatFrom finds the first eligible manager from a level upward along the
// chain: vacant posts, leavers, the absent and whoever separation of duties
// excludes are passed over (P2.7). ok is false where the whole chain has
// nobody.
func (r Route) SeatFrom(chain []kam.TerritoryNode, level kam.NodeLevel, allowed func(kam.UserID) error) (Seat, bool, error) {
	var s Seat
	for _, n := range chain {
		if n.Level.Rank() < level.Rank() {
			continue
		}
		if n.ManagerID == "" {
			s.Passed = append(s.Passed, kam.Note("post of %s is vacant", n.Code))
			continue
		}
		p, err := r.Org.Person(n.ManagerID)
		if err != nil {
			return s, false, err
		}
		away, err := r.Away(p)
		if err != nil {
			return s, false, err
		}
		switch refusal := allowed(p.ID); {
		case !p.Active:
			s.Passed = append(s.Passed, kam.Note("%s has left", p.ID))
		case away:
			s.Passed = append(s.Passed, kam.Note("%s is absent", p.ID))
		case refusal != nil:
			s.Passed = append(s.Passed, kam.Note("%s excluded by %s", p.ID, kam.AsError(refusal).Rule))
		default:
			s.Node, s.Person = n, p
			return s, true, nil
		}
	}
	return s, false, nil
}

// Named are those whom a task names: persons, and whoever holds the posts that it
// is addressed to, on the chain of its place.
func Named(t kam.Task, chain []kam.TerritoryNode) []kam.UserID {
	var named []kam.UserID
	for _, u := range t.Assignees {
		post := t.Posts[u]
		if post == "" {
			named = append(named, u)
		}
		for _, n := range chain {
			if n.Code == post && n.ManagerID != "" {
				named = append(named, n.ManagerID)
			}
		}
	}
	return named
}

// Away says whether a person is absent today, where he works.
func (r Route) Away(p kam.Person) (bool, error) {
	c, err := r.CalendarOf(p)
	if err != nil {
		return false, err
	}
	return r.Org.Absent(p.ID, r.Org.At.In(c.Location)), nil
}

// nextSeat is the first eligible manager above the levels that were asked.
func (r Route) nextSeat(node string, t *kam.Task, allowed func(kam.UserID) error) (Seat, bool, error) {
	if node == "" || node == Unassigned || t.Level == kam.LevelGlobal {
		return Seat{}, false, nil
	}
	chain, err := r.Org.Chain(node)
	if err != nil {
		return Seat{}, false, err
	}
	return r.SeatFrom(chain, kam.NodeLevels[t.Level.Rank()+1], func(u kam.UserID) error {
		if slices.Contains(t.Assignees, u) {
			return kam.Errorf(kam.AlreadyDecided, "%s was asked already", u)
		}
		return allowed(u)
	})
}

// Raise lets the next manager of the chain join a task that nobody decided:
// whoever was asked before keeps the right to decide. At the top ok is false,
// and the escalation comes again every day.
func (r Route) Raise(t *kam.Task, start string, sla policy.Wait, allowed func(kam.UserID) error) (next Seat, ok bool, err error) {
	next, ok, err = r.nextSeat(start, t, allowed)
	if err != nil {
		return next, false, err
	}
	t.Escalated++
	if !ok {
		return next, false, r.Again(t)
	}
	t.Assignees = append(slices.Clone(t.Assignees), next.Person.ID)
	t.Level, t.Node, t.Queue = next.Node.Level, next.Node.Code, ""
	t.AddressTo(next.Person.ID, next.Node.Code)
	return next, true, r.FreshDeadlines(t, sla, next.Person)
}

// Leads are those who are told that work is overdue: who has it, else the lead
// of its queue, or the policy admins where nobody may take it.
func (r Route) Leads(t kam.Task) ([]kam.UserID, error) {
	if len(t.Assignees) > 0 {
		return t.Assignees, nil
	}
	if t.Queue == kam.QueueUnrouted {
		admins, err := r.Org.PeopleByRole(kam.PolicyAdmin)
		return IDs(admins), err
	}
	p, err := r.Lead(kam.Role(t.Queue))
	return []kam.UserID{p.ID}, err
}

// Lead is the person who leads the queue of a role: the first by id. Where
// nobody holds the role it is nobody.
func (r Route) Lead(role kam.Role) (kam.Person, error) {
	people, err := r.Org.PeopleByRole(role)
	if err != nil || len(people) == 0 {
		return kam.Person{}, err
	}
	return people[0], nil
}

// WaitingFor names, by id only, for whom a task waits, and by which post.
func WaitingFor(t kam.Task) string {
	var who []string
	for _, a := range t.Assignees {
		name := string(a)
		if post := t.Posts[a]; post != "" {
			name = kam.Note("%s (post of %s)", a, post)
		}
		who = append(who, name)
	}
	s := kam.Note("%s waits for %s", t.Kind, kam.ListOf(who))
	switch {
	case t.Queue != "" && len(who) > 0:
		s = kam.Note("%s waits for %s, queue %s", t.Kind, kam.ListOf(who), t.Queue)
	case t.Queue != "":
		s = kam.Note("%s waits for queue %s", t.Kind, t.Queue)
	}
	if t.Note != "" && t.Kind == onboarding.TaskConfirmation {
		s += "; " + t.Note
	}
	return s
}

// Reachable are those of to who can be told anything, each once.
func Reachable(to []kam.UserID) []kam.UserID {
	var out []kam.UserID
	for _, u := range to {
		if u != "" && u != kam.System && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// IDs are those of people.
func IDs(people []kam.Person) []kam.UserID {
	out := make([]kam.UserID, len(people))
	for i, p := range people {
		out[i] = p.ID
	}
	return out
}
