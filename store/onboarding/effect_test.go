package onboarding_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestEffectIsStoredOnce(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")

	first, err := s.Cases.Effect(t.Context(), storetest.ActOn(no, "decision-1", 1), storetest.Comment)
	require.NoError(t, err)
	require.EqualValues(t, 2, first.Snapshot.Version)
	require.Equal(t, "decision-1", first.Snapshot.LastDecision)
	require.Len(t, first.Timeline, 1)
	require.EqualValues(t, 2, first.Timeline[0].Seq)

	again, err := s.Cases.Effect(t.Context(), storetest.ActOn(no, "decision-1", 1), storetest.Comment)
	require.NoError(t, err)
	require.Equal(t, first, again)

	other := storetest.ActOn(no, "decision-1", 1)
	other.Digest = "something else"
	_, err = s.Cases.Effect(t.Context(), other, storetest.Comment)
	require.ErrorIs(t, err, kam.IDReused)

	_, err = s.Cases.Effect(t.Context(), storetest.ActOn("KAM-2026-000999", "decision-1", 0), storetest.Comment)
	require.ErrorIs(t, err, kam.NotFound)

	// Another act moves the case; the first answer then says so.
	_, err = s.Cases.Effect(t.Context(), storetest.ActOn(no, "decision-2", 2), storetest.Comment)
	require.NoError(t, err)
	again, err = s.Cases.Effect(t.Context(), storetest.ActOn(no, "decision-1", 1), storetest.Comment)
	require.NoError(t, err)
	require.True(t, again.Ahead)
	require.EqualValues(t, 3, again.Snapshot.Version)
	require.Equal(t, first.Timeline, again.Timeline)
}

func TestLostRepliesAreRecognised(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	lost := errors.New("connection reset")
	var n atomic.Int64
	s.Committed = func() error {
		if n.Add(1)%2 == 1 {
			return lost
		}
		return nil
	}
	for i := range 30 {
		e := storetest.ActOn(no, fmt.Sprintf("decision-%02d", i), int64(i+1))
		_, err := s.Cases.Effect(t.Context(), e, storetest.Comment)
		require.ErrorIs(t, err, lost)
		require.Nil(t, kam.AsError(err), "worth another attempt")
		p, err := s.Cases.Effect(t.Context(), e, storetest.Comment)
		require.NoError(t, err)
		require.EqualValues(t, i+2, p.Snapshot.Version)
	}
	require.Equal(t, 30, storetest.Count(t, s, `select count(*) from kam.outbox`))
	require.Equal(t, 31, storetest.Count(t, s, `select count(*) from kam.audit`))
}

