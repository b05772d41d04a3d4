package real

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/openid"
	"github.com/kamflow/kamflow/gateway/pages/me"
	"github.com/kamflow/kamflow/gateway/pages/signin"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// What the provider's own users are called; the subject is the id.
const (
	providersUser, providersPassword = "test-user2", "verysecure"
	subject                          = "id2"
)

// A provider is the real one, with what it keeps in memory; the rest of its
// fields let it go wrong as providers do.
type provider struct {
	*httptest.Server
	*storage.Storage

	mu       sync.Mutex
	key      key
	retired  []key         // published still
	audience []string      // besides who asks
	mistakes bool          // it takes who asks for somebody else
	lasts    time.Duration // of an id token
	skew     time.Duration // its clock is late by that
}

type key struct {
	id      string
	private *rsa.PrivateKey
}

func newKey(t *testing.T, id string) key {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key{id, k}
}

func (k key) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k key) Key() any                                    { return k.private }
func (k key) ID() string                                  { return k.id }

type published struct{ key }

func (k published) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k published) Use() string                        { return "sig" }
func (k published) Key() any                           { return &k.private.PublicKey }

func (p *provider) SigningKey(context.Context) (op.SigningKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.key, nil
}

func (p *provider) KeySet(context.Context) ([]op.Key, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []op.Key{published{p.key}}
	for _, k := range p.retired {
		all = append(all, published{k})
	}
	return all, nil
}

// client is who asks, as the provider sees him.
type client struct {
	op.Client
	p *provider
}

func (c client) IDTokenLifetime() time.Duration { return c.p.lasts }
func (c client) ClockSkew() time.Duration       { return c.p.skew }

func (p *provider) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := p.Storage.GetClientByClientID(ctx, id)
	return client{c, p}, err
}

// request is one sign-in, as the provider keeps it.
type request struct {
	op.AuthRequest
	p *provider
}

func (r request) GetAudience() []string {
	return append(r.AuthRequest.GetAudience(), r.p.audience...)
}

func (p *provider) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	r, err := p.Storage.AuthRequestByCode(ctx, code)
	if err != nil {
		return nil, err
	}
	return request{r, p}, nil
}

func (p *provider) CreateAccessToken(ctx context.Context, r op.TokenRequest) (string, time.Time, error) {
	if own, ok := r.(request); ok {
		r = own.AuthRequest
	}
	return p.Storage.CreateAccessToken(ctx, r)
}

