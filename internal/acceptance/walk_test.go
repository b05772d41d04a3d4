package acceptance

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/activities"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestWalk takes KAM_WALK_STEPS random steps: strangers, colleagues and leavers
// try acts on cases of all five types, time passes, the organisation changes
// and stages fail, and after each step everything must hold that the process
// promises (walkcheck_test.go). KAM_WALK_SEED repeats a run.
func TestWalk(t *testing.T) {
	t.Parallel()
	steps, err := strconv.Atoi(os.Getenv("KAM_WALK_STEPS"))
	if err != nil {
		steps = 500
	}
	seed, err := strconv.ParseUint(os.Getenv("KAM_WALK_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("KAM_WALK_SEED=%d KAM_WALK_STEPS=%d", seed, steps)
	k := &walk{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 26)), target: steps, rows: map[row]int{}, ends: map[string]int{}, codes: map[kam.Code]int{}, began: time.Now()}
	for k.steps < k.target {
		k.bookOfCases()
	}
	k.report()
}

// farMonday is 09:00 in Berlin on a Monday to come: the test environment ends a
// local activity that is tried again by the wall clock, though it was begun by
// the skipped one.
var farMonday = time.Date(2060, 3, 1, 8, 0, 0, 0, time.UTC)

const (
	atOnce       = 4   // cases that are open side by side
	casesPerBook = 250 // then a database with a fresh book begins
	stepsPerCase = 45  // then the case is left to its deadlines
)

// A walk is a sequence of books; a book is a database in which cases are open
// side by side on the same customers and the same organisation. One case moves
// at a time, the one whose clock is behind, so that a seed means one run.
type walk struct {
	t      *testing.T
	seed   uint64
	r      *rand.Rand
	target int
	began  time.Time

	steps, books, cases, shown int
	rows                       map[row]int
	ends                       map[string]int
	codes                      map[kam.Code]int // "" counts the acts that took effect
	trail                      []string         // the last steps
	inside                     bool             // the routine of a case runs
	broken                     string           // what a check found there

	*world
	acts      *activities.Activities // of all cases of the book
	sql       *pgx.Conn
	open      []*walker
	clock     time.Time
	left      map[kam.UserID]bool // who does not work here now
	vacant    map[string]bool
	south     string // where postal codes 8… go
	policy    int
	customers []string
	rejected  []kam.CaseNo
	names     int
}

// A walker is one case on its way, in a routine of its own that moves only
// between resume and yield.
type walker struct {
	*scene
	k             *walk
	resume, yield chan bool // yield: true when the workflow has ended
	at            time.Time
	left          int
	sent          []*sent
	version       int64 // when it was last looked at
	cured         int
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// chance is true in so many of a hundred cases.
func (k *walk) chance(percent int) bool { return k.r.IntN(100) < percent }

// bookOfCases plays cases in a database of their own until it is full or the
// steps are done, and every case to its end.
func (k *walk) bookOfCases() {
	t := k.t
	dsn := storetest.DSN(t)
	var err error
	k.world = &world{t: t, db: storetest.Open(t, dsn)}
	k.sql, err = pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer k.sql.Close(t.Context())
	k.acts = working(k.db)
	k.acts.Moved = func(t onboarding.Transition) { k.rows[covered.note(t)]++ }
	k.books++
	k.clock, k.left, k.vacant, k.south, k.policy = farMonday, map[kam.UserID]bool{}, map[string]bool{}, "DE-S-02", 1
	k.customers, k.rejected, k.open = nil, nil, nil
	require.NoError(t, storetest.LoadOrg(t.Context(), k.db, k.organisation()))
	require.NoError(t, storetest.PublishPolicy(t.Context(), k.db, 1, policy.DefaultYAML()))
	k.fillBook()

	for opened := 0; ; {
		for len(k.open) < atOnce && opened < casesPerBook && k.steps < k.target {
			if w := k.newCase(); w != nil {
				k.open = append(k.open, w)
				k.cases++
			}
			opened++
		}
		if len(k.open) == 0 {
			break
		}
		w := slices.MinFunc(k.open, func(a, b *walker) int { return a.at.Compare(b.at) })
		k.clock = w.at
		k.inside = true
		w.resume <- true
		ended := <-w.yield
		k.inside = false
		if k.broken != "" || t.Failed() {
			t.Fatal(k.broken)
		}
		if ended {
			k.open = slices.DeleteFunc(k.open, func(x *walker) bool { return x == w })
			k.atTheEnd(w)
		}
	}
	k.atTheEndOfTheBook()
}

// newCase opens a case at the time of the walk.
func (k *walk) newCase() *walker {
	r := k.request()
	k.names++
	r.Key = fmt.Sprintf("walk/%d", k.names)
	no, created, err := k.db.Cases.Allot(k.t.Context(), r)
	if kam.CodeOf(err) == kam.AlreadyDecided { // a rejection is appealed once
		return nil
	}
	require.NoError(k.t, err)
	require.True(k.t, created)
	w := &walker{
		scene: k.sceneOf(no, r.Requester, k.clock, k.acts), k: k, resume: make(chan bool), yield: make(chan bool), at: k.clock,
		left: stepsPerCase,
	}
	w.start = started(k.t, no, r, k.clock)
	w.env.RegisterDelayedCallback(w.turn, time.Duration(1+k.r.IntN(120))*time.Minute)
	k.note(w, "request %s by %s %s %s", r.Type, r.Requester, r.CustomerNo, r.AppealOf)
	go func() {
		defer func() { w.yield <- true }() // also where a check ends the routine
		<-w.resume
		w.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, w.start)
	}()
	return w
}

