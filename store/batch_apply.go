package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// nameKeyOf is nameKey of an expression.
func nameKeyOf(expr string) string { return strings.ReplaceAll(nameKey, "$1::text", expr) }

// run is runAll in the transaction.
func (tx *BatchTx) run(doing string, statements ...statement) ([]int, error) {
	return runAll(tx.ctx, tx.tx, doing, statements...)
}

// ApplyCustomers writes the customers of the batch: set by set, not one by
// one. What did not change keeps its version, so applying the same again
// changes nothing. A customer in an open case, or with an identifier that
// another got since the check, is left alone and reported. keys computes how
// the duplicate search finds a customer whose data were merged with what was
// known.
func (tx *BatchTx) ApplyCustomers(keys func(kam.RequestData) PartyKeys) error {
	no, from := tx.Batch.No, tx.Batch.No.Subject()
	if err := tx.applyGroups(); err != nil {
		return err
	}
	if err := tx.findWork(); err != nil {
		return err
	}
	if err := tx.reportSkipped(); err != nil {
		return err
	}

	const customers = `
		insert into kam.customer as old (customer_no, version, case_no, name, country, group_id, parent_no, territory, owner,
			status, sales_account, ka_status, tier, review_due, coverage, data, updated_at)
		select customer_no, 1, $1, data ->> 'legal_name', data ->> 'country_code', group_id, coalesce(data ->> 'parent_customer_id', ''),
			territory, owner, status, coalesce(data ->> 'sales_account_no', ''), coalesce(nullif(ka_status, ''), 'NON_KA'), tier,
			review_due, coverage, data, $2
		from work where outcome in ('CREATED', 'UPDATED') order by customer_no
		on conflict (customer_no) do update set version = old.version + 1, case_no = excluded.case_no, name = excluded.name,
			country = excluded.country, group_id = excluded.group_id, parent_no = excluded.parent_no,
			territory = excluded.territory, owner = excluded.owner, status = excluded.status, sales_account = excluded.sales_account,
			ka_status = case when old.ka_status = 'KA' then 'KA' else excluded.ka_status end,
			tier = case when old.ka_status = 'KA' then old.tier else excluded.tier end,
			review_due = coalesce(old.review_due, excluded.review_due),
			coverage = coalesce(nullif(excluded.coverage, ''), old.coverage), data = excluded.data, updated_at = excluded.updated_at`
	const versions = `
		insert into kam.customer_version (customer_no, version, case_no, at, data)
		select customer_no, c.version, c.case_no, c.updated_at, c.data from work w join kam.customer c using (customer_no)
		where w.outcome in ('CREATED', 'UPDATED')`
	const addresses = `
		insert into kam.customer_address (customer_no, position, type, address)
		select customer_no, a.n - 1, a.value ->> 'type', a.value
		from work, jsonb_array_elements(data -> 'addresses') with ordinality as a (value, n) where outcome in ('CREATED', 'UPDATED')`
	const identifiers = `
		insert into kam.customer_identifier (customer_no, position, scheme, value, country, name, source, site)
		select i.customer_no, i.position, i.scheme, i.value, i.country, i.name, i.source, i.site
		from ident i join work using (customer_no) where outcome in ('CREATED', 'UPDATED')`
	const contacts = `
		update kam.contact c set owner = w.customer_no from work w
		where w.outcome in ('CREATED', 'UPDATED') and w.contacts > 0 and c.owner = $1 || '/' || w.row_no`
	const parties = `
		insert into kam.party (ref, kind, group_id, country, names, name_text, keys, data)
		select w.customer_no, 'CUSTOMER', w.group_id, coalesce(w.data ->> 'country_code', ''), p.names, coalesce(p.names[1], ''), p.keys, p.data
		from work w join kam.batch_party p on p.batch_no = $1 and p.row_no = w.row_no where w.outcome = 'CREATED'`
	const outcomes = `
		update kam.batch_checked k set outcome = w.outcome from work w
		where k.batch_no = $1 and k.row_no = w.row_no`

	changed := `where customer_no in (select customer_no from work where outcome = 'UPDATED')`
	n, err := tx.run("apply the customers",
		statement{"customers", customers, []any{from, tx.At}},
		statement{"versions", versions, nil},
		statement{"old addresses", `delete from kam.customer_address ` + changed, nil},
		statement{"addresses", addresses, nil},
		statement{"old identifiers", `delete from kam.customer_identifier ` + changed, nil},
		statement{"identifiers", identifiers, nil},
		statement{"old contacts", `delete from kam.contact where owner in (select customer_no from work where outcome = 'UPDATED' and contacts > 0)`, nil},
		statement{"contacts", contacts, []any{from}},
		statement{"memory", `set local gin_pending_list_limit = '256MB'`, nil},
		statement{"memory", `set local maintenance_work_mem = '128MB'`, nil},
		statement{"parties", parties, []any{no}},
		// The search looks through what is pending row by row, so nothing is left.
		statement{"index of parties", `select gin_clean_pending_list(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
			where i.indrelid = 'kam.party'::regclass and a.amname = 'gin'`, nil},
		statement{"outcomes", outcomes, []any{no}},
	)
	if err != nil {
		return err
	}
	if err := tx.mergedParties(keys); err != nil {
		return err
	}
	if err := tx.countWork(); err != nil {
		return err
	}
	if n[0] == 0 {
		return nil
	}
	return tx.bookStanding()
}

