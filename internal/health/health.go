// Package health answers whoever watches a program: whether it lives, whether
// what it needs answers, and its figures.
package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
)

// A Check is one question of /readyz.
type Check struct {
	Name string
	Ask  func(context.Context) error
}

// A Server serves /healthz, /readyz and /metrics.
type Server struct {
	Address string
	server  *http.Server
}

// Listen serves on an address, which the setting gives, until Stop.
func Listen(setting, address string, checks []Check, metrics http.Handler, log *zap.Logger) (*Server, error) {
	if !config.Loopback(address) {
		log.Warn("health endpoints are open to other machines", zap.String("listen", address))
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") })
	mux.Handle("GET /readyz", Ready(checks))
	mux.Handle("GET /metrics", metrics)
	s := &Server{Address: l.Addr().String(), server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}}
	go func() {
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("health endpoints ended", zap.Error(err))
		}
	}()
	return s, nil
}

// Stop lets running answers end. A server that is none has nothing to end.
func (s *Server) Stop(ctx context.Context) error {
	if s == nil {
		return nil
	}
	return s.server.Shutdown(ctx)
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the asker may have gone
}

// Ready answers whether all that is needed does.
func Ready(checks []Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		status, text := http.StatusOK, ""
		for _, c := range checks {
			line := c.Name + ": ok\n"
			if err := c.Ask(ctx); err != nil {
				// The error may name hosts and users: it goes to the log, not here.
				status, line = http.StatusServiceUnavailable, c.Name+": not reachable\n"
			}
			text += line
		}
		answer(w, status, text)
	})
}
