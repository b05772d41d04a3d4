package e2e

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"github.com/kamflow/kamflow/internal/observe"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// attr is an attribute of a span as text, "" where it has none.
func attr(s tracetest.SpanStub, key attribute.Key) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// maxHeader is how many bytes a traced act may add to the history of a case.
const maxHeader = 200

// TestTrace follows one confirmation from the person's command to the
// statements in PostgreSQL: one trace, with the number of the case and the step,
// and nothing that people wrote. Then another worker takes the case over, and
// nothing of the past is recorded again.
func TestTrace(t *testing.T) {
	kept := tracetest.NewInMemoryExporter()
	traces, err := observe.To(t.Context(), "kamflow-e2e", kept)
	require.NoError(t, err)
	way := &passed{by: map[trace.SpanID][]string{}}
	traces.Provider().(*sdktrace.TracerProvider).RegisterSpanProcessor(way)
	h := openTraced(t, pgtestDir(t), traces)
	defer func() { h.close(t) }()
	h.furnish(t)

	s := script(t, "16_waiting_for_manager")
	started, err := h.client.Start(t.Context(), casedb.Request{Key: s.Key(), Type: kam.NewCase, Requester: s.By, Data: s.Request})
	require.NoError(t, err)
	no := started.CaseNo
	require.Eventually(t, func() bool {
		now, err := h.db.Cases.Case(t.Context(), no)
		require.NoError(t, err)
		return now.State == onboarding.AwaitingConfirmation
	}, 30*time.Second, 50*time.Millisecond)
	now, err := h.db.Cases.Case(t.Context(), no)
	require.NoError(t, err)

	ctx, end := traces.Begin(t.Context(), "starter decide")
	_, err = h.client.Act(ctx, no, onboarding.Act{
		Name: onboarding.ActDecideConfirmation, By: now.Task.Assignees[0], Verdict: onboarding.Confirm, Reason: "Known to us as " + s.Request.LegalName,
		ExpectRevision: now.Revision, ExpectHash: now.MaterialHash,
	}, nil)
	require.NoError(t, err)
	end(nil)

	spans := traceOf(kept.GetSpans(), "starter decide")
	for _, s := range spans {
		t.Logf("%s < %s %v", s.Name, parentOf(spans, s).Name, s.Attributes)
	}
	i := slices.IndexFunc(spans, func(s tracetest.SpanStub) bool {
		return strings.Contains(attr(s, "db.query.text"), "update kam.cases") && parentOf(spans, s).Name != ""
	})
	require.GreaterOrEqual(t, i, 0, "the statement that moves the case is in the trace")
	var path []string
	var along []tracetest.SpanStub
	for at := spans[i]; at.Name != ""; at = parentOf(spans, at) {
		path, along = append(path, at.Name), append(along, at)
	}
	slices.Reverse(along)
	functions, rooms := way.through(along)
	t.Logf("a decision passes %d rooms, and returns through %d functions: %s\n%s", len(rooms), len(functions), strings.Join(rooms, ", "), strings.Join(functions, "\n"))
	require.LessOrEqual(t, len(rooms), 6, "a decision goes the short way from the service to the row")
	require.Equal(t, []string{
		"UPDATE", "batch start", "RunActivity:RecordAct", "StartActivity:RecordAct",
		"HandleUpdate:DecideConfirmation", "UpdateWorkflow:DecideConfirmation", "act", "starter decide",
	}, path)
	for _, s := range spans {
		if s.Name == "act" || s.Name == "RunActivity:RecordAct" {
			require.Equal(t, string(no), attr(s, "kamflow.case_no"), s.Name)
			require.Equal(t, "1.1.5", attr(s, "kamflow.step_code"), s.Name)
		}
		if s.Name == "act" {
			require.Equal(t, string(onboarding.ActDecideConfirmation), attr(s, "kamflow.act"))
			require.NotEmpty(t, attr(s, "kamflow.state"))
		}
	}

	h.worker.Stop()
	h.work(t)
	_, err = h.client.Act(t.Context(), no, onboarding.Act{Name: onboarding.ActComment, By: now.Task.Assignees[0], Reason: "A question of " + s.Request.LegalName}, nil)
	require.NoError(t, err)

	handled := map[string]int{}
	said := ""
	for _, s := range kept.GetSpans() {
		if strings.HasPrefix(s.Name, "HandleUpdate:") {
			handled[attr(s, "temporalUpdateID")]++
		}
		require.NotContains(t, s.Name, "RunWorkflow:")
		said += fmt.Sprintf("%s %v %v %v %v\n", s.Name, s.Attributes, s.Events, s.Status, s.Resource)
	}
	require.Len(t, handled, 3, "the start, the confirmation and the comment")
	for id, n := range handled {
		require.Equal(t, 1, n, id)
	}
	for _, personal := range append([]string{s.Request.LegalName, string(s.By), string(now.Task.Assignees[0])}, s.Request.TradingNames...) {
		require.NotContains(t, said, personal)
	}
	require.NotContains(t, said, "pgx.query.parameters")

	// What tracing adds to a history: a header on the start and on each act.
	headers := 0
	for _, e := range h.history(t, no) {
		for _, head := range []proto.Message{
			e.GetWorkflowExecutionStartedEventAttributes().GetHeader(),
			e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetHeader(),
		} {
			if n := proto.Size(head); n > 0 {
				t.Logf("%s: tracing adds %d bytes", e.GetEventType(), n)
				require.LessOrEqual(t, n, maxHeader)
				headers++
			}
		}
	}
	require.Equal(t, 1+len(handled), headers)
}

