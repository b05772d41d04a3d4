package gateway_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/pages/link"
	"github.com/kamflow/kamflow/gateway/pages/me"
	"github.com/kamflow/kamflow/gateway/pages/people"
	"github.com/kamflow/kamflow/gateway/pages/signin"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/identity"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// A house is a gateway with the people of the tests and its pages.
type house struct {
	*gateway.Gate
	record  *store.Store
	signIns *identity.Store
	figures *prometheus.Registry
	at      *httptest.Server
}

// newHouse opens a house on this machine; change may change how.
func newHouse(t *testing.T, change ...func(*gateway.Options)) *house {
	t.Helper()
	s := storetest.New(t)
	require.NoError(t, storetest.LoadOrg(t.Context(), s, accessdb.Org{Users: []accessdb.User{
		{ID: "ada", Name: "Ada Example", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"DE-N-01"}},
		{ID: "bob", Name: "Bob <b>Example</b>", Roles: []kam.Role{kam.SalesRep}},
	}}))
	h := &house{record: s, signIns: s.SignIns, figures: prometheus.NewRegistry()}
	system := service.New(service.RecordOf(s), nil, "")
	o := gateway.Options{People: system, SignIns: h.signIns, Figures: h.figures, Log: slog.New(slog.DiscardHandler), Home: "/me", Idle: time.Hour, Lasts: 10 * time.Hour}
	for _, c := range change {
		c(&o)
	}
	h.Gate = gateway.New(o)
	signin.Mount(h.Gate, h.signIns, nil)
	link.Mount(h.Gate, h.signIns)
	people.Mount(h.Gate, system, h.signIns, []string{"https://idp.example"})
	me.Mount(h.Gate, system, h.signIns, 90*24*time.Hour)
	h.Mount("/whoami", http.HandlerFunc(h.whoami))
	h.at = httptest.NewServer(h.Handler())
	t.Cleanup(h.at.Close)
	return h
}

func by(user kam.UserID) accessdb.OrgAct {
	return accessdb.OrgAct{DecisionID: rand.Text(), By: user, May: access.Permit}
}

// whoami answers as whom the gate knows the sender.
func (h *house) whoami(w http.ResponseWriter, r *http.Request) {
	p, err := h.Principal(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	fmt.Fprint(w, p.User())
}

// TestPrincipalByToken: a program is who its token says, for reading only where
// the token says so, and never who else its request might carry.
func TestPrincipalByToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	tokens := map[identity.Scope]string{}
	for _, scope := range []identity.Scope{identity.ScopeRead, identity.ScopeAll} {
		tokens[scope] = identity.NewTokenSecret()
		require.NoError(t, h.signIns.MakeToken(t.Context(), by("ada"), tokens[scope], "x", scope, time.Hour))
	}
	for _, tt := range []struct {
		method, authorization string
		status                int
		says                  string
	}{
		{"GET", "", 403, "nobody is signed in"},
		{"GET", "Bearer " + tokens[identity.ScopeRead], 200, "ada"},
		{"GET", "bearer " + tokens[identity.ScopeAll], 200, "ada"},
		{"POST", "Bearer " + tokens[identity.ScopeAll], 200, "ada"},
		{"POST", "Bearer " + tokens[identity.ScopeRead], 403, "for reading only"},
		{"GET", "Bearer " + identity.NewTokenSecret(), 403, "nobody is signed in"},
		{"GET", "Bearer ", 403, "nobody is signed in"},
		{"GET", "Basic YWRhOmFkYQ==", 403, "nobody is signed in"},
	} {
		r := httptest.NewRequest(tt.method, "http://localhost/whoami", nil)
		if tt.authorization != "" {
			r.Header.Set("Authorization", tt.authorization)
		}
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		require.Equal(t, tt.status, w.Code, "%s %.10s", tt.method, tt.authorization)
		require.Contains(t, w.Body.String(), tt.says)
	}
}
