package rules

import (
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/identifier"
)

// PlanMerge is [kam.PlanMerge] with the rules on identifiers.
func PlanMerge(survivor, absorbed kam.MergeSide, c kam.MergeChoice) (kam.MergePlan, error) {
	return kam.PlanMerge(survivor, absorbed, c, identifier.Class)
}

// PlanSplit is [kam.PlanSplit] with the rules on identifiers.
func PlanSplit(d kam.RequestData, c kam.SplitChoice) (stays, goes kam.RequestData, err error) {
	stays, goes, err = kam.PlanSplit(d, c, identifier.Class)
	Clean(&goes)
	return stays, goes, err
}
