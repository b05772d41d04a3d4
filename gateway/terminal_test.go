package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/api"
	"github.com/kamflow/kamflow/gateway/pages/terminal"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/remote"
	"github.com/kamflow/kamflow/service/routes"
)

const owner = "the secret of the owner"

// programs is a house with what programs use; speaks says whether its owner speaks
// for others.
func programs(t *testing.T, speaks bool) (*house, *httptest.Server) {
	t.Helper()
	h := newHouse(t)
	o := gateway.Owner{Secret: owner, SpeaksFor: func(context.Context) (bool, error) { return speaks, nil }}
	api.New(api.Options{Service: service.New(service.RecordOf(h.record), nil, ""), Principal: h.Programs(o), Still: h.Still, SignedOut: gateway.SignedOut}).Mount(h.Mount)
	terminal.Mount(h.Gate, h.signIns, o, 24*time.Hour)
	return h, h.at
}

func far(t *testing.T, s *httptest.Server, token string) *remote.Service {
	t.Helper()
	r, err := remote.Open(remote.Options{Address: s.URL, Token: token, Patience: 5 * time.Second})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

// TestAProgramIsLetIn by whoever is signed in and agrees, as him; its token ends
// when it signs out.
func TestAProgramIsLetIn(t *testing.T) {
	t.Parallel()
	h, s := programs(t, false)
	h.account(t, "ada")
	nobody := far(t, s, "")
	_, err := nobody.Me(t.Context(), service.Principal{})
	require.ErrorIs(t, err, kam.Forbidden)
	asked, err := nobody.Login(t.Context(), routes.Login, routes.LoginAsked{Name: "starter <on> a laptop"})
	require.NoError(t, err)
	waits, err := nobody.Login(t.Context(), routes.LoginWait, routes.LoginAsked{Device: asked.Device})
	require.NoError(t, err)
	require.Equal(t, "PENDING", waits.State)
	_, err = far(t, s, asked.Device).Me(t.Context(), service.Principal{})
	require.ErrorIs(t, err, kam.Forbidden, "nobody has agreed")

	b := h.browser(t).get(strings.TrimPrefix(asked.Whole, s.URL))
	require.Contains(t, b.at, "/sign-in?then=", "who agrees is signed in")
	b.signIn("ada").get("/terminal?code=" + asked.Code)
	require.Contains(t, b.page, "starter &lt;on&gt; a laptop")
	b.post("/terminal", "code", asked.Code, "answer", "agree")
	require.Equal(t, http.StatusOK, b.status)
	require.Contains(t, b.page, "The program is let in.")

	program := far(t, s, asked.Device)
	me, err := program.Me(t.Context(), service.Principal{})
	require.NoError(t, err)
	require.Equal(t, kam.UserID("ada"), me.ID)
	_, err = program.Me(t.Context(), service.As("bob"))
	require.ErrorIs(t, err, kam.Forbidden, "and speaks for nobody else")
	for range 2 {
		_, err = program.Login(t.Context(), routes.Logout, routes.LoginAsked{})
		require.NoError(t, err)
	}
	_, err = program.Me(t.Context(), service.Principal{})
	require.ErrorIs(t, err, kam.Forbidden)

	// One that is declined; and a code that is none.
	asked, err = nobody.Login(t.Context(), routes.Login, routes.LoginAsked{Name: "x"})
	require.NoError(t, err)
	b.get("/terminal?code="+asked.Code).post("/terminal", "code", asked.Code, "answer", "decline")
	waits, err = nobody.Login(t.Context(), routes.LoginWait, routes.LoginAsked{Device: asked.Device})
	require.NoError(t, err)
	require.Equal(t, "DECLINED", waits.State)
	require.Equal(t, http.StatusNotFound, b.get("/terminal?code=BBBB-BBBB").status)
	_, err = nobody.Login(t.Context(), routes.Login, routes.LoginAsked{Name: "two\nlines"})
	require.ErrorIs(t, err, kam.Invalid)
}

// TestTheOwnerOfTheMachine signs in as somebody, and speaks for others only where
// the gateway was started for that.
func TestTheOwnerOfTheMachine(t *testing.T) {
	t.Parallel()
	_, s := programs(t, false)
	o := far(t, s, owner)
	_, err := o.Me(t.Context(), service.Principal{})
	require.ErrorIs(t, err, kam.Forbidden, "he is nobody of the organisation")
	_, err = o.Me(t.Context(), service.As("ada"))
	require.ErrorIs(t, err, kam.Forbidden)
	in, err := o.Login(t.Context(), routes.LoginOwn, routes.LoginAsked{Name: "starter", User: "ada"})
	require.NoError(t, err)
	me, err := far(t, s, in.Token).Me(t.Context(), service.Principal{})
	require.NoError(t, err)
	require.Equal(t, kam.UserID("ada"), me.ID)
	_, err = o.Login(t.Context(), routes.LoginOwn, routes.LoginAsked{Name: "starter", User: "stranger"})
	require.ErrorIs(t, err, kam.Forbidden)
	for _, other := range []string{"", in.Token, owner + "x"} {
		_, err = far(t, s, other).Login(t.Context(), routes.LoginOwn, routes.LoginAsked{Name: "starter", User: "bob"})
		require.ErrorIs(t, err, kam.Forbidden)
		_, err = far(t, s, other).Inbox(t.Context(), service.As("bob"))
		require.ErrorIs(t, err, kam.Forbidden)
	}

	_, s = programs(t, true)
	me, err = far(t, s, owner).Me(t.Context(), service.As("bob"))
	require.NoError(t, err)
	require.Equal(t, kam.UserID("bob"), me.ID)
}
