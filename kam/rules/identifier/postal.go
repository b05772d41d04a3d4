package identifier

import (
	_ "embed"
	"strings"
	"unicode/utf8"

	"github.com/kamflow/kamflow/kam/rules/written"
)

//go:embed postal_codes.txt
var postalText string

// A postalForm is what is known of the postal codes of a country.
type postalForm struct {
	masks    []string // compacted
	shown    string   // as people write them
	prefixes []string // of the country, before a code
	optional bool     // addresses without a code are common
}

var postalForms = func() map[string]postalForm {
	all := map[string]postalForm{}
	for line := range strings.Lines(postalText) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] == "#" || len(f[0]) != 2 {
			continue
		}
		p := postalForm{prefixes: []string{f[0]}}
		var shown []string
		for _, form := range f[1:] {
			mask := strings.NewReplacer("_", "", "-", "").Replace(form)
			switch {
			case form == "?":
				p.optional = true
			case strings.HasSuffix(form, "-"):
				p.prefixes = append(p.prefixes, mask)
			default:
				p.masks, shown = append(p.masks, mask), append(shown, form)
			}
		}
		p.shown = strings.NewReplacer("d", "9", "l", "A", "x", "X", "_", " ").Replace(strings.Join(shown, " or "))
		all[f[0]] = p
	}
	return all
}()

// compactPostal drops blanks and hyphens.
func compactPostal(written string) string {
	return strings.NewReplacer(" ", "", "-", "").Replace(strings.ToUpper(written))
}

// fits says that a compact code has the form of the country; alone is the code
// without the country's prefix.
func (p postalForm) fits(code string) (alone string, ok bool) {
	for _, before := range p.prefixes {
		if rest, cut := strings.CutPrefix(code, before); cut && fitsMask(rest, p.masks) == "" {
			return rest, true
		}
	}
	return code, fitsMask(code, p.masks) == ""
}

// PostalCode is a postal code as it is stored: plain characters, and without
// the prefix of its own country that people put in front (L-9767, SE-111 22),
// unless the prefix is a part of it (LV-1010). A code that does not have the
// form of its country stays as it is.
func PostalCode(country, code string) string {
	written := strings.TrimSpace(written.Plain(code))
	p, known := postalForms[country]
	if !known {
		return written
	}
	all := compactPostal(written)
	alone, ok := p.fits(all)
	switch {
	case !ok:
		return strings.TrimSpace(code)
	case alone == all || fitsMask(all, p.masks) == "":
		return written
	}
	// The code begins behind as many signs as the prefix has.
	left := utf8.RuneCountInString(all) - utf8.RuneCountInString(alone)
	at := strings.IndexFunc(written, func(r rune) bool {
		if r == ' ' || r == '-' {
			return false
		}
		left--
		return left < 0
	})
	return written[at:]
}

// PostalKey is a postal code in the form in which codes are compared: compact,
// without the prefix of its country, and a ZIP+4 without the side of the street.
func PostalKey(country, code string) string {
	key := compactPostal(written.Plain(code))
	if p, known := postalForms[country]; known {
		key, _ = p.fits(key)
	}
	if registerState(country) == "US" {
		key = prefix(key, 5)
	}
	return key
}

// PostalCodeKnown says whether the form of a country's postal codes is known
// (VA03).
func PostalCodeKnown(country string) bool { return postalForms[country].masks != nil }

// CheckPostalCode says whether a code has the form of its country (VA02); a
// code of a country whose form is not known is accepted.
func CheckPostalCode(country, code string) bool {
	p, known := postalForms[country]
	if !known {
		return true
	}
	_, ok := p.fits(compactPostal(written.Plain(code)))
	return ok
}

// PostalCodeRequired says that nobody writes an address of the country without
// its code, as far as the form of its codes is known.
func PostalCodeRequired(country string) bool {
	return PostalCodeKnown(country) && !postalForms[country].optional
}

// PostalCodeShown is the form of a country's codes as people write them.
func PostalCodeShown(country string) string { return postalForms[country].shown }
