package store_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestMigrateTwiceAndAtOnce(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- store.Migrate(context.Background(), dsn) }()
	}
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	require.NoError(t, store.Migrate(t.Context(), dsn))

	have, want, err := store.SchemaVersion(t.Context(), dsn)
	require.NoError(t, err)
	require.Equal(t, want, have)
	require.Positive(t, have)
}

func TestOpenRefusesAServerThatForgets(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$`)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))

	_, err = store.Open(t.Context(), dsn, store.Options{})
	require.ErrorContains(t, err, "synchronous_commit = off")
	s := storetest.Open(t, dsn)
	require.NoError(t, s.Ping(t.Context()))
}

func TestNothingPersonalInFaults(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	_, err := s.Cases.Effect(t.Context(), storetest.Engine(no, 2, 1), func(_ context.Context, tx *casedb.Tx) error {
		tx.Log(kam.AuditEvent{Type: kam.EventCommented, Text: "Ada Berg\x00"})
		return nil
	})
	require.ErrorIs(t, err, kam.Fault)
	require.False(t, strings.Contains(err.Error(), "Ada"))
}
