package rules_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
)

// TestNewOrC is the rule of P3.3.2 for customers without revenue in the last
// twelve months: NEW for less than twelve months, where nothing was bought
// before them; else C.
func TestNewOrC(t *testing.T) {
	t.Parallel()
	p, err := rules.Default()
	require.NoError(t, err)
	snapshot, err := p.NewSnapshot("s", []rules.SnapshotEntry{{CustomerNo: "A", Revenue: 100}})
	require.NoError(t, err)
	for facts, want := range map[string]kam.ABCClass{
		`{}`: "NEW",
		`{"net_revenue_12m": {"amount": "0.00", "currency": "EUR"}}`: "NEW",
		`{"active_months": 0}`:                                             "NEW",
		`{"active_months": 11}`:                                            "NEW",
		`{"active_months": 12}`:                                            "C",
		`{"active_months": 40}`:                                            "C",
		`{"customer_months": 0}`:                                           "NEW",
		`{"customer_months": 11, "active_months": 0}`:                      "NEW",
		`{"customer_months": 12, "active_months": 0}`:                      "C",
		`{"customer_months": 120}`:                                         "C",
		`{"customer_months": 3, "active_months": 30}`:                      "C",
		`{"net_revenue_prior_12m": {"amount": "0.01", "currency": "EUR"}}`: "C",
		`{"net_revenue_prior_12m": {"amount": "0.00", "currency": "EUR"}}`: "NEW",
		`{"net_revenue_prior_12m": {"amount": "-5.00", "currency": "EUR"}, "active_months": 3}`:                               "NEW",
		`{"net_revenue_12m": {"amount": "-5.00", "currency": "EUR"}, "active_months": 30}`:                                    "C",
		`{"net_revenue_12m": {"amount": "1.00", "currency": "EUR"}, "active_months": 1, "customer_months": 40}`:               "A",
		`{"net_revenue_12m": {"amount": "0.01", "currency": "EUR"}, "active_months": 300, "customer_months": 40}`:             "C",
		`{"net_revenue_12m": {"amount": "0.00", "currency": "EUR"}, "active_months": 3, "recency_days": 20, "orders_12m": 2}`: "NEW",
	} {
		c := rules.Customer{CustomerNo: "X"}
		require.NoError(t, json.Unmarshal([]byte(facts), &c.Facts))
		res, _, err := p.Segment(c, rules.SegmentContext{Snapshot: snapshot})
		require.NoError(t, err)
		require.Equal(t, want, res.ABCClass, facts)
	}
}
