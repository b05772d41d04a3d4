package kam_test

import (
	"math"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
)

var weekend = []string{"SATURDAY", "SUNDAY"}

func calendar(t testing.TB, tz, hours string, holidays ...string) kam.Calendar {
	t.Helper()
	c, err := kam.NewCalendar("T", tz, hours, weekend, holidays)
	require.NoError(t, err)
	return c
}

func TestCalendarAdd(t *testing.T) {
	t.Parallel()
	const berlin, newYork = "Europe/Berlin", "America/New_York"
	xmas := []string{"2026-12-24", "2026-12-25", "2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31", "2027-01-01"}
	for _, tc := range []struct {
		name, tz, hours string
		holidays        []string
		from            string
		days            float64
		want            string
	}{
		{"within a day", berlin, "", nil, "2026-03-02T09:00:00", 0.5, "2026-03-02T13:00:00"},
		{"ends at close, not at the next opening", berlin, "", nil, "2026-03-02T09:00:00", 1, "2026-03-02T17:00:00"},
		{"same hour of the next day", berlin, "", nil, "2026-03-02T10:30:00", 1, "2026-03-03T10:30:00"},
		{"over a weekend", berlin, "", nil, "2026-03-06T15:00:00", 1, "2026-03-09T15:00:00"},
		{"start on a Saturday", berlin, "", nil, "2026-03-07T11:00:00", 1, "2026-03-09T17:00:00"},
		{"start before opening", berlin, "", nil, "2026-03-02T06:00:00", 0.25, "2026-03-02T11:00:00"},
		{"start after closing", berlin, "", nil, "2026-03-02T20:00:00", 0.25, "2026-03-03T11:00:00"},
		{"start at close", berlin, "", nil, "2026-03-02T17:00:00", 0.25, "2026-03-03T11:00:00"},
		{"spring in Berlin", berlin, "", nil, "2026-03-27T12:00:00", 2, "2026-03-31T12:00:00"},
		{"autumn in Berlin", berlin, "", nil, "2026-10-23T12:00:00", 2, "2026-10-27T12:00:00"},
		{"spring in New York", newYork, "", nil, "2026-03-06T12:00:00", 2, "2026-03-10T12:00:00"},
		{"autumn in New York", newYork, "", nil, "2026-10-30T12:00:00", 2, "2026-11-03T12:00:00"},
		{"year end", berlin, "", []string{"2027-01-01"}, "2026-12-31T16:00:00", 1, "2027-01-04T16:00:00"},
		{"run of holidays", berlin, "", xmas, "2026-12-23T16:00:00", 1, "2027-01-04T16:00:00"},
		{"leap day", berlin, "", nil, "2028-02-28T16:00:00", 1, "2028-02-29T16:00:00"},
		{"a day of 7.5 hours is a day", berlin, "08:30-16:00", nil, "2026-03-02T08:30:00", 2, "2026-03-03T16:00:00"},
		{"thirty days", berlin, "", nil, "2026-03-02T10:00:00", 30, "2026-04-13T10:00:00"},
		{"nothing to add", berlin, "", nil, "2026-03-07T11:00:00", 0, "2026-03-07T11:00:00"},
		{"less than nothing", berlin, "", nil, "2026-03-07T11:00:00", -3, "2026-03-07T11:00:00"},
		{"not a number", berlin, "", nil, "2026-03-07T11:00:00", math.NaN(), "2026-03-07T11:00:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := calendar(t, tc.tz, tc.hours, tc.holidays...)
			from, err := time.ParseInLocation("2006-01-02T15:04:05", tc.from, c.Location)
			require.NoError(t, err)
			require.Equal(t, tc.want, c.Add(from, tc.days).Format("2006-01-02T15:04:05"))
			require.True(t, c.Add(from, tc.days).Equal(c.Add(from.UTC(), tc.days)), "the zone of the argument does not matter")
		})
	}
}

