package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
)

// How long effects are tried. The SDK has no threshold of its own for local
// retries: a pause up to the workflow task timeout (10 s by default) is waited
// out inside the task, a longer one becomes a marker and a timer. With these
// figures the first seven attempts (12.6 s) stay inside the task, which covers
// a failover of the database; from the eighth on, an outage costs six events
// an attempt, some 900 in 24 hours at one attempt in ten minutes.
const (
	oneAttempt  = 10 * time.Second
	longAttempt = time.Minute // of an activity that calls out
	// moreThanADay is never reached at these pauses. The test environment of the
	// SDK takes "without limit" for ten attempts.
	moreThanADay = 1000
	bulkAttempt  = time.Hour
	bulkSilence  = time.Minute
	firstPause   = 200 * time.Millisecond
	longestWait  = 10 * time.Minute
	giveUpAfter  = 24 * time.Hour
	// The SDK takes a ScheduleToClose of zero for StartToClose, so "without
	// limit" has to be said in years.
	withoutLimit = 100 * 365 * 24 * time.Hour
)

// quick is for effects of the engine and of people: short, and may safely run
// again.
func quick(ctx workflow.Context, summary string) workflow.Context {
	return local(ctx, summary, giveUpAfter)
}

// endless is for the two effects that a case cannot do without: opening it and
// parking it.
func endless(ctx workflow.Context, summary string) workflow.Context {
	return local(ctx, summary, withoutLimit)
}

// patient is for what leaves the process: tried again for a day, with growing
// pauses, in the history and not in a workflow task.
func patient(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ScheduleToCloseTimeout: giveUpAfter,
		StartToCloseTimeout:    longAttempt,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        time.Second,
			BackoffCoefficient:     2,
			MaximumInterval:        longestWait,
			MaximumAttempts:        moreThanADay,
			NonRetryableErrorTypes: nonRetryable(),
		},
		Summary: summary,
	})
}

func local(ctx workflow.Context, summary string, within time.Duration) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: within,
		StartToCloseTimeout:    oneAttempt,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        firstPause,
			BackoffCoefficient:     2,
			MaximumInterval:        longestWait,
			NonRetryableErrorTypes: nonRetryable(),
		},
		Summary: summary,
	})
}

// nonRetryable lists the codes that trying again does not cure: all but
// UNREACHABLE.
func nonRetryable() []string {
	var types []string
	for _, c := range kam.ErrorCodes {
		if c.Code != kam.Unreachable {
			types = append(types, string(c.Code))
		}
	}
	return types
}

// bulk is for long work: one attempt may take an hour. Without a heartbeat for a
// minute the worker counts as dead, and the attempt is made elsewhere.
func bulk(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ScheduleToCloseTimeout: giveUpAfter,
		StartToCloseTimeout:    bulkAttempt,
		HeartbeatTimeout:       bulkSilence,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        time.Second,
			BackoffCoefficient:     2,
			MaximumInterval:        longestWait,
			NonRetryableErrorTypes: nonRetryable(),
		},
		Summary: summary,
	})
}
