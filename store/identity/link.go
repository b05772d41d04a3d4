package identity

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// Purpose is what a one-time link is for.
type Purpose string

// The purposes: to set up the first admins, to choose the password of a local
// account, to sign in without one.
const (
	LinkFirst    Purpose = "FIRST"
	LinkPassword Purpose = "PASSWORD"
	LinkSignIn   Purpose = "SIGN_IN"
)

// A Link is good for one use by whoever holds it.
type Link struct {
	Purpose Purpose
	User    kam.UserID // whom it lets in; nobody yet for LinkFirst
	Subject string     // the login of LinkPassword
	Expiry  time.Time
}

// MakeSignInLink gives out a link that signs somebody in without a password. The
// caller vouches for whoever gets it: it is for a machine whose owner could
// read the database all the same.
func (s *Store) MakeSignInLink(ctx context.Context, a accessdb.OrgAct, secret string, user kam.UserID, lasts time.Duration) error {
	return s.act(ctx, a, []any{"sign in", user}, func(tx *accessdb.Tx) (string, error) {
		p, err := tx.Person(user)
		if err == nil && !p.Active {
			err = kam.Errorf(kam.Forbidden, "%s has left", user).On("user_id")
		}
		queueLink(tx, secret, Link{Purpose: LinkSignIn, User: user}, a.By, lasts)
		return kam.Note("a link to sign in as %s", user), err
	})
}

func queueLink(tx *accessdb.Tx, secret string, l Link, by kam.UserID, lasts time.Duration) {
	tx.Queue(`insert into kam.sign_in_link (hash, purpose, user_id, subject, made_by, expiry) values ($1, $2, $3, $4, $5, $6)`,
		hashOf(secret), l.Purpose, l.User, l.Subject, by, tx.At.Add(lasts))
}

// errLink is all that is said of a link that does not hold.
var errLink = kam.Errorf(kam.TooLate, "this link was used, has expired, or never was one").Try("ask whoever gave it to you for a new one")

// LinkOf is the link with this secret, where it can still be used. It is not
// used up.
func (s *Store) LinkOf(ctx context.Context, secret string) (Link, error) {
	l, found, err := pg.One(ctx, s.pool, "look for a link", pgx.RowToStructByName[Link], `
		select purpose, user_id as "user", subject, expiry from kam.sign_in_link
		where hash = $1 and used_at is null and expiry > clock_timestamp()`, hashOf(pg.Clip(secret, 100)))
	if err == nil && !found {
		err = errLink
	}
	return l, err
}

// UseSignInLink uses up a link that signs in, and says whom.
func (s *Store) UseSignInLink(ctx context.Context, secret string) (kam.UserID, error) {
	user, found, err := pg.One(ctx, s.pool, "use a link", pgx.RowTo[kam.UserID], `
		update kam.sign_in_link l set used_at = clock_timestamp()
		from kam.person p
		where l.hash = $1 and l.purpose = $2 and l.used_at is null and l.expiry > clock_timestamp()
			and p.user_id = l.user_id and p.active
		returning l.user_id`, hashOf(pg.Clip(secret, 100)), LinkSignIn)
	if err == nil && !found {
		err = errLink
	}
	return user, err
}

// use uses up a link within an act.
func use(ctx context.Context, tx *accessdb.Tx, secret string, p Purpose) (Link, error) {
	l, found, err := pg.One(ctx, tx.SQL(), "use a link", pgx.RowToStructByName[Link], `
		update kam.sign_in_link set used_at = clock_timestamp()
		where hash = $1 and purpose = $2 and used_at is null and expiry > clock_timestamp()
		returning purpose, user_id as "user", subject, expiry`, hashOf(pg.Clip(secret, 100)), p)
	if err == nil && !found {
		err = errLink
	}
	return l, err
}
