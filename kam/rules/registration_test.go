package rules_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/identifier"
	"github.com/kamflow/kamflow/kam/rules/match"
)

func defaultPolicy(t testing.TB) *rules.Set {
	t.Helper()
	p, err := rules.Default()
	require.NoError(t, err)
	return p
}

func id(scheme, value string) customer.Identifier {
	return customer.Identifier{Scheme: kam.IdentifierScheme(scheme), Value: value}
}

func other(name, value, country string) customer.Identifier {
	return customer.Identifier{Scheme: kam.SchemeOther, Name: name, Value: value, Country: country}
}

// TestOneRegistration: numbers of several schemes that stand for one
// registration make a pair of two parties whatever their names (D36, D37), and
// the keys that the search uses meet wherever the comparison finds them one.
func TestOneRegistration(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	for name, c := range map[string]struct {
		a, b customer.Identifier
		want kam.MatchClass
	}{
		"SIRENAndSIRET":       {id("FR_SIREN", "552008443"), id("FR_SIRET", "55200844300012"), kam.MatchCertain},
		"SIRENAndVAT":         {id("FR_SIREN", "954506077"), id("VAT_EU", "FR61954506077"), kam.MatchCertain},
		"SIRETAndVAT":         {id("FR_SIRET", "73282932000074"), id("VAT_EU", "FR44732829320"), kam.MatchCertain},
		"SIRETs":              {id("FR_SIRET", "73282932000074"), id("FR_SIRET", "732 829 320 00074"), kam.MatchCertain},
		"GBBranch":            {id("VAT_GB", "980780684"), id("VAT_GB", "GB980780684001"), kam.MatchCertain},
		"GBAndXI":             {id("VAT_GB", "GB980780684"), id("VAT_EU", "XI980780684"), kam.MatchCertain},
		"GBBranchAndXIBranch": {id("VAT_GB", "980780684002"), id("VAT_EU", "XI980780684001"), kam.MatchCertain},
		"GBBody":              {id("VAT_GB", "GD001"), id("VAT_EU", "XIGD001"), kam.MatchCertain},
		"CHSuffix":            {id("CH_UID", "CHE116281710"), id("CH_UID", "CHE-116.281.710 TPV"), kam.MatchCertain},
		"RegisterNumber":      {other("GB-COH", "01234567", "GB"), other("GB-COH", "01234567", "GB"), kam.MatchCertain},
		"RegisterOtherNames":  {other("GB-COH", "01234567", ""), other("Companies House", "1234567", "GB"), kam.MatchCertain},
		"RegisterChecked":     {other("FR-SIRET", "73282932000074", "FR"), id("FR_SIREN", "732829320"), kam.MatchCertain},
		"RegisterVAT":         {other("VAT", "CHE-116.281.710 MWST", "CH"), id("CH_UID", "CHE116281710"), kam.MatchCertain},
		"RegisterElsewhere":   {other("ORGNR", "556016-0680", "SE"), other("ORGNR", "5560160680", "FI"), ""},
		"RegisterOfCourts":    {other("DE-HRB", "12345", "DE"), other("HRB", "12345", "DE"), kam.MatchProbable},
		"RegisterNoCountry":   {other("CRM", "12345", ""), other("crm", "12345", ""), kam.MatchProbable},
		"NoName":              {other("", "12345", "DE"), other("", "12345", "DE"), ""},
		"Bank":                {id("IBAN", "DE89370400440532013000"), id("IBAN", "DE89370400440532013000"), kam.MatchProbable},
		"OtherCompany":        {id("FR_SIREN", "552008443"), id("FR_SIRET", "73282932000074"), ""},
		"OtherBranchNumber":   {id("VAT_GB", "980780684"), id("VAT_EU", "XI340804329"), ""},
		"Mangled":             {other("GB-COH", "1.23457E+07", "GB"), other("GB-COH", "1.23457E+07", "GB"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := match.Party{Ref: "1", Names: []string{"Aurora Verlag"}, CountryCode: "FR", City: "Paris", Identifiers: []customer.Identifier{c.a}}
			b := match.Party{Ref: "2", Names: []string{"Zephyr Logistik"}, CountryCode: "FR", City: "Lyon", Identifiers: []customer.Identifier{c.b}}
			pair := p.Match.Compare(a, b)
			require.Equal(t, c.want, pair.Class, pair)
			require.Equal(t, c.want, p.Match.Compare(b, a).Class)
			if c.want == kam.MatchCertain {
				require.Empty(t, pair.Vetoes)
			}
			// Index and search meet them.
			index := p.Match.NewIndex()
			index.Add(a)
			require.Equal(t, c.want != "", len(index.Candidates(b)) == 1)
			theirs := identifier.Registrations(c.b)
			meet := slices.ContainsFunc(identifier.Registrations(c.a), func(r identifier.Registration) bool {
				return slices.ContainsFunc(theirs, func(o identifier.Registration) bool {
					return r.ID.Scheme == o.ID.Scheme && r.ID.Name == o.ID.Name && r.ID.Value == o.ID.Value
				})
			})
			require.Equal(t, c.want != "", meet)
			result, _ := p.Match.Screen(match.ListEntry{Identifiers: []customer.Identifier{c.a}}, match.ListEntry{Identifiers: []customer.Identifier{c.b}})
			require.Equal(t, c.want != "" || c.a.Scheme == c.b.Scheme && c.a.Value == c.b.Value, result == kam.ScreeningConfirmed)
		})
	}
}