// traceOf is the trace that a span of that name is in.
func traceOf(all tracetest.SpanStubs, name string) (spans []tracetest.SpanStub) {
	for _, root := range all {
		if root.Name != name {
			continue
		}
		for _, s := range all {
			if s.SpanContext.TraceID() == root.SpanContext.TraceID() {
				spans = append(spans, s)
			}
		}
	}
	return spans
}

func parentOf(spans []tracetest.SpanStub, of tracetest.SpanStub) tracetest.SpanStub {
	for _, s := range spans {
		if s.SpanContext.SpanID() == of.Parent.SpanID() {
			return s
		}
	}
	return tracetest.SpanStub{}
}

// TestFigures: a worker that has done something serves its figures, those of
// the SDK and of the pool among them; and where nobody asks for traces, histories
// carry no header.
func TestFigures(t *testing.T) {
	h := open(t, pgtestDir(t))
	defer h.close(t)
	h.furnish(t)
	no := h.playOne(t, script(t, "01_clear_add"))
	for _, e := range h.history(t, no) {
		require.Empty(t, e.GetWorkflowExecutionStartedEventAttributes().GetHeader().GetFields())
		require.Empty(t, e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetHeader().GetFields())
	}
	figures := func() string {
		answer, err := http.Get("http://" + h.worker.Address + "/metrics")
		require.NoError(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return string(body)
	}
	require.Eventually(t, func() bool {
		return strings.Contains(figures(), `kamflow_recurring_job_seconds_count{job="ReconcileCases",result="ok"}`)
	}, 60*time.Second, time.Second)
	body := figures()
	for _, name := range []string{
		"temporal_workflow_task_execution_latency_seconds_bucket", "temporal_workflow_task_schedule_to_start_latency_seconds_bucket",
		"temporal_local_activity_execution_latency_seconds_bucket", "temporal_sticky_cache_size", "temporal_request_total",
		"temporal_worker_task_slots_available",
		"pgxpool_acquired_connections", "pgxpool_max_connections", "pgxpool_empty_acquire_total",
		"kamflow_messages_delivered_total", "kamflow_messages_failed_total", "kamflow_messages_dead_total",
		"kamflow_outbox_waiting", "kamflow_outbox_dead", "kamflow_cases_compared_total", "kamflow_cases_refreshed_total",
		"kamflow_loop_errors_total", "kamflow_uptime_seconds", "kamflow_build_info", "go_goroutines", "process_resident_memory_bytes",
	} {
		require.Contains(t, body, "\n"+name)
	}
	var names []string
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			names = append(names, strings.TrimSpace(rest))
		}
	}
	t.Logf("%d figures:\n%s", len(names), strings.Join(names, "\n"))
}
