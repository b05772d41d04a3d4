package service

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/kamflow/kamflow/kam"
)

// outcome says what became of a message to a workflow.
type outcome int

const (
	answered outcome = iota // the committed state came back
	refused                 // the process said no, with a kam code
	failed                  // the handler failed: a stored outcome, so the next try needs a new update id
	lost                    // no answer: the same update id is safe to send again
	gone                    // the workflow has ended, or was never started
	broken                  // nothing that waiting could cure
)

// codes are those that a refusal may carry over the wire: all but the two that
// speak of the system.
var codes = func() []kam.Code {
	var list []kam.Code
	for _, c := range kam.ErrorCodes {
		if c.Code != kam.Fault && c.Code != kam.Unreachable {
			list = append(list, c.Code)
		}
	}
	return list
}()

// fromWire finds the kam error in what Temporal handed back, nil if there is
// none: its type is the code, its details the whole error.
func fromWire(err error) *kam.Error {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) {
		return nil
	}
	code := kam.Code(app.Type())
	if !slices.Contains(codes, code) && code != kam.Fault && code != kam.Unreachable {
		return nil
	}
	var e kam.Error
	if app.HasDetails() && app.Details(&e) == nil && e.Code == code {
		return &e
	}
	return kam.Errorf(code, "%s", app.Message())
}

// judge sorts an error from Temporal.
func judge(err error) (outcome, *kam.Error) {
	if err == nil {
		return answered, nil
	}
	if e := fromWire(err); e != nil {
		if slices.Contains(codes, e.Code) {
			return refused, e
		}
		return failed, e
	}
	var (
		app      *temporal.ApplicationError
		timedOut *client.WorkflowUpdateServiceTimeoutOrCanceledError
		notFound *serviceerror.NotFound
		started  *serviceerror.WorkflowExecutionAlreadyStarted
		down     *serviceerror.Unavailable
		late     *serviceerror.DeadlineExceeded
		busy     *serviceerror.ResourceExhausted
		notReady *serviceerror.WorkflowNotReady
		aborted  *serviceerror.Aborted
		canceled *serviceerror.Canceled
		internal *serviceerror.Internal
	)
	switch {
	case errors.As(err, &app):
		if app.Type() == "AcceptedUpdateCompletedWorkflow" {
			return gone, nil
		}
		return failed, nil
	case errors.As(err, &notFound), errors.As(err, &started):
		return gone, nil
	case errors.As(err, &timedOut), errors.As(err, &down), errors.As(err, &late), errors.As(err, &busy),
		errors.As(err, &notReady), errors.As(err, &aborted), errors.As(err, &canceled), errors.As(err, &internal),
		errors.Is(err, context.DeadlineExceeded):
		return lost, nil
	default:
		return broken, nil
	}
}

// unconfirmed is said when the time is over and no answer came: the act may
// have been committed or not, and sending it again is safe either way.
func unconfirmed(what kam.Sentence, cause error) error {
	e := kam.Errorf(kam.Unreachable, "%s is not confirmed yet", what)
	if cause != nil {
		e.Say("%s is not confirmed yet: %s", what, cause)
	}
	return e.Try("safe to retry: the same command is the same act")
}

// pause waits between tries, longer each time.
func pause(ctx context.Context, try int) error {
	d := min(50*time.Millisecond<<min(try, 6), 2*time.Second)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
