package rules

import (
	"fmt"

	"github.com/kamflow/kamflow/kam"
)

// FormErrors adds to those of every form what this policy cannot compute with:
// amounts that the rules use, in a currency other than the base.
func (p *Policy) FormErrors(d kam.RequestData) []*kam.Error {
	errs := FormErrors(d)
	amount := func(field string, m *kam.Money) {
		if m == nil {
			return
		}
		if in, err := m.In(p.BaseCurrency); err != nil || in.Currency != p.BaseCurrency {
			errs = append(errs, kam.Errorf(kam.Invalid, "%s is not in %s, and there is no rate", m, p.BaseCurrency).On(field).By("VF02").
				Try("state it in "+p.BaseCurrency))
		}
	}
	amount("declared_potential", d.DeclaredPotential)
	amount("addressable_spend_12m", d.AddressableSpend12m)
	return errs
}

// FormErrors are the reasons for which a form is not accepted at once
// (P2.5, 1.2.1a): bounds and closed values of every field that is given,
// identifiers whose form or check digit is wrong (VI01, VI02), and postal codes
// that do not fit their country (VA02). Completeness is not tested here.
func FormErrors(d kam.RequestData) []*kam.Error {
	errs := kam.CheckForm(d, kam.Screening, kam.Detail)
	for i, id := range d.Identifiers {
		r := CheckIdentifier(id.Scheme, id.Value, id.Country)
		if r.Valid {
			continue
		}
		rule, msg := identifierFault(id.Scheme, r.Problem)
		if IsScientific(id.Value) {
			msg = "is in the notation of a spreadsheet and has lost its last digits"
		}
		errs = append(errs, kam.Errorf(kam.Invalid, "%s", msg).On(fmt.Sprintf("identifiers[%d].value", i)).By(rule).Try("compare it with the customer's papers"))
	}
	postal := func(field, country, code string) {
		if code != "" && PostalCodeKnown(country) && !CheckPostalCode(country, code) {
			errs = append(errs, kam.Errorf(kam.Invalid, "does not fit the postal codes of %s", country).On(field).By("VA02").Try("write it as in "+postalForms[country].shown))
		}
	}
	postal("postal_code", d.CountryCode, d.PostalCode)
	for i, a := range d.Addresses {
		postal(fmt.Sprintf("addresses[%d].postal_code", i), a.CountryCode, a.PostalCode)
	}
	return errs
}

// identifierFault is the rule that an identifier breaks, and how people are told.
func identifierFault(scheme kam.IdentifierScheme, problem IdentifierProblem) (rule, msg string) {
	if problem == ProblemCheckDigit {
		return "VI02", fmt.Sprintf("the check digit of this %s is wrong", scheme)
	}
	return "VI01", fmt.Sprintf("does not have the form of %s", scheme)
}
