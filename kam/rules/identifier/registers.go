package identifier

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/written"
)

//go:embed registers.txt
var registerText string

// A register is what is known of one by its name in a country, "*" for all.
type register struct {
	scheme    kam.IdentifierScheme // that checks its numbers, schemeVAT for that of the country
	canonical string               // the name under which it is compared
	local     bool                 // numbers again at each court or state
}

// schemeVAT stands for the scheme of a country's VAT numbers.
const schemeVAT kam.IdentifierScheme = "VAT"

var registers = func() map[string]register {
	m := map[string]register{}
	for line := range strings.Lines(registerText) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] == "#" {
			continue
		}
		for _, name := range f[2:] {
			r := m[f[1]+"/"+name]
			switch f[0] {
			case "same":
				r.canonical = f[2]
			case "local":
				r.local = true
			default:
				r.scheme = kam.IdentifierScheme(f[0])
			}
			m[f[1]+"/"+name] = r
		}
	}
	return m
}()

func registerOf(country, name string) register {
	if r, ok := registers[country+"/"+name]; ok {
		return r
	}
	return registers["*/"+name]
}

// numberWords stand at the end of a register's name and add nothing. Some are
// codes of countries too.
var numberWords = []string{"no", "nr", "nro", "num", "number", "numero", "nummer", "code", "id", "idnr", "idno"}

