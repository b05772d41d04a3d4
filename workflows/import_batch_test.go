package workflows_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/workflows"
)

// A shelf stands in for PostgreSQL and the activities: one batch in memory.
type shelf struct {
	mu    sync.Mutex
	batch book.BatchSnapshot
	calls []string
	fails map[string][]error
	times map[string][]time.Time
}

func (s *shelf) register(env *testsuite.TestWorkflowEnvironment) {
	for _, name := range []string{book.BatchStageCheck, book.BatchStageConfirm, book.BatchStageCancel, book.BatchStageElapse, book.BatchStageFault, book.BatchStageApply, book.BatchStageRead} {
		env.RegisterActivityWithOptions(func(_ context.Context, in book.BatchStep) (book.BatchProgress, error) { return s.run(name, in) }, activity.RegisterOptions{Name: name})
	}
}

func (s *shelf) run(name string, in book.BatchStep) (book.BatchProgress, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
	s.times[name] = append(s.times[name], in.Now)
	if f := s.fails[name]; len(f) > 0 {
		s.fails[name] = f[1:]
		return book.BatchProgress{}, f[0]
	}
	b := &s.batch
	move := func(to book.BatchState) { b.State, b.Version = to, b.Version+1 }
	switch name {
	case book.BatchStageCheck:
		if b.State == book.BatchUploaded {
			b.Digest = "d1"
			for _, node := range []string{"AT", "DE"} {
				t := &kam.Task{Deadlines: []kam.Deadline{{Kind: kam.DueRemind, At: in.Now.Add(day)}, {Kind: kam.DueExpire, At: in.Now.Add(30 * day)}}}
				b.Scopes = append(b.Scopes, book.BatchScopeState{Node: node, Task: t})
			}
			move(book.BatchChecked)
		}
	case book.BatchStageConfirm:
		if in.Act.By == "nobody" {
			return book.BatchProgress{Batch: *b, Refused: kam.Errorf(kam.Forbidden, "nobody is known")}, nil
		}
		if err := in.Act.CheckConfirm(*b); err != nil {
			return book.BatchProgress{Batch: *b, Refused: kam.AsError(err)}, nil
		}
		c := b.Scope(in.Act.Scope)
		c.ConfirmedBy, c.DecisionID, c.Task = in.Act.By, in.Act.DecisionID, nil
		to := book.BatchChecked
		if len(b.Open()) == 0 {
			to = book.BatchConfirmed
		}
		move(to)
	case book.BatchStageCancel:
		if err := in.Act.CheckCancel(*b); err != nil {
			return book.BatchProgress{Batch: *b, Refused: kam.AsError(err)}, nil
		}
		move(book.BatchCancelled)
	case book.BatchStageElapse:
		c := b.Scope(in.Node)
		if in.Due.Kind == kam.DueExpire {
			move(book.BatchCancelled)
			break
		}
		t := *c.Task
		t.Deadlines = t.Deadlines[1:]
		c.Task = &t
		b.Version++
	case book.BatchStageApply:
		if b.State == book.BatchConfirmed {
			move(book.BatchApplied)
		}
	}
	out := *b
	out.Scopes = append([]book.BatchScopeState(nil), b.Scopes...)
	return book.BatchProgress{Batch: out}, nil
}

type importPlay struct {
	t   *testing.T
	s   *shelf
	env *testsuite.TestWorkflowEnvironment
}

func newImport(t *testing.T) *importPlay {
	t.Helper()
	t.Parallel()
	return newImportOn(t, &shelf{
		batch: book.BatchSnapshot{No: "B-000001", State: book.BatchUploaded, Version: 1, Uploader: "stew"}, fails: map[string][]error{}, times: map[string][]time.Time{}})
}

func newImportOn(t *testing.T, s *shelf) *importPlay {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	p := &importPlay{t: t, env: suite.NewTestWorkflowEnvironment(), s: s}
	p.s.register(p.env)
	workflows.Register(p.env, signedtest.Verifier().Verify)
	return p
}

type told struct{ err error }

func (p *importPlay) sends(after time.Duration, update string, a book.BatchAct) *told {
	out := &told{}
	p.env.RegisterDelayedCallback(func() {
		p.env.UpdateWorkflow(update, a.DecisionID+"/"+after.String(), &testsuite.TestUpdateCallback{
			OnReject: func(err error) { out.err = err }, OnAccept: func() {}, OnComplete: func(_ any, err error) { out.err = err },
		}, signedtest.Batch("B-000001", update, a, p.env.Now()))
	}, after)
	return out
}

