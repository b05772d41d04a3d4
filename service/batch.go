package service

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
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	bookdb "github.com/kamflow/kamflow/store/book"
)

// Upload stages a book as a batch and starts its workflow. The same key with
// the same content is the same batch, which is then started if it was not; with
// other content it is a kam.IDReused. plOnly says that the book holds nothing
// but a profit and loss. Whoever may not upload is refused before anything is
// stored.
func (l *Local) Upload(ctx context.Context, who Principal, u bookdb.Upload, plOnly bool) (b book.BatchSnapshot, created bool, err error) {
	u.By = who.user
	p, err := l.person(ctx, who)
	if err != nil {
		return b, false, reachable(ctx, kam.Say("the upload"), err)
	}
	s := access.Subject{Requester: u.By, Path: p.Nodes, Fields: []string{"customers"}}
	if plOnly {
		s.Fields = []string{"pnl"}
	}
	if _, err := access.Permit(p, access.ActionImportUpload, s); err != nil {
		return b, false, err
	}
	if u.Sign, err = l.sealing(ctx, who, "Upload"); err != nil {
		return b, false, reachable(ctx, kam.Say("the upload"), err)
	}
	if b, created, err = l.record.Books.Upload(ctx, u); err != nil {
		return b, false, err
	}
	return b, created, l.beginBatch(ctx, b)
}

// beginBatch starts the workflow of a batch; one that runs or has ended stays.
func (l *Local) beginBatch(ctx context.Context, b book.BatchSnapshot) error {
	if b.State.Ended() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	for try := 0; ; try++ {
		_, err := l.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID:                       b.No.WorkflowID(),
			TaskQueue:                l.taskQueue,
			WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			// A run that failed has told the operators; whoever uploads the
			// same book again lets it go on.
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
			StaticSummary:         "Import of a customer book " + string(b.No),
		}, book.WorkflowImportBatch, book.BatchInput{No: b.No})
		var started *serviceerror.WorkflowExecutionAlreadyStarted
		if err == nil || errors.As(err, &started) {
			return nil
		}
		if outcome, _ := judge(err); outcome == broken {
			return fmt.Errorf("start batch %s: %w", b.No, err)
		}
		if pause(ctx, try) != nil {
			return unconfirmed(kam.Say("the start of batch %s", b.No), err)
		}
	}
}

// ConfirmBatch brings a manager's confirmation of a scope to a batch and returns
// the committed batch. The act carries the digest of the check that he has
// seen. kam.Unreachable means that it is not known whether the act was stored,
// and that sending it again with the same DecisionID is safe. A refusal is
// audited.
func (l *Local) ConfirmBatch(ctx context.Context, who Principal, no book.BatchNo, act book.BatchAct) (book.BatchSnapshot, error) {
	act.By = who.user
	return l.onBatch(ctx, who, no, book.UpdateConfirmBatch, act, act.CheckConfirm)
}

// CancelBatch takes a batch back, as [Local.ConfirmBatch] confirms it.
func (l *Local) CancelBatch(ctx context.Context, who Principal, no book.BatchNo, act book.BatchAct) (book.BatchSnapshot, error) {
	act.By = who.user
	return l.onBatch(ctx, who, no, book.UpdateCancelBatch, act, act.CheckCancel)
}

func (l *Local) onBatch(ctx context.Context, who Principal, no book.BatchNo, name string, act book.BatchAct, check func(book.BatchSnapshot) error) (b book.BatchSnapshot, err error) {
	ctx, end := span.Start(ctx, "act", span.BatchNo.String(string(no)), span.Act.String(name))
	defer func() { end(err) }()
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	what := kam.Say("%s on %s", name, no)
	before, err := l.record.Books.Get(ctx, no)
	if err != nil {
		return before, reachable(ctx, what, err)
	}
	act.Name = name
	by, err := l.signatory(ctx, who, func() (access.Acting, error) { return l.Judge.MayActOnImport(ctx, no, act) })
	if e := kam.AsError(err); e != nil {
		return before, l.refuseOnBatch(ctx, no, act, e)
	}
	if err != nil {
		return before, reachable(ctx, what, err)
	}
	for try, attempt := 0, 1; ; try++ {
		if act.Signed, err = by.batchAct(ctx, no, act); err != nil {
			return before, reachable(ctx, what, err)
		}
		p, err := l.sendToBatch(ctx, no, name, act, attempt)
		outcome, refusal := judge(err)
		switch outcome {
		case answered:
			return p.Batch, nil
		case refused:
			return before, l.refuseOnBatch(ctx, no, act, refusal)
		case gone:
			return l.fromBatch(ctx, no, act, check, what)
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

func (l *Local) sendToBatch(ctx context.Context, no book.BatchNo, name string, act book.BatchAct, attempt int) (p book.BatchProgress, err error) {
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	same := act
	same.Signed = "" // it is signed anew each time that it is sent
	handle, err := l.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		UpdateID:     fmt.Sprintf("%s/%d-%s", act.DecisionID, attempt, fingerprint(same)),
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

// refuseOnBatch leaves a trace of what the workflow refused before anything was
// stored: Temporal keeps none. A record that cannot be reached does not turn
// the refusal into a fault.
func (l *Local) refuseOnBatch(ctx context.Context, no book.BatchNo, act book.BatchAct, refusal *kam.Error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), perTry)
	defer cancel()
	_ = l.record.Books.Refuse(ctx, no, act, refusal, time.Now().UTC())
	return refusal
}

// fromBatch answers for a workflow that is no more, or never was: a batch
// that waits is started again.
func (l *Local) fromBatch(ctx context.Context, no book.BatchNo, act book.BatchAct, check func(book.BatchSnapshot) error, what kam.Sentence) (book.BatchSnapshot, error) {
	b, err := l.record.Books.Get(ctx, no)
	if err != nil {
		return b, reachable(ctx, what, err)
	}
	for _, s := range b.Scopes {
		if s.DecisionID == act.DecisionID && s.ConfirmedBy == act.By {
			return b, nil
		}
	}
	if !b.State.Ended() {
		if err := l.beginBatch(ctx, b); err != nil {
			return b, err
		}
		return b, unconfirmed(what, nil)
	}
	refusal := kam.AsError(check(b))
	if refusal == nil {
		refusal = kam.Errorf(kam.TooLate, "batch %s is %s", no, b.State)
	}
	return b, l.refuseOnBatch(ctx, no, act, refusal)
}
