package faults

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/servicetest"
)

// TestFaults strikes at a running process again and again, and then compares
// what clients were told and what should have happened with what is stored.
func TestFaults(t *testing.T) {
	r := open(t)
	begin := time.Now()
	var waiting []*journey
	for _, step := range []struct {
		shows string
		run   func(t *testing.T)
	}{
		{"cases wait for their managers", func(t *testing.T) { waiting = r.wait(t, 4) }},
		{"a worker that dies at any point loses and doubles nothing", r.workerDies},
		{"cases outlive a crash of PostgreSQL", r.postgresDies},
		{"cases outlive a crash of Temporal", r.temporalDies},
		{"a decision that Temporal lost is adopted without its client", func(t *testing.T) { r.decisionAdopted(t, "act/after-commit") }},
		{"so is one with steps after it", func(t *testing.T) { r.decisionAdopted(t, "stage/Segment/after-commit") }},
		{"and one with all steps to the end", func(t *testing.T) { r.decisionAdopted(t, "stage/HandOff/after-commit") }},
		{"a decision that Temporal lost and is sent again gets the stored answer", r.decisionRepeated},
		{"a decision that Temporal lost stands against another manager", r.decisionStands},
		{"a client that dies before the start gets its number again", r.clientDies},
		{"AC43 deadlines are unchanged across the restarts", func(t *testing.T) { r.deadlinesUnchanged(t, waiting) }},
		{"no case is lost and no effect doubled", r.noneLostNoneDoubled},
		{"chains verify", r.chainsVerify},
		{"told is stored", r.toldIsStored},
		{"workflows returned what PostgreSQL holds, and replay", r.workflowsAgree},
		{"messages have left once each", r.messagesLeft},
	} {
		if !t.Run(step.shows, step.run) {
			return // what follows builds on it
		}
	}
	t.Logf("seed %d: %d cases, %d effects; killed: worker %d times at fail points and %d times elsewhere, Temporal %d times, PostgreSQL %d times; %.0f s",
		r.seed, len(r.journeys), r.effects(t), r.pointKills, r.workerKills, r.temporalKills, r.postgresKills, time.Since(begin).Seconds())
}

// wait brings cases to where a manager has to confirm, and leaves them there.
func (r *rig) wait(t *testing.T, n int) []*journey {
	t.Helper()
	var all []*journey
	for range n {
		j := r.newJourney(t)
		s := r.bring(t, j)
		j.deadlines[s.Task.ID] = s.Task.Deadlines
		require.NotEmpty(t, s.Task.Deadlines)
		all = append(all, j)
	}
	return all
}

// bring starts a case and waits until it stands before its manager.
func (r *rig) bring(t *testing.T, j *journey) kam.Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), toEnd)
	defer cancel()
	require.NoError(t, r.begin(ctx, j), r.logs())
	s, err := r.reach(ctx, j, kam.AwaitingConfirmation)
	require.NoError(t, err, r.logs())
	return s
}

// early and late are the stages of a case that goes smoothly, before its
// manager confirms and after.
var (
	early = []kam.Stage{kam.StageOpen, kam.StageIdentify, kam.StageDecide}
	late  = []kam.Stage{kam.StageAnalyze, kam.StageSegment, kam.StageValidate, kam.StageClassify, kam.StageHandOff}
)

// A strike is a fail point. Cases that wait for their manager come by a late
// one.
type strike struct {
	point string
	late  bool
}

func strikes() []strike {
	var all []strike
	for _, at := range []string{"before", "in-tx", "after-commit"} {
		all = append(all, strike{"act/" + at, true})
		for _, s := range early {
			all = append(all, strike{fmt.Sprintf("stage/%s/%s", s, at), false})
		}
		for _, s := range late {
			all = append(all, strike{fmt.Sprintf("stage/%s/%s", s, at), true})
		}
	}
	return all
}

const casesPerStrike = 2

