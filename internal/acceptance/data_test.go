package acceptance

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

// fields is request data as a form sends it.
type fields map[string]any

func data(t *testing.T, parts ...fields) customer.RequestData {
	t.Helper()
	all := fields{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	b, err := json.Marshal(all)
	require.NoError(t, err)
	var d customer.RequestData
	require.NoError(t, kam.StrictUnmarshal(b, &d))
	return d
}

// screening is AD1 of P3.8 for a customer in the territory of DE-S-02.
func screening(name string) fields {
	return fields{
		"legal_name": name, "customer_kind": "ORGANIZATION", "country_code": "DE", "city": "München", "postal_code": "80331",
		"street": "Lindwurmstrasse 7", "industry_scheme": "NACE", "industry_code": "86.10", "source_channel": "VISIT", "sales_channel": "DIRECT",
		"declared_potential": fields{"amount": "140000.00", "currency": "EUR"}, "growth_outlook_pct": 12,
		"strategic_fit": "FULL", "credit_rating": "B", "relationship_access": "CONTACT", "cost_to_serve": "MEDIUM",
		"justification": "Wants to switch supplier this spring.",
		"identifiers":   []fields{{"scheme": "VAT_EU", "value": "DE811907980"}},
	}
}

// Worked examples of the add decision.
var (
	ad2 = fields{"declared_potential": fields{"amount": "30000.00", "currency": "EUR"}, "strategic_fit": "PARTIAL", "growth_outlook_pct": 2, "credit_rating": "UNKNOWN"}
	ad3 = fields{
		"declared_potential": fields{"amount": "3000.00", "currency": "EUR"}, "strategic_fit": "NONE", "growth_outlook_pct": 1,
		"credit_rating": "C", "relationship_access": "NONE", "cost_to_serve": "HIGH",
	}
	ad4 = fields{
		"declared_potential": fields{"amount": "120000.00", "currency": "EUR"}, "strategic_fit": "FULL", "growth_outlook_pct": nil,
		"credit_rating": "UNKNOWN", "relationship_access": nil, "cost_to_serve": nil,
	}
	ad5 = fields{
		"declared_potential": fields{"amount": "30000.00", "currency": "EUR"}, "strategic_fit": "FULL", "growth_outlook_pct": 2,
		"credit_rating": "UNKNOWN", "relationship_access": "CONTACT", "cost_to_serve": "HIGH",
	}
	ad6 = fields{
		"declared_potential": fields{"amount": "30000.00", "currency": "EUR"}, "strategic_fit": "FULL", "growth_outlook_pct": 2,
		"credit_rating": "UNKNOWN", "relationship_access": "NONE", "cost_to_serve": "HIGH",
	}
)

// details is a complete detail set.
func details() fields {
	return fields{
		"addresses":             []fields{{"type": "LEGAL", "line1": "Lindwurmstrasse 7", "city": "München", "postal_code": "80331", "country_code": "DE"}},
		"contacts":              []fields{{"name": "Petra Beispiel", "decision_role": "DECIDER", "email": "petra@klinik.example", "phone": "+49891234567"}},
		"buying_centralization": "LOCAL", "reference_value": "MEDIUM", "relationship_stage": "EXPLORATORY",
		"product_fit": 80, "satisfaction": 50, "expected_margin_pct": 30,
		"capability_items": capability(2, 2, 3, 2, 2), "currency": "EUR", "language": "de", "payment_terms_days": 30,
	}
}

func capability(v ...int) fields {
	out := fields{}
	for i, item := range kam.CapabilityItems {
		out[item] = v[i]
	}
	return out
}

func identifier(scheme, value string) fields {
	return fields{"identifiers": []fields{{"scheme": scheme, "value": value}}}
}

// text is a record as JSON, to look for a figure in it.
func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
