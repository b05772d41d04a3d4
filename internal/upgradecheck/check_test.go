package upgradecheck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/workflows"
)

type events = []*history.HistoryEvent

// server answers from memory, one workflow a page. A workflow that was read
// may have another history the next time.
type server struct {
	mu        sync.Mutex
	listed    []string
	histories map[string][]events
	down      error
	queries   []string
}

func (s *server) ListWorkflow(_ context.Context, in *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	s.queries = append(s.queries, in.Query)
	n := len(in.NextPageToken)
	out := &workflowservice.ListWorkflowExecutionsResponse{}
	if n < len(s.listed) {
		state, err := converter.GetDefaultDataConverter().ToPayload("AWAITING_CONFIRMATION")
		out.Executions = []*workflow.WorkflowExecutionInfo{{
			Execution:        &commonpb.WorkflowExecution{WorkflowId: s.listed[n]},
			Type:             &commonpb.WorkflowType{Name: onboarding.WorkflowOnboarding},
			SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{onboarding.AttrState: state}},
		}}
		out.NextPageToken = make([]byte, n+1)
		return out, err
	}
	return out, nil
}

func (s *server) GetWorkflowHistory(_ context.Context, id, _ string, _ bool, _ enums.HistoryEventFilterType) client.HistoryEventIterator {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return &iterator{err: s.down}
	}
	versions, ok := s.histories[id]
	if !ok {
		return &iterator{err: serviceerror.NewNotFound("no such workflow")}
	}
	if len(versions) > 1 {
		s.histories[id] = versions[1:]
	}
	return &iterator{list: versions[0]}
}

type iterator struct {
	list events
	err  error
}

func (i *iterator) HasNext() bool { return i.err != nil || len(i.list) > 0 }

func (i *iterator) Next() (*history.HistoryEvent, error) {
	if i.err != nil {
		return nil, i.err
	}
	e := i.list[0]
	i.list = i.list[1:]
	return e, nil
}

// recorded is a history of the tests of workflows.
func recorded(t *testing.T, name string) events {
	t.Helper()
	f, err := os.Open("../../workflows/testdata/history/v0.1.0/" + name + ".json")
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // only read from
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return h.Events
}

// also is a history with events of these types at its end.
func also(e events, types ...enums.EventType) events {
	for _, x := range types {
		e = append(e[:len(e):len(e)], &history.HistoryEvent{EventId: int64(len(e) + 1), EventType: x})
	}
	return e
}

// onTheWay is a workflow task that has not ended.
var onTheWay = []enums.EventType{enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enums.EVENT_TYPE_WORKFLOW_TASK_STARTED}

// extraTimer is the onboarding with a timer before the end that no history
// has: cases break on it that have reached their first wait.
func extraTimer(r Registry) {
	r.RegisterWorkflowWithOptions(func(ctx sdk.Context, in converter.RawValue) (onboarding.Snapshot, error) {
		sdk.NewTimer(ctx, 1)
		return workflows.CustomerOnboarding(ctx, nil, in)
	}, sdk.RegisterOptions{Name: onboarding.WorkflowOnboarding})
}

func today(r Registry) { workflows.Register(r, nil) }

func none(Registry) {}

func run(t *testing.T, s *server, o Options) Report {
	t.Helper()
	if o.Register == nil {
		o.Register = today
	}
	o.TaskQueue = kam.TaskQueue
	r, err := Run(t.Context(), s, o)
	require.NoError(t, err)
	return r
}

func TestOpenCasesReplay(t *testing.T) {
	t.Parallel()
	manager, details := recorded(t, "16_waiting_for_manager"), recorded(t, "17_waiting_for_details")
	s := &server{
		listed: []string{"case/B", "case/A", "case/C"},
		histories: map[string][]events{
			"case/A": {manager}, "case/B": {details}, "case/C": {also(manager, onTheWay...)},
			"case/E": {manager[:1]}, "case/F": {also(manager[:1], onTheWay...)},
		},
	}
	done := 0
	r := run(t, s, Options{
		Known: []Known{{"A", onboarding.AwaitingConfirmation, 4}, {"D", onboarding.Draft, 0}, {"E", onboarding.Draft, 0}, {"F", onboarding.Draft, 1}},
		Progress: func(n, total int) {
			done++
			require.Equal(t, done, n)
			require.Equal(t, 6, total)
		},
	})
	require.Equal(t, Report{Open: 6, Replayed: 5, NotStarted: 1, Missing: []Case{}, Breaking: []Case{}}, r)
	require.Equal(t, 6, done)
	require.Equal(t, "ExecutionStatus = 'Running' AND (TaskQueue = 'kamflow' OR WorkflowType IN ('CustomerOnboardingWorkflow', 'ImportBatchWorkflow', 'RecurringWorkflow')) AND WorkflowType != 'RecurringWorkflow'", s.queries[0])
}

