package rules

import (
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/identifier"
)

// PlanMerge is [customer.PlanMerge] with the rules on identifiers.
func PlanMerge(survivor, absorbed customer.MergeSide, c customer.MergeChoice) (customer.MergePlan, error) {
	return customer.PlanMerge(survivor, absorbed, c, identifier.Class)
}

// PlanSplit is [customer.PlanSplit] with the rules on identifiers.
func PlanSplit(d customer.RequestData, c customer.SplitChoice) (stays, goes customer.RequestData, err error) {
	stays, goes, err = customer.PlanSplit(d, c, identifier.Class)
	Clean(&goes)
	return stays, goes, err
}
