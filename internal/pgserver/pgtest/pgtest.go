// Package pgtest gives tests a real PostgreSQL.
//
// The databases are made on the server that KAM_TEST_DATABASE_URL names, else
// on a throw-away server that the test binary starts when it is first asked.
// A package that uses it hands its tests to Main, which ends that server:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
package pgtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/internal/pgserver"
	"github.com/kamflow/kamflow/internal/pgserver/dirlock"
)

// URLEnv names a server to use instead of a throw-away one. Its user must be
// allowed to make databases; nothing that exists on it is touched.
const URLEnv = "KAM_TEST_DATABASE_URL"

// Only directories of shared servers are swept: a test may stop its own server
// and start it again, and would lose its data in between.
const (
	sharedPrefix = "kamflow-pgtest-"
	ownPrefix    = "kamflow-pgdata-"
)

// DSN returns the connection string of a new, empty database, which is dropped
// when the test ends. Without a PostgreSQL the test fails: a skipped test of
// the database would look like a passed one.
func DSN(t testing.TB) string {
	t.Helper()
	return database(t, "template0")
}

// CopyOf returns the connection string of a new database that starts as a copy
// of another one on the same server, to which nobody may be connected. It
// spares each test the migrations.
func CopyOf(t testing.TB, dsn string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatalf("parse the database to copy: %v", err)
	}
	return database(t, cfg.Database)
}

func database(t testing.TB, template string) string {
	t.Helper()
	base, err := server()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v\nOr set %s to a server where tests may make databases.", err, URLEnv)
	}
	name := "kam_test_" + strings.ToLower(rand.Text()[:16])
	quoted := pgx.Identifier{name}.Sanitize()
	if err := run(base, "CREATE DATABASE "+quoted+" TEMPLATE "+pgx.Identifier{template}.Sanitize()); err != nil {
		t.Fatalf("make a test database: %v", err)
	}
	t.Cleanup(func() {
		if err := run(base, "DROP DATABASE IF EXISTS "+quoted+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	dsn, err := withDatabase(base, name)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// run has its own deadline, because cleanups run when the test's context has
// ended.
func run(dsn, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

func withDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		return "", fmt.Errorf("%s must be a URL, as in postgres://user:password@host:5432/postgres", URLEnv)
	}
	u.Path = "/" + name
	return u.String(), nil
}

// Main runs the tests, ends what they started and returns their exit status.
func Main(m *testing.M) int {
	defer stop()
	return m.Run()
}

var shared struct {
	sync.Mutex
	started bool
	dsn     string
	err     error
	server  *pgserver.Server
	dir     string
}

// server returns a database to make others from. A server that would not start
// is not tried again: each test would wait for it again.
func server() (string, error) {
	shared.Lock()
	defer shared.Unlock()
	if !shared.started {
		shared.started = true
		shared.dsn, shared.err = start()
	}
	return shared.dsn, shared.err
}

func start() (string, error) {
	if dsn := os.Getenv(URLEnv); dsn != "" {
		return dsn, nil
	}
	sweep()
	dir, err := newDir(place(), sharedPrefix)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	srv, err := pgserver.Start(ctx, pgserver.Options{DataDir: dir})
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	shared.server, shared.dir = srv, dir
	return srv.DSN("postgres"), nil
}

func stop() {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return
	}
	if err := errors.Join(shared.server.StopImmediate(), os.RemoveAll(shared.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "end PostgreSQL for tests:", err)
	}
	shared.server = nil
}

// DataDir returns a directory for a server that the test itself starts, in memory
// where there is room. Unlike that of testing.TB.TempDir, the user that PostgreSQL
// runs as can reach it.
func DataDir(t testing.TB) string {
	t.Helper()
	return dataDir(t, place())
}

// DiskDir is DataDir on a disk, for figures of what a disk costs.
func DiskDir(t testing.TB) string {
	t.Helper()
	return dataDir(t, "")
}

func dataDir(t testing.TB, parent string) string {
	t.Helper()
	dir, err := newDir(parent, ownPrefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove data directory: %v", err)
		}
	})
	return dir
}

func newDir(parent, prefix string) (string, error) {
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// sweep removes what test binaries left that were killed: the directories
// whose lock nobody holds. A young one may be about to be locked.
func sweep() {
	locks, err := filepath.Glob(filepath.Join(cmp.Or(place(), os.TempDir()), sharedPrefix+"*", dirlock.Name))
	if err != nil {
		return
	}
	for _, path := range locks {
		info, err := os.Stat(path)
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		lock, err := dirlock.Acquire(filepath.Dir(path))
		if err != nil {
			continue
		}
		_ = os.RemoveAll(filepath.Dir(path)) // a later sweep may have more luck
		_ = lock.Release()
	}
}
