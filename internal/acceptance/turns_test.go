package acceptance

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	accessdb "github.com/kamflow/kamflow/store/access"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// calendars are those that time is counted by.
func (w *world) calendars() kam.Calendars {
	w.t.Helper()
	all, err := w.db.Access.Calendars(w.t.Context())
	require.NoError(w.t, err)
	return all
}

// clock is the time of a case until a moment.
func (s *scene) clock(until time.Time) kam.Clock {
	s.t.Helper()
	v, err := s.db.Cases.View(s.t.Context(), s.no)
	require.NoError(s.t, err)
	return s.calendars().Read(v.Snapshot.OpenedAt, until, v.Turns)
}

func spent(c kam.Clock) map[kam.Party]string {
	of := map[kam.Party]string{}
	for _, p := range c.Parties {
		of[p.Party] = p.Hours.String()
	}
	return of
}

// clockHolds: what lists go by is what the case says.
func (s *scene) clockHolds(c onboarding.Snapshot) {
	s.t.Helper()
	type row struct {
		OwedBy     kam.Party
		Clocked    int64
		StageSince time.Time
		TargetAt   *time.Time
	}
	rows, err := storetest.Pool(s.t, s.db).Query(s.t.Context(), `select owed_by, clocked, stage_since, target_at from kam.cases where case_no = $1`, s.no)
	require.NoError(s.t, err)
	got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	require.NoError(s.t, err)
	require.Equal(s.t, c.Owed(), got.OwedBy)
	require.Equal(s.t, c.Version, got.Clocked)
	switch {
	case c.Task == nil:
		require.False(s.t, got.StageSince.After(c.UpdatedAt.Add(time.Microsecond)))
	case c.Task.Target != nil:
		require.WithinDuration(s.t, c.Task.Target.At, *got.TargetAt, time.Microsecond)
		fallthrough
	default:
		require.WithinDuration(s.t, c.Task.OpenedAt, got.StageSince, time.Microsecond)
	}
}

// TestTimeOfTheRequesterIsNotTheManagers: sent back on Monday at eleven,
// resubmitted on Tuesday at ten, confirmed at noon.
func TestTimeOfTheRequesterIsNotTheManagers(t *testing.T) {
	w := newWorld(t)
	s := w.complete("Hin und Her GmbH")
	turn := func(after time.Duration, party kam.Party, worked string) {
		s.at(after, func(now onboarding.Snapshot) {
			m := s.calendars().Measure(*now.Task, now.Owed(), monday.Add(after))
			if m.Party != party || m.Worked.String() != worked {
				s.faults = append(s.faults, text(t, m))
			}
		})
	}
	turn(hour, kam.PartyManager, "1")
	s.act(2*hour, "", sendBack("theo.territory"))
	turn(4*hour, kam.PartyRequester, "2")
	s.act(day+hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, screening("Hin und Her GmbH"), details(), fields{"justification": "They buy from us at last, and more than before."}))
	turn(day+2*hour, kam.PartyManager, "1") // his target begins anew
	s.act(day+3*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State)

	c := s.clock(monday.Add(day + 3*hour))
	require.Equal(t, map[kam.Party]string{kam.PartyManager: "4", kam.PartyRequester: "7"}, spent(c))
	require.Equal(t, "11", c.InAll.String())
	require.Len(t, c.Stages, 3)
	require.Equal(t, []string{"2", "7", "2"}, []string{c.Stages[0].Worked.String(), c.Stages[1].Worked.String(), c.Stages[2].Worked.String()})
	require.Equal(t, "16", c.Stages[2].Target.String())
}

// TestWhoseTurn: stewards, compliance and the engine owe what stands in their
// queues, whatever the state is called after.
func TestWhoseTurn(t *testing.T) {
	for want, open := range map[kam.Party]func(w *world) *scene{
		kam.PartySteward:   (*world).certainDuplicate,
		kam.PartyRequester: (*world).lookAlike,
		kam.PartyCompliance: func(w *world) *scene {
			return w.onboard("rep.south", data(w.t, screening("Schattenhandel Exporte GmbH"), fields{"identifiers": nil}))
		},
	} {
		t.Run(string(want), func(t *testing.T) {
			s := open(newWorld(t))
			s.at(hour, func(now onboarding.Snapshot) {
				if now.Owed() != want || onboarding.States.PartyOf(*now.Task) != want {
					s.faults = append(s.faults, string(now.State)+" is owed by "+string(now.Owed()))
				}
				s.clockHolds(now)
			})
			s.act(2*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"}).run()
		})
	}
}

// TestEngineOwesARepair: while operators repair, it is nobody else's time, and
// it passes at any hour.
func TestEngineOwesARepair(t *testing.T) {
	w := newWorld(t)
	s := w.complete("Stoerung GmbH")
	s.act(hour, "", confirm("theo.territory", ""))
	s.breaks(onboarding.StageSegment, broken)
	s.act(day+hour, "", onboarding.Act{Name: onboarding.ActRetry, By: "ops.one", Reason: "repaired"})
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, map[kam.Party]string{kam.PartyManager: "1", kam.PartyEngine: "24"}, spent(s.clock(monday.Add(day+hour))))
}