// applyGroups makes the groups of the file, and those that rows name.
func (tx *BatchTx) applyGroups() error {
	given := `
		insert into kam.party_group as old (group_id, name, name_key)
		select distinct on (b.group_id) b.group_id, b.name, ` + nameKeyOf("b.name") + `
		from kam.batch_group b where b.batch_no = $1 and b.group_id <> '' and b.name <> ''
		  and not exists (select from kam.party_group p where p.name_key = ` + nameKeyOf("b.name") + ` and p.group_id <> b.group_id)
		order by b.group_id, b.row_no
		on conflict (group_id) do update set name = excluded.name, name_key = excluded.name_key where old.name <> excluded.name`
	named := `
		insert into kam.party_group (group_id, name, name_key)
		select 'G-' || lpad(nextval('kam.group_number')::text, 6, '0'), name, key from (
			select distinct on (key) name, key from (
				select r.data ->> 'group_name' as name, ` + nameKeyOf("(r.data ->> 'group_name')") + ` as key, r.row_no
				from kam.batch_checked k join kam.batch_row r using (batch_no, row_no)
				where k.batch_no = $1 and k.outcome = 'READY' and k.group_id = '' and r.data ->> 'group_name' <> ''
			) n where not exists (select from kam.party_group p where p.name_key = n.key) order by key, row_no
		) fresh`
	n, err := tx.run("apply the groups", statement{"given", given, []any{tx.Batch.No}}, statement{"named", named, []any{tx.Batch.No}})
	tx.Batch.Result.Groups = n[0] + n[1]
	return err
}

