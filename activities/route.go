package activities

import (
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// Unassigned is the territory of a case that no assignment rule fits.
const Unassigned = "UNASSIGNED"

// enter opens the task of the human state that a move led to.
func (w *work) enter() error {
	w.Case.MissingFields = nil
	switch w.Case.State {
	case kam.Draft, kam.DataEntry:
		w.Case.MissingFields = w.missingNow()
		return w.openForRequester(kam.TaskDataEntry, w.pol.SLA.DataEntry, nil, "")
	case kam.ChangesRequested:
		w.Case.MissingFields = append(w.missingNow(), w.missing(kam.Detail)...)
		return w.openForRequester(kam.TaskChanges, w.pol.SLA.ChangesRequested, w.Case.MissingFields, "")
	case kam.AwaitingCompletion:
		w.Case.MissingFields = w.missing(kam.Detail)
		return w.openForRequester(kam.TaskCompletion, w.pol.SLA.Completion, nil, "")
	case kam.ComplianceReview:
		return w.openForQueue(kam.TaskComplianceReview, kam.ComplianceRole, w.pol.SLA.ComplianceReview)
	case kam.AwaitingConfirmation:
		return w.openConfirmation()
	case kam.ValidationReview:
		return w.openValidation()
	case kam.AwaitingEndorsement:
		return w.openEndorsement()
	default:
		return nil
	}
}

// missingNow is what the first form lacks: of a change nothing, of a retirement
// its reason.
func (w *work) missingNow() []string {
	switch {
	case w.Case.Type == kam.Deactivate && w.data.Justification == "":
		return []string{"justification"}
	case w.Case.Type == kam.Modify, w.Case.Type == kam.Deactivate:
		return nil
	}
	return w.missingForDecision()
}

// openForRequester puts work into the requester's inbox, or his manager's
// where he has left (P2.7). Where nobody above him is left either, the policy
// admins get a notice, and Reroute searches again at each change of the
// organisation.
func (w *work) openForRequester(kind kam.TaskKind, sla policy.Wait, fields []string, note string) error {
	who, err := w.ActiveOrAbove(w.Case.Requester)
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

func (w *work) nobodyLeft() string {
	return "nobody is left for the work of " + string(w.Case.Requester)
}

// openForQueue puts work where everybody of a role sees it.
// Its hours are those of the person who leads the queue.
func (w *work) openForQueue(kind kam.TaskKind, role kam.Role, sla policy.Wait) error {
	lead, err := w.lead(role)
	if err != nil {
		return err
	}
	return w.openTask(kam.Task{Kind: kind, Queue: string(role)}, sla, lead)
}

// openTask fills in step and deadlines, stores the task and tells whom it
// waits for.
func (w *work) openTask(t kam.Task, sla policy.Wait, first kam.Person) error {
	t.Step, t.OpenedAt = w.Case.Step, w.At
	if w.highPriority() {
		t.Priority = "HIGH"
	}
	if err := w.timed(&t, sla, first); err != nil {
		return err
	}
	if err := w.OpenTask(t); err != nil {
		return err
	}
	w.Log(kam.AuditEvent{Type: kam.EventTaskOpened, Actor: kam.System, Text: waitingFor(*w.Case.Task)})
	to := t.Assignees
	if t.Queue != "" && t.Queue != kam.QueueUnrouted {
		shared, err := w.PeopleByRole(kam.Role(t.Queue))
		if err != nil {
			return err
		}
		to = ids(shared) // one of them takes it
	}
	return w.notify("task.opened", kam.Say("%s: %s waits for you", w.Case.CaseNo, t.Kind), to...)
}

// waitingFor names, by id only, for whom a task waits.
func waitingFor(t kam.Task) string {
	var who []string
	for _, a := range t.Assignees {
		who = append(who, string(a))
	}
	if t.Queue != "" {
		who = append(who, "queue "+t.Queue)
	}
	s := string(t.Kind) + " waits for " + strings.Join(who, ", ")
	if t.Note != "" && t.Kind == kam.TaskConfirmation {
		s += " (" + t.Note + ")"
	}
	return s
}

// highPriority says whether the potential alone makes the case urgent (P5.4).
func (w *work) highPriority() bool {
	units, ok := w.potentialUnits()
	return ok && units >= w.pol.SLA.HighMinPotential
}

// potentialUnits is the declared potential in whole units of the base
// currency; false where unknown or not convertible.
func (w *work) potentialUnits() (kam.Dec, bool) {
	p := w.data.DeclaredPotential
	if p == nil {
		return 0, false
	}
	m, err := p.In(w.pol.BaseCurrency)
	if err != nil || m.Currency != w.pol.BaseCurrency {
		return 0, false
	}
	d, err := kam.ParseDec(m.Amount())
	return d, err == nil
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
	return w.openForQueue(kam.TaskValidation, role, w.pol.SLA.ValidationReview)
}

func screeningRule(id string) bool { return strings.HasPrefix(id, "VS") }

// openIntervention opens the task of the operators for a fault. Its escalation
// counts hours by the clock, because operators work at any hour.
func (w *work) openIntervention(note string) error {
	hours := time.Duration(float64(w.pol.SLA.InterventionHrs) / 100 * float64(time.Hour))
	if err := w.OpenTask(kam.Task{
		Kind: kam.TaskIntervention, Step: w.Case.Step, Queue: string(kam.Operator), OpenedAt: w.At, Note: note,
		Deadlines: []kam.Deadline{{Kind: kam.DueEscalate, At: w.At.Add(hours)}},
	}); err != nil {
		return err
	}
	return w.notify("fault", kam.Say("%s needs intervention", w.Case.CaseNo))
}
