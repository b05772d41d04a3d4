package rules_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
)

func side(t *testing.T, no, group, text string) customer.MergeSide {
	t.Helper()
	s := customer.MergeSide{CustomerNo: no, GroupID: group}
	require.NoError(t, json.Unmarshal([]byte(text), &s.Data))
	return s
}

const (
	kliniken = `{"legal_name":"Nordwind Kliniken GmbH","country_code":"DE","city":"Hamburg","postal_code":"20095","trading_names":["NWK"],
		"identifiers":[{"scheme":"VAT_EU","value":"DE136695976"},{"scheme":"DUNS","value":"812810734"}],
		"addresses":[{"type":"LEGAL","line1":"Am Wall 1","city":"Hamburg","country_code":"DE"}],
		"contacts":[{"name":"Ada Berg","decision_role":"DECIDER","email":"ada@nordwind.example"}],
		"capability_items":{"data_sharing":2},"credit_rating":"B"}`
	klinik = `{"legal_name":"Nordwind Klinik","country_code":"DE","city":"Hamburg","street":"Am Wall 1","trading_names":["nwk","Nordklinik"],
		"identifiers":[{"scheme":"VAT_EU","value":"136695976","country":"DE"},{"scheme":"LEI","value":"213800KUD8LAJWSQ9D15"}],
		"addresses":[{"type":"LEGAL","line1":"am wall 1","city":"Hamburg","postal_code":"20095","country_code":"DE"},{"type":"SHIPPING","line1":"Kai 4","city":"Hamburg","country_code":"DE"}],
		"contacts":[{"name":"A. Berg","decision_role":"UNKNOWN","email":"ADA@nordwind.example","phone":"+494012345678"},{"name":"Bo Lund","decision_role":"USER"}],
		"capability_items":{"data_sharing":4,"joint_planning":1},"credit_rating":"C","website":"https://nordwind.example"}`
)

// TestPlanMerge: the survivor's values stand, what it does not know is filled,
// lists are united without entries that mean the same.
func TestPlanMerge(t *testing.T) {
	t.Parallel()
	a, b := side(t, "C-000001", "", kliniken), side(t, "C-000002", "G-2", klinik)
	b.Data.ParentCustomerID = "C-000001"
	was, err := json.Marshal([]customer.MergeSide{a, b})
	require.NoError(t, err)
	p, err := rules.PlanMerge(a, b, customer.MergeChoice{})
	require.NoError(t, err)
	d := p.Data
	require.Equal(t, "Nordwind Kliniken GmbH", d.LegalName)
	require.Equal(t, []string{"NWK", "Nordklinik", "Nordwind Klinik"}, d.TradingNames)
	require.Len(t, d.Identifiers, 3, "one number in two spellings is one")
	require.Equal(t, "G-2", p.GroupID)
	require.Empty(t, d.ParentCustomerID, "no record is its own parent")
	require.Equal(t, "Am Wall 1", d.Street)
	require.Equal(t, "https://nordwind.example", d.Website)
	require.Len(t, d.Addresses, 2)
	require.Equal(t, "20095", d.Addresses[0].PostalCode, "what an entry lacked is filled")
	require.Len(t, d.Contacts, 2)
	require.Equal(t, customer.Contact{Name: "Ada Berg", DecisionRole: "DECIDER", Email: "ada@nordwind.example", Phone: "+494012345678"}, d.Contacts[0])
	require.Equal(t, map[string]int{"data_sharing": 2, "joint_planning": 1}, d.CapabilityItems)
	from := map[string]string{}
	for _, f := range p.Fields {
		from[f.Field] = f.From
		switch f.Field {
		case "identifiers":
			require.Equal(t, "VAT_EU DE136695976; DUNS 812810734; LEI 213800KUD8LAJWSQ9D15", f.Merged, "words, not JSON")
		case "group_id":
			require.Equal(t, customer.MergeField{Field: "group_id", Absorbed: "G-2", Merged: "G-2", From: customer.FromAbsorbed}, f)
		}
	}
	require.Equal(t, customer.FromSurvivor, from["credit_rating"])
	require.Equal(t, customer.FromAbsorbed, from["website"])
	require.Equal(t, customer.FromBoth, from["identifiers"])
	is, err := json.Marshal([]customer.MergeSide{a, b})
	require.NoError(t, err)
	require.JSONEq(t, string(was), string(is), "the records are not changed")
}

