// Package book keeps imports of customer books: what was uploaded, what the
// check made of it, who confirmed which part, and what was applied, set by set.
package book

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// A Store is this room in the database. Its methods may be called from many
// goroutines.
type Store struct {
	ledger    *ledger.Ledger
	pool      *pgxpool.Pool
	customers *customerdb.Store
}

// New opens the room over a database and its ledger.
func New(l *ledger.Ledger, pool *pgxpool.Pool, c *customerdb.Store) *Store { return &Store{l, pool, c} }

// Kind is an import of a customer book.
const Kind ledger.Kind = "book"

// Of is an import as a subject of the ledger.
func Of(no book.BatchNo) ledger.Subject { return ledger.Subject{Kind: Kind, ID: no.Subject()} }

func queueBatch(tx *ledger.Entry, b book.BatchSnapshot) {
	tx.Queue(`update kam.import_batch set state = $2, snapshot = $3, updated_at = $4 where batch_no = $1`, b.No, b.State, b, b.UpdatedAt)
}

// Get is a batch as it stands; kam.NotFound where there is none.
func (s *Store) Get(ctx context.Context, no book.BatchNo) (book.BatchSnapshot, error) {
	return readBatch(ctx, s.pool, no, "")
}

func readBatch(ctx context.Context, q pg.Querier, no book.BatchNo, lock string) (book.BatchSnapshot, error) {
	b, ok, err := pg.One(ctx, q, "read the batch", pgx.RowTo[book.BatchSnapshot], `select snapshot from kam.import_batch where batch_no = $1 `+lock, no)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "there is no batch %s", pg.Clip(string(no), 40)).On("batch_no")
	}
	return b, err
}

// List are the batches uploaded last, newest first; limit 0 is 100.
func (s *Store) List(ctx context.Context, limit int) ([]book.BatchSnapshot, error) {
	if limit <= 0 {
		limit = 100
	}
	return pg.List(ctx, s.pool, "list batches", pgx.RowTo[book.BatchSnapshot],
		`select snapshot from kam.import_batch order by uploaded_at desc, batch_no desc limit $1`, limit)
}

// Findings are what is wrong with the rows of a batch, errors first, then
// in the order of the files; limit 0 is all that were kept.
func (s *Store) Findings(ctx context.Context, no book.BatchNo, limit int) ([]book.BatchFinding, error) {
	const find = `
		select finding from kam.batch_finding where batch_no = $1
		order by severity <> 'ERROR', finding ->> 'file', (finding ->> 'row')::int nulls first, n limit nullif($2, 0)`

	return pg.List(ctx, s.pool, "read the findings", pgx.RowTo[book.BatchFinding], find, no, limit)
}

// An Outcome is what became of one row of the book.
type Outcome struct {
	Row        int             `json:"row"`
	Line       int             `json:"line"`
	CustomerNo string          `json:"customer_no"`
	Outcome    book.RowOutcome `json:"outcome"`
	Scope      string          `json:"scope,omitempty"`
	Territory  string          `json:"territory_code,omitempty"`
}

// Outcomes are the rows of a batch in the order of the file, once it is
// checked.
func (s *Store) Outcomes(ctx context.Context, no book.BatchNo) ([]Outcome, error) {
	return pg.List(ctx, s.pool, "read the rows of the batch", pgx.RowToStructByName[Outcome],
		`select row_no as row, line, customer_no, outcome, scope, territory from kam.batch_checked where batch_no = $1 order by row_no`, no)
}

// Proposals are what the roll-up proposes after a batch, key accounts
// first, then nominees, the largest potential first.
func (s *Store) Proposals(ctx context.Context, no book.BatchNo) ([]book.BatchProposal, error) {
	return pg.List(ctx, s.pool, "read the proposals", pgx.RowTo[book.BatchProposal],
		`select proposal from kam.batch_proposal where batch_no = $1 order by n`, no)
}

// A Tx is the inside of an effect on a batch. Batch is saved at the end.
type Tx struct {
	*ledger.Entry
	Batch *book.BatchSnapshot

	ctx context.Context // of the effect: a Tx lives no longer
	tx  pgx.Tx
}

// Effect runs fn on a batch, as one effect of its ledger, and says how the
// batch stands then. A refusal stands in the progress; see [ledger.Ledger.Do].
func (s *Store) Effect(ctx context.Context, no book.BatchNo, e ledger.Effect, fn func(tx *Tx) error) (book.BatchProgress, error) {
	if _, err := s.Get(ctx, no); err != nil {
		return book.BatchProgress{}, err // no subject of a batch that is not there
	}
	e.Subject = Of(no)
	_, err := s.ledger.On(ctx, e, nil, within(no, fn))
	refused := kam.AsError(err)
	if err != nil && (refused == nil || refused.Code == kam.Fault || refused.Code == kam.Unreachable) {
		return book.BatchProgress{}, err
	}
	now, err := s.Get(ctx, no)
	return book.BatchProgress{Batch: now, Refused: refused}, err
}

// Ask runs fn as an effect on a batch would, and undoes what it did; an effect
// that was done is not asked about.
func (s *Store) Ask(ctx context.Context, no book.BatchNo, e ledger.Effect, fn func(tx *Tx) error) error {
	if _, err := s.Get(ctx, no); err != nil {
		return err
	}
	e.Subject = Of(no)
	return s.ledger.Look(ctx, e, func(e *ledger.Entry) ledger.Keeper { return ledger.Simple(e, within(no, fn)) })
}

// within runs fn on a batch within an effect, and saves it.
func within(no book.BatchNo, fn func(tx *Tx) error) func(e *ledger.Entry) (any, error) {
	return func(e *ledger.Entry) (any, error) {
		b, err := readBatch(e.Context(), e.SQL(), no, "for update")
		if err != nil {
			return nil, err
		}
		if err := fn(&Tx{Entry: e, Batch: &b, ctx: e.Context(), tx: e.SQL()}); err != nil {
			return nil, err
		}
		b.Version++
		b.UpdatedAt = e.At.UTC()
		queueBatch(e, b)
		return b.Version, nil
	}
}

// Refuse leaves a trace of an act on a batch that was refused before it
// reached the batch, once for each act and reason.
func (s *Store) Refuse(ctx context.Context, no book.BatchNo, act book.BatchAct, refusal *kam.Error, at time.Time) error {
	if _, err := s.Get(ctx, no); err != nil {
		return err
	}
	return s.ledger.RefuseOn(ctx, Of(no), act.By, act.DecisionID, at, refusal)
}

// Given keeps in a batch that somebody else has one of its tasks now: an import
// writes back what it knows. What is about no batch stays.
func Given(e *ledger.Entry, task, subject string, to []kam.UserID) error {
	no, ok := strings.CutPrefix(subject, book.BatchNo("").Subject())
	if !ok {
		return nil
	}
	b, err := readBatch(e.Context(), e.SQL(), book.BatchNo(no), "for update")
	if err != nil {
		return err
	}
	for i := range b.Scopes {
		if t := b.Scopes[i].Task; t != nil && t.ID == task {
			t.Assignees = to
		}
	}
	queueBatch(e, b)
	return e.Flush("give a task of a batch away") // it may have another one
}
