package book_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/tabletest"
)

func TestBatchTable(t *testing.T) {
	t.Parallel()
	tabletest.Check(t, book.BatchTable, book.BatchUploaded, nil)
	tabletest.ReadAsCalled(t, "batch.go")
}

func TestWhereABatchGoes(t *testing.T) {
	t.Parallel()
	open := []book.BatchScopeState{{Node: "AT"}}
	done := []book.BatchScopeState{{Node: "AT", ConfirmedBy: "nora"}}
	for _, tt := range []struct {
		batch book.BatchSnapshot
		event book.BatchEvent
		to    book.BatchState
		code  kam.Code
	}{
		{book.BatchSnapshot{State: book.BatchUploaded}, book.BatchCheck, book.BatchChecked, ""},
		{book.BatchSnapshot{State: book.BatchUploaded}, book.BatchConfirm, book.BatchUploaded, kam.WrongState},
		{book.BatchSnapshot{State: book.BatchChecked, Scopes: open}, book.BatchConfirm, book.BatchChecked, ""},
		{book.BatchSnapshot{State: book.BatchChecked, Scopes: done}, book.BatchConfirm, book.BatchConfirmed, ""},
		{book.BatchSnapshot{State: book.BatchConfirmed}, book.BatchCancel, book.BatchCancelled, ""},
		{book.BatchSnapshot{State: book.BatchConfirmed, Phase: "customers"}, book.BatchApply, book.BatchConfirmed, ""},
		{book.BatchSnapshot{State: book.BatchConfirmed, Phase: "customers"}, book.BatchCancel, book.BatchConfirmed, kam.TooLate},
		{book.BatchSnapshot{State: book.BatchConfirmed, Phase: "classify"}, book.BatchApply, book.BatchApplied, ""},
		{book.BatchSnapshot{State: book.BatchApplied, Phase: "classify"}, book.BatchCancel, book.BatchApplied, kam.TooLate},
	} {
		to, err := tt.batch.After(tt.event)
		require.Equal(t, tt.to, to, "%s in %s", tt.event, tt.batch.State)
		require.Equal(t, tt.code, kam.CodeOf(err), "%s in %s", tt.event, tt.batch.State)
	}
}

func TestBatchConfirmation(t *testing.T) {
	t.Parallel()
	b := book.BatchSnapshot{No: "B-000001", State: book.BatchChecked, Uploader: "stew.one", Digest: "d1",
		Scopes: []book.BatchScopeState{{Node: "AT", ConfirmedBy: "nora"}, {Node: "DE"}}}
	act := book.BatchAct{DecisionID: "decision-1", By: "nadja", Scope: "DE", Digest: "d1"}
	require.NoError(t, act.CheckConfirm(b))
	for name, tt := range map[string]struct {
		change func(a *book.BatchAct, b *book.BatchSnapshot)
		code   kam.Code
	}{
		"no id":         {func(a *book.BatchAct, _ *book.BatchSnapshot) { a.DecisionID = "x" }, kam.Invalid},
		"nobody":        {func(a *book.BatchAct, _ *book.BatchSnapshot) { a.By = "" }, kam.Invalid},
		"no scope":      {func(a *book.BatchAct, _ *book.BatchSnapshot) { a.Scope = "" }, kam.Invalid},
		"other scope":   {func(a *book.BatchAct, _ *book.BatchSnapshot) { a.Scope = "FR" }, kam.NotFound},
		"decided":       {func(a *book.BatchAct, _ *book.BatchSnapshot) { a.Scope = "AT" }, kam.AlreadyDecided},
		"stale":         {func(a *book.BatchAct, _ *book.BatchSnapshot) { a.Digest = "d0" }, kam.StaleRevision},
		"uploader":      {func(a *book.BatchAct, _ *book.BatchSnapshot) { a.By = "stew.one" }, kam.Separation},
		"not checked":   {func(_ *book.BatchAct, b *book.BatchSnapshot) { b.State = book.BatchUploaded }, kam.WrongState},
		"cancelled":     {func(_ *book.BatchAct, b *book.BatchSnapshot) { b.State = book.BatchCancelled }, kam.TooLate},
		"hostile scope": {func(a *book.BatchAct, _ *book.BatchSnapshot) { a.Scope = string(make([]byte, 10000)) }, kam.Invalid},
	} {
		a, s := act, b
		tt.change(&a, &s)
		require.Equal(t, tt.code, kam.CodeOf(a.CheckConfirm(s)), name)
	}
	require.Equal(t, kam.ReasonNeeded, kam.CodeOf(act.CheckCancel(b)))
	act.Reason = "wrong file"
	require.NoError(t, act.CheckCancel(b))
	b.State, b.Phase = book.BatchConfirmed, "customers"
	require.Equal(t, kam.TooLate, kam.CodeOf(act.CheckCancel(b)))
}

func TestBatchNextDeadline(t *testing.T) {
	t.Parallel()
	at := func(h int) time.Time { return time.Date(2026, 3, 2, h, 0, 0, 0, time.UTC) }
	task := func(h int) *kam.Task { return &kam.Task{Deadlines: []kam.Deadline{{Kind: kam.DueRemind, At: at(h)}}} }
	b := book.BatchSnapshot{State: book.BatchChecked, Scopes: []book.BatchScopeState{
		{Node: "AT", Task: task(9)}, {Node: "DE", Task: task(8)}, {Node: "FR", Task: task(7), ConfirmedBy: "x"},
	}}
	node, due, ok := b.Next()
	require.True(t, ok)
	require.Equal(t, "DE", node)
	require.Equal(t, at(8), due.At)
	b.State = book.BatchConfirmed
	_, _, ok = b.Next()
	require.False(t, ok)
}
