package observe

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zaptest/observer"

	"github.com/kamflow/kamflow/workflows"
)

// environment makes the variables of OpenTelemetry those that are given, and no
// others.
func environment(t *testing.T, set map[string]string) {
	t.Helper()
	for _, line := range os.Environ() {
		if name, _, _ := strings.Cut(line, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for name, value := range set {
		t.Setenv(name, value)
	}
}

func start(t *testing.T) (*Traces, error) {
	t.Helper()
	return Start(t.Context(), "kamflow-test", func(err error) { t.Log(err) })
}

// TestOffByDefault: where nobody asks for traces there is nothing: no exporter,
// no goroutine, no interceptor, and no span to be had.
func TestOffByDefault(t *testing.T) {
	environment(t, nil)
	before := runtime.NumGoroutine()
	traces, err := start(t)
	require.NoError(t, err)
	require.Nil(t, traces)
	require.LessOrEqual(t, runtime.NumGoroutine(), before)

	var o client.Options
	require.NoError(t, traces.Temporal(&o))
	require.Empty(t, o.Interceptors)
	require.Nil(t, traces.Provider())
	ctx, end := traces.Begin(t.Context(), "starter decide")
	require.Equal(t, t.Context(), ctx)
	require.False(t, trace.SpanFromContext(ctx).IsRecording())
	end(nil)
	require.NoError(t, traces.Stop())
}

// TestEnvironment: the variables of OpenTelemetry, as it means them.
func TestEnvironment(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, tt := range []struct {
		set   map[string]string
		on    bool
		wrong string
	}{
		{set: map[string]string{endpoint: "http://127.0.0.1:1"}, on: true},
		{set: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, on: true},
		{set: map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, on: true},
		{set: map[string]string{"OTEL_TRACES_EXPORTER": " otlp ", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, on: true},
		{set: map[string]string{"OTEL_TRACES_EXPORTER": "none", endpoint: "http://127.0.0.1:1"}},
		{set: map[string]string{"OTEL_SDK_DISABLED": "TRUE", endpoint: "http://127.0.0.1:1"}},
		{set: map[string]string{"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "always_on"}},
		{set: map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, wrong: `OTEL_TRACES_EXPORTER is "zipkin"`},
		{set: map[string]string{endpoint: "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, wrong: `"http/json"`},
		{set: map[string]string{endpoint: "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "carrier pigeon"}, wrong: "carrier pigeon"},
		{set: map[string]string{endpoint: "http://127.0.0.1:1", "OTEL_RESOURCE_ATTRIBUTES": "no equals sign"}, wrong: "OTEL_RESOURCE_ATTRIBUTES"},
	} {
		environment(t, map[string]string{
			endpoint: "", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "", "OTEL_TRACES_EXPORTER": "", "OTEL_SDK_DISABLED": "",
			"OTEL_EXPORTER_OTLP_PROTOCOL": "", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "", "OTEL_RESOURCE_ATTRIBUTES": "",
		})
		for name, value := range tt.set {
			t.Setenv(name, value)
		}
		traces, err := start(t)
		if tt.wrong != "" {
			require.ErrorContains(t, err, tt.wrong)
			continue
		}
		require.NoError(t, err, tt.set)
		require.Equal(t, tt.on, traces != nil, tt.set)
		require.NoError(t, traces.Stop()) // with nothing to send
	}
}

// collector takes what exporters send over HTTP.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	path string
	sent string
}

func newCollector(t *testing.T, answer func(http.ResponseWriter)) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		c.path, c.sent = r.URL.Path, c.sent+string(body)
		c.mu.Unlock()
		answer(w)
	}))
	t.Cleanup(c.Close)
	return c
}

// TestSpansLeave: the last span of a short command is sent before it ends, under
// the name of the service, without the texts of errors.
func TestSpansLeave(t *testing.T) {
	c := newCollector(t, func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) })
	environment(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=trial"})
	traces, err := start(t)
	require.NoError(t, err)
	ctx, end := traces.Begin(t.Context(), "starter decide")
	trace.SpanFromContext(ctx).RecordError(errors.New("no customer is called Example Ltd"))
	end(errors.New("no customer is called Example Ltd"))
	require.NoError(t, traces.Stop())

	require.Equal(t, "/v1/traces", c.path)
	for _, part := range []string{"kamflow-test", "starter decide", "deployment.environment.name", "trial", "exception.type"} {
		require.Contains(t, c.sent, part)
	}
	require.NotContains(t, c.sent, "Example Ltd")
}

// TestNobodyWaitsForTraces: a collector that does not answer, or is not there,
// costs a few seconds at most and is told of.
func TestNobodyWaitsForTraces(t *testing.T) {
	hang := make(chan struct{})
	c := newCollector(t, func(http.ResponseWriter) { <-hang })
	defer close(hang)
	for _, address := range []string{c.URL, "http://127.0.0.1:1"} {
		environment(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_RESOURCE_ATTRIBUTES": ""})
		told := make(chan error, 10)
		traces, err := Start(t.Context(), "kamflow-test", func(err error) { told <- err })
		require.NoError(t, err)
		traces.flushing = 300 * time.Millisecond
		_, end := traces.Begin(t.Context(), "starter decide")
		end(nil)
		began := time.Now()
		if err := traces.Stop(); err != nil {
			told <- err
		}
		require.Less(t, time.Since(began), 5*time.Second)
		select {
		case err := <-told:
			require.Error(t, err)
		case <-time.After(5 * time.Second):
			t.Fatal("nobody is told that spans are lost")
		}
	}
}

// memory are traces kept in memory.
func memory(t *testing.T) (*Traces, *tracetest.InMemoryExporter) {
	t.Helper()
	kept := tracetest.NewInMemoryExporter()
	traces, err := To(t.Context(), "kamflow-test", kept)
	require.NoError(t, err)
	return traces, kept
}

// TestReplayIsNotTraced: the interceptor changes nothing that a history fixes,
// and what is gone through again is not recorded again.
func TestReplayIsNotTraced(t *testing.T) {
	traces, kept := memory(t)
	var o client.Options
	require.NoError(t, traces.Temporal(&o))
	files, err := filepath.Glob("../../workflows/testdata/history/*/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.Open(file)
		require.NoError(t, err)
		history, err := client.HistoryFromJSON(text, client.HistoryJSONOptions{})
		require.NoError(t, errors.Join(err, text.Close()))
		replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
			Interceptors: []interceptor.WorkerInterceptor{o.Interceptors[0].(interceptor.WorkerInterceptor)},
		})
		require.NoError(t, err)
		workflows.Register(replayer, nil)
		require.NoError(t, replayer.ReplayWorkflowHistory(nil, history), file)
	}
	for _, s := range kept.GetSpans() {
		t.Errorf("%s was recorded again", s.Name)
	}
}

// TestLogLinesNameTheirTrace: those of the SDK and those of our own, by the same
// two fields; outside of a trace there are none.
func TestLogLinesNameTheirTrace(t *testing.T) {
	traces, kept := memory(t)
	var o client.Options
	require.NoError(t, traces.Temporal(&o))
	core, lines := observer.New(zap.InfoLevel)
	own := zap.New(core)

	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(zapslog.NewHandler(core))))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{o.Interceptors[0].(interceptor.WorkerInterceptor)}})
	env.RegisterActivityWithOptions(func(ctx context.Context) error {
		activity.GetLogger(ctx).Info("by the SDK")
		Log(ctx, own).Info("by ourselves")
		return nil
	}, activity.RegisterOptions{Name: "Job"})
	_, err := env.ExecuteActivity("Job")
	require.NoError(t, err)
	Log(t.Context(), own).Info("outside")

	spans := kept.GetSpans()
	require.Len(t, spans, 1)
	require.Equal(t, "RunActivity:Job", spans[0].Name)
	id := spans[0].SpanContext.TraceID().String()
	for _, message := range []string{"by the SDK", "by ourselves"} {
		require.Equal(t, id, lines.FilterMessage(message).All()[0].ContextMap()["trace_id"], message)
	}
	require.NotContains(t, lines.FilterMessage("outside").All()[0].ContextMap(), "trace_id")
}

