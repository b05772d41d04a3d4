package workerapp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/service"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// recurring carries out the jobs that recur, as activities: one worker of the
// cluster at a time. What a job has seen is kept in PostgreSQL, so that the next
// round goes on from there on any worker.
type recurring struct {
	cases interface {
		Reconcile(ctx context.Context, since time.Time) (service.Reconciled, error)
		Rescreen(ctx context.Context) (service.Rescreened, error)
		Reroute(ctx context.Context, no kam.CaseNo) error
	}
	misrouted interface {
		Misrouted(ctx context.Context, now time.Time) ([]kam.CaseNo, error)
	}
	record interface {
		Now(ctx context.Context) (time.Time, error)
		Seen(ctx context.Context, job kam.Job) (string, error)
		SaveSeen(ctx context.Context, job kam.Job, seen string) error
	}
	organisation interface {
		OrgChanged(ctx context.Context) (at string, err error)
		AbsenceNear(ctx context.Context, now time.Time) (near bool, err error)
		TakeEffect(ctx context.Context) (n int, err error)
		MoveLeaversTasks(ctx context.Context, change string) (moved int, err error)
		LatestPolicy(ctx context.Context) (version int, text []byte, err error)
		ExpireProposals(ctx context.Context) (n int, err error)
		DropSignIns(ctx context.Context, at time.Time) (dropped int, err error)
	}
	kept interface {
		CleanUp(ctx context.Context, at time.Time, keep casedb.Retention) (casedb.CleanedUp, error)
	}
	keys interface {
		refresh(ctx context.Context) error
	}
	counters *counters
	log      *zap.Logger
}

// jobs are the activities by name.
func (r *recurring) jobs() map[kam.Job]func(context.Context) error {
	return map[kam.Job]func(context.Context) error{
		kam.JobReconcile: r.reconcile,
		kam.JobRescreen:  r.rescreen,
		kam.JobReroute:   r.reroute,
		kam.JobLeavers:   r.leavers,
		kam.JobKeys:      r.keys.refresh,
		kam.JobProposals: r.proposals,
		kam.JobCleanUp:   r.cleanUp,
	}
}

// register makes the jobs known. Each says that it is alive while it runs.
func (r *recurring) register(to interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}) {
	for name, job := range r.jobs() {
		to.RegisterActivityWithOptions(func(ctx context.Context) error {
			beating, stop := context.WithCancel(ctx)
			var beats sync.WaitGroup
			beats.Go(func() { every(beating, beatEvery, func(context.Context) { activity.RecordHeartbeat(ctx) }) })
			defer func() { stop(); beats.Wait() }()
			began := time.Now()
			err := job(ctx)
			r.counters.took(string(name), time.Since(began), err)
			if err != nil && ctx.Err() == nil {
				r.counters.loopErrors.Inc()
				r.logger(ctx).Error("recurring work fails", zap.String("job", string(name)), zap.Error(err))
			}
			return err
		}, activity.RegisterOptions{Name: string(name)})
	}
}

const beatEvery = 3 * time.Second

// logger names the trace of the round in its lines.
func (r *recurring) logger(ctx context.Context) *zap.Logger { return observe.Log(ctx, r.log) }

// overlap is longer than any transaction that stores an act may last.
const overlap = 30 * time.Second

// reconcile compares what people did since the last round that went well, with
// an overlap for transactions that were open then. The first round compares all.
func (r *recurring) reconcile(ctx context.Context) error {
	now, err := r.record.Now(ctx)
	if err != nil {
		return err
	}
	seen, err := r.record.Seen(ctx, kam.JobReconcile)
	if err != nil {
		return err
	}
	var since time.Time
	if seen != "" {
		if since, err = time.Parse(time.RFC3339Nano, seen); err != nil {
			return kam.Errorf(kam.Fault, "what the reconciler has seen cannot be read: %v", err)
		}
	}
	found, err := r.cases.Reconcile(ctx, since)
	r.counters.reconciled.Add(float64(found.Compared))
	r.counters.behind.Add(float64(found.Behind))
	if found.Behind > 0 {
		r.logger(ctx).Info("cases were behind PostgreSQL and have been told", zap.Int("cases", found.Behind))
	}
	if err != nil {
		return err
	}
	return r.record.SaveSeen(ctx, kam.JobReconcile, now.Add(-overlap).UTC().Format(time.RFC3339Nano))
}