// splitRegister parts the name of a register as files write it: FR-SIRET,
// UK VAT number, EIN (US). The country is that of the name, else the one given.
func splitRegister(text, country string) (ofCountry, name string) {
	parts := written.Words(written.Fold(written.Plain(text)))
	if n := len(parts); n > 1 {
		if c := countryPart(parts[0]); c != "" && !slices.Contains(numberWords, parts[1]) && registerOf(country, strings.Join(parts, "")) == (register{}) {
			country, parts = c, parts[1:]
		} else if c := countryPart(parts[n-1]); c != "" && !slices.Contains(numberWords, parts[n-1]) {
			country, parts = c, parts[:n-1]
		}
	}
	for len(parts) > 1 && registerOf(country, strings.Join(parts, "")) == (register{}) && slices.Contains(numberWords, parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	name = strings.Join(parts, "")
	for _, w := range numberWords { // written as one word
		if known, cut := strings.CutSuffix(name, w); cut && registerOf(country, name) == (register{}) && registerOf(country, known) != (register{}) {
			name = known
		}
	}
	return country, name
}

// countryPart is the country that two letters of a register's name mean.
func countryPart(word string) string {
	switch c := strings.ToUpper(word); c {
	case "UK":
		return "GB"
	case "EL":
		return "GR"
	case "XI":
		return c
	default:
		if kam.IsCountry(c) {
			return c
		}
		return ""
	}
}

// Of makes an identifier of a number under the name that a file has
// for its register: a scheme of ours, or a name of the kind of FR-SIRET, US-EIN,
// VAT. The country is that of the party; a country in the name goes before it.
// A register that is not checked here is kept under OTHER with name and country.
func Of(name, value, country string) kam.Identifier {
	upper := strings.ToUpper(strings.TrimSpace(name))
	if s := kam.IdentifierScheme(upper); s != kam.SchemeOther && slices.Contains(kam.Choices("identifiers[].scheme"), upper) {
		return kam.Identifier{Scheme: s, Value: value}
	}
	ofCountry, short := splitRegister(name, country)
	scheme := registerOf(ofCountry, short).scheme
	if scheme == "" {
		scheme = schemeElsewhere(short, value, ofCountry)
	}
	if scheme == schemeVAT {
		scheme = vatScheme(value, ofCountry)
	}
	switch scheme {
	case "":
		if ofCountry == "XI" {
			ofCountry = "GB"
		}
		return kam.Identifier{Scheme: kam.SchemeOther, Name: name, Value: value, Country: ofCountry}
	case kam.SchemeCHUID:
		if v := compact(written.Plain(value)); fitsMask(v, []string{"ddddddddd"}) == "" {
			value = "CHE" + v // the letters stand in the name of the column
		}
	case kam.SchemeVATEU:
		if r := Check(scheme, value, ofCountry); r.Valid {
			value = r.Compact
		}
	}
	return kam.Identifier{Scheme: scheme, Value: value}
}

// schemeElsewhere: a name that belongs to another country names its scheme
// where the country is not known, or where the number says whose it is.
func schemeElsewhere(name, value, country string) kam.IdentifierScheme {
	v := compact(written.Plain(value))
	if country != "" && (v == "" || v[0] < 'A' || v[0] > 'Z') {
		return ""
	}
	for _, s := range []kam.IdentifierScheme{kam.SchemeCHUID, kam.SchemeNOOrgNr, kam.SchemeGSTIN} {
		if r, ok := registers[string(s[:2])+"/"+name]; ok && r.scheme == s && Check(s, value, "").Valid {
			return s
		}
	}
	if r, ok := registers["AT/"+name]; ok && r.scheme == schemeVAT && strings.HasPrefix(v, "ATU") {
		return schemeVAT
	}
	return ""
}

// vatScheme is the scheme of a VAT number: the one whose prefix and form it
// has, else that of the country. Empty is a country whose numbers are not
// checked here.
func vatScheme(value, country string) kam.IdentifierScheme {
	v := compact(written.Plain(value))
	prefixed := kam.IdentifierScheme("")
	switch p := prefix(v, 2); {
	case strings.HasPrefix(v, "CHE"):
		prefixed = kam.SchemeCHUID
	case p == "GB":
		prefixed = kam.SchemeVATGB
	case p == "NO":
		prefixed = kam.SchemeNOOrgNr
	case vatChecks[vatState(p)] != nil:
		prefixed = kam.SchemeVATEU
	}
	if prefixed != "" {
		if p := Check(prefixed, value, "").Problem; p != BadFormat && p != BadLength {
			return prefixed
		}
	}
	switch state := registerState(country); {
	case country == "XI", country == "", vatChecks[vatState(country)] != nil:
		return kam.SchemeVATEU
	case state == "GB":
		return kam.SchemeVATGB
	case state == "CH":
		return kam.SchemeCHUID
	case state == "NO":
		return kam.SchemeNOOrgNr
	default:
		return ""
	}
}

// Checked is an identifier under the scheme that checks it, where it stands
// under OTHER with the name of such a register and has its form.
func Checked(id kam.Identifier) kam.Identifier {
	if id.Scheme != kam.SchemeOther || id.Name == "" {
		return id
	}
	if c := Of(id.Name, id.Value, id.Country); c.Scheme != kam.SchemeOther && Check(c.Scheme, c.Value, "").Valid {
		c.Source = id.Source
		return c
	}
	return id
}

// sharedRegisters are the territories whose companies stand in the registers of
// a state (D42).
var sharedRegisters = map[string][]string{
	"FR": {"GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "MC"},
	"US": {"PR", "GU", "VI", "AS", "MP", "UM"},
	"AU": {"CX", "CC", "NF", "HM"},
	"GB": {"IM"},
	"FI": {"AX"},
	"NO": {"SJ", "BV"},
}

// registerState is the state whose registers the companies of a country use.
func registerState(country string) string {
	for state, territories := range sharedRegisters {
		if slices.Contains(territories, country) {
			return state
		}
	}
	return country
}

// Elsewhere is the country that issued a number, where that is not the country
// of its holder (VI03): companies have numbers of their own country, or of the
// state whose registers they use (D42). It is empty for bank accounts, for
// numbers that are issued to foreigners, and where either country is not known.
func Elsewhere(scheme kam.IdentifierScheme, compacted, country string) string {
	from := issuedIn(scheme, compacted)
	own := country == "" || from == country || from == registerState(country)
	if own || scheme == kam.SchemeIBAN || ofForeigner(scheme, compacted) {
		return ""
	}
	return from
}

// issuedIn is the country that a scheme issues in, empty where it does not say.
func issuedIn(scheme kam.IdentifierScheme, compacted string) string {
	switch scheme {
	case kam.SchemeVATEU:
		switch p := prefix(compacted, 2); p {
		case "EL":
			return "GR"
		case "XI":
			return "GB"
		default:
			return p
		}
	case kam.SchemeIBAN:
		return prefix(compacted, 2)
	case kam.SchemeVATGB:
		return "GB"
	case kam.SchemeCHUID:
		return "CH"
	case kam.SchemeSIREN, kam.SchemeSIRET:
		return "FR"
	case kam.SchemeABN:
		return "AU"
	case kam.SchemeEIN:
		return "US"
	case kam.SchemeGSTIN:
		return "IN"
	case kam.SchemeCNPJ:
		return "BR"
	case kam.SchemeNOOrgNr:
		return "NO"
	case kam.SchemeUSCC:
		return "CN"
	default:
		return ""
	}
}

// ofForeigner says that a number is of a kind that is issued to holders without
// a seat in the country.
func ofForeigner(scheme kam.IdentifierScheme, compacted string) bool {
	switch scheme {
	case kam.SchemeGSTIN:
		kind := compacted[12:14]
		return compacted[2] <= '9' && (kind == "OS" || kind == "NR")
	case kam.SchemeVATEU:
		return compacted[:3] == "ESN" || compacted[:3] == "ESW" || strings.HasPrefix(compacted, "ES") && compacted[2] >= 'A' && compacted[3:5] == spanishAbroad
	case kam.SchemeEIN:
		return compacted[:2] == "98"
	default:
		return false
	}
}

func prefix(s string, n int) string { return s[:min(n, len(s))] }
