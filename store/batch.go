package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

func (tx *Tx) queueBatch(b kam.BatchSnapshot) {
	tx.queued.Queue(`update kam.import_batch set state = $2, snapshot = $3, updated_at = $4 where batch_no = $1`, b.No, b.State, b, b.UpdatedAt)
}

// Batch is a batch as it stands; kam.NotFound where there is none.
func (s *Store) Batch(ctx context.Context, no kam.BatchNo) (kam.BatchSnapshot, error) {
	return readBatch(ctx, s.pool, no, "")
}

func readBatch(ctx context.Context, q querier, no kam.BatchNo, lock string) (kam.BatchSnapshot, error) {
	b, ok, err := one(ctx, q, "read the batch", pgx.RowTo[kam.BatchSnapshot], `select snapshot from kam.import_batch where batch_no = $1 `+lock, no)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "there is no batch %s", clip(string(no), 40)).On("batch_no")
	}
	return b, err
}

// Batches are the batches uploaded last, newest first; limit 0 is 100.
func (s *Store) Batches(ctx context.Context, limit int) ([]kam.BatchSnapshot, error) {
	if limit <= 0 {
		limit = 100
	}
	return list(ctx, s.pool, "list batches", pgx.RowTo[kam.BatchSnapshot],
		`select snapshot from kam.import_batch order by uploaded_at desc, batch_no desc limit $1`, limit)
}

// BatchFindings are what is wrong with the rows of a batch, errors first, then
// in the order of the files; limit 0 is all that were kept.
func (s *Store) BatchFindings(ctx context.Context, no kam.BatchNo, limit int) ([]kam.BatchFinding, error) {
	const find = `
		select finding from kam.batch_finding where batch_no = $1
		order by severity <> 'ERROR', finding ->> 'file', (finding ->> 'row')::int nulls first, n limit nullif($2, 0)`

	return list(ctx, s.pool, "read the findings", pgx.RowTo[kam.BatchFinding], find, no, limit)
}

// A BatchOutcome is what became of one row of the book.
type BatchOutcome struct {
	Row        int            `json:"row"`
	Line       int            `json:"line"`
	CustomerNo string         `json:"customer_no"`
	Outcome    kam.RowOutcome `json:"outcome"`
	Scope      string         `json:"scope,omitempty"`
	Territory  string         `json:"territory_code,omitempty"`
}

// BatchOutcomes are the rows of a batch in the order of the file, once it is
// checked.
func (s *Store) BatchOutcomes(ctx context.Context, no kam.BatchNo) ([]BatchOutcome, error) {
	return list(ctx, s.pool, "read the rows of the batch", pgx.RowToStructByPos[BatchOutcome],
		`select row_no, line, customer_no, outcome, scope, territory from kam.batch_checked where batch_no = $1 order by row_no`, no)
}

// BatchProposals are what the roll-up proposes after a batch, key accounts
// first, then nominees, the largest potential first.
func (s *Store) BatchProposals(ctx context.Context, no kam.BatchNo) ([]kam.BatchProposal, error) {
	return list(ctx, s.pool, "read the proposals", pgx.RowTo[kam.BatchProposal],
		`select proposal from kam.batch_proposal where batch_no = $1 order by n`, no)
}

// A BatchTx is the inside of an effect on a batch. Batch is saved at the end.
type BatchTx struct {
	*Tx
	Batch *kam.BatchSnapshot
}

// OnBatch runs fn on a batch in one transaction, with its audit events, under
// the lock of the batch, and returns the batch as it stands then. The same
// effect again changes nothing. What fn refuses is audited and comes back as
// the error, with the batch. Bulk work runs alone and has the time that it
// takes.
func (s *Store) OnBatch(ctx context.Context, no kam.BatchNo, e Effect, bulk bool, fn func(ctx context.Context, tx *BatchTx) error) (kam.BatchSnapshot, error) {
	if _, err := s.Batch(ctx, no); err != nil {
		return kam.BatchSnapshot{}, err // no subject of a batch that is not there
	}
	e.CaseNo = kam.CaseNo(no.Subject())
	run := s.OnSubject
	if bulk {
		run = s.OnSubjectInBulk
	}
	_, err := run(ctx, e, func(ctx context.Context, tx *Tx) (any, error) {
		b, err := readBatch(ctx, tx.tx, no, "for update")
		if err != nil {
			return nil, err
		}
		if err := fn(ctx, &BatchTx{tx, &b}); err != nil {
			return nil, err
		}
		b.Version++
		b.UpdatedAt = tx.At.UTC()
		tx.queueBatch(b)
		return b.Version, nil
	})
	if err != nil && kam.AsError(err) == nil {
		return kam.BatchSnapshot{}, err
	}
	now, readErr := s.Batch(ctx, no)
	return now, errors.Join(err, readErr)
}

// RefuseBatch leaves a trace of an act on a batch that was refused before it
// reached the batch. A refusal that the trail has already, of the same act for
// the same reason, is not noted again.
func (s *Store) RefuseBatch(ctx context.Context, no kam.BatchNo, act kam.BatchAct, refusal *kam.Error, at time.Time) error {
	const noted = `
		select exists (select from kam.audit
			where case_no = $1 and decision_id = $2 and type = $3 and reason_code = $4)`

	if there, _, err := one(ctx, s.pool, "look for the refusal", pgx.RowTo[bool], noted, no.Subject(), act.DecisionID, kam.EventDecisionRefused, refusal.Code); err != nil || there {
		return err
	}
	_, err := s.OnBatch(ctx, no, Effect{Key: "act/" + act.DecisionID, At: at, By: act.By}, false,
		func(context.Context, *BatchTx) error { return refusal })
	if err != nil && kam.CodeOf(err) == refusal.Code {
		return nil
	}
	return err
}

// OpenBatchTask opens a task of the batch and returns it with its id.
func (tx *BatchTx) OpenBatchTask(t kam.Task) kam.Task {
	t = tx.newTask(t)
	tx.queueTask(t, tx.Batch.No.Subject())
	return t
}

// UpdateBatchTask saves what was changed in a task of the batch.
func (tx *BatchTx) UpdateBatchTask(t kam.Task) { tx.queueTask(t, tx.Batch.No.Subject()) }

// CloseBatchTask ends a task of the batch: how is DONE, WITHDRAWN or EXPIRED.
func (tx *BatchTx) CloseBatchTask(t kam.Task, how string, by kam.UserID) {
	const end = `update kam.task set status = $2, closed_at = $3, closed_by = $4 where task_id = $1 and status = 'OPEN'`

	tx.queued.Queue(end, t.ID, how, tx.At, by)
}
