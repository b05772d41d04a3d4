package observe

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/internal/span"
)

// Traces are the traces of one program. A nil Traces is one that is off: its
// methods may be called and do nothing.
type Traces struct {
	provider *sdktrace.TracerProvider
	// flushing is how long Stop may take to send what is left.
	flushing time.Duration
}

// Start makes traces as the environment asks for them; nil where it does not.
// The service is what the spans are of, unless OTEL_SERVICE_NAME says it.
// Failed is told, from any goroutine, what keeps spans from leaving; spans are
// lost then, and nothing waits for them. An error says what is wrong with the
// environment.
func Start(ctx context.Context, service string, failed func(error)) (*Traces, error) {
	exporter, err := fromEnvironment(ctx)
	if err != nil || exporter == nil {
		return nil, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(failed))
	return to(ctx, service, sdktrace.NewBatchSpanProcessor(clean{exporter}))
}

// To makes traces that hand each span to an exporter when it ends, which the
// work waits for: for tests.
func To(ctx context.Context, service string, exporter sdktrace.SpanExporter) (*Traces, error) {
	return to(ctx, service, sdktrace.NewSimpleSpanProcessor(clean{exporter}))
}

func to(ctx context.Context, service string, p sdktrace.SpanProcessor) (*Traces, error) {
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", service)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return &Traces{
		provider: sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithSpanProcessor(p)),
		flushing: 3 * time.Second,
	}, nil
}

// fromEnvironment is the exporter that the environment asks for, nil where it
// asks for none. It connects to nothing yet. How it is reached, by which
// headers, certificates and times, the exporter reads itself: OTEL_EXPORTER_OTLP_*.
func fromEnvironment(ctx context.Context) (sdktrace.SpanExporter, error) {
	env := func(name string) string { return strings.TrimSpace(os.Getenv(name)) }
	if strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") {
		return nil, nil //nolint:nilnil // none is asked for
	}
	switch kind := env("OTEL_TRACES_EXPORTER"); kind {
	case "otlp":
	case "":
		if env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" && env("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
			return nil, nil //nolint:nilnil // none is asked for
		}
	case "none":
		return nil, nil //nolint:nilnil // none is asked for
	default:
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER is %q: write otlp or none", kind)
	}
	protocol := cmp.Or(env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), env("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf")
	switch protocol {
	case "http/protobuf":
		return otlptracehttp.New(ctx)
	case "grpc":
		return otlptracegrpc.New(ctx)
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: write http/protobuf or grpc", protocol)
	}
}

// Provider is what makes the tracers of libraries; nil where traces are off.
func (t *Traces) Provider() trace.TracerProvider {
	if t == nil {
		return nil
	}
	return t.provider
}

// Temporal has a client, and the workers over it, add to the traces.
func (t *Traces) Temporal(o *client.Options) error {
	if t == nil {
		return nil
	}
	i, err := newInterceptor(t.provider)
	if err == nil {
		o.Interceptors = append(o.Interceptors, i)
	}
	return err
}

// Begin starts a trace of its own: what one person asks for. End is called once.
func (t *Traces) Begin(ctx context.Context, name string) (_ context.Context, end func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	ctx, s := t.provider.Tracer("kamflow").Start(ctx, name)
	return ctx, func(err error) { span.End(s, err) }
}

// Stop sends what is left, as far as a few seconds allow. It comes after all
// that makes spans has ended.
func (t *Traces) Stop() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.flushing)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

// ToLog says in a log what keeps spans from leaving.
func ToLog(log *zap.Logger) func(error) {
	return func(err error) { log.Warn("traces do not leave", zap.Error(err)) }
}

// Log adds to the lines of a log which trace they belong to.
func Log(ctx context.Context, log *zap.Logger) *zap.Logger {
	s := trace.SpanContextFromContext(ctx)
	if !s.IsValid() {
		return log
	}
	return log.With(zap.String(traceID, s.TraceID().String()), zap.String(spanID, s.SpanID().String()))
}

// How a line of a log names its place in a trace.
const (
	traceID = "trace_id"
	spanID  = "span_id"
)
