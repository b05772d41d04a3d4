package activities

import (
	"strings"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// confirmingSeat is the seat that the confirmation belongs to now.
func (lk *lookup) confirmingSeat() (route.Seat, bool, error) {
	node, level, err := lk.confirmingPlace()
	if err != nil {
		return route.Seat{}, false, err
	}
	chain, err := lk.Org.Chain(node)
	if err != nil {
		return route.Seat{}, false, err
	}
	if len(chain) == 0 {
		return route.Seat{Passed: []string{kam.Note("there is no node %s", node)}}, false, nil
	}
	return lk.SeatFrom(chain, level, lk.mayConfirm)
}

// confirmingPlace is where the chain of the confirming managers begins, and the
// level that must confirm. The second of two confirmations is the endorser's of
// the tier (P2.3).
func (lk *lookup) confirmingPlace() (string, kam.NodeLevel, error) {
	if lk.Case.FirstConfirmedBy == "" {
		return lk.Case.Territory, lk.confirmingLevel(), nil
	}
	k, err := lk.membership()
	if err != nil || k == nil {
		return lk.Case.Territory, lk.confirmingLevel(), err
	}
	return k.HomeNode, k.Tier.Level(), nil
}

// openConfirmation is the task of 1.1.5: for the manager of the level that the
// policy asks for, or the next one up who may decide.
func (w *work) openConfirmation() error {
	if w.Case.Territory == route.Unassigned {
		return w.openUnrouted(onboarding.TaskConfirmation, w.Pol.SLA.Confirmation, kam.Note("no assignment rule fits: territory UNASSIGNED"))
	}
	s, ok, err := w.confirmingSeat()
	if err != nil {
		return err
	}
	if !ok {
		return w.openUnrouted(onboarding.TaskConfirmation, w.Pol.SLA.Confirmation, strings.Join(s.Passed, "; "))
	}
	return w.openSeat(onboarding.TaskConfirmation, s, w.Pol.SLA.Confirmation)
}

func (w *work) openSeat(kind kam.TaskKind, s route.Seat, sla policy.Wait) error {
	two, err := w.twoConfirm(kind)
	if err != nil {
		return err
	}
	if err := w.openTask(kam.Task{
		Kind: kind, Level: s.Node.Level, Node: s.Node.Code,
		Assignees: []kam.UserID{s.Person.ID}, Posts: map[kam.UserID]string{s.Person.ID: s.Node.Code}, Note: strings.Join(append(two, s.Passed...), "; "), Fields: w.toConfirm(kind),
	}, sla, s.Person); err != nil {
		return err
	}
	return w.notifyVacancies(s.Passed)
}

// twoConfirm is the note on the task of a retirement: that of a member of a key
// account is confirmed by two persons (P2.3).
func (lk *lookup) twoConfirm(kind kam.TaskKind) ([]string, error) {
	if kind != onboarding.TaskConfirmation || lk.Case.Type != kam.Deactivate {
		return nil, nil
	}
	k, err := lk.membership()
	if err != nil || k == nil {
		return nil, err
	}
	note := kam.Note("the customer is a member of the %s key account %s: a second person confirms as well", k.Tier, k.No)
	if first := lk.Case.FirstConfirmedBy; first != "" {
		note = kam.Note("second confirmation, after %s: the customer is a member of the %s key account %s", first, k.Tier, k.No)
	}
	return []string{note}, nil
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
	admins, err := w.Org.PeopleByRole(kam.PolicyAdmin)
	if err != nil {
		return err
	}
	return w.notify("chain.gap", kam.Word(string(w.Case.CaseNo)+": "+strings.Join(passed, "; ")), route.IDs(admins)...)
}