// TestRegistrationsContradict: other numbers of one registration's scheme speak
// against a pair, establishments of one company do not.
func TestRegistrationsContradict(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	party := func(ref string, ids ...customer.Identifier) match.Party {
		return match.Party{Ref: ref, Names: []string{"Aurora Verlag"}, CountryCode: "FR", City: "Paris", PostalCode: "75001", Street: "Rue 1", Identifiers: ids}
	}
	require.Contains(t, p.Match.Compare(party("1", id("FR_SIREN", "552008443")), party("2", id("VAT_EU", "FR61954506077"))).Vetoes, "different FR_SIREN")
	require.Empty(t, p.Match.Compare(party("1", id("FR_SIRET", "35600000049837")), party("2", id("FR_SIRET", "35600000000048"))).Vetoes)
	group := func(ref, postal string, ids ...customer.Identifier) match.Party {
		x := party(ref, ids...)
		x.PostalCode, x.GroupID, x.Street = postal, "G", "Rue "+postal
		return x
	}
	require.Equal(t, kam.MatchProbable, p.Match.Compare(group("1", "75001", id("FR_SIRET", "35600000049837")), group("2", "69001", id("FR_SIREN", "356000000"))).Class, "sites of one group")
}

// TestNumberClass: a record has one number of a class, whatever the register is
// called; the branch of a VAT number makes no second one.
func TestNumberClass(t *testing.T) {
	t.Parallel()
	same := func(a, b customer.Identifier) bool {
		ca, ka := identifier.Class(a)
		cb, kb := identifier.Class(b)
		return ca == cb && ka == kb
	}
	require.True(t, same(other("FR-SIRET", "73282932000074", "FR"), id("FR_SIRET", "732 829 320 00074")))
	require.True(t, same(other("GB-COH", "01234567", ""), other("CRN", "1234567", "GB")))
	require.True(t, same(id("VAT_GB", "980780684"), id("VAT_GB", "GB980780684001")))
	require.False(t, same(id("FR_SIREN", "732829320"), id("FR_SIRET", "73282932000074")), "both may stand on one record")
	require.False(t, same(other("GB-COH", "01234567", "GB"), other("GB-COH", "01234568", "GB")))
}

// TestCleanNamesTheScheme: a number under OTHER with the name of a register that
// is checked here moves to its scheme, where it is one.
func TestCleanNamesTheScheme(t *testing.T) {
	t.Parallel()
	var d customer.RequestData
	d.Identifiers = []customer.Identifier{other("FR-SIRET", "732 829 320 00074", "FR"), other("GB-COH", "0123-4567", "GB"), other("US-EIN", "12-345678", "US"), other("X", "1.23457E07", "")}
	d.Identifiers[0].Source = "paper"
	rules.Clean(&d)
	require.Equal(t, []customer.Identifier{
		{Scheme: kam.SchemeSIRET, Value: "73282932000074", Source: "paper"}, other("GB-COH", "01234567", "GB"), other("US-EIN", "12345678", "US"), other("X", "1.23457E07", ""),
	}, d.Identifiers)
	once := slices.Clone(d.Identifiers)
	rules.Clean(&d)
	require.Equal(t, once, d.Identifiers)
	require.Len(t, rules.FormErrors(d), 1, "the mangled number is refused when it is read again")
}

// TestSharedRegisters: companies of territories have the numbers of the state
// whose registers they use (VI03, D42), and numbers for foreigners are of
// foreigners.
func TestSharedRegisters(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	for _, c := range []struct {
		scheme, value, country string
		flagged                bool
	}{
		{"US_EIN", "042103594", "PR", false}, {"US_EIN", "042103594", "GU", false}, {"US_EIN", "042103594", "VI", false}, {"US_EIN", "042103594", "AS", false}, {"US_EIN", "042103594", "MP", false},
		{"VAT_EU", "FI20774740", "AX", false}, {"NO_ORGNR", "988077917", "SJ", false}, {"AU_ABN", "83914571673", "CX", false}, {"AU_ABN", "83914571673", "CC", false}, {"AU_ABN", "83914571673", "NF", false},
		{"VAT_GB", "980780684", "IM", false}, {"FR_SIREN", "552008443", "RE", false}, {"VAT_EU", "FR61954506077", "MC", false}, {"VAT_EU", "EL094259216", "GR", false}, {"VAT_EU", "XI980780684", "GB", false},
		{"IN_GSTIN", "9922JPN29001OSU", "JP", false}, {"VAT_EU", "ESA0011012B", "FR", false},
		{"US_EIN", "042103594", "CA", true}, {"VAT_GB", "980780684", "JE", true}, {"VAT_EU", "FI20774740", "SE", true}, {"AU_ABN", "83914571673", "NZ", true}, {"CH_UID", "CHE116281710", "XK", true}, {"IN_GSTIN", "27AAPFU0939F1ZV", "JP", true},
	} {
		var x rules.Customer
		x.CountryCode, x.Identifiers = c.country, []customer.Identifier{id(c.scheme, c.value)}
		flagged := slices.ContainsFunc(p.Validate(x, rules.ValidationContext{}), func(f customer.Finding) bool { return f.RuleID == "VI03" })
		require.Equal(t, c.flagged, flagged, c)
	}
	require.True(t, kam.IsCountry("XK"))
	var x rules.Customer
	x.Identifiers = []customer.Identifier{other("US-EIN", "12-345678", "US")}
	x.City = "N/A"
	found := p.Validate(x, rules.ValidationContext{})
	require.True(t, slices.ContainsFunc(found, func(f customer.Finding) bool { return f.RuleID == "VI01" && f.Field == "identifiers[0].value" }), found)
	require.True(t, slices.ContainsFunc(found, func(f customer.Finding) bool { return f.RuleID == "VF02" && f.Field == "city" }), found)
}
