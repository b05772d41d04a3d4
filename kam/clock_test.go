package kam_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
)

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	require.NoError(t, err)
	return at
}

// TestClockByHand: time of a stage against its target, counted by hand.
func TestClockByHand(t *testing.T) {
	t.Parallel()
	berlin := office(t, "Europe/Berlin", h9, h17, satSun, berlinDays...)
	berlin.HalfDays = map[string]bool{"2026-12-24": true, "2026-12-31": true}
	short, err := office(t, "Europe/Berlin", h9, h17, satSun).With(map[string]string{"FRIDAY": "09:00-15:00"}, nil)
	require.NoError(t, err)
	newYork := office(t, "America/New_York", h9, h17, satSun)
	shanghai := office(t, "Asia/Shanghai", h9, h17, satSun)
	always := office(t, "Europe/Berlin", 0, h24, noWeekend)

	for _, tc := range []struct {
		name         string
		c            kam.Calendar
		from, until  string
		target       string
		worked, over string
		overdue      bool
		at           string // the last instant within the target
	}{
		{"within a day", berlin, "2026-03-02T10:00:00+01:00", "2026-03-02T14:00:00+01:00", "4", "4", "0", false, "2026-03-02T14:00:00+01:00"},
		{"a minute more", berlin, "2026-03-02T10:00:00+01:00", "2026-03-02T14:03:00+01:00", "4", "4.05", "0.05", true, "2026-03-02T14:00:00+01:00"},
		{"the night counts for nothing", berlin, "2026-03-02T16:00:00+01:00", "2026-03-03T10:00:00+01:00", "2", "2", "0", false, "2026-03-03T10:00:00+01:00"},
		{"a target that ends with the day holds until the office opens", berlin, "2026-03-02T09:00:00+01:00", "2026-03-03T09:00:00+01:00", "8", "8", "0", false, "2026-03-03T09:00:00+01:00"},
		{"a weekend", berlin, "2026-03-06T16:00:00+01:00", "2026-03-09T11:00:00+01:00", "2", "3", "1", true, "2026-03-09T10:00:00+01:00"},
		{"half a day and two holidays", berlin, "2026-12-24T09:00:00+01:00", "2026-12-28T10:00:00+01:00", "8", "5", "0", false, "2026-12-28T13:00:00+01:00"},
		{"half a day ends at one", berlin, "2026-12-31T12:00:00+01:00", "2026-12-31T18:00:00+01:00", "1", "1", "0", false, "2027-01-04T09:00:00+01:00"},
		{"a short Friday", short, "2026-03-06T14:00:00+01:00", "2026-03-09T09:30:00+01:00", "1", "1.5", "0.5", true, "2026-03-09T09:00:00+01:00"},
		{"spring: the office never notices", berlin, "2026-03-27T16:00:00+01:00", "2026-03-30T10:00:00+02:00", "2", "2", "0", false, "2026-03-30T10:00:00+02:00"},
		{"spring, always open: the hour that is skipped is not worked", always, "2026-03-29T00:00:00+01:00", "2026-03-29T12:00:00+02:00", "11", "11", "0", false, "2026-03-29T12:00:00+02:00"},
		{"autumn, always open: the hour that comes twice is worked twice", always, "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00", "12", "13", "1", true, "2026-10-25T11:00:00+01:00"},
		{"New York changes its clock three weeks before Berlin", newYork, "2026-03-06T16:00:00-05:00", "2026-03-09T10:00:00-04:00", "16", "2", "0", false, "2026-03-10T16:00:00-04:00"},
		{"Shanghai has no summer time", shanghai, "2026-03-27T16:00:00+08:00", "2026-03-30T10:00:00+08:00", "1", "2", "1", true, "2026-03-30T09:00:00+08:00"},
		{"no target", berlin, "2026-03-02T10:00:00+01:00", "2026-03-02T12:00:00+01:00", "0", "2", "0", false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			task := kam.Task{OpenedAt: instant(t, tc.from)}
			task.StartClock(tc.c, dec(t, tc.target))
			m := kam.Calendars{tc.c.Code: tc.c}.Measure(task, kam.PartyManager, instant(t, tc.until))
			require.Equal(t, kam.Measure{Party: kam.PartyManager, Worked: dec(t, tc.worked), Target: dec(t, tc.target), Over: dec(t, tc.over), Overdue: tc.overdue}, m)
			if tc.at == "" {
				require.Nil(t, task.Target)
				return
			}
			require.Equal(t, instant(t, tc.at).UTC(), task.Target.At)
		})
	}
}

