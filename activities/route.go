package activities

import (
	"strings"
	"time"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// enter opens the task of the human state that a move led to.
func (w *work) enter() error {
	w.Case.MissingFields = nil
	switch w.Case.State {
	case onboarding.Draft, onboarding.DataEntry:
		w.Case.MissingFields = w.missingNow()
		return w.openForRequester(onboarding.TaskDataEntry, w.Pol.SLA.DataEntry, nil, "")
	case onboarding.ChangesRequested:
		w.Case.MissingFields = append(w.missingNow(), w.missing(customer.Detail)...)
		return w.openForRequester(onboarding.TaskChanges, w.Pol.SLA.ChangesRequested, w.Case.MissingFields, "")
	case onboarding.AwaitingCompletion:
		w.Case.MissingFields = w.missing(customer.Detail)
		return w.openForRequester(onboarding.TaskCompletion, w.Pol.SLA.Completion, nil, "")
	case onboarding.ComplianceReview:
		return w.openForQueue(onboarding.TaskComplianceReview, kam.ComplianceRole, w.Pol.SLA.ComplianceReview)
	case onboarding.AwaitingConfirmation:
		return w.openConfirmation()
	case onboarding.ValidationReview:
		return w.openValidation()
	case onboarding.AwaitingEndorsement:
		return w.openEndorsement()
	default:
		return nil
	}
}

// openForRequester puts work into the requester's inbox, or his manager's
// where he has left (P2.7). Where nobody above him is left either, the policy
// admins get a notice, and Reroute searches again at each change of the
// organisation.
func (w *work) openForRequester(kind kam.TaskKind, sla policy.Wait, fields []string, note string) error {
	who, err := w.Org.ActiveOrAbove(w.Case.Requester)
	if err != nil {
		return err
	}
	if who.ID == "" {
		if err := w.openTask(kam.Task{Kind: kind, Queue: kam.QueueUnrouted, Fields: fields, Note: note}, sla, who); err != nil {
			return err
		}
		return w.notifyVacancies([]string{w.nobodyLeft()})
	}
	if err := w.handOverRequest(who); err != nil {
		return err
	}
	return w.openTask(kam.Task{Kind: kind, Assignees: []kam.UserID{who.ID}, Fields: fields, Note: note}, sla, who)
}

func (lk *lookup) nobodyLeft() string {
	return kam.Note("nobody is left for the work of %s", lk.Case.Requester)
}

// openForQueue puts work where everybody of a role sees it.
// Its hours are those of the person who leads the queue.
func (w *work) openForQueue(kind kam.TaskKind, role kam.Role, sla policy.Wait) error {
	lead, err := w.Lead(role)
	if err != nil {
		return err
	}
	return w.openTask(kam.Task{Kind: kind, Queue: string(role)}, sla, lead)
}

// openTask fills in step and deadlines and who stands in for its holders, stores
// the task and tells whom it waits for.
func (w *work) openTask(t kam.Task, sla policy.Wait, first kam.Person) (err error) {
	if t.Assignees, t.StandIns, err = w.Staff(t.Assignees, t.Kind, w.allowed(t.Kind)); err != nil {
		return err
	}
	if len(t.StandIns) > 0 && t.StandIns[0].By != first.ID {
		if first, err = w.Org.Person(t.StandIns[0].By); err != nil {
			return err
		}
	}
	t.Step, t.OpenedAt = w.Case.Step, w.At
	if w.highPriority() {
		t.Priority = "HIGH"
	}
	if err := w.Timed(&t, sla, first); err != nil {
		return err
	}
	if err := w.OpenTask(t); err != nil {
		return err
	}
	w.Log(kam.AuditEvent{Type: kam.EventTaskOpened, Actor: kam.System, Text: route.WaitingFor(*w.Case.Task)})
	if err := w.standIn(nil); err != nil {
		return err
	}
	to := without(t.Assignees, givers(t.StandIns))
	if t.Queue != "" && t.Queue != kam.QueueUnrouted {
		shared, err := w.Org.PeopleByRole(kam.Role(t.Queue))
		if err != nil {
			return err
		}
		to = route.IDs(shared) // one of them takes it
	}
	return w.tellAssignees(kam.Say("%s: %s waits for you", w.Case.CaseNo, t.Kind), to)
}

// openValidation is the task of 1.4.6s: for the stewards, then for compliance
// where only screening findings are left (D22).
func (w *work) openValidation() error {
	findings, err := w.Findings()
	if err != nil {
		return err
	}
	role := kam.ComplianceRole
	for _, f := range findings {
		review := f.Severity == kam.SeverityReview && f.WaivedBy == "" && !screeningRule(f.RuleID)
		if review || f.Severity == kam.SeverityError {
			role = kam.DataSteward
		}
	}
	return w.openForQueue(onboarding.TaskValidation, role, w.Pol.SLA.ValidationReview)
}

func screeningRule(id string) bool { return strings.HasPrefix(id, "VS") }

// openIntervention opens the task of the operators for a fault. Its escalation
// counts hours by the clock, because operators work at any hour.
func (w *work) openIntervention(note string) error {
	hours := time.Duration(float64(w.Pol.SLA.InterventionHrs) / 100 * float64(time.Hour))
	if err := w.OpenTask(kam.Task{
		Kind: onboarding.TaskIntervention, Step: w.Case.Step, Queue: string(kam.Operator), OpenedAt: w.At, Note: note,
		Deadlines: []kam.Deadline{{Kind: kam.DueEscalate, At: w.At.Add(hours)}},
	}); err != nil {
		return err
	}
	return w.notify("fault", kam.Say("%s needs intervention", w.Case.CaseNo))
}
