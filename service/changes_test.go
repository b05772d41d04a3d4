package service_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestChangesAreThoseThatOneMayRead, in the order in which they were written, and
// none is missed that was written early and ended late.
func TestChangesAreThoseThatOneMayRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	read := func(who kam.UserID, after string) service.Changes {
		c, err := b.Changes(t.Context(), service.As(who), after)
		require.NoError(t, err)
		return c
	}
	start := read("rep", "")
	require.Empty(t, start.Items)
	no := b.opened(onboarding.DataEntry)
	seen := read("rep", start.Next)
	require.Len(t, seen.Items, 1)
	require.Equal(t, no, seen.Items[0].CaseNo)
	require.Equal(t, onboarding.DataEntry, seen.Items[0].State)
	require.Empty(t, read("rep", seen.Next).Items)
	other := read("other", start.Next)
	require.Empty(t, other.Items, "he may not read it")
	require.Equal(t, seen.Next, other.Next, "and goes on all the same")

	// One effect has written its row and has not ended, while a later one has.
	late, err := storetest.Pool(t, b.store).Begin(t.Context())
	require.NoError(t, err)
	r := request()
	r.Key = "late"
	held, _, err := b.store.Cases.Allot(t.Context(), r)
	require.NoError(t, err)
	e := ledger.Effect{Subject: casedb.Of(held), Key: "seq/1", Digest: "x", At: seen.Items[0].At}
	_, err = late.Exec(t.Context(), `select from kam.cases where case_no = $1 for update`, held)
	require.NoError(t, err)
	b.effect(no, "seq/2", 1, onboarding.Deciding)
	require.Empty(t, read("rep", seen.Next).Items, "not while something earlier may come")
	require.NoError(t, late.Rollback(t.Context()))
	_, err = b.store.Cases.Effect(t.Context(), e, logged)
	require.NoError(t, err)
	require.Len(t, read("rep", seen.Next).Items, 2)

	for _, bad := range []string{"x", "2026-11-30T12:00:00Z", "2026-11-30T12:00:00Z_x_y"} {
		_, err := b.Changes(t.Context(), service.As("rep"), bad)
		require.ErrorIs(t, err, kam.Invalid)
	}
}

func logged(_ context.Context, tx *casedb.Tx) error {
	tx.Log(kam.AuditEvent{Type: kam.EventDataSubmitted, Actor: "rep", From: string(tx.Case.State), To: string(onboarding.DataEntry)})
	tx.Case.State = onboarding.DataEntry
	return nil
}
