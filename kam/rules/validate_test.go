package rules_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
)

const completeJSON = `{"customer_no":"C1","legal_name":"Nordwind Klinik Hamburg","customer_kind":"ORGANIZATION","country_code":"DE","city":"Hamburg",
	"postal_code":"20095","identifiers":[{"scheme":"VAT_EU","value":"DE136695976"}],"industry_scheme":"NACE","industry_code":"86.10",
	"source_channel":"VISIT","sales_channel":"DIRECT","declared_potential":140000,"strategic_fit":"FULL","credit_rating":"B",
	"justification":"A clinic group that renews its devices.","group_id":"NORDWIND","website":"https://nordwind.example",
	"addresses":[{"type":"LEGAL","line1":"Ring 1","city":"Hamburg","postal_code":"20095","country_code":"DE"}],
	"contacts":[{"name":"Anna Beck","decision_role":"DECIDER","email":"anna.beck@nordwind.example","phone":"+49401234567"}],
	"annual_turnover":9000000,"buying_centralization":"NATIONAL","reference_value":"HIGH","relationship_stage":"BASIC","product_fit":75,
	"expected_margin_pct":34,"capability_items":{"data_sharing":3,"joint_planning":3,"executive_access":3,"category_resources":2,"execution_discipline":3},
	"currency":"EUR","language":"de","payment_terms_days":30}`

// complete is a customer without findings, changed by JSON laid over it.
func complete(t testing.TB, overlay string) rules.Customer {
	t.Helper()
	var c rules.Customer
	require.NoError(t, json.Unmarshal([]byte(completeJSON), &c))
	if overlay != "" {
		require.NoError(t, json.Unmarshal([]byte(overlay), &c))
	}
	return c
}

// found lists findings as "RULE SEVERITY field".
func found(all []customer.Finding) []string {
	list := []string{}
	for _, f := range all {
		list = append(list, f.RuleID+" "+string(f.Severity)+" "+f.Field)
	}
	return list
}

