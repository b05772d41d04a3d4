package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/workflows"
)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

func TestConfirmedCaseCompletes(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	a := s.sendAt(hour, "u1", confirm("decision-1", "boss"))
	s.at(time.Minute, func() { require.Equal(t, onboarding.AwaitingConfirmation, s.state().State) })

	out := s.play()
	require.Equal(t, onboarding.Completed, out.State)
	require.Equal(t, onboarding.AddedKA, out.Outcome)
	require.NoError(t, a.err)
	require.EqualValues(t, "boss", a.progress.Snapshot.ConfirmedBy)
	require.Equal(t, onboarding.Analyzing, a.progress.Snapshot.State, "the answer is what was committed")
	require.Equal(t, []string{"OpenCase", "Identify", "Decide", "DecideConfirmation CONFIRM", "Analyze", "Segment", "Validate", "Classify", "HandOff"}, s.b.calls)
}

func TestEndorsedCaseCompletes(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.facts.NeedsEndorsement = true
	s.sendAt(hour, "u1", confirm("decision-1", "boss"))
	a := s.sendAt(2*hour, "u2", onboarding.Act{DecisionID: "decision-2", Name: onboarding.ActDecideEndorsement, By: "head", Verdict: onboarding.Endorse})
	require.Equal(t, onboarding.Completed, s.play().State)
	require.NoError(t, a.err)
}

func TestRulesReject(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.facts.Recommendation = kam.Reject
	require.Equal(t, onboarding.Rejected, s.play().State)
	require.Equal(t, []string{"OpenCase", "Identify", "Decide"}, s.b.calls)
}

func TestSentBackTwiceThenConfirmed(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.sendAt(1*hour, "u1", sendBack("decision-1"))
	s.sendAt(2*hour, "u2", submit("decision-2", "h1"))
	s.sendAt(3*hour, "u3", sendBack("decision-3"))
	s.sendAt(4*hour, "u4", submit("decision-4", "h1"))
	s.sendAt(5*hour, "u5", confirm("decision-5", "boss"))
	out := s.play()
	require.Equal(t, onboarding.Completed, out.State)
	require.Equal(t, 2, out.Rounds)
	require.Equal(t, 3, count(s.b.calls, "Decide"))
}

func TestDuplicateReviewWaitsForAPerson(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.facts.Match = kam.MatchProbable
	s.b.facts.ScreeningComplete = false
	s.sendAt(hour, "u1", onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActResolveDuplicate, By: "rep", Verdict: onboarding.UseExisting, CustomerNo: "C-1"})
	require.Equal(t, onboarding.Merged, s.play().State)
}

func TestSilenceExpires(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	out := s.play()
	require.Equal(t, onboarding.Expired, out.State, "silence never confirms")
	require.Equal(t, []string{"OpenCase", "Identify", "Decide", "DeadlinePassed", "DeadlinePassed", "DeadlinePassed"}, s.b.calls)

	opened := s.b.times[onboarding.StageDecide][0].Now
	for kind, after := range map[string]time.Duration{"REMIND": day, "ESCALATE": 2 * day, "EXPIRE": 30 * day} {
		require.WithinDuration(t, opened.Add(after), s.b.at[kind], time.Minute, kind)
	}
}

func TestEndorsementLapses(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.facts.NeedsEndorsement = true
	s.sendAt(hour, "u1", confirm("decision-1", "boss"))
	require.Equal(t, onboarding.Completed, s.play().State, "the customer is committed: a lapse ends the wait, not the case")
	require.Contains(t, s.b.at, "LAPSE")
}

func TestDeadlinesLongPastElapseAtOnce(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	in := workflows.Input{StartInput: onboarding.StartInput{CaseNo: caseNo, RequestKey: "rk"}, Carried: &workflows.Carried[onboarding.Snapshot]{}}
	s.b.snap = onboarding.Snapshot{CaseNo: caseNo, Type: kam.NewCase, Version: 7, MaterialHash: "h1"}
	s.b.enter(onboarding.AwaitingConfirmation, time.Now().Add(-60*day))
	in.Carried.Snapshot = s.b.snap
	require.Equal(t, onboarding.Expired, s.playFrom(in).State)
	require.Len(t, s.b.calls, 3)
}

