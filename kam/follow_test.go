package kam_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestCheckEarlier(t *testing.T) {
	t.Parallel()
	open := kam.Snapshot{CaseNo: "KAM-2026-000001", Type: kam.NewCase, State: kam.DataEntry, Version: 3}
	later := kam.Snapshot{CaseNo: "KAM-2026-000002", Type: kam.NewCase, State: kam.DuplicateReview, Version: 2}
	require.NoError(t, kam.CheckEarlier(later, open))
	committed := open
	committed.State, committed.CommittedAs = kam.AwaitingEndorsement, "C-1"
	require.NoError(t, kam.CheckEarlier(later, committed), "it is open")
	for name, change := range map[string]func(l, e *kam.Snapshot){
		"younger":      func(l, e *kam.Snapshot) { l.CaseNo, e.CaseNo = e.CaseNo, l.CaseNo },
		"itself":       func(l, e *kam.Snapshot) { e.CaseNo = l.CaseNo },
		"not NEW":      func(_, e *kam.Snapshot) { e.Type = kam.Reactivate },
		"this not NEW": func(l, _ *kam.Snapshot) { l.Type = kam.Modify },
		"rejected":     func(_, e *kam.Snapshot) { e.State = kam.Rejected },
		"completed":    func(_, e *kam.Snapshot) { e.State, e.CommittedAs = kam.Completed, "C-1" },
		"a follower":   func(_, e *kam.Snapshot) { e.State, e.SameAs = kam.Merged, "KAM-2025-000009" },
		"never opened": func(_, e *kam.Snapshot) { e.State, e.Version = kam.Draft, 0 },
	} {
		l, e := later, open
		change(&l, &e)
		err := kam.AsError(kam.CheckEarlier(l, e))
		require.NotNil(t, err, name)
		require.Equal(t, kam.WrongState, err.Code, name)
		require.True(t, name == "this not NEW" || err.Remedy != "", name)
	}
}

func TestFollowersCountAsRequesters(t *testing.T) {
	t.Parallel()
	s := kam.Snapshot{State: kam.AwaitingConfirmation, Requester: "a", Followers: []kam.Follower{{CaseNo: "KAM-2026-000002", Requester: "b", Editors: []kam.UserID{"b", "c"}}}}
	for u, rule := range map[kam.UserID]string{"a": "SOD1", "b": "SOD1", "c": "SOD1", "d": ""} {
		e := kam.AsError(kam.MayConfirm(u, s))
		if rule == "" {
			require.Nil(t, e)
			continue
		}
		require.Equal(t, rule, e.Rule, u)
	}
	for u, refused := range map[kam.UserID]bool{"a": true, "b": true, "c": false, "d": false} {
		for _, name := range []kam.ActName{kam.ActDecideCompliance, kam.ActDecideValidation} {
			e := kam.AsError(kam.CheckSeparation(kam.Act{Name: name, By: u}, s))
			require.Equal(t, refused, e != nil && e.Rule == "SOD3", "%s by %s", name, u)
		}
	}
}

func TestCheckDraft(t *testing.T) {
	t.Parallel()
	mine := kam.Snapshot{CaseNo: "KAM-2026-000002", Requester: "a", State: kam.Merged, SameAs: "KAM-2026-000001"}
	over := kam.Snapshot{CaseNo: "KAM-2026-000001", State: kam.Expired}
	require.NoError(t, kam.CheckDraft("a", "a", mine, over))
	require.NoError(t, kam.CheckDraft("boss", "boss", mine, over), "a leaver's")
	code := func(u, heir kam.UserID, m, o kam.Snapshot) kam.Code { return kam.CodeOf(kam.CheckDraft(u, heir, m, o)) }
	require.Equal(t, kam.Forbidden, code("b", "a", mine, over))
	require.Equal(t, kam.WrongState, code("a", "a", kam.Snapshot{Requester: "a"}, over))
	require.Equal(t, kam.WrongState, code("a", "a", mine, kam.Snapshot{State: kam.DataEntry}))
	require.Equal(t, kam.WrongState, code("a", "a", mine, kam.Snapshot{State: kam.Completed, CommittedAs: "C-1"}))
}
