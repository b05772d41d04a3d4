package workflows_test

import (
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/workflows"
)

// TestContinueAsNewForgetsNoField takes a case with something in every field,
// at any depth, into a new run, and looks at what the next run is given. A
// field that does not travel fails it, now or when it is added.
func TestContinueAsNewForgetsNoField(t *testing.T) {
	t.Parallel()
	var in workflows.Input
	n := 0
	workflows.Fill(reflect.ValueOf(&in).Elem(), &n)
	in.Carried.Snapshot.State = onboarding.AwaitingConfirmation
	in.CaseNo, in.Carried.Snapshot.CaseNo = caseNo, caseNo
	require.Empty(t, workflows.Zeroes("Input", reflect.ValueOf(&in).Elem()))

	s := newScript(t)
	s.env.SetContinueAsNewSuggested(true)
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, in)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, s.env.GetWorkflowError(), &next)
	require.Equal(t, onboarding.WorkflowOnboarding, next.WorkflowType.Name)
	got := continued(t, next)
	require.Empty(t, workflows.Zeroes("Input", reflect.ValueOf(&got).Elem()))
	in.Carried.Runs++
	require.Equal(t, in, got)
	require.Empty(t, s.b.calls, "a new run is nothing that happens to the case")
}

// TestContinueAsNewReadsWhatIsQueued: what arrives while a run comes to its
// end is taken in this run, and whoever sent it has his answer.
func TestContinueAsNewReadsWhatIsQueued(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var answers [5]answer
	arrive := func() {
		s.b.hook[onboarding.StageAct] = nil
		s.env.SetContinueAsNewSuggested(true)
		for i := range answers {
			vote := confirm(fmt.Sprintf("vote-%d", i), "rep") // his own request: refused, and on record
			s.env.SignalWorkflow(string(vote.Name), vote)
			id := fmt.Sprintf("comment-%d", i)
			s.send(&answers[i], id, onboarding.Act{DecisionID: id, Name: onboarding.ActComment, By: "boss", Reason: "on my desk"})
		}
	}
	s.at(hour, func() { s.b.hook[onboarding.StageAct] = arrive }) // while the next act is being stored
	s.sendAt(2*hour, "u1", onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActComment, By: "boss", Reason: "on my desk"})
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, onboarding.StartInput{CaseNo: caseNo, RequestKey: "rk"})
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, s.env.GetWorkflowError(), &next)
	in := continued(t, next)

	require.Equal(t, len(answers), count(s.b.calls, "DecideConfirmation CONFIRM"), "every signal was read")
	applied := map[string]bool{}
	for _, a := range in.Carried.Applied {
		applied[a.DecisionID] = a.Digest != ""
	}
	for i := range answers {
		require.True(t, answers[i].done, "comment %d has no answer", i)
		require.NoError(t, answers[i].err)
		require.True(t, applied[fmt.Sprintf("comment-%d", i)])
		require.NotContains(t, applied, fmt.Sprintf("vote-%d", i), "a refusal is no decision")
	}
	require.Equal(t, s.b.snap.Task.Deadlines, in.Carried.Snapshot.Task.Deadlines)
	require.Equal(t, s.b.snap.Version, in.Carried.Snapshot.Version)
}