func TestBreakingCasesAreListed(t *testing.T) {
	t.Parallel()
	manager := recorded(t, "16_waiting_for_manager")
	other := events{proto.CloneOf(manager[0])}
	other[0].GetWorkflowExecutionStartedEventAttributes().WorkflowType.Name = "Gone"
	s := &server{
		listed: []string{"case/A", "report/7"},
		histories: map[string][]events{
			"case/A": {manager}, "case/B": {also(manager, onTheWay...)}, "case/E": {manager[:1]}, "report/7": {other},
		},
	}
	r := run(t, s, Options{Register: extraTimer, Parallel: 3, Known: []Known{{"B", onboarding.AwaitingConfirmation, 4}, {"E", onboarding.Draft, 0}}})
	require.Equal(t, 1, r.Replayed)
	require.Len(t, r.Breaking, 3)
	for i, want := range []Case{
		{CaseNo: "A", WorkflowID: "case/A", State: "AWAITING_CONFIRMATION", Type: onboarding.WorkflowOnboarding, Events: len(manager)},
		{CaseNo: "B", WorkflowID: "case/B", State: "AWAITING_CONFIRMATION", Type: onboarding.WorkflowOnboarding, Events: len(manager) + 2},
		{CaseNo: "report/7", WorkflowID: "report/7", State: "AWAITING_CONFIRMATION", Type: "Gone", Events: 1, Reason: "this build has no workflow of that type"},
	} {
		got := r.Breaking[i]
		if want.Reason == "" {
			require.NotEmpty(t, got.Reason)
			require.NotContains(t, got.Reason, "payload", "reasons hold no data")
			require.NotContains(t, got.Reason, "\n")
			got.Reason = ""
		}
		require.NotEmpty(t, got.RunID)
		got.RunID = ""
		require.Equal(t, want, got)
	}
}

// TestCommandsOfTheLastTaskAreCompared: the SDK leaves them out where a new
// task is under way.
func TestCommandsOfTheLastTaskAreCompared(t *testing.T) {
	t.Parallel()
	manager := recorded(t, "16_waiting_for_manager")
	require.Equal(t, enums.EVENT_TYPE_TIMER_STARTED, manager[len(manager)-1].EventType)
	without := also(manager[:len(manager)-1], onTheWay...)
	r := run(t, &server{listed: []string{"case/A"}, histories: map[string][]events{"case/A": {without}}}, Options{})
	require.Len(t, r.Breaking, 1)
	require.Equal(t, "extra replay command for StartTimer", r.Breaking[0].Reason)
}

func TestCasesThatMoveMeanwhile(t *testing.T) {
	t.Parallel()
	manager := recorded(t, "16_waiting_for_manager")
	s := &server{
		listed: []string{"case/A", "case/B", "case/C", "case/D"},
		histories: map[string][]events{
			"case/A": {recorded(t, "01_clear_add")},
			"case/B": {also(manager, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW), manager},
			"case/C": {also(manager, enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED)},
		},
	}
	r := run(t, s, Options{Known: []Known{{"E", onboarding.Analyzing, 9}}})
	require.Equal(t, 1, r.Replayed)
	require.Equal(t, 2, r.Closed)
	require.Equal(t, []string{"case/D", "case/E"}, []string{r.Missing[0].WorkflowID, r.Missing[1].WorkflowID})
	require.Empty(t, r.Breaking)
}

func TestLimit(t *testing.T) {
	t.Parallel()
	s := &server{histories: map[string][]events{}}
	for i := range 5 {
		id := fmt.Sprintf("case/%d", i)
		s.listed = append(s.listed, id)
		s.histories[id] = []events{recorded(t, "16_waiting_for_manager")}
	}
	r := run(t, s, Options{Limit: 2})
	require.Equal(t, []int{5, 2, 3}, []int{r.Open, r.Replayed, r.NotReached})
	require.Zero(t, run(t, &server{}, Options{}).Open)
}

func TestServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := &server{listed: []string{"case/A", "case/B", "case/C"}, down: errors.New("connection refused")}
	_, err := Run(t.Context(), s, Options{Register: today})
	require.ErrorIs(t, err, s.down)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = Run(ctx, &server{listed: []string{"case/A"}}, Options{Register: today})
	require.ErrorIs(t, err, context.Canceled)
}

func TestBuildWithoutWorkflows(t *testing.T) {
	t.Parallel()
	s := &server{histories: map[string][]events{"case/A": {recorded(t, "16_waiting_for_manager")}}}
	r := run(t, s, Options{Register: none, Known: []Known{{"A", onboarding.AwaitingConfirmation, 4}}})
	require.Len(t, r.Breaking, 1)
	require.NotContains(t, s.queries[0], "IN ()")
}

func TestReason(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[TMPRL1100] nondeterministic workflow: history event is MarkerRecorded: (MarkerName:x, Details:map[data:Acme]), replay command is StartTimer: (TimerId:5)": "history event is MarkerRecorded, replay command is StartTimer",
		"[TMPRL1100] code executed local activity A, but history event found B, markerData: payloads:{Acme}":                                                        "code executed local activity A, but history event found B",
		"first\nsecond":          "first",
		strings.Repeat("x", 500): strings.Repeat("x", longest) + "...",
	} {
		require.Equal(t, want, reason(errors.New(text)))
	}
}
