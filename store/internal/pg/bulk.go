package pg

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/kam"
)

// LongStatements allows a transaction statements that take longer than one of a
// case may.
const LongStatements = `set local statement_timeout = '10min'`

// bulkLock keeps two pieces of bulk work from running at once.
const bulkLock = 7_201_150_617

// NumberLock keeps customers from being numbered while a load moves the numbers
// on.
const NumberLock int64 = 7_201_150_618

// LockCustomer orders whoever works on a customer's record: cases that take hold
// of it, merges and splits.
const LockCustomer = `select pg_advisory_xact_lock(hashtextextended('customer/' || $1, 11))`

// Alone makes a transaction one of bulk work: it waits for other such work to
// end, and its statements may take long.
func Alone(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, LongStatements); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(bulkLock))
	return err
}

// InLong runs reads that take longer than a statement of a case may.
func InLong(ctx context.Context, pool *pgxpool.Pool, doing string, fn func(tx pgx.Tx) error) error {
	return InTx(ctx, pool, doing, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, LongStatements); err != nil {
			return err
		}
		return fn(tx)
	})
}

// Snapshot runs reads that all see the same moment.
func Snapshot(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	return Known(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn))
}

const connectionWait = 30 * time.Second

// Stream reads rows one by one, for as long as it takes. What it cannot read
// comes as the last value, and it is not tried again.
func Stream[T any](ctx context.Context, pool *pgxpool.Pool, doing string, scan pgx.RowToFunc[T], sql string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		enough := errors.New("the reader has enough")
		// Whoever reads may hold a connection already: the wait for another ends.
		soon, cancel := context.WithTimeout(ctx, connectionWait)
		conn, err := pool.Acquire(soon)
		cancel()
		if err != nil {
			var none T
			yield(none, fmt.Errorf("%s: %w", doing, Known(err)))
			return
		}
		defer conn.Release()
		err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, LongStatements); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, sql, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				v, err := scan(rows)
				if err != nil {
					return err
				}
				if !yield(v, nil) {
					return enough
				}
			}
			return rows.Err()
		})
		if err != nil && !errors.Is(err, enough) {
			var none T
			yield(none, fmt.Errorf("%s: %w", doing, Known(err)))
		}
	}
}

// A Statement is one of several that make up a piece of set-based work.
type Statement struct {
	what string
	sql  string
	args []any
}

// Step is a statement and what it does.
func Step(what, sql string, args ...any) Statement { return Statement{what, sql, args} }

// Run sends statements one after the other and returns the rows that each has
// changed.
func Run(ctx context.Context, q Querier, doing string, statements ...Statement) ([]int, error) {
	n := make([]int, len(statements))
	for i, s := range statements {
		tag, err := q.Exec(ctx, s.sql, s.args...)
		if BreaksUnique(err, "customer_identifier_") {
			// A case committed between the comparison and now: the next attempt
			// sees it.
			return n, kam.Errorf(kam.Unreachable, "an identifier was given to another customer just now").On("identifiers").Try("it is tried again by itself")
		}
		if err != nil {
			return n, fmt.Errorf("%s: %s: %w", doing, s.what, Known(err))
		}
		n[i] = int(tag.RowsAffected())
	}
	return n, nil
}
