package kam_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

func TestCountryNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"IT": "IT", "it": "IT", " It ": "IT", "Italy": "IT", "ITALIA": "IT", "ita": "IT", "Italien": "IT",
		"Österreich": "AT", "O\u0308sterreich": "AT", "Oesterreich": "AT", "Osterreich": "AT", "Schweiz": "CH", "Suisse": "CH",
		"UK": "GB", "U.K.": "GB", "Great Britain": "GB", "U.S.A.": "US", "United States of America": "US", "The Netherlands": "NL",
		"Korea, Republic of": "KR", "Côte d’Ivoire": "CI", "Bosnia & Herzegovina": "BA", "Türkiye": "TR", "Turkey": "TR", "日本": "JP", "Ελλάδα": "GR", "EL": "GR",
		"Czech Republic": "CZ", "DR Congo": "CD",
	} {
		code, ok := kam.CountryNamed(text)
		require.True(t, ok, text)
		require.Equal(t, want, code, text)
	}
	for _, text := range []string{"", " ", "Congo", "Korea", "Atlantis", "ZZ", "QQ", "XXX", "Bavaria", "Ital"} {
		code, ok := kam.CountryNamed(text)
		require.False(t, ok, "%s is %s", text, code)
	}
}

// TestCountryHasRemedy: a form wants the code, and says which.
func TestCountryHasRemedy(t *testing.T) {
	t.Parallel()
	var d customer.RequestData
	d.CountryCode = "Italy"
	errs := customer.CheckForm(d)
	require.Len(t, errs, 1)
	require.Equal(t, `country_code: "Italy" is not a country code [VA01]; write IT`, errs[0].Error())
	d.CountryCode = "Congo"
	require.Contains(t, customer.CheckForm(d)[0].Error(), "ISO 3166-1 alpha-2")
}