// findWork compares every row with the customer that is known, in a table of
// the transaction.
func (tx *BatchTx) findWork() error {
	work := `
		create temp table work on commit drop as
		with r as (
			select k.row_no, k.line, k.customer_no, k.territory, k.owner,
				coalesce(nullif(k.group_id, ''), g.group_id, '') as group_id,
				nullif(k.site, '') as site, r.status, r.ka_status, r.tier, r.coverage, r.review_due, r.contacts, r.data
			from kam.batch_checked k join kam.batch_row r using (batch_no, row_no)
			left join kam.party_group g on k.group_id = '' and r.data ->> 'group_name' <> '' and g.name_key = ` + nameKeyOf("(r.data ->> 'group_name')") + `
			where k.batch_no = $1 and k.outcome = 'READY'
		), m as (
			select r.row_no, r.line, r.customer_no, r.site, r.ka_status, r.tier, r.coverage, r.review_due, r.contacts,
				coalesce(nullif(r.territory, ''), c.territory, '') as territory, coalesce(nullif(r.owner, ''), c.owner, '') as owner,
				coalesce(nullif(r.group_id, ''), c.group_id, '') as group_id, coalesce(nullif(r.status, ''), c.status, 'ACTIVE') as status,
				case when c.customer_no is null then r.data else c.data || r.data end as data, c.customer_no is not null as known,
				c.data as old_data, c.territory as old_territory, c.owner as old_owner, c.group_id as old_group, c.status as old_status, c.ka_status as old_ka
			from r left join kam.customer c using (customer_no)
		)
		select row_no, line, customer_no, territory, owner, group_id, site, status, ka_status, tier, coverage, review_due, contacts, data,
			case
				when not known then 'CREATED'
				when exists (select from kam.cases k where k.customer_no = m.customer_no and k.customer_no <> '' and k.open) then 'SKIPPED'
				when data = old_data and territory = old_territory and owner = old_owner and group_id = old_group and status = old_status
				  and not (ka_status = 'KA' and old_ka <> 'KA')
				  and (contacts = 0 or (select jsonb_agg(contact order by position) from kam.contact where owner = $2 || '/' || m.row_no)
					is not distinct from (select jsonb_agg(contact order by position) from kam.contact where owner = m.customer_no)) then 'UNCHANGED'
				else 'UPDATED'
			end as outcome, '' as why
		from m`
	const ident = `
		create temp table ident on commit drop as
		select customer_no, (i.n - 1)::int as position, i.value ->> 'scheme' as scheme, upper(i.value ->> 'value') as value,
			coalesce(i.value ->> 'country', '') as country, coalesce(i.value ->> 'name', '') as name, coalesce(i.value ->> 'source', '') as source, site
		from work, jsonb_array_elements(data -> 'identifiers') with ordinality as i (value, n) where outcome in ('CREATED', 'UPDATED')`
	// What the check had not seen: a case may have committed since.
	const taken = `
		update work set outcome = 'SKIPPED', why = 'DUPLICATE_IDENTIFIER'
		where customer_no in (
			select i.customer_no from ident i join kam.customer_identifier x on x.scheme = i.scheme and x.value = i.value
			where x.customer_no <> i.customer_no
			  and (i.scheme in ('GLN', 'FR_SIRET') or i.scheme not in ('IBAN', 'OTHER') and x.site is not distinct from i.site))`

	_, err := tx.run("compare the rows with what is known",
		statement{"memory", `set local work_mem = '256MB'`, nil},
		statement{"rows", work, []any{tx.Batch.No, tx.Batch.No.Subject()}},
		statement{"identifiers", ident, nil},
		statement{"statistics", `analyze work (row_no, customer_no, outcome)`, nil},
		statement{"statistics", `analyze ident`, nil},
		statement{"identifiers taken", taken, nil},
	)
	return err
}

func (tx *BatchTx) reportSkipped() error {
	type row struct {
		No, Line int
		Customer string
		Why      string
	}
	all, err := list(tx.ctx, tx.tx, "read the rows left alone", pgx.RowToStructByPos[row],
		`select row_no, line, customer_no, why from work where outcome = 'SKIPPED' order by row_no`)
	if err != nil {
		return err
	}
	findings := make([]kam.BatchFinding, len(all))
	for i, r := range all {
		f := kam.BatchFinding{
			File: kam.FileCustomers, Row: r.No, Line: r.Line, Key: r.Customer, Severity: kam.SeverityWarning, Rule: kam.RuleBatchOpenCase,
			Message: "the customer is in an open case: the row was left alone", Remedy: "import it again when the case has ended",
		}
		if r.Why != "" {
			f.Rule, f.Column = r.Why, "identifiers"
			f.Message, f.Remedy = "another customer got the identifier after the check: the row was left alone", "use that customer, or correct the identifier"
		}
		findings[i] = f
	}
	return tx.AddFindings(findings)
}

// mergedParties writes how customers are found whose data were merged.
func (tx *BatchTx) mergedParties(keys func(kam.RequestData) PartyKeys) error {
	type row struct {
		Customer string
		Group    string
		Data     kam.RequestData
	}
	all, err := list(tx.ctx, tx.tx, "read the customers that changed", pgx.RowToStructByPos[row],
		`select customer_no, group_id, data from work where outcome = 'UPDATED' order by customer_no`)
	if err != nil || len(all) == 0 {
		return err
	}
	if _, err := exec(tx.ctx, tx.tx, "forget old keys", `delete from kam.party where ref in (select customer_no from work where outcome = 'UPDATED')`); err != nil {
		return err
	}
	_, err = tx.tx.CopyFrom(tx.ctx, pgx.Identifier{"kam", "party"}, []string{"ref", "kind", "group_id", "country", "names", "name_text", "keys", "data"},
		pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
			r := all[i]
			return partyArgs(Party{Ref: r.Customer, Kind: PartyCustomer, GroupID: r.Group, Data: PartyDataOf(r.Data)}, keys(r.Data)), nil
		}))
	return err
}

