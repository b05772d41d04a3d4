package activities

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
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
		no, _, err := s.Cases.Allot(t.Context(), casedb.Request{Key: key, Type: kam.NewCase, Requester: "rita"})
		require.NoError(t, err)
		return no
	}
	effect := func(no kam.CaseNo, do func(w *work)) {
		_, err := s.Cases.Effect(t.Context(), ledger.Effect{Subject: casedb.Of(no), Key: "seq/1", Digest: "d1", At: time.Now()},
			func(_ context.Context, tx *casedb.Tx) error {
				do(&work{lookup: lookup{Tx: tx, Route: route.Route{Org: accessdb.In(tx.Entry)}}})
				return nil
			})
		require.NoError(t, err)
	}
	searching, making := open("searching"), open("making")
	mark := unmadeGroup + accessdb.NameKey("Enel SpA")
	effect(searching, func(w *work) {
		mine, err := w.knownGroup("", "ENEL  SpA")
		require.NoError(t, err)
		require.Equal(t, mark, mine)
		effect(making, func(w *work) {
			_, err := w.Org.EnsureGroup("", "Enel SpA")
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
