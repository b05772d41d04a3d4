package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/store/identity"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestSignInByPassword: who is not signed in is asked to, comes back to where he
// wanted to go, sees who he is, and is out when he says so.
func TestSignInByPassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	b := h.browser(t)
	b.get("/me?x=1")
	require.Equal(t, "/sign-in?then=%2Fme%3Fx%3D1", b.at)
	b.post("/sign-in", "login", "ada", "password", "not this one", "then", "/me?x=1")
	require.Equal(t, http.StatusForbidden, b.status)
	require.Contains(t, b.page, "the login or the password is wrong")
	require.Nil(t, b.cookie("kam_session"))
	b.post("/sign-in", "login", "ada", "password", password, "then", "/me?x=1")
	require.Equal(t, "/me?x=1", b.at)
	for _, text := range []string{"Ada Example", "sales_rep", "DE-N-01", "the local account ada", "Test Browser/1", "this one"} {
		require.Contains(t, b.page, text)
	}
	require.Equal(t, "ada", b.get("/whoami").page)
	b.get("/me").post("/sign-out")
	require.Equal(t, "/sign-in", b.at)
	require.Equal(t, http.StatusForbidden, b.get("/whoami").status)
}

// TestWhereToGoIsHere: after signing in nobody is sent to another house.
func TestWhereToGoIsHere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	for _, then := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", ""} {
		b := h.browser(t)
		b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			require.Equal(t, strings.TrimPrefix(h.at.URL, "http://"), r.URL.Host)
			return nil
		}
		b.get("/sign-in").post("/sign-in", "login", "ada", "password", password, "then", then)
		require.Equal(t, "/me", b.at, then)
	}
}

// TestTheSessionIsRotated: what a browser held before somebody signed in is
// nothing afterwards, and signing in again ends the session before.
func TestTheSessionIsRotated(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	b := h.browser(t).signIn("ada")
	first := b.cookie("kam_session").Value
	require.Empty(t, storetest.Holding(t, h.record, first), "only a hash is kept")
	c := b.answer.Cookies()
	require.NotEmpty(t, c)
	require.True(t, c[0].HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, c[0].SameSite)

	secret := identity.NewSecret()
	require.NoError(t, h.signIns.MakeSignInLink(t.Context(), by("bob"), secret, "bob", time.Hour))
	b.get("/link/" + secret).post("/link/" + secret)
	require.Equal(t, "bob", b.get("/whoami").page)
	require.NotEqual(t, first, b.cookie("kam_session").Value)
	b.client.Jar = nil
	b.headers["Cookie"] = "kam_session=" + first
	require.Equal(t, http.StatusForbidden, b.get("/whoami").status)
	b.headers["Cookie"] = "kam_session=made-up-by-somebody"
	require.Equal(t, http.StatusForbidden, b.get("/whoami").status)
}

// TestLinks: a link lets in once; what fetches it ahead does not use it up; a
// click from outside of any page is enough.
func TestLinks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := func() string { return h.linkFor(t, "bob") }
	at := made()
	scanner := h.browser(t)
	scanner.get(at).get(at)
	require.Equal(t, http.StatusForbidden, scanner.get("/whoami").status)
	b := h.browser(t).get(at)
	require.Contains(t, b.page, "signs you in as bob")
	require.Equal(t, "/me", b.post(at).at)
	require.Contains(t, b.page, "Bob &lt;b&gt;Example")
	require.Equal(t, http.StatusGone, h.browser(t).get(at).status)
	require.Equal(t, http.StatusGone, h.browser(t).get("/link/nothing").status)

	at = made()
	b = h.browser(t)
	b.headers["Sec-Fetch-Site"], b.headers["Sec-Purpose"] = "none", "prefetch"
	require.Equal(t, at, b.get(at).at)
	delete(b.headers, "Sec-Purpose")
	require.Equal(t, "/me", b.get(at).at)
	require.Equal(t, "bob", b.get("/whoami").page)
}

// TestThePasswordIsChanged by who knows it, and ends his other sessions.
func TestThePasswordIsChanged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	b := h.browser(t).signIn("ada")
	b.post("/me/password", "login", "ada", "before", password, "password", "entirely other words", "again", "not the same words")
	require.Equal(t, http.StatusUnprocessableEntity, b.status)
	other := h.browser(t).signIn("ada")
	b.post("/me/password", "login", "ada", "before", password, "password", "entirely other words", "again", "entirely other words")
	require.Equal(t, http.StatusOK, b.status, b.page)
	require.Equal(t, "ada", b.get("/whoami").page, "he stays in")
	require.Equal(t, http.StatusForbidden, other.get("/whoami").status, "all others are out")
}

