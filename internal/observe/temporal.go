package observe

import (
	"slices"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"
)

// tracing is the interceptor of the SDK, with [spans] for its tracer.
type tracing struct {
	interceptor.Interceptor
	spans spans
}

func newInterceptor(provider trace.TracerProvider) (interceptor.Interceptor, error) {
	// What a workflow got from another program's tracing holds up nobody.
	options := opentelemetry.TracerOptions{AllowInvalidParentSpans: true, DisableBaggage: true, Tracer: provider.Tracer("temporal-sdk-go")}
	recording, err := opentelemetry.NewTracer(options)
	if err != nil {
		return nil, err
	}
	options.Tracer = noop.NewTracerProvider().Tracer("")
	silent, err := opentelemetry.NewTracer(options)
	if err != nil {
		return nil, err
	}
	s := spans{Tracer: recording, silent: silent}
	return tracing{interceptor.NewTracingInterceptor(s), s}, nil
}

// InterceptWorkflow gives each workflow a tracer that knows when its history is
// gone through again.
func (t tracing) InterceptWorkflow(ctx workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	own := t.spans
	own.replaying = func() bool { return workflow.IsReplaying(ctx) }
	return interceptor.NewTracingInterceptor(own).InterceptWorkflow(ctx, next)
}

// spans is the tracer of the SDK without what would mislead in a process that
// takes weeks:
//
//   - A worker that takes over a case goes through its history again. The SDK
//     would record its updates a second time then, as of now.
//   - A run of a workflow has no end that a span could wait for. What it does
//     by itself stands directly below the act that started the case.
//   - What recurs is started by a schedule, for ever, and not by the worker
//     that made the schedule: each job is a trace of its own.
type spans struct {
	interceptor.Tracer
	// silent hands on the place in the trace and records nothing.
	silent    interceptor.Tracer
	replaying func() bool // nil outside of workflows
}

var passed = []string{"RunWorkflow", "CreateSchedule"}

// StartSpan starts a span, or hands on the place of its parent.
func (s spans) StartSpan(o *interceptor.TracerStartSpanOptions) (interceptor.TracerSpan, error) {
	if slices.Contains(passed, o.Operation) || s.replaying != nil && s.replaying() {
		return s.silent.StartSpan(o)
	}
	return s.Tracer.StartSpan(o)
}

// GetLogger names the place in the trace as the other log lines do.
func (s spans) GetLogger(l log.Logger, ref interceptor.TracerSpanRef) log.Logger {
	place, ok := ref.(interface{ SpanContext() trace.SpanContext })
	if !ok || !place.SpanContext().IsValid() {
		return l
	}
	at := place.SpanContext()
	return log.With(l, traceID, at.TraceID().String(), spanID, at.SpanID().String())
}
