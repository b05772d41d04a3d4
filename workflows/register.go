package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// Registry is what takes the workflows: a worker, a replayer or a test
// environment.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// Register makes the workflows known under their names. An open case moves to
// the newest build at its next workflow task (D27).
func Register(r Registry) {
	r.RegisterWorkflowWithOptions(CustomerOnboarding, workflow.RegisterOptions{
		Name:               onboarding.WorkflowOnboarding,
		VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	})
	r.RegisterWorkflowWithOptions(ImportBatch, workflow.RegisterOptions{
		Name:               book.WorkflowImportBatch,
		VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	})
	r.RegisterWorkflowWithOptions(Recurring, workflow.RegisterOptions{
		Name:               kam.WorkflowRecurring,
		VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	})
}
