package stack_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/internal/pgserver/dirlock"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/standalone/stack"
)

const queue = "stack-test"

var stage = temporal.NewSearchAttributeKeyKeyword("KamStage")

// wait stands for a case that waits for a person.
func wait(ctx workflow.Context) (string, error) {
	var answer string
	workflow.GetSignalChannel(ctx, "answer").Receive(ctx, &answer)
	return answer, workflow.UpsertTypedSearchAttributes(ctx, stage.ValueSet("done"))
}

func start(t *testing.T, dir string) *stack.Stack {
	t.Helper()
	begin := time.Now()
	s, err := stack.Start(t.Context(), stack.Options{
		DataDir:          dir,
		SearchAttributes: map[string]enumspb.IndexedValueType{stage.GetName(): enumspb.INDEXED_VALUE_TYPE_KEYWORD},
		Log:              func(line string) { t.Log(line) },
	})
	require.NoError(t, err)
	t.Logf("up after %v", time.Since(begin).Round(time.Millisecond))
	return s
}

func stop(t *testing.T, s *stack.Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	begin := time.Now()
	require.NoError(t, s.Stop(ctx))
	t.Logf("down after %v", time.Since(begin).Round(time.Millisecond))
}

// work runs a worker, and returns its client, until the returned func is called.
func work(t *testing.T, s *stack.Stack) (client.Client, func()) {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: s.TemporalAddress, Namespace: s.Namespace})
	require.NoError(t, err)
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(wait)
	require.NoError(t, w.Start())
	return c, func() { w.Stop(); c.Close() }
}

// TestRestart takes the stack through what a machine goes through: a crash of
// its database, a stop, a start.
func TestRestart(t *testing.T) {
	dir := pgtest.DataDir(t)

	s := start(t, dir)
	require.Equal(t, "kamflow", s.Namespace)
	require.NotEmpty(t, s.UIAddress)
	address, databaseURL, ui := s.TemporalAddress, s.DatabaseURL, s.UIAddress

	_, err := stack.Start(t.Context(), stack.Options{DataDir: dir})
	require.ErrorIs(t, err, dirlock.ErrHeld)

	c, stopWork := work(t, s)
	for _, id := range []string{"case/1", "case/2"} {
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: queue}, wait)
		require.NoError(t, err)
	}
	schedule(t, c)
	serverless(t, c, s.Namespace)

	crashed := s.Postgres()
	require.NoError(t, crashed.Kill())
	require.Eventually(t, func() bool { return s.Postgres() != crashed }, 30*time.Second, 50*time.Millisecond,
		"the stack starts PostgreSQL again")
	require.Equal(t, "yes", answer(t, c, "case/1"), "cases go on after a crash of the database")
	stopWork()
	stop(t, s)

	s = start(t, dir)
	require.Equal(t, address, s.TemporalAddress)
	require.Equal(t, databaseURL, s.DatabaseURL)
	require.Equal(t, ui, s.UIAddress)
	c, stopWork = work(t, s)
	require.Equal(t, "yes", answer(t, c, "case/2"), "cases go on after a restart")
	require.Eventually(t, func() bool {
		found, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: s.Namespace, Query: `KamStage = "done"`,
		})
		return err == nil && found.GetCount() >= 2
	}, 10*time.Second, 50*time.Millisecond)

	conn, err := pgx.Connect(t.Context(), s.DatabaseURL)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	page, err := http.Get(s.UIAddress + "/namespaces/kamflow/workflows")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.Header.Get("Content-Type"), "text/html")
	require.NoError(t, page.Body.Close())
	stopWork()
	stop(t, s)

	_, err = stack.Start(t.Context(), stack.Options{
		DataDir: dir, NoUI: true,
		SearchAttributes: map[string]enumspb.IndexedValueType{stage.GetName(): enumspb.INDEXED_VALUE_TYPE_INT},
	})
	require.ErrorContains(t, err, "KamStage exists as Keyword and must be Int")
	stop(t, start(t, dir)) // the refused start has left nothing behind
}

// answer ends a waiting workflow. The signal is sent until it is taken, since
// the server may still be coming back.
func answer(t *testing.T, c client.Client, id string) string {
	t.Helper()
	begin := time.Now()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return c.SignalWorkflow(ctx, id, "", "answer", "yes") == nil
	}, time.Minute, 50*time.Millisecond)
	var result string
	require.NoError(t, c.GetWorkflow(t.Context(), id, "").Get(t.Context(), &result))
	t.Logf("%s answered after %v", id, time.Since(begin).Round(time.Millisecond))
	return result
}

// schedule shows that schedules, which a worker inside the server runs, work
// under our settings.
func schedule(t *testing.T, c client.Client) {
	t.Helper()
	handle, err := c.ScheduleClient().Create(t.Context(), client.ScheduleOptions{
		ID:                 "nightly",
		TriggerImmediately: true,
		Action:             &client.ScheduleWorkflowAction{ID: "digest", Workflow: wait, TaskQueue: queue},
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := handle.Describe(t.Context())
		return err == nil && len(info.Info.RecentActions) == 1
	}, 30*time.Second, 50*time.Millisecond)
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := stack.Start(ctx, stack.Options{DataDir: pgtest.DataDir(t)})
	require.ErrorIs(t, err, context.Canceled)
}
