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

// A Post is a node and who manages it; nobody where it is vacant. From is the
// day, or the instant, from which he does; "" is at once. A day begins at midnight
// where the node is.
type Post struct {
	Node    string
	Manager kam.UserID
	From    string `json:",omitempty"`
}

// maxPlan is how far ahead a change may be planned: a later day is a slip in the
// year more often than it is meant.
const maxPlan = 3 * 366 * 24 * time.Hour

// SetManager fills the post of a node, which takes two policy_admins, or leaves
// it vacant for "". The post moves with what may be done in it: the new manager
// works at the node, the one before manages it no longer. He goes on working
// there only where another role of his does.
//
// What is planned for a day takes effect by itself on that day: whoever asks from
// then on finds the new manager. The same day with the manager who is there now
// takes the plan back.
func (s *Store) SetManager(ctx context.Context, a OrgAct, p Post) (OrgChange, error) {
	return s.changeOrg(ctx, a, postChange(p))
}

func postChange(p Post) orgChange {
	return orgChange{kind: ChangePost, what: p, right: access.ActionTerritoriesEdit, owner: p.Manager, tables: []orgTable{peopleTable, nodesTable},
		from: func(tx *Tx) (time.Time, error) { return tx.startOf(p.From, p.Node) },
		apply: func(tx *Tx) (OrgChange, error) {
			n, err := tx.Node(p.Node)
			if err != nil {
				return OrgChange{}, wrongOn("node", err)
			}
			if n.ManagerID == p.Manager {
				return OrgChange{}, kam.Errorf(kam.AlreadyDecided, "the post of %s is as you want it: %s", p.Node, orVacant(p.Manager)).On("manager_id")
			}
			if p.Manager != "" {
				if err := tx.mayManage(p.Manager, n); err != nil {
					return OrgChange{}, err
				}
			}
			c := OrgChange{What: kam.Note("the post of %s goes from %s to %s", p.Node, orVacant(n.ManagerID), orVacant(p.Manager))}
			if p.From != "" {
				c.What += "; " + kam.Note("from %s", p.From)
			}
			if c.Cases, err = tx.casesBelow(p.Node); err != nil {
				return OrgChange{}, err
			}
			tx.Queue(`select kam.fill_post($1, $2, $3, false)`, tx.since(), p.Node, p.Manager)
			_, err = tx.settle()
			return c, err
		}}
}

// asOf is the instant as of which the organisation is asked about in an effect: that of
// the effect, but never earlier than the database's clock, because what has changed
// in between counts; or the day for which a change is planned. It is the first
// argument of the query.
const asOf = `greatest($1::timestamptz, statement_timestamp())`

// nodesAt and worksAt are the tree, and where people work, as of an effect.
const (
	nodesAt = `kam.node_at(` + asOf + `) n`
	worksAt = `kam.person p join kam.works_at(` + asOf + `) w using (user_id)`
)

// now is the first argument of [asOf].
func (tx *Tx) now() time.Time {
	if tx.Entry == nil {
		return time.Time{}
	}
	if tx.planned.After(tx.At) {
		return tx.planned
	}
	return tx.At
}

// since is when what the effect changes begins to hold.
func (tx *Tx) since() time.Time {
	if tx.isPlanned() {
		return tx.planned
	}
	return tx.DBNow()
}

func (tx *Tx) isPlanned() bool { return !tx.planned.IsZero() }

