package rules

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// askedOfRequests are required of a request and unknown to any book.
var askedOfRequests = []string{"justification"}

// BookFindings are what is wrong with a customer of an existing book. The form
// is tested as that of a request is (P3.4); a customer without name or country
// is nobody. What a book of old does not know is one WARNING: the customer was
// served without it. Severities are ERROR and WARNING only.
func (p *Set) BookFindings(d kam.RequestData) []kam.BatchFinding {
	var out []kam.BatchFinding
	for _, e := range AddressOnce(p.FormErrors(d)) {
		msg := e.Message()
		if strings.HasPrefix(e.Field, "contacts[") {
			msg = kam.Say("does not have the form of the field") // the value is personal data
		}
		out = append(out, kam.BatchFinding{Column: e.Field, Rule: e.Rule, Severity: kam.SeverityError}.Saying(msg, e.HowTo()))
	}
	for _, f := range []struct{ name, value string }{{"legal_name", d.LegalName}, {"country_code", d.CountryCode}} {
		if f.value == "" {
			out = append(out, kam.BatchFinding{Column: f.name, Rule: "VF01", Severity: kam.SeverityError,
				Message: "is missing: nobody could say who the customer is", Remedy: "fill it in"})
		}
	}
	missing := append(Missing(d, kam.Screening), Missing(d, kam.Detail)...)
	missing = slices.DeleteFunc(missing, func(name string) bool {
		return name == "legal_name" || name == "country_code" || slices.Contains(askedOfRequests, name)
	})
	if len(missing) > 0 {
		msg := kam.Say("is unknown")
		if len(missing) > 1 {
			msg = kam.Say("is unknown, and so are %s", kam.ListOf(missing[1:]))
		}
		out = append(out, kam.BatchFinding{Column: missing[0], Rule: "VF01", Severity: kam.SeverityWarning}.
			Saying(msg, kam.Say("complete the customer when there is occasion")))
	}
	return out
}
