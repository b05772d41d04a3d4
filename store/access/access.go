// Package access keeps the organisation: people and posts, territories and their
// calendars, absences, the lists that are looked into, and the policy. Whoever
// changes it leaves a trail, and what one admin alone may not change waits as a
// proposal for a second one.
package access

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// A Store is this room in the database. Its methods may be called from many
// goroutines.
type Store struct {
	ledger *ledger.Ledger
	pool   *pgxpool.Pool
	given  Given
}

// Given is told that an open task that outlives its case has gone to others: what
// it is about may keep whose it is as well.
type Given func(e *ledger.Entry, task, about string, to []kam.UserID) error

// New opens the room over a database and its ledger.
func New(l *ledger.Ledger, pool *pgxpool.Pool, g Given) *Store { return &Store{l, pool, g} }

// A Tx is the inside of an effect, with what people and territories look up and change in it.
type Tx struct {
	*ledger.Entry
	ctx context.Context // of the effect: a Tx lives no longer
	tx  pgx.Tx
	// planned is the day for which the effect changes the organisation, zero for
	// at once: the organisation is then asked about as of that day.
	planned time.Time
}

// In is the inside of an effect on any subject.
func In(e *ledger.Entry) *Tx { return &Tx{Entry: e, ctx: e.Context(), tx: e.SQL()} }

// on runs fn on a subject, as one effect of its ledger; see [ledger.Ledger.On].
func (s *Store) on(ctx context.Context, e ledger.Effect, fn func(tx *Tx) (any, error)) (json.RawMessage, error) {
	return s.ledger.On(ctx, e, nil, func(e *ledger.Entry) (any, error) { return fn(In(e)) })
}

// Kind is the organisation.
const Kind ledger.Kind = "organisation"

// Organisation is the subject whose trail tells of changes of people, posts,
// absences and policies.
var Organisation = ledger.Subject{Kind: Kind, ID: "org"}

// OrgChanged is when people, territories or rules of assignment last changed,
// or something planned took effect, in database time.
func (s *Store) OrgChanged(ctx context.Context) (at string, err error) {
	const last = `
		select greatest((select changed_at from kam.org_change),
			(select max(valid_from) from kam.territory where valid_from <= statement_timestamp()),
			(select max(valid_to) from kam.territory where valid_to <= statement_timestamp()),
			(select max(valid_from) from kam.post where valid_from <= statement_timestamp()))::text`
	at, _, err = pg.One(ctx, s.pool, "look for changes of the organisation", pgx.RowTo[string], last)
	return at, err
}

// AbsenceNear says whether an absence begins about now: on the days around, so
// that no zone's midnight is missed. A change of the organisation it is only
// when it begins, not when it is entered.
func (s *Store) AbsenceNear(ctx context.Context, now time.Time) (near bool, err error) {
	near, _, err = pg.One(ctx, s.pool, "look for absences that begin", pgx.RowTo[bool],
		`select exists (select from kam.absence where from_date between $1::date - 1 and $1::date + 1)`, now.UTC())
	return near, err
}

const noteOrgChange = `update kam.org_change set changed_at = clock_timestamp()`
