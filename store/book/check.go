package book

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// StagedRow is a row of a batch as it was uploaded.
type StagedRow struct {
	No, Line   int
	ReadAs     book.RowOutcome
	Warned     bool
	CustomerNo string
	OwnerID    kam.UserID
	Status     kam.LifecycleStatus
	KAStatus   kam.KAStatus
	Tier       kam.Tier
	Data       json.RawMessage
}

// Staged are the rows of a batch in the order of the file. It holds a
// connection until the sequence has ended.
func (s *Store) Staged(ctx context.Context, no book.BatchNo) iter.Seq2[StagedRow, error] {
	const rows = `
		select row_no as no, line, read_as, warned, customer_no, owner as owner_id, status, ka_status, tier, data
		from kam.batch_row where batch_no = $1 order by row_no`

	return pg.Stream(ctx, s.pool, "read the rows of the batch", pgx.RowToStructByName[StagedRow], rows, no)
}

// Contacts are the contacts of the rows of a batch, by row.
func (s *Store) Contacts(ctx context.Context, no book.BatchNo) (map[int][]customer.Contact, error) {
	const contacts = `
		select r.row_no, c.contact from kam.batch_row r
		join kam.contact c on c.owner = $2 || '/' || r.row_no
		where r.batch_no = $1 and r.contacts > 0 order by r.row_no, c.position`
	type row struct {
		No      int
		Contact customer.Contact
	}

	m := map[int][]customer.Contact{}
	err := pg.InLong(ctx, s.pool, "read the contacts of the batch", func(tx pgx.Tx) error {
		all, err := pg.List(ctx, tx, "read the contacts of the batch", pgx.RowToStructByPos[row], contacts, no, no.Subject())
		for _, r := range all {
			m[r.No] = append(m[r.No], r.Contact)
		}
		return err
	})
	return m, err
}

// Groups is the file of groups of a batch.
func (s *Store) Groups(ctx context.Context, no book.BatchNo) ([]Group, error) {
	return pg.List(ctx, s.pool, "read the groups of the batch", pgx.RowToStructByPos[Group],
		`select row_no, group_id, name from kam.batch_group where batch_no = $1 order by row_no`, no)
}

// A KnownCustomer is a customer that a row of a book is about already.
type KnownCustomer struct {
	CustomerNo string
	Territory  string
	GroupID    string
	KAStatus   kam.KAStatus
	Tier       kam.Tier
	InCase     string // number of the open case that has it
}

// KnownCustomers are the customers, by number, that a batch has rows of.
func (s *Store) KnownCustomers(ctx context.Context, no book.BatchNo) (map[string]KnownCustomer, error) {
	const known = `
		select c.customer_no, c.territory, c.group_id, c.ka_status, c.tier,
			coalesce((select min(k.case_no) from kam.cases k where k.customer_no = c.customer_no and k.customer_no <> '' and k.open), '') as in_case
		from kam.customer c
		where c.customer_no in (select customer_no from kam.batch_row where batch_no = $1)`

	m := map[string]KnownCustomer{}
	err := pg.InLong(ctx, s.pool, "look up the customers of the batch", func(tx pgx.Tx) error {
		all, err := pg.List(ctx, tx, "look up the customers of the batch", pgx.RowToStructByName[KnownCustomer], known, no)
		for _, c := range all {
			m[c.CustomerNo] = c
		}
		return err
	})
	return m, err
}

// CustomersExist says which of the numbers are those of customers.
func (s *Store) CustomersExist(ctx context.Context, nos []string) (map[string]bool, error) {
	all, err := pg.List(ctx, s.pool, "look up customers", pgx.RowTo[string],
		`select customer_no from kam.customer where customer_no = any ($1)`, append([]string{}, nos...))
	m := make(map[string]bool, len(all))
	for _, no := range all {
		m[no] = true
	}
	return m, err
}

// A Holder is a customer on whom an identifier stands. Site is empty where it
// is not known.
type Holder struct {
	Scheme     kam.IdentifierScheme
	Value      string
	Site       string
	CustomerNo string
	GroupID    string
}

// HoldersOf are the numbers of the customers on whom one of the identifiers
// stands, in the form in which it is stored, or any number of one of the
// registrations.
func (s *Store) HoldersOf(ctx context.Context, ids, registrations []customer.Identifier) ([]Holder, error) {
	const holders = `
		with held as (
			select i.customer_no, i.position
			from (select distinct * from unnest($1::text[], $2::text[]) as u (scheme, value)) u
			join kam.customer_identifier i on i.scheme = u.scheme and i.value = u.value
			union
			select i.customer_no, i.position
			from (select distinct token from unnest($3::text[]) as u (token)) u
			join kam.party p on p.keys @> array[u.token] and p.kind = 'CUSTOMER'
			join kam.customer_identifier i on i.customer_no = p.ref
		)
		select i.scheme, i.value, coalesce(i.site, '') as site, i.customer_no, c.group_id
		from held join kam.customer_identifier i using (customer_no, position)
		join kam.customer c using (customer_no) order by i.customer_no, i.position`

	schemes, values := make([]string, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		schemes[i], values[i] = string(id.Scheme), strings.ToUpper(id.Value)
	}
	var all []Holder
	err := pg.InLong(ctx, s.pool, "look up identifiers", func(tx pgx.Tx) (err error) {
		all, err = pg.List(ctx, tx, "look up identifiers", pgx.RowToStructByName[Holder], holders, schemes, values,
			append([]string{}, customerdb.PartyKeys{Identifiers: registrations}.Tokens()...))
		return err
	})
	return all, err
}