// turn is one step of one case: it gives way to the cases whose clocks are
// behind, looks whether all is well, and does something.
func (w *walker) turn() {
	w.at = w.env.Now()
	w.yield <- false
	<-w.resume
	k := w.k
	s := k.check(w)
	wait := k.wait()
	switch {
	case s.State.Ended():
		return
	case w.left == 0 || k.steps >= k.target:
		k.letGo(w, s)
		wait = 5 * day
	default:
		w.left--
		if k.chance(1) {
			w.left = 0 // forgotten by everybody
		}
		k.step(w, s)
	}
	w.env.RegisterDelayedCallback(w.turn, wait)
}

// wait is how much time passes until something else happens to the case.
func (k *walk) wait() time.Duration {
	switch n := k.r.IntN(100); {
	case n < 45:
		return time.Duration(1+k.r.IntN(60)) * time.Minute
	case n < 80:
		return time.Duration(1+k.r.IntN(10)) * hour
	case n < 97:
		return time.Duration(10+k.r.IntN(80)) * hour
	default:
		return time.Duration(4+k.r.IntN(20)) * day
	}
}

// letGo leaves a case to its deadlines, which end every wait but that for an
// operator.
func (k *walk) letGo(w *walker, s onboarding.Snapshot) {
	clear(w.breakage)
	if s.State != onboarding.NeedsIntervention {
		return
	}
	w.cured++
	if w.cured > 5 {
		_, err := k.acts.Validate(k.t.Context(), onboarding.StageInput{CaseNo: w.no, Known: s.Version, Seq: s.Version + 1000, Now: w.env.Now()})
		k.fail(w, "cannot be cured: %s (validation says: %v)", text(k.t, s.Task), err)
	}
	if k.left["ops.one"] {
		delete(k.left, "ops.one")
		k.reorganise()
	}
	w.try(s, onboarding.Act{Name: onboarding.ActRetry, By: "ops.one", Reason: "repaired"}, nil)
}

