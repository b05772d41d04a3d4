package client

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// Temporal is what is needed of Temporal's client.
type Temporal interface {
	NewWithStartWorkflowOperation(options client.StartWorkflowOptions, workflow any, args ...any) client.WithStartWorkflowOperation
	UpdateWithStartWorkflow(ctx context.Context, options client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error)
	UpdateWorkflow(ctx context.Context, options client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	SignalWorkflow(ctx context.Context, workflowID, runID, name string, arg any) error
	QueryWorkflow(ctx context.Context, workflowID, runID, query string, args ...any) (converter.EncodedValue, error)
}

// Record is what is needed of the store.
type Record interface {
	AllotCase(ctx context.Context, r store.Request) (no kam.CaseNo, created bool, err error)
	StageData(ctx context.Context, no kam.CaseNo, decisionID string, d kam.RequestData) (string, error)
	Decision(ctx context.Context, no kam.CaseNo, decisionID string) (digest string, ok bool, err error)
	WithdrawIntent(ctx context.Context, no kam.CaseNo, by kam.UserID, decisionID string) error
	DropIntent(ctx context.Context, no kam.CaseNo, decisionID string) error
	Refuse(ctx context.Context, no kam.CaseNo, act kam.Act, e *kam.Error, at time.Time) error
	Case(ctx context.Context, no kam.CaseNo) (kam.Snapshot, error)
	Followed(ctx context.Context, no kam.CaseNo) (kam.Snapshot, error)
	Events(ctx context.Context, no kam.CaseNo) ([]kam.AuditEvent, error)
	Person(ctx context.Context, id kam.UserID) (kam.Person, error)
	Nodes(ctx context.Context) ([]kam.TerritoryNode, error)
	Customer(ctx context.Context, no string) (store.Customer, error)
	OpenCaseOf(ctx context.Context, customerNo string) error
	Rejection(ctx context.Context, no kam.CaseNo) (kam.Rejection, error)
	RequestByKey(ctx context.Context, key string) (no kam.CaseNo, ok bool, err error)
	Now(ctx context.Context) (time.Time, error)
	BlockedParties(ctx context.Context) ([]store.BlockedParty, error)
	CustomersLike(ctx context.Context, k store.PartyKeys) ([]store.Party, error)
	Clearances(ctx context.Context, customerNo string) ([]kam.Clearance, error)
	StopCoverage(ctx context.Context, customerNo, ref string, result kam.ScreeningResult) (reviewKey string, err error)
	LatestPolicy(ctx context.Context) (version int, text []byte, err error)
	NeedingCheck(ctx context.Context, since time.Time) ([]store.CaseVersion, error)
	Customers
}

// A Client starts cases and brings people's acts to them. It may be used from
// many goroutines.
type Client struct {
	// Patience is how long an act or a start is tried before it counts as not
	// confirmed. Neither is undone then, and both may be sent again.
	Patience time.Duration

	record    Record
	temporal  Temporal
	taskQueue string
	policy    atomic.Pointer[versioned]
}

// patience is the default: long enough for a worker to come back.
const patience = 15 * time.Second

// perTry bounds one call, so that a call that hangs leaves time for another.
const perTry = 5 * time.Second

// New returns a client over the record and Temporal.
func New(record Record, temporal Temporal, taskQueue string) *Client {
	return &Client{Patience: patience, record: record, temporal: temporal, taskQueue: taskQueue}
}

func (c *Client) known(ctx context.Context, no kam.CaseNo) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	v, err := c.temporal.QueryWorkflow(ctx, no.WorkflowID(), "", kam.QueryState)
	if err != nil {
		return 0, err
	}
	var s kam.Snapshot
	if err := v.Get(&s); err != nil {
		return 0, err
	}
	return s.Version, nil
}
