package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/kamflow/kamflow/internal/span"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

// registerBatch makes the activities of batches known under their names.
func (a *Activities) registerBatch(r Registry) {
	for name, fn := range map[string]any{
		kam.BatchStageCheck:   a.CheckBatch,
		kam.BatchStageConfirm: a.ConfirmBatch,
		kam.BatchStageCancel:  a.CancelBatch,
		kam.BatchStageElapse:  a.BatchDeadlinePassed,
		kam.BatchStageFault:   a.BatchFault,
		kam.BatchStageApply:   a.ApplyBatch,
		kam.BatchStageRead:    a.ReadBatch,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// batchStep is where imports stand in the process: administration, 5.7.
const batchStep kam.StepCode = "5.7"

// onBatch runs an effect on a batch. What it refuses is an answer, which is
// stored; everything else is an error, worth another attempt or not.
func (a *Activities) onBatch(ctx context.Context, no kam.BatchNo, e store.Effect, bulk bool, do func(*store.BatchTx) error) (kam.BatchProgress, error) {
	now, err := a.Store.OnBatch(ctx, no, e, bulk, func(_ context.Context, tx *store.BatchTx) error { return do(tx) })
	span.Note(ctx, span.BatchNo.String(string(no)), span.StepCode.String(string(batchStep)), span.State.String(string(now.State)))
	if e := kam.AsError(err); e != nil && e.Code != kam.Fault && e.Code != kam.Unreachable && now.No != "" {
		return kam.BatchProgress{Batch: now, Refused: e}, nil
	}
	return kam.BatchProgress{Batch: now}, toTemporal(err)
}

// ReadBatch hands back the committed state of a batch. It changes nothing.
func (a *Activities) ReadBatch(ctx context.Context, in kam.BatchStep) (kam.BatchProgress, error) {
	b, err := a.Store.Batch(ctx, in.No)
	return kam.BatchProgress{Batch: b}, toTemporal(err)
}

// BatchFault tells the operators that applying a batch fails. The batch stays
// as it is and is tried again.
func (a *Activities) BatchFault(ctx context.Context, in kam.BatchStep) (kam.BatchProgress, error) {
	key := "fault/" + in.Now.UTC().Format(time.RFC3339)
	return a.onBatch(ctx, in.No, store.Effect{Key: key, Digest: key, At: in.Now, By: kam.System}, false, func(tx *store.BatchTx) error {
		at := kam.State(tx.Batch.State)
		tx.Log(kam.AuditEvent{Type: kam.EventFault, Step: batchStep, Actor: kam.System, From: at, To: at, Text: in.Fault})
		operators, err := tx.PeopleByRole(kam.Operator)
		if err != nil {
			return err
		}
		return tellBatch(tx, "fault", string(tx.Batch.No)+" needs intervention", ids(operators)...)
	})
}

// batchPolicy is a version of the policy; 0 takes the newest.
func (a *Activities) batchPolicy(ctx context.Context, version int) (*rules.Set, error) {
	if p, ok := a.policies.Load(version); ok && version != 0 {
		return p.(*rules.Set), nil
	}
	var text []byte
	var err error
	if version == 0 {
		version, text, err = a.Store.LatestPolicy(ctx)
	} else {
		text, err = a.Store.PolicyText(ctx, version)
	}
	if err != nil {
		return nil, err
	}
	p, err := rules.Parse(text)
	if err != nil {
		return nil, kam.Errorf(kam.Fault, "policy version %d: %v", version, err)
	}
	a.policies.Store(version, p)
	return p, nil
}

// inBatch is what the routing of tasks needs: an effect on a batch, seen as
// standing at a node.
func inBatch(ctx context.Context, tx *store.BatchTx, pol *rules.Set, node string) *work {
	tx.Case.Territory = node
	return &work{ctx: ctx, Tx: tx.Tx, pol: pol}
}

// tellBatch puts a message about a batch into the outbox.
// moveBatch takes a batch along its table of transitions, and logs the
// transition as one audit event.
func moveBatch(tx *store.BatchTx, event kam.BatchEvent, e kam.AuditEvent) error {
	b := tx.Batch
	to, err := b.After(event)
	if err != nil {
		return err
	}
	e.Step, e.From, e.To, e.PolicyVersion, e.PayloadDigest = batchStep, kam.State(b.State), kam.State(to), b.PolicyVersion, b.Digest
	b.State = to
	tx.Log(e)
	return nil
}

func tellBatch(tx *store.BatchTx, kind, subject string, to ...kam.UserID) error {
	known := to[:0:0]
	for _, u := range to {
		if u != "" && u != kam.System {
			known = append(known, u)
		}
	}
	return tx.Publish(store.Message{Kind: kind, To: known, Subject: subject, Data: map[string]string{
		"batch_no": string(tx.Batch.No), "state": string(tx.Batch.State), "check_digest": tx.Batch.Digest, "step_code": string(batchStep),
	}})
}

func ids(people []kam.Person) []kam.UserID {
	out := make([]kam.UserID, len(people))
	for i, p := range people {
		out[i] = p.ID
	}
	return out
}

// beatEvery is how often a long activity says that it is alive.
const beatEvery = 5 * time.Second

// beating runs do and heartbeats meanwhile, also while one statement of the
// database takes its time. A cancelled heartbeat cancels do's context.
func beating(ctx context.Context, what string, do func(context.Context) error) error {
	if !activity.IsActivity(ctx) {
		return do(ctx)
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(beatEvery)
		defer t.Stop()
		for {
			activity.RecordHeartbeat(ctx, what)
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	}()
	err := do(ctx)
	stop()
	<-done
	return err
}
