package kam

// CheckSeparation applies the rules of separation of duties that the case's
// own facts decide (P5.3): SOD1 to SOD3. It is asked by the validator of the
// update and again in the transaction that stores the act.
func CheckSeparation(a Act, s Snapshot) error {
	switch a.Name {
	case ActDecideConfirmation:
		return NotOwnRequest(a.By, s)
	case ActDecideEndorsement:
		return mayEndorse(a.By, s)
	case ActDecideCompliance, ActDecideValidation:
		if a.By == s.Requester || a.By == s.OwnerID {
			return Errorf(Separation, "%s requested the case or owns the account", a.By).By("SOD3").Try("another reviewer must decide")
		}
	case ActReassign:
		if s.Task != nil && s.Task.Kind == TaskConfirmation {
			return NotOwnRequest(a.Assignee, s)
		}
		return mayEndorse(a.Assignee, s)
	}
	return nil
}

// NotOwnRequest is SOD1: who requested a case or changed its data at any time
// may not confirm it, at any level.
func NotOwnRequest(u UserID, s Snapshot) error {
	if s.Edited(u) {
		return Errorf(Separation, "%s requested the case or changed its data", u).By("SOD1").Try("another manager, or the next level, must decide")
	}
	return nil
}

// mayEndorse is SOD2: from NATIONAL on, the endorser is neither the nominator
// nor the person who confirmed, and nobody endorses twice. SOD1 does not bind
// endorsement below that.
func mayEndorse(u UserID, s Snapshot) error {
	if contains(s.Endorsed, u) {
		return Errorf(Separation, "%s has endorsed already; two persons are needed", u).By("SOD2")
	}
	if s.Tier.Rank() >= TierNational.Rank() && (u == s.Nominator || u == s.ConfirmedBy) {
		return Errorf(Separation, "%s nominated the account or confirmed the case", u).By("SOD2").Try("another manager, or the next level, must endorse")
	}
	return nil
}