// settle writes down where people work who have come to a post or left one, and
// tells what that was. It may run any number of times; whoever asks before finds
// the same. What is planned for later it leaves.
func (tx *Tx) settle() (told []string, err error) {
	const due = `
		select n.node, coalesce(b.user_id, '') as before, n.user_id as now from kam.post n
		left join kam.post b on b.node = n.node and b.valid_to = n.valid_from
		where not n.settled and n.valid_from <= ` + asOf + ` and n.user_id is distinct from b.user_id order by n.valid_from, n.node`
	const (
		come = `update kam.person set no_post = array_remove(no_post, $2),
			nodes = case when $2 = any (nodes) then nodes else array_append(nodes, $2) end where user_id = $1`
		stay = `update kam.person set no_post = array_append(array_remove(no_post, $2), $2) where user_id = $1 and $2 = any (nodes)`
		goes = `update kam.person set nodes = array_remove(nodes, $2), no_post = array_remove(no_post, $2) where user_id = $1`
		done = `update kam.post set settled = true where not settled and valid_from <= ` + asOf
	)
	type row struct {
		Node        string
		Before, Now kam.UserID
	}
	if err := tx.Flush("change the posts"); err != nil || tx.isPlanned() {
		return nil, err
	}
	all, err := pg.List(tx.ctx, tx.tx, "look for posts that have changed hands", pgx.RowToStructByName[row], due, tx.now())
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		told = append(told, kam.Note("the post of %s goes from %s to %s", r.Node, orVacant(r.Before), orVacant(r.Now)))
		tx.Queue(come, r.Now, r.Node)
		before, err := tx.Person(r.Before)
		if err != nil && kam.CodeOf(err) != kam.NotFound {
			return nil, err
		}
		if access.WorksAtNodes(before) {
			tx.Queue(stay, r.Before, r.Node)
		} else {
			tx.Queue(goes, r.Before, r.Node)
		}
	}
	tx.Queue(done, tx.now())
	return told, tx.Flush("write down where people work")
}

// TakeEffect writes down what has come true of what was planned, and puts it on
// the trail; n counts the posts. Who asks for holders of posts need not wait for
// it. It may run any number of times.
func (s *Store) TakeEffect(ctx context.Context) (n int, err error) {
	now, err := s.ledger.Now(ctx)
	if err != nil {
		return 0, err
	}
	due, _, err := pg.One(ctx, s.pool, "look for planned changes that are due", pgx.RowTo[*time.Time],
		`select max(valid_from) from kam.post where not settled and valid_from <= $1`, now)
	if err != nil || due == nil {
		return 0, err
	}
	key := "posts/" + due.UTC().Format(time.RFC3339Nano)
	e := ledger.Effect{Subject: Organisation, Key: key + "/" + now.Format(time.RFC3339Nano), Digest: key, At: now, By: kam.System}
	_, err = s.on(ctx, e, func(tx *Tx) (any, error) {
		told, err := tx.settle()
		if err != nil {
			return nil, err
		}
		n = len(told)
		tx.tookEffect(told)
		return n, nil
	})
	return n, err
}

// takeEffect does so at the beginning of another change.
func (tx *Tx) takeEffect() error {
	told, err := tx.settle()
	if len(told) > 0 {
		tx.tookEffect(told)
	}
	return err
}

// noteChange has the worker look whom open tasks wait for. For what is planned it
// does when the day has come.
func (tx *Tx) noteChange(c OrgChange) {
	if c.From == nil {
		tx.Queue(noteOrgChange)
	}
}

// tookEffect puts on the trail what has come true of what was planned.
func (tx *Tx) tookEffect(told []string) {
	text := kam.Note("what was planned is written down already")
	if len(told) > 0 {
		text = kam.Note("as planned") + ": " + strings.Join(told, "; ")
	}
	tx.Log(kam.AuditEvent{Type: kam.EventOrgChanged, Actor: kam.System, ReasonCode: string(ChangePost), Text: pg.Clip(text, 4000)})
}

// startOf is the instant that a plan names: zero for "", else in the future. A
// day begins at midnight by the calendar of the node.
func (tx *Tx) startOf(from, node string) (time.Time, error) {
	if from == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, from)
	if err != nil {
		zone, err := tx.zoneOf(node)
		if err != nil {
			return at, err
		}
		if at, err = time.ParseInLocation(time.DateOnly, from, zone); err != nil {
			return at, notAnInstant("from", from)
		}
	}
	at = at.UTC().Truncate(time.Microsecond)
	switch now := tx.DBNow(); {
	case !at.After(now):
		return at, kam.Errorf(kam.Invalid, "%s has begun", from).On("from").Try("leave it out for a change at once")
	case at.Sub(now) > maxPlan:
		return at, kam.Errorf(kam.Invalid, "%s is more than three years ahead", from).On("from").Try("look at the year")
	}
	return at, nil
}

