package service

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store"
)

// Temporal is what is needed of Temporal's client.
type Temporal interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	NewWithStartWorkflowOperation(options client.StartWorkflowOptions, workflow any, args ...any) client.WithStartWorkflowOperation
	UpdateWithStartWorkflow(ctx context.Context, options client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error)
	UpdateWorkflow(ctx context.Context, options client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	SignalWorkflow(ctx context.Context, workflowID, runID, name string, arg any) error
	QueryWorkflow(ctx context.Context, workflowID, runID, query string, args ...any) (converter.EncodedValue, error)
}

// Record is what is needed of the store.
type Record interface {
	cases
	customers
	batches
	organisation
}

// cases is what is needed for cases.
type cases interface {
	AllotCase(ctx context.Context, r store.Request) (no kam.CaseNo, created bool, err error)
	StageData(ctx context.Context, no kam.CaseNo, decisionID string, d kam.RequestData) (string, error)
	Decision(ctx context.Context, no kam.CaseNo, decisionID string) (digest string, ok bool, err error)
	WithdrawIntent(ctx context.Context, no kam.CaseNo, by kam.UserID, decisionID string) error
	DropIntent(ctx context.Context, no kam.CaseNo, decisionID string) error
	Refuse(ctx context.Context, no kam.CaseNo, act kam.Act, e *kam.Error, at time.Time) error
	Case(ctx context.Context, no kam.CaseNo) (kam.Snapshot, error)
	CaseView(ctx context.Context, no kam.CaseNo) (store.CaseView, error)
	Cases(ctx context.Context, f store.Filter) ([]store.CaseLine, error)
	Inbox(ctx context.Context, user kam.UserID) ([]store.InboxItem, error)
	Followed(ctx context.Context, no kam.CaseNo) (kam.Snapshot, error)
	Events(ctx context.Context, no kam.CaseNo) ([]kam.AuditEvent, error)
	Records(ctx context.Context, no kam.CaseNo) ([]kam.DecisionRecord, error)
	Revisions(ctx context.Context, no kam.CaseNo) ([]store.Revision, error)
	BaseOf(ctx context.Context, no kam.CaseNo) (store.Base, bool, error)
	OpenCaseOf(ctx context.Context, customerNo string) error
	Rejection(ctx context.Context, no kam.CaseNo) (kam.Rejection, error)
	RequestByKey(ctx context.Context, key string) (no kam.CaseNo, ok bool, err error)
	NeedingCheck(ctx context.Context, since time.Time) ([]store.CaseVersion, error)
	Chains(ctx context.Context, fn func(store.Chain) error) error
	SignatureModes(ctx context.Context) ([]store.ModeSince, error)
	Forged(ctx context.Context) (int64, error)
	LiveWorkers(ctx context.Context) ([]store.WorkerKeys, error)
	Now(ctx context.Context) (time.Time, error)
}

// customers is what is needed for customers that exist.
type customers interface {
	Customer(ctx context.Context, no string) (store.Customer, error)
	CustomerView(ctx context.Context, no string) (store.CustomerView, error)
	CustomerTrail(ctx context.Context, no string) (store.CustomerTrail, error)
	FindCustomers(ctx context.Context, text string, limit int) ([]store.CustomerLine, error)
	PlanMerge(ctx context.Context, survivor, absorbed string, c kam.MergeChoice, p store.Planner) (plan kam.MergePlan, a, b store.Customer, err error)
	Merge(ctx context.Context, o store.MergeOrder, p store.Planner) (store.MergeResult, error)
	UndoMerge(ctx context.Context, o store.UndoOrder, p store.Planner) (store.MergeResult, error)
	Split(ctx context.Context, o store.SplitOrder, p store.Planner) (store.MergeResult, error)
	RefuseOnCustomer(ctx context.Context, no string, by kam.UserID, decisionID string, at time.Time, refusal *kam.Error) error
	BlockedParties(ctx context.Context) ([]store.BlockedParty, error)
	CustomersLike(ctx context.Context, k store.PartyKeys) ([]store.Party, error)
	Clearances(ctx context.Context, customerNo string) ([]kam.Clearance, error)
	StopCoverage(ctx context.Context, customerNo, ref string, result kam.ScreeningResult) (reviewKey string, err error)
	LoadCustomers(ctx context.Context, a store.OrgAct, book []store.BookCustomer) error
	LoadSales(ctx context.Context, a store.OrgAct, facts []store.SalesFact) error
	RebuildABC(ctx context.Context, asOf time.Time) (id string, err error)
}

// batches is what is needed for imports.
type batches interface {
	UploadBatch(ctx context.Context, u store.BatchUpload) (b kam.BatchSnapshot, created bool, err error)
	Batch(ctx context.Context, no kam.BatchNo) (kam.BatchSnapshot, error)
	Batches(ctx context.Context, limit int) ([]kam.BatchSnapshot, error)
	BatchFindings(ctx context.Context, no kam.BatchNo, limit int) ([]kam.BatchFinding, error)
	BatchOutcomes(ctx context.Context, no kam.BatchNo) ([]store.BatchOutcome, error)
	BatchProposals(ctx context.Context, no kam.BatchNo) ([]kam.BatchProposal, error)
	RefuseBatch(ctx context.Context, no kam.BatchNo, act kam.BatchAct, refusal *kam.Error, at time.Time) error
}

