package activities

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kamflow/kamflow/activities/internal/stage"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// A Screener asks a service outside about a party (P3.4.5). An error means that
// no answer could be had; asking again is harmless.
type Screener interface {
	Screen(ctx context.Context, p customer.ScreenedParty) (customer.ScreeningAnswer, error)
}

// outside is the last answer of the service, and about whom and when. ByHand is
// who of compliance screened instead, where the service did not answer.
type outside struct {
	customer.ScreeningAnswer
	Party    string     `json:"party"`
	At       time.Time  `json:"at"`
	Provider string     `json:"provider,omitempty"`
	ByHand   kam.UserID `json:"by_hand,omitempty"`
	Reason   string     `json:"reason,omitempty"`
}

const factScreening = "screening"

// hits are what the answer found. One that names none of its hits is a hit of
// its own each time: without a reference it cannot be compared with one that was
// cleared.
func (o outside) hits(provider string) []customer.ScreeningHit {
	if o.Result == kam.ScreeningClear {
		return nil
	}
	list := cmp.Or(o.Provider, provider, customer.OutsideList)
	var all []customer.ScreeningHit
	for _, ref := range o.Hits {
		if ref = strings.TrimSpace(ref); ref != "" {
			all = append(all, customer.ScreeningHit{List: list, Ref: ref, Result: o.Result})
		}
	}
	if len(all) == 0 {
		all = append(all, customer.ScreeningHit{List: list, Ref: "answer of " + o.At.UTC().Format(time.RFC3339), Result: o.Result})
	}
	return all
}

// screening is what all lists say of a party.
type screening struct {
	party   customer.ScreenedParty
	hits    []customer.ScreeningHit // each once, CONFIRMED first
	blocked bool                    // equal normalized name and country, or an identifier
	stale   bool                    // the outside service has not been asked about this party lately
	byHand  *outside                // compliance screened instead, also where that is long ago
}

// has says whether any hit is of a kind.
func (s screening) has(r kam.ScreeningResult) bool {
	return slices.ContainsFunc(s.hits, func(h customer.ScreeningHit) bool { return h.Result == r })
}

// add joins hits with those that are there: each counts once, as the stricter.
func (s *screening) add(hits ...customer.ScreeningHit) {
	for _, h := range hits {
		i := slices.IndexFunc(s.hits, func(x customer.ScreeningHit) bool { return x.ID() == h.ID() })
		switch {
		case i < 0:
			s.hits = append(s.hits, h)
		case h.Result == kam.ScreeningConfirmed:
			s.hits[i].Result = h.Result
		}
	}
	slices.SortFunc(s.hits, func(a, b customer.ScreeningHit) int {
		return cmp.Or(strings.Compare(string(a.Result), string(b.Result)), strings.Compare(a.ID(), b.ID())) // CONFIRMED, POSSIBLE
	})
}

// screen joins our own list with the last answer of the service outside, where
// the policy names one: every hit of both counts.
func (lk *lookup) screen() (screening, error) {
	s, err := lk.screenLocally()
	s.party = parties.ForScreening(lk.data)
	if err != nil || lk.Pol.Screening.Adapter != "HTTP" {
		return s, err
	}
	var o outside
	known, err := lk.Fact(factScreening, &o)
	if err != nil {
		return s, err
	}
	if o.ByHand != "" {
		s.byHand = &o
	}
	age := lk.At.Sub(o.At)
	if !known || o.Party != kam.Digest(lk.screenedParty()) || age > time.Duration(lk.Pol.Screening.MaxAgeHours)*time.Hour {
		s.stale = true
		return s, nil
	}
	s.add(o.hits(lk.provider)...)
	return s, nil
}

// screenFirst says whether the stage must wait for the service outside. After a
// day without an answer the policy says what that means: an operator looks, or
// compliance does, who sees it as a finding.
func (w *work) screenFirst(s screening, unscreened bool) (wait bool, err error) {
	if !s.stale {
		return false, nil
	}
	by, _, err := w.screenedOnce(s)
	if err != nil {
		return false, err
	}
	switch {
	case by != "":
		return false, nil
	case !unscreened:
		w.After(onboarding.StageScreen)
		return true, nil
	case w.Pol.Screening.WhenDown == "INTERVENTION":
		return false, kam.Errorf(kam.Fault, "the screening service did not answer for a day").Try("retry the case when it does")
	}
	return false, nil
}

