// Package book is how an import is done: each exported method of [Stages] is one
// stage, run by the workflow as an activity. Every method may run twice.
package book

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/activities/internal/stage"
	"github.com/kamflow/kamflow/internal/span"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	"github.com/kamflow/kamflow/store/ledger"
)

// Stages are those of imports. Their methods are registered under the names of
// kam; renaming one breaks imports that are under way.
type Stages struct {
	store      *store.Store
	policies   *stage.Policies
	signatures stage.Signatures
}

// New returns the stages over a store; the policies that were read are kept in p,
// and by judges what people signed.
func New(s *store.Store, p *stage.Policies, by stage.Signatures) *Stages { return &Stages{s, p, by} }

// Register makes the stages known under their names.
func (a *Stages) Register(r stage.Registry) {
	for name, fn := range map[string]any{
		book.BatchStageCheck:   a.Check,
		book.BatchStageConfirm: a.Confirm,
		book.BatchStageCancel:  a.Cancel,
		book.BatchStageElapse:  a.Elapse,
		book.BatchStageFault:   a.Fault,
		book.BatchStageApply:   a.Apply,
		book.BatchStageRead:    a.Read,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// batchStep is where imports stand in the process: administration, 5.7.
const batchStep kam.StepCode = "5.7"

// An effect is one on one import of a customer book.
type effect struct {
	*bookdb.Tx
	org *accessdb.Tx
	a   *Stages
	// acting is in what the person of an act acts.
	acting access.Acting
}

// onBook runs an effect on an import. What it refuses is an answer; everything
// else is an error, worth another attempt or not.
func (a *Stages) onBook(ctx context.Context, in book.BatchStep, e ledger.Effect, do func(*effect) error) (book.BatchProgress, error) {
	e.At = in.Now
	if e.By == "" {
		e.By = kam.System
	}
	p, err := a.store.Books.Effect(ctx, in.No, e, func(tx *bookdb.Tx) error { return do(&effect{Tx: tx, org: accessdb.In(tx.Entry), a: a}) })
	span.Note(ctx, span.BatchNo.String(string(in.No)), span.StepCode.String(string(batchStep)), span.State.String(string(p.Batch.State)))
	return p, stage.ToTemporal(err)
}

// Read hands back the committed state of a batch. It changes nothing.
func (a *Stages) Read(ctx context.Context, in book.BatchStep) (book.BatchProgress, error) {
	b, err := a.store.Books.Get(ctx, in.No)
	return book.BatchProgress{Batch: b}, stage.ToTemporal(err)
}

// Fault tells the operators that applying a batch fails. The batch stays
// as it is and is tried again.
func (a *Stages) Fault(ctx context.Context, in book.BatchStep) (book.BatchProgress, error) {
	key := "fault/" + in.Now.UTC().Format(time.RFC3339)
	return a.onBook(ctx, in, ledger.Effect{Key: key, Digest: key}, func(b *effect) error {
		b.log(kam.AuditEvent{Type: kam.EventFault, Actor: kam.System, Text: in.Fault}, b.Batch.State, b.Batch.State)
		operators, err := b.org.PeopleByRole(kam.Operator)
		if err != nil {
			return err
		}
		return b.notify("fault", kam.Say("%s needs intervention", b.Batch.No), route.IDs(operators)...)
	})
}

// at is the routing of a task at a node.
func (b *effect) at(node string) (route.Route, error) {
	pol, _, err := b.a.policies.Of(b.org, b.Batch.PolicyVersion)
	return route.Route{Org: b.org, Pol: pol, Home: func() string { return node }}, err
}

// log appends an event to the trail of the batch.
func (b *effect) log(e kam.AuditEvent, from, to book.BatchState) {
	e.Step, e.From, e.To = batchStep, string(from), string(to)
	b.Log(e)
}

// move takes the batch along its table of transitions, and logs it.
func (b *effect) move(event book.BatchEvent, e kam.AuditEvent) error {
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
func (b *effect) notify(kind string, subject kam.Sentence, to ...kam.UserID) error {
	return b.Publish(ledger.Message{Kind: kind, To: route.Reachable(to), Subject: subject.English, Said: subject.Text, Data: map[string]string{
		"batch_no": string(b.Batch.No), "state": string(b.Batch.State), "check_digest": b.Batch.Digest, "step_code": string(batchStep),
	}})
}

// saveTask saves a task of one of the scopes.
func (b *effect) saveTask(t kam.Task) { b.SaveTask(t, b.Subject().ID) }

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
