package pgserver_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/pgserver"
	"github.com/kamflow/kamflow/internal/pgserver/dirlock"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
)

// childEnv makes this test binary a program that runs a server on the named
// directory until it is killed.
const childEnv = "PGSERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

func child(dir string) int {
	s, err := pgserver.Start(context.Background(), pgserver.Options{DataDir: dir})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready", s.PID())
	<-s.Done()
	return 0
}

func start(t *testing.T, opts pgserver.Options) *pgserver.Server {
	t.Helper()
	opts.Log = func(line string) { t.Log(line) }
	s, err := pgserver.Start(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.StopImmediate()) })
	return s
}

func query(t *testing.T, s *pgserver.Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	rows, err := conn.Query(t.Context(), sql)
	require.NoError(t, err)
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(values, " ")
}

func TestRestartKeepsData(t *testing.T) {
	t.Parallel()

	opts := pgserver.Options{DataDir: pgtest.DataDir(t), Durable: true}
	first := start(t, opts)
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
		"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "server_encoding": "UTF8",
		"max_connections": "300", "shared_buffers": "256MB", "max_wal_size": "2GB",
	} {
		require.Equal(t, want, query(t, first, "SHOW "+setting), setting)
	}
	query(t, first, "CREATE TABLE customers AS SELECT 'Nordwind' AS name")
	require.NoError(t, first.Stop(t.Context()))
	require.NoError(t, first.Stop(t.Context()), "a second stop does no harm")

	second := start(t, opts)
	require.Equal(t, first.DSN("x"), second.DSN("x"), "port and password stay")
	require.Equal(t, "Nordwind", query(t, second, "SELECT name FROM customers"))
	require.FileExists(t, filepath.Join(second.BinDir(), "pg_dump"))
}

func TestPasswordIsNeeded(t *testing.T) {
	t.Parallel()

	dir := pgtest.DataDir(t)
	s := start(t, pgserver.Options{DataDir: dir})
	dsn := strings.Replace(s.DSN("postgres"), s.Password(), "guess", 1)
	_, err := pgx.Connect(t.Context(), dsn)
	require.ErrorContains(t, err, "password authentication failed")

	info, err := os.Stat(filepath.Join(dir, "password"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestCrashRecovery(t *testing.T) {
	t.Parallel()

	for name, crash := range map[string]func(*pgserver.Server) error{
		"Kill":          (*pgserver.Server).Kill,
		"StopImmediate": (*pgserver.Server).StopImmediate,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			opts := pgserver.Options{DataDir: pgtest.DataDir(t), Durable: true}
			s := start(t, opts)
			query(t, s, "CREATE TABLE customers AS SELECT 'Nordwind' AS name")
			// A session in the middle of a query outlives its killed server for
			// a moment.
			busy, err := pgx.Connect(t.Context(), s.DSN("postgres"))
			require.NoError(t, err)
			go func() { _, _ = busy.Exec(t.Context(), "SELECT pg_sleep(1)") }()

			require.NoError(t, crash(s))
			<-s.Done()
			require.Equal(t, "Nordwind", query(t, start(t, opts), "SELECT name FROM customers"))
		})
	}
}

func TestOnlyOneAtATime(t *testing.T) {
	t.Parallel()

	dir := pgtest.DataDir(t)
	start(t, pgserver.Options{DataDir: dir})
	_, err := pgserver.Start(t.Context(), pgserver.Options{DataDir: dir})
	require.ErrorIs(t, err, dirlock.ErrHeld)
	require.ErrorContains(t, err, fmt.Sprintf("by process %d", os.Getpid()))
}

func TestPortTaken(t *testing.T) {
	t.Parallel()

	s := start(t, pgserver.Options{DataDir: pgtest.DataDir(t)})
	_, err := pgserver.Start(t.Context(), pgserver.Options{DataDir: pgtest.DataDir(t), Port: s.Port()})
	require.ErrorContains(t, err, fmt.Sprintf("port %d is taken", s.Port()))
}

func TestNoBinaries(t *testing.T) {
	t.Parallel()

	_, err := pgserver.Start(t.Context(), pgserver.Options{DataDir: pgtest.DataDir(t), BinDir: t.TempDir()})
	require.ErrorContains(t, err, "look for PostgreSQL in")
}

func TestReusedProcessID(t *testing.T) {
	t.Parallel()

	dir := pgtest.DataDir(t)
	s := start(t, pgserver.Options{DataDir: dir})
	pidFile := filepath.Join(dir, "cluster", "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	require.NoError(t, s.Stop(t.Context()))

	// As if, after a reboot, our own number were the dead server's.
	text = bytes.Replace(text, []byte(strconv.Itoa(s.PID())), []byte(strconv.Itoa(os.Getpid())), 1)
	require.NoError(t, os.WriteFile(pidFile, text, 0o600))
	start(t, pgserver.Options{DataDir: dir})
}

// TestParentKilled leaves a server without its parent, in two ways: told by
// the kernel to end, and, as on systems where it is not, held back from it.
func TestParentKilled(t *testing.T) {
	t.Parallel()

	for name, orphan := range map[string]bool{"EndsWithParent": false, "OrphanIsEnded": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			dir := pgtest.DataDir(t)
			parent := exec.CommandContext(t.Context(), os.Args[0])
			parent.Env = append(os.Environ(), childEnv+"="+dir)
			out, err := parent.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, parent.Start())
			var pid int
			_, err = fmt.Fscanf(out, "ready %d", &pid)
			require.NoError(t, err)
			if orphan {
				require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
			}
			require.NoError(t, parent.Process.Kill())
			_ = parent.Wait()
			if orphan {
				time.AfterFunc(500*time.Millisecond, func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
			}
			s := start(t, pgserver.Options{DataDir: dir})
			require.NotEqual(t, pid, s.PID())
		})
	}
}

// TestUnreachableDirectory has root keep a data directory where the user that
// PostgreSQL runs as may not go.
func TestUnreachableDirectory(t *testing.T) {
	t.Parallel()

	if os.Geteuid() != 0 {
		t.Skip("skipped: PostgreSQL runs as ourselves when we are not root")
	}
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, pgserver.Options{DataDir: dir})
	place, err := os.ReadFile(filepath.Join(dir, "location"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(strings.TrimSpace(string(place)))) })
	query(t, s, "CREATE TABLE customers AS SELECT 'Nordwind' AS name")
	require.NoError(t, s.Stop(t.Context()))
	again := start(t, pgserver.Options{DataDir: dir})
	require.Equal(t, "Nordwind", query(t, again, "SELECT name FROM customers"))
	require.NoError(t, again.Stop(t.Context()))
}
