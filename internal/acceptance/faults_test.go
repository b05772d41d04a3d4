package acceptance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestFaultIsParkedAndRetried: facts in two currencies do not add up. No retry
// cures that; an operator does.
func TestFaultIsParkedAndRetried(t *testing.T) {
	w := newWorld(t)
	facts := sales("KASTEL", 88_000, 33, nil)
	foreign := facts
	foreign.Month, foreign.Currency = "2026-01", "USD"
	w.sells(facts, foreign)
	s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	s.expect(2*hour, onboarding.NeedsIntervention)
	s.act(3*hour, kam.Forbidden, onboarding.Act{Name: onboarding.ActRetry, By: "tom.territory"})
	s.at(8*hour, func(now onboarding.Snapshot) {
		if now.ResumeState != onboarding.Analyzing || now.Task == nil || now.Task.Escalated != 1 {
			s.faults = append(s.faults, "four clock hours pass without escalation: "+text(t, now.Task))
		}
		foreign.Currency = "EUR"
		if err := w.db.Customers.LoadSales(t.Context(), storetest.Act(), []customerdb.SalesFact{foreign}); err != nil {
			s.faults = append(s.faults, err.Error())
		}
		s.send(now, "", onboarding.Act{Name: onboarding.ActRetry, By: "ops.one", Reason: "the January row had the wrong currency"})
	})
	s.act(9*hour, "", endorse("tom.territory"))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, 1, s.count(kam.EventFault))
	require.Equal(t, 1, s.count(kam.EventRetried))
}

// TestSignalsTakeTheSamePath: a decision by signal counts, one that may not
// count is on record and changes nothing (D7).
func TestSignalsTakeTheSamePath(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Funkspruch GmbH"), details()))
	signal := func(by kam.UserID, id string) func(onboarding.Snapshot) {
		return func(now onboarding.Snapshot) {
			a := confirm(by, "")
			a.DecisionID, a.ExpectHash = id, now.MaterialHash
			s.env.SignalWorkflow(string(a.Name), s.signs(a))
		}
	}
	s.at(1*hour, signal("rep.south", "signal-own-request"))
	s.at(2*hour, signal("tom.territory", "signal-elsewhere"))
	s.expect(3*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.at(4*hour, func(onboarding.Snapshot) {
		s.env.SignalWorkflow(string(onboarding.ActDecideConfirmation), "not an act")
	})
	s.at(5*hour, signal("theo.territory", "signal-manager-1"))
	s.at(5*hour, signal("theo.territory", "signal-manager-1"))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, kam.UserID("theo.territory"), end.ConfirmedBy)
	require.Equal(t, 2, s.count(kam.EventDecisionRefused))
	require.Equal(t, 1, s.count(kam.EventConfirmed))
}

// TestReassignAndComment: the task moves to an eligible person only.
func TestReassignAndComment(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Weitergabe GmbH"), details()))
	move := func(to kam.UserID) onboarding.Act {
		return onboarding.Act{Name: onboarding.ActReassign, By: "theo.territory", Assignee: to, Reason: "on a fair next week"}
	}
	s.act(1*hour, kam.Separation, move("rep.south"))
	s.act(2*hour, kam.Forbidden, move("kam.one"))
	s.act(3*hour, kam.Invalid, move("nobody.known"))
	s.act(4*hour, "", move("rita.regional"))
	s.act(5*hour, "", onboarding.Act{Name: onboarding.ActComment, By: "rita.regional", Reason: "I look at it today."})
	s.expect(6*hour, onboarding.AwaitingConfirmation, "rita.regional")
	s.act(7*hour, "", confirm("rita.regional", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, 1, s.count(kam.EventTaskReassigned))
	require.Equal(t, 1, s.count(kam.EventCommented))
}

// TestEndorsementLapses: silence keeps the status before the case.
func TestEndorsementLapses(t *testing.T) {
	w := newWorld(t)
	w.sells(kastelSales...)
	s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, onboarding.AddedNonKA, end.Outcome)
	require.True(t, end.Has(onboarding.FlagEndorsementLapsed))
	require.Equal(t, kam.NonKA, end.KAStatus)
}

// TestAmendmentVoidsTheConfirmation: a material field that changes after the
// confirmation sends the case back to the decision.
func TestAmendmentVoidsTheConfirmation(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Nachtrag GmbH")))
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.expect(2*hour, onboarding.AwaitingCompletion, "rep.south")
	s.act(3*hour, "", onboarding.Act{Name: onboarding.ActAmendMaterial, By: "rep.south"}, data(t, fields{"declared_potential": eur("600000.00")}))
	s.at(4*hour, func(now onboarding.Snapshot) {
		if now.State != onboarding.AwaitingConfirmation || now.ConfirmedBy != "" || now.Task.Level != kam.LevelRegion || now.Task.Priority != "HIGH" {
			s.faults = append(s.faults, text(t, now))
		}
	})
	s.act(5*hour, "", confirm("rita.regional", ""))
	s.act(6*hour, "", onboarding.Act{Name: onboarding.ActSubmitDetails, By: "rep.south"}, data(t, details()))
	s.at(7*hour, func(now onboarding.Snapshot) {
		if now.State == onboarding.AwaitingEndorsement {
			s.send(now, "", onboarding.Act{Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Decline, By: now.Task.Assignees[0], Reason: "too early"})
		}
	})
	require.Equal(t, onboarding.Completed, s.run().State)
}
