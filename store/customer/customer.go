// Package customer keeps customers that exist: the record and its versions, how
// it is found again, its key account, and the sales facts that it is classed by.
// Rooms below it make one record of two (merge) and forget a person (erase).
package customer

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/ledger"
)

// A Store is this room in the database. Its methods may be called from many
// goroutines.
type Store struct {
	ledger *ledger.Ledger
	pool   *pgxpool.Pool
	access *accessdb.Store
}

// New opens the room over a database and its ledger.
func New(l *ledger.Ledger, pool *pgxpool.Pool, a *accessdb.Store) *Store { return &Store{l, pool, a} }

// A Tx is the inside of an effect, with what customers look up and change in it.
type Tx struct {
	*ledger.Entry
	ctx context.Context // of the effect: a Tx lives no longer
	tx  pgx.Tx
}

// In is the inside of an effect on any subject.
func In(e *ledger.Entry) *Tx { return &Tx{e, e.Context(), e.SQL()} }

// on runs fn on a subject, as one effect of its ledger; see [ledger.Ledger.On].
func (s *Store) on(ctx context.Context, e ledger.Effect, fn func(tx *Tx) (any, error)) (json.RawMessage, error) {
	return s.ledger.On(ctx, e, nil, func(e *ledger.Entry) (any, error) { return fn(In(e)) })
}

// Kind is a customer.
const Kind ledger.Kind = "customer"

// Of is a customer as a subject of the ledger.
func Of(no string) ledger.Subject {
	return ledger.Subject{Kind: Kind, ID: "customer/" + no}
}

// Refuse notes on a customer's audit trail that somebody was turned down
// before a decision reached the store. Nothing is noted for a customer that
// does not exist.
func (s *Store) Refuse(ctx context.Context, no string, by kam.UserID, decisionID string, at time.Time, refusal *kam.Error) error {
	if _, err := s.Customer(ctx, no); err != nil {
		return err
	}
	return s.ledger.RefuseOn(ctx, Of(no), by, decisionID, at, refusal)
}
