package customer

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/contact"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A Customer is a customer as committed last.
type Customer struct {
	CustomerNo    string              `json:"customer_no"`
	Version       int                 `json:"version"`
	Data          kam.RequestData     `json:"data"`
	GroupID       string              `json:"group_id,omitempty"`
	ParentNo      string              `json:"parent_no,omitempty"`
	Territory     string              `json:"territory_code,omitempty"`
	OwnerID       kam.UserID          `json:"owner_id,omitempty"`
	Status        kam.LifecycleStatus `json:"lifecycle_status"`
	SalesAccount  string              `json:"sales_account,omitempty"`
	KAStatus      kam.KAStatus        `json:"ka_status,omitempty"`
	Tier          kam.Tier            `json:"tier,omitempty"`
	Watch         bool                `json:"watch_list"`
	Provisional   bool                `json:"provisional"`
	FailedReviews int                 `json:"failed_reviews"`
	ReviewDue     *time.Time          `json:"review_due,omitempty"`
	Coverage      string              `json:"coverage,omitempty"`
	Segment       json.RawMessage     `json:"segment,omitempty"`
	UpdatedAt     time.Time           `json:"updated_at"`
	MergedInto    string              `json:"merged_into,omitempty"` // the record that is read in its place
	Since         *time.Time          `json:"since,omitempty"`       // when it became a customer
}

const customerColumns = `customer_no, version, data, group_id, parent_no, territory, owner as owner_id, status, sales_account,
	ka_status, tier, watch, provisional, failed_reviews, review_due, coverage, segment, updated_at, merged_into, coalesce(since, kam.customer_since(customer_no)) as since`

// Customer is a customer with its contacts; kam.NotFound where there is none.
func (tx *Tx) Customer(no string) (Customer, error) { return Read(tx.ctx, tx.tx, no) }

// Customer is a customer with its contacts; kam.NotFound where there is none.
func (s *Store) Customer(ctx context.Context, no string) (Customer, error) {
	return Read(ctx, s.pool, no)
}

func Read(ctx context.Context, q pg.Querier, no string) (Customer, error) {
	c, ok, err := pg.One(ctx, q, "read the customer", pgx.RowToStructByName[Customer],
		`select `+customerColumns+` from kam.customer where customer_no = $1`, no)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "there is no customer %s", pg.Clip(no, 40)).On("customer_no")
	}
	if err != nil {
		return c, err
	}
	c.Data.Contacts, err = contact.Of(ctx, q, c.CustomerNo)
	return c, err
}

// A Commit is what step 1.4.7 makes of a case. CustomerNo is empty for
// a new customer. Site tells apart the places of one company; empty, it is
// taken from the address, if that is known.
type Commit struct {
	CustomerNo  string
	Data        kam.RequestData
	GroupID     string
	Territory   string
	OwnerID     kam.UserID
	Status      kam.LifecycleStatus // ACTIVE when empty
	Segment     any                 // nil leaves it
	Coverage    string              // empty leaves it
	Provisional bool
	Keys        PartyKeys
	Site        string
}

// Commit writes the customer: row, identifiers, addresses, contacts,
// keys. A new one gets the next number. An identifier that stands on another
// customer at the same site, or at a site not known, is a kam.TargetInvalid
// with rule DUPLICATE_IDENTIFIER; the effect may go on after it. So is a record
// that was merged into another one, with rule MERGED. Whoever
// commits locks the identifiers, so a search done before is to be repeated
// after [Tx.LockIdentifiers].
func (tx *Tx) Commit(c Commit) (customerNo string, err error) {
	if err := tx.LockIdentifiers(slices.Concat(c.Data.Identifiers, c.Keys.Identifiers)); err != nil {
		return "", err
	}
	if c.Status == "" {
		c.Status = kam.Active
	}
	if c.Site == "" {
		c.Site = SiteOf(c.Data)
	}
	if c.CustomerNo != "" {
		if err := tx.NotMerged(c.CustomerNo); err != nil {
			return "", err
		}
	} else {
		const number = `
			with quiet as materialized (select pg_advisory_xact_lock_shared($1))
			select 'C-' || lpad(nextval('kam.customer_number')::text, 6, '0') from quiet`
		c.CustomerNo, _, err = pg.One(tx.ctx, tx.tx, "number the customer", pgx.RowTo[string], number, pg.NumberLock)
		if err != nil {
			return "", err
		}
	}
	segment, err := rawOrNil(c.Segment)
	if err != nil {
		return "", err
	}
	inner, err := tx.tx.Begin(tx.ctx) // a savepoint
	if err != nil {
		return "", fmt.Errorf("commit the customer: %w", err)
	}
	var b pgx.Batch
	queueCustomer(&b, c, segment, tx.Subject().ID, tx.At)
	if err := inner.SendBatch(tx.ctx, &b).Close(); err != nil {
		if undone := inner.Rollback(tx.ctx); undone != nil {
			return "", fmt.Errorf("commit the customer: %w", undone)
		}
		if pg.BreaksUnique(err, "customer_identifier_") {
			return "", kam.Errorf(kam.TargetInvalid, "an identifier stands on another customer already").
				On("identifiers").By("DUPLICATE_IDENTIFIER").Try("use that customer, or correct the identifier or the address")
		}
		return "", fmt.Errorf("commit the customer: %w", pg.Known(err))
	}
	if err := inner.Commit(tx.ctx); err != nil {
		return "", fmt.Errorf("commit the customer: %w", pg.Known(err))
	}
	return c.CustomerNo, nil
}

