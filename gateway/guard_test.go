package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway"
)

// refused is how often something was refused for a cause.
func (h *house) refused(t *testing.T, cause string) int {
	t.Helper()
	all, err := h.figures.Gather()
	require.NoError(t, err)
	for _, f := range all {
		if f.GetName() != "kamflow_gateway_refusals_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == cause {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return 0
}

// TestOtherPagesSendNothing: what a page of another origin has a browser send is
// refused, explained and counted, in every shape.
func TestOtherPagesSendNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	b := h.browser(t).signIn("ada")
	form, session := b.form(), b.cookie("kam_session").Value
	for i, tt := range []struct {
		kind    string
		headers map[string]string
		form    string
	}{
		{"form", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, form},
		{"form, another name of this site", map[string]string{"Sec-Fetch-Site": "same-site"}, form},
		{"form, null origin", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "null"}, form},
		{"form, old browser", map[string]string{"Origin": "https://evil.example"}, form},
		{"form, old browser, null origin", map[string]string{"Origin": "null"}, form},
		{"form, older browser", map[string]string{}, ""},
		{"form, older browser, wrong token", map[string]string{}, form + "A"},
		{"form, older browser, the token of nobody", map[string]string{}, h.browser(t).get("/sign-in").form()},
		{"text", map[string]string{"Content-Type": "text/plain"}, form},
		{"without a kind", map[string]string{"Content-Type": ""}, form},
		{"several parts", map[string]string{"Content-Type": "multipart/form-data; boundary=x"}, form},
	} {
		values := url.Values{"name": {"x"}, "scope": {"ALL"}, "days": {"30"}, "form": {tt.form}}
		r := httptest.NewRequest(http.MethodPost, "http://localhost/me/tokens", strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for k, v := range tt.headers {
			r.Header.Set(k, v)
		}
		r.AddCookie(&http.Cookie{Name: "kam_session", Value: session})
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		require.Equal(t, http.StatusForbidden, w.Code, tt.kind)
		require.Contains(t, w.Body.String(), "What to do", tt.kind)
		require.Equal(t, i+1, h.refused(t, "cross_origin")+h.refused(t, "form_token"), tt.kind)
	}
	tokens, err := h.signIns.TokensOf(t.Context(), "ada")
	require.NoError(t, err)
	require.Empty(t, tokens)
	// Nor does another page sign somebody in as whom it likes, or out.
	for path, values := range map[string]url.Values{"/sign-in": {"login": {"ada"}, "password": {password}}, "/sign-out": {}} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost"+path, strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		require.Equal(t, http.StatusForbidden, w.Code, path)
	}
	b.headers["Sec-Fetch-Site"] = "same-origin"
	require.Equal(t, http.StatusOK, b.post("/me/tokens", "name", "x", "scope", "ALL", "days", "30").status)
	require.Equal(t, "ada", b.get("/whoami").page)
}

// TestMountsAreProtected: what is mounted behind the gate is told of no person
// by a request that any page could have a browser send.
func TestMountsAreProtected(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	b := h.browser(t).signIn("ada")
	for kind, status := range map[string]int{
		"application/json": 200, "application/merge-patch+json; charset=utf-8": 200, "text/csv": 200,
		"text/plain": 403, "": 403, "application/x-www-form-urlencoded": 403, "multipart/form-data": 403,
	} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/whoami", strings.NewReader("{}"))
		r.Header.Set("Content-Type", kind)
		r.AddCookie(b.cookie("kam_session"))
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		require.Equal(t, status, w.Code, kind)
		r.Header.Set(gateway.FormHeader, b.form())
		w = httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code, "%s, with the token of a form", kind)
	}
}

// TestHeaders are on every answer, refusals included.
func TestHeaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser(t)
	for _, path := range []string{"/sign-in", "/nothing", "/link/nothing", "/whoami"} {
		b.get(path)
		for k, v := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"} {
			require.Equal(t, v, b.answer.Header.Get(k), path)
		}
		csp := b.answer.Header.Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'self'", path)
		require.Contains(t, csp, "frame-ancestors 'none'", path)
		require.NotContains(t, csp, "unsafe", path)
		require.Empty(t, b.answer.Header.Get("Strict-Transport-Security"), path)
	}
	b.get("/sign-in")
	require.Equal(t, "no-store", b.answer.Header.Get("Cache-Control"))
	style := strings.SplitN(strings.SplitN(b.page, `rel="stylesheet" href="`, 2)[1], `"`, 2)[0]
	require.Equal(t, http.StatusOK, b.get(style).status)
	require.Contains(t, b.answer.Header.Get("Cache-Control"), "immutable")
	require.Equal(t, "text/css; charset=utf-8", b.answer.Header.Get("Content-Type"))
	require.Equal(t, http.StatusNotFound, b.get("/assets/00000000/frame.css").status)
	require.Equal(t, http.StatusNotFound, b.get("/assets/frame.html").status)
}

