package onboarding_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestStagedDataEnd with the act that takes them; those of an act that is
// refused, or never comes, after a week.
func TestStagedDataEnd(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	d := storetest.Data(t, `{"contacts":[{"name":"Canary Person","decision_role":"DECIDER","email":"canary@x.example"}]}`)
	for _, id := range []string{"decision-1", "decision-2"} {
		_, err := s.Cases.StageData(t.Context(), no, id, d)
		require.NoError(t, err)
	}
	take := func(id string, fail error) {
		p, err := s.Cases.Effect(t.Context(), storetest.ActOn(no, id, 1), func(_ context.Context, tx *casedb.Tx) error {
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
	require.Zero(t, storetest.Count(t, s, `select count(*) from kam.staged where decision_id = 'decision-1'`), "taken")
	require.NotEmpty(t, storetest.Holding(t, s, "canary"), "a refused act may be tried again")

	now, err := s.Now(t.Context())
	require.NoError(t, err)
	keep := casedb.Retention{CaseYears: 10, MessageYears: 1}
	done, err := s.Cases.CleanUp(t.Context(), now.AddDate(0, 0, 6), keep)
	require.NoError(t, err)
	require.Zero(t, done)
	done, err = s.Cases.CleanUp(t.Context(), now.AddDate(0, 0, 8), keep)
	require.NoError(t, err)
	require.Equal(t, casedb.CleanedUp{Staged: 1}, done)
	require.Empty(t, storetest.Holding(t, s, "canary"))
}

// TestCasesAreKeptAsLongAsThePolicySays, and what proves them for ever.
func TestCasesAreKeptAsLongAsThePolicySays(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	open, ended := storetest.NewCase(t, s, "open"), storetest.NewCase(t, s, "ended")
	_, err := s.Cases.Effect(t.Context(), storetest.Engine(ended, 2, 1), func(_ context.Context, tx *casedb.Tx) error {
		tx.Case.State = kam.Withdrawn
		tx.Log(kam.AuditEvent{Type: kam.EventWithdrawn, To: string(kam.Withdrawn)})
		return tx.CloseTask("WITHDRAWN", "rita")
	})
	require.NoError(t, err)
	keep := casedb.Retention{CaseYears: 10, MessageYears: 1}
	done, err := s.Cases.CleanUp(t.Context(), storetest.Noon.AddDate(9, 11, 0), keep)
	require.NoError(t, err)
	require.Zero(t, done.Cases)
	for range 2 {
		_, err = s.Cases.CleanUp(t.Context(), storetest.Noon.AddDate(10, 0, 1), keep)
		require.NoError(t, err)
	}
	r, err := s.Cases.Revisions(t.Context(), open)
	require.NoError(t, err)
	require.Equal(t, "Nordwind Klinik GmbH", r[0].Data.LegalName)
	require.Len(t, r[0].Data.Contacts, 1)
	r, err = s.Cases.Revisions(t.Context(), ended)
	require.NoError(t, err)
	require.Empty(t, r[0].Data)
	require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.audit where case_no = $1 and type = 'DATA_ERASED'`, ended), "noted once")
	require.NoError(t, s.Chains(t.Context(), func(c ledger.Chain) error {
		b, ok := c.Verify()
		require.True(t, ok, b)
		return nil
	}))
	msgs := storetest.Count(t, s, `select count(*) from kam.outbox`)
	require.NoError(t, storetest.Exec(t, s, `insert into kam.outbox (id, case_no, kind, recipients, subject, data, at, delivered_at)
		values ('old', $1, 'x', '{}', 's', '{}', $2, $2), ('new', $1, 'x', '{}', 's', '{}', $3, $3)`, open, storetest.Noon, storetest.Noon.AddDate(0, 6, 0)))
	done, err = s.Cases.CleanUp(t.Context(), storetest.Noon.AddDate(1, 0, 1), keep)
	require.NoError(t, err)
	require.Equal(t, casedb.CleanedUp{Messages: 1}, done)
	require.Equal(t, msgs+1, storetest.Count(t, s, `select count(*) from kam.outbox`), "what waits, and what is not old enough")
	require.NoError(t, storetest.Exec(t, s, `delete from kam.contact where owner like $1 || '%'`, open))
	require.NotContains(t, storetest.Holding(t, s, "ada@nordwind.example"), "contact")
}
