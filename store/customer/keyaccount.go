package customer

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A Member is a customer of a group, with its standing. Contacts are left
// out.
type Member struct {
	CustomerNo    string
	Data          kam.RequestData
	Territory     string
	OwnerID       kam.UserID
	SalesAccount  string
	KAStatus      kam.KAStatus
	Tier          kam.Tier
	FailedReviews int
	ParentNo      string
}

// GroupMembers are the active customers of a group, by number.
func (tx *Tx) GroupMembers(groupID string) ([]Member, error) {
	const members = `
		select customer_no, data, territory, owner as owner_id, sales_account, ka_status, tier, failed_reviews, parent_no
		from kam.customer where group_id = $1 and group_id <> '' and status = 'ACTIVE' order by customer_no`

	return pg.List(tx.ctx, tx.tx, "read the group", pgx.RowToStructByName[Member], members, groupID)
}

// A KeyAccount is a customer or group in the programme (4.1.1). State is
// ACTIVE until it is ENDED, unless a later process sets another.
type KeyAccount struct {
	No        string     `json:"key_account_no"`
	GroupID   string     `json:"group_id,omitempty"`
	Name      string     `json:"name"`
	Tier      kam.Tier   `json:"tier"`
	HomeNode  string     `json:"home_node"`
	OwnerID   kam.UserID `json:"owner_id"`
	State     string     `json:"state"`
	ReviewDue *time.Time `json:"review_due,omitempty"`
	Members   []string   `json:"members"` // customer numbers
	// EndedAs says why an account has ended: DEMOTED or RETIRED.
	EndedAs string `json:"ended_as,omitempty"`
}

// The states of a key account that this store knows.
const (
	KeyAccountActive   = "ACTIVE"
	KeyAccountOnNotice = "ON_NOTICE"
	KeyAccountEnded    = "ENDED"

	EndedDemoted = "DEMOTED"
	EndedRetired = "RETIRED"
)

// KeyAccountOf is the key account of a group or of a customer, nil if there
// is none.
func (tx *Tx) KeyAccountOf(groupOrCustomer string) (*KeyAccount, error) {
	return keyAccount(tx.ctx, tx.tx, ofParty, groupOrCustomer)
}

// KeyAccountOf is the running key account of a group or of a customer, nil if
// there is none.
func (s *Store) KeyAccountOf(ctx context.Context, groupOrCustomer string) (*KeyAccount, error) {
	return keyAccount(ctx, s.pool, ofParty, groupOrCustomer)
}

// KeyAccountNamed is a key account by its number, ended or not; nil if there is
// none.
func (tx *Tx) KeyAccountNamed(no string) (*KeyAccount, error) {
	return keyAccount(tx.ctx, tx.tx, `k.key_account_no = $1`, no)
}

// ofParty picks the running account of a group or customer.
const ofParty = `
	state <> 'ENDED' and $1 <> '' and (group_id = $1 or exists (
		select from kam.key_account_member m where m.key_account_no = k.key_account_no and customer_no = $1))`

func keyAccount(ctx context.Context, q pg.Querier, which, what string) (*KeyAccount, error) {
	const find = `
		select k.key_account_no as no, group_id, name, tier, home_node, owner as owner_id, state, review_due,
			array(select customer_no from kam.key_account_member m where m.key_account_no = k.key_account_no order by 1) as members, ended_as
		from kam.key_account k where `

	k, ok, err := pg.One(ctx, q, "look up the key account", pgx.RowToStructByName[KeyAccount], find+which+` order by k.key_account_no limit 1`, what)
	if err != nil || !ok {
		return nil, err
	}
	return &k, nil
}

