// Package activities is how the process is done: everything that a case reads
// from or writes to PostgreSQL. Each exported method of [Activities] is one
// stage, run by the workflow as a local activity: it reads the facts, asks the
// pure rules, takes the case along the table of transitions, and stores
// business rows, tasks, audit rows and messages in one transaction under a
// business key. Every method may run twice: the second run returns what the
// first one stored.
package activities

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/kamflow/kamflow/internal/failpoint"
	"github.com/kamflow/kamflow/internal/span"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/ledger"
)

// Activities carries what the stages share. Its methods are registered under
// the names of [kam.Stage]; renaming one breaks open cases.
type Activities struct {
	Store *store.Store
	// Moved, where given, is called for every transition that a stage makes, also
	// in a transaction that fails later.
	Moved func(kam.Transition)
	// Screen asks the outside service of screening; nil where none is set up.
	Screen Screener
	// Provider names who stands behind Screen: its references are its own.
	Provider string
	// Signatures judges what people signed: a [signed.Verifier]. Without one
	// everything that they send is refused.
	Signatures interface {
		Verify(now time.Time, token string, c signed.Claim) error
	}

	policies sync.Map // version -> *rules.Set; a published version never changes
}

// New returns the activities over a store.
func New(s *store.Store) *Activities {
	return &Activities{Store: s, Signatures: signed.NewVerifier(nil, signed.Require)}
}

// Registry is what takes the activities: a worker or a test environment.
type Registry interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Register makes the stages known under their names.
func (a *Activities) Register(r Registry) {
	for name, fn := range map[kam.Stage]any{
		kam.StageOpen:     a.OpenCase,
		kam.StageIdentify: a.Identify,
		kam.StageDecide:   a.Decide,
		kam.StageAct:      a.RecordAct,
		kam.StageAnalyze:  a.Analyze,
		kam.StageSegment:  a.Segment,
		kam.StageValidate: a.Validate,
		kam.StageClassify: a.Classify,
		kam.StageHandOff:  a.HandOff,
		kam.StageElapse:   a.DeadlinePassed,
		kam.StagePark:     a.Park,
		kam.StageRefresh:  a.ReadCase,
		kam.StageReroute:  a.Reroute,
		kam.StageScreen:   a.ScreenParty,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: string(name)})
	}
	a.registerBatch(r)
}

// stage runs one effect of the engine. The stage is refused, by handing back
// the case untouched, where PostgreSQL is ahead of the workflow.
//
// The digest leaves the time out: a workflow task that is lost and run again
// has a later one, and asks for the same effect.
func (a *Activities) stage(ctx context.Context, name kam.Stage, in kam.StageInput, do func(*work) error) (kam.Progress, error) {
	failpoint.Hit("stage", string(name), "before")
	p, err := a.Store.Effect(ctx, ledger.Effect{
		Subject: store.OfCase(in.CaseNo),
		Key:     fmt.Sprintf("seq/%d", in.Seq),
		Digest:  kam.Digest([]any{name, in.Due}),
		Known:   in.Known,
		At:      in.Now,
		Signed:  in.Signed,
	}, a.within(hit(do, "stage", string(name), "in-tx")))
	span.NoteProgress(ctx, p)
	if err == nil {
		failpoint.Hit("stage", string(name), "after-commit")
	}
	return p, toTemporal(err)
}

// hit is the fail point of the tests inside the transaction, after do.
func hit(do func(*work) error, point ...string) func(*work) error {
	return func(w *work) error {
		err := do(w)
		failpoint.Hit(point...)
		return err
	}
}

// within opens the case for do: its policy and its present data.
func (a *Activities) within(do func(*work) error) func(context.Context, *store.CaseTx) error {
	return func(ctx context.Context, tx *store.CaseTx) error {
		w, err := a.open(ctx, tx)
		if err == nil && tx.With != nil {
			w.other, err = a.open(ctx, tx.With)
		}
		if err != nil {
			return err
		}
		return do(w)
	}
}

func (a *Activities) open(ctx context.Context, tx *store.CaseTx) (*work, error) {
	pol, version, err := a.policy(tx.Tx, tx.Case.PolicyVersion)
	if err != nil {
		return nil, err
	}
	tx.Case.PolicyVersion = version // which the case keeps
	data, err := tx.Request()
	if err != nil {
		return nil, err
	}
	home := func() string { return tx.Case.Territory }
	w := &work{ctx: ctx, CaseTx: tx, route: route{tx: tx.Tx, pol: pol, home: home}, data: data, moved: a.Moved, provider: a.Provider}
	if w.existing() {
		var b base
		if ok, err := tx.Fact(store.FactBase, &b); err != nil {
			return nil, err
		} else if ok {
			w.base = &b
		}
	}
	return w, nil
}

// policies are where a policy is read: in a transaction, or outside.
type policies interface {
	LatestPolicy() (version int, text []byte, err error)
	PolicyText(version int) ([]byte, error)
}

// policy is a version of the policy; 0 takes the newest. What was read once is
// kept.
func (a *Activities) policy(from policies, version int) (*rules.Set, int, error) {
	if p, ok := a.policies.Load(version); ok && version != 0 {
		return p.(*rules.Set), version, nil
	}
	var text []byte
	var err error
	if version == 0 {
		version, text, err = from.LatestPolicy()
	} else {
		text, err = from.PolicyText(version)
	}
	if err != nil {
		return nil, 0, err
	}
	p, err := rules.Parse(text)
	if err != nil {
		return nil, 0, kam.Errorf(kam.Fault, "policy version %d cannot be read: %v", version, err)
	}
	a.policies.Store(version, p)
	return p, version, nil
}

// ReadCase hands back the committed state of a case. It changes nothing.
func (a *Activities) ReadCase(ctx context.Context, in kam.StageInput) (kam.Progress, error) {
	s, err := a.Store.Case(ctx, in.CaseNo)
	return kam.Progress{Snapshot: s, Ahead: s.Version > in.Known}, toTemporal(err)
}

// Park sets a case aside after a fault that retrying did not cure (P2.6).
func (a *Activities) Park(ctx context.Context, in kam.StageInput) (kam.Progress, error) {
	return a.stage(ctx, kam.StagePark, in, func(w *work) error {
		resume := w.Case.State
		err := w.move(kam.EvFault, kam.Facts{}, kam.AuditEvent{Type: kam.EventFault, Actor: kam.System, Text: in.Fault})
		w.Case.ResumeState = resume
		if err != nil {
			return err
		}
		return w.openIntervention(in.Fault)
	})
}

// toTemporal keeps a kam code across the wire, where Go error values do not
// survive, and marks the error as not retryable: the answer would be the same.
// Only kam.Unreachable is retried.
func toTemporal(err error) error {
	if err == nil {
		return nil
	}
	if e := kam.AsError(err); e != nil && e.Code != kam.Unreachable {
		return temporal.NewNonRetryableApplicationError(err.Error(), string(e.Code), err, e)
	}
	return err
}
