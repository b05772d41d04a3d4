package onboarding_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

func TestCheckEarlier(t *testing.T) {
	t.Parallel()
	open := onboarding.Snapshot{CaseNo: "KAM-2026-000001", Type: kam.NewCase, State: onboarding.DataEntry, Version: 3}
	later := onboarding.Snapshot{CaseNo: "KAM-2026-000002", Type: kam.NewCase, State: onboarding.DuplicateReview, Version: 2}
	require.NoError(t, onboarding.CheckEarlier(later, open))
	committed := open
	committed.State, committed.CommittedAs = onboarding.AwaitingEndorsement, "C-1"
	require.NoError(t, onboarding.CheckEarlier(later, committed), "it is open")
	for name, change := range map[string]func(l, e *onboarding.Snapshot){
		"younger":      func(l, e *onboarding.Snapshot) { l.CaseNo, e.CaseNo = e.CaseNo, l.CaseNo },
		"itself":       func(l, e *onboarding.Snapshot) { e.CaseNo = l.CaseNo },
		"not NEW":      func(_, e *onboarding.Snapshot) { e.Type = kam.Reactivate },
		"this not NEW": func(l, _ *onboarding.Snapshot) { l.Type = kam.Modify },
		"rejected":     func(_, e *onboarding.Snapshot) { e.State = onboarding.Rejected },
		"completed":    func(_, e *onboarding.Snapshot) { e.State, e.CommittedAs = onboarding.Completed, "C-1" },
		"a follower":   func(_, e *onboarding.Snapshot) { e.State, e.SameAs = onboarding.Merged, "KAM-2025-000009" },
		"never opened": func(_, e *onboarding.Snapshot) { e.State, e.Version = onboarding.Draft, 0 },
	} {
		l, e := later, open
		change(&l, &e)
		err := kam.AsError(onboarding.CheckEarlier(l, e))
		require.NotNil(t, err, name)
		require.Equal(t, kam.WrongState, err.Code, name)
		require.True(t, name == "this not NEW" || err.Remedy != "", name)
	}
}

func TestFollowersCountAsRequesters(t *testing.T) {
	t.Parallel()
	s := onboarding.Snapshot{State: onboarding.AwaitingConfirmation, Requester: "a", Followers: []onboarding.Follower{{CaseNo: "KAM-2026-000002", Requester: "b", Editors: []kam.UserID{"b", "c"}}}}
	for u, rule := range map[kam.UserID]string{"a": "SOD1", "b": "SOD1", "c": "SOD1", "d": ""} {
		e := kam.AsError(onboarding.MayConfirm(u, s))
		if rule == "" {
			require.Nil(t, e)
			continue
		}
		require.Equal(t, rule, e.Rule, u)
	}
	for u, refused := range map[kam.UserID]bool{"a": true, "b": true, "c": false, "d": false} {
		for _, name := range []onboarding.ActName{onboarding.ActDecideCompliance, onboarding.ActDecideValidation} {
			e := kam.AsError(onboarding.CheckSeparation(onboarding.Act{Name: name, By: u}, s))
			require.Equal(t, refused, e != nil && e.Rule == "SOD3", "%s by %s", name, u)
		}
	}
}

func TestCheckDraft(t *testing.T) {
	t.Parallel()
	mine := onboarding.Snapshot{CaseNo: "KAM-2026-000002", Requester: "a", State: onboarding.Merged, SameAs: "KAM-2026-000001"}
	over := onboarding.Snapshot{CaseNo: "KAM-2026-000001", State: onboarding.Expired}
	require.NoError(t, onboarding.CheckDraft("a", "a", mine, over))
	require.NoError(t, onboarding.CheckDraft("boss", "boss", mine, over), "a leaver's")
	code := func(u, heir kam.UserID, m, o onboarding.Snapshot) kam.Code {
		return kam.CodeOf(onboarding.CheckDraft(u, heir, m, o))
	}
	require.Equal(t, kam.Forbidden, code("b", "a", mine, over))
	require.Equal(t, kam.WrongState, code("a", "a", onboarding.Snapshot{Requester: "a"}, over))
	require.Equal(t, kam.WrongState, code("a", "a", mine, onboarding.Snapshot{State: onboarding.DataEntry}))
	require.Equal(t, kam.WrongState, code("a", "a", mine, onboarding.Snapshot{State: onboarding.Completed, CommittedAs: "C-1"}))
}
