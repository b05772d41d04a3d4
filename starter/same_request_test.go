package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// alike is a case whose candidates are a customer and open cases.
func alike(cases ...string) *fake {
	f := waiting()
	f.view.Snapshot.State = kam.DuplicateReview
	f.view.Candidates = []kam.Candidate{{Ref: "C-1", Kind: customerdb.PartyCustomer, Class: kam.MatchPossible}}
	for _, no := range cases {
		f.view.Candidates = append(f.view.Candidates, kam.Candidate{Ref: no, Kind: customerdb.PartyCase, Class: kam.MatchProbable})
	}
	return f
}

var people = map[kam.UserID]kam.Person{
	"rita":  {ID: "rita", Active: true, Roles: []kam.Role{kam.SalesRep}},
	"conny": {ID: "conny", Active: true, Roles: []kam.Role{kam.ComplianceRole}},
}

// TestSameRequest: the earlier case need not be typed where there is one.
func TestSameRequest(t *testing.T) {
	no := string(theCase)
	younger := "KAM-2099-000001"
	f := alike("KAM-2020-000007", younger)
	got := start(t, f, "", false, "--as", "rita", "resolve-duplicate", no, "same-request", "--reason", "met them too")
	require.Zero(t, got.status, got.err)
	act := last(t, f)
	require.Equal(t, kam.Act{Name: kam.ActResolveDuplicate, Verdict: kam.SameRequest, SameAs: "KAM-2020-000007", Reason: "met them too", By: "rita", DecisionID: act.DecisionID}, act)

	f = alike("KAM-2020-000007", "KAM-2020-000008")
	got = start(t, f, "", false, "--as", "rita", "resolve-duplicate", no, "same-request")
	require.Equal(t, 2, got.status)
	require.Contains(t, got.err, "2 earlier cases are among the candidates")
	got = start(t, f, "", false, "--as", "rita", "resolve-duplicate", no, "same-request", "--case", "KAM-2020-000008")
	require.Zero(t, got.status, got.err)
	require.Equal(t, kam.CaseNo("KAM-2020-000008"), last(t, f).SameAs)

	f = alike("KAM-2020-000007")
	f.view.Snapshot.State = kam.ValidationReview
	got = start(t, f, "", false, "--as", "dora", "decide", no, "same_request", "--reason", "one clinic")
	require.Zero(t, got.status, got.err)
	require.Equal(t, kam.ActDecideValidation, last(t, f).Name)
	require.Equal(t, kam.CaseNo("KAM-2020-000007"), last(t, f).SameAs)
}

// TestShowOfCasesThatAreOne: each says where the other is, and the later one what
// became of the earlier.
func TestShowOfCasesThatAreOne(t *testing.T) {
	no := string(theCase)
	for want, followed := range map[string]kam.Snapshot{
		"KAM-2020-000007, which is DATA_ENTRY":                                                {State: kam.DataEntry},
		"KAM-2020-000007, which is COMPLETED: the customer is C-9":                            {State: kam.Completed, CommittedAs: "C-9"},
		"KAM-2020-000007, which is EXPIRED without a customer: starter onboard --draft " + no: {State: kam.Expired},
	} {
		f := waiting()
		f.view.Snapshot.State, f.view.Snapshot.SameAs, f.view.Snapshot.Task = kam.Merged, "KAM-2020-000007", nil
		followed.CaseNo = "KAM-2020-000007"
		f.view.Followed = &followed
		got := start(t, f, "", false, "show", no)
		require.Zero(t, got.status, got.err)
		require.Contains(t, got.out, want)
		got = start(t, f, "", false, "--json", "show", no)
		require.Contains(t, got.out, `"state": "`+string(followed.State)+`"`)
	}
	f := waiting()
	f.view.Snapshot.Followers = []kam.Follower{{CaseNo: "KAM-2026-000099", Requester: "uta"}}
	got := start(t, f, "", false, "show", no)
	require.Contains(t, got.out, "KAM-2026-000099 (uta)")
}

func TestDraftOfARequestThatFollowed(t *testing.T) {
	f := waiting()
	f.view.Snapshot.State, f.people = kam.Merged, people
	got := start(t, f, "", false, "--as", "rita", "onboard", "--draft", string(theCase))
	require.Zero(t, got.status, got.err)
	require.Equal(t, theCase, f.request.DraftOf)
	require.Equal(t, casedb.DraftKey+string(theCase), f.request.Key)
	require.Equal(t, f.view.Request.LegalName, f.request.Data.LegalName)
	got = start(t, f, "", false, "--as", "rita", "onboard", "--draft", string(theCase), "-f", "x.json")
	require.Equal(t, 2, got.status)
}

// TestHitsAreForCompliance: who is neither of compliance nor an auditor does not
// see whom the party may be.
func TestHitsAreForCompliance(t *testing.T) {
	f := waiting()
	f.view.Snapshot.State = kam.ComplianceReview
	f.view.Screened = &kam.Screened{At: noon, Hits: []kam.ScreeningHit{
		{List: "internal", Ref: "BL-1", Name: "Schattenhandel", Result: kam.ScreeningPossible}, {List: "sanctions.example", Ref: "EU-17", Result: kam.ScreeningPossible},
	}}
	f.people = people
	got := start(t, f, "", false, "--as", "rita", "show", string(theCase))
	require.Zero(t, got.status, got.err)
	require.NotContains(t, got.out, "BL-1")
	f.view.Snapshot.Recommended = kam.ReferCompliance
	got = start(t, f, "", false, "--as", "conny", "show", string(theCase))
	require.Zero(t, got.status, got.err)
	for _, want := range []string{"BL-1", "Schattenhandel", "EU-17", "sanctions.example"} {
		require.Contains(t, got.out, want)
	}
}
