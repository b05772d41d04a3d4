package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// minRegisterName is the similarity below which a register's name is another
// (VI07).
const minRegisterName = 0.85

// frenchRegister lists the countries whose companies stand in the French
// register; Monaco shares the VAT area.
var frenchRegister = []string{"FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "MC"}

// identifiers tests VI03, VI04, VI05 and VI09; VI01 and VI02 come with the form.
func (v *validation) identifiers() {
	ids := v.customer.Identifiers
	for i, id := range ids {
		field := fmt.Sprintf("identifiers[%d]", i)
		r := CheckIdentifier(id.Scheme, id.Value, id.Country)
		if id.Scheme == kam.SchemeDUNS && strings.TrimSpace(id.Source) == "" {
			v.find("VI09", field+".source", "name the source", "a DUNS number without a source cannot be checked")
		}
		if !r.Valid {
			continue
		}
		if from := issuedIn(id.Scheme, r.Compact); from != "" && id.Scheme != kam.SchemeIBAN && !fitsCountry(from, v.customer.CountryCode) {
			v.find("VI03", field, "check whose number it is", "%s %s is of %s, the customer of %s", id.Scheme, r.Compact, from, v.customer.CountryCode)
		}
		for j, earlier := range ids[:i] {
			if e := CheckIdentifier(earlier.Scheme, earlier.Value, earlier.Country); e.Valid && oneNumberOf(earlier, id, e, r) && identityKey(id.Scheme, e.Compact) != identityKey(id.Scheme, r.Compact) {
				v.find("VI05", field, "leave one", "%s was given as %s in identifiers[%d] and is %s here", id.Scheme, e.Compact, j, r.Compact)
				break
			}
		}
	}
	v.sirens()
}

func fitsCountry(issued, country string) bool {
	switch issued {
	case "":
		return true
	case "FR":
		return country == "" || slices.Contains(frenchRegister, country)
	case "GB":
		return country == "" || country == "GB" || country == "IM"
	default:
		return country == "" || issued == country
	}
}

// oneNumberOf says that both are of one scheme and issuing country, of which a
// company has one number. Bank accounts it may have many of.
func oneNumberOf(a, b kam.Identifier, ra, rb IdentifierResult) bool {
	country := func(id kam.Identifier, r IdentifierResult) string {
		if c := issuedIn(id.Scheme, r.Compact); c != "" {
			return c
		}
		return id.Country
	}
	return a.Scheme == b.Scheme && a.Scheme != kam.SchemeIBAN && strings.EqualFold(a.Name, b.Name) && country(a, ra) == country(b, rb)
}

// sirens: the SIREN inside a French VAT number is the one given (VI04).
func (v *validation) sirens() {
	var sirens []string
	for _, id := range v.customer.Identifiers {
		if r := CheckIdentifier(id.Scheme, id.Value, id.Country); r.Valid && (id.Scheme == kam.SchemeSIREN || id.Scheme == kam.SchemeSIRET) {
			sirens = append(sirens, r.Compact[:9])
		}
	}
	for i, id := range v.customer.Identifiers {
		r := CheckIdentifier(id.Scheme, id.Value, id.Country)
		if !r.Valid || id.Scheme != kam.SchemeVATEU || !strings.HasPrefix(r.Compact, "FR") {
			continue
		}
		for _, s := range sirens {
			if s != r.Compact[4:] {
				v.find("VI04", fmt.Sprintf("identifiers[%d]", i), "check both numbers", "the VAT number is of SIREN %s, the SIREN given is %s", r.Compact[4:], s)
				break
			}
		}
	}
}

// registers tests VI06 to VI08 with what an adapter found out, if there is one.
func (v *validation) registers() {
	for _, f := range v.ctx.Register {
		key := CheckIdentifier(f.Scheme, f.Value, v.customer.CountryCode).Compact
		i := slices.IndexFunc(v.customer.Identifiers, func(id kam.Identifier) bool {
			return id.Scheme == f.Scheme && CheckIdentifier(id.Scheme, id.Value, id.Country).Compact == key
		})
		if i < 0 {
			continue // the number was taken out since
		}
		field := fmt.Sprintf("identifiers[%d]", i)
		switch {
		case f.Down:
			v.findAs(kam.SeverityInfo, "VI06", field, "", "%s does not answer, %s %s was not looked up", f.Register, f.Scheme, key)
			continue
		case !f.Found:
			v.find("VI06", field, "check the number with the customer", "%s does not know %s %s", f.Register, f.Scheme, key)
			continue
		}
		if s := NameSimilarityIn(f.Name, v.customer.LegalName, v.customer.CountryCode); f.Name != "" && s < minRegisterName {
			v.find("VI07", field, "check whose number it is", "%s has it under the name %q (similarity %s)", f.Register, f.Name, hundredths(s).Fixed())
		}
		if f.Inactive {
			v.find("VI08", field, "ask the customer for the current number", "%s says that %s %s is lapsed or inactive", f.Register, f.Scheme, key)
		}
	}
}
