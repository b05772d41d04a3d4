package policy

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func shipped(t testing.TB) *Policy {
	t.Helper()
	p, err := Parse(defaultYAML)
	require.NoError(t, err)
	return p
}

// edited is the default policy with one text replaced.
func edited(t testing.TB, from, to string) string {
	t.Helper()
	require.Contains(t, string(defaultYAML), from)
	return strings.Replace(string(defaultYAML), from, to, 1)
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, from, to, path, message string }{
		{"unknown key", "auto_reject: true", "auto_rejekt: true", "process.auto_rejekt", "unknown key"},
		{"missing key", "  auto_reject: true ", "  # ", "process.auto_reject", "the key is missing"},
		{"double key", "  cut_a_pct: 80", "  cut_a_pct: 80\n  cut_a_pct: 70", "abc.cut_a_pct", "the key stands here and in line"},
		{"wrong type", "version: 1", "version: one", "version", "expected a whole number, found a text"},
		{"decimals lost", "add_at: 60", "add_at: 60.123", "add_decision.add_at", "at most 2 decimals"},
		{"weights", "{annual_potential: 30, strategic_fit: 20", "{annual_potential: 31, strategic_fit: 20", "add_decision.weights", "the weights sum to 101, not to 100"},
		{"bands do not rise", "[[0, 0], [5000, 40], [25000, 70]", "[[0, 0], [25000, 40], [5000, 70]", "add_decision.bands.annual_potential", "does not rise"},
		{"bands leave a part out", "growth_outlook_pct: [[-100, 0]", "growth_outlook_pct: [[-50, 0]", "add_decision.bands.growth_outlook_pct", "values from -100 to under -50 have no points"},
		{"points out of range", "[5000, 40]", "[5000, 140]", "add_decision.bands.annual_potential", "140 points are out of range"},
		{"unknown value", "{NONE: 0, PARTIAL: 50, FULL: 100}", "{NONE: 0, PARTIAL: 50, FULL: 100, HALF: 3}", "add_decision.maps.strategic_fit.HALF", "unknown value"},
		{"missing value", "{NONE: 0, PARTIAL: 50, FULL: 100}", "{NONE: 0, FULL: 100}", "add_decision.maps.strategic_fit.PARTIAL", "the value is missing"},
		{"closed text", "scope: COMPANY", "scope: PLANET", "abc.scope", `"PLANET" is not a value`},
		{"tiers out of order", "{tier: GLOBAL, ", "{tier: REGIONAL, ", "key_account.tiers[0]", "REGIONAL stands where GLOBAL belongs"},
		{"hard stop missing", "    - {id: HS8_CREDIT_D, outcome: REFER} ", "    ", "add_decision.hard_stops", "HS8_CREDIT_D is missing"},
		{"floor", "version: 1", "version: 1\nfindings: {VI02: WARNING}", "findings.VI02", "may not be less than ERROR"},
		{"share without revenue", "threshold_mode: ABSOLUTE", "threshold_mode: SHARE_OF_COMPANY_REVENUE", "key_account.threshold_mode", "need company_revenue"},
		{"gap", "[[0, 1], [2, 2], [6, 3], [12, 4], [24, 5]]", "[{min: 0, max: 2, points: 1}, {min: 3, points: 5}]", "rfm.frequency_orders", "gap: values from 2 to under 3 have no points"},
		{"overlap", "[[0, 1], [2, 2], [6, 3], [12, 4], [24, 5]]", "[{min: 0, max: 4, points: 1}, {min: 3, points: 5}]", "rfm.frequency_orders", "overlap: values from 3 to under 4 stand in two ranges"},
		{"alias", "base_currency: EUR", "base_currency: &a EUR", "base_currency", "anchors"},
		{"labels with a hole", "  mode: FIXED ", "  labels: [{label: CHAMPION, recency: [4, 5]}]\n  mode: FIXED ", "rfm.labels", "scores 111 have no label"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(edited(t, c.from, c.to)))
			var pe *Error
			require.True(t, errors.As(err, &pe), "%v", err)
			found := false
			for _, p := range pe.Problems {
				found = found || p.Path == c.path && strings.Contains(p.Message, c.message)
				require.Positive(t, p.Line)
				require.Positive(t, p.Column)
				require.NotEmpty(t, p.Remedy)
			}
			require.True(t, found, "%v", err)
		})
	}
}

