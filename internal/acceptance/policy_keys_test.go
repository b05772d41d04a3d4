package acceptance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// goesBy publishes the default policy with changes as version 2, as a loaded
// policy is.
func (w *world) goesBy(changes ...string) {
	w.t.Helper()
	text := policyWith(w.t, append(changes, "\nversion: 1\n", "\nversion: 2\n")...)
	_, err := policy.Load(text, monday)
	require.NoError(w.t, err)
	require.NoError(w.t, storetest.PublishPolicy(w.t.Context(), w.db, 2, text))
}

// TestWaitsOfThePolicy: each task goes by its own wait. monday is nine o'clock;
// a quarter of a business day is two hours.
func TestWaitsOfThePolicy(t *testing.T) {
	w := newWorld(t)
	w.goesBy(
		"data_entry:        {remind: 2, expire: 20}", "data_entry:        {remind: 0.25, expire: 0.5}",
		"duplicate_review:  {remind: 1, escalate: 2, expire: 20}", "duplicate_review:  {remind: 0.25, escalate: 0.5, expire: 0.75}",
		"compliance_review: {remind: 1, escalate: 3, expire: 30}", "compliance_review: {remind: 0.5, escalate: 0.75, expire: 1}",
		"confirmation:      {remind: 1, escalate: 2, expire: 30}", "confirmation:      {remind: 0.5, escalate: 1, expire: 2}",
		"changes_requested: {remind: 2, expire: 20}", "changes_requested: {remind: 0.25, expire: 0.5}",
		"completion:        {remind: 2, notify_manager: 5, expire: 20}", "completion:        {remind: 0.25, notify_manager: 0.5, expire: 0.75}",
		"validation_review: {remind: 1, escalate: 2, expire: 30}", "validation_review: {remind: 0.25, escalate: 0.5, expire: 0.75}",
		"endorsement:       {remind: 2, escalate: 5, lapse: 30}", "endorsement:       {remind: 0.25, escalate: 0.5, lapse: 3}",
		"kam_assignment:    {remind: 1, escalate: 2}", "kam_assignment:    {remind: 0.25, escalate: 0.5}",
		"profile_due: 10 ", "profile_due: 3 ",
		"high_priority_factor: 0.5", "high_priority_factor: 0.25",
		"high_priority_min_potential: 500000", "high_priority_min_potential: 400000",
		"intervention_escalate_clock_hours: 4", "intervention_escalate_clock_hours: 5",
	)
	alone := fields{"identifiers": nil}
	withdraw := onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"}

	s := w.onboard("rep.south", data(t, screening("Dateneingabe GmbH"), fields{"declared_potential": nil}, alone))
	s.deadlines(1*hour, "REMIND 2026-03-02T10:00:00Z", "EXPIRE 2026-03-02T12:00:00Z")
	require.Equal(t, onboarding.Expired, s.run().State)

	s = w.onboard("rep.south", data(t, screening("Schattenhandel Exporte GmbH"), alone))
	s.deadlines(1*hour, "REMIND 2026-03-02T12:00:00Z", "ESCALATE 2026-03-02T14:00:00Z", "EXPIRE 2026-03-02T16:00:00Z")
	s.act(2*hour, "", withdraw).run()

	s = w.onboard("rep.south", data(t, screening("Bestaetigung GmbH"), alone))
	s.deadlines(1*hour, "REMIND 2026-03-02T12:00:00Z", "ESCALATE 2026-03-02T16:00:00Z", "EXPIRE 2026-03-03T16:00:00Z")
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.SendBack, By: "theo.territory", ExpectHash: current, Fields: []string{"justification"}})
	s.deadlines(2*hour+time.Minute, "REMIND 2026-03-02T12:00:00Z", "EXPIRE 2026-03-02T14:00:00Z")
	require.Equal(t, onboarding.Expired, s.run().State)

	s = w.onboard("rep.south", data(t, screening("Eilig Werke GmbH"), alone, fields{"declared_potential": eur("400000.00")}))
	s.deadlines(1*hour, "REMIND 2026-03-02T09:00:00Z", "ESCALATE 2026-03-02T10:00:00Z", "EXPIRE 2026-03-03T16:00:00Z")
	s.act(90*time.Minute, "", withdraw).run()

	s = w.onboard("rep.south", data(t, screening("Einzelheiten GmbH"), alone))
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.deadlines(1*hour+time.Minute, "REMIND 2026-03-02T11:00:00Z", "NOTIFY_MANAGER 2026-03-02T13:00:00Z", "EXPIRE 2026-03-02T15:00:00Z")
	require.Equal(t, onboarding.Expired, s.run().State)

	box := details()
	box["addresses"] = []fields{{"type": "LEGAL", "line1": "Postfach 10 20 30", "city": "München", "postal_code": "80331", "country_code": "DE"}}
	s = w.onboard("rep.south", data(t, screening("Postfach Klinik GmbH"), box))
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.deadlines(1*hour+time.Minute, "REMIND 2026-03-02T11:00:00Z", "ESCALATE 2026-03-02T13:00:00Z", "EXPIRE 2026-03-02T15:00:00Z")
	require.Equal(t, onboarding.Expired, s.run().State)

	w.has(customerdb.BookCustomer{CustomerNo: "C-ALT", Territory: "DE-N-01", Data: data(t, screening("Altkunde Klinik GmbH"), fields{"street": "Alter Weg 1", "postal_code": "20095", "city": "Hamburg"}, identifier("VAT_EU", "DE136695976"))})
	s = w.onboard("rep.south", data(t, screening("Neukunde Praxis GmbH"), identifier("VAT_EU", "DE136695976")))
	s.deadlines(1*hour, "REMIND 2026-03-02T10:00:00Z", "ESCALATE 2026-03-02T12:00:00Z", "EXPIRE 2026-03-02T14:00:00Z")
	require.Equal(t, onboarding.Expired, s.run().State)

	w.sells(sales("KASTEL", 88_000, 33, nil))
	s = w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	s.deadlines(1*hour+time.Minute, "REMIND 2026-03-02T11:00:00Z", "ESCALATE 2026-03-02T13:00:00Z", "LAPSE 2026-03-05T09:00:00Z")
	s.act(90*time.Minute, "", endorse("tom.territory"))
	require.Equal(t, kam.KA, s.run().KAStatus)
	tasks := map[kam.TaskKind]kam.Task{}
	items, err := w.db.Cases.Inbox(t.Context(), "tom.territory")
	require.NoError(t, err)
	for _, i := range items {
		tasks[i.Task.Kind] = i.Task
	}
	require.Equal(t, time.Date(2026, 3, 5, 9, 30, 0, 0, time.UTC), tasks[onboarding.TaskProfile].Deadlines[0].At.Truncate(time.Minute), "profile_due: 3")
	require.Equal(t, time.Date(2026, 3, 2, 11, 30, 0, 0, time.UTC), tasks[onboarding.TaskKAMAssignment].Deadlines[0].At.Truncate(time.Minute))
	require.Equal(t, time.Date(2026, 3, 2, 13, 30, 0, 0, time.UTC), tasks[onboarding.TaskKAMAssignment].Deadlines[1].At.Truncate(time.Minute))

	foreign := sales("KASTEL", 88_000, 33, nil)
	foreign.AccountNo, foreign.Month = "MISCH", "2026-01"
	euros := foreign
	foreign.Currency, euros.Month = "USD", "2026-02"
	w.sells(foreign, euros)
	s = w.onboard("rep.south", data(t, screening("Mischwaehrung Optik GmbH"), details(), lone("Mischwaehrung Optik", 7), fields{"sales_account_no": "MISCH"}))
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.deadlines(2*hour, "ESCALATE 2026-03-02T14:00:00Z")
	s.at(3*hour, func(now onboarding.Snapshot) {
		euros.Month = "2026-01"
		if err := w.db.Customers.LoadSales(t.Context(), storetest.Act(), []customerdb.SalesFact{euros}); err != nil {
			s.faults = append(s.faults, err.Error())
		}
		s.send(now, "", onboarding.Act{Name: onboarding.ActRetry, By: "ops.one", Reason: "the row had the wrong currency"})
	})
	require.Equal(t, onboarding.Completed, s.run().State)
}