func (p *importPlay) play() book.BatchSnapshot {
	p.t.Helper()
	p.env.ExecuteWorkflow(book.WorkflowImportBatch, book.BatchInput{No: "B-000001"})
	require.True(p.t, p.env.IsWorkflowCompleted())
	require.NoError(p.t, p.env.GetWorkflowError())
	var b book.BatchSnapshot
	require.NoError(p.t, p.env.GetWorkflowResult(&b))
	return b
}

func confirmScope(id, node string) book.BatchAct {
	return book.BatchAct{DecisionID: id, By: "boss", Scope: node, Digest: "d1"}
}

func TestImportIsAppliedWhenEveryScopeIsConfirmed(t *testing.T) {
	p := newImport(t)
	a := p.sends(hour, book.UpdateConfirmBatch, confirmScope("decision-1", "AT"))
	again := p.sends(2*hour, book.UpdateConfirmBatch, confirmScope("decision-1", "AT"))
	other := p.sends(2*hour+time.Minute, book.UpdateConfirmBatch, confirmScope("decision-1", "FR"))
	second := p.sends(3*hour, book.UpdateConfirmBatch, confirmScope("decision-3", "AT"))
	b := p.sends(4*hour, book.UpdateConfirmBatch, confirmScope("decision-2", "DE"))
	require.Equal(t, book.BatchApplied, p.play().State)
	require.NoError(t, a.err)
	require.NoError(t, again.err, "the same decision again is answered, and is one")
	require.Error(t, other.err)
	require.Error(t, second.err)
	require.NoError(t, b.err)
	require.Equal(t, []string{"ReadBatch", "CheckBatch", "RecordBatchConfirmation", "RecordBatchConfirmation", "ApplyBatch"}, p.s.calls)
}

func TestImportEndsWhereNobodyConfirms(t *testing.T) {
	p := newImport(t)
	p.sends(hour, book.UpdateConfirmBatch, confirmScope("decision-1", "AT"))
	require.Equal(t, book.BatchCancelled, p.play().State)
	require.NotContains(t, p.s.calls, "ApplyBatch")
	require.Len(t, p.s.times[book.BatchStageElapse], 2, "reminder and end of DE")
	opened := p.s.times[book.BatchStageCheck][0]
	require.WithinDuration(t, opened.Add(30*day), p.s.times[book.BatchStageElapse][1], time.Minute)
}

// TestImportFaultIsToldAndTriedAgain: applying fails for good; the operators
// are told once, and it is tried again until it works or is cancelled.
func TestImportFaultIsToldAndTriedAgain(t *testing.T) {
	p := newImport(t)
	fault := wire(kam.Errorf(kam.Fault, "the disk is full"))
	p.s.fails[book.BatchStageApply] = []error{fault, fault}
	p.sends(hour, book.UpdateConfirmBatch, confirmScope("decision-1", "AT"))
	p.sends(hour, book.UpdateConfirmBatch, confirmScope("decision-2", "DE"))
	require.Equal(t, book.BatchApplied, p.play().State)
	require.Equal(t, 3, count(p.s.calls, "ApplyBatch"))
	require.Equal(t, 1, count(p.s.calls, "BatchFault"))
}

// TestImportGivesUpAfterAWeek: each fault may take a day; what is counted is
// time, not faults.
func TestImportGivesUpAfterAWeek(t *testing.T) {
	p := newImport(t)
	for range 5000 {
		p.s.fails[book.BatchStageCheck] = append(p.s.fails[book.BatchStageCheck], wire(kam.Errorf(kam.Fault, "the disk is full")))
	}
	began := p.env.Now()
	p.env.ExecuteWorkflow(book.WorkflowImportBatch, book.BatchInput{No: "B-000001"})
	require.Error(t, p.env.GetWorkflowError())
	require.InDelta(t, (7 * day).Hours(), p.env.Now().Sub(began).Hours(), 25)
	require.Equal(t, 1, count(p.s.calls, "BatchFault"))
}

