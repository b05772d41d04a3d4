package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
)

// waitForPeople waits in a human state until an act moves the process, or the
// next deadline of its task passes. Deadlines are instants in business time
// that the stage computed which opened the task; nothing is computed here.
//
//	act ───────────▶ what is waited for is another: on to the next step
//	deadline ──────▶ remind | escalate | notify | expire | lapse
//	long history ──▶ on in a new run
//
// One timer runs at a time, and an act that changes neither state nor deadline
// (a comment, a refusal) leaves it alone.
func (d *desk) waitForPeople(ctx workflow.Context) error {
	d.hops = 0
	if err := d.publish(ctx); err != nil {
		return err
	}

	seen := d.now().seen
	moved := func() bool { return d.now().seen != seen || d.full(ctx) }

	next := d.now().due
	if next == nil {
		d.stopOldTimer()
		return workflow.Await(ctx, moved)
	}

	if wait := d.effective(*next).Sub(workflow.Now(ctx)); wait > 0 {
		acted, err := d.await(ctx, wait, next.text(), moved)
		if err != nil || acted {
			return err
		}
	}
	return d.elapse(ctx, *next)
}

// await waits for a condition, at most for a time, and says whether it holds.
//
// workflow.AwaitWithOptions leaves its timer running where the condition comes
// first (SDK 1.50: the flag that stops it is off), and each such timer would
// later cost a workflow task in which nothing happens. Here the timer is stopped
// when the next wait begins, and not before: a process that ends without another
// wait does not write the event.
func (d *desk) await(ctx workflow.Context, wait time.Duration, summary string, cond func() bool) (bool, error) {
	d.stopOldTimer()
	timerCtx, stop := workflow.WithCancel(ctx)
	timer := workflow.NewTimerWithOptions(timerCtx, wait, workflow.TimerOptions{Summary: summary})
	d.stopTimer = stop
	err := workflow.Await(ctx, func() bool { return cond() || timer.IsReady() })
	return cond(), err
}

// stopOldTimer stops the timer of the last wait; one that has fired or was
// stopped stays as it is.
func (d *desk) stopOldTimer() {
	if d.stopTimer != nil {
		d.stopTimer()
		d.stopTimer = nil
	}
}

// effective is when a deadline is acted on: at its time, or later where
// recording it has failed.
func (d *desk) effective(x due) time.Time {
	if d.stuck != nil && d.stuck.same(x) && d.retryAt.After(x.At) {
		return d.retryAt
	}
	return x.At
}

// elapse records that a deadline passed. Where a decision took the lock first,
// the deadline is no longer the next one, and nothing is recorded.
func (d *desk) elapse(ctx workflow.Context, passed due) error {
	if err := d.lock.Lock(ctx); err != nil {
		return err
	}
	defer d.lock.Unlock()

	isNext := func() bool { next := d.now().due; return next != nil && next.same(passed) }
	if !isNext() {
		return nil
	}
	out, err := d.effect(quick(ctx, passed.text()), call{stage: d.stages.elapse, due: &passed})
	if err == nil {
		d.adopt(ctx, out)
	}

	// Where a deadline cannot be recorded it is tried again later, and people may
	// act until then. The process is not parked: a human state has no transition
	// for a fault.
	if isNext() {
		d.log(ctx).Error("deadline cannot be recorded", "deadline", passed.Kind, "error", err)
		d.stuck, d.retryAt = &passed, workflow.Now(ctx).Add(pauseAfterFault)
		return nil
	}
	d.stuck = nil
	return nil
}

// deadlineWord is what stands in a timer's summary.
func deadlineWord(k kam.DeadlineKind) string {
	switch k {
	case kam.DueRemind:
		return "reminder"
	case kam.DueEscalate:
		return "escalation"
	case kam.DueNotify:
		return "notice to the manager"
	case kam.DueExpire:
		return "expiry"
	case kam.DueLapse:
		return "lapse"
	default:
		return "deadline"
	}
}
