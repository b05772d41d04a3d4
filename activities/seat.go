package activities

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/store"
)

// A route finds whom a task waits for, and until when, in one transaction: of a
// case, or of a scope of an import.
type route struct {
	tx  *store.Tx
	pol *rules.Set
	// home is the node that the subject of the task belongs to now; empty where
	// it has none.
	home func() string
}

// A seat is a management post that a task may go to.
type seat struct {
	node   kam.TerritoryNode
	person kam.Person
	passed []string // why posts below were passed over
}

// seatFrom finds the first eligible manager from a level upward along the
// chain: vacant posts, leavers, the absent and whoever separation of duties
// excludes are passed over (P2.7). ok is false where the whole chain has
// nobody.
func (r route) seatFrom(chain []kam.TerritoryNode, level kam.NodeLevel, allowed func(kam.UserID) error) (seat, bool, error) {
	var s seat
	for _, n := range chain {
		if n.Level.Rank() < level.Rank() {
			continue
		}
		if n.ManagerID == "" {
			s.passed = append(s.passed, "post of "+n.Code+" is vacant")
			continue
		}
		p, err := r.tx.Person(n.ManagerID)
		if err != nil {
			return s, false, err
		}
		away, err := r.away(p)
		if err != nil {
			return s, false, err
		}
		switch refusal := allowed(p.ID); {
		case !p.Active:
			s.passed = append(s.passed, string(p.ID)+" has left")
		case away:
			s.passed = append(s.passed, string(p.ID)+" is absent")
		case refusal != nil:
			s.passed = append(s.passed, string(p.ID)+" excluded by "+kam.AsError(refusal).Rule)
		default:
			s.node, s.person = n, p
			return s, true, nil
		}
	}
	return s, false, nil
}

// away says whether a person is absent today, where he works.
func (r route) away(p kam.Person) (bool, error) {
	c, err := r.calendarOf(p)
	if err != nil {
		return false, err
	}
	return r.tx.Absent(p.ID, r.tx.At.In(c.Location)), nil
}

// nextSeat is the first eligible manager above the levels that were asked.
func (r route) nextSeat(node string, t *kam.Task, allowed func(kam.UserID) error) (seat, bool, error) {
	if node == "" || node == Unassigned || t.Level == kam.LevelGlobal {
		return seat{}, false, nil
	}
	chain, err := r.tx.Chain(node)
	if err != nil {
		return seat{}, false, err
	}
	return r.seatFrom(chain, kam.NodeLevels[t.Level.Rank()+1], func(u kam.UserID) error {
		if slices.Contains(t.Assignees, u) {
			return kam.Errorf(kam.AlreadyDecided, "%s was asked already", u)
		}
		return allowed(u)
	})
}

// raise lets the next manager of the chain join a task that nobody decided:
// whoever was asked before keeps the right to decide. At the top ok is false,
// and the escalation comes again every day.
func (r route) raise(t *kam.Task, start string, sla policy.Wait, allowed func(kam.UserID) error) (next seat, ok bool, err error) {
	next, ok, err = r.nextSeat(start, t, allowed)
	if err != nil {
		return next, false, err
	}
	t.Escalated++
	if !ok {
		return next, false, r.again(t)
	}
	t.Assignees = append(slices.Clone(t.Assignees), next.person.ID)
	t.Level, t.Node, t.Queue = next.node.Level, next.node.Code, ""
	return next, true, r.freshDeadlines(t, sla, next.person)
}

// leads are those who are told that work is overdue: who has it, else the lead
// of its queue, or the policy admins where nobody may take it.
func (r route) leads(t kam.Task) ([]kam.UserID, error) {
	if len(t.Assignees) > 0 {
		return t.Assignees, nil
	}
	if t.Queue == kam.QueueUnrouted {
		admins, err := r.tx.PeopleByRole(kam.PolicyAdmin)
		return ids(admins), err
	}
	p, err := r.lead(kam.Role(t.Queue))
	return []kam.UserID{p.ID}, err
}

// lead is the person who leads the queue of a role: the first by id. Where
// nobody holds the role it is nobody.
func (r route) lead(role kam.Role) (kam.Person, error) {
	people, err := r.tx.PeopleByRole(role)
	if err != nil || len(people) == 0 {
		return kam.Person{}, err
	}
	return people[0], nil
}

// confirmingSeat is the seat that the confirmation belongs to now.
func (w *work) confirmingSeat() (seat, bool, error) {
	node, level, err := w.confirmingPlace()
	if err != nil {
		return seat{}, false, err
	}
	chain, err := w.Chain(node)
	if err != nil {
		return seat{}, false, err
	}
	if len(chain) == 0 {
		return seat{passed: []string{"there is no node " + node}}, false, nil
	}
	return w.seatFrom(chain, level, w.mayConfirm)
}

