package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/api/apitest"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// overHTTP says that commands meet their system over HTTP.
var overHTTP bool

// TestMain runs all tests twice: with the system in this process, and over HTTP,
// where the same verbs print the same.
func TestMain(m *testing.M) {
	code := m.Run()
	fmt.Println("again, over HTTP")
	overHTTP = true
	os.Exit(max(code, m.Run()))
}

var update = flag.Bool("update", false, "write the golden files")

// fake is the record of a system with one case, and the answer to acts on it.
type fake struct {
	view      casedb.View
	events    []kam.AuditEvent
	records   []onboarding.DecisionRecord
	revisions []casedb.Revision
	inbox     []casedb.InboxItem
	lines     []casedb.Line
	chains    []ledger.Chain
	forged    int64
	workers   []store.WorkerKeys
	checks    []service.Check
	people    map[kam.UserID]kam.Person
	nodes     []kam.TerritoryNode
	customer  customerdb.Customer
	base      casedb.Base
	err       error // of reads
	actErr    error
	undone    bool // what is asked for again

	preview  service.Preview
	request  casedb.Request
	sent     []onboarding.Act
	data     *customer.RequestData
	filter   casedb.Filter
	org      accessdb.Org
	loadedBy kam.UserID
	loads    accessdb.OrgChange // what comes of a load
	book     []customerdb.BookCustomer
	facts    []customerdb.SalesFact
	policies map[int][]byte
}

// The rooms of the record.
type (
	fakeCases struct {
		service.Cases
		*fake
	}
	fakeAccess struct {
		service.Access
		*fake
	}
	fakeCustomers struct {
		service.Customers
		*fake
	}
	fakeLedger struct {
		service.Ledger
		*fake
	}
	fakeSignatures struct{ *fake }
)

func (f *fake) kept() service.Record {
	return service.Record{Ledger: fakeLedger{fake: f}, Signatures: fakeSignatures{f}, Access: fakeAccess{fake: f}, Cases: fakeCases{fake: f}, Customers: fakeCustomers{fake: f}}
}

// system is the service over a record, where f answers in place of the
// workflows.
type system struct {
	*service.Local
	f *fake
}

func (s system) Start(_ context.Context, who service.Principal, r service.Request) (service.Started, error) {
	r.Requester = who.User()
	created := s.f.request.Key != r.Key
	s.f.request = r
	return service.Started{CaseNo: s.f.view.Snapshot.CaseNo, Created: created, Undone: s.f.undone, Progress: onboarding.Progress{Snapshot: s.f.view.Snapshot}}, s.f.actErr
}

func (s system) Decide(_ context.Context, who service.Principal, _ kam.CaseNo, act onboarding.Act, d *customer.RequestData) (onboarding.Progress, error) {
	act.By = who.User()
	s.f.sent, s.f.data = append(s.f.sent, act), d
	return onboarding.Progress{Snapshot: s.f.view.Snapshot}, s.f.actErr
}

func (s system) Preview(_ context.Context, _ service.Principal, d customer.RequestData) (service.Preview, error) {
	s.f.data = &d
	return s.f.preview, s.f.actErr
}

func (s system) Diagnose(context.Context, service.Principal) ([]service.Check, error) {
	return s.f.checks, nil
}

func (f fakeCases) Case(context.Context, kam.CaseNo) (onboarding.Snapshot, error) {
	return f.view.Snapshot, f.err
}

func (f fakeCases) View(context.Context, kam.CaseNo) (casedb.View, error) { return f.view, f.err }

func (f fakeCases) List(_ context.Context, filter casedb.Filter) ([]casedb.Line, error) {
	f.filter = filter
	return f.lines, f.err
}

func (f fakeCases) Turns(context.Context, []kam.CaseNo) (map[kam.CaseNo][]kam.Turn, error) {
	return map[kam.CaseNo][]kam.Turn{theCase: f.view.Turns}, f.err
}

func (f fakeCases) Inbox(context.Context, kam.UserID) ([]casedb.InboxItem, error) {
	return f.inbox, f.err
}

func (f fakeCases) Events(context.Context, kam.CaseNo) ([]kam.AuditEvent, error) {
	return f.events, f.err
}