func dec(t testing.TB, s string) kam.Dec {
	t.Helper()
	d, err := kam.ParseDec(s)
	require.NoError(t, err)
	return d
}

// TestTimeOfManyYears: the longest target of a policy, ten years of hours, and a
// repair that took as long.
func TestTimeOfManyYears(t *testing.T) {
	t.Parallel()
	task := kam.Task{OpenedAt: instant(t, "2026-01-01T00:00:00Z")}
	task.StartClock(office(t, "UTC", 0, h24, noWeekend), dec(t, "87600"))
	require.Equal(t, instant(t, "2035-12-30T00:00:00Z"), task.Target.At)
	m := kam.Calendars{}.Measure(task, kam.PartyEngine, instant(t, "2035-12-30T01:00:00Z"))
	require.Equal(t, "87601, 1 over", m.Worked.String()+", "+m.Over.String()+" over")
}

// TestPassedOn: a task that somebody in another country joins goes on by his
// hours; what was worked before stays.
func TestPassedOn(t *testing.T) {
	t.Parallel()
	berlin, newYork := office(t, "Europe/Berlin", h9, h17, satSun), office(t, "America/New_York", h9, h17, satSun)
	all := kam.Calendars{berlin.Code: berlin, newYork.Code: newYork}
	task := kam.Task{OpenedAt: instant(t, "2026-05-04T09:00:00+02:00")}
	task.StartClock(berlin, dec(t, "16"))
	before := *task.Target
	was := task
	task.PassOn(berlin, newYork, instant(t, "2026-05-04T15:00:00+02:00")) // 09:00 in New York
	require.Equal(t, before, *was.Target, "who has the task as it was does not see it move")
	require.Equal(t, "America/New_York", task.Calendar)
	require.Equal(t, dec(t, "6"), all.Measure(task, kam.PartyManager, task.Since).Worked)
	require.Equal(t, instant(t, "2026-05-05T11:00:00-04:00").UTC(), task.Target.At, "ten hours are left, by the hours of New York")
	require.Equal(t, dec(t, "14"), all.Measure(task, kam.PartyManager, instant(t, "2026-05-05T09:00:00-04:00")).Worked)

	late := task
	late.PassOn(newYork, berlin, instant(t, "2026-05-06T09:00:00+02:00"))
	require.Equal(t, dec(t, "22"), late.Before)
	require.Equal(t, task.Target.At, late.Target.At, "it was missed before and stays missed then")
}

// TestClockOfACase: who owes the answer has the time; what no task fills is the
// engine's, which works at any hour.
func TestClockOfACase(t *testing.T) {
	t.Parallel()
	berlin, shanghai := office(t, "Europe/Berlin", h9, h17, satSun), office(t, "Asia/Shanghai", h9, h17, satSun)
	all := kam.Calendars{"DE": berlin, "CN": shanghai, kam.DefaultCalendar: office(t, "UTC", h9, h17, satSun)}
	berlin.Code, shanghai.Code = "DE", "CN"
	turn := func(kind kam.TaskKind, p kam.Party, c kam.Calendar, from, until string) kam.Turn {
		x := kam.Turn{Task: kam.Task{Kind: kind, OpenedAt: instant(t, from)}, Party: p}
		x.Task.StartClock(c, dec(t, "4"))
		if until != "" {
			x.Until = instant(t, until)
		}
		return x
	}
	old := kam.Turn{Task: kam.Task{Kind: "old", OpenedAt: instant(t, "2026-05-08T10:00:00Z")}, Party: kam.PartyManager} // of a release without clocks
	clock := all.Read(instant(t, "2026-05-04T09:00:00+02:00"), instant(t, "2026-05-08T12:00:00Z"), []kam.Turn{
		turn("enter", kam.PartyRequester, berlin, "2026-05-04T09:00:00+02:00", "2026-05-04T12:00:00+02:00"),
		turn("confirm", kam.PartyManager, shanghai, "2026-05-04T18:00:00+08:00", "2026-05-05T11:00:00+08:00"), // sent back
		turn("change", kam.PartyRequester, berlin, "2026-05-05T09:00:00+02:00", "2026-05-07T10:00:00+02:00"),
		turn("confirm", kam.PartyManager, shanghai, "2026-05-07T16:00:00+08:00", "2026-05-07T16:30:00+08:00"),
		turn("repair", kam.PartyEngine, kam.Calendar{}, "2026-05-07T10:30:00+02:00", "2026-05-08T10:00:00Z"), // overnight
		old,
	})
	require.Equal(t, []kam.PartyTime{
		{Party: kam.PartyRequester, Hours: dec(t, "20")}, // 3 and 8 + 8 + 1
		{Party: kam.PartyManager, Hours: dec(t, "4.5")},  // 2, 0.5 and 2
		{Party: kam.PartyEngine, Hours: dec(t, "29.5")},  // 4 hours between the last two turns of Tuesday, 25.5 until Friday
	}, clock.Parties)
	require.Equal(t, dec(t, "54"), clock.InAll)
	require.Len(t, clock.Stages, 6)
	require.Equal(t, "17 of 4, 13 over", clock.Stages[2].Worked.String()+" of "+clock.Stages[2].Target.String()+", "+clock.Stages[2].Over.String()+" over")
	require.Nil(t, clock.Stages[5].Until)
	require.NotNil(t, clock.Stages[0].Until)
}

