package workflows_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/workflows"
)

func TestStartCase(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var first, again, other answer
	start := func(out *answer, id string, in onboarding.StartInput) {
		s.env.UpdateWorkflow(string(onboarding.ActStart), id, &testsuite.TestUpdateCallback{
			OnAccept: func() { out.accepted = true },
			OnReject: func(err error) { out.rejected = err },
			OnComplete: func(v any, err error) {
				out.done, out.err = true, err
				out.progress, _ = v.(onboarding.Progress)
			},
		}, in)
	}
	in := onboarding.StartInput{CaseNo: caseNo, RequestKey: "rk"}
	s.at(0, func() { start(&first, "start", in) })
	s.at(time.Minute, func() { start(&again, "start", in) })
	s.at(2*time.Minute, func() { start(&other, "start2", onboarding.StartInput{CaseNo: caseNo, RequestKey: "another"}) })
	s.sendAt(hour, "u1", confirm("decision-1", "boss"))

	require.Equal(t, onboarding.Completed, s.play().State)
	require.NoError(t, first.err)
	require.Equal(t, caseNo, first.progress.Snapshot.CaseNo)
	require.Equal(t, first.progress, again.progress)
	require.Equal(t, string(kam.IDReused), other.code())
	require.Equal(t, 1, count(s.b.calls, "OpenCase"))
	require.EqualValues(t, 1, s.b.times[onboarding.StageOpen][0].Seq)
}

// TestInputThatCannotBeRead fails the run for good: whoever starts it may have
// asked for retries.
func TestInputThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, in := range []any{"not an input", []int{1}, map[string]any{"case_no": 7}, map[string]any{"carried": []int{1}}, nil} {
		s := newScript(t)
		s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, in)
		var app *temporal.ApplicationError
		require.ErrorAs(t, s.env.GetWorkflowError(), &app)
		require.Equal(t, string(kam.Invalid), app.Type())
		require.True(t, app.NonRetryable())
		require.Empty(t, s.b.calls)
	}
}

func TestSameDecisionTwiceIsOne(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.facts.DetailComplete = false // the case stays open after the confirmation
	one := s.sendAt(hour, "decision-1/1", confirm("decision-1", "boss"))
	two := s.sendAt(2*hour, "decision-1/2", confirm("decision-1", "boss"))
	changed := confirm("decision-1", "boss")
	changed.Verdict, changed.ReasonCode, changed.Reason = onboarding.RejectIt, "OTHER", "no"
	three := s.sendAt(3*hour, "decision-1/3", changed)

	require.Equal(t, onboarding.Expired, s.play().State)
	require.NoError(t, one.err)
	require.NoError(t, two.err)
	require.Equal(t, one.progress.Snapshot, two.progress.Snapshot)
	require.Equal(t, 1, count(s.b.calls, "DecideConfirmation CONFIRM"))
	require.False(t, three.accepted)
	require.Equal(t, string(kam.IDReused), three.code())
	require.NotContains(t, s.b.calls, "DecideConfirmation REJECT")
}

func TestSameDecisionTwiceAtOnceIsOne(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var one, two answer
	s.at(hour, func() {
		s.send(&one, "decision-1/1", confirm("decision-1", "boss"))
		s.send(&two, "decision-1/2", confirm("decision-1", "boss"))
	})
	require.Equal(t, onboarding.Completed, s.play().State)
	require.NoError(t, one.err)
	require.NoError(t, two.err)
	require.True(t, two.done)
	require.Equal(t, 1, count(s.b.calls, "DecideConfirmation CONFIRM"))
}

func TestTwoManagersAtOnce(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var one, two answer
	no := onboarding.Act{DecisionID: "decision-2", Name: onboarding.ActDecideConfirmation, By: "chief", Verdict: onboarding.RejectIt, ExpectHash: "h1", ReasonCode: "OTHER", Reason: "no"}
	s.at(hour, func() {
		s.send(&one, "u1", confirm("decision-1", "boss"))
		s.send(&two, "u2", no)
	})
	require.Equal(t, onboarding.Completed, s.play().State)
	require.NoError(t, one.err)
	require.True(t, two.done || two.rejected != nil)
	require.Equal(t, string(kam.AlreadyDecided), two.code(), "the loser is told")
}