func TestOneTimerAtATime(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	started, fired, stopped := 0, 0, 0
	s.env.SetOnTimerScheduledListener(func(string, time.Duration) { started++ })
	s.env.SetOnTimerFiredListener(func(string) { fired++ })
	s.env.SetOnTimerCanceledListener(func(string) { stopped++ })
	s.sendAt(hour, "u1", onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActComment, By: "boss", Reason: "on my desk"})
	s.sendAt(2*hour, "u2", sendBack("decision-2"))
	s.sendAt(3*hour, "u3", submit("decision-3", "h1"))
	s.sendAt(4*hour, "u4", confirm("decision-4", "boss"))
	require.Equal(t, onboarding.Completed, s.play().State)
	require.Equal(t, 3, started, "one for each wait; a comment leaves it alone")
	require.Equal(t, 2, stopped, "before the next one starts; the end of the case stops the last")
	require.Zero(t, fired)
}

func TestFaultParksAndRetryResumes(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.fails[onboarding.StageSegment] = []error{wire(kam.Errorf(kam.Fault, "policy cannot be read"))}
	s.sendAt(hour, "u1", confirm("decision-1", "boss"))
	s.at(2*hour, func() {
		got := s.state()
		require.Equal(t, onboarding.NeedsIntervention, got.State)
		require.Equal(t, onboarding.Segmenting, got.ResumeState)
		require.Equal(t, "1.3 Segment Customers: policy cannot be read", got.Headline)
	})
	s.sendAt(3*hour, "u2", onboarding.Act{DecisionID: "decision-2", Name: onboarding.ActRetry, By: "op"})
	require.Equal(t, onboarding.Completed, s.play().State)
	require.Equal(t, 2, count(s.b.calls, "Segment"))
}

func TestOutageIsRetriedAndThenParks(t *testing.T) {
	t.Parallel()
	t.Run("short", func(t *testing.T) {
		t.Parallel()
		s := newScript(t)
		s.b.fails[onboarding.StageAnalyze] = repeat(errors.New("connection refused"), 9)
		s.sendAt(hour, "u1", confirm("decision-1", "boss"))
		require.Equal(t, onboarding.Completed, s.play().State)
		require.NotContains(t, s.b.calls, "Park")
		require.Equal(t, 10, count(s.b.calls, "Analyze"))
		for _, in := range s.b.times[onboarding.StageAnalyze] {
			require.Equal(t, s.b.times[onboarding.StageAnalyze][0], in, "the same attempt has the same key and the same time")
		}
	})
	t.Run("longer than a day", func(t *testing.T) {
		t.Parallel()
		s := newScript(t)
		s.b.fails[onboarding.StageAnalyze] = repeat(errors.New("connection refused"), 1000)
		s.sendAt(hour, "u1", confirm("decision-1", "boss"))
		s.at(30*hour, func() {
			require.Equal(t, onboarding.NeedsIntervention, s.state().State)
			s.b.fails[onboarding.StageAnalyze] = nil
		})
		s.sendAt(31*hour, "u2", onboarding.Act{DecisionID: "decision-2", Name: onboarding.ActRetry, By: "op"})
		require.Equal(t, onboarding.Completed, s.play().State)
	})
	t.Run("parking fails too", func(t *testing.T) {
		t.Parallel()
		s := newScript(t)
		s.b.fails[onboarding.StageAnalyze] = repeat(wire(kam.Errorf(kam.Fault, "bad")), 2)
		s.b.fails[onboarding.StagePark] = repeat(wire(kam.Errorf(kam.Fault, "bad")), 2)
		s.sendAt(hour, "u1", confirm("decision-1", "boss"))
		require.Equal(t, onboarding.Completed, s.play().State, "the stage is tried again after a pause")
	})
}

