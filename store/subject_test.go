package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/ledger"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestSubjectsHaveATrailOfTheirOwn: one effect for a key, refusals on record,
// a fault leaves nothing, and the chain covers it all.
func TestSubjectsHaveATrailOfTheirOwn(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	e := ledger.Effect{Subject: store.OfCustomer("C-000001"), Key: "act/decision-1", Digest: "a", At: time.Now(), By: "stew.one"}
	runs := 0
	do := func(err error) func(*store.Tx) (any, error) {
		return func(tx *store.Tx) (any, error) {
			runs++
			tx.Log(kam.AuditEvent{Type: kam.EventCommented, Actor: "stew.one", Text: "seen"})
			if err := tx.Publish(store.Message{Kind: "seen", Subject: "seen"}); err != nil {
				return nil, err
			}
			return map[string]int{"n": runs}, err
		}
	}
	_, err := s.On(ctx, e, do(errors.New("the line is cut")))
	require.Error(t, err)
	_, err = s.On(ctx, e, do(kam.Errorf(kam.Forbidden, "not yours")))
	require.Equal(t, kam.Forbidden, kam.CodeOf(err))
	first, err := s.On(ctx, e, do(nil))
	require.NoError(t, err)
	again, err := s.On(ctx, e, do(nil))
	require.NoError(t, err)
	require.JSONEq(t, string(first), string(again))
	require.Equal(t, 3, runs)
	e.Digest = "b"
	_, err = s.On(ctx, e, do(nil))
	require.Equal(t, kam.IDReused, kam.CodeOf(err))

	trail, err := s.TrailOf(ctx, "customer/C-000001")
	require.NoError(t, err)
	require.Len(t, trail, 2)
	require.Equal(t, kam.EventDecisionRefused, trail[0].Type)
	require.Equal(t, "decision-1", trail[1].DecisionID)
	var seen []string
	require.NoError(t, s.Chains(ctx, func(c store.Chain) error {
		b, ok := c.Verify()
		require.True(t, ok, b)
		seen = append(seen, string(c.CaseNo))
		return nil
	}))
	require.Equal(t, []string{"customer/C-000001"}, seen)
}
