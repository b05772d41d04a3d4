package merge

import (
	"cmp"
	"reflect"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// An abcChange is what a merge did to the newest ABC snapshot. Snapshots
// before it are history and stay.
type abcChange struct {
	Snapshot string             `json:"snapshot_id"`
	Survivor *customerdb.ABCRow `json:"survivor,omitempty"`
	Absorbed *customerdb.ABCRow `json:"absorbed,omitempty"`
	After    *customerdb.ABCRow `json:"after,omitempty"`
}

func (m *merger) abcRows(a, b string) (*abcChange, error) {
	const rows = `
		select customer_no, revenue, currency from kam.abc_row
		where snapshot_id = $1 and customer_no = any ($2) for update`

	id, ok, err := pg.One(m.ctx, m.tx, "find the ABC snapshot", pgx.RowTo[string], `select id from kam.abc_snapshot order by as_of desc, at desc limit 1`)
	if err != nil || !ok {
		return nil, err
	}
	all, err := pg.List(m.ctx, m.tx, "read the ABC rows", pgx.RowToStructByPos[customerdb.ABCRow], rows, id, []string{a, b})
	c := &abcChange{Snapshot: id}
	for i := range all {
		if all[i].CustomerNo == a {
			c.Survivor = &all[i]
		} else {
			c.Absorbed = &all[i]
		}
	}
	return c, err
}

func (m *merger) setABC(snapshot, no string, row *customerdb.ABCRow) error {
	const upsert = `
		insert into kam.abc_row (snapshot_id, customer_no, revenue, currency) values ($1, $2, $3, $4)
		on conflict (snapshot_id, customer_no) do update set revenue = excluded.revenue, currency = excluded.currency`

	sql, args := upsert, []any{snapshot, no}
	if row == nil {
		sql = `delete from kam.abc_row where snapshot_id = $1 and customer_no = $2`
	} else {
		args = append(args, row.Revenue, row.Currency)
	}
	_, err := pg.Exec(m.ctx, m.tx, "write the ABC rows", sql, args...)
	return err
}

// joinABC makes one row of two in the book that ABC classes are cut from.
func (m *merger) joinABC(a, b string) (*abcChange, error) {
	c, err := m.abcRows(a, b)
	if err != nil || c == nil {
		return nil, err
	}
	if c.Absorbed == nil {
		c.After = c.Survivor
		return c, nil
	}
	sum := customerdb.ABCRow{CustomerNo: a, Revenue: c.Absorbed.Revenue, Currency: c.Absorbed.Currency}
	if c.Survivor != nil {
		if c.Survivor.Currency != "" && sum.Currency != "" && c.Survivor.Currency != sum.Currency {
			return nil, kam.Errorf(kam.TargetInvalid, "the ABC snapshot has %s in %s and %s in %s", a, c.Survivor.Currency, b, sum.Currency).
				On("currency").By("CURRENCY").Try("load the sales facts again, which rebuilds the snapshot")
		}
		sum.Revenue += c.Survivor.Revenue
		sum.Currency = cmp.Or(c.Survivor.Currency, sum.Currency)
	}
	c.After = &sum
	if err := m.setABC(c.Snapshot, b, nil); err != nil {
		return nil, err
	}
	return c, m.setABC(c.Snapshot, a, c.After)
}

// splitABC gives the two records their rows again: as they were where the
// snapshot is the same, from the facts where it was built since.
func (m *merger) splitABC(was *abcChange, a, b string) error {
	now, err := m.abcRows(a, b)
	if err != nil || now == nil {
		return err
	}
	if was != nil && now.Snapshot == was.Snapshot && now.Absorbed == nil && reflect.DeepEqual(now.Survivor, was.After) {
		if err := m.setABC(now.Snapshot, a, was.Survivor); err != nil {
			return err
		}
		return m.setABC(now.Snapshot, b, was.Absorbed)
	}
	return m.rebuildABC(now.Snapshot, a, b)
}

// rebuildABC takes the revenue of some customers from the facts, as of a
// snapshot that stands.
func (m *merger) rebuildABC(snapshot string, numbers ...string) error {
	const rows = `
		with books as (
			select customer_no, coalesce(nullif(sales_account, ''), customer_no) as account_no from kam.customer where customer_no = any ($2)
			union
			select customer_no, account_no from kam.customer_sales_account where customer_no = any ($2)
		)
		insert into kam.abc_row (snapshot_id, customer_no, revenue, currency)
		select s.id, b.customer_no, coalesce(sum(f.net_revenue), 0)::bigint, coalesce(max(f.currency), '')
		from kam.abc_snapshot s cross join books b join kam.customer c on c.customer_no = b.customer_no and c.status = 'ACTIVE'
			left join kam.sales_fact f on f.account_no = b.account_no
				and f.month <= (s.as_of at time zone 'UTC')::date and f.month > (s.as_of at time zone 'UTC')::date - interval '12 months'
		where s.id = $1 group by s.id, b.customer_no
		on conflict (snapshot_id, customer_no) do update set revenue = excluded.revenue, currency = excluded.currency`

	_, err := pg.Exec(m.ctx, m.tx, "write the ABC rows", rows, snapshot, numbers)
	return err
}
