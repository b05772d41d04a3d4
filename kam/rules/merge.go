package rules

import (
	"cmp"
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
	id = checked(id)
	r := CheckIdentifier(id.Scheme, id.Value, id.Country)
	name, country := strings.TrimSpace(id.Name), ""
	if id.Scheme == kam.SchemeOther {
		country, name = splitRegister(id.Name, id.Country)
		name = cmp.Or(registerOf(country, name).canonical, name)
	} else if r.Valid {
		country = issuedIn(id.Scheme, r.Compact) // empty: the scheme numbers the whole world
	}
	return strings.ToUpper(strings.Join([]string{string(id.Scheme), name, country}, "/")), identityKey(id.Scheme, strings.ToUpper(r.Compact))
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
