package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
)

func TestReadBookRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, give, field string }{
		{"null is no customer", `{"customers": [{"customer_no": "A"}, null]}`, "customers[1]"},
		{"one number twice", `{"customers": [{"customer_no": "A"}, {"customer_no": "B"}, {"customer_no": "A"}]}`, "customers[2].customer_no"},
		{"an unknown key", `{"customers": [{"customer_no": "A", "zap": 1}]}`, "customers[0].zap"},
		{"a key twice", `{"customers": [], "customers": []}`, "customers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := rules.ReadBook(strings.NewReader(tt.give))
			require.ErrorIs(t, err, kam.Invalid)
			require.Equal(t, tt.field, kam.AsError(err).Field)
		})
	}
}

func TestUnknownRecencyStaysUnknown(t *testing.T) {
	t.Parallel()
	p, err := rules.Default()
	require.NoError(t, err)
	b, err := rules.ReadBook(strings.NewReader(`{"customers": [
		{"customer_no": "A", "net_revenue_12m": 300000, "orders_12m": 30},
		{"customer_no": "B", "net_revenue_12m": 0, "orders_12m": 0}]}`))
	require.NoError(t, err)
	out, _, err := p.SegmentBook(b)
	require.NoError(t, err)
	require.Nil(t, out[0].RFM.Recency)
	require.Nil(t, out[0].RFMLabel)
	require.Equal(t, 1, *out[1].RFM.Recency, "who ordered nothing has no last order")
}