func TestDeadlineThatCannotBeRecordedStopsNobody(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.fails[onboarding.StageElapse] = repeat(wire(kam.Errorf(kam.Fault, "no calendar")), 3)
	a := s.sendAt(40*hour, "u1", confirm("decision-1", "boss"))
	require.Equal(t, onboarding.Completed, s.play().State)
	require.NoError(t, a.err)
	require.Equal(t, 4, count(s.b.calls, "DeadlinePassed"))
}

func TestNumberThatMovedNothingIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.idle[onboarding.StageElapse] = 1
	require.Equal(t, onboarding.Expired, s.play().State)
	require.Equal(t, 4, count(s.b.calls, "DeadlinePassed"), "the reminder was tried again, under a number of its own")
	seen := map[int64]bool{}
	for _, in := range s.b.times[onboarding.StageElapse] {
		require.False(t, seen[in.Seq])
		require.False(t, in.Now.Before(in.Due.At))
		seen[in.Seq] = true
	}
}

func TestCaseThatDoesNotExistFailsOnce(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.fails[onboarding.StageOpen] = []error{wire(kam.Errorf(kam.NotFound, "no such case"))}
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, onboarding.StartInput{CaseNo: caseNo})
	var app *temporal.ApplicationError
	require.ErrorAs(t, s.env.GetWorkflowError(), &app)
	require.Equal(t, string(kam.NotFound), app.Type())
	require.Len(t, s.b.calls, 1)
}

func TestOpeningIsTriedUntilItWorks(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.fails[onboarding.StageOpen] = append(repeat(errors.New("connection refused"), 300), wire(kam.Errorf(kam.Fault, "half migrated")))
	s.b.facts.Recommendation = kam.Reject
	require.Equal(t, onboarding.Rejected, s.play().State)
}

func TestCancelRequestIsNotObeyed(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.at(hour, func() { s.env.CancelWorkflow() })
	a := s.sendAt(2*hour, "u1", confirm("decision-1", "boss"))
	require.Equal(t, onboarding.Completed, s.play().State)
	require.NoError(t, a.err)
}

func TestContinueAsNewCarriesEverything(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	act := onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActComment, By: "boss", Reason: "on my desk"}
	s.sendAt(hour, "u1", act)
	s.at(2*hour, func() { s.env.SetContinueAsNewSuggested(true); s.env.SignalWorkflow(onboarding.SignalRefresh, nil) })
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, workflows.Input{StartInput: onboarding.StartInput{CaseNo: caseNo, RequestKey: "rk"}})

	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, s.env.GetWorkflowError(), &next)
	in := continued(t, next)
	require.Equal(t, onboarding.StartInput{CaseNo: caseNo, RequestKey: "rk"}, in.StartInput)
	require.Equal(t, onboarding.AwaitingConfirmation, in.Carried.Snapshot.State)
	require.Len(t, in.Carried.Applied, 1)
	require.NotEmpty(t, in.Carried.Applied[0].Digest)
	require.Len(t, in.Carried.Timeline, 4)
	require.Len(t, in.Carried.Records, 1)
	require.Equal(t, 1, in.Carried.Runs)

	// The next run knows the decision, keeps the deadline and opens nothing.
	s2 := newScript(t)
	s2.b.snap, s2.b.keys = s.b.snap, s.b.keys
	again := s2.sendAt(time.Minute, "u1", act)
	other := act
	other.Reason = "something else"
	reused := s2.sendAt(2*time.Minute, "u2", other)
	out := s2.playFrom(in)
	require.Equal(t, onboarding.Expired, out.State)
	require.True(t, again.done)
	require.NoError(t, again.err)
	require.Equal(t, string(kam.IDReused), reused.code())
	require.Equal(t, []string{"DeadlinePassed", "DeadlinePassed", "DeadlinePassed"}, s2.b.calls)
	require.WithinDuration(t, in.Carried.Snapshot.Task.OpenedAt.Add(day), s2.b.at["REMIND"], time.Minute)
}

func continued(t *testing.T, next *workflow.ContinueAsNewError) workflows.Input {
	t.Helper()
	var in workflows.Input
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	return in
}

func repeat(err error, n int) []error {
	list := make([]error, n)
	for i := range list {
		list[i] = err
	}
	return list
}