func (k *walk) step(w *walker, s onboarding.Snapshot) {
	k.steps++
	if n := k.steps * 20 / k.target; n > k.shown && k.target >= 5000 {
		k.shown = n
		fmt.Printf("walk: %d of %d steps, %d cases, %.0f steps/s, seed %d\n", k.steps, k.target, k.cases, float64(k.steps)/time.Since(k.began).Seconds(), k.seed)
	}
	if w.rerouteDue() {
		w.env.SignalWorkflow(onboarding.SignalReroute, nil)
	}
	switch n := k.r.IntN(100); {
	case n < 52:
		a, d := k.sensible(w, s)
		w.try(s, a, d)
	case n < 70:
		a, d := k.anything(s)
		w.try(s, a, d)
	case n < 76:
		k.again(w, s)
	case n < 82:
		k.note(w, "time passes in %s", s.State)
	case n < 88:
		k.change()
	case n < 91:
		k.somebodyElse(w, s)
	case n < 97:
		stage := pick(k.r, onboarding.StageIdentify, onboarding.StageDecide, onboarding.StageAnalyze, onboarding.StageSegment, onboarding.StageValidate, onboarding.StageClassify,
			onboarding.StageHandOff, onboarding.StageAct, onboarding.StageElapse, onboarding.StagePark, onboarding.StageReroute)
		w.breaks(stage, pick(k.r, broken, interrupted, unanswered))
		k.note(w, "%s will go wrong: %v", stage, w.breakage[stage])
	default:
		a, _ := k.sensible(w, s)
		if spec, err := a.Spec(); err == nil && spec.Signal {
			w.acts++
			a.DecisionID = fmt.Sprintf("%s-signal-%d", w.no, w.acts)
			k.note(w, "signal %s %s by %s in %s", a.Name, a.Verdict, a.By, s.State)
			w.env.SignalWorkflow(string(a.Name), w.signs(a))
			return
		}
		k.note(w, "time passes in %s", s.State)
	}
}

// rerouteDue says whether the worker would tell this case that its task is
// somebody else's now.
func (w *walker) rerouteDue() bool {
	if !w.k.chance(30) {
		return false
	}
	open, err := w.k.acts.Misrouted(w.t.Context(), w.env.Now())
	if err != nil {
		w.k.fail(w, "misrouted: %v", err)
	}
	return slices.Contains(open, w.no)
}

// organisation is that of these tests with more people, as it stands now.
func (k *walk) organisation() accessdb.Org {
	o := org()
	user := func(id, manager kam.UserID, role kam.Role, nodes ...string) {
		o.Users = append(o.Users, accessdb.User{ID: id, Name: string(id), Roles: []kam.Role{role}, Nodes: nodes, ManagerID: manager})
	}
	user("stew.two", "", kam.DataSteward, "GLOBAL")
	user("comp.two", "", kam.ComplianceRole, "GLOBAL")
	user("fin.one", "", kam.FinanceController, "GLOBAL")
	user("adm.one", "", kam.UserAdmin)
	user("rep.gone", "theo.territory", kam.SalesRep, "DE-S-02")
	for i := range o.Users {
		o.Users[i].Inactive = o.Users[i].ID == "rep.gone" || k.left[o.Users[i].ID]
	}
	for i := range o.Nodes {
		if k.vacant[o.Nodes[i].Code] || k.left[o.Nodes[i].ManagerID] && len(o.Nodes[i].Code)%2 == 0 { // some posts are not yet emptied
			o.Nodes[i].ManagerID = ""
		}
	}
	for i := range o.AssignmentRules {
		if o.AssignmentRules[i].Code == "R1" {
			o.AssignmentRules[i].Territory = k.south
		}
	}
	return o
}

func (k *walk) reorganise() {
	require.NoError(k.t, storetest.LoadOrg(k.t.Context(), k.db, k.organisation()))
}

// change is what happens to the organisation while cases are open.
func (k *walk) change() {
	what := ""
	switch k.r.IntN(5) {
	case 0, 1:
		who := pick(k.r, kam.UserID("theo.territory"), "tom.territory", "tara.territory", "tess.territory", "rita.regional", "rolf.regional", "nadja.national",
			"rep.south", "rep.north", "rep.vienna", "rep.stuttgart", "stew.one", "comp.one", "ops.one", "kam.one")
		if gone := gathered(k.left); len(gone) > 3 { // or in the end nobody is there
			who = pick(k.r, gone...)
		}
		k.left[who] = !k.left[who]
		what = fmt.Sprintf("%s: left %t", who, k.left[who])
		k.reorganise()
	case 2:
		node := pick(k.r, "DE-S-02", "DE-S", "DE-N-01", "DE-N", "AT-1-01", "DE")
		if empty := gathered(k.vacant); len(empty) > 1 {
			node = pick(k.r, empty...)
		}
		k.vacant[node] = !k.vacant[node]
		what = fmt.Sprintf("post of %s: vacant %t", node, k.vacant[node])
		k.reorganise()
	case 3:
		k.south = pick(k.r, "DE-S-02", "DE-N-02", "DE-S-01")
		what = "postal codes 8 go to " + k.south
		k.reorganise()
	default:
		k.policy++
		at := 50 + k.r.IntN(40)
		reject := pick(k.r, "true", "false")
		what = fmt.Sprintf("policy %d: add_at %d, auto_reject %s", k.policy, at, reject)
		require.NoError(k.t, storetest.PublishPolicy(k.t.Context(), k.db, k.policy, policyWith(k.t,
			"\nversion: 1\n", fmt.Sprintf("\nversion: %d\n", k.policy), "add_at: 60", fmt.Sprintf("add_at: %d", max(at, 41)), "auto_reject: true", "auto_reject: "+reject)))
	}
	k.note(nil, "%s", what)
}

