package kam_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestBatchTransitions(t *testing.T) {
	t.Parallel()
	reached := map[kam.BatchState]bool{kam.BatchUploaded: true}
	for _, tr := range kam.BatchTransitions {
		require.False(t, tr.From.Ended(), "nothing follows %s", tr.From)
		got, err := kam.NextBatch(tr.From, tr.Event)
		require.NoError(t, err)
		require.Equal(t, tr.To, got, "one answer for %s in %s", tr.Event, tr.From)
		reached[tr.To] = true
	}
	for _, s := range kam.BatchStates {
		require.True(t, reached[s], s)
	}
	_, err := kam.NextBatch(kam.BatchApplied, kam.BatchCancel)
	require.ErrorIs(t, err, kam.TooLate)
	_, err = kam.NextBatch(kam.BatchUploaded, kam.BatchConfirm)
	require.ErrorIs(t, err, kam.WrongState)
}

func TestBatchConfirmation(t *testing.T) {
	t.Parallel()
	b := kam.BatchSnapshot{No: "B-000001", State: kam.BatchChecked, Uploader: "stew.one", Digest: "d1", Scopes: []kam.BatchScopeState{{Node: "AT", ConfirmedBy: "nora"}, {Node: "DE"}}}
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
	b := kam.BatchSnapshot{State: kam.BatchChecked, Scopes: []kam.BatchScopeState{{Node: "AT", Task: task(9)}, {Node: "DE", Task: task(8)}, {Node: "FR", Task: task(7), ConfirmedBy: "x"}}}
	node, due, ok := b.Next()
	require.True(t, ok)
	require.Equal(t, "DE", node)
	require.Equal(t, at(8), due.At)
	b.State = kam.BatchConfirmed
	_, _, ok = b.Next()
	require.False(t, ok)
}