// TestProcessNumbersOfThePolicy: window of appeals, rounds, cool-down, and the
// reason against a recommendation.
func TestProcessNumbersOfThePolicy(t *testing.T) {
	w := newWorld(t)
	w.goesBy("appeal_window_days: 14", "appeal_window_days: 20", "max_change_rounds: 3", "max_change_rounds: 0",
		"reject_cooldown_days: 90", "reject_cooldown_days: 10",
		"require_reason_when_against_recommendation: true", "require_reason_when_against_recommendation: false")
	first := w.onboard("rep.south", data(t, screening("Widerspruch Klinik GmbH"), ad3))
	require.Equal(t, onboarding.Rejected, first.run().State)
	s := w.appeal(first.no, "rep.south", 18, data(t, screening("Widerspruch Klinik GmbH"), details()))
	s.act(1*hour, "", confirm("rita.regional", ""))
	require.Equal(t, onboarding.AddedNonKA, s.run().Outcome, "an appeal on day 18")

	later := lone("Abgelehnt Optik", 3)
	once := w.onboard("rep.south", data(t, screening("Abgelehnt Optik GmbH"), ad3, later))
	require.Equal(t, onboarding.Rejected, once.run().State)
	s = w.onboardAt(monday.AddDate(0, 0, 15), "rep.south", data(t, screening("Abgelehnt Optik GmbH"), details(), later))
	s.act(1*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State, "the cool-down is over after ten days")

	s = w.onboard("rep.south", data(t, screening("Rundlauf Dental GmbH"), ad2, lone("Rundlauf Dental", 4)))
	s.act(1*hour, kam.RoundsUsed, onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.SendBack, By: "theo.territory", ExpectHash: current, Fields: []string{"justification"}})
	s.act(2*hour, "", confirm("theo.territory", "")) // REFER, and no reason
	s.expect(3*hour, onboarding.AwaitingCompletion)
	s.act(4*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"})
	require.Equal(t, onboarding.Withdrawn, s.run().State)
}

