package access

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

const personColumns = `user_id as id, p.name, p.email, p.roles, w.nodes, p.manager_id, p.active, nullif(w.no_post, '{}') as no_post`

func personOf(ctx context.Context, q pg.Querier, at time.Time, id kam.UserID) (kam.Person, error) {
	p, ok, err := pg.One(ctx, q, "look up a person", pgx.RowToStructByName[kam.Person],
		`select `+personColumns+` from `+worksAt+` where user_id = $2`, at, id)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "nobody is known as %s", pg.Clip(string(id), 80))
	}
	return p, err
}

// Person looks up who id is, active or not; kam.NotFound for nobody.
func (tx *Tx) Person(id kam.UserID) (kam.Person, error) {
	return personOf(tx.ctx, tx.tx, tx.now(), id)
}

// Person looks up who id is, active or not; kam.NotFound for nobody.
func (s *Store) Person(ctx context.Context, id kam.UserID) (kam.Person, error) {
	return personOf(ctx, s.pool, time.Time{}, id)
}

// People are all persons, by id.
func (s *Store) People(ctx context.Context) ([]kam.Person, error) {
	return people(ctx, s.pool, time.Time{})
}

func people(ctx context.Context, q pg.Querier, at time.Time) ([]kam.Person, error) {
	return pg.List(ctx, q, "list people", pgx.RowToStructByName[kam.Person],
		`select `+personColumns+` from `+worksAt+` order by user_id`, at)
}

// PeopleByRole are the active persons who hold a role, by id.
func (tx *Tx) PeopleByRole(role kam.Role) ([]kam.Person, error) {
	return pg.List(tx.ctx, tx.tx, "list people by role", pgx.RowToStructByName[kam.Person],
		`select `+personColumns+` from `+worksAt+` where p.active and p.roles @> array[$2::text] order by user_id`, tx.now(), role)
}

const nodeColumns = `n.code, n.level, n.parent, n.name, n.manager_id, n.calendar`

// Node is an element of the territory tree; kam.NotFound where there is none.
func (tx *Tx) Node(code string) (kam.TerritoryNode, error) {
	n, ok, err := pg.One(tx.ctx, tx.tx, "look up a territory", pgx.RowToStructByName[kam.TerritoryNode],
		`select `+nodeColumns+` from `+nodesAt+` where n.code = $2`, tx.now(), code)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "there is no territory %q", pg.Clip(code, 40))
	}
	return n, err
}

// Nodes is the whole territory tree, by code.
func (tx *Tx) Nodes() ([]kam.TerritoryNode, error) {
	return nodes(tx.ctx, tx.tx, tx.now())
}

// Nodes is the whole territory tree, by code.
func (s *Store) Nodes(ctx context.Context) ([]kam.TerritoryNode, error) {
	return nodes(ctx, s.pool, time.Time{})
}

func nodes(ctx context.Context, q pg.Querier, at time.Time) ([]kam.TerritoryNode, error) {
	return pg.List(ctx, q, "read the territory tree", pgx.RowToStructByName[kam.TerritoryNode],
		`select `+nodeColumns+` from `+nodesAt+` order by n.code`, at)
}

// Chain is the node, its parent and so on up to the root; empty for an
// unknown node.
func (tx *Tx) Chain(node string) ([]kam.TerritoryNode, error) {
	const up = `
		with recursive chain as (
			select n.*, 1 as depth from ` + nodesAt + ` where n.code = $2
			union all
			select n.*, depth + 1 from chain c join ` + nodesAt + ` on n.code = c.parent where depth < 20
		)
		select ` + nodeColumns + ` from chain n order by depth`

	return pg.List(tx.ctx, tx.tx, "read the territory chain", pgx.RowToStructByName[kam.TerritoryNode], up, tx.now(), node)
}

const calendarRows = `select code, time_zone, opens, closes, weekend, holidays, hours, half_days from kam.calendar`

