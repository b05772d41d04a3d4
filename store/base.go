package store

import (
	"context"

	"github.com/kamflow/kamflow/kam"
)

// FactBase is the kind of fact under which a case keeps its [Base].
const FactBase = "base"

// A Base is the customer as a case on an existing one found it: what a change
// is compared with, and where the case belongs while nothing moves it.
type Base struct {
	Version   int             `json:"version"`
	Data      kam.RequestData `json:"data"`     // without contacts
	Contacts  string          `json:"contacts"` // their digest
	Territory string          `json:"territory"`
	Owner     kam.UserID      `json:"owner"`
}

// BaseOf is the customer as a case found it, false for a case on a new one or
// before 1.1.2.
func (s *Store) BaseOf(ctx context.Context, no kam.CaseNo) (b Base, ok bool, err error) {
	ok, err = readFact(ctx, s.pool, no, FactBase, &b)
	return b, ok, err
}
