package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/upgradecheck"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"sing"}, 2, `there is no command "sing"`},
		{[]string{"upgrade-check", "--nope"}, 2, "unknown flag"},
		{[]string{"upgrade-check", "now"}, 2, "takes no arguments"},
		{[]string{"upgrade-check", "--limit", "-1"}, 2, "--limit"},
		{[]string{"upgrade-check", "--parallel", "0"}, 2, "--parallel"},
		{[]string{"upgrade-check", "--set", "worker.nope=1"}, 2, "unknown key"},
		{[]string{"upgrade-check", "--help"}, 0, "3 not reachable"},
		{[]string{"upgrade-check", "--data-dir", t.TempDir()}, 3, "no standalone is running"},
		{[]string{"upgrade-check", "--set", "database.url=postgres://nobody@127.0.0.1:1/none"}, 3, "reach the database"},
	} {
		var out, errOut bytes.Buffer
		require.Equal(t, tt.status, run(t.Context(), tt.args, &out, &errOut), "%v: %s", tt.args, errOut.String())
		require.Contains(t, errOut.String(), tt.says)
		require.Empty(t, out.String())
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := upgradecheck.Report{
		Open: 9, Replayed: 4, NotReached: 1, NotStarted: 1, Closed: 1,
		Missing: []upgradecheck.Case{{CaseNo: "KAM-2026-000007", State: "ANALYZING"}},
		Breaking: []upgradecheck.Case{{
			CaseNo: "KAM-2026-000002", WorkflowID: "case/KAM-2026-000002", Type: "CustomerOnboardingWorkflow",
			State: "AWAITING_CONFIRMATION", Events: 11, Reason: "extra replay command for StartTimer",
		}},
	}
	var out bytes.Buffer
	require.NoError(t, printUpgrade(&out, "abc", r, false))
	require.Equal(t, `Build abc: 9 open cases, 4 replay, 1 would break.
  1 beyond --limit, not looked at
  1 allotted and never started: nothing to replay
  1 ended while we looked

Open in PostgreSQL, and Temporal has no workflow of them. No build changes that: see starter doctor.

Case             State
---------------  ---------
KAM-2026-000007  ANALYZING

Case             State                  Type                        Events  Why it would break
---------------  ---------------------  --------------------------  ------  -----------------------------------
KAM-2026-000002  AWAITING_CONFIRMATION  CustomerOnboardingWorkflow      11  extra replay command for StartTimer

Do not start this build on the installation: put the change behind a change id (docs/determinism.md).
`, out.String())

	out.Reset()
	require.NoError(t, printUpgrade(&out, "abc", r, true))
	var got struct {
		BuildID  string `json:"build_id"`
		Breaking []struct {
			CaseNo string `json:"case_no"`
			Events int    `json:"history_events"`
		} `json:"breaking"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Equal(t, "abc", got.BuildID)
	require.Equal(t, 11, got.Breaking[0].Events)
}
