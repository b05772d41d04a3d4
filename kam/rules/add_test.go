package rules

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

func dec(t testing.TB, s string) kam.Dec {
	t.Helper()
	d, err := kam.ParseDec(s)
	require.NoError(t, err)
	return d
}

func ptr[T any](v T) *T { return &v }

func eur(units int64) *kam.Money { return ptr(kam.NewMoney(units, "EUR")) }

// addCase is a request with the six criteria of 1.1.4; empty is unknown.
func addCase(t testing.TB, potential int64, fit, growth, credit, access, cost string) Customer {
	c := Customer{CustomerNo: "X"}
	c.DeclaredPotential, c.StrategicFit, c.CreditRating = eur(potential), kam.StrategicFit(fit), kam.CreditRating(credit)
	c.RelationshipAccess, c.CostToServe = kam.RelationshipAccess(access), kam.CostToServe(cost)
	if growth != "" {
		c.GrowthOutlookPct = ptr(dec(t, growth))
	}
	return c
}

// TestAddDecision are the worked examples AD1 to AD7 (P3.8).
func TestAddDecision(t *testing.T) {
	p := defaultPolicy(t)
	ad7 := addCase(t, 140000, "FULL", "12", "B", "CONTACT", "MEDIUM")
	ad7.HardStops = []string{"HS6_SANCTIONS_POSSIBLE"}
	for _, c := range []struct {
		id         string
		in         Customer
		score      string
		confidence string
		outcome    kam.Recommendation
	}{
		{"AD1", addCase(t, 140000, "FULL", "12", "B", "CONTACT", "MEDIUM"), "86.5", "100", kam.Add},
		{"AD2", addCase(t, 30000, "PARTIAL", "2", "UNKNOWN", "CONTACT", "MEDIUM"), "54", "85", kam.Refer},
		{"AD3", addCase(t, 3000, "NONE", "1", "C", "NONE", "HIGH"), "12.5", "100", kam.Reject},
		{"AD4", addCase(t, 120000, "FULL", "", "", "", ""), "70", "50", kam.Refer},
		{"AD5", addCase(t, 30000, "FULL", "2", "UNKNOWN", "CONTACT", "HIGH"), "60", "85", kam.Add},
		{"AD6", addCase(t, 30000, "FULL", "2", "UNKNOWN", "NONE", "HIGH"), "55", "85", kam.Refer},
		{"AD7", ad7, "86.5", "100", kam.ReferCompliance},
	} {
		t.Run(c.id, func(t *testing.T) {
			rec, err := p.AddDecision(c.in, nil)
			require.NoError(t, err)
			require.Equal(t, c.score, rec.Score.String())
			require.Equal(t, c.confidence, rec.Confidence.String())
			require.Equal(t, string(c.outcome), rec.Outcome)
			require.Len(t, rec.Criteria, 6)
		})
	}
}

// TestAddDecisionRecord is the record of P3.6.
func TestAddDecisionRecord(t *testing.T) {
	rec, err := defaultPolicy(t).AddDecision(addCase(t, 30000, "PARTIAL", "2", "UNKNOWN", "CONTACT", "MEDIUM"), nil)
	require.NoError(t, err)
	require.Equal(t, "Score 54.00, from 40 to under 60", rec.Headline)
	require.Equal(t, []string{"credit_rating"}, rec.Missing)
	require.Equal(t, onboarding.CriterionResult{ID: "annual_potential", Value: "30000 EUR", Points: 7000, Weight: 3000, Contribution: 2100}, rec.Criteria[0])
	require.Equal(t, []onboarding.WouldChange{
		{Criterion: "credit_rating", To: "A", Score: 6300, Outcome: "ADD"},
		{Criterion: "growth_outlook_pct", To: ">= 8", Score: 6300, Outcome: "ADD"},
		{Criterion: "annual_potential", To: ">= 100000", Score: 6300, Outcome: "ADD"},
		{Criterion: "strategic_fit", To: "FULL", Score: 6400, Outcome: "ADD"},
	}, rec.WouldChange)
}

func TestAddDecisionHardStops(t *testing.T) {
	c := addCase(t, 140000, "FULL", "12", "D", "CONTACT", "MEDIUM")
	c.CountryCode, c.IndustryCode, c.HardStops = "DE", "25.4", []string{"HS5"}
	ids := func(text string) (out []string, outcome string) {
		p, err := Parse([]byte(text))
		require.NoError(t, err)
		rec, err := p.AddDecision(c, nil)
		require.NoError(t, err)
		for _, h := range rec.HardStops {
			out = append(out, h.ID)
		}
		return out, rec.Outcome
	}
	got, outcome := ids(string(policy.DefaultYAML()))
	require.Equal(t, []string{"HS5_RECENTLY_REJECTED", "HS8_CREDIT_D"}, got)
	require.Equal(t, "REJECT", outcome)

	got, _ = ids(edited(t, "served_countries: []  ", "served_countries: [FR]  "))
	require.Contains(t, got, "HS3_COUNTRY_NOT_SERVED")
	got, _ = ids(edited(t, "excluded_industry_prefixes: []", `excluded_industry_prefixes: ["25.4"]`))
	require.Contains(t, got, "HS4_INDUSTRY_EXCLUDED")
	got, outcome = ids(edited(t, "{id: HS5_RECENTLY_REJECTED, outcome: REJECT}", "{id: HS5_RECENTLY_REJECTED, outcome: REJECT, enabled: false}"))
	require.Equal(t, []string{"HS8_CREDIT_D"}, got)
	require.Equal(t, "REFER", outcome)
}

func TestAddDecisionRefusesByName(t *testing.T) {
	p := defaultPolicy(t)
	c := addCase(t, 1, "FULL", "", "", "", "")
	c.DeclaredPotential = ptr(kam.NewMoney(200000, "USD"))
	_, err := p.AddDecision(c, nil)
	require.ErrorContains(t, err, "declared_potential: currency USD has no rate to EUR")
	rec, err := p.AddDecision(c, map[string]kam.Rate{"USD": "0.5"})
	require.NoError(t, err)
	require.Equal(t, "100000 EUR", rec.Criteria[0].Value)
	_, err = p.AddDecision(addCase(t, 1, "HALF", "", "", "", ""), nil)
	require.ErrorContains(t, err, "strategic_fit")
}
