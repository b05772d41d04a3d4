package access

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// Moves are what a change of the tree or its posts moves, as it stands today: the
// customers that come under somebody else, and the open tasks that go with a post.
type Moves struct {
	Customers     int         `json:"customers"`
	CustomerNos   []string    `json:"customer_nos"` // the first of them
	TaskCount     int         `json:"tasks"`
	Tasks         []MovedTask `json:"moved_tasks"` // the first of them
	NodesAffected []string    `json:"nodes"`
}

// A MovedTask is an open task that goes with a post; To is empty where the post
// will be vacant and the next level is asked.
type MovedTask struct {
	ID      string       `json:"task_id"`
	CaseNo  kam.CaseNo   `json:"case_no"`
	Subject string       `json:"subject,omitempty"` // of a task that outlives its case
	Kind    kam.TaskKind `json:"kind"`
	Node    string       `json:"node"`
	From    kam.UserID   `json:"from"`
	To      kam.UserID   `json:"to,omitempty"`
}

// maxMoves bounds what is named of each kind.
const maxMoves = 200

// errPreview undoes what was only to be looked at.
var errPreview = errors.New("a preview changes nothing")

// preview makes a change, tells what came of it, and takes everything back.
func (s *Store) preview(ctx context.Context, a OrgAct, digest string, ch orgChange) (OrgChange, error) {
	var seen OrgChange
	_, err := s.onOrg(ctx, a, digest, true, func(tx *Tx) (OrgChange, error) {
		c, err := tx.change(a, ch)
		if err != nil {
			return c, err
		}
		seen = c
		return c, errPreview
	})
	if errors.Is(err, errPreview) {
		seen.Preview, seen.Proposal = true, ""
		return seen, nil
	}
	return OrgChange{}, err
}

// moves looks for what a change of nodes moves, after it was made.
func (tx *Tx) moves(d differences) (*Moves, error) {
	const customers = `
		with recursive below as (
			select unnest($2::text[]) as code
			union
			select n.code from below b join ` + nodesAt + ` on n.parent = b.code
		)
		select customer_no from kam.customer
		where territory in (select code from below) and status not in ('INACTIVE', 'MERGED') order by customer_no`
	const tasks = `
		select t.task_id as id, t.case_no, t.subject, t.kind, a.node, a.user_id as "from", coalesce(n.manager_id, '') as "to"
		from kam.task_assignee a join kam.task t using (task_id) left join ` + nodesAt + ` on n.code = a.node
		where t.status = 'OPEN' and a.node = any ($2) and coalesce(n.manager_id, '') <> a.user_id order by t.case_no, t.task_id, a.node`

	m := Moves{NodesAffected: []string{}}
	for _, r := range d {
		if was, is := rowOf[nodeRow](r.Was), rowOf[nodeRow](r.Is); r.Table == nodesTable.name && was != is {
			m.NodesAffected = append(m.NodesAffected, r.Key)
		}
	}
	if len(m.NodesAffected) == 0 {
		return nil, nil //nolint:nilnil // nothing moves
	}
	nos, err := pg.List(tx.ctx, tx.tx, "look for customers that move", pgx.RowTo[string], customers, tx.now(), m.NodesAffected)
	if err != nil {
		return nil, err
	}
	all, err := pg.List(tx.ctx, tx.tx, "look for tasks that move", pgx.RowToStructByName[MovedTask], tasks, tx.now(), m.NodesAffected)
	if err != nil {
		return nil, err
	}
	m.Customers, m.TaskCount = len(nos), len(all)
	m.CustomerNos = append([]string{}, nos[:min(len(nos), maxMoves)]...)
	m.Tasks = append([]MovedTask{}, all[:min(len(all), maxMoves)]...)
	m.NodesAffected = slices.Clip(m.NodesAffected[:min(len(m.NodesAffected), maxMoves)])
	return &m, nil
}
