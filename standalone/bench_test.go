package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/pgserver"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/internal/proctime"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/standalone/bench"
)

// bareEnv has the program work on bare workflows too.
const bareEnv = "STANDALONE_TEST_BARE"

// withBare is the app of the program and the worker of bare workflows beside
// it: both are in one process, so that a case and a bare workflow use the same.
type withBare struct {
	app
	stop func()
}

func startWithBare(ctx context.Context, cfg config.Config, running *runfile.Running, say func(string)) (app, error) {
	a, err := startWorker(ctx, cfg, running, say)
	if err != nil {
		return nil, err
	}
	c, err := client.DialContext(ctx, client.Options{HostPort: cfg.Temporal.Address, Namespace: cfg.Temporal.Namespace})
	if err != nil {
		return nil, errors.Join(err, a.Stop(ctx))
	}
	w, err := bench.StartBare(c, cfg.Worker)
	if err != nil {
		c.Close()
		return nil, errors.Join(err, a.Stop(ctx))
	}
	return withBare{a, func() { w.Stop(); c.Close() }}, nil
}

func (w withBare) Stop(ctx context.Context) error {
	w.stop()
	return w.app.Stop(ctx)
}

// TestBenchCase measures what a case costs: make bench-case. Without
// KAM_BENCH_CASES it takes a few, to see that all of it works.
func TestBenchCase(t *testing.T) {
	if !proctime.Here() {
		t.Skip("skipped: processor time is read from /proc, which this system lacks")
	}
	measured := os.Getenv("KAM_BENCH_CASES") != ""
	settings, out := bench.Smoke(), io.Writer(t.Output())
	if measured {
		settings, out = bench.Full(), os.Stdout
		var err error
		settings, err = settings.Read(os.Getenv)
		require.NoError(t, err)
	}
	dir := pgtest.DataDir(t)
	switch err := preparePostgres(t, filepath.Join(dir, "postgres")); {
	case errors.Is(err, bench.ErrNoStatements) && !measured:
		t.Skip("skipped:", err)
	default:
		require.NoError(t, err)
	}
	t.Setenv(bareEnv, "1")
	program, running := launch(t, dir)
	begin := time.Now()
	res, err := bench.Run(t.Context(), bench.Options{
		Settings: settings, Running: running, Form: exampleRequest(t), Commit: commit(t), Log: t.Logf,
	})
	require.NoError(t, err)
	program.end(t, syscall.SIGTERM)
	require.NoError(t, res.Markdown(out))
	t.Logf("measured in %v", time.Since(begin).Round(time.Second))
	if settings.JSON != "" {
		require.NoError(t, res.WriteJSON(settings.JSON))
	}

	if !measured {
		require.Len(t, res.Cells, 2+3, "each kind, alone and at once, and at once in a block")
	}
	for _, c := range res.Cells {
		require.Positive(t, c.By["standalone"], c)
		require.Positive(t, c.By["driver"], c)
		require.Positive(t, c.By["temporal"], c)
		if c.Kind == bench.Bare {
			// Started, one task, the update and its task, completed.
			require.Equal(t, 10, c.Events, "two tasks: it had come to rest before it was confirmed")
			require.Less(t, c.Figures.Statements[res.Database], 1.0, "it does not touch our database")
			require.InDelta(t, 1, c.Ratio, 0.001)
			continue
		}
		require.Greater(t, c.Figures.Statements[res.Database], 20.0)
		require.Greater(t, c.WAL[res.Database], 1024.0)
		require.NotEmpty(t, c.Statements)
	}
}

// preparePostgres makes the server that the program will find in its data
// directory.
func preparePostgres(t *testing.T, dir string) error {
	t.Helper()
	srv, err := pgserver.Start(t.Context(), pgserver.Options{DataDir: dir, Durable: true})
	require.NoError(t, err)
	err = bench.Prepare(t.Context(), srv.DSN("postgres"))
	return errors.Join(err, srv.Stop(t.Context()))
}

// exampleRequest is the request of the README with its details.
func exampleRequest(t *testing.T) (d kam.RequestData) {
	t.Helper()
	for _, name := range []string{"request.json", "details.json"} {
		b, err := os.ReadFile(filepath.Join("..", "docs", "examples", name))
		require.NoError(t, err)
		require.NoError(t, kam.StrictUnmarshal(b, &d))
	}
	return d
}

// commit is what is measured, as far as git knows.
func commit(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "describe", "--always", "--dirty", "--exclude", "*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
