package openid_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/openid"
)

// A forger is a provider that answers with any token. Its keys are those of
// oidctest.
type forger struct {
	*httptest.Server
	keys  *oidctest.Server
	key   *ecdsa.PrivateKey
	token string
	// asked is what the last exchange of a code sent.
	asked url.Values
}

func newForger(t *testing.T) *forger {
	t.Helper()
	f := &forger{keys: &oidctest.Server{Algorithms: []string{"ES256"}}, key: newKey(t)}
	f.rotate(f.key, "one")
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" {
			f.keys.ServeHTTP(w, r)
			return
		}
		_ = r.ParseForm()
		f.asked = r.PostForm
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": f.token})
	}))
	t.Cleanup(f.Close)
	f.keys.SetIssuer(f.URL)
	return f
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return k
}

// rotate has the provider publish one key and no other.
func (f *forger) rotate(key *ecdsa.PrivateKey, id string) {
	f.key = key
	f.keys.PublicKeys = []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: id, Algorithm: "ES256"}}
}

type claims map[string]any

func (f *forger) honest(nonce string) claims {
	now := time.Now()
	return claims{"iss": f.URL, "aud": "kam", "sub": "4711", "nonce": nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
}

func (f *forger) signed(c claims, key *ecdsa.PrivateKey, id string) string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return oidctest.SignIDToken(key, id, "ES256", string(b))
}

func (f *forger) provider() *openid.Provider {
	return openid.New(openid.Settings{Name: "own", Title: "Own", Issuer: f.URL, ClientID: "kam", ClientSecret: "hush", Redirect: "http://localhost/back"})
}

// TestBegin: the question carries what protects the answer.
func TestBegin(t *testing.T) {
	t.Parallel()
	p := newForger(t).provider()
	address, flow, err := p.Begin(t.Context(), "/me")
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	require.Equal(t, "code", q.Get("response_type"))
	require.Equal(t, "openid", q.Get("scope"))
	require.Equal(t, flow.State, q.Get("state"))
	require.Equal(t, flow.Nonce, q.Get("nonce"))
	require.Equal(t, "S256", q.Get("code_challenge_method"))
	sum := sha256.Sum256([]byte(flow.Verifier))
	require.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:]), q.Get("code_challenge"))
	require.NotContains(t, address, "hush")
	again, ok := openid.ReadFlow(flow.String())
	require.True(t, ok)
	require.Equal(t, flow, again)
	_, other, err := p.Begin(t.Context(), "/me")
	require.NoError(t, err)
	require.NotEqual(t, flow.State, other.State)
	require.NotEqual(t, flow.Verifier, other.Verifier)
	for _, bad := range []string{"", "%", "e30", base64.RawURLEncoding.EncodeToString([]byte("{}"))} {
		_, ok := openid.ReadFlow(bad)
		require.False(t, ok, bad)
	}
}

