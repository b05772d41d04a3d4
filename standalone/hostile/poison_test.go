package hostile

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/query/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kamflow/kamflow/kam"
)

// A poison is a payload that is no message of ours.
type poison struct {
	name    string
	payload *common.Payload
}

func payload(encoding, data string) *common.Payload {
	return &common.Payload{Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: []byte(data)}
}

const deep = 20_000

// poisons are F23 of the fault matrix.
var poisons = []poison{
	{"garbage", payload("json/plain", `{"decision_id": "poison-0001", `)},
	{"wrong type", payload("json/plain", `[1, 2, 3]`)},
	{"wrong field type", payload("json/plain", `{"decision_id": 7, "by": {}, "case_no": [], "request_key": 1}`)},
	{"unknown encoding", payload("application/x-evil", `{}`)},
	{"encrypted without a key", payload("binary/encrypted", "\x00\x01\x02")},
	{"20,000 deep", payload("json/plain", `{"fields": `+strings.Repeat("[", deep)+strings.Repeat("]", deep)+`, "carried": `+strings.Repeat("[", deep)+strings.Repeat("]", deep)+`}`)},
	{"a message of protobuf", payload("binary/protobuf", "\x0a\x03abc")},
	{"no encoding", &common.Payload{Data: []byte(`{}`)}},
}

func (p poison) payloads() *common.Payloads {
	return &common.Payloads{Payloads: []*common.Payload{p.payload}}
}

// acts are the names of all updates of a case, and those that are signals too.
func acts() (updates, signals []string) {
	seen := map[kam.ActName]bool{}
	for _, s := range kam.Acts {
		if seen[s.Name] {
			continue
		}
		seen[s.Name] = true
		updates = append(updates, string(s.Name))
		if s.Signal {
			signals = append(signals, string(s.Name))
		}
	}
	return append(updates, string(kam.ActStart)), signals
}

func (h *house) update(ctx context.Context, id, name string, args *common.Payloads) (*update.Outcome, error) {
	r, err := h.sdk.WorkflowService().UpdateWorkflowExecution(ctx, &workflowservice.UpdateWorkflowExecutionRequest{
		Namespace:         h.stack.Namespace,
		WorkflowExecution: &common.WorkflowExecution{WorkflowId: id},
		WaitPolicy:        &update.WaitPolicy{LifecycleStage: enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED},
		Request:           &update.Request{Meta: &update.Meta{UpdateId: uuid.NewString()}, Input: &update.Input{Name: name, Args: args}},
	})
	return r.GetOutcome(), err
}

func (h *house) signal(ctx context.Context, id, name string, args *common.Payloads) error {
	_, err := h.sdk.WorkflowService().SignalWorkflowExecution(ctx, &workflowservice.SignalWorkflowExecutionRequest{
		Namespace: h.stack.Namespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: id},
		SignalName: name, Input: args, RequestId: uuid.NewString(),
	})
	return err
}

func (h *house) query(ctx context.Context, id, name string, args *common.Payloads) error {
	_, err := h.sdk.WorkflowService().QueryWorkflow(ctx, &workflowservice.QueryWorkflowRequest{
		Namespace: h.stack.Namespace, Execution: &common.WorkflowExecution{WorkflowId: id},
		Query: &query.WorkflowQuery{QueryType: name, QueryArgs: args},
	})
	return err
}

// kinds counts the events of a history by their type, from an event on.
func (h *house) kinds(t *testing.T, id string, after int64) map[enums.EventType]int {
	t.Helper()
	n := map[enums.EventType]int{}
	for _, e := range h.history(t, id, "") {
		if e.GetEventId() > after {
			n[e.GetEventType()]++
		}
	}
	return n
}

