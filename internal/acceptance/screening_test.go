package acceptance

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/storetest"
)

// service is a screening service that is down until somebody repairs it.
type service struct {
	up     bool
	answer kam.ScreeningAnswer
	asked  int
}

func (s *service) Screen(context.Context, kam.ScreenedParty) (kam.ScreeningAnswer, error) {
	s.asked++
	if !s.up {
		return kam.ScreeningAnswer{}, errors.New("connection refused")
	}
	return s.answer, nil
}

func (w *world) outside(answer kam.ScreeningResult, up bool) *service {
	w.under("adapter: LOCAL_LIST ", "adapter: HTTP ")
	s := &service{up: up, answer: kam.ScreeningAnswer{Result: answer}}
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
	w.screen = &service{}
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
