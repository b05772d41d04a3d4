package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/ledger"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var noon = time.Date(2026, 9, 14, 12, 0, 0, 123456789, time.UTC)

func data(t testing.TB, text string) kam.RequestData {
	t.Helper()
	var d kam.RequestData
	require.NoError(t, json.Unmarshal([]byte(text), &d))
	return d
}

const nordwind = `{"legal_name":"Nordwind Klinik GmbH","country_code":"DE","city":"Hamburg","postal_code":"20095",
	"street":"Am Wall 1","identifiers":[{"scheme":"VAT_EU","value":"DE136695976"}],
	"contacts":[{"name":"Ada Berg","decision_role":"DECIDER","email":"ada@nordwind.example"}]}`

// newCase allots a case and opens it.
func newCase(t testing.TB, s *store.Store, key string) kam.CaseNo {
	t.Helper()
	no, created, err := s.AllotCase(t.Context(), store.Request{Key: key, Type: kam.NewCase, Requester: "rita", Data: data(t, nordwind)})
	require.NoError(t, err)
	require.True(t, created)
	_, err = s.Effect(t.Context(), engine(no, 1, 0), func(_ context.Context, tx *store.CaseTx) error {
		r, err := tx.Opening()
		if err != nil {
			return err
		}
		if err := tx.SaveRevision(r.Data, r.Requester); err != nil {
			return err
		}
		tx.Case.State, tx.Case.Step = kam.DataEntry, "1.2.1a"
		tx.Log(kam.AuditEvent{Type: kam.EventCaseOpened, To: string(kam.DataEntry)})
		return tx.OpenTask(kam.Task{Kind: kam.TaskDataEntry, Assignees: []kam.UserID{"rita"}})
	})
	require.NoError(t, err)
	return no
}

func engine(no kam.CaseNo, seq, known int64) ledger.Effect {
	return ledger.Effect{Subject: store.OfCase(no), Key: fmt.Sprintf("seq/%d", seq), Digest: fmt.Sprintf("d%d", seq), Known: known, At: noon}
}

func act(no kam.CaseNo, id string, known int64) ledger.Effect {
	return ledger.Effect{Subject: store.OfCase(no), Key: "act/" + id, Digest: "digest of " + id, Known: known, People: true, At: noon, By: "mona"}
}

func comment(_ context.Context, tx *store.CaseTx) error {
	tx.Log(kam.AuditEvent{Type: kam.EventCommented, Actor: "mona", Text: "seen"})
	return tx.Publish(store.Message{Kind: "commented", To: []kam.UserID{"rita"}, Subject: "A comment"})
}

func count(t testing.TB, s *store.Store, sql string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, s.Pool().QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

func TestMigrateTwiceAndAtOnce(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- store.Migrate(context.Background(), dsn) }()
	}
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	require.NoError(t, store.Migrate(t.Context(), dsn))

	have, want, err := store.SchemaVersion(t.Context(), dsn)
	require.NoError(t, err)
	require.Equal(t, want, have)
	require.Positive(t, have)
}

func TestOpenRefusesAServerThatForgets(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$`)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))

	_, err = store.Open(t.Context(), dsn, store.Options{})
	require.ErrorContains(t, err, "synchronous_commit = off")
	s := storetest.Open(t, dsn)
	require.NoError(t, s.Ping(t.Context()))
}

func TestAllotCase(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	r := store.Request{Key: "web/1", Type: kam.NewCase, Requester: "rita", Data: data(t, nordwind)}

	no, created, err := s.AllotCase(t.Context(), r)
	require.NoError(t, err)
	require.True(t, created)
	require.Regexp(t, `^KAM-20\d\d-000001$`, string(no))

	r.Findings = []kam.Finding{{RuleID: "VF02", Field: "website"}} // told with the case, and no part of what is requested
	again, created, err := s.AllotCase(t.Context(), r)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, no, again)

	r.Data.LegalName = "Somebody else"
	_, _, err = s.AllotCase(t.Context(), r)
	require.ErrorIs(t, err, kam.IDReused)

	view, err := s.CaseView(t.Context(), no)
	require.NoError(t, err)
	require.False(t, view.Started)
	require.Equal(t, "Ada Berg", view.Opening.Data.Contacts[0].Name)
	require.Zero(t, count(t, s, `select count(*) from kam.cases where opening::text like '%Ada%'`), "contacts stand apart")

	_, err = s.Case(t.Context(), "KAM-2026-999999")
	require.ErrorIs(t, err, kam.NotFound)
}

func TestAllotCaseRace(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	got := make(chan kam.CaseNo, 8)
	for range 8 {
		go func() {
			no, _, err := s.AllotCase(context.Background(), store.Request{Key: "one", Type: kam.NewCase, Requester: "rita"})
			if err != nil {
				no = kam.CaseNo(err.Error())
			}
			got <- no
		}()
	}
	first := <-got
	for range 7 {
		require.Equal(t, first, <-got)
	}
	require.Equal(t, 1, count(t, s, `select last from kam.case_counter`), "a lost race leaves no gap")
}

func TestStageData(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := newCase(t, s, "k")
	d := data(t, nordwind)

	digest, err := s.StageData(t.Context(), no, "decision-1", d)
	require.NoError(t, err)
	want, err := store.DataDigest(d)
	require.NoError(t, err)
	require.Equal(t, want, digest)
	_, err = s.StageData(t.Context(), no, "decision-1", d)
	require.NoError(t, err)
	_, err = s.StageData(t.Context(), no, "decision-1", kam.RequestData{})
	require.ErrorIs(t, err, kam.IDReused)
	_, err = s.StageData(t.Context(), "KAM-2026-000999", "decision-1", d)
	require.ErrorIs(t, err, kam.NotFound)

	_, err = s.Effect(t.Context(), act(no, "decision-1", 1), func(_ context.Context, tx *store.CaseTx) error {
		got, gotDigest, err := tx.Staged("decision-1")
		require.NoError(t, err)
		require.Equal(t, d, got)
		require.Equal(t, digest, gotDigest)
		_, _, err = tx.Staged("decision-2")
		require.ErrorIs(t, err, kam.NotFound)
		return tx.SaveRevision(got, "mona")
	})
	require.NoError(t, err)
	revisions, err := s.Revisions(t.Context(), no)
	require.NoError(t, err)
	require.Len(t, revisions, 2)
	require.Equal(t, "Ada Berg", revisions[1].Data.Contacts[0].Name)
	c, err := s.Case(t.Context(), no)
	require.NoError(t, err)
	require.Equal(t, []kam.UserID{"rita", "mona"}, c.Editors)
	require.Equal(t, kam.MaterialHash(d), c.MaterialHash)
}

func TestNothingPersonalInFaults(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := newCase(t, s, "k")
	_, err := s.Effect(t.Context(), engine(no, 2, 1), func(_ context.Context, tx *store.CaseTx) error {
		tx.Log(kam.AuditEvent{Type: kam.EventCommented, Text: "Ada Berg\x00"})
		return nil
	})
	require.ErrorIs(t, err, kam.Fault)
	require.False(t, strings.Contains(err.Error(), "Ada"))
}
