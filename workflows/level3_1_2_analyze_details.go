package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam/onboarding"
)

// analyzeDetails is 1.2, Analyze customer details.
//
//	1.2.1a enter data: screening set ──▶ 1.1.4 (page 1.1)
//	1.2.1b enter data: detail set, may be filled from 1.2.1a on
//	   ▼
//	1.2.2 sales history ─▶ 1.2.3 needs ─▶ 1.2.4 wallet ─▶ 1.2.5 P&L ─▶ 1.2.6 relationship ─▶ 1.3
func (c *caseDesk) analyzeDetails(ctx workflow.Context) error {
	if c.Snapshot.State == onboarding.Analyzing { // 1.2.2 to 1.2.6
		return c.run(ctx)
	}
	// 1.2.1a, 1.2.1b and changes that a manager or a finding asked for: what
	// the requester sends is stored by its act, which also says where the case
	// goes. An identity field that changed leads back to 1.1.2.
	return c.waitForPeople(ctx)
}
