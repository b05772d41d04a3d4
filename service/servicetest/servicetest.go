// Package servicetest plays people for tests and measurements.
package servicetest

import (
	"context"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store"
)

// People are all people at once, each at the service as himself: a request is
// brought by the requester that it names, an act by whom it says. The service is
// the one in this process, until a test puts another in front of it.
type People struct {
	service.Service
	inProcess
}

// inProcess holds what a service in this process can besides.
type inProcess struct{ *service.Local }

// New returns people over a record and Temporal. What they do is signed with the
// key of signedtest.
func New(record *store.Store, temporal service.Temporal, taskQueue string) *People {
	l := service.New(service.RecordOf(record), temporal, taskQueue)
	l.UseKeys(signedtest.Box{})
	return &People{l, inProcess{l}}
}

// Start opens a case as the requester.
func (p *People) Start(ctx context.Context, r service.Request) (service.Started, error) {
	return p.Service.Start(ctx, service.As(r.Requester), r)
}

// Act brings an act to a case.
func (p *People) Act(ctx context.Context, no kam.CaseNo, act onboarding.Act, data *customer.RequestData) (onboarding.Progress, error) {
	return p.Decide(ctx, service.As(act.By), no, act, data)
}
