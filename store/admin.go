package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// orgSubject is the subject whose audit trail tells of changes of people,
// posts and absences.
const orgSubject kam.CaseNo = "org"

// An OrgAct is who changes the organisation and why, under the id that makes a
// second sending the same change.
type OrgAct struct {
	DecisionID string
	By         kam.UserID
	Reason     string
}

// An OrgChange is what came of it.
type OrgChange struct {
	What string `json:"what"` // one line for people
	// Pending says that nothing has changed yet: the same change by a second
	// user_admin brings it about (SOD9).
	Pending bool `json:"pending,omitempty"`
	// Customers and KeyAccounts count what a person who leaves owns still.
	Customers   int `json:"customers_owned,omitempty"`
	KeyAccounts int `json:"key_accounts_owned,omitempty"`
	// Posts are nodes that still name a person who has left as their manager.
	Posts []string `json:"posts_to_fill,omitempty"`
	// Overlaps are absences of the same person that a new one shares days with.
	Overlaps []Absence `json:"overlaps,omitempty"`
	// Cases are the open cases that the change concerns. The worker looks whom
	// they wait for now.
	Cases []kam.CaseNo `json:"cases_concerned"`
}

// SetPerson adds a person or changes one; who has left is active again. A role
// that is not held yet is a grant: it takes two user_admins, who ask for the
// same.
func (s *Store) SetPerson(ctx context.Context, a OrgAct, u User) (OrgChange, error) {
	subject := kam.Subject{Owner: u.ID}
	return s.changeOrg(ctx, a, kam.ActionUsersEdit, subject, u, func(tx *Tx) (OrgChange, error) {
		was, err := tx.Person(u.ID)
		known := err == nil
		if err != nil && kam.CodeOf(err) != kam.NotFound {
			return OrgChange{}, err
		}
		if !known {
			if err := kam.CheckUserID(u.ID); err != nil {
				return OrgChange{}, err
			}
		}
		if u.Name == "" {
			return OrgChange{}, kam.Errorf(kam.Invalid, "a person needs a name").On("name")
		}
		if err := kam.CheckRoles(u.Roles); err != nil {
			return OrgChange{}, err
		}
		managerOf, err := managers(tx.ctx, tx.tx)
		if err != nil {
			return OrgChange{}, err
		}
		if err := checkManagers(u, managerOf); err != nil {
			return OrgChange{}, err
		}
		for _, n := range u.Nodes {
			if _, err := tx.Node(n); err != nil {
				return OrgChange{}, wrongOn("nodes", err)
			}
		}
		c := OrgChange{What: personLine(u)}
		if known && !was.Active && !u.Inactive {
			c.What += "; active again after having left"
		}
		grants := slices.DeleteFunc(slices.Clone(u.Roles), func(r kam.Role) bool { return was.Active && was.Is(r) })
		if len(grants) > 0 {
			if c.Pending, err = tx.firstOfTwo(a, c.What); err != nil || c.Pending {
				return c, err
			}
		}
		queuePerson(tx.queued, u)
		c.Cases, err = tx.casesOfPerson(u.ID)
		return c, err
	})
}

// checkManagers follows the managers upward from a person and refuses a manager
// whom nobody knows, and a way that leads back to the person: the work of
// leavers goes up it (P2.7). A circle that he only reports to is not his.
func checkManagers(u User, managerOf map[kam.UserID]kam.UserID) error {
	way := []string{string(u.ID)}
	for next := u.ManagerID; next != "" && !slices.Contains(way[1:], string(next)); next = managerOf[next] {
		way = append(way, string(next))
		if next == u.ID {
			return kam.Errorf(kam.Invalid, "the managers go in a circle: %s", clip(way[0]+" reports to "+strings.Join(way[1:], ", who reports to "), 400)).
				On("manager_id").Try(fmt.Sprintf("name a manager who does not report to %s, or none", u.ID))
		}
	}
	if _, known := managerOf[u.ManagerID]; u.ManagerID != "" && !known {
		return kam.Errorf(kam.Invalid, "nobody is known as %s, the manager of %s", clip(string(u.ManagerID), 80), u.ID).
			On("manager_id").Try("add him first, or name somebody else")
	}
	return nil
}

// managers are who reports to whom; everybody who is known is in it.
func managers(ctx context.Context, q querier) (map[kam.UserID]kam.UserID, error) {
	type row struct{ User, Manager kam.UserID }

	all, err := list(ctx, q, "read who reports to whom", pgx.RowToStructByPos[row], `select user_id, manager_id from kam.person`)
	of := map[kam.UserID]kam.UserID{}
	for _, r := range all {
		of[r.User] = r.Manager
	}
	return of, err
}