// rescreen compares the customers with a screening list that has grown. A
// customer in an open case is looked at again in the next round.
func (r *recurring) rescreen(ctx context.Context) error {
	return r.after(ctx, kam.JobRescreen, r.organisation.OrgChanged, func(string) (done bool, err error) {
		screened, err := r.cases.Rescreen(ctx)
		if screened.Opened > 0 {
			r.logger(ctx).Warn("customers are on the screening list and were taken off the call plans", zap.Int("cases", screened.Opened))
		}
		return screened.Busy == 0, err
	})
}

// reroute tells the cases whose task waits for the wrong person since people or
// territories changed, or an absence or something planned began. One that cannot
// be read holds up no other.
func (r *recurring) reroute(ctx context.Context) error {
	now, err := r.record.Now(ctx)
	if err != nil {
		return err
	}
	mark := func(ctx context.Context) (string, error) {
		at, err := r.organisation.OrgChanged(ctx)
		if err != nil {
			return "", err
		}
		hour, err := r.absences(ctx, now)
		return at + "|" + hour, err
	}
	return r.after(ctx, kam.JobReroute, mark, func(string) (bool, error) {
		n, late := r.organisation.TakeEffect(ctx)
		if n > 0 {
			r.logger(ctx).Info("posts have changed hands as planned", zap.Int("posts", n))
		}
		cases, err := r.misrouted.Misrouted(ctx, now)
		failed := []error{late, err}
		for _, no := range cases {
			failed = append(failed, r.cases.Reroute(ctx, no))
		}
		if len(cases) > 0 {
			r.logger(ctx).Info("cases were told that people or territories changed", zap.Int("cases", len(cases)))
		}
		return true, errors.Join(failed...)
	})
}

// leavers gives the tasks that outlive a case to the managers of those who have
// left.
func (r *recurring) leavers(ctx context.Context) error {
	return r.after(ctx, kam.JobLeavers, r.organisation.OrgChanged, func(at string) (bool, error) {
		moved, err := r.organisation.MoveLeaversTasks(ctx, at)
		if moved > 0 {
			r.logger(ctx).Info("tasks of people who have left were given to their managers", zap.Int("tasks", moved))
		}
		return true, err
	})
}

// proposals closes the changes that no second admin agreed to in time.
func (r *recurring) proposals(ctx context.Context) error {
	n, err := r.organisation.ExpireProposals(ctx)
	if n > 0 {
		r.log.Info("changes that no second admin agreed to in time have expired", zap.Int("proposals", n))
	}
	return err
}

// cleanUp removes, once an hour, what was kept as long as the policy says.
func (r *recurring) cleanUp(ctx context.Context) error {
	now, err := r.record.Now(ctx)
	if err != nil {
		return err
	}
	hour := func(context.Context) (string, error) { return now.UTC().Format("2006-01-02 15"), nil }
	return r.after(ctx, kam.JobCleanUp, hour, func(string) (bool, error) {
		_, text, err := r.organisation.LatestPolicy(ctx)
		if kam.CodeOf(err) == kam.NotFound {
			return false, nil // nothing has begun yet
		}
		if err != nil {
			return false, err
		}
		policy, err := policy.Parse(text)
		if err != nil {
			return false, err
		}
		keep := casedb.Retention{CaseYears: policy.Retention.Cases, MessageYears: policy.Retention.Notifications}
		done, err := r.kept.CleanUp(ctx, now, keep)
		if err != nil {
			return false, err
		}
		signIns, err := r.organisation.DropSignIns(ctx, now)
		if done != (casedb.CleanedUp{}) || signIns > 0 {
			r.logger(ctx).Info("what was kept long enough is removed", zap.Int("staged", done.Staged), zap.Int("messages", done.Messages), zap.Int("cases", done.Cases), zap.Int("sign_ins", signIns))
		}
		return true, err
	})
}

