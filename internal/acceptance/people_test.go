package acceptance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestAC12_ConfirmWithAnOldHash(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Altstand GmbH")))
	old := confirm("theo.territory", "")
	old.ExpectHash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	s.act(1*hour, kam.StaleRevision, old)
	s.expect(2*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(3*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	require.Equal(t, kam.Withdrawn, s.run().State)
}

func TestAC14_FourthSendBackIsRefused(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Hin und Her GmbH")))
	back := kam.Act{Name: kam.ActDecideConfirmation, Verdict: kam.SendBack, By: "theo.territory", ExpectHash: current, Fields: []string{"justification"}}
	for i := range 3 {
		s.act(time.Duration(2*i+1)*hour, "", back)
		s.act(time.Duration(2*i+2)*hour, "", kam.Act{Name: kam.ActSubmitData, By: "rep.south"}, data(t, fields{"justification": "Said better now, in round " + string(rune('1'+i)) + ", with more words."}))
	}
	s.act(7*hour, kam.RoundsUsed, back)
	s.act(8*hour, "", kam.Act{Name: kam.ActDecideConfirmation, Verdict: kam.RejectIt, By: "theo.territory", ExpectHash: current, ReasonCode: "NOT_STRATEGIC", Reason: "still not clear"})
	end := s.run()
	require.Equal(t, kam.Rejected, end.State)
	require.Equal(t, "NOT_STRATEGIC", end.ReasonCode)
	require.Equal(t, 3, end.Rounds)
	require.Equal(t, 3, s.count(kam.EventSentBack))
}

func TestAC15_SilenceGoesUpTheChain(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Warteraum GmbH"), details()))
	s.expect(1*hour, kam.AwaitingConfirmation, "theo.territory")
	s.expect(2*day+hour, kam.AwaitingConfirmation, "theo.territory", "rita.regional")
	// Two business days at the regional manager: Wednesday 09:00 to Friday 09:00.
	s.expect(4*day+hour, kam.AwaitingConfirmation, "theo.territory", "rita.regional", "nadja.national")
	s.act(4*day+2*hour, "", confirm("nadja.national", ""))
	end := s.run()
	require.Equal(t, kam.Completed, end.State)
	require.Equal(t, kam.UserID("nadja.national"), end.ConfirmedBy)
	require.Equal(t, 2, s.count(kam.EventTaskEscalated))
}

func TestAC16_NobodyActs(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Vergessen GmbH")))
	end := s.run()
	require.Equal(t, kam.Expired, end.State)
	require.Empty(t, end.ConfirmedBy)
	require.Zero(t, s.count(kam.EventConfirmed))
	// 30 business days from Monday 2 March, 09:00, end on Friday 10 April at close.
	last := s.events()[len(s.events())-1]
	require.Equal(t, "2026-04-10T15:00:00Z", last.At.UTC().Format(time.RFC3339))
}

func TestAC19_VacantPostGoesToTheNextLevelAtOnce(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.stuttgart", data(t, screening("Vakanz GmbH"), fields{"postal_code": "70173", "city": "Stuttgart"}))
	s.expect(1*hour, kam.AwaitingConfirmation, "rita.regional")
	s.act(2*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.stuttgart"})
	s.run()
	require.Zero(t, s.count(kam.EventTaskEscalated))
}

func TestAC20_ManagerMayNotConfirmHisOwnRequest(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("theo.territory", data(t, screening("Eigenbedarf GmbH"), details()))
	s.expect(1*hour, kam.AwaitingConfirmation, "rita.regional")
	s.act(2*hour, kam.Separation, confirm("theo.territory", ""))
	s.act(3*hour, "", confirm("rita.regional", ""))
	require.Equal(t, kam.Completed, s.run().State)
}

func TestAC20_SOD1CountsEverybodyWhoEdited(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Mitgeschrieben GmbH"), fields{"declared_potential": nil}))
	s.expect(1*hour, kam.DataEntry, "rep.south")
	s.act(2*hour, "", kam.Act{Name: kam.ActSubmitData, By: "rep.south"}, data(t, fields{"declared_potential": fields{"amount": "90000.00", "currency": "EUR"}}))
	s.act(3*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	require.Equal(t, []kam.UserID{"rep.south"}, s.run().Editors)
}

func TestAC21_SameDecisionIDIsOneDecision(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Doppelklick GmbH")))
	once := confirm("theo.territory", "")
	once.DecisionID = "click-0001"
	s.act(1*hour, "", once)
	s.at(2*hour, func(now kam.Snapshot) {
		again := once
		again.ExpectHash = now.MaterialHash
		s.send(now, "", again)
	})
	s.expect(3*hour, kam.AwaitingCompletion, "rep.south")
	s.act(4*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	s.run()
	require.Equal(t, 1, s.count(kam.EventConfirmed))
}

func TestAC22_FirstOfTwoManagersWins(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Wettlauf GmbH"), details()))
	s.at(2*day+hour, func(now kam.Snapshot) {
		s.send(now, "", confirm("theo.territory", ""))
		s.send(now, kam.AlreadyDecided, kam.Act{
			Name: kam.ActDecideConfirmation, Verdict: kam.RejectIt, By: "rita.regional", ExpectHash: current, ReasonCode: "CAPACITY", Reason: "no",
		})
	})
	end := s.run()
	require.Equal(t, kam.Completed, end.State)
	require.Equal(t, kam.UserID("theo.territory"), end.ConfirmedBy)
}

func TestAC23_DetailsAfterTheConfirmation(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Spaeter Mehr GmbH")))
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.expect(2*hour, kam.AwaitingCompletion, "rep.south")
	s.act(3*hour, "", kam.Act{Name: kam.ActSubmitDetails, By: "rep.south"}, data(t, details()))
	require.Equal(t, kam.Completed, s.run().State)
	states := s.states()
	require.Contains(t, states, kam.AwaitingCompletion)
	require.Equal(t, kam.Analyzing, states[indexOf(states, kam.AwaitingCompletion)+1])
}

func indexOf(list []kam.State, s kam.State) int {
	for i, x := range list {
		if x == s {
			return i
		}
	}
	return -1
}

func TestAC24_FormWithAWrongCheckDigitIsNotAccepted(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Pruefziffer GmbH"), fields{"declared_potential": nil, "identifiers": nil}))
	s.expect(1*hour, kam.DataEntry, "rep.south")
	rest := fields{"declared_potential": fields{"amount": "140000.00", "currency": "EUR"}}
	s.act(2*hour, kam.Invalid, kam.Act{Name: kam.ActSubmitData, By: "rep.south"}, data(t, rest, identifier("VAT_EU", "DE136695977")))
	s.act(3*hour, "", kam.Act{Name: kam.ActSubmitData, By: "rep.south"}, data(t, rest, identifier("VAT_EU", "DE136695976")))
	s.expect(4*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(5*hour, "", kam.Act{Name: kam.ActWithdraw, By: "theo.territory"})
	s.run()
	var refused *kam.AuditEvent
	for _, e := range s.events() {
		if e.Type == kam.EventDecisionRefused {
			refused = &e
		}
	}
	require.NotNil(t, refused)
	require.Contains(t, refused.Text, "VI02")
	require.Equal(t, 2, countOf(s.states(), kam.Identifying), "a new identifier is searched for")
}

func countOf(list []kam.State, s kam.State) int {
	n := 0
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}

func TestAC25_PostBoxIsWaivedByTheSteward(t *testing.T) {
	w := newWorld(t)
	box := details()
	box["addresses"] = []fields{{"type": "LEGAL", "line1": "Postfach 10 20 30", "city": "München", "postal_code": "80331", "country_code": "DE"}}
	s := w.onboard("rep.south", data(t, screening("Postfach Klinik GmbH"), box))
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.expect(2*hour, kam.ValidationReview)
	s.act(3*hour, kam.Forbidden, kam.Act{Name: kam.ActDecideValidation, Verdict: kam.ClearIt, By: "comp.one", Reason: "not mine"})
	s.act(4*hour, "", kam.Act{Name: kam.ActDecideValidation, Verdict: kam.ClearIt, By: "stew.one", Reason: "registered seat is a post box"})
	end := s.run()
	require.Equal(t, kam.Completed, end.State)
	require.True(t, end.Has(kam.FlagHasWaivers))
}

func TestAC27_WithdrawDuringAnalysis(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Rueckzieher GmbH"), details()))
	s.at(1*hour, func(now kam.Snapshot) {
		// The stages share one workflow task: the intent reaches PostgreSQL first.
		if err := w.db.Cases.WithdrawIntent(t.Context(), s.no, "rep.south", "withdraw-0001"); err != nil {
			s.faults = append(s.faults, err.Error())
		}
		s.send(now, "", confirm("theo.territory", ""))
	})
	end := s.run()
	require.Equal(t, kam.Withdrawn, end.State)
	require.Empty(t, end.CommittedAs)
	require.Contains(t, s.states(), kam.Validating)
}

func TestAC27_TooLateAfterTheCommit(t *testing.T) {
	w := newWorld(t)
	w.sells(kastelSales...)
	s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	s.expect(2*hour, kam.AwaitingEndorsement, "tom.territory")
	s.act(3*hour, kam.TooLate, kam.Act{Name: kam.ActWithdraw, By: "rep.north"})
	s.act(4*hour, "", kam.Act{Name: kam.ActDecideEndorsement, Verdict: kam.Endorse, By: "tom.territory"})
	require.Equal(t, kam.Completed, s.run().State)
}

func TestAC47_OperatorMayNotConfirm(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Technik GmbH")))
	s.act(1*hour, kam.Forbidden, confirm("ops.one", ""))
	s.act(2*hour, kam.Forbidden, confirm("nobody.known", ""))
	s.act(3*hour, kam.Forbidden, confirm("rep.south2", ""))
	s.act(4*hour, kam.Forbidden, confirm("tom.territory", "")) // manages another territory
	s.expect(5*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(6*hour, "", kam.Act{Name: kam.ActWithdraw, By: "theo.territory"})
	require.Equal(t, kam.Withdrawn, s.run().State)
	require.Equal(t, 4, s.count(kam.EventDecisionRefused))
}

func TestDataEntryInParts(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Stueckwerk GmbH"), fields{"declared_potential": nil, "strategic_fit": nil}))
	s.expect(1*hour, kam.DataEntry, "rep.south")
	s.act(15*day, "", kam.Act{Name: kam.ActSubmitData, By: "rep.south"}, data(t, fields{"strategic_fit": "FULL"}))
	s.at(15*day+hour, func(now kam.Snapshot) {
		if len(now.MissingFields) != 1 || now.MissingFields[0] != "declared_potential" {
			s.faults = append(s.faults, "missing: "+text(t, now.MissingFields))
		}
	})
	// The wait began again with the first part: day 30 is not idle.
	s.act(30*day, "", kam.Act{Name: kam.ActSubmitData, By: "rep.south"}, data(t, fields{"declared_potential": eur("140000.00")}))
	s.expect(30*day+hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(30*day+2*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	require.Equal(t, kam.Withdrawn, s.run().State)
}