// TestClockProperties: whatever happens, the parties' times add up to the whole,
// none is negative, and time that is cut in two is as long as it was.
func TestClockProperties(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"}
	all := kam.Calendars{kam.DefaultCalendar: office(t, "UTC", h9, h17, satSun)}
	for _, tz := range zones {
		c := office(t, tz, h9, h17, satSun, viennaDays...)
		c.HalfDays = map[string]bool{"2026-12-24": true, "2026-10-23": true}
		all[tz] = c
	}
	start := instant(t, "2026-01-01T00:00:00Z")
	rapid.Check(t, func(t *rapid.T) {
		minutes := func(most int, name string) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Minute
		}
		began := start.Add(minutes(400*24*60, "began"))
		at := began
		var turns []kam.Turn
		for range rapid.IntRange(0, 6).Draw(t, "turns") {
			at = at.Add(minutes(300, "gap"))
			turn := kam.Turn{Task: kam.Task{OpenedAt: at}, Party: rapid.SampledFrom(kam.Parties).Draw(t, "party")}
			turn.Task.StartClock(all[rapid.SampledFrom(zones).Draw(t, "calendar")], kam.Dec(rapid.IntRange(0, 5000).Draw(t, "target")))
			at = at.Add(minutes(9*24*60, "lasted"))
			turn.Until = at
			turns = append(turns, turn)
		}
		until := at.Add(minutes(24*60, "after"))
		clock := all.Read(began, until, turns)

		var sum kam.Dec
		for _, p := range clock.Parties {
			require.Positive(t, p.Hours)
			sum += p.Hours
		}
		require.Equal(t, clock.InAll, sum)
		for i, s := range clock.Stages {
			require.GreaterOrEqual(t, s.Worked, kam.Dec(0))
			require.Equal(t, max(s.Worked-s.Target, 0)*min(s.Target, 1), s.Over)
			// What lists go by says the same as what is shown.
			if target := turns[i].Task.Target; target != nil && turns[i].Party != kam.PartyEngine {
				require.Equal(t, s.Overdue, turns[i].Until.After(target.At), "%s: %v until %s, target %v until %s", turns[i].Task.Calendar, s.Worked, turns[i].Until, s.Target, target.At)
			}
		}

		if len(turns) == 0 {
			return
		}
		// One task becomes two, one behind the other.
		n := rapid.IntRange(0, len(turns)-1).Draw(t, "cut")
		first, second := turns[n], turns[n]
		cut := first.Task.OpenedAt.Add(min(minutes(9*24*60, "at"), first.Until.Sub(first.Task.OpenedAt)))
		first.Until, second.Task.OpenedAt, second.Task.Since = cut, cut, cut
		halves := append(append(append([]kam.Turn{}, turns[:n]...), first, second), turns[n+1:]...)
		require.Equal(t, clock.Parties, all.Read(began, until, halves).Parties)

		// And it is as long where it is passed on to somebody with the same hours.
		passed := turns[n].Task
		passed.PassOn(all[passed.Calendar], all[passed.Calendar], cut)
		want := all.Measure(turns[n].Task, turns[n].Party, until).Worked
		got := all.Measure(passed, turns[n].Party, until).Worked
		if turns[n].Party != kam.PartyEngine {
			require.InDelta(t, int64(want), int64(got), 1)
		}
	})
}
