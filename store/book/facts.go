package book

import (
	"fmt"
	"time"

	"github.com/kamflow/kamflow/store/internal/pg"
)

// ApplyFacts writes the facts of accounts that a customer has. A fact of the
// same account, month and product family replaces the one before; lines of
// profit and loss are laid over those that are there. Facts in another
// currency, or of months out of bounds, were refused by the check.
func (tx *Tx) ApplyFacts(currency string, from, to time.Time) error {
	const accounts = `
		create temp table acct on commit drop as
		select a.account_no from (select distinct account_no from kam.batch_sales where batch_no = $1) a
		where exists (select from kam.customer c where c.customer_no = a.account_no)
		   or exists (select from kam.customer c where c.sales_account = a.account_no and c.sales_account <> '')`
	const sales = `
		insert into kam.sales_fact (account_no, month, product_family, currency, net_revenue, gross_margin, orders, last_order_date, pl_lines)
		select s.account_no, s.month, s.product_family, s.currency, s.net_revenue, s.gross_margin, s.orders, s.last_order_date, coalesce(s.pl_lines, '{}')
		from kam.batch_sales s join acct using (account_no)
		where s.batch_no = $1 and not s.pl_only and currency = $2 and month between $3 and $4
		  and not exists (select from kam.sales_fact f where f.account_no = s.account_no and f.month = s.month and f.product_family = s.product_family)`
	const changed = `
		update kam.sales_fact f set currency = s.currency, net_revenue = s.net_revenue, gross_margin = s.gross_margin, orders = s.orders,
			last_order_date = s.last_order_date, pl_lines = f.pl_lines || coalesce(s.pl_lines, '{}')
		from kam.batch_sales s join acct using (account_no)
		where s.batch_no = $1 and not s.pl_only and s.currency = $2 and s.month between $3 and $4
		  and f.account_no = s.account_no and f.month = s.month and f.product_family = s.product_family
		  and (f.currency, f.net_revenue, f.gross_margin, f.orders, f.last_order_date, f.pl_lines) is distinct from
			(s.currency, s.net_revenue, s.gross_margin, s.orders, s.last_order_date, f.pl_lines || coalesce(s.pl_lines, '{}'))`
	const lines = `
		insert into kam.sales_fact as old (account_no, month, product_family, currency, net_revenue, orders, pl_lines)
		select distinct on (account_no, month, product_family) account_no, month, product_family, currency, 0, 0, coalesce(pl_lines, '{}')
		from kam.batch_sales s join acct using (account_no)
		where s.batch_no = $1 and pl_only and currency = $2 and month between $3 and $4
		order by account_no, month, product_family, row_no
		on conflict (account_no, month, product_family) do update set pl_lines = old.pl_lines || excluded.pl_lines
		where old.pl_lines is distinct from old.pl_lines || excluded.pl_lines`
	const total = `
		select count(*) filter (where not pl_only)::int, count(*) filter (where pl_only)::int from kam.batch_sales s join acct using (account_no)
		where s.batch_no = $1 and currency = $2 and month between $3 and $4`

	no := tx.Batch.No
	args := []any{no, currency, from, to}
	_, err := tx.run("apply the facts",
		pg.Step("memory", `set local work_mem = '128MB'`),
		pg.Step("accounts", accounts, no),
		pg.Step("statistics", `analyze acct`),
	)
	if err != nil {
		return err
	}
	fresh, err := tx.insertOnce("new sales", sales, args)
	if err != nil {
		return err
	}
	var facts, pl int
	if err := tx.tx.QueryRow(tx.ctx, total, args...).Scan(&facts, &pl); err != nil {
		return fmt.Errorf("count the facts: %w", pg.Known(err))
	}
	written := fresh
	for _, more := range []struct {
		needed bool
		what   string
		sql    string
	}{
		{written < facts, "changed sales", changed}, // some were there: a book that is new is spared the comparison
		{pl > 0, "profit and loss", lines},
	} {
		if !more.needed {
			continue
		}
		n, err := tx.run("apply the facts", pg.Step(more.what, more.sql, args...))
		if err != nil {
			return err
		}
		written += n[0]
	}
	tx.Batch.Result.Facts, tx.Batch.Result.FactsSame = written, max(facts+pl-written, 0)
	if written == 0 {
		return nil
	}
	_, err = pg.Exec(tx.ctx, tx.tx, "statistics of the facts", `analyze kam.sales_fact (account_no, month)`)
	return err
}

// insertOnce inserts rows that are not there. The reader of a book hands every
// key over once; only where somebody staged one twice is the insert run again
// in the slower form that takes the first.
func (tx *Tx) insertOnce(what, sql string, args []any) (n int, err error) {
	inner, err := tx.tx.Begin(tx.ctx) // a savepoint
	if err != nil {
		return 0, fmt.Errorf("apply the facts: %w", err)
	}
	tag, err := inner.Exec(tx.ctx, sql, args...)
	if err == nil {
		return int(tag.RowsAffected()), inner.Commit(tx.ctx)
	}
	if undone := inner.Rollback(tx.ctx); undone != nil || !pg.BreaksUnique(err, "sales_fact_") {
		return 0, fmt.Errorf("apply the facts: %s: %w", what, pg.Known(err))
	}
	twice, err := tx.run("apply the facts", pg.Step(what, sql+` on conflict do nothing`, args...))
	return twice[0], err
}
