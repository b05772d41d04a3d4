package kam_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
)

// The offices of these tests. Holidays are those of the turn of the year
// 2026/27 and of 26 October 2026: the sixth of January and the national day
// are free in Vienna and ordinary days in Berlin.
var (
	satSun    = []time.Weekday{time.Saturday, time.Sunday}
	noWeekend []time.Weekday

	berlinDays = []string{"2026-12-25", "2026-12-26", "2027-01-01"}
	viennaDays = []string{"2026-10-26", "2026-12-08", "2026-12-25", "2026-12-26", "2027-01-01", "2027-01-06"}
)

func office(t testing.TB, tz string, openAt, closeAt int, weekend []time.Weekday, holidays ...string) kam.Calendar {
	t.Helper()
	loc, err := time.LoadLocation(tz)
	require.NoError(t, err)
	c := kam.Calendar{Code: tz, Location: loc, Open: openAt, Close: closeAt, Weekend: weekend, Holidays: map[string]bool{}}
	for _, day := range holidays {
		c.Holidays[day] = true
	}
	return c
}

const (
	h2, h3, h9, h17, h24 = 2 * 60, 3 * 60, 9 * 60, 17 * 60, 24 * 60
)

// TestDeadlinesByHand compares with instants that were counted by hand. They
// are written with their offset, so that the hour which the clock shows twice
// has two names.
func TestDeadlinesByHand(t *testing.T) {
	t.Parallel()
	const berlin, vienna, newYork, lordHowe, kolkata = "Europe/Berlin", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"
	for _, tc := range []struct {
		name            string
		tz              string
		openAt, closeAt int
		weekend         []time.Weekday
		holidays        []string
		from            string
		days            float64
		want            string
	}{
		{"Berlin, spring, office hours: same hour of the wall", berlin, h9, h17, satSun, nil, "2026-03-27T12:00:00+01:00", 2, "2026-03-31T12:00:00+02:00"},
		{"Berlin, autumn, office hours: same hour of the wall", berlin, h9, h17, satSun, nil, "2026-10-23T12:00:00+02:00", 2, "2026-10-27T12:00:00+01:00"},
		{"Berlin, spring, always open: 24 hours that pass", berlin, 0, h24, noWeekend, nil, "2026-03-28T12:00:00+01:00", 1, "2026-03-29T13:00:00+02:00"},
		{"Berlin, autumn, always open: 24 hours that pass", berlin, 0, h24, noWeekend, nil, "2026-10-24T12:00:00+02:00", 1, "2026-10-25T11:00:00+01:00"},
		{"Berlin, spring, the hour before the one that is skipped", berlin, h2, h3, noWeekend, nil, "2026-03-28T02:00:00+01:00", 1, "2026-03-28T03:00:00+01:00"},
		{"Berlin, spring, the hour that is skipped cannot be worked", berlin, h2, h3, noWeekend, nil, "2026-03-28T02:00:00+01:00", 2, "2026-03-30T03:00:00+02:00"},
		{"Berlin, autumn, first showing of the hour", berlin, h2, h3, noWeekend, nil, "2026-10-24T03:00:00+02:00", 0.5, "2026-10-25T02:30:00+02:00"},
		{"Berlin, autumn, one hour is half of the two", berlin, h2, h3, noWeekend, nil, "2026-10-24T03:00:00+02:00", 1, "2026-10-25T02:00:00+01:00"},
		{"Berlin, autumn, second showing of the hour", berlin, h2, h3, noWeekend, nil, "2026-10-24T03:00:00+02:00", 2, "2026-10-25T03:00:00+01:00"},
		{"Berlin, autumn, doors that close at 02:30 close the first time", berlin, 60, 150, noWeekend, nil, "2026-10-24T12:00:00+02:00", 1, "2026-10-25T02:30:00+02:00"},

		{"New York, spring, office hours", newYork, h9, h17, satSun, nil, "2026-03-06T12:00:00-05:00", 2, "2026-03-10T12:00:00-04:00"},
		{"New York, autumn, office hours", newYork, h9, h17, satSun, nil, "2026-10-30T12:00:00-04:00", 2, "2026-11-03T12:00:00-05:00"},
		{"New York, spring, always open", newYork, 0, h24, noWeekend, nil, "2026-03-07T12:00:00-05:00", 1, "2026-03-08T13:00:00-04:00"},
		{"New York, autumn, always open", newYork, 0, h24, noWeekend, nil, "2026-10-31T12:00:00-04:00", 1, "2026-11-01T11:00:00-05:00"},
		{"New York, spring, the hour that is skipped cannot be worked", newYork, h2, h3, noWeekend, nil, "2026-03-07T02:00:00-05:00", 2, "2026-03-09T03:00:00-04:00"},
		{"New York, autumn, one hour is half of the two", newYork, 60, h2, noWeekend, nil, "2026-10-31T02:00:00-04:00", 1, "2026-11-01T01:00:00-05:00"},
		{"New York, autumn, second showing of the hour", newYork, 60, h2, noWeekend, nil, "2026-10-31T02:00:00-04:00", 2, "2026-11-01T02:00:00-05:00"},
		{"New York, autumn, doors that close at 01:30 close the first time", newYork, 0, 90, noWeekend, nil, "2026-10-31T12:00:00-04:00", 1, "2026-11-01T01:30:00-04:00"},

		{"Lord Howe, half an hour forward, office hours", lordHowe, h9, h17, satSun, nil, "2026-10-02T12:00:00+10:30", 1, "2026-10-05T12:00:00+11:00"},
		{"Lord Howe, half an hour back, office hours", lordHowe, h9, h17, satSun, nil, "2026-04-03T12:00:00+11:00", 1, "2026-04-06T12:00:00+10:30"},
		{"Lord Howe, forward, always open", lordHowe, 0, h24, noWeekend, nil, "2026-10-03T12:00:00+10:30", 1, "2026-10-04T12:30:00+11:00"},
		{"Lord Howe, back, always open", lordHowe, 0, h24, noWeekend, nil, "2026-04-04T12:00:00+11:00", 1, "2026-04-05T11:30:00+10:30"},
		{"Lord Howe, the half hour that is skipped cannot be worked", lordHowe, h2, 150, noWeekend, nil, "2026-10-03T12:00:00+10:30", 1, "2026-10-05T02:30:00+11:00"},
		{"Lord Howe, the half hour that comes twice is an hour", lordHowe, 90, h2, noWeekend, nil, "2026-04-04T12:00:00+11:00", 2, "2026-04-05T02:00:00+10:30"},

		{"Kolkata has no change: end of March", kolkata, h9, h17, satSun, nil, "2026-03-27T12:00:00+05:30", 2, "2026-03-31T12:00:00+05:30"},
		{"Kolkata has no change: end of October", kolkata, 0, h24, noWeekend, nil, "2026-10-24T12:00:00+05:30", 1, "2026-10-25T12:00:00+05:30"},

		{"Christmas Eve, 1 day in Berlin", berlin, h9, h17, satSun, berlinDays, "2026-12-24T12:00:00+01:00", 1, "2026-12-28T12:00:00+01:00"},
		{"Christmas Eve, 5 days in Berlin", berlin, h9, h17, satSun, berlinDays, "2026-12-24T12:00:00+01:00", 5, "2027-01-04T12:00:00+01:00"},
		{"Christmas Eve, 7 days in Berlin end on the sixth of January", berlin, h9, h17, satSun, berlinDays, "2026-12-24T12:00:00+01:00", 7, "2027-01-06T12:00:00+01:00"},
		{"Christmas Eve, 7 days in Vienna end a day later", vienna, h9, h17, satSun, viennaDays, "2026-12-24T12:00:00+01:00", 7, "2027-01-07T12:00:00+01:00"},
		{"Christmas Eve, 8 days in Berlin", berlin, h9, h17, satSun, berlinDays, "2026-12-24T12:00:00+01:00", 8, "2027-01-07T12:00:00+01:00"},
		{"Christmas Eve, 8 days in Vienna", vienna, h9, h17, satSun, viennaDays, "2026-12-24T12:00:00+01:00", 8, "2027-01-08T12:00:00+01:00"},
		{"26 October in Berlin, over the change of clock", berlin, h9, h17, satSun, berlinDays, "2026-10-23T12:00:00+02:00", 1, "2026-10-26T12:00:00+01:00"},
		{"26 October is the national day in Vienna", vienna, h9, h17, satSun, viennaDays, "2026-10-23T12:00:00+02:00", 1, "2026-10-27T12:00:00+01:00"},

		{"leap day is a day", berlin, h9, h17, satSun, nil, "2028-02-28T12:00:00+01:00", 1, "2028-02-29T12:00:00+01:00"},
		{"over the leap day", berlin, h9, h17, satSun, nil, "2028-02-28T12:00:00+01:00", 2, "2028-03-01T12:00:00+01:00"},
		{"leap day may be a holiday", berlin, h9, h17, satSun, []string{"2028-02-29"}, "2028-02-28T12:00:00+01:00", 1, "2028-03-01T12:00:00+01:00"},
		{"no leap day in 2027", berlin, h9, h17, satSun, nil, "2027-02-26T12:00:00+01:00", 1, "2027-03-01T12:00:00+01:00"},
		{"last of December to first of January", berlin, h9, h17, satSun, nil, "2026-12-31T16:00:00+01:00", 1, "2027-01-01T16:00:00+01:00"},
		{"last hour of the year, always open", berlin, 0, h24, noWeekend, nil, "2026-12-31T23:30:00+01:00", 1. / 24, "2027-01-01T00:30:00+01:00"},
		{"year 9999", berlin, h9, h17, satSun, nil, "9999-12-30T12:00:00+01:00", 1, "9999-12-31T12:00:00+01:00"},
		{"year 9999, spring", berlin, 0, h24, noWeekend, nil, "9999-03-27T12:00:00+01:00", 1, "9999-03-28T13:00:00+02:00"},

		{"Friday and Saturday are the weekend", "Asia/Riyadh", h9, h17, []time.Weekday{time.Friday, time.Saturday}, nil, "2026-03-05T16:00:00+03:00", 1, "2026-03-08T16:00:00+03:00"},
		{"a start before opening counts from opening", berlin, h9, h17, satSun, nil, "2026-03-02T03:00:00+01:00", 0.25, "2026-03-02T11:00:00+01:00"},
		{"a start after close counts from the next opening", berlin, h9, h17, satSun, nil, "2026-03-06T21:00:00+01:00", 0.25, "2026-03-09T11:00:00+01:00"},
		{"a start at the exact close counts from the next opening", berlin, h9, h17, satSun, nil, "2026-03-06T17:00:00+01:00", 0.25, "2026-03-09T11:00:00+01:00"},
		{"a start a second before close has that second", berlin, h9, h17, satSun, nil, "2026-03-06T16:59:59+01:00", 0.25, "2026-03-09T10:59:59+01:00"},
		{"a start at the exact opening has the whole day", berlin, h9, h17, satSun, nil, "2026-03-06T09:00:00+01:00", 1, "2026-03-06T17:00:00+01:00"},
		{"a start on a holiday counts from the next opening", vienna, h9, h17, satSun, viennaDays, "2026-12-08T10:00:00+01:00", 1, "2026-12-09T17:00:00+01:00"},
		{"a start on a Sunday of change of clock", berlin, h9, h17, satSun, nil, "2026-03-29T02:30:00+01:00", 0.5, "2026-03-30T13:00:00+02:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := office(t, tc.tz, tc.openAt, tc.closeAt, tc.weekend, tc.holidays...)
			from, err := time.Parse(time.RFC3339, tc.from)
			require.NoError(t, err)
			got := c.Add(from, tc.days)
			require.Equal(t, tc.want, got.In(c.Location).Format(time.RFC3339))
			require.InDelta(t, tc.days, c.BusinessDays(from, got), 1e-9, "what was added has passed")
		})
	}
}

