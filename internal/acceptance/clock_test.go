package acceptance

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/activities"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
	"github.com/kamflow/kamflow/workflows"
)

// leaves makes the case go on in a new run after a time, as it does where its
// history is long; return reads what it takes along.
func (s *scene) leaves(after time.Duration) *scene {
	return s.at(after, func(onboarding.Snapshot) {
		s.env.SetContinueAsNewSuggested(true)
		s.env.SignalWorkflow(onboarding.SignalRefresh, nil)
	})
}

// until plays the case to the point where it leaves.
func (s *scene) until() workflows.Input {
	s.t.Helper()
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, s.start)
	require.Empty(s.t, s.faults)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(s.t, s.env.GetWorkflowError(), &next)
	var in workflows.Input
	require.NoError(s.t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	return in
}

// back is the same case on a worker that takes it up at a time of its own.
func (s *scene) back(at time.Time, own func(*scene)) *scene {
	s.t.Helper()
	next := &scene{world: s.world, no: s.no, acts: s.acts + 100}
	next.env = environment(at)
	s.activities().Register(next.env)
	own(next)
	return next
}

// from plays the case to its end from where it left.
func (s *scene) from(in workflows.Input) onboarding.Snapshot {
	s.t.Helper()
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, in)
	require.Empty(s.t, s.faults)
	require.NoError(s.t, s.env.GetWorkflowError())
	var end onboarding.Snapshot
	require.NoError(s.t, s.env.GetWorkflowResult(&end))
	s.verifyChain()
	return end
}

// TestWorkerThatWasAwayForFortyDays: reminder, escalation and end are all
// overdue when it returns. They take effect in their order, at once, each once.
func TestWorkerThatWasAwayForFortyDays(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Stromausfall GmbH"), details()))
	in := s.leaves(1 * hour).until()
	require.Equal(t, []string{"REMIND 2026-03-02T16:00:00Z", "ESCALATE 2026-03-03T16:00:00Z", "EXPIRE 2026-04-10T15:00:00Z"}, due(in.Carried.Snapshot.Task))

	end := s.back(monday.Add(40*day), func(*scene) {}).from(in)
	require.Equal(t, onboarding.Expired, end.State)
	require.Empty(t, end.ConfirmedBy, "never confirmed by silence, however long")
	require.Equal(t, []string{
		"reminded 2026-04-11T08:00:00Z", "escalated 2026-04-11T08:00:00Z", "expired 2026-04-11T08:00:00Z",
	}, s.silence())
}

// TestWorkerThatWasAwayForAWeek: what is overdue happens at once, and the next
// level has its own time from then on.
func TestWorkerThatWasAwayForAWeek(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Netzausfall GmbH"), details()))
	in := s.leaves(1 * hour).until()
	next := s.back(instant(t, "2026-03-09T11:00:00Z"), func(s *scene) { // Monday noon
		s.deadlines(1*hour, "REMIND 2026-03-10T11:00:00Z", "ESCALATE 2026-03-11T11:00:00Z", "EXPIRE 2026-04-10T15:00:00Z")
		s.act(day+hour, "", confirm("rita.regional", ""))
	})
	end := next.from(in)
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, []string{"reminded 2026-03-09T11:00:00Z", "escalated 2026-03-09T11:00:00Z", "reminded 2026-03-10T11:00:00Z"}, s.silence())
}

// TestAuditIsInOrderOfItsNumbersAlthoughTheClockWentBack: the second worker's
// clock is three days behind. Deadlines are instants, so they stay; the trail
// is in order of its numbers and its chain holds.
func TestAuditIsInOrderOfItsNumbersAlthoughTheClockWentBack(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Rueckwaerts GmbH"), details()))
	in := s.leaves(1 * hour).until()
	next := s.back(monday.Add(-3*day), func(s *scene) {
		s.act(1*hour, "", onboarding.Act{Name: onboarding.ActComment, By: "theo.territory", Reason: "on my desk since Monday, says Friday"})
		s.deadlines(3*day+hour, "REMIND 2026-03-02T16:00:00Z", "ESCALATE 2026-03-03T16:00:00Z", "EXPIRE 2026-04-10T15:00:00Z")
		s.act(4*day, "", confirm("theo.territory", ""))
	})
	require.Equal(t, onboarding.Completed, next.from(in).State)
	require.Equal(t, []string{"reminded 2026-03-02T16:00:00Z"}, s.silence())

	events := s.events()
	back := 0
	for i, e := range events {
		require.Equal(t, int64(i+1), e.Seq)
		require.False(t, i > 0 && e.DBAt.Before(events[i-1].DBAt), "the database's own time is kept beside")
		if i > 0 && e.At.Before(events[i-1].At) {
			back++
		}
	}
	require.Equal(t, 1, back, "the time of business went back once")
}

