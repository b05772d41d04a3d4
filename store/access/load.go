package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// LoadOrg makes the organisation what o says. Lists that o leaves empty stay
// as they are; in lists that it gives, what is no longer there is removed, but
// people are made inactive, because history names them. A calendar that nobody
// can read, or that a node names and nobody knows, is a kam.Invalid: found
// later, it would stop each case that needs it for an operator. So is a manager
// whom nobody knows, a circle of managers, and the id of somebody new that none
// may have; the ids that are there stay.
//
// The first load of a system that knows nobody sets it up. Later ones propose
// what differs, and a second admin agrees (SOD9): the two together hold the
// right of each part that differs, and each of them one of these rights.
func (s *Store) LoadOrg(ctx context.Context, a OrgAct, o Org) (OrgChange, error) {
	return s.changeOrg(ctx, a, loadChange(o))
}

func loadChange(o Org) orgChange {
	return orgChange{kind: ChangeOrg, what: o, tables: tablesOf(o), from: func(tx *Tx) (time.Time, error) { return tx.startOfLoad(o) }, apply: func(tx *Tx) (OrgChange, error) {
		c := OrgChange{What: kam.Note("a load of %d people and %d territory nodes", len(o.Users), len(o.Nodes))}
		if o.From != "" {
			c.What = kam.Note("a load of %d people and %d territory nodes from %s", len(o.Users), len(o.Nodes), o.From)
		}
		return c, tx.load(o)
	}}
}

func (tx *Tx) load(o Org) error {
	for _, c := range o.Calendars {
		if _, err := c.Read(); err != nil {
			return err
		}
	}
	if err := tx.checkNew(o.Users); err != nil {
		return err
	}
	queuePeople(tx.Queued(), o)
	if err := tx.queueTree(o); err != nil {
		return err
	}
	if err := queueLists(tx.Queued(), o); err != nil {
		return err
	}
	tx.Queue(tidyPosts)
	if err := tx.Flush("load the organisation"); err != nil {
		return err
	}
	if _, err := tx.settle(); err != nil {
		return err
	}
	if err := tx.calendarsKnown(); err != nil {
		return err
	}
	managerOf, err := managers(tx.ctx, tx.tx)
	if err != nil {
		return err
	}
	for _, u := range o.Users {
		if err := checkManagers(u, managerOf); err != nil {
			return err
		}
	}
	return nil
}

// tidyPosts keeps no_post to nodes where a person works and that somebody else
// manages, or nobody.
const tidyPosts = `
	update kam.person p set no_post = array(select x from unnest(no_post) x
		where x = any (p.nodes) and not exists (select from ` + pg.TreeNow + ` where n.code = x and n.manager_id = p.user_id))
	where no_post <> '{}'`

// maxBlockedRef bounds the reference of a line of the screening list, in bytes.
const maxBlockedRef = 120

// checkNew looks at the ids of those who are not known yet, and at roles that
// are not those that are there: a load is no way around SOD5 and SOD6.
func (tx *Tx) checkNew(users []User) error {
	people, err := people(tx.ctx, tx.tx, tx.now())
	if err != nil {
		return err
	}
	known := make(map[kam.UserID]kam.Person, len(people))
	for _, p := range people {
		known[p.ID] = p
	}
	for _, u := range users {
		was, ok := known[u.ID]
		if !ok {
			if err := kam.CheckUserID(u.ID); err != nil {
				return err
			}
		}
		if !slices.Equal(was.Roles, u.Roles) {
			if err := access.CheckRoles(u.Roles); err != nil {
				return err
			}
		}
	}
	return nil
}

// calendarsKnown looks for a node whose calendar is not there.
func (tx *Tx) calendarsKnown() error {
	const lost = `
		select n.code, n.calendar from ` + nodesAt + `
		where n.calendar <> '' and not exists (select from kam.calendar c where c.code = n.calendar)
		order by n.code limit 1`

	var node, calendar string
	switch err := tx.tx.QueryRow(tx.ctx, lost, tx.now()).Scan(&node, &calendar); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return kam.Errorf(kam.Invalid, "node %s goes by calendar %q, which is not there", pg.Clip(node, 40), pg.Clip(calendar, 40)).
		On("calendar").Try("load the calendar with the nodes, or leave it to the node above")
}

func queuePerson(b *pgx.Batch, u User) {
	const upsert = `
		insert into kam.person (user_id, name, email, roles, nodes, manager_id, active)
		values (@id, @name, @email, @roles, @nodes, @manager, @active)
		on conflict (user_id) do update set name = excluded.name, email = excluded.email, roles = excluded.roles,
			nodes = excluded.nodes, manager_id = excluded.manager_id, active = excluded.active`

	b.Queue(upsert, pgx.StrictNamedArgs{
		"id": u.ID, "name": u.Name, "email": u.Email, "roles": append([]kam.Role{}, u.Roles...),
		"nodes": append([]string{}, u.Nodes...), "manager": u.ManagerID, "active": !u.Inactive,
	})
}