// TestTwoOfficesOneCase: the same wait ends at another instant for the manager
// in Vienna than for the one in Berlin or New York, each by his own calendar.
func TestTwoOfficesOneCase(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 12, 30, 11, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		tz       string
		holidays []string
		want     string // 4 business days on
	}{
		{"Europe/Berlin", berlinDays, "2027-01-06T11:00:00Z"},                                            // 31, 4, 5, 6
		{"Europe/Vienna", viennaDays, "2027-01-07T11:00:00Z"},                                            // 31, 4, 5, 7
		{"America/New_York", []string{"2027-01-01"}, "2027-01-05T22:00:00Z"},                             // 11:00Z is before opening: 30, 31, 4, 5 until close
		{"Asia/Tokyo", []string{"2026-12-31", "2027-01-01"}, "2027-01-07T08:00:00Z"},                     // 11:00Z is after close: 4, 5, 6, 7 until close
		{"Asia/Riyadh", nil, "2027-01-05T11:00:00Z"},                                                     // open on Sundays: 31, 3, 4, 5
		{"Pacific/Auckland", []string{"2026-12-28", "2027-01-01", "2027-01-04"}, "2027-01-07T04:00:00Z"}, // 31 (their 9:00 to come), 5, 6, 7
	} {
		free := satSun
		if tc.tz == "Asia/Riyadh" {
			free = []time.Weekday{time.Friday, time.Saturday}
		}
		c := office(t, tc.tz, h9, h17, free, tc.holidays...)
		require.Equal(t, tc.want, c.Add(from, 4).UTC().Format(time.RFC3339), tc.tz)
	}
}

