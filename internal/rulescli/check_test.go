package rulescli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// TestWrongVerb: a misspelt verb is no success.
func TestWrongVerb(t *testing.T) {
	for _, args := range [][]string{{"bogus"}, {"policy", "bogus"}} {
		_, err := run(t, "", args...)
		require.ErrorIs(t, err, kam.Invalid)
		require.ErrorContains(t, err, `there is no verb "bogus"`)
	}
}

// TestCheck: what is misspelt or contradicts itself is not taken as unknown.
func TestCheck(t *testing.T) {
	for customer, path := range map[string]string{
		`"pl_lines_pct": {"rebate": 5}`:                       "pl_lines_pct.rebate",
		`"capability_items": {"data_share": 3}`:               "capability_items.data_share",
		`"credit_rating": "d"`:                                "credit_rating",
		`"orders_12m": -1`:                                    "orders_12m",
		`"recency_days": -1`:                                  "recency_days",
		`"active_months": -1`:                                 "active_months",
		`"current": {"ka_status": "MAYBE"}`:                   "current.ka_status",
		`"current": {"ka_status": "KA", "tier": "NON_KA"}`:    "current.tier",
		`"current": {"ka_status": "NON_KA", "tier": "LOCAL"}`: "current.tier",
		`"current": {"failed_reviews": -1}`:                   "current.failed_reviews",
	} {
		t.Run(path, func(t *testing.T) {
			_, err := run(t, `{"customers": [{"customer_no": "A"}, {"customer_no": "B", `+customer+`}]}`, "classify", "-f", "-")
			require.ErrorIs(t, err, kam.Invalid)
			require.ErrorContains(t, err, "customers[1]."+path)
		})
	}
	_, err := run(t, `{"as_of": "yesterday", "customers": []}`, "add", "-f", "-")
	require.ErrorContains(t, err, "as_of")
	for _, good := range []string{
		`"current": {"ka_status": "NON_KA", "tier": "NON_KA"}`, `"current": {"ka_status": "KA", "tier": "GLOBAL", "failed_reviews": 1}`,
		`"current": {}`, `"current": null`, `"current": {"ka_status": "KA"}`, `"pl_lines_pct": {"cost_of_goods": 40, "rebates": 5}`,
	} {
		_, err := run(t, `{"customers": [{"customer_no": "B", `+good+`}]}`, "classify", "-f", "-")
		require.NoError(t, err, good)
	}
	// For validate a wrong value of the request is a finding.
	out, err := run(t, `{"customers": [{"customer_no": "B", "credit_rating": "d", "capability_items": {"data_share": 3}}]}`, "validate", "-f", "-")
	require.NoError(t, err)
	require.Contains(t, out, `"rule_id":"VF02","severity":"ERROR","category":"FORMAT","field":"credit_rating"`)
}
