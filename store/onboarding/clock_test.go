package onboarding_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestCasesOfAnOlderReleaseGetTheirClocks: a release that has no clock moves a
// case and does not say whose turn it is; the next comparison does.
func TestCasesOfAnOlderReleaseGetTheirClocks(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	listed := func(p kam.Party) int {
		lines, err := s.Cases.List(t.Context(), casedb.Filter{Owed: p, Order: casedb.ByStage})
		require.NoError(t, err)
		return len(lines)
	}
	n, err := s.Cases.CatchUp(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, 1, listed(kam.PartyRequester))

	require.NoError(t, storetest.Exec(t, s, `update kam.cases set version = version + 1, state = 'AWAITING_CONFIRMATION',
		snapshot = jsonb_set(jsonb_set(snapshot, '{state}', '"AWAITING_CONFIRMATION"'), '{task,kind}', '"confirmation"') where case_no = $1`, no))
	require.Equal(t, 1, listed(kam.PartyRequester))
	n, err = s.Cases.CatchUp(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, 1, listed(kam.PartyManager))
	require.Zero(t, listed(kam.PartyRequester))
	n, err = s.Cases.CatchUp(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

// TestSinceWhenATaskIsSomebodys: who joins later has had it since then; who had
// it keeps his time, and who gets it back begins anew.
func TestSinceWhenATaskIsSomebodys(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	give := func(id string, known int64, to ...kam.UserID) time.Time {
		e := storetest.ActOn(no, id, known)
		_, err := s.Cases.Effect(t.Context(), e, func(_ context.Context, tx *casedb.Tx) error {
			tx.Case.Task.Assignees = to
			return tx.UpdateTask()
		})
		require.NoError(t, err)
		return e.At
	}
	came := func(u kam.UserID) time.Time {
		items, err := s.Cases.Inbox(t.Context(), u)
		require.NoError(t, err)
		require.Len(t, items, 1)
		return items[0].Came
	}
	opened := came("rita")
	joined := give("decision-1", 1, "rita", "tom")
	require.Equal(t, opened, came("rita"))
	require.WithinDuration(t, joined, came("tom"), time.Microsecond)
	give("decision-2", 2, "tom")
	again := give("decision-3", 3, "rita", "tom")
	require.WithinDuration(t, again, came("rita"), time.Microsecond)
	require.WithinDuration(t, joined, came("tom"), time.Microsecond)
}

// TestListsOfManyCases: with 100,000 open cases among 125,000, each list that
// goes by the clock is answered in under 50 ms.
func TestListsOfManyCases(t *testing.T) {
	if testing.Short() {
		t.Skip("125,000 cases")
	}
	s := storetest.New(t)
	var parties []string
	for _, p := range kam.Parties {
		parties = append(parties, string(p))
	}
	require.NoError(t, storetest.Exec(t, s, `
		insert into kam.cases (case_no, request_key, request_digest, opening, snapshot, state, case_type, requester, territory, open,
			version, clocked, opened_at, updated_at, owed_by, stage_since, target_at)
		select format('KAM-2026-%s', lpad(n::text, 6, '0')), 'k' || n, '', '{}', '{}', case when n % 5 > 0 then 'AWAITING_CONFIRMATION' else 'COMPLETED' end,
			'NEW', 'rep.' || n % 300, 'T-' || n % 60, n % 5 > 0, 5, 5, now() - n * interval '1 minute', now() - (n * 7 % 125000) * interval '1 minute',
			case when n % 5 = 0 then '' when n % 999 = 0 then 'COMPLIANCE' else ($1::text[])[1 + n % 3] end,
			now() - (n * 11 % 125000) * interval '1 minute', now() - (n * 13 % 125000 - 60000) * interval '1 minute'
		from generate_series(1, 125000) n`, parties))
	require.NoError(t, storetest.Exec(t, s, `analyze kam.cases`))

	for _, f := range []casedb.Filter{
		{Order: casedb.ByAge}, {Order: casedb.ByStage}, {Order: casedb.ByTarget}, {Overdue: true}, {Open: true},
		{Order: casedb.ByStage, Owed: kam.PartyManager}, {Order: casedb.ByStage, Owed: kam.PartyCompliance}, {Owed: kam.PartyCompliance},
		{Order: casedb.ByTarget, Owed: kam.PartyManager, Overdue: true}, {Order: casedb.ByStage, State: onboarding.AwaitingConfirmation},
		{Order: casedb.ByStage, Territory: "T-31"}, {Order: casedb.ByTarget, Owed: kam.PartyCompliance},
	} {
		f.Limit = 50
		page, err := s.Cases.List(t.Context(), f)
		require.NoError(t, err)
		require.NotEmpty(t, page)
		order := f.Order
		if order == "" {
			order = casedb.ByChange
		}
		places := make([]time.Time, len(page))
		for i, l := range page {
			places[i] = l.Place(order)
		}
		if order == casedb.ByChange {
			slices.Reverse(places)
		}
		require.True(t, slices.IsSortedFunc(places, time.Time.Compare), "%+v", f)
		last := page[len(page)-1]
		next := f
		next.Behind, next.BehindAt = last.CaseNo, last.Place(order)
		for _, f := range []casedb.Filter{f, next} {
			took := make([]time.Duration, 15)
			for i := range took {
				from := time.Now()
				_, err := s.Cases.List(t.Context(), f)
				require.NoError(t, err)
				took[i] = time.Since(from)
			}
			slices.Sort(took)
			t.Logf("%s: %v", strings.TrimSpace(fmt.Sprintf("%s %s overdue=%v %s %s behind=%v", f.Order, f.Owed, f.Overdue, f.State, f.Territory, f.Behind != "")), took[7])
			require.Less(t, took[7], 50*time.Millisecond, "%+v", f)
		}
	}
}