func TestRacingWorkers(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	const workers, keys = 8, 50
	var ran atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, workers*keys)
	for range workers {
		wg.Go(func() {
			for k := range keys {
				_, err := s.Cases.Effect(context.Background(), storetest.ActOn(no, fmt.Sprintf("decision-%02d", k), 1), func(ctx context.Context, tx *casedb.Tx) error {
					ran.Add(1)
					return storetest.Comment(ctx, tx)
				})
				if err != nil {
					failed <- err
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	require.NoError(t, <-failed)
	require.EqualValues(t, keys, ran.Load())
	require.Equal(t, keys, storetest.Count(t, s, `select count(*) from kam.outbox`))
	require.Equal(t, keys+1, storetest.Count(t, s, `select count(*) from kam.effect`))
	require.Equal(t, keys+1, storetest.Count(t, s, `select version from kam.cases`))
	require.Empty(t, storetest.Breaks(t, s))
}

func TestFencing(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	_, err := s.Cases.Effect(t.Context(), storetest.ActOn(no, "decision-1", 1), storetest.Comment)
	require.NoError(t, err)

	p, err := s.Cases.Effect(t.Context(), storetest.Engine(no, 2, 1), func(context.Context, *casedb.Tx) error {
		return errors.New("a late attempt must not run")
	})
	require.NoError(t, err)
	require.True(t, p.Ahead)
	require.EqualValues(t, 2, p.Snapshot.Version)
	require.Equal(t, "decision-1", p.Snapshot.LastDecision)

	_, err = s.Cases.Effect(t.Context(), storetest.Engine(no, 2, 9), storetest.Comment)
	require.ErrorIs(t, err, kam.Fault, "a database older than the workflow")
}

func TestNoChangeStoresTheEffectOnly(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	p, err := s.Cases.Effect(t.Context(), storetest.Engine(no, 2, 1), func(ctx context.Context, tx *casedb.Tx) error {
		tx.Case.State = kam.Deciding
		if err := tx.SaveRevision(kam.RequestData{}, "mona"); err != nil {
			return err
		}
		tx.NoChange()
		return storetest.Comment(ctx, tx)
	})
	require.NoError(t, err)
	require.Equal(t, kam.DataEntry, p.Snapshot.State)
	require.EqualValues(t, 1, p.Snapshot.Version)
	require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.audit`))
	require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.revision`))
	require.Equal(t, 2, storetest.Count(t, s, `select count(*) from kam.effect`))
}

func TestRefusalIsStored(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	refuse := func(ctx context.Context, tx *casedb.Tx) error {
		if err := tx.SaveRevision(kam.RequestData{}, "mona"); err != nil {
			return err
		}
		return kam.Errorf(kam.Forbidden, "mona may not do this").By("R1")
	}
	p, err := s.Cases.Effect(t.Context(), storetest.ActOn(no, "decision-1", 1), refuse)
	require.NoError(t, err)
	require.Equal(t, kam.Forbidden, p.Refused.Code)
	require.EqualValues(t, 1, p.Snapshot.Version)
	require.Equal(t, kam.EventDecisionRefused, p.Timeline[0].Type)
	require.Equal(t, kam.UserID("mona"), p.Timeline[0].Actor)

	again, err := s.Cases.Effect(t.Context(), storetest.ActOn(no, "decision-1", 1), refuse)
	require.NoError(t, err)
	p.Timeline = nil // the refusal is in the trail once
	require.Equal(t, p, again)
	require.Equal(t, 1, storetest.Count(t, s, `select count(*) from kam.revision`), "what it wrote is undone")

	// The same on the engine's own effect is an error, and nothing is kept.
	_, err = s.Cases.Effect(t.Context(), storetest.Engine(no, 2, 1), refuse)
	require.ErrorIs(t, err, kam.Forbidden)
	require.Equal(t, 2, storetest.Count(t, s, `select count(*) from kam.effect`))

	// A refusal that the client saw is noted once.
	a := kam.Act{DecisionID: "decision-9", Name: kam.ActWithdraw, By: "otto"}
	for range 2 {
		require.NoError(t, s.Cases.Refuse(t.Context(), no, a, kam.Errorf(kam.TooLate, "too late"), storetest.Noon))
	}
	events, err := s.Cases.Events(t.Context(), no)
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.Equal(t, kam.UserID("otto"), events[2].Actor)
	require.Equal(t, "TOO_LATE", events[2].ReasonCode)
	require.Empty(t, storetest.Breaks(t, s))
	require.Equal(t, 1, storetest.Count(t, s, `select version from kam.cases`))
}

func TestWithdrawIntent(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	require.NoError(t, s.Cases.WithdrawIntent(t.Context(), no, "rita", "decision-1"))
	require.NoError(t, s.Cases.WithdrawIntent(t.Context(), no, "otto", "decision-2"))
	require.ErrorIs(t, s.Cases.WithdrawIntent(t.Context(), "KAM-2026-000999", "rita", "decision-1"), kam.NotFound)
	_, err := s.Cases.Effect(t.Context(), storetest.Engine(no, 2, 1), func(_ context.Context, tx *casedb.Tx) error {
		by, id, ok, err := tx.WithdrawIntended()
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, kam.UserID("rita"), by)
		require.Equal(t, "decision-1", id)
		return nil
	})
	require.NoError(t, err)
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	for i := range 20 {
		_, err := s.Cases.Effect(t.Context(), storetest.ActOn(no, fmt.Sprintf("decision-%02d", i), 1), storetest.Comment)
		require.NoError(t, err)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				all, err := s.ClaimMessages(context.Background(), 3, time.Minute)
				if err != nil || len(all) == 0 {
					return
				}
				mu.Lock()
				for _, m := range all {
					seen[m.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, 20)
	require.Equal(t, 1, seen[string(no)+"/2/1"])
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
	require.NoError(t, s.MarkDelivered(t.Context(), string(no)+"/2/1"))
	_, err := s.MarkFailed(t.Context(), string(no)+"/3/1", errors.New("no route"), false)
	require.NoError(t, err)
	require.NoError(t, storetest.Exec(t, s, `update kam.outbox set created_at = clock_timestamp() - interval '25 hours' where id = $1`, string(no)+"/4/1"))
	aside, err := s.MarkFailed(t.Context(), string(no)+"/4/1", errors.New("no route"), false)
	require.NoError(t, err)
	require.True(t, aside)
	aside, err = s.MarkFailed(t.Context(), string(no)+"/4/1", errors.New("no route"), true)
	require.NoError(t, err)
	require.False(t, aside, "it was put aside before")
	waiting, dead, err := s.OutboxState(t.Context())
	require.NoError(t, err)
	require.Equal(t, 18, waiting)
	require.Equal(t, 1, dead)
	all, err := s.ClaimMessages(t.Context(), 100, time.Minute)
	require.NoError(t, err)
	require.Empty(t, all, "claimed ones come back after the lease only")
	require.NoError(t, storetest.Exec(t, s, `update kam.outbox set next_try = clock_timestamp() - interval '1 second'`))
	all, err = s.ClaimMessages(t.Context(), 100, time.Minute)
	require.NoError(t, err)
	require.Len(t, all, 18)
	require.Equal(t, "kamflow.commented", all[0].EventType())
	require.Equal(t, 2, all[0].Attempts)
}

func TestConflictsAreRunAgain(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	runs := 0
	p, err := s.Cases.Effect(t.Context(), storetest.Engine(no, 2, 1), func(ctx context.Context, tx *casedb.Tx) error {
		if runs++; runs < 4 {
			tx.Case.State = kam.Deciding
			return fmt.Errorf("save: %w", &pgconn.PgError{Code: []string{"40001", "40P01"}[runs%2]})
		}
		return storetest.Comment(ctx, tx)
	})
	require.NoError(t, err)
	require.Equal(t, 4, runs)
	require.Equal(t, kam.DataEntry, p.Snapshot.State, "each run starts afresh")

	for code, fault := range map[string]bool{"57P01": false, "53100": false, "08006": false, "22003": true, "23514": true, "40001": false} {
		_, err := s.Cases.Effect(t.Context(), storetest.ActOn(no, "decision-"+code, 2), func(context.Context, *casedb.Tx) error {
			return &pgconn.PgError{Code: code}
		})
		require.Error(t, err, code)
		require.Equal(t, fault, errors.Is(err, kam.Fault), code)
	}
	require.Equal(t, 2, storetest.Count(t, s, `select count(*) from kam.effect`))
}

// TestEffectOnTwoCases: both are locked, the older one first whoever asks, so that
// effects on the same two cases wait for each other and never for ever; what is
// done to the other case is an effect there, and is undone with a refusal.
func TestEffectOnTwoCases(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	older, younger := storetest.NewCase(t, s, "k1"), storetest.NewCase(t, s, "k2")
	require.True(t, older.Before(younger))
	before, err := s.Cases.Case(t.Context(), older)
	require.NoError(t, err)
	on := func(no, with kam.CaseNo, key string, refuse bool) (kam.Progress, error) {
		return s.Cases.Effect(t.Context(), ledger.Effect{Subject: casedb.Of(no), With: casedb.Of(with), Key: "act/" + key, Digest: key, People: true, By: "ann", At: storetest.Noon}, func(_ context.Context, tx *casedb.Tx) error {
			tx.Log(kam.AuditEvent{Type: kam.EventCommented})
			tx.With.Log(kam.AuditEvent{Type: kam.EventCommented})
			tx.With.Case.Followers = append(tx.With.Case.Followers, kam.Follower{CaseNo: no})
			if refuse {
				return kam.Errorf(kam.Forbidden, "no")
			}
			return nil
		})
	}
	p, err := on(younger, older, "refused-1", true)
	require.NoError(t, err)
	require.Equal(t, kam.Forbidden, p.Refused.Code)
	other, err := s.Cases.Case(t.Context(), older)
	require.NoError(t, err)
	require.Equal(t, before.Version, other.Version)
	require.Empty(t, other.Followers)

	var g sync.WaitGroup
	failed := make([]error, 40)
	for i := range failed {
		no, with := younger, older
		if i%2 == 0 {
			no, with = older, younger
		}
		g.Go(func() { _, failed[i] = on(no, with, fmt.Sprintf("both-%03d", i), false) })
	}
	g.Wait()
	require.NoError(t, errors.Join(failed...))
	_, err = on(younger, older, "both-001", false)
	require.NoError(t, err, "again: nothing is done twice")
	for _, no := range []kam.CaseNo{older, younger} {
		c, err := s.Cases.Case(t.Context(), no)
		require.NoError(t, err)
		require.Equal(t, before.Version+40, c.Version)
		require.Len(t, c.Followers, 20)
		events, err := s.Cases.Events(t.Context(), no)
		require.NoError(t, err)
		_, why, ok := kam.VerifyChain(events)
		require.True(t, ok, why)
	}
	_, err = s.Cases.Effect(t.Context(), ledger.Effect{Subject: casedb.Of(younger), With: casedb.Of("KAM-2020-000001"), Key: "act/nobody-1", Digest: "n", People: true, At: storetest.Noon}, func(_ context.Context, tx *casedb.Tx) error {
		require.Nil(t, tx.With)
		tx.Log(kam.AuditEvent{Type: kam.EventCommented})
		return nil
	})
	require.NoError(t, err)
}

func TestAllotCase(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	r := casedb.Request{Key: "web/1", Type: kam.NewCase, Requester: "rita", Data: storetest.Data(t, storetest.Nordwind)}

	no, created, err := s.Cases.Allot(t.Context(), r)
	require.NoError(t, err)
	require.True(t, created)
	require.Regexp(t, `^KAM-20\d\d-000001$`, string(no))

	r.Findings = []kam.Finding{{RuleID: "VF02", Field: "website"}} // told with the case, and no part of what is requested
	again, created, err := s.Cases.Allot(t.Context(), r)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, no, again)

	r.Data.LegalName = "Somebody else"
	_, _, err = s.Cases.Allot(t.Context(), r)
	require.ErrorIs(t, err, kam.IDReused)

	view, err := s.Cases.View(t.Context(), no)
	require.NoError(t, err)
	require.False(t, view.Started)
	require.Equal(t, "Ada Berg", view.Opening.Data.Contacts[0].Name)
	require.Zero(t, storetest.Count(t, s, `select count(*) from kam.cases where opening::text like '%Ada%'`), "contacts stand apart")

	_, err = s.Cases.Case(t.Context(), "KAM-2026-999999")
	require.ErrorIs(t, err, kam.NotFound)
}

func TestAllotCaseRace(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	got := make(chan kam.CaseNo, 8)
	for range 8 {
		go func() {
			no, _, err := s.Cases.Allot(context.Background(), casedb.Request{Key: "one", Type: kam.NewCase, Requester: "rita"})
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
	require.Equal(t, 1, storetest.Count(t, s, `select last from kam.case_counter`), "a lost race leaves no gap")
}

func TestStageData(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	d := storetest.Data(t, storetest.Nordwind)

	digest, err := s.Cases.StageData(t.Context(), no, "decision-1", d)
	require.NoError(t, err)
	want := ledger.Digest(d)
	require.NoError(t, err)
	require.Equal(t, want, digest)
	_, err = s.Cases.StageData(t.Context(), no, "decision-1", d)
	require.NoError(t, err)
	_, err = s.Cases.StageData(t.Context(), no, "decision-1", kam.RequestData{})
	require.ErrorIs(t, err, kam.IDReused)
	_, err = s.Cases.StageData(t.Context(), "KAM-2026-000999", "decision-1", d)
	require.ErrorIs(t, err, kam.NotFound)

	_, err = s.Cases.Effect(t.Context(), storetest.ActOn(no, "decision-1", 1), func(_ context.Context, tx *casedb.Tx) error {
		got, gotDigest, err := tx.Staged("decision-1")
		require.NoError(t, err)
		require.Equal(t, d, got)
		require.Equal(t, digest, gotDigest)
		_, _, err = tx.Staged("decision-2")
		require.ErrorIs(t, err, kam.NotFound)
		return tx.SaveRevision(got, "mona")
	})
	require.NoError(t, err)
	revisions, err := s.Cases.Revisions(t.Context(), no)
	require.NoError(t, err)
	require.Len(t, revisions, 2)
	require.Equal(t, "Ada Berg", revisions[1].Data.Contacts[0].Name)
	c, err := s.Cases.Case(t.Context(), no)
	require.NoError(t, err)
	require.Equal(t, []kam.UserID{"rita", "mona"}, c.Editors)
	require.Equal(t, kam.MaterialHash(d), c.MaterialHash)
}
