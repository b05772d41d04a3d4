package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/kamflow/kamflow/gateway/api/apitest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/servicetest"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// overHTTP says that the tests meet the service over HTTP.
var overHTTP bool

// TestMain runs all tests of the service twice: in this process, and over HTTP.
func TestMain(m *testing.M) {
	code := m.Run()
	fmt.Println("again, over HTTP")
	overHTTP = true
	os.Exit(max(code, storetest.Main(m)))
}

// door is the service as the tests meet it.
func door(t *testing.T, l *service.Local) service.Service {
	t.Helper()
	if !overHTTP {
		return l
	}
	return apitest.Over(t, l, l.Patience+time.Second)
}

// fake is Temporal as the service sees it: answers are taken in turn, the last
// one stays.
type fake struct {
	service.Temporal
	mu      sync.Mutex
	answers []func() (onboarding.Progress, error)
	starts  []sdk.StartWorkflowOptions
	updates []sdk.UpdateWorkflowOptions
	signals []string
	version int64 // that the workflow knows
	queries error
	refresh func(f *fake) // what the signal Refresh does
}

type operation struct{ sdk.WithStartWorkflowOperation }

func (f *fake) NewWithStartWorkflowOperation(o sdk.StartWorkflowOptions, _ any, _ ...any) sdk.WithStartWorkflowOperation {
	f.starts = append(f.starts, o)
	return operation{}
}

func (f *fake) ExecuteWorkflow(context.Context, sdk.StartWorkflowOptions, any, ...any) (sdk.WorkflowRun, error) {
	return nil, nil //nolint:nilnil // nobody looks at the run
}

func (f *fake) UpdateWithStartWorkflow(ctx context.Context, o sdk.UpdateWithStartWorkflowOptions) (sdk.WorkflowUpdateHandle, error) {
	return f.UpdateWorkflow(ctx, o.UpdateOptions)
}

func (f *fake) UpdateWorkflow(_ context.Context, o sdk.UpdateWorkflowOptions) (sdk.WorkflowUpdateHandle, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.updates = append(f.updates, o)
	next := f.answers[0]
	if len(f.answers) > 1 {
		f.answers = f.answers[1:]
	}
	return handle{next: next}, nil
}

func (f *fake) SignalWorkflow(_ context.Context, _, _, name string, _ any) error {
	f.signals = append(f.signals, name)
	if f.refresh != nil {
		f.refresh(f)
	}
	return nil
}

func (f *fake) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
	return value{onboarding.Snapshot{Version: f.version}}, f.queries
}

// handle answers at Get, where a refusal surfaces.
type handle struct {
	sdk.WorkflowUpdateHandle
	next func() (onboarding.Progress, error)
}

func (h handle) Get(_ context.Context, into any) error {
	p, err := h.next()
	if err != nil {
		return err
	}
	if of, ok := into.(*onboarding.Progress); ok {
		*of = p
	} // else of an import, which nobody looks at
	return nil
}

type value struct{ v any }

func (value) HasValue() bool { return true }

func (v value) Get(into any) error {
	b, err := json.Marshal(v.v)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func says(p onboarding.Progress, err error) func() (onboarding.Progress, error) {
	return func() (onboarding.Progress, error) { return p, err }
}

// refusal is a kam error as it arrives over the wire.
func refusal(e *kam.Error) error {
	return temporal.NewApplicationErrorWithOptions(e.Error(), string(e.Code), temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{*e}})
}

var (
	errDown = serviceerror.NewUnavailable("no server")
	errGone = serviceerror.NewNotFound("workflow execution already completed")
)

// bundle is a client over a real PostgreSQL.
type bundle struct {
	*servicetest.People
	t     *testing.T
	store *store.Store
	fake  *fake
}

func emptyStore(t *testing.T) *store.Store {
	t.Helper()
	return storetest.New(t)
}

// office has a manager, two people below him and a policy.
var office = storetest.Filled(func(t testing.TB, s *store.Store) {
	require.NoError(t, storetest.LoadOrg(t.Context(), s, accessdb.Org{
		Users: []accessdb.User{
			{ID: "rep", Name: "Rep", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"G"}, ManagerID: "boss"},
			{ID: "boss", Name: "Boss", Roles: []kam.Role{kam.GlobalManager}, Nodes: []string{"G"}},
			{ID: "other", Name: "Other", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"G"}},
		},
		Nodes:     []accessdb.Node{{Code: "G", Level: "GLOBAL", ManagerID: "boss", Calendar: "c"}},
		Calendars: []accessdb.CalendarRow{{Code: "c", TimeZone: "UTC", Opens: "09:00", Closes: "17:00", Weekend: []string{"saturday"}}},
	}))
	require.NoError(t, storetest.PublishPolicy(t.Context(), s, 1, policy.DefaultYAML()))
})

func setup(t *testing.T, answers ...func() (onboarding.Progress, error)) bundle {
	t.Helper()
	s := office.New(t)
	f := &fake{answers: answers}
	c := servicetest.New(s, f, "queue")
	c.Patience = 2 * time.Second
	c.Service = door(t, c.Local)
	return bundle{People: c, t: t, store: s, fake: f}
}

func request() casedb.Request {
	return casedb.Request{Key: "key with spaces/ü", Type: kam.NewCase, Requester: "rep", Data: customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: "Acme"}}}
}

// opened allots a case and brings it into a state, as the engine would.
func (b bundle) opened(state onboarding.State) kam.CaseNo {
	b.t.Helper()
	no, _, err := b.store.Cases.Allot(b.t.Context(), request())
	require.NoError(b.t, err)
	b.effect(no, "seq/1", 0, state)
	return no
}

func (b bundle) effect(no kam.CaseNo, key string, known int64, to onboarding.State) onboarding.Progress {
	b.t.Helper()
	digest := key
	if key == "act/"+confirm().DecisionID {
		digest = confirm().Digest()
	}
	p, err := b.store.Cases.Effect(b.t.Context(), ledger.Effect{Subject: casedb.Of(no), Key: key, Digest: digest, Known: known, People: key[:3] == "act", At: time.Now()},
		func(_ context.Context, tx *casedb.Tx) error {
			tx.Log(kam.AuditEvent{Type: kam.EventConfirmed, Actor: "boss", From: string(tx.Case.State), To: string(to)})
			tx.Case.State = to
			tx.Case.MaterialHash = "sha256:aa"
			return nil
		})
	require.NoError(b.t, err)
	return p
}

func (b bundle) refusals(no kam.CaseNo) []string {
	b.t.Helper()
	events, err := b.store.Cases.Events(b.t.Context(), no)
	require.NoError(b.t, err)
	var codes []string
	for _, e := range events {
		if e.Type == kam.EventDecisionRefused {
			codes = append(codes, e.ReasonCode)
		}
	}
	return codes
}

// intended says whether the commit would see a withdrawal.
func (b bundle) intended(no kam.CaseNo) (ok bool) {
	b.t.Helper()
	_, err := b.store.Cases.Effect(b.t.Context(), ledger.Effect{Subject: casedb.Of(no), Key: "seq/look", Digest: "look", Known: 1, At: time.Now()},
		func(_ context.Context, tx *casedb.Tx) (err error) {
			_, _, ok, err = tx.WithdrawIntended()
			tx.NoChange()
			return err
		})
	require.NoError(b.t, err)
	return ok
}
