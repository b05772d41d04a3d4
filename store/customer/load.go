package customer

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A BookCustomer is a customer that exists already when it is loaded. Keys
// are computed by the caller, as for SaveParty.
type BookCustomer struct {
	CustomerNo string               `json:"customer_no"`
	Data       customer.RequestData `json:"data"`
	GroupID    string               `json:"group_id,omitempty"`
	Territory  string               `json:"territory_code"`
	OwnerID    kam.UserID           `json:"owner_id,omitempty"`
	Status     kam.LifecycleStatus  `json:"lifecycle_status,omitempty"` // ACTIVE when empty
	KAStatus   kam.KAStatus         `json:"ka_status,omitempty"`        // NON_KA when empty
	Tier       kam.Tier             `json:"tier,omitempty"`
	Coverage   string               `json:"coverage,omitempty"`
	ReviewDue  *time.Time           `json:"review_due,omitempty"`
	Segment    json.RawMessage      `json:"segment,omitempty"`
	Keys       PartyKeys            `json:"-"`
}

// A SalesFact is what one account bought in one month, in minor units of the
// currency. Month is "2026-01". PLLines are amounts of the lines of 4.1.4.
type SalesFact struct {
	AccountNo     string           `json:"account_no" yaml:"account_no"`
	Month         string           `json:"month" yaml:"month"`
	ProductFamily string           `json:"product_family,omitempty" yaml:"product_family"`
	Currency      string           `json:"currency" yaml:"currency"`
	NetRevenue    int64            `json:"net_revenue_minor" yaml:"net_revenue_minor"`
	GrossMargin   *int64           `json:"gross_margin_minor,omitempty" yaml:"gross_margin_minor"`
	Orders        int64            `json:"orders" yaml:"orders"`
	LastOrderDate string           `json:"last_order_date,omitempty" yaml:"last_order_date"`
	PLLines       map[string]int64 `json:"pl_lines_minor,omitempty" yaml:"pl_lines_minor"`
}

// BookAccounts: a group, or a customer without one, that came in as a key account gets its
// row; it is managed at the node of its tier above its first member.
const BookAccounts = `
	with recursive holder as (
		select distinct on (coalesce(nullif(group_id, ''), customer_no)) coalesce(nullif(group_id, ''), customer_no) as account,
			group_id, name, tier, territory, owner, review_due
		from kam.customer c
		where ka_status = 'KA' and status = 'ACTIVE'
		  and not exists (select from kam.key_account_member m where m.customer_no = c.customer_no)
		  and not exists (select from kam.key_account k where k.group_id <> '' and k.group_id = c.group_id and k.state <> 'ENDED')
		order by 1, customer_no
	), up as (
		select h.account, n.code, n.level, n.parent from holder h join ` + pg.TreeNow + ` on n.code = h.territory
		union all
		select up.account, n.code, n.level, n.parent from up join ` + pg.TreeNow + ` on n.code = up.parent
	), numbered as materialized (
		select h.*, 'KA-' || lpad(nextval('kam.key_account_number')::text, 6, '0') as no,
			coalesce((select g.name from kam.party_group g where g.group_id = h.group_id), h.name) as title,
			coalesce((select code from up where up.account = h.account and level =
				case h.tier when 'TERRITORY' then 'TERRITORY' when 'REGIONAL' then 'REGION' when 'NATIONAL' then 'COUNTRY' else 'GLOBAL' end), h.territory) as home
		from holder h
	), added as (
		insert into kam.key_account (key_account_no, group_id, name, tier, home_node, owner, state, case_no, review_due, since, updated_at)
		select no, group_id, title, tier, home, owner, 'ACTIVE', '', review_due, $1, $1 from numbered
	)
	insert into kam.key_account_member (key_account_no, customer_no)
	select n.no, c.customer_no from numbered n join kam.customer c
		on coalesce(nullif(c.group_id, ''), c.customer_no) = n.account
	where c.ka_status = 'KA' and c.status = 'ACTIVE'
	on conflict do nothing`