// screenedOnce is who of compliance accepted under an early release that the
// service did not answer: for as long as the case lasts. Since then it counts as
// a screening by hand, which grows old as any other does.
func (lk *lookup) screenedOnce(s screening) (by kam.UserID, reason string, err error) {
	if s.byHand != nil {
		return "", "", nil
	}
	given, err := lk.Waivers()
	if err != nil {
		return "", "", err
	}
	for _, f := range given {
		if f.RuleID == serviceDown {
			return f.WaivedBy, f.WaiverReason, nil
		}
	}
	return "", "", nil
}

// serviceDown is the finding that the service outside gave no answer.
const serviceDown = "VS04"

// keepHits keeps what compliance is asked about: a decision of theirs is on
// these, whatever the lists say by then.
func (w *work) keepHits(s screening) error {
	if len(s.hits) == 0 {
		return nil
	}
	return w.SaveFact(casedb.FactHits, customer.Screened{Party: s.party, At: w.At, Hits: s.hits})
}

// clearHits notes that compliance cleared the hits that it was asked about, or
// those of them that which picks, and names them.
func (w *work) clearHits(d doing, step kam.StepCode, which func(customer.ScreeningHit) bool) (names []string, err error) {
	var seen customer.Screened
	known, err := w.Fact(casedb.FactHits, &seen)
	if err != nil {
		return nil, err
	}
	if !known { // asked under a release that did not keep them
		s, err := w.screen()
		if err != nil {
			return nil, err
		}
		seen.Party, seen.Hits = s.party, s.hits
	}
	var cleared []customer.Clearance
	for _, h := range seen.Hits {
		if h.Result == kam.ScreeningPossible && which(h) {
			names = append(names, h.ID())
			cleared = append(cleared, customer.Clearance{List: h.List, Ref: h.Ref, Party: &seen.Party, Step: step, By: d.By, Reason: d.Reason, At: w.At})
		}
	}
	if len(cleared) == 0 {
		return nil, nil
	}
	return names, w.SaveClearances(cleared)
}

// screeningFacts says of each hit what compliance made of it (VS01, VS02, VS04).
// What it cleared at 1.1.4c, or in an earlier case of the customer, is no finding;
// what it accepted as a finding of this case stays one.
func (lk *lookup) screeningFacts(s screening) (*rules.ScreeningFacts, error) {
	f := &rules.ScreeningFacts{Down: s.stale || s.byHand != nil}
	switch {
	case s.byHand != nil && !s.stale:
		f.By, f.Reason = s.byHand.ByHand, s.byHand.Reason
	case s.stale:
		var err error
		if f.By, f.Reason, err = lk.screenedOnce(s); err != nil {
			return nil, err
		}
	}
	if len(s.hits) == 0 {
		return f, nil
	}
	cleared, err := lk.Clearances()
	if err != nil {
		return nil, err
	}
	for _, h := range s.hits {
		x := rules.ScreenedHit{ScreeningHit: h}
		for _, c := range cleared {
			switch {
			case !c.Covers(h, s.party):
			case c.CaseNo == lk.Case.CaseNo && c.Step == stepWaiving:
				x.By, x.Reason = c.By, c.Reason
			default:
				x.Cleared = true
			}
		}
		f.Hits = append(f.Hits, x)
	}
	return f, nil
}

// stepWaiving is where findings are waived.
const stepWaiving kam.StepCode = "1.4.6s"

// ScreenParty asks the service outside about the party of a case and keeps its
// answer. It leaves the process, so it is a normal activity: it is tried again
// for a day. It may run twice; the answer is kept once.
func (a *Activities) ScreenParty(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	if a.Screen == nil {
		return onboarding.Progress{}, stage.ToTemporal(kam.Errorf(kam.Fault, "the policy asks a screening service, and none is set up").Try("set screening.url for the worker"))
	}
	var party customer.ScreenedParty
	err := a.Store.Cases.Peek(ctx, in.CaseNo, in.Now, func(ctx context.Context, tx *casedb.Tx) error {
		w, err := a.open(tx)
		if err == nil {
			party = w.screenedParty()
		}
		return err
	})
	if err != nil {
		return onboarding.Progress{}, stage.ToTemporal(err)
	}
	answer, err := a.Screen.Screen(ctx, party)
	if err != nil {
		return onboarding.Progress{}, stage.ToTemporal(err)
	}
	return a.stage(ctx, onboarding.StageScreen, in, func(w *work) error {
		if err := w.SaveFact(factScreening, outside{ScreeningAnswer: answer, Party: kam.Digest(party), At: w.At, Provider: a.Provider}); err != nil {
			return err
		}
		w.Log(kam.AuditEvent{Type: kam.EventScreened, Actor: kam.System, Step: "1.4.6", ReasonCode: string(answer.Result), Text: stage.Counted(len(answer.Hits), "1 hit", "%d hits")})
		return nil
	})
}
