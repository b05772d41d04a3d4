package service

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store"
)

// Temporal is what is needed of Temporal's client.
type Temporal interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	NewWithStartWorkflowOperation(options client.StartWorkflowOptions, workflow any, args ...any) client.WithStartWorkflowOperation
	UpdateWithStartWorkflow(ctx context.Context, options client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error)
	UpdateWorkflow(ctx context.Context, options client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	SignalWorkflow(ctx context.Context, workflowID, runID, name string, arg any) error
	QueryWorkflow(ctx context.Context, workflowID, runID, query string, args ...any) (converter.EncodedValue, error)
}

// Local is the service in this process, over the record and Temporal. It may be
// used from many goroutines.
type Local struct {
	// Patience is how long an act or a start is tried before it counts as not
	// confirmed. Neither is undone then, and both may be sent again. It does not
	// bound an upload, which takes the time of its rows.
	Patience time.Duration

	// Signer signs what people do; without one it goes unsigned.
	Signer Signer
	// Judge is asked before anything is signed; without one the case alone judges.
	Judge Judge
	// Keys are the public keys that the audit trail is verified with; nil knows
	// none.
	Keys func() (signed.Keyring, error)

	record    Record
	temporal  Temporal
	taskQueue string
	policy    atomic.Pointer[versioned]
	lately    lately
	system    *system // nil where Open did not make it
}

var _ Service = (*Local)(nil)

// patience is the default: long enough for a worker to come back.
const patience = 15 * time.Second

// perTry bounds one call, so that a call that hangs leaves time for another.
const perTry = 5 * time.Second

// New returns the service over a record and Temporal that somebody else closes.
func New(record Record, temporal Temporal, taskQueue string) *Local {
	return &Local{Patience: patience, record: record, temporal: temporal, taskQueue: taskQueue}
}

// Options say where the system is.
type Options struct {
	Database  string // URL of PostgreSQL
	MaxConns  int32
	Temporal  client.Options
	TaskQueue string
	Patience  time.Duration        // see [Local]
	Traces    trace.TracerProvider // of statements; nil is none
	Keys      KeyBox               // what is signed with; nil signs nothing
}

// A Signer knows the key of the moment; signs is false where none may sign.
type Signer interface {
	Key(ctx context.Context) (key signed.SigningKey, signs bool, err error)
}

// A Judge says whether an act would be taken as things stand, and in what the
// person would act: by the same functions that judge it where it is stored, its
// signature left out. Of what is stored already it asks nothing.
type Judge interface {
	MayAct(ctx context.Context, no kam.CaseNo, a onboarding.Act) (access.Acting, error)
	MayActOnImport(ctx context.Context, no book.BatchNo, a book.BatchAct) (access.Acting, error)
}

// system is what Open has opened, for Close and Diagnose.
type system struct {
	Options
	store    *store.Store
	temporal client.Client
	own      bool // Close closes it
}

// Open connects to PostgreSQL. Temporal is connected to when first needed: reads
// need none.
func Open(ctx context.Context, o Options) (*Local, error) {
	// A machine for trials may run PostgreSQL without fsync; that is for the
	// worker to refuse, not for whoever reads.
	s, err := store.Open(ctx, o.Database, store.Options{MaxConns: o.MaxConns, AllowUnsafe: true, Traces: o.Traces})
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	tc, err := client.NewLazyClient(o.Temporal)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("connect to Temporal: %w", err)
	}
	l := Over(o, s, tc)
	l.system.own = true
	return l, nil
}

// Over returns the service over what somebody else has opened, and closes.
func Over(o Options, s *store.Store, tc client.Client) *Local {
	l := New(RecordOf(s), tc, o.TaskQueue)
	l.Patience, l.system = o.Patience, &system{o, s, tc, false}
	if o.Keys != nil {
		l.UseKeys(o.Keys)
	}
	return l
}

// Close closes what Open has opened.
func (l *Local) Close() {
	if l.system != nil && l.system.own {
		l.system.temporal.Close()
		l.system.store.Close()
	}
}

func (l *Local) known(ctx context.Context, no kam.CaseNo) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	v, err := l.temporal.QueryWorkflow(ctx, no.WorkflowID(), "", onboarding.QueryState)
	if err != nil {
		return 0, err
	}
	var s onboarding.Snapshot
	if err := v.Get(&s); err != nil {
		return 0, err
	}
	return s.Version, nil
}
