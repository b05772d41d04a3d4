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
	return migrated.copy(t)
}

// Main runs the tests, ends what they started and returns their exit status.
func Main(m *testing.M) int {
	code := pgtest.Main(m)
	if err := dropTemplates(); err != nil {
		fmt.Fprintln(os.Stderr, "drop what databases are copied from:", err)
	}
	return code
}

// A Template is a database that is made once in a program of tests; those of tests
// are copies of it.
type Template struct {
	make func(t testing.TB) (dsn string)
	once sync.Once
	dsn  string
}

var migrated = &Template{make: func(t testing.TB) string {
	dsn := pgtest.DSN(keeper{t})
	if err := store.Migrate(context.Background(), dsn); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return dsn
}}

// Filled is a template that holds what every test of a package begins with.
func Filled(fill func(t testing.TB, s *store.Store)) *Template {
	return &Template{make: func(t testing.TB) string {
		dsn := pgtest.CopyOf(keeper{t}, migrated.made(t))
		s, err := store.Open(context.Background(), dsn, store.Options{AllowUnsafe: true})
		if err != nil {
			t.Fatalf("open the store: %v", err)
		}
		defer s.Close() // nobody may be connected to what is copied
		fill(t, s)
		return dsn
	}}
}

// New returns a store on a copy, as [New] does.
func (p *Template) New(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, p.copy(t))
}

func (p *Template) copy(t testing.TB) string {
	t.Helper()
	return pgtest.CopyOf(t, p.made(t))
}

// templates are the names of those that were made.
var templates sync.Map

func (p *Template) made(t testing.TB) string {
	t.Helper()
	p.once.Do(func() {
		p.dsn = p.make(t)
		templates.Store(p.dsn, true)
	})
	if p.dsn == "" {
		t.Fatal("the first test could not make the database that others are copies of")
	}
	return p.dsn
}

// keeper is a test whose cleanups do not run: a template outlives it.
type keeper struct{ testing.TB }

func (keeper) Cleanup(func()) {}

// dropTemplates matters on a server that is not ours; ours has ended.
func dropTemplates() (err error) {
	base := os.Getenv(pgtest.URLEnv)
	if base == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		return err
	}
	templates.Range(func(dsn, _ any) bool {
		var cfg *pgx.ConnConfig
		if cfg, err = pgx.ParseConfig(dsn.(string)); err == nil {
			_, err = conn.Exec(ctx, "drop database if exists "+pgx.Identifier{cfg.Database}.Sanitize()+" with (force)")
		}
		return err == nil
	})
	return errors.Join(err, conn.Close(ctx))
}
