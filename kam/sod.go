package kam

import "slices"

// CheckSeparation applies the rules of separation of duties that the case's
// own facts decide (P5.3): SOD1 to SOD3, SOD10. It is asked by the validator of the
// update and again in the transaction that stores the act.
func CheckSeparation(a Act, s Snapshot) error {
	switch a.Name {
	case ActDecideConfirmation:
		return MayConfirm(a.By, s)
	case ActDecideEndorsement:
		return mayEndorse(a.By, s)
	case ActCancel:
		if a.Verdict == AgreeCancel && a.By == s.CancelAskedBy {
			return Errorf(Separation, "%s asked for it; a second person must agree", a.By).By("TWO_PERSONS")
		}
	case ActDecideCompliance, ActDecideValidation:
		if s.Requested(a.By) || a.By == s.OwnerID {
			return Errorf(Separation, "%s requested the case or owns the account", a.By).By("SOD3").Try("another reviewer must decide")
		}
	case ActReassign:
		if s.Task != nil && s.Task.Kind == TaskConfirmation {
			return MayConfirm(a.Assignee, s)
		}
		return mayEndorse(a.Assignee, s)
	}
	return nil
}

// MayConfirm is SOD1: who requested a case or changed its data at any time may
// not confirm it, at any level. Of two confirmations each is by another person,
// and an appeal is not decided by who rejected (SOD10).
func MayConfirm(u UserID, s Snapshot) error {
	if u == s.FirstConfirmedBy {
		return Errorf(Separation, "%s has confirmed already; two persons are needed", u).By("SOD2").Try("another manager, or the next level, must confirm too")
	}
	if s.AppealOf != "" && u == s.AppealDecider {
		return Errorf(Separation, "%s rejected case %s", u, s.AppealOf).By("SOD10").Try("another manager, one level up, must decide")
	}
	if s.Edited(u) {
		return Errorf(Separation, "%s requested the case or changed its data", u).By("SOD1").Try("another manager, or the next level, must decide")
	}
	return nil
}

// mayEndorse is SOD2: from NATIONAL on, the endorser is neither the nominator
// nor the person who confirmed, and nobody endorses twice. SOD1 does not bind
// endorsement below that.
func mayEndorse(u UserID, s Snapshot) error {
	if slices.Contains(s.Endorsed, u) {
		return Errorf(Separation, "%s has endorsed already; two persons are needed", u).By("SOD2")
	}
	if s.Tier.Rank() >= TierNational.Rank() && (u == s.Nominator || u == s.ConfirmedBy) {
		return Errorf(Separation, "%s nominated the account or confirmed the case", u).By("SOD2").Try("another manager, or the next level, must endorse")
	}
	return nil
}
