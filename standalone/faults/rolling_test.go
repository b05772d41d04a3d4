package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/kamflow/kamflow/internal/mutations"
	"github.com/kamflow/kamflow/internal/runfile"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/standalone/stack"
	"github.com/kamflow/kamflow/store"
)

// breaksCompletion is an edit on which those cases break that wait for their
// details, and no others.
var breaksCompletion = mutations.Edit{
	Name: "pause-before-details",
	Changes: []mutations.Change{{
		File: "workflows/level3_1_2_analyze_details.go",
		Old:  "\treturn c.waitForPeople(ctx)\n",
		New:  "\tif c.Snapshot.State == kam.AwaitingCompletion {\n\t\tif err := workflow.Sleep(ctx, 1); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\treturn c.waitForPeople(ctx)\n",
	}},
}

// A roll is two versions that take over from each other, and cases that wait
// meanwhile, in several states.
type roll struct {
	*rig
	old, next version
	at        map[*journey]kam.State // where a case waits before the first switch
	mu        sync.Mutex             // of told
}

// TestRolling takes open cases to the next version of the worker and back,
// while people decide: none breaks, none is lost, and what people were told is
// what is stored. KAM_ROLLING_CASES says how many, 20 by default; each third
// of them needs a case in every state, so 18 is the least. KAM_ROLLING_OLD is the
// worker of an earlier release that takes the part of the first version; without
// it that is today's. KAM_ROLLING_POLICY is a policy that both can read: an
// installation of that release has one.
func TestRolling(t *testing.T) {
	w := &roll{at: map[*journey]kam.State{}}
	dir := t.TempDir()
	w.old, w.next = earlier(t, dir), buildWorker(t, dir, "v2", control(t))
	broken := buildWorker(t, dir, "v3", &breaksCompletion)
	var now *process
	w.rig = openWith(t, func(r *rig) {
		now = r.run(t, w.old, true)
		require.NoError(t, store.Migrate(t.Context(), r.pg.DSN(stack.Database)), "while the old version runs")
	})
	begin := time.Now()
	cases := int(number("KAM_ROLLING_CASES", 20)) //nolint:gosec // small
	require.GreaterOrEqual(t, cases, 18, "KAM_ROLLING_CASES")

	for _, step := range []struct {
		shows string
		run   func(t *testing.T)
	}{
		{"cases wait in several states", func(t *testing.T) { w.waitAll(t, cases) }},
		{"upgrade-check lets the next version pass", func(t *testing.T) { w.checkPasses(t, w.next) }},
		{"upgrade-check lists exactly the cases that would break", func(t *testing.T) { w.checkLists(t, broken) }},
		{"the next version takes over", func(t *testing.T) { now = w.change(t, now, w.next, 0) }},
		{"the version before takes over again", func(t *testing.T) { now = w.change(t, now, w.old, 1) }},
		{"the rest goes to its end", func(t *testing.T) { w.endGroup(t, 2) }},
		{"each version has carried its part", w.carried},
		{"no task has failed", w.noTaskFailed},
		{"no case is lost and no effect doubled", w.noneLostNoneDoubled},
		{"chains verify", w.chainsVerify},
		{"told is stored", w.toldIsStored},
		{"workflows returned what PostgreSQL holds, and replay", w.workflowsAgree},
		{"a version that breaks a case leaves it waiting for one that does not", func(t *testing.T) { w.breakAndReturn(t, now, broken) }},
	} {
		if !t.Run(step.shows, step.run) {
			t.Fatal(tails(w.dir))
		}
	}
	t.Logf("%d cases to the next version and back in %.0f s", len(w.journeys), time.Since(begin).Seconds())
}

func earlier(t *testing.T, dir string) version {
	if bin := os.Getenv("KAM_ROLLING_OLD"); bin != "" {
		return version{id: "v1", bin: bin}
	}
	return buildWorker(t, dir, "v1", nil)
}

// The states that cases wait in, by turns; the third leads to Hamburg.
var waiting = []kam.State{
	kam.AwaitingConfirmation, kam.AwaitingCompletion, kam.AwaitingEndorsement, kam.ChangesRequested, kam.DataEntry, kam.AwaitingConfirmation,
}

// waitAll brings cases to where they wait.
func (w *roll) waitAll(t *testing.T, n int) {
	ctx, cancel := context.WithTimeout(t.Context(), toEnd)
	defer cancel()
	states := make([]kam.State, n)
	count := map[kam.State]int{}
	for i := range states {
		states[i] = waiting[i%len(waiting)]
		count[states[i]]++
	}
	w.start(ctx, t, states...)
	require.Len(t, count, 5)
	t.Logf("%d cases wait: %v", n, count)
}

