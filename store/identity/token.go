package identity

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// Scope is what a personal token may be used for.
type Scope string

// The scopes: reading, or whatever the person may do.
const (
	ScopeRead Scope = "READ"
	ScopeAll  Scope = "ALL"
)

// A Token lets a program of a person in, as him.
type Token struct {
	No     string
	User   kam.UserID
	Name   string
	Scope  Scope
	MadeAt time.Time
	Expiry time.Time
	UsedAt *time.Time
}

// tokenPrefix is how people and scanners know what they have found.
const tokenPrefix = "kam_"

// NewTokenSecret is what a program sends.
func NewTokenSecret() string { return tokenPrefix + NewSecret() }

// maxTokens is how many tokens in force a person has at most.
const maxTokens = 20

// maxTokenName bounds the name of a token, in characters.
const maxTokenName = 60

const tokenColumns = `token_no as no, user_id as "user", name, scope, made_at, expiry, used_at`

// MakeToken makes a personal token of whoever acts, which lasts as long as said,
// and tells it on the trail. The same act again is the same token. Only the hash
// of the secret is kept.
func (s *Store) MakeToken(ctx context.Context, a accessdb.OrgAct, secret, name string, scope Scope, lasts time.Duration) error {
	return s.act(ctx, a, []any{"token", name, scope, lasts}, func(tx *accessdb.Tx) (string, error) {
		return addToken(ctx, tx, Token{User: a.By, Name: name, Scope: scope}, hashOf(secret), lasts)
	})
}

// addToken makes a token within an act, and says what it has made.
func addToken(ctx context.Context, tx *accessdb.Tx, t Token, hash []byte, lasts time.Duration) (string, error) {
	const insert = `
		insert into kam.token (token_no, hash, user_id, name, scope, made_at, expiry)
		values ($1, $2, $3, $4, $5, $6, $7)`

	t.Name = strings.TrimSpace(t.Name)
	if err := checkLine("name", t.Name, maxTokenName); err != nil {
		return "", err
	}
	if t.Scope != ScopeRead && t.Scope != ScopeAll {
		return "", kam.Errorf(kam.Invalid, "%q is no scope", pg.Clip(string(t.Scope), 20)).On("scope").Try("one of READ, ALL")
	}
	n, _, err := pg.One(ctx, tx.SQL(), "count tokens", pgx.RowTo[int], `select count(*)::int from kam.token where user_id = $1 and expiry > clock_timestamp()`, t.User)
	if err != nil {
		return "", err
	}
	if n >= maxTokens {
		return "", kam.Errorf(kam.Invalid, "you have %d tokens in force", n).On("name").Try("revoke one that you do not need")
	}
	no, _, err := pg.One(ctx, tx.SQL(), "number a token", pgx.RowTo[string], `select 'T-' || lpad(nextval('kam.token_number')::text, 6, '0')`)
	if err != nil {
		return "", err
	}
	until := tx.At.Add(lasts)
	tx.Queue(insert, no, hash, t.User, t.Name, t.Scope, tx.At, until)
	return kam.Note("%s: a personal token with scope %s until %s", no, t.Scope, until.UTC().Format(time.DateOnly)), nil
}

// RevokeToken ends a token of whoever acts. It may run twice.
func (s *Store) RevokeToken(ctx context.Context, a accessdb.OrgAct, no string) error {
	return s.act(ctx, a, []any{"revoke", no}, func(tx *accessdb.Tx) (string, error) {
		tag, err := pg.Exec(ctx, tx.SQL(), "revoke a token", `delete from kam.token where token_no = $1 and user_id = $2`, no, a.By)
		if err == nil && tag.RowsAffected() == 0 {
			err = kam.Errorf(kam.NotFound, "you have no token %q", pg.Clip(no, 20)).On("token_no")
		}
		return no + ": revoked", err
	})
}

// TokensOf lists the tokens of a person that are in force, the newest first.
func (s *Store) TokensOf(ctx context.Context, user kam.UserID) ([]Token, error) {
	return pg.List(ctx, s.pool, "list tokens", pgx.RowToStructByName[Token],
		`select `+tokenColumns+` from kam.token where user_id = $1 and expiry > clock_timestamp() order by made_at desc, token_no desc`, user)
}

// TokenOf is the token with this secret, where it is in force and its person is
// active; else ErrNobody.
func (s *Store) TokenOf(ctx context.Context, secret string) (Token, error) {
	const use = `
		with t as (select t.* from kam.token t join kam.person p using (user_id) where t.hash = $1 and t.expiry > clock_timestamp() and p.active),
		seen as (update kam.token u set used_at = clock_timestamp() from t
			where u.token_no = t.token_no and (t.used_at is null or t.used_at < clock_timestamp() - $2::interval))
		select ` + tokenColumns + ` from t`

	if !strings.HasPrefix(secret, tokenPrefix) || len(secret) > 100 {
		return Token{}, ErrNobody
	}
	t, found, err := pg.One(ctx, s.pool, "look for a token", pgx.RowToStructByName[Token], use, hashOf(secret), seenWithin)
	if err == nil && !found {
		err = ErrNobody
	}
	return t, err
}
