package activities

import (
	"context"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

// Decide is step 1.1.4, Determine whether to add, and 1.1.6 where the answer
// is No: hard stops from lookups, then the score, then the path of P2.6.
func (a *Activities) Decide(ctx context.Context, in kam.StageInput) (kam.Progress, error) {
	return a.stage(ctx, kam.StageDecide, in, func(w *work) error {
		s, err := w.screen()
		if err != nil {
			return err
		}
		if wait, err := w.screenFirst(s, in.Unscreened); wait || err != nil {
			return err
		}
		stops, err := w.hardStops(s)
		if err != nil {
			return err
		}
		r, err := w.pol.AddDecision(w.customer(rules.Facts{HardStops: stops}), nil)
		if err != nil {
			return err
		}
		if r, err = w.record(r, "1.1.4"); err != nil {
			return err
		}
		w.Case.Recommended = kam.Recommendation(r.Outcome)
		f := w.facts()
		f.Recommendation = w.Case.Recommended
		if err := w.move(kam.EvRecommend, f, kam.AuditEvent{Type: kam.EventDecisionComputed, ReasonCode: r.Outcome, Text: r.Headline, PayloadDigest: digest(r)}); err != nil {
			return err
		}
		if w.Case.State != kam.Rejected {
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
	return w.tell("case.rejected", string(w.Case.CaseNo)+" was rejected: "+reason, w.Case.Requester, w.Case.OwnerID)
}

// hardStops looks up what the rules cannot compute: HS1, HS2, HS5, HS6, HS7.
func (w *work) hardStops(s screening) ([]string, error) {
	var out []string
	if s.blocked {
		out = append(out, "HS1_BLOCKED_PARTY")
	}
	switch s.result {
	case kam.ScreeningConfirmed:
		out = append(out, "HS2_SANCTIONS_CONFIRMED")
	case kam.ScreeningPossible:
		out = append(out, "HS6_SANCTIONS_POSSIBLE")
	}
	if w.Case.AppealOf == "" {
		since := w.At.AddDate(0, 0, -w.pol.Process.RejectCooldownDays)
		_, again, err := w.RecentRejection(parties.Keys(w.data), since)
		if err != nil {
			return nil, err
		}
		if again {
			out = append(out, "HS5_RECENTLY_REJECTED")
		}
	}
	hold, err := w.FinanceHold(parties.Keys(w.data).Identifiers, w.data.GroupID)
	if err != nil {
		return nil, err
	}
	if hold {
		out = append(out, "HS7_FINANCE_HOLD")
	}
	return out, nil
}

// screenLocally is the default adapter of P3.4.5: CONFIRMED only on an identifier,
// POSSIBLE from the policy's similarity with equal or unknown country.
func (w *work) screenLocally() (screening, error) {
	list, err := w.BlockedParties()
	if err != nil {
		return screening{}, err
	}
	s := screening{result: kam.ScreeningClear}
	mine := parties.Keys(w.data)
	for _, b := range list {
		if sharesIdentifier(mine.Identifiers, b.Identifiers) {
			return screening{result: kam.ScreeningConfirmed, blocked: true, ref: b.Ref}, nil
		}
		if b.Country != "" && w.data.CountryCode != "" && b.Country != w.data.CountryCode {
			continue
		}
		for _, name := range append([]string{b.Name}, b.Aliases...) {
			sim := w.similarity(name)
			if sim >= 1 && b.Country == w.data.CountryCode {
				s.blocked, s.ref = true, b.Ref
			}
			if sim >= float64(w.pol.Screening.PossibleAt)/100 {
				s.result, s.ref = kam.ScreeningPossible, b.Ref
			}
		}
	}
	return s, nil
}

// similarity is the best over the party's legal and trading names.
func (w *work) similarity(name string) float64 {
	sim := rules.NameSimilarity(name, w.data.LegalName)
	for _, t := range w.data.TradingNames {
		sim = max(sim, rules.NameSimilarity(name, t))
	}
	return sim
}

func sharesIdentifier(mine []kam.Identifier, theirs []store.PartyIdentifier) bool {
	for _, m := range mine {
		for _, t := range theirs {
			if m.Scheme == t.Scheme && m.Value == rules.CheckIdentifier(t.Scheme, t.Value, "").Compact {
				return true
			}
		}
	}
	return false
}
