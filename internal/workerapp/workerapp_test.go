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

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
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

func TestHealth(t *testing.T) {
	t.Parallel()
	var down error
	h := &health{
		counters: &counters{}, started: time.Now(), build: "abc",
		checks: []check{{"database", func(context.Context) error { return down }}},
		extra: func(context.Context) ([]gauge, error) {
			return []gauge{{"kamflow_outbox_waiting", "Messages that wait.", "gauge", 3}}, nil
		},
	}
	h.counters.delivered.Add(2)
	ask := func(handler http.HandlerFunc) (int, string) {
		w := httptest.NewRecorder()
		handler(w, httptest.NewRequest(http.MethodGet, "/", nil))
		body, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		return w.Code, string(body)
	}

	status, body := ask(h.ready)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "database: ok\n", body)
	down = errors.New("password authentication failed for user kam")
	status, body = ask(h.ready)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.NotContains(t, body, "password")

	_, body = ask(h.metrics)
	require.Contains(t, body, `kamflow_build_info{build_id="abc"} 1`)
	require.Contains(t, body, "# TYPE kamflow_messages_delivered_total counter\nkamflow_messages_delivered_total 2\n")
	require.Contains(t, body, "kamflow_outbox_waiting 3\n")
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

func (s *staleParties) RefreshParties(_ context.Context, version, limit int, keys func(store.PartyData) store.PartyKeys) (int, error) {
	if version != parties.KeysVersion || keys(store.PartyData{Name: "A GmbH", Country: "DE"}).Version != version {
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
