package activities

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/ledger"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// TestOneAnswerForAGroup holds that two requests which name one group are sites
// of it in every comparison, also while a third case makes the group: else what
// the search says depends on who commits between two questions.
func TestOneAnswerForAGroup(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	open := func(key string) kam.CaseNo {
		no, _, err := s.AllotCase(t.Context(), store.Request{Key: key, Type: kam.NewCase, Requester: "rita"})
		require.NoError(t, err)
		return no
	}
	effect := func(no kam.CaseNo, do func(w *work)) {
		_, err := s.Effect(t.Context(), ledger.Effect{Subject: store.OfCase(no), Key: "seq/1", Digest: "d1", At: time.Now()},
			func(_ context.Context, tx *store.CaseTx) error {
				do(&work{CaseTx: tx})
				return nil
			})
		require.NoError(t, err)
	}
	searching, making := open("searching"), open("making")
	mark := unmadeGroup + store.NameKey("Enel SpA")
	effect(searching, func(w *work) {
		mine, err := w.knownGroup("", "ENEL  SpA")
		require.NoError(t, err)
		require.Equal(t, mark, mine)
		effect(making, func(w *work) {
			_, err := w.EnsureGroup("", "Enel SpA")
			require.NoError(t, err)
			w.Log(kam.AuditEvent{Type: kam.EventCommented})
		})
		other, err := w.madeSince(mark)
		require.NoError(t, err)
		require.Equal(t, mine, other)

		clear(w.groups)
		other, err = w.madeSince(mark)
		require.NoError(t, err)
		require.NotEqual(t, mark, other, "asked anew, it is known by its id")
	})
}
