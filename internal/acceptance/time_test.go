package acceptance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

// These scenes run the clock over days on which people count wrong: changes of
// clock, the turn of a year, and holidays that are free in one country only.
// Every instant was counted by hand, in UTC, to the second.

// holidays gives the two calendars of the organisation the public holidays of
// Germany and Austria from October 2026 to January 2027, and of Easter 2026.
func holidays(o *accessdb.Org) {
	for i := range o.Calendars {
		switch o.Calendars[i].Code {
		case "DE":
			o.Calendars[i].Holidays = []string{"2026-04-03", "2026-04-06", "2026-05-01", "2026-12-25", "2026-12-26", "2027-01-01"}
		case "AT":
			o.Calendars[i].Holidays = []string{"2026-04-06", "2026-05-01", "2026-10-26", "2026-12-08", "2026-12-25", "2026-12-26", "2027-01-01", "2027-01-06"}
		}
	}
}

// worksAt says in which nodes a person works: the first gives his calendar.
func worksAt(id kam.UserID, nodes ...string) func(*accessdb.Org) {
	return func(o *accessdb.Org) {
		for i := range o.Users {
			if o.Users[i].ID == id {
				o.Users[i].Nodes = nodes
			}
		}
	}
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	require.NoError(t, err)
	return at
}

var austrian = fields{"country_code": "AT", "postal_code": "1010", "city": "Wien", "identifiers": nil}

// silence lists what silence led to and when: "reminded 2026-03-30T10:00:00Z".
func (s *scene) silence() []string {
	s.t.Helper()
	words := map[kam.EventType]string{
		kam.EventTaskReminded: "reminded", kam.EventTaskEscalated: "escalated",
		kam.EventExpired: "expired", kam.EventEndorsementLapsed: "lapsed",
	}
	var out []string
	for _, e := range s.events() {
		if word, ok := words[e.Type]; ok {
			out = append(out, word+" "+e.At.UTC().Format(time.RFC3339Nano))
		}
	}
	return out
}

// daily lists an escalation for each of these days, at one time of UTC.
func daily(clock string, days ...string) []string {
	var out []string
	for _, d := range days {
		out = append(out, "escalated "+d+"T"+clock)
	}
	return out
}

// due lists the deadlines of a task: "EXPIRE 2026-05-13T10:00:00Z".
func due(t *kam.Task) []string {
	if t == nil {
		return nil
	}
	var out []string
	for _, d := range t.Deadlines {
		out = append(out, string(d.Kind)+" "+d.At.UTC().Format(time.RFC3339Nano))
	}
	return out
}

// deadlines checks the deadlines of the task that is open after a time.
func (s *scene) deadlines(after time.Duration, want ...string) *scene {
	return s.at(after, func(now kam.Snapshot) {
		if got := due(now.Task); !slices.Equal(got, want) {
			s.faults = append(s.faults, fmt.Sprintf("after %v: want deadlines %v, got %v", after, want, got))
		}
	})
}

// TestConfirmationOverTheSpringChange: a request of Friday noon before the
// clocks go forward waits to the bitter end, over Easter and the first of May.
func TestConfirmationOverTheSpringChange(t *testing.T) {
	w := newWorld(t, holidays)
	s := w.onboardAt(instant(t, "2026-03-27T11:00:00Z"), "rep.south", data(t, screening("Fruehling GmbH")))
	s.deadlines(1*hour, "REMIND 2026-03-30T10:00:00Z", "ESCALATE 2026-03-31T10:00:00Z", "EXPIRE 2026-05-13T10:00:00Z")
	end := s.run()
	require.Equal(t, kam.Expired, end.State)
	require.Empty(t, end.ConfirmedBy)

	want := []string{
		"reminded 2026-03-30T10:00:00Z", "escalated 2026-03-31T10:00:00Z", // Monday and Tuesday noon in Berlin
		"reminded 2026-04-01T10:00:00Z", "escalated 2026-04-02T10:00:00Z", // the region
		"reminded 2026-04-07T10:00:00Z", "escalated 2026-04-08T10:00:00Z", // the country: Good Friday and Easter Monday are free
		"reminded 2026-04-09T10:00:00Z", "escalated 2026-04-10T10:00:00Z", // the globe; from now on daily, to all
	}
	want = append(want, daily("10:00:00Z", "2026-04-13", "2026-04-14", "2026-04-15", "2026-04-16", "2026-04-17",
		"2026-04-20", "2026-04-21", "2026-04-22", "2026-04-23", "2026-04-24",
		"2026-04-27", "2026-04-28", "2026-04-29", "2026-04-30", // 1 May is free
		"2026-05-04", "2026-05-05", "2026-05-06", "2026-05-07", "2026-05-08", "2026-05-11", "2026-05-12")...)
	want = append(want, "expired 2026-05-13T10:00:00Z")
	require.Equal(t, want, s.silence())
}