// TestADayIsADayOfTheOffice: at 23:00Z on a Thursday it is Friday in Auckland
// and still Thursday in New York.
func TestADayIsADayOfTheOffice(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 2, 23, 0, 0, 0, time.UTC)
	friday := []time.Weekday{time.Friday}
	require.False(t, office(t, "Pacific/Auckland", h9, h17, friday).WorksOn(at))
	require.True(t, office(t, "America/New_York", h9, h17, friday).WorksOn(at))
	require.False(t, office(t, "Pacific/Auckland", h9, h17, noWeekend, "2026-07-03").WorksOn(at))
	require.True(t, office(t, "America/New_York", h9, h17, noWeekend, "2026-07-03").WorksOn(at))
	require.False(t, office(t, "America/New_York", h9, h17, noWeekend, "2026-07-02").WorksOn(at))
}

// TestAfterTheYear9999: the calendar goes on where the form of dates has no
// room left.
func TestAfterTheYear9999(t *testing.T) {
	t.Parallel()
	c := office(t, "Europe/Berlin", h9, h17, satSun, "9999-12-31")
	from := time.Date(9999, 12, 30, 16, 0, 0, 0, c.Location)
	got := c.Add(from, 1)
	require.Equal(t, time.Date(10000, 1, 3, 16, 0, 0, 0, c.Location), got, "Friday the 31st is free, the third is a Monday")
	require.Equal(t, c.Day(), c.Between(from, got))
}

