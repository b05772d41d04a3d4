package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kamflow/kamflow/kam"
)

// A querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// list collects rows of one column, or of a struct's fields in order with
// pgx.RowToStructByPos as scan.
func list[T any](ctx context.Context, q querier, doing string, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, known(err))
	}
	all, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, known(err))
	}
	return all, nil
}

// one collects a single row; ok is false where there is none.
func one[T any](ctx context.Context, q querier, doing string, scan pgx.RowToFunc[T], sql string, args ...any) (row T, ok bool, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return row, false, fmt.Errorf("%s: %w", doing, known(err))
	}
	row, err = pgx.CollectOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return row, false, nil
	}
	if err != nil {
		return row, false, fmt.Errorf("%s: %w", doing, known(err))
	}
	return row, true, nil
}

func exec(ctx context.Context, q querier, doing, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := q.Exec(ctx, sql, args...)
	if err != nil {
		return tag, fmt.Errorf("%s: %w", doing, known(err))
	}
	return tag, nil
}

// sendBatch sends what was queued in one round trip.
func sendBatch(ctx context.Context, tx pgx.Tx, doing string, b *pgx.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("%s: %w", doing, known(err))
	}
	return nil
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
		if breaksUnique(err, "customer_identifier_") {
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
