package store_test

import (
	"database/sql"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

// upgraded is a database that had the schema of a migration when SQL was run in
// it, and is brought up to date.
func upgraded(t *testing.T, version int64, statements ...string) *store.Store {
	t.Helper()
	dsn := storetest.DSN(t)
	cfg, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	db := stdlib.OpenDB(*cfg)
	defer func(db *sql.DB) { require.NoError(t, db.Close()) }(db)
	run := func(text string) {
		_, err := db.ExecContext(t.Context(), text)
		require.NoError(t, err, text)
	}
	run(`drop schema kam cascade; drop table public.kam_schema_version; drop extension if exists pg_trgm cascade`)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("migrations"), goose.WithTableName("public.kam_schema_version"))
	require.NoError(t, err)
	_, err = provider.UpTo(t.Context(), version)
	require.NoError(t, err)
	for _, text := range statements {
		run(text)
	}
	require.NoError(t, store.Migrate(t.Context(), dsn))
	return storetest.Open(t, dsn)
}

// TestTheTreeThatWasThereHolds: an installation of the release before keeps its
// tree and its holders, since ever.
func TestTheTreeThatWasThereHolds(t *testing.T) {
	t.Parallel()
	s := upgraded(t, 22, `insert into kam.node (code, level, parent, name, manager_id, calendar) values ('W', 'GLOBAL', '', 'World', 'gina', 'utc'), ('DE', 'COUNTRY', 'W', '', '', '')`)
	nodes, err := s.Access.Nodes(t.Context())
	require.NoError(t, err)
	require.Equal(t, []kam.TerritoryNode{{Code: "DE", Level: kam.LevelCountry, Parent: "W"}, {Code: "W", Level: kam.LevelGlobal, Name: "World", ManagerID: "gina", Calendar: "utc"}}, nodes)
	held, err := s.Access.Posts(t.Context(), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Equal(t, []accessdb.Held{{Node: "DE", Level: kam.LevelCountry, Parent: "W"}, {Node: "W", Level: kam.LevelGlobal, Name: "World", Manager: "gina"}}, held)
	n, err := s.Access.TakeEffect(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}