func (tx *BatchTx) countWork() error {
	type row struct {
		Outcome kam.RowOutcome
		N       int
	}
	all, err := list(tx.ctx, tx.tx, "count the rows", pgx.RowToStructByPos[row], `select outcome, count(*)::int from work group by outcome`)
	if err != nil {
		return err
	}
	for _, r := range all {
		switch r.Outcome {
		case kam.RowCreated:
			tx.Batch.Result.Created = r.N
		case kam.RowUpdated:
			tx.Batch.Result.Updated = r.N
		case kam.RowUnchanged:
			tx.Batch.Result.Unchanged = r.N
		case kam.RowSkipped:
			tx.Batch.Result.Skipped = r.N
		}
	}
	return nil
}

// bookStanding makes the accounts of the groups that the book says are key
// accounts; a new site of such a group joins it, unless the book says
// otherwise, because the status is the group's.
func (tx *BatchTx) bookStanding() error {
	const join = `
		with k as (
			select w.customer_no, k.key_account_no, k.tier, k.review_due from work w
			join kam.key_account k on k.group_id = w.group_id and k.group_id <> '' and k.state <> 'ENDED'
			where w.outcome = 'CREATED' and w.status = 'ACTIVE' and w.ka_status = ''
		), member as (
			insert into kam.key_account_member (key_account_no, customer_no) select key_account_no, customer_no from k on conflict do nothing
		)
		update kam.customer c set ka_status = 'KA', tier = k.tier, review_due = coalesce(c.review_due, k.review_due)
		from k where c.customer_no = k.customer_no`

	made, _, err := one(tx.ctx, tx.tx, "count key accounts", pgx.RowTo[int], `select count(*)::int from kam.key_account`)
	if err != nil {
		return err
	}
	_, err = tx.run("take the standing over",
		statement{"statistics", `analyze kam.customer (customer_no, group_id, sales_account, status, ka_status)`, nil},
		statement{"key accounts of the book", bookAccounts, []any{tx.At}},
		statement{"sites of key accounts", join, nil},
	)
	if err != nil {
		return err
	}
	now, _, err := one(tx.ctx, tx.tx, "count key accounts", pgx.RowTo[int], `select count(*)::int from kam.key_account`)
	tx.Batch.Result.KeyAccounts = now - made
	return err
}

// ApplyFacts writes the facts of accounts that a customer has. A fact of the
// same account, month and product family replaces the one before; lines of
// profit and loss are laid over those that are there. Facts in another
// currency, or of months out of bounds, were refused by the check.
func (tx *BatchTx) ApplyFacts(currency string, from, to time.Time) error {
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
		statement{"memory", `set local work_mem = '128MB'`, nil},
		statement{"accounts", accounts, []any{no}},
		statement{"statistics", `analyze acct`, nil},
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
		return fmt.Errorf("count the facts: %w", known(err))
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
		n, err := tx.run("apply the facts", statement{more.what, more.sql, args})
		if err != nil {
			return err
		}
		written += n[0]
	}
	tx.Batch.Result.Facts, tx.Batch.Result.FactsSame = written, max(facts+pl-written, 0)
	if written == 0 {
		return nil
	}
	_, err = exec(tx.ctx, tx.tx, "statistics of the facts", `analyze kam.sales_fact (account_no, month)`)
	return err
}

// insertOnce inserts rows that are not there. The reader of a book hands every
// key over once; only where somebody staged one twice is the insert run again
// in the slower form that takes the first.
func (tx *BatchTx) insertOnce(what, sql string, args []any) (n int, err error) {
	inner, err := tx.tx.Begin(tx.ctx) // a savepoint
	if err != nil {
		return 0, fmt.Errorf("apply the facts: %w", err)
	}
	tag, err := inner.Exec(tx.ctx, sql, args...)
	if err == nil {
		return int(tag.RowsAffected()), inner.Commit(tx.ctx)
	}
	if undone := inner.Rollback(tx.ctx); undone != nil || !breaksUnique(err, "sales_fact_") {
		return 0, fmt.Errorf("apply the facts: %s: %w", what, known(err))
	}
	twice, err := tx.run("apply the facts", statement{what, sql + ` on conflict do nothing`, args})
	return twice[0], err
}

// A BookRow is a customer of the whole book, as the roll-up needs it.
type BookRow struct {
	CustomerNo    string
	Data          []byte // request data as JSON, without contacts
	GroupID       string
	Group         string // name of the group
	Territory     string
	SalesAccount  string
	KAStatus      kam.KAStatus
	Tier          kam.Tier
	FailedReviews int
	ParentNo      string
}

