package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/internal/pg"
)

const nobodySignsIn = `select not exists (select from kam.identity)`

// MakeFirstLink gives out the link by which the first two admins are set up,
// where nobody can sign in yet; made says whether. The links of earlier starts
// end.
func (s *Store) MakeFirstLink(ctx context.Context, secret string, lasts time.Duration) (made bool, err error) {
	none, _, err := pg.One(ctx, s.pool, "look whether anybody signs in", pgx.RowTo[bool], nobodySignsIn)
	if err != nil || !none {
		return false, err
	}
	a := accessdb.OrgAct{DecisionID: decisionOf(secret), By: kam.System}
	return true, s.act(ctx, a, []any{"first", hashOf(secret)}, func(tx *accessdb.Tx) (string, error) {
		tx.Queue(`delete from kam.sign_in_link where purpose = $1`, LinkFirst)
		queueLink(tx, secret, Link{Purpose: LinkFirst}, kam.System, lasts)
		return kam.Note("a link by which the first admins are set up"), nil
	})
}

// decisionOf names the act that a secret brings about once.
func decisionOf(secret string) string { return fmt.Sprintf("link-%x", hashOf(secret)[:16]) }

// A Founder is one of the first two admins.
type Founder struct {
	User kam.UserID
	Name string // needed only where the system knows nobody
}

// A Founding sets up who signs in first: by their local accounts, whose logins
// are their user ids. The second one chooses his own password by SecondLink.
type Founding struct {
	Link          string
	First, Second Founder
	Password      string
	SecondLink    string
}

// SetUp uses up the first link. In a system that knows nobody both become
// user_admins; else they must be. From then on each further identity takes two
// admins, of whom there are two now. Where it was cut short it may run again,
// until the link is used.
func (s *Store) SetUp(ctx context.Context, f Founding, lasts time.Duration) error {
	if l, err := s.LinkOf(ctx, f.Link); err != nil || l.Purpose != LinkFirst {
		if err == nil {
			err = errLink
		}
		return err
	}
	if f.First.User == f.Second.User {
		return kam.Errorf(kam.Separation, "the two admins are one person").On("second").By("SOD9").Try("name somebody else: what gives rights takes two")
	}
	if err := checkPassword(string(f.First.User), f.Password); err != nil {
		return err
	}
	if err := s.appoint(ctx, f); err != nil {
		return err
	}
	hash, err := hashPassword(ctx, f.Password)
	if err != nil {
		return err
	}
	a := accessdb.OrgAct{DecisionID: decisionOf(f.Link) + "-use", By: f.First.User}
	return s.act(ctx, a, []any{"set up", f.First.User, f.Second.User}, func(tx *accessdb.Tx) (string, error) {
		if _, err := use(ctx, tx, f.Link, LinkFirst); err != nil {
			return "", err
		}
		if none, _, err := pg.One(ctx, tx.SQL(), "look whether anybody signs in", pgx.RowTo[bool], nobodySignsIn); err != nil || !none {
			if err == nil {
				err = errLink
			}
			return "", err
		}
		for _, who := range []struct {
			Founder
			field, hash string
		}{{f.First, "first", hash}, {f.Second, "second", ""}} {
			p, err := tx.Person(who.User)
			if kam.CodeOf(err) == kam.NotFound || err == nil && (!p.Active || !slices.Contains(p.Roles, kam.UserAdmin)) {
				err = kam.Errorf(kam.Invalid, "%q is no user_admin of this system", pg.Clip(string(who.User), 80)).On(who.field).Try("name one whom the organisation has")
			}
			if err != nil {
				return "", err
			}
			tx.Queue(`insert into kam.identity (issuer, subject, user_id, linked_by, linked_at, password) values ($1, $2, $2, $3, $4, $5)`,
				accessdb.LocalIssuer, who.User, f.First.User, tx.At, who.hash)
		}
		queueLink(tx, f.SecondLink, Link{Purpose: LinkPassword, User: f.Second.User, Subject: string(f.Second.User)}, f.First.User, lasts)
		return kam.Note("%s and %s are the first who may sign in", f.First.User, f.Second.User), nil
	})
}

// bearer is who holds the first link: it sets up a system that knows nobody who
// could be asked.
func bearer(kam.Person, access.Action, access.Subject) (kam.Role, error) { return kam.UserAdmin, nil }

// appoint makes the two admins of a system that knows nobody.
func (s *Store) appoint(ctx context.Context, f Founding) error {
	people, err := s.access.People(ctx)
	if err != nil || len(people) > 0 {
		return err
	}
	admin := func(w Founder) accessdb.User {
		return accessdb.User{ID: w.User, Name: w.Name, Roles: []kam.Role{kam.UserAdmin}}
	}
	for field, w := range map[string]Founder{"first_name": f.First, "second_name": f.Second} {
		if err := checkLine(field, w.Name, 200); err != nil {
			return err
		}
	}
	a := accessdb.OrgAct{DecisionID: decisionOf(f.Link) + "-people", By: f.First.User, Reason: kam.Note("the first admins"), May: bearer}
	_, err = s.access.LoadOrg(ctx, a, accessdb.Org{Users: []accessdb.User{admin(f.First), admin(f.Second)}})
	return err
}