func TestParseListsEveryProblem(t *testing.T) {
	text := strings.NewReplacer("add_at: 60", "add_at: sixty", "cut_b_pct: 95", "cut_b_pct: 950", "max_age_hours", "max_age_hour").Replace(string(defaultYAML))
	_, err := Parse([]byte(text))
	var pe *Error
	require.True(t, errors.As(err, &pe))
	require.Len(t, pe.Problems, 4, "%v", err)
}

// TestShippedComments: the added keys of D10, which the file shows as
// comments, are the defaults.
func TestShippedComments(t *testing.T) {
	text := string(defaultYAML)
	for _, key := range []string{"  # boundary:", "  # labels:", "  #   - {label:", "  # blocking:"} {
		text = strings.ReplaceAll(text, key, strings.Replace(key, "# ", "", 1))
	}
	shown, err := Parse([]byte(text))
	require.NoError(t, err)
	p := shipped(t)
	require.Equal(t, p.ABC, shown.ABC)
	require.Equal(t, p.RFM, shown.RFM)
	require.Equal(t, p.Duplicates, shown.Duplicates)
}

// TestLongDecimals: thousands in a policy are refused when it is loaded, and a
// stored version stays readable.
func TestLongDecimals(t *testing.T) {
	t.Parallel()
	require.NoError(t, checkDecimals(DefaultYAML()))
	for path, change := range map[string][2]string{
		"sla.high_priority_min_potential":           {"high_priority_min_potential: 500000", "high_priority_min_potential: 500.000"},
		"key_account.tiers[0].min_potential":        {"min_potential: 1000000, min_score", "min_potential: 1.000, min_score"},
		"add_decision.bands.annual_potential[1][0]": {"[5000, 40]", "[5.000, 40]"},
		"key_account.potential_stay_factor":         {"potential_stay_factor: 0.8 ", "potential_stay_factor: 0.8000 "},
	} {
		text := []byte(edited(t, change[0], change[1]))
		var bad *Error
		require.ErrorAs(t, checkDecimals(text), &bad, path)
		require.Len(t, bad.Problems, 1)
		require.Equal(t, path, bad.Problems[0].Path)
		require.Contains(t, bad.Problems[0].Message, "thousands or a slip")
	}
	_, err := Parse([]byte(edited(t, "high_priority_min_potential: 500000", "high_priority_min_potential: 500.000")))
	require.NoError(t, err)
}

func FuzzParse(f *testing.F) {
	f.Add(defaultYAML)
	f.Add([]byte("policy_id: [a, b]\nversion: {}\n"))
	f.Add([]byte("a: &x [*x]\n"))
	f.Add([]byte("? {a: b}\n: c\n"))
	f.Add([]byte("rfm: {labels: [{recency: [9]}]}"))
	f.Add(bytes.Replace(defaultYAML, []byte("[5000, 40]"), []byte("[5000, 1e99]"), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if (p == nil) == (err == nil) {
			t.Fatal("neither a policy nor an error, or both")
		}
	})
}

// TestPolicyWithoutNewKeys: a policy that was stored before has them as they
// are shipped.
func TestPolicyWithoutNewKeys(t *testing.T) {
	t.Parallel()
	text := string(defaultYAML)
	old := text
	for _, line := range []string{"    - {id: HS9_LIKE_A_REJECTED, outcome: REFER}\n", "  min_name_similarity_supported: 0.70   # where street and postal code, phone or domain agree\n"} {
		require.Contains(t, old, line)
		old = strings.Replace(old, line, "", 1)
	}
	p, err := Parse([]byte(old))
	require.NoError(t, err)
	now := shipped(t)
	require.Equal(t, now.Add.HardStops, p.Add.HardStops)
	require.Equal(t, now.Duplicates, p.Duplicates)
	require.Equal(t, now.CommonWords, p.CommonWords)
	// A floor that was lower already stays the floor.
	p, err = Parse([]byte(strings.Replace(old, "min_name_similarity: 0.80", "min_name_similarity: 0.60", 1)))
	require.NoError(t, err)
	require.Equal(t, kam.Dec(60), *p.Duplicates.MinNameSimilaritySupported)
	_, err = Parse([]byte(strings.Replace(text, "min_name_similarity_supported: 0.70", "min_name_similarity_supported: 0.90", 1)))
	require.ErrorContains(t, err, "duplicates.min_name_similarity_supported")
}