func notAnInstant(field, text string) error {
	return kam.Errorf(kam.Invalid, "%q is neither a day nor a time", pg.Clip(text, 40)).On(field).Try("write 2027-01-01, or 2027-01-01T08:00:00Z")
}

// zoneOf is where a node is: by its calendar, or that of the nearest one above
// that has one; UTC without any.
func (tx *Tx) zoneOf(node string) (*time.Location, error) {
	chain, err := tx.Chain(node)
	if err != nil {
		return nil, err
	}
	for _, n := range chain {
		if n.Calendar == "" {
			continue
		}
		row, err := tx.Calendar(n.Calendar)
		if err != nil {
			return nil, err
		}
		c, err := row.Read()
		return c.Location, err
	}
	return time.UTC, nil
}

// A Held is a post with who holds it at an instant, since when and until when;
// nil where nobody knows, or where no end is known. Manager is empty for a vacant
// post. Next is who holds it after that.
type Held struct {
	Node    string        `json:"node"`
	Level   kam.NodeLevel `json:"level"`
	Parent  string        `json:"parent,omitempty"`
	Name    string        `json:"name,omitempty"`
	Manager kam.UserID    `json:"manager_id,omitempty"`
	From    *time.Time    `json:"from,omitempty"`
	Until   *time.Time    `json:"until,omitempty"`
	Next    *kam.UserID   `json:"next_manager_id,omitempty"`
}

// AsOf reads an instant that is asked about: "" is now. A day stands for 10:00
// UTC, when it is that day in every zone from UTC-10 to UTC+13.
func AsOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err == nil {
		return at.UTC(), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, notAnInstant("as_of", text)
	}
	return day.Add(10 * time.Hour), nil
}

// Posts are the posts of the tree with their holders at an instant, by code; for
// the zero time of now.
func (s *Store) Posts(ctx context.Context, at time.Time) ([]Held, error) {
	const find = `
		select n.code as node, n.level, n.parent, n.name, n.manager_id as manager,
			nullif(p.valid_from, '-infinity') as "from", nullif(p.valid_to, 'infinity') as until, x.user_id as next
		from kam.node_at($1) n
		left join kam.post p on p.node = n.code and p.valid_from <= $1 and $1 < p.valid_to
		left join kam.post x on x.node = n.code and x.valid_from = p.valid_to
		order by n.code`
	if at.IsZero() {
		var err error
		if at, err = s.ledger.Now(ctx); err != nil {
			return nil, err
		}
	}
	return pg.List(ctx, s.pool, "list the posts", pgx.RowToStructByName[Held], find, at)
}

// loadTree queues the tree as a load has it. What a load of users does not say,
// where people work, moves with the posts.
func (tx *Tx) loadTree(o Org) error {
	var codes []string
	for _, n := range o.Nodes {
		if slices.Contains(codes, n.Code) {
			return kam.Errorf(kam.Invalid, "node %s stands twice in the list", pg.Clip(n.Code, 40)).On("nodes")
		}
		codes = append(codes, n.Code)
	}
	tx.Queue(`select kam.end_territory($2, n.code) from `+nodesAt+` where n.code <> all ($3)`, tx.now(), tx.since(), codes)
	for _, n := range o.Nodes {
		tx.Queue(`select kam.set_territory($1, $2, $3, $4, $5, $6)`, tx.since(), n.Code, n.Level, n.Parent, n.Name, n.Calendar)
		tx.Queue(`select kam.fill_post($1, $2, $3, $4)`, tx.since(), n.Code, n.ManagerID, o.Users != nil)
	}
	return nil
}

// startOfLoad is the instant for which a load is planned: a day begins at
// midnight where the root of the tree is.
func (tx *Tx) startOfLoad(o Org) (time.Time, error) {
	if o.From == "" {
		return time.Time{}, nil
	}
	if only := tablesOf(o); len(only) != 1 || only[0].name != nodesTable.name {
		return time.Time{}, kam.Errorf(kam.Invalid, "only nodes can be planned for a day").On("from").Try("load the other lists without from, by themselves")
	}
	root := ""
	for _, n := range o.Nodes {
		if n.Parent == "" {
			root = n.Code
		}
	}
	return tx.startOf(o.From, root)
}