// TestTextsOfErrorsStay: see clean.
func TestTextsOfErrorsStay(t *testing.T) {
	traces, kept := memory(t)
	_, s := traces.Provider().Tracer("library").Start(t.Context(), "query")
	s.RecordError(errors.New(`invalid input: "Example Ltd"`), trace.WithStackTrace(true))
	s.SetStatus(codes.Error, `invalid input: "Example Ltd"`)
	s.End()
	got := kept.GetSpans()[0]
	require.Equal(t, codes.Error, got.Status.Code)
	require.Empty(t, got.Status.Description)
	require.Len(t, got.Events[0].Attributes, 1)
	require.Equal(t, "*errors.errorString", got.Events[0].Attributes[0].Value.AsString())
}

// TestMetricsOfTheSDK: figures that the SDK measures are served with names and
// buckets that Prometheus and people can use.
func TestMetricsOfTheSDK(t *testing.T) {
	m, err := NewMetrics()
	require.NoError(t, err)
	var o client.Options
	m.Temporal(&o, zap.NewNop())
	h := o.MetricsHandler.WithTags(map[string]string{"workflow_type": "Onboarding"})
	h.Timer("temporal_workflow_task_execution_latency").Record(3 * time.Millisecond)
	h.Counter("temporal_request").Inc(2)
	h.Gauge("temporal_sticky_cache_size").Update(7)

	w := httptest.NewRecorder()
	m.Handler(zap.NewNop()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`temporal_workflow_task_execution_latency_seconds_bucket{workflow_type="Onboarding",le="0.0025"} 0`,
		`temporal_workflow_task_execution_latency_seconds_bucket{workflow_type="Onboarding",le="0.005"} 1`,
		`temporal_request_total{workflow_type="Onboarding"} 2`,
		`temporal_sticky_cache_size{workflow_type="Onboarding"} 7`,
	} {
		require.Contains(t, w.Body.String(), line+"\n")
	}
}
