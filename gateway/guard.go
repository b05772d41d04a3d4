package gateway

import (
	"context"
	"embed"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/httprate"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/identity"
)

//go:embed error.html
var errorFiles embed.FS

// What is refused, as the figures name it.
const (
	refusedOrigin    = "cross_origin"
	refusedForm      = "form_token"
	refusedHost      = "host"
	refusedProxy     = "proxy"
	refusedThrottled = "throttled"
	RefusedPassword  = "password"
	RefusedLink      = "link"
	RefusedOpenID    = "openid"
)

// counts are the figures of a gate.
type counts struct {
	refusals *prometheus.CounterVec
	signIns  *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newCounts(r prometheus.Registerer) *counts {
	c := &counts{
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kamflow_gateway_refusals_total", Help: "Requests that the gateway refused, by cause."}, []string{"cause"}),
		signIns:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kamflow_gateway_sign_ins_total", Help: "Sessions that were begun, by how: local, openid or link."}, []string{"how"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "kamflow_gateway_request_seconds", Help: "How long requests took, by pattern and status.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}}, []string{"pattern", "status"}),
	}
	r.MustRegister(c.refusals, c.signIns, c.seconds)
	return c
}

// kindOf is how somebody signed in, without who vouched for him.
func kindOf(via string) string {
	switch via {
	case identity.Local:
		return "local"
	case ViaLink:
		return "link"
	}
	return "openid"
}

// ViaLink is how a session began that a one-time link began.
const ViaLink = "link"

// refuse counts a refusal and passes it on.
func (g *Gate) refuse(r *http.Request, cause string, err error) error {
	g.counts.refusals.WithLabelValues(cause).Inc()
	g.Log.Info("a request was refused", "cause", cause, "method", r.Method, "pattern", r.Pattern, "from", g.sender(r))
	return err
}

// Refused counts what a page behind the gate refuses, and passes it on.
func (g *Gate) Refused(r *http.Request, cause string, err error) error {
	return g.refuse(r, cause, err)
}

// headers say to the browser what pages of ours never do.
func (g *Gate) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if g.secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// addressed lets in only what was sent to our own address, by those who may send
// it: another name that leads to this machine is a page of somebody else.
func (g *Gate) addressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !g.ours(r.Host):
			g.fail(w, r, g.refuse(r, refusedHost, kam.Errorf(kam.Forbidden, "this is not the address of kamflow").Try("open %s", g.home())))
		case len(g.Proxies) > 0 && !g.trusts(remote(r)):
			g.fail(w, r, g.refuse(r, refusedProxy, kam.Errorf(kam.Forbidden, "people come here by the proxy only").Try("open %s", g.home())))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (g *Gate) ours(host string) bool {
	if g.Base != nil {
		return strings.EqualFold(host, g.Base.Host)
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return name == "localhost" || err == nil && ip.IsLoopback()
}

// home is where people find the gateway.
func (g *Gate) home() kam.Sentence {
	if g.Base != nil {
		return kam.Word(g.Base.String())
	}
	return kam.Say("it as it was printed when the program started")
}

// remote is the address at the other end of the connection.
func remote(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

func (g *Gate) trusts(a netip.Addr) bool {
	for _, p := range g.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// sender is the address from which a request was sent: of a proxy that we trust,
// what it says last; what came before it anybody may have written.
func (g *Gate) sender(r *http.Request) string {
	from := remote(r)
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(said) - 1; i >= 0 && g.trusts(from); i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(said[i]))
		if err != nil {
			break
		}
		from = a.Unmap()
	}
	return from.String()
}

// The tries that may be made in a minute: by one sender, behind whom an office
// may be, and for one login.
const triesOfSender, triesOfLogin = 100, 10

// Throttled bounds how often somebody may try to get in: each sender, and each
// login that the form names.
func (g *Gate) Throttled(h Handler) Handler {
	senders, logins := httprate.NewRateLimiter(triesOfSender, time.Minute), httprate.NewRateLimiter(triesOfLogin, time.Minute)
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		login := r.PostForm.Get("login")
		if senders.OnLimit(w, r, httprate.CanonicalizeIP(g.sender(r))) || login != "" && logins.OnLimit(w, r, login) {
			return g.refuse(r, refusedThrottled, errThrottled)
		}
		return h(w, r, v)
	}
}

var errThrottled = kam.Errorf(kam.Unreachable, "too many tries").Try("wait a minute and try again")

// sameOrigin refuses what a page of another origin has a browser send.
func (g *Gate) sameOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	if g.Base != nil {
		if err := p.AddTrustedOrigin(g.Base.Scheme + "://" + g.Base.Host); err != nil {
			panic(err) // the settings were checked
		}
	}
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.fail(w, r, g.refuse(r, refusedOrigin, kam.Errorf(kam.Forbidden, "another page has sent this").Try("open kamflow itself and do it there")))
	}))
	return p.Handler(next)
}

// measured counts requests and their time by the pattern that answered.
func (g *Gate) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, pattern := time.Now(), ""
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			g.counts.seconds.WithLabelValues(pattern, strconv.Itoa(s.status)).Observe(time.Since(began).Seconds())
		}()
		next.ServeHTTP(s, r.WithContext(context.WithValue(r.Context(), patternKey{}, &pattern)))
	})
}

// patternKey is where a request tells which pattern of the mux answers it.
type patternKey struct{}

// routed is what was mounted.
func (g *Gate) routed() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), inside{}, true))
		_, pattern := g.mux.Handler(r)
		if at, ok := r.Context().Value(patternKey{}).(*string); ok {
			*at = pattern
		}
		if g.Trace != nil {
			ctx, end := g.Trace(r.Context(), "gateway "+pattern)
			defer end(nil)
			r = r.WithContext(ctx)
		}
		g.mux.ServeHTTP(w, r)
	})
}

// A statusWriter knows with which status a request was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
