package pgtest_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestDSN(t *testing.T) {
	t.Parallel()

	one, two := pgtest.DSN(t), pgtest.DSN(t)
	require.NotEqual(t, one, two)

	conn, err := pgx.Connect(t.Context(), one)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "CREATE TABLE customers (name text); INSERT INTO customers VALUES ('Nordwind')")
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))

	fresh, err := pgx.Connect(t.Context(), two)
	require.NoError(t, err)
	_, err = fresh.Exec(t.Context(), "SELECT FROM customers")
	require.ErrorContains(t, err, "does not exist", "databases of two tests are separate")
	require.NoError(t, fresh.Close(t.Context()))

	copied, err := pgx.Connect(t.Context(), pgtest.CopyOf(t, one))
	require.NoError(t, err)
	var name string
	require.NoError(t, copied.QueryRow(t.Context(), "SELECT name FROM customers").Scan(&name))
	require.Equal(t, "Nordwind", name)
	require.NoError(t, copied.Close(t.Context()))
}
