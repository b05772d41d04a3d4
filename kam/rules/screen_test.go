package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
)

// TestSameByName is decision 34: a name alone rejects nobody.
func TestSameByName(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	type e = rules.ListEntry
	named := func(name, country string) e { return e{Names: []string{name}, Country: country} }
	for what, c := range map[string]struct {
		a, b e
		want rules.NameMatch
	}{
		"two words of its own":     {named("Nordlicht Möwe Handel GmbH", "DE"), named("NORDLICHT MOEWE HANDEL AG", "DE"), rules.NameSame},
		"one word of its own":      {named("Nordlicht Handel GmbH", "DE"), named("Nordlicht Handel AG", "DE"), rules.NameLike},
		"one word":                 {named("Nordlicht GmbH", "DE"), named("Nordlicht", "DE"), rules.NameLike},
		"one word twice":           {named("Bora Bora GmbH", "DE"), named("Bora Bora", "DE"), rules.NameLike},
		"a number is no word":      {named("Nordlicht 3 GmbH", "DE"), named("Nordlicht 3", "DE"), rules.NameLike},
		"initials":                 {named("KD Pharma GmbH", "DE"), named("AS Pharma GmbH", "DE"), rules.NameDiffers},
		"other country":            {named("Nordlicht Möwe GmbH", "DE"), named("Nordlicht Möwe GmbH", "AT"), rules.NameDiffers},
		"no country on one side":   {named("Nordlicht Möwe GmbH", "DE"), named("Nordlicht Möwe GmbH", ""), rules.NameDiffers},
		"no country on both sides": {named("Nordlicht Möwe GmbH", ""), named("Nordlicht Möwe GmbH", ""), rules.NameDiffers},
		"similar":                  {named("Nordlicht Möwe GmbH", "DE"), named("Nordlicht Möven GmbH", "DE"), rules.NameDiffers},
		"reordered":                {named("Möwe Nordlicht GmbH", "DE"), named("Nordlicht Möwe", "DE"), rules.NameSame},
		"alias": {
			named("Nordlicht Möwe GmbH", "DE"), e{Names: []string{"Anders", "Nordlicht Möwe"}, Country: "DE"}, rules.NameSame,
		},
		"domain": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Website: "https://www.nordlicht.example/de"},
			e{Names: []string{"Nordlicht"}, Country: "DE", Website: "nordlicht.example."}, rules.NameSame,
		},
		"other domain": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Website: "nordlicht.example"},
			e{Names: []string{"Nordlicht"}, Country: "DE", Website: "nordlicht-zwei.example"}, rules.NameLike,
		},
		"domain of a free mail provider": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Website: "gmx.de"}, e{Names: []string{"Nordlicht"}, Country: "DE", Website: "gmx.de"}, rules.NameLike,
		},
		"phone": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Phone: "+4940123456"}, e{Names: []string{"Nordlicht"}, Country: "DE", Phone: "0049 (0)40 123-456"}, rules.NameSame,
		},
		"street and postal code": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 1", PostalCode: "20095"},
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstraße 1", PostalCode: "20095"}, rules.NameSame,
		},
		"postal code alone": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 1", PostalCode: "20095"},
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Am Wall 7", PostalCode: "20095"}, rules.NameLike,
		},
		"street alone": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 1"}, e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 1"}, rules.NameLike,
		},
		"house of a neighbour": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 1", PostalCode: "20095"},
			e{Names: []string{"Nordlicht"}, Country: "DE", Street: "Hafenstr. 3", PostalCode: "20095"}, rules.NameLike,
		},
		"contact without the name": {
			e{Names: []string{"Nordlicht"}, Country: "DE", Phone: "+4940123456"}, e{Names: []string{"Suedwind"}, Country: "DE", Phone: "+4940123456"}, rules.NameDiffers,
		},
	} {
		require.Equal(t, c.want, p.SameByName(c.a, c.b), what)
		require.Equal(t, c.want, p.SameByName(c.b, c.a), what)
	}
}

func TestScreenByName(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	entry := rules.ListEntry{Names: []string{"Nordlicht GmbH"}, Country: "DE", Phone: "+49 40 123456"}
	screen := func(name, country, phone string) (kam.ScreeningResult, bool) {
		return p.Screen(rules.ListEntry{Names: []string{name}, Country: country, Phone: phone}, entry)
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
	result, blocked := p.Screen(rules.ListEntry{Names: []string{"AS Tallink"}, Country: "EE"}, rules.ListEntry{Names: []string{"Tallink"}})
	require.Equal(t, kam.ScreeningPossible, result)
	require.False(t, blocked)
}

func TestCommonWords(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	a, b := rules.ListEntry{Names: []string{"Nordlicht Möwe"}, Country: "DE"}, rules.ListEntry{Names: []string{"Nordlicht Möwe GmbH"}, Country: "DE"}
	require.Equal(t, rules.NameSame, p.SameByName(a, b))
	text := string(rules.DefaultYAML())
	p, err := rules.ParsePolicy([]byte(text + "\ncommon_words: [MÖWE, handel]\n"))
	require.NoError(t, err)
	require.Equal(t, rules.NameLike, p.SameByName(a, b))
	p, err = rules.ParsePolicy([]byte(text + "\ncommon_words: []\n"))
	require.NoError(t, err)
	require.Equal(t, rules.NameSame, p.SameByName(a, b))
	for _, wrong := range []string{`[two words]`, `[""]`, `["a-b"]`} {
		_, err = rules.ParsePolicy([]byte(text + "\ncommon_words: " + wrong + "\n"))
		require.ErrorContains(t, err, "common_words[0]")
	}
}

// TestPolicyWithoutNewKeys: a policy that was stored before has them as they
// are shipped.
func TestPolicyWithoutNewKeys(t *testing.T) {
	t.Parallel()
	text := string(rules.DefaultYAML())
	old := text
	for _, line := range []string{"    - {id: HS9_LIKE_A_REJECTED, outcome: REFER}\n", "  min_name_similarity_supported: 0.70   # where street and postal code, phone or domain agree\n"} {
		require.Contains(t, old, line)
		old = strings.Replace(old, line, "", 1)
	}
	p, err := rules.ParsePolicy([]byte(old))
	require.NoError(t, err)
	now := defaultPolicy(t)
	require.Equal(t, now.Add.HardStops, p.Add.HardStops)
	require.Equal(t, now.Duplicates, p.Duplicates)
	require.Equal(t, now.CommonWords, p.CommonWords)
	// A floor that was lower already stays the floor.
	p, err = rules.ParsePolicy([]byte(strings.Replace(old, "min_name_similarity: 0.80", "min_name_similarity: 0.60", 1)))
	require.NoError(t, err)
	require.Equal(t, kam.Dec(60), *p.Duplicates.MinNameSimilaritySupported)
	_, err = rules.ParsePolicy([]byte(strings.Replace(text, "min_name_similarity_supported: 0.70", "min_name_similarity_supported: 0.90", 1)))
	require.ErrorContains(t, err, "duplicates.min_name_similarity_supported")
}
