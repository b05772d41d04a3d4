package onboarding

import (
	"slices"

	"github.com/kamflow/kamflow/kam"
)

// CheckSeparation applies the rules of separation of duties that the case's
// own facts decide (P5.3): SOD1 to SOD3, SOD10. Who acts in somebody's place is
// tested as himself and as the other (SOD7). It is asked by the validator of the
// update and again in the transaction that stores the act.
func CheckSeparation(a Act, s Snapshot) error {
	if err := separate(a, a.By, s); err != nil || a.OnBehalfOf == "" {
		return err
	}
	err := separate(a, a.OnBehalfOf, s)
	if e := kam.AsError(err); e != nil {
		return kam.Errorf(e.Code, "%s stands in for %s: %s", a.By, a.OnBehalfOf, e.Message()).By("SOD7").Advise(e.HowTo())
	}
	return err
}

func separate(a Act, by kam.UserID, s Snapshot) error {
	switch a.Name {
	case ActDecideConfirmation:
		return MayConfirm(by, s)
	case ActDecideEndorsement:
		return mayEndorse(by, s)
	case ActCancel:
		if a.Verdict == AgreeCancel && by == s.CancelAskedBy {
			return kam.Errorf(kam.Separation, "%s asked for it; a second person must agree", by).By("TWO_PERSONS")
		}
	case ActDecideCompliance, ActDecideValidation:
		return NotOwn(by, s)
	case ActReassign:
		if s.Task != nil && s.Task.Kind == TaskConfirmation {
			return MayConfirm(a.Assignee, s)
		}
		return mayEndorse(a.Assignee, s)
	}
	return nil
}

// NotOwn is SOD3: nobody clears what he requested himself, or owns.
func NotOwn(u kam.UserID, s Snapshot) error {
	if s.Requested(u) || u == s.OwnerID {
		return kam.Errorf(kam.Separation, "%s requested the case or owns the account", u).By("SOD3").Try("another reviewer must decide")
	}
	return nil
}

// MayConfirm is SOD1: who requested a case or changed its data at any time may
// not confirm it, at any level. Of two confirmations each is by another person,
// and an appeal is not decided by who rejected (SOD10).
func MayConfirm(u kam.UserID, s Snapshot) error {
	if s.didBy(s.FirstConfirmedBy, u) {
		return kam.Errorf(kam.Separation, "%s has confirmed already; two persons are needed", u).By("SOD2").Try("another manager, or the next level, must confirm too")
	}
	if s.AppealOf != "" && s.didBy(s.AppealDecider, u) {
		return kam.Errorf(kam.Separation, "%s rejected case %s", u, s.AppealOf).By("SOD10").Try("another manager, one level up, must decide")
	}
	if s.Edited(u) {
		return kam.Errorf(kam.Separation, "%s requested the case or changed its data", u).By("SOD1").Try("another manager, or the next level, must decide")
	}
	return nil
}

// mayEndorse is SOD2: from NATIONAL on, the endorser is neither the nominator
// nor the person who confirmed, and nobody endorses twice. SOD1 does not bind
// endorsement below that.
func mayEndorse(u kam.UserID, s Snapshot) error {
	if slices.ContainsFunc(s.Endorsed, func(one kam.UserID) bool { return s.didBy(one, u) }) {
		return kam.Errorf(kam.Separation, "%s has endorsed already; two persons are needed", u).By("SOD2")
	}
	if s.Tier.Rank() >= kam.TierNational.Rank() && (s.didBy(s.Nominator, u) || s.didBy(s.ConfirmedBy, u)) {
		return kam.Errorf(kam.Separation, "%s nominated the account or confirmed the case", u).By("SOD2").Try("another manager, or the next level, must endorse")
	}
	return nil
}
