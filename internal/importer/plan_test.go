package importer

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
)

const openHeader = "row_ref,legal_name,trading_name,country,region,city,postal_code,address,industry,annual_revenue,revenue_currency,employees,employees_band,website,identifier_scheme,identifier,ticker,parent_name\n"

func planOne(t *testing.T, row, defaults string) Row {
	t.Helper()
	d := NoDefaults()
	if defaults != "" {
		d = defaultsOf(t, defaults)
	}
	return Plan(tableOf(t, openHeader+row+"\n"), d).Rows[0]
}

func TestRowOfAnOpenFile(t *testing.T) {
	t.Parallel()
	r := planOne(t, `X1,"Nordlicht Pumpen, Inc.",Nordlicht,US,Georgia,Atlanta,100195369,Peach St 1,Industrials / Heavy Electrical Equipment,1000000000,USD,014952,250 to 499,Nordlicht-Pumpen.EXAMPLE/,CIK,0000084839,NLP,Nordlicht Group`, someDefaults)
	require.Equal(t, Ready, r.Status, FindingsText(r.Findings))
	require.Equal(t, "X1", r.Ref)
	d := r.Data
	require.Equal(t, []string{"Nordlicht"}, d.TradingNames)
	require.Equal(t, "US", d.CountryCode)
	require.Equal(t, "Georgia", d.Region)
	require.Equal(t, "10019-5369", d.PostalCode)
	require.Equal(t, "Peach St 1", d.Street)
	require.Equal(t, kam.IndustryScheme("CUSTOM"), d.IndustryScheme)
	require.Equal(t, "industrials", d.IndustryCode)
	require.Equal(t, "Industrials / Heavy Electrical Equipment", d.IndustryText)
	require.Equal(t, kam.NewMoney(920_000_000, "EUR"), *d.AnnualTurnover)
	require.Equal(t, kam.NewMoney(92_000, "EUR"), *d.DeclaredPotential)
	require.Equal(t, int64(14952), *d.Employees)
	require.Equal(t, "250 to 499", d.EmployeesBand)
	require.Equal(t, "https://nordlicht-pumpen.example", d.Website)
	require.Equal(t, []customer.Identifier{{Scheme: kam.SchemeOther, Name: "CIK", Value: "0000084839", Country: "US", Source: "import"}}, d.Identifiers)
	require.Equal(t, "Nordlicht Group", d.GroupName)
	require.Contains(t, d.Justification, "0.01 % of annual_revenue, basis ESTIMATE")
}

func TestRowsThatLackSomething(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		row    string
		status Status
		want   string
	}{
		"no postal code": {"1,Nord AG,,DE,,Köln,,,Steel,100000000,EUR,,,,,,,", Parked, "VF01 postal_code: is missing"},
		"bad postal":     {"1,Nord AG,,DE,,Köln,5066,,Steel,100000000,EUR,,,,,,,", Parked, "VA02 postal_code"},
		"no city":        {"1,Nord AG,,DE,,,50667,,Steel,100000000,EUR,,,,,,,", Parked, "VF01 city: is missing"},
		"no revenue":     {"1,Nord AG,,DE,,Köln,50667,,Steel,,,,,,,,,", Parked, "VF01 declared_potential: is missing"},
		"no rate":        {"1,Nord AG,,DE,,Köln,50667,,Steel,100000000,CHF,,,,,,,", Parked, "no rate for CHF"},
		"no currency":    {"1,Nord AG,,DE,,Köln,50667,,Steel,100000000,,,,,,,,", Parked, "annual_revenue 100000000"},
		"bad revenue":    {"1,Nord AG,,DE,,Köln,50667,,Steel,\"1.234,56\",EUR,,,,,,,", Parked, "annual_revenue 1.234,56"},
		"bad website":    {"1,Nord AG,,DE,,Köln,50667,,Steel,100000000,EUR,,,n/a,,,,", Ready, "website: \"n/a\" cannot be read"},
		"bad LEI":        {"1,Nord AG,,DE,,Köln,50667,,Steel,100000000,EUR,,,,LEI,213800KUD8LXJWSQ9D15,,", Ready, "VI02 identifiers"},
		"bad employees":  {"1,Nord AG,,DE,,Köln,50667,,Steel,100000000,EUR,many,,,,,,", Ready, "employees: \"many\" cannot be read"},
		"bad country":    {"1,Nord AG,,ZZ,,Köln,,,Steel,100000000,EUR,,,,,,,", Refused, "VA01 country_code"},
		"no country":     {"1,Nord AG,,,,Köln,,,Steel,100000000,EUR,,,,,,,", Refused, "VF01 country_code"},
		"no name":        {"1,,,DE,,Köln,,,Steel,100000000,EUR,,,,,,,", Refused, "VF01 legal_name"},
		"half a number":  {"1,Nord AG,,DE,,Köln,50667,,Steel,100000000,EUR,,,,,12345,,", Ready, "scheme and value go together"},
		"name too short": {"1,N,,DE,,Köln,,,Steel,100000000,EUR,,,,,,,", Refused, "VF02 legal_name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := planOne(t, c.row, someDefaults)
			require.Equal(t, c.status, r.Status, FindingsText(r.Findings))
			require.Contains(t, FindingsText(r.Findings), c.want)
			require.Empty(t, rules.FormErrors(r.Data))
		})
	}
}