func TestStaleVoteNeverReachesAnActivity(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	old := confirm("decision-1", "boss")
	old.ExpectHash = "h0"
	stale := s.sendAt(hour, "u1", old)
	own := s.sendAt(2*hour, "u2", confirm("decision-2", "rep"))
	formless := s.sendAt(3*hour, "u3", onboarding.Act{DecisionID: "x", Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm})
	early := s.sendAt(4*hour, "u4", onboarding.Act{DecisionID: "decision-4", Name: onboarding.ActDecideEndorsement, By: "boss", Verdict: onboarding.Endorse})
	long := confirm("decision-5", "boss")
	long.Fields = []string{strings.Repeat("x", 40_000)}
	large := s.sendAt(5*hour, "u5", long)

	require.Equal(t, onboarding.Expired, s.play().State)
	for want, a := range map[kam.Code]*answer{kam.StaleRevision: stale, kam.Separation: own, kam.WrongState: early} {
		require.False(t, a.accepted)
		require.Equal(t, string(want), a.code())
	}
	require.Equal(t, string(kam.Invalid), formless.code())
	require.Equal(t, string(kam.Invalid), large.code())
	require.Equal(t, []string{"OpenCase", "Identify", "Decide", "DeadlinePassed", "DeadlinePassed", "DeadlinePassed"}, s.b.calls,
		"no act reached the casebook")
}

func TestRefusalCarriesTheCurrentHash(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	old := confirm("decision-1", "boss")
	old.ExpectHash = "h0"
	stale := s.sendAt(hour, "u1", old)
	s.play()
	require.Equal(t, "h1", detailOf(t, stale.rejected).Hash)
}

func TestSignalIsTheSameDecision(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.at(hour, func() {
		a := confirm("decision-1", "boss")
		s.env.SignalWorkflow(string(a.Name), a)
		s.env.SignalWorkflow(string(a.Name), a) // delivered twice
	})
	require.Equal(t, onboarding.Completed, s.play().State)
	require.Equal(t, 1, count(s.b.calls, "DecideConfirmation CONFIRM"))
}

func TestRefusedSignalIsRecordedAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.at(hour, func() {
		a := confirm("decision-1", "rep") // his own request
		s.env.SignalWorkflow(string(a.Name), a)
	})
	s.at(2*hour, func() { require.Equal(t, onboarding.AwaitingConfirmation, s.state().State) })
	s.at(3*hour, func() { // garbage, and one that no key can be found for
		s.env.SignalWorkflow(string(onboarding.ActDecideConfirmation), "not an act")
		s.env.SignalWorkflow(string(onboarding.ActDecideConfirmation), []int{1, 2})
		s.env.SignalWorkflow(string(onboarding.ActDecideConfirmation), onboarding.Act{By: "boss"})
		s.env.SignalWorkflow("Unheard", 1)
	})
	ok := s.sendAt(4*hour, "u1", confirm("decision-2", "boss"))
	require.Equal(t, onboarding.Completed, s.play().State)
	require.NoError(t, ok.err)
	require.Equal(t, 2, count(s.b.calls, "DecideConfirmation CONFIRM"), "the refused one ran and is on record")
}

func TestSignalBeforeTheCaseIsOpen(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.fails[onboarding.StageOpen] = repeat(fmt.Errorf("connection refused"), 10)
	s.at(0, func() {
		s.env.SignalWorkflow(string(onboarding.ActWithdraw), onboarding.Act{DecisionID: "decision-1", By: "rep"})
	})
	require.Equal(t, onboarding.Withdrawn, s.play().State, "it waited for the case, and was judged then")
	require.Equal(t, 1, count(s.b.calls, "Withdraw "))
}

func TestUpdateBeforeTheCaseIsOpen(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.fails[onboarding.StageOpen] = repeat(fmt.Errorf("connection refused"), 10)
	a := s.sendAt(time.Second, "u1", confirm("decision-1", "boss"))
	b := s.sendAt(hour, "u2", confirm("decision-1", "boss"))
	require.Equal(t, onboarding.Completed, s.play().State)
	require.Equal(t, string(kam.Unreachable), a.code(), "to be sent again, and nothing that stands against the act")
	require.NoError(t, b.err)
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	a := s.sendAt(hour, "u1", onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActWithdraw, By: "rep"})
	require.Equal(t, onboarding.Withdrawn, s.play().State)
	require.Equal(t, onboarding.Withdrawn, a.progress.Snapshot.State)
}

