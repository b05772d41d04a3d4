package main

import (
	"context"
	"fmt"
	"time"

	sdk "go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/client"
	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// backend is the system as the verbs see it: reads from PostgreSQL, acts
// through Temporal.
type backend interface {
	Start(ctx context.Context, r store.Request) (client.Started, error)
	Act(ctx context.Context, no kam.CaseNo, act kam.Act, data *kam.RequestData) (kam.Progress, error)

	Case(ctx context.Context, no kam.CaseNo) (kam.Snapshot, error)
	CaseView(ctx context.Context, no kam.CaseNo) (store.CaseView, error)
	Cases(ctx context.Context, f store.Filter) ([]store.CaseLine, error)
	Inbox(ctx context.Context, user kam.UserID) ([]store.InboxItem, error)
	Events(ctx context.Context, no kam.CaseNo) ([]kam.AuditEvent, error)
	Records(ctx context.Context, no kam.CaseNo) ([]kam.DecisionRecord, error)
	Revisions(ctx context.Context, no kam.CaseNo) ([]store.Revision, error)
	Chains(ctx context.Context, fn func(store.Chain) error) error
	Person(ctx context.Context, id kam.UserID) (kam.Person, error)
	Nodes(ctx context.Context) ([]kam.TerritoryNode, error)
	Calendars(ctx context.Context) (map[string]kam.Calendar, error)
	CustomerRecord(ctx context.Context, customerNo string) (store.Customer, error)
	BaseOf(ctx context.Context, no kam.CaseNo) (store.Base, bool, error)

	LatestPolicy(ctx context.Context) (version int, text []byte, err error)
	PolicyText(ctx context.Context, version int) ([]byte, error)
	LoadPolicy(ctx context.Context, a store.OrgAct, version int, text []byte) (store.OrgChange, error)
	SetPerson(ctx context.Context, a store.OrgAct, u store.User) (store.OrgChange, error)
	PersonLeaves(ctx context.Context, a store.OrgAct, id kam.UserID) (store.OrgChange, error)
	SetManager(ctx context.Context, a store.OrgAct, node string, manager kam.UserID) (store.OrgChange, error)
	AddAbsence(ctx context.Context, a store.OrgAct, ab store.Absence) (store.OrgChange, error)
	RemoveAbsence(ctx context.Context, a store.OrgAct, user kam.UserID, from string) (store.OrgChange, error)
	Absences(ctx context.Context, by, of kam.UserID, past bool) ([]store.Absence, error)
	LoadOrg(ctx context.Context, a store.OrgAct, o store.Org) (store.OrgChange, error)
	Agree(ctx context.Context, a store.OrgAct, proposal string) (store.OrgChange, error)
	Decline(ctx context.Context, a store.OrgAct, proposal string) (store.OrgChange, error)
	Proposals(ctx context.Context, by kam.UserID, all bool) ([]store.Proposal, error)
	EraseContact(ctx context.Context, o store.EraseOrder) (store.Erasure, error)
	Erasures(ctx context.Context, by kam.UserID) ([]store.Erasure, error)
	LoadCustomers(ctx context.Context, book []store.BookCustomer) error
	LoadSales(ctx context.Context, facts []store.SalesFact) error
	RebuildABC(ctx context.Context, asOf time.Time) (id string, err error)

	customers
	books

	Diagnose(ctx context.Context) []finding
	Close()
}

// live is the real system.
type live struct {
	*store.Store
	acts      *client.Client
	temporal  sdk.Client
	namespace string
	cfg       config.Config // with the addresses filled in
}

func dial(ctx context.Context, a *app) (backend, error) {
	cfg, _, err := runfile.Locate(a.cfg.Config)
	if err != nil {
		return nil, err
	}
	// What the SDK has to say while it connects would stand between a person
	// and the answer; errors come back anyway.
	opts, err := cfg.Temporal.ClientOptions(config.SDKLog(zap.NewNop()))
	if err != nil {
		return nil, usageError{err}
	}
	if err := a.traces.Temporal(&opts); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	// A machine for trials may run PostgreSQL without fsync; that is for the
	// worker to refuse, not for whoever reads.
	s, err := store.Open(ctx, cfg.Database.URL.Reveal(), store.Options{MaxConns: 4, AllowUnsafe: true, Traces: a.traces.Provider()})
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	// Reads need no Temporal, so it is connected to when first used.
	tc, err := sdk.NewLazyClient(opts)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("connect to Temporal: %w", err)
	}
	acts := client.New(s, tc, cfg.Temporal.TaskQueue)
	acts.Patience = a.timeout
	return &live{Store: s, acts: acts, temporal: tc, namespace: opts.Namespace, cfg: cfg}, nil
}

func (l *live) Start(ctx context.Context, r store.Request) (client.Started, error) {
	return l.acts.Start(ctx, r)
}

func (l *live) Act(ctx context.Context, no kam.CaseNo, act kam.Act, data *kam.RequestData) (kam.Progress, error) {
	return l.acts.Act(ctx, no, act, data)
}

func (l *live) CustomerRecord(ctx context.Context, customerNo string) (store.Customer, error) {
	return l.Store.Customer(ctx, customerNo)
}

func (l *live) Close() {
	l.temporal.Close()
	l.Store.Close()
}