// confirmingPlace is where the chain of the confirming managers begins, and the
// level that must confirm. The second of two confirmations is the endorser's of
// the tier (P2.3).
func (w *work) confirmingPlace() (string, kam.NodeLevel, error) {
	if w.Case.FirstConfirmedBy == "" {
		return w.Case.Territory, w.confirmingLevel(), nil
	}
	k, err := w.membership()
	if err != nil || k == nil {
		return w.Case.Territory, w.confirmingLevel(), err
	}
	return k.HomeNode, k.Tier.Level(), nil
}

// openConfirmation is the task of 1.1.5: for the manager of the level that the
// policy asks for, or the next one up who may decide.
func (w *work) openConfirmation() error {
	if w.Case.Territory == Unassigned {
		return w.openUnrouted(kam.TaskConfirmation, w.pol.SLA.Confirmation, "no assignment rule fits: territory UNASSIGNED")
	}
	s, ok, err := w.confirmingSeat()
	if err != nil {
		return err
	}
	if !ok {
		return w.openUnrouted(kam.TaskConfirmation, w.pol.SLA.Confirmation, strings.Join(s.passed, "; "))
	}
	return w.openSeat(kam.TaskConfirmation, s, w.pol.SLA.Confirmation)
}

func (w *work) openSeat(kind kam.TaskKind, s seat, sla policy.Wait) error {
	two, err := w.twoConfirm(kind)
	if err != nil {
		return err
	}
	if err := w.openTask(kam.Task{
		Kind: kind, Level: s.node.Level, Node: s.node.Code,
		Assignees: []kam.UserID{s.person.ID}, Note: strings.Join(append(two, s.passed...), "; "), Fields: w.toConfirm(kind),
	}, sla, s.person); err != nil {
		return err
	}
	return w.notifyVacancies(s.passed)
}

// twoConfirm is the note on the task of a retirement: that of a member of a key
// account is confirmed by two persons (P2.3).
func (w *work) twoConfirm(kind kam.TaskKind) ([]string, error) {
	if kind != kam.TaskConfirmation || w.Case.Type != kam.Deactivate {
		return nil, nil
	}
	k, err := w.membership()
	if err != nil || k == nil {
		return nil, err
	}
	note := fmt.Sprintf("the customer is a member of the %s key account %s: a second person confirms as well", k.Tier, k.No)
	if first := w.Case.FirstConfirmedBy; first != "" {
		note = fmt.Sprintf("second confirmation, after %s: the customer is a member of the %s key account %s", first, k.Tier, k.No)
	}
	return []string{note}, nil
}

// toConfirm names the fields that a change asks a manager to confirm; their
// values stand in the revisions.
func (w *work) toConfirm(kind kam.TaskKind) []string {
	if kind != kam.TaskConfirmation || w.Case.Type != kam.Modify {
		return nil
	}
	return w.changed(material)
}

// openUnrouted keeps a task that nobody may take where the policy admins see
// it every day (P2.7).
func (w *work) openUnrouted(kind kam.TaskKind, sla policy.Wait, why string) error {
	sla.Escalate = daily(sla.Escalate)
	if err := w.openTask(kam.Task{Kind: kind, Level: kam.LevelGlobal, Queue: kam.QueueUnrouted, Note: why}, sla, kam.Person{}); err != nil {
		return err
	}
	return w.notifyVacancies([]string{why})
}

// daily is an escalation after one business day, where there is one at all.
func daily(d *kam.Dec) *kam.Dec {
	if d == nil {
		return nil
	}
	one := kam.DecFromInt(1)
	return &one
}

func (w *work) notifyVacancies(passed []string) error {
	if len(passed) == 0 {
		return nil
	}
	admins, err := w.PeopleByRole(kam.PolicyAdmin)
	if err != nil {
		return err
	}
	return w.notify("chain.gap", kam.Say("%s: %s", w.Case.CaseNo, strings.Join(passed, "; ")), ids(admins)...)
}

// confirmingLevel is the level that must confirm, by potential (P3.9); an
// appeal goes at least one level up.
func (w *work) confirmingLevel() kam.NodeLevel {
	units, _ := w.potentialUnits()
	level := w.pol.ConfirmLevel(units)
	if w.Case.AppealLevel.Rank() > level.Rank() {
		return w.Case.AppealLevel
	}
	return level
}
