package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A Session is a browser in which a person is signed in.
type Session struct {
	ID       string
	Via      string // the issuer of the identity that he signed in by, or the kind of link
	Agent    string // what the browser says that it is
	OpenedAt time.Time
	SeenAt   time.Time
	Expiry   time.Time
}

// An Opening is a session that is about to begin.
type Opening struct {
	ID    string
	User  kam.UserID
	Via   string
	Agent string
}

// NewSessionID names a session for people; it lets nobody in.
func NewSessionID() string { return "S-" + rand.Text()[:10] }

type openingKey struct{}

// Open marks a context in which a session begins. Only there Commit makes a row:
// a session that was ended while a request of it still ran is not written anew
// when that request ends.
func Open(ctx context.Context, o Opening) context.Context {
	return context.WithValue(ctx, openingKey{}, o)
}

// Sessions is the store of scs, by which the gateway keeps its sessions.
type Sessions struct{ *Store }

// FindCtx reads a session that is in force, of a person who is active.
func (s Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	const find = `
		select s.data from kam.session s join kam.person p using (user_id)
		where s.token = $1 and s.expiry > clock_timestamp() and p.active`

	return pg.One(ctx, s.pool, "find the session", pgx.RowTo[[]byte], find, token)
}

// seenWithin is how exactly a session knows when it was last used: closer
// together, nothing is written.
const seenWithin = time.Minute

// CommitCtx writes a session that is there, or begins one where [Open] says so.
func (s Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	const write = `
		update kam.session set data = $2, expiry = $3, seen_at = clock_timestamp()
		where token = $1 and (data <> $2 or seen_at < clock_timestamp() - $4::interval)`
	const begin = `
		insert into kam.session (token, id, user_id, via, agent, data, expiry, opened_at, seen_at)
		values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), clock_timestamp())`

	if o, ok := ctx.Value(openingKey{}).(Opening); ok {
		_, err := pg.Exec(ctx, s.pool, "begin the session", begin, token, o.ID, o.User, o.Via, pg.Clip(o.Agent, 200), data, expiry)
		return err
	}
	_, err := pg.Exec(ctx, s.pool, "keep the session", write, token, data, expiry, seenWithin)
	return err
}

// DeleteCtx ends a session.
func (s Sessions) DeleteCtx(ctx context.Context, token string) error {
	_, err := pg.Exec(ctx, s.pool, "end the session", `delete from kam.session where token = $1`, token)
	return err
}

// errNoContext: scs calls the methods that take a context, where there are any.
var errNoContext = errors.New("a session is read and written with a context")

// Find is there for scs, which calls FindCtx.
func (Sessions) Find(string) ([]byte, bool, error) { return nil, false, errNoContext }

// Commit is there for scs, which calls CommitCtx.
func (Sessions) Commit(string, []byte, time.Time) error { return errNoContext }

// Delete is there for scs, which calls DeleteCtx.
func (Sessions) Delete(string) error { return errNoContext }

// SessionsOf lists the sessions of a person, the one used last first.
func (s *Store) SessionsOf(ctx context.Context, user kam.UserID) ([]Session, error) {
	return pg.List(ctx, s.pool, "list sessions", pgx.RowToStructByName[Session], `
		select id, via, agent, opened_at, seen_at, expiry from kam.session
		where user_id = $1 and expiry > clock_timestamp() order by seen_at desc, id limit 200`, user)
}

// EndSession ends one session of a person. It may run twice.
func (s *Store) EndSession(ctx context.Context, user kam.UserID, id string) error {
	_, err := pg.Exec(ctx, s.pool, "end a session", `delete from kam.session where user_id = $1 and id = $2`, user, id)
	return err
}

// EndOthers ends all sessions of a person but the one that he says it in. It may
// run twice.
func (s *Store) EndOthers(ctx context.Context, user kam.UserID, but string) error {
	_, err := pg.Exec(ctx, s.pool, "end the other sessions", `delete from kam.session where user_id = $1 and id <> $2`, user, but)
	return err
}
