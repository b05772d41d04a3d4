package upgradecheck

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"github.com/kamflow/kamflow/kam"
)

// Temporal is what is asked of the server: reads only.
type Temporal interface {
	ListWorkflow(ctx context.Context, in *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error)
	GetWorkflowHistory(ctx context.Context, workflowID, runID string, isLongPoll bool, filter enums.HistoryEventFilterType) client.HistoryEventIterator
}

// A Registry takes the workflows of this program.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options sdk.RegisterOptions)
}

// Known is a case that the record holds as open. Version is 0 where it was
// never started.
type Known struct {
	CaseNo  kam.CaseNo
	State   kam.State
	Version int64
}

// Options say what to check and with what.
type Options struct {
	Register  func(Registry) // the workflows to replay with
	Namespace string
	TaskQueue string
	// Known are the open cases of the record. Temporal's own list may lag by
	// moments, the record does not.
	Known     []Known
	Converter converter.DataConverter // that of the client; nil for the default
	Limit     int                     // 0 checks all
	Parallel  int                     // 0 is 2
	Progress  func(done, total int)   // may be nil
}

// A Case is one that was looked at.
type Case struct {
	CaseNo     string `json:"case_no"` // the workflow id where it is no case
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id,omitempty"`
	Type       string `json:"workflow_type,omitempty"`
	State      string `json:"state,omitempty"`
	Events     int    `json:"history_events"`
	Reason     string `json:"reason,omitempty"`
}

// A Report is what a check has found. Open is how many cases there were, each
// of which is counted once in what follows.
type Report struct {
	Open       int `json:"open"`
	Replayed   int `json:"replayed"`
	NotReached int `json:"beyond_limit"` // left out by the limit
	NotStarted int `json:"not_started"`  // numbers that were allotted and never used
	Closed     int `json:"closed"`       // ended while we looked
	// Missing are open in the record and unknown to Temporal. No build can
	// break them or carry them on.
	Missing  []Case `json:"missing"`
	Breaking []Case `json:"breaking"`
}

// Run checks all open cases. Its error says that something did not answer;
// then the report is not complete.
func Run(ctx context.Context, temporal Temporal, o Options) (Report, error) {
	c := &check{temporal: temporal, o: o, types: registered(o.Register)}
	targets, err := c.targets(ctx)
	if err != nil {
		return Report{}, err
	}
	r := Report{Open: len(targets), Missing: []Case{}, Breaking: []Case{}}
	if o.Limit > 0 && o.Limit < len(targets) {
		r.NotReached = len(targets) - o.Limit
		targets = targets[:o.Limit]
	}
	err = c.all(ctx, targets, &r)
	byID := func(a, b Case) int { return strings.Compare(a.WorkflowID, b.WorkflowID) }
	slices.SortFunc(r.Missing, byID)
	slices.SortFunc(r.Breaking, byID)
	return r, err
}

type check struct {
	temporal Temporal
	o        Options
	types    []string
}

// names takes registrations for their names.
type names []string

func (n *names) RegisterWorkflowWithOptions(_ any, o sdk.RegisterOptions) { *n = append(*n, o.Name) }

func registered(register func(Registry)) []string {
	var n names
	register(&n)
	return n
}

// A target is a workflow to look at.
type target struct {
	Case
	started bool // the record or Temporal knows that it runs
}

const pageSize = 500

// targets unites what Temporal lists with what the record knows, in the order
// of their ids.
func (c *check) targets(ctx context.Context) ([]target, error) {
	found := map[string]target{}
	request := &workflowservice.ListWorkflowExecutionsRequest{Namespace: c.o.Namespace, PageSize: pageSize, Query: c.query()}
	for {
		page, err := c.temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("list open workflows: %w", err)
		}
		for _, x := range page.GetExecutions() {
			id := x.GetExecution().GetWorkflowId()
			found[id] = target{started: true, Case: Case{CaseNo: caseOf(id), WorkflowID: id, Type: x.GetType().GetName(), State: stateOf(x)}}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			break
		}
	}
	for _, k := range c.o.Known {
		id := k.CaseNo.WorkflowID()
		t := found[id]
		t.CaseNo, t.WorkflowID, t.State = string(k.CaseNo), id, string(k.State)
		t.started = t.started || k.Version > 0
		found[id] = t
	}
	all := make([]target, 0, len(found))
	for _, id := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[id])
	}
	return all, nil
}

// query finds what our workers would take over: all that runs on our task
// queue, also under names that this build no longer has, and our names
// wherever they run. A round of recurring work is over in seconds, and the next
// one begins again.
func (c *check) query() string {
	quoted := make([]string, len(c.types))
	for i, name := range c.types {
		quoted[i] = "'" + name + "'"
	}
	where := fmt.Sprintf("TaskQueue = '%s'", c.o.TaskQueue)
	if len(quoted) > 0 {
		where += fmt.Sprintf(" OR WorkflowType IN (%s)", strings.Join(quoted, ", "))
	}
	return "ExecutionStatus = 'Running' AND (" + where + ") AND WorkflowType != '" + kam.WorkflowRecurring + "'"
}

