package access

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// LocalIssuer is the issuer of the accounts that kamflow itself keeps. The
// subject of such an identity is the login.
const LocalIssuer = "local"

// An Identity is one way in which a person signs in: an account of ours, or what
// an OpenID provider (the issuer) calls him. A subject means nothing without its
// issuer.
type Identity struct {
	User    kam.UserID `json:"user_id"`
	Issuer  string     `json:"issuer"`
	Subject string     `json:"subject"`
}

func (i Identity) String() string {
	if i.Issuer == LocalIssuer {
		return kam.Note("the local account %s", i.Subject)
	}
	return i.Subject + " of " + i.Issuer
}

var identitiesTable = orgTable{"identities", access.ActionUsersEdit, `select issuer || ' ' || subject, jsonb_build_object('user_id', user_id) from kam.identity order by 1`}

// LinkIdentity lets a person sign in by an identity. Whoever holds it then is
// that person, so it takes two user_admins, neither of whom it concerns.
func (s *Store) LinkIdentity(ctx context.Context, a OrgAct, i Identity) (OrgChange, error) {
	return s.changeOrg(ctx, a, linkChange(i))
}

func linkChange(i Identity) orgChange {
	const insert = `insert into kam.identity (issuer, subject, user_id, linked_by, linked_at) values ($1, $2, $3, $4, $5)`

	return orgChange{kind: ChangeIdentity, what: i, right: access.ActionUsersEdit, owner: i.User, tables: []orgTable{identitiesTable}, apply: func(tx *Tx) (OrgChange, error) {
		if err := i.check(); err != nil {
			return OrgChange{}, err
		}
		p, err := tx.Person(i.User)
		if err != nil {
			return OrgChange{}, wrongOn("user_id", err)
		}
		if !p.Active {
			return OrgChange{}, kam.Errorf(kam.Invalid, "%s has left", i.User).On("user_id")
		}
		of, linked, err := pg.One(tx.ctx, tx.tx, "look whose identity it is", pgx.RowTo[kam.UserID],
			`select user_id from kam.identity where issuer = $1 and subject = $2`, i.Issuer, i.Subject)
		switch {
		case err != nil:
			return OrgChange{}, err
		case linked && of == i.User:
			return OrgChange{}, kam.Errorf(kam.AlreadyDecided, "%s signs in by it already", of).On("subject")
		case linked:
			return OrgChange{}, kam.Errorf(kam.Invalid, "%s signs in by it", of).On("subject").Try("unlink it from him first")
		}
		// The admin who agrees is the one who acts when it takes effect.
		tx.Queue(insert, i.Issuer, i.Subject, i.User, tx.Effect().By, tx.At)
		return OrgChange{What: kam.Note("%s may sign in by %s", i.User, i)}, nil
	}}
}

// UnlinkIdentity takes an identity from whoever signs in by it, and ends the
// sessions that were begun by it. One user_admin may.
func (s *Store) UnlinkIdentity(ctx context.Context, a OrgAct, i Identity) (OrgChange, error) {
	type unlink struct{ Unlink Identity } // another act than to link the same

	return s.changeOrg(ctx, a, orgChange{kind: ChangeUnlink, what: unlink{i}, right: access.ActionUsersEdit, owner: i.User, tables: []orgTable{identitiesTable}, apply: func(tx *Tx) (OrgChange, error) {
		tag, err := pg.Exec(tx.ctx, tx.tx, "unlink an identity", `delete from kam.identity where issuer = $1 and subject = $2 and user_id = $3`, i.Issuer, i.Subject, i.User)
		if err != nil {
			return OrgChange{}, err
		}
		if tag.RowsAffected() == 0 {
			return OrgChange{}, kam.Errorf(kam.NotFound, "%s does not sign in by it", pg.Clip(string(i.User), 80)).On("subject").Try("starter admin identity list shows who signs in by what")
		}
		tx.Queue(`delete from kam.session where user_id = $1 and via = $2`, i.User, i.Issuer)
		tx.Queue(`delete from kam.sign_in_link where purpose = 'PASSWORD' and user_id = $1 and subject = $2`, i.User, i.Subject)
		return OrgChange{What: kam.Note("%s may not sign in by %s any more", i.User, i)}, nil
	}})
}

// The bounds of an identity, in characters; OpenID Connect bounds the subject.
const maxIssuer, maxSubject = 400, 255

// check holds an identity to its form. An issuer is compared letter by letter.
func (i Identity) check() error {
	plain := func(s string, most int) bool {
		return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
	}
	switch {
	case i.Issuer == LocalIssuer && kam.CheckUserID(kam.UserID(i.Subject)) != nil:
		return kam.Errorf(kam.Invalid, "%q is no login", pg.Clip(i.Subject, 80)).On("subject").Try("write letters without accents, digits, '.', '_', '-' or '@', as nils.rep")
	case i.Issuer != LocalIssuer && (!plain(i.Issuer, maxIssuer) || !strings.HasPrefix(i.Issuer, "https://") && !strings.HasPrefix(i.Issuer, "http://")):
		return kam.Errorf(kam.Invalid, "%q is no issuer", pg.Clip(i.Issuer, 80)).On("issuer").Try("write %s, or the address of the provider exactly as it calls itself", LocalIssuer)
	case !plain(i.Subject, maxSubject):
		return kam.Errorf(kam.Invalid, "%q is no subject", pg.Clip(i.Subject, 80)).On("subject").Try("write what the provider calls the person, at most 255 characters")
	}
	return nil
}

// Identities lists by what people sign in: one person, or all for "".
func (s *Store) Identities(ctx context.Context, of kam.UserID) ([]Identity, error) {
	return pg.List(ctx, s.pool, "list identities", pgx.RowToStructByPos[Identity],
		`select user_id, issuer, subject from kam.identity where $1 = '' or user_id = $1 order by user_id, issuer, subject`, of)
}

// expiredKept is how long what has expired is kept, for whoever asks what became
// of it.
const expiredKept = 7 * 24 * time.Hour

// DropSignIns removes what let people in and does no longer. It may run any
// number of times; at is the time of business.
func (s *Store) DropSignIns(ctx context.Context, at time.Time) (dropped int, err error) {
	for _, table := range []string{"session", "token", "sign_in_link"} {
		tag, err := pg.Exec(ctx, s.pool, "remove what lets nobody in any more", `delete from kam.`+table+` where expiry < $1`, at.Add(-expiredKept))
		if err != nil {
			return dropped, err
		}
		dropped += int(tag.RowsAffected())
	}
	tag, err := pg.Exec(ctx, s.pool, "remove what nobody has looked at for long", `delete from kam.seen where at < $1`, at.Add(-seenKept))
	return dropped + int(tag.RowsAffected()), err
}

// seenKept is how long it is known what a person saw last.
const seenKept = 180 * 24 * time.Hour