// rawOrNil is v as JSON, nil for nil.
func rawOrNil(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode the segment: %w", err)
	}
	return json.RawMessage(b), nil
}

func queueCustomer(b *pgx.Batch, c Commit, segment any, caseNo string, at time.Time) {
	const upsert = `
		insert into kam.customer as old (customer_no, version, case_no, name, country, group_id, parent_no, territory,
			owner, status, sales_account, segment, coverage, provisional, data, updated_at, since)
		values (@customer_no, 1, @case_no, @name, @country, @group_id, @parent_no, @territory, @owner, @status, @sales_account, @segment, @coverage, @provisional, @data, @at, @at)
		on conflict (customer_no) do update set version = old.version + 1, case_no = excluded.case_no,
			name = excluded.name, country = excluded.country, group_id = excluded.group_id,
			parent_no = excluded.parent_no, territory = excluded.territory, owner = excluded.owner,
			status = excluded.status, sales_account = excluded.sales_account,
			segment = coalesce(excluded.segment, old.segment),
			coverage = coalesce(nullif(excluded.coverage, ''), old.coverage),
			data = excluded.data, updated_at = excluded.updated_at`
	const version = `
		insert into kam.customer_version (customer_no, version, case_no, at, data)
		select customer_no, version, case_no, updated_at, data from kam.customer where customer_no = $1`
	const address = `insert into kam.customer_address (customer_no, position, type, address) values ($1, $2, $3, $4)`
	const identifier = `
		insert into kam.customer_identifier (customer_no, position, scheme, value, country, name, source, site)
		values (@customer_no, @position, @scheme, @value, @country, @name, @source, nullif(@site, ''))`

	d, no := c.Data, c.CustomerNo
	b.Queue(upsert, pgx.StrictNamedArgs{
		"customer_no": no, "case_no": caseNo, "name": d.LegalName, "country": d.CountryCode, "group_id": c.GroupID,
		"parent_no": d.ParentCustomerID, "territory": c.Territory, "owner": c.OwnerID, "status": c.Status,
		"sales_account": d.SalesAccountNo, "segment": segment, "coverage": c.Coverage, "provisional": c.Provisional,
		"data": contact.Without(d), "at": at,
	})
	b.Queue(version, no)
	b.Queue(`delete from kam.customer_address where customer_no = $1`, no)
	for i, a := range d.Addresses {
		b.Queue(address, no, i, a.Type, a)
	}
	b.Queue(`delete from kam.customer_identifier where customer_no = $1`, no)
	for i, id := range d.Identifiers {
		b.Queue(identifier, pgx.StrictNamedArgs{
			"customer_no": no, "position": i, "scheme": id.Scheme, "value": strings.ToUpper(id.Value), "country": id.Country,
			"name": id.Name, "source": id.Source, "site": c.Site,
		})
	}
	contact.Queue(b, no, d.Contacts)
	p := Party{Ref: no, Kind: PartyCustomer, GroupID: c.GroupID, Data: PartyDataOf(d)}
	b.Queue(upsertParty, PartyArgs(p, c.Keys)...)
}

// SiteOf is the address of a site, by which identifiers are told apart; "" where
// it is not known.
func SiteOf(d kam.RequestData) string {
	street, postal := PartyDataOf(d).Street, d.PostalCode
	if street == "" || d.CountryCode == "" || postal == "" && d.City == "" {
		return ""
	}
	place := postal
	if place == "" {
		place = d.City
	}
	return strings.ToLower(strings.Join(strings.Fields(d.CountryCode+" "+place+" "+street), " "))
}

