package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// TestReasonOfAnEnding: a manager's no is told in his words, the rules' in
// theirs; a headline that said yes is no reason for a no.
func TestReasonOfAnEnding(t *testing.T) {
	const yes = "Score 63.00, 60 or more"
	for _, tt := range []struct {
		name  string
		state onboarding.State
		code  string
		end   *casedb.Ending
		want  string
	}{
		{"a manager rejects", onboarding.Rejected, "TOO_SMALL", &casedb.Ending{By: "ruth", Code: "TOO_SMALL", Text: "Not worth it."}, "TOO_SMALL: Not worth it."},
		{"as the act answers", onboarding.Rejected, "TOO_SMALL", nil, "TOO_SMALL"},
		{"the rules reject", onboarding.Rejected, "SCORE", &casedb.Ending{By: kam.System, Code: "REJECT"}, "SCORE: " + yes},
		{"the rules, as the act answers", onboarding.Rejected, "HS4", nil, "HS4: " + yes},
		{"compliance, to others", onboarding.Rejected, "COMPLIANCE", &casedb.Ending{By: "yann", Code: "REFUSE", Restricted: true}, "COMPLIANCE"},
		{"cancelled", onboarding.Cancelled, "", &casedb.Ending{By: "ada", Text: "asked by olaf; twice opened"}, "asked by olaf; twice opened"},
		{"withdrawn without a word", onboarding.Withdrawn, "", &casedb.Ending{By: "rita"}, ""},
		{"expired", onboarding.Expired, "", &casedb.Ending{By: kam.System}, "nobody acted in time"},
		{"completed", onboarding.Completed, "", &casedb.Ending{By: kam.System, Code: "ADDED_KA"}, ""},
		{"open", onboarding.Deciding, "", nil, ""},
	} {
		require.Equal(t, tt.want, english.reasonLine(onboarding.Snapshot{State: tt.state, ReasonCode: tt.code, Headline: yes}, tt.end), tt.name)
	}
}

func TestShowOfACaseThatEnded(t *testing.T) {
	dir := testdata(t)
	f := told()
	s := &f.view.Snapshot
	s.ReasonCode, s.Task, s.MissingFields = "TOO_SMALL", nil, []string{"city"}
	f.view.Ending = &casedb.Ending{By: "dora", At: noon.Add(-2 * time.Hour), Code: "TOO_SMALL", Text: "Not worth it."}
	f.view.Been = []onboarding.State{onboarding.Draft, onboarding.Identifying, onboarding.DataEntry, onboarding.Deciding, onboarding.AwaitingConfirmation, onboarding.Rejected}
	got := run(t, f, "show", string(theCase))
	require.Zero(t, got.status, got.err)
	golden(t, dir, "show_rejected.txt", got.out)
}

// TestDiffOfAChange: a change is held against the record, not against nothing.
func TestDiffOfAChange(t *testing.T) {
	dir := testdata(t)
	f := changing()
	sent := customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: "NordWerk AG"}}
	whole := f.customer.Data
	whole.LegalName = "NordWerk AG"
	f.revisions = []casedb.Revision{{No: 1, At: noon, By: "rita", Data: sent}, {No: 2, At: noon, By: "rita", Data: whole}}
	got := run(t, f, "diff", string(theCase))
	require.Zero(t, got.status, got.err)
	golden(t, dir, "diff_change.txt", got.out)
}

// TestRestrictedEnding: what compliance wrote is for compliance and audit.
func TestRestrictedEnding(t *testing.T) {
	f := told()
	f.view.Snapshot.ReasonCode = "COMPLIANCE"
	f.view.Ending = &casedb.Ending{By: "yann", Code: "REFUSE", Text: "hit 7 of the list", Restricted: true}
	f.people = map[kam.UserID]kam.Person{
		"rita": {ID: "rita", Active: true, Roles: []kam.Role{kam.SalesRep}},
		"aud":  {ID: "aud", Active: true, Roles: []kam.Role{kam.Auditor}},
	}
	for as, want := range map[string]bool{"rita": false, "aud": true} {
		for _, more := range [][]string{nil, {"--json"}} {
			got := run(t, f, append([]string{"--as", as, "show", string(theCase)}, more...)...)
			require.Zero(t, got.status, got.err)
			if want {
				require.Contains(t, got.out, "hit 7", as)
			} else {
				require.NotContains(t, got.out, "hit 7", as)
			}
		}
	}
}