// TestEndorsersOfThePolicy: who endorses a tier is the policy's to say.
func TestEndorsersOfThePolicy(t *testing.T) {
	w := newWorld(t)
	w.goesBy("TERRITORY: [TERRITORY_MANAGER]", "TERRITORY: [REGIONAL_MANAGER]")
	w.sells(kastelSales...)
	s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	s.expect(2*hour, onboarding.AwaitingEndorsement, "rolf.regional")
	s.act(3*hour, "", endorse("rolf.regional"))
	require.Equal(t, kam.KA, s.run().KAStatus)
}

// TestCalendarOfThePolicy: where no node has a calendar the policy's counts.
func TestCalendarOfThePolicy(t *testing.T) {
	w := newWorld(t, func(o *accessdb.Org) {
		for i := range o.Nodes {
			o.Nodes[i].Calendar = ""
		}
	})
	w.goesBy(`hours: "09:00-17:00"`, `hours: "10:00-12:00"`, "weekend: [SATURDAY, SUNDAY]", "weekend: [TUESDAY]")
	s := w.onboard("rep.south", data(t, screening("Ohne Kalender GmbH")))
	s.deadlines(1*hour, "REMIND 2026-03-02T12:00:00Z", "ESCALATE 2026-03-04T12:00:00Z", "EXPIRE 2026-04-05T12:00:00Z")
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"})
	require.Equal(t, onboarding.Withdrawn, s.run().State)
}

// TestReviewDaysOfThePolicy: when the next review is due.
func TestReviewDaysOfThePolicy(t *testing.T) {
	w := newWorld(t)
	w.goesBy("key_account_review_days: 90\n  non_key_account_review_days: 365", "key_account_review_days: 91\n  non_key_account_review_days: 300")
	w.known("C-RUHE", "Ruhige Klinik GmbH", lone("Ruhige Klinik", 1), fields{"addressable_spend_12m": eur("200000.00"), "addressable_spend_basis": "ESTIMATE"})
	r := w.review("C-RUHE", monday)
	end := r.run()
	require.Equal(t, onboarding.Completed, end.State, end.Headline)
	require.Equal(t, monday.AddDate(0, 0, 300), w.customer("C-RUHE").ReviewDue.UTC().Truncate(time.Minute))
	w.sells(kastelSales...)
	s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", "")).act(2*hour, "", endorse("tom.territory"))
	end = s.run()
	require.Equal(t, kam.KA, end.KAStatus)
	k, err := w.db.Customers.KeyAccountOf(t.Context(), end.CommittedAs)
	require.NoError(t, err)
	require.Equal(t, monday.Add(2*hour).AddDate(0, 0, 91), k.ReviewDue.UTC().Truncate(time.Minute))
}