// TestRefusalsDoNotJamAnImport: hundreds of refused confirmations by people who
// may not confirm lead to a new run, and the honest manager is heard.
func TestRefusalsDoNotJamAnImport(t *testing.T) {
	var in any = book.BatchInput{No: "B-000001"}
	shelf := newImport(t).s
	for run := range 3 {
		p := newImportOn(t, shelf)
		for i := range 600 {
			a := confirmScope(fmt.Sprintf("refused-%d-%d", run, i), "DE")
			a.By = "nobody"
			p.sends(hour+time.Duration(i)*time.Second, book.UpdateConfirmBatch, a)
		}
		p.env.ExecuteWorkflow(book.WorkflowImportBatch, in)
		var next *workflow.ContinueAsNewError
		require.ErrorAs(t, p.env.GetWorkflowError(), &next)
		var got workflows.ImportInput
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &got))
		require.Equal(t, run+1, got.Carried.Runs)
		in = got
	}
	p := newImportOn(t, shelf)
	a := p.sends(hour, book.UpdateConfirmBatch, confirmScope("decision-1", "AT"))
	b := p.sends(hour, book.UpdateConfirmBatch, confirmScope("decision-2", "DE"))
	p.env.ExecuteWorkflow(book.WorkflowImportBatch, in)
	require.NoError(t, p.env.GetWorkflowError())
	require.NoError(t, a.err)
	require.NoError(t, b.err)
	require.Equal(t, book.BatchApplied, shelf.batch.State)
}

func TestImportIsCancelledDuringAFault(t *testing.T) {
	p := newImport(t)
	fault := wire(kam.Errorf(kam.Fault, "the disk is full"))
	p.s.fails[book.BatchStageCheck] = []error{fault, fault, fault, fault}
	a := p.sends(15*time.Minute, book.UpdateCancelBatch, book.BatchAct{DecisionID: "decision-1", By: "stew", Reason: "not today"})
	require.Equal(t, book.BatchCancelled, p.play().State)
	require.NoError(t, a.err)
	require.Equal(t, 2, count(p.s.calls, "CheckBatch"))
}

// TestImportDeadlineThatCannotBeRecorded does not stop the batch.
func TestImportDeadlineThatCannotBeRecorded(t *testing.T) {
	p := newImport(t)
	p.s.fails[book.BatchStageElapse] = []error{wire(kam.Errorf(kam.Fault, "no")), wire(kam.Errorf(kam.Fault, "no"))}
	p.sends(2*day, book.UpdateConfirmBatch, confirmScope("decision-1", "AT"))
	p.sends(2*day, book.UpdateConfirmBatch, confirmScope("decision-2", "DE"))
	require.Equal(t, book.BatchApplied, p.play().State)
}

// TestImportAdoptsWhatIsStored: PostgreSQL knows of a confirmation that the
// workflow never answered.
func TestImportAdoptsWhatIsStored(t *testing.T) {
	p := newImport(t)
	p.env.RegisterDelayedCallback(func() {
		p.s.mu.Lock()
		defer p.s.mu.Unlock()
		p.s.batch.Scopes[0].ConfirmedBy, p.s.batch.Scopes[0].Task = "boss", nil
		p.s.batch.Version++
	}, hour)
	p.sends(2*hour, book.UpdateConfirmBatch, confirmScope("decision-2", "DE"))
	require.Equal(t, book.BatchApplied, p.play().State)
}

func TestImportRefusesBeforeItIsWritten(t *testing.T) {
	p := newImport(t)
	own := p.sends(hour, book.UpdateConfirmBatch, book.BatchAct{DecisionID: "decision-1", By: "stew", Scope: "DE", Digest: "d1"})
	stale := p.sends(hour, book.UpdateConfirmBatch, book.BatchAct{DecisionID: "decision-2", By: "boss", Scope: "DE", Digest: "d0"})
	form := p.sends(hour, book.UpdateCancelBatch, book.BatchAct{DecisionID: "x", By: "stew"})
	p.sends(2*hour, book.UpdateCancelBatch, book.BatchAct{DecisionID: "decision-3", By: "stew", Reason: "done trying"})
	require.Equal(t, book.BatchCancelled, p.play().State)
	for _, a := range []*told{own, stale, form} {
		require.Error(t, a.err)
	}
	require.Equal(t, 0, count(p.s.calls, "RecordBatchConfirmation"))
}