// Load brings customers that exist already. Loading the same again
// changes nothing but their version. An identifier that stands on two of them
// is a kam.Fault, a record that was merged into another one a
// kam.TargetInvalid. The trail of the organisation says who loaded.
func (s *Store) Load(ctx context.Context, a accessdb.OrgAct, book []BookCustomer) error {
	const standing = `
		update kam.customer set ka_status = $2, tier = $3, review_due = $4 where customer_no = $1`
	if err := s.passNumbers(ctx, book); err != nil {
		return err
	}
	return s.access.Load(ctx, a, "CUSTOMERS", len(book), book, func(tx pgx.Tx, now time.Time) error {
		if err := noneMerged(ctx, tx, book); err != nil {
			return err
		}
		for part := range slices.Chunk(book, 500) {
			var b pgx.Batch
			for _, c := range part {
				commit := Commit{
					CustomerNo: c.CustomerNo, Data: c.Data, GroupID: c.GroupID, Territory: c.Territory, OwnerID: c.OwnerID,
					Status: c.Status, Coverage: c.Coverage, Keys: c.Keys, Site: SiteOf(c.Data),
				}
				if commit.Status == "" {
					commit.Status = kam.Active
				}
				if c.KAStatus == "" {
					c.KAStatus = kam.NonKA
				}
				var segment any
				if c.Segment != nil {
					segment = c.Segment
				}
				queueCustomer(&b, commit, segment, "", now)
				b.Queue(standing, c.CustomerNo, c.KAStatus, c.Tier, c.ReviewDue)
			}
			if err := tx.SendBatch(ctx, &b).Close(); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, BookAccounts, now)
		return err
	})
}

// passNumbers has new customers numbered beyond those of a book, before its rows
// are there.
func (s *Store) passNumbers(ctx context.Context, book []BookCustomer) error {
	var last int64
	for _, c := range book {
		if digits, ok := strings.CutPrefix(c.CustomerNo, "C-"); ok && len(digits) <= 15 {
			if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
				last = max(last, n)
			}
		}
	}
	return s.PassNumber(ctx, last)
}

// PassNumber moves the numbers of customers on and never back, also while cases
// commit: a number that is given twice would write one customer over another.
func (s *Store) PassNumber(ctx context.Context, last int64) error {
	const quiet = `select pg_advisory_xact_lock($1)`
	const pass = `
		select setval('kam.customer_number', $1) from kam.customer_number where last_value < $1 or not is_called`

	if last == 0 {
		return nil
	}
	return pg.InTx(ctx, s.pool, "pass the numbers of the book", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, quiet, pg.NumberLock); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, pass, last)
		return err
	})
}

// LoadSales brings facts of accounts; a fact of the same account, month and
// product family replaces the one before. The trail of the organisation says who
// loaded.
func (s *Store) LoadSales(ctx context.Context, a accessdb.OrgAct, facts []SalesFact) error {
	const incoming = `create temp table incoming (like kam.sales_fact including defaults) on commit drop`
	const merge = `
		insert into kam.sales_fact select distinct on (account_no, month, product_family) * from incoming
		on conflict (account_no, month, product_family) do update set currency = excluded.currency,
			net_revenue = excluded.net_revenue, gross_margin = excluded.gross_margin, orders = excluded.orders,
			last_order_date = excluded.last_order_date, pl_lines = excluded.pl_lines`

	rows := make([][]any, len(facts))
	for i, f := range facts {
		month, err := time.Parse("2006-01", f.Month)
		if err != nil {
			return kam.Errorf(kam.Invalid, "row %d: month %q is not YYYY-MM", i+1, pg.Clip(f.Month, 20)).On("month")
		}
		var last *time.Time
		if f.LastOrderDate != "" {
			d, err := time.Parse(time.DateOnly, f.LastOrderDate)
			if err != nil {
				return kam.Errorf(kam.Invalid, "row %d: %q is not YYYY-MM-DD", i+1, pg.Clip(f.LastOrderDate, 20)).On("last_order_date")
			}
			last = &d
		}
		lines := f.PLLines
		if lines == nil {
			lines = map[string]int64{}
		}
		rows[i] = []any{f.AccountNo, month, f.ProductFamily, f.Currency, f.NetRevenue, f.GrossMargin, f.Orders, last, lines}
	}
	return s.access.Load(ctx, a, "SALES_FACTS", len(facts), facts, func(tx pgx.Tx, _ time.Time) error {
		if _, err := tx.Exec(ctx, incoming); err != nil {
			return err
		}
		columns := []string{"account_no", "month", "product_family", "currency", "net_revenue", "gross_margin", "orders", "last_order_date", "pl_lines"}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"incoming"}, columns, pgx.CopyFromRows(rows)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, merge)
		return err
	})
}