func queuePeople(b *pgx.Batch, o Org) {
	const rest = `update kam.person set active = false where user_id <> all ($1)`

	var ids []kam.UserID
	for _, u := range o.Users {
		ids = append(ids, u.ID)
		queuePerson(b, u)
	}
	if ids != nil {
		b.Queue(rest, ids)
	}
	if o.Absences != nil {
		b.Queue(`delete from kam.absence`)
	}
	for _, a := range o.Absences {
		b.Queue(`insert into kam.absence (user_id, from_date, to_date) values ($1, $2::text::date, $3::text::date)`, a.UserID, a.From, a.To)
	}
}

func (tx *Tx) queueTree(o Org) error {
	const calendar = `insert into kam.calendar (code, time_zone, opens, closes, weekend, holidays, hours, half_days)
		values (@code, @zone, @opens, @closes, @weekend, @holidays, coalesce(@hours::jsonb, '{}'), @half_days)`

	if o.Nodes != nil {
		if err := tx.loadTree(o); err != nil {
			return err
		}
	}
	if o.Calendars != nil {
		tx.Queue(`delete from kam.calendar`)
	}
	for _, c := range o.Calendars {
		tx.Queue(calendar, pgx.StrictNamedArgs{
			"code": c.Code, "zone": c.TimeZone, "opens": c.Opens, "closes": c.Closes, "weekend": append([]string{}, c.Weekend...),
			"holidays": append([]string{}, c.Holidays...), "hours": c.Hours, "half_days": append([]string{}, c.HalfDays...),
		})
	}
	return nil
}

func queueLists(b *pgx.Batch, o Org) error {
	const group = `
		insert into kam.party_group (name, name_key, group_id) values ($1, ` + NameKeySQL + `, $2)
		on conflict (group_id) do update set name = excluded.name, name_key = excluded.name_key`
	const hold = `
		insert into kam.finance_hold (scheme, value, group_id, reason) values ($1, $2, $3, $4)
		on conflict (scheme, value, group_id) do update set reason = excluded.reason`

	if o.AssignmentRules != nil {
		b.Queue(`delete from kam.assignment_rule`)
	}
	for i, r := range o.AssignmentRules {
		if r.Code == "" {
			r.Code = fmt.Sprintf("RULE-%04d", i+1)
		}
		b.Queue(`insert into kam.assignment_rule (code, rule) values ($1, $2)`, r.Code, r)
	}
	if o.BlockedParties != nil {
		b.Queue(`delete from kam.blocked_party`)
	}
	for i, p := range o.BlockedParties {
		if err := kam.CheckKey(fmt.Sprintf("blocked_parties[%d].ref", i), p.Ref); err != nil {
			return err
		}
		if len(p.Ref) > maxBlockedRef { // it is part of the request key of the review that a hit opens
			return kam.Errorf(kam.Invalid, "is %d bytes long", len(p.Ref)).On(fmt.Sprintf("blocked_parties[%d].ref", i)).Try("give at most %d", maxBlockedRef)
		}
		if err := p.checkContact(fmt.Sprintf("blocked_parties[%d]", i)); err != nil {
			return err
		}
		b.Queue(`insert into kam.blocked_party (ref, party) values ($1, $2)`, p.Ref, p)
	}
	for _, g := range o.Groups {
		if g.ID == "" || g.Name == "" {
			return kam.Errorf(kam.Invalid, "a group needs group_id and name").On("groups")
		}
		b.Queue(group, g.Name, g.ID)
	}
	if o.FinanceHolds != nil {
		b.Queue(`delete from kam.finance_hold`)
	}
	for _, h := range o.FinanceHolds {
		b.Queue(hold, h.Scheme, strings.ToUpper(h.Value), h.GroupID, h.Reason)
	}
	return nil
}

// Load brings rows that were there before kamflow was, and says on the trail of
// the organisation who brought how many of what. The same act again brings
// nothing.
func (s *Store) Load(ctx context.Context, a OrgAct, what string, n int, rows any, do func(tx pgx.Tx, now time.Time) error) error {
	digest := ledger.Digest([]any{what, rows})
	_, err := s.onOrg(ctx, a, digest, true, func(tx *Tx) (OrgChange, error) {
		if err := do(tx.tx, tx.At); err != nil {
			return OrgChange{}, err
		}
		c := OrgChange{What: kam.Note("a load of %d %s", n, strings.ToLower(strings.ReplaceAll(what, "_", " "))), Cases: []kam.CaseNo{}}
		tx.Log(kam.AuditEvent{Type: kam.EventOrgLoaded, Actor: a.By, ReasonCode: what, Text: pg.Clip(because(c.What, a.Reason), 4000), PayloadDigest: digest})
		return c, nil
	})
	return err
}
