package workflows

import (
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam/onboarding"
)

// CustomerOnboarding is one case, from its start to its end.
//
//	1 Analyze and classify customers ─▶ KA? ── KAs ─────▶ 2 Key account management
//	        ▲                               └─ Non KAs ─▶ 3 Territory management
//	        └───────── 3.3 Review performance ◀───────────┘
//
// What follows on KA? outlives the case: the last stage, 1.5.6, stores the
// account or the coverage and a message, and others start from there.
//
// A request to cancel the workflow is not obeyed: a case is withdrawn or
// cancelled by an act, which is stored like any other.
//
// The input is read here and not by the SDK: an input that cannot be read would
// fail the run in a way that a retry policy, which whoever starts it may send
// along, repeats for ever.
func CustomerOnboarding(ctx workflow.Context, verify Verify, raw converter.RawValue) (onboarding.Snapshot, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)

	in, err := read[Input](raw)
	if err != nil {
		return onboarding.Snapshot{}, refusal(err)
	}
	c := newOnboarding(ctx, verify, in)
	if err := c.openInbox(ctx); err != nil {
		return onboarding.Snapshot{}, err
	}

	if err := c.receiveRequest(ctx); err != nil {
		return onboarding.Snapshot{}, err
	}

	err = c.work(ctx, c.analyzeAndClassify)
	return c.Snapshot, err
}
