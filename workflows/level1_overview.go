package workflows

import (
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
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
func CustomerOnboarding(ctx workflow.Context, raw converter.RawValue) (kam.Snapshot, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)

	in, err := read[Input](raw)
	if err != nil {
		return kam.Snapshot{}, refusal(err)
	}
	c := newOnboarding(ctx, in)
	if err := c.openInbox(ctx); err != nil {
		return kam.Snapshot{}, err
	}

	if err := c.receiveRequest(ctx); err != nil {
		return kam.Snapshot{}, err
	}

	for {
		for !c.Snapshot.State.Ended() && !c.full(ctx) {
			if err := c.analyzeAndClassify(ctx); err != nil {
				return c.Snapshot, err
			}
		}
		if err := c.settle(ctx); err != nil {
			return c.Snapshot, err
		}
		if c.Snapshot.State.Ended() {
			return c.Snapshot, c.publish(ctx)
		}
		if c.full(ctx) {
			return c.Snapshot, c.continueAsNew(ctx)
		}
	}
}

// maxActsPerRun is how many acts a run takes before the case continues in a
// new one, with an empty history.
const maxActsPerRun = 500

// full says whether the history is long enough for a new run.
func (c *onboarding) full(ctx workflow.Context) bool {
	return c.taken >= maxActsPerRun || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

// settle waits until everybody who was let in has his answer and every signal
// is read: what is left in a channel when a run closes is lost.
//
// A signal that came with this very task has left its channel already and is
// in the hands of its reader, who runs after us. So everybody gets a turn
// first: a coroutine that is new runs after all others.
func (c *onboarding) settle(ctx workflow.Context) error {
	turn := false
	workflow.Go(ctx, func(workflow.Context) { turn = true })
	return workflow.Await(ctx, func() bool {
		return turn && c.inFlight == 0 && c.heard() && workflow.AllHandlersFinished(ctx)
	})
}

// continueAsNew goes on in a new run with everything that the case carries.
// Deadlines are instants, so they stay as they are.
func (c *onboarding) continueAsNew(ctx workflow.Context) error {
	next := c.Carried
	next.Runs++
	return workflow.NewContinueAsNewError(ctx, kam.WorkflowOnboarding, Input{StartInput: c.start, Carried: &next})
}
