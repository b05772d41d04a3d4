package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam/onboarding"
)

// analyzeAndClassify is 1, Analyze and classify customers: it takes the case
// one step on from where it stands. What a step leads to is in
// [onboarding.Transitions]; here stands which page of the deck draws it.
//
//	1.1 Identify/add/modify ─▶ 1.2 Analyze details ─▶ 1.3 Segment ─▶ 1.4 Validate ─▶ 1.5 Identify key accounts ─▶ KA?
//	     ▲        │                   ▲                                 │                     │
//	     └────────┴── change of identity, changes requested ◀───────────┘               endorsement
func (c *caseDesk) analyzeAndClassify(ctx workflow.Context) error {
	switch state := c.Snapshot.State; state {
	case onboarding.Draft, onboarding.Identifying, onboarding.DuplicateReview, onboarding.Deciding, onboarding.ComplianceReview, onboarding.AwaitingConfirmation:
		return c.identifyAdd(ctx)

	case onboarding.DataEntry, onboarding.ChangesRequested, onboarding.AwaitingCompletion, onboarding.Analyzing:
		return c.analyzeDetails(ctx)

	case onboarding.Segmenting:
		return c.segment(ctx)

	case onboarding.Validating, onboarding.ValidationReview:
		return c.validate(ctx)

	case onboarding.Classifying, onboarding.AwaitingEndorsement, onboarding.HandingOff:
		return c.identifyKeyAccounts(ctx)

	case onboarding.NeedsIntervention:
		// A fault: an operator cures its cause and sends Retry.
		return c.waitForPeople(ctx)

	default:
		// A state of a newer release: wait for the worker that knows it.
		c.log(ctx).Error("unknown state", "state", state)
		return c.waitForPeople(ctx)
	}
}

// segment is 1.3: models 1.3.2 to 1.3.6 and the segment, 1.3.7.
func (c *caseDesk) segment(ctx workflow.Context) error { return c.run(ctx) }

// validate is 1.4.
//
//	1.4.1-1.4.6 checks ── nothing blocks ──▶ 1.4.7 commit: point of no return
//	        │ │
//	        │ └─ REVIEW findings ─▶ 1.4.6s steward review ─ waived ─▶ checks again
//	        └─── ERROR findings ──▶ changes requested
func (c *caseDesk) validate(ctx workflow.Context) error {
	if c.Snapshot.State == onboarding.ValidationReview { // 1.4.6s
		return c.waitForPeople(ctx)
	}
	return c.run(ctx)
}

// identifyKeyAccounts is 1.5.
//
//	1.5.1 gates ─▶ 1.5.2 score ─▶ 1.5.3 roll-up ─▶ 1.5.4 tier and KA?
//	        a change of status or tier, or a nomination ─▶ 1.5.5 endorse ─┐
//	        else ─────────────────────────────────────────────────────────┴▶ 1.5.6 assign and hand off
func (c *caseDesk) identifyKeyAccounts(ctx workflow.Context) error {
	if c.Snapshot.State == onboarding.AwaitingEndorsement { // 1.5.5
		return c.waitForPeople(ctx)
	}
	return c.run(ctx)
}