// SetStatus sets what the classification decided for a customer;
// kam.NotFound where there is none.
func (tx *Tx) SetStatus(customerNo string, status kam.KAStatus, tier kam.Tier, watch, provisional bool, reviewDue *time.Time, coverage string) error {
	const update = `
		update kam.customer set ka_status = $2, tier = $3, watch = $4, provisional = $5, review_due = $6,
			coverage = $7, updated_at = $8
		where customer_no = $1`

	return tx.Update(customerNo, update, status, tier, watch, provisional, reviewDue, coverage, tx.At)
}

// SetFailedReviews counts the reviews in a row that a key account failed.
func (tx *Tx) SetFailedReviews(customerNo string, n int) error {
	return tx.Update(customerNo, `update kam.customer set failed_reviews = $2 where customer_no = $1`, n)
}

// SetLifecycle sets whether the customer is active, as a version of its own.
func (tx *Tx) SetLifecycle(customerNo string, status kam.LifecycleStatus) error {
	const set = `
		with changed as (
			update kam.customer set status = $2, version = version + 1, case_no = $4, updated_at = $3 where customer_no = $1
			returning customer_no, version, case_no, updated_at, data
		)
		insert into kam.customer_version (customer_no, version, case_no, at, data) select * from changed`

	return tx.Update(customerNo, set, status, tx.At, tx.Subject().ID)
}

// SetSegment keeps the segment of a customer that was looked at again; its data
// stay, and so does its version.
func (tx *Tx) SetSegment(customerNo string, segment any) error {
	raw, err := rawOrNil(segment)
	if err != nil {
		return err
	}
	return tx.Update(customerNo, `update kam.customer set segment = $2, updated_at = $3 where customer_no = $1`, raw, tx.At)
}

// StopCoverage takes a customer off the call plans (P2.7: a hit of screening
// after onboarding).
func (tx *Tx) StopCoverage(customerNo string) error {
	return tx.Update(customerNo, `update kam.customer set coverage = $2, updated_at = $3 where customer_no = $1`, CoverageStopped, tx.At)
}

// ResumeCoverage puts a member of a key account that was taken off the call
// plans back to what the account's plan says.
func (tx *Tx) ResumeCoverage(customerNo string) error {
	return tx.Update(customerNo, `update kam.customer set coverage = replace(coverage, $2, '') where customer_no = $1`, CoverageStopped)
}

// CoverageStopped stands where a coverage class would: nobody calls.
const CoverageStopped = "STOPPED"

func (tx *Tx) Update(no, sql string, args ...any) error {
	tag, err := pg.Exec(tx.ctx, tx.tx, "change customer "+no, sql, append([]any{no}, args...)...)
	if err == nil && tag.RowsAffected() == 0 {
		err = kam.Errorf(kam.NotFound, "there is no customer %s", pg.Clip(no, 40)).On("customer_no")
	}
	return err
}

// NotMerged refuses to change a record that is read as another one. It waits
// for a merge that is under way.
func (tx *Tx) NotMerged(no string) error {
	into, _, err := pg.One(tx.ctx, tx.tx, "look for a merge", pgx.RowTo[string],
		`select merged_into from kam.customer where customer_no = $1 for update`, no)
	if err != nil || into == "" {
		return err
	}
	return kam.Errorf(kam.TargetInvalid, "%s was merged into %s", no, into).On("customer_no").By(ruleMerged).Try("change %s, or split the two first", into)
}

// ruleMerged names the rule that a merged record is not changed.
const ruleMerged = "MERGED"

// noneMerged refuses to load a record that was merged into another one.
func noneMerged(ctx context.Context, tx pgx.Tx, book []BookCustomer) error {
	numbers := make([]string, len(book))
	for i, c := range book {
		numbers[i] = c.CustomerNo
	}
	merged, err := pg.List(ctx, tx, "look for merged records", pgx.RowTo[string],
		`select customer_no || ' into ' || merged_into from kam.customer where merged_into <> '' and customer_no = any ($1) order by 1 limit 5`, numbers)
	if err == nil && len(merged) > 0 {
		err = kam.Errorf(kam.TargetInvalid, "records were merged: %s", strings.Join(merged, ", ")).On("customer_no").By(ruleMerged).
			Try("leave them out of the file, or split them first")
	}
	return err
}

// OwnAccount is the sales account of a customer: its number where it has no
// other.
func (c Customer) OwnAccount() string { return cmp.Or(c.SalesAccount, c.CustomerNo) }