// A behind registers the activities on a machine whose clock is late: what it
// is told as the time of a deadline is before that deadline.
type behind struct {
	activities.Registry
	by    time.Duration
	calls *int
}

func (b behind) RegisterActivityWithOptions(fn any, o activity.RegisterOptions) {
	if elapse, ok := fn.(func(context.Context, onboarding.StageInput) (onboarding.Progress, error)); ok && o.Name == string(onboarding.StageElapse) {
		fn = func(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
			*b.calls++
			in.Now = in.Now.Add(-b.by)
			return elapse(ctx, in)
		}
	}
	b.Registry.RegisterActivityWithOptions(fn, o)
}

// TestEffectBeforeItsDeadlineWaits: the timer fired by one clock, the effect is
// judged by another that is 25 minutes behind. Nothing happens early, nothing
// is lost, nothing happens twice: the engine asks again until it is time.
func TestEffectBeforeItsDeadlineWaits(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Nachzuegler GmbH"), details()))
	calls := 0
	s.env = environment(monday)
	w.activities().Register(behind{s.env, 25 * time.Minute, &calls})
	s.at(8*hour+time.Minute, func(now onboarding.Snapshot) {
		if got := due(now.Task); len(got) != 3 || got[0] != "REMIND 2026-03-02T16:00:00Z" {
			s.faults = append(s.faults, fmt.Sprint("nothing happens before its time: ", got))
		}
	})
	s.act(2*day, "", confirm("rita.regional", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, []string{"reminded 2026-03-02T16:05:00Z", "escalated 2026-03-03T16:05:00Z"}, s.silence(),
		"at the third repetition after 10 minutes each, by the clock that is behind")
	require.Equal(t, 8, calls)
}

// TestDeadlineIsRecordedOnce: the same deadline reported by two workers.
func TestDeadlineIsRecordedOnce(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Doppelt Gemeldet GmbH"), details()))
	acts := w.activities()
	s.at(8*hour+time.Minute, func(now onboarding.Snapshot) {
		// The workflow has recorded the reminder at 16:00Z; others come late with
		// the same, under other numbers.
		at := instant(t, "2026-03-02T16:00:00Z")
		for seq := range int64(3) {
			p, err := acts.DeadlinePassed(t.Context(), onboarding.StageInput{
				CaseNo: s.no, Seq: 1_000_000 + seq, Known: now.Version, Now: at.Add(time.Duration(seq) * hour),
				Due: &kam.Deadline{Kind: kam.DueRemind, At: at},
			})
			if err != nil || p.Snapshot.Version != now.Version {
				s.faults = append(s.faults, fmt.Sprint("recorded again: ", p.Snapshot.Version, " ", err))
			}
		}
	})
	s.act(9*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, []string{"reminded 2026-03-02T16:00:00Z"}, s.silence())
}

// machineTime lists the columns that hold the time of the machine, and digests,
// which cover dates. Everything else is the time of business.
var machineTime = map[string][]string{
	"cases":        {"created_at", "touched_at", "audit_hash", "request_digest"},
	"effect":       {"at", "digest"},
	"audit":        {"db_at", "prev_hash", "hash", "payload_digest"},
	"staged":       {"at"},
	"refusal":      {"at"},
	"org_change":   {"changed_at"},
	"post":         {"valid_from"}, // a change of an admin begins when he makes it
	"territory":    {"valid_from"},
	"outbox":       {"next_try", "created_at"},
	"abc_snapshot": {"at"},
	"policy":       {"at"},

	"envelope":         {"signed"},
	"envelope_refused": {"digest", "at"},
	"forged":           {"minute"},
	"signature_mode":   {"since"},
}

// datePattern finds a date wherever it stands, in a column or in JSON.
var datePattern = regexp.MustCompile(`\b[12]\d{3}-\d{2}-\d{2}`)

// dump is every row of every table, without machine time, years counted from
// the year of the scene; foreign lists dates that belong to no year near it.
func dump(t *testing.T, dsn string, year int) (rows []string, foreign []string) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // a connection of the test
	_, err = conn.Exec(ctx, `set time zone 'UTC'`)
	require.NoError(t, err)
	found, err := conn.Query(ctx, `select tablename::text from pg_tables where schemaname = 'kam' order by 1`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(tables), 20)
	for _, table := range tables {
		if strings.HasPrefix(table, "goose") {
			continue
		}
		lines, err := conn.Query(ctx, `select (to_jsonb(x) - $1::text[])::text from `+pgx.Identifier{"kam", table}.Sanitize()+` x where coalesce(to_jsonb(x) ->> 'case_no', to_jsonb(x) ->> 'subject', '') <> 'org'`, append([]string{}, machineTime[table]...))
		require.NoError(t, err)
		texts, err := pgx.CollectRows(lines, pgx.RowTo[string])
		require.NoError(t, err)
		for i, line := range texts {
			texts[i] = table + " " + datePattern.ReplaceAllStringFunc(line, func(d string) string {
				y, _ := strconv.Atoi(d[:4])
				if y < year-1 || y > year+2 {
					foreign = append(foreign, table+": "+d+" near "+around(line, d))
					return d
				}
				return fmt.Sprintf("year%+d%s", y-year, d[4:])
			})
		}
		slices.Sort(texts)
		rows = append(rows, texts...)
	}
	return rows, foreign
}

