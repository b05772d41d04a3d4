package book

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// nameKeyOf is nameKey of an expression.
func nameKeyOf(expr string) string { return strings.ReplaceAll(accessdb.NameKeySQL, "$1::text", expr) }

// run is runAll in the transaction.
func (tx *Tx) run(doing string, statements ...pg.Statement) ([]int, error) {
	return pg.Run(tx.ctx, tx.tx, doing, statements...)
}

// ApplyCustomers writes the customers of the batch: set by set, not one by
// one. What did not change keeps its version, so applying the same again
// changes nothing. A customer in an open case, or with an identifier that
// another got since the check, is left alone and reported. keys computes how
// the duplicate search finds a customer whose data were merged with what was
// known.
func (tx *Tx) ApplyCustomers(keys func(kam.RequestData) customerdb.PartyKeys) error {
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
			status, sales_account, ka_status, tier, review_due, coverage, data, updated_at, since)
		select customer_no, 1, $1, data ->> 'legal_name', data ->> 'country_code', group_id, coalesce(data ->> 'parent_customer_id', ''),
			territory, owner, status, coalesce(data ->> 'sales_account_no', ''), coalesce(nullif(ka_status, ''), 'NON_KA'), tier,
			review_due, coverage, data, $2, $2
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
		select w.customer_no, 'CUSTOMER', w.group_id, coalesce(w.data ->> 'country_code', ''), p.names, array_to_string(p.names, ' '), p.keys, p.data
		from work w join kam.batch_party p on p.batch_no = $1 and p.row_no = w.row_no where w.outcome = 'CREATED'`
	const outcomes = `
		update kam.batch_checked k set outcome = w.outcome from work w
		where k.batch_no = $1 and k.row_no = w.row_no`

	changed := `where customer_no in (select customer_no from work where outcome = 'UPDATED')`
	n, err := tx.run("apply the customers",
		pg.Step("customers", customers, from, tx.At),
		pg.Step("versions", versions),
		pg.Step("old addresses", `delete from kam.customer_address `+changed),
		pg.Step("addresses", addresses),
		pg.Step("old identifiers", `delete from kam.customer_identifier `+changed),
		pg.Step("identifiers", identifiers),
		pg.Step("old contacts", `delete from kam.contact where owner in (select customer_no from work where outcome = 'UPDATED' and contacts > 0)`),
		pg.Step("contacts", contacts, from),
		pg.Step("memory", `set local gin_pending_list_limit = '256MB'`),
		pg.Step("memory", `set local maintenance_work_mem = '128MB'`),
		pg.Step("parties", parties, no),
		// The search looks through what is pending row by row, so nothing is left.
		pg.Step("index of parties", `select gin_clean_pending_list(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
			where i.indrelid = 'kam.party'::regclass and a.amname = 'gin'`),
		pg.Step("outcomes", outcomes, no),
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
func (tx *Tx) applyGroups() error {
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
	n, err := tx.run("apply the groups", pg.Step("given", given, tx.Batch.No), pg.Step("named", named, tx.Batch.No))
	tx.Batch.Result.Groups = n[0] + n[1]
	return err
}

// findWork compares every row with the customer that is known, in a table of
// the transaction.
func (tx *Tx) findWork() error {
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
		pg.Step("memory", `set local work_mem = '256MB'`),
		pg.Step("rows", work, tx.Batch.No, tx.Batch.No.Subject()),
		pg.Step("identifiers", ident),
		pg.Step("statistics", `analyze work (row_no, customer_no, outcome)`),
		pg.Step("statistics", `analyze ident`),
		pg.Step("identifiers taken", taken),
	)
	return err
}

func (tx *Tx) reportSkipped() error {
	type row struct {
		No, Line int
		Customer string
		Why      string
	}
	all, err := pg.List(tx.ctx, tx.tx, "read the rows left alone", pgx.RowToStructByName[row],
		`select row_no as no, line, customer_no as customer, why from work where outcome = 'SKIPPED' order by row_no`)
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
func (tx *Tx) mergedParties(keys func(kam.RequestData) customerdb.PartyKeys) error {
	type row struct {
		Customer string
		Group    string
		Data     kam.RequestData
	}
	all, err := pg.List(tx.ctx, tx.tx, "read the customers that changed", pgx.RowToStructByPos[row],
		`select customer_no, group_id, data from work where outcome = 'UPDATED' order by customer_no`)
	if err != nil || len(all) == 0 {
		return err
	}
	if _, err := pg.Exec(tx.ctx, tx.tx, "forget old keys", `delete from kam.party where ref in (select customer_no from work where outcome = 'UPDATED')`); err != nil {
		return err
	}
	_, err = tx.tx.CopyFrom(tx.ctx, pgx.Identifier{"kam", "party"}, []string{"ref", "kind", "group_id", "country", "names", "name_text", "keys", "data"},
		pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
			r := all[i]
			return customerdb.PartyArgs(customerdb.Party{Ref: r.Customer, Kind: customerdb.PartyCustomer, GroupID: r.Group, Data: customerdb.PartyDataOf(r.Data)}, keys(r.Data)), nil
		}))
	return err
}

func (tx *Tx) countWork() error {
	type row struct {
		Outcome kam.RowOutcome
		N       int
	}
	all, err := pg.List(tx.ctx, tx.tx, "count the rows", pgx.RowToStructByPos[row], `select outcome, count(*)::int from work group by outcome`)
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
func (tx *Tx) bookStanding() error {
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

	made, _, err := pg.One(tx.ctx, tx.tx, "count key accounts", pgx.RowTo[int], `select count(*)::int from kam.key_account`)
	if err != nil {
		return err
	}
	_, err = tx.run("take the standing over",
		pg.Step("statistics", `analyze kam.customer (customer_no, group_id, sales_account, status, ka_status)`),
		pg.Step("key accounts of the book", customerdb.BookAccounts, tx.At),
		pg.Step("sites of key accounts", join),
	)
	if err != nil {
		return err
	}
	now, _, err := pg.One(tx.ctx, tx.tx, "count key accounts", pgx.RowTo[int], `select count(*)::int from kam.key_account`)
	tx.Batch.Result.KeyAccounts = now - made
	return err
}

// PassNumbers has new customers numbered beyond those of a batch, before
// its rows are applied. It may run twice.
func (s *Store) PassNumbers(ctx context.Context, no kam.BatchNo) error {
	const highest = `
		select coalesce(max(substring(customer_no from '^C-([0-9]{1,15})$')::bigint), 0) from kam.batch_row where batch_no = $1`

	last, _, err := pg.One(ctx, s.pool, "find the highest number of the batch", pgx.RowTo[int64], highest, no)
	if err != nil {
		return err
	}
	return s.customers.PassNumber(ctx, last)
}
