package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

func queueBatch(tx *Tx, b kam.BatchSnapshot) {
	tx.Queue(`update kam.import_batch set state = $2, snapshot = $3, updated_at = $4 where batch_no = $1`, b.No, b.State, b, b.UpdatedAt)
}

// Batch is a batch as it stands; kam.NotFound where there is none.
func (s *Store) Batch(ctx context.Context, no kam.BatchNo) (kam.BatchSnapshot, error) {
	return readBatch(ctx, s.pool, no, "")
}

func readBatch(ctx context.Context, q pg.Querier, no kam.BatchNo, lock string) (kam.BatchSnapshot, error) {
	b, ok, err := pg.One(ctx, q, "read the batch", pgx.RowTo[kam.BatchSnapshot], `select snapshot from kam.import_batch where batch_no = $1 `+lock, no)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "there is no batch %s", pg.Clip(string(no), 40)).On("batch_no")
	}
	return b, err
}

// Batches are the batches uploaded last, newest first; limit 0 is 100.
func (s *Store) Batches(ctx context.Context, limit int) ([]kam.BatchSnapshot, error) {
	if limit <= 0 {
		limit = 100
	}
	return pg.List(ctx, s.pool, "list batches", pgx.RowTo[kam.BatchSnapshot],
		`select snapshot from kam.import_batch order by uploaded_at desc, batch_no desc limit $1`, limit)
}

// BatchFindings are what is wrong with the rows of a batch, errors first, then
// in the order of the files; limit 0 is all that were kept.
func (s *Store) BatchFindings(ctx context.Context, no kam.BatchNo, limit int) ([]kam.BatchFinding, error) {
	const find = `
		select finding from kam.batch_finding where batch_no = $1
		order by severity <> 'ERROR', finding ->> 'file', (finding ->> 'row')::int nulls first, n limit nullif($2, 0)`

	return pg.List(ctx, s.pool, "read the findings", pgx.RowTo[kam.BatchFinding], find, no, limit)
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
	return pg.List(ctx, s.pool, "read the rows of the batch", pgx.RowToStructByPos[BatchOutcome],
		`select row_no, line, customer_no, outcome, scope, territory from kam.batch_checked where batch_no = $1 order by row_no`, no)
}

// BatchProposals are what the roll-up proposes after a batch, key accounts
// first, then nominees, the largest potential first.
func (s *Store) BatchProposals(ctx context.Context, no kam.BatchNo) ([]kam.BatchProposal, error) {
	return pg.List(ctx, s.pool, "read the proposals", pgx.RowTo[kam.BatchProposal],
		`select proposal from kam.batch_proposal where batch_no = $1 order by n`, no)
}

// A BatchTx is the inside of an effect on a batch. Batch is saved at the end.
type BatchTx struct {
	*Tx
	Batch *kam.BatchSnapshot
}

// BatchEffect runs fn on a batch, as one effect of its ledger, and says how the
// batch stands then. A refusal stands in the progress; see [ledger.Ledger.Do].
func (s *Store) BatchEffect(ctx context.Context, no kam.BatchNo, e ledger.Effect, fn func(tx *BatchTx) error) (kam.BatchProgress, error) {
	if _, err := s.Batch(ctx, no); err != nil {
		return kam.BatchProgress{}, err // no subject of a batch that is not there
	}
	e.Subject = OfBook(no)
	_, err := s.on(ctx, e, func(tx *Tx) (any, error) {
		b, err := readBatch(ctx, tx.tx, no, "for update")
		if err != nil {
			return nil, err
		}
		if err := fn(&BatchTx{tx, &b}); err != nil {
			return nil, err
		}
		b.Version++
		b.UpdatedAt = tx.At.UTC()
		queueBatch(tx, b)
		return b.Version, nil
	})
	refused := kam.AsError(err)
	if err != nil && (refused == nil || refused.Code == kam.Fault || refused.Code == kam.Unreachable) {
		return kam.BatchProgress{}, err
	}
	now, err := s.Batch(ctx, no)
	return kam.BatchProgress{Batch: now, Refused: refused}, err
}

// RefuseBatch leaves a trace of an act on a batch that was refused before it
// reached the batch, once for each act and reason.
func (s *Store) RefuseBatch(ctx context.Context, no kam.BatchNo, act kam.BatchAct, refusal *kam.Error, at time.Time) error {
	if _, err := s.Batch(ctx, no); err != nil {
		return err
	}
	return s.RefuseOn(ctx, OfBook(no), act.By, act.DecisionID, at, refusal)
}