// PersonLeaves makes a person inactive. Open tasks go to whoever holds the post
// next, open requests to his manager (P2.7).
func (s *Store) PersonLeaves(ctx context.Context, a OrgAct, id kam.UserID) (OrgChange, error) {
	return s.changeOrg(ctx, a, kam.ActionUsersEdit, kam.Subject{Owner: id}, id, func(tx *Tx) (OrgChange, error) {
		p, err := tx.Person(id)
		if err != nil {
			return OrgChange{}, wrongOn("user_id", err)
		}
		if !p.Active {
			return OrgChange{}, kam.Errorf(kam.AlreadyDecided, "%s has left already", id).On("user_id")
		}
		posts, err := list(tx.ctx, tx.tx, "look for posts", pgx.RowTo[string], `select code from kam.node where manager_id = $1 order by code`, id)
		if err != nil {
			return OrgChange{}, err
		}
		tx.queued.Queue(`update kam.person set active = false where user_id = $1`, id)
		c := OrgChange{What: string(id) + " has left", Posts: posts}
		if err := tx.ownedBy(id, &c); err != nil {
			return OrgChange{}, err
		}
		c.Cases, err = tx.casesOfPerson(id)
		return c, err
	})
}

// ownedBy counts what a person owns, but for customers that are retired.
func (tx *Tx) ownedBy(id kam.UserID, c *OrgChange) error {
	const count = `
		select (select count(*)::int from kam.customer where owner = $1 and status not in ('INACTIVE', 'MERGED')),
			(select count(*)::int from kam.key_account where owner = $1 and state <> 'ENDED')`
	type row struct{ Customers, KeyAccounts int }

	n, _, err := one(tx.ctx, tx.tx, "count what "+string(id)+" owns", pgx.RowToStructByPos[row], count, id)
	c.Customers, c.KeyAccounts = n.Customers, n.KeyAccounts
	return err
}

// SetManager fills the post of a node, or leaves it vacant for "". The post
// moves with what may be done in it: the new manager works at the node, the one
// before no longer does.
func (s *Store) SetManager(ctx context.Context, a OrgAct, node string, manager kam.UserID) (OrgChange, error) {
	type post struct {
		Node    string
		Manager kam.UserID
	}
	return s.changeOrg(ctx, a, kam.ActionTerritoriesEdit, kam.Subject{}, post{node, manager}, func(tx *Tx) (OrgChange, error) {
		n, err := tx.Node(node)
		if err != nil {
			return OrgChange{}, wrongOn("node", err)
		}
		if n.ManagerID == manager {
			return OrgChange{}, kam.Errorf(kam.AlreadyDecided, "the post of %s is as you want it: %s", node, orVacant(manager)).On("manager_id")
		}
		if manager != "" {
			if err := tx.mayManage(manager, n); err != nil {
				return OrgChange{}, err
			}
			tx.queued.Queue(`update kam.person set nodes = array_append(nodes, $2) where user_id = $1 and not $2 = any (nodes)`, manager, node)
		}
		tx.queued.Queue(`update kam.person set nodes = array_remove(nodes, $2) where user_id = $1`, n.ManagerID, node)
		tx.queued.Queue(`update kam.node set manager_id = $2 where code = $1`, node, manager)
		cases, err := tx.casesBelow(node)
		return OrgChange{What: fmt.Sprintf("the post of %s goes from %s to %s", node, orVacant(n.ManagerID), orVacant(manager)), Cases: cases}, err
	})
}

// mayManage asks for an active person who holds the role of the node's level.
func (tx *Tx) mayManage(who kam.UserID, n kam.TerritoryNode) error {
	p, err := tx.Person(who)
	if err != nil {
		return wrongOn("manager_id", err)
	}
	role := n.Level.ManagerRole()
	switch {
	case !p.Active:
		return kam.Errorf(kam.Invalid, "%s has left", who).On("manager_id")
	case !p.Is(role):
		return kam.Errorf(kam.Invalid, "%s is no %s, which the post of %s needs", who, role, n.Code).On("manager_id").Try("a user_admin gives the role first: starter admin person set")
	}
	return nil
}

