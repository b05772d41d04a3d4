package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// Reconciled counts what a comparison found.
type Reconciled struct {
	Compared int
	Behind   int // workflows that knew less than PostgreSQL and were told
}

// Reconcile compares the cases on which people acted and that moved since then
// with their workflows, and tells those that are behind to read the record
// (D10a). It goes on past a case that does not answer, and reports all such at
// the end. Cases that an older release has moved get their clocks first.
func (l *Local) Reconcile(ctx context.Context, since time.Time) (Reconciled, error) {
	var r Reconciled
	if _, err := l.record.Cases.CatchUp(ctx); err != nil {
		return r, fmt.Errorf("reconcile: %w", err)
	}
	cases, err := l.record.Cases.NeedingCheck(ctx, since)
	if err != nil {
		return r, fmt.Errorf("reconcile: %w", err)
	}
	var errs []error
	for _, v := range cases {
		behind, err := l.refreshBehind(ctx, v.CaseNo, v.Version)
		if ended := new(serviceerror.NotFound); !v.Open && errors.As(err, &ended) {
			continue // and Temporal keeps its workflow no longer
		}
		if ctx.Err() != nil {
			return r, errors.Join(append(errs, ctx.Err())...)
		}
		r.Compared++
		if behind {
			r.Behind++
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reconcile %s: %w", v.CaseNo, err))
		}
	}
	return r, errors.Join(errs...)
}

// Reroute tells a case that people or territories changed, so that it looks at
// whom its open task waits for. A case that has ended meanwhile is fine.
func (l *Local) Reroute(ctx context.Context, no kam.CaseNo) error {
	err := l.temporal.SignalWorkflow(ctx, no.WorkflowID(), "", onboarding.SignalReroute, nil)
	if gone := new(serviceerror.NotFound); errors.As(err, &gone) {
		return nil
	}
	return err
}

// refreshBehind compares one case and signals it where it is behind. Unlike refresh it
// does not wait.
func (l *Local) refreshBehind(ctx context.Context, no kam.CaseNo, version int64) (behind bool, err error) {
	known, err := l.known(ctx, no)
	if err != nil || known >= version {
		return false, err
	}
	err = l.temporal.SignalWorkflow(ctx, no.WorkflowID(), "", onboarding.SignalRefresh, nil)
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return true, fmt.Errorf("the record has version %d and the workflow ended at %d: %w", version, known, err)
	}
	return true, err
}
