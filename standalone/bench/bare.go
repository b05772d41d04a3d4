package bench

import (
	"fmt"

	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
)

const (
	bareQueue    = "bench-bare"
	bareWorkflow = "Bare"
	bareConfirm  = "Confirm"
)

// bare is the floor: a workflow that is started with a request and waits until
// somebody confirms it.
func bare(ctx workflow.Context, _ customer.RequestData) (kam.UserID, error) {
	var by kam.UserID
	err := workflow.SetUpdateHandler(ctx, bareConfirm, func(_ workflow.Context, act onboarding.Act) (kam.UserID, error) {
		by = act.By
		return by, nil
	})
	if err != nil {
		return "", err
	}
	err = workflow.Await(ctx, func() bool { return by != "" })
	return by, err
}

// StartBare works on bare workflows until it is stopped, with as many slots as
// the worker of cases has.
func StartBare(c sdk.Client, cfg config.Worker) (worker.Worker, error) {
	w := worker.New(c, bareQueue, worker.Options{
		MaxConcurrentWorkflowTaskExecutionSize: cfg.WorkflowTasks,
		DisableRegistrationAliasing:            true,
	})
	w.RegisterWorkflowWithOptions(bare, workflow.RegisterOptions{Name: bareWorkflow})
	if err := w.Start(); err != nil {
		return nil, fmt.Errorf("start the worker of bare workflows: %w", err)
	}
	return w, nil
}
