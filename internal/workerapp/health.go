package workerapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// A check is one question of /readyz.
type check struct {
	name string
	ask  func(context.Context) error
}

// health serves /healthz, /readyz and /metrics.
type health struct {
	server  *http.Server
	addr    string
	checks  []check
	metrics http.Handler
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
	mux.Handle("GET /metrics", h.metrics)
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
