package parties

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/match"
	accessdb "github.com/kamflow/kamflow/store/access"
)

// kinds gives the order in which Assignment rules are tried (1.1.3).
var kinds = []string{accessdb.NamedAccount, accessdb.IndustryAndArea, accessdb.AreaRule, accessdb.CountryDefault}

// Assignment is the rule that says where a customer belongs: within one kind
// the longest postal prefix wins, then the smaller priority, then the smaller
// code.
func Assignment(all []accessdb.AssignmentRule, d customer.RequestData) (best accessdb.AssignmentRule, ok bool) {
	for _, r := range all {
		if fits(r, d) && (!ok || before(r, best)) {
			best, ok = r, true
		}
	}
	return best, ok
}

func before(a, b accessdb.AssignmentRule) bool {
	if d := slices.Index(kinds, a.Kind) - slices.Index(kinds, b.Kind); d != 0 {
		return d < 0
	}
	if d := len(b.PostalPrefix) - len(a.PostalPrefix); d != 0 {
		return d < 0
	}
	if d := a.Priority - b.Priority; d != 0 {
		return d < 0
	}
	return a.Code < b.Code
}

func fits(r accessdb.AssignmentRule, d customer.RequestData) bool {
	if r.Country != "" && r.Country != d.CountryCode {
		return false
	}
	postal := strings.ToUpper(strings.ReplaceAll(d.PostalCode, " ", ""))
	if !strings.HasPrefix(postal, strings.ToUpper(r.PostalPrefix)) {
		return false
	}
	if r.IndustryScheme != "" && r.IndustryScheme != string(d.IndustryScheme) || !strings.HasPrefix(d.IndustryCode, r.IndustryPrefix) {
		return false
	}
	if r.Kind == accessdb.NamedAccount {
		byName := r.Name != "" && match.Normalize(r.Name, d.CountryCode) == match.Normalize(d.LegalName, d.CountryCode)
		return byName || r.GroupID != "" && r.GroupID == d.GroupID
	}
	return true
}