// start starts a case for each state and brings it there.
func (w *roll) start(ctx context.Context, t *testing.T, states ...kam.State) {
	t.Helper()
	first := len(w.journeys)
	for _, state := range states {
		j := w.newJourneyOf(t, state == kam.AwaitingEndorsement)
		full := j.request.Data
		if state == kam.AwaitingCompletion || state == kam.DataEntry {
			data := w.template.request
			data.LegalName, data.City, data.PostalCode, data.Street, data.Identifiers = full.LegalName, full.City, full.PostalCode, full.Street, full.Identifiers
			j.request.Data = data
		}
		if state == kam.DataEntry {
			j.request.Data.DeclaredPotential = nil
		}
		w.at[j] = state
	}
	w.each(t, w.journeys[first:], func(j *journey) error {
		if err := w.begin(ctx, j); err != nil {
			return err
		}
		return w.until(ctx, j, func(s kam.Snapshot) bool { return s.State == w.at[j] })
	})
}

// each does something with each case, ten at a time.
func (w *roll) each(t *testing.T, all []*journey, do func(*journey) error) {
	t.Helper()
	errs := make([]error, len(all))
	var crew sync.WaitGroup
	slots := make(chan struct{}, 10)
	for i, j := range all {
		slots <- struct{}{}
		crew.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(j)
		})
	}
	crew.Wait()
	require.NoError(t, errors.Join(errs...), tails(w.dir))
}