func TestPlanMergeByChoice(t *testing.T) {
	t.Parallel()
	a, b := side(t, "C-000001", "G-1", kliniken), side(t, "C-000002", "G-2", klinik)
	p, err := rules.PlanMerge(a, b, customer.MergeChoice{Take: []string{"legal_name", "credit_rating", "addresses"}, Group: "G-2"})
	require.NoError(t, err)
	require.Equal(t, "Nordwind Klinik", p.Data.LegalName)
	require.Contains(t, p.Data.TradingNames, "Nordwind Kliniken GmbH")
	require.EqualValues(t, "C", p.Data.CreditRating)
	require.Equal(t, b.Data.Addresses, p.Data.Addresses)
	require.Equal(t, "G-2", p.GroupID)

	b.Data.Identifiers[0].Value = "DE129273398"
	_, err = rules.PlanMerge(a, b, customer.MergeChoice{Group: "G-1"})
	require.ErrorIs(t, err, kam.TargetInvalid)
	require.Equal(t, "VI05", kam.AsError(err).Rule)
	require.Contains(t, err.Error(), "DE136695976 and DE129273398")
	p, err = rules.PlanMerge(a, b, customer.MergeChoice{Group: "G-1", Keep: []customer.Identifier{{Scheme: kam.SchemeVATEU, Value: "DE 129273398"}}})
	require.NoError(t, err)
	require.Equal(t, []customer.Identifier{{Scheme: kam.SchemeVATEU, Value: "DE136695976"}}, p.Dropped)
	require.Len(t, p.Data.Identifiers, 3)

	b.Data.Identifiers[0].Value = "DE136695976"
	for name, tt := range map[string]struct {
		c    customer.MergeChoice
		code kam.Code
		on   string
	}{
		"two groups":         {customer.MergeChoice{}, kam.TargetInvalid, "group_id"},
		"a third group":      {customer.MergeChoice{Group: "G-9"}, kam.Invalid, "group"},
		"no such field":      {customer.MergeChoice{Group: "G-1", Take: []string{"colour"}}, kam.Invalid, "take"},
		"a field that stays": {customer.MergeChoice{Group: "G-1", Take: []string{"justification"}}, kam.Invalid, "take"},
		"nothing to take":    {customer.MergeChoice{Group: "G-1", Take: []string{"employees"}}, kam.Invalid, "take"},
		"no such number":     {customer.MergeChoice{Group: "G-1", Keep: []customer.Identifier{{Scheme: "LEI", Value: "1"}}}, kam.Invalid, "keep"},
	} {
		_, err := rules.PlanMerge(a, b, tt.c)
		require.Equal(t, tt.code, kam.CodeOf(err), name)
		require.Equal(t, tt.on, kam.AsError(err).Field, name)
		require.NotEmpty(t, kam.AsError(err).Remedy, name)
	}
	for i := range 11 {
		b.Data.TradingNames = append(b.Data.TradingNames, fmt.Sprintf("Name %d", i))
	}
	_, err = rules.PlanMerge(a, b, customer.MergeChoice{Group: "G-1"})
	require.ErrorIs(t, err, kam.Invalid)
	require.Equal(t, "trading_names", kam.AsError(err).Field)
}

// TestUnmergeKeepsWhatCameSince: a field that was changed after the merge
// stays, without the entries that the merge brought.
func TestUnmergeKeepsWhatCameSince(t *testing.T) {
	t.Parallel()
	a, b := side(t, "C-000001", "", kliniken), side(t, "C-000002", "", klinik)
	p, err := rules.PlanMerge(a, b, customer.MergeChoice{})
	require.NoError(t, err)
	now := p.Data
	now.CreditRating = "A"
	now.TradingNames = append([]string{"Newest"}, now.TradingNames[1:]...) // NWK was taken out
	back, stayed := customer.Unmerge(a.Data, p.Data, now)
	require.Equal(t, []string{"Newest"}, back.TradingNames)
	require.EqualValues(t, "A", back.CreditRating)
	require.Equal(t, a.Data.Identifiers, back.Identifiers)
	require.Empty(t, back.Website)
	var fields []string
	for _, s := range stayed {
		fields = append(fields, s.Field)
	}
	require.Equal(t, []string{"trading_names", "credit_rating"}, fields)
}