func (f fakeCases) Records(context.Context, kam.CaseNo) ([]onboarding.DecisionRecord, error) {
	return f.records, f.err
}

func (f fakeCases) Revisions(context.Context, kam.CaseNo) ([]casedb.Revision, error) {
	return f.revisions, f.err
}

func (fakeSignatures) FirstSignIn(context.Context) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

func (f fakeSignatures) SignatureModes(context.Context) ([]store.ModeSince, error) { return nil, f.err }

func (f fakeLedger) Forged(context.Context) (int64, error) { return f.forged, f.err }

func (f fakeSignatures) LiveWorkers(context.Context) ([]store.WorkerKeys, error) {
	return f.workers, f.err
}

func (f fakeLedger) Chains(_ context.Context, fn func(ledger.Chain) error) error {
	for _, c := range f.chains {
		if err := fn(c); err != nil {
			return err
		}
	}
	return f.err
}

func (f fakeAccess) LoadPolicy(_ context.Context, _ accessdb.OrgAct, version int, text []byte) (accessdb.OrgChange, error) {
	f.policies = map[int][]byte{version: text}
	return f.loads, nil
}

func (f fakeAccess) LoadOrg(_ context.Context, a accessdb.OrgAct, o accessdb.Org) (accessdb.OrgChange, error) {
	f.org, f.loadedBy = o, a.By
	return f.loads, f.err
}

func (f fakeCustomers) Load(_ context.Context, _ accessdb.OrgAct, book []customerdb.BookCustomer) error {
	f.book = book
	return f.err
}

func (f fakeCustomers) LoadSales(_ context.Context, _ accessdb.OrgAct, facts []customerdb.SalesFact) error {
	f.facts = facts
	return f.err
}

func (f fakeCustomers) RebuildABC(context.Context, time.Time) (string, error) { return "abc", nil }

// staff are known in every system. Whoever is not among them is, in a system that
// names no people, a manager who reads all.
var staff = map[kam.UserID]kam.Person{
	"zoe":  {ID: "zoe", Roles: []kam.Role{kam.GlobalManager}, Active: true},
	"olaf": {ID: "olaf", Roles: []kam.Role{kam.Operator}, Active: true},
	"pia":  {ID: "pia", Roles: []kam.Role{kam.PolicyAdmin}, Active: true},
	"ulf":  {ID: "ulf", Roles: []kam.Role{kam.UserAdmin}, Active: true},
	"cora": {ID: "cora", Roles: []kam.Role{kam.ComplianceRole}, Active: true},
}

func (f fakeAccess) Person(_ context.Context, id kam.UserID) (kam.Person, error) {
	if p, ok := f.people[id]; ok {
		return p, f.err
	}
	if p, ok := staff[id]; ok {
		return p, nil
	}
	if f.people == nil {
		return kam.Person{ID: id, Roles: []kam.Role{kam.GlobalManager}, Active: true}, nil
	}
	return kam.Person{}, kam.Errorf(kam.NotFound, "nobody is known as %s", id)
}

func (f fakeAccess) People(context.Context) ([]kam.Person, error) { return make([]kam.Person, 4), nil }

func (f fakeLedger) Now(context.Context) (time.Time, error) { return noon, nil }

func (f fakeAccess) LatestPolicy(context.Context) (int, []byte, error) {
	return 1, policy.DefaultYAML(), f.err
}

func (f fakeAccess) Calendars(context.Context) (map[string]kam.Calendar, error) {
	c, err := kam.NewCalendar("DE", "Europe/Berlin", "09:00-17:00", []string{"saturday", "sunday"}, nil)
	return map[string]kam.Calendar{"DE": c}, err
}

func (f fakeAccess) Nodes(context.Context) ([]kam.TerritoryNode, error) { return f.nodes, f.err }

func (f fakeCustomers) Customer(context.Context, string) (customerdb.Customer, error) {
	return f.customer, f.err
}

