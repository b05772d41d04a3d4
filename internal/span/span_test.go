package span

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// traced is a context in a span, and what was recorded when that has ended.
func traced(t *testing.T) (context.Context, func() map[string]tracetest.SpanStub) {
	t.Helper()
	kept := tracetest.NewInMemoryExporter()
	ctx, root := sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept)).Tracer("test").Start(t.Context(), "root")
	return ctx, func() map[string]tracetest.SpanStub {
		root.End()
		byName := map[string]tracetest.SpanStub{}
		for _, s := range kept.GetSpans() {
			byName[s.Name] = s
		}
		return byName
	}
}

// TestEndings: a refusal is an answer and no error of the system.
func TestEndings(t *testing.T) {
	t.Parallel()
	ctx, recorded := traced(t)
	for name, err := range map[string]error{
		"done": nil, "refused": kam.Errorf(kam.Forbidden, "not yours"),
		"fault": kam.Errorf(kam.Fault, "broken"), "lost": kam.Errorf(kam.Unreachable, "no answer"), "other": errors.New("broken"),
	} {
		_, end := Start(ctx, name, CaseNo.String("KAM-2026-000001"))
		end(err)
	}
	spans := recorded()
	for name, want := range map[string]codes.Code{"done": codes.Unset, "refused": codes.Unset, "fault": codes.Error, "lost": codes.Error, "other": codes.Error} {
		require.Equal(t, want, spans[name].Status.Code, name)
		require.Empty(t, spans[name].Status.Description, name)
		require.Equal(t, spans["root"].SpanContext.SpanID(), spans[name].Parent.SpanID(), name)
		require.Contains(t, spans[name].Attributes, CaseNo.String("KAM-2026-000001"))
	}
	require.Contains(t, spans["refused"].Attributes, ErrorCode.String(string(kam.Forbidden)))
}

// TestProgress: the step is the one at which the work was done, not the one that
// it led to.
func TestProgress(t *testing.T) {
	t.Parallel()
	ctx, recorded := traced(t)
	NoteProgress(ctx, onboarding.Progress{})
	NoteProgress(ctx, onboarding.Progress{
		Snapshot: onboarding.Snapshot{CaseNo: "KAM-2026-000001", Step: "1.2.1b", State: onboarding.AwaitingCompletion},
		Timeline: []onboarding.TimelineEntry{{Step: "1.1.5"}, {Step: "1.2.1b"}},
		Refused:  kam.Errorf(kam.Forbidden, "not yours"),
	})
	require.ElementsMatch(t, []attribute.KeyValue{
		CaseNo.String("KAM-2026-000001"), StepCode.String("1.1.5"), State.String("AWAITING_COMPLETION"), ErrorCode.String(string(kam.Forbidden)),
	}, recorded()["root"].Attributes)
}

// TestNobodyTraces: outside of a trace nothing is recorded, and nothing breaks.
func TestNobodyTraces(t *testing.T) {
	t.Parallel()
	ctx, end := Start(t.Context(), "act", CaseNo.String("KAM-2026-000001"))
	require.False(t, trace.SpanFromContext(ctx).IsRecording())
	NoteProgress(ctx, onboarding.Progress{Snapshot: onboarding.Snapshot{CaseNo: "KAM-2026-000001"}})
	Note(ctx, State.String("DRAFT"))
	end(errors.New("broken"))
}
