package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/kamflow/kamflow/kam"
)

// DeadlinePassed carries out a deadline that passed (P5.4): a reminder, the next
// level, a notice to the manager, or the end. Silence never confirms. A deadline
// that the task no longer has changes nothing: somebody acted first.
func (a *Activities) DeadlinePassed(ctx context.Context, in kam.StageInput) (kam.Progress, error) {
	return a.stage(ctx, kam.StageElapse, in, func(w *work) error {
		t := w.Case.Task
		if t == nil || in.Due == nil {
			w.NoChange()
			return nil
		}
		i := slices.IndexFunc(t.Deadlines, func(d kam.Deadline) bool { return d.Kind == in.Due.Kind && d.At.Equal(in.Due.At) })
		if i < 0 || in.Due.At.After(in.Now) {
			w.NoChange()
			return nil
		}
		t.Deadlines = slices.Delete(t.Deadlines, i, i+1)
		switch in.Due.Kind {
		case kam.DueRemind:
			return w.remind()
		case kam.DueNotify:
			return w.notifyManager()
		case kam.DueEscalate:
			return w.escalate()
		case kam.DueLapse:
			return w.lapse()
		default:
			return w.expire()
		}
	})
}

func (w *work) remind() error {
	t := w.Case.Task
	if err := w.UpdateTask(); err != nil {
		return err
	}
	w.Log(kam.AuditEvent{Type: kam.EventTaskReminded, Actor: kam.System, Text: waitingFor(*t)})
	to := append(slices.Clone(t.Assignees), t.ClaimedBy)
	if t.Queue == kam.QueueUnrouted {
		var err error
		if to, err = w.leads(*t); err != nil {
			return err
		}
	}
	return w.tell("task.reminded", fmt.Sprintf("%s: %s still waits", w.Case.CaseNo, t.Kind), to...)
}

// notifyManager sends the confirming manager a notice that the details of the
// request that he confirmed are still missing.
func (w *work) notifyManager() error {
	if err := w.UpdateTask(); err != nil {
		return err
	}
	w.Log(kam.AuditEvent{Type: kam.EventTaskReminded, Actor: kam.System, Text: "manager told: " + waitingFor(*w.Case.Task)})
	return w.tell("task.overdue", fmt.Sprintf("%s: details are still missing", w.Case.CaseNo), w.Case.ConfirmedBy)
}

// escalate brings the next level in; whoever was asked before keeps the right
// to decide. At the top, and for shared queues, it repeats daily.
func (w *work) escalate() error {
	t := w.Case.Task
	if t.Kind == kam.TaskConfirmation || t.Kind == kam.TaskEndorsement {
		return w.escalateLevel()
	}
	t.Escalated++
	if t.ClaimedBy != "" { // whoever took it had his time
		w.Log(kam.AuditEvent{Type: kam.EventTaskReleased, Actor: kam.System, Text: "claimed by " + string(t.ClaimedBy)})
		t.ClaimedBy = ""
	}
	if t.Kind != kam.TaskIntervention {
		if err := w.move(kam.EvEscalate, w.facts(), kam.AuditEvent{Type: kam.EventTaskEscalated, Actor: kam.System, Text: "to the lead of " + t.Queue}); err != nil {
			return err
		}
	} else {
		w.Log(kam.AuditEvent{Type: kam.EventTaskEscalated, Actor: kam.System, Text: "to the operator lead"})
	}
	if err := w.again(); err != nil {
		return err
	}
	to, err := w.leads(*t)
	if err != nil {
		return err
	}
	return w.tell("task.escalated", fmt.Sprintf("%s: %s is overdue", w.Case.CaseNo, t.Kind), to...)
}

// leads are those who are told that work is overdue: who has it, else the lead
// of its queue, or the policy admins where nobody may take it.
func (w *work) leads(t kam.Task) ([]kam.UserID, error) {
	if len(t.Assignees) > 0 {
		return t.Assignees, nil
	}
	if t.Queue == kam.QueueUnrouted {
		admins, err := w.PeopleByRole(kam.PolicyAdmin)
		return ids(admins), err
	}
	p, err := w.lead(kam.Role(t.Queue))
	return []kam.UserID{p.ID}, err
}

