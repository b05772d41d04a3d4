package service_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	bookdb "github.com/kamflow/kamflow/store/book"
)

// books is the record and Temporal as the service sees them.
type books struct {
	service.Books
	service.Temporal
	batch    kam.BatchSnapshot
	uploads  []bookdb.Upload
	starts   []sdk.StartWorkflowOptions
	startErr []error
	answers  []func() (kam.BatchProgress, error)
	updates  []sdk.UpdateWorkflowOptions
	refused  []*kam.Error
}

// known are the people of the record.
type known struct {
	service.Access
	people map[kam.UserID]kam.Person
}

func (b known) Person(_ context.Context, id kam.UserID) (kam.Person, error) {
	p, ok := b.people[id]
	if !ok {
		return p, kam.Errorf(kam.NotFound, "nobody")
	}
	return p, nil
}

func (b known) People(context.Context) ([]kam.Person, error) {
	return make([]kam.Person, len(b.people)), nil
}

func (b *books) Upload(_ context.Context, u bookdb.Upload) (kam.BatchSnapshot, bool, error) {
	b.uploads = append(b.uploads, u)
	return b.batch, len(b.uploads) == 1, nil
}

func (b *books) Get(context.Context, kam.BatchNo) (kam.BatchSnapshot, error) { return b.batch, nil }

func (b *books) Refuse(_ context.Context, _ kam.BatchNo, _ kam.BatchAct, e *kam.Error, _ time.Time) error {
	b.refused = append(b.refused, e)
	return nil
}

func (b *books) ExecuteWorkflow(_ context.Context, o sdk.StartWorkflowOptions, _ any, _ ...any) (sdk.WorkflowRun, error) {
	b.starts = append(b.starts, o)
	if len(b.startErr) > 0 {
		err := b.startErr[0]
		b.startErr = b.startErr[1:]
		return nil, err
	}
	return nil, nil
}

func (b *books) UpdateWorkflow(_ context.Context, o sdk.UpdateWorkflowOptions) (sdk.WorkflowUpdateHandle, error) {
	b.updates = append(b.updates, o)
	next := b.answers[0]
	if len(b.answers) > 1 {
		b.answers = b.answers[1:]
	}
	return batchHandle{next: next}, nil
}

type batchHandle struct {
	sdk.WorkflowUpdateHandle
	next func() (kam.BatchProgress, error)
}

func (h batchHandle) Get(_ context.Context, into any) error {
	p, err := h.next()
	if err == nil {
		*into.(*kam.BatchProgress) = p
	}
	return err
}

func newBooks() (*books, *service.Local) {
	staff := known{people: map[kam.UserID]kam.Person{
		"stew": {ID: "stew", Roles: []kam.Role{kam.DataSteward}, Active: true},
		"fin":  {ID: "fin", Roles: []kam.Role{kam.FinanceController}, Active: true},
		"rep":  {ID: "rep", Roles: []kam.Role{kam.SalesRep}, Active: true},
	}}
	b := &books{
		batch: kam.BatchSnapshot{No: "B-000001", State: kam.BatchChecked, Uploader: "stew", Digest: "d1", Scopes: []kam.BatchScopeState{{Node: "DE"}}},
	}
	c := service.New(service.Record{Access: staff, Books: b}, b, "kamflow")
	c.Patience = time.Second
	return b, c
}

func none() iter.Seq2[bookdb.Row, error] { return func(func(bookdb.Row, error) bool) {} }

func TestBatchUpload(t *testing.T) {
	t.Parallel()
	b, c := newBooks()
	b.startErr = []error{serviceerror.NewUnavailable("not yet"), &serviceerror.WorkflowExecutionAlreadyStarted{}}
	_, created, err := c.Upload(t.Context(), service.As("stew"), bookdb.Upload{Key: "k", By: "stew", Rows: none()}, false)
	require.NoError(t, err)
	require.True(t, created)
	require.Len(t, b.starts, 2)
	require.Equal(t, "import/B-000001", b.starts[0].ID)
	require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, b.starts[0].WorkflowIDConflictPolicy)

	for by, plOnly := range map[kam.UserID]bool{"rep": false, "fin": false, "who": true} {
		_, _, err := c.Upload(t.Context(), service.As(by), bookdb.Upload{Key: "k", By: by}, plOnly)
		require.ErrorIs(t, err, kam.Forbidden, by)
	}
	require.Len(t, b.uploads, 1, "nothing is staged for who may not")
	_, _, err = c.Upload(t.Context(), service.As("fin"), bookdb.Upload{Key: "pl", By: "fin"}, true)
	require.NoError(t, err)

	b.batch.State = kam.BatchApplied
	starts := len(b.starts)
	_, _, err = c.Upload(t.Context(), service.As("stew"), bookdb.Upload{Key: "k", By: "stew"}, false)
	require.NoError(t, err)
	require.Len(t, b.starts, starts, "what has ended is not started")
}

func TestBatchConfirm(t *testing.T) {
	t.Parallel()
	act := kam.BatchAct{DecisionID: "decision-1", By: "nadja", Scope: "DE", Digest: "d1"}
	done := func() (kam.BatchProgress, error) {
		return kam.BatchProgress{Batch: kam.BatchSnapshot{No: "B-000001", State: kam.BatchConfirmed}}, nil
	}
	lost := func() (kam.BatchProgress, error) { return kam.BatchProgress{}, serviceerror.NewUnavailable("down") }
	gone := func() (kam.BatchProgress, error) { return kam.BatchProgress{}, serviceerror.NewNotFound("ended") }

	t.Run("after an outage", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks()
		b.answers = []func() (kam.BatchProgress, error){lost, done}
		got, err := c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.NoError(t, err)
		require.Equal(t, kam.BatchConfirmed, got.State)
		require.Equal(t, b.updates[0].UpdateID, b.updates[1].UpdateID, "no answer: the same update again")
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks()
		e := kam.Errorf(kam.Separation, "stew uploaded the batch").By("SOD1")
		b.answers = []func() (kam.BatchProgress, error){func() (kam.BatchProgress, error) {
			return kam.BatchProgress{}, temporal.NewNonRetryableApplicationError(e.Error(), string(e.Code), nil, *e)
		}}
		_, err := c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.ErrorIs(t, err, kam.Separation)
		require.Len(t, b.refused, 1, "the refusal leaves a trace")
	})
	t.Run("not known", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks()
		b.answers = []func() (kam.BatchProgress, error){lost}
		_, err := c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.ErrorIs(t, err, kam.Unreachable)
	})
	t.Run("workflow has ended", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks()
		b.answers = []func() (kam.BatchProgress, error){gone}
		b.batch.State = kam.BatchCancelled
		_, err := c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.ErrorIs(t, err, kam.TooLate)
		require.Len(t, b.refused, 1)
		b.batch.State, b.batch.Scopes = kam.BatchApplied, []kam.BatchScopeState{{Node: "DE", ConfirmedBy: "nadja", DecisionID: "decision-1"}}
		_, err = c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.NoError(t, err, "it was this very decision")
	})
	t.Run("workflow was never started", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks()
		b.answers = []func() (kam.BatchProgress, error){gone}
		_, err := c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.ErrorIs(t, err, kam.Unreachable)
		require.Len(t, b.starts, 1, "and is started now")
	})
	t.Run("broken", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks()
		b.answers = []func() (kam.BatchProgress, error){func() (kam.BatchProgress, error) { return kam.BatchProgress{}, errors.New("no such namespace") }}
		_, err := c.CancelBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.Error(t, err)
		require.Empty(t, kam.CodeOf(err))
	})
}