// TestMergeAndUndoIsIdentity, whatever the two records hold.
func TestMergeAndUndoIsIdentity(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[A-Z][a-z]{2,6}`)
	record := func(t *rapid.T, name string) customer.RequestData {
		var d customer.RequestData
		d.LegalName, d.CountryCode, d.City = word.Draw(t, name), "DE", rapid.SampledFrom([]string{"", "Hamburg", "Bremen"}).Draw(t, "city")
		d.PostalCode, d.Website = rapid.SampledFrom([]string{"", "20095"}).Draw(t, "postal"), rapid.SampledFrom([]string{"", "https://a.example"}).Draw(t, "web")
		d.TradingNames = rapid.SliceOfN(word, 0, 4).Draw(t, "names")
		d.Identifiers = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) customer.Identifier {
			return customer.Identifier{Scheme: rapid.SampledFrom([]kam.IdentifierScheme{"IBAN", "DUNS", "OTHER"}).Draw(t, "scheme"),
				Value: rapid.StringMatching(`[0-9]{9}`).Draw(t, "value"), Source: rapid.SampledFrom([]string{"", "D&B"}).Draw(t, "source")}
		}), 0, 3).Draw(t, "ids")
		d.Contacts = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) customer.Contact {
			return customer.Contact{Name: rapid.SampledFrom([]string{"Ada", "Bo"}).Draw(t, "who"), DecisionRole: "USER", Phone: rapid.SampledFrom([]string{"", "+4940123456"}).Draw(t, "phone")}
		}), 0, 3).Draw(t, "contacts")
		if rapid.Bool().Draw(t, "has items") {
			d.CapabilityItems = map[string]int{rapid.SampledFrom(kam.CapabilityItems).Draw(t, "item"): rapid.IntRange(0, 4).Draw(t, "n")}
		}
		return d
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := record(t, "a"), record(t, "b")
		p, err := rules.PlanMerge(customer.MergeSide{CustomerNo: "C-1", Data: a}, customer.MergeSide{CustomerNo: "C-2", GroupID: "G", Data: b}, customer.MergeChoice{})
		if err != nil {
			return // contradicting numbers
		}
		back, stayed := customer.Unmerge(a, p.Data, p.Data)
		require.Equal(t, a, back)
		require.Empty(t, stayed)
		if again, err := rules.PlanMerge(customer.MergeSide{CustomerNo: "C-1", GroupID: p.GroupID, Data: p.Data}, customer.MergeSide{CustomerNo: "C-2", GroupID: "G", Data: b}, customer.MergeChoice{}); err == nil {
			require.Equal(t, p.Data.Contacts, again.Data.Contacts, "merging once more brings nothing")
			require.Equal(t, p.Data.TradingNames, again.Data.TradingNames)
		}
	})
}

func TestPlanSplit(t *testing.T) {
	t.Parallel()
	d := side(t, "C-000001", "", klinik).Data
	potential := kam.NewMoney(5, "EUR")
	d.DeclaredPotential, d.Currency = &potential, "EUR"
	stays, goes, err := rules.PlanSplit(d, customer.SplitChoice{
		LegalName: "Nordklinik GmbH", TradingNames: []string{"Nordklinik"}, Identifiers: []customer.Identifier{{Scheme: "VAT_EU", Value: "DE136695976"}},
		Addresses: []int{2}, Contacts: []int{2}, Website: "https://nordwind.example",
	})
	require.NoError(t, err)
	require.Equal(t, []string{"nwk"}, stays.TradingNames)
	require.Len(t, stays.Identifiers, 1)
	require.Len(t, stays.Addresses, 1)
	require.Equal(t, "A. Berg", stays.Contacts[0].Name)
	require.Empty(t, stays.Website)
	require.Equal(t, &potential, stays.DeclaredPotential)
	require.Equal(t, "Kai 4", goes.Street)
	require.Equal(t, "Hamburg", goes.City)
	require.Equal(t, "Bo Lund", goes.Contacts[0].Name)
	require.Equal(t, "DE136695976", goes.Identifiers[0].Value, "in its clean form")
	require.Nil(t, goes.DeclaredPotential, "nobody knows whose it is")
	require.Equal(t, "EUR", goes.Currency)
	for on, c := range map[string]customer.SplitChoice{
		"legal_name":    {Addresses: []int{1}},
		"addresses":     {LegalName: "X1", Addresses: []int{3}},
		"contacts":      {LegalName: "X1", Contacts: []int{0}},
		"identifiers":   {LegalName: "X1", Identifiers: []customer.Identifier{{Scheme: "LEI", Value: "X"}}},
		"trading_names": {LegalName: "X1", TradingNames: []string{"None"}},
	} {
		_, _, err := rules.PlanSplit(d, c)
		require.Equal(t, on, kam.AsError(err).Field)
	}
	_, _, err = rules.PlanSplit(d, customer.SplitChoice{LegalName: "nordwind klinik"})
	require.ErrorIs(t, err, kam.TargetInvalid)
}
