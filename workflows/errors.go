package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/kamflow/kamflow/kam"
)

// refusal is an error for the caller of an update: its type is the code, its
// detail the whole kam.Error. It is expected, so it does not count as a
// failure in metrics and logs.
func refusal(err error) error {
	e := kam.AsError(err)
	if e == nil {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(e.Error(), string(e.Code), temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Category:     temporal.ApplicationErrorCategoryBenign,
		Details:      []any{e},
	})
}

// outage is an error for the caller of an update whose effect could not be
// stored. The decision id makes it safe to send again.
func outage(err error) error {
	e := asError(err)
	return temporal.NewApplicationErrorWithOptions(e.Error(), string(e.Code), temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Details:      []any{e},
	})
}

// asError finds the kam.Error that an activity failed with; anything else is
// UNREACHABLE.
func asError(err error) *kam.Error {
	if e := kam.AsError(err); e != nil {
		return e
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) && isCode(app.Type()) {
		var e *kam.Error // activities attach a pointer; the test environment hands over the very value
		if app.HasDetails() && app.Details(&e) == nil && e != nil && e.Code != "" {
			return e
		}
		return kam.Errorf(kam.Code(app.Type()), "%s", app.Message())
	}
	return kam.Errorf(kam.Unreachable, "the case could not be stored").Try("send the same decision again, with the same decision id")
}

// isCode says whether the type of an application error is one of ours.
func isCode(s string) bool {
	for _, c := range kam.ErrorCodes {
		if string(c.Code) == s {
			return true
		}
	}
	return false
}

// faultText is what an operator reads of a fault: where it happened and its
// code. Only our own FAULT texts are shown; others may quote data of a
// customer, and are in the worker's log.
func faultText(where string, err error) string {
	e := asError(err)
	if e.Code != kam.Fault {
		return where + ": " + string(e.Code)
	}
	msg := []rune(e.Error())
	return where + ": " + string(msg[:min(len(msg), 300)])
}
