package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// How far an identifier reaches.
const (
	weakLevel   = iota // OTHER of no country or of a local register, IBAN
	entityLevel        // one company, on several sites of a group
	siteLevel          // one establishment
)

// A registration is what an identifier is the number of. Numbers of several
// schemes may stand for one registration, and one number for several: a SIRET
// is that of an establishment and holds the SIREN of the company (D37).
type registration struct {
	scheme string // with the issuing country where numbers are per country
	id     kam.Identifier
	level  int
	said   string // scheme and number as they were given
	// contradicts says that one company has one number of this scheme.
	contradicts bool
}

// registrations are what a valid identifier is the number of, the nearest first.
func registrations(id kam.Identifier) []registration {
	id = checked(id)
	r := CheckIdentifier(id.Scheme, id.Value, id.Country)
	if !r.Valid {
		return nil
	}
	key := identityKey(id.Scheme, r.Compact)
	one := registration{scheme: string(id.Scheme), id: kam.Identifier{Scheme: id.Scheme, Value: key}, level: entityLevel, contradicts: true}
	one.said = one.scheme + " " + key
	// of is the same number as one of a scheme that more numbers lead to.
	of := func(scheme kam.IdentifierScheme, value string) registration {
		return registration{scheme: string(scheme), id: kam.Identifier{Scheme: scheme, Value: value}, level: entityLevel, contradicts: true, said: one.said}
	}
	switch id.Scheme {
	case kam.SchemeGLN:
		one.level, one.contradicts = siteLevel, false
	case kam.SchemeIBAN:
		one.level, one.contradicts = weakLevel, false
	case kam.SchemeSIRET:
		one.level, one.contradicts = siteLevel, false
		return []registration{one, of(kam.SchemeSIREN, r.Compact[:9])}
	case kam.SchemeVATEU:
		state := r.Compact[:2]
		one.scheme += "/" + state
		one.said = one.scheme + " " + key
		if state == "XI" {
			return []registration{of(kam.SchemeVATGB, key[2:])}
		}
		if state == "FR" && luhn(key[4:]) {
			return []registration{of(kam.SchemeSIREN, key[4:])}
		}
	case kam.SchemeOther:
		if id.Name == "" {
			return nil
		}
		country, name := splitRegister(id.Name, id.Country)
		known := registerOf(country, name)
		name = cmp.Or(known.canonical, name)
		if country == "" || known.local {
			one.level = weakLevel
		}
		one.id.Name, one.id.Country = strings.ToUpper(strings.TrimPrefix(country+"-"+name, "-")), country
		one.scheme += "/" + one.id.Name
		one.said = one.scheme + " " + key
	}
	return []registration{one}
}

// Registrations are the numbers under which an identifier is found besides its
// own: those that another identifier of the same registration leads to as well.
// Two identifiers mean one registration where they have one of them in common.
func Registrations(id kam.Identifier) []kam.Identifier {
	var all []kam.Identifier
	for _, r := range registrations(id) {
		all = append(all, r.id)
	}
	return all
}

// sameRegistration says that two identifiers have a registration in common.
func sameRegistration(a, b kam.Identifier) bool {
	theirs := Registrations(b)
	return slices.ContainsFunc(Registrations(a), func(r kam.Identifier) bool { return slices.Contains(theirs, r) })
}

// identityKey is the form in which two values of a scheme are the same number:
// a Swiss number with or without its VAT suffix, a British one with or without
// its branch, and one of a register that is not checked with or without the
// zeros in front that spreadsheets drop.
func identityKey(scheme kam.IdentifierScheme, compacted string) string {
	switch {
	case scheme == kam.SchemeCHUID:
		return prefix(compacted, 12)
	case scheme == kam.SchemeVATGB:
		return prefix(compacted, 9)
	case scheme == kam.SchemeVATEU && prefix(compacted, 2) == "XI":
		return prefix(compacted, 11)
	case scheme == kam.SchemeOther && fitsMask(compacted, []string{strings.Repeat("d", len(compacted))}) == "":
		if significant := strings.TrimLeft(compacted, "0"); significant != "" {
			return significant
		}
	}
	return compacted
}