func TestValidate(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	dec := func(n int64) *kam.Dec { d := kam.DecFromInt(n); return &d }
	for name, c := range map[string]struct {
		overlay string
		ctx     rules.ValidationContext
		want    []string
	}{
		"Clean":            {"", rules.ValidationContext{}, []string{}},
		"Missing":          {`{"credit_rating":"","language":""}`, rules.ValidationContext{}, []string{"VF01 ERROR credit_rating", "VF01 ERROR language"}},
		"MarginOnlyNew":    {`{"expected_margin_pct":null}`, rules.ValidationContext{CaseType: kam.Modify}, []string{}},
		"PostalMissing":    {`{"postal_code":""}`, rules.ValidationContext{}, []string{"VF01 ERROR postal_code"}},
		"Range":            {`{"payment_terms_days":200}`, rules.ValidationContext{}, []string{"VF02 ERROR payment_terms_days"}},
		"Placeholder":      {`{"legal_name":"T.B.D."}`, rules.ValidationContext{}, []string{"VF03 ERROR legal_name"}},
		"NoLetter":         {`{"legal_name":"12345"}`, rules.ValidationContext{}, []string{"VF03 ERROR legal_name"}},
		"Email":            {`{"contacts":[{"name":"A","decision_role":"USER","email":"a b@c.de"}]}`, rules.ValidationContext{}, []string{"VF04 ERROR contacts[0].email"}},
		"FreeMail":         {`{"contacts":[{"name":"A","decision_role":"USER","email":"a@gmx.de"}]}`, rules.ValidationContext{}, []string{"VF05 WARNING contacts[0].email"}},
		"FreeMailPerson":   {`{"customer_kind":"SOLE_PRACTITIONER","contacts":[{"name":"A","decision_role":"USER","email":"a@gmx.de"}]}`, rules.ValidationContext{}, []string{}},
		"Potential":        {`{"annual_turnover":1399999}`, rules.ValidationContext{}, []string{"VF06 REVIEW declared_potential"}},
		"PotentialAtTenth": {`{"annual_turnover":1400000}`, rules.ValidationContext{}, []string{}},
		"Spend":            {`{"addressable_spend_12m":99,"addressable_spend_basis":"ESTIMATE","net_revenue_12m":100}`, rules.ValidationContext{}, []string{"VF07 REVIEW addressable_spend_12m"}},
		"Completeness":     {"", rules.ValidationContext{CompletenessPct: dec(79)}, []string{"VF08 WARNING completeness_pct"}},
		"NoIdentifier":     {`{"identifiers":[]}`, rules.ValidationContext{}, []string{"VF09 ERROR identifiers"}},
		"NoIdentifierBody": {`{"identifiers":[],"customer_kind":"PUBLIC_BODY"}`, rules.ValidationContext{}, []string{"VF09 REVIEW identifiers"}},
		"Country":          {`{"country_code":"XX","identifiers":[{"scheme":"LEI","value":"213800KUD8LAJWSQ9D15"}]}`, rules.ValidationContext{}, []string{"VA01 ERROR country_code", "VA06 REVIEW addresses[0].country_code"}},
		"Postal":           {`{"postal_code":"2009"}`, rules.ValidationContext{}, []string{"VA02 ERROR postal_code"}},
		"PostalUnknown": {
			`{"country_code":"KE","postal_code":"1","identifiers":[{"scheme":"LEI","value":"213800KUD8LAJWSQ9D15"}],"addresses":[{"type":"LEGAL","line1":"Ring 1","city":"Nairobi","country_code":"KE"}]}`,
			rules.ValidationContext{}, []string{"VA03 INFO postal_code"},
		},
		"NoLegal":   {`{"addresses":[{"type":"VISIT","line1":"Ring 1","city":"Hamburg","country_code":"DE"}]}`, rules.ValidationContext{}, []string{"VA04 ERROR addresses"}},
		"NoStreet":  {`{"addresses":[{"type":"LEGAL","line1":" ","city":"","country_code":"DE"}]}`, rules.ValidationContext{}, []string{"VA04 ERROR addresses[0].city", "VA04 ERROR addresses[0].line1"}},
		"AC25":      {`{"addresses":[{"type":"LEGAL","line1":"Postfach 10 20","city":"Hamburg","country_code":"DE"}]}`, rules.ValidationContext{}, []string{"VA05 REVIEW addresses[0].line1"}},
		"OneDegree": {`{"addresses":[{"type":"LEGAL","line1":"Ring 1","city":"Hamburg","country_code":"DE","lat":53.5}]}`, rules.ValidationContext{}, []string{"VA07 ERROR addresses[0]"}},
		"AC24":      {`{"identifiers":[{"scheme":"VAT_EU","value":"DE136695977"}]}`, rules.ValidationContext{}, []string{"VI02 ERROR identifiers[0].value"}},
		"Form":      {`{"identifiers":[{"scheme":"VAT_EU","value":"DE13669597"}]}`, rules.ValidationContext{}, []string{"VI01 ERROR identifiers[0].value"}},
		"Foreign":   {`{"identifiers":[{"scheme":"FR_SIREN","value":"552008443"}]}`, rules.ValidationContext{}, []string{"VI03 REVIEW identifiers[0]"}},
		"Siren": {
			`{"country_code":"FR","postal_code":"75001","addresses":[{"type":"LEGAL","line1":"Rue 1","city":"Paris","country_code":"FR"}],
			"identifiers":[{"scheme":"VAT_EU","value":"FR61954506077"},{"scheme":"FR_SIREN","value":"552008443"}]}`, rules.ValidationContext{},
			[]string{"VI04 REVIEW identifiers[0]"},
		},
		"Siret": {
			`{"country_code":"FR","postal_code":"75001","addresses":[{"type":"LEGAL","line1":"Rue 1","city":"Paris","country_code":"FR"}],
			"identifiers":[{"scheme":"FR_SIREN","value":"552008443"},{"scheme":"FR_SIRET","value":"73282932000074"}]}`, rules.ValidationContext{},
			[]string{"VI04 REVIEW identifiers[1]"},
		},
		"TwoValues": {`{"identifiers":[{"scheme":"VAT_EU","value":"DE136695976"},{"scheme":"VAT_EU","value":"DE115235681"}]}`, rules.ValidationContext{}, []string{"VI05 ERROR identifiers[1]"}},
		"SameTwice": {`{"identifiers":[{"scheme":"VAT_EU","value":"DE136695976"},{"scheme":"VAT_EU","value":"DE 136 695 976"}]}`, rules.ValidationContext{}, []string{}},
		"Register": {
			"", rules.ValidationContext{Register: []rules.RegisterFact{
				{Scheme: kam.SchemeVATEU, Value: "DE136695976", Register: "VIES", Found: true, Name: "Somebody Else GmbH", Inactive: true},
			}}, []string{"VI07 REVIEW identifiers[0]", "VI08 REVIEW identifiers[0]"},
		},
		"RegisterNotFound": {"", rules.ValidationContext{Register: []rules.RegisterFact{{Scheme: kam.SchemeVATEU, Value: "DE136695976", Register: "VIES"}}}, []string{"VI06 REVIEW identifiers[0]"}},
		"RegisterDown":     {"", rules.ValidationContext{Register: []rules.RegisterFact{{Scheme: kam.SchemeVATEU, Value: "DE136695976", Register: "VIES", Down: true}}}, []string{"VI06 INFO identifiers[0]"}},
		"DUNS":             {`{"identifiers":[{"scheme":"DUNS","value":"812810734"}]}`, rules.ValidationContext{}, []string{"VI09 WARNING identifiers[0].source"}},
		"NoParent":         {`{"parent_customer_id":"P"}`, rules.ValidationContext{Parent: &rules.ParentFacts{}}, []string{"VH01 ERROR parent_customer_id"}},
		"Cycle":            {`{"parent_customer_id":"P"}`, rules.ValidationContext{Parent: &rules.ParentFacts{Exists: true, Active: true, Ancestors: []string{"P", "C1"}}}, []string{"VH02 ERROR parent_customer_id"}},
		"OwnParent":        {`{"parent_customer_id":"C1"}`, rules.ValidationContext{}, []string{"VH02 ERROR parent_customer_id"}},
		"Depth10":          {`{"parent_customer_id":"P"}`, rules.ValidationContext{Parent: &rules.ParentFacts{Exists: true, Active: true, Ancestors: strings.Fields("P a b c d e f g h i")}}, []string{}},
		"Depth11":          {`{"parent_customer_id":"P"}`, rules.ValidationContext{Parent: &rules.ParentFacts{Exists: true, Active: true, Ancestors: strings.Fields("P a b c d e f g h i j")}}, []string{"VH02 ERROR parent_customer_id"}},
		"OtherGroupParent": {`{"parent_customer_id":"P"}`, rules.ValidationContext{Parent: &rules.ParentFacts{Exists: true, Active: false, GroupID: "KASTEL", Ancestors: []string{"P"}}}, []string{"VH01 ERROR parent_customer_id", "VH03 ERROR parent_customer_id"}},
		"OtherGroup": {
			"", rules.ValidationContext{OtherGroups: []rules.GroupMark{
				{CustomerNo: "C9", GroupID: "KASTEL", Domains: []string{"nordwind.example"}, Identifiers: []customer.Identifier{id("VAT_EU", "DE136695976")}},
				{CustomerNo: "C8", GroupID: "NORDWIND", Domains: []string{"nordwind.example"}},
			}}, []string{"VH04 REVIEW identifiers", "VH04 REVIEW website"},
		},
		"NoHead": {"", rules.ValidationContext{Group: &rules.GroupFacts{Members: 2}}, []string{"VH05 WARNING group_id"}},
		"Duplicates": {
			"", rules.ValidationContext{Candidates: []customer.Candidate{
				{Ref: "A", Class: kam.MatchCertain}, {Ref: "B", Class: kam.MatchCertain, Waived: true}, {Ref: "C", Class: kam.MatchProbable}, {Ref: "D", Class: kam.MatchPossible},
			}, Taken: []rules.IdentifierOwner{{Scheme: kam.SchemeVATEU, Value: "DE136695976", CustomerNo: "C7"}}},
			[]string{"DUPLICATE_IDENTIFIER ERROR identifiers.VAT_EU.DE136695976", "VD01 REVIEW candidates.A", "VD01 INFO candidates.B", "VD02 REVIEW candidates.C", "VD03 WARNING candidates.D"},
		},
		"Confirmed": {"", rules.ValidationContext{Screening: &rules.ScreeningFacts{Hits: []rules.ScreenedHit{hit("A", kam.ScreeningConfirmed)}}}, []string{"VS01 ERROR screening"}},
		"Possible":  {"", rules.ValidationContext{Screening: &rules.ScreeningFacts{Hits: []rules.ScreenedHit{hit("A", kam.ScreeningPossible)}, AgeHours: 25}}, []string{"VS02 REVIEW screening", "VS03 INFO screening"}},
		"Cleared":   {"", rules.ValidationContext{Screening: &rules.ScreeningFacts{Hits: []rules.ScreenedHit{cleared(hit("A", kam.ScreeningPossible))}, AgeHours: 24}}, []string{}},
		"cleared is one of three": {"", rules.ValidationContext{Screening: &rules.ScreeningFacts{Hits: []rules.ScreenedHit{
			hit("A", kam.ScreeningPossible), cleared(hit("B", kam.ScreeningPossible)), hit("C", kam.ScreeningPossible),
		}}}, []string{"VS02 REVIEW screening", "VS02 REVIEW screening"}},
		"nobody clears a confirmed one": {"", rules.ValidationContext{Screening: &rules.ScreeningFacts{Hits: []rules.ScreenedHit{
			cleared(hit("A", kam.ScreeningConfirmed)), hit("B", kam.ScreeningPossible),
		}}}, []string{"VS01 ERROR screening", "VS02 REVIEW screening"}},
		"down hides no hit of our own list": {"", rules.ValidationContext{Screening: &rules.ScreeningFacts{Down: true, Hits: []rules.ScreenedHit{
			hit("A", kam.ScreeningConfirmed),
		}}}, []string{"VS01 ERROR screening", "VS04 REVIEW screening"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings := p.Validate(complete(t, c.overlay), c.ctx)
			require.Equal(t, c.want, found(findings), "%+v", findings)
			for _, f := range findings {
				require.NotEmpty(t, f.Category)
				require.NotEmpty(t, f.Message)
				require.NotContains(t, f.Message, f.Field+":", "lists show the field beside it")
				require.NotContains(t, f.Message, f.RuleID, "and the rule")
			}
		})
	}
}

