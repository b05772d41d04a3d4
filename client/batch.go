package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/internal/span"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// BatchTemporal is what batches need of Temporal's client.
type BatchTemporal interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	UpdateWorkflow(ctx context.Context, options client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
}

// BatchRecord is what batches need of the store.
type BatchRecord interface {
	UploadBatch(ctx context.Context, u store.BatchUpload) (b kam.BatchSnapshot, created bool, err error)
	Batch(ctx context.Context, no kam.BatchNo) (kam.BatchSnapshot, error)
	RefuseBatch(ctx context.Context, no kam.BatchNo, act kam.BatchAct, refusal *kam.Error, at time.Time) error
	Person(ctx context.Context, id kam.UserID) (kam.Person, error)
}

// Batches imports customer books (P4.4 5.7) and brings people's acts to them.
// It may be used from many goroutines.
type Batches struct {
	// Patience is how long an act is tried before it counts as not confirmed.
	// It does not bound an upload, which takes the time of its rows.
	Patience time.Duration

	record    BatchRecord
	temporal  BatchTemporal
	taskQueue string
}

// NewBatches returns a client of batches over the record and Temporal.
func NewBatches(record BatchRecord, temporal BatchTemporal, taskQueue string) *Batches {
	return &Batches{Patience: patience, record: record, temporal: temporal, taskQueue: taskQueue}
}

// Upload stages a book as a batch and starts its workflow. The same key with
// the same content is the same batch, which is then started if it was not; with
// other content it is a kam.IDReused. plOnly says that the book holds nothing
// but a profit and loss. Whoever may not upload is refused before anything is
// stored.
func (c *Batches) Upload(ctx context.Context, u store.BatchUpload, plOnly bool) (b kam.BatchSnapshot, created bool, err error) {
	who, err := c.record.Person(ctx, u.By)
	if kam.CodeOf(err) == kam.NotFound {
		return b, false, kam.Errorf(kam.Forbidden, "nobody is known as %q", u.By).On("by")
	}
	if err != nil {
		return b, false, reachable(ctx, "the upload", err)
	}
	s := kam.Subject{Requester: u.By, Path: who.Nodes, Fields: []string{"customers"}}
	if plOnly {
		s.Fields = []string{"pnl"}
	}
	if _, err := kam.Permit(who, kam.ActionImportUpload, s); err != nil {
		return b, false, err
	}
	if b, created, err = c.record.UploadBatch(ctx, u); err != nil {
		return b, false, err
	}
	return b, created, c.begin(ctx, b)
}

// begin starts the workflow of a batch; one that runs or has ended stays.
func (c *Batches) begin(ctx context.Context, b kam.BatchSnapshot) error {
	if b.State.Ended() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	for try := 0; ; try++ {
		_, err := c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID:                       b.No.WorkflowID(),
			TaskQueue:                c.taskQueue,
			WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			// A run that failed has told the operators; whoever uploads the
			// same book again lets it go on.
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
			StaticSummary:         "Import of a customer book " + string(b.No),
		}, kam.WorkflowImportBatch, kam.BatchInput{No: b.No})
		var started *serviceerror.WorkflowExecutionAlreadyStarted
		if err == nil || errors.As(err, &started) {
			return nil
		}
		if outcome, _ := judge(err); outcome == broken {
			return fmt.Errorf("start batch %s: %w", b.No, err)
		}
		if pause(ctx, try) != nil {
			return unconfirmed("the start of batch "+string(b.No), err)
		}
	}
}

// Confirm brings a manager's confirmation of a scope to a batch and returns
// the committed batch. The act carries the digest of the check that he has
// seen. kam.Unreachable means that it is not known whether the act was stored,
// and that sending it again with the same DecisionID is safe. A refusal is
// audited.
func (c *Batches) Confirm(ctx context.Context, no kam.BatchNo, act kam.BatchAct) (kam.BatchSnapshot, error) {
	return c.act(ctx, no, kam.UpdateConfirmBatch, act, act.CheckConfirm)
}

// Cancel takes a batch back, as [Batches.Confirm] confirms it.
func (c *Batches) Cancel(ctx context.Context, no kam.BatchNo, act kam.BatchAct) (kam.BatchSnapshot, error) {
	return c.act(ctx, no, kam.UpdateCancelBatch, act, act.CheckCancel)
}

func (c *Batches) act(ctx context.Context, no kam.BatchNo, name string, act kam.BatchAct, check func(kam.BatchSnapshot) error) (b kam.BatchSnapshot, err error) {
	ctx, end := span.Start(ctx, "act", span.BatchNo.String(string(no)), span.Act.String(name))
	defer func() { end(err) }()
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	what := fmt.Sprintf("%s on %s", name, no)
	before, err := c.record.Batch(ctx, no)
	if err != nil {
		return before, reachable(ctx, what, err)
	}
	for try, attempt := 0, 1; ; try++ {
		p, err := c.sendOnce(ctx, no, name, act, attempt)
		outcome, refusal := judge(err)
		switch outcome {
		case answered:
			return p.Batch, nil
		case refused:
			return before, c.refuse(ctx, no, act, refusal)
		case gone:
			return c.fromRecord(ctx, no, act, check, what)
		case failed:
			attempt++
		case broken:
			return before, fmt.Errorf("%s: %w", what, err)
		}
		if pause(ctx, try) != nil {
			return before, unconfirmed(what, err)
		}
	}
}

func (c *Batches) sendOnce(ctx context.Context, no kam.BatchNo, name string, act kam.BatchAct, attempt int) (p kam.BatchProgress, err error) {
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	handle, err := c.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		UpdateID:     fmt.Sprintf("%s/%d-%s", act.DecisionID, attempt, fingerprintOf(act)),
		WorkflowID:   no.WorkflowID(),
		UpdateName:   name,
		Args:         []any{act},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &p)
	}
	return p, err
}

// refuse leaves a trace of what the workflow refused before anything was
// stored: Temporal keeps none. A record that cannot be reached does not turn
// the refusal into a fault.
func (c *Batches) refuse(ctx context.Context, no kam.BatchNo, act kam.BatchAct, refusal *kam.Error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), perTry)
	defer cancel()
	_ = c.record.RefuseBatch(ctx, no, act, refusal, time.Now().UTC())
	return refusal
}

// fromRecord answers for a workflow that is no more, or never was: a batch
// that waits is started again.
func (c *Batches) fromRecord(ctx context.Context, no kam.BatchNo, act kam.BatchAct, check func(kam.BatchSnapshot) error, what string) (kam.BatchSnapshot, error) {
	b, err := c.record.Batch(ctx, no)
	if err != nil {
		return b, reachable(ctx, what, err)
	}
	for _, s := range b.Scopes {
		if s.DecisionID == act.DecisionID && s.ConfirmedBy == act.By {
			return b, nil
		}
	}
	if !b.State.Ended() {
		if err := c.begin(ctx, b); err != nil {
			return b, err
		}
		return b, unconfirmed(what, nil)
	}
	refusal := kam.AsError(check(b))
	if refusal == nil {
		refusal = kam.Errorf(kam.TooLate, "batch %s is %s", no, b.State)
	}
	return b, c.refuse(ctx, no, act, refusal)
}