// An oracle is the slow and obvious calendar: it looks at the wall clock once
// a minute. The doors open and close once a day, when the clock first shows the
// hour or a later one; while the clock repeats an hour they stay as they are.
type oracle struct {
	base  time.Time
	open  []bool    // by minute since base
	share []float64 // of a business day that the minute is
}

func watch(c kam.Calendar, base time.Time, days int) oracle {
	o := oracle{base: base, open: make([]bool, days*24*60), share: make([]float64, days*24*60)}
	free := map[time.Weekday]bool{}
	for _, d := range c.Weekend {
		free[d] = true
	}
	var latest time.Time // what the clock has shown at most, as if in UTC
	const before = 2 * 24 * 60
	for i := -before; i < len(o.open); i++ {
		w := base.Add(time.Duration(i) * time.Minute).In(c.Location)
		shown := time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), 0, 0, time.UTC)
		if shown.After(latest) {
			latest = shown
		}
		minute := latest.Hour()*60 + latest.Minute()
		if i < 0 {
			continue
		}
		h, own := c.ByDay[latest.Weekday()]
		if !own {
			h = kam.Hours{Open: c.Open, Close: c.Close}
		}
		o.share[i] = 1 / float64(h.Close-h.Open)
		if c.HalfDays[latest.Format(time.DateOnly)] {
			h.Close = h.Open + (h.Close-h.Open)/2
		}
		o.open[i] = minute >= h.Open && minute < h.Close && !free[latest.Weekday()] && !c.Holidays[latest.Format(time.DateOnly)]
	}
	return o
}

