package workerapp

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// counters are what this process has done, for /metrics.
type counters struct {
	delivered, failed, dead prometheus.Counter
	reconciled, behind      prometheus.Counter
	loopErrors              prometheus.Counter
	jobs                    *prometheus.HistogramVec // by job, and by whether it went well
}

func newCounters(to prometheus.Registerer) *counters {
	f := promauto.With(to)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &counters{
		delivered:  counter("kamflow_messages_delivered_total", "Messages of the outbox that left."),
		failed:     counter("kamflow_messages_failed_total", "Deliveries that failed and are tried again."),
		dead:       counter("kamflow_messages_dead_total", "Messages that were put aside."),
		reconciled: counter("kamflow_cases_compared_total", "Cases compared with PostgreSQL."),
		behind:     counter("kamflow_cases_refreshed_total", "Cases that were behind PostgreSQL and were told."),
		loopErrors: counter("kamflow_loop_errors_total", "Errors of relay and recurring jobs."),
		jobs: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kamflow_recurring_job_seconds", Help: "How long a round of a recurring job took on this worker.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 10, 30, 60, 300, 1800},
		}, []string{"job", "result"}),
	}
}

// took notes one round of a recurring job.
func (c *counters) took(job string, d time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	c.jobs.WithLabelValues(job, result).Observe(d.Seconds())
}

// registerProcess adds what is true of the process.
func registerProcess(to prometheus.Registerer, build string) {
	f, started := promauto.With(to), time.Now()
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kamflow_build_info", Help: "Build of this worker.", ConstLabels: prometheus.Labels{"build_id": build},
	}, func() float64 { return 1 })
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: "kamflow_uptime_seconds", Help: "Time since the start."},
		func() float64 { return time.Since(started).Seconds() })
}

// outboxFigures are what PostgreSQL knows of the outbox, read whenever somebody
// asks.
type outboxFigures struct {
	state func(context.Context) (waiting, dead int, err error)
}

var (
	outboxWaiting = prometheus.NewDesc("kamflow_outbox_waiting", "Messages that wait to leave.", nil, nil)
	outboxDead    = prometheus.NewDesc("kamflow_outbox_dead", "Messages that were put aside.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (outboxFigures) Describe(to chan<- *prometheus.Desc) {
	to <- outboxWaiting
	to <- outboxDead
}

// Collect implements [prometheus.Collector].
func (o outboxFigures) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	waiting, dead, err := o.state(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(outboxWaiting, err)
		return
	}
	to <- prometheus.MustNewConstMetric(outboxWaiting, prometheus.GaugeValue, float64(waiting))
	to <- prometheus.MustNewConstMetric(outboxDead, prometheus.GaugeValue, float64(dead))
}
