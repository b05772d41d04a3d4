package ledger_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestSubjectsHaveATrailOfTheirOwn: one effect for a key, refusals on record,
// a fault leaves nothing, and the chain covers it all.
func TestSubjectsHaveATrailOfTheirOwn(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	e := ledger.Effect{Subject: customerdb.Of("C-000001"), Key: "act/decision-1", Digest: "a", At: time.Now(), By: "stew.one"}
	runs := 0
	do := func(err error) func(*ledger.Entry) (any, error) {
		return func(tx *ledger.Entry) (any, error) {
			runs++
			tx.Log(kam.AuditEvent{Type: kam.EventCommented, Actor: "stew.one", Text: "seen"})
			if err := tx.Publish(ledger.Message{Kind: "seen", Subject: "seen"}); err != nil {
				return nil, err
			}
			return map[string]int{"n": runs}, err
		}
	}
	_, err := s.On(ctx, e, nil, do(errors.New("the line is cut")))
	require.Error(t, err)
	_, err = s.On(ctx, e, nil, do(kam.Errorf(kam.Forbidden, "not yours")))
	require.Equal(t, kam.Forbidden, kam.CodeOf(err))
	first, err := s.On(ctx, e, nil, do(nil))
	require.NoError(t, err)
	again, err := s.On(ctx, e, nil, do(nil))
	require.NoError(t, err)
	require.JSONEq(t, string(first), string(again))
	require.Equal(t, 3, runs)
	e.Digest = "b"
	_, err = s.On(ctx, e, nil, do(nil))
	require.Equal(t, kam.IDReused, kam.CodeOf(err))

	trail, err := s.TrailOf(ctx, "customer/C-000001")
	require.NoError(t, err)
	require.Len(t, trail, 2)
	require.Equal(t, kam.EventDecisionRefused, trail[0].Type)
	require.Equal(t, "decision-1", trail[1].DecisionID)
	var seen []string
	require.NoError(t, s.Chains(ctx, func(c ledger.Chain) error {
		b, ok := c.Verify()
		require.True(t, ok, b)
		seen = append(seen, string(c.CaseNo))
		return nil
	}))
	require.Equal(t, []string{"customer/C-000001"}, seen)
}

// TestRefusalsOfSubjectsAreOnRecordOnce: for each decision, code and person,
// whether the subject was reached or not; another person under the same id is
// another line.
func TestRefusalsOfSubjectsAreOnRecordOnce(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	e := ledger.Effect{Subject: accessdb.Organisation, Key: "act/decision-1", Digest: "a", At: time.Now(), By: "ann", People: true}
	refused := func(e ledger.Effect, code kam.Code) {
		_, err := s.On(ctx, e, nil, func(*ledger.Entry) (any, error) { return nil, kam.Errorf(code, "no") })
		require.Equal(t, code, kam.CodeOf(err))
	}
	refused(e, kam.Forbidden)
	refused(e, kam.Forbidden)
	refused(e, kam.WrongState)
	e.By = "bob"
	refused(e, kam.Forbidden)
	e.Key = "act/decision-2"
	refused(e, kam.Forbidden)
	e.Key, e.By, e.People = "tidy/1", kam.System, false // the engine's own, too
	refused(e, kam.WrongState)
	refused(e, kam.WrongState)

	trail, err := s.TrailOf(ctx, "org")
	require.NoError(t, err)
	var lines []string
	for _, e := range trail {
		lines = append(lines, fmt.Sprint(e.Actor, " ", e.DecisionID, " ", e.ReasonCode))
	}
	require.Equal(t, []string{
		"ann decision-1 FORBIDDEN", "ann decision-1 WRONG_STATE", "bob decision-1 FORBIDDEN", "bob decision-2 FORBIDDEN", "system  WRONG_STATE",
	}, lines)
}