// caseOf is the number in the id of a case; other workflows are called by
// their id.
func caseOf(workflowID string) string {
	return strings.TrimPrefix(workflowID, kam.CaseNo("").WorkflowID())
}

func stateOf(x *workflow.WorkflowExecutionInfo) string {
	var s string
	if p, ok := x.GetSearchAttributes().GetIndexedFields()[kam.AttrState]; ok {
		_ = converter.GetDefaultDataConverter().FromPayload(p, &s) // a state that cannot be read is shown as none
	}
	return s
}

// all looks at the targets, some at a time, and stops at the first that
// cannot be read.
func (c *check) all(ctx context.Context, targets []target, r *Report) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work := make(chan target)
	var mu sync.Mutex
	var crew sync.WaitGroup
	done := 0
	for range max(1, min(orElse(c.o.Parallel, 2), len(targets))) {
		crew.Go(func() {
			for t := range work {
				kind, seen, err := c.one(ctx, t)
				if err != nil {
					stop(fmt.Errorf("read the history of %s: %w", t.WorkflowID, err))
					continue
				}
				mu.Lock()
				r.count(kind, seen)
				done++
				if c.o.Progress != nil {
					c.o.Progress(done, len(targets))
				}
				mu.Unlock()
			}
		})
	}
feed:
	for _, t := range targets {
		select {
		case work <- t:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	crew.Wait()
	return context.Cause(ctx)
}

func orElse(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// kind is what became of a case that was looked at.
type kind int

const (
	replays kind = iota
	breaks
	notStarted
	closed
	missing
)

func (r *Report) count(k kind, c Case) {
	switch k {
	case replays:
		r.Replayed++
	case breaks:
		r.Breaking = append(r.Breaking, c)
	case notStarted:
		r.NotStarted++
	case closed:
		r.Closed++
	case missing:
		r.Missing = append(r.Missing, c)
	}
}

// one looks at one case.
func (c *check) one(ctx context.Context, t target) (kind, Case, error) {
	events, err := c.history(ctx, t.WorkflowID)
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &gone) && !t.started:
		return notStarted, t.Case, nil
	case errors.As(err, &gone):
		return missing, t.Case, nil
	case err != nil:
		return 0, t.Case, err
	case len(events) == 0 || ended(events):
		return closed, t.Case, nil
	}
	started := events[0].GetWorkflowExecutionStartedEventAttributes()
	seen := t.Case
	seen.RunID, seen.Type, seen.Events = started.GetOriginalExecutionRunId(), started.GetWorkflowType().GetName(), len(events)
	if seen.Reason = c.replay(seen, finished(events)); seen.Reason != "" {
		return breaks, seen, nil
	}
	return replays, seen, nil
}

// history reads the current run. One that goes on in a new run while it is
// read is read again.
func (c *check) history(ctx context.Context, workflowID string) ([]*history.HistoryEvent, error) {
	for {
		var events []*history.HistoryEvent
		it := c.temporal.GetWorkflowHistory(ctx, workflowID, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for it.HasNext() {
			e, err := it.Next()
			if err != nil {
				return nil, err
			}
			events = append(events, e)
		}
		if n := len(events); n == 0 || events[n-1].GetEventType() != enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW {
			return events, nil
		}
	}
}

// ended says whether the workflow is closed.
func ended(events []*history.HistoryEvent) bool {
	switch events[len(events)-1].GetEventType() {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		return true
	default:
		return false
	}
}

// finished cuts off a workflow task that is under way. Of a history that ends
// in one, the SDK does not compare the commands of the task before.
func finished(events []*history.HistoryEvent) []*history.HistoryEvent {
	for n := len(events); n > 0; n-- {
		switch events[n-1].GetEventType() {
		case enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enums.EVENT_TYPE_WORKFLOW_TASK_STARTED:
		default:
			return events[:n]
		}
	}
	return nil
}

// replay says why a history does not replay, "" where it does.
func (c *check) replay(seen Case, events []*history.HistoryEvent) string {
	if !slices.Contains(c.types, seen.Type) {
		return "this build has no workflow of that type"
	}
	if !slices.ContainsFunc(events, func(e *history.HistoryEvent) bool {
		return e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
	}) {
		return "" // nothing has been called yet
	}
	var err error
	for range attempts {
		if err = c.try(seen, events); err == nil || !strings.Contains(err.Error(), deadlock) {
			break
		}
	}
	if err != nil {
		return reason(err)
	}
	return ""
}

// The SDK takes a workflow that does not yield for a second for a deadlock. On
// a busy machine that may be chance.
const (
	deadlock = "[TMPRL1101]"
	attempts = 3
)

func (c *check) try(seen Case, events []*history.HistoryEvent) error {
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DataConverter: c.o.Converter})
	if err != nil {
		return err
	}
	c.o.Register(replayer)
	// A replay writes into the history, so each has its own.
	own := proto.CloneOf(&history.History{Events: events})
	return replayer.ReplayWorkflowHistoryWithOptions(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), own,
		worker.ReplayWorkflowHistoryOptions{OriginalExecution: sdk.Execution{ID: seen.WorkflowID, RunID: seen.RunID}})
}