// TestConfirmationOverTheAutumnChange: noon stays noon when the clocks go back;
// the national day of Austria is free for the manager in Vienna alone.
func TestConfirmationOverTheAutumnChange(t *testing.T) {
	w := newWorld(t, holidays)
	friday := instant(t, "2026-10-23T10:00:00Z")

	german := w.onboardAt(friday, "rep.south", data(t, screening("Herbst GmbH")))
	german.deadlines(1*hour, "REMIND 2026-10-26T11:00:00Z", "ESCALATE 2026-10-27T11:00:00Z", "EXPIRE 2026-12-04T11:00:00Z")
	german.act(5*day, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	german.run()
	require.Equal(t, []string{"reminded 2026-10-26T11:00:00Z", "escalated 2026-10-27T11:00:00Z"}, german.silence())

	vienna := w.onboardAt(friday, "rep.vienna", data(t, screening("Oktober Wien GmbH"), austrian))
	vienna.deadlines(1*hour, "REMIND 2026-10-27T11:00:00Z", "ESCALATE 2026-10-28T11:00:00Z", "EXPIRE 2026-12-07T11:00:00Z")
	vienna.act(6*day, "", kam.Act{Name: kam.ActWithdraw, By: "rep.vienna"})
	vienna.run()
	require.Equal(t, []string{"reminded 2026-10-27T11:00:00Z", "escalated 2026-10-28T11:00:00Z"}, vienna.silence())
}

// TestConfirmationOverTheTurnOfTheYear: from the 23rd of December, 16:00, the
// way up the chain takes until the sixth of January.
func TestConfirmationOverTheTurnOfTheYear(t *testing.T) {
	w := newWorld(t, holidays)
	s := w.onboardAt(instant(t, "2026-12-23T15:00:00Z"), "rep.south", data(t, screening("Jahreswende GmbH"), details()))
	s.deadlines(1*hour, "REMIND 2026-12-24T15:00:00Z", "ESCALATE 2026-12-28T15:00:00Z", "EXPIRE 2027-02-05T15:00:00Z")
	s.act(14*day+hour, "", confirm("theo.territory", "back from leave")) // 6 January, 17:00
	end := s.run()
	require.Equal(t, kam.Completed, end.State)
	require.Equal(t, []string{
		"reminded 2026-12-24T15:00:00Z", "escalated 2026-12-28T15:00:00Z",
		"reminded 2026-12-29T15:00:00Z", "escalated 2026-12-30T15:00:00Z",
		"reminded 2026-12-31T15:00:00Z", "escalated 2027-01-04T15:00:00Z",
		"reminded 2027-01-05T15:00:00Z", "escalated 2027-01-06T15:00:00Z",
	}, s.silence())
}

// TestManagerInViennaConfirmsAGermanCase: he is reminded and passed over by his
// own calendar, in which the sixth of January is free; the case ends by that of
// its territory (D20).
func TestManagerInViennaConfirmsAGermanCase(t *testing.T) {
	w := newWorld(t, holidays, worksAt("theo.territory", "AT-1", "DE-S-02"))
	tuesday := instant(t, "2027-01-05T11:00:00Z")
	s := w.onboardAt(tuesday, "rep.south", data(t, screening("Grenzverkehr GmbH"), details()))
	s.deadlines(1*hour, "REMIND 2027-01-07T11:00:00Z", "ESCALATE 2027-01-08T11:00:00Z", "EXPIRE 2027-02-16T11:00:00Z")
	// The region is in Germany again.
	s.deadlines(3*day+hour, "REMIND 2027-01-11T11:00:00Z", "ESCALATE 2027-01-12T11:00:00Z", "EXPIRE 2027-02-16T11:00:00Z")
	s.act(6*day+hour, "", confirm("theo.territory", ""))
	end := s.run()
	require.Equal(t, kam.Completed, end.State)
	require.Equal(t, kam.UserID("theo.territory"), end.ConfirmedBy)
	require.Equal(t, []string{"reminded 2027-01-07T11:00:00Z", "escalated 2027-01-08T11:00:00Z", "reminded 2027-01-11T11:00:00Z"}, s.silence())
}

// TestManagerInBerlinConfirmsAnAustrianCase is the other way round: the end is
// a day later, because the sixth of January does not count for it.
func TestManagerInBerlinConfirmsAnAustrianCase(t *testing.T) {
	w := newWorld(t, holidays, worksAt("tess.territory", "DE-S", "AT-1-01"))
	s := w.onboardAt(instant(t, "2027-01-05T11:00:00Z"), "rep.vienna", data(t, screening("Gegenverkehr GmbH"), austrian))
	s.deadlines(1*hour, "REMIND 2027-01-06T11:00:00Z", "ESCALATE 2027-01-07T11:00:00Z", "EXPIRE 2027-02-17T11:00:00Z")
	s.act(2*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.vienna"})
	s.run()
}

// TestEscalationToALevelWithAnotherCalendar: three managers in Austria are
// passed over, then the global one joins, who works on the Austrian national
// day. His daily reminders go by his calendar too.
func TestEscalationToALevelWithAnotherCalendar(t *testing.T) {
	w := newWorld(t, holidays)
	s := w.onboardAt(instant(t, "2026-10-14T10:00:00Z"), "rep.vienna", data(t, screening("Instanzenweg GmbH"), austrian))
	s.expect(9*day+2*hour, kam.AwaitingConfirmation, "tess.territory", "rene.regional", "nora.national", "gina.global")
	s.act(15*day, "", kam.Act{Name: kam.ActWithdraw, By: "rep.vienna"})
	s.run()
	require.Equal(t, []string{
		"reminded 2026-10-15T10:00:00Z", "escalated 2026-10-16T10:00:00Z",
		"reminded 2026-10-19T10:00:00Z", "escalated 2026-10-20T10:00:00Z",
		"reminded 2026-10-21T10:00:00Z", "escalated 2026-10-22T10:00:00Z", // the global manager joins on Thursday
		"reminded 2026-10-23T10:00:00Z", "escalated 2026-10-26T11:00:00Z", // the national day, after the change of clock
		"escalated 2026-10-27T11:00:00Z", "escalated 2026-10-28T11:00:00Z",
	}, s.silence())
}

// TestDailyEscalationGoesByTheCalendarOfWhoIsAsked: at the top the repetition
// does not pause on a holiday of the territory that the asked do not have.
func TestDailyEscalationGoesByTheCalendarOfWhoIsAsked(t *testing.T) {
	w := newWorld(t, holidays)
	top := w.onboardAt(instant(t, "2026-10-13T10:00:00Z"), "rep.vienna", data(t, screening("Gipfel GmbH"), austrian))
	top.act(15*day, "", kam.Act{Name: kam.ActWithdraw, By: "rep.vienna"})
	top.run()
	require.Equal(t, []string{"escalated 2026-10-23T10:00:00Z", "escalated 2026-10-26T11:00:00Z", "escalated 2026-10-27T11:00:00Z"}, top.silence()[7:10])

	// A queue has the hours of its lead, who works in GLOBAL, with Germany's calendar.
	queue := w.onboardAt(instant(t, "2026-10-20T10:00:00Z"), "rep.vienna", data(t, screening("Grauzone Logistika GmbH"), austrian))
	queue.expect(1*hour, kam.ComplianceReview)
	queue.act(8*day+2*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.vienna"})
	queue.run()
	require.Equal(t, []string{
		"reminded 2026-10-21T10:00:00Z", "escalated 2026-10-23T10:00:00Z",
		"escalated 2026-10-26T11:00:00Z", "escalated 2026-10-27T11:00:00Z", "escalated 2026-10-28T11:00:00Z",
	}, queue.silence())
}

// TestChangedCalendarLeavesOpenDeadlines: the organisation is loaded again with
// other hours, zone and holidays while a task is open. Its deadlines are
// instants that were told to people; the next level counts by the new calendar.
func TestChangedCalendarLeavesOpenDeadlines(t *testing.T) {
	w := newWorld(t, holidays)
	s := w.onboard("rep.south", data(t, screening("Kalenderblatt GmbH")))
	before := []string{"REMIND 2026-03-02T16:00:00Z", "ESCALATE 2026-03-03T16:00:00Z", "EXPIRE 2026-04-14T15:00:00Z"}
	s.deadlines(1*hour, before...)
	s.at(2*hour, func(kam.Snapshot) {
		o := org()
		o.Calendars[0] = accessdb.CalendarRow{Code: "DE", TimeZone: "America/New_York", Opens: "08:00", Closes: "12:00",
			Weekend: []string{"friday", "saturday"}, Holidays: []string{"2026-03-02", "2026-03-03", "2026-03-05"}}
		if err := storetest.LoadOrg(t.Context(), w.db, o); err != nil {
			s.faults = append(s.faults, err.Error())
		}
	})
	s.deadlines(3*hour, before...)
	// From 16:00Z on the third, a holiday now: Wednesday 8-12 is a day, then
	// Sunday 8-12, the clocks of New York having changed that morning.
	s.deadlines(2*day, "REMIND 2026-03-04T17:00:00Z", "ESCALATE 2026-03-08T16:00:00Z", "EXPIRE 2026-04-14T15:00:00Z")
	s.act(7*day, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	s.run()
	require.Equal(t, []string{
		"reminded 2026-03-02T16:00:00Z", "escalated 2026-03-03T16:00:00Z",
		"reminded 2026-03-04T17:00:00Z", "escalated 2026-03-08T16:00:00Z",
	}, s.silence()[:4])
}

// TestHighPriorityHalvesRemindAndEscalateAlone: the end stays where it is.
func TestHighPriorityHalvesRemindAndEscalateAlone(t *testing.T) {
	w := newWorld(t, holidays)
	noon := instant(t, "2026-10-23T10:00:00Z") // the Friday before the clocks go back
	urgent := w.onboardAt(noon, "rep.south", data(t, screening("Eilig GmbH"), fields{"declared_potential": eur("600000.00")}))
	urgent.expect(1*hour, kam.AwaitingConfirmation, "rita.regional")
	urgent.deadlines(1*hour, "REMIND 2026-10-23T14:00:00Z", "ESCALATE 2026-10-26T11:00:00Z", "EXPIRE 2026-12-04T11:00:00Z")
	urgent.act(7*day, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	urgent.run()
	require.Equal(t, []string{
		"reminded 2026-10-23T14:00:00Z", "escalated 2026-10-26T11:00:00Z", // half a day, a day
		"reminded 2026-10-26T15:00:00Z", "escalated 2026-10-27T11:00:00Z", // the next level is as urgent
	}, urgent.silence()[:4])
	exact := w.onboardAt(noon, "rep.south", data(t, screening("Punktgenau GmbH"), fields{"declared_potential": eur("500000.00"), "identifiers": nil}))
	exact.deadlines(1*hour, "REMIND 2026-10-23T14:00:00Z", "ESCALATE 2026-10-26T11:00:00Z", "EXPIRE 2026-12-04T11:00:00Z")
	exact.act(2*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	exact.run()
	below := w.onboardAt(noon, "rep.south", data(t, screening("Knapp Darunter GmbH"), fields{"declared_potential": eur("499999.99"), "identifiers": nil}))
	below.deadlines(1*hour, "REMIND 2026-10-26T11:00:00Z", "ESCALATE 2026-10-27T11:00:00Z", "EXPIRE 2026-12-04T11:00:00Z")
	below.act(2*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
	below.run()
}

// TestAbsenceIsADayWhereThePersonWorks: at nine on the third of March in
// Auckland it is still the second in London.
func TestAbsenceIsADayWhereThePersonWorks(t *testing.T) {
	const tuesday = "2026-03-02T20:00:00Z"
	for _, tc := range []struct {
		name, from, to string
		asked          kam.UserID
	}{
		{"away today", "2026-03-03", "2026-03-03", "rita.regional"},
		{"was away yesterday", "2026-03-02", "2026-03-02", "theo.territory"},
		{"away from tomorrow", "2026-03-04", "2026-03-06", "theo.territory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, func(o *accessdb.Org) {
				o.Calendars[0].TimeZone = "Pacific/Auckland"
				o.Absences = []accessdb.Absence{{UserID: "theo.territory", From: tc.from, To: tc.to}}
			})
			s := w.onboardAt(instant(t, tuesday), "rep.south", data(t, screening("Gegenfuessler GmbH")))
			s.expect(1*hour, kam.AwaitingConfirmation, tc.asked)
			s.act(2*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
			s.run()
		})
	}
}
