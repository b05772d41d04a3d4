package acceptance

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

// eve is noon on the 23rd of December in Berlin. Until the middle of January
// the working days are 24, 28, 29, 30, 31, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15.
const eve = "2026-12-23T11:00:00Z"

// TestEveryWaitOverTheTurnOfTheYear: the deadlines of each kind of task that
// opens on the 23rd of December at noon (P5.4).
func TestEveryWaitOverTheTurnOfTheYear(t *testing.T) {
	w := newWorld(t, holidays)
	at := instant(t, eve)
	ends := func(s *scene, at string) {
		t.Helper()
		require.Equal(t, kam.Expired, s.run().State)
		all := s.silence()
		require.Equal(t, "expired "+at, all[len(all)-1])
	}

	draft := w.onboardAt(at, "rep.south", data(t, screening("Entwurf GmbH"), fields{"source_channel": nil, "identifiers": nil}))
	draft.expect(1*hour, kam.Draft)
	draft.deadlines(1*hour, "REMIND 2026-12-28T11:00:00Z", "EXPIRE 2027-01-22T11:00:00Z")
	ends(draft, "2027-01-22T11:00:00Z")

	entry := w.onboardAt(at, "rep.south", data(t, screening("Dateneingabe GmbH"), fields{"declared_potential": nil, "identifiers": nil}))
	entry.expect(1*hour, kam.DataEntry)
	entry.deadlines(1*hour, "REMIND 2026-12-28T11:00:00Z", "EXPIRE 2027-01-22T11:00:00Z")
	ends(entry, "2027-01-22T11:00:00Z")

	compliance := w.onboardAt(at, "rep.south", data(t, screening("Schattenhandel Exporte GmbH"), fields{"identifiers": nil}))
	compliance.expect(1*hour, kam.ComplianceReview)
	compliance.deadlines(1*hour, "REMIND 2026-12-24T11:00:00Z", "ESCALATE 2026-12-29T11:00:00Z", "EXPIRE 2027-02-05T11:00:00Z")
	ends(compliance, "2027-02-05T11:00:00Z")

	// An hour later the details are asked for, and the sent-back data.
	completion := w.onboardAt(at, "rep.south", data(t, screening("Einzelheiten GmbH"), fields{"identifiers": nil}))
	completion.act(1*hour, "", confirm("theo.territory", ""))
	completion.expect(2*hour, kam.AwaitingCompletion)
	completion.deadlines(2*hour, "REMIND 2026-12-28T12:00:00Z", "NOTIFY_MANAGER 2026-12-31T12:00:00Z", "EXPIRE 2027-01-22T12:00:00Z")
	ends(completion, "2027-01-22T12:00:00Z")

	changes := w.onboardAt(at, "rep.south", data(t, screening("Nachbesserung GmbH"), fields{"identifiers": nil}))
	changes.act(1*hour, "", kam.Act{Name: kam.ActDecideConfirmation, Verdict: kam.SendBack, By: "theo.territory", ExpectHash: current, Fields: []string{"justification"}})
	changes.expect(2*hour, kam.ChangesRequested)
	changes.deadlines(2*hour, "REMIND 2026-12-28T12:00:00Z", "EXPIRE 2027-01-22T12:00:00Z")
	ends(changes, "2027-01-22T12:00:00Z")

	box := details()
	box["addresses"] = []fields{{"type": "LEGAL", "line1": "Postfach 10 20 30", "city": "München", "postal_code": "80331", "country_code": "DE"}}
	review := w.onboardAt(at, "rep.south", data(t, screening("Postfach Klinik GmbH"), box))
	review.act(1*hour, "", confirm("theo.territory", ""))
	review.expect(2*hour, kam.ValidationReview)
	review.deadlines(2*hour, "REMIND 2026-12-24T12:00:00Z", "ESCALATE 2026-12-28T12:00:00Z", "EXPIRE 2027-02-05T12:00:00Z")
	ends(review, "2027-02-05T12:00:00Z")
}