// An Account is a sales account that a batch has facts of. Customer is the one
// who has it in the tables already, with his territory.
type Account struct {
	No        string
	Facts     int
	FirstRow  int
	PLOnly    bool // the first row is one of the profit and loss file
	Customer  string
	Territory string
}

// Accounts are the accounts of the facts of a batch, by number.
func (s *Store) Accounts(ctx context.Context, no book.BatchNo) ([]Account, error) {
	const accounts = `
		with a as (
			select account_no, count(*) as n, min(row_no) as first, bool_and(pl_only) as pl_only
			from kam.batch_sales where batch_no = $1 group by account_no
		)
		select a.account_no as no, a.n as facts, a.first as first_row, a.pl_only, coalesce(c.customer_no, '') as customer, coalesce(c.territory, '') as territory
		from a left join lateral (
			select customer_no, territory from kam.customer where customer_no = a.account_no
			union all
			select customer_no, territory from kam.customer where sales_account = a.account_no and sales_account <> ''
			limit 1
		) c on true order by a.account_no`

	var all []Account
	err := pg.InLong(ctx, s.pool, "look up the accounts of the batch", func(tx pgx.Tx) (err error) {
		all, err = pg.List(ctx, tx, "look up the accounts of the batch", pgx.RowToStructByName[Account], accounts, no)
		return err
	})
	return all, err
}

// A BadFact is a fact that cannot be applied: of another currency than the
// book's, or of a month that is not over or long gone.
type BadFact struct {
	Row      int
	Account  string
	Month    time.Time
	Currency string
	PLOnly   bool
}

// BadFacts are the facts that cannot be applied, at most limit, and how many
// there are.
func (s *Store) BadFacts(ctx context.Context, no book.BatchNo, currency string, from, to time.Time, limit int) (bad []BadFact, total int, err error) {
	const facts = `
		select row_no as row, account_no as account, month, currency, pl_only from kam.batch_sales
		where batch_no = $1 and not (currency = $2 and month between $3 and $4) order by row_no limit $5`
	const count = `select count(*)::int from kam.batch_sales where batch_no = $1 and not (currency = $2 and month between $3 and $4)`

	err = pg.InLong(ctx, s.pool, "check the facts of the batch", func(tx pgx.Tx) (err error) {
		if bad, err = pg.List(ctx, tx, "check the facts", pgx.RowToStructByName[BadFact], facts, no, currency, from, to, limit); err != nil {
			return err
		}
		total, _, err = pg.One(ctx, tx, "count the facts", pgx.RowTo[int], count, no, currency, from, to)
		return err
	})
	return bad, total, err
}

// A CheckedRow is what the check made of a row. Territory and OwnerID are
// empty where those of the customer stay. Party and Keys are there for rows
// that are READY: how the duplicate search will find the customer.
type CheckedRow struct {
	No, Line   int
	CustomerNo string
	Outcome    book.RowOutcome
	Scope      string
	Territory  string
	OwnerID    kam.UserID
	GroupID    string
	Site       string
	Party      customerdb.PartyData
	Keys       customerdb.PartyKeys
}

// checkFindings is the number of the first finding of the check, behind those
// of the upload.
const checkFindings = 10_000_000

// SaveCheck writes what the check made of the rows, instead of what an earlier
// one did.
func (tx *Tx) SaveCheck(rows []CheckedRow, findings []book.BatchFinding) error {
	no := tx.Batch.No
	var b pgx.Batch
	b.Queue(`delete from kam.batch_checked where batch_no = $1`, no)
	b.Queue(`delete from kam.batch_party where batch_no = $1`, no)
	b.Queue(`delete from kam.batch_finding where batch_no = $1 and n >= $2`, no, checkFindings)
	if err := pg.Send(tx.ctx, tx.tx, "forget an earlier check", &b); err != nil {
		return err
	}
	_, err := tx.tx.CopyFrom(tx.ctx, pgx.Identifier{"kam", "batch_checked"},
		[]string{"batch_no", "row_no", "line", "customer_no", "outcome", "scope", "territory", "owner", "group_id", "site"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			r := rows[i]
			return []any{no, r.No, r.Line, r.CustomerNo, r.Outcome, r.Scope, r.Territory, r.OwnerID, r.GroupID, r.Site}, nil
		}))
	if err != nil {
		return fmt.Errorf("save the check: %w", err)
	}
	ready := make([]int, 0, len(rows))
	for i := range rows {
		if rows[i].Outcome == book.RowReady {
			ready = append(ready, i)
		}
	}
	_, err = tx.tx.CopyFrom(tx.ctx, pgx.Identifier{"kam", "batch_party"}, []string{"batch_no", "row_no", "names", "keys", "data"},
		pgx.CopyFromSlice(len(ready), func(i int) ([]any, error) {
			r := rows[ready[i]]
			r.Party.KeysVersion = r.Keys.Version
			return []any{no, r.No, append([]string{}, r.Keys.Names...), append([]string{}, r.Keys.Tokens()...), r.Party}, nil
		}))
	if err != nil {
		return fmt.Errorf("save the keys of the rows: %w", err)
	}
	return copyFindings(tx.ctx, tx.tx, no, checkFindings, findings)
}

// AddFindings adds findings that came up later than the check.
func (tx *Tx) AddFindings(all []book.BatchFinding) error {
	if len(all) == 0 {
		return nil
	}
	next, _, err := pg.One(tx.ctx, tx.tx, "number the findings", pgx.RowTo[int],
		`select coalesce(max(n), 0) + 1 from kam.batch_finding where batch_no = $1`, tx.Batch.No)
	if err != nil {
		return err
	}
	return copyFindings(tx.ctx, tx.tx, tx.Batch.No, next, all)
}
