package parties_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/match"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// TestSearchAndComparisonReadAlike: what the comparison takes for equal has
// equal keys, however it is written.
func TestSearchAndComparisonReadAlike(t *testing.T) {
	t.Parallel()
	policy, err := rules.Default()
	require.NoError(t, err)
	base := customerdb.PartyData{Name: "Nordwind", Country: "US", City: "Boston", PostalCode: "02108", Website: "https://www.nördwind.example/a", Phone: "+1 617 5550100"}
	party := func(d customerdb.PartyData) match.Party {
		return match.Party{Names: []string{d.Name}, CountryCode: d.Country, City: d.City, PostalCode: d.PostalCode, Website: d.Website, Phone: d.Phone}
	}
	for _, same := range []customerdb.PartyData{
		{Name: "NORDWIND, Inc.", Country: "US", City: "Boston", PostalCode: "02108-1234", Website: "HTTP://xn--nrdwind-90a.example.:80", Phone: "001 (617) 555-0100"},
		{Name: "Nordwind L.L.C.", Country: "US", City: "Boston", PostalCode: "０２１０８", Website: "user@nördwind.example", Phone: "+1 (0)617 555 0100"},
	} {
		want, got := parties.KeysOf(base), parties.KeysOf(same)
		require.Equal(t, want, got)
		m := policy.Match.Compare(party(base), party(same))
		require.Equal(t, kam.MatchCertain, m.Class)
		require.Len(t, m.Reasons, 5, "name, country and postal code; name; postal code; domain; phone: %v", m.Reasons)
	}
	require.Equal(t, []string{"nördwind.example"}, parties.KeysOf(base).Domains)
}

func TestKeysOfNames(t *testing.T) {
	t.Parallel()
	k := parties.Keys(kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: "SIA Möwe Handel", TradingNames: []string{"Möwe", "Handel Möwe"}, CountryCode: "LV"}})
	require.Equal(t, []string{"mowe handel", "moewe handel", "mowe", "moewe", "handel mowe", "handel moewe"}, k.Names)
	require.Equal(t, []string{"handel mowe", "handel moewe"}, k.Sorted)
	require.Equal(t, parties.KeysVersion, k.Version)
	require.Empty(t, parties.KeysOf(customerdb.PartyData{}).Names)
}