func (f fakeCases) BaseOf(context.Context, kam.CaseNo) (casedb.Base, bool, error) {
	return f.base, f.base.Version > 0, f.err
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// result is what a command line did.
type result struct {
	status   int
	out, err string
}

// start runs a command line against the fake; input is standard input. It is
// given a terminal that a person sits at where asked is true.
func start(t *testing.T, f *fake, input string, asked bool, args ...string) result {
	t.Helper()
	return startOn(t, system{service.New(f.kept(), nil, ""), f}, input, asked, args...)
}

// startOn is start on any system. Whoever is not named is zoe.
func startOn(t *testing.T, f service.Service, input string, asked bool, args ...string) result {
	t.Helper()
	t.Setenv("KAM_AS", "zoe")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("LC_ALL", "C")
	t.Chdir(t.TempDir())
	var out, errs bytes.Buffer
	a := newApp(strings.NewReader(input), &out, &errs)
	a.screen = term.Screen{Out: &out, Zone: time.UTC}
	a.now = func() time.Time { return noon }
	a.ask = asked
	a.connect = func(_ context.Context, a *app) (service.Service, error) {
		if a.as == "" { // as the door of an owner says
			return nil, errWho
		}
		if overHTTP {
			return apitest.Over(t, f, a.timeout), nil
		}
		return f, nil
	}
	a.past = func(context.Context, *app) (workerKeeper, error) { return f.(workerKeeper), nil }
	status := a.run(t.Context(), args)
	return result{status, out.String(), errs.String()}
}

func run(t *testing.T, f *fake, args ...string) result {
	t.Helper()
	return start(t, f, "", false, args...)
}

// golden compares with a file of testdata.
func golden(t *testing.T, dir, name, got string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644)) //nolint:gosec // a golden file is public
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func testdata(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("testdata")
	require.NoError(t, err)
	return dir
}

const theCase = kam.CaseNo("KAM-2026-000007")

func dec(s string) kam.Dec {
	d, err := kam.ParseDec(s)
	if err != nil {
		return 0
	}
	return d
}

func request(name string) customer.RequestData {
	potential := kam.NewMoney(140_000, "EUR")
	return customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: name, CountryCode: "DE", City: "Hamburg", DeclaredPotential: &potential, SourceChannel: "VISIT"}}
}

// waiting is a case that waits for its manager's confirmation.
func waiting() *fake {
	task := kam.Task{
		ID: "t1", Kind: onboarding.TaskConfirmation, Step: "1.1.5", Assignees: []kam.UserID{"tom"}, OpenedAt: noon.Add(-26 * time.Hour), Priority: "HIGH",
		Deadlines: []kam.Deadline{{Kind: kam.DueRemind, At: noon.Add(24 * time.Hour)}, {Kind: kam.DueEscalate, At: noon.Add(48 * time.Hour)}},
	}
	task.StartClock(kam.Calendar{Code: "DE"}, kam.DecFromInt(16))
	due := noon.Add(24 * time.Hour)
	s := onboarding.Snapshot{
		CaseNo: theCase, Type: kam.NewCase, State: onboarding.AwaitingConfirmation, Step: "1.1.5", Version: 4, Revision: 1,
		MaterialHash: "sha256:0123456789abcdef0123456789abcdef", Requester: "rita", Territory: "DE-N-01", OwnerID: "rita",
		Headline: "Score 86.50, 60 or more", Task: &task, OpenedAt: noon.Add(-27 * time.Hour), UpdatedAt: noon.Add(-26 * time.Hour),
	}
	f := &fake{view: casedb.View{Snapshot: s, Started: true, Request: request("Nord\u202eWerk GmbH"), Turns: []kam.Turn{{Task: task, Party: kam.PartyManager}}}}
	f.inbox = []casedb.InboxItem{{Task: task, CaseNo: theCase, Type: kam.NewCase, State: s.State, CustomerName: "NordWerk GmbH", Due: &due, Mine: true, Came: noon.Add(-2 * time.Hour), OpenedAt: &s.OpenedAt}}
	f.lines = []casedb.Line{{CaseNo: theCase, Type: kam.NewCase, State: s.State, Step: s.Step, CustomerName: "NordWerk GmbH", Requester: "rita", Territory: "DE-N-01", Version: s.Version, OpenedAt: s.OpenedAt, UpdatedAt: s.UpdatedAt, StageSince: &task.OpenedAt, Task: &task}}
	return f
}

