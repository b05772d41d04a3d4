package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kamflow/kamflow/kam"
)

// A Problem is an error as RFC 9457 has it: our error, with what the standard
// calls type, title, status and detail.
type Problem struct {
	Type   string `json:"type" example:"urn:kamflow:problem:STALE_REVISION"`
	Title  string `json:"title" example:"Precondition Failed"`
	Status int    `json:"status" example:"412"`
	Detail string `json:"detail" doc:"What went wrong, for people; the same as message"`
	Refusal
	// Result is what was found all the same.
	Result any `json:"result,omitempty"`
}

// Refusal is kam.Error, by a name that leaves its method Error in sight.
type Refusal = kam.Error

// GetStatus is the status of the answer.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes the answer a problem.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statuses are the HTTP statuses of the codes. They group as the exit statuses of
// starter do: 400 and 404 are bad input (2), 5xx is not reachable (3), all others
// are refused by the process (1).
var statuses = map[kam.Code]int{
	kam.Invalid:        http.StatusBadRequest,
	kam.IDReused:       http.StatusBadRequest,
	kam.NotFound:       http.StatusNotFound,
	kam.Forbidden:      http.StatusForbidden,
	kam.Separation:     http.StatusForbidden,
	kam.WrongState:     http.StatusConflict,
	kam.AlreadyDecided: http.StatusConflict,
	kam.TooLate:        http.StatusConflict,
	kam.OpenCaseExists: http.StatusConflict,
	kam.Claimed:        http.StatusConflict,
	kam.StaleRevision:  http.StatusPreconditionFailed,
	kam.RoundsUsed:     http.StatusUnprocessableEntity,
	kam.ReasonNeeded:   http.StatusUnprocessableEntity,
	kam.TargetInvalid:  http.StatusUnprocessableEntity,
	kam.Unreachable:    http.StatusServiceUnavailable,
	kam.Fault:          http.StatusInternalServerError,
}

func problemOf(status int, e *kam.Error) *Problem {
	return &Problem{Type: "urn:kamflow:problem:" + string(e.Code), Title: http.StatusText(status), Status: status, Detail: e.Msg, Refusal: *e}
}

// problem makes an answer of an error. What is no error of ours is a fault: it is
// logged, and not told to whoever asks.
func (a *API) problem(ctx context.Context, err error) *Problem {
	e := kam.AsError(err)
	switch {
	case e == nil && ctx.Err() != nil:
		e = kam.Errorf(kam.Unreachable, "there was no answer in time").Try("safe to retry: the same command is the same act")
	case e == nil:
		a.Log.ErrorContext(ctx, "a request failed", "error", err)
		e = kam.Errorf(kam.Fault, "the system failed; an operator finds the cause in the gateway's log")
	}
	status, ok := statuses[e.Code]
	if !ok {
		status = http.StatusConflict
	}
	return problemOf(status, e)
}

func (a *API) refuse(ctx context.Context, err error, found any) error {
	p := a.problem(ctx, err)
	p.Result = found
	if p.Status == http.StatusServiceUnavailable {
		return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {"2"}})
	}
	return p
}

// malformed is the problem of a request that huma refuses: its first fault.
func malformed(status int, msg string, errs []error) *Problem {
	e := kam.Errorf(kam.Invalid, "%s", msg)
	for _, err := range errs {
		if own := kam.AsError(err); own != nil {
			e = own
			break
		}
		if d, ok := err.(huma.ErrorDetailer); ok && d.ErrorDetail() != nil { //nolint:errorlint // huma hands them in as they are
			detail := d.ErrorDetail()
			e.Say("%s", detail.Message).On(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(detail.Location, "body."), "query."), "path."))
			break
		}
		if err != nil {
			e.Say("%s", err)
			break
		}
	}
	switch status {
	case http.StatusUnprocessableEntity, 0:
		status = http.StatusBadRequest
	case http.StatusInternalServerError:
		e.Code = kam.Fault
	case http.StatusRequestEntityTooLarge:
		e.On("body").Try("send less, or in parts")
	}
	return problemOf(status, e)
}

func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // whoever has gone hears nothing
}

// answer writes an error of ours.
func answer(w http.ResponseWriter, e *kam.Error) { problemOf(statuses[e.Code], e).write(w) }

// Answer writes an error as a problem, for what stands beside the table: the sign-in
// of programs. What is no error of ours is a fault, which the caller logs.
func Answer(w http.ResponseWriter, err error) {
	e := kam.AsError(err)
	if e == nil {
		e = kam.Errorf(kam.Fault, "the system failed; an operator finds the cause in the gateway's log")
	}
	answer(w, e)
}
