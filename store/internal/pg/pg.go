// Package pg is how the rooms of the store talk to PostgreSQL: rows into values,
// errors of the database into those of kamflow, and the locks that they share.
package pg

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/kam"
)

// A Querier is the pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// List collects rows; scan says how, as [pgx.RowToStructByName].
func List[T any](ctx context.Context, q Querier, doing string, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, Known(err))
	}
	all, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, Known(err))
	}
	return all, nil
}

// One collects a single row; ok is false where there is none.
func One[T any](ctx context.Context, q Querier, doing string, scan pgx.RowToFunc[T], sql string, args ...any) (row T, ok bool, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return row, false, fmt.Errorf("%s: %w", doing, Known(err))
	}
	row, err = pgx.CollectOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return row, false, nil
	}
	if err != nil {
		return row, false, fmt.Errorf("%s: %w", doing, Known(err))
	}
	return row, true, nil
}

// Exec runs one statement.
func Exec(ctx context.Context, q Querier, doing, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := q.Exec(ctx, sql, args...)
	if err != nil {
		return tag, fmt.Errorf("%s: %w", doing, Known(err))
	}
	return tag, nil
}

// Send sends what was queued in one round trip.
func Send(ctx context.Context, tx pgx.Tx, doing string, b *pgx.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("%s: %w", doing, Known(err))
	}
	return nil
}

// Known translates an error of PostgreSQL. Bad data and broken constraints
// are a kam.Fault, because the same again would fail again; a lost
// connection, a shutdown, a full disk and everything else stay plain errors,
// which are worth another attempt.
func Known(err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return kam.Errorf(kam.NotFound, "there is no such row")
	case !errors.As(err, &pg):
		return err
	}
	if strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23") {
		// Message and detail stay out: they may quote personal data.
		return kam.Errorf(kam.Fault, "the database refuses the data: SQLSTATE %s, table %q, constraint %q",
			pg.Code, pg.TableName, pg.ConstraintName)
	}
	return err
}

// Conflicts says whether a transaction lost against another one and is to be
// run again.
func Conflicts(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// Busy says that a lock was not there at once.
func Busy(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}

// BreaksUnique says that a row is there already, by a constraint whose name
// begins so.
func BreaksUnique(err error, constraintPrefix string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && strings.HasPrefix(pg.ConstraintName, constraintPrefix)
}

const conflictRetries = 5

// Retry runs one transaction, again where it lost against another.
func Retry(ctx context.Context, run func() error) error {
	for attempt := 0; ; attempt++ {
		err := run()
		if err == nil || !Conflicts(err) || attempt == conflictRetries {
			return err
		}
		pause := time.Duration(1+rand.Int64N(10<<attempt)) * time.Millisecond
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w, after %w", ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

// InTx runs one transaction, again where it lost against another.
func InTx(ctx context.Context, pool *pgxpool.Pool, doing string, fn func(tx pgx.Tx) error) error {
	err := Retry(ctx, func() error { return pgx.BeginFunc(ctx, pool, fn) })
	if err != nil {
		return fmt.Errorf("%s: %w", doing, Known(err))
	}
	return nil
}

// Clip shortens s to n letters, the mark of the cut included, as a column holds.
func Clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return kam.Clip(s, n-1)
}

// InTurn runs steps, one after the other, until one fails.
func InTurn(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
