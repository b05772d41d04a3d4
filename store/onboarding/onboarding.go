// Package onboarding keeps cases. What changes a case is an effect: one
// transaction under a business key that writes the new snapshot, the audit rows,
// tasks, messages and the answer. The same key again gets the same answer; a late
// attempt of the engine finds the case ahead and does nothing. See
// [Store.Effect].
//
// It knows no other room.
package onboarding

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/ledger"
)

// A Store is this room in the database. Its methods may be called from many
// goroutines.
type Store struct {
	ledger *ledger.Ledger
	pool   *pgxpool.Pool
}

// New opens the room over a database and its ledger.
func New(l *ledger.Ledger, pool *pgxpool.Pool) *Store { return &Store{l, pool} }

// Kind is a case.
const Kind ledger.Kind = "case"

// Of is a case as a subject of the ledger.
func Of(no kam.CaseNo) ledger.Subject {
	if no == "" {
		return ledger.Subject{}
	}
	return ledger.Subject{Kind: Kind, ID: string(no)}
}

// Effect runs fn on a case, as one effect of its ledger, and says how the case
// stands then. A refusal stands in the Progress; see [ledger.Ledger.Do].
func (s *Store) Effect(ctx context.Context, e ledger.Effect, fn func(ctx context.Context, tx *Tx) error) (onboarding.Progress, error) {
	var tx *Tx
	err := s.ledger.Do(ctx, e, func(entry *ledger.Entry) ledger.Keeper {
		tx = newTx(entry, fn)
		return tx
	})
	if err != nil {
		return onboarding.Progress{}, err
	}
	return tx.progress, nil
}

// Peek runs fn as an effect on a case would, and undoes what it did: for
// questions that only an effect can answer.
func (s *Store) Peek(ctx context.Context, no kam.CaseNo, at time.Time, fn func(ctx context.Context, tx *Tx) error) error {
	return s.Ask(ctx, ledger.Effect{Subject: Of(no), At: at}, fn)
}

// Ask is Peek for an effect that may have been done: then nothing is asked.
func (s *Store) Ask(ctx context.Context, e ledger.Effect, fn func(ctx context.Context, tx *Tx) error) error {
	return s.ledger.Look(ctx, e, func(entry *ledger.Entry) ledger.Keeper { return newTx(entry, fn) })
}
