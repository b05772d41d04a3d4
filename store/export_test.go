package store

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/kamflow/kamflow/store/ledger"
)

// LoseReplies makes Effect fail after its commit when lost says so.
func (s *Store) LoseReplies(lost func() error) { s.Committed = lost }

// On runs an effect on a subject that is no case.
func (s *Store) On(ctx context.Context, e ledger.Effect, fn func(tx *Tx) (any, error)) (json.RawMessage, error) {
	return s.on(ctx, e, fn)
}

// Exec runs SQL as an attacker with the owner's rights would.
func (s *Store) Exec(ctx context.Context, sql string, args ...any) error {
	_, err := s.pool.Exec(ctx, sql, args...)
	return err
}

// ReadAhead is for tests of the package outside.
func ReadAhead[T any](seq iter.Seq2[T, error]) (next func() (T, error, bool), stop func()) {
	return readAhead(seq)
}