// TestEndorsementLapsesOverTheTurnOfTheYear: five business days a level, thirty
// to the end, and the status stays.
func TestEndorsementLapsesOverTheTurnOfTheYear(t *testing.T) {
	w := newWorld(t, holidays)
	at := instant(t, eve)
	fact := kastelSales[0]
	fact.Month, fact.LastOrderDate = "2026-11", "2026-11-18"
	require.NoError(t, w.db.Customers.LoadSales(t.Context(), storetest.Act(), []customerdb.SalesFact{fact}))
	_, err := w.db.Customers.RebuildABC(t.Context(), at)
	require.NoError(t, err)
	s := w.onboardAt(at, "rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	s.expect(2*hour, kam.AwaitingEndorsement, "tom.territory")
	s.deadlines(2*hour, "REMIND 2026-12-28T12:00:00Z", "ESCALATE 2026-12-31T12:00:00Z", "LAPSE 2027-02-05T12:00:00Z")
	end := s.run()
	require.Equal(t, kam.Completed, end.State)
	require.True(t, end.Has(kam.FlagEndorsementLapsed))
	require.Equal(t, kam.NonKA, end.KAStatus)
	got := s.silence()
	require.Equal(t, []string{
		"reminded 2026-12-28T12:00:00Z", "escalated 2026-12-31T12:00:00Z",
		"reminded 2027-01-05T12:00:00Z", "escalated 2027-01-08T12:00:00Z", // the region: the first of January is free
		"reminded 2027-01-12T12:00:00Z", "escalated 2027-01-15T12:00:00Z", // the country
		"reminded 2027-01-19T12:00:00Z", "escalated 2027-01-22T12:00:00Z", // the globe; then daily
	}, got[:8])
	require.Equal(t, append(daily("12:00:00Z", "2027-01-25", "2027-01-26", "2027-01-27", "2027-01-28", "2027-01-29",
		"2027-02-01", "2027-02-02", "2027-02-03", "2027-02-04"), "lapsed 2027-02-05T12:00:00Z"), got[8:])
}

// TestInterventionCountsClockHoursOverTheChange: machines have no office hours,
// and four hours are four hours in the night in which one comes twice.
func TestInterventionCountsClockHoursOverTheChange(t *testing.T) {
	w := newWorld(t, holidays)
	facts := sales("KASTEL", 88_000, 33, nil)
	foreign := facts
	foreign.Month, foreign.Currency = "2026-01", "USD"
	w.sells(facts, foreign)
	s := w.onboardAt(instant(t, "2026-10-24T22:00:00Z"), "rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", "at one in the night"))
	s.expect(2*hour, kam.NeedsIntervention)
	s.deadlines(2*hour, "ESCALATE 2026-10-25T03:00:00Z") // 01:00 in summer to 04:00 in winter
	s.at(6*hour, func(now kam.Snapshot) {
		if got := s.silence(); fmt.Sprint(got) != "[escalated 2026-10-25T03:00:00Z]" {
			s.faults = append(s.faults, fmt.Sprint(got))
		}
		foreign.Currency = "EUR"
		if err := w.db.Customers.LoadSales(t.Context(), storetest.Act(), []customerdb.SalesFact{foreign}); err != nil {
			s.faults = append(s.faults, err.Error())
		}
		s.send(now, "", kam.Act{Name: kam.ActRetry, By: "ops.one", Reason: "the January row had the wrong currency"})
	})
	s.act(7*hour, "", endorse("tom.territory"))
	require.Equal(t, kam.Completed, s.run().State)
}

// TestWithdrawalEndsAWaitBeforeItsDeadline: out of a draft, sent-back data and
// a review; nothing fires later.
func TestWithdrawalEndsAWaitBeforeItsDeadline(t *testing.T) {
	w := newWorld(t, holidays)
	at := instant(t, eve)
	none := fields{"identifiers": nil}
	box := details()
	box["addresses"] = []fields{{"type": "LEGAL", "line1": "Postfach 10 20 30", "city": "München", "postal_code": "80331", "country_code": "DE"}}
	back := kam.Act{Name: kam.ActDecideConfirmation, Verdict: kam.SendBack, By: "theo.territory", ExpectHash: current, Fields: []string{"justification"}}
	for _, tc := range []struct {
		in   kam.State
		data kam.RequestData
		then *kam.Act
	}{
		{kam.Draft, data(t, screening("Entwurf GmbH"), none, fields{"source_channel": nil}), nil},
		{kam.ChangesRequested, data(t, screening("Nachbesserung GmbH"), none), &back},
		{kam.ValidationReview, data(t, screening("Postfach Klinik GmbH"), box), new(confirm("theo.territory", ""))},
	} {
		s := w.onboardAt(at, "rep.south", tc.data)
		if tc.then != nil {
			s.act(1*hour, "", *tc.then)
		}
		s.expect(2*hour, tc.in)
		s.act(3*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
		require.Equal(t, kam.Withdrawn, s.run().State)
		require.Empty(t, s.silence())
	}
}
