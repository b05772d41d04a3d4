package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/kamflow/kamflow/internal/span"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/ledger"
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

// book is one effect on one import of a customer book.
type book struct {
	*store.BatchTx
	a *Activities
}

// onBook runs an effect on an import. What it refuses is an answer; everything
// else is an error, worth another attempt or not.
func (a *Activities) onBook(ctx context.Context, in kam.BatchStep, e ledger.Effect, do func(*book) error) (kam.BatchProgress, error) {
	e.At = in.Now
	if e.By == "" {
		e.By = kam.System
	}
	p, err := a.Store.BatchEffect(ctx, in.No, e, func(tx *store.BatchTx) error { return do(&book{tx, a}) })
	span.Note(ctx, span.BatchNo.String(string(in.No)), span.StepCode.String(string(batchStep)), span.State.String(string(p.Batch.State)))
	return p, toTemporal(err)
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
	return a.onBook(ctx, in, ledger.Effect{Key: key, Digest: key}, func(b *book) error {
		b.log(kam.AuditEvent{Type: kam.EventFault, Actor: kam.System, Text: in.Fault}, b.Batch.State, b.Batch.State)
		operators, err := b.PeopleByRole(kam.Operator)
		if err != nil {
			return err
		}
		return b.notify("fault", string(b.Batch.No)+" needs intervention", ids(operators)...)
	})
}

// at is the routing of a task at a node.
func (b *book) at(node string) (route, error) {
	pol, _, err := b.a.policy(b.Tx, b.Batch.PolicyVersion)
	return route{tx: b.Tx, pol: pol, home: func() string { return node }}, err
}

// log appends an event to the trail of the batch.
func (b *book) log(e kam.AuditEvent, from, to kam.BatchState) {
	e.Step, e.From, e.To = batchStep, string(from), string(to)
	b.Log(e)
}

// move takes the batch along its table of transitions, and logs it.
func (b *book) move(event kam.BatchEvent, e kam.AuditEvent) error {
	from := b.Batch.State
	next, err := b.Batch.After(event)
	if err != nil {
		return err
	}
	b.Batch.State = next
	e.PolicyVersion, e.PayloadDigest = b.Batch.PolicyVersion, b.Batch.Digest
	b.log(e, from, next)
	return nil
}

// notify puts a message about the batch into the outbox; it leaves after the
// commit.
func (b *book) notify(kind, subject string, to ...kam.UserID) error {
	return b.Publish(ledger.Message{Kind: kind, To: people(to), Subject: subject, Data: map[string]string{
		"batch_no": string(b.Batch.No), "state": string(b.Batch.State), "check_digest": b.Batch.Digest, "step_code": string(batchStep),
	}})
}

// saveTask saves a task of one of the scopes.
func (b *book) saveTask(t kam.Task) { b.SaveTask(t, b.Subject().ID) }

// published are the policies as they are read outside a transaction.
type published struct {
	ctx   context.Context
	store *store.Store
}

func (p published) LatestPolicy() (int, []byte, error) { return p.store.LatestPolicy(p.ctx) }

func (p published) PolicyText(version int) ([]byte, error) { return p.store.PolicyText(p.ctx, version) }

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
