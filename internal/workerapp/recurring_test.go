package workerapp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// An office is an organisation that changes, and notes what it is asked.
type office struct {
	now     time.Time
	changed string
	away    string // the day on which an absence begins
	busy    int
	fail    error // of telling a case
	unread  error // of listing the cases
	did     []string
	settled int // how often it was asked what was planned
	seen    map[kam.Job]string
	cleaned time.Time
}

func (o *office) Seen(_ context.Context, job kam.Job) (string, error) { return o.seen[job], nil }
func (o *office) SaveSeen(_ context.Context, job kam.Job, seen string) error {
	o.seen[job] = seen
	return nil
}

func (o *office) Reconcile(_ context.Context, since time.Time) (service.Reconciled, error) {
	o.did = append(o.did, "compared since "+since.Format("15:04:05"))
	return service.Reconciled{Compared: 1}, nil
}

func (o *office) Now(context.Context) (time.Time, error)     { return o.now, nil }
func (o *office) OrgChanged(context.Context) (string, error) { return o.changed, nil }
func (o *office) Reroute(_ context.Context, no kam.CaseNo) error {
	o.did = append(o.did, "told "+string(no))
	return o.fail
}
func (o *office) AbsenceNear(_ context.Context, now time.Time) (bool, error) {
	return now.Format(time.DateOnly) == o.away, nil
}

func (o *office) TakeEffect(context.Context) (int, error) {
	o.settled++
	return 0, nil
}

func (o *office) MoveLeaversTasks(_ context.Context, change string) (int, error) {
	o.did = append(o.did, "leavers "+change)
	return 0, nil
}

func (o *office) Rescreen(context.Context) (service.Rescreened, error) {
	o.did = append(o.did, "screened")
	return service.Rescreened{Busy: o.busy}, nil
}

func (o *office) Misrouted(_ context.Context, now time.Time) ([]kam.CaseNo, error) {
	return []kam.CaseNo{kam.CaseNo(fmt.Sprintf("KAM-%s", now.Format("02T15")))}, o.unread
}

func (o *office) LatestPolicy(context.Context) (int, []byte, error) { return 1, defaultPolicy, nil }
func (o *office) CleanUp(_ context.Context, at time.Time, keep casedb.Retention) (casedb.CleanedUp, error) {
	if keep != (casedb.Retention{CaseYears: 10, MessageYears: 1}) {
		return casedb.CleanedUp{}, fmt.Errorf("kept %v", keep)
	}
	o.cleaned = at
	return casedb.CleanedUp{}, nil
}

func (o *office) ExpireProposals(context.Context) (int, error) { return 0, nil }

func (o *office) DropSignIns(context.Context, time.Time) (int, error) { return 0, nil }
func (o *office) refresh(context.Context) error                       { return nil }

func newOffice() (*office, *recurring) {
	o := &office{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), changed: "1", away: "2026-03-04", seen: map[kam.Job]string{}}
	return o, &recurring{cases: o, misrouted: o, record: o, organisation: o, kept: o, keys: o, counters: newCounters(prometheus.NewRegistry()), log: zap.NewNop()}
}

// round carries out all jobs as the schedule does.
func round(t *testing.T, r *recurring) (failed []kam.Job) {
	t.Helper()
	for _, job := range kam.Jobs {
		if err := r.jobs()[job](t.Context()); err != nil {
			failed = append(failed, job)
		}
	}
	return failed
}

// TestRecurringLooksWhenItMust: after a change, after a failure, and every hour
// around the day on which an absence begins, which changes nothing by itself.
func TestRecurringLooksWhenItMust(t *testing.T) {
	t.Parallel()
	o, r := newOffice()
	does := func(after time.Duration, want ...string) {
		t.Helper()
		o.now, o.did = o.now.Add(after), nil
		round(t, r)
		require.Equal(t, want, o.did[1:], "each round compares first")
	}
	none := []string{}
	does(0, "screened", "told KAM-02T09", "leavers 1")
	does(time.Hour, none...)
	o.changed, o.busy = "2", 1
	does(time.Hour, "screened", "told KAM-02T11", "leavers 2")
	o.busy = 0
	does(time.Minute, "screened") // a customer was in an open case
	does(time.Minute, none...)

	does(38*time.Hour, "told KAM-04T01")
	does(time.Minute, none...)
	does(time.Hour, "told KAM-04T02")
	o.fail = errors.New("no connection")
	does(time.Hour, "told KAM-04T03")
	o.fail = nil
	does(time.Minute, "told KAM-04T03")
	does(24*time.Hour, "told KAM-05T03") // once more when it is over
	does(time.Hour, none...)
	require.Equal(t, 7, o.settled, "what was planned comes true with each look")
}

// TestOneFaultHoldsUpNothingElse: a case that cannot be read stops no other
// case from being told, and no leaver's task from moving.
func TestOneFaultHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	o, r := newOffice()
	o.unread = errors.New("case KAM-1 cannot be read")
	require.Equal(t, []kam.Job{kam.JobReroute}, round(t, r))
	require.Contains(t, o.did, "told KAM-02T09")
	require.Contains(t, o.did, "leavers 1")
	o.unread, o.did = nil, nil
	require.Empty(t, round(t, r))
	require.Equal(t, []string{"compared since 08:59:30", "told KAM-02T09"}, o.did, "what failed is done again, what went well is not")
}

// TestCleanUpOnceAnHour, by the years of the policy.
func TestCleanUpOnceAnHour(t *testing.T) {
	t.Parallel()
	o, r := newOffice()
	require.Empty(t, round(t, r))
	first := o.now
	o.now = o.now.Add(10 * time.Minute)
	require.Empty(t, round(t, r))
	require.Equal(t, first, o.cleaned)
	o.now = o.now.Add(time.Hour)
	require.Empty(t, round(t, r))
	require.Equal(t, o.now, o.cleaned)
}

// TestWatchStartsARound as soon as the organisation changes, and not before.
func TestWatchStartsARound(t *testing.T) {
	t.Parallel()
	o, _ := newOffice()
	started := 0
	w := &watch{record: o, trigger: func(context.Context) error { started++; return o.fail }, counters: newCounters(prometheus.NewRegistry()), log: zap.NewNop()}
	w.run(t.Context())
	w.run(t.Context())
	require.Zero(t, started, "a worker that starts has begun a round already")
	o.changed, o.fail = "2", errors.New("no connection")
	w.run(t.Context())
	o.fail = nil
	w.run(t.Context())
	w.run(t.Context())
	require.Equal(t, 2, started, "until it has begun")
}

var defaultPolicy = func() []byte {
	text, err := os.ReadFile("../../kam/rules/policy/default.yaml")
	if err != nil {
		panic(err)
	}
	return text
}()
