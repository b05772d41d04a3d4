package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam/rules/policy"
)

var today = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func defaultPolicy(t testing.TB) *Set {
	t.Helper()
	p, err := Default()
	require.NoError(t, err)
	return p
}

// edited is the default policy with one text replaced.
func edited(t testing.TB, from, to string) string {
	t.Helper()
	require.Contains(t, string(policy.DefaultYAML()), from)
	return strings.Replace(string(policy.DefaultYAML()), from, to, 1)
}

func TestSharesOfRevenue(t *testing.T) {
	text := strings.NewReplacer("threshold_mode: ABSOLUTE", "threshold_mode: SHARE_OF_COMPANY_REVENUE\n  company_revenue: 100000000",
		"min_potential: 1000000,", "min_potential: 1,", "min_potential: 500000,  min_score", "min_potential: 0.5,  min_score",
		"min_potential: 250000, ", "min_potential: 0.25, ", "min_potential: 100000, ", "min_potential: 0.1, ",
		"alone_at: 3000000", "alone_at: 3", "alone_at: 1000000", "alone_at: 1").Replace(string(policy.DefaultYAML()))
	share, err := Parse([]byte(text))
	require.NoError(t, err)
	absolute := defaultPolicy(t)
	for i, l := range share.calc.tiers {
		require.Equal(t, absolute.calc.tiers[i].min, l.min)
		require.Equal(t, absolute.calc.tiers[i].alone, l.alone)
	}
}

// FuzzParse: rules under any policy that is accepted decide.
func FuzzParse(f *testing.F) {
	f.Add(policy.DefaultYAML())
	f.Add([]byte("rfm: {labels: [{recency: [9]}]}"))
	f.Add([]byte(strings.Replace(string(policy.DefaultYAML()), "[5000, 40]", "[5000, 50]", 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if (p == nil) == (err == nil) {
			t.Fatal("neither a policy nor an error, or both")
		}
		if p != nil {
			if _, err := p.AddDecision(addCase(t, 30000, "FULL", "2", "UNKNOWN", "NONE", "HIGH"), nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}
