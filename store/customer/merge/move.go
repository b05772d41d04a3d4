package merge

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

func (m *merger) aliases(no string) ([]string, error) {
	return pg.List(m.ctx, m.tx, "read the sales accounts", pgx.RowTo[string],
		`select account_no from kam.customer_sales_account where customer_no = $1 order by 1`, no)
}

// accountsOf are all sales accounts of a customer, its own first.
func (m *merger) accountsOf(c customerdb.Customer) ([]string, error) {
	more, err := m.aliases(c.CustomerNo)
	return append([]string{c.OwnAccount()}, more...), err
}

// oneCurrency refuses where the sales facts of the two would not add up.
func (m *merger) oneCurrency(a, b customerdb.Customer) error {
	const currencies = `select distinct currency from kam.sales_fact where account_no = any ($1) order by 1`

	ofA, err := m.accountsOf(a)
	if err != nil {
		return err
	}
	ofB, err := m.accountsOf(b)
	if err != nil {
		return err
	}
	all, err := pg.List(m.ctx, m.tx, "compare the currencies", pgx.RowTo[string], currencies, append(ofA, ofB...))
	if err == nil && len(all) > 1 {
		err = kam.Errorf(kam.TargetInvalid, "the sales facts of %s and %s are in %s, which do not add up", a.CustomerNo, b.CustomerNo, strings.Join(all, " and ")).
			On("currency").By("CURRENCY").Try("load the facts again in one currency")
	}
	return err
}

// moveAccounts lets the survivor's figures include the facts of the absorbed
// record. The facts stay under their accounts, where later loads find them.
func (m *merger) moveAccounts(b, a customerdb.Customer) (had, added []string, err error) {
	const add = `
		insert into kam.customer_sales_account (customer_no, account_no)
		select $1, x from unnest($2::text[]) x where x <> $3
		on conflict do nothing returning account_no`

	if had, err = m.aliases(b.CustomerNo); err != nil {
		return nil, nil, err
	}
	if _, err := pg.Exec(m.ctx, m.tx, "move the sales accounts", `delete from kam.customer_sales_account where customer_no = $1`, b.CustomerNo); err != nil {
		return nil, nil, err
	}
	added, err = pg.List(m.ctx, m.tx, "move the sales accounts", pgx.RowTo[string], add, a.CustomerNo, append([]string{b.OwnAccount()}, had...), a.OwnAccount())
	slices.Sort(added)
	return had, added, err
}

// A keyAccountRow is a key account with its members.
type keyAccountRow struct {
	No        string     `json:"key_account_no"`
	GroupID   string     `json:"group_id"`
	Tier      kam.Tier   `json:"tier"`
	State     string     `json:"state"`
	Note      string     `json:"note"`
	ReviewDue *time.Time `json:"review_due"`
	Members   []string   `json:"members"`
}

// An accountChange is what a merge did to one key account.
type accountChange struct {
	Before keyAccountRow `json:"before"`
	After  keyAccountRow `json:"after"`
}

const keyAccountRows = `
	select key_account_no as no, group_id, tier, state, note, review_due,
		array(select customer_no from kam.key_account_member m where m.key_account_no = k.key_account_no order by 1) as members
	from kam.key_account k `

func (m *merger) saveAccount(k keyAccountRow) error {
	const update = `update kam.key_account set group_id = $2, state = $3, note = $4, review_due = $5, updated_at = $6 where key_account_no = $1`

	var b pgx.Batch
	b.Queue(update, k.No, k.GroupID, k.State, k.Note, k.ReviewDue, m.At)
	b.Queue(`delete from kam.key_account_member where key_account_no = $1 and customer_no <> all ($2)`, k.No, k.Members)
	b.Queue(`insert into kam.key_account_member (key_account_no, customer_no) select $1, unnest($2::text[]) on conflict do nothing`, k.No, k.Members)
	return pg.Send(m.ctx, m.tx, "save key account "+k.No, &b)
}