// TestCalendarOfWhoOwes: after two days in Vienna a manager joins who works in
// New York; from then on his hours count, and Vienna's stay counted.
func TestCalendarOfWhoOwes(t *testing.T) {
	w := newWorld(t, func(o *accessdb.Org) {
		o.Calendars = append(o.Calendars, accessdb.CalendarRow{Code: "US", TimeZone: "America/New_York", Opens: "09:00", Closes: "17:00", Weekend: []string{"saturday", "sunday"}})
		o.Nodes[0].Calendar = "US"
		worksAt("rene.regional", "GLOBAL", "AT-1")(o)
	})
	w.goesBy("confirmation:      {remind: 1, escalate: 2, expire: 30}", "confirmation:      {remind: 1, escalate: 2, expire: 30, target: 20}")
	s := w.onboard("rep.vienna", data(t, screening("Wiener Werke GmbH"), austrian))
	s.at(day+12*hour, func(now onboarding.Snapshot) { // 15:00 in New York, two hours before his day ends
		m := s.calendars().Measure(*now.Task, now.Owed(), monday.Add(day+12*hour))
		if want := `{"party":"MANAGER","worked_hours":20,"target_hours":20,"overdue":false}`; text(t, m) != want || now.Task.Calendar != "US" {
			s.faults = append(s.faults, now.Task.Calendar+" "+text(t, m))
		}
		if want := instant(t, "2026-03-03T15:00:00-05:00"); !now.Task.Target.At.Equal(want) {
			s.faults = append(s.faults, now.Task.Target.At.String())
		}
		s.clockHolds(now)
	})
	s.act(2*day, "", confirm("tess.territory", "")).act(2*day+hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.vienna"})
	s.run()
	require.Equal(t, "22", s.clock(monday.Add(2 * day)).Stages[0].Worked.String())
}

// TestListByClock: lists are filtered and sorted by whose turn it is, by the
// time in the stage, and by the target.
func TestListByClock(t *testing.T) {
	w := newWorld(t)
	open := func(name string, at time.Time, more ...fields) *scene {
		s := w.onboardAt(at, "rep.south", data(t, append([]fields{screening(name), {"identifiers": nil}}, more...)...))
		return s
	}
	var got [][]casedb.Line
	list := func(f casedb.Filter) {
		lines, err := w.db.Cases.List(t.Context(), f)
		require.NoError(t, err)
		got = append(got, lines)
	}
	// Each is left open, as a worker leaves it that goes.
	entry := open("Dateneingabe GmbH", monday.Add(-2*day), fields{"declared_potential": nil}).leaves(hour)
	entry.until()
	wait := open("Bestaetigung GmbH", monday.Add(-day)).leaves(hour)
	wait.until()
	urgent := open("Eilig Werke GmbH", monday, fields{"declared_potential": eur("600000.00")}).leaves(hour)
	urgent.until()

	list(casedb.Filter{Order: casedb.ByAge})
	list(casedb.Filter{Order: casedb.ByStage, Owed: kam.PartyManager})
	list(casedb.Filter{Order: casedb.ByTarget})
	list(casedb.Filter{Owed: kam.PartyRequester})
	list(casedb.Filter{Overdue: true})
	list(casedb.Filter{Order: casedb.ByStage, Limit: 1})
	last := got[5][0]
	list(casedb.Filter{Order: casedb.ByStage, Limit: 1, Behind: last.CaseNo, BehindAt: last.Place(casedb.ByStage)})
	names := make([][]string, len(got))
	for i, lines := range got {
		for _, l := range lines {
			names[i] = append(names[i], l.CustomerName)
		}
	}
	const e, b, u = "Dateneingabe GmbH", "Bestaetigung GmbH", "Eilig Werke GmbH"
	require.Equal(t, [][]string{{e, b, u}, {b, u}, {u, b}, {e}, {u, b}, {e}, {b}}, names)
	_, err := w.db.Cases.List(t.Context(), casedb.Filter{Order: "BEST"})
	require.ErrorIs(t, err, kam.Invalid)
}
