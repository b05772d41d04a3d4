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

	"go.temporal.io/sdk/activity"

	bookstages "github.com/kamflow/kamflow/activities/book"
	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/activities/internal/stage"
	"github.com/kamflow/kamflow/internal/failpoint"
	"github.com/kamflow/kamflow/internal/span"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// Activities carries what the stages share. Its methods are registered under
// the names of [onboarding.Stage]; renaming one breaks open cases.
type Activities struct {
	Store *store.Store
	// Moved, where given, is called for every transition that a stage makes, also
	// in a transaction that fails later.
	Moved func(onboarding.Transition)
	// Screen asks the outside service of screening; nil where none is set up.
	Screen Screener
	// Provider names who stands behind Screen: its references are its own.
	Provider string
	// Signatures judges what people signed; as New sets it, everything that they
	// send is refused.
	Signatures stage.Signatures

	policies stage.Policies
}

// New returns the activities over a store.
func New(s *store.Store) *Activities {
	return &Activities{Store: s, Signatures: signed.NewVerifier(nil, signed.Require)}
}

// Registry is what takes the activities: a worker or a test environment.
type Registry = stage.Registry

// Register makes the stages known under their names.
func (a *Activities) Register(r Registry) {
	for name, fn := range map[onboarding.Stage]any{
		onboarding.StageOpen:     a.OpenCase,
		onboarding.StageIdentify: a.Identify,
		onboarding.StageDecide:   a.Decide,
		onboarding.StageAct:      a.RecordAct,
		onboarding.StageAnalyze:  a.Analyze,
		onboarding.StageSegment:  a.Segment,
		onboarding.StageValidate: a.Validate,
		onboarding.StageClassify: a.Classify,
		onboarding.StageHandOff:  a.HandOff,
		onboarding.StageElapse:   a.DeadlinePassed,
		onboarding.StagePark:     a.Park,
		onboarding.StageRefresh:  a.ReadCase,
		onboarding.StageReroute:  a.Reroute,
		onboarding.StageScreen:   a.ScreenParty,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: string(name)})
	}
	a.Imports().Register(r)
}

// Imports are the stages of imports, which go by the same policies.
func (a *Activities) Imports() *bookstages.Stages {
	return bookstages.New(a.Store, &a.policies, a.Signatures)
}

// stage runs one effect of the engine. The stage is refused, by handing back
// the case untouched, where PostgreSQL is ahead of the workflow.
//
// The digest leaves the time out: a workflow task that is lost and run again
// has a later one, and asks for the same effect.
func (a *Activities) stage(ctx context.Context, name onboarding.Stage, in onboarding.StageInput, do func(*work) error) (onboarding.Progress, error) {
	failpoint.Hit("stage", string(name), "before")
	p, err := a.Store.Cases.Effect(ctx, ledger.Effect{
		Subject: casedb.Of(in.CaseNo),
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
	return p, stage.ToTemporal(err)
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
func (a *Activities) within(do func(*work) error) func(context.Context, *casedb.Tx) error {
	return func(ctx context.Context, tx *casedb.Tx) error {
		w, err := a.open(tx)
		if err == nil && tx.With != nil {
			w.other, err = a.open(tx.With)
		}
		if err != nil {
			return err
		}
		return do(w)
	}
}

func (a *Activities) open(tx *casedb.Tx) (*work, error) {
	org := accessdb.In(tx.Entry)
	pol, version, err := a.policies.Of(org, tx.Case.PolicyVersion)
	if err != nil {
		return nil, err
	}
	tx.Case.PolicyVersion = version // which the case keeps
	data, err := tx.Request()
	if err != nil {
		return nil, err
	}
	home := func() string { return tx.Case.Territory }
	w := &work{moved: a.Moved, lookup: lookup{
		Tx: tx, form: form{c: tx.Case, pol: pol, data: data}, customers: customerdb.In(tx.Entry),
		Route: route.Route{Org: org, Pol: pol, Home: home}, provider: a.Provider,
	}}
	w.Work = w.workOf
	if w.existing() {
		var b base
		if ok, err := tx.Fact(casedb.FactBase, &b); err != nil {
			return nil, err
		} else if ok {
			w.base = &b
		}
	}
	return w, nil
}

// ReadCase hands back the committed state of a case. It changes nothing.
func (a *Activities) ReadCase(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	s, err := a.Store.Cases.Case(ctx, in.CaseNo)
	return onboarding.Progress{Snapshot: s, Ahead: s.Version > in.Known}, stage.ToTemporal(err)
}

// Park sets a case aside after a fault that retrying did not cure (P2.6).
func (a *Activities) Park(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	return a.stage(ctx, onboarding.StagePark, in, func(w *work) error {
		resume := w.Case.State
		err := w.move(onboarding.EvFault, onboarding.Facts{}, kam.AuditEvent{Type: kam.EventFault, Actor: kam.System, Text: in.Fault})
		w.Case.ResumeState = resume
		if err != nil {
			return err
		}
		return w.openIntervention(in.Fault)
	})
}