// TestTheKindStandsBesideTheID: whether this release wrote the subject or the
// one before, which knows no kinds; a message says what it is about.
func TestTheKindStandsBesideTheID(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	no := storetest.NewCase(t, s, "k-1")
	require.NoError(t, storetest.Exec(t, s, `insert into kam.subject (subject) values ('import/B-000009'), ('customer/C-000002') on conflict do nothing`))
	for _, subject := range []ledger.Subject{accessdb.Organisation, {Kind: "account", ID: "KA-000001"}} {
		_, err := s.On(ctx, ledger.Effect{Subject: subject, Key: "act/d-1", At: storetest.Noon, By: "ann"}, nil, func(tx *ledger.Entry) (any, error) {
			tx.Log(kam.AuditEvent{Type: kam.EventCommented})
			return nil, tx.Publish(ledger.Message{Kind: "seen", Subject: "seen"})
		})
		require.NoError(t, err)
	}
	require.Equal(t, "KA-000001 account, "+string(no)+" case, customer/C-000002 customer, import/B-000009 book, org organisation",
		storetest.Text(t, s, `select string_agg(subject || ' ' || kind, ', ' order by subject collate "C") from kam.head`))
	told, err := s.ClaimMessages(ctx, 10, time.Minute)
	require.NoError(t, err)
	about := map[kam.CaseNo]ledger.Kind{}
	for _, m := range told {
		about[m.CaseNo] = m.About
	}
	require.Equal(t, map[kam.CaseNo]ledger.Kind{"org": accessdb.Kind, "KA-000001": "account"}, about)
}

// TestDataAreStagedForAnySubject: until the act that takes them is stored.
func TestDataAreStagedForAnySubject(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	none := func(*pgx.Batch) {}
	require.ErrorIs(t, s.Stage(ctx, accessdb.Organisation, "d-1", "a", "x", none), kam.NotFound)
	require.NoError(t, storetest.Exec(t, s, `insert into kam.subject (subject) values ('org')`))
	require.NoError(t, s.Stage(ctx, accessdb.Organisation, "d-1", "a", map[string]int{"n": 1}, none))
	require.NoError(t, s.Stage(ctx, accessdb.Organisation, "d-1", "a", map[string]int{"n": 1}, none))
	require.ErrorIs(t, s.Stage(ctx, accessdb.Organisation, "d-1", "b", map[string]int{"n": 2}, none), kam.IDReused)

	take := func(err error) func(*ledger.Entry) (any, error) {
		return func(tx *ledger.Entry) (any, error) {
			tx.Log(kam.AuditEvent{Type: kam.EventCommented})
			data, digest, readErr := tx.Staged("d-1")
			require.NoError(t, readErr)
			require.JSONEq(t, `{"n": 1}`, string(data))
			require.Equal(t, "a", digest)
			return nil, err
		}
	}
	e := ledger.Effect{Subject: accessdb.Organisation, Key: "act/d-1", At: storetest.Noon, By: "ann"}
	_, err := s.On(ctx, e, nil, take(kam.Errorf(kam.Forbidden, "no")))
	require.ErrorIs(t, err, kam.Forbidden)
	_, err = s.On(ctx, e, nil, take(nil))
	require.NoError(t, err)
	require.Equal(t, "0", storetest.Text(t, s, `select count(*)::text from kam.staged`))
}

// TestADigestStays: what is stored under a digest is found again by it, in every
// release (D49).
func TestADigestStays(t *testing.T) {
	t.Parallel()
	d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "Müller & Söhne", CountryCode: "DE"}}
	require.Equal(t, "sha256:c001a9ba75d08efc96eda318acd7b46701187056405fed46e30d4d6a10902b65", ledger.Digest(d))
	require.Equal(t, "sha256:a2ec27e0cf3ed84e601c7634f00fbe925d9adc8a53cb644592ddc201279c17db", ledger.Digest([]any{kam.ActionUsersEdit, accessdb.User{ID: "ann", Name: "Ann", Roles: []kam.Role{kam.SalesRep}}}))
	act := kam.Act{DecisionID: "d-1", Name: kam.ActComment, By: "ann", Reason: "seen"}
	require.Equal(t, "67dbeb7f", kam.Digest(act)[:8], "as the ids of updates have it")
}
