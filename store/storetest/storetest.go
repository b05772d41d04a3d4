// Package storetest gives tests a store on a fresh database.
//
// A package that uses it hands its tests to Main:
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/store"
)

// New returns a store on a migrated database of its own, which is dropped when
// the test ends. Without a PostgreSQL the test fails.
func New(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, DSN(t))
}

// Open opens a store that is closed when the test ends.
func Open(t testing.TB, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), dsn, store.Options{AllowUnsafe: true, MaxConns: 12})
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() {
		if p, ok := pools.LoadAndDelete(s); ok {
			p.(*pgxpool.Pool).Close()
		}
		s.Close()
	})
	opened.Store(s, dsn)
	return s
}

// DSN returns the connection string of a migrated database of the test's own.
func DSN(t testing.TB) string {
	t.Helper()
	template.once.Do(func() { template.dsn = migrated(t) })
	if template.dsn == "" {
		t.Fatal("the first test could not migrate a database")
	}
	return pgtest.CopyOf(t, template.dsn)
}

// Main runs the tests, ends what they started and returns their exit status.
func Main(m *testing.M) int {
	code := pgtest.Main(m)
	if err := dropTemplate(); err != nil {
		fmt.Fprintln(os.Stderr, "drop the migrated database:", err)
	}
	return code
}

// template is migrated once; the databases of tests are copies of it.
var template struct {
	once sync.Once
	dsn  string
}

// keeper is a test whose cleanups do not run: the template outlives it.
type keeper struct{ testing.TB }

func (keeper) Cleanup(func()) {}

func migrated(t testing.TB) string {
	t.Helper()
	dsn := pgtest.DSN(keeper{t})
	if err := store.Migrate(context.Background(), dsn); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return dsn
}

// dropTemplate matters on a server that is not ours; ours has ended.
func dropTemplate() error {
	base := os.Getenv(pgtest.URLEnv)
	if base == "" || template.dsn == "" {
		return nil
	}
	cfg, err := pgx.ParseConfig(template.dsn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "drop database if exists "+pgx.Identifier{cfg.Database}.Sanitize()+" with (force)")
	return errors.Join(err, conn.Close(ctx))
}