// TestSignalThatEndsARunIsRead: the server says that the history is long with
// the task that a signal brings about. The signal is in the hands of its
// reader then, no longer in its channel, and must be recorded all the same.
func TestSignalThatEndsARunIsRead(t *testing.T) {
	t.Parallel()
	text, err := os.Open("testdata/history/v0.1.0/16_waiting_for_manager.json")
	require.NoError(t, err)
	defer func() { require.NoError(t, text.Close()) }()
	past, err := client.HistoryFromJSON(text, client.HistoryJSONOptions{})
	require.NoError(t, err)
	input, err := converter.GetDefaultDataConverter().ToPayloads(confirm("vote-1", "rep"))
	require.NoError(t, err)

	last := past.Events[len(past.Events)-1]
	add := func(typ enums.EventType, e *history.HistoryEvent) {
		e.EventId, e.EventType, e.EventTime = past.Events[len(past.Events)-1].EventId+1, typ, last.EventTime
		past.Events = append(past.Events, e)
	}
	add(enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, &history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
		WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{SignalName: string(onboarding.ActDecideConfirmation), Input: input},
	}})
	add(enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, &history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowTaskScheduledEventAttributes{
		WorkflowTaskScheduledEventAttributes: &history.WorkflowTaskScheduledEventAttributes{},
	}})
	add(enums.EVENT_TYPE_WORKFLOW_TASK_STARTED, &history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowTaskStartedEventAttributes{
		WorkflowTaskStartedEventAttributes: &history.WorkflowTaskStartedEventAttributes{ScheduledEventId: last.EventId + 2, SuggestContinueAsNew: true},
	}})
	add(enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, &history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowTaskCompletedEventAttributes{
		WorkflowTaskCompletedEventAttributes: &history.WorkflowTaskCompletedEventAttributes{ScheduledEventId: last.EventId + 2, StartedEventId: last.EventId + 3},
	}})
	// The vote is recorded, and then the run ends.
	recorded := proto.CloneOf(past.Events[8])
	marker := recorded.GetMarkerRecordedEventAttributes()
	require.NotNil(t, marker)
	marker.Details["data"], err = converter.GetDefaultDataConverter().ToPayloads(map[string]any{"ActivityID": "4", "ActivityType": onboarding.StageAct, "Attempt": 1})
	require.NoError(t, err)
	add(enums.EVENT_TYPE_MARKER_RECORDED, recorded)
	add(enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW, &history.HistoryEvent{})
	called := &calls{}
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{Interceptors: []interceptor.WorkerInterceptor{called}})
	require.NoError(t, err)
	workflows.Register(replayer, nil)
	require.NoError(t, replayer.ReplayWorkflowHistory(nil, past))
	// Replay itself does not miss a local activity that comes too late to run.
	n := len(called.names)
	require.Equal(t, []string{string(onboarding.StageAct), "continue as new"}, called.names[n-2:], "the run ended before the vote was recorded")
}

// calls notes the local activities of a workflow and where it goes on in a new
// run.
type calls struct {
	interceptor.WorkerInterceptorBase
	names []string
}

func (c *calls) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &inbound{calls: c}
	in.Next = next
	return in
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	calls *calls
}

func (i *inbound) Init(out interceptor.WorkflowOutboundInterceptor) error {
	o := &outbound{calls: i.calls}
	o.Next = out
	return i.Next.Init(o)
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	calls *calls
}

func (o *outbound) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	o.calls.names = append(o.calls.names, name)
	return o.Next.ExecuteLocalActivity(ctx, name, args...)
}

// TestVoteIsOneVoteOverManyRuns sends the same decision in each of three runs.
func TestVoteIsOneVoteOverManyRuns(t *testing.T) {
	t.Parallel()
	b := newCasebook()
	in := workflows.Input{StartInput: onboarding.StartInput{CaseNo: caseNo, RequestKey: "rk"}}
	act := onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActComment, By: "boss", Reason: "on my desk"}
	for run := range 3 {
		s := newScript(t)
		s.b.snap, s.b.keys, s.b.facts = b.snap, b.keys, b.facts
		a := s.sendAt(hour, fmt.Sprintf("decision-1/%d", run), act)
		s.at(2*hour, func() { s.env.SetContinueAsNewSuggested(true); s.env.SignalWorkflow(onboarding.SignalRefresh, nil) })
		s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, in)
		var next *workflow.ContinueAsNewError
		require.ErrorAs(t, s.env.GetWorkflowError(), &next)
		in = continued(t, next)
		require.True(t, a.done)
		require.NoError(t, a.err)
		require.Equal(t, run+1, in.Carried.Runs)
		require.EqualValues(t, 4, in.Carried.Snapshot.Version, "three stages and one comment")
		if run > 0 {
			require.NotContains(t, s.b.calls, "Comment ", "answered from what the case carries")
		}
		b = s.b
	}
}

func (o *outbound) NewContinueAsNewError(ctx workflow.Context, f any, args ...any) error {
	o.calls.names = append(o.calls.names, "continue as new")
	return o.Next.NewContinueAsNewError(ctx, f, args...)
}
