package activities

import (
	"fmt"
	"slices"
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
	who, err := w.Present(w.Case.Requester)
	if err != nil {
		return err
	}
	if who.ID == "" {
		if err := w.openTask(kam.Task{Kind: kind, Queue: kam.QueueUnrouted, Fields: fields, Note: note}, sla, who); err != nil {
			return err
		}
		return w.tellVacancies([]string{w.nobodyLeft()})
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

// lead is the person who leads the queue of a role: the first by id. Where
// nobody holds the role it is nobody.
func (w *work) lead(role kam.Role) (kam.Person, error) {
	people, err := w.PeopleByRole(role)
	if err != nil || len(people) == 0 {
		return kam.Person{}, err
	}
	return people[0], nil
}

// openTask fills in step and deadlines, stores the task and tells whom it
// waits for.
func (w *work) openTask(t kam.Task, sla policy.Wait, first kam.Person) error {
	t.Step, t.OpenedAt = w.Case.Step, w.At
	if w.highPriority() {
		t.Priority = "HIGH"
	}
	var err error
	if t.Deadlines, err = w.deadlines(sla, t.Priority != "", first); err != nil {
		return err
	}
	if t.Target, err = w.target(sla, t.Priority != "", first); err != nil {
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
	return w.tell("task.opened", fmt.Sprintf("%s: %s waits for you", w.Case.CaseNo, t.Kind), to...)
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

// deadlines turns business days into instants: reminders and escalation by the
// calendar of the first assignee, the end by the territory's (D20), or by the
// assignee's too while the case has no territory.
func (w *work) deadlines(sla policy.Wait, high bool, first kam.Person) ([]kam.Deadline, error) {
	own, err := w.calendarOf(first)
	if err != nil {
		return nil, err
	}
	home := own
	if w.Case.Territory != "" && w.Case.Territory != Unassigned {
		if home, err = w.calendarAt(w.Case.Territory); err != nil {
			return nil, err
		}
	}
	factor := w.pace(high)
	var out []kam.Deadline
	add := func(kind kam.DeadlineKind, days *kam.Dec, c kam.Calendar, factor float64) {
		if days == nil {
			return
		}
		out = append(out, kam.Deadline{Kind: kind, At: c.Add(w.At, float64(*days)/100*factor).UTC()})
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
func (w *work) pace(high bool) float64 {
	if high {
		return float64(w.pol.SLA.HighFactor) / 100
	}
	return 1
}

// target is what the stage of a task is measured against (D47): the hours that
// the policy gives, else those until it escalates, or until the manager is told;
// by the calendar of the first assignee, as reminder and escalation.
func (w *work) target(sla policy.Wait, high bool, first kam.Person) (*kam.StageTarget, error) {
	c, err := w.calendarOf(first)
	if err != nil {
		return nil, err
	}
	days, factor := sla.Escalate, w.pace(high)
	if days == nil {
		days, factor = sla.NotifyManager, 1
	}
	switch {
	case sla.Target != nil:
		return &kam.StageTarget{Hours: *sla.Target, Calendar: c.Code}, nil
	case days == nil:
		return nil, nil //nolint:nilnil // a stage without a target
	}
	until := c.Add(w.At, float64(*days)/100*factor)
	return &kam.StageTarget{Hours: kam.HoursOf(c.Between(w.At, until)), Calendar: c.Code}, nil
}

func sortDeadlines(d []kam.Deadline) {
	slices.SortStableFunc(d, func(a, b kam.Deadline) int { return a.At.Compare(b.At) })
}

// calendarOf is the calendar of the node a person works in.
func (w *work) calendarOf(p kam.Person) (kam.Calendar, error) {
	if len(p.Nodes) > 0 {
		return w.calendarAt(p.Nodes[0])
	}
	return w.calendarAt(w.Case.Territory)
}

// calendarAt is the calendar of a node, or of the nearest one above that has
// one; without any it is the default of the policy, in UTC.
func (w *work) calendarAt(node string) (kam.Calendar, error) {
	if node != "" && node != Unassigned {
		chain, err := w.Chain(node)
		if err != nil {
			return kam.Calendar{}, err
		}
		for _, n := range chain {
			if n.Calendar != "" {
				row, err := w.Calendar(n.Calendar)
				if err != nil {
					return kam.Calendar{}, err
				}
				return row.Read()
			}
		}
	}
	return kam.NewCalendar("default", "UTC", w.pol.Calendar.Hours, w.pol.Calendar.Weekend, nil)
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
	return w.tell("fault", string(w.Case.CaseNo)+" needs intervention")
}