func TestDecisionThatTemporalDoesNotKnow(t *testing.T) {
	t.Parallel()
	t.Run("a later act adopts it", func(t *testing.T) {
		t.Parallel()
		s := newScript(t)
		s.b.facts.DetailComplete = false
		s.at(hour, func() { s.lost(confirm("decision-1", "boss")) })
		a := s.sendAt(2*hour, "u2", onboarding.Act{DecisionID: "decision-2", Name: onboarding.ActComment, By: "boss", Reason: "thanks"})
		own := s.sendAt(3*hour, "decision-1/2", confirm("decision-1", "boss"))
		require.Equal(t, onboarding.Expired, s.play().State)
		require.NoError(t, a.err)
		require.Equal(t, onboarding.AwaitingCompletion, a.progress.Snapshot.State)
		require.NoError(t, own.err, "sent again, it is answered, not refused as decided")
		require.EqualValues(t, "boss", own.progress.Snapshot.ConfirmedBy)
	})
	t.Run("a later act adopts it and is judged again", func(t *testing.T) {
		t.Parallel()
		s := newScript(t)
		s.b.fence = true
		s.at(hour, func() { s.lost(confirm("decision-1", "boss")) })
		a := s.sendAt(2*hour, "u2", confirm("decision-2", "chief"))
		require.Equal(t, onboarding.Completed, s.play().State)
		require.Equal(t, string(kam.AlreadyDecided), a.code())
		require.Equal(t, 2, count(s.b.calls, "DecideConfirmation CONFIRM"))
	})
	t.Run("sent again after the case moved on", func(t *testing.T) {
		t.Parallel()
		s := newScript(t)
		s.b.facts.DetailComplete = false
		s.at(hour, func() {
			s.lost(confirm("decision-1", "boss"))
			s.lost(onboarding.Act{DecisionID: "decision-2", Name: onboarding.ActComment, By: "boss", Reason: "thanks"})
		})
		a := s.sendAt(2*hour, "decision-1/2", confirm("decision-1", "boss"))
		require.Equal(t, onboarding.Expired, s.play().State)
		require.NoError(t, a.err)
		require.Equal(t, onboarding.AwaitingCompletion, a.progress.Snapshot.State)
	})
	t.Run("the same decision sent again is answered", func(t *testing.T) {
		t.Parallel()
		s := newScript(t)
		s.at(hour, func() { s.lost(confirm("decision-1", "boss")) })
		a := s.sendAt(2*hour, "decision-1/2", confirm("decision-1", "boss"))
		require.Equal(t, onboarding.Completed, s.play().State)
		require.NoError(t, a.err)
	})
	t.Run("a deadline finds it", func(t *testing.T) {
		t.Parallel()
		s := newScript(t)
		s.at(hour, func() { s.lost(confirm("decision-1", "boss")) })
		require.Equal(t, onboarding.Completed, s.play().State)
		require.Empty(t, s.b.at, "no reminder was recorded")
	})
	t.Run("Refresh cures it", func(t *testing.T) {
		t.Parallel()
		s := newScript(t)
		s.at(hour, func() {
			s.lost(confirm("decision-1", "boss"))
			s.env.SignalWorkflow(onboarding.SignalRefresh, nil)
			s.env.SignalWorkflow(onboarding.SignalRefresh, nil)
		})
		require.Equal(t, onboarding.Completed, s.play().State)
		require.Contains(t, s.b.calls, "ReadCase")
		require.Empty(t, s.b.at, "it did not wait for the deadline")
	})
}

// lost stores an act as a worker does that dies before it answers Temporal.
func (s *script) lost(a onboarding.Act) {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	_, err := s.b.apply(a, s.env.Now())
	require.NoError(s.t, err)
}

