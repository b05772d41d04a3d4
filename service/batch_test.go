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
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/service"
	bookdb "github.com/kamflow/kamflow/store/book"
)

// books is the record and Temporal as the service sees them.
type books struct {
	service.Books
	service.Temporal
	batch    book.BatchSnapshot
	uploads  []bookdb.Upload
	starts   []sdk.StartWorkflowOptions
	startErr []error
	answers  []func() (book.BatchProgress, error)
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

func (b known) StandsIn(context.Context, kam.UserID) ([]service.Absence, error) { return nil, nil }

func (b known) People(context.Context) ([]kam.Person, error) {
	return make([]kam.Person, len(b.people)), nil
}

func (b *books) Upload(_ context.Context, u bookdb.Upload) (book.BatchSnapshot, bool, error) {
	b.uploads = append(b.uploads, u)
	return b.batch, len(b.uploads) == 1, nil
}

func (b *books) Get(context.Context, book.BatchNo) (book.BatchSnapshot, error) { return b.batch, nil }

func (b *books) Refuse(_ context.Context, _ book.BatchNo, _ book.BatchAct, e *kam.Error, _ time.Time) error {
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
	next func() (book.BatchProgress, error)
}

func (h batchHandle) Get(_ context.Context, into any) error {
	p, err := h.next()
	if err == nil {
		*into.(*book.BatchProgress) = p
	}
	return err
}

func newBooks(t *testing.T) (*books, service.Service) {
	t.Helper()
	staff := known{people: map[kam.UserID]kam.Person{
		"stew": {ID: "stew", Roles: []kam.Role{kam.DataSteward}, Active: true},
		"fin":  {ID: "fin", Roles: []kam.Role{kam.FinanceController}, Active: true},
		"rep":  {ID: "rep", Roles: []kam.Role{kam.SalesRep}, Active: true},
	}}
	b := &books{
		batch: book.BatchSnapshot{No: "B-000001", State: book.BatchChecked, Uploader: "stew", Digest: "d1", Scopes: []book.BatchScopeState{{Node: "DE"}}},
	}
	c := service.New(service.Record{Access: staff, Books: b}, b, "kamflow")
	c.Patience = time.Second
	return b, door(t, c)
}

func none() iter.Seq2[bookdb.Row, error] { return func(func(bookdb.Row, error) bool) {} }

func TestBatchUpload(t *testing.T) {
	t.Parallel()
	b, c := newBooks(t)
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

	b.batch.State = book.BatchApplied
	starts := len(b.starts)
	_, _, err = c.Upload(t.Context(), service.As("stew"), bookdb.Upload{Key: "k", By: "stew"}, false)
	require.NoError(t, err)
	require.Len(t, b.starts, starts, "what has ended is not started")
}

func TestBatchConfirm(t *testing.T) {
	t.Parallel()
	act := book.BatchAct{DecisionID: "decision-1", By: "nadja", Scope: "DE", Digest: "d1"}
	done := func() (book.BatchProgress, error) {
		return book.BatchProgress{Batch: book.BatchSnapshot{No: "B-000001", State: book.BatchConfirmed}}, nil
	}
	lost := func() (book.BatchProgress, error) { return book.BatchProgress{}, serviceerror.NewUnavailable("down") }
	gone := func() (book.BatchProgress, error) { return book.BatchProgress{}, serviceerror.NewNotFound("ended") }

	t.Run("after an outage", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks(t)
		b.answers = []func() (book.BatchProgress, error){lost, done}
		got, err := c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.NoError(t, err)
		require.Equal(t, book.BatchConfirmed, got.State)
		require.Equal(t, b.updates[0].UpdateID, b.updates[1].UpdateID, "no answer: the same update again")
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks(t)
		e := kam.Errorf(kam.Separation, "stew uploaded the batch").By("SOD1")
		b.answers = []func() (book.BatchProgress, error){func() (book.BatchProgress, error) {
			return book.BatchProgress{}, temporal.NewNonRetryableApplicationError(e.Error(), string(e.Code), nil, *e)
		}}
		_, err := c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.ErrorIs(t, err, kam.Separation)
		require.Len(t, b.refused, 1, "the refusal leaves a trace")
	})
	t.Run("not known", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks(t)
		b.answers = []func() (book.BatchProgress, error){lost}
		_, err := c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.ErrorIs(t, err, kam.Unreachable)
	})
	t.Run("workflow has ended", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks(t)
		b.answers = []func() (book.BatchProgress, error){gone}
		b.batch.State = book.BatchCancelled
		_, err := c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.ErrorIs(t, err, kam.TooLate)
		require.Len(t, b.refused, 1)
		b.batch.State, b.batch.Scopes = book.BatchApplied, []book.BatchScopeState{{Node: "DE", ConfirmedBy: "nadja", DecisionID: "decision-1"}}
		_, err = c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.NoError(t, err, "it was this very decision")
	})
	t.Run("workflow was never started", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks(t)
		b.answers = []func() (book.BatchProgress, error){gone}
		_, err := c.ConfirmBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.ErrorIs(t, err, kam.Unreachable)
		require.Len(t, b.starts, 1, "and is started now")
	})
	t.Run("broken", func(t *testing.T) {
		t.Parallel()
		b, c := newBooks(t)
		b.answers = []func() (book.BatchProgress, error){func() (book.BatchProgress, error) { return book.BatchProgress{}, errors.New("no such namespace") }}
		_, err := c.CancelBatch(t.Context(), service.As(act.By), "B-000001", act)
		require.Error(t, err)
		require.Contains(t, []kam.Code{"", kam.Fault}, kam.CodeOf(err), "over HTTP it is told as a fault")
	})
}
