package gateway_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/identity"
)

// A browser keeps cookies and the page that it shows.
type browser struct {
	t       *testing.T
	h       *house
	client  *http.Client
	headers map[string]string
	status  int
	at      string // the path that it ended at
	page    string
	answer  *http.Response
}

func (h *house) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t: t, h: h, client: &http.Client{Jar: jar, Timeout: time.Minute}, headers: map[string]string{"User-Agent": "Test Browser/1"}}
}

func (b *browser) send(r *http.Request, err error) *browser {
	b.t.Helper()
	require.NoError(b.t, err)
	for k, v := range b.headers {
		r.Header.Set(k, v)
	}
	answer, err := b.client.Do(r)
	require.NoError(b.t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	require.NoError(b.t, answer.Body.Close())
	b.answer, b.status, b.page, b.at = answer, answer.StatusCode, string(body), answer.Request.URL.RequestURI()
	return b
}

func (b *browser) get(path string) *browser {
	b.t.Helper()
	return b.send(http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.h.at.URL+path, nil))
}

var formToken = regexp.MustCompile(`name="form" value="([^"]+)"`)

// form is the token of the forms of the page.
func (b *browser) form() string {
	b.t.Helper()
	m := formToken.FindStringSubmatch(b.page)
	require.Len(b.t, m, 2, b.page)
	return m[1]
}

// post sends a form of the page that is shown.
func (b *browser) post(path string, fields ...string) *browser {
	b.t.Helper()
	return b.postAs(b.form(), path, fields...)
}

func (b *browser) postAs(form, path string, fields ...string) *browser {
	b.t.Helper()
	v := url.Values{"form": {form}}
	for i := 0; i < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.h.at.URL+path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r, err)
}

func (b *browser) cookie(name string) *http.Cookie {
	u, err := url.Parse(b.h.at.URL)
	require.NoError(b.t, err)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c
		}
	}
	return nil
}

const password = "three plain words"

// account gives somebody a local account with the password of the tests.
func (h *house) account(t *testing.T, user kam.UserID) {
	t.Helper()
	i := accessdb.Identity{User: user, Issuer: accessdb.LocalIssuer, Subject: string(user)}
	for _, admin := range []kam.UserID{"zz.user1", "zz.user2"} {
		_, err := h.record.Access.LinkIdentity(t.Context(), by(admin), i)
		require.NoError(t, err)
	}
	secret := identity.NewSecret()
	require.NoError(t, h.signIns.MakePasswordLink(t.Context(), by("zz.user2"), secret, string(user), time.Hour))
	_, err := h.signIns.ChoosePassword(t.Context(), secret, password)
	require.NoError(t, err)
}

// linkFor is the path of a link that signs somebody in.
func (h *house) linkFor(t *testing.T, user string) string {
	t.Helper()
	secret := identity.NewSecret()
	require.NoError(t, h.signIns.MakeSignInLink(t.Context(), by("zz.user1"), secret, kam.UserID(user), time.Hour))
	return "/link/" + secret
}

// signIn signs somebody in by his password.
func (b *browser) signIn(user string) *browser {
	b.t.Helper()
	b.get("/sign-in").post("/sign-in", "login", user, "password", password)
	require.Equal(b.t, http.StatusOK, b.status, b.page)
	require.Equal(b.t, "/me", b.at)
	return b
}