// TestCalendarClockChange counts the hours that pass where people work through
// the change of clock.
func TestCalendarClockChange(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		tz, hours, day string
		want           time.Duration
	}{
		{"Europe/Berlin", "00:00-24:00", "2026-03-29", 23 * time.Hour},
		{"Europe/Berlin", "00:00-24:00", "2026-10-25", 25 * time.Hour},
		{"Europe/Berlin", "09:00-17:00", "2026-03-29", 8 * time.Hour},
		{"Europe/Berlin", "02:30-08:00", "2026-03-29", 5 * time.Hour}, // 02:30 does not exist: from 03:00
		{"America/New_York", "00:00-08:00", "2026-03-08", 7 * time.Hour},
		{"America/New_York", "00:00-08:00", "2026-11-01", 9 * time.Hour},
		{"Asia/Beirut", "00:00-08:00", "2026-03-29", 7 * time.Hour}, // midnight itself is skipped
		{"Pacific/Apia", "09:00-17:00", "2011-12-30", 0},            // a day that never was
		{"Pacific/Apia", "00:00-24:00", "2011-12-31", 24 * time.Hour},
	} {
		t.Run(tc.tz+" "+tc.day+" "+tc.hours, func(t *testing.T) {
			c, err := kam.NewCalendar("T", tc.tz, tc.hours, nil, nil)
			require.NoError(t, err)
			day, err := time.ParseInLocation(time.DateOnly, tc.day, time.UTC)
			require.NoError(t, err)
			// Every other day of the month is free, so only the day counts.
			for d := day.AddDate(0, 0, -5); d.Before(day.AddDate(0, 0, 6)); d = d.AddDate(0, 0, 1) {
				if !d.Equal(day) {
					c.Holidays[d.Format(time.DateOnly)] = true
				}
			}
			require.Equal(t, tc.want, c.Between(day.AddDate(0, 0, -4), day.AddDate(0, 0, 5)))
		})
	}
}

// TestCalendarAlwaysEnds: no calendar and no argument hangs.
func TestCalendarAlwaysEnds(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	never := kam.Calendar{Weekend: []time.Weekday{0, 1, 2, 3, 4, 5, 6}}
	require.Equal(t, 2126, never.Add(from, 1).Year())
	require.Zero(t, never.Between(from, from.AddDate(50, 0, 0)))
	require.Equal(t, 2126, kam.Calendar{Open: 600, Close: 500}.AddTime(from, time.Hour).Year())
	require.Equal(t, 2126, calendar(t, "Europe/Berlin", "").Add(from, math.Inf(1)).Year())
	require.NotZero(t, calendar(t, "Europe/Berlin", "").Between(time.Time{}, from))
	require.Equal(t, "2026-03-02T11:00:00Z", kam.Calendar{}.AddTime(from, time.Hour).Format(time.RFC3339), "the zero calendar works")
}

func TestNewCalendarRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		tz, hours string
		weekend   []string
		holidays  []string
		field     string
	}{
		{"", "", nil, nil, "timezone"},
		{"Local", "", nil, nil, "timezone"},
		{"Mars/Olympus", "", nil, nil, "timezone"},
		{"../../etc/passwd", "", nil, nil, "timezone"},
		{"UTC", "9-17", nil, nil, "hours"},
		{"UTC", "17:00-09:00", nil, nil, "hours"},
		{"UTC", "09:00-09:00", nil, nil, "hours"},
		{"UTC", "09:00-24:01", nil, nil, "hours"},
		{"UTC", "09:60-17:00", nil, nil, "hours"},
		{"UTC", "", []string{"Freitag"}, nil, "weekend"},
		{"UTC", "", []string{"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}, nil, "weekend"},
		{"UTC", "", nil, []string{"25.12.2026"}, "holidays"},
		{"UTC", "", nil, []string{"2026-02-30"}, "holidays"},
	} {
		_, err := kam.NewCalendar("DE", tc.tz, tc.hours, tc.weekend, tc.holidays)
		require.ErrorIs(t, err, kam.Invalid, tc)
		require.Equal(t, tc.field, kam.AsError(err).Field)
		require.NotEmpty(t, kam.AsError(err).Remedy)
	}
	c, err := kam.NewCalendar("IL", "Asia/Jerusalem", "08:00-16:30", []string{"friday", "Sat", "SATURDAY"}, nil)
	require.NoError(t, err)
	require.Equal(t, []time.Weekday{time.Friday, time.Saturday}, c.Weekend)
	require.Equal(t, 8*time.Hour+30*time.Minute, c.Day())
}

// TestCalendarProperties: adding is monotone in both arguments, and what was
// added lies between.
func TestCalendarProperties(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		open := rapid.IntRange(0, 1380).Draw(t, "open")
		loc, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		require.NoError(t, err)
		c := kam.Calendar{Location: loc, Open: open, Close: rapid.IntRange(open+60, 1440).Draw(t, "close"),
			Weekend: []time.Weekday{time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekend"))}, Holidays: map[string]bool{}}
		base := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)
		from := base.Add(time.Duration(rapid.Int64Range(0, 10*366*24*60).Draw(t, "from")) * time.Minute)
		for range rapid.IntRange(0, 5).Draw(t, "holidays") {
			c.Holidays[from.AddDate(0, 0, rapid.IntRange(0, 20).Draw(t, "day")).Format(time.DateOnly)] = true
		}
		d := time.Duration(rapid.IntRange(1, 60*8*20).Draw(t, "minutes")) * time.Minute
		more := time.Duration(rapid.IntRange(0, 600).Draw(t, "more")) * time.Minute

		to := c.AddTime(from, d)
		require.True(t, to.After(from))
		require.Equal(t, d, c.Between(from, to), "Between undoes Add")
		require.Equal(t, -d, c.Between(to, from))
		require.False(t, c.AddTime(from, d+more).Before(to), "more time is not earlier")
		require.False(t, c.AddTime(from.Add(more), d).Before(to), "a later start is not earlier")
		require.True(t, c.AddTime(to, more).Equal(c.AddTime(from, d+more)) || more == 0, "added in two parts")
		require.Less(t, c.Between(from, to.Add(-time.Second)), d, "the first such instant")
	})
}