// until has people do what a case waits for until it is where it should be.
func (w *roll) until(ctx context.Context, j *journey, there func(kam.Snapshot) bool) error {
	for {
		s, err := w.db.Cases.Case(ctx, j.no)
		if err != nil {
			return err
		}
		if there(s) {
			return nil
		}
		if s.State.Ended() {
			return fmt.Errorf("%s ended as %s %s: %s", j.no, s.State, s.Outcome, s.Headline)
		}
		if act, data, ok := w.turn(j, s); ok {
			if err := w.send(ctx, j, act, data); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is %s: %w", j.no, s.State, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// turn is what the next person does, if it is a person's turn.
func (w *roll) turn(j *journey, s kam.Snapshot) (kam.Act, *kam.RequestData, bool) {
	own := func(name kam.ActName) kam.Act {
		return kam.Act{Name: name, By: s.Requester, DecisionID: uuid.NewSHA1(space, []byte(s.Task.ID+string(name))).String()}
	}
	switch s.State {
	case kam.AwaitingConfirmation:
		act := decide(s, s.Task.Assignees[0])
		if w.at[j] == kam.ChangesRequested && s.Rounds == 0 {
			act.Verdict, act.Fields, act.Reason = kam.SendBack, []string{"declared_potential"}, "Is that so?"
		}
		return act, nil, true
	case kam.AwaitingEndorsement:
		return decide(s, s.Task.Assignees[0]), nil, true
	case kam.ChangesRequested:
		var data kam.RequestData
		data.DeclaredPotential, data.Justification = w.template.request.DeclaredPotential, "Counted again: as before."
		return own(kam.ActSubmitData), &data, true
	case kam.DataEntry:
		var data kam.RequestData
		data.DeclaredPotential = w.template.request.DeclaredPotential
		return own(kam.ActSubmitData), &data, true
	case kam.AwaitingCompletion:
		details := w.template.details
		a := j.request.Data
		details.Addresses = []kam.Address{{Type: "LEGAL", Line1: a.Street, City: a.City, PostalCode: a.PostalCode, CountryCode: "DE"}}
		details.Contacts = []kam.Contact{{Name: "Annegret Seewald", DecisionRole: "DECIDER", Email: "seewald@" + strings.ToLower(strings.Fields(a.LegalName)[0]) + ".example", ConsentBasis: "contract"}}
		return own(kam.ActSubmitDetails), &details, true
	default:
		return kam.Act{}, nil, false
	}
}

// send sends an act until its answer comes, and keeps that.
func (w *roll) send(ctx context.Context, j *journey, act kam.Act, data *kam.RequestData) error {
	for {
		p, err := w.client.Act(ctx, j.no, act, data)
		if err == nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			j.told = append(j.told, answer{decision: act.DecisionID, act: act.Name, snapshot: p.Snapshot})
			return nil
		}
		if err := again(ctx, err); err != nil {
			return fmt.Errorf("%s on %s: %w", act.Name, j.no, err)
		}
	}
}

// group is a third of the cases, by sixes, so that each has all states.
func (w *roll) group(n int) []*journey {
	var all []*journey
	for i, j := range w.journeys {
		if i/len(waiting)%3 == n {
			all = append(all, j)
		}
	}
	return all
}

// change starts a version beside the one that runs, promotes it, and stops
// the other. All the while one group of cases is taken to its end, and on
// those that wait longer somebody comments.
func (w *roll) change(t *testing.T, from *process, to version, group int) *process {
	ctx, cancel := context.WithTimeout(t.Context(), toEnd)
	defer cancel()
	p := w.run(t, to, false)
	var people sync.WaitGroup
	var errs [2]error
	done := make(chan struct{})
	end := w.group(group)
	people.Go(func() { // one after the other, so that it lasts
		for _, j := range end {
			errs[0] = errors.Join(errs[0], w.until(ctx, j, ended))
		}
	})
	talk := func(round int) error {
		var errs []error
		for later := group + 1; later < 3; later++ {
			for _, j := range w.group(later) {
				errs = append(errs, w.comment(ctx, j, fmt.Sprintf("%s/%d", to.id, round)))
			}
		}
		return errors.Join(errs...)
	}
	people.Go(func() {
		for round := 0; ; round++ {
			select {
			case <-done:
				errs[1] = errors.Join(errs[1], talk(round)) // once more, with the new one alone
				return
			default:
				errs[1] = errors.Join(errs[1], talk(round))
			}
		}
	})
	w.promote(t, to)
	time.Sleep(time.Second) // both work
	require.NoError(t, from.stop(toStart))
	close(done)
	people.Wait()
	require.NoError(t, errors.Join(errs[0], errs[1]))
	t.Logf("%d cases went to their end during the switch to %s", len(end), to.id)
	return p
}

func ended(s kam.Snapshot) bool { return s.State == kam.Completed }

func (w *roll) comment(ctx context.Context, j *journey, key string) error {
	s, err := w.db.Cases.Case(ctx, j.no)
	if err != nil {
		return err
	}
	act := kam.Act{Name: kam.ActComment, By: s.Requester, Reason: "Any news?", DecisionID: uuid.NewSHA1(space, []byte(string(j.no)+"comment"+key)).String()}
	return w.send(ctx, j, act, nil)
}

func (w *roll) endGroup(t *testing.T, n int) {
	ctx, cancel := context.WithTimeout(t.Context(), toEnd)
	defer cancel()
	w.each(t, w.group(n), func(j *journey) error { return w.until(ctx, j, ended) })
}

// carried reads from the histories which version completed the tasks of a
// case, one after the other.
func (w *roll) carried(t *testing.T) {
	want := [][]string{nil, {"v1", "v2"}, {"v1", "v2", "v1"}}
	seen := map[string]int{}
	for n := range want {
		for _, j := range w.group(n) {
			var order []string
			for _, e := range w.history(t, j.no) {
				a := e.GetWorkflowTaskCompletedEventAttributes()
				if a == nil {
					continue
				}
				id := a.GetDeploymentVersion().GetBuildId()
				require.NotEmpty(t, id, "a task without a version")
				if len(order) == 0 || order[len(order)-1] != id {
					order = append(order, id)
				}
			}
			seen[strings.Join(order, ">")]++
			if want[n] != nil {
				require.Subset(t, order, want[n], "%s", j.no)
				require.GreaterOrEqual(t, len(order), len(want[n]), "%s: %v", j.no, order)
			}
		}
	}
	t.Logf("versions that carried a case: %v", seen)
}

// noTaskFailed: neither for non-determinism nor for anything else.
func (w *roll) noTaskFailed(t *testing.T) {
	causes := map[enums.WorkflowTaskFailedCause]int{}
	for _, j := range w.journeys {
		for cause, n := range w.failures(t, j) {
			causes[cause] += n
		}
	}
	// A new message may reach a case while its task is being completed: the
	// server has that task done again. Nothing else may fail.
	delete(causes, enums.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND)
	require.Empty(t, causes)
	require.Empty(t, w.logged(t, "TMPRL1100"))
}

// breakAndReturn lets a version take over that cannot carry a case on, and
// then the version before again.
func (w *roll) breakAndReturn(t *testing.T, good *process, broken version) {
	ctx, cancel := context.WithTimeout(t.Context(), toEnd)
	defer cancel()
	before := len(w.journeys)
	w.start(ctx, t, kam.AwaitingCompletion)
	j := w.journeys[before]
	bad := w.run(t, broken, false)
	w.promote(t, broken)
	require.NoError(t, good.stop(toStart))

	var err error
	told := make(chan struct{})
	go func() {
		defer close(told)
		err = w.until(ctx, j, ended)
	}()
	require.Eventually(t, func() bool { return w.failures(t, j)[enums.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR] > 0 },
		toStrike, 200*time.Millisecond, "the broken version has not come by the case")
	s, readErr := w.db.Cases.Case(ctx, j.no)
	require.NoError(t, readErr)
	require.Equal(t, kam.AwaitingCompletion, s.State, "it waits")
	require.NotEmpty(t, w.logged(t, "TMPRL1100"))

	w.run(t, w.old, false)
	w.promote(t, w.old)
	require.NoError(t, bad.stop(toStart))
	<-told
	require.NoError(t, err)
	w.noneLostNoneDoubled(t)
	w.toldIsStored(t)
}

// failures counts the tasks of a case that failed, by cause.
func (w *roll) failures(t *testing.T, j *journey) map[enums.WorkflowTaskFailedCause]int {
	t.Helper()
	causes := map[enums.WorkflowTaskFailedCause]int{}
	for _, e := range w.history(t, j.no) {
		if f := e.GetWorkflowTaskFailedEventAttributes(); f != nil {
			causes[f.GetCause()]++
		}
	}
	return causes
}

// linesWith are the lines of a text that hold a word.
func linesWith(text, word string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return !strings.Contains(line, word) })
}