// joinKeyAccount puts the survivor into the key account that goes on, and
// takes both records out of the others. One that has no member left ends: its
// open tasks go to the one that goes on, or are closed where that has such a
// task already or none goes on.
func (m *merger) joinKeyAccount(a, b customerdb.Customer, group string, rec *mergeRecord) error {
	const touched = keyAccountRows + `
		where state <> 'ENDED' and (group_id <> '' and group_id = $2 or exists (
			select from kam.key_account_member m where m.key_account_no = k.key_account_no and m.customer_no = any ($1)))
		order by key_account_no for update`

	pair := []string{a.CustomerNo, b.CustomerNo}
	all, err := pg.List(m.ctx, m.tx, "look up the key accounts", pgx.RowToStructByName[keyAccountRow], touched, pair, group)
	if err != nil {
		return err
	}
	goesOn := chooseAccount(all, pair, group)
	lost, ended := false, []string{}
	for i, k := range all {
		after := k
		after.Members = slices.DeleteFunc(slices.Clone(k.Members), func(no string) bool { return slices.Contains(pair, no) })
		member := len(after.Members) < len(k.Members)
		switch {
		case i == goesOn:
			after.Members = append(after.Members, a.CustomerNo)
			slices.Sort(after.Members)
			after.GroupID = group
			for _, other := range all {
				if slices.ContainsFunc(pair, func(no string) bool { return slices.Contains(other.Members, no) }) {
					after.ReviewDue = earlier(after.ReviewDue, other.ReviewDue)
				}
			}
		case !member:
			continue
		case len(after.Members) == 0:
			after.Members, after.State = k.Members, customerdb.KeyAccountEnded // who was in it stays on record
			after.Note = kam.Note("%s: %s was merged into %s", m.id, b.CustomerNo, a.CustomerNo)
			ended = append(ended, k.No)
		}
		lost = lost || i != goesOn && slices.Contains(k.Members, a.CustomerNo)
		if reflect.DeepEqual(after, k) {
			continue
		}
		if err := m.saveAccount(after); err != nil {
			return err
		}
		rec.KeyAccounts = append(rec.KeyAccounts, accountChange{k, after})
		rec.Moved.KeyAccounts = append(rec.Moved.KeyAccounts, k.No)
	}
	target := ""
	switch {
	case goesOn >= 0:
		target = all[goesOn].No
		err = m.setKA(a.CustomerNo, kam.KA, all[goesOn].Tier)
	case lost:
		err = m.setKA(a.CustomerNo, kam.NonKA, kam.TierNone)
	}
	if err != nil {
		return err
	}
	rec.Tasks, err = m.moveTasks(b.CustomerNo, a.CustomerNo, ended, target)
	for _, t := range rec.Tasks {
		rec.Moved.Tasks = append(rec.Moved.Tasks, t.ID)
	}
	return err
}

func (m *merger) setKA(no string, status kam.KAStatus, tier kam.Tier) error {
	return m.Update(no, `update kam.customer set ka_status = $2, tier = $3 where customer_no = $1`, status, tier)
}

// chooseAccount finds the key account that goes on, -1 for none: that of the
// group, else the survivor's, else the absorbed one's. An account that has
// members of another group stays with them.
func chooseAccount(all []keyAccountRow, pair []string, group string) int {
	in := func(k keyAccountRow) bool {
		return slices.ContainsFunc(pair, func(no string) bool { return slices.Contains(k.Members, no) })
	}
	if !slices.ContainsFunc(all, in) {
		return -1
	}
	if group != "" {
		if i := slices.IndexFunc(all, func(k keyAccountRow) bool { return k.GroupID == group }); i >= 0 {
			return i
		}
	}
	for _, no := range pair {
		for i, k := range all {
			others := slices.ContainsFunc(k.Members, func(x string) bool { return !slices.Contains(pair, x) })
			if slices.Contains(k.Members, no) && (k.GroupID == group || !others) {
				return i
			}
		}
	}
	return -1
}

// A taskChange is what a merge did to an open task.
type taskChange struct {
	ID      string `json:"task_id"`
	Subject string `json:"subject"`
	Kind    string `json:"kind"`
	To      string `json:"to"` // the subject since, "" where the task was closed
}

