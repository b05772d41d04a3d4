package workflows

import (
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
)

// ImportBatch is the import of an existing customer book, 5.7: one workflow
// for the book, no case per row.
//
//	UPLOADED ─ check ─▶ CHECKED ─ one manager per scope ─▶ CONFIRMED ─ apply ─▶ APPLIED
//	    └─────────────────┴──── cancel, nobody in time ──────┴──▶ CANCELLED
//
// What is checked and applied is in PostgreSQL; the workflow carries counts,
// scopes and deadlines. Silence never confirms: a scope that nobody confirms
// ends the batch.
func ImportBatch(ctx workflow.Context, in kam.BatchInput) (kam.BatchSnapshot, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)

	b := &importBatch{no: in.No, lock: workflow.NewMutex(ctx)}
	if err := b.openInbox(ctx); err != nil {
		return b.now, err
	}

	if err := b.check(ctx); err != nil {
		return b.now, err
	}
	for b.now.State == kam.BatchChecked {
		if err := b.waitForManagers(ctx); err != nil {
			return b.now, err
		}
	}
	if b.now.State == kam.BatchConfirmed {
		if err := b.apply(ctx); err != nil {
			return b.now, err
		}
	}
	// Whoever was let in gets an answer.
	return b.now, workflow.Await(ctx, func() bool { return b.inFlight == 0 && workflow.AllHandlersFinished(ctx) })
}

// importBatch is one batch at work.
type importBatch struct {
	no   kam.BatchNo
	now  kam.BatchSnapshot
	lock workflow.Mutex // handlers and the engine's own effects

	inFlight int
	taken    int
	applied  []Applied // decisions that took effect

	stuck    *kam.Deadline // that could not be recorded; tried again at retryAt
	retryAt  time.Time
	stopTime workflow.CancelFunc // of the last wait
}

// openInbox registers what a batch answers to, before anything can block.
func (b *importBatch) openInbox(ctx workflow.Context) error {
	confirm := func(ctx workflow.Context, a kam.BatchAct) (kam.BatchProgress, error) {
		return b.take(ctx, kam.BatchStageConfirm, "5.7 confirmation for "+clip(a.Scope, 40), a)
	}
	cancel := func(ctx workflow.Context, a kam.BatchAct) (kam.BatchProgress, error) {
		return b.take(ctx, kam.BatchStageCancel, "5.7 cancellation", a)
	}
	return errors.Join(
		workflow.SetQueryHandlerWithOptions(ctx, kam.QueryBatch, func() (kam.BatchSnapshot, error) { return b.now, nil },
			workflow.QueryHandlerOptions{Description: "The batch as the workflow knows it."}),
		workflow.SetUpdateHandlerWithOptions(ctx, kam.UpdateConfirmBatch, confirm, workflow.UpdateHandlerOptions{
			Validator:   func(_ workflow.Context, a kam.BatchAct) error { return b.judge(a, a.CheckConfirm) },
			Description: "5.7: a manager confirms the checked batch for his scope.",
		}),
		workflow.SetUpdateHandlerWithOptions(ctx, kam.UpdateCancelBatch, cancel, workflow.UpdateHandlerOptions{
			Validator:   func(_ workflow.Context, a kam.BatchAct) error { return b.judge(a, a.CheckCancel) },
			Description: "5.7: the uploader or a policy_admin takes the batch back.",
		}),
	)
}

// judge is the validator of an act: pure, and what it refuses leaves no trace
// in the history. An act that took effect before is let in and answered from
// memory.
func (b *importBatch) judge(a kam.BatchAct, check func(kam.BatchSnapshot) error) error {
	switch {
	case b.now.State == "":
		return refusal(kam.Errorf(kam.Unreachable, "batch %s is not read yet", b.no).Try("send it again in a moment"))
	case b.inFlight >= maxInFlight || b.taken >= maxActsPerRun:
		return refusal(kam.Errorf(kam.Unreachable, "batch %s is busy", b.no).Try("send it again in a moment"))
	case slices.ContainsFunc(b.applied, func(x Applied) bool { return x.DecisionID == a.DecisionID && x.Digest == batchDigest(a) }):
		return nil
	}
	for _, s := range b.now.Scopes {
		if s.DecisionID == a.DecisionID && s.ConfirmedBy == a.By && s.Node == a.Scope {
			return nil // stored when Temporal had lost the answer
		}
	}
	return refusal(check(b.now))
}

