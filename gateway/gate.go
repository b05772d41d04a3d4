package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store/identity"
)

// Options are what a gate needs.
type Options struct {
	// People says who somebody is; the service does.
	People interface {
		Person(ctx context.Context, who service.Principal, id kam.UserID) (kam.Person, error)
	}
	SignIns *identity.Store
	// Waits says what waits for somebody; nil: nothing does.
	Waits   func(ctx context.Context, who service.Principal) (page.Waits, error)
	Log     *slog.Logger
	Figures prometheus.Registerer
	// Trace begins a trace of what somebody asks for; nil: none.
	Trace func(ctx context.Context, name string) (_ context.Context, end func(error))
	// Names are those of all people; nil: ids stand for them.
	Names func(ctx context.Context) (map[kam.UserID]string, error)
	// Home is the page that / leads to; "" where it is a page of its own.
	Home string
	// Base is the address at which people reach the gateway, without a path. By
	// https a browser keeps its cookies to that. Without a Base people come from
	// this machine only.
	Base *url.URL
	// Proxies stand between people and the gateway: only they reach it, and what
	// they say of the sender counts. None: people reach it themselves.
	Proxies []netip.Prefix
	Idle    time.Duration // after which an unused session ends
	Lasts   time.Duration // after which every session ends
}

// secure says whether people come by TLS.
func (o Options) secure() bool { return o.Base != nil && o.Base.Scheme == "https" }

// A Gate is where every request from outside comes in.
type Gate struct {
	Options
	mux      *http.ServeMux
	sessions *scs.SessionManager
	counts   *counts
	names    names
}

// New makes a gate that has nothing behind it yet.
func New(o Options) *Gate {
	g := &Gate{Options: o, mux: http.NewServeMux(), sessions: scs.New(), counts: newCounts(o.Figures)}
	s := g.sessions
	s.Store, s.HashTokenInStore = identity.Sessions{Store: o.SignIns}, true
	s.IdleTimeout, s.Lifetime = o.Idle, o.Lasts
	s.Cookie.Name, s.Cookie.Secure, s.Cookie.Persist = g.cookieName("session"), o.secure(), false
	s.ErrorFunc = g.fail
	g.Open("POST /language", g.speak)
	if o.Home != "" {
		g.Page("GET /{$}", func(w http.ResponseWriter, r *http.Request, _ *Visit) error {
			http.Redirect(w, r, o.Home, http.StatusSeeOther)
			return nil
		})
	}
	g.Open("/", func(http.ResponseWriter, *http.Request, *Visit) error {
		return kam.Errorf(kam.NotFound, "there is no such page")
	})
	return g
}

// cookieName binds a cookie to the host where TLS allows it.
func (g *Gate) cookieName(name string) string {
	if g.secure() {
		return "__Host-kam_" + name
	}
	return "kam_" + name
}

// Mount puts a handler behind the gate, by a pattern of [http.ServeMux]. It is
// called before the first request. The handler bounds what it reads.
func (g *Gate) Mount(pattern string, h http.Handler) { g.mux.Handle(pattern, h) }

// Handler is all that was mounted, behind the gate.
func (g *Gate) Handler() http.Handler {
	outer := http.NewServeMux()
	outer.Handle("GET "+page.AssetsAt, page.Assets())
	outer.Handle("/", g.sessions.LoadAndSave(g.routed()))
	return g.measured(g.headers(g.addressed(g.sameOrigin(packed(outer)))))
}

// packed compresses what is worth it: not what streams, and nothing small. How long
// an answer is tells nothing of the token in it.
func packed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.RandomJitter(32, 0, false), gzhttp.ContentTypes([]string{"text/html", "text/css", "text/javascript", "text/csv", "application/json", "image/svg+xml"}))
	if err != nil {
		panic(err) // the settings are ours
	}
	packs := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			next.ServeHTTP(w, r)
			return
		}
		packs.ServeHTTP(w, r)
	})
}

// The values of a session.
const (
	sessionUser = "user"
	sessionVia  = "via"
	sessionID   = "id"
	sessionLang = "lang"
	sessionDone = "done" // what a form has done, for the page that comes next
)

// Principal is who sends a request: by a personal token in the header
// Authorization, else by the session of his browser. An error for which
// [SignedOut] holds says that nobody is signed in; others that are
// kam.Forbidden, that he is and may not do this by what he sent.
func (g *Gate) Principal(r *http.Request) (service.Principal, error) {
	if _, ok := bearerOf(r); ok {
		t, err := g.TokenOf(r)
		switch {
		case err != nil:
			return service.Principal{}, err
		case t.Scope == identity.ScopeRead && !safe(r):
			return service.Principal{}, kam.Errorf(kam.Forbidden, "the token %s is for reading only", t.No).Try("make a token with scope ALL")
		}
		return service.SignedIn(t.User, byToken, t.No), nil
	}
	user := kam.UserID(g.sessions.GetString(r.Context(), sessionUser))
	if user == "" {
		return service.Principal{}, identity.ErrNobody
	}
	if !safe(r) && simple(r) && !g.formHolds(r) {
		return service.Principal{}, g.refuse(r, refusedForm, errForm)
	}
	return service.SignedIn(user, g.sessions.GetString(r.Context(), sessionVia), g.sessions.GetString(r.Context(), sessionID)), nil
}

// byToken is the issuer in the envelope of an act that came with a personal
// token; its subject is the number of the token. Of a session they are what its
// user signed in by, and the number of the session.
const byToken = "token"

// TokenOf is the personal token that a request carries; [identity.ErrNobody] where
// it carries none that is in force.
func (g *Gate) TokenOf(r *http.Request) (identity.Token, error) {
	bearer, _ := bearerOf(r)
	return g.SignIns.TokenOf(r.Context(), bearer)
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

// SignIn begins a session of a person in the browser that sends the request, in
// place of the one that it has. Via is the issuer of the identity that he has
// proved, or the kind of link.
func (g *Gate) SignIn(r *http.Request, user kam.UserID, via string) error {
	ctx, id := r.Context(), identity.NewSessionID()
	if err := g.sessions.RenewToken(ctx); err != nil {
		return err
	}
	g.sessions.Put(ctx, sessionUser, string(user))
	g.sessions.Put(ctx, sessionVia, via)
	g.sessions.Put(ctx, sessionID, id)
	lang, err := g.SignIns.Lang(ctx, user)
	if err != nil {
		return err
	}
	g.sessions.Put(ctx, sessionLang, lang)
	if _, _, err := g.sessions.Commit(identity.Open(ctx, identity.Opening{ID: id, User: user, Via: via, Agent: r.UserAgent()})); err != nil {
		return err
	}
	g.counts.signIns.WithLabelValues(kindOf(via)).Inc()
	g.Log.Info("somebody signed in", "user", user, "via", via, "session", id)
	return nil
}

// SignOut ends the session of the browser that sends the request.
func (g *Gate) SignOut(r *http.Request) error { return g.sessions.Destroy(r.Context()) }
