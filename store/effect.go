package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/ledger"
)

// The kinds of subject, and the ids under which each has its trail.
const (
	KindCase         ledger.Kind = "case"
	KindCustomer     ledger.Kind = "customer"
	KindBook         ledger.Kind = "book"
	KindOrganisation ledger.Kind = "organisation"
)

// OfCase is a case as a subject of the ledger.
func OfCase(no kam.CaseNo) ledger.Subject {
	if no == "" {
		return ledger.Subject{}
	}
	return ledger.Subject{Kind: KindCase, ID: string(no)}
}

// OfCustomer is a customer as a subject of the ledger.
func OfCustomer(no string) ledger.Subject {
	return ledger.Subject{Kind: KindCustomer, ID: "customer/" + no}
}

// OfBook is an import as a subject of the ledger.
func OfBook(no kam.BatchNo) ledger.Subject { return ledger.Subject{Kind: KindBook, ID: no.Subject()} }

// Organisation is the subject whose trail tells of changes of people, posts,
// absences and policies.
var Organisation = ledger.Subject{Kind: KindOrganisation, ID: "org"}

// Effect runs fn on a case, as one effect of its ledger, and says how the case
// stands then. A refusal stands in the Progress; see [ledger.Ledger.Do].
func (s *Store) Effect(ctx context.Context, e ledger.Effect, fn func(ctx context.Context, tx *CaseTx) error) (kam.Progress, error) {
	var tx *CaseTx
	err := s.Do(ctx, e, func(entry *ledger.Entry) ledger.Keeper {
		tx = newCaseTx(entry, fn)
		return tx
	})
	if err != nil {
		return kam.Progress{}, err
	}
	return tx.progress, nil
}

// Peek runs fn as an effect on a case would, and undoes what it did: for
// questions that only an effect can answer.
func (s *Store) Peek(ctx context.Context, no kam.CaseNo, at time.Time, fn func(ctx context.Context, tx *CaseTx) error) error {
	return s.Look(ctx, ledger.Effect{Subject: OfCase(no), At: at}, func(entry *ledger.Entry) ledger.Keeper { return newCaseTx(entry, fn) })
}

// on runs fn on a subject that is no case, as one effect of its ledger, and
// returns what fn answered. What fn refuses is the error. It logs at least one
// event.
func (s *Store) on(ctx context.Context, e ledger.Effect, fn func(tx *Tx) (any, error)) (answer json.RawMessage, err error) {
	return s.onLocked(ctx, e, nil, fn)
}

// onLocked is on, where more than the subject is to be locked: first queues what
// comes before it.
func (s *Store) onLocked(ctx context.Context, e ledger.Effect, first func(b *pgx.Batch), fn func(tx *Tx) (any, error)) (answer json.RawMessage, err error) {
	var k *keeper
	e.Known = ledger.Unfenced
	err = s.Do(ctx, e, func(entry *ledger.Entry) ledger.Keeper {
		k = &keeper{Tx: newTx(entry), first: first, fn: fn}
		return k
	})
	if err == nil && k.refused != nil {
		return nil, k.refused
	}
	if err != nil {
		return nil, err
	}
	return k.stored, nil
}

// refuse puts on the trail of a subject that is no case what was refused before
// the subject was reached.
func (s *Store) refuse(ctx context.Context, of ledger.Subject, by kam.UserID, decisionID string, at time.Time, refusal *kam.Error) error {
	return s.Ledger.Refuse(ctx, ledger.Effect{Subject: of, At: at, By: by}, decisionID, refusal, func(entry *ledger.Entry) ledger.Keeper { return &keeper{Tx: newTx(entry)} })
}

// A keeper is an effect on a subject that has no table of its own for its head.
type keeper struct {
	*Tx
	// first, where given, queues what is to be locked before the subject.
	first   func(b *pgx.Batch)
	fn      func(tx *Tx) (any, error)
	answer  any
	stored  json.RawMessage
	refused *kam.Error
}

func (k *keeper) Lock(b *pgx.Batch) {
	if k.first != nil {
		k.first(b)
	}
	k.QueueLock(b, func(bool) error { return nil })
}

func (k *keeper) Do(context.Context) (err error) {
	k.answer, err = k.fn(k.Tx)
	return err
}

func (k *keeper) Save() (any, error) {
	if len(k.Events()) == 0 {
		return nil, kam.Errorf(kam.Fault, "effect %s of %s logged no event", k.Effect().Key, k.Subject())
	}
	k.QueueHead()
	return k.Unchanged()
}

func (k *keeper) Unchanged() (_ any, err error) {
	if k.stored, err = json.Marshal(k.answer); err != nil {
		return nil, fmt.Errorf("print the answer: %w", err)
	}
	return k.stored, nil
}

func (k *keeper) Refused(e *kam.Error) any {
	k.refused = e
	return nil
}

func (k *keeper) Stored(answer []byte, _ bool) error {
	k.stored = answer
	return nil
}

func (k *keeper) Forget() {}
