package ledger_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestARefusedEnvelopeStaysRefused: who copied it cannot wait for a better moment.
func TestARefusedEnvelopeStaysRefused(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	refuses := func(context.Context, *casedb.Tx) error { return kam.Errorf(kam.WrongState, "not now") }
	vote := storetest.ActOn(no, "decision-1", 1)
	vote.Signed, vote.Signal = "an envelope", 1
	p, err := s.Cases.Effect(t.Context(), vote, refuses)
	require.NoError(t, err)
	require.Equal(t, kam.WrongState, p.Refused.Code)
	for range 2 {
		vote.Signal++
		p, err = s.Cases.Effect(t.Context(), vote, storetest.Comment)
		require.NoError(t, err)
		require.NotNil(t, p.Refused, "copied and sent again when it would be taken")
		require.Equal(t, "not now", p.Refused.Msg)
	}
	events, err := s.Cases.Events(t.Context(), no)
	require.NoError(t, err)
	require.Equal(t, 3, len(events)-1, "each signal that is refused is on record")
	vote.Signed = "another envelope"
	p, err = s.Cases.Effect(t.Context(), vote, storetest.Comment)
	require.NoError(t, err)
	require.Nil(t, p.Refused, "he has signed anew")
	p, err = s.Cases.Effect(t.Context(), vote, refuses)
	require.NoError(t, err)
	require.Nil(t, p.Refused, "what is stored is answered")
}
