package observe

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.uber.org/zap"
)

// Metrics are the figures of one program, for Prometheus to fetch: what is
// registered with it, what libraries measure by OpenTelemetry, and those of the
// Go runtime and the process.
type Metrics struct {
	prometheus.Registerer

	registry *prometheus.Registry
	provider *sdkmetric.MeterProvider
}

// seconds are the buckets of what takes time, from a step of a workflow to a
// long job. The library's own are meant for milliseconds.
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

// NewMetrics makes metrics without figures of our own.
func NewMetrics() (*Metrics, error) {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprom.New(otelprom.WithRegisterer(r), otelprom.WithoutScopeInfo(), otelprom.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("make metrics: %w", err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithView(sdkmetric.NewView(
		sdkmetric.Instrument{Kind: sdkmetric.InstrumentKindHistogram, Unit: "s"},
		sdkmetric.Stream{Aggregation: sdkmetric.AggregationExplicitBucketHistogram{Boundaries: seconds}},
	)))
	return &Metrics{Registerer: r, registry: r, provider: provider}, nil
}

// Provider is what makes the meters of libraries.
func (m *Metrics) Provider() metric.MeterProvider { return m.provider }

// Temporal has a client, and the workers over it, measure.
func (m *Metrics) Temporal(o *client.Options, log *zap.Logger) {
	o.MetricsHandler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter:                m.provider.Meter("temporal-sdk-go"),
		UseMonotonicCounters: true,
		OnError:              func(err error) { log.Warn("a figure cannot be measured", zap.Error(err)) },
	})
}

// Handler serves the figures. Where one cannot be had, the others are served,
// and the log says why.
func (m *Metrics) Handler(log *zap.Logger) http.Handler {
	errors, err := zap.NewStdLogAt(log, zap.WarnLevel)
	if err != nil {
		panic(err) // the level exists
	}
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      errors,
		Registry:      m.registry,
	})
}
