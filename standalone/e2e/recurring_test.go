package e2e

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/kamflow/kamflow/internal/workerapp"
	"github.com/kamflow/kamflow/kam"
)

// TestRecurringWorkRunsOnceInTheCluster: the schedule starts rounds, two workers
// share it, and a change of the organisation starts one at once.
func TestRecurringWorkRunsOnceInTheCluster(t *testing.T) {
	h := open(t, t.TempDir())
	defer h.close(t)
	h.furnish(t)
	rounds := func(query string) int64 {
		r, err := h.temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: h.stack.Namespace, Query: "WorkflowType = '" + kam.WorkflowRecurring + "'" + query,
		})
		require.NoError(t, err)
		return r.Count
	}
	completed := func() int64 { return rounds(" AND ExecutionStatus = 'Completed'") }
	require.Eventually(t, func() bool { return completed() >= 1 }, time.Minute, 200*time.Millisecond, "one starts with the worker")

	second, err := workerapp.Start(t.Context(), h.cfg, workerapp.Deps{AllowUnsafe: true, InProcess: true})
	require.NoError(t, err)
	defer second.Stop()
	before := completed()
	conn, err := pgx.Connect(t.Context(), h.stack.DatabaseURL)
	require.NoError(t, err)
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	_, err = conn.Exec(t.Context(), `update kam.org_change set changed_at = clock_timestamp()`)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return completed() > before }, time.Minute, 200*time.Millisecond, "within seconds of the change")
	require.Equal(t, rounds(""), completed()+rounds(" AND ExecutionStatus = 'Running'"), "no round failed")
	at, err := h.db.Access.OrgChanged(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		seen, err := h.db.Seen(t.Context(), kam.JobLeavers)
		return err == nil && seen == at
	}, time.Minute, 200*time.Millisecond)
}
