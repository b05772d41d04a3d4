package activities

import (
	"context"
	"fmt"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// HandOff is step 1.5.6: a key account is created or joined and its profile
// asked for (2.1); any other customer gets its coverage class for the next
// call cycle (3.1). Processes 2 and 3 take over from the rows and the message
// (D21).
func (a *Activities) HandOff(ctx context.Context, in kam.StageInput) (kam.Progress, error) {
	return a.stage(ctx, kam.StageHandOff, in, func(w *work) error {
		var c classified
		if _, err := w.Fact(factClassification, &c); err != nil {
			return err
		}
		var err error
		if w.Case.KAStatus == kam.KA {
			err = w.handOffKeyAccount(c)
		} else {
			err = w.handOffToCoverage(c)
		}
		if err != nil {
			return err
		}
		if c.Provisional {
			w.flag(kam.FlagProvisional)
		}
		w.Case.Outcome = outcomeOf(w.Case.Type, w.Case.KAStatus)
		if err := w.move(kam.EvHandedOff, w.facts(), kam.AuditEvent{Type: kam.EventHandedOff, ReasonCode: string(w.Case.Outcome)}); err != nil {
			return err
		}
		return w.tell("case.completed", fmt.Sprintf("%s is done: %s", w.Case.CaseNo, w.Case.Outcome), w.Case.Requester, w.Case.OwnerID)
	})
}

func outcomeOf(t kam.CaseType, s kam.KAStatus) kam.Outcome {
	switch {
	case t == kam.Reactivate && s == kam.KA:
		return kam.ReactivatedKA
	case t == kam.Reactivate:
		return kam.ReactivatedNonKA
	case s == kam.KA:
		return kam.AddedKA
	default:
		return kam.AddedNonKA
	}
}

func (w *work) handOffKeyAccount(c classified) error {
	k := store.KeyAccount{
		GroupID: c.GroupID, Name: c.Name, Tier: w.Case.Tier, HomeNode: w.Case.HomeNode,
		OwnerID: w.Case.KeyAccountOwner, Members: c.Members,
	}
	existing, err := w.KeyAccountOf(c.GroupID)
	if err != nil {
		return err
	}
	joined := existing != nil && existing.Tier == k.Tier
	if existing != nil {
		k.No, k.Name = existing.No, existing.Name
		if joined {
			k.HomeNode = existing.HomeNode // also where a change was declined
		}
		if k.OwnerID == "" {
			k.OwnerID = existing.OwnerID
		}
	}
	acting := k.OwnerID == ""
	if acting {
		// Until a key account manager is named the last endorser acts (P5.4).
		k.OwnerID = w.actingOwner()
	}
	days := w.pol.Review.KAReviewDays
	if c.Provisional {
		days = c.ReviewInDays
	}
	due := w.At.AddDate(0, 0, days)
	k.ReviewDue = &due
	if k.No, err = w.SaveKeyAccount(k); err != nil {
		return err
	}
	w.Case.KeyAccountNo, w.Case.HomeNode = k.No, k.HomeNode
	if joined {
		return w.tell("keyaccount.member", fmt.Sprintf("%s joined %s", w.Case.CommittedAs, k.No), k.OwnerID)
	}
	if err := w.keyAccountTasks(k, acting); err != nil {
		return err
	}
	return w.tell("keyaccount.endorsed", fmt.Sprintf("%s is a %s key account", k.No, k.Tier), k.OwnerID)
}

func (w *work) actingOwner() kam.UserID {
	if n := len(w.Case.Endorsed); n > 0 {
		return w.Case.Endorsed[n-1]
	}
	return w.Case.OwnerID
}

// keyAccountTasks asks for the profile (2.1), and for a key account manager
// where the endorser named none.
func (w *work) keyAccountTasks(k store.KeyAccount, acting bool) error {
	owner, err := w.Person(k.OwnerID)
	if err != nil {
		return err
	}
	c, err := w.calendarOf(owner)
	if err != nil {
		return err
	}
	due := c.Add(w.At, float64(w.pol.SLA.ProfileDue)/100).UTC()
	profile := kam.Task{
		Kind: kam.TaskProfile, Step: "2.1", Assignees: []kam.UserID{owner.ID}, OpenedAt: w.At,
		Deadlines: []kam.Deadline{{Kind: kam.DueRemind, At: due}},
	}
	if err := w.OpenSideTask(profile, k.No); err != nil {
		return err
	}
	if !acting {
		return nil
	}
	deadlines, err := w.deadlines(w.pol.SLA.KAMAssignment, false, owner)
	if err != nil {
		return err
	}
	return w.OpenSideTask(kam.Task{
		Kind: kam.TaskKAMAssignment, Step: "1.5.6", Assignees: []kam.UserID{owner.ID}, OpenedAt: w.At, Deadlines: deadlines,
	}, k.No)
}

// handOffToCoverage puts a customer on the call plan of its territory.
func (w *work) handOffToCoverage(c classified) error {
	days := c.ReviewInDays
	if days == 0 {
		days = w.pol.Review.NonKAReviewDays
	}
	due := w.At.AddDate(0, 0, days)
	if err := w.SetCustomerStatus(w.Case.CommittedAs, kam.NonKA, kam.TierNone, c.WatchList, c.Provisional, &due, c.Coverage); err != nil {
		return err
	}
	return w.tell("coverage.assigned", fmt.Sprintf("%s is on the call plan of %s as %s", w.Case.CommittedAs, w.Case.Territory, c.Coverage), w.Case.OwnerID)
}
