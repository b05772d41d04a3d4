package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// Sales are the facts of one account (P2.4.4), in minor units. Known is false
// for an account without any fact: revenue is then 0 by decision of the
// rules, not by this store.
type Sales struct {
	Account      string
	Known        bool
	Currency     string
	Net12        int64 // the twelve months up to asOf
	Prior12      int64 // the twelve months before
	Margin12     *int64
	Orders12     int64
	LastOrder    *time.Time
	ActiveMonths int64 // of the last twelve, with revenue above 0
	Currencies   int   // facts in more than one currency do not add up
}

// accountBooks gives each account that is asked for ($1) with those whose facts
// add to it: its own, and where it is a customer's account those of the records
// that were merged into the customer.
const accountBooks = `
	asked as (select distinct unnest($1::text[]) as account),
	books as (
		select account, account as account_no from asked where account <> ''
		union
		select account, m.account_no from asked join kam.customer c on c.sales_account = account and c.sales_account <> ''
			join kam.customer_sales_account m using (customer_no) where c.merged_into = ''
		union
		select account, m.account_no from asked join kam.customer c on c.customer_no = account and c.sales_account = ''
			join kam.customer_sales_account m using (customer_no) where c.merged_into = ''
	)`

// SalesFacts are the facts of one account in the 12 months that end with
// asOf, and the 12 before.
func (tx *Tx) SalesFacts(accountNo string, asOf time.Time) (Sales, error) {
	all, err := tx.SalesOf([]string{accountNo}, asOf)
	return all[accountNo], err
}

// SalesOf are the facts of several accounts; those without facts are left
// out. Those of accounts that came to a customer by a merge count with its own.
func (tx *Tx) SalesOf(accounts []string, asOf time.Time) (map[string]Sales, error) {
	const facts = `
		with ` + accountBooks + `, f as (
			select *, month > ($2::timestamptz at time zone 'UTC')::date - interval '12 months' as recent
			from books join kam.sales_fact using (account_no)
			where month <= ($2::timestamptz at time zone 'UTC')::date
			  and month > ($2::timestamptz at time zone 'UTC')::date - interval '24 months'
		)
		select account, true, max(currency),
			coalesce(sum(net_revenue) filter (where recent), 0)::bigint,
			coalesce(sum(net_revenue) filter (where not recent), 0)::bigint,
			(sum(gross_margin) filter (where recent))::bigint,
			coalesce(sum(orders) filter (where recent), 0)::bigint,
			max(last_order_date)::timestamptz,
			count(distinct month) filter (where recent and net_revenue > 0),
			count(distinct currency)::int
		from f group by account`

	all, err := list(tx.ctx, tx.tx, "read sales facts", pgx.RowToStructByPos[Sales], facts, append([]string{}, accounts...), asOf)
	if err != nil {
		return nil, err
	}
	m := make(map[string]Sales, len(all))
	for _, s := range all {
		m[s.Account] = s
	}
	return m, nil
}

// PLLines are the lines of an account's profit and loss (4.1.4), summed over
// the twelve months that end with the effect's time.
func (tx *Tx) PLLines(accountNo string) (map[string]int64, error) {
	const lines = `
		with ` + accountBooks + `
		select key, sum(value::bigint)::bigint
		from books join kam.sales_fact using (account_no), jsonb_each_text(pl_lines)
		where month <= ($2::timestamptz at time zone 'UTC')::date
		  and month > ($2::timestamptz at time zone 'UTC')::date - interval '12 months'
		group by key`
	type row struct {
		Line   string
		Amount int64
	}

	all, err := list(tx.ctx, tx.tx, "read profit and loss", pgx.RowToStructByPos[row], lines, []string{accountNo}, tx.At)
	if err != nil {
		return nil, err
	}
	m := make(map[string]int64, len(all))
	for _, r := range all {
		m[r.Line] = r.Amount
	}
	return m, nil
}

// An ABCRow is one customer of the book with its revenue in minor units.
type ABCRow struct {
	CustomerNo string
	Revenue    int64
	Currency   string
}

// ABCSnapshot is the book that ABC classes are cut from, by revenue; id "" and
// no rows before one was built.
func (tx *Tx) ABCSnapshot() (id string, rows []ABCRow, err error) {
	id, ok, err := one(tx.ctx, tx.tx, "find the ABC snapshot", pgx.RowTo[string],
		`select id from kam.abc_snapshot order by as_of desc, at desc limit 1`)
	if err != nil || !ok {
		return "", nil, err
	}
	rows, err = list(tx.ctx, tx.tx, "read the ABC snapshot", pgx.RowToStructByPos[ABCRow],
		`select customer_no, revenue, currency from kam.abc_row where snapshot_id = $1 order by revenue desc, customer_no`, id)
	return id, rows, err
}

// RebuildABC takes the revenue of the twelve months that end with asOf of all
// active customers as the book that ABC classes are cut from.
func (s *Store) RebuildABC(ctx context.Context, asOf time.Time) (id string, err error) {
	const snapshot = `insert into kam.abc_snapshot (id, as_of) values ($1, $2) on conflict (id) do update set at = clock_timestamp()`
	const rows = `
		with books as (
			select customer_no, coalesce(nullif(sales_account, ''), customer_no) as account_no from kam.customer
			union
			select customer_no, account_no from kam.customer_sales_account
		)
		insert into kam.abc_row (snapshot_id, customer_no, revenue, currency)
		select $1, c.customer_no, coalesce(sum(f.net_revenue), 0)::bigint, coalesce(max(f.currency), '')
		from kam.customer c join books b using (customer_no) left join kam.sales_fact f
			on f.account_no = b.account_no
			and f.month <= ($2::timestamptz at time zone 'UTC')::date
			and f.month > ($2::timestamptz at time zone 'UTC')::date - interval '12 months'
		where c.status = 'ACTIVE' group by c.customer_no`

	id = "abc/" + asOf.UTC().Format(time.DateOnly)
	err = s.inLoad(ctx, "rebuild the ABC book", func(tx pgx.Tx) error {
		var b pgx.Batch
		b.Queue(snapshot, id, asOf)
		b.Queue(`delete from kam.abc_row where snapshot_id = $1`, id)
		b.Queue(rows, id, asOf)
		return tx.SendBatch(ctx, &b).Close()
	})
	return id, err
}

func countByTier(ctx context.Context, q querier, sql string, args ...any) (map[kam.Tier]int, error) {
	type row struct {
		Tier kam.Tier
		N    int
	}
	all, err := list(ctx, q, "count key accounts", pgx.RowToStructByPos[row], sql, args...)
	if err != nil {
		return nil, err
	}
	m := make(map[kam.Tier]int, len(all))
	for _, r := range all {
		m[r.Tier] = r.N
	}
	return m, nil
}