// Calendars are the work calendars, by code.
func (s *Store) Calendars(ctx context.Context) (map[string]kam.Calendar, error) {
	rows, err := pg.List(ctx, s.pool, "read the calendars", pgx.RowToStructByName[CalendarRow], calendarRows)
	if err != nil {
		return nil, err
	}
	all := make(map[string]kam.Calendar, len(rows))
	for _, r := range rows {
		if all[r.Code], err = r.Read(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Calendar is a work calendar; kam.NotFound where there is none.
func (tx *Tx) Calendar(code string) (CalendarRow, error) {
	c, ok, err := pg.One(tx.ctx, tx.tx, "read a calendar", pgx.RowToStructByName[CalendarRow], calendarRows+` where code = $1`, code)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "there is no calendar %q", pg.Clip(code, 40))
	}
	return c, err
}

// AssignmentRules are all rules of 1.1.3, by code.
func (tx *Tx) AssignmentRules() ([]AssignmentRule, error) { return assignmentRules(tx.ctx, tx.tx) }

// AssignmentRules are all rules of 1.1.3, by code.
func (s *Store) AssignmentRules(ctx context.Context) ([]AssignmentRule, error) {
	return assignmentRules(ctx, s.pool)
}

func assignmentRules(ctx context.Context, q pg.Querier) ([]AssignmentRule, error) {
	return pg.List(ctx, q, "read assignment rules", pgx.RowTo[AssignmentRule], `select rule from kam.assignment_rule order by code`)
}

// BlockedParties is the local screening list.
func (tx *Tx) BlockedParties() ([]BlockedParty, error) {
	return blockedParties(tx.ctx, tx.tx)
}

// Holds is what finance has stopped.
type Holds struct {
	Group       bool                  // the group that was asked for
	Identifiers []customer.Identifier // whoever has one of them, under whatever number of its registration
}

// FinanceHolds are the stops by finance, and whether a group is among them.
func (tx *Tx) FinanceHolds(groupID string) (Holds, error) {
	held, err := pg.List(tx.ctx, tx.tx, "look up finance holds", pgx.RowToStructByName[Hold],
		`select scheme, value, group_id, reason from kam.finance_hold where value <> '' or group_id <> '' and group_id = $1`, groupID)
	var h Holds
	for _, x := range held {
		if x.Value != "" {
			h.Identifiers = append(h.Identifiers, customer.Identifier{Scheme: x.Scheme, Value: x.Value})
		}
		h.Group = h.Group || x.GroupID != "" && x.GroupID == groupID
	}
	return h, err
}

// GroupByName finds a group by its name, without regard to case and blanks.
func (tx *Tx) GroupByName(name string) (Group, bool, error) {
	return pg.One(tx.ctx, tx.tx, "look up a group", pgx.RowToStructByPos[Group],
		`select group_id, name from kam.party_group where name_key = `+NameKeySQL+``, name)
}

const NameKeySQL = `lower(regexp_replace(btrim($1::text), '\s+', ' ', 'g'))`

// Group finds a group by its id.
func (tx *Tx) Group(id string) (Group, bool, error) {
	return pg.One(tx.ctx, tx.tx, "look up a group", pgx.RowToStructByPos[Group],
		`select group_id, name from kam.party_group where group_id = $1`, id)
}

// EnsureGroup returns the group with the id or else the name, and makes it
// where there is none. Without both there is no group: "".
func (tx *Tx) EnsureGroup(id, name string) (string, error) {
	const insert = `
		insert into kam.party_group (name, name_key, group_id)
		values ($1, ` + NameKeySQL + `, coalesce(nullif($2, ''), 'G-' || lpad(nextval('kam.group_number')::text, 6, '0')))
		on conflict do nothing returning group_id`

	if id == "" && name == "" {
		return "", nil
	}
	if id != "" {
		if g, ok, err := tx.Group(id); ok || err != nil {
			return g.ID, err
		}
	}
	if name != "" {
		if g, ok, err := tx.GroupByName(name); ok || err != nil {
			return g.ID, err
		}
	} else {
		name = id
	}
	made, ok, err := pg.One(tx.ctx, tx.tx, "make a group", pgx.RowTo[string], insert, name, id)
	if err != nil || ok {
		return made, err
	}
	g, ok, err := tx.GroupByName(name) // somebody else made it just now
	if err == nil && !ok {
		err = errors.New("make a group: the number is taken, another attempt gets the next")
	}
	return g.ID, err
}

// Absent says whether a person is away on the day that at shows in its own
// zone: absences are dates, and whose midnight counts the caller knows. An
// error fails the effect.
func (tx *Tx) Absent(user kam.UserID, at time.Time) bool {
	const away = `
		select exists (select from kam.absence
			where user_id = $1 and $2::text::date between from_date and to_date)`

	absent, _, err := pg.One(tx.ctx, tx.tx, "look up absences", pgx.RowTo[bool], away, user, at.Format(time.DateOnly))
	if err != nil {
		tx.Fail(err)
	}
	return absent
}

// BlockedParties is the local screening list.
func (s *Store) BlockedParties(ctx context.Context) ([]BlockedParty, error) {
	return blockedParties(ctx, s.pool)
}

func blockedParties(ctx context.Context, q pg.Querier) ([]BlockedParty, error) {
	return pg.List(ctx, q, "read the screening list", pgx.RowTo[BlockedParty], `select party from kam.blocked_party order by ref`)
}

// A Reference is what the rows of a book point at.
type Reference struct {
	Nodes  []kam.TerritoryNode
	People []kam.Person
	Rules  []AssignmentRule
	Groups []Group
}

// Reference reads the organisation as the check of a book needs it.
func (s *Store) Reference(ctx context.Context) (r Reference, err error) {
	err = pg.InLong(ctx, s.pool, "read the organisation", func(tx pgx.Tx) (err error) {
		t := &Tx{ctx: ctx, tx: tx}
		if r.Nodes, err = t.Nodes(); err != nil {
			return err
		}
		if r.Rules, err = t.AssignmentRules(); err != nil {
			return err
		}
		if r.People, err = people(ctx, tx, time.Time{}); err != nil {
			return err
		}
		r.Groups, err = pg.List(ctx, tx, "list groups", pgx.RowToStructByPos[Group], `select group_id, name from kam.party_group order by group_id`)
		return err
	})
	return r, err
}

// NameKey is the form in which the names of groups are compared, as nameKey
// has it in SQL.
func NameKey(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }
