package kam_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestOlderCase(t *testing.T) {
	t.Parallel()
	inOrder := []kam.CaseNo{"KAM-2025-000007", "KAM-2026-000001", "KAM-2026-000010", "KAM-2026-999999", "KAM-2026-1000000", "KAM-2027-000001"}
	for i, a := range inOrder {
		for j, b := range inOrder {
			require.Equal(t, i < j, a.Before(b), "%s before %s", a, b)
		}
	}
}

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

func TestWhatTheOtherAdds(t *testing.T) {
	t.Parallel()
	parse := func(text string) (d kam.RequestData) {
		require.NoError(t, json.Unmarshal([]byte(text), &d))
		return d
	}
	have := parse(`{"legal_name":"A GmbH","trading_names":["A"],"city":"Bonn","identifiers":[{"scheme":"VAT_EU","value":"DE1"}]}`)
	other := parse(`{"legal_name":"A GmbH","trading_names":["A","B"],"city":"Köln","website":"https://a.example","declared_potential":{"amount":"0","currency":"EUR"},
		"identifiers":[{"scheme":"VAT_EU","value":"DE1"},{"scheme":"LEI","value":"L1"}],"contacts":[{"name":"Eva Beispiel","email":"eva@a.example"}]}`)
	adds := kam.Adds(have, other)
	require.ElementsMatch(t, []string{"trading_names: B", "city: Köln", "website: https://a.example", "declared_potential: 0 EUR",
		`identifiers: {"scheme":"LEI","value":"L1"}`, "contacts: 1"}, adds)
	require.Empty(t, kam.Adds(other, have)[1:], "the city alone")
	require.Empty(t, kam.Adds(other, other))

	other.CustomerKind, other.LegalName = kam.SolePractitioner, "Dr. Eva Beispiel"
	for _, a := range kam.Adds(have, other) {
		require.NotContains(t, a, "Beispiel", "of a person the fields alone")
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