// TestOtherNamesOfThisMachine: a page that has given its own name the address of
// this machine is not taken for us.
func TestOtherNamesOfThisMachine(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for host, status := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "127.0.0.1": 200,
		"evil.example": 403, "evil.example:8080": 403, "localhost.evil.example": 403, "10.0.0.1:8080": 403, "": 403,
	} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost/sign-in", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		require.Equal(t, status, w.Code, host)
	}
	require.Equal(t, 5, h.refused(t, "host"))
}

// TestBehindAProxy: only the proxy reaches the gateway, cookies belong to the
// host and go by TLS, and a sender is whom the proxy says.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *gateway.Options) {
		o.Base = &url.URL{Scheme: "https", Host: "kam.example"}
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	})
	send := func(path, from, forwarded string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "https://kam.example"+path, nil)
		r.RemoteAddr = from + ":4711"
		r.Header.Set("X-Forwarded-For", forwarded)
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		return w
	}
	require.Equal(t, http.StatusForbidden, send("/sign-in", "10.2.0.1", "").Code, "past the proxy")
	require.Equal(t, 1, h.refused(t, "proxy"))
	w := send("/sign-in", "10.1.0.1", "192.0.2.1")
	require.Equal(t, http.StatusOK, w.Code)
	require.NotEmpty(t, w.Header().Get("Strict-Transport-Security"))
	visitor := w.Result().Cookies()[0]
	require.Equal(t, "__Host-kam_visitor", visitor.Name)
	require.True(t, visitor.Secure && visitor.HttpOnly && visitor.Path == "/" && visitor.Domain == "")
	at := h.linkFor(t, "bob")
	_, form, _ := strings.Cut(w.Body.String(), `name="form" value="`)
	form, _, _ = strings.Cut(form, `"`)
	r := httptest.NewRequest(http.MethodPost, "https://kam.example"+at, strings.NewReader(url.Values{"form": {form}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "10.1.0.1:4711"
	r.AddCookie(visitor)
	w = httptest.NewRecorder()
	h.Handler().ServeHTTP(w, r)
	session := w.Result().Cookies()[0]
	require.Equal(t, "__Host-kam_session", session.Name)
	require.True(t, session.Secure && session.HttpOnly && session.Path == "/" && session.Domain == "" && session.SameSite == http.SameSiteLaxMode)

	// What a sender writes into the header himself does not count.
	refused := 0
	for i := range 130 {
		said := netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String() + ", 192.0.2.1"
		if send("/link/guess", "10.1.0.1", said).Code == http.StatusTooManyRequests {
			refused++
		}
	}
	require.Positive(t, refused)
	require.Equal(t, refused, h.refused(t, "throttled"))
	require.Equal(t, http.StatusGone, send("/link/guess", "10.1.0.1", "192.0.2.2").Code, "another sender may try")
}

// TestTriesAreBounded for each login, whoever tries.
func TestTriesAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	var last *browser
	for i := 0; i < 15; i++ {
		last = h.browser(t).get("/sign-in").post("/sign-in", "login", "ada", "password", "guess")
		if last.status == http.StatusTooManyRequests {
			break
		}
	}
	require.Equal(t, http.StatusTooManyRequests, last.status)
	require.NotEmpty(t, last.answer.Header.Get("Retry-After"))
	require.Contains(t, last.page, "wait a minute")
	require.Equal(t, 1, h.refused(t, "throttled"))
	require.Equal(t, 10, h.refused(t, "password"))
	h.account(t, "bob")
	h.browser(t).signIn("bob")
}

// TestFormsAreBounded in what they send.
func TestFormsAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser(t).get("/sign-in")
	require.Equal(t, http.StatusUnprocessableEntity, b.post("/sign-in", "login", strings.Repeat("x", 2<<20)).status)
}

// TestNothingWithoutTheDatabase: who cannot be asked after is not let in.
func TestNothingWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	b := h.browser(t).signIn("ada")
	h.record.Close()
	require.Equal(t, http.StatusInternalServerError, b.get("/whoami").status)
	require.NotContains(t, b.page, "pool", "the cause is for the log")
	require.Equal(t, http.StatusInternalServerError, b.get("/me").status)
}

// TestFigures: requests are counted by the pattern that answered and not by what
// somebody typed.
func TestFigures(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser(t)
	b.get("/link/a-secret").get("/nothing/at/all").get("/sign-in")
	n, err := testutil.GatherAndCount(h.figures, "kamflow_gateway_request_seconds")
	require.NoError(t, err)
	require.Equal(t, 3, n)
	text, err := testutil.GatherAndLint(h.figures)
	require.NoError(t, err)
	require.Empty(t, text)
	all, err := h.figures.Gather()
	require.NoError(t, err)
	for _, f := range all {
		require.NotContains(t, f.String(), "a-secret")
	}
}
