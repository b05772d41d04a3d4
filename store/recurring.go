package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// Seen is how far a recurring job came when it last went well; empty where it
// never did.
func (s *Store) Seen(ctx context.Context, job kam.Job) (string, error) {
	seen, _, err := pg.One(ctx, s.pool, "read how far "+string(job)+" came", pgx.RowTo[string], `select seen from kam.recurring where job = $1`, job)
	return seen, err
}

// SaveSeen notes how far a recurring job came. It may run twice.
func (s *Store) SaveSeen(ctx context.Context, job kam.Job, seen string) error {
	const save = `
		insert into kam.recurring (job, seen, seen_at) values ($1, $2, clock_timestamp())
		on conflict (job) do update set seen = excluded.seen, seen_at = excluded.seen_at`

	_, err := pg.Exec(ctx, s.pool, "note how far "+string(job)+" came", save, job, seen)
	return err
}
