package workerapp

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	kamclient "github.com/kamflow/kamflow/client"
	"github.com/kamflow/kamflow/kam"
)

// An office is an organisation that changes, and notes what it is asked.
type office struct {
	now     time.Time
	changed string
	away    string // the day on which an absence begins
	busy    int
	fail    error
	did     []string
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

func (o *office) MoveLeaversTasks(_ context.Context, change string) (int, error) {
	o.did = append(o.did, "leavers "+change)
	return 0, nil
}

func (o *office) ExpireProposals(context.Context) (int, error) { return 0, nil }

func (o *office) Rescreen(context.Context) (kamclient.Rescreened, error) {
	o.did = append(o.did, "screened")
	return kamclient.Rescreened{Busy: o.busy}, nil
}

func (o *office) Misrouted(_ context.Context, now time.Time) ([]kam.CaseNo, error) {
	return []kam.CaseNo{kam.CaseNo(fmt.Sprintf("KAM-%s", now.Format("02T15")))}, nil
}

// TestRerouterLooksWhenItMust: after a change, after a failure, and every hour
// around the day on which an absence begins, which changes nothing by itself.
func TestRerouterLooksWhenItMust(t *testing.T) {
	t.Parallel()
	o := &office{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), changed: "1", away: "2026-03-04"}
	r := &rerouter{client: o, clock: o, org: o, cases: o, counters: &counters{}, log: zap.NewNop()}
	does := func(after time.Duration, want ...string) {
		t.Helper()
		o.now, o.did = o.now.Add(after), nil
		r.run(t.Context())
		require.Equal(t, want, o.did)
	}
	does(0, "screened", "told KAM-02T09", "leavers 1")
	does(time.Hour)
	o.changed, o.busy = "2", 1
	does(time.Hour, "screened", "told KAM-02T11", "leavers 2")
	o.busy = 0
	does(time.Minute, "screened") // a customer was in an open case
	does(time.Minute)

	does(38*time.Hour, "told KAM-04T01")
	does(time.Minute)
	does(time.Hour, "told KAM-04T02")
	o.fail = errors.New("no connection")
	does(time.Hour, "told KAM-04T03")
	require.EqualValues(t, 1, r.counters.loopErrors.Load())
	o.fail = nil
	does(time.Minute, "told KAM-04T03")
	does(24*time.Hour, "told KAM-05T03") // once more when it is over
	does(time.Hour)
}