func hit(ref string, r kam.ScreeningResult) rules.ScreenedHit {
	return rules.ScreenedHit{ScreeningHit: customer.ScreeningHit{List: customer.OwnList, Ref: ref, Result: r}}
}

func cleared(h rules.ScreenedHit) rules.ScreenedHit {
	h.Cleared = true
	return h
}

// TestWaiverOfAnotherValue: what was accepted was the value that stood in the
// field, not whatever may stand there later.
func TestWaiverOfAnotherValue(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	seen := complete(t, `{"identifiers":[{"scheme":"FR_SIREN","value":"552008443"}]}`)
	before := p.Validate(seen, rules.ValidationContext{})
	require.Equal(t, []string{"VI03 REVIEW identifiers[0]"}, found(before))
	waived := rules.ValidationContext{Waivers: []rules.Waiver{{RuleID: "VI03", Field: "identifiers[0]", What: before[0].What(), By: "steward", Reason: "a branch"}}}
	require.Equal(t, kam.UserID("steward"), p.Validate(seen, waived)[0].WaivedBy)
	other := p.Validate(complete(t, `{"identifiers":[{"scheme":"FR_SIREN","value":"732829320"}]}`), waived)
	require.Equal(t, []string{"VI03 REVIEW identifiers[0]"}, found(other))
	require.Empty(t, other[0].WaivedBy)
}

