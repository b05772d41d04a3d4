// Package apitest puts HTTP between a test and a service.
package apitest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/kamflow/kamflow/gateway/api"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/remote"
	"github.com/kamflow/kamflow/service/routes"
)

// Principal takes everybody for whom he says he is.
func Principal(r *http.Request) (service.Principal, error) {
	user, err := url.QueryUnescape(r.Header.Get(routes.AsHeader))
	if err != nil || user == "" {
		return service.Principal{}, kam.Errorf(kam.Forbidden, "nobody is signed in").On("by")
	}
	return service.As(kam.UserID(user)), nil
}

// Serve serves a service over HTTP until the test ends.
func Serve(t testing.TB, s service.Service) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(api.New(api.Options{Service: s, Principal: Principal, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}))
	t.Cleanup(server.Close)
	return server
}

// Over is a service as it is met over HTTP.
func Over(t testing.TB, s service.Service, patience time.Duration) service.Service {
	t.Helper()
	r, err := remote.Open(remote.Options{Address: Serve(t, s).URL, Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}
