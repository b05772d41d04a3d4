package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/identifier"
	"github.com/kamflow/kamflow/kam/rules/match"
)

// minRegisterName is the similarity below which a register's name is another
// (VI07).
const minRegisterName = 0.85

// identifiers tests VI03, VI04, VI05 and VI09; VI01 and VI02 come with the form,
// but for numbers that stand under OTHER with the name of a register that is
// checked here.
func (v *validation) identifiers() {
	ids := v.customer.Identifiers
	for i, id := range ids {
		field := fmt.Sprintf("identifiers[%d]", i)
		r := identifier.Check(id.Scheme, id.Value, id.Country)
		if id.Scheme == kam.SchemeDUNS && strings.TrimSpace(id.Source) == "" {
			v.find("VI09", field+".source", "name the source", "a DUNS number without a source cannot be checked")
		}
		if !r.Valid {
			continue
		}
		if named := identifier.Checked(id); named.Scheme == kam.SchemeOther {
			v.underItsName(field, id)
		} else if id.Scheme == kam.SchemeOther {
			id, r = named, identifier.Check(named.Scheme, named.Value, "")
		}
		if from := identifier.Elsewhere(id.Scheme, r.Compact, v.customer.CountryCode); from != "" {
			v.find("VI03", field, "check whose number it is", "%s %s is of %s, the customer of %s", id.Scheme, r.Compact, from, v.customer.CountryCode)
		}
		class, key := identifier.Class(id)
		for j, earlier := range ids[:i] {
			if c, k := identifier.Class(earlier); class != "" && c == class && k != key {
				v.find("VI05", field, "leave one", "%s was given as %s in identifiers[%d] and is %s here", id.Scheme, identifier.Check(earlier.Scheme, earlier.Value, earlier.Country).Compact, j, r.Compact)
				break
			}
		}
	}
	v.sirens()
}

// underItsName: a number of a register that is checked here, under OTHER with
// the register's name, which does not have its form or check digit.
func (v *validation) underItsName(field string, id customer.Identifier) {
	named := identifier.Of(id.Name, id.Value, id.Country)
	r := identifier.Check(named.Scheme, named.Value, id.Country)
	if named.Scheme != kam.SchemeOther && !r.Valid {
		rule, msg := identifierFault(named.Scheme, r.Problem)
		v.find(rule, field+".value", "compare it with the customer's papers", "%s", msg)
	}
}

// sirens: the SIREN inside a French VAT number or a SIRET is the one given
// (VI04).
func (v *validation) sirens() {
	type number struct{ scheme, siren string }
	all := make([]number, len(v.customer.Identifiers))
	for i, id := range v.customer.Identifiers {
		for _, r := range identifier.Registrations(id) {
			if r.ID.Scheme == kam.SchemeSIREN {
				all[i] = number{scheme: string(identifier.Checked(id).Scheme), siren: r.ID.Value}
			}
		}
	}
	for i, n := range all {
		isVAT, isSIRET := n.scheme == string(kam.SchemeVATEU), n.scheme == string(kam.SchemeSIRET)
		at := slices.IndexFunc(all, func(o number) bool {
			return o.siren != "" && o.siren != n.siren && (o.scheme == string(kam.SchemeSIREN) && (isVAT || isSIRET) || o.scheme == string(kam.SchemeSIRET) && isVAT)
		})
		if at >= 0 {
			what := "VAT number"
			if isSIRET {
				what = "SIRET"
			}
			v.find("VI04", fmt.Sprintf("identifiers[%d]", i), "check both numbers", "the %s is of SIREN %s, the SIREN given is %s", what, n.siren, all[at].siren)
		}
	}
}

// registers tests VI06 to VI08 with what an adapter found out, if there is one.
func (v *validation) registers() {
	for _, f := range v.ctx.Register {
		key := identifier.Check(f.Scheme, f.Value, v.customer.CountryCode).Compact
		i := slices.IndexFunc(v.customer.Identifiers, func(id customer.Identifier) bool {
			return id.Scheme == f.Scheme && identifier.Check(id.Scheme, id.Value, id.Country).Compact == key
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
		if s := match.Similarity(f.Name, v.customer.LegalName, v.customer.CountryCode); f.Name != "" && s < minRegisterName {
			v.find("VI07", field, "check whose number it is", "%s has it under the name %q (similarity %s)", f.Register, f.Name, kam.Dec(s*100+0.5).Fixed())
		}
		if f.Inactive {
			v.find("VI08", field, "ask the customer for the current number", "%s says that %s %s is lapsed or inactive", f.Register, f.Scheme, key)
		}
	}
}
