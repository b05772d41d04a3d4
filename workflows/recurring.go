package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
)

// Recurring carries out the jobs that recur, one round. A Temporal Schedule
// starts it, never two at a time, so that each job runs once in the cluster
// however many workers there are. A job that fails holds up no other; the
// next round tries it again.
func Recurring(ctx workflow.Context) error {
	var failed []error
	for _, job := range kam.Jobs {
		err := workflow.ExecuteActivity(oneRound(ctx, string(job)), string(job)).Get(ctx, nil)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", job, err))
		}
	}
	return errors.Join(failed...)
}

// roundSilence is how soon a worker that died is missed: while its round is not
// over no other begins, and a decision that Temporal has lost waits for one.
const roundSilence = 15 * time.Second

// oneRound is for one job: it may look at every open case, and is tried twice
// more before the round goes on without it.
func oneRound(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: bulkAttempt,
		HeartbeatTimeout:    roundSilence,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        time.Second,
			BackoffCoefficient:     2,
			MaximumAttempts:        3,
			NonRetryableErrorTypes: nonRetryable(),
		},
		Summary: summary,
	})
}
