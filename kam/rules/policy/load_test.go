package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var today = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// TestLoadRefusesWhatIsNotCarriedOut: by line and column of the value,
// when it is loaded. A stored version stays readable.
func TestLoadRefusesWhatIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	text := string(DefaultYAML())
	_, err := Load([]byte(text), today)
	require.NoError(t, err)
	for _, tc := range []struct{ from, to, path string }{
		{"scoring_window_months: 12 ", "scoring_window_months: 6 ", "scoring_window_months"},
		{"prior_window_months: 12 ", "prior_window_months: 24 ", "prior_window_months"},
		{"history_window_months: 36 ", "history_window_months: 60 ", "history_window_months"},
		{"max_open_cases_per_customer: 1", "max_open_cases_per_customer: 2", "process.max_open_cases_per_customer"},
		{"allow_self_confirm_when_alone: false", "allow_self_confirm_when_alone: true", "sod.allow_self_confirm_when_alone"},
		{"delegation_max_days: 60", "delegation_max_days: 61", "sod.delegation_max_days"},
		{"  scope: COMPANY ", "  scope: COUNTRY ", "abc.scope"},
		{"  mode: FIXED ", "  mode: AUTO ", "rfm.mode"},
		{"quintile_min_population: 500", "quintile_min_population: 400", "rfm.quintile_min_population"},
		{"certain_at: 0.95", "certain_at: 0.94", "duplicates.certain_at"},
		{"  # blocking: [IDENTIFIER, NAME_PREFIX, POSTAL_CODE, NAME_TRIGRAM, DOMAIN] ", "  blocking: [IDENTIFIER] ", "duplicates.blocking"},
		{"A: 12, B: 6, C: 2, NEW: 8", "A: 12, B: 6, C: 2, NEW: 9", "coverage.calls_per_year.NEW"},
		{"STAR: 1.25", "STAR: 1.5", "coverage.matrix_factor.STAR"},
		{"cycle_weeks: 13", "cycle_weeks: 12", "coverage.cycle_weeks"},
		{"FINANCIAL: 30, CUSTOMER: 30", "FINANCIAL: 40, CUSTOMER: 20", "scorecard.perspectives.FINANCIAL"},
		{"threshold_pct: 80", "threshold_pct: 81", "incentive.threshold_pct"},
		{"require_finance_from_tier: NATIONAL", "require_finance_from_tier: GLOBAL", "plan.require_finance_from_tier"},
		{"{cases: 10, calls: 5", "{cases: 10, calls: 6", "retention_years.calls"},
		{"  plan_due: 30", "  plan_due: 31", "sla.plan_due"},
		{"key_account_scorecard_days: 30", "key_account_scorecard_days: 31", "review.key_account_scorecard_days"},
		{"ownership_change: true", "ownership_change: false", "review.triggers.ownership_change"},
		{"data_entry:        {remind: 2, expire: 20}", "data_entry:        {remind: 2, escalate: 3, expire: 20}", "sla.data_entry.escalate"},
		{"escalate: 2, expire: 30}     #", "escalate: 2, expire: 30, target: 240.5}     #", "sla.confirmation.target"},
		{"escalate: 5, lapse: 30}", "escalate: 5, expire: 30}", "sla.endorsement.expire"},
		{"kam_assignment:    {remind: 1, escalate: 2}", "kam_assignment:    {remind: 1, escalate: 2, expire: 9}", "sla.kam_assignment.expire"},
		{"effective_from: 2026-01-01", "effective_from: 2026-12-01", "effective_from"},
		{"  threshold_mode: ABSOLUTE ", "  company_revenue: 9000000\n  threshold_mode: ABSOLUTE ", "key_account.company_revenue"},
		{"# findings: {VF06: WARNING} ", "findings: {VI07: WARNING} ", "findings.VI07"},
	} {
		require.Contains(t, text, tc.from)
		changed := strings.Replace(text, tc.from, tc.to, 1)
		_, err := Parse([]byte(changed))
		require.NoError(t, err, "%s: a stored version stays readable", tc.path)
		_, err = Load([]byte(changed), today)
		var bad *Error
		require.ErrorAs(t, err, &bad, tc.path)
		first := bad.Problems[0]
		require.Equal(t, tc.path, first.Path)
		require.NotEmpty(t, first.Remedy)
		lines := strings.Split(changed, "\n")
		key := tc.path[strings.LastIndex(tc.path, ".")+1:]
		require.Contains(t, lines[first.Line-1], key, "%s: line %d", tc.path, first.Line)
		require.Greater(t, first.Column, strings.Index(lines[first.Line-1], key), tc.path)
	}
	for _, tc := range [][2]string{
		{"effective_from: 2026-01-01", "effective_from: 2026-11-30"},
		{"{remind: 1, escalate: 2, expire: 30}     #", "{remind: 1, escalate: 2, expire: 30, target: 6.5}     #"},
	} {
		changed := strings.Replace(text, tc[0], tc[1], 1)
		require.NotEqual(t, text, changed)
		_, err := Load([]byte(changed), today)
		require.NoError(t, err, tc[1])
	}
}
