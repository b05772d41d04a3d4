package acceptance

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/kamflow/kamflow/activities"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
	"github.com/kamflow/kamflow/workflows"
)

func TestMain(m *testing.M) { os.Exit(covered.check(storetest.Main(m))) }

// monday is 09:00 in Berlin on an ordinary Monday.
var monday = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// A world is a database with the organisation of these tests.
type world struct {
	t      *testing.T
	db     *store.Store
	screen activities.Screener // the service outside, where a test has one
	// requests numbers the keys of the test's requests.
	requests atomic.Int64
	// Where a test looks at one control of signatures, the others are switched off.
	noValidator, noTransaction bool
}

func newWorld(t *testing.T, change ...func(*accessdb.Org)) *world {
	t.Helper()
	t.Parallel()
	if len(change) == 0 {
		return &world{t: t, db: usual.New(t)}
	}
	o := org()
	for _, c := range change {
		c(&o)
	}
	w := &world{t: t, db: storetest.New(t)}
	found(t, w.db, o)
	return w
}

// usual is the world that most tests begin with, made once.
var usual = storetest.Filled(func(t testing.TB, s *store.Store) { found(t, s, org()) })

// found loads an organisation and the policy that is shipped.
func found(t testing.TB, s *store.Store, o accessdb.Org) {
	t.Helper()
	require.NoError(t, storetest.LoadOrg(t.Context(), s, o))
	require.NoError(t, storetest.PublishPolicy(t.Context(), s, 1, policy.DefaultYAML()))
}

// org is a small organisation with every role; DE-S-01 is a vacant post.
func org() accessdb.Org {
	node := func(code string, level kam.NodeLevel, parent string, manager kam.UserID, calendar string) accessdb.Node {
		return accessdb.Node{Code: code, Level: level, Parent: parent, Name: code, ManagerID: manager, Calendar: calendar}
	}
	user := func(id kam.UserID, manager kam.UserID, role kam.Role, nodes ...string) accessdb.User {
		return accessdb.User{ID: id, Name: string(id), Roles: []kam.Role{role}, Nodes: nodes, ManagerID: manager}
	}
	calendar := func(code, tz string) accessdb.CalendarRow {
		return accessdb.CalendarRow{Code: code, TimeZone: tz, Opens: "09:00", Closes: "17:00", Weekend: []string{"saturday", "sunday"}}
	}
	rule := func(code, kind, country, postal, territory string) accessdb.AssignmentRule {
		return accessdb.AssignmentRule{Code: code, Kind: kind, Country: country, PostalPrefix: postal, Territory: territory}
	}
	return accessdb.Org{
		Calendars: []accessdb.CalendarRow{calendar("DE", "Europe/Berlin"), calendar("AT", "Europe/Vienna")},
		Nodes: []accessdb.Node{
			node("GLOBAL", kam.LevelGlobal, "", "gina.global", "DE"),
			node("DE", kam.LevelCountry, "GLOBAL", "nadja.national", "DE"),
			node("DE-N", kam.LevelRegion, "DE", "rolf.regional", ""),
			node("DE-N-01", kam.LevelTerritory, "DE-N", "tom.territory", ""),
			node("DE-N-02", kam.LevelTerritory, "DE-N", "tara.territory", ""),
			node("DE-S", kam.LevelRegion, "DE", "rita.regional", ""),
			node("DE-S-01", kam.LevelTerritory, "DE-S", "", ""),
			node("DE-S-02", kam.LevelTerritory, "DE-S", "theo.territory", ""),
			node("AT", kam.LevelCountry, "GLOBAL", "nora.national", "AT"),
			node("AT-1", kam.LevelRegion, "AT", "rene.regional", ""),
			node("AT-1-01", kam.LevelTerritory, "AT-1", "tess.territory", ""),
		},
		Users: []accessdb.User{
			user("gina.global", "", kam.GlobalManager, "GLOBAL"),
			user("nadja.national", "gina.global", kam.NationalManager, "DE"),
			user("rolf.regional", "nadja.national", kam.RegionalManager, "DE-N"),
			user("rita.regional", "nadja.national", kam.RegionalManager, "DE-S"),
			user("tom.territory", "rolf.regional", kam.TerritoryManager, "DE-N-01"),
			user("tara.territory", "rolf.regional", kam.TerritoryManager, "DE-N-02"),
			user("theo.territory", "rita.regional", kam.TerritoryManager, "DE-S-02"),
			user("nora.national", "gina.global", kam.NationalManager, "AT"),
			user("rene.regional", "nora.national", kam.RegionalManager, "AT-1"),
			user("tess.territory", "rene.regional", kam.TerritoryManager, "AT-1-01"),
			user("rep.south", "theo.territory", kam.SalesRep, "DE-S-02"),
			user("rep.stuttgart", "rita.regional", kam.SalesRep, "DE-S-01"),
			user("rep.north", "tom.territory", kam.SalesRep, "DE-N-01"),
			user("rep.vienna", "tess.territory", kam.SalesRep, "AT-1-01"),
			user("kam.one", "nadja.national", kam.KeyAccountManager, "DE"),
			user("stew.one", "", kam.DataSteward, "GLOBAL"),
			user("comp.one", "", kam.ComplianceRole, "GLOBAL"),
			user("pol.admin", "", kam.PolicyAdmin, "GLOBAL"),
			user("ops.one", "", kam.Operator),
			user("aud.one", "", kam.Auditor),
		},
		AssignmentRules: []accessdb.AssignmentRule{
			rule("R1", accessdb.AreaRule, "DE", "8", "DE-S-02"),
			rule("R2", accessdb.AreaRule, "DE", "7", "DE-S-01"),
			rule("R3", accessdb.AreaRule, "DE", "2", "DE-N-01"),
			rule("R4", accessdb.CountryDefault, "DE", "", "DE-N-02"),
			rule("R5", accessdb.CountryDefault, "AT", "", "AT-1-01"),
		},
		BlockedParties: []accessdb.BlockedParty{
			{Ref: "BL-1", Name: "Schattenhandel Export GmbH", Country: "DE", List: "internal"},
			{Ref: "BL-2", Name: "Grauzone Logistik AG", Country: "AT", List: "internal"},
		},
	}
}