// again sets the daily repeat of an escalation, by the hours of whoever was
// asked last (D20): the manager of the highest level, or the lead of the queue.
// Where there is nobody it goes by the territory's.
func (w *work) again() error {
	t := w.Case.Task
	var asked kam.Person
	var err error
	if n := len(t.Assignees); n > 0 {
		asked, err = w.Person(t.Assignees[n-1])
	} else {
		asked, err = w.lead(kam.Role(t.Queue))
	}
	if err != nil {
		return err
	}
	c, err := w.calendarOf(asked)
	if err != nil {
		return err
	}
	t.Deadlines = append(t.Deadlines, kam.Deadline{Kind: kam.DueEscalate, At: c.Add(w.At, 1).UTC()})
	sortDeadlines(t.Deadlines)
	return w.UpdateTask()
}

// escalateLevel lets the next manager of the chain join.
func (w *work) escalateLevel() error {
	t := w.Case.Task
	start, _, err := w.confirmingPlace()
	if err != nil {
		return err
	}
	sla, allowed := w.pol.SLA.Confirmation, w.mayConfirm
	if t.Kind == kam.TaskEndorsement {
		sla, allowed, start = w.pol.SLA.Endorsement, w.mayEndorse, w.endorsingNode()
	}
	next, ok, err := w.nextSeat(start, t, allowed)
	if err != nil {
		return err
	}
	text := "no further level: to all"
	if ok {
		text = fmt.Sprintf("%s joins at %s", next.person.ID, next.node.Level)
	}
	if err := w.move(kam.EvEscalate, w.facts(), kam.AuditEvent{Type: kam.EventTaskEscalated, Actor: kam.System, Text: text}); err != nil {
		return err
	}
	t.Escalated++
	if !ok {
		if err := w.again(); err != nil {
			return err
		}
		to, err := w.leads(*t)
		if err != nil {
			return err
		}
		return w.tell("task.escalated", fmt.Sprintf("%s: %s is overdue", w.Case.CaseNo, t.Kind), to...)
	}
	t.Assignees = append(t.Assignees, next.person.ID)
	t.Level, t.Node, t.Queue = next.node.Level, next.node.Code, ""
	if err := w.freshDeadlines(t, sla, next.person); err != nil {
		return err
	}
	if err := w.UpdateTask(); err != nil {
		return err
	}
	return w.tell("task.escalated", fmt.Sprintf("%s: %s waits for you", w.Case.CaseNo, t.Kind), t.Assignees...)
}

// nextSeat is the first eligible manager above the levels that were asked.
func (w *work) nextSeat(node string, t *kam.Task, allowed func(kam.UserID) error) (seat, bool, error) {
	if node == "" || node == Unassigned || t.Level == kam.LevelGlobal {
		return seat{}, false, nil
	}
	chain, err := w.Chain(node)
	if err != nil {
		return seat{}, false, err
	}
	return w.seatFrom(chain, kam.NodeLevels[t.Level.Rank()+1], func(u kam.UserID) error {
		if slices.Contains(t.Assignees, u) {
			return kam.Errorf(kam.AlreadyDecided, "%s was asked already", u)
		}
		return allowed(u)
	})
}

func (w *work) mayConfirm(u kam.UserID) error { return kam.MayConfirm(u, *w.Case) }

// expire ends a case that nobody moved.
func (w *work) expire() error {
	if err := w.move(kam.EvExpire, w.facts(), kam.AuditEvent{Type: kam.EventExpired, Actor: kam.System}); err != nil {
		return err
	}
	return w.tell("case.expired", string(w.Case.CaseNo)+" expired", w.Case.Requester, w.Case.ConfirmedBy)
}

// lapse keeps the status before the case where nobody endorsed.
func (w *work) lapse() error {
	w.flag(kam.FlagEndorsementLapsed)
	w.Case.KAStatus, w.Case.Tier = w.Case.PriorStatus, w.Case.PriorTier
	return w.move(kam.EvLapse, w.facts(), kam.AuditEvent{Type: kam.EventEndorsementLapsed, Actor: kam.System})
}
