package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
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
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/standalone/bench"
)

// What a program that is measured is told: bareEnv has it work on bare workflows
// too, profileEnv names the file that it profiles itself into between SIGUSR1
// and SIGUSR2.
const (
	bareEnv    = "STANDALONE_TEST_BARE"
	profileEnv = "STANDALONE_TEST_PROFILE"
)

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
	if path := os.Getenv(profileEnv); path != "" {
		go profileInto(path)
	}
	return withBare{a, func() { w.Stop(); c.Close() }}, nil
}

// profileInto leaves a profile that is complete or none.
func profileInto(path string) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1, syscall.SIGUSR2)
	var profile bytes.Buffer
	for sig := range asked {
		if sig == syscall.SIGUSR1 {
			_ = pprof.StartCPUProfile(&profile) // it fails only where one runs
			continue
		}
		pprof.StopCPUProfile()
		part := path + ".part"
		if err := errors.Join(os.WriteFile(part, profile.Bytes(), 0o600), os.Rename(part, path)); err != nil {
			fmt.Fprintln(os.Stderr, "write the profile:", err)
		}
	}
}

// startProfile asks the program for one, and waits for it at the end.
func (c *child) startProfile(path string) (stop func() error, err error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return func() error {
		if err := c.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
			return err
		}
		for range 100 {
			if _, err := os.Stat(path); err == nil {
				return nil
			}
			time.Sleep(100 * time.Millisecond)
		}
		return fmt.Errorf("the program has not written %s", path)
	}, c.cmd.Process.Signal(syscall.SIGUSR1)
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
	} else {
		settings.JSON, settings.Profile = filepath.Join(t.TempDir(), "bench.json"), filepath.Join(t.TempDir(), "cases.pprof")
	}
	dir := pgtest.DiskDir(t)
	switch err := preparePostgres(t, filepath.Join(dir, "postgres")); {
	case errors.Is(err, bench.ErrNoStatements) && !measured:
		t.Skip("skipped:", err)
	default:
		require.NoError(t, err)
	}
	t.Setenv(bareEnv, "1")
	t.Setenv("KAM_KEYS_PUBLIC", signedtest.Public())
	if settings.Unsigned {
		t.Setenv("KAM_SIGNATURES", "record")
	}
	t.Setenv(profileEnv, settings.Profile)
	program, running := launch(t, dir)
	begin := time.Now()
	res, err := bench.Run(t.Context(), bench.Options{
		Settings: settings, Running: running, Form: exampleRequest(t), Commit: commit(t), Log: t.Logf,
		StartProfile: func() (func() error, error) { return program.startProfile(settings.Profile) },
	})
	if len(res.Cells) > 0 { // also where something went wrong later
		require.NoError(t, res.Markdown(out))
	}
	require.NoError(t, err)
	program.end(t, syscall.SIGTERM)
	t.Logf("measured in %v", time.Since(begin).Round(time.Second))
	if settings.JSON != "" {
		require.NoError(t, res.WriteJSON(settings.JSON))
	}

	if !measured {
		profile, err := os.ReadFile(settings.Profile)
		require.NoError(t, err)
		require.NotEmpty(t, profile)
		require.FileExists(t, settings.JSON)
		require.Len(t, res.Idle, 1)
		require.Len(t, res.Cells, 2+3, "each kind, alone and at once, and at once in a block")
	}
	for _, c := range res.Cells {
		require.Positive(t, c.Gross, c)
		for _, who := range []string{"standalone", "driver", "background", res.Database, "temporal", "temporal_visibility"} {
			require.Contains(t, c.By, who)
		}
		if c.Kind == bench.Bare {
			require.Equal(t, 10, c.Events, "started, a task, the update and its task, completed: it had come to rest before it was confirmed")
			require.Less(t, c.Figures.Statements[res.Database], 20.0, "it does not touch our database, other than the loops of the worker")
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
func exampleRequest(t *testing.T) (d customer.RequestData) {
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
