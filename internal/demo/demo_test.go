package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

// stage is a fake system that lets every script have its way: a case stands
// in the state that the next step of its script waits for.
type stage struct {
	service.Service
	mu       sync.Mutex
	scripts  map[string]Script // by request key
	keys     map[kam.CaseNo]string
	events   map[kam.CaseNo][]kam.AuditEvent
	requests []service.Request
	people   []kam.Person
	loads    int
	noSales  bool
	breakAt  int // the act that finds no system; 0 is none
	acts     int
	stuck    string // name of a script whose case never leaves its first state
}

func newStage(t *testing.T) *stage {
	t.Helper()
	scripts, err := Scripts()
	require.NoError(t, err)
	s := &stage{scripts: map[string]Script{}, keys: map[kam.CaseNo]string{}, events: map[kam.CaseNo][]kam.AuditEvent{}}
	for _, sc := range scripts {
		s.scripts[sc.Key()] = sc
	}
	return s
}

func (s *stage) LoadOrganisation(_ context.Context, _ service.Principal, _ service.OrgAct, o service.Org) (service.OrgChange, error) {
	if s.people = nil; o.Users != nil {
		s.loads++
		s.people = []kam.Person{{ID: o.Users[0].ID}}
	}
	return service.OrgChange{}, nil
}
func (s *stage) LoadCustomers(context.Context, service.Principal, service.OrgAct, []service.BookCustomer) error {
	return nil
}
func (s *stage) LoadSales(context.Context, service.Principal, service.OrgAct, []service.SalesFact) error {
	if s.noSales {
		return errors.New("connection refused")
	}
	return nil
}
func (s *stage) LoadPolicy(context.Context, service.Principal, service.OrgAct, int, []byte) (service.OrgChange, error) {
	return service.OrgChange{}, nil
}
func (s *stage) People(context.Context, service.Principal) ([]kam.Person, error) {
	return make([]kam.Person, s.loads), nil // nobody before the first load
}
func (s *stage) Policy(context.Context, service.Principal, int) ([]byte, error) {
	return nil, kam.Errorf(kam.NotFound, "no policy is loaded")
}

func (s *stage) byKey(key string) (kam.CaseNo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for no, k := range s.keys {
		if k == key {
			return no, true
		}
	}
	return "", false
}

func (s *stage) Start(_ context.Context, who service.Principal, r service.Request) (service.Started, error) {
	if no, ok := s.byKey(r.Key); ok {
		return service.Started{CaseNo: no}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	no := kam.CaseNo(fmt.Sprintf("KAM-2026-%06d", len(s.keys)+1))
	s.keys[no] = r.Key
	r.Requester = who.User()
	s.requests = append(s.requests, r)
	return service.Started{CaseNo: no, Created: true}, nil
}

func (s *stage) Decide(_ context.Context, who service.Principal, no kam.CaseNo, act onboarding.Act, _ *customer.RequestData) (onboarding.Progress, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acts++
	if s.breakAt > 0 && s.acts >= s.breakAt {
		return onboarding.Progress{}, errors.New("connection refused")
	}
	s.events[no] = append(s.events[no], kam.AuditEvent{CaseNo: no, DecisionID: act.DecisionID, Actor: who.User(), Type: kam.EventConfirmed})
	return onboarding.Progress{}, nil
}

func (s *stage) Case(_ context.Context, _ service.Principal, no kam.CaseNo) (onboarding.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sc := s.scripts[s.keys[no]]
	n := len(s.events[no])
	snap := onboarding.Snapshot{CaseNo: no, Version: int64(n + 1), MaterialHash: "hash", Requester: sc.By}
	switch {
	case sc.Name == s.stuck:
		snap.State = onboarding.NeedsIntervention
	case n < len(sc.Steps):
		snap.State = sc.Steps[n].In
	default:
		snap.State, snap.Outcome, snap.Tier = sc.Expect.State, sc.Expect.Outcome, sc.Expect.Tier
	}
	return snap, nil
}

func (s *stage) CaseView(ctx context.Context, who service.Principal, no kam.CaseNo) (service.CaseView, error) {
	snap, err := s.Case(ctx, who, no)
	v := service.CaseView{}
	v.Snapshot, v.Started = snap, true
	return v, err
}

func (s *stage) Events(_ context.Context, _ service.Principal, no kam.CaseNo) ([]kam.AuditEvent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]kam.AuditEvent(nil), s.events[no]...), nil
}

func TestRun(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var out bytes.Buffer
	require.NoError(t, Run(t.Context(), Deps{Service: s, Out: &out}))
	steps := 0
	for _, sc := range s.scripts {
		steps += len(sc.Steps)
	}
	require.Equal(t, steps, s.acts)
	for _, want := range []string{"30 requests came in", "3 were rejected", "2 became key accounts", "9 cases were about customers that we have"} {
		require.Contains(t, out.String(), want)
	}

	// Again: nothing is loaded, started or decided twice.
	require.NoError(t, Run(t.Context(), Deps{Service: s, Out: &out}))
	require.Equal(t, steps, s.acts)
	require.Equal(t, 1, s.loads)
	require.Len(t, s.keys, len(s.scripts))
}

// TestWhatComesAfterAnother holds that an appeal starts when its rejection is
// there, with the data of that, and that a script that is played alone brings
// what it needs.
func TestWhatComesAfterAnother(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.NoError(t, Run(t.Context(), Deps{Service: s, Out: &bytes.Buffer{}, Only: "27_appeal"}))
	require.Len(t, s.requests, 2)
	first, appeal := s.requests[0], s.requests[1]
	no, ok := s.byKey(first.Key)
	require.True(t, ok)
	require.Equal(t, no, appeal.AppealOf)
	require.Equal(t, first.Data.LegalName, appeal.Data.LegalName)
	require.NotEqual(t, first.Data.DeclaredPotential, appeal.Data.DeclaredPotential)

	s = newStage(t)
	s.stuck = "22_retired"
	err := Run(t.Context(), Deps{Service: s, Out: &bytes.Buffer{}, Only: "23_reactivated", Patience: 200 * time.Millisecond})
	require.ErrorContains(t, err, "23_reactivated: not started: 22_retired left its script")
	require.Len(t, s.requests, 1)
}

func TestRunGoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.breakAt = 7
	require.ErrorContains(t, Run(t.Context(), Deps{Service: s, Out: &bytes.Buffer{}}), "connection refused")
	s.breakAt = 0
	require.NoError(t, Run(t.Context(), Deps{Service: s, Out: &bytes.Buffer{}}))
	require.Equal(t, 1, s.loads)
	for no, events := range s.events {
		require.Len(t, events, len(s.scripts[s.keys[no]].Steps), no)
	}
}

// TestFurnishAgainAfterABreak holds that a load that was broken off is done
// over.
func TestFurnishAgainAfterABreak(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.noSales = true
	say := func(string, ...any) {}
	require.Error(t, Furnish(t.Context(), s, time.Now(), say))
	require.Zero(t, s.loads)
	s.noSales = false
	require.NoError(t, Furnish(t.Context(), s, time.Now(), say))
	require.NoError(t, Furnish(t.Context(), s, time.Now(), say))
	require.Equal(t, 1, s.loads)
}

func TestRunSaysWhatIsOffItsScript(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.stuck = "01_clear_add"
	err := Run(t.Context(), Deps{Service: s, Out: &bytes.Buffer{}, Patience: 200 * time.Millisecond})
	require.ErrorContains(t, err, "01_clear_add: step 1, kai.terr confirm")
	require.ErrorContains(t, err, string(onboarding.NeedsIntervention))
}