// after does a job where the mark is another than when the job last went well.
func (r *recurring) after(ctx context.Context, job kam.Job, mark func(context.Context) (string, error), do func(mark string) (done bool, err error)) error {
	at, err := mark(ctx)
	if err != nil {
		return err
	}
	seen, err := r.record.Seen(ctx, job)
	if err != nil || seen == at {
		return err
	}
	done, err := do(at)
	if err != nil || !done {
		return err
	}
	return r.record.SaveSeen(ctx, job, at)
}

// absences names the hour where an absence begins about now: tasks are looked
// at every hour then, because the day begins where a person works.
func (r *recurring) absences(ctx context.Context, now time.Time) (hour string, err error) {
	near, err := r.organisation.AbsenceNear(ctx, now)
	if err != nil || !near {
		return "", err
	}
	return now.UTC().Format("2006-01-02 15"), nil
}

// A schedule is the Temporal Schedule of what recurs.
type schedule struct {
	client    client.ScheduleClient
	taskQueue string
	every     time.Duration
}

// ensure makes the schedule, or gives one that is there the interval of this
// worker, and starts a round: a worker that comes up may have something to mend.
// It may run any number of times, by many workers.
func (s schedule) ensure(ctx context.Context) error {
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: s.every}}}
	_, err := s.client.Create(ctx, client.ScheduleOptions{
		ID:   kam.RecurringSchedule,
		Spec: spec,
		Action: &client.ScheduleWorkflowAction{
			ID: kam.RecurringSchedule, Workflow: kam.WorkflowRecurring, TaskQueue: s.taskQueue,
			WorkflowRunTimeout: 2 * time.Hour,
		},
		TriggerImmediately: true,
	})
	if err == nil {
		return nil
	}
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return fmt.Errorf("make the schedule %s: %w", kam.RecurringSchedule, err)
	}
	handle := s.client.GetHandle(ctx, kam.RecurringSchedule)
	err = handle.Update(ctx, client.ScheduleUpdateOptions{DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		now := in.Description.Schedule
		if now.Spec != nil && len(now.Spec.Intervals) == 1 && now.Spec.Intervals[0].Every == s.every {
			return nil, temporal.ErrSkipScheduleUpdate
		}
		now.Spec = &spec
		return &client.ScheduleUpdate{Schedule: &now}, nil
	}})
	if err != nil {
		return fmt.Errorf("change the schedule %s: %w", kam.RecurringSchedule, err)
	}
	return s.trigger(ctx)
}

// trigger starts a round now, unless one is running.
func (s schedule) trigger(ctx context.Context) error {
	if err := s.client.GetHandle(ctx, kam.RecurringSchedule).Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
		return fmt.Errorf("start a round of %s: %w", kam.RecurringSchedule, err)
	}
	return nil
}

// A watch starts a round as soon as the organisation changes, so that nobody
// waits for the interval. It reads one row and locks none.
type watch struct {
	record interface {
		OrgChanged(ctx context.Context) (at string, err error)
	}
	trigger  func(ctx context.Context) error
	counters *counters
	log      *zap.Logger
	seen     string
}

func (w *watch) run(ctx context.Context) {
	at, err := w.record.OrgChanged(ctx)
	if err == nil && w.seen != "" && at != w.seen {
		err = w.trigger(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			w.counters.loopErrors.Inc()
			w.log.Error("look for changes of the organisation", zap.Error(err))
		}
		return
	}
	w.seen = at
}

// watchEvery is how soon a change of the organisation is noticed.
const watchEvery = 5 * time.Second
