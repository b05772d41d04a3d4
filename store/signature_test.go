package store_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	accessdb "github.com/kamflow/kamflow/store/access"
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
			storetest.NewCase(t, s, "k")
		},
	} {
		was()
		_, err = conn.Exec(t.Context(), `drop table kam.envelope, kam.envelope_refused, kam.signature_mode, kam.worker_keys, kam.forged`)
		require.NoError(t, err)
		for _, name := range []string{"0022_signed", "0026_signed_throughout"} {
			sql, err := os.ReadFile("migrations/" + name + ".sql")
			require.NoError(t, err)
			require.NoError(t, conn.PgConn().Exec(t.Context(), string(sql)).Close())
		}
		require.Equal(t, signed.Record, mode(), "somebody was there before, or something")
	}

	require.NoError(t, s.SetSignatureMode(t.Context(), signed.Require))
	require.NoError(t, s.SetSignatureMode(t.Context(), signed.Require))
	modes, err := s.SignatureModes(t.Context())
	require.NoError(t, err)
	require.Len(t, modes, 3, "what holds already is not noted again")
	require.False(t, modes[0].Direct, "what passes no workflow was not signed then")
	require.True(t, modes[1].Direct && modes[2].Direct)
	trail, err := s.TrailOf(t.Context(), accessdb.Organisation.ID)
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

// TestForgedRefusalsAreBounded: ten a minute are listed for a case, all are
// counted, and what is another's stays his: the id of his decision, the note of
// his withdrawal, his refusals in the trail.
func TestForgedRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no, other := storetest.NewCase(t, s, "k"), storetest.NewCase(t, s, "l")
	require.NoError(t, s.Cases.WithdrawIntent(t.Context(), no, "rep", "decision-1"))
	forged := kam.Errorf(kam.NotSigned, "it is not signed")
	const sent = 40
	for i := range sent {
		a := onboarding.Act{DecisionID: fmt.Sprintf("decision-%d", i), By: "rep"}
		require.NoError(t, s.Cases.Refuse(t.Context(), no, a, forged, time.Now()))
	}
	listed := func(no kam.CaseNo, kind kam.EventType) (n int) {
		events, err := s.Cases.Events(t.Context(), no)
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
		require.NoError(t, s.Cases.Refuse(t.Context(), no, onboarding.Act{DecisionID: fmt.Sprintf("decision-%d", i), By: "rep"}, honest, time.Now()))
	}
	require.Equal(t, 15, listed(no, kam.EventDecisionRefused), "honest refusals are all listed")
	require.NoError(t, s.Cases.Refuse(t.Context(), other, onboarding.Act{DecisionID: "decision-1", By: "rep"}, forged, time.Now()))
	require.Equal(t, 1, listed(other, kam.EventSignatureRefused), "another case has its own ten")
	_, taken, err := s.Cases.Decision(t.Context(), no, "decision-1")
	require.NoError(t, err)
	require.False(t, taken)
	require.NoError(t, s.RefuseForged(t.Context(), string(other), "rep", "decision-2", forged, time.Now()))
	require.Equal(t, 2, listed(other, kam.EventSignatureRefused))
}