// gathered are the keys that are set, in order.
func gathered[K cmp.Ordered](set map[K]bool) []K {
	var out []K
	for x, in := range set {
		if in {
			out = append(out, x)
		}
	}
	slices.Sort(out)
	return out
}

// somebodyElse changes the customer of a case, or any other, behind its back.
func (k *walk) somebodyElse(w *walker, s onboarding.Snapshot) {
	no := pick(k.r, k.customers...)
	if s.CommittedAs != "" && k.chance(70) {
		no = s.CommittedAs
	}
	c, err := k.db.Customers.Customer(k.t.Context(), no)
	if err != nil {
		return
	}
	d := c.Data
	d.Phone = fmt.Sprintf("+4989%07d", k.r.IntN(9999999))
	if k.chance(30) {
		d.LegalName += " Neu"
	}
	k.note(w, "customer %s is changed by somebody else", no)
	k.has(customerdb.BookCustomer{CustomerNo: no, Data: d, GroupID: c.GroupID, Territory: c.Territory, OwnerID: c.OwnerID, Status: c.Status, KAStatus: c.KAStatus, Tier: c.Tier, Coverage: c.Coverage})
}

// note keeps a line about a step.
func (k *walk) note(w *walker, format string, args ...any) {
	who, at := "", k.clock
	if w != nil {
		who, at = string(w.no), w.at
	}
	k.trail = append(k.trail, fmt.Sprintf("%d %s %s: %s", k.steps, at.Format("01-02 15:04"), who, fmt.Sprintf(format, args...)))
	if len(k.trail) > 30 {
		k.trail = k.trail[1:]
	}
}

// fail prints what is needed to find out why.
func (k *walk) fail(w *walker, format string, args ...any) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nKAM_WALK_SEED=%d, step %d\n\nthe last steps:\n%s\n", fmt.Sprintf(format, args...), k.seed, k.steps, strings.Join(k.trail, "\n"))
	if w != nil {
		fmt.Fprintf(&b, "\ntimeline of %s:\n", w.no)
		events, err := k.db.Cases.Events(k.t.Context(), w.no)
		if err != nil {
			fmt.Fprintln(&b, err)
		}
		for _, e := range events {
			fmt.Fprintf(&b, "%d %s %s %s %s %s>%s r%d %s %s %s\n", e.Seq, e.At.Format("01-02 15:04"), e.Type, e.Step, e.Actor, e.From, e.To, e.Revision, e.DecisionID, e.ReasonCode, e.Text)
		}
		if s, err := k.db.Cases.Case(k.t.Context(), w.no); err == nil {
			fmt.Fprintf(&b, "\n%s\n", text(k.t, s))
		}
	}
	if !k.inside {
		k.t.Fatal(b.String())
	}
	k.broken = b.String() // only the routine of the test may end it
	runtime.Goexit()
}

func (k *walk) report() {
	visited := 0
	for _, tr := range onboarding.Transitions {
		if k.rows[rowOf(tr)] > 0 {
			visited++
		} else {
			k.t.Logf("not visited: %s", nameOf(tr))
		}
	}
	took := time.Since(k.began)
	k.t.Logf("%d steps in %v (%.0f/s), %d cases in %d books, %d of %d transitions; ends %v; answers %v",
		k.steps, took.Round(time.Second), float64(k.steps)/took.Seconds(), k.cases, k.books, visited, len(onboarding.Transitions), k.ends, k.codes)
	if k.target >= 5000 && visited < len(onboarding.Transitions)*8/10 {
		k.t.Errorf("the walk visits too little to prove much: %d of %d transitions", visited, len(onboarding.Transitions))
	}
}