func TestStageThatOvertookTheWorkflow(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	// Analyze committed and its answer was lost; the workflow asks again with
	// the version it knows, and then numbers its next effect past the lost one.
	s.b.hook[onboarding.StageAnalyze] = func() {
		s.b.mu.Lock()
		defer s.b.mu.Unlock()
		if s.b.snap.State == onboarding.Analyzing {
			p, err := s.b.move(onboarding.EvAnalyzed, onboarding.StageAnalyze, "", s.b.snap.UpdatedAt)
			require.NoError(t, err)
			s.b.keys[p.Snapshot.Version+100] = stored{Progress: p}
		}
	}
	s.sendAt(hour, "u1", confirm("decision-1", "boss"))
	require.Equal(t, onboarding.Completed, s.play().State)
	require.NotContains(t, s.b.calls, "Park")
}

func TestVoteAroundTheDeadline(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-2 * time.Second, -time.Millisecond, 0, time.Millisecond, 2 * time.Second} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			s.b.snap = onboarding.Snapshot{CaseNo: caseNo, Type: kam.NewCase, Version: 7, MaterialHash: "h1", Requester: "rep"}
			s.b.enter(onboarding.AwaitingConfirmation, time.Now())
			s.b.snap.Task.Deadlines = []kam.Deadline{{Kind: kam.DueExpire, At: s.env.Now().Add(hour)}}
			a := s.sendAt(hour+off, "u1", confirm("decision-1", "boss"))
			out := s.playFrom(workflows.Input{StartInput: onboarding.StartInput{CaseNo: caseNo}, Carried: &workflows.Carried[onboarding.Snapshot]{Snapshot: s.b.snap}})

			told := a.done && a.err == nil
			require.Equal(t, told, out.State == onboarding.Completed, "told = stored")
			require.Equal(t, s.b.snap.State, out.State)
			if off < 0 {
				require.True(t, told)
			}
		})
	}
}

func TestVoteWhileTheExpiryIsStored(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var a answer
	s.b.hook[onboarding.StageElapse] = func() {
		s.b.hook[onboarding.StageElapse] = nil
		s.env.UpdateWorkflow(string(onboarding.ActDecideConfirmation), "u1", &testsuite.TestUpdateCallback{
			OnAccept:   func() { a.accepted = true },
			OnReject:   func(err error) { a.rejected = err },
			OnComplete: func(_ any, err error) { a.done, a.err = true, err },
		}, signedtest.Act(caseNo, confirm("decision-1", "boss"), s.env.Now()))
		time.Sleep(50 * time.Millisecond) // let the vote queue for the lock
	}
	s.b.snap = onboarding.Snapshot{CaseNo: caseNo, Type: kam.NewCase, Version: 7, MaterialHash: "h1", Requester: "rep"}
	s.b.enter(onboarding.AwaitingConfirmation, time.Now())
	s.b.snap.Task.Deadlines = []kam.Deadline{{Kind: kam.DueExpire, At: s.env.Now().Add(hour)}}
	out := s.playFrom(workflows.Input{StartInput: onboarding.StartInput{CaseNo: caseNo}, Carried: &workflows.Carried[onboarding.Snapshot]{Snapshot: s.b.snap}})
	require.Equal(t, onboarding.Expired, out.State)
	require.True(t, a.accepted && a.done, "validated before the expiry, judged after it, answered before the end")
	require.Equal(t, string(kam.AlreadyDecided), a.code())
}

func TestOutageDuringAVote(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.fails[onboarding.StageAct] = []error{wire(kam.Errorf(kam.Fault, "constraint"))}
	a := s.sendAt(hour, "d/1", confirm("decision-1", "boss"))
	b := s.sendAt(2*hour, "d/2", confirm("decision-1", "boss"))
	require.Equal(t, onboarding.Completed, s.play().State)
	require.Equal(t, string(kam.Fault), a.code())
	require.NoError(t, b.err, "a fault is not a decision")
}

func TestFloodOfActsContinuesInANewRun(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	for i := range 501 {
		id := fmt.Sprintf("decision-%d", i)
		s.at(time.Duration(i+1)*time.Second, func() {
			s.send(&answer{}, id, onboarding.Act{DecisionID: id, Name: onboarding.ActComment, By: "boss", Reason: "again"})
		})
	}
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, onboarding.StartInput{CaseNo: caseNo})
	require.ErrorContains(t, s.env.GetWorkflowError(), "continue as new")
}

