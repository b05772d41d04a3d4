package match_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/match"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// TestSameByName is decision 34: a name alone rejects nobody.
func TestSameByName(t *testing.T) {
	t.Parallel()
	p := matcher(t)
	type e = match.ListEntry
	named := func(name, country string) e { return e{Names: []string{name}, Country: country} }
	for what, c := range map[string]struct {
		a, b e
		want match.NameMatch
	}{
		"two words of its own":     {named("Nordlicht Möwe Handel GmbH", "DE"), named("NORDLICHT MOEWE HANDEL AG", "DE"), match.NameSame},
		"one word of its own":      {named("Nordlicht Handel GmbH", "DE"), named("Nordlicht Handel AG", "DE"), match.NameLike},
		"one word":                 {named("Nordlicht GmbH", "DE"), named("Nordlicht", "DE"), match.NameLike},
		"one word twice":           {named("Bora Bora GmbH", "DE"), named("Bora Bora", "DE"), match.NameLike},
		"a number is no word":      {named("Nordlicht 3 GmbH", "DE"), named("Nordlicht 3", "DE"), match.NameLike},
		"initials":                 {named("KD Pharma GmbH", "DE"), named("AS Pharma GmbH", "DE"), match.NameDiffers},
		"other country":            {named("Nordlicht Möwe GmbH", "DE"), named("Nordlicht Möwe GmbH", "AT"), match.NameDiffers},
		"no country on one side":   {named("Nordlicht Möwe GmbH", "DE"), named("Nordlicht Möwe GmbH", ""), match.NameDiffers},
		"no country on both sides": {named("Nordlicht Möwe GmbH", ""), named("Nordlicht Möwe GmbH", ""), match.NameDiffers},
		"similar":                  {named("Nordlicht Möwe GmbH", "DE"), named("Nordlicht Möven GmbH", "DE"), match.NameDiffers},
		"reordered":                {named("Möwe Nordlicht GmbH", "DE"), named("Nordlicht Möwe", "DE"), match.NameSame},
		"alias": {
			named("Nordlicht Möwe GmbH", "DE"), e{Names: []string{"Anders", "Nordlicht Möwe"}, Country: "DE"}, match.NameSame,
		},
		"domain": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Website: "https://www.nordlicht.example/de"},
			e{Names: []string{"Nordlicht"}, Country: "DE", Website: "nordlicht.example."}, match.NameSame,
		},
		"other domain": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Website: "nordlicht.example"},
			e{Names: []string{"Nordlicht"}, Country: "DE", Website: "nordlicht-zwei.example"}, match.NameLike,
		},
		"domain of a free mail provider": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Website: "gmx.de"}, e{Names: []string{"Nordlicht"}, Country: "DE", Website: "gmx.de"}, match.NameLike,
		},
		"phone": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Phone: "+4940123456"}, e{Names: []string{"Nordlicht"}, Country: "DE", Phone: "0049 (0)40 123-456"}, match.NameSame,
		},
		"street and postal code": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 1", PostalCode: "20095"},
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstraße 1", PostalCode: "20095"}, match.NameSame,
		},
		"postal code alone": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 1", PostalCode: "20095"},
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Am Wall 7", PostalCode: "20095"}, match.NameLike,
		},
		"street alone": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 1"}, e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 1"}, match.NameLike,
		},
		"house of a neighbour": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 1", PostalCode: "20095"},
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 3", PostalCode: "20095"}, match.NameLike,
		},
		"contact without the name": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Phone: "+4940123456"}, e{Names: []string{"Suedwind"}, Country: "DE", Phone: "+4940123456"}, match.NameDiffers,
		},
	} {
		require.Equal(t, c.want, p.SameByName(c.a, c.b), what)
		require.Equal(t, c.want, p.SameByName(c.b, c.a), what)
	}
}

func TestScreenByName(t *testing.T) {
	t.Parallel()
	p := matcher(t)
	entry := match.ListEntry{Names: []string{"Nordlicht GmbH"}, Country: "DE", Phone: "+49 40 123456"}
	screen := func(name, country, phone string) (kam.ScreeningResult, bool) {
		return p.Screen(match.ListEntry{Names: []string{name}, Country: country, Phone: phone}, entry)
	}
	for _, c := range []struct {
		name, country, phone string
		want                 kam.ScreeningResult
		blocked              bool
	}{
		{"Nordlicht AG", "DE", "+4940123456", kam.ScreeningPossible, true},
		{"Nordlicht AG", "DE", "+4940999999", kam.ScreeningPossible, false},
		{"Nordlicht AG", "", "+4940123456", kam.ScreeningPossible, false},
		{"Nordlichte AG", "DE", "+4940123456", kam.ScreeningPossible, false},
		{"Nordlicht AG", "AT", "+4940123456", kam.ScreeningClear, false},
		{"Suedwind AG", "DE", "+4940123456", kam.ScreeningClear, false},
	} {
		result, blocked := screen(c.name, c.country, c.phone)
		require.Equal(t, c.want, result, "%v", c)
		require.Equal(t, c.blocked, blocked, "%v", c)
	}
	// A line without a country is read as that of the party's.
	result, blocked := p.Screen(match.ListEntry{Names: []string{"AS Tallink"}, Country: "EE"}, match.ListEntry{Names: []string{"Tallink"}})
	require.Equal(t, kam.ScreeningPossible, result)
	require.False(t, blocked)
}

func TestCommonWords(t *testing.T) {
	t.Parallel()
	p := matcher(t)
	a, b := match.ListEntry{Names: []string{"Nordlicht Möwe"}, Country: "DE"}, match.ListEntry{Names: []string{"Nordlicht Möwe GmbH"}, Country: "DE"}
	require.Equal(t, match.NameSame, p.SameByName(a, b))
	text := string(policy.DefaultYAML())
	p = matcherUnder(t, text+"\ncommon_words: [MÖWE, handel]\n")
	require.Equal(t, match.NameLike, p.SameByName(a, b))
	p = matcherUnder(t, text+"\ncommon_words: []\n")
	require.Equal(t, match.NameSame, p.SameByName(a, b))
	for _, wrong := range []string{`[two words]`, `[""]`, `["a-b"]`} {
		_, err := policy.Parse([]byte(text + "\ncommon_words: " + wrong + "\n"))
		require.ErrorContains(t, err, "common_words[0]")
	}
}
