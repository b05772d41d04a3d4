package e2e

import (
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/kam"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

func pgtestDir(t *testing.T) string { return pgtest.DataDir(t) }

// playOne plays one sample onboarding and returns its case.
func (h *house) playOne(t *testing.T, s demo.Script) kam.CaseNo {
	t.Helper()
	require.NoError(t, demo.Run(t.Context(), demo.Deps{Service: h.client.Local, Out: io.Discard, Only: s.Name}))
	no, ok, err := h.db.Cases.RequestByKey(t.Context(), s.Key())
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

// settle is how long a backend that has become idle may take to report its
// transactions.
const settle = 11 * time.Second

// commits are those of our own database so far, as far as they are reported
// after a settle.
func (h *house) commits(t *testing.T, conn *pgx.Conn) int64 {
	t.Helper()
	time.Sleep(settle)
	var n int64
	require.NoError(t, conn.QueryRow(t.Context(), `select xact_commit from pg_stat_database where datname = current_database()`).Scan(&n))
	return n
}

// TestTransactions measures on the database itself what a case costs, reads of
// people's programs and the delivery of its messages included, less what the
// loops of an idle worker do in the same time.
func TestTransactions(t *testing.T) {
	h := open(t, pgtestDir(t))
	defer h.close(t)
	h.furnish(t)
	conn := h.connect(t)
	// Preparing a statement on a new connection counts as a transaction, too.
	for _, warm := range []string{"02_refer_confirmed", "04_low_confidence", "14_watch_list", "18_vacant_post"} {
		h.drive(t, script(t, warm))
	}
	// A change of the organisation, as furnishing the house is, has the worker look
	// at all cases and customers once; that belongs to no case.
	require.Eventually(t, func() bool {
		var seen bool
		require.NoError(t, conn.QueryRow(t.Context(), `
			select exists (select from kam.subject_effect e, kam.org_change o where e.subject = 'org' and e.key like 'leavers/%' and e.at >= o.changed_at)
		`).Scan(&seen))
		return seen
	}, 90*time.Second, time.Second)
	start := h.commits(t, conn)
	idleFrom := time.Now()
	idle := h.commits(t, conn) - start
	perSecond := float64(idle) / time.Since(idleFrom).Seconds()

	began, before := time.Now(), start+idle
	no := h.drive(t, script(t, "01_clear_add"))
	after := h.commits(t, conn)
	own := float64(after-before) - perSecond*time.Since(began).Seconds()
	now, err := h.db.Cases.Case(t.Context(), no)
	require.NoError(t, err)
	require.Equal(t, kam.Completed, now.State)
	t.Logf("01_clear_add: %.0f transactions of our own (at most %d); an idle worker makes %.1f a second", own, maxTransactions, perSecond)
	require.LessOrEqual(t, own, float64(maxTransactions))
}

// drive takes the steps of a script as people's programs do: one look at the
// case, then the act.
func (h *house) drive(t *testing.T, s demo.Script) kam.CaseNo {
	t.Helper()
	started, err := h.client.Start(t.Context(), casedb.Request{Key: s.Key(), Type: kam.NewCase, Requester: s.By, Data: s.Request})
	require.NoError(t, err)
	for i, step := range s.Steps {
		act, data, err := step.Act()
		require.NoError(t, err)
		now, err := h.db.Cases.Case(t.Context(), started.CaseNo)
		require.NoError(t, err)
		act.DecisionID = s.DecisionID(i)
		if act.Name == kam.ActDecideConfirmation {
			act.ExpectHash = now.MaterialHash
		}
		_, err = h.client.Act(t.Context(), started.CaseNo, act, data)
		require.NoError(t, err)
	}
	return started.CaseNo
}
