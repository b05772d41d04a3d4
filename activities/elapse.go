package activities

import (
	"context"
	"slices"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// DeadlinePassed carries out a deadline that passed (P5.4): a reminder, the next
// level, a notice to the manager, or the end. Silence never confirms. A deadline
// that the task no longer has changes nothing: somebody acted first.
func (a *Activities) DeadlinePassed(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	return a.stage(ctx, onboarding.StageElapse, in, func(w *work) error {
		if !route.Elapsed(w.Case.Task, in.Due, in.Now) {
			w.NoChange()
			return nil
		}
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
	w.Log(kam.AuditEvent{Type: kam.EventTaskReminded, Actor: kam.System, Text: route.WaitingFor(*t)})
	to := append(slices.Clone(t.Assignees), t.ClaimedBy)
	if t.Queue == kam.QueueUnrouted {
		var err error
		if to, err = w.Leads(*t); err != nil {
			return err
		}
	}
	return w.notify("task.reminded", kam.Say("%s: %s still waits", w.Case.CaseNo, t.Kind), to...)
}

// notifyManager sends the confirming manager a notice that the details of the
// request that he confirmed are still missing.
func (w *work) notifyManager() error {
	if err := w.UpdateTask(); err != nil {
		return err
	}
	w.Log(kam.AuditEvent{Type: kam.EventTaskReminded, Actor: kam.System, Text: kam.Note("manager told: %s", route.WaitingFor(*w.Case.Task))})
	return w.notify("task.overdue", kam.Say("%s: details are still missing", w.Case.CaseNo), w.Case.Behind(w.Case.ConfirmedBy)...)
}

// escalate brings the next level in; whoever was asked before keeps the right
// to decide. At the top, and for shared queues, it repeats daily.
func (w *work) escalate() error {
	t := w.Case.Task
	if t.Kind == onboarding.TaskConfirmation || t.Kind == onboarding.TaskEndorsement {
		return w.escalateLevel()
	}
	t.Escalated++
	if t.ClaimedBy != "" { // whoever took it had his time
		w.Log(kam.AuditEvent{Type: kam.EventTaskReleased, Actor: kam.System, Text: kam.Note("claimed by %s", t.ClaimedBy)})
		t.ClaimedBy = ""
	}
	if t.Kind != onboarding.TaskIntervention {
		if err := w.move(onboarding.EvEscalate, w.facts(), kam.AuditEvent{Type: kam.EventTaskEscalated, Actor: kam.System, Text: kam.Note("to the lead of %s", t.Queue)}); err != nil {
			return err
		}
	} else {
		w.Log(kam.AuditEvent{Type: kam.EventTaskEscalated, Actor: kam.System, Text: kam.Note("to the operator lead")})
	}
	if err := w.Again(t); err != nil {
		return err
	}
	if err := w.UpdateTask(); err != nil {
		return err
	}
	to, err := w.Leads(*t)
	if err != nil {
		return err
	}
	return w.notify("task.escalated", kam.Say("%s: %s is overdue", w.Case.CaseNo, t.Kind), to...)
}

// escalateLevel lets the next manager of the chain join.
func (w *work) escalateLevel() error {
	t := w.Case.Task
	start, _, err := w.confirmingPlace()
	if err != nil {
		return err
	}
	sla, had := w.Pol.SLA.Confirmation, t.StandIns
	if t.Kind == onboarding.TaskEndorsement {
		sla, start = w.Pol.SLA.Endorsement, w.endorsingNode()
	}
	next, ok, err := w.Raise(t, start, sla, w.allowed(t.Kind))
	if err != nil {
		return err
	}
	text := kam.Note("no further level: to all")
	if ok {
		text = kam.Note("%s joins at %s", next.Asked(), next.Node.Level)
	}
	if err := w.move(onboarding.EvEscalate, w.facts(), kam.AuditEvent{Type: kam.EventTaskEscalated, Actor: kam.System, Text: text}); err != nil {
		return err
	}
	if err := w.UpdateTask(); err != nil {
		return err
	}
	if err := w.standIn(had); err != nil {
		return err
	}
	if !ok {
		to, err := w.Leads(*t)
		if err != nil {
			return err
		}
		return w.notify("task.escalated", kam.Say("%s: %s is overdue", w.Case.CaseNo, t.Kind), to...)
	}
	return w.notify("task.escalated", kam.Say("%s: %s waits for you", w.Case.CaseNo, t.Kind), t.Assignees...)
}

func (lk *lookup) mayConfirm(u kam.UserID) error { return onboarding.MayConfirm(u, *lk.Case) }

// expire ends a case that nobody moved.
func (w *work) expire() error {
	if err := w.move(onboarding.EvExpire, w.facts(), kam.AuditEvent{Type: kam.EventExpired, Actor: kam.System}); err != nil {
		return err
	}
	return w.notify("case.expired", kam.Say("%s expired", w.Case.CaseNo), append([]kam.UserID{w.Case.Requester}, w.Case.Behind(w.Case.ConfirmedBy)...)...)
}

// lapse keeps the status before the case where nobody endorsed.
func (w *work) lapse() error {
	w.flag(onboarding.FlagEndorsementLapsed)
	w.Case.KAStatus, w.Case.Tier = w.Case.PriorStatus, w.Case.PriorTier
	return w.move(onboarding.EvLapse, w.facts(), kam.AuditEvent{Type: kam.EventEndorsementLapsed, Actor: kam.System})
}
