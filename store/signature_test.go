package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestANewDatabaseRequiresSignatures and one that was there before records: an
// installation is upgraded without a stop.
func TestANewDatabaseRequiresSignatures(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t)
	s := storetest.Open(t, dsn)
	mode := func() signed.Mode {
		modes, err := s.SignatureModes(t.Context())
		require.NoError(t, err)
		return modes[len(modes)-1].Mode
	}
	require.Equal(t, signed.Require, mode())

	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	for _, was := range []func(){
		func() {
			_, err := conn.Exec(t.Context(), `insert into kam.person (user_id, name, email, roles, nodes, manager_id, active) values ('rep', 'Rep', '', '{}', '{}', '', true)`)
			require.NoError(t, err)
		},
		func() {
			_, err := conn.Exec(t.Context(), `delete from kam.person`)
			require.NoError(t, err)
			newCase(t, s, "k")
		},
	} {
		was()
		_, err = conn.Exec(t.Context(), `drop table kam.envelope, kam.envelope_refused, kam.signature_mode, kam.worker_keys, kam.forged`)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), `delete from public.kam_schema_version where version_id = 19`)
		require.NoError(t, err)
		require.NoError(t, store.Migrate(t.Context(), dsn))
		require.Equal(t, signed.Record, mode(), "somebody was there before, or something")
	}

	require.NoError(t, s.SetSignatureMode(t.Context(), signed.Require))
	require.NoError(t, s.SetSignatureMode(t.Context(), signed.Require))
	modes, err := s.SignatureModes(t.Context())
	require.NoError(t, err)
	require.Len(t, modes, 2, "what holds already is not noted again")
	trail, err := s.TrailOf(t.Context(), store.Organisation.ID)
	require.NoError(t, err)
	require.Equal(t, kam.EventSignatures, trail[len(trail)-1].Type)
	require.Equal(t, "require", trail[len(trail)-1].ReasonCode)
}

func TestWorkersSayWhichKeysTheyKnow(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	require.NoError(t, s.KnowsKeys(t.Context(), "one", []string{"a"}))
	require.NoError(t, s.KnowsKeys(t.Context(), "two", []string{"a", "b"}))
	require.NoError(t, s.KnowsKeys(t.Context(), "one", []string{"a", "b"}))
	live, err := s.LiveWorkers(t.Context())
	require.NoError(t, err)
	require.Len(t, live, 2)
	require.Equal(t, []string{"a", "b"}, live[0].Keys)
	require.NoError(t, s.WorkerGone(t.Context(), "two"))
	live, err = s.LiveWorkers(t.Context())
	require.NoError(t, err)
	require.Len(t, live, 1)
}

// TestARefusedEnvelopeStaysRefused: who copied it cannot wait for a better moment.
func TestARefusedEnvelopeStaysRefused(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := newCase(t, s, "k")
	refuses := func(context.Context, *store.CaseTx) error { return kam.Errorf(kam.WrongState, "not now") }
	vote := act(no, "decision-1", 1)
	vote.Signed, vote.Signal = "an envelope", 1
	p, err := s.Effect(t.Context(), vote, refuses)
	require.NoError(t, err)
	require.Equal(t, kam.WrongState, p.Refused.Code)
	for range 2 {
		vote.Signal++
		p, err = s.Effect(t.Context(), vote, comment)
		require.NoError(t, err)
		require.NotNil(t, p.Refused, "copied and sent again when it would be taken")
		require.Equal(t, "not now", p.Refused.Msg)
	}
	events, err := s.Events(t.Context(), no)
	require.NoError(t, err)
	require.Equal(t, 3, len(events)-1, "each signal that is refused is on record")
	vote.Signed = "another envelope"
	p, err = s.Effect(t.Context(), vote, comment)
	require.NoError(t, err)
	require.Nil(t, p.Refused, "he has signed anew")
	p, err = s.Effect(t.Context(), vote, refuses)
	require.NoError(t, err)
	require.Nil(t, p.Refused, "what is stored is answered")
}

// TestForgedRefusalsAreBounded: ten a minute are listed for a case, all are
// counted, and what is another's stays his: the id of his decision, the note of
// his withdrawal, his refusals in the trail.
func TestForgedRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no, other := newCase(t, s, "k"), newCase(t, s, "l")
	require.NoError(t, s.WithdrawIntent(t.Context(), no, "rep", "decision-1"))
	forged := kam.Errorf(kam.NotSigned, "it is not signed")
	const sent = 40
	for i := range sent {
		a := kam.Act{DecisionID: fmt.Sprintf("decision-%d", i), By: "rep"}
		require.NoError(t, s.Refuse(t.Context(), no, a, forged, time.Now()))
	}
	listed := func(no kam.CaseNo, kind kam.EventType) (n int) {
		events, err := s.Events(t.Context(), no)
		require.NoError(t, err)
		for _, e := range events {
			if e.Type == kind {
				n++
				require.Equal(t, kind == kam.EventSignatureRefused, e.Actor == kam.System)
			}
		}
		return n
	}
	n := listed(no, kam.EventSignatureRefused)
	require.GreaterOrEqual(t, n, 10)
	require.LessOrEqual(t, n, 20, "a minute may have turned")
	count, err := s.Forged(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, sent, count)

	honest := kam.Errorf(kam.Forbidden, "rep may not")
	for i := range 15 {
		require.NoError(t, s.Refuse(t.Context(), no, kam.Act{DecisionID: fmt.Sprintf("decision-%d", i), By: "rep"}, honest, time.Now()))
	}
	require.Equal(t, 15, listed(no, kam.EventDecisionRefused), "honest refusals are all listed")
	require.NoError(t, s.Refuse(t.Context(), other, kam.Act{DecisionID: "decision-1", By: "rep"}, forged, time.Now()))
	require.Equal(t, 1, listed(other, kam.EventSignatureRefused), "another case has its own ten")
	_, taken, err := s.Decision(t.Context(), no, "decision-1")
	require.NoError(t, err)
	require.False(t, taken)
	require.NoError(t, s.RefuseForged(t.Context(), string(other), "rep", "decision-2", forged, time.Now()))
	require.Equal(t, 2, listed(other, kam.EventSignatureRefused))
}
