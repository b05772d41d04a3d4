package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// receiveRequest is 1.1.1. The request is in PostgreSQL since its number was
// allotted; here the case becomes one. The update that came with the start
// may do it first. A case that does not exist is the one thing that fails the
// workflow; anything else is tried until it works, because the start was
// acknowledged.
func (c *caseDesk) receiveRequest(ctx workflow.Context) error {
	for !c.opened() {
		err := c.openFirst(ctx)
		if err == nil {
			break
		}
		e := asError(err)
		if cannotOpen(e.Code) {
			return temporal.NewNonRetryableApplicationError(e.Error(), string(e.Code), nil, e)
		}
		c.log(ctx).Error("case cannot be opened", "error", err)
		if _, err := c.await(ctx, pauseAfterFault, "pause after a fault: "+stageLabel(onboarding.StageOpen), c.opened); err != nil {
			return err
		}
	}
	workflow.SetCurrentDetails(ctx, details(c.Snapshot))
	return nil
}

// cannotOpen says whether a request is turned down for good: it names no case,
// or one that may not be.
func cannotOpen(code kam.Code) bool {
	switch code {
	case kam.NotFound, kam.Invalid, kam.TargetInvalid, kam.OpenCaseExists, kam.Forbidden, kam.NotSigned, kam.WrongState, kam.TooLate:
		return true
	}
	return false
}

// identifyAdd is 1.1, Identify/add/modify customer.
//
//	1.1.1 receive request
//	   ▼
//	1.1.2 search ── candidates ──▶ duplicate review ── existing ──▶ merged
//	1.1.3 territory and owner           │ not a duplicate
//	   ▼                                ▼
//	1.2.1a enter data: screening set (page 1.2)
//	   ▼
//	1.1.4 determine whether to add ── Add? No ──▶ reject customer
//	   │ yes    └─ compliance ─▶ 1.1.4c review ─▶ │
//	   ▼                                          ▼
//	1.1.5 management confirmation ── no ──▶ reject customer
//	   │ yes              └─ send back ──▶ changes requested (page 1.2)
//	   ▼
//	1.1.6 recorded, notices sent, then 1.2.1b
func (c *caseDesk) identifyAdd(ctx workflow.Context) error {
	switch c.Snapshot.State {
	case onboarding.Identifying: // 1.1.2, 1.1.3
		return c.run(ctx)

	case onboarding.Deciding: // 1.1.4; a refusal by the rules is recorded and its notice sent, 1.1.6
		return c.run(ctx)

	default:
		// 1.1.1 a draft waits for its requester
		// 1.1.2 candidates wait for the requester or a data steward
		// 1.1.4c a finding waits for compliance
		// 1.1.5 the decision waits for a manager; silence never confirms
		return c.waitForPeople(ctx)
	}
}