// between adds up the open minutes from a to b, parts of minutes included.
func (o oracle) between(a, b time.Time) (sum time.Duration) {
	for i := int(a.Sub(o.base) / time.Minute); i < len(o.open); i++ {
		from := o.base.Add(time.Duration(i) * time.Minute)
		if !from.Before(b) {
			return sum
		}
		if o.open[i] {
			sum += minTime(from.Add(time.Minute), b).Sub(maxTime(from, a))
		}
	}
	panic("the oracle watched too short a time")
}

// days adds up the business days from a to b.
func (o oracle) days(a, b time.Time) (sum float64) {
	for i := int(a.Sub(o.base) / time.Minute); i < len(o.open); i++ {
		from := o.base.Add(time.Duration(i) * time.Minute)
		if !from.Before(b) {
			return sum
		}
		if o.open[i] {
			sum += o.share[i] * minTime(from.Add(time.Minute), b).Sub(maxTime(from, a)).Minutes()
		}
	}
	panic("the oracle watched too short a time")
}

// add walks until d has been worked.
func (o oracle) add(a time.Time, d time.Duration) time.Time {
	for i := int(a.Sub(o.base) / time.Minute); i < len(o.open); i++ {
		if !o.open[i] {
			continue
		}
		from := maxTime(o.base.Add(time.Duration(i)*time.Minute), a)
		if left := o.base.Add(time.Duration(i+1) * time.Minute).Sub(from); left >= d {
			return from.Add(d)
		} else {
			d -= left
		}
	}
	panic("the oracle watched too short a time")
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// changes are the instants near which a zone does something unusual.
var changes = []struct {
	tz string
	at []string
}{
	{"Europe/Berlin", []string{"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "9999-03-28T01:00:00Z"}},
	{"Europe/Vienna", []string{"2027-03-28T01:00:00Z", "2027-10-31T01:00:00Z"}},
	{"America/New_York", []string{"2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"}},
	{"Australia/Lord_Howe", []string{"2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"}},
	{"Asia/Kolkata", []string{"2028-02-29T00:00:00Z", "2026-12-31T18:30:00Z"}},
	{"Asia/Amman", []string{"2021-03-25T22:00:00Z", "2021-10-28T22:00:00Z"}},     // 01:00 back to 00:00: midnight comes twice
	{"America/Havana", []string{"2026-03-08T05:00:00Z", "2026-11-01T05:00:00Z"}}, // midnight is skipped, or comes twice
	{"Asia/Beirut", []string{"2026-03-28T22:00:00Z", "2026-10-24T21:00:00Z"}},    // midnight is skipped; 24:00 back to 23:00
	{"America/Sao_Paulo", []string{"2018-11-04T03:00:00Z", "2019-02-17T02:00:00Z"}},
	{"America/St_Johns", []string{"2010-03-14T03:31:00Z", "2010-11-07T02:31:00Z"}}, // 00:01 back to 23:01: two days mingle
	{"Antarctica/Troll", []string{"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"}}, // two hours
	{"Pacific/Apia", []string{"2011-12-30T10:00:00Z"}},                             // a day that never was
	{"UTC", []string{"2026-12-31T23:59:00Z"}},
}

// TestCalendarAgreesWithTheWallClock draws calendars, zones, instants near the
// changes of clock and durations, and compares every operation with the oracle.
func TestCalendarAgreesWithTheWallClock(t *testing.T) {
	t.Parallel()
	const days = 45
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(changes).Draw(t, "zone")
		loc, err := time.LoadLocation(zone.tz)
		require.NoError(t, err)
		change, err := time.Parse(time.RFC3339, rapid.SampledFrom(zone.at).Draw(t, "change"))
		require.NoError(t, err)

		openAt := rapid.IntRange(0, 1439).Draw(t, "open")
		c := kam.Calendar{Location: loc, Open: openAt, Close: rapid.IntRange(openAt+1, 1440).Draw(t, "close"), Holidays: map[string]bool{}}
		if rapid.Bool().Draw(t, "at night") { // half of the calendars are open where clocks change
			c.Open = rapid.IntRange(0, 240).Draw(t, "open at night")
			c.Close = c.Open + rapid.IntRange(1, 300).Draw(t, "for minutes")
		}
		if c.Open == 0 && c.Close == 0 {
			c.Close = 1
		}
		for range rapid.IntRange(0, 3).Draw(t, "free days of the week") {
			c.Weekend = append(c.Weekend, time.Weekday(rapid.IntRange(0, 6).Draw(t, "free")))
		}
		base := change.Add(-6 * 24 * time.Hour).Truncate(time.Minute)
		for range rapid.IntRange(0, 4).Draw(t, "holidays") {
			c.Holidays[base.AddDate(0, 0, rapid.IntRange(0, 20).Draw(t, "holiday")).Format(time.DateOnly)] = true
		}

		for range rapid.IntRange(0, 3).Draw(t, "half days") {
			if c.HalfDays == nil {
				c.HalfDays = map[string]bool{}
			}
			c.HalfDays[base.AddDate(0, 0, rapid.IntRange(0, 20).Draw(t, "half day")).Format(time.DateOnly)] = true
		}
		for range rapid.IntRange(0, 4).Draw(t, "days with hours of their own") {
			if c.ByDay == nil {
				c.ByDay = map[time.Weekday]kam.Hours{}
			}
			from := rapid.IntRange(0, 1439).Draw(t, "that day open")
			c.ByDay[time.Weekday(rapid.IntRange(0, 6).Draw(t, "that day"))] = kam.Hours{Open: from, Close: rapid.IntRange(max(from+1, 1), 1440).Draw(t, "that day close")}
		}

		o := watch(c, base, days)
		start := rapid.OneOf(rapid.Int64Range(0, 12*24*3600), rapid.Int64Range(6*24*3600-3*3600, 6*24*3600+3*3600))
		for range 10 {
			a := base.Add(time.Duration(start.Draw(t, "a")) * time.Second)
			b := a.Add(time.Duration(rapid.Int64Range(0, 10*24*3600).Draw(t, "b after a")) * time.Second)
			want := o.between(a, b)
			require.Equal(t, want, c.Between(a, b), "between %s and %s", a.In(loc), b.In(loc))
			require.Equal(t, -want, c.Between(b, a))
			require.InDelta(t, o.days(a, b), c.BusinessDays(a, b), 1e-9)
			require.InDelta(t, -o.days(a, b), c.BusinessDays(b, a), 1e-9)

			// What is added stays within 10 days' work, so that the oracle sees its end.
			d := time.Duration(rapid.Int64Range(1, 1+int64(o.between(base, base.Add(10*24*time.Hour))/time.Second)).Draw(t, "seconds")) * time.Second
			if len(c.Weekend) > 0 || len(c.Holidays) > 0 {
				d = min(d, 3*c.Day())
			}
			d = max(d, time.Second)
			got := c.AddTime(a, d)
			require.True(t, o.add(a, d).Equal(got), "%s and %s of work: want %s, got %s", a.In(loc), d, o.add(a, d).In(loc), got.In(loc))
			if len(c.ByDay) == 0 {
				require.True(t, got.Equal(c.Add(a, d.Seconds()/c.Day().Seconds())), "Add in business days is AddTime")
			}
			require.WithinDuration(t, got, c.Add(a, o.days(a, got)), 2*time.Millisecond, "Add is what BusinessDays counts")
			require.Equal(t, d, c.Between(a, got), "what was added has passed")

			// Never in a closed hour: the second before the end was worked.
			last := got.Add(-time.Second)
			require.True(t, o.open[int(last.Sub(o.base)/time.Minute)], "%s is not working time", last.In(loc))

			more := time.Duration(rapid.Int64Range(0, 7200).Draw(t, "more")) * time.Second
			require.False(t, c.AddTime(a, d+more).Before(got), "more work is not done earlier")
			require.False(t, c.AddTime(a.Add(more), d).Before(got), "a later start does not end earlier")
			compared++
		}
	})
	t.Log(fmt.Sprint(compared, " comparisons with the oracle"))
}
