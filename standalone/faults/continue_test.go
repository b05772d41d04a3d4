package faults

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	sdk "go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/internal/mutations"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
)

// shortRuns is a worker whose runs take 120 acts instead of 500, so that a
// test comes by several ends of a run. Such code exists in this test only.
var shortRuns = mutations.Edit{
	Name: "short-runs",
	Changes: []mutations.Change{
		{File: "workflows/desk.go", Old: "const maxActsPerRun = 500", New: "const maxActsPerRun = 120"},
		{File: "workflows/desk.go", Old: "maxActsAtAll = 2 * maxActsPerRun", New: "maxActsAtAll = 1000"},
	},
}

// The 500 acts of the flood.
const (
	comments       = 300 // by update
	ownVotes       = 100 // by signal: the requester may not confirm his request
	lateVotes      = 60  // by update: for a version of the request that is no more
	repeatedVotes  = 20  // by update: a vote that was counted before the flood
	repeatedSignal = 20  // the same by signal
)

// TestContinueAsNewLosesNothing floods one case with acts, so that it goes on
// in new runs while they arrive. What each sender was told is stored once,
// the deadline stays, and a decision from before is still known.
func TestContinueAsNewLosesNothing(t *testing.T) {
	dir := t.TempDir()
	short := buildWorker(t, dir, "short", &shortRuns)
	r := openWith(t, func(r *rig) { r.run(t, short, true) })
	w := &roll{rig: r, at: map[*journey]onboarding.State{}}
	ctx, cancel := context.WithTimeout(t.Context(), toEnd)
	defer cancel()

	// The case has been sent back once, so there is a vote that counts.
	j := w.newJourneyOf(t, false)
	w.at[j] = onboarding.ChangesRequested
	require.NoError(t, w.begin(ctx, j))
	sentBack := w.voteOn(ctx, t, j)
	require.NoError(t, w.until(ctx, j, func(s onboarding.Snapshot) bool { return s.State == onboarding.AwaitingConfirmation && s.Rounds == 1 }))
	before, err := w.db.Cases.Case(ctx, j.no)
	require.NoError(t, err)
	next, ok := before.Task.Next()
	require.True(t, ok)

	begin := time.Now()
	f := w.flood(ctx, t, j, before, sentBack)
	took := time.Since(begin)
	// Signals have no answer: they are done when the workflow has read them.
	require.Eventually(t, func() bool { return w.refused(t, j, f.own) == ownVotes }, time.Minute, 200*time.Millisecond, "signals were lost: %d of %d are on record", w.refused(t, j, f.own), ownVotes)
	runs := w.runs(t, j.no)
	t.Logf("%d acts in %.1f s, over %d runs of %v events", comments+ownVotes+lateVotes+repeatedVotes+repeatedSignal, took.Seconds(), len(runs), runs)
	require.GreaterOrEqual(t, len(runs), 3, "two times continued at least")
	require.Less(t, took, time.Minute)

	w.floodIsStored(t, j, f, before, sentBack)

	// The workflow knows the same as PostgreSQL.
	after, err := w.db.Cases.Case(ctx, j.no)
	require.NoError(t, err)
	answer, err := w.sdk.QueryWorkflow(ctx, j.no.WorkflowID(), "", onboarding.QueryState)
	require.NoError(t, err)
	var known onboarding.Snapshot
	require.NoError(t, answer.Get(&known))
	require.JSONEq(t, text(t, after), text(t, known))
	require.Equal(t, before.Task, after.Task, "the task and its deadlines are the same")
	require.Equal(t, before.Version+comments, after.Version, "only comments have an effect, and each has one")
	fires, ok := w.timer(t, j.no)
	require.True(t, ok, "one timer runs")
	require.WithinDuration(t, next.At, fires, 2*time.Second, "at the deadline, in the last run too")

	// A decision from before is the same decision, in this run too.
	again, err := w.sdk.UpdateWorkflow(ctx, sdk.UpdateWorkflowOptions{
		// Under an id that the server does not know, so that the case answers.
		UpdateID: sentBack.DecisionID + "/after", WorkflowID: j.no.WorkflowID(), UpdateName: string(sentBack.Name), Args: []any{sentBack},
		WaitForStage: sdk.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	var p onboarding.Progress
	require.NoError(t, again.Get(ctx, &p))
	require.JSONEq(t, text(t, after), text(t, p.Snapshot))
	other := sentBack
	other.Reason = "Something else."
	_, err = w.client.Act(ctx, j.no, other, nil)
	require.Equal(t, kam.IDReused, kam.CodeOf(err), "%v", err)

	require.NoError(t, w.until(ctx, j, ended))
	w.noneLostNoneDoubled(t)
	w.chainsVerify(t)
	w.toldIsStored(t)
	stored, err := w.db.Cases.Case(ctx, j.no)
	require.NoError(t, err)
	require.JSONEq(t, text(t, stored), text(t, w.result(t, j)))
	require.Empty(t, w.logged(t, "TMPRL1100"))
	require.Empty(t, w.logged(t, "signal dropped"))
}

// voteOn sends the case back, and returns the vote.
func (w *roll) voteOn(ctx context.Context, t *testing.T, j *journey) onboarding.Act {
	t.Helper()
	require.NoError(t, w.until(ctx, j, func(s onboarding.Snapshot) bool { return s.State == onboarding.AwaitingConfirmation }))
	s, err := w.db.Cases.Case(ctx, j.no)
	require.NoError(t, err)
	act, _, ok := w.turn(j, s)
	require.True(t, ok)
	require.Equal(t, onboarding.SendBack, act.Verdict)
	require.NoError(t, w.send(ctx, j, act, nil))
	return act
}

// A flood is what was sent, by decision id.
type flood struct {
	comments, own, late []string
}

// flood sends all acts at once, thirty senders at a time, in a fixed mixture.
func (w *roll) flood(ctx context.Context, t *testing.T, j *journey, s onboarding.Snapshot, vote onboarding.Act) flood {
	t.Helper()
	var f flood
	var acts []func() error
	id := func(list *[]string, what string, i int) string {
		d := uuid.NewSHA1(space, fmt.Appendf(nil, "%s/%s/%d", j.no, what, i)).String()
		*list = append(*list, d)
		return d
	}
	for i := range comments {
		act := onboarding.Act{Name: onboarding.ActComment, By: s.Requester, Reason: fmt.Sprintf("Remark %d.", i), DecisionID: id(&f.comments, "comment", i)}
		acts = append(acts, func() error { return w.send(ctx, j, act, nil) })
	}
	for i := range ownVotes {
		act := onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm, By: s.Requester, ExpectHash: s.MaterialHash, DecisionID: id(&f.own, "own", i)}
		acts = append(acts, func() error {
			// Twice now and then, as a client does that had no answer.
			for range sentTimes(i) {
				if err := w.sdk.SignalWorkflow(ctx, j.no.WorkflowID(), "", string(act.Name), signedtest.Act(j.no, act, time.Now())); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for i := range lateVotes {
		act := onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm, By: s.Task.Assignees[0], ExpectHash: "an older one", DecisionID: id(&f.late, "late", i)}
		acts = append(acts, func() error {
			err := w.send(ctx, j, act, nil)
			if kam.CodeOf(err) != kam.StaleRevision {
				return fmt.Errorf("a vote on an older version: %w", err)
			}
			return nil
		})
	}
	for range repeatedVotes {
		acts = append(acts, func() error {
			// In the run that counted it the server has the first answer; later
			// runs answer with the case as it stands.
			p, err := w.client.Act(ctx, j.no, vote, nil)
			if s := p.Snapshot; err == nil && s.State != onboarding.AwaitingConfirmation && s.LastDecision != vote.DecisionID {
				err = fmt.Errorf("a vote that was counted before led to %s", s.State)
			}
			return err
		})
	}
	for range repeatedSignal {
		acts = append(acts, func() error {
			return w.sdk.SignalWorkflow(ctx, j.no.WorkflowID(), "", string(vote.Name), vote)
		})
	}
	w.chance.Shuffle(len(acts), func(i, k int) { acts[i], acts[k] = acts[k], acts[i] })

	slots := make(chan struct{}, 30)
	errs := make(chan error, len(acts))
	var crew sync.WaitGroup
	for _, do := range acts {
		slots <- struct{}{}
		crew.Go(func() {
			defer func() { <-slots }()
			errs <- do()
		})
	}
	crew.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err, w.logs())
	}
	return f
}

// sentTimes is how often the i-th vote by signal is sent: every fifth twice.
func sentTimes(i int) int { return 1 + i%5/4 }

// refused counts the votes by signal whose refusals are on record, each as often
// as it was sent.
func (w *roll) refused(t *testing.T, j *journey, ids []string) int {
	t.Helper()
	lines := w.byDecision(t, j)
	n := 0
	for i, id := range ids {
		n += min(1, len(lines[id])/sentTimes(i))
	}
	return n
}

func (w *roll) byDecision(t *testing.T, j *journey) map[string][]kam.EventType {
	t.Helper()
	events, err := w.db.Cases.Events(t.Context(), j.no)
	require.NoError(t, err)
	lines := map[string][]kam.EventType{}
	for _, e := range events {
		lines[e.DecisionID] = append(lines[e.DecisionID], e.Type)
	}
	return lines
}

// floodIsStored: each comment once, each refusal as often as it was sent by
// signal, the vote of before not again.
func (w *roll) floodIsStored(t *testing.T, j *journey, f flood, before onboarding.Snapshot, vote onboarding.Act) {
	t.Helper()
	lines := w.byDecision(t, j)
	for _, id := range f.comments {
		require.Equal(t, []kam.EventType{kam.EventCommented}, lines[id], "a comment was lost or doubled")
	}
	for i, id := range f.own {
		require.Equal(t, slices.Repeat([]kam.EventType{kam.EventDecisionRefused}, sentTimes(i)), lines[id], "a refusal was lost or doubled")
	}
	for _, id := range f.late {
		require.Equal(t, []kam.EventType{kam.EventDecisionRefused}, lines[id], "a refusal was lost or doubled")
	}
	require.Equal(t, []kam.EventType{kam.EventSentBack, kam.EventTaskOpened}, lines[vote.DecisionID], "the vote of before was counted again")
	for _, a := range j.told {
		if a.act == onboarding.ActComment {
			require.Greater(t, a.snapshot.Version, before.Version)
		}
	}
}

// runs are the lengths of the histories of a case, the first run first.
func (w *roll) runs(t *testing.T, no kam.CaseNo) []int {
	t.Helper()
	var lengths []int
	for id := ""; ; {
		var first *history.WorkflowExecutionStartedEventAttributes
		n := 0
		it := w.sdk.GetWorkflowHistory(t.Context(), no.WorkflowID(), id, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for it.HasNext() {
			e, err := it.Next()
			require.NoError(t, err)
			if n++; n == 1 {
				first = e.GetWorkflowExecutionStartedEventAttributes()
			}
		}
		lengths = append([]int{n}, lengths...)
		if id = first.GetContinuedExecutionRunId(); id == "" {
			return lengths
		}
	}
}
