package activities

import (
	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// claim takes a task out of a shared queue, or gives it back. Who has claimed
// one decides it; an escalation releases it.
func (w *work) claim(d doing) error {
	t := w.Case.Task
	if t == nil || t.Queue == "" || t.Queue == kam.QueueUnrouted {
		return kam.Errorf(kam.WrongState, "the task of %s stands in no shared queue", w.Case.CaseNo).Try("see who it waits for with show")
	}
	e := d.log(kam.EventTaskClaimed)
	t.ClaimedBy = d.By
	if d.Name == onboarding.ActRelease {
		if w.Was().Task.ClaimedBy == "" {
			return kam.Errorf(kam.WrongState, "nobody has claimed the task")
		}
		e.Type, t.ClaimedBy = kam.EventTaskReleased, ""
	} else if err := onboarding.CheckSeparation(onboarding.Act{Name: onboarding.ActDecideValidation, By: d.By}, *w.Case); err != nil && t.Kind != onboarding.TaskIntervention {
		return err
	}
	w.Log(e)
	return w.UpdateTask()
}

// reevaluate has the decision computed again under the newest policy, which the
// case then keeps.
func (w *work) reevaluate(d doing) error {
	newest, _, err := w.Org.LatestPolicy()
	if err != nil {
		return err
	}
	f := w.facts()
	f.NewerPolicy = newest > w.Case.PolicyVersion
	if !f.NewerPolicy {
		return kam.Errorf(kam.WrongState, "the case has policy version %d, and no newer one is published", w.Case.PolicyVersion).Try("publish one first")
	}
	e := d.log(kam.EventReevaluated)
	e.Text = kam.Note("policy version %d to %d: %s", w.Case.PolicyVersion, newest, e.Text)
	if err := w.move(d.event, f, e); err != nil {
		return err
	}
	w.Case.PolicyVersion = newest
	return nil
}

// cancel ends a case by two persons: an operator asks, a policy_admin agrees.
// What was asked for counts as long as the case stays in its state.
func (w *work) cancel(d doing) error {
	if !onboarding.Takes(w.Case.State, onboarding.EvCancel) || w.Case.State == onboarding.NeedsIntervention && w.Case.ResumeState.AfterCommit() {
		return kam.Errorf(kam.TooLate, "the customer of %s is committed: the case can only be completed", w.Case.CaseNo).Try("retry it; request a DEACTIVATE case afterwards")
	}
	if d.Verdict == onboarding.AskCancel {
		if w.Case.CancelAskedBy != "" {
			return kam.Errorf(kam.AlreadyDecided, "%s has asked for it already", w.Case.CancelAskedBy).Try("a policy_admin agrees")
		}
		w.Case.CancelAskedBy = d.By
		w.Log(d.log(kam.EventCancelAsked))
		admins, err := w.Org.PeopleByRole(kam.PolicyAdmin)
		if err != nil {
			return err
		}
		return w.notify("cancel.asked", kam.Say("%s: %s asks to cancel it", w.Case.CaseNo, d.By), route.IDs(admins)...)
	}
	asked := w.Case.CancelAskedBy
	if asked == "" {
		return kam.Errorf(kam.WrongState, "nobody has asked to cancel %s", w.Case.CaseNo).Try("an operator asks first")
	}
	e := d.log(kam.EventCancelled)
	e.Text = kam.Note("asked by %s", asked) + "; " + e.Text
	if err := w.move(d.event, w.facts(), e); err != nil {
		return err
	}
	return w.notify("case.cancelled", kam.Say("%s was cancelled", w.Case.CaseNo), w.Case.Requester, asked)
}
