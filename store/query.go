package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

type querier = pg.Querier

func list[T any](ctx context.Context, q querier, doing string, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	return pg.List(ctx, q, doing, scan, sql, args...)
}

func one[T any](ctx context.Context, q querier, doing string, scan pgx.RowToFunc[T], sql string, args ...any) (row T, ok bool, err error) {
	return pg.One(ctx, q, doing, scan, sql, args...)
}

func exec(ctx context.Context, q querier, doing, sql string, args ...any) (pgconn.CommandTag, error) {
	return pg.Exec(ctx, q, doing, sql, args...)
}

func sendBatch(ctx context.Context, tx pgx.Tx, doing string, b *pgx.Batch) error {
	return pg.Send(ctx, tx, doing, b)
}

func known(err error) error { return pg.Known(err) }

func clip(s string, n int) string { return pg.Clip(s, n) }

// inTx runs one transaction of its own, outside an effect.
func (s *Store) inTx(ctx context.Context, doing string, fn func(tx pgx.Tx) error) error {
	return pg.InTx(ctx, s.pool, doing, fn)
}

// inLoad runs one transaction of bulk work, outside an effect.
func (s *Store) inLoad(ctx context.Context, doing string, fn func(tx pgx.Tx) error) error {
	return s.inTx(ctx, doing, func(tx pgx.Tx) error {
		if err := pg.Alone(ctx, tx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// A statement is one of several that make up a piece of set-based work.
type statement struct {
	what string
	sql  string
	args []any
}

// runAll sends statements one after the other and returns the rows that each
// has changed.
func runAll(ctx context.Context, q querier, doing string, statements ...statement) ([]int, error) {
	n := make([]int, len(statements))
	for i, s := range statements {
		tag, err := q.Exec(ctx, s.sql, s.args...)
		if pg.BreaksUnique(err, "customer_identifier_") {
			// A case committed between the comparison and now: the next attempt
			// sees it.
			return n, kam.Errorf(kam.Unreachable, "an identifier was given to another customer just now").On("identifiers").Try("it is tried again by itself")
		}
		if err != nil {
			return n, fmt.Errorf("%s: %s: %w", doing, s.what, known(err))
		}
		n[i] = int(tag.RowsAffected())
	}
	return n, nil
}