// TestScreeningAgeOfThePolicy: an answer that is young enough is not asked for
// again.
func TestScreeningAgeOfThePolicy(t *testing.T) {
	w := newWorld(t)
	w.goesBy("adapter: LOCAL_LIST ", "adapter: HTTP ", "max_age_hours: 24", "max_age_hours: 100")
	service := &listService{up: true, answer: customer.ScreeningAnswer{Result: kam.ScreeningClear}}
	w.screen = service
	s := w.onboard("rep.south", data(t, screening("Frisch Geprueft GmbH"), details()))
	s.at(2*day, func(now onboarding.Snapshot) {
		service.up = false
		s.send(now, "", confirm("theo.territory", ""))
	})
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, 1, service.asked)
}

// TestTargetsOfThePolicy: the time of a stage is measured against the hours
// that the policy gives, else against those until it escalates (D47).
func TestTargetsOfThePolicy(t *testing.T) {
	w := newWorld(t)
	w.goesBy("data_entry:        {remind: 2, expire: 20}", "data_entry:        {remind: 2, expire: 20, target: 6.5}",
		"compliance_review: {remind: 1, escalate: 3, expire: 30}", "compliance_review: {remind: 1, escalate: 3, expire: 30, target: 40}")
	clocks := w.calendars()
	measures := func(s *scene, after time.Duration, want string) {
		s.at(after, func(now onboarding.Snapshot) {
			if got := text(t, clocks.Measure(*now.Task, now.Owed(), monday.Add(after))); got != want {
				s.faults = append(s.faults, "want "+want+", got "+got)
			}
		})
	}
	alone := fields{"identifiers": nil}
	s := w.onboard("rep.south", data(t, screening("Dateneingabe GmbH"), fields{"declared_potential": nil}, alone))
	measures(s, 6*hour, `{"party":"REQUESTER","worked_hours":6,"target_hours":6.5,"overdue":false}`)
	measures(s, day, `{"party":"REQUESTER","worked_hours":8,"target_hours":6.5,"over_hours":1.5,"overdue":true}`) // the night counts for nothing
	s.act(day+hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"}).run()
	s = w.onboard("rep.south", data(t, screening("Schattenhandel Exporte GmbH"), alone))
	measures(s, hour, `{"party":"COMPLIANCE","worked_hours":1,"target_hours":40,"overdue":false}`)
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"}).run()
	s = w.onboard("rep.south", data(t, screening("Bestaetigung GmbH"), alone))
	measures(s, 2*day, `{"party":"MANAGER","worked_hours":16,"target_hours":16,"overdue":false}`)
	measures(s, 2*day+hour, `{"party":"MANAGER","worked_hours":17,"target_hours":16,"over_hours":1,"overdue":true}`) // also when the next level has joined
	s.act(3*day, "", confirm("theo.territory", ""))
	measures(s, 3*day+hour, `{"party":"REQUESTER","worked_hours":1,"target_hours":40,"overdue":false}`) // five days until the manager is told
	s.act(4*day, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"}).run()
	s = w.onboard("rep.south", data(t, screening("Eilig Werke GmbH"), alone, fields{"declared_potential": eur("600000.00")}))
	measures(s, hour, `{"party":"MANAGER","worked_hours":1,"target_hours":8,"overdue":false}`)
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"}).run()
	lines, err := w.db.Cases.List(t.Context(), casedb.Filter{})
	require.NoError(t, err)
	require.Len(t, lines, 4)
	require.Nil(t, lines[0].Task, "it has ended")
}
