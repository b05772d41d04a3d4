package activities

import (
	"cmp"
	"context"
	"slices"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// HandOff is step 1.5.6: a key account is created, joined, kept, demoted or
// left, and its profile asked for (2.1); any other customer gets its coverage
// class for the next call cycle (3.1). Processes 2 and 3 take over from the rows
// and the message (D21).
func (a *Activities) HandOff(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	return a.stage(ctx, onboarding.StageHandOff, in, func(w *work) error {
		if w.Case.Type == kam.Deactivate {
			if err := w.retire(); err != nil {
				return err
			}
			return w.finish(onboarding.Deactivated)
		}
		var c classified
		scored, err := w.Fact(factClassification, &c)
		if err != nil {
			return err
		}
		if !scored { // a change of no classification input
			return w.finish(onboarding.Modified)
		}
		before, err := w.customers.Customer(w.Case.CommittedAs)
		if err != nil {
			return err
		}
		if err := w.leaveOther(c.GroupID); err != nil {
			return err
		}
		if w.Case.KAStatus == kam.KA {
			err = w.handOffKeyAccount(c)
		} else {
			err = w.handOffToCoverage(c)
		}
		if err != nil {
			return err
		}
		if c.Provisional {
			w.flag(onboarding.FlagProvisional)
		}
		return w.finish(w.outcome(c, before.Coverage))
	})
}

// finish ends the case.
func (w *work) finish(o onboarding.Outcome) error {
	w.Case.Outcome = o
	if err := w.move(onboarding.EvHandedOff, w.facts(), kam.AuditEvent{Type: kam.EventHandedOff, ReasonCode: string(o)}); err != nil {
		return err
	}
	if o == onboarding.NoChange {
		return nil // no message: nothing changed (P2.7)
	}
	return w.notify("case.completed", kam.Say("%s is done: %s", w.Case.CaseNo, o), w.Case.Requester, w.Case.OwnerID)
}

// outcome says what the case led to. A review that left status, tier and
// coverage as they were changed nothing.
func (lk *lookup) outcome(c classified, coverage string) onboarding.Outcome {
	isKA := lk.Case.KAStatus == kam.KA
	switch t := lk.Case.Type; {
	case t == kam.Modify:
		return onboarding.Modified
	case t == kam.Reclassify:
		same := lk.Case.KAStatus == lk.Case.PriorStatus && (!isKA || lk.Case.Tier == lk.Case.PriorTier)
		if same && (isKA || c.Coverage == coverage) {
			return onboarding.NoChange
		}
		return onboarding.Reclassified
	case t == kam.Reactivate && isKA:
		return onboarding.ReactivatedKA
	case t == kam.Reactivate:
		return onboarding.ReactivatedNonKA
	case isKA:
		return onboarding.AddedKA
	default:
		return onboarding.AddedNonKA
	}
}

func (w *work) handOffKeyAccount(c classified) error {
	k := customerdb.KeyAccount{
		GroupID: c.GroupID, Name: c.Name, Tier: w.Case.Tier, HomeNode: w.Case.HomeNode,
		OwnerID: w.Case.KeyAccountOwner, Members: c.Members, State: customerdb.KeyAccountActive,
	}
	existing, err := w.customers.KeyAccountOf(c.GroupID)
	if err != nil {
		return err
	}
	joined := existing != nil && existing.Tier == k.Tier
	if existing != nil {
		k.No, k.Name, k.State = existing.No, existing.Name, existing.State
		if joined {
			k.HomeNode = existing.HomeNode // also where a change was declined
		}
		if k.OwnerID == "" {
			k.OwnerID = existing.OwnerID
		}
	}
	notice := false
	if w.Case.Type == kam.Reclassify {
		if err := w.customers.ResumeCoverage(w.Case.CommittedAs); err != nil {
			return err
		}
		if notice, err = w.reviewed(c, &k); err != nil {
			return err
		}
	}
	acting := k.OwnerID == ""
	if acting {
		// Until a key account manager is named the last endorser acts (P5.4).
		k.OwnerID = w.actingOwner()
	}
	days := w.Pol.Review.KAReviewDays
	if c.Provisional {
		days = c.ReviewInDays
	}
	due := w.At.AddDate(0, 0, days)
	k.ReviewDue = &due
	if k.No, err = w.customers.SaveKeyAccount(k); err != nil {
		return err
	}
	w.Case.KeyAccountNo, w.Case.HomeNode = k.No, k.HomeNode
	switch {
	case notice:
		return w.notify("keyaccount.notice", kam.Say("%s is on notice: %s", k.No, w.Case.Headline), k.OwnerID)
	case joined && w.Case.Type == kam.Reclassify, joined && w.Case.Type == kam.Modify:
		return nil
	case joined:
		return w.notify("keyaccount.member", kam.Say("%s joined %s", w.Case.CommittedAs, k.No), k.OwnerID)
	}
	if err := w.keyAccountTasks(k, acting); err != nil {
		return err
	}
	return w.notify("keyaccount.endorsed", kam.Say("%s is a %s key account", k.No, k.Tier), k.OwnerID)
}

// reviewed keeps what a review found of an account: a failing one is on notice,
// also where its demotion was proposed and declined; a good one is not any more.
func (w *work) reviewed(c classified, k *customerdb.KeyAccount) (notice bool, err error) {
	failed := c.Change == kam.ShiftKeepOnNotice || c.Change == kam.ShiftDemote && w.Case.Tier == w.Case.PriorTier
	n := 0
	k.State = customerdb.KeyAccountActive
	if failed {
		n = c.FailedReviews
		k.State = customerdb.KeyAccountOnNotice
	}
	for _, m := range c.Members {
		if err := w.customers.SetFailedReviews(m, n); err != nil {
			return false, err
		}
	}
	return c.Change == kam.ShiftKeepOnNotice, nil
}

// retire takes a customer out of everything that goes on with it: its key
// account, its calls. An account without members has ended; one that goes on is
// due for review, because its span may have fallen (P3.5.4).
func (w *work) retire() error {
	no := w.Case.CommittedAs
	k, err := w.membership()
	if err != nil {
		return err
	}
	if k != nil {
		if err := w.leave(*k); err != nil {
			return err
		}
	}
	if err := w.customers.SetStatus(no, kam.NonKA, kam.TierNone, false, false, nil, ""); err != nil {
		return err
	}
	return w.notify("coverage.ended", kam.Say("%s is not called on any more", no), w.Case.OwnerID)
}

// leave takes the customer out of a key account.
func (w *work) leave(k customerdb.KeyAccount) error {
	no := w.Case.CommittedAs
	k.Members = slices.DeleteFunc(k.Members, func(m string) bool { return m == no })
	said := kam.Say("%s left %s", no, k.No)
	if k.ReviewDue = &w.At; len(k.Members) == 0 {
		k.State, k.EndedAs, said = customerdb.KeyAccountEnded, customerdb.EndedRetired, kam.Say("%s was the last member of %s", no, k.No)
		if err := w.customers.CloseSideTasks(k.No, "WITHDRAWN"); err != nil {
			return err
		}
	}
	if _, err := w.customers.SaveKeyAccount(k); err != nil {
		return err
	}
	return w.notify("keyaccount.left", said, k.OwnerID)
}

// leaveOther takes a customer whose group is another one now out of the account
// of the group that it was in, or of the one that it was alone: it is in one
// running account.
func (w *work) leaveOther(groupID string) error {
	k, err := w.membership()
	if err != nil || k == nil {
		return err
	}
	alone := w.Case.CommittedAs
	if cmp.Or(k.GroupID, alone) == cmp.Or(groupID, alone) {
		return nil
	}
	return w.leave(*k)
}

// endAccount closes the account of a group that is none any more. Its members
// get a call plan each, so that no customer falls between 2 and 3 (P4.1.1).
func (w *work) endAccount(c classified) error {
	k, err := w.customers.KeyAccountOf(c.GroupID)
	if err != nil || k == nil {
		return err
	}
	k.State, k.EndedAs = customerdb.KeyAccountEnded, customerdb.EndedDemoted
	if _, err := w.customers.SaveKeyAccount(*k); err != nil {
		return err
	}
	if err := w.customers.CloseSideTasks(k.No, "WITHDRAWN"); err != nil {
		return err
	}
	if err := w.customers.CoverByClass(k.Members); err != nil {
		return err
	}
	w.Case.KeyAccountNo = k.No
	return w.notify("keyaccount.demoted", kam.Say("%s is no key account any more", k.No), k.OwnerID)
}

func (lk *lookup) actingOwner() kam.UserID {
	if n := len(lk.Case.Endorsed); n > 0 {
		return lk.Case.Endorsed[n-1]
	}
	return lk.Case.OwnerID
}

// keyAccountTasks asks for the profile (2.1), and for a key account manager
// where the endorser named none.
func (w *work) keyAccountTasks(k customerdb.KeyAccount, acting bool) error {
	owner, err := w.Org.Person(k.OwnerID)
	if err != nil {
		return err
	}
	c, err := w.CalendarOf(owner)
	if err != nil {
		return err
	}
	due := c.Add(w.At, float64(w.Pol.SLA.ProfileDue)/100).UTC()
	profile := kam.Task{
		Kind: onboarding.TaskProfile, Step: "2.1", Assignees: []kam.UserID{owner.ID}, OpenedAt: w.At,
		Deadlines: []kam.Deadline{{Kind: kam.DueRemind, At: due}},
	}
	profile.StartClock(c, 0)
	if err := w.OpenSideTask(profile, k.No); err != nil {
		return err
	}
	if !acting {
		return nil
	}
	return w.askForManager(k.No, owner)
}

// askForManager asks somebody to name the key account manager of an account.
func (w *work) askForManager(no string, acting kam.Person) (err error) {
	t := kam.Task{Kind: onboarding.TaskKAMAssignment, Step: "1.5.6", Assignees: []kam.UserID{acting.ID}, OpenedAt: w.At}
	if err := w.Timed(&t, w.Pol.SLA.KAMAssignment, acting); err != nil {
		return err
	}
	return w.OpenSideTask(t, no)
}

// handOffToCoverage puts a customer on the call plan of its territory.
func (w *work) handOffToCoverage(c classified) error {
	days := c.ReviewInDays
	if days == 0 {
		days = w.Pol.Review.NonKAReviewDays
	}
	if w.Case.PriorStatus == kam.KA {
		if err := w.endAccount(c); err != nil {
			return err
		}
	}
	due := w.At.AddDate(0, 0, days)
	if err := w.customers.SetStatus(w.Case.CommittedAs, kam.NonKA, kam.TierNone, c.WatchList, c.Provisional, &due, c.Coverage); err != nil {
		return err
	}
	if w.Case.Type == kam.Reclassify {
		return w.customers.SetFailedReviews(w.Case.CommittedAs, 0)
	}
	return w.notify("coverage.assigned", kam.Say("%s is on the call plan of %s as %s", w.Case.CommittedAs, w.Case.Territory, c.Coverage), w.Case.OwnerID)
}
