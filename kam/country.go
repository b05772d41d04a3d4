package kam

import (
	_ "embed"
	"strings"
	"sync"
)

// countryNames lists a country a line: its code of two letters, then its code
// of three and its names in English, German, French, Italian, Spanish,
// Portuguese, Dutch and its own language, as [foldCountry] leaves them. A name
// that several countries share, such as Congo or Korea, is not there.
//
//go:embed countries.txt
var countryNames string

var countryByName = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(countryNames) {
		code, names, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, name := range strings.Split(names, "|") {
			if name != "" && IsCountry(code) {
				m[name] = code
			}
		}
	}
	return m
})

// CountryNamed is the ISO 3166-1 alpha-2 code of what people write for a
// country: the code in any case, the code of three letters, or a name such as
// "Italy" or "Österreich". All imports read countries with it; false where no
// country, or more than one, has the name.
func CountryNamed(text string) (code string, ok bool) {
	text = strings.TrimSpace(text)
	if code = strings.ToUpper(text); IsCountry(code) {
		return code, true
	}
	code, ok = countryByName()[foldCountry(text)]
	return code, ok
}

var countryMarks = strings.NewReplacer(".", "", ",", " ", "-", " ", "’", "'", "‘", "'", "`", "'", "&", " and ", "(", " ", ")", " ")

// foldCountry takes case, marks and blanks out of the name of a country. An
// accent that stands as a character of its own is dropped: the list has the
// names without accents too.
func foldCountry(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 0x0300 && r <= 0x036f {
			return -1
		}
		return r
	}, strings.ToLower(name))
	name = strings.Join(strings.Fields(countryMarks.Replace(name)), " ")
	return strings.TrimPrefix(name, "the ")
}
