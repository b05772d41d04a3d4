package workflows

import (
	"errors"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
)

// ImportInput is the input of an import: what a client sends is
// [book.BatchInput] alone; Carried is there when a run continues an earlier one.
type ImportInput struct {
	book.BatchInput
	Carried *Carried[book.BatchSnapshot] `json:"carried,omitempty"`
}

// ImportBatch is the import of an existing customer book, 5.7: one workflow
// for the book, no case per row.
//
//	UPLOADED ─ check ─▶ CHECKED ─ one manager per scope ─▶ CONFIRMED ─ apply ─▶ APPLIED
//	    └─────────────────┴──── cancel, nobody in time ──────┴──▶ CANCELLED
//
// What is checked and applied is in PostgreSQL; the workflow carries counts,
// scopes and deadlines. Silence never confirms: a scope that nobody confirms
// ends the batch.
func ImportBatch(ctx workflow.Context, verify Verify, raw converter.RawValue) (book.BatchSnapshot, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)

	in, err := read[ImportInput](raw)
	if err != nil {
		return book.BatchSnapshot{}, refusal(err)
	}
	b := newImport(ctx, verify, in)
	if err := b.openInbox(ctx); err != nil {
		return book.BatchSnapshot{}, err
	}
	if err := b.openFirst(ctx); err != nil {
		return b.Snapshot, err
	}
	return b.Snapshot, b.work(ctx, b.importBook)
}

// importBook takes the import one step on from where it stands.
func (b *importBatch) importBook(ctx workflow.Context) error {
	switch b.Snapshot.State {
	case book.BatchUploaded:
		return b.long(ctx, book.BatchStageCheck)
	case book.BatchConfirmed:
		return b.long(ctx, book.BatchStageApply) // phase by phase; one that is done is not done again
	default:
		return b.waitForPeople(ctx)
	}
}

// importBatch is one import at work.
type importBatch struct {
	*desk
	no       book.BatchNo
	Snapshot book.BatchSnapshot
}

func newImport(ctx workflow.Context, verify Verify, in ImportInput) *importBatch {
	b := &importBatch{no: in.No}
	b.desk = newDesk(ctx, verify, process{
		noun: "batch", no: string(in.No),
		acts: []entry{
			{name: book.UpdateConfirmBatch, description: "5.7: a manager confirms the checked batch for his scope.", stage: book.BatchStageConfirm},
			{name: book.UpdateCancelBatch, description: "5.7: the uploader or a policy_admin takes the batch back.", stage: book.BatchStageCancel},
		},
		notices: []notice{
			{onboarding.SignalRefresh, "Read the committed batch again.", func(ctx workflow.Context) bool { return b.read(ctx) }},
		},
		stages:  stages{open: book.BatchStageRead, read: book.BatchStageRead, elapse: book.BatchStageElapse, fault: book.BatchStageFault},
		now:     func() place { return placeOfBatch(b.Snapshot) },
		details: func() string { return batchDetails(b.Snapshot) },
		act: func(name string, raw converter.RawValue) (act, error) {
			a, err := read[book.BatchAct](raw)
			a.Name = name
			digest := batchDigest(a)
			return act{
				value: a, id: a.DecisionID, digest: digest, size: len(digest), form: a.Check(),
				signed: a.Signed, claim: signed.OfBatch(b.no, a),
				judge: func() error { return judgeBatchAct(a, b.Snapshot) },
				label: func() string { return batchLabel(a) },
			}, err
		},
		input: func(x call) any { return b.input(x) },
		result: func(ctx workflow.Context, f workflow.Future) (outcome, error) {
			var p book.BatchProgress
			err := f.Get(ctx, &p)
			return outcome{value: p, place: placeOfBatch(p.Batch), refused: p.Refused}, err
		},
		move:   func(out outcome) { b.Snapshot = out.value.(book.BatchProgress).Batch },
		answer: func() any { return book.BatchProgress{Batch: b.Snapshot} },
		renew: func(m Memory) any {
			return ImportInput{book.BatchInput{No: b.no}, &Carried[book.BatchSnapshot]{b.Snapshot, m}}
		},
		runs: book.WorkflowImportBatch,
	})
	if in.Carried != nil {
		b.Snapshot, b.Memory = in.Carried.Snapshot, in.Carried.Memory
	}
	b.before = !changed(ctx, changeImportDesk)
	return b
}

// openInbox registers everything that a batch answers to.
func (b *importBatch) openInbox(ctx workflow.Context) error {
	return errors.Join(
		query(ctx, book.QueryBatch, "The batch as the workflow knows it.", func() (book.BatchSnapshot, error) { return b.Snapshot, nil }),
		b.openActs(ctx),
	)
}

func (b *importBatch) input(x call) any {
	step := book.BatchStep{No: b.no, Now: x.now, Fault: x.fault}
	if a, ok := x.act.(book.BatchAct); ok {
		step.Act = &a
	}
	if x.due != nil {
		step.Node, step.Due = x.due.node, &x.due.Deadline
	}
	return step
}

func placeOfBatch(s book.BatchSnapshot) place {
	p := place{version: s.Version, open: s.State != "", ended: s.State.Ended(), seen: s.Version}
	p.view = view{State: string(s.State), Step: "5.7", Type: "IMPORT"}
	if node, d, ok := s.Next(); ok {
		p.due = &due{Deadline: d, node: node, label: "5.7 " + node}
		p.view.WaitsFor, p.view.Due, p.view.Kind = "territory_manager", d.At.UTC(), d.Kind
	}
	return p
}

// judgeBatchAct is the validator of a first decision. A confirmation that is
// stored under this very decision was stored when Temporal had lost the answer.
func judgeBatchAct(a book.BatchAct, b book.BatchSnapshot) error {
	for _, s := range b.Scopes {
		if s.DecisionID == a.DecisionID && s.ConfirmedBy == a.By && s.Node == a.Scope {
			return nil
		}
	}
	return a.CheckAgainst(b)
}

// batchDigest tells acts under one decision id apart.
func batchDigest(a book.BatchAct) string {
	return string(a.By) + "\x1f" + a.Scope + "\x1f" + a.Digest + "\x1f" + a.Reason
}

func batchLabel(a book.BatchAct) string {
	if a.Name == book.UpdateCancelBatch {
		return "5.7 cancellation"
	}
	return "5.7 confirmation for " + kam.Clip(a.Scope, 40)
}
