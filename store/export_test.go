package store

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// LoseReplies makes Effect fail after its commit when lost says so.
func (s *Store) LoseReplies(lost func() error) { s.Committed = lost }

// Exec runs SQL as an attacker with the owner's rights would.
func (s *Store) Exec(ctx context.Context, sql string, args ...any) error {
	_, err := s.pool.Exec(ctx, sql, args...)
	return err
}

// Pool is for counting rows.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }
