package access

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// An OrgAct is who changes the organisation and why, under the id that makes a
// second sending the same change.
type OrgAct struct {
	DecisionID string
	By         kam.UserID
	Reason     string
	// Preview asks what the change would do: nothing is changed or kept.
	Preview bool `json:"-"`
	// May says whether somebody may do something, and by which role. The store does
	// not know: whoever runs the act does.
	May func(who kam.Person, what access.Action, of access.Subject) (kam.Role, error) `json:"-"`
	// Sign has what was done signed; nil where nothing is.
	Sign ledger.Sign `json:"-"`
}

// Judge asks May, and refuses where nobody says.
func (a OrgAct) Judge(who kam.Person, what access.Action, of access.Subject) (kam.Role, error) {
	if a.May == nil {
		return "", kam.Errorf(kam.Forbidden, "nobody says whether %s may", who.ID).On("by")
	}
	return a.May(who, what, of)
}

// An OrgChange is what came of it.
type OrgChange struct {
	What string `json:"what"` // one line for people
	// Pending says that nothing has changed yet: the proposal waits for a second
	// admin (SOD9, SOD4).
	Pending  bool   `json:"pending,omitempty"`
	Proposal string `json:"proposal_no,omitempty"`
	// Second are the roles of which another admin can agree.
	Second []kam.Role `json:"second_admin,omitempty"`
	// Differences are what a proposal changes, row by row.
	Differences []string `json:"differences,omitempty"`
	// From is when a planned change takes effect; nil for at once.
	From *time.Time `json:"from,omitempty"`
	// Moves are what a change of the tree or its posts moves.
	Moves *Moves `json:"moves,omitempty"`
	// Preview says that nothing was changed and nothing proposed.
	Preview bool `json:"preview,omitempty"`
	// Same says that a load differs in nothing from what is there.
	Same bool `json:"same,omitempty"`
	// Warnings are what the change leaves open, in words.
	Warnings []string `json:"warnings,omitempty"`
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

// SetPerson adds a person or changes one; who has left is active again. What
// gives a right (a role, a node, a manager, the account again) takes two
// user_admins.
func (s *Store) SetPerson(ctx context.Context, a OrgAct, u User) (OrgChange, error) {
	return s.changeOrg(ctx, a, personChange(u))
}

func personChange(u User) orgChange {
	return orgChange{kind: ChangePerson, what: u, right: access.ActionUsersEdit, owner: u.ID, tables: []orgTable{peopleTable}, apply: func(tx *Tx) (OrgChange, error) {
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
		if err := access.CheckRoles(u.Roles); err != nil {
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
			c.What += "; " + kam.Note("active again after having left")
		}
		queuePerson(tx.Queued(), u)
		tx.Queue(tidyPosts)
		c.Cases, err = tx.casesOfPerson(u.ID)
		return c, err
	}}
}

// checkManagers follows the managers upward from a person and refuses a manager
// whom nobody knows, and a way that leads back to the person: the work of
// leavers goes up it (P2.7). A circle that he only reports to is not his.
func checkManagers(u User, managerOf map[kam.UserID]kam.UserID) error {
	way := []string{string(u.ID)}
	for next := u.ManagerID; next != "" && !slices.Contains(way[1:], string(next)); next = managerOf[next] {
		way = append(way, string(next))
		if next == u.ID {
			return kam.Errorf(kam.Invalid, "the managers go in a circle: %s", pg.Clip(strings.Join(way, " → "), 400)).
				On("manager_id").Try("name a manager who does not report to %s, or none", u.ID)
		}
	}
	if _, known := managerOf[u.ManagerID]; u.ManagerID != "" && !known {
		return kam.Errorf(kam.Invalid, "nobody is known as %s, the manager of %s", pg.Clip(string(u.ManagerID), 80), u.ID).
			On("manager_id").Try("add him first, or name somebody else")
	}
	return nil
}

// managers are who reports to whom; everybody who is known is in it.
func managers(ctx context.Context, q pg.Querier) (map[kam.UserID]kam.UserID, error) {
	type row struct{ User, Manager kam.UserID }

	all, err := pg.List(ctx, q, "read who reports to whom", pgx.RowToStructByPos[row], `select user_id, manager_id from kam.person`)
	of := map[kam.UserID]kam.UserID{}
	for _, r := range all {
		of[r.User] = r.Manager
	}
	return of, err
}

// PersonLeaves makes a person inactive. Open tasks go to whoever holds the post
// next, open requests to his manager (P2.7).
func (s *Store) PersonLeaves(ctx context.Context, a OrgAct, id kam.UserID) (OrgChange, error) {
	return s.changeOrg(ctx, a, orgChange{kind: ChangeLeave, what: id, right: access.ActionUsersEdit, owner: id, apply: func(tx *Tx) (OrgChange, error) {
		p, err := tx.Person(id)
		if err != nil {
			return OrgChange{}, wrongOn("user_id", err)
		}
		if !p.Active {
			return OrgChange{}, kam.Errorf(kam.AlreadyDecided, "%s has left already", id).On("user_id")
		}
		posts, err := pg.List(tx.ctx, tx.tx, "look for posts", pgx.RowTo[string], `select n.code from `+nodesAt+` where n.manager_id = $2 order by n.code`, tx.now(), id)
		if err != nil {
			return OrgChange{}, err
		}
		tx.Queue(`update kam.person set active = false where user_id = $1`, id)
		c := OrgChange{What: kam.Note("%s has left", id), Posts: posts}
		if err := tx.ownedBy(id, &c); err != nil {
			return OrgChange{}, err
		}
		c.Cases, err = tx.casesOfPerson(id)
		return c, err
	}})
}

// ownedBy counts what a person owns, but for customers that are retired.
func (tx *Tx) ownedBy(id kam.UserID, c *OrgChange) error {
	const count = `
		select (select count(*)::int from kam.customer where owner = $1 and status not in ('INACTIVE', 'MERGED')),
			(select count(*)::int from kam.key_account where owner = $1 and state <> 'ENDED')`
	type row struct{ Customers, KeyAccounts int }

	n, _, err := pg.One(tx.ctx, tx.tx, "count what "+string(id)+" owns", pgx.RowToStructByPos[row], count, id)
	c.Customers, c.KeyAccounts = n.Customers, n.KeyAccounts
	return err
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

// casesOfPerson are the open cases that a person requested, or whose task he
// has.
func (tx *Tx) casesOfPerson(u kam.UserID) ([]kam.CaseNo, error) {
	const find = `
		select c.case_no from kam.cases c where c.open and c.version > 0 and (c.requester = $1 or exists (
			select from kam.task t left join kam.task_assignee a using (task_id)
			where t.case_no = c.case_no and t.status = 'OPEN' and t.subject = '' and (a.user_id = $1 or t.claimed_by = $1)))
		order by c.case_no`

	return pg.List(tx.ctx, tx.tx, "look for cases of "+string(u), pgx.RowTo[kam.CaseNo], find, u)
}

// casesBelow are the open cases at or below a node whose task is a person's, or
// nobody's who could be found.
func (tx *Tx) casesBelow(node string) ([]kam.CaseNo, error) {
	const find = `
		with recursive below as (
			select n.code from ` + nodesAt + ` where n.code = $2
			union
			select n.code from below b join ` + nodesAt + ` on n.parent = b.code
		)
		select distinct c.case_no from kam.cases c join kam.task t on t.case_no = c.case_no and t.status = 'OPEN' and t.subject = ''
		where c.open and c.territory in (select code from below) and t.queue in ('', 'UNROUTED') and t.kind in ('confirmation', 'endorsement')
		order by c.case_no`

	return pg.List(tx.ctx, tx.tx, "look for cases below "+node, pgx.RowTo[kam.CaseNo], find, tx.now(), node)
}

func personLine(u User) string {
	roles := make([]string, len(u.Roles))
	for i, r := range u.Roles {
		roles[i] = string(r)
	}
	line := kam.Note("%s (%s) has the roles %s", u.ID, u.Name, strings.Join(roles, ", "))
	if len(roles) == 0 {
		line = kam.Note("%s (%s) holds no role", u.ID, u.Name)
	}
	if len(u.Nodes) > 0 {
		line += "; " + kam.Note("works at %s", strings.Join(u.Nodes, ", "))
	}
	if u.ManagerID != "" {
		line += "; " + kam.Note("reports to %s", u.ManagerID)
	}
	return line
}

func orVacant(u kam.UserID) string {
	if u == "" {
		return kam.Note("nobody")
	}
	return string(u)
}

// wrongOn says that what a field names is not there: the input is wrong.
func wrongOn(field string, err error) error {
	if e := kam.AsError(err); e != nil && e.Code == kam.NotFound {
		return kam.Errorf(kam.Invalid, "%s", e.Message()).On(field)
	}
	return err
}
