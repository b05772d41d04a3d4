package workerapp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

func TestBuildID(t *testing.T) {
	t.Parallel()
	id, err := BuildID("v1.2")
	require.NoError(t, err)
	require.Equal(t, "v1.2", id)

	id, err = BuildID("")
	require.NoError(t, err)
	require.NotEmpty(t, id)
	again, err := BuildID("")
	require.NoError(t, err)
	require.Equal(t, id, again)

	clean := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "false"}}
	require.Equal(t, "0123456789ab", revision(clean))
	require.Empty(t, revision([]debug.BuildSetting{clean[0], {Key: "vcs.modified", Value: "true"}}))
	require.Empty(t, revision(nil))
}

func TestTaskQueueOfWorkersAndProcess(t *testing.T) {
	t.Parallel()
	require.Equal(t, kam.TaskQueue, config.Defaults().Temporal.TaskQueue)
}

// ask is what an address of the health endpoints answers.
func ask(t *testing.T, handler http.Handler) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	b, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return w.Code, string(b)
}

func TestReady(t *testing.T) {
	t.Parallel()
	var down error
	h := &health{checks: []check{{"database", func(context.Context) error { return down }}}}
	status, body := ask(t, http.HandlerFunc(h.ready))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "database: ok\n", body)
	down = errors.New("password authentication failed for user kam")
	status, body = ask(t, http.HandlerFunc(h.ready))
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.NotContains(t, body, "password")
}

// TestFigures: the figures of our own keep their names, and one that cannot be
// had takes none of the others with it.
func TestFigures(t *testing.T) {
	t.Parallel()
	m, err := observe.NewMetrics()
	require.NoError(t, err)
	c := newCounters(m)
	registerProcess(m, "abc")
	var down error
	m.MustRegister(outboxFigures{func(context.Context) (int, int, error) { return 3, 1, down }})
	c.delivered.Add(2)
	c.took("reroute", 20*time.Millisecond, nil)
	c.took("reroute", time.Second, errors.New("no answer"))

	said, lines := observer.New(zap.WarnLevel)
	status, body := ask(t, m.Handler(zap.New(said)))
	require.Equal(t, http.StatusOK, status)
	for _, line := range []string{
		`kamflow_build_info{build_id="abc"} 1`,
		"# TYPE kamflow_messages_delivered_total counter\nkamflow_messages_delivered_total 2",
		"kamflow_messages_failed_total 0", "kamflow_messages_dead_total 0",
		"kamflow_cases_compared_total 0", "kamflow_cases_refreshed_total 0", "kamflow_loop_errors_total 0",
		"# TYPE kamflow_outbox_waiting gauge\nkamflow_outbox_waiting 3", "kamflow_outbox_dead 1",
		"# TYPE kamflow_uptime_seconds gauge", "# TYPE go_goroutines gauge",
		`kamflow_recurring_job_seconds_count{job="reroute",result="ok"} 1`,
		`kamflow_recurring_job_seconds_count{job="reroute",result="error"} 1`,
	} {
		require.Contains(t, body, line+"\n")
	}

	down = errors.New("password authentication failed for user kam")
	status, body = ask(t, m.Handler(zap.New(said)))
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "kamflow_messages_delivered_total 2\n")
	require.NotContains(t, body, "kamflow_outbox_waiting")
	require.NotContains(t, body, "password")
	require.Len(t, lines.All(), 1)
}

func TestEvery(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	rounds := 0
	every(ctx, time.Millisecond, func(context.Context) {
		if rounds++; rounds == 3 {
			cancel()
		}
	})
	require.Equal(t, 3, rounds)
}

// staleParties has so many parties with old keys, and may fail.
type staleParties struct {
	left int
	err  error
}

func (s *staleParties) RefreshParties(_ context.Context, version, limit int, keys func(customerdb.PartyData) customerdb.PartyKeys) (int, error) {
	if version != parties.KeysVersion || keys(customerdb.PartyData{Name: "A GmbH", Country: "DE"}).Version != version {
		return 0, errors.New("not the present form")
	}
	n := min(limit, s.left)
	s.left -= n
	return n, s.err
}

func TestRefresherLeavesNoOldKeys(t *testing.T) {
	t.Parallel()
	s := &staleParties{left: 2*partiesAtATime + 7}
	require.NoError(t, (&refresher{store: s, log: zap.NewNop()}).refresh(t.Context()))
	require.Zero(t, s.left)
	s.err = errors.New("down")
	require.ErrorIs(t, (&refresher{store: s, log: zap.NewNop()}).refresh(t.Context()), s.err)
}
