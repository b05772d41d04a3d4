package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
)

// waitForPeople waits in a human state until an act moves the case, or the
// next deadline of its task passes. Deadlines are instants in business time
// that the stage computed which opened the task; nothing is computed here.
//
//	act ───────────▶ the state or the deadline is another: on to the next step
//	deadline ──────▶ remind | escalate | notify | expire | lapse
//	long history ──▶ on in a new run
//
// One timer runs at a time, and an act that changes neither state nor deadline
// (a comment, a refusal) leaves it alone.
func (c *onboarding) waitForPeople(ctx workflow.Context) error {
	c.hops = 0
	if err := c.publish(ctx); err != nil {
		return err
	}

	seen := look(c.Snapshot)
	moved := func() bool { return look(c.Snapshot) != seen || c.full(ctx) }

	due, ok := c.Snapshot.Task.Next()
	if !ok {
		c.stopOldTimer()
		return workflow.Await(ctx, moved)
	}

	if wait := c.effective(due).Sub(workflow.Now(ctx)); wait > 0 {
		acted, err := c.await(ctx, wait, string(c.Snapshot.Task.Step)+" "+deadlineWord(due.Kind), moved)
		if err != nil || acted {
			return err
		}
	}
	return c.elapse(ctx, due)
}

// await waits for a condition, at most for a time, and says whether it holds.
//
// workflow.AwaitWithOptions leaves its timer running where the condition comes
// first (SDK 1.50: the flag that stops it is off), and each such timer would
// wake the case later for nothing. Here it is stopped when the next wait
// begins, not before: a case that ends meanwhile is spared the event.
func (c *onboarding) await(ctx workflow.Context, wait time.Duration, summary string, cond func() bool) (bool, error) {
	c.stopOldTimer()
	timerCtx, stop := workflow.WithCancel(ctx)
	timer := workflow.NewTimerWithOptions(timerCtx, wait, workflow.TimerOptions{Summary: summary})
	c.stopTimer = stop
	err := workflow.Await(ctx, func() bool { return cond() || timer.IsReady() })
	return cond(), err
}

// stopOldTimer stops the timer of the last wait; one that has fired or was
// stopped stays as it is.
func (c *onboarding) stopOldTimer() {
	if c.stopTimer != nil {
		c.stopTimer()
		c.stopTimer = nil
	}
}

// effective is when a deadline is acted on: at its time, or later where
// recording it has failed.
func (c *onboarding) effective(d kam.Deadline) time.Time {
	if c.stuck != nil && same(*c.stuck, d) && c.retryAt.After(d.At) {
		return c.retryAt
	}
	return d.At
}

// elapse records that a deadline passed. A decision that took the lock first
// has won: then the deadline is no longer the case's next one.
func (c *onboarding) elapse(ctx workflow.Context, due kam.Deadline) error {
	if err := c.lock.Lock(ctx); err != nil {
		return err
	}
	defer c.lock.Unlock()

	if next, ok := c.Snapshot.Task.Next(); !ok || !same(next, due) {
		return nil
	}
	summary := string(c.Snapshot.Task.Step) + " " + deadlineWord(due.Kind)
	p, err := c.effect(quick(ctx, summary), kam.StageElapse, kam.StageInput{Due: &due})
	if err == nil {
		c.adopt(ctx, p)
	}

	// People may go on acting where a deadline cannot be recorded: the table
	// knows no fault in a human state, and a reminder is not worth stopping a
	// case for.
	if next, ok := c.Snapshot.Task.Next(); ok && same(next, due) {
		workflow.GetLogger(ctx).Error("deadline cannot be recorded", "case_no", c.start.CaseNo, "deadline", due.Kind, "error", err)
		c.stuck, c.retryAt = &due, workflow.Now(ctx).Add(pauseAfterFault)
		return nil
	}
	c.stuck = nil
	return nil
}

func same(a, b kam.Deadline) bool { return a.Kind == b.Kind && a.At.Equal(b.At) }

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