func TestIdentifierSchemes(t *testing.T) {
	t.Parallel()
	for scheme, want := range map[string]kam.IdentifierScheme{
		"LEI": kam.SchemeLEI, "vat": kam.SchemeVATEU, "ES-NIF": kam.SchemeOther, "GB-COH": kam.SchemeOther,
		"CIK": kam.SchemeOther, "ISIN": kam.SchemeOther, "NL-KVK": kam.SchemeOther, "DE-HR": kam.SchemeOther, "US-REGNO": kam.SchemeOther,
	} {
		require.Equal(t, want, imported(scheme, "1", "DE").Scheme, scheme)
	}
	table := tableOf(t, "legal_name,country,identifiers\nNord,DE,VAT_EU:DE 136695976|LEI:213800KUD8LAJWSQ9D15\n")
	ids := Plan(table, NoDefaults()).Rows[0].Data.Identifiers
	require.Len(t, ids, 2)
	require.Equal(t, "DE136695976", ids[0].Value)
}

func TestOwnFieldNames(t *testing.T) {
	t.Parallel()
	table := tableOf(t, "legal_name;country_code;declared_potential;growth_outlook_pct;nominate_key_account;strategic_fit;phone;trading_names\n"+
		"Nord AG;de;140000 EUR;12.5;yes;full;+49 (40) 123-456;NAG|Nord\n")
	d := Plan(table, NoDefaults()).Rows[0].Data
	require.Equal(t, kam.NewMoney(140_000, "EUR"), *d.DeclaredPotential)
	require.Equal(t, "12.5", d.GrowthOutlookPct.String())
	require.True(t, d.NominateKeyAccount)
	require.Equal(t, kam.StrategicFit("FULL"), d.StrategicFit)
	require.Equal(t, "+4940123456", d.Phone)
	require.Equal(t, []string{"NAG", "Nord"}, d.TradingNames)
	require.Equal(t, "DE", d.CountryCode)
}