// SaveKeyAccount writes a key account and its members, and their status. A
// new one gets the next number. The members of one that ended are NON_KA.
func (tx *Tx) SaveKeyAccount(k KeyAccount) (no string, err error) {
	const upsert = `
		insert into kam.key_account (key_account_no, group_id, name, tier, home_node, owner, state, case_no, review_due, since, updated_at, ended_as)
		values (@no, @group_id, @name, @tier, @home_node, @owner, @state, @case_no, @review_due, @at, @at, @ended_as)
		on conflict (key_account_no) do update set group_id = excluded.group_id, name = excluded.name,
			tier = excluded.tier, home_node = excluded.home_node, owner = excluded.owner, state = excluded.state,
			case_no = excluded.case_no, review_due = excluded.review_due, updated_at = excluded.updated_at,
			ended_as = excluded.ended_as`
	const left = `
		with gone as (
			delete from kam.key_account_member where key_account_no = $1 and customer_no <> all ($2) returning customer_no
		)
		update kam.customer set ka_status = 'NON_KA', tier = '' where customer_no in (select customer_no from gone)`
	const join = `
		insert into kam.key_account_member (key_account_no, customer_no) select distinct $1, unnest($2::text[])
		on conflict (customer_no, key_account_no) do nothing`
	const status = `
		update kam.customer set ka_status = $2, tier = $3, review_due = coalesce($4, review_due), updated_at = $5
		where customer_no = any ($1)`

	if k.State == "" {
		k.State = KeyAccountActive
	}
	if k.No == "" {
		k.No, _, err = pg.One(tx.ctx, tx.tx, "number the key account", pgx.RowTo[string],
			`select 'KA-' || lpad(nextval('kam.key_account_number')::text, 6, '0')`)
		if err != nil {
			return "", err
		}
	}
	members, standing, tier := append([]string{}, k.Members...), kam.KA, k.Tier
	if k.State == KeyAccountEnded {
		standing, tier = kam.NonKA, kam.TierNone
	}
	var b pgx.Batch
	b.Queue(upsert, pgx.StrictNamedArgs{
		"no": k.No, "group_id": k.GroupID, "name": k.Name, "tier": k.Tier, "home_node": k.HomeNode, "owner": k.OwnerID,
		"state": k.State, "case_no": tx.Subject().ID, "review_due": k.ReviewDue, "at": tx.At, "ended_as": k.EndedAs,
	})
	b.Queue(left, k.No, members)
	b.Queue(join, k.No, members)
	b.Queue(status, members, standing, tier, k.ReviewDue, tx.At)
	return k.No, pg.Send(tx.ctx, tx.tx, "save key account "+k.No, &b)
}

// CloseSideTasks ends the tasks about something that outlived their cases.
func (tx *Tx) CloseSideTasks(subject, how string) error {
	_, err := pg.Exec(tx.ctx, tx.tx, "close the tasks of "+subject,
		`update kam.task set status = $2, closed_at = $3, closed_by = 'system' where subject = $1 and status = 'OPEN'`, subject, how, tx.At)
	return err
}

// CoverByClass puts customers on the call plans by their ABC class, C where none
// was computed, but for those whom a hit of screening stopped.
func (tx *Tx) CoverByClass(customers []string) error {
	_, err := pg.Exec(tx.ctx, tx.tx, "cover customers", `
		update kam.customer set coverage = coalesce(nullif(segment ->> 'abc_class', ''), 'C'), updated_at = $2
		where customer_no = any ($1) and status = 'ACTIVE' and coverage <> $3`, customers, tx.At, CoverageStopped)
	return err
}

// KeyAccountsOf counts the key accounts that a person owns, by tier.
func (tx *Tx) KeyAccountsOf(owner kam.UserID) (map[kam.Tier]int, error) {
	return countByTier(tx.ctx, tx.tx, `select tier, count(*) from kam.key_account where state <> 'ENDED' and owner = $1 group by tier`, owner)
}

// KeyAccounts counts the key accounts of the programme, by tier.
func (tx *Tx) KeyAccounts() (map[kam.Tier]int, error) {
	return countByTier(tx.ctx, tx.tx, `select tier, count(*) from kam.key_account where state <> 'ENDED' group by tier`)
}
