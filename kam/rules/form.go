package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/identifier"
)

// FormErrors adds to those of every form what this policy cannot compute with:
// amounts that the base currency cannot hold, and those that the rules use in
// another currency.
func (p *Set) FormErrors(d kam.RequestData) []*kam.Error {
	errs := append(FormErrors(d), p.bareAmounts(d)...)
	for _, a := range []struct {
		field string
		money *kam.Money
	}{{"declared_potential", d.DeclaredPotential}, {"addressable_spend_12m", d.AddressableSpend12m}} {
		if a.money == nil {
			continue
		}
		if in, err := a.money.In(p.BaseCurrency); err == nil && in.Currency != p.BaseCurrency {
			errs = append(errs, kam.Errorf(kam.Invalid, "%s is not in %s, and there is no rate", in, p.BaseCurrency).On(a.field).By("VF02").
				Try("state it in %s", p.BaseCurrency))
		}
	}
	return errs
}

// bareAmounts are the amounts without a currency that are none of the base
// currency, because they have more decimals than it.
func (p *Set) bareAmounts(d kam.RequestData) (errs []*kam.Error) {
	for _, a := range []struct {
		field string
		money *kam.Money
	}{{"declared_potential", d.DeclaredPotential}, {"annual_turnover", d.AnnualTurnover}, {"addressable_spend_12m", d.AddressableSpend12m}} {
		if a.money == nil {
			continue
		}
		if _, err := a.money.In(p.BaseCurrency); err != nil {
			errs = append(errs, kam.About(a.field, err))
		}
	}
	return errs
}

// FormErrors are the reasons for which a form is not accepted at once
// (P2.5, 1.2.1a): bounds and closed values of every field that is given,
// identifiers whose form or check digit is wrong (VI01, VI02), and postal codes
// that do not fit their country (VA02). Completeness is not tested here.
func FormErrors(d kam.RequestData) []*kam.Error {
	errs := kam.CheckForm(d, kam.Screening, kam.Detail)
	for i, id := range d.Identifiers {
		r := identifier.Check(id.Scheme, id.Value, id.Country)
		if r.Valid {
			continue
		}
		rule, msg := identifierFault(id.Scheme, r.Problem)
		if identifier.IsScientific(id.Value) {
			msg = kam.Say("is in the notation of a spreadsheet and has lost its last digits")
		}
		errs = append(errs, kam.Errorf(kam.Invalid, "%s", msg).On(fmt.Sprintf("identifiers[%d].value", i)).By(rule).Try("compare it with the customer's papers"))
	}
	postal := func(field, country, code string) {
		if code != "" && identifier.PostalCodeKnown(country) && !identifier.CheckPostalCode(country, code) {
			errs = append(errs, kam.Errorf(kam.Invalid, "%q does not fit the postal codes of %s", kam.Clip(code, 60), country).On(field).By("VA02").Try("write it as in %s", identifier.PostalCodeShown(country)))
		}
	}
	postal("postal_code", d.CountryCode, d.PostalCode)
	for i, a := range d.Addresses {
		postal(fmt.Sprintf("addresses[%d].postal_code", i), a.CountryCode, a.PostalCode)
	}
	return errs
}

// AddressOnce leaves out what is wrong with the address of a customer that an
// import made of his street and place, where the same is said of these.
func AddressOnce(errs []*kam.Error) []*kam.Error {
	return slices.DeleteFunc(slices.Clone(errs), func(e *kam.Error) bool {
		part, ok := strings.CutPrefix(e.Field, "addresses[0].")
		if part == "line1" {
			part = "street"
		}
		return ok && slices.ContainsFunc(errs, func(o *kam.Error) bool { return o.Field == part && o.Rule == e.Rule && o.Msg == e.Msg })
	})
}

// identifierFault is the rule that an identifier breaks, and how people are told.
func identifierFault(scheme kam.IdentifierScheme, problem identifier.Problem) (rule string, msg kam.Sentence) {
	if problem == identifier.BadCheckDigit {
		return "VI02", kam.Say("the check digit of this %s is wrong", scheme)
	}
	return "VI01", kam.Say("does not have the form of %s", scheme)
}

// Missing is [kam.Missing] with the postal code, which is required where the
// form of the country's codes is known and nobody writes an address without.
func Missing(d kam.RequestData, set kam.FieldSet, forType ...kam.CaseType) []string {
	names := kam.Missing(d, set, forType...)
	if set == kam.Screening && strings.TrimSpace(d.PostalCode) == "" && identifier.PostalCodeRequired(d.CountryCode) {
		names = append(names, "postal_code")
	}
	return names
}