// TestTheFirstAdmins are set up by the link of the first start.
func TestTheFirstAdmins(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	secret := identity.NewSecret()
	made, err := h.signIns.MakeFirstLink(t.Context(), secret, time.Hour)
	require.NoError(t, err)
	require.True(t, made)
	b := h.browser(t).get("/link/" + secret)
	b.post("/link/"+secret, "first", "zz.user1", "second", "ada", "password", password, "again", password)
	require.Equal(t, http.StatusUnprocessableEntity, b.status)
	require.Contains(t, b.page, "is no user_admin of this system")
	b.post("/link/"+secret, "first", "zz.user1", "second", "zz.user2", "password", password, "again", password)
	require.Equal(t, http.StatusOK, b.status, b.page)
	require.Contains(t, b.page, h.at.URL+"/link/")
	second := "/link/" + strings.SplitN(strings.SplitN(b.page, h.at.URL+"/link/", 2)[1], "<", 2)[0]
	require.Equal(t, "zz.user1", b.get("/whoami").page)

	o := h.browser(t).get(second)
	require.Contains(t, o.page, "The account zz.user2 is yours")
	o.post(second, "password", "short", "again", "short")
	require.Equal(t, http.StatusUnprocessableEntity, o.status)
	o.post(second, "password", "words of the second", "again", "words of the second")
	require.Equal(t, "/me", o.at, o.page)
	require.Equal(t, "zz.user2", o.get("/whoami").page)
}

// TestOwnSessionsAndTokens are listed, made and ended by oneself only.
func TestOwnSessionsAndTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	h.account(t, "bob")
	ada, laptop, bob := h.browser(t).signIn("ada"), h.browser(t).signIn("ada"), h.browser(t).signIn("bob")
	sessions, err := h.signIns.SessionsOf(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, sessions, 2)
	for _, s := range sessions {
		require.Contains(t, ada.get("/me").page, s.ID)
		require.NotContains(t, bob.page, s.ID)
		bob.post("/me/sessions", "session", s.ID)
	}
	require.Equal(t, "ada", laptop.get("/whoami").page, "not for bob to end")
	ada.post("/me/sessions")
	require.Equal(t, http.StatusForbidden, laptop.get("/whoami").status)
	require.Equal(t, "ada", ada.get("/whoami").page)

	ada.get("/me").post("/me/tokens", "name", "report <script>", "scope", "READ", "days", "30")
	require.Equal(t, http.StatusOK, ada.status, ada.page)
	require.NotContains(t, ada.page, "<script>")
	token := "kam_" + strings.SplitN(strings.SplitN(ada.page, "kam_", 2)[1], "<", 2)[0]
	program := h.browser(t)
	program.headers["Authorization"] = "Bearer " + token
	require.Equal(t, "ada", program.get("/whoami").page)
	require.NotContains(t, ada.get("/me").page, token, "shown once")
	bob.get("/me").post("/me/tokens/revoke", "token", "T-000001")
	require.Equal(t, http.StatusNotFound, bob.status)
	ada.post("/me/tokens/revoke", "token", "T-000001")
	require.Equal(t, http.StatusOK, ada.status)
	require.Equal(t, http.StatusForbidden, program.get("/whoami").status)
	for _, days := range []string{"0", "91", "-1", "x", ""} {
		require.Equal(t, http.StatusUnprocessableEntity, ada.get("/me").post("/me/tokens", "name", "x", "scope", "READ", "days", days).status, days)
	}
}

// TestLeaversAreOut at once, also of pages that they have open.
func TestLeaversAreOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	b := h.browser(t).signIn("ada")
	_, err := h.record.Access.PersonLeaves(t.Context(), by("zz.user1"), "ada")
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, b.get("/whoami").status)
	b.get("/me")
	require.Equal(t, "/sign-in?then=%2Fme", b.at)
	b.post("/sign-in", "login", "ada", "password", password)
	require.Equal(t, http.StatusForbidden, b.status)
}

// TestSessionsEnd when they were not used for a time, and after a time in any
// case.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	b := h.browser(t).signIn("ada")
	_, err := storetest.Pool(t, h.record).Exec(t.Context(), `update kam.session set expiry = clock_timestamp()`)
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, b.get("/whoami").status)

	h.browser(t).signIn("ada")
	var left time.Duration
	require.NoError(t, storetest.Pool(t, h.record).QueryRow(t.Context(), `select max(expiry) - clock_timestamp() from kam.session`).Scan(&left))
	require.InDelta(t, time.Hour, left, float64(time.Minute), "unused, an hour")

	short := newHouse(t, func(o *gateway.Options) { o.Lasts = 5 * time.Second })
	short.account(t, "ada")
	b = short.browser(t).signIn("ada")
	require.Equal(t, "ada", b.get("/whoami").page)
	require.Eventually(t, func() bool { return b.get("/whoami").status == http.StatusForbidden }, 20*time.Second, 200*time.Millisecond, "used all the time, it ends all the same")
}