// TestRefusedSignalsTakeNobodysTurn: more signals are refused than a run takes
// acts, all before the case looks; the honest decision behind them counts.
func TestRefusedSignalsTakeNobodysTurn(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	flood := func(from, n int) {
		for i := range n {
			a := confirm(fmt.Sprintf("refused-%d", from+i), "rep") // his own request
			s.env.SignalWorkflow(string(a.Name), a)
		}
	}
	s.at(hour, func() { flood(0, 499) })
	s.at(2*hour, func() {
		flood(499, 900)
		a := confirm("decision-1", "boss")
		s.env.SignalWorkflow(string(a.Name), a)
	})
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, onboarding.StartInput{CaseNo: caseNo})
	require.ErrorContains(t, s.env.GetWorkflowError(), "continue as new")
	require.Equal(t, "boss", string(s.b.snap.ConfirmedBy))
}

// TestDigestCoversTheWholeAct fails when onboarding.Act gains a field that the digest
// leaves out.
func TestDigestCoversTheWholeAct(t *testing.T) {
	t.Parallel()
	fields := reflect.TypeOf(onboarding.Act{})
	for i := range fields.NumField() {
		var a onboarding.Act
		f := reflect.ValueOf(&a).Elem().Field(i)
		switch f.Kind() {
		case reflect.Int:
			f.SetInt(7)
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"x"}))
		default:
			f.SetString("x")
		}
		covered := workflows.DigestOf(a) != workflows.DigestOf(onboarding.Act{})
		require.Equal(t, !slices.Contains([]string{"DecisionID", "Signed", "OnBehalfOf"}, fields.Field(i).Name), covered, fields.Field(i).Name)
	}
	require.Equal(t, "b7aedd19d677e71d6450973aee7dce0c", workflows.DigestOf(confirm("decision-1", "boss"))[:32], "digests are in open cases: the form must not change")
}

// TestMessageLargerThanAnAct: what stands in a message beside the act would be
// kept in the history too.
func TestMessageLargerThanAnAct(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	padded := map[string]any{"decision_id": "decision-1", "by": "boss", "reason": "see there", "attachment": strings.Repeat("x", 64<<10)}
	comment := &answer{}
	s.at(hour, func() {
		comments := onboarding.Act{Name: onboarding.ActComment, DecisionID: "decision-1", By: "boss", Reason: "see there"}
		padded["signed"] = signedtest.Act(caseNo, comments, s.env.Now()).Signed
		s.env.UpdateWorkflow(string(onboarding.ActComment), "u1", &testsuite.TestUpdateCallback{
			OnAccept:   func() { comment.accepted = true },
			OnReject:   func(err error) { comment.rejected = err },
			OnComplete: func(any, error) {},
		}, padded)
		s.env.SignalWorkflow(string(onboarding.ActWithdraw), padded)
	})
	require.Equal(t, onboarding.Expired, s.play().State)
	require.False(t, comment.accepted)
	require.Equal(t, string(kam.Invalid), comment.code())
	require.NotContains(t, s.b.calls, "Comment ")
	require.NotContains(t, s.b.calls, "Withdraw ")
}

// TestLongCommentsAreNotAllCarried: a new run takes an input of 2 MiB at most,
// and 500 comments may have more text.
func TestLongCommentsAreNotAllCarried(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	for i := range 501 {
		id := fmt.Sprintf("decision-%d", i)
		s.at(time.Duration(i+1)*time.Second, func() {
			s.send(&answer{}, id, onboarding.Act{DecisionID: id, Name: onboarding.ActComment, By: "boss", Reason: strings.Repeat("<", onboarding.MaxReason)})
		})
	}
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, onboarding.StartInput{CaseNo: caseNo})
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, s.env.GetWorkflowError(), &next)
	require.Less(t, next.Input.Size(), 3<<19)
	var in workflows.Input
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	require.Greater(t, len(in.Carried.Timeline), 20, "the newest are carried")
	require.EqualValues(t, in.Carried.Snapshot.Version, in.Carried.Timeline[len(in.Carried.Timeline)-1].Seq)
}
