package e2e

import (
	"io"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/kam"
)

func pgtestDir(t *testing.T) string { return pgtest.DataDir(t) }

// playOne plays one sample onboarding and returns its case.
func (h *house) playOne(t *testing.T, s demo.Script) kam.CaseNo {
	t.Helper()
	require.NoError(t, demo.Run(t.Context(), demo.Deps{Store: h.db, Client: h.client, Out: io.Discard, Only: s.Name}))
	no, ok, err := h.db.RequestByKey(t.Context(), s.Key())
	require.NoError(t, err)
	require.True(t, ok)
	return no
}

// ownTransactions counts the transactions that wrote for a case: the number
// that was allotted, data that was staged, and each effect.
func (h *house) ownTransactions(t *testing.T, no kam.CaseNo) int {
	t.Helper()
	conn := h.connect(t)
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), `
		select 1 + (select count(*) from kam.effect where case_no = $1) + (select count(*) from kam.staged where case_no = $1)
	`, string(no)).Scan(&n))
	return n
}

func (h *house) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), h.stack.DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(t.Context()) })
	return conn
}
