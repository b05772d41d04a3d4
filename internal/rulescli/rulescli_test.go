package rulescli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// book is the example of the specification of the JSON.
const book = `{
  "as_of": "2026-11-23",
  "nodes": [{"code": "DE", "level": "COUNTRY", "parent": "GLOBAL"}, {"code": "DE-N", "level": "REGION", "parent": "DE"},
            {"code": "DE-N-01", "level": "TERRITORY", "parent": "DE-N"}],
  "customers": [{
    "customer_no": "NW-HH", "legal_name": "Nordwind Klinik Hamburg", "group_id": "NORDWIND", "territory_code": "DE-N-01",
    "declared_potential": null, "addressable_spend_12m": 800000, "net_revenue_12m": 96000, "recency_days": 12, "orders_12m": 30, "active_months": 40,
    "growth_outlook_pct": 6, "margin_pct": 34, "strategic_fit": "FULL", "credit_rating": "B", "relationship_access": "CONTACT",
    "cost_to_serve": "MEDIUM", "buying_centralization": "NATIONAL", "reference_value": "HIGH", "relationship_stage": "COOPERATIVE",
    "product_fit": 75, "satisfaction": 80,
    "capability_items": {"data_sharing": 3, "joint_planning": 3, "executive_access": 3, "category_resources": 2, "execution_discipline": 3},
    "pl_lines_pct": {"invoice_discounts": 10.5, "freight_logistics": 4.5, "technical_service": 6.0},
    "hard_stops": [], "nominated": false,
    "current": {"ka_status": "NON_KA", "tier": null, "failed_reviews": 0},
    "country_code": "DE", "city": "Hamburg", "postal_code": "20095", "street": "Ring 1", "website": null, "phone": null,
    "trading_names": [], "identifiers": [{"scheme": "VAT_EU", "value": "DE136695976"}]
  }]
}`

// run executes the command on an input and returns its output.
func run(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	cmd := Command()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetIn(strings.NewReader(input))
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func TestVerbs(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"add", "-f", "-"}, []string{`"customer_no":"NW-HH","outcome":"ADD"`, `"missing":["annual_potential"]`, `"hard_stops":[]`, `"would_change":[`, `"confidence_pct":70`}},
		{[]string{"segment", "-f", "-"}, []string{`"abc_class":"A"`, `"annual_potential":{"amount":"320000.00","currency":"EUR"}`, `"rfm":{"recency":5,"frequency":5,"monetary":3}`,
			`"attractiveness":81.5`, `"improvement_potential_index":51.07`, `"ka_score":67.77`, `"segment":"A-STRATEGIC"`, `"completeness_pct":100`,
			`"leakage":{"freight_logistics":{"amount":"480.00","currency":"EUR"}`, `"totals":{`}},
		{[]string{"rollup", "-f", "-"}, []string{`"group_id":"NORDWIND","members":["NW-HH"],"material_sites":["NW-HH"]`, `"span_level":"TERRITORY","alone_level":null,"size_level":"REGIONAL","tier":"TERRITORY","home_node":"DE-N-01"`,
			`{"tier":"GLOBAL","test":"potential","value":{"amount":"320000.00","currency":"EUR"},"limit":{"amount":"1000000.00","currency":"EUR"},"passed":false}`}},
		{[]string{"classify", "-f", "-"}, []string{`"ka_status":"KA","change":"PROMOTE"`, `"gates":[{"id":"KG1","passed":true`, `"watch_list":false,"provisional":false,"review_in_days":90`}},
		{[]string{"validate", "-f", "-"}, []string{`"customer_no":"NW-HH","findings":[{"rule_id":`}},
		{[]string{"match", "-f", "-"}, []string{`{"pairs":[]}`}},
		{[]string{"identifier", "VAT_EU", "DE 136 695 976"}, []string{`{"scheme":"VAT_EU","value":"DE 136 695 976","compact":"DE136695976","valid":true,"problem":null}`}},
		{[]string{"identifier", "it-iva", "00743110157"}, []string{`{"scheme":"VAT_EU","value":"00743110157","compact":"IT00743110157","valid":true,"problem":null}`}},
		{[]string{"identifier", "VAT", "NO 988 077 917 MVA", "--country", "NO"}, []string{`"scheme":"NO_ORGNR"`, `"compact":"988077917","valid":true`}},
		{[]string{"identifier", "OTHER", "1.23457E+07"}, []string{`"valid":false,"problem":"FORMAT"`}},
		{[]string{"identifier", "VAT_EU", "DE136695977"}, []string{`"valid":false,"problem":"CHECKDIGIT"`}},
		{[]string{"normalize", "Müller & Söhne GmbH & Co. KG"}, []string{`{"plain":"muller and sohne","expanded":"mueller and soehne"}`}},
		{[]string{"add", "-f", "-", "--table"}, []string{"customer  outcome"}},
		{[]string{"rollup", "-f", "-", "--table"}, []string{"REGIONAL: span TERRITORY"}},
		{[]string{"policy", "schema"}, []string{"$schema"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			out, err := run(t, book, c.args...)
			require.NoError(t, err)
			for _, w := range c.want {
				require.Contains(t, out, w)
			}
		})
	}
}

