package workflows_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/workflows"
)

// TestRecurringGoesOnPastAFault: every job has its turn, whatever became of the
// others, and the round fails.
func TestRecurringGoesOnPastAFault(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	workflows.Register(env, nil)
	done := map[kam.Job]int{}
	for _, job := range kam.Jobs {
		env.RegisterActivityWithOptions(func(context.Context) error {
			done[job]++
			if job == kam.JobRescreen {
				return errors.New("the list cannot be read")
			}
			return nil
		}, activity.RegisterOptions{Name: string(job)})
	}
	env.ExecuteWorkflow(kam.WorkflowRecurring)
	require.ErrorContains(t, env.GetWorkflowError(), string(kam.JobRescreen))
	for _, job := range kam.Jobs {
		want := 1
		if job == kam.JobRescreen {
			want = 3
		}
		require.Equal(t, want, done[job], job)
	}
}
