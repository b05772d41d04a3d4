package rules

import (
	_ "embed"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

//go:embed postal_codes.txt
var postalText string

// postalMasks holds the forms by country, compacted; postalShown as people
// write them.
var postalMasks, postalShown = func() (map[string][]string, map[string]string) {
	m, shown := map[string][]string{}, map[string]string{}
	for line := range strings.Lines(postalText) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] == "#" || len(f[0]) != 2 {
			continue
		}
		for _, form := range f[1:] {
			m[f[0]] = append(m[f[0]], strings.NewReplacer("_", "", "-", "").Replace(form))
		}
		shown[f[0]] = strings.NewReplacer("d", "9", "l", "A", "x", "X", "_", " ").Replace(strings.Join(f[1:], " or "))
	}
	return m, shown
}()

// compactPostal drops blanks and hyphens: the form in which postal codes are
// compared.
func compactPostal(code string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, strings.TrimSpace(code))
}

// PostalCodeKnown says whether the form of a country's postal codes is known
// (VA03); such a country's addresses need one.
func PostalCodeKnown(country string) bool { return postalMasks[country] != nil }

// CheckPostalCode says whether a code has the form of its country (VA02); a
// code of a country whose form is not known is accepted.
func CheckPostalCode(country, code string) bool {
	accepted, ok := postalMasks[country]
	return !ok || fitsMask(strings.ToUpper(compactPostal(code)), accepted) == ""
}

// Missing is [kam.Missing] with the postal code, which is required where the
// form of the country's codes is known.
func Missing(d kam.RequestData, set kam.FieldSet, forType ...kam.CaseType) []string {
	names := kam.Missing(d, set, forType...)
	if set == kam.Screening && strings.TrimSpace(d.PostalCode) == "" && PostalCodeKnown(d.CountryCode) {
		names = append(names, "postal_code")
	}
	return names
}
