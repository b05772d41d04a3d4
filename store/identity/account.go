package identity

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// The bounds of a password. It is the only proof of a local account, so it is
// long; what kinds of character it has nobody asks.
const (
	minPassword = 12
	maxPassword = 200
)

// checkPassword says what is wrong with a password that somebody chooses.
func checkPassword(login, password string) error {
	n := utf8.RuneCountInString(password)
	kinds := map[rune]bool{}
	for _, r := range password {
		kinds[r] = true
	}
	switch {
	case !utf8.ValidString(password) || n < minPassword || n > maxPassword:
		return kam.Errorf(kam.Invalid, "has %d characters", n).On("password").Try("choose %d to %d, several words for example", minPassword, maxPassword)
	case len(kinds) < 5 || strings.Contains(strings.ToLower(password), strings.ToLower(login)):
		return kam.Errorf(kam.Invalid, "is too easy to guess").On("password").Try("choose several words, without your login")
	}
	return nil
}

// hashing bounds how many passwords are hashed at a time: each takes 64 MiB.
var hashing = make(chan struct{}, 4)

// hashed runs work that hashes, when it is its turn.
func hashed[T any](ctx context.Context, work func() (T, error)) (none T, err error) {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
		return work()
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

func hashPassword(ctx context.Context, password string) (string, error) {
	return hashed(ctx, func() (string, error) { return argon2id.CreateHash(password, argon2id.DefaultParams) })
}

// decoy is compared with where there is no password, so that an answer takes as
// long for a login that nobody has.
var decoy = sync.OnceValues(func() (string, error) {
	return argon2id.CreateHash(NewSecret(), argon2id.DefaultParams)
})

// errPassword says nothing of which of the two was wrong.
var errPassword = kam.Errorf(kam.Forbidden, "the login or the password is wrong").Try("try again; who has forgotten his password asks a user_admin")

// CheckPassword is the active person who signs in by a local account.
func (s *Store) CheckPassword(ctx context.Context, login, password string) (kam.UserID, error) {
	type row struct {
		User     kam.UserID
		Password string
	}
	if len(login) > maxPassword*4 || len(password) > maxPassword*4 {
		return "", errPassword
	}
	found, ok, err := pg.One(ctx, s.pool, "look for an account", pgx.RowToStructByPos[row], `
		select i.user_id, i.password from kam.identity i join kam.person p using (user_id)
		where i.issuer = $1 and i.subject = $2 and i.password <> '' and p.active`, accessdb.LocalIssuer, strings.ToValidUTF8(login, ""))
	if err != nil {
		return "", err
	}
	right, err := hashed(ctx, func() (bool, error) {
		if !ok {
			if found.Password, err = decoy(); err != nil {
				return false, err
			}
		}
		return argon2id.ComparePasswordAndHash(password, found.Password)
	})
	if err == nil && (!right || !ok) {
		err = errPassword
	}
	return found.User, err
}

// PersonOf is the active person who signs in by what an OpenID provider calls
// him. Issuer and subject are taken together and as they are.
func (s *Store) PersonOf(ctx context.Context, issuer, subject string) (kam.UserID, error) {
	user, ok, err := pg.One(ctx, s.pool, "look for an identity", pgx.RowTo[kam.UserID], `
		select i.user_id from kam.identity i join kam.person p using (user_id)
		where i.issuer = $1 and i.subject = $2 and i.issuer <> $3 and p.active`, issuer, subject, accessdb.LocalIssuer)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "nobody signs in by this identity").Try("two user_admins link it to you: starter admin identity link")
	}
	return user, err
}

// MakePasswordLink gives out the link by which the holder of a new local account
// chooses his password. Only the admin who agreed to the account may, and only
// until the password is chosen: whoever proposed it never holds the link.
func (s *Store) MakePasswordLink(ctx context.Context, a accessdb.OrgAct, secret, login string, lasts time.Duration) error {
	type row struct {
		User, By kam.UserID
		Password string
	}
	return s.act(ctx, a, []any{"password link", login, hashOf(secret)}, func(tx *accessdb.Tx) (string, error) {
		i, ok, err := pg.One(ctx, tx.SQL(), "look for an account", pgx.RowToStructByPos[row],
			`select user_id, linked_by, password from kam.identity where issuer = $1 and subject = $2`, accessdb.LocalIssuer, login)
		if err != nil {
			return "", err
		}
		if !ok {
			return "", kam.Errorf(kam.NotFound, "there is no local account %q", pg.Clip(login, 80)).On("login")
		}
		who, err := tx.Person(a.By)
		if err == nil {
			_, err = a.Judge(who, access.ActionUsersEdit, access.Subject{Owner: i.User})
		}
		switch {
		case err != nil:
			return "", err
		case i.By != a.By:
			return "", kam.Errorf(kam.Separation, "%s agreed to this account", i.By).By("SOD9").Try("ask him for the link")
		case i.Password != "":
			return "", kam.Errorf(kam.WrongState, "%s has chosen a password", i.User).Try("who has forgotten it has the account unlinked and linked again")
		}
		queueLink(tx, secret, Link{Purpose: LinkPassword, User: i.User, Subject: login}, a.By, lasts)
		return kam.Note("a link by which %s chooses the password of %s", i.User, login), nil
	})
}

// ChoosePassword uses up a link and keeps the password of its account. All
// sessions of the person end.
func (s *Store) ChoosePassword(ctx context.Context, secret, password string) (kam.UserID, error) {
	l, err := s.LinkOf(ctx, secret)
	if err != nil {
		return "", err
	}
	if err := checkPassword(l.Subject, password); err != nil {
		return "", err
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return "", err
	}
	a := accessdb.OrgAct{DecisionID: decisionOf(secret), By: l.User}
	return l.User, s.act(ctx, a, []any{"choose", l.Subject}, func(tx *accessdb.Tx) (string, error) {
		l, err := use(ctx, tx, secret, LinkPassword)
		if err != nil {
			return "", err
		}
		return keepPassword(ctx, tx, l.Subject, hash, a.By)
	})
}

// ChangePassword keeps a new password of whoever acts, who knows the one before.
// His other sessions end.
func (s *Store) ChangePassword(ctx context.Context, a accessdb.OrgAct, login, before, password string) error {
	user, err := s.CheckPassword(ctx, login, before)
	if err == nil && user != a.By {
		err = errPassword
	}
	if err == nil {
		err = checkPassword(login, password)
	}
	if err != nil {
		return err
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return err
	}
	return s.act(ctx, a, []any{"change", login}, func(tx *accessdb.Tx) (string, error) {
		return keepPassword(ctx, tx, login, hash, a.By)
	})
}

// keepPassword writes the password of an account and ends the sessions that its
// person has.
func keepPassword(ctx context.Context, tx *accessdb.Tx, login, hash string, user kam.UserID) (string, error) {
	tag, err := pg.Exec(ctx, tx.SQL(), "keep a password", `update kam.identity set password = $3 where issuer = $1 and subject = $2 and user_id = $4`,
		accessdb.LocalIssuer, login, hash, user)
	if err == nil && tag.RowsAffected() == 0 {
		err = kam.Errorf(kam.NotFound, "there is no local account %q any more", pg.Clip(login, 80)).On("login")
	}
	tx.Queue(`delete from kam.session where user_id = $1`, user)
	return kam.Note("the password of %s is set", login), err
}