// organisation is what is needed for people, territories and policies.
type organisation interface {
	Person(ctx context.Context, id kam.UserID) (kam.Person, error)
	People(ctx context.Context) ([]kam.Person, error)
	Nodes(ctx context.Context) ([]kam.TerritoryNode, error)
	Calendars(ctx context.Context) (map[string]kam.Calendar, error)
	SetPerson(ctx context.Context, a store.OrgAct, u store.User) (store.OrgChange, error)
	PersonLeaves(ctx context.Context, a store.OrgAct, id kam.UserID) (store.OrgChange, error)
	SetManager(ctx context.Context, a store.OrgAct, node string, manager kam.UserID) (store.OrgChange, error)
	AddAbsence(ctx context.Context, a store.OrgAct, ab store.Absence) (store.OrgChange, error)
	RemoveAbsence(ctx context.Context, a store.OrgAct, user kam.UserID, from string) (store.OrgChange, error)
	LoadOrg(ctx context.Context, a store.OrgAct, o store.Org) (store.OrgChange, error)
	Agree(ctx context.Context, a store.OrgAct, proposal string) (store.OrgChange, error)
	Decline(ctx context.Context, a store.OrgAct, proposal string) (store.OrgChange, error)
	EraseContact(ctx context.Context, o store.EraseOrder) (store.Erasure, error)
	Erasures(ctx context.Context, by kam.UserID) ([]store.Erasure, error)
	Absences(ctx context.Context, of kam.UserID, past bool) ([]store.Absence, error)
	Proposals(ctx context.Context, all bool) ([]store.Proposal, error)
	LoadPolicy(ctx context.Context, a store.OrgAct, version int, text []byte) (store.OrgChange, error)
	LatestPolicy(ctx context.Context) (version int, text []byte, err error)
	PolicyText(ctx context.Context, version int) ([]byte, error)
}

// Local is the service in this process, over the record and Temporal. It may be
// used from many goroutines.
type Local struct {
	// Patience is how long an act or a start is tried before it counts as not
	// confirmed. Neither is undone then, and both may be sent again. It does not
	// bound an upload, which takes the time of its rows.
	Patience time.Duration

	// Signer signs what people do, for acts that go to a workflow; without one they
	// go unsigned.
	Signer Signer
	// Keys are the public keys that the audit trail is verified with; nil knows
	// none.
	Keys func() (signed.Keyring, error)

	record    Record
	temporal  Temporal
	taskQueue string
	policy    atomic.Pointer[versioned]
	system    *system // nil where Open did not make it
}

var _ Service = (*Local)(nil)

// patience is the default: long enough for a worker to come back.
const patience = 15 * time.Second

// perTry bounds one call, so that a call that hangs leaves time for another.
const perTry = 5 * time.Second

// New returns the service over a record and Temporal that somebody else closes.
func New(record Record, temporal Temporal, taskQueue string) *Local {
	return &Local{Patience: patience, record: record, temporal: temporal, taskQueue: taskQueue}
}

// Options say where the system is.
type Options struct {
	Database  string // URL of PostgreSQL
	MaxConns  int32
	Temporal  client.Options
	TaskQueue string
	Patience  time.Duration        // see [Local]
	Traces    trace.TracerProvider // of statements; nil is none
	Keys      KeyBox               // what is signed with; nil signs nothing
}

// A Signer seals an envelope with the key of the moment.
type Signer interface {
	Seal(ctx context.Context, e signed.Envelope) (string, error)
}

// system is what Open has opened, for Close and Diagnose.
type system struct {
	Options
	store    *store.Store
	temporal client.Client
}

// Open connects to PostgreSQL. Temporal is connected to when first needed: reads
// need none.
func Open(ctx context.Context, o Options) (*Local, error) {
	// A machine for trials may run PostgreSQL without fsync; that is for the
	// worker to refuse, not for whoever reads.
	s, err := store.Open(ctx, o.Database, store.Options{MaxConns: o.MaxConns, AllowUnsafe: true, Traces: o.Traces})
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	tc, err := client.NewLazyClient(o.Temporal)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("connect to Temporal: %w", err)
	}
	l := New(s, tc, o.TaskQueue)
	l.Patience, l.system = o.Patience, &system{o, s, tc}
	if o.Keys != nil {
		l.UseKeys(o.Keys)
	}
	return l, nil
}

// Close closes what Open has opened.
func (l *Local) Close() {
	if l.system != nil {
		l.system.temporal.Close()
		l.system.store.Close()
	}
}

func (l *Local) known(ctx context.Context, no kam.CaseNo) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	v, err := l.temporal.QueryWorkflow(ctx, no.WorkflowID(), "", kam.QueryState)
	if err != nil {
		return 0, err
	}
	var s kam.Snapshot
	if err := v.Get(&s); err != nil {
		return 0, err
	}
	return s.Version, nil
}