// A scene is one case on its way: the workflow in skipped time.
type scene struct {
	*world
	env    *testsuite.TestWorkflowEnvironment
	no     kam.CaseNo
	start  onboarding.StartInput
	acts   int
	faults []string // what went wrong in callbacks, reported after the run
	// breakage is what the next run of a stage comes to; moved are the rows of
	// the table that the case went along.
	breakage map[onboarding.Stage]breakage
	moved    []row
	tasks    *activities.Activities
	// requester is who raised the case.
	requester kam.UserID
	sent      []onboarding.Act // those that were to be taken
}

// onboard allots a number for a request and prepares its workflow.
func (w *world) onboard(by kam.UserID, d customer.RequestData) *scene {
	return w.onboardAt(monday, by, d)
}

func (w *world) onboardAt(at time.Time, by kam.UserID, d customer.RequestData) *scene {
	return w.requestAt(at, casedb.Request{Type: kam.NewCase, Requester: by, Data: d})
}

// request allots a number for any kind of request and prepares its workflow.
func (w *world) request(r casedb.Request) *scene { return w.requestAt(monday, r) }

func (w *world) requestAt(at time.Time, r casedb.Request) *scene {
	w.t.Helper()
	if r.Key == "" {
		r.Key = fmt.Sprintf("%s/%d", w.t.Name(), w.requests.Add(1))
	}
	no, created, err := w.db.Cases.Allot(w.t.Context(), r)
	require.NoError(w.t, err)
	require.True(w.t, created)
	s := w.sceneOf(no, r.Requester, at, working(w.db))
	s.start = started(w.t, no, r, at)
	if w.noTransaction {
		s.tasks.Signatures = takesAll{}
	}
	s.tasks.Screen = w.screen
	s.tasks.Moved = func(t onboarding.Transition) { s.moved = append(s.moved, covered.note(t)) }
	return s
}

// working are the activities over a database, which require signatures.
func working(db *store.Store) *activities.Activities {
	a := activities.New(db)
	a.Signatures = signedtest.Verifier()
	return a
}

// takesAll is the verification of a transaction, switched off.
type takesAll struct{}

func (takesAll) Verify(time.Time, string, signed.Claim) error { return nil }

// started is the start of a case as its requester has signed it.
func started(t *testing.T, no kam.CaseNo, r casedb.Request, at time.Time) onboarding.StartInput {
	t.Helper()
	digest := casedb.RequestDigest(r)
	return signedtest.Start(onboarding.StartInput{CaseNo: no, RequestKey: r.Key}, r.Requester, digest, at)
}

// signs is an act as who it names has signed it now.
func (s *scene) signs(a onboarding.Act) onboarding.Act { return signedtest.Act(s.no, a, s.env.Now()) }

// sceneOf prepares the workflow of a case.
func (w *world) sceneOf(no kam.CaseNo, requester kam.UserID, at time.Time, acts *activities.Activities) *scene {
	s := &scene{world: w, no: no, requester: requester, tasks: acts, breakage: map[onboarding.Stage]breakage{}}
	s.env = environmentWith(at, signedtest.Verifier().Verify)
	if w.noValidator {
		s.env = environmentWith(at, nil)
	}
	acts.Register(breaking{s.env, s.breakOnce})
	return s
}

// activities are the real ones over the world's database.
func (w *world) activities() *activities.Activities {
	acts := working(w.db)
	acts.Screen = w.screen
	acts.Moved = func(t onboarding.Transition) { covered.note(t) }
	return acts
}

// environment runs the workflows in skipped time from a start; activities are
// yet to be registered.
func environment(at time.Time) *testsuite.TestWorkflowEnvironment {
	return environmentWith(at, signedtest.Verifier().Verify)
}