// checked is what upgrade-check says as JSON.
type checked struct {
	BuildID  string `json:"build_id"`
	Open     int    `json:"open"`
	Replayed int    `json:"replayed"`
	Breaking []struct {
		CaseNo kam.CaseNo `json:"case_no"`
		State  kam.State  `json:"state"`
		Type   string     `json:"workflow_type"`
		Events int        `json:"history_events"`
		Reason string     `json:"reason"`
	} `json:"breaking"`
}

// upgradeCheck runs the command as an operator does, who gives it a data
// directory: there it finds what runs.
func (w *roll) upgradeCheck(t *testing.T, v version, status int) (checked, string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, runfile.Write(dir, runfile.Running{DatabaseURL: w.pg.DSN(stack.Database), TemporalAddress: w.address, Namespace: w.namespace}))
	var texts [2][]byte
	for i, args := range [][]string{{"--json"}, nil} {
		cmd := exec.CommandContext(t.Context(), v.bin, append([]string{"upgrade-check", "--data-dir", dir}, args...)...)
		cmd.Env, cmd.Dir = append(cleanEnv(), "KAM_WORKER_BUILD_ID="+v.id), w.dir
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		require.Equal(t, status, cmd.ProcessState.ExitCode(), "%v\n%s\n%s", err, out, &said)
		require.Empty(t, said.String())
		texts[i] = out
	}
	var c checked
	require.NoError(t, json.Unmarshal(texts[0], &c), string(texts[0]))
	t.Logf("\n%s", texts[1])
	return c, string(texts[1])
}

func (w *roll) checkPasses(t *testing.T, v version) {
	lengths := func() map[kam.CaseNo]int {
		all := map[kam.CaseNo]int{}
		for _, j := range w.journeys {
			all[j.no] = len(w.history(t, j.no))
		}
		return all
	}
	before := lengths()
	c, _ := w.upgradeCheck(t, v, 0)
	require.Equal(t, v.id, c.BuildID)
	require.Equal(t, len(w.journeys), c.Open)
	require.Equal(t, len(w.journeys), c.Replayed)
	require.Empty(t, c.Breaking)
	require.Equal(t, before, lengths(), "nothing is changed")
}

func (w *roll) checkLists(t *testing.T, v version) {
	c, text := w.upgradeCheck(t, v, 1)
	want := map[kam.CaseNo]bool{}
	for _, j := range w.journeys {
		if w.at[j] == kam.AwaitingCompletion {
			want[j.no] = true
		}
	}
	found := map[kam.CaseNo]bool{}
	for _, b := range c.Breaking {
		found[b.CaseNo] = true
		require.Equal(t, kam.AwaitingCompletion, b.State)
		require.Equal(t, kam.WorkflowOnboarding, b.Type)
		require.NotEmpty(t, b.Reason)
		require.Len(t, w.history(t, b.CaseNo), b.Events)
		require.Contains(t, text, string(b.CaseNo))
	}
	require.NotEmpty(t, want)
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(found)))
	require.Equal(t, len(w.journeys)-len(want), c.Replayed)
}