// told is the trail of a case that was rejected, with its records.
func told() *fake {
	f := waiting()
	f.view.Snapshot.State = onboarding.Rejected
	at := func(h int) time.Time { return noon.Add(time.Duration(h-30) * time.Hour) }
	f.view.Turns[0].Until = at(28)
	f.events = []kam.AuditEvent{
		{Seq: 1, At: at(0), Actor: "rita", Type: kam.EventCaseOpened, Step: "1.1.1", To: string(onboarding.Draft), Text: "NEW"},
		{Seq: 2, At: at(0), Actor: "rita", Type: kam.EventDataSubmitted, Step: "1.1.1", From: string(onboarding.Draft), To: string(onboarding.Identifying)},
		{Seq: 3, At: at(0).Add(12 * time.Millisecond), Actor: kam.System, Type: kam.EventTerritoryResolved, Step: "1.1.3", From: string(onboarding.Identifying), To: string(onboarding.DataEntry)},
		{Seq: 4, At: at(2), Actor: "rita", Type: kam.EventDataSubmitted, Step: "1.2.1a", From: string(onboarding.DataEntry), To: string(onboarding.Deciding)},
		{Seq: 5, At: at(2), Actor: kam.System, Type: kam.EventDecisionComputed, Step: "1.1.4", From: string(onboarding.Deciding), To: string(onboarding.AwaitingConfirmation), ReasonCode: "REFER"},
		{Seq: 6, At: at(28), Actor: "dora", OnBehalfOf: "tom", Type: kam.EventRejected, Step: "1.1.5", From: string(onboarding.AwaitingConfirmation), To: string(onboarding.Rejected), ReasonCode: "TOO_SMALL", Text: "No\nfit"},
	}
	score, confidence := dec("54.5"), dec("90")
	computed := at(2)
	f.records = []onboarding.DecisionRecord{
		{
			CaseNo: theCase, Step: "1.1.4", Kind: onboarding.RecordAdd, Policy: onboarding.PolicyRef{ID: "default", Version: 3}, Revision: 1, ComputedAt: &computed,
			Outcome: "REFER", Headline: "Score 54.50, 40 or more and below 60", Score: &score, Confidence: &confidence,
			HardStops: []onboarding.HardStop{{ID: "HS4", Outcome: kam.Refer}},
			Criteria: []onboarding.CriterionResult{
				{ID: "annual_potential", Value: "30000 EUR", Points: dec("60"), Weight: dec("30"), Contribution: dec("18")},
				{ID: "credit_rating", Value: "unknown", Points: dec("40"), Weight: dec("15"), Contribution: dec("6")},
			},
			Missing:     []string{"credit_rating"},
			WouldChange: []onboarding.WouldChange{{Criterion: "credit_rating", To: "A", Score: dec("63.5"), Outcome: "ADD"}},
			Human:       &onboarding.HumanDecision{Decision: "REJECT", By: "dora", OnBehalfOf: "tom", AgainstRecommendation: true, Reason: "No fit", At: at(28)},
		},
		{
			CaseNo: theCase, Step: "1.5.4", Kind: onboarding.RecordClassification, Policy: onboarding.PolicyRef{ID: "default", Version: 3}, Outcome: "NON_KA", Headline: "Not a key account",
			Gates: []onboarding.Gate{{ID: "KG1", Passed: true, Reason: "passed"}, {ID: "KG2", Reason: "rating D"}},
			Tests: []onboarding.TierTest{{Tier: kam.TierNational, Test: "score", Value: onboarding.ScoreFigure(4883), Limit: onboarding.ScoreFigure(6500)}},
		},
	}
	later := request("NordWerk AG")
	f.revisions = []casedb.Revision{
		{No: 1, At: at(0), By: "rita", Data: request("NordWerk GmbH")},
		{No: 2, At: at(2), By: "rita", Data: later},
		{No: 3, At: at(3), By: "rita", Data: later},
	}
	return f
}

func last(t *testing.T, f *fake) onboarding.Act {
	t.Helper()
	require.NotEmpty(t, f.sent)
	return slices.Clone(f.sent)[len(f.sent)-1]
}