func environmentWith(at time.Time, verify workflows.Verify) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(at)
	env.SetTestTimeout(2 * time.Minute)
	env.SetWorkflowRunTimeout(10 * 365 * day) // bounds every activity too; a case has no limit of its own
	workflows.Register(env, verify)
	return env
}

// run plays the case to its end and returns it.
func (s *scene) run() onboarding.Snapshot {
	s.t.Helper()
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, s.start)
	require.Empty(s.t, s.faults)
	require.True(s.t, s.env.IsWorkflowCompleted())
	require.NoError(s.t, s.env.GetWorkflowError())
	var end onboarding.Snapshot
	require.NoError(s.t, s.env.GetWorkflowResult(&end))
	stored, err := s.db.Cases.Case(s.t.Context(), s.no)
	require.NoError(s.t, err)
	require.Equal(s.t, stored.State, end.State, "told is what is stored")
	s.clockHolds(stored)
	s.verifyChain()
	return end
}

// at does something after a time of business.
func (s *scene) at(after time.Duration, do func(onboarding.Snapshot)) *scene {
	s.env.RegisterDelayedCallback(func() {
		now, err := s.db.Cases.Case(s.t.Context(), s.no)
		if err != nil {
			s.faults = append(s.faults, err.Error())
			return
		}
		do(now)
	}, after)
	return s
}

// expect checks where the case stands after a time.
func (s *scene) expect(after time.Duration, state onboarding.State, assignees ...kam.UserID) *scene {
	return s.at(after, func(now onboarding.Snapshot) {
		if now.State != state {
			s.faults = append(s.faults, fmt.Sprintf("after %v: want %s, is %s (%s)", after, state, now.State, now.Headline))
			return
		}
		if len(assignees) > 0 && (now.Task == nil || fmt.Sprint(now.Task.Assignees) != fmt.Sprint(assignees)) {
			s.faults = append(s.faults, fmt.Sprintf("after %v: want a task for %v, is %+v", after, assignees, now.Task))
		}
	})
}

// act sends an act; code is the refusal that is expected, empty for none.
func (s *scene) act(after time.Duration, code kam.Code, a onboarding.Act, data ...customer.RequestData) *scene {
	return s.at(after, func(now onboarding.Snapshot) { s.send(now, code, a, data...) })
}

const current = "current" // stands for the material_hash of the moment

// codeOf is the kam code that an update was refused with.
func codeOf(err error) kam.Code {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return kam.Code(app.Type())
	}
	return kam.CodeOf(err)
}

func (s *scene) send(now onboarding.Snapshot, code kam.Code, a onboarding.Act, data ...customer.RequestData) {
	if a.DecisionID == "" {
		s.acts++
		a.DecisionID = fmt.Sprintf("%s-act-%d", s.no, s.acts)
	}
	if a.ExpectHash == current {
		a.ExpectHash = now.MaterialHash
	}
	if len(data) > 0 {
		digest, err := s.db.Cases.StageData(s.t.Context(), s.no, a.DecisionID, data[0])
		if err != nil {
			s.faults = append(s.faults, "stage: "+err.Error())
			return
		}
		a.DataDigest = digest
	}
	if code == "" {
		s.sent = append(s.sent, a)
	}
	told := func(err error) {
		if got := codeOf(err); got != code {
			s.faults = append(s.faults, fmt.Sprintf("%s %s by %s in %s: want %q, got %q: %v", a.Name, a.Verdict, a.By, now.State, code, got, err))
		}
	}
	s.env.UpdateWorkflow(string(a.Name), a.DecisionID, &testsuite.TestUpdateCallback{
		OnReject:   told,
		OnAccept:   func() {},
		OnComplete: func(_ any, err error) { told(err) },
	}, s.signs(a))
}

// confirm is the act of a confirming manager who saw the data as they are.
func confirm(by kam.UserID, reason string) onboarding.Act {
	return onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm, By: by, ExpectHash: current, Reason: reason}
}

// events are the types of the case's audit events.
func (s *scene) events() []kam.AuditEvent {
	s.t.Helper()
	all, err := s.db.Cases.Events(s.t.Context(), s.no)
	require.NoError(s.t, err)
	return all
}

func (s *scene) count(t kam.EventType) int {
	n := 0
	for _, e := range s.events() {
		if e.Type == t {
			n++
		}
	}
	return n
}

// states are the states that the case passed through, in order.
func (s *scene) states() []onboarding.State {
	var out []onboarding.State
	for _, e := range s.events() {
		if e.To != "" && e.To != e.From {
			out = append(out, onboarding.State(e.To))
		}
	}
	return out
}

func (s *scene) verifyChain() {
	s.t.Helper()
	broken, why, ok := kam.VerifyChain(s.events())
	require.True(s.t, ok, "event %d: %s", broken.Seq, why)
}

// has loads an existing customer.
func (w *world) has(c customerdb.BookCustomer) {
	w.t.Helper()
	rules.Clean(&c.Data)
	c.Keys = parties.Keys(c.Data)
	require.NoError(w.t, w.db.Customers.Load(w.t.Context(), storetest.Act(), []customerdb.BookCustomer{c}))
}