// changeOrg makes one change of the organisation: who may is asked of the
// matrix, the trail of the organisation tells of it, refusals too, and the
// worker looks whom open tasks wait for.
func (s *Store) changeOrg(ctx context.Context, a OrgAct, action kam.Action, subject kam.Subject, what any, change func(tx *Tx) (OrgChange, error)) (OrgChange, error) {
	digest, err := digestOf([]any{action, what})
	if err != nil {
		return OrgChange{}, err
	}
	now, err := s.Now(ctx)
	if err != nil {
		return OrgChange{}, err
	}
	e := Effect{CaseNo: orgSubject, Key: "act/" + a.DecisionID, Digest: digest, People: true, At: now, By: a.By}
	result, err := s.OnSubject(ctx, e, func(_ context.Context, tx *Tx) (any, error) {
		who, err := tx.Person(a.By)
		if kam.CodeOf(err) == kam.NotFound {
			return nil, kam.Errorf(kam.Forbidden, "nobody is known as %q", clip(string(a.By), 80)).On("by")
		}
		if err != nil {
			return nil, err
		}
		role, err := kam.Permit(who, action, subject)
		if err != nil {
			return nil, err
		}
		c, err := change(tx)
		if err != nil {
			return nil, err
		}
		if c.Cases == nil {
			c.Cases = []kam.CaseNo{}
		}
		event := kam.AuditEvent{Type: kam.EventOrgChanged, Actor: a.By, RolesUsed: []kam.Role{role}, DecisionID: a.DecisionID,
			Text: clip(strings.TrimSuffix(c.What+": "+a.Reason, ": "), 4000), PayloadDigest: digest}
		if c.Pending {
			event.Type = kam.EventOrgAsked
		} else {
			tx.queued.Queue(noteOrgChange)
		}
		tx.Log(event)
		return c, nil
	})
	if err != nil {
		return OrgChange{}, err
	}
	var c OrgChange
	if err := json.Unmarshal(result, &c); err != nil {
		return c, fmt.Errorf("read the result: %w", err)
	}
	return c, nil
}

// agreeWithin is how long a change that one admin asked for waits for the
// second.
const agreeWithin = 7 * 24 * time.Hour

// firstOfTwo says whether nobody else has asked for the same change lately: the
// request is then the first of the two that it takes.
func (tx *Tx) firstOfTwo(a OrgAct, what string) (bool, error) {
	const asked = `
		select exists (select from kam.audit q where q.case_no = $1 and q.type = $2 and q.payload_digest = $3 and q.actor_id <> $4 and q.at > $5
			and not exists (select from kam.audit d where d.case_no = q.case_no and d.type = $6 and d.payload_digest = q.payload_digest and d.seq > q.seq))`

	second, _, err := one(tx.ctx, tx.tx, "look who asked for "+what, pgx.RowTo[bool], asked,
		orgSubject, kam.EventOrgAsked, tx.effect.Digest, a.By, tx.At.Add(-agreeWithin), kam.EventOrgChanged)
	return !second, err
}

// casesOfPerson are the open cases that a person requested, or whose task he
// has.
func (tx *Tx) casesOfPerson(u kam.UserID) ([]kam.CaseNo, error) {
	const find = `
		select c.case_no from kam.cases c where c.open and c.version > 0 and (c.requester = $1 or exists (
			select from kam.task t left join kam.task_assignee a using (task_id)
			where t.case_no = c.case_no and t.status = 'OPEN' and t.subject = '' and (a.user_id = $1 or t.claimed_by = $1)))
		order by c.case_no`

	return list(tx.ctx, tx.tx, "look for cases of "+string(u), pgx.RowTo[kam.CaseNo], find, u)
}

// casesBelow are the open cases at or below a node whose task is a person's, or
// nobody's who could be found.
func (tx *Tx) casesBelow(node string) ([]kam.CaseNo, error) {
	const find = `
		with recursive below as (
			select code from kam.node where code = $1
			union
			select n.code from below b join kam.node n on n.parent = b.code
		)
		select distinct c.case_no from kam.cases c join kam.task t on t.case_no = c.case_no and t.status = 'OPEN' and t.subject = ''
		where c.open and c.territory in (select code from below) and t.queue in ('', 'UNROUTED') and t.kind in ('confirmation', 'endorsement')
		order by c.case_no`

	return list(tx.ctx, tx.tx, "look for cases below "+node, pgx.RowTo[kam.CaseNo], find, node)
}

func personLine(u User) string {
	roles := make([]string, len(u.Roles))
	for i, r := range u.Roles {
		roles[i] = string(r)
	}
	line := fmt.Sprintf("%s (%s) is %s", u.ID, u.Name, strings.Join(roles, ", "))
	if len(roles) == 0 {
		line = fmt.Sprintf("%s (%s) holds no role", u.ID, u.Name)
	}
	if len(u.Nodes) > 0 {
		line += " at " + strings.Join(u.Nodes, ", ")
	}
	if u.ManagerID != "" {
		line += ", reports to " + string(u.ManagerID)
	}
	return line
}

func orVacant(u kam.UserID) string {
	if u == "" {
		return "nobody"
	}
	return string(u)
}

// wrongOn says that what a field names is not there: the input is wrong.
func wrongOn(field string, err error) error {
	if e := kam.AsError(err); e != nil && e.Code == kam.NotFound {
		return kam.Errorf(kam.Invalid, "%s", e.Msg).On(field)
	}
	return err
}