// TestBadInput names the JSON path; the code stands for exit status 2.
func TestBadInput(t *testing.T) {
	for _, c := range []struct{ name, from, to, message string }{
		{"unknown key", `"satisfaction"`, `"satisfactoin"`, "customers[0].satisfactoin: unknown key; did you mean satisfaction?"},
		{"unknown key below", `"failed_reviews"`, `"failed"`, "customers[0].current.failed: unknown key"},
		{"unknown key above", `"as_of"`, `"asof"`, "asof: unknown key"},
		{"number is a text", `"orders_12m": 30`, `"orders_12m": "many"`, "customers[0].orders_12m: expected a whole number, found a text"},
		{"decimals lost", `"margin_pct": 34`, `"margin_pct": 34.567`, "customers[0].margin_pct"},
		{"list", `"trading_names": []`, `"trading_names": {}`, "customers[0].trading_names: expected a list"},
		{"value of a set", `"strategic_fit": "FULL"`, `"strategic_fit": "HALF"`, "customers[0].strategic_fit"},
		{"node", `"territory_code": "DE-N-01"`, `"territory_code": "XX"`, `customers[0].territory_code: there is no node "XX"`},
		{"currency", `"net_revenue_12m": 96000`, `"net_revenue_12m": {"amount": "1.00", "currency": "USD"}`, "customers[0].net_revenue_12m: currency USD has no rate to EUR"},
		{"cut off", `"DE136695976"}]
  }]
}`, `"DE1`, "customers[0].identifiers[0].value: the JSON ends too early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, book, c.from)
			_, err := run(t, strings.Replace(book, c.from, c.to, 1), "rollup", "-f", "-")
			require.ErrorIs(t, err, kam.Invalid)
			require.ErrorContains(t, err, c.message)
		})
	}
	_, err := run(t, "", "add")
	require.ErrorIs(t, err, kam.Invalid)
	_, err = run(t, "", "identifier", "XYZ", "1")
	require.ErrorIs(t, err, kam.Invalid)
}

func TestPolicyFlag(t *testing.T) {
	name := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(name, []byte(strings.Replace(string(policy.DefaultYAML()), "add_at: 60", "add_at: 99", 1)), 0o600))
	out, err := run(t, book, "add", "-f", "-", "--policy", name)
	require.NoError(t, err)
	require.Contains(t, out, `"outcome":"REFER"`)
	out, err = run(t, "", "policy", "check", name)
	require.NoError(t, err)
	require.Contains(t, out, "well formed")

	require.NoError(t, os.WriteFile(name, []byte("version: x\n"), 0o600))
	_, err = run(t, "", "policy", "check", name)
	require.ErrorIs(t, err, kam.Invalid)
	require.ErrorContains(t, err, "line 1, column 10: version: expected a whole number")
}

// TestKeys are those of the specification, no more and no fewer.
func TestKeys(t *testing.T) {
	for verb, want := range map[string][]string{
		"rollup":   {"group_id", "members", "material_sites", "potential", "score", "buying", "span_level", "alone_level", "size_level", "tier", "home_node", "tests"},
		"classify": {"group_id", "members", "material_sites", "potential", "score", "buying", "span_level", "alone_level", "size_level", "tier", "home_node", "tests", "ka_status", "change", "gates", "watch_list", "provisional", "review_in_days"},
	} {
		out, err := run(t, book, verb, "-f", "-")
		require.NoError(t, err)
		var doc struct {
			Groups []map[string]any `json:"groups"`
		}
		require.NoError(t, json.Unmarshal([]byte(out), &doc))
		var got []string
		for k := range doc.Groups[0] {
			got = append(got, k)
		}
		require.ElementsMatch(t, want, got)
	}
}