func TestWaiver(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	c := complete(t, `{"identifiers":[{"scheme":"FR_SIREN","value":"552008443"}],"language":""}`)
	findings := p.Validate(c, rules.ValidationContext{Waivers: []rules.Waiver{
		{RuleID: "VI03", Field: "identifiers[0]", By: "steward", Reason: "branch of a French company"},
		{RuleID: "VF01", Field: "language", By: "steward", Reason: "an ERROR cannot be waived"},
	}})
	require.Equal(t, []string{"VF01 ERROR language", "VI03 REVIEW identifiers[0]"}, found(findings))
	require.Empty(t, findings[0].WaivedBy)
	require.Equal(t, kam.UserID("steward"), findings[1].WaivedBy)
	require.Equal(t, "branch of a French company", findings[1].WaiverReason)
}

func TestSeverityOfPolicy(t *testing.T) {
	t.Parallel()
	p := *defaultPolicy(t)
	p.Findings = map[string]kam.Severity{"VI03": kam.SeverityWarning, "VI02": kam.SeverityInfo}
	c := complete(t, `{"identifiers":[{"scheme":"FR_SIREN","value":"552008443"},{"scheme":"VAT_EU","value":"DE136695977"}]}`)
	require.Equal(t, []string{"VI02 ERROR identifiers[1].value", "VI03 WARNING identifiers[0]"}, found(p.Validate(c, rules.ValidationContext{})), "VI02 has a floor")
}

