// Package span marks the work of kamflow in a trace: which case it is on, at
// which step, and how it ended. It uses the interfaces of OpenTelemetry alone.
// Where nobody traces, each call does nothing and costs next to nothing.
//
// An attribute holds numbers and codes of our own, never what people wrote and
// never who acted: traces leave the house.
package span

import (
	"cmp"
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// The attributes of a span.
const (
	CaseNo  = attribute.Key("kamflow.case_no")
	BatchNo = attribute.Key("kamflow.batch_no")
	// StepCode is the step at which the work was done: "1.1.5". A case may have
	// left it by the end of the span.
	StepCode = attribute.Key("kamflow.step_code")
	State    = attribute.Key("kamflow.state") // of the case or batch at the end
	Act      = attribute.Key("kamflow.act")   // "DecideConfirmation"
	// ErrorCode is the code of a refusal or a fault: "forbidden".
	ErrorCode = attribute.Key("kamflow.error_code")
)

// Start begins a span below the one that ctx is in. Where ctx is in none, there
// is nothing to add to, and end does nothing. End is called once.
func Start(ctx context.Context, name string, about ...attribute.KeyValue) (_ context.Context, end func(error)) {
	ctx, s := trace.SpanFromContext(ctx).TracerProvider().Tracer("kamflow").Start(ctx, name, trace.WithAttributes(about...))
	return ctx, func(err error) { End(s, err) }
}

// End ends a span. A refusal is an answer like others, so only a fault and what
// is not known to be a refusal make the span an error.
func End(s trace.Span, err error) {
	code := kam.CodeOf(err)
	if code != "" {
		s.SetAttributes(ErrorCode.String(string(code)))
	}
	if err != nil && (code == "" || code == kam.Fault || code == kam.Unreachable) {
		s.SetStatus(codes.Error, "")
	}
	s.End()
}

// Note adds to the span that ctx is in.
func Note(ctx context.Context, about ...attribute.KeyValue) {
	trace.SpanFromContext(ctx).SetAttributes(about...)
}

// NoteProgress says which case the span is on, the step at which the work was
// done, and what came of it.
func NoteProgress(ctx context.Context, p onboarding.Progress) {
	s := trace.SpanFromContext(ctx)
	if !s.IsRecording() || p.Snapshot.CaseNo == "" {
		return
	}
	step := p.Snapshot.Step
	if len(p.Timeline) > 0 {
		step = cmp.Or(p.Timeline[0].Step, step)
	}
	s.SetAttributes(CaseNo.String(string(p.Snapshot.CaseNo)), StepCode.String(string(step)), State.String(string(p.Snapshot.State)))
	if p.Refused != nil {
		s.SetAttributes(ErrorCode.String(string(p.Refused.Code)))
	}
}