// workerDies strikes at each point, in any order. Each strike has cases of its
// own, so that nobody has to wait for those that the last one delayed.
func (r *rig) workerDies(t *testing.T) {
	for round := range r.rounds {
		all := strikes()
		r.chance.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		waiting := map[strike][]*journey{}
		for _, s := range all {
			if s.late {
				waiting[s] = r.wait(t, casesPerStrike)
			}
		}
		for _, s := range all {
			point := fmt.Sprintf("%s:%d", s.point, 1+r.chance.IntN(casesPerStrike))
			r.replaceWorker(t, point)
			begin := time.Now()
			if s.late {
				r.drive(t.Context(), waiting[s]...)
			} else {
				r.release(t, casesPerStrike)
			}
			require.NoError(t, r.worker.struck(toStrike), "%s\n%s", point, r.logs())
			r.pointKills++
			t.Logf("round %d: killed at %s after %.1f s, %d cases under way", round+1, point, time.Since(begin).Seconds(), r.underWay.Load())
		}
		r.startWorker(t, "")
		for range 3 { // and wherever it is
			r.release(t, 3)
			r.moment()
			r.inFlight(t)
			r.replaceWorker(t, "")
		}
		r.await(t)
	}
}

// moment lets cases get on their way, and somewhere.
func (r *rig) moment() { time.Sleep(time.Duration(5+r.chance.IntN(60)) * time.Millisecond) }

// inFlight makes sure that a blow hits somebody.
func (r *rig) inFlight(t *testing.T) {
	t.Helper()
	n := r.underWay.Load()
	require.NotZero(t, n, "all cases had ended already")
	t.Logf("%d cases under way", n)
}

// postgresDies crashes the database while cases are on their way, and leaves
// it away for some seconds. Nobody else may end of it.
func (r *rig) postgresDies(t *testing.T) {
	for range r.rounds {
		r.release(t, 8)
		r.moment()
		r.inFlight(t)
		r.restartPostgres(t, time.Duration(500+r.chance.IntN(3000))*time.Millisecond)
		r.release(t, 2)
		r.await(t)
		require.True(t, r.worker.runs(), r.logs())
		require.True(t, r.temporal.runs(), r.logs())
	}
}

// temporalDies crashes Temporal while cases are on their way. Some are started
// while it is away: their first tries find nobody.
func (r *rig) temporalDies(t *testing.T) {
	for range r.rounds {
		r.release(t, 8)
		r.moment()
		r.inFlight(t)
		r.killTemporal()
		r.release(t, 2)
		time.Sleep(time.Duration(r.chance.IntN(2000)) * time.Millisecond)
		r.startTemporal(t)
		r.await(t)
		require.True(t, r.worker.runs(), r.logs())
	}
}

// loseDecision has a manager confirm, and kills the worker when that or a step
// after it is committed, Temporal at once after it, and the client. Temporal
// is back then, and knows nothing of the decision.
func (r *rig) loseDecision(t *testing.T, point string) (*journey, kam.Snapshot, kam.Act) {
	t.Helper()
	r.replaceWorker(t, point+":1")
	j := r.newJourney(t)
	s := r.bring(t, j)
	act := decide(s, s.Task.Assignees[0])

	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	told := make(chan error, 1)
	go func() {
		_, err := r.client.Act(ctx, j.no, act, nil)
		told <- err
	}()
	require.NoError(t, r.worker.struck(toStrike), r.logs())
	r.pointKills++
	r.killTemporal()
	giveUp()
	require.Error(t, <-told, "the client was told nothing")

	stored, err := r.db.Cases.Case(t.Context(), j.no)
	require.NoError(t, err)
	require.Equal(t, act.By, stored.ConfirmedBy, "the decision is stored")
	require.Greater(t, stored.Version, s.Version)
	r.startTemporal(t)
	require.Empty(t, r.accepted(t, j.no, act.DecisionID), "Temporal does not know it")
	return j, stored, act
}

// decisionAdopted: the reconciler of the next worker tells the workflow.
func (r *rig) decisionAdopted(t *testing.T, point string) {
	j, _, act := r.loseDecision(t, point)
	r.startWorker(t, "")
	r.finish(t, j)
	r.result(t, j)
	require.Empty(t, r.accepted(t, j.no, act.DecisionID), "nobody sent it again")
	require.NotZero(t, r.signals(t, j.no, kam.SignalRefresh))
}

