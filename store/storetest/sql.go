package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/store"
)

// pools are connections beside those of a store, for looking into its database.
var pools sync.Map

// Pool is a connection to the database of a store beside its own.
func Pool(t testing.TB, s *store.Store) *pgxpool.Pool {
	t.Helper()
	if p, ok := pools.Load(s); ok {
		return p.(*pgxpool.Pool)
	}
	dsn, _ := opened.Load(s)
	cfg, err := pgxpool.ParseConfig(fmt.Sprint(dsn))
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	p, taken := pools.LoadOrStore(s, pool)
	if taken {
		pool.Close()
	}
	return p.(*pgxpool.Pool)
}

// Exec runs SQL as an attacker with the owner's rights would.
func Exec(t testing.TB, s *store.Store, sql string, args ...any) error {
	t.Helper()
	_, err := Pool(t, s).Exec(context.WithoutCancel(t.Context()), sql, args...)
	return err
}