// TestPoisonStart: what cannot be read as the start of a case fails once, under
// the code of bad input, even where the sender asked for retries.
func TestPoisonStart(t *testing.T) {
	h := open(t)
	for _, p := range append(poisons, poison{"nothing", nil}) {
		t.Run(p.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience/4)
			defer cancel()
			id := "case/poison-" + uuid.NewString()
			var input *common.Payloads
			if p.payload != nil {
				input = p.payloads()
			}
			_, err := h.sdk.WorkflowService().StartWorkflowExecution(ctx, &workflowservice.StartWorkflowExecutionRequest{
				Namespace: h.stack.Namespace, WorkflowId: id, RequestId: uuid.NewString(),
				WorkflowType: &common.WorkflowType{Name: kam.WorkflowOnboarding},
				TaskQueue:    &taskqueue.TaskQueue{Name: kam.TaskQueue},
				Input:        input,
				RetryPolicy:  &common.RetryPolicy{InitialInterval: durationpb.New(time.Millisecond), BackoffCoefficient: 1},
			})
			require.NoError(t, err)
			err = h.sdk.GetWorkflow(ctx, id, "").Get(ctx, nil)
			var app *temporal.ApplicationError
			require.ErrorAs(t, err, &app)
			require.Equal(t, string(kam.Invalid), app.Type(), err)
			events := h.history(t, id, "")
			failed := events[len(events)-1].GetWorkflowExecutionFailedEventAttributes()
			require.NotNil(t, failed)
			require.Empty(t, failed.GetNewExecutionRunId(), "it is not run again")
			require.Len(t, events, 5, "started, one workflow task, failed")
			h.noTaskFailed(t, id, "")
		})
	}
	h.worker.lives(t)
}

// TestPoisonMessages: an open case is sent every poison by every way in. Updates
// are refused and leave nothing in the history, signals are dropped and cost
// their own event, queries change nothing; then the case goes on as if nothing
// had been.
func TestPoisonMessages(t *testing.T) {
	h := open(t)
	now := h.waiting(t)
	id := now.CaseNo.WorkflowID()
	updates, signals := acts()

	t.Run("updates", func(t *testing.T) {
		before := h.settled(t, id)
		n := 0
		for _, p := range poisons {
			for _, name := range append(updates, "NoSuchUpdate") {
				outcome, err := h.update(t.Context(), id, name, p.payloads())
				require.True(t, err != nil || outcome.GetFailure() != nil, "%s of %s was taken", name, p.name)
				if err != nil {
					var invalid *serviceerror.InvalidArgument
					require.True(t, errors.As(err, &invalid), "%s of %s: %v", name, p.name, err)
				}
				n++
			}
		}
		require.Equal(t, before, h.settled(t, id), "refused updates leave no event")
		t.Logf("%d updates refused, 0 events", n)
	})

	t.Run("signals", func(t *testing.T) {
		before := h.settled(t, id)
		n := 0
		for _, p := range poisons {
			for _, name := range append(signals, "NoSuchSignal") {
				require.NoError(t, h.signal(t.Context(), id, name, p.payloads()))
				n++
			}
		}
		h.settled(t, id)
		got := h.kinds(t, id, before)
		require.Equal(t, n, got[enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED])
		delete(got, enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
		for kind := range got {
			switch kind {
			case enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enums.EVENT_TYPE_WORKFLOW_TASK_STARTED, enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			default:
				t.Errorf("a dropped signal led to %v", kind)
			}
		}
		t.Logf("%d signals dropped", n)
	})

	t.Run("signals without content", func(t *testing.T) {
		// They say that something happened; what stands in them is not read.
		for _, p := range poisons {
			require.NoError(t, h.signal(t.Context(), id, kam.SignalRefresh, p.payloads()))
			require.NoError(t, h.signal(t.Context(), id, kam.SignalReroute, p.payloads()))
		}
		h.settled(t, id)
	})

	t.Run("queries", func(t *testing.T) {
		before := h.settled(t, id)
		for _, p := range poisons {
			for _, name := range []string{kam.QueryState, kam.QueryExplain, kam.QueryHistory} {
				// They take no arguments, so what is sent along is not read.
				require.NoError(t, h.query(t.Context(), id, name, p.payloads()), "%s with %s", name, p.name)
			}
			require.Error(t, h.query(t.Context(), id, "NoSuchQuery", p.payloads()))
		}
		require.Equal(t, before, h.settled(t, id))
	})

	same, err := h.db.Cases.Case(t.Context(), now.CaseNo)
	require.NoError(t, err)
	require.Equal(t, now, same, "the case has not moved")
	h.worker.lives(t)
	h.honestly(t, now.CaseNo)
}
