package access_test

import (
	"testing"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestCalendarThatNobodyCanReadIsRefusedWhenLoaded: the first case that needed
// it would stop for an operator, and each after it.
func TestCalendarThatNobodyCanReadIsRefusedWhenLoaded(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	good := accessdb.CalendarRow{Code: "DE", TimeZone: "Europe/Berlin", Opens: "09:00", Closes: "17:00", Weekend: []string{"saturday"}, Holidays: []string{"2026-12-25"}}
	node := accessdb.Node{Code: "DE", Level: kam.LevelCountry, Calendar: "DE"}
	require.NoError(t, storetest.LoadOrg(t.Context(), s, accessdb.Org{Calendars: []accessdb.CalendarRow{good}, Nodes: []accessdb.Node{node}}))

	for _, tc := range []struct {
		name, field string
		spoil       func(*accessdb.CalendarRow)
	}{
		{"no zone", "timezone", func(c *accessdb.CalendarRow) { c.TimeZone = "" }},
		{"the zone of the machine", "timezone", func(c *accessdb.CalendarRow) { c.TimeZone = "Local" }},
		{"no such zone", "timezone", func(c *accessdb.CalendarRow) { c.TimeZone = "Mars/Olympus" }},
		{"no hours", "hours", func(c *accessdb.CalendarRow) { c.Opens, c.Closes = "", "" }},
		{"closes before it opens", "hours", func(c *accessdb.CalendarRow) { c.Opens, c.Closes = "17:00", "09:00" }},
		{"no working day", "weekend", func(c *accessdb.CalendarRow) {
			c.Weekend = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
		}},
		{"a day that is none", "weekend", func(c *accessdb.CalendarRow) { c.Weekend = []string{"Freitag"} }},
		{"hours of a day that is none", "hours", func(c *accessdb.CalendarRow) { c.Hours = map[string]string{"Freitag": "09:00-12:00"} }},
		{"a half day that is a holiday", "half_days", func(c *accessdb.CalendarRow) { c.HalfDays = []string{"2026-12-25"} }},
		{"a date that is none", "holidays", func(c *accessdb.CalendarRow) { c.Holidays = []string{"2027-02-29"} }},
	} {
		bad := good
		tc.spoil(&bad)
		err := storetest.LoadOrg(t.Context(), s, accessdb.Org{Calendars: []accessdb.CalendarRow{bad}})
		require.ErrorIs(t, err, kam.Invalid, tc.name)
		require.Equal(t, tc.field, kam.AsError(err).Field, tc.name)
	}

	lost := node
	lost.Calendar = "AT"
	for name, o := range map[string]accessdb.Org{
		"a node names a calendar that is not loaded": {Nodes: []accessdb.Node{lost}},
		"neither before nor with it":                 {Calendars: []accessdb.CalendarRow{good}, Nodes: []accessdb.Node{lost}},
		"a calendar goes that a node still goes by":  {Calendars: []accessdb.CalendarRow{{Code: "FR", TimeZone: "Europe/Paris", Opens: "09:00", Closes: "17:00"}}},
	} {
		err := storetest.LoadOrg(t.Context(), s, o)
		require.ErrorIs(t, err, kam.Invalid, name)
		require.Equal(t, "calendar", kam.AsError(err).Field, name)
	}

	// What was refused has changed nothing.
	n, err := s.Access.Nodes(t.Context())
	require.NoError(t, err)
	require.Len(t, n, 1)
	require.Equal(t, "DE", n[0].Calendar)
}
