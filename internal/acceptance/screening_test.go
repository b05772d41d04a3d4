package acceptance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

// listService is a screening service that is down until somebody repairs it.
type listService struct {
	up     bool
	answer kam.ScreeningAnswer
	asked  int
}

func (s *listService) Screen(context.Context, kam.ScreenedParty) (kam.ScreeningAnswer, error) {
	s.asked++
	if !s.up {
		return kam.ScreeningAnswer{}, errors.New("connection refused")
	}
	return s.answer, nil
}

func (w *world) outside(answer kam.ScreeningResult, up bool) *listService {
	w.under("adapter: LOCAL_LIST ", "adapter: HTTP ")
	s := &listService{up: up, answer: kam.ScreeningAnswer{Result: answer}}
	if answer != kam.ScreeningClear {
		s.answer.Hits = []string{"EU-17"}
	}
	w.screen = s
	return s
}

func TestAC26_ServiceDownForADay(t *testing.T) {
	w := newWorld(t)
	service := w.outside(kam.ScreeningClear, false)
	s := w.onboard("rep.south", data(t, screening("Unerreichbar GmbH"), details()))
	s.expect(23*hour, kam.Deciding)
	s.at(25*hour, func(now kam.Snapshot) {
		if now.State != kam.NeedsIntervention || now.ResumeState != kam.Deciding {
			s.faults = append(s.faults, "parked after 24 hours: "+text(t, now))
		}
		if service.asked < 10 || service.asked > 300 {
			s.faults = append(s.faults, "tried with growing pauses: "+text(t, service.asked))
		}
		service.up = true
		s.send(now, "", kam.Act{Name: kam.ActRetry, By: "ops.one", Reason: "it answers again"})
	})
	s.expect(26*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(27*hour, "", confirm("theo.territory", ""))
	end := s.run()
	require.Equal(t, kam.Completed, end.State)
	require.Equal(t, 1, s.count(kam.EventFault))
	require.Equal(t, 1, s.count(kam.EventScreened), "fresh enough for the commit a few hours later")
}

func TestServiceOutsideDecides(t *testing.T) {
	for _, tt := range []struct {
		answer kam.ScreeningResult
		want   kam.State
	}{{kam.ScreeningConfirmed, kam.Rejected}, {kam.ScreeningPossible, kam.ComplianceReview}} {
		t.Run(string(tt.answer), func(t *testing.T) {
			w := newWorld(t)
			w.outside(tt.answer, true)
			s := w.onboard("rep.south", data(t, screening("Verdacht GmbH"), details()))
			if tt.want == kam.Rejected {
				require.Equal(t, "HS2_SANCTIONS_CONFIRMED", s.run().ReasonCode)
				return
			}
			s.expect(1*hour, tt.want)
			s.act(2*hour, "", kam.Act{Name: kam.ActDecideCompliance, Verdict: kam.ClearIt, By: "comp.one", Reason: "another company"})
			// Two days later it is screened again before the commit (VS03); the same hit stays cleared.
			s.act(2*day, "", confirm("theo.territory", "cleared by compliance"))
			require.Equal(t, kam.Completed, s.run().State)
			require.Equal(t, 2, s.count(kam.EventScreened))
		})
	}
}

func TestServiceDownAsAFinding(t *testing.T) {
	w := newWorld(t)
	text := "adapter: LOCAL_LIST "
	w.under(text, "adapter: HTTP ")
	require.NoError(t, storetest.PublishPolicy(t.Context(), w.db, 3, policyWith(t, "\nversion: 1\n", "\nversion: 3\n", text, "adapter: HTTP ", "when_down: INTERVENTION ", "when_down: REVIEW_FINDING ")))
	w.screen = &listService{}
	s := w.onboard("rep.south", data(t, screening("Ungeprueft GmbH"), details()))
	s.expect(25*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(26*hour, "", confirm("theo.territory", ""))
	s.expect(51*hour, kam.ValidationReview)
	s.act(52*hour, kam.Forbidden, kam.Act{Name: kam.ActDecideValidation, Verdict: kam.ClearIt, By: "stew.one", Reason: "not mine"})
	s.act(53*hour, "", kam.Act{Name: kam.ActDecideValidation, Verdict: kam.ClearIt, By: "comp.one", Reason: "screened by hand"})
	require.Equal(t, kam.Completed, s.run().State)
}

func TestWithdrawWhileTheServiceIsDown(t *testing.T) {
	w := newWorld(t)
	service := w.outside(kam.ScreeningClear, true)
	s := w.onboard("rep.south", data(t, screening("Zurueckgezogen GmbH"), details()))
	s.at(2*day, func(now kam.Snapshot) {
		service.up = false
		s.send(now, "", confirm("theo.territory", ""))
	})
	s.expect(2*day+hour, kam.Validating)
	s.act(2*day+2*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	end := s.run()
	require.Equal(t, kam.Withdrawn, end.State)
	require.Less(t, s.env.Now().Sub(monday), 3*day, "it does not wait for the service")
}

func TestNoServiceIsSetUp(t *testing.T) {
	w := newWorld(t)
	w.outside(kam.ScreeningClear, true)
	w.screen = nil
	s := w.onboard("rep.south", data(t, screening("Unkonfiguriert GmbH"), details()))
	s.expect(time.Hour, kam.NeedsIntervention)
	s.act(2*hour, "", kam.Act{Name: kam.ActCancel, Verdict: kam.AskCancel, By: "ops.one", Reason: "there will be none"})
	s.act(3*hour, "", kam.Act{Name: kam.ActCancel, Verdict: kam.AgreeCancel, By: "pol.admin"})
	require.Equal(t, kam.Cancelled, s.run().State)
}

// openFindings are what was found and nobody has accepted yet.
func (s *scene) openFindings() []string {
	v, err := s.db.Cases.View(s.t.Context(), s.no)
	if err != nil {
		s.faults = append(s.faults, err.Error())
	}
	var open []string
	for _, f := range v.Findings {
		if f.WaivedBy == "" && f.Severity != kam.SeverityWarning && f.Severity != kam.SeverityInfo {
			open = append(open, f.What())
		}
	}
	return open
}

func (s *scene) finds(after time.Duration, want ...string) {
	s.at(after, func(kam.Snapshot) {
		if got := s.openFindings(); !slices.Equal(got, want) {
			s.faults = append(s.faults, fmt.Sprintf("after %v: findings %q, not %q", after, got, want))
		}
	})
}

func clearsHits() kam.Act {
	return kam.Act{Name: kam.ActDecideCompliance, Verdict: kam.ClearIt, By: "comp.one", Reason: "another company"}
}

// listed are lines of the screening list that a party of this name may be meant
// by, each by a letter more.
func listed(name string, refs ...string) func(*accessdb.Org) {
	return func(o *accessdb.Org) {
		for i, ref := range refs {
			o.BlockedParties = append(o.BlockedParties, accessdb.BlockedParty{Ref: ref, Name: name[:len(name)-5] + strings.Repeat("s", i+1) + " GmbH", Country: "DE", List: "internal"})
		}
	}
}

// TestClearedHitHidesNoOther (D45): the list has a line more when the customer is
// to be committed. Compliance sees the new one, and that one alone.
func TestClearedHitHidesNoOther(t *testing.T) {
	w := newWorld(t, listed("Zweifelhafte Handelsgesellschaft GmbH", "BL-X"))
	s := w.complete("Zweifelhafte Handelsgesellschaft GmbH")
	s.expect(1*hour, kam.ComplianceReview)
	s.act(2*hour, "", clearsHits())
	s.at(3*hour, s.reorganise(listed("Zweifelhafte Handelsgesellschaft GmbH", "BL-W", "BL-Y")))
	s.act(4*hour, "", confirm("theo.territory", "cleared by compliance"))
	s.expect(5*hour, kam.ValidationReview)
	s.finds(5*hour, `possible hit "internal/BL-W"`, `possible hit "internal/BL-Y"`)
	s.act(6*hour, kam.Forbidden, waive("stew.one"))
	s.act(7*hour, "", waive("comp.one"))
	require.Equal(t, kam.Completed, s.run().State)
}

// TestClearedIsWhatWasShown: a line that comes while compliance looks at the
// others is not cleared with them.
func TestClearedIsWhatWasShown(t *testing.T) {
	w := newWorld(t, listed("Zweifelhafte Handelsgesellschaft GmbH", "BL-X"))
	s := w.complete("Zweifelhafte Handelsgesellschaft GmbH")
	s.at(1*hour, s.reorganise(listed("Zweifelhafte Handelsgesellschaft GmbH", "BL-X", "BL-Y")))
	s.act(2*hour, "", clearsHits())
	s.act(4*hour, "", confirm("theo.territory", "cleared by compliance"))
	s.finds(5*hour, `possible hit "internal/BL-Y"`)
	s.act(7*hour, "", waive("comp.one"))
	require.Equal(t, kam.Completed, s.run().State)
	v, err := w.db.Cases.View(t.Context(), s.no)
	require.NoError(t, err)
	require.Len(t, v.Findings, 1, "it stays, and names who accepted it")
	require.Equal(t, kam.UserID("comp.one"), v.Findings[0].WaivedBy)
}

// TestEveryHitIsShownAndClearedByItself: several lines of our own list and
// several hits of the service at once.
func TestEveryHitIsShownAndClearedByItself(t *testing.T) {
	w := newWorld(t, listed("Zweifelhafte Handelsgesellschaft GmbH", "BL-X", "BL-Y"))
	service := w.outside(kam.ScreeningPossible, true)
	service.answer.Hits = []string{"EU-17", "US-3"}
	s := w.complete("Zweifelhafte Handelsgesellschaft GmbH")
	s.at(1*hour, func(kam.Snapshot) {
		v, err := w.db.Cases.View(t.Context(), s.no)
		require.NoError(t, err)
		var ids []string
		for _, h := range v.Screened.Hits {
			ids = append(ids, h.ID())
		}
		require.Equal(t, []string{"OUTSIDE/EU-17", "OUTSIDE/US-3", "internal/BL-X", "internal/BL-Y"}, ids)
	})
	s.act(2*hour, "", clearsHits())
	// Two days later the service is asked again: one hit is gone, one is new, one
	// of the list is gone and comes back.
	s.at(3*hour, s.reorganise(func(o *accessdb.Org) { o.BlockedParties = []accessdb.BlockedParty{} }))
	s.at(2*day-hour, func(kam.Snapshot) { service.answer.Hits = []string{"US-3", "EU-18"} })
	s.at(2*day-hour/2, s.reorganise(listed("Zweifelhafte Handelsgesellschaft GmbH", "BL-X", "BL-Y")))
	s.act(2*day, "", confirm("theo.territory", "cleared by compliance"))
	s.finds(2*day+hour, `possible hit "OUTSIDE/EU-18"`)
	s.act(2*day+2*hour, "", waive("comp.one"))
	require.Equal(t, kam.Completed, s.run().State)
}

// TestClearedHitThatIsConfirmed: what was cleared was a possible hit.
func TestClearedHitThatIsConfirmed(t *testing.T) {
	w := newWorld(t)
	service := w.outside(kam.ScreeningPossible, true)
	s := w.complete("Verdacht GmbH")
	s.act(2*hour, "", clearsHits())
	s.at(2*day-hour, func(kam.Snapshot) { service.answer.Result = kam.ScreeningConfirmed })
	s.act(2*day, "", confirm("theo.territory", "cleared by compliance"))
	s.expect(2*day+hour, kam.ChangesRequested)
	s.finds(2*day+hour, `confirmed hit "OUTSIDE/EU-17"`)
	s.run()
}

// TestPossibleWithoutAReference: nobody can tell whether it is the hit that was
// cleared.
func TestPossibleWithoutAReference(t *testing.T) {
	w := newWorld(t)
	service := w.outside(kam.ScreeningPossible, true)
	service.answer.Hits = nil
	s := w.complete("Ungenannt GmbH")
	s.act(2*hour, "", clearsHits())
	s.act(2*day, "", confirm("theo.territory", "cleared by compliance"))
	s.expect(2*day+hour, kam.ValidationReview)
	s.act(2*day+2*hour, "", waive("comp.one"))
	require.Equal(t, kam.Completed, s.run().State)
}

// TestClearanceIsForTheParty: with another name it is looked at again; a change
// that leaves name, country and identifiers alone needs nobody a second time.
func TestClearanceIsForTheParty(t *testing.T) {
	w := newWorld(t, listed("Zweifelhafte Handelsgesellschaft GmbH", "BL-X"))
	s := w.complete("Zweifelhafte Handelsgesellschaft GmbH")
	s.act(2*hour, "", clearsHits())
	s.act(4*hour, "", confirm("theo.territory", "cleared by compliance"))
	no := s.run().CommittedAs
	require.NotEmpty(t, no)

	s = w.change(kam.Modify, no, "rep.south", fields{"website": "https://zweifel.example"})
	require.Equal(t, kam.Completed, s.run().State)
	require.NotContains(t, s.states(), kam.ValidationReview, "cleared is cleared")

	s = w.change(kam.Modify, no, "rep.south", fields{"trading_names": []string{"Zweifelhaft Export"}})
	s.expect(1*hour, kam.ValidationReview)
	s.finds(1*hour, `possible hit "internal/BL-X"`)
	s.act(2*hour, "", waive("comp.one"))
	require.Equal(t, kam.Completed, s.run().State)

	s = w.change(kam.Modify, no, "rep.south", fields{"phone": "+49895554433"})
	require.Equal(t, kam.Completed, s.run().State)
	require.NotContains(t, s.states(), kam.ValidationReview, "also what was accepted as a finding")
}

// TestScreenedByHandGrowsOld: that the service was down is accepted for a day, as
// any other screening is.
func TestScreenedByHandGrowsOld(t *testing.T) {
	w := newWorld(t)
	text := "adapter: LOCAL_LIST "
	w.under(text, "adapter: HTTP ")
	require.NoError(t, storetest.PublishPolicy(t.Context(), w.db, 3, policyWith(t, "\nversion: 1\n", "\nversion: 3\n", text, "adapter: HTTP ", "when_down: INTERVENTION ", "when_down: REVIEW_FINDING ")))
	service := &listService{answer: kam.ScreeningAnswer{Result: kam.ScreeningPossible, Hits: []string{"EU-17"}}}
	w.screen = service
	box := fields{"addresses": []fields{{"type": "LEGAL", "line1": "Postfach 10 20 30", "city": "München", "postal_code": "80331", "country_code": "DE"}}}
	s := w.complete("Von Hand GmbH", box)
	s.act(26*hour, "", confirm("theo.territory", ""))
	s.expect(51*hour, kam.ValidationReview)
	s.act(52*hour, "", waive("comp.one"))
	s.at(53*hour, func(kam.Snapshot) { service.up = true })
	s.act(80*hour, "", waive("stew.one"))
	s.expect(81*hour, kam.ValidationReview)
	s.finds(81*hour, `possible hit "OUTSIDE/EU-17"`)
	s.act(82*hour, "", waive("comp.one"))
	require.Equal(t, kam.Completed, s.run().State)
}

// TestCandidateThatLooksMoreCertain: who said that a similar customer is another
// one has not cleared it as the same number, which is a steward's to do.
func TestCandidateThatLooksMoreCertain(t *testing.T) {
	w := newWorld(t)
	s := w.lookAlike()
	s.expect(1*hour, kam.DuplicateReview, "rep.south")
	s.act(2*hour, "", notDuplicate(kam.ByRequester))
	s.act(3*hour, "", amend("rep.south"), data(t, identifier("VAT_EU", "DE136695976")))
	s.at(4*hour, func(now kam.Snapshot) {
		if now.State != kam.DuplicateReview || now.Task == nil || now.Task.Queue != string(kam.DataSteward) {
			s.faults = append(s.faults, "the stewards are asked: "+text(t, now))
		}
	})
	s.act(5*hour, kam.Forbidden, notDuplicate(kam.ByRequester))
	s.act(6*hour, "", notDuplicate(kam.BySteward))
	s.act(7*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	require.Equal(t, kam.Withdrawn, s.run().State)
}

// TestTwoFindingsOfOneRule: each is waived by itself, and both with one decision.
func TestTwoFindingsOfOneRule(t *testing.T) {
	w := newWorld(t)
	w.known("C-EINS", "Doppel Klinik GmbH", identifier("VAT_EU", "DE136695976"), fields{"street": "Ganz Woanders 99"})
	w.known("C-ZWEI", "Doppel Klinik GmbH", identifier("VAT_EU", "DE129273398"), fields{"street": "Nochmals Anders 7"})
	s := w.complete("Doppel Klinik GmbH")
	s.act(1*hour, "", notDuplicate(kam.ByRequester))
	s.act(2*hour, "", confirm("theo.territory", ""))
	s.at(3*hour, func(now kam.Snapshot) {
		if n := len(s.openFindings()); now.State != kam.ValidationReview || n != 2 {
			s.faults = append(s.faults, fmt.Sprintf("%d findings in %s: %q", n, now.State, s.openFindings()))
		}
	})
	s.act(4*hour, "", waive("stew.one"))
	require.Equal(t, kam.Completed, s.run().State)
}
