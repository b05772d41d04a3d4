package health

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

func TestReady(t *testing.T) {
	t.Parallel()
	var down error
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures") })
	s, err := Listen("worker.listen", "127.0.0.1:0", []Check{{"database", func(context.Context) error { return down }}}, metrics, zap.NewNop())
	require.NoError(t, err)
	ask := func(path string) (int, string) {
		answer, err := http.Get("http://" + s.Address + path) //nolint:noctx // a test
		require.NoError(t, err)
		defer answer.Body.Close() //nolint:errcheck // a test
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(body)
	}
	status, body := ask("/readyz")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "database: ok\n", body)
	down = errors.New("password authentication failed for user kam")
	status, body = ask("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.NotContains(t, body, "password")
	_, body = ask("/healthz")
	require.Equal(t, "ok\n", body)
	_, body = ask("/metrics")
	require.Equal(t, "figures", body)
	_, err = Listen("worker.listen", s.Address, nil, metrics, zap.NewNop())
	require.ErrorContains(t, err, "worker.listen")
	require.NoError(t, s.Stop(t.Context()))
	var none *Server
	require.NoError(t, none.Stop(t.Context()))
}
