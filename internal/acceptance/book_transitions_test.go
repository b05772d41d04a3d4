package acceptance

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
)

// TestEveryTransitionOfABook drives an import along each row of
// [book.BatchTable], through the activities and the database. A row without a
// way there fails by name.
func TestEveryTransitionOfABook(t *testing.T) {
	t.Parallel()
	ways := map[string][]string{
		"UPLOADED/check/CHECKED":          {"check"},
		"UPLOADED/nothing_left/CANCELLED": {"check"},
		"UPLOADED/cancel/CANCELLED":       {"cancel"},
		"CHECKED/confirm/CHECKED":         {"check", "AT"},
		"CHECKED/confirm/CONFIRMED":       {"check", "AT", "DE"},
		"CHECKED/cancel/CANCELLED":        {"check", "AT", "cancel"},
		"CHECKED/expire/CANCELLED":        {"check", "AT", "expire"},
		"CONFIRMED/apply/CONFIRMED":       {"check", "AT", "DE", "customers"},
		"CONFIRMED/apply/APPLIED":         {"check", "AT", "DE", "customers", "sales", "classify"},
		"CONFIRMED/cancel/CANCELLED":      {"check", "AT", "DE", "cancel"},
	}
	for _, row := range book.BatchTable.Rows {
		name := fmt.Sprintf("%s/%s/%s", row.From, row.Event, row.To)
		t.Run(name, func(t *testing.T) {
			way := ways[name]
			require.NotEmpty(t, way, "nothing drives %s (%s): add a way", name, row.Guard)
			w := newBookWorld(t)
			by := kam.UserID("stew.one")
			if row.Event == book.BatchFoundEmpty {
				by = "rep.south" // who may not import
			}
			b, _ := w.smallBatch(4, by)
			var p book.BatchProgress
			for _, do := range way {
				p = w.batchStep(p.Batch, b.No, do)
				require.Nil(t, p.Refused, do)
			}
			require.Equal(t, row.To, p.Batch.State)
			trail, err := w.db.TrailOf(t.Context(), b.No.Subject())
			require.NoError(t, err)
			require.True(t, slices.ContainsFunc(trail, func(e kam.AuditEvent) bool {
				return e.From == string(row.From) && e.To == string(row.To) && slices.Contains(row.By, who(e, b.Uploader))
			}), "no event of the row in %s", text(t, trail))
		})
	}
}

// batchStep does one thing to a batch: checks it, confirms a scope, applies a
// phase, takes it back, or lets the last deadline of a scope pass.
func (w *bookWorld) batchStep(b book.BatchSnapshot, no book.BatchNo, do string) book.BatchProgress {
	w.t.Helper()
	a := working(w.db).Imports()
	step := book.BatchStep{No: no, Now: monday}
	var p book.BatchProgress
	var err error
	switch do {
	case "check":
		p, err = a.Check(w.t.Context(), step)
	case "AT", "DE":
		by := map[string]kam.UserID{"AT": "nora.national", "DE": "nadja.national"}[do]
		step.Act = &book.BatchAct{DecisionID: "decision-" + do, By: by, Scope: do, Digest: b.Digest}
		*step.Act = signedtest.Batch(no, book.UpdateConfirmBatch, *step.Act, monday)
		p, err = a.Confirm(w.t.Context(), step)
	case "cancel":
		step.Act = &book.BatchAct{DecisionID: "decision-stop", By: "stew.one", Reason: "the wrong file"}
		*step.Act = signedtest.Batch(no, book.UpdateCancelBatch, *step.Act, monday)
		p, err = a.Cancel(w.t.Context(), step)
	case "expire":
		step.Node = b.Open()[0]
		due := b.Scope(step.Node).Task.Deadlines
		i := slices.IndexFunc(due, func(d kam.Deadline) bool { return d.Kind == kam.DueExpire })
		step.Due, step.Now = &due[i], due[i].At
		p, err = a.Elapse(w.t.Context(), step)
	default:
		p, err = a.ApplyPhase(w.t.Context(), step, do)
	}
	require.NoError(w.t, err, do)
	return p
}

// who says as what somebody acted on a batch.
func who(e kam.AuditEvent, uploader kam.UserID) kam.Actor {
	switch {
	case e.Type == book.EventBatchExpired:
		return kam.ByTimer
	case e.Actor == kam.System:
		return kam.BySystem
	case e.Actor == uploader:
		return kam.ByUploader
	}
	return kam.ByManager
}