func newProvider(t *testing.T, back string) *provider {
	t.Helper()
	p := &provider{key: newKey(t, "one"), lasts: time.Hour}
	var handler http.Handler
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.mistakes {
			q := r.URL.Query()
			if q.Get("client_id") == "kam" {
				q.Set("client_id", "another")
				r.URL.RawQuery = q.Encode()
			}
			if id, secret, ok := r.BasicAuth(); ok && id == "kam" {
				r.SetBasicAuth("another", secret)
			}
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	p.Storage = storage.NewStorageWithClients(storage.NewUserStore(p.URL), map[string]*storage.Client{
		"kam": storage.WebClient("kam", "hush", back), "another": storage.WebClient("another", "hush", back),
	})
	handler = exampleop.SetupServer(p.URL, p, slog.New(slog.DiscardHandler), false)
	return p
}

// A house is a gateway with two providers.
type house struct {
	record       *store.Store
	at           *httptest.Server
	own, partner *provider
	figures      *prometheus.Registry
}

func newHouse(t *testing.T) *house {
	t.Helper()
	s := storetest.New(t)
	require.NoError(t, storetest.LoadOrg(t.Context(), s, accessdb.Org{Users: []accessdb.User{
		{ID: "ada", Name: "Ada Example", Roles: []kam.Role{kam.SalesRep}},
		{ID: "bob", Name: "Bob Example", Roles: []kam.Role{kam.SalesRep}},
	}}))
	h := &house{record: s, at: httptest.NewUnstartedServer(nil), figures: prometheus.NewRegistry()}
	base := &url.URL{Scheme: "http", Host: h.at.Listener.Addr().String()}
	system, accounts := service.New(service.RecordOf(s), nil, ""), s.SignIns
	g := gateway.New(gateway.Options{
		People: system, SignIns: accounts, Figures: h.figures, Log: slog.New(slog.DiscardHandler), Base: base, Idle: time.Hour, Lasts: 10 * time.Hour,
	})
	h.own, h.partner = newProvider(t, base.String()+signin.BackAt+"own"), newProvider(t, base.String()+signin.BackAt+"partner")
	var all []*signin.Provider
	for name, p := range map[string]*provider{"own": h.own, "partner": h.partner} {
		all = append(all, openid.New(openid.Settings{
			Name: name, Title: name + " house", Issuer: p.URL, ClientID: "kam", ClientSecret: "hush", Redirect: base.String() + signin.BackAt + name,
		}))
	}
	signin.Mount(g, accounts, all)
	me.Mount(g, system, accounts, 90*24*time.Hour)
	h.at.Config.Handler = g.Handler()
	h.at.Start()
	t.Cleanup(h.at.Close)
	return h
}

func (h *house) link(t *testing.T, user kam.UserID, p *provider) {
	t.Helper()
	for _, admin := range []kam.UserID{"zz.user1", "zz.user2"} {
		_, err := h.record.Access.LinkIdentity(t.Context(), accessdb.OrgAct{DecisionID: rand.Text(), By: admin, May: access.Permit}, accessdb.Identity{User: user, Issuer: p.URL, Subject: subject})
		require.NoError(t, err)
	}
}

// A visitor is somebody with a browser.
type visitor struct {
	t      *testing.T
	client *http.Client
	status int
	at     *url.URL
	page   string
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &visitor{t: t, client: &http.Client{Jar: jar, Timeout: time.Minute}}
}

func (v *visitor) took(answer *http.Response, err error) {
	v.t.Helper()
	require.NoError(v.t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(v.t, err)
	require.NoError(v.t, answer.Body.Close())
	v.status, v.at, v.page = answer.StatusCode, answer.Request.URL, html.UnescapeString(string(body))
}

var requestID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signIn goes to the provider, signs in there and comes back.
func (v *visitor) signIn(h *house, name string) {
	v.t.Helper()
	v.took(v.client.Get(h.at.URL + "/sign-in/with/" + name + "?then=%2Fme"))
	require.Contains(v.t, v.at.Path, "/login/username", v.page)
	id := requestID.FindStringSubmatch(v.page)
	require.Len(v.t, id, 2, v.page)
	v.took(v.client.PostForm(v.at.Scheme+"://"+v.at.Host+"/login/username", url.Values{"id": {id[1]}, "username": {providersUser}, "password": {providersPassword}}))
}

func (v *visitor) in(who string) {
	v.t.Helper()
	require.Equal(v.t, http.StatusOK, v.status, v.page)
	require.Equal(v.t, "/me", v.at.Path)
	require.Contains(v.t, v.page, who)
}

func (v *visitor) refused(why string) {
	v.t.Helper()
	require.Equal(v.t, http.StatusForbidden, v.status, v.page)
	require.Contains(v.t, v.page, why)
}

// TestSignInByAProvider: whom it knows and whose identity is linked here is in;
// everybody else is told what to do.
func TestSignInByAProvider(t *testing.T) {
	h := newHouse(t)
	v := newVisitor(t)
	v.took(v.client.Get(h.at.URL + "/sign-in"))
	require.Contains(t, v.page, "own house")
	require.Contains(t, v.page, "partner house")
	v.signIn(h, "own")
	v.refused("issuer " + h.own.URL + ", subject " + subject)
	h.link(t, "ada", h.own)
	v.signIn(h, "own")
	v.in("Ada Example")
	require.Contains(t, v.page, subject+" of "+h.own.URL)

	_, err := h.record.Access.PersonLeaves(t.Context(), accessdb.OrgAct{DecisionID: rand.Text(), By: "zz.user1", May: access.Permit}, "ada")
	require.NoError(t, err)
	v.signIn(h, "own")
	v.refused("nobody here signs in by that")
}

// TestTheSameSubjectOfTwoIssuers is two people.
func TestTheSameSubjectOfTwoIssuers(t *testing.T) {
	h := newHouse(t)
	h.link(t, "ada", h.own)
	v := newVisitor(t)
	v.signIn(h, "partner")
	v.refused("subject " + subject)
	h.link(t, "bob", h.partner)
	v.signIn(h, "partner")
	v.in("Bob Example")
	v.signIn(h, "own")
	v.in("Ada Example")
}

// TestKeyRotation: the provider takes a new key and takes the old one back, and
// nobody here does anything.
func TestKeyRotation(t *testing.T) {
	h := newHouse(t)
	h.link(t, "ada", h.own)
	v := newVisitor(t)
	v.signIn(h, "own")
	v.in("Ada Example")
	old := h.own.key
	h.own.mu.Lock()
	h.own.key, h.own.retired = newKey(t, "two"), []key{old}
	h.own.mu.Unlock()
	v.signIn(h, "own")
	v.in("Ada Example")
	h.own.mu.Lock()
	h.own.key, h.own.retired = newKey(t, "three"), nil
	h.own.mu.Unlock()
	v.signIn(h, "own")
	v.in("Ada Example")
	require.NotEqual(t, old, h.own.key)
}

// TestWrongTokens of a real provider: made for somebody else, expired, by a clock
// that is far ahead. A minute of difference is none.
func TestWrongTokens(t *testing.T) {
	for kind, tt := range map[string]struct {
		wrong func(p *provider)
		in    bool
	}{
		"other audience":         {wrong: func(p *provider) { p.mistakes = true }},
		"several audiences":      {wrong: func(p *provider) { p.audience = []string{"another"} }, in: true}, // it says that it was made for us
		"expired":                {wrong: func(p *provider) { p.lasts = -3 * time.Minute }},
		"expired just now":       {wrong: func(p *provider) { p.lasts = -30 * time.Second }, in: true},
		"its clock is far ahead": {wrong: func(p *provider) { p.skew = -5 * time.Minute }},
		"its clock is ahead":     {wrong: func(p *provider) { p.skew = -45 * time.Second }, in: true},
		"its clock is far late":  {wrong: func(p *provider) { p.skew = 30 * time.Minute }},
	} {
		t.Run(kind, func(t *testing.T) {
			h := newHouse(t)
			h.link(t, "ada", h.own)
			tt.wrong(h.own)
			v := newVisitor(t)
			v.signIn(h, "own")
			if tt.in {
				v.in("Ada Example")
				return
			}
			v.refused("does not hold")
			v.took(v.client.Get(h.at.URL + "/me"))
			require.Equal(t, "/sign-in", v.at.Path)
		})
	}
}

// TestAnswersOfOthers: the answer that one browser was given lets no other in,
// and not the same one twice.
func TestAnswersOfOthers(t *testing.T) {
	h := newHouse(t)
	h.link(t, "ada", h.own)
	attacker := newVisitor(t)
	var stolen string
	attacker.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, signin.BackAt) {
			stolen = r.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	attacker.signIn(h, "own")
	require.NotEmpty(t, stolen)
	victim := newVisitor(t)
	victim.took(victim.client.Get(stolen))
	victim.refused("has not asked")
	victim.took(victim.client.Get(h.at.URL + "/sign-in/with/own")) // he has a flow of his own
	victim.took(victim.client.Get(stolen))
	victim.refused("does not hold")
	attacker.client.CheckRedirect = nil
	attacker.took(attacker.client.Get(stolen))
	require.Equal(t, http.StatusOK, attacker.status, attacker.page)
	attacker.took(attacker.client.Get(stolen))
	attacker.refused("has not asked")
}
