package gateway_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTwoAdminsLetSomebodyIn, in the browser: one proposes, the other agrees and
// gives out the link, and whoever it is for is in.
func TestTwoAdminsLetSomebodyIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.account(t, "ada")
	const at = "/people/sign-ins"
	require.Equal(t, http.StatusForbidden, h.browser(t).signIn("ada").get(at).status, "she is no admin")

	// The admins themselves were let in by each other.
	first, second := h.browser(t), h.browser(t)
	for b, user := range map[*browser]string{first: "zz.user1", second: "zz.user2"} {
		in(t, b, user)
	}
	first.get(at).post(at, "user", "bob", "issuer", "local", "subject", "bob")
	require.Equal(t, http.StatusOK, first.status, first.page)
	require.Contains(t, first.page, "Proposed as P-")
	require.Contains(t, first.page, "bob may sign in by the local account bob")
	no := "P-" + strings.SplitN(strings.SplitN(first.page, "Proposed as P-", 2)[1], ":", 2)[0]
	require.Equal(t, http.StatusForbidden, first.post(at+"/decide", "proposal", no, "verdict", "agree").status)
	require.Contains(t, first.page, "SOD9")
	second.get(at)
	require.Contains(t, second.page, "Agree to "+no)
	require.Equal(t, http.StatusOK, second.post(at+"/decide", "proposal", no, "verdict", "agree").status, second.page)
	require.Equal(t, http.StatusForbidden, first.get(at).post(at+"/link", "user", "bob", "issuer", "local", "subject", "bob").status, "he proposed it")
	require.NotContains(t, first.page, "/link/")
	require.Equal(t, http.StatusOK, second.post(at+"/link", "user", "bob", "issuer", "local", "subject", "bob").status)
	link := "/link/" + strings.SplitN(strings.SplitN(html.UnescapeString(second.page), h.at.URL+"/link/", 2)[1], "<", 2)[0]

	bob := h.browser(t).get(link)
	require.Equal(t, "/me", bob.post(link, "password", password, "again", password).at, bob.page)
	require.Equal(t, "bob", bob.get("/whoami").page)
	require.Equal(t, http.StatusOK, first.get(at).post(at+"/remove", "user", "bob", "issuer", "local", "subject", "bob").status)
	require.Equal(t, http.StatusForbidden, bob.get("/whoami").status, "the session began by it")
	require.Equal(t, http.StatusUnprocessableEntity, first.post(at, "user", "nobody", "issuer", "local", "subject", "nobody").status)
	require.Contains(t, first.page, `value="nobody"`, "what was typed stays")
}

// in signs somebody in by a link, as standalone would.
func in(t *testing.T, b *browser, user string) {
	t.Helper()
	secret := b.h.linkFor(t, user)
	require.Equal(t, "/me", b.get(secret).post(secret).at)
}
