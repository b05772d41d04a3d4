package workerapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// counters are what /metrics shows of this process.
type counters struct {
	delivered  atomic.Int64
	failed     atomic.Int64
	dead       atomic.Int64
	reconciled atomic.Int64
	behind     atomic.Int64
	loopErrors atomic.Int64
}

// A check is one question of /readyz.
type check struct {
	name string
	ask  func(context.Context) error
}

// health serves /healthz, /readyz and /metrics.
type health struct {
	server   *http.Server
	addr     string
	checks   []check
	counters *counters
	extra    func(context.Context) ([]gauge, error)
	started  time.Time
	build    string
}

// A gauge is one line of /metrics.
type gauge struct {
	name, help, kind string
	value            float64
}

func (h *health) listen(address string, log *zap.Logger) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("worker.listen: %w", err)
	}
	h.addr = l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /metrics", h.metrics)
	h.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}
	go func() {
		if err := h.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("health endpoints ended", zap.Error(err))
		}
	}()
	return nil
}

func (h *health) stop(ctx context.Context) error {
	if h == nil || h.server == nil {
		return nil
	}
	return h.server.Shutdown(ctx)
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the asker may have gone
}

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	status, text := http.StatusOK, ""
	for _, c := range h.checks {
		line := c.name + ": ok\n"
		if err := c.ask(ctx); err != nil {
			// The error may name hosts and users: it goes to the log, not here.
			status, line = http.StatusServiceUnavailable, c.name+": not reachable\n"
		}
		text += line
	}
	answer(w, status, text)
}

func (h *health) metrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	c := h.counters
	gauges := []gauge{
		{"kamflow_messages_delivered_total", "Messages of the outbox that left.", "counter", float64(c.delivered.Load())},
		{"kamflow_messages_failed_total", "Deliveries that failed and are tried again.", "counter", float64(c.failed.Load())},
		{"kamflow_messages_dead_total", "Messages that were put aside.", "counter", float64(c.dead.Load())},
		{"kamflow_cases_compared_total", "Cases compared with PostgreSQL.", "counter", float64(c.reconciled.Load())},
		{"kamflow_cases_refreshed_total", "Cases that were behind PostgreSQL and were told.", "counter", float64(c.behind.Load())},
		{"kamflow_loop_errors_total", "Errors of relay and reconciler.", "counter", float64(c.loopErrors.Load())},
		{"kamflow_uptime_seconds", "Time since the start.", "gauge", time.Since(h.started).Seconds()},
		{"go_goroutines", "Goroutines.", "gauge", float64(runtime.NumGoroutine())},
	}
	if h.extra != nil {
		if more, err := h.extra(ctx); err == nil {
			gauges = append(gauges, more...)
		}
	}
	text := fmt.Sprintf("# HELP kamflow_build_info Build of this worker.\n# TYPE kamflow_build_info gauge\nkamflow_build_info{build_id=%q} 1\n", h.build)
	for _, g := range gauges {
		text += fmt.Sprintf("# HELP %s %s\n# TYPE %s %s\n%s %g\n", g.name, g.help, g.name, g.kind, g.name, g.value)
	}
	answer(w, http.StatusOK, text)
}