// taskClosed is the status of a task that a merge closed.
const taskClosed = "WITHDRAWN"

func (m *merger) moveTasks(from, to string, ended []string, account string) ([]taskChange, error) {
	const open = `select task_id as id, subject, kind, '' as "to" from kam.task where status = 'OPEN' and subject = any ($1) order by task_id for update`
	const kinds = `select distinct kind from kam.task where status = 'OPEN' and subject = $1 and subject <> ''`

	all, err := pg.List(m.ctx, m.tx, "read the open tasks", pgx.RowToStructByName[taskChange], open, append([]string{from}, ended...))
	if err != nil {
		return nil, err
	}
	has, err := pg.List(m.ctx, m.tx, "read the open tasks", pgx.RowTo[string], kinds, account)
	if err != nil {
		return nil, err
	}
	var b pgx.Batch
	for i, t := range all {
		switch {
		case t.Subject == from:
			all[i].To = to
		case account != "" && !slices.Contains(has, t.Kind):
			all[i].To = account
			has = append(has, t.Kind)
		}
		if all[i].To != "" {
			b.Queue(`update kam.task set subject = $2 where task_id = $1`, t.ID, all[i].To)
		} else {
			b.Queue(`update kam.task set status = $2, closed_at = $3, closed_by = $4 where task_id = $1`, t.ID, taskClosed, m.At, m.who.by)
		}
	}
	return all, pg.Send(m.ctx, m.tx, "move the tasks", &b)
}

// restoreTasks gives tasks back that nobody touched since.
func (m *merger) restoreTasks(all []taskChange) (back []string, err error) {
	const move = `update kam.task set subject = $2 where task_id = $1 and status = 'OPEN' and subject = $3 returning task_id`
	const reopen = `
		update kam.task set status = 'OPEN', closed_at = null, closed_by = ''
		where task_id = $1 and status = $2 and subject = $3 returning task_id`

	for _, t := range all {
		sql, args := move, []any{t.ID, t.Subject, t.To}
		if t.To == "" {
			sql, args = reopen, []any{t.ID, taskClosed, t.Subject}
		}
		ids, err := pg.List(m.ctx, m.tx, "give the tasks back", pgx.RowTo[string], sql, args...)
		if err != nil {
			return nil, err
		}
		back = append(back, ids...)
	}
	return back, nil
}

// restoreAccounts brings the key accounts back that nobody changed since. From
// the others the absorbed record gets its place again, if they still run; what
// stays otherwise is named.
func (m *merger) restoreAccounts(all []accountChange, a, b string) (stayed []string, err error) {
	const taken = `select exists (select from kam.key_account where group_id = $1 and group_id <> '' and state <> 'ENDED' and key_account_no <> $2)`

	// Those that must leave a group make room for those that come back to it.
	for _, change := range slices.Backward(all) {
		now, ok, err := pg.One(m.ctx, m.tx, "read the key account", pgx.RowToStructByName[keyAccountRow], keyAccountRows+`where key_account_no = $1 for update`, change.Before.No)
		if err != nil || !ok {
			return nil, err
		}
		to := change.Before
		held, _, err := pg.One(m.ctx, m.tx, "look for another key account", pgx.RowTo[bool], taken, to.GroupID, to.No)
		if err != nil {
			return nil, err
		}
		if !sameAccount(now, change.After) || held && to.State != customerdb.KeyAccountEnded {
			stayed = append(stayed, kam.Note("key account %s", now.No))
			if now.State == customerdb.KeyAccountEnded {
				continue
			}
			to = now
			to.Members = slices.DeleteFunc(slices.Clone(now.Members), func(no string) bool { return no == a && !slices.Contains(change.Before.Members, a) })
			if slices.Contains(change.Before.Members, b) && !slices.Contains(to.Members, b) {
				to.Members = append(to.Members, b)
			}
		}
		if err := m.saveAccount(to); err != nil {
			return nil, err
		}
	}
	return stayed, nil
}

func sameAccount(x, y keyAccountRow) bool {
	a, errA := json.Marshal(x)
	b, errB := json.Marshal(y)
	return errA == nil && errB == nil && string(a) == string(b)
}
