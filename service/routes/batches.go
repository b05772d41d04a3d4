package routes

import (
	"context"

	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/service"
)

const tagBooks = "Customer books"

// OneBatch names a batch.
type OneBatch struct {
	No book.BatchNo `path:"no" maxLength:"80" example:"B-000007"`
}

// OnBatch is an act on a batch.
type OnBatch struct {
	OneBatch
	Body book.BatchAct
}

// BatchPage picks a page of what belongs to a batch.
type BatchPage struct {
	OneBatch
	Paging
}

// BatchesPage picks a page of the batches.
type BatchesPage struct{ Paging }

// Uploaded is a batch, and whether the upload made it.
type Uploaded struct {
	Batch   book.BatchSnapshot `json:"batch"`
	Created bool               `json:"created"`
}

var exampleBatchAct = book.BatchAct{DecisionID: exampleID, Scope: "DE", Digest: "sha256:7d865e95…"}

// The rows of imports.
var (
	Upload = row(post(tagBooks, "Upload", "/batches", "Stage a customer book; the same key with the same content is the same batch", access.ActionImportUpload).upTo(MaxStream),
		func(ctx context.Context, s service.Service, who service.Principal, in *BookStream) (Uploaded, error) {
			u, err := in.upload()
			if err != nil {
				return Uploaded{}, err
			}
			b, created, err := s.Upload(ctx, who, u, in.PLOnly)
			return Uploaded{b, created}, in.after(err)
		})

	ConfirmBatch = row(post(tagBooks, "ConfirmBatch", "/batches/{no}/confirm", "Confirm a scope of a batch; the batch asks who may").like(exampleBatchAct).tells(),
		func(ctx context.Context, s service.Service, who service.Principal, in *OnBatch) (book.BatchSnapshot, error) {
			return s.ConfirmBatch(ctx, who, in.No, in.Body)
		})

	CancelBatch = row(post(tagBooks, "CancelBatch", "/batches/{no}/cancel", "Take a batch back; the batch asks who may").like(book.BatchAct{DecisionID: exampleID, Reason: "The wrong file."}).tells(),
		func(ctx context.Context, s service.Service, who service.Principal, in *OnBatch) (book.BatchSnapshot, error) {
			return s.CancelBatch(ctx, who, in.No, in.Body)
		})

	Batch = row(get(tagBooks, "Batch", "/batches/{no}", "The position of a batch"),
		func(ctx context.Context, s service.Service, who service.Principal, in *OneBatch) (book.BatchSnapshot, error) {
			return s.Batch(ctx, who, in.No)
		})

	Batches = list(get(tagBooks, "Batches", "/batches", "The batches that you may read, the newest first"),
		func(ctx context.Context, s service.Service, who service.Principal, _ *BatchesPage, n int) ([]book.BatchSnapshot, error) {
			return s.Batches(ctx, who, n)
		}, func(b book.BatchSnapshot) string { return string(b.No) })

	BatchFindings = list(get(tagBooks, "BatchFindings", "/batches/{no}/findings", "What the check of a batch has found", access.ActionImportRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *BatchPage, n int) ([]book.BatchFinding, error) {
			return s.BatchFindings(ctx, who, in.No, n)
		}, func(book.BatchFinding) string { return "" })

	BatchOutcomes = list(get(tagBooks, "BatchOutcomes", "/batches/{no}/outcomes", "What became of the rows of a batch", access.ActionImportRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *BatchPage, _ int) ([]service.BatchOutcome, error) {
			return s.BatchOutcomes(ctx, who, in.No)
		}, func(service.BatchOutcome) string { return "" })

	BatchProposals = list(get(tagBooks, "BatchProposals", "/batches/{no}/proposals", "The changes of key accounts that a batch proposes", access.ActionImportRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *BatchPage, _ int) ([]book.BatchProposal, error) {
			return s.BatchProposals(ctx, who, in.No)
		}, func(book.BatchProposal) string { return "" })

	LoadCustomers = row(post(tagBooks, "LoadCustomers", "/customers/load", "Bring customers that were there before, one JSON document a line", access.ActionImportUpload).upTo(MaxStream),
		func(ctx context.Context, s service.Service, who service.Principal, in *CustomerStream) (Nothing, error) {
			book, err := in.rows()
			if err != nil {
				return Nothing{}, err
			}
			return Nothing{}, in.after(s.LoadCustomers(ctx, who, in.act(), book))
		})

	LoadSales = row(post(tagBooks, "LoadSales", "/sales/load", "Bring sales facts that were there before, one JSON document a line", access.ActionImportUpload).upTo(MaxStream),
		func(ctx context.Context, s service.Service, who service.Principal, in *SalesStream) (Nothing, error) {
			facts, err := in.rows()
			if err != nil {
				return Nothing{}, err
			}
			return Nothing{}, in.after(s.LoadSales(ctx, who, in.act(), facts))
		})
)