// TestHoursByWeekdayAndHalfDays: a short Friday is a business day, a half day
// is half of one, and both close earlier.
func TestHoursByWeekdayAndHalfDays(t *testing.T) {
	t.Parallel()
	c := calendar(t, "Europe/Berlin", "08:00-17:00", "2026-12-25")
	c, err := c.With(map[string]string{"friday": "08:00-14:00"}, []string{"2026-12-24", "2026-12-26", "2026-12-31"})
	require.NoError(t, err)
	for _, tc := range []struct {
		from string
		days float64
		want string
	}{
		{"2026-03-05T12:30:00", 1, "2026-03-06T11:00:00"},    // the middle of Thursday, the middle of Friday
		{"2026-03-05T10:00:00", 2, "2026-03-09T10:00:00"},    // Friday is a whole day
		{"2026-03-05T08:00:00", 2, "2026-03-06T14:00:00"},    // to the close of Friday
		{"2026-03-06T08:00:00", 0.5, "2026-03-06T11:00:00"},  // half of six hours
		{"2026-03-06T14:00:00", 0.5, "2026-03-09T12:30:00"},  // it has closed
		{"2026-12-23T12:30:00", 0.75, "2026-12-24T10:15:00"}, // half a day on Wednesday, a quarter on the half day
		{"2026-12-23T12:30:00", 1, "2026-12-24T12:30:00"},    // the half day to its end
		{"2026-12-23T12:30:00", 1.5, "2026-12-28T12:30:00"},  // the 25th is free
		{"2026-12-24T12:30:00", 0.5, "2026-12-28T12:30:00"},  // a half day has closed at half
		{"2026-12-30T08:00:00", 2, "2027-01-01T11:00:00"},    // a day, half a day, half of a Friday
	} {
		from, err := time.ParseInLocation("2006-01-02T15:04:05", tc.from, c.Location)
		require.NoError(t, err)
		got := c.Add(from, tc.days)
		require.Equal(t, tc.want, got.Format("2006-01-02T15:04:05"), "%s and %v days", tc.from, tc.days)
		require.InDelta(t, tc.days, c.BusinessDays(from, got), 1e-6)
	}
	day := func(s string) time.Time {
		at, err := time.ParseInLocation(time.DateOnly, s, c.Location)
		require.NoError(t, err)
		return at
	}
	require.Equal(t, 4*time.Hour+30*time.Minute, c.Between(day("2026-12-24"), day("2026-12-25")))
	require.Equal(t, 6*time.Hour, c.Between(day("2026-03-06"), day("2026-03-09")))
	require.Zero(t, c.Between(day("2026-12-26"), day("2026-12-28")), "a Saturday stays free")

	for _, tc := range []struct {
		hours map[string]string
		half  []string
		field string
	}{
		{map[string]string{"freitag": "09:00-12:00"}, nil, "hours"},
		{map[string]string{"friday": ""}, nil, "hours"},
		{map[string]string{"friday": "9-12"}, nil, "hours"},
		{map[string]string{"friday": "12:00-09:00"}, nil, "hours"},
		{map[string]string{"friday": "09:00-12:00", "FRI": "09:00-13:00"}, nil, "hours"},
		{map[string]string{"saturday": "09:00-12:00"}, nil, "hours"},
		{nil, []string{"24.12.2026"}, "half_days"},
		{nil, []string{"2026-12-25"}, "half_days"},
	} {
		_, err := calendar(t, "Europe/Berlin", "", "2026-12-25").With(tc.hours, tc.half)
		require.ErrorIs(t, err, kam.Invalid, tc)
		require.Equal(t, tc.field, kam.AsError(err).Field)
		require.NotEmpty(t, kam.AsError(err).Remedy)
	}
}
