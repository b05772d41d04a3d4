package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	sdk "go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// What is measured, by name.
const (
	Bare    = "bare workflow"
	Case    = "case"
	Crowded = "case in a block"
)

// A drive is a number of workflows of one kind that are taken through their two
// inputs. All are started before the first is confirmed: people take their
// time, and an engine that finds the second input beside the first would have
// an easier life than it has.
type drive interface {
	start(ctx context.Context, i int) error
	rest(ctx context.Context) error // waits until all wait for a person
	confirm(ctx context.Context, i int) (time.Duration, error)
	over(ctx context.Context) error // waits until all have ended
	lastID() string                 // of a workflow of Temporal
}

// patience is for one step of all workflows, on a busy machine.
const patience = 3 * time.Minute

// bares are bare workflows.
type bares struct {
	*rig
	ids []string
	req kam.RequestData
}

func (r *rig) bares(n int) drive {
	b := &bares{rig: r, req: r.opts.Form}
	for range n {
		r.made++
		b.ids = append(b.ids, fmt.Sprintf("bench-bare/%06d", r.made))
	}
	return b
}

func (b *bares) start(ctx context.Context, i int) error {
	_, err := b.temporal.ExecuteWorkflow(ctx, sdk.StartWorkflowOptions{ID: b.ids[i], TaskQueue: bareQueue}, bareWorkflow, b.req)
	return err
}

// rest looks at the last one only: a look at each would cost as much as the
// workflow does.
func (b *bares) rest(ctx context.Context) error {
	return eventually(ctx, func() (bool, string, error) {
		d, err := b.temporal.DescribeWorkflowExecution(ctx, b.lastID(), "")
		if err != nil {
			return false, "", err
		}
		const first = 4 // started; task scheduled, started, completed
		return d.GetPendingWorkflowTask() == nil && d.GetWorkflowExecutionInfo().GetHistoryLength() >= first, b.lastID() + " has not done its first task", nil
	})
}

func (b *bares) confirm(ctx context.Context, i int) (time.Duration, error) {
	begin := time.Now()
	handle, err := b.temporal.UpdateWorkflow(ctx, sdk.UpdateWorkflowOptions{
		WorkflowID: b.ids[i], UpdateName: bareConfirm, WaitForStage: sdk.WorkflowUpdateStageCompleted,
		Args: []any{kam.Act{DecisionID: service.NewDecisionID(), Name: kam.ActDecideConfirmation, Verdict: kam.Confirm, By: requester, Reason: reason}},
	})
	if err != nil {
		return 0, err
	}
	var by kam.UserID
	err = handle.Get(ctx, &by)
	return time.Since(begin), err
}

func (b *bares) over(ctx context.Context) error {
	var by kam.UserID
	return b.temporal.GetWorkflow(ctx, b.lastID(), "").Get(ctx, &by)
}

func (b *bares) lastID() string { return b.ids[len(b.ids)-1] }

// cases are onboardings of new customers, complete at their start.
type cases struct {
	*rig
	requests []casedb.Request
	numbers  []string
}

// reason is what the manager writes.
const reason = "They start in spring."

func (r *rig) cases(n int, at func(i int) place) drive {
	c := &cases{rig: r, numbers: make([]string, n)}
	for range n {
		key, data := r.newcomer(at)
		c.requests = append(c.requests, casedb.Request{Key: "bench/" + key, Type: kam.NewCase, Requester: requester, Data: data})
	}
	return c
}

func (c *cases) start(ctx context.Context, i int) error {
	s, err := c.client.Start(ctx, c.requests[i])
	c.numbers[i] = string(s.CaseNo)
	return err
}

func (c *cases) rest(ctx context.Context) error { return c.all(ctx, kam.AwaitingConfirmation) }
func (c *cases) over(ctx context.Context) error { return c.all(ctx, kam.Completed) }

// all waits until all cases are in a state. It asks where the meter does not
// look.
func (c *cases) all(ctx context.Context, want kam.State) error {
	const others = `
		select count(*), coalesce(min(case_no || ' is ' || state), '') from kam.cases where case_no = any($1) and state <> $2`

	return eventually(ctx, func() (bool, string, error) {
		var n int
		var example string
		err := c.watch.QueryRow(ctx, others, c.numbers, string(want)).Scan(&n, &example)
		return n == 0, fmt.Sprintf("%d of %d are not %s: %s", n, len(c.numbers), want, example), err
	})
}

// confirm looks at the case, as people's programs do, and confirms what it saw.
// The time is that of the decision alone.
func (c *cases) confirm(ctx context.Context, i int) (time.Duration, error) {
	no := kam.CaseNo(c.numbers[i])
	now, err := c.db.Cases.Case(ctx, no)
	if err != nil {
		return 0, err
	}
	act := kam.Act{
		DecisionID: service.NewDecisionID(), Name: kam.ActDecideConfirmation, Verdict: kam.Confirm, By: now.Task.Assignees[0],
		ExpectHash: now.MaterialHash, Reason: reason,
	}
	begin := time.Now()
	_, err = c.client.Act(ctx, no, act, nil)
	return time.Since(begin), err
}

func (c *cases) lastID() string { return kam.CaseNo(c.numbers[len(c.numbers)-1]).WorkflowID() }

// eventually asks until the answer is yes, and says what was missing.
func eventually(ctx context.Context, ask func() (yes bool, missing string, err error)) error {
	for deadline := time.Now().Add(patience); ; {
		yes, missing, err := ask()
		if yes || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v %s", patience, missing)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// inFlight calls do for 0 to n-1, at most so many at a time, and returns the
// first error.
func inFlight(atATime, n int, do func(i int) error) error {
	var next atomic.Int64
	var all sync.WaitGroup
	var once sync.Once
	var first error
	for range min(atATime, n) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					once.Do(func() { first = fmt.Errorf("number %d: %w", i, err) })
					next.Store(int64(n))
				}
			}
		})
	}
	all.Wait()
	return first
}

// events is the length of a workflow's history.
func (r *rig) events(ctx context.Context, id string) (int, error) {
	d, err := r.temporal.DescribeWorkflowExecution(ctx, id, "")
	return int(d.GetWorkflowExecutionInfo().GetHistoryLength()), err
}