// ActiveBook is every active customer, by number, as committed; it holds a
// connection of its own until the sequence has ended.
func (s *Store) ActiveBook(ctx context.Context) iter.Seq2[BookRow, error] {
	const customers = `
		select customer_no, data, c.group_id, coalesce(g.name, ''), territory, sales_account, ka_status, tier, failed_reviews, parent_no
		from kam.customer c left join kam.party_group g on g.group_id = c.group_id and c.group_id <> ''
		where status = 'ACTIVE' order by customer_no`

	return stream(ctx, s, "read the book", pgx.RowToStructByPos[BookRow], customers)
}

// BookFacts are the facts and the profit and loss of every account of the book
// as of the effect's time, which also becomes that of the ABC snapshot: the
// revenue of all active customers, from which ABC classes are cut.
func (tx *BatchTx) BookFacts() (snapshot string, sales map[string]Sales, lines map[string]map[string]int64, err error) {
	if snapshot, err = rebuildABC(tx.ctx, tx.tx, tx.At); err != nil {
		return "", nil, nil, err
	}
	all, err := list(tx.ctx, tx.tx, "read the facts of the book", pgx.RowToStructByPos[Sales], `select * from abc_fact`)
	if err != nil {
		return "", nil, nil, err
	}
	lines, err = tx.linesOf(`with `+allFacts+linesUp, tx.At)
	return snapshot, byAccount(all), lines, err
}

// A Segmented is what the models make of one customer of the book. Coverage is
// its ABC class. Watch and Provisional are set for customers that are no key
// account; those of a key account are the endorsers' to change.
type Segmented struct {
	CustomerNo  string
	Segment     json.RawMessage
	Coverage    string
	Watch       bool
	Provisional bool
	ReviewDays  int
}

// SaveSegments writes segments, coverage and watch list of the whole book and
// says how many customers changed. It changes neither status nor tier of
// anybody.
func (tx *BatchTx) SaveSegments(rows []Segmented) (changed int, err error) {
	const fresh = `
		create temp table fresh (customer_no text, segment jsonb, coverage text, watch boolean, provisional boolean, review_days int) on commit drop`
	const update = `
		update kam.customer c set segment = f.segment, coverage = case when c.ka_status = 'KA' then c.coverage else f.coverage end,
			watch = case when c.ka_status = 'KA' then c.watch else f.watch end,
			provisional = case when c.ka_status = 'KA' then c.provisional else f.provisional end,
			review_due = coalesce(c.review_due, $1::timestamptz + make_interval(days => f.review_days))
		from fresh f where f.customer_no = c.customer_no and (c.segment is null or c.segment is distinct from f.segment
			or c.ka_status <> 'KA' and (c.coverage, c.watch, c.provisional) is distinct from (f.coverage, f.watch, f.provisional)
			or c.review_due is null)`

	if _, err := exec(tx.ctx, tx.tx, "make room for segments", fresh); err != nil {
		return 0, err
	}
	_, err = tx.tx.CopyFrom(tx.ctx, pgx.Identifier{"fresh"}, []string{"customer_no", "segment", "coverage", "watch", "provisional", "review_days"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			r := rows[i]
			return []any{r.CustomerNo, r.Segment, r.Coverage, r.Watch, r.Provisional, r.ReviewDays}, nil
		}))
	if err != nil {
		return 0, fmt.Errorf("save the segments: %w", known(err))
	}
	n, err := tx.run("save the segments", statement{"statistics", `analyze fresh (customer_no)`, nil}, statement{"segments", update, []any{tx.At}})
	return n[1], err
}

// SaveProposals keeps what the roll-up proposes.
func (tx *BatchTx) SaveProposals(all []kam.BatchProposal) error {
	if _, err := exec(tx.ctx, tx.tx, "forget earlier proposals", `delete from kam.batch_proposal where batch_no = $1`, tx.Batch.No); err != nil {
		return err
	}
	_, err := tx.tx.CopyFrom(tx.ctx, pgx.Identifier{"kam", "batch_proposal"}, []string{"batch_no", "n", "proposal"},
		pgx.CopyFromSlice(len(all), func(i int) ([]any, error) { return []any{tx.Batch.No, i + 1, all[i]}, nil }))
	return err
}