func around(line, d string) string {
	i := strings.Index(line, d)
	return line[max(i-30, 0):min(i+len(d)+20, len(line))]
}

// TestNoDateComesFromTheMachine plays the same cases on the same weekdays of
// 1998 and 2054 (what admins load has the time of the database), while the clocks of worker and database show today. What the
// two leave in the database is the same but for the 56 years, and no row holds
// a date of today outside the columns that are meant to.
func TestNoDateComesFromTheMachine(t *testing.T) {
	t.Parallel()
	in := func(year int) []string {
		dsn := storetest.DSN(t)
		w := &world{t: t, db: storetest.Open(t, dsn)}
		at := time.Date(year, 3, 2, 8, 0, 0, 0, time.UTC)
		require.Equal(t, time.Monday, at.Weekday())
		require.NoError(t, storetest.LoadOrg(t.Context(), w.db, org()))
		require.NoError(t, storetest.PublishPolicy(t.Context(), w.db, 1, policy.DefaultYAML()))
		fact := kastelSales[0]
		fact.Month, fact.LastOrderDate = at.AddDate(0, -1, 0).Format("2006-01"), at.AddDate(0, 0, -12).Format(time.DateOnly)
		require.NoError(t, w.db.Customers.LoadSales(t.Context(), storetest.Act(), []customerdb.SalesFact{fact}))
		_, err := w.db.Customers.RebuildABC(t.Context(), at)
		require.NoError(t, err)

		keys := 0
		open := func(at time.Time, by kam.UserID, d customer.RequestData) *scene {
			keys++
			return w.requestAt(at, casedb.Request{Key: fmt.Sprint("request-", keys), Type: kam.NewCase, Requester: by, Data: d})
		}
		// A key account after a reminder and an escalation over the change of clock.
		ka := open(at, "rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
		ka.act(29*day, "", confirm("tom.territory", "late"))
		ka.act(36*day, "", endorse("tom.territory"))
		require.Equal(t, onboarding.Completed, ka.run().State)
		require.GreaterOrEqual(t, len(ka.silence()), 5)
		// A customer without one, with a refusal on the way.
		plain := open(at.Add(day), "rep.south", data(t, screening("Lindwurm Klinik GmbH"), details(), identifier("VAT_EU", "DE136695976")))
		plain.act(1*hour, kam.Forbidden, confirm("ops.one", ""))
		plain.act(2*hour, "", confirm("theo.territory", ""))
		require.Equal(t, onboarding.Completed, plain.run().State)
		// A rejection by rules, and a case that nobody looked at.
		require.Equal(t, onboarding.Rejected, open(at.Add(2*day), "rep.south", data(t, screening("Kleinbetrieb Winzig GmbH"), ad3, fields{"identifiers": nil})).run().State)
		require.Equal(t, onboarding.Expired, open(at.Add(3*day), "rep.vienna", data(t, screening("Vergessen GmbH"), austrian)).run().State)

		rows, foreign := dump(t, dsn, year)
		require.Empty(t, foreign, "dates that come from neither the scene nor an allowed column")
		return rows
	}
	past, future := in(1998), in(2054)
	require.Greater(t, len(past), 150)
	require.Len(t, future, len(past))
	for i := range past {
		require.Equal(t, past[i], future[i])
	}
	t.Logf("%d rows are the same in 1998 and in 2054", len(past))
}
