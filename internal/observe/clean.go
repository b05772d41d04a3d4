package observe

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// clean takes the texts of errors out of spans before they leave. A library
// puts them there, and an error may quote what a person wrote: "no customer is
// called Example Ltd". What is left says that it failed, where, and the type or
// code of the error; the text stays in the house, in the log.
type clean struct{ sdktrace.SpanExporter }

// ExportSpans hands the spans on.
func (c clean) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	cleaned := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		cleaned[i] = withoutTexts{s}
	}
	return c.SpanExporter.ExportSpans(ctx, cleaned)
}

type withoutTexts struct{ sdktrace.ReadOnlySpan }

// Status keeps whether it failed.
func (s withoutTexts) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}

// Events keep their names, and of an error its type.
func (s withoutTexts) Events() []sdktrace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i, e := range events {
		events[i].Attributes = slices.DeleteFunc(slices.Clone(e.Attributes), func(a attribute.KeyValue) bool {
			return a.Key == "exception.message" || a.Key == "exception.stacktrace"
		})
	}
	return events
}