// decisionRepeated: the client is run again, with the same act.
func (r *rig) decisionRepeated(t *testing.T) {
	j, stored, act := r.loseDecision(t, "act/after-commit")
	ctx, cancel := context.WithTimeout(t.Context(), toEnd)
	defer cancel()
	told := make(chan error, 1)
	go func() { told <- r.act(ctx, j, act) }()
	r.startWorker(t, "")
	require.NoError(t, <-told, r.logs())
	require.GreaterOrEqual(t, j.told[len(j.told)-1].snapshot.Version, stored.Version)
	r.finish(t, j)
}

// decisionStands: the manager above decides too, and comes second.
func (r *rig) decisionStands(t *testing.T) {
	j, stored, first := r.loseDecision(t, "act/after-commit")
	manager, err := r.db.Access.Person(t.Context(), first.By)
	require.NoError(t, err)
	second := first
	second.By, second.DecisionID = manager.ManagerID, service.NewDecisionID()
	ctx, cancel := context.WithTimeout(t.Context(), toEnd)
	defer cancel()
	told := make(chan error, 1)
	go func() { told <- r.act(ctx, j, second) }()
	r.startWorker(t, "")
	require.Equal(t, kam.AlreadyDecided, kam.CodeOf(<-told))
	r.finish(t, j)
	now, err := r.db.Cases.Case(t.Context(), j.no)
	require.NoError(t, err)
	require.Equal(t, stored.ConfirmedBy, now.ConfirmedBy)
}

// dyingTemporal is a client's way to Temporal on which the client ends: its
// number is allotted, and no workflow knows.
type dyingTemporal struct {
	sdk.Client
	die context.CancelFunc
}

func (d dyingTemporal) UpdateWithStartWorkflow(ctx context.Context, _ sdk.UpdateWithStartWorkflowOptions) (sdk.WorkflowUpdateHandle, error) {
	d.die()
	return nil, context.Cause(ctx)
}

// clientDies: the same request again is the same case.
func (r *rig) clientDies(t *testing.T) {
	j := r.newJourney(t)
	ctx, die := context.WithCancel(t.Context())
	dying := servicetest.New(r.db, dyingTemporal{r.sdk, die}, kam.TaskQueue)
	_, err := dying.Start(ctx, j.request)
	require.Error(t, err)

	no, ok, err := r.db.Cases.RequestByKey(t.Context(), j.request.Key)
	require.NoError(t, err)
	require.True(t, ok, "the number is allotted")
	view, err := r.db.Cases.View(t.Context(), no)
	require.NoError(t, err)
	require.False(t, view.Started)

	again, err := r.client.Start(t.Context(), j.request)
	require.NoError(t, err)
	require.Equal(t, no, again.CaseNo)
	require.False(t, again.Created)
	j.no = again.CaseNo
	j.told = append(j.told, answer{snapshot: again.Progress.Snapshot})
	r.finish(t, j)
}

// deadlinesUnchanged is AC43: cases that waited through all restarts go on,
// and their deadlines are what they were.
func (r *rig) deadlinesUnchanged(t *testing.T, waiting []*journey) {
	for _, j := range waiting {
		stored, err := r.db.Cases.Case(t.Context(), j.no)
		require.NoError(t, err)
		require.Equal(t, kam.AwaitingConfirmation, stored.State)
		require.Equal(t, j.deadlines[stored.Task.ID], stored.Task.Deadlines, "in PostgreSQL")

		v, err := r.sdk.QueryWorkflow(t.Context(), j.no.WorkflowID(), "", kam.QueryState)
		require.NoError(t, err)
		var known kam.Snapshot
		require.NoError(t, v.Get(&known))
		require.Equal(t, j.deadlines[stored.Task.ID], known.Task.Deadlines, "in the workflow")
		fires, ok := r.timer(t, j.no)
		require.True(t, ok, "a timer runs")
		require.WithinDuration(t, stored.Task.Deadlines[0].At, fires, time.Second)
	}
	r.drive(t.Context(), waiting...)
	r.await(t)
	r.sameDeadlines(t)
}
