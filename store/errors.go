package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kamflow/kamflow/kam"
)

// known translates an error of PostgreSQL. Bad data and broken constraints
// are a kam.Fault, because the same again would fail again; a lost
// connection, a shutdown, a full disk and everything else stay plain errors,
// which are worth another attempt.
func known(err error) error {
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

// conflicts says whether a transaction lost against another one and is to be
// run again.
func conflicts(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// busy says that a lock was not there at once.
func busy(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}

func breaksUnique(err error, constraintPrefix string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && strings.HasPrefix(pg.ConstraintName, constraintPrefix)
}

const conflictRetries = 5

// retry runs one transaction, again where it lost against another.
func retry(ctx context.Context, run func() error) error {
	for attempt := 0; ; attempt++ {
		err := run()
		if err == nil || !conflicts(err) || attempt == conflictRetries {
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

// inTx runs one transaction of its own, outside an effect.
func (s *Store) inTx(ctx context.Context, doing string, fn func(tx pgx.Tx) error) error {
	err := retry(ctx, func() error { return pgx.BeginFunc(ctx, s.pool, fn) })
	if err != nil {
		return fmt.Errorf("%s: %w", doing, known(err))
	}
	return nil
}