// TestEveryRuleHasARow: one row for each rule of P3.4.
func TestEveryRuleHasARow(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, r := range customer.ValidationRules {
		require.False(t, ids[r.ID], r.ID)
		ids[r.ID] = true
		require.NotEmpty(t, r.Text)
		require.NotEmpty(t, r.Category)
	}
	require.Len(t, ids, 9+7+9+5+3+1+3+2, "with VS04 and VERSION_CONFLICT, which P3.4 does not list")
}

func TestValidateIsDeterministic(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	rapid.Check(t, func(t *rapid.T) {
		var c rules.Customer
		require.NoError(t, json.Unmarshal([]byte(completeJSON), &c))
		c.LegalName, c.CountryCode, c.PostalCode = rapid.String().Draw(t, "name"), rapid.StringN(0, 2, 4).Draw(t, "country"), rapid.String().Draw(t, "postal")
		c.Phone, c.Website = rapid.String().Draw(t, "phone"), rapid.String().Draw(t, "web")
		c.Identifiers = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) customer.Identifier {
			return customer.Identifier{Scheme: kam.IdentifierScheme(rapid.SampledFrom(kam.Choices("identifiers[].scheme")).Draw(t, "scheme")), Value: rapid.String().Draw(t, "value")}
		}), 0, 4).Draw(t, "identifiers")
		a := p.Validate(c, rules.ValidationContext{})
		require.Equal(t, a, p.Validate(c, rules.ValidationContext{}))
		require.True(t, slices.IsSortedFunc(a, func(x, y customer.Finding) int { return strings.Compare(x.RuleID, y.RuleID) }))
	})
}

// TestPostalCodeIsAskedFor where nobody writes an address without.
func TestPostalCodeIsAskedFor(t *testing.T) {
	t.Parallel()
	var d customer.RequestData
	d.CountryCode = "CL"
	require.NotContains(t, rules.Missing(d, customer.Screening), "postal_code", "known and not asked for")
	d.CountryCode = "DE"
	require.Contains(t, rules.Missing(d, customer.Screening), "postal_code")
	d.PostalCode, d.Addresses = "D-20095", []customer.Address{{CountryCode: "AT", PostalCode: "A-6020"}}
	rules.Clean(&d)
	require.Equal(t, "20095", d.PostalCode)
	require.Equal(t, "6020", d.Addresses[0].PostalCode)
}

func TestClean(t *testing.T) {
	t.Parallel()
	var d customer.RequestData
	d.LegalName, d.City = "  Mu\u0308ller GmbH ", "Hamburg\u00a0"
	shared := []customer.Identifier{{Scheme: kam.SchemeVATEU, Value: " de 136.695-976"}}
	d.Identifiers, d.TradingNames = shared, []string{" ", "Müller "}
	d.Contacts = []customer.Contact{{Name: " A "}, {}}
	rules.Clean(&d)
	require.Equal(t, "Müller GmbH", d.LegalName)
	require.Equal(t, "Hamburg", d.City)
	require.Equal(t, []customer.Identifier{{Scheme: kam.SchemeVATEU, Value: "DE136695976"}}, d.Identifiers)
	require.Equal(t, " de 136.695-976", shared[0].Value, "the caller's list is untouched")
	require.Equal(t, []string{"Müller"}, d.TradingNames)
	require.Equal(t, []customer.Contact{{Name: "A"}}, d.Contacts)
	once := d
	rules.Clean(&d)
	require.Equal(t, once, d)
}
