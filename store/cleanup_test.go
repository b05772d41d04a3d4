package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/storetest"
)

func rowsOf(t *testing.T, s *store.Store, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, s.Pool().QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

// TestStagedDataEnd with the act that takes them; those of an act that is
// refused, or never comes, after a week.
func TestStagedDataEnd(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := newCase(t, s, "k")
	d := data(t, `{"contacts":[{"name":"Canary Person","decision_role":"DECIDER","email":"canary@x.example"}]}`)
	for _, id := range []string{"decision-1", "decision-2"} {
		_, err := s.StageData(t.Context(), no, id, d)
		require.NoError(t, err)
	}
	take := func(id string, fail error) {
		p, err := s.Effect(t.Context(), act(no, id, 1), func(_ context.Context, tx *store.CaseTx) error {
			got, _, err := tx.Staged(id)
			require.NoError(t, err)
			require.Equal(t, "Canary Person", got.Contacts[0].Name)
			tx.Log(kam.AuditEvent{Type: kam.EventCommented})
			return fail
		})
		require.NoError(t, err)
		require.Equal(t, fail != nil, p.Refused != nil)
	}
	require.ElementsMatch(t, []string{"contact"}, storetest.Holding(t, s, "canary"))
	take("decision-1", nil)
	take("decision-2", kam.Errorf(kam.Forbidden, "not you"))
	_, ok, err := s.StagedExists(t.Context(), no, "decision-1")
	require.NoError(t, err)
	require.False(t, ok, "taken")
	require.NotEmpty(t, storetest.Holding(t, s, "canary"), "a refused act may be tried again")

	now, err := s.Now(t.Context())
	require.NoError(t, err)
	keep := store.Retention{CaseYears: 10, MessageYears: 1}
	done, err := s.CleanUp(t.Context(), now.AddDate(0, 0, 6), keep)
	require.NoError(t, err)
	require.Zero(t, done)
	done, err = s.CleanUp(t.Context(), now.AddDate(0, 0, 8), keep)
	require.NoError(t, err)
	require.Equal(t, store.CleanedUp{Staged: 1}, done)
	require.Empty(t, storetest.Holding(t, s, "canary"))
}

// TestCasesAreKeptAsLongAsThePolicySays, and what proves them for ever.
func TestCasesAreKeptAsLongAsThePolicySays(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	open, ended := newCase(t, s, "open"), newCase(t, s, "ended")
	_, err := s.Effect(t.Context(), engine(ended, 2, 1), func(_ context.Context, tx *store.CaseTx) error {
		tx.Case.State = kam.Withdrawn
		tx.Log(kam.AuditEvent{Type: kam.EventWithdrawn, To: string(kam.Withdrawn)})
		return tx.CloseTask("WITHDRAWN", "rita")
	})
	require.NoError(t, err)
	keep := store.Retention{CaseYears: 10, MessageYears: 1}
	done, err := s.CleanUp(t.Context(), noon.AddDate(9, 11, 0), keep)
	require.NoError(t, err)
	require.Zero(t, done.Cases)
	for range 2 {
		_, err = s.CleanUp(t.Context(), noon.AddDate(10, 0, 1), keep)
		require.NoError(t, err)
	}
	r, err := s.Revisions(t.Context(), open)
	require.NoError(t, err)
	require.Equal(t, "Nordwind Klinik GmbH", r[0].Data.LegalName)
	require.Len(t, r[0].Data.Contacts, 1)
	r, err = s.Revisions(t.Context(), ended)
	require.NoError(t, err)
	require.Empty(t, r[0].Data)
	require.Equal(t, 1, rowsOf(t, s, `select count(*) from kam.audit where case_no = $1 and type = 'DATA_ERASED'`, ended), "noted once")
	require.NoError(t, s.Chains(t.Context(), func(c store.Chain) error {
		b, ok := c.Verify()
		require.True(t, ok, b)
		return nil
	}))
	msgs := rowsOf(t, s, `select count(*) from kam.outbox`)
	require.NoError(t, s.Exec(t.Context(), `insert into kam.outbox (id, case_no, kind, recipients, subject, data, at, delivered_at)
		values ('old', $1, 'x', '{}', 's', '{}', $2, $2), ('new', $1, 'x', '{}', 's', '{}', $3, $3)`, open, noon, noon.AddDate(0, 6, 0)))
	done, err = s.CleanUp(t.Context(), noon.AddDate(1, 0, 1), keep)
	require.NoError(t, err)
	require.Equal(t, store.CleanedUp{Messages: 1}, done)
	require.Equal(t, msgs+1, rowsOf(t, s, `select count(*) from kam.outbox`), "what waits, and what is not old enough")
	require.NoError(t, s.Exec(t.Context(), `delete from kam.contact where owner like $1 || '%'`, open))
	require.NotContains(t, storetest.Holding(t, s, "ada@nordwind.example"), "contact")
}
