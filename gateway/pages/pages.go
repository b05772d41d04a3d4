// Package pages is where the pages are: one folder for each, with its template,
// its handlers and what else it needs, and a line in [Mount].
package pages

import (
	"context"
	"time"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/caseview"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/gateway/pages/casedata"
	"github.com/kamflow/kamflow/gateway/pages/cases"
	"github.com/kamflow/kamflow/gateway/pages/customers"
	"github.com/kamflow/kamflow/gateway/pages/inbox"
	"github.com/kamflow/kamflow/gateway/pages/link"
	"github.com/kamflow/kamflow/gateway/pages/me"
	"github.com/kamflow/kamflow/gateway/pages/onecase"
	"github.com/kamflow/kamflow/gateway/pages/people"
	"github.com/kamflow/kamflow/gateway/pages/process"
	"github.com/kamflow/kamflow/gateway/pages/signin"
	"github.com/kamflow/kamflow/gateway/pages/start"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store/identity"
)

// Needs are what the pages stand on.
type Needs struct {
	Service   service.Service
	SignIns   *identity.Store
	Providers []*signin.Provider
	Issuers   []string // of the providers
	// TokenLifetime is how long a personal token may last.
	TokenLifetime time.Duration
}

// Mount puts all pages behind a gate.
func Mount(g *gateway.Gate, n Needs) {
	desk := caseview.Desk{Gate: g, Service: n.Service}
	inbox.Mount(desk)
	onecase.Mount(desk)
	casedata.Mount(desk)
	cases.Mount(g, n.Service)
	start.Mount(g, n.Service)
	customers.Mount(g, n.Service)
	people.Mount(g, n.Service, n.SignIns, n.Issuers)
	me.Mount(g, n.Service, n.SignIns, n.TokenLifetime)
	process.Mount(g, n.Service)
	signin.Mount(g, n.SignIns, n.Providers)
	link.Mount(g, n.SignIns)
}

// Waits counts what waits for somebody, for the navigation.
func Waits(s service.Service) func(context.Context, service.Principal) (page.Waits, error) {
	return func(ctx context.Context, who service.Principal) (n page.Waits, err error) {
		items, err := s.Inbox(ctx, who)
		for _, i := range items {
			if n.All++; inbox.Late(i, time.Now()) {
				n.Late++
			}
		}
		return n, err
	}
}
