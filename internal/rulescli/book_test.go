package rulescli

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

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
		{"a key twice within", `{"customers": [{"city": "A", "city": "B"}]}`, "customers[0].city"},
		{"a key in other case", `{"customers": [{"Customer_No": "A"}]}`, "customers[0].Customer_No"},
		{"cut off", `{"customers": [{"customer_no": "A"`, "customers[0]"},
		{"two documents", `{"customers": []} {}`, "$"},
		{"no object", `[]`, "$"},
		{"no UTF-8", "{\"customers\": [{\"city\": \"\xff\"}]}", "customers[0].city"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := readBook(strings.NewReader(tt.give))
			require.ErrorIs(t, err, kam.Invalid)
			require.Equal(t, tt.field, kam.AsError(err).Field)
		})
	}
}

func TestUnknownRecencyStaysUnknown(t *testing.T) {
	t.Parallel()
	p, err := rules.Default()
	require.NoError(t, err)
	b, err := readBook(strings.NewReader(`{"customers": [
		{"customer_no": "A", "net_revenue_12m": 300000, "orders_12m": 30},
		{"customer_no": "B", "net_revenue_12m": 0, "orders_12m": 0}]}`))
	require.NoError(t, err)
	out, _, err := p.SegmentBook(b)
	require.NoError(t, err)
	require.Nil(t, out[0].RFM.Recency)
	require.Nil(t, out[0].RFMLabel)
	require.Equal(t, 1, *out[1].RFM.Recency, "who ordered nothing has no last order")
}

func FuzzReadBook(f *testing.F) {
	p, err := rules.Default()
	require.NoError(f, err)
	f.Add([]byte(book))
	f.Add([]byte(`{"customers": [{"customer_no": "A", "net_revenue_12m": "9999999999999999"}]}`))
	f.Add([]byte(`{"rates": {"USD": "0"}, "customers": [{"customer_no": "A", "declared_potential": {"amount": "1", "currency": "USD"}}]}`))
	f.Add([]byte(`{"customers": [{}, {"pl_lines_pct": {"rebates": -1}}`))
	f.Add([]byte(`{"nodes": [{"code": "A", "level": "COUNTRY", "parent": "A"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := readBook(bytes.NewReader(text))
		if err != nil {
			return
		}
		if _, _, err := p.SegmentBook(b); err != nil {
			return
		}
		if _, err := p.ClassifyBook(b); err != nil {
			return
		}
		for _, c := range b.Customers {
			_, _ = p.AddDecision(c, b.Rates) //nolint:errcheck // must not panic; refusals are fine
		}
	})
}

// TestSpeedOfReading prints what the JSON of 100,000 customers costs.
func TestSpeedOfReading(t *testing.T) {
	if testing.Short() {
		t.Skip("figures are not taken in a short run")
	}
	one, err := readBook(strings.NewReader(book))
	require.NoError(t, err)
	large := rules.Book{Nodes: one.Nodes}
	for i := range 100_000 {
		c := one.Customers[0]
		c.CustomerNo = strconv.Itoa(i)
		large.Customers = append(large.Customers, c)
	}
	text, err := json.Marshal(large)
	require.NoError(t, err)
	start := time.Now()
	read, err := readBook(bytes.NewReader(text))
	require.NoError(t, err)
	took := time.Since(start)
	require.Len(t, read.Customers, 100_000)
	t.Logf("100,000 customers, %.0f MB of JSON: read in %v", float64(len(text))/1e6, took.Round(time.Millisecond))
	require.Less(t, took, 20*time.Second)
}