// TestBadTokens: 20 kinds of a token that does not hold, and one that does.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	p := f.provider()
	_, flow, err := p.Begin(t.Context(), "/")
	require.NoError(t, err)
	answer := url.Values{"state": {flow.State}, "code": {"c"}}
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	with := func(change claims) string {
		c := f.honest(flow.Nonce)
		for k, v := range change {
			if v == nil {
				delete(c, k)
				continue
			}
			c[k] = v
		}
		return f.signed(c, f.key, "one")
	}
	parts := strings.Split(with(nil), ".")
	header := func(h string) string { return base64.RawURLEncoding.EncodeToString([]byte(h)) }
	swapped := func() string {
		other := strings.Split(with(claims{"sub": "1"}), ".")
		return parts[0] + "." + other[1] + "." + parts[2]
	}
	for kind, token := range map[string]string{
		"no token":                   "",
		"no jwt":                     "token",
		"alg none":                   header(`{"alg":"none"}`) + "." + parts[1] + ".",
		"alg HS256":                  header(`{"alg":"HS256","kid":"one"}`) + "." + parts[1] + "." + parts[2],
		"no signature":               parts[0] + "." + parts[1] + ".",
		"other payload":              swapped(),
		"other key, its id":          f.signed(f.honest(flow.Nonce), newKey(t), "one"),
		"other key, other id":        f.signed(f.honest(flow.Nonce), newKey(t), "two"),
		"other issuer":               with(claims{"iss": "https://idp.example"}),
		"issuer with a slash":        with(claims{"iss": f.URL + "/"}),
		"no issuer":                  with(claims{"iss": nil}),
		"other audience":             with(claims{"aud": "another"}),
		"no audience":                with(claims{"aud": nil}),
		"several audiences":          with(claims{"aud": []string{"kam", "another"}}),
		"several, for another":       with(claims{"aud": []string{"kam", "another"}, "azp": "another"}),
		"made for another":           with(claims{"azp": "another"}),
		"expired":                    with(claims{"exp": at(-2 * time.Minute)}),
		"no expiry":                  with(claims{"exp": nil}),
		"of the future":              with(claims{"iat": at(3 * time.Minute), "exp": at(5 * time.Minute)}),
		"not yet":                    with(claims{"nbf": at(3 * time.Minute)}),
		"of long ago":                with(claims{"iat": at(-time.Hour)}),
		"never made":                 with(claims{"iat": nil}),
		"other nonce":                with(claims{"nonce": "another"}),
		"no nonce":                   with(claims{"nonce": nil}),
		"of nobody":                  with(claims{"sub": nil}),
		"with another access token":  with(claims{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
		"a subject that is a number": with(claims{"sub": 4711}),
	} {
		f.token = token
		subject, err := p.Finish(t.Context(), flow, answer)
		require.Error(t, err, kind)
		require.Empty(t, subject, kind)
	}
	for kind, token := range map[string]string{
		"honest":               with(nil),
		"several, for us":      with(claims{"aud": []string{"kam", "another"}, "azp": "kam"}),
		"their clock is late":  with(claims{"iat": at(-50 * time.Second), "exp": at(-30 * time.Second)}),
		"their clock is early": with(claims{"iat": at(50 * time.Second), "nbf": at(50 * time.Second), "exp": at(2 * time.Minute)}),
	} {
		f.token = token
		subject, err := p.Finish(t.Context(), flow, answer)
		require.NoError(t, err, kind)
		require.Equal(t, "4711", subject, kind)
	}
	require.Equal(t, flow.Verifier, f.asked.Get("code_verifier"))
}

// TestForeignAnswers: an answer that this browser has not asked for is none.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	p := f.provider()
	_, flow, err := p.Begin(t.Context(), "/")
	require.NoError(t, err)
	f.token = f.signed(f.honest(flow.Nonce), f.key, "one")
	elsewhere := flow
	elsewhere.Provider = "another"
	for _, tt := range []struct {
		flow   openid.Flow
		answer url.Values
	}{
		{flow, url.Values{"state": {"another"}, "code": {"c"}}},
		{flow, url.Values{"code": {"c"}}},
		{openid.Flow{Provider: "own"}, url.Values{"state": {flow.State}, "code": {"c"}}},
		{elsewhere, url.Values{"state": {flow.State}, "code": {"c"}}},
		{flow, url.Values{"state": {flow.State}, "code": {"c"}, "iss": {"https://idp.example"}}},
	} {
		_, err := p.Finish(t.Context(), tt.flow, tt.answer)
		require.Error(t, err, tt.answer)
	}
	_, err = p.Finish(t.Context(), flow, url.Values{"state": {flow.State}, "error": {"access_denied"}})
	var denied openid.Denied
	require.True(t, errors.As(err, &denied))
	require.Equal(t, "access_denied", denied.Code)
	subject, err := p.Finish(t.Context(), flow, url.Values{"state": {flow.State}, "code": {"c"}, "iss": {f.URL}})
	require.NoError(t, err)
	require.Equal(t, "4711", subject)
}

// TestKeysRotate: a new key is looked for at once; what the one before signed
// holds no longer once it is looked for anew.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	p := f.provider()
	_, flow, err := p.Begin(t.Context(), "/")
	require.NoError(t, err)
	answer := url.Values{"state": {flow.State}, "code": {"c"}}
	finish := func() error { _, err := p.Finish(t.Context(), flow, answer); return err }
	old := f.key
	f.token = f.signed(f.honest(flow.Nonce), old, "one")
	require.NoError(t, finish())
	f.rotate(newKey(t), "two")
	f.token = f.signed(f.honest(flow.Nonce), f.key, "two")
	require.NoError(t, finish())
	f.token = f.signed(f.honest(flow.Nonce), old, "one")
	require.Error(t, finish())
}

// TestAwayAtTheStart: a provider may be away while we start, and is found when
// it is back.
func TestAwayAtTheStart(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	p := openid.New(openid.Settings{Name: "own", Issuer: "http://127.0.0.1:1", ClientID: "kam"})
	_, _, err := p.Begin(t.Context(), "/")
	require.ErrorContains(t, err, "reach http://127.0.0.1:1")
	p.Issuer = f.URL
	_, _, err = p.Begin(t.Context(), "/")
	require.NoError(t, err)
}
