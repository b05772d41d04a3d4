// Package consoletest is a whole console for tests in a browser: all pages, the real
// service, stages and PostgreSQL, with the people of the invented sample. Only
// Temporal is not there.
package consoletest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/api"
	"github.com/kamflow/kamflow/gateway/pages"
	"github.com/kamflow/kamflow/internal/browsertest"
	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/servicetest"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/identity"
	"github.com/kamflow/kamflow/store/storetest"
)

// A House is a console with what stands behind it.
type House struct {
	*servicetest.People
	Gate   *gateway.Gate
	Record *store.Store
	URL    string

	t      testing.TB
	engine *engine
}

// New opens a house with the sample's people and customers, and no case.
func New(t *testing.T) *House {
	t.Helper()
	h := &House{t: t, Record: storetest.New(t)}
	h.engine = newEngine(h.Record)
	require.NoError(t, demo.Furnish(t.Context(), service.New(service.RecordOf(h.Record), nil, ""), time.Now(), func(string, ...any) {}))
	h.People = servicetest.New(h.Record, h.engine, "queue")
	h.Patience = 2 * time.Second
	system := h.Local
	h.Gate = gateway.New(gateway.Options{
		People: system, SignIns: h.Record.SignIns, Figures: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Idle: time.Hour, Lasts: 10 * time.Hour,
		Waits: pages.Waits(system), Names: h.names,
	})
	pages.Mount(h.Gate, pages.Needs{Service: system, SignIns: h.Record.SignIns, TokenLifetime: 90 * 24 * time.Hour})
	api.New(api.Options{Service: system, Principal: h.Gate.Principal, Still: h.Gate.Still, SignedOut: gateway.SignedOut, Log: h.Gate.Log}).Mount(h.Gate.Mount)
	server := httptest.NewServer(h.Gate.Handler())
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	h.URL = server.URL
	return h
}

func (h *House) names(ctx context.Context) (map[kam.UserID]string, error) {
	people, err := h.Record.Access.People(ctx)
	all := map[kam.UserID]string{}
	for _, p := range people {
		all[p.ID] = p.Name
	}
	return all, err
}

// Down switches Temporal off, or on again.
func (h *House) Down(off bool) {
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	h.engine.down = off
}

// As opens a window in which somebody is signed in, on the inbox.
func (h *House) As(user kam.UserID) *browsertest.Tab {
	h.t.Helper()
	b := browsertest.Open(h.t, h.URL)
	secret := identity.NewSecret()
	act := accessdb.OrgAct{DecisionID: rand.Text(), By: user, May: access.Permit}
	require.NoError(h.t, h.Record.SignIns.MakeSignInLink(h.t.Context(), act, secret, user, time.Hour))
	b.Go("/link/" + secret)
	if b.Has("main form button") && b.At() == "/link/"+secret {
		b.Leave("main form button")
	}
	return b.Go("/inbox")
}

// Fields change what a request asks for.
type Fields map[string]any

// screening is a request that the rules recommend, in Hamburg.
func screening(name string) Fields {
	return Fields{
		"legal_name": name, "customer_kind": "ORGANIZATION", "country_code": "DE", "city": "Hamburg", "postal_code": "20099", "street": name + "weg 12",
		"identifiers":     []Fields{{"scheme": "OTHER", "name": "REG", "value": rand.Text()[:20], "country": "DE"}},
		"industry_scheme": "NACE", "industry_code": "86.90", "source_channel": "VISIT", "sales_channel": "DIRECT",
		"declared_potential": Fields{"amount": "90000.00", "currency": "EUR"}, "growth_outlook_pct": 6,
		"strategic_fit": "PARTIAL", "credit_rating": "B", "relationship_access": "CONTACT", "cost_to_serve": "MEDIUM",
		"justification": "Opens two more practices next year.",
	}
}

// Data are the data of a request: those that the rules recommend, changed.
func (h *House) Data(name string, change Fields) customer.RequestData {
	h.t.Helper()
	all := screening(name)
	maps.Copy(all, change)
	b, err := json.Marshal(all)
	require.NoError(h.t, err)
	var d customer.RequestData
	require.NoError(h.t, json.Unmarshal(b, &d))
	return d
}

// Ask opens a case for a new customer as somebody.
func (h *House) Ask(by kam.UserID, name string, change Fields) kam.CaseNo {
	h.t.Helper()
	s, err := h.Start(h.t.Context(), service.Request{Key: rand.Text(), Type: kam.NewCase, Requester: by, Data: h.Data(name, change)})
	require.NoError(h.t, err)
	return s.CaseNo
}

// Does has somebody do something to a case.
func (h *House) Does(by kam.UserID, no kam.CaseNo, act onboarding.Act, data *customer.RequestData) onboarding.Snapshot {
	h.t.Helper()
	act.By, act.DecisionID = by, rand.Text()
	p, err := h.Act(h.t.Context(), no, act, data)
	require.NoError(h.t, err)
	return p.Snapshot
}

// Now is where a case stands.
func (h *House) Now(no kam.CaseNo) onboarding.Snapshot {
	h.t.Helper()
	s, err := h.Record.Cases.Case(h.t.Context(), no)
	require.NoError(h.t, err)
	return s
}