// batchDigest tells acts under one decision id apart.
func batchDigest(a kam.BatchAct) string {
	return string(a.By) + "\x1f" + a.Scope + "\x1f" + a.Digest + "\x1f" + a.Reason
}

// take stores an act: the lock, then the one local activity that judges it
// against the stored batch.
func (b *importBatch) take(ctx workflow.Context, stage, summary string, a kam.BatchAct) (kam.BatchProgress, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	b.inFlight++
	b.taken++
	defer func() { b.inFlight-- }()

	if err := b.lock.Lock(ctx); err != nil {
		return kam.BatchProgress{}, err
	}
	defer b.lock.Unlock()

	var p kam.BatchProgress
	step := kam.BatchStep{No: b.no, Now: workflow.Now(ctx), Act: &a}
	if err := workflow.ExecuteLocalActivity(quick(ctx, summary), stage, step).Get(ctx, &p); err != nil {
		return kam.BatchProgress{}, outage(err)
	}
	b.adopt(p.Batch)
	if p.Refused != nil {
		return kam.BatchProgress{}, refusal(p.Refused)
	}
	b.applied = append(b.applied, Applied{DecisionID: a.DecisionID, Digest: batchDigest(a)})
	return kam.BatchProgress{Batch: b.now}, nil
}

// adopt takes over what an effect handed back, unless more is known already.
func (b *importBatch) adopt(s kam.BatchSnapshot) {
	if s.Version >= b.now.Version && s.State != "" {
		b.now = s
	}
}

// check reads the batch, so that it can be cancelled while it is checked, and
// has it checked.
func (b *importBatch) check(ctx workflow.Context) error {
	var p kam.BatchProgress
	step := kam.BatchStep{No: b.no, Now: workflow.Now(ctx)}
	if err := workflow.ExecuteLocalActivity(endless(ctx, "5.7 read the batch"), kam.BatchStageRead, step).Get(ctx, &p); err != nil {
		return err
	}
	b.adopt(p.Batch)
	return b.untilDone(ctx, kam.BatchStageCheck, "5.7 check the rows", func() bool { return b.now.State != kam.BatchUploaded })
}

// apply has the batch applied, phase by phase; a phase that is done is not
// done again.
func (b *importBatch) apply(ctx workflow.Context) error {
	return b.untilDone(ctx, kam.BatchStageApply, "5.7 apply the batch", func() bool { return b.now.State.Ended() })
}

// How long bulk work is tried. One attempt may take an hour; a worker that
// dies is missed after a minute. A fault that retrying does not cure is told
// the operators and tried again later, for a week; then the workflow ends as
// failed, and whoever uploads the same book again starts it anew.
const (
	bulkAttempt  = time.Hour
	bulkSilence  = time.Minute
	bulkGiveUp   = 24 * time.Hour
	bulkFaults   = 7 * 24 * time.Hour / (10 * time.Minute)
	pauseOfBatch = pauseAfterFault
)

// untilDone runs a normal activity until done holds. It holds no lock: the
// effects of the activity and of people are ordered by the lock in PostgreSQL,
// and people may cancel meanwhile.
func (b *importBatch) untilDone(ctx workflow.Context, stage, summary string, done func() bool) error {
	now := workflow.Now(ctx)
	for faults := 0; !done(); faults++ {
		var p kam.BatchProgress
		step := kam.BatchStep{No: b.no, Now: now}
		err := workflow.ExecuteActivity(bulk(ctx, summary), stage, step).Get(ctx, &p)
		if err == nil {
			b.adopt(p.Batch)
		}
		if done() {
			return nil
		}
		if err == nil {
			err = kam.Errorf(kam.Fault, "the batch stayed %s", b.now.State)
		}
		if faults >= int(bulkFaults) {
			return outage(err)
		}
		if faults == 0 {
			b.tellOperators(ctx, faultText(summary, err))
		}
		workflow.GetLogger(ctx).Error("bulk work fails", "batch_no", b.no, "stage", stage, "error", err)
		if _, err := b.await(ctx, pauseOfBatch, "pause after a fault: "+summary, done); err != nil {
			return err
		}
	}
	return nil
}

