package activities

import (
	"context"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/match"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// Decide is step 1.1.4, Determine whether to add, and 1.1.6 where the answer
// is No: hard stops from lookups, then the score, then the path of P2.6.
func (a *Activities) Decide(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	return a.stage(ctx, onboarding.StageDecide, in, func(w *work) error {
		s, err := w.screen()
		if err != nil {
			return err
		}
		if wait, err := w.screenFirst(s, in.Unscreened); wait || err != nil {
			return err
		}
		if err := w.keepHits(s); err != nil {
			return err
		}
		stops, err := w.hardStops(s)
		if err != nil {
			return err
		}
		r, err := w.Pol.AddDecision(w.customer(rules.Facts{HardStops: stops}), nil)
		if err != nil {
			return err
		}
		if r, err = w.record(r, "1.1.4"); err != nil {
			return err
		}
		w.Case.Recommended = kam.Recommendation(r.Outcome)
		f := w.facts()
		f.Recommendation = w.Case.Recommended
		err = w.move(onboarding.EvRecommend, f, kam.AuditEvent{
			Type: kam.EventDecisionComputed, ReasonCode: r.Outcome, Text: r.Headline, PayloadDigest: kam.Digest(r),
		})
		if err != nil {
			return err
		}
		if w.Case.State != onboarding.Rejected {
			return w.enter()
		}
		reason := "SCORE"
		if len(r.HardStops) > 0 {
			reason = r.HardStops[0].ID
		}
		return w.rejected(kam.System, reason, r.Headline)
	})
}

// rejected is step 1.1.6 after a No: the register entry and the notice. The
// cool-down starts here; one appeal is open for the window of the policy.
func (w *work) rejected(by kam.UserID, reason, text string) error {
	w.Case.ReasonCode = reason
	w.Log(kam.AuditEvent{Type: kam.EventRejected, Actor: by, Step: "1.1.6", ReasonCode: reason, Text: text})
	return w.notify("case.rejected", kam.Say("%s was rejected: %s", w.Case.CaseNo, reason), w.Case.Requester, w.Case.OwnerID)
}

// hardStops looks up what the rules cannot compute: HS1, HS2, HS5, HS6, HS7, HS9.
func (lk *lookup) hardStops(s screening) ([]string, error) {
	var out []string
	if s.blocked {
		out = append(out, policy.StopBlockedParty)
	}
	if s.has(kam.ScreeningConfirmed) {
		out = append(out, policy.StopSanctionsConfirmed)
	}
	if s.has(kam.ScreeningPossible) {
		out = append(out, policy.StopSanctionsPossible)
	}
	if lk.Case.AppealOf == "" {
		again, err := lk.rejectedBefore()
		if err != nil {
			return nil, err
		}
		switch again {
		case match.NameSame:
			out = append(out, policy.StopRecentlyRejected)
		case match.NameLike:
			out = append(out, policy.StopLikeARejected)
		case match.NameDiffers:
		}
	}
	held, err := lk.Org.FinanceHolds(lk.data.GroupID)
	if err != nil {
		return nil, err
	}
	if held.Group || parties.HaveOne(lk.data.Identifiers, held.Identifiers) {
		out = append(out, policy.StopFinanceHold)
	}
	return out, nil
}

// rejectedBefore says how near the party comes to one that was rejected within
// the cool-down: the same by an identifier, else as far as the names go.
func (lk *lookup) rejectedBefore() (match.NameMatch, error) {
	all, err := lk.customers.RejectedLike(lk.keys(), lk.At.AddDate(0, 0, -lk.Pol.Process.RejectCooldownDays), lk.Case.CaseNo)
	if err != nil {
		return match.NameDiffers, err
	}
	best, me := match.NameDiffers, lk.screened()
	for _, r := range all {
		if r.SameIdentifier {
			return match.NameSame, nil
		}
		best = max(best, lk.Pol.Match.SameByName(me, parties.Screened(r.Party)))
	}
	return best, nil
}

// screenLocally is the default adapter of P3.4.5: our own list.
func (lk *lookup) screenLocally() (screening, error) {
	list, err := lk.Org.BlockedParties()
	if err != nil {
		return screening{}, err
	}
	var s screening
	me := lk.screened()
	for _, b := range list {
		result, blocked := lk.Pol.Match.Screen(me, parties.Entry(b))
		if blocked || result != kam.ScreeningClear {
			s.add(parties.Hit(b, result))
			s.blocked = s.blocked || blocked
		}
	}
	return s, nil
}
