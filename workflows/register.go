package workflows

import (
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
)

// Registry is what takes the workflows: a worker, a replayer or a test
// environment.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// A Verify judges the signature of an act that arrives, in memory. It is asked by
// validators only, so never on replay. Nil judges nothing, as in a replayer.
type Verify func(now time.Time, token string, c signed.Claim) error

func (v Verify) of(now time.Time, token string, c signed.Claim) error {
	if v == nil {
		return nil
	}
	return v(now, token, c)
}

// Register makes the workflows known under their names. An open case moves to
// the newest build at its next workflow task (D27).
func Register(r Registry, verify Verify) {
	running := func(ctx workflow.Context, raw converter.RawValue) (onboarding.Snapshot, error) {
		return CustomerOnboarding(ctx, verify, raw)
	}
	imports := func(ctx workflow.Context, raw converter.RawValue) (book.BatchSnapshot, error) {
		return ImportBatch(ctx, verify, raw)
	}
	r.RegisterWorkflowWithOptions(running, workflow.RegisterOptions{
		Name:               onboarding.WorkflowOnboarding,
		VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	})
	r.RegisterWorkflowWithOptions(imports, workflow.RegisterOptions{
		Name:               book.WorkflowImportBatch,
		VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	})
	r.RegisterWorkflowWithOptions(Recurring, workflow.RegisterOptions{
		Name:               kam.WorkflowRecurring,
		VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	})
}