// tellOperators stores a fault. That it cannot be stored is no reason to stop.
func (b *importBatch) tellOperators(ctx workflow.Context, text string) {
	var p kam.BatchProgress
	step := kam.BatchStep{No: b.no, Now: workflow.Now(ctx), Fault: text}
	if err := workflow.ExecuteLocalActivity(quick(ctx, "tell the operators"), kam.BatchStageFault, step).Get(ctx, &p); err != nil {
		workflow.GetLogger(ctx).Error("fault cannot be recorded", "batch_no", b.no, "error", err)
		return
	}
	b.adopt(p.Batch)
}

// bulk is for work on the whole book.
func bulk(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ScheduleToCloseTimeout: bulkGiveUp,
		StartToCloseTimeout:    bulkAttempt,
		HeartbeatTimeout:       bulkSilence,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        time.Second,
			BackoffCoefficient:     2,
			MaximumInterval:        longestWait,
			NonRetryableErrorTypes: nonRetryable(),
		},
		Summary: summary,
	})
}

// waitForManagers waits until a scope is confirmed, the batch has ended, or
// the next deadline passes. Deadlines are instants that were computed in
// business time when the task opened.
func (b *importBatch) waitForManagers(ctx workflow.Context) error {
	node, due, ok := b.now.Next()
	version := b.now.Version
	moved := func() bool { return b.now.Version != version }
	if !ok { // nothing is waited for without an end; a batch like that is an old one's
		return workflow.Await(ctx, moved)
	}
	at := due.At
	if b.stuck != nil && same(*b.stuck, due) && b.retryAt.After(at) {
		at = b.retryAt
	}
	if wait := at.Sub(workflow.Now(ctx)); wait > 0 {
		acted, err := b.await(ctx, wait, "5.7 "+node+" "+deadlineWord(due.Kind), moved)
		if err != nil || acted {
			return err
		}
	}
	return b.elapse(ctx, node, due)
}

// await waits for a condition, at most for a time, and says whether it holds.
// The timer is stopped when the next wait begins, see onboarding.await.
func (b *importBatch) await(ctx workflow.Context, wait time.Duration, summary string, cond func() bool) (bool, error) {
	if b.stopTime != nil {
		b.stopTime()
	}
	timerCtx, stop := workflow.WithCancel(ctx)
	b.stopTime = stop
	timer := workflow.NewTimerWithOptions(timerCtx, wait, workflow.TimerOptions{Summary: summary})
	err := workflow.Await(ctx, func() bool { return cond() || timer.IsReady() })
	return cond(), err
}

// elapse records that a deadline passed. A decision that took the lock first
// has won.
func (b *importBatch) elapse(ctx workflow.Context, node string, due kam.Deadline) error {
	if err := b.lock.Lock(ctx); err != nil {
		return err
	}
	defer b.lock.Unlock()

	if n, next, ok := b.now.Next(); !ok || n != node || !same(next, due) {
		return nil
	}
	step := kam.BatchStep{No: b.no, Now: workflow.Now(ctx), Node: node, Due: &due}
	if step.Now.Before(due.At) {
		step.Now = due.At // its timer has fired: clocks of servers differ a little
	}
	var p kam.BatchProgress
	err := workflow.ExecuteLocalActivity(quick(ctx, "5.7 "+node+" "+deadlineWord(due.Kind)), kam.BatchStageElapse, step).Get(ctx, &p)
	if err == nil {
		b.adopt(p.Batch)
	}
	if n, next, ok := b.now.Next(); ok && n == node && same(next, due) {
		workflow.GetLogger(ctx).Error("deadline cannot be recorded", "batch_no", b.no, "deadline", due.Kind, "error", err)
		b.stuck, b.retryAt = &due, workflow.Now(ctx).Add(pauseAfterFault)
		return nil
	}
	b.stuck = nil
	return nil
}