func TestDefaultsAreStrict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"no object":      {`[]`, "not one JSON object"},
		"unknown field":  {`{"colour": "red"}`, "colour: no field"},
		"bad choice":     {`{"strategic_fit": "MUCH"}`, "strategic_fit"},
		"bad rate":       {`{"rates": {"USD": "much"}}`, "rates"},
		"zero rate":      {`{"rates": {"USD": "0"}}`, "rates"},
		"bad base":       {`{"base_currency": "EURO"}`, "base_currency"},
		"unknown source": {`{"declared_potential": {"share_of": "sales", "pct": 1}}`, "declared_potential.share_of"},
		"no percentage":  {`{"declared_potential": {"share_of": "annual_revenue"}}`, "declared_potential.pct"},
		"floor over cap": {`{"declared_potential": {"share_of": "annual_revenue", "pct": 1, "floor": 5, "cap": 4}}`, "declared_potential.floor"},
		"huge exponent":  {`{"declared_potential": {"share_of": "annual_revenue", "pct": 1e999999}}`, "declared_potential"},
		"bad basis":      {`{"declared_potential": {"share_of": "annual_revenue", "pct": 1, "basis": "GUESS"}}`, "declared_potential.basis"},
		"unknown key":    {`{"declared_potential": {"share_of": "annual_revenue", "pct": 1, "max": 3}}`, "max"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadDefaults(strings.NewReader(c.text))
			require.ErrorIs(t, err, kam.Invalid)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestFormulaBounds(t *testing.T) {
	t.Parallel()
	const row = `1,Nord AG,,DE,,Köln,50667,,Steel,%s,EUR,,,,,,,`
	const defaults = `{"declared_potential": {"share_of": "annual_revenue", "pct": 0.015, "floor": 5000, "cap": 250000}}`
	for revenue, want := range map[string]string{"1": "5000.00", "100000000": "15000.00", "100000033": "15000.00", "100000034": "15000.01", "9000000000": "250000.00"} {
		r := planOne(t, strings.Replace(row, "%s", revenue, 1), defaults)
		require.Equal(t, want, r.Data.DeclaredPotential.Amount(), revenue)
	}
}

func TestEqualRowsStartOnce(t *testing.T) {
	t.Parallel()
	b := Plan(tableOf(t, "row_ref,legal_name,country\n1,Nord AG,DE\n1,Nord AG,DE\n2,Nord AG,DE\n"), NoDefaults())
	d := newDesk()
	rep, err := Run(t.Context(), b, d, RunOptions{})
	require.NoError(t, err)
	require.Len(t, d.cases, 2)
	require.Equal(t, 1, rep.Summary.Same)
	require.Equal(t, rep.Rows[0].CaseNo, rep.Rows[1].CaseNo)
}

func TestInterruptedImportGoesOn(t *testing.T) {
	t.Parallel()
	b := Plan(tableOf(t, rowsCSV(60)), NoDefaults())
	d := newDesk()
	d.fail = func(n int) error {
		if n > 25 {
			return errors.New("connection refused")
		}
		return nil
	}
	rep, err := Run(t.Context(), b, d, RunOptions{Concurrency: 4})
	require.ErrorContains(t, err, "connection refused")
	require.Equal(t, 25, rep.Summary.Started)
	require.Equal(t, 35, rep.Summary.Left)

	d.fail = nil
	rep, err = Run(t.Context(), b, d, RunOptions{Concurrency: 4})
	require.NoError(t, err)
	require.Equal(t, 35, rep.Summary.Started)
	require.Equal(t, 25, rep.Summary.Existing)
	require.Len(t, d.cases, 60)
}

func TestCancelledContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := Plan(tableOf(t, rowsCSV(10)), NoDefaults())
	_, err := Run(ctx, b, newDesk(), RunOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestRefusedRowDoesNotStopTheRest(t *testing.T) {
	t.Parallel()
	d := newDesk()
	d.fail = func(n int) error {
		if n == 3 {
			return kam.Errorf(kam.Forbidden, "not your territory").On("territory_code")
		}
		return nil
	}
	rep, err := Run(t.Context(), Plan(tableOf(t, rowsCSV(10)), NoDefaults()), d, RunOptions{Concurrency: 1})
	require.NoError(t, err)
	require.Equal(t, 9, rep.Summary.Started)
	require.Equal(t, StateRefused, rep.Rows[2].State)
	require.Contains(t, FindingsText(rep.Rows[2].Findings), "not your territory")
}

func TestResultCanBeImportedAgain(t *testing.T) {
	t.Parallel()
	text := "row_ref,legal_name,country,justification,address\n" +
		"1,=cmd AG,DE,+plus,@home\n2,'=quoted AG,DE,-minus,＝wide\n3,''+twice AG,AT,\"a,b\nc\",plain\n4,Refused AG,ZZ,x,y\n"
	d := newDesk()
	b := Plan(tableOf(t, text), NoDefaults())
	rep, err := Run(t.Context(), b, d, RunOptions{})
	require.NoError(t, err)
	var first bytes.Buffer
	require.NoError(t, WriteResult(&first, b, rep))
	for _, cell := range []string{"'=cmd AG", "'+plus", "'@home", "''=quoted AG", "'-minus", "'＝wide", "'''+twice AG"} {
		require.Contains(t, first.String(), cell)
	}

	again := Plan(tableOf(t, first.String()), NoDefaults())
	for i := range b.Rows {
		require.Equal(t, b.Rows[i].Key, again.Rows[i].Key)
		require.Equal(t, b.Rows[i].Data, again.Rows[i].Data)
	}
	rep, err = Run(t.Context(), again, d, RunOptions{})
	require.NoError(t, err)
	require.Zero(t, rep.Summary.Started)
	require.Len(t, d.cases, 3)
	var second bytes.Buffer
	require.NoError(t, WriteResult(&second, again, rep))
	require.Equal(t, first.String(), second.String())
}

func TestGuardIsReversible(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "'", "''", "=", "'=", "''=x", "+1", "-", "@", "\tx", "\rx", "＝", "＋", "－", "＠", "a=b", "'a", "0", "ö"} {
		require.Equal(t, s, unguard(guard(s)), "%q", s)
		require.False(t, strings.ContainsAny(firstRune(guard(s)), starters), "%q", s)
	}
}

// TestSampleDefaults holds the shipped defaults file against the open file's
// columns.
func TestSampleDefaults(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../config/sample/import_defaults.json")
	require.NoError(t, err)
	r := planOne(t, "1,Nord AG,,US,Ohio,Akron,44308,,Steel,2000000000,USD,,,,,,,", string(raw))
	require.Equal(t, Ready, r.Status, FindingsText(r.Findings))
}
