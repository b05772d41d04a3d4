package workerapp

import (
	"context"
	"time"

	"go.uber.org/zap"

	kamclient "github.com/kamflow/kamflow/client"
	"github.com/kamflow/kamflow/kam"
)

// rerouter acts on changes of the organisation (P2.7): it tells cases, so that
// no task waits for somebody who has left or lost his post, and compares the
// customers with a screening list that has grown.
type rerouter struct {
	client interface {
		Rescreen(ctx context.Context) (kamclient.Rescreened, error)
		Reroute(ctx context.Context, no kam.CaseNo) error
	}
	clock clock
	org   interface {
		OrgChanged(ctx context.Context) (at string, err error)
		AbsenceNear(ctx context.Context, now time.Time) (near bool, err error)
		MoveLeaversTasks(ctx context.Context, change string) (moved int, err error)
		ExpireProposals(ctx context.Context) (n int, err error)
	}
	cases interface {
		Misrouted(ctx context.Context, now time.Time) ([]kam.CaseNo, error)
	}
	counters *counters
	log      *zap.Logger
	seen     string // the last change that all cases have been told of
	hour     string // the same, where an absence begins about then
	busy     bool   // a customer that the list hits was in an open case
}

// run looks whether anything changed since the last round that went well; the
// first round looks at all cases.
func (r *rerouter) run(ctx context.Context) {
	if err := r.look(ctx); err != nil && ctx.Err() == nil {
		r.counters.loopErrors.Add(1)
		r.log.Error("reroute", zap.Error(err))
	}
}

func (r *rerouter) look(ctx context.Context) error {
	if n, err := r.org.ExpireProposals(ctx); err != nil {
		return err
	} else if n > 0 {
		r.log.Info("changes that no second admin agreed to in time have expired", zap.Int("proposals", n))
	}
	at, err := r.org.OrgChanged(ctx)
	if err != nil {
		return err
	}
	now, err := r.clock.Now(ctx)
	if err != nil {
		return err
	}
	hour, err := r.absences(ctx, now)
	if err != nil {
		return err
	}
	if changed := at != r.seen; changed || r.busy {
		screened, err := r.client.Rescreen(ctx)
		if err != nil {
			return err
		}
		if screened.Opened > 0 {
			r.log.Warn("customers are on the screening list and were taken off the call plans", zap.Int("cases", screened.Opened))
		}
		r.busy = screened.Busy > 0
	}
	if at == r.seen && hour == r.hour {
		return nil
	}
	cases, err := r.cases.Misrouted(ctx, now)
	if err != nil {
		return err
	}
	for _, no := range cases {
		if err := r.client.Reroute(ctx, no); err != nil {
			return err
		}
	}
	if len(cases) > 0 {
		r.log.Info("cases were told that people or territories changed", zap.Int("cases", len(cases)))
	}
	if at != r.seen {
		moved, err := r.org.MoveLeaversTasks(ctx, at)
		if err != nil {
			return err
		}
		if moved > 0 {
			r.log.Info("tasks of people who have left were given to their managers", zap.Int("tasks", moved))
		}
	}
	r.seen, r.hour = at, hour
	return nil
}

// absences names the hour where an absence begins about now: tasks are looked
// at every hour then, because the day begins where a person works.
func (r *rerouter) absences(ctx context.Context, now time.Time) (hour string, err error) {
	near, err := r.org.AbsenceNear(ctx, now)
	if err != nil || !near {
		return "", err
	}
	return now.UTC().Format("2006-01-02 15"), nil
}
