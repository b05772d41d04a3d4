package identifier

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

// A Level says how far an identifier reaches.
type Level int

// The levels by rising strength.
const (
	Weak    Level = iota // OTHER of no country or of a local register, IBAN
	Company              // one company, on several sites of a group
	Site                 // one establishment
)

// A Registration is what an identifier is the number of. Numbers of several
// schemes may stand for one registration, and one number for several: a SIRET
// is that of an establishment and holds the SIREN of the company (D37).
type Registration struct {
	// ID is the number under which it is found.
	ID     customer.Identifier
	Scheme string // with the issuing country where numbers are per country
	Level  Level
	Said   string // scheme and number as they were given
	// Contradicts says that one company has one number of this scheme.
	Contradicts bool
}

// Registrations are what a valid identifier is the number of, the nearest
// first. Two identifiers mean one registration where they have one of these
// numbers in common; see [Same].
func Registrations(id customer.Identifier) []Registration {
	id = Checked(id)
	r := Check(id.Scheme, id.Value, id.Country)
	if !r.Valid {
		return nil
	}
	key := identityKey(id.Scheme, r.Compact)
	one := Registration{Scheme: string(id.Scheme), ID: customer.Identifier{Scheme: id.Scheme, Value: key}, Level: Company, Contradicts: true}
	one.Said = one.Scheme + " " + key
	// of is the same number as one of a scheme that more numbers lead to.
	of := func(scheme kam.IdentifierScheme, value string) Registration {
		return Registration{Scheme: string(scheme), ID: customer.Identifier{Scheme: scheme, Value: value}, Level: Company, Contradicts: true, Said: one.Said}
	}
	switch id.Scheme {
	case kam.SchemeGLN:
		one.Level, one.Contradicts = Site, false
	case kam.SchemeIBAN:
		one.Level, one.Contradicts = Weak, false
	case kam.SchemeSIRET:
		one.Level, one.Contradicts = Site, false
		return []Registration{one, of(kam.SchemeSIREN, r.Compact[:9])}
	case kam.SchemeVATEU:
		state := r.Compact[:2]
		one.Scheme += "/" + state
		one.Said = one.Scheme + " " + key
		if state == "XI" {
			return []Registration{of(kam.SchemeVATGB, key[2:])}
		}
		if state == "FR" && luhn(key[4:]) {
			return []Registration{of(kam.SchemeSIREN, key[4:])}
		}
	case kam.SchemeOther:
		if id.Name == "" {
			return nil
		}
		country, name := splitRegister(id.Name, id.Country)
		known := registerOf(country, name)
		name = cmp.Or(known.canonical, name)
		if country == "" || known.local {
			one.Level = Weak
		}
		one.ID.Name, one.ID.Country = strings.ToUpper(strings.TrimPrefix(country+"-"+name, "-")), country
		one.Scheme += "/" + one.ID.Name
		one.Said = one.Scheme + " " + key
	}
	return []Registration{one}
}

// Several says that one registration of a scheme is stored under several numbers:
// with a branch, a suffix, or in other schemes. All others stand as they are.
func Several(s kam.IdentifierScheme) bool {
	return s == kam.SchemeSIREN || s == kam.SchemeVATGB || s == kam.SchemeCHUID
}

// Same says that two identifiers have a registration in common.
func Same(a, b customer.Identifier) bool {
	theirs := Registrations(b)
	return slices.ContainsFunc(Registrations(a), func(r Registration) bool {
		return slices.ContainsFunc(theirs, func(o Registration) bool { return r.ID == o.ID })
	})
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

// Class says what an identifier is the number of, and the number in the
// form in which it is compared. A customer has one number of each scheme and
// issuing country but bank accounts (VI05), so two of one class contradict
// each other. Bank accounts have no class.
func Class(id customer.Identifier) (class, key string) {
	if id.Scheme == kam.SchemeIBAN {
		return "", ""
	}
	id = Checked(id)
	r := Check(id.Scheme, id.Value, id.Country)
	name, country := strings.TrimSpace(id.Name), ""
	if id.Scheme == kam.SchemeOther {
		country, name = splitRegister(id.Name, id.Country)
		name = cmp.Or(registerOf(country, name).canonical, name)
	} else if r.Valid {
		country = issuedIn(id.Scheme, r.Compact) // empty: the scheme numbers the whole world
	}
	return strings.ToUpper(strings.Join([]string{string(id.Scheme), name, country}, "/")), identityKey(id.Scheme, strings.ToUpper(r.Compact))
}
