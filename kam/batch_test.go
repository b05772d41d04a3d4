package kam_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/tabletest"
)

func TestBatchTable(t *testing.T) {
	t.Parallel()
	tabletest.Check(t, kam.BatchTable, kam.BatchUploaded, nil)
	tabletest.ReadAsCalled(t, "batch.go")
}

func TestWhereABatchGoes(t *testing.T) {
	t.Parallel()
	open := []kam.BatchScopeState{{Node: "AT"}}
	done := []kam.BatchScopeState{{Node: "AT", ConfirmedBy: "nora"}}
	for _, tt := range []struct {
		batch kam.BatchSnapshot
		event kam.BatchEvent
		to    kam.BatchState
		code  kam.Code
	}{
		{kam.BatchSnapshot{State: kam.BatchUploaded}, kam.BatchCheck, kam.BatchChecked, ""},
		{kam.BatchSnapshot{State: kam.BatchUploaded}, kam.BatchConfirm, kam.BatchUploaded, kam.WrongState},
		{kam.BatchSnapshot{State: kam.BatchChecked, Scopes: open}, kam.BatchConfirm, kam.BatchChecked, ""},
		{kam.BatchSnapshot{State: kam.BatchChecked, Scopes: done}, kam.BatchConfirm, kam.BatchConfirmed, ""},
		{kam.BatchSnapshot{State: kam.BatchConfirmed}, kam.BatchCancel, kam.BatchCancelled, ""},
		{kam.BatchSnapshot{State: kam.BatchConfirmed, Phase: "customers"}, kam.BatchApply, kam.BatchConfirmed, ""},
		{kam.BatchSnapshot{State: kam.BatchConfirmed, Phase: "customers"}, kam.BatchCancel, kam.BatchConfirmed, kam.TooLate},
		{kam.BatchSnapshot{State: kam.BatchConfirmed, Phase: "classify"}, kam.BatchApply, kam.BatchApplied, ""},
		{kam.BatchSnapshot{State: kam.BatchApplied, Phase: "classify"}, kam.BatchCancel, kam.BatchApplied, kam.TooLate},
	} {
		to, err := tt.batch.After(tt.event)
		require.Equal(t, tt.to, to, "%s in %s", tt.event, tt.batch.State)
		require.Equal(t, tt.code, kam.CodeOf(err), "%s in %s", tt.event, tt.batch.State)
	}
}

func TestBatchConfirmation(t *testing.T) {
	t.Parallel()
	b := kam.BatchSnapshot{No: "B-000001", State: kam.BatchChecked, Uploader: "stew.one", Digest: "d1",
		Scopes: []kam.BatchScopeState{{Node: "AT", ConfirmedBy: "nora"}, {Node: "DE"}}}
	act := kam.BatchAct{DecisionID: "decision-1", By: "nadja", Scope: "DE", Digest: "d1"}
	require.NoError(t, act.CheckConfirm(b))
	for name, tt := range map[string]struct {
		change func(a *kam.BatchAct, b *kam.BatchSnapshot)
		code   kam.Code
	}{
		"no id":         {func(a *kam.BatchAct, _ *kam.BatchSnapshot) { a.DecisionID = "x" }, kam.Invalid},
		"nobody":        {func(a *kam.BatchAct, _ *kam.BatchSnapshot) { a.By = "" }, kam.Invalid},
		"no scope":      {func(a *kam.BatchAct, _ *kam.BatchSnapshot) { a.Scope = "" }, kam.Invalid},
		"other scope":   {func(a *kam.BatchAct, _ *kam.BatchSnapshot) { a.Scope = "FR" }, kam.NotFound},
		"decided":       {func(a *kam.BatchAct, _ *kam.BatchSnapshot) { a.Scope = "AT" }, kam.AlreadyDecided},
		"stale":         {func(a *kam.BatchAct, _ *kam.BatchSnapshot) { a.Digest = "d0" }, kam.StaleRevision},
		"uploader":      {func(a *kam.BatchAct, _ *kam.BatchSnapshot) { a.By = "stew.one" }, kam.Separation},
		"not checked":   {func(_ *kam.BatchAct, b *kam.BatchSnapshot) { b.State = kam.BatchUploaded }, kam.WrongState},
		"cancelled":     {func(_ *kam.BatchAct, b *kam.BatchSnapshot) { b.State = kam.BatchCancelled }, kam.TooLate},
		"hostile scope": {func(a *kam.BatchAct, _ *kam.BatchSnapshot) { a.Scope = string(make([]byte, 10000)) }, kam.Invalid},
	} {
		a, s := act, b
		tt.change(&a, &s)
		require.Equal(t, tt.code, kam.CodeOf(a.CheckConfirm(s)), name)
	}
	require.Equal(t, kam.ReasonNeeded, kam.CodeOf(act.CheckCancel(b)))
	act.Reason = "wrong file"
	require.NoError(t, act.CheckCancel(b))
	b.State, b.Phase = kam.BatchConfirmed, "customers"
	require.Equal(t, kam.TooLate, kam.CodeOf(act.CheckCancel(b)))
}

func TestBatchNextDeadline(t *testing.T) {
	t.Parallel()
	at := func(h int) time.Time { return time.Date(2026, 3, 2, h, 0, 0, 0, time.UTC) }
	task := func(h int) *kam.Task { return &kam.Task{Deadlines: []kam.Deadline{{Kind: kam.DueRemind, At: at(h)}}} }
	b := kam.BatchSnapshot{State: kam.BatchChecked, Scopes: []kam.BatchScopeState{
		{Node: "AT", Task: task(9)}, {Node: "DE", Task: task(8)}, {Node: "FR", Task: task(7), ConfirmedBy: "x"},
	}}
	node, due, ok := b.Next()
	require.True(t, ok)
	require.Equal(t, "DE", node)
	require.Equal(t, at(8), due.At)
	b.State = kam.BatchConfirmed
	_, _, ok = b.Next()
	require.False(t, ok)
}
