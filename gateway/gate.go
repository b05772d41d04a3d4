package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store/identity"
)

// Options are what a gate needs.
type Options struct {
	SignIns *identity.Store
	Log     *slog.Logger
	Secure  bool          // reached by TLS, by itself or by a proxy
	Idle    time.Duration // after which an unused session ends
	Lasts   time.Duration // after which every session ends
}

// A Gate is where every request from outside comes in.
type Gate struct {
	Options
	mux      *http.ServeMux
	sessions *scs.SessionManager
}

// New makes a gate that has nothing behind it yet.
func New(o Options) *Gate {
	g := &Gate{Options: o, mux: http.NewServeMux(), sessions: scs.New()}
	s := g.sessions
	s.Store, s.HashTokenInStore = identity.Sessions{Store: o.SignIns}, true
	s.IdleTimeout, s.Lifetime = o.Idle, o.Lasts
	s.Cookie.Name, s.Cookie.Secure, s.Cookie.Persist = cookieName("session", o.Secure), o.Secure, false
	s.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) {
		o.Log.Error("sessions cannot be read", "error", err)
		http.Error(w, "not reachable", http.StatusServiceUnavailable)
	}
	return g
}

// cookieName binds a cookie to the host where TLS allows it.
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-kam_" + name
	}
	return "kam_" + name
}

// Mount puts a handler behind the gate, by a pattern of [http.ServeMux]. It is
// called before the first request.
func (g *Gate) Mount(pattern string, h http.Handler) { g.mux.Handle(pattern, h) }

// Handler is all that was mounted, behind the gate.
func (g *Gate) Handler() http.Handler { return g.sessions.LoadAndSave(g.mux) }

// The values of a session.
const (
	sessionUser = "user"
	sessionID   = "id"
)

// Principal is who sends a request: by a personal token in the header
// Authorization, else by the session of his browser. [identity.ErrNobody] says
// that nobody is signed in; other errors that are kam.Forbidden, that he is and
// may not do this by what he sent.
func (g *Gate) Principal(r *http.Request) (service.Principal, error) {
	if bearer, ok := bearerOf(r); ok {
		t, err := g.SignIns.TokenOf(r.Context(), bearer)
		switch {
		case err != nil:
			return service.Principal{}, err
		case t.Scope == identity.ScopeRead && !safe(r):
			return service.Principal{}, kam.Errorf(kam.Forbidden, "the token %s is for reading only", t.No).Try("make a token with scope ALL")
		}
		return service.As(t.User), nil
	}
	user := kam.UserID(g.sessions.GetString(r.Context(), sessionUser))
	if user == "" {
		return service.Principal{}, identity.ErrNobody
	}
	return service.As(user), nil
}

// SignedOut says whether an error of [Gate.Principal] is that nobody is signed
// in.
func SignedOut(err error) bool { return errors.Is(err, identity.ErrNobody) }

// bearerOf is the token that a request carries. One that carries any other kind
// of authorization carries an empty one, and is not taken for its session.
func bearerOf(r *http.Request) (string, bool) {
	h := r.Header.Get("Authorization")
	if h == "" {
		return "", false
	}
	const scheme = "Bearer "
	if len(h) < len(scheme) || !strings.EqualFold(h[:len(scheme)], scheme) {
		return "", true
	}
	return h[len(scheme):], true
}

func safe(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
}
