package identity

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// Lang is the language that a person chose to read in, "" where he did not.
func (s *Store) Lang(ctx context.Context, user kam.UserID) (string, error) {
	lang, _, err := pg.One(ctx, s.pool, "read how a person reads", pgx.RowTo[string], `select lang from kam.reader where user_id = $1`, user)
	return lang, err
}

// SetLang keeps the language that a person chose. It may run twice.
func (s *Store) SetLang(ctx context.Context, user kam.UserID, lang string) error {
	_, err := pg.Exec(ctx, s.pool, "keep how a person reads", `
		insert into kam.reader (user_id, lang) values ($1, $2)
		on conflict (user_id) do update set lang = excluded.lang`, user, lang)
	return err
}

// A Look is the revision of a subject that a person had seen before the one that he
// sees now.
type Look struct {
	Revision int
	At       time.Time
}

// Seen notes that a person sees a revision of a subject, and tells what he had seen
// before that: nil where he has seen no other. Looked at again, the answer stays
// until another revision comes.
func (s *Store) Seen(ctx context.Context, user kam.UserID, subject string, revision int) (*Look, error) {
	const note = `
		insert into kam.seen as k (user_id, subject, revision, at) values ($1, $2, $3, clock_timestamp())
		on conflict (user_id, subject) do update set
			before    = case when k.revision < excluded.revision then k.revision else k.before end,
			before_at = case when k.revision < excluded.revision then k.at else k.before_at end,
			revision  = greatest(k.revision, excluded.revision),
			at        = clock_timestamp()
		where k.revision < excluded.revision or k.at < clock_timestamp() - interval '1 minute'`
	const before = `select before as revision, before_at as at from kam.seen where user_id = $1 and subject = $2 and before > 0`

	if _, err := pg.Exec(ctx, s.pool, "note what a person sees", note, user, subject, revision); err != nil {
		return nil, err
	}
	l, ok, err := pg.One(ctx, s.pool, "read what a person had seen", pgx.RowToStructByName[Look], before, user, subject)
	if err != nil || !ok {
		return nil, err
	}
	return &l, nil
}
