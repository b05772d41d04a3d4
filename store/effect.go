package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/ledger"
)

// KindCase is a case.
const KindCase ledger.Kind = "case"

// KindCustomer is a customer.
const KindCustomer ledger.Kind = "customer"

// KindBook is an import of a customer book.
const KindBook ledger.Kind = "book"

// KindOrganisation is the organisation.
const KindOrganisation ledger.Kind = "organisation"

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

// on runs fn on a subject that is no case; see [ledger.Ledger.On].
func (s *Store) on(ctx context.Context, e ledger.Effect, fn func(tx *Tx) (any, error)) (answer json.RawMessage, err error) {
	return s.On(ctx, e, nil, func(e *ledger.Entry) (any, error) { return fn(newTx(e)) })
}
