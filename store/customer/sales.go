package customer

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// Sales are the facts of one account (P2.4.4), in minor units. Known is false
// for an account without any fact: revenue is then 0 by decision of the
// rules, not by this store.
type Sales struct {
	Account    string
	Known      bool // any fact of the last 24 months
	Currency   string
	Net12      int64 // the twelve months up to asOf
	Prior12    int64 // the twelve months before
	Margin12   *int64
	Orders12   int64
	LastOrder  *time.Time
	Currencies int // facts in more than one currency do not add up
	// FirstRevenue is the first month with revenue that was ever known, nil for
	// none. It stays known when the facts of that time are deleted.
	FirstRevenue *time.Time
}

// accountBooks gives each account that is asked for ($2) with those whose facts
// add to it: its own, and where it is a customer's account those of the records
// that were merged into the customer.
const accountBooks = `
	asked as (select distinct unnest($2::text[]) as account),
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

// askedFacts are the facts of the accounts of accountBooks; gone is what is
// still known of facts that were deleted.
const askedFacts = accountBooks + `,
	facts as (select account, f.* from books join kam.sales_fact f using (account_no)),
	gone as (select account, h.first_revenue from books join kam.sales_history h using (account_no))`

// allFacts are askedFacts of every account that has any, read once.
const allFacts = `
	merged as (
		select distinct coalesce(nullif(c.sales_account, ''), c.customer_no) as account, m.account_no from kam.customer c
			join kam.customer_sales_account m using (customer_no) where c.merged_into = ''
	),
	facts as (
		select account_no as account, f.* from kam.sales_fact f
		union all
		select account, f.* from merged join kam.sales_fact f using (account_no) where account <> account_no
	),
	gone as (
		select account_no as account, first_revenue from kam.sales_history
		union all
		select account, h.first_revenue from merged join kam.sales_history h using (account_no) where account <> account_no
	)`

// salesUp sums facts up, as of $1. Of facts that are older than 24 months the
// first month with revenue counts alone.
const salesUp = `, f as (
		select *, month > ($1::timestamptz at time zone 'UTC')::date - interval '12 months' as recent,
			month > ($1::timestamptz at time zone 'UTC')::date - interval '24 months' as counts
		from facts
		where month <= ($1::timestamptz at time zone 'UTC')::date
	), sums as (
		select account, bool_or(counts) as known, coalesce(max(currency) filter (where counts), '') as currency,
			coalesce(sum(net_revenue) filter (where recent), 0)::bigint as net12,
			coalesce(sum(net_revenue) filter (where counts and not recent), 0)::bigint as prior12,
			(sum(gross_margin) filter (where recent))::bigint as margin12,
			coalesce(sum(orders) filter (where recent), 0)::bigint as orders12,
			(max(last_order_date) filter (where counts))::timestamptz as last_order,
			(count(distinct currency) filter (where counts))::int as currencies,
			min(month) filter (where net_revenue > 0) as first_revenue
		from f group by account
	), older as (
		select account, min(first_revenue) as first_revenue from gone
		where first_revenue <= ($1::timestamptz at time zone 'UTC')::date group by account
	)
	select account, coalesce(known, false) as known, coalesce(currency, '') as currency, coalesce(net12, 0) as net12,
		coalesce(prior12, 0) as prior12, margin12, coalesce(orders12, 0) as orders12, last_order, coalesce(currencies, 0) as currencies,
		least(sums.first_revenue, older.first_revenue) as first_revenue
	from sums full join older using (account)`

// linesUp sums the lines of profit and loss up, over the year that ends with $1.
const linesUp = `
	select account, key, sum(value::bigint)::bigint from facts, jsonb_each_text(pl_lines)
	where pl_lines <> '{}' and month <= ($1::timestamptz at time zone 'UTC')::date
	  and month > ($1::timestamptz at time zone 'UTC')::date - interval '12 months'
	group by account, key`

// SalesOf are the facts of several accounts; those without facts are left
// out. Those of accounts that came to a customer by a merge count with its own.
func (tx *Tx) SalesOf(accounts []string, asOf time.Time) (map[string]Sales, error) {
	all, err := pg.List(tx.ctx, tx.tx, "read sales facts", pgx.RowToStructByName[Sales], `with `+askedFacts+salesUp, asOf, append([]string{}, accounts...))
	return byAccount(all), err
}

func byAccount(all []Sales) map[string]Sales {
	m := make(map[string]Sales, len(all))
	for _, s := range all {
		m[s.Account] = s
	}
	return m
}

// PLLines are the lines of an account's profit and loss (4.1.4), summed over
// the twelve months that end with the effect's time.
func (tx *Tx) PLLines(accountNo string) (map[string]int64, error) {
	m, err := tx.linesOf(`with `+askedFacts+linesUp, tx.At, []string{accountNo})
	return m[accountNo], err
}

func (tx *Tx) linesOf(sql string, args ...any) (map[string]map[string]int64, error) {
	type row struct {
		Account, Line string
		Amount        int64
	}

	all, err := pg.List(tx.ctx, tx.tx, "read profit and loss", pgx.RowToStructByPos[row], sql, args...)
	if err != nil {
		return nil, err
	}
	m := map[string]map[string]int64{}
	for _, r := range all {
		if m[r.Account] == nil {
			m[r.Account] = map[string]int64{}
		}
		m[r.Account][r.Line] = r.Amount
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
	id, ok, err := pg.One(tx.ctx, tx.tx, "find the ABC snapshot", pgx.RowTo[string],
		`select id from kam.abc_snapshot order by as_of desc, at desc limit 1`)
	if err != nil || !ok {
		return "", nil, err
	}
	rows, err = pg.List(tx.ctx, tx.tx, "read the ABC snapshot", pgx.RowToStructByPos[ABCRow],
		`select customer_no, revenue, currency from kam.abc_row where snapshot_id = $1 order by revenue desc, customer_no`, id)
	return id, rows, err
}

// RebuildABC takes the revenue of the twelve months that end with asOf of all
// active customers as the book that ABC classes are cut from.
func (s *Store) RebuildABC(ctx context.Context, asOf time.Time) (id string, err error) {
	err = pg.InTx(ctx, s.pool, "rebuild the ABC book", func(tx pgx.Tx) (err error) {
		if err := pg.Alone(ctx, tx); err != nil {
			return err
		}
		id, err = rebuildABC(ctx, tx, asOf)
		return err
	})
	return id, err
}

// rebuildABC leaves the facts that it has summed up in the table abc_fact of
// the transaction, in the form of [Sales].
func rebuildABC(ctx context.Context, tx pgx.Tx, asOf time.Time) (id string, err error) {
	const facts = `create temp table abc_fact on commit drop as with ` + allFacts + salesUp
	const snapshot = `insert into kam.abc_snapshot (id, as_of) values ($1, $2) on conflict (id) do update set at = clock_timestamp()`
	const rows = `
		insert into kam.abc_row (snapshot_id, customer_no, revenue, currency)
		select $1, c.customer_no, coalesce(f.net12, 0), coalesce(f.currency, '')
		from kam.customer c left join abc_fact f on f.account = coalesce(nullif(c.sales_account, ''), c.customer_no)
		where c.status = 'ACTIVE'`

	id = "abc/" + asOf.UTC().Format(time.DateOnly)
	_, err = pg.Run(ctx, tx, "rebuild the ABC book",
		pg.Step("memory", `set local work_mem = '128MB'`),
		pg.Step("facts", facts, asOf),
		pg.Step("statistics", `analyze abc_fact (account)`),
		pg.Step("snapshot", snapshot, id, asOf),
		pg.Step("rows before", `delete from kam.abc_row where snapshot_id = $1`, id),
		pg.Step("rows", rows, id),
	)
	return id, err
}

func countByTier(ctx context.Context, q pg.Querier, sql string, args ...any) (map[kam.Tier]int, error) {
	type row struct {
		Tier kam.Tier
		N    int
	}
	all, err := pg.List(ctx, q, "count key accounts", pgx.RowToStructByPos[row], sql, args...)
	if err != nil {
		return nil, err
	}
	m := make(map[kam.Tier]int, len(all))
	for _, r := range all {
		m[r.Tier] = r.N
	}
	return m, nil
}

// BookFacts are the facts and the profit and loss of every account of the book
// as of the effect's time, which also becomes that of the ABC snapshot: the
// revenue of all active customers, from which ABC classes are cut.
func (tx *Tx) BookFacts() (snapshot string, sales map[string]Sales, lines map[string]map[string]int64, err error) {
	if snapshot, err = rebuildABC(tx.ctx, tx.tx, tx.At); err != nil {
		return "", nil, nil, err
	}
	all, err := pg.List(tx.ctx, tx.tx, "read the facts of the book", pgx.RowToStructByName[Sales], `select * from abc_fact`)
	if err != nil {
		return "", nil, nil, err
	}
	lines, err = tx.linesOf(`with `+allFacts+linesUp, tx.At)
	return snapshot, byAccount(all), lines, err
}
