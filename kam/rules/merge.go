package rules

import (
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// NumberClass says what an identifier is the number of, and the number in the
// form in which it is compared. A customer has one number of each scheme and
// issuing country but bank accounts (VI05), so two of one class contradict
// each other. Bank accounts have no class.
func NumberClass(id kam.Identifier) (class, key string) {
	if id.Scheme == kam.SchemeIBAN {
		return "", ""
	}
	r := CheckIdentifier(id.Scheme, id.Value, id.Country)
	country := ""
	if from := issuedIn(id.Scheme, r.Compact); r.Valid && from != "" {
		country = from
	} else if id.Scheme == kam.SchemeOther {
		country = id.Country // the other schemes number the whole world
	}
	return strings.ToUpper(strings.Join([]string{string(id.Scheme), strings.TrimSpace(id.Name), country}, "/")), identityKey(id.Scheme, strings.ToUpper(r.Compact))
}

// PlanMerge is [kam.PlanMerge] with the rules on identifiers.
func PlanMerge(survivor, absorbed kam.MergeSide, c kam.MergeChoice) (kam.MergePlan, error) {
	return kam.PlanMerge(survivor, absorbed, c, NumberClass)
}

// PlanSplit is [kam.PlanSplit] with the rules on identifiers.
func PlanSplit(d kam.RequestData, c kam.SplitChoice) (stays, goes kam.RequestData, err error) {
	stays, goes, err = kam.PlanSplit(d, c, NumberClass)
	Clean(&goes)
	return stays, goes, err
}
