package customer

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A Line is one customer in a list. What segmentation says of it is empty or nil
// where it has not been segmented.
type Line struct {
	CustomerNo  string              `json:"customer_no"`
	Name        string              `json:"name"`
	City        string              `json:"city,omitempty"`
	Country     string              `json:"country_code,omitempty"`
	Status      kam.LifecycleStatus `json:"lifecycle_status"`
	MergedInto  string              `json:"merged_into,omitempty"`
	Territory   string              `json:"territory_code,omitempty"`
	OwnerID     kam.UserID          `json:"owner_id,omitempty"`
	GroupID     string              `json:"group_id,omitempty"`
	Tier        kam.Tier            `json:"tier,omitempty"`
	Class       kam.ABCClass        `json:"abc_class,omitempty"`
	Quadrant    kam.Quadrant        `json:"quadrant,omitempty"`
	Potential   *kam.Money          `json:"annual_potential,omitempty"`
	Improvement *kam.Money          `json:"improvement_value,omitempty"`
	Index       *kam.Dec            `json:"improvement_potential_index,omitempty"`
	Score       *kam.Dec            `json:"ka_score,omitempty"`
}

const lineColumns = `customer_no, name, coalesce(data ->> 'city', '') as city, country, status, merged_into, territory, owner as owner_id, group_id, tier,
	coalesce(segment ->> 'abc_class', '') as class, coalesce(segment ->> 'quadrant', '') as quadrant, nullif(segment -> 'annual_potential', 'null') as potential,
	nullif(segment -> 'improvement_value', 'null') as improvement, segment -> 'improvement_potential_index' as index, segment -> 'ka_score' as score`

// An Order is by what customers are listed.
type Order string

// The orders of a list.
const (
	ByName Order = "NAME" // and the number
	ByGain Order = "GAIN" // by Improvement Potential, the greatest first
)

// Orders are all of them.
var Orders = []Order{ByName, ByGain}

// A Filter picks customers; what is empty does not restrict. Text is a number, an
// identifier, or part of a legal or trading name: with it, records are found that
// were merged into others, too.
type Filter struct {
	Text      string
	Territory string // the node and all below it
	OwnerID   kam.UserID
	Status    kam.LifecycleStatus
	Class     kam.ABCClass
	Quadrant  kam.Quadrant
	Tier      kam.Tier
	Numbers   []string
	Order     Order // "" is ByName
	Limit     int   // 0 is 200
	// Seen leaves out what somebody may not read; nil leaves out nothing.
	Seen *Seen
}

// Seen is what somebody may read: what stands in places, and what is his own.
type Seen struct {
	Places  []string
	OwnerID kam.UserID
}

// List lists customers.
func (s *Store) List(ctx context.Context, f Filter) ([]Line, error) {
	// What an index serves is written into the statement where it is asked for: a
	// plan for everything would not use it.
	args := pgx.StrictNamedArgs{"limit": f.Limit}
	if f.Limit <= 0 {
		args["limit"] = 200
	}
	var sql strings.Builder
	and := func(condition, name string, value any) {
		sql.WriteString(" and " + condition)
		if name != "" {
			args[name] = value
		}
	}
	const below = `
		with recursive below as (
			select n.code from ` + pg.TreeNow + ` where n.code = @territory
			union
			select n.code from below b join ` + pg.TreeNow + ` on n.parent = b.code
		)`
	if f.Territory != "" {
		sql.WriteString(below)
	}
	sql.WriteString(" select " + lineColumns + " from kam.customer where true")
	if f.Text == "" {
		and("merged_into = ''", "", nil)
	} else {
		and("customer_no in ("+withText+")", "text", f.Text)
		args["part"] = "%" + likeText.Replace(strings.ToLower(f.Text)) + "%"
	}
	if f.Territory != "" {
		and("territory in (select code from below)", "territory", f.Territory)
	}
	if f.OwnerID != "" {
		and("owner = @owner", "owner", f.OwnerID)
	}
	if f.Status != "" {
		and("status = @status", "status", f.Status)
	}
	if f.Class != "" {
		and("segment ->> 'abc_class' = @class", "class", f.Class)
	}
	if f.Quadrant != "" {
		and("segment ->> 'quadrant' = @quadrant", "quadrant", f.Quadrant)
	}
	if f.Tier != "" {
		and("tier = @tier", "tier", f.Tier)
	}
	if f.Numbers != nil {
		and("customer_no = any (@numbers)", "numbers", f.Numbers)
	}
	if f.Seen != nil {
		and("(territory = any (@places::text[]) or owner = @self)", "places", append([]string{}, f.Seen.Places...))
		args["self"] = f.Seen.OwnerID
	}
	switch {
	case f.Order == ByGain:
		sql.WriteString(" order by ((segment ->> 'improvement_potential_index')::numeric) desc nulls last, customer_no")
	case f.Order != "" && f.Order != ByName:
		return nil, kam.Errorf(kam.Invalid, "%q is no order of customers", pg.Clip(string(f.Order), 40)).On("order").Try("one of %s", kam.ListOf(Orders))
	case f.Text != "":
		sql.WriteString(" order by customer_no = upper(@text) desc, merged_into <> '', name, customer_no")
	default:
		sql.WriteString(" order by name, customer_no")
	}
	sql.WriteString(" limit @limit")
	return pg.List(ctx, s.pool, "list customers", pgx.RowToStructByName[Line], sql.String(), args)
}

// likeText writes a text so that like takes it to the letter.
var likeText = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// withText are the numbers of those whom a text names.
const withText = `
	select customer_no from kam.customer where customer_no = upper(@text)
	union all
	select customer_no from kam.customer where lower(name) like @part
	union all
	select customer_no from kam.customer where data ? 'trading_names' and lower((data -> 'trading_names')::text) like @part
	union all
	select customer_no from kam.customer_identifier where value = upper(regexp_replace(@text, '[ .-]', '', 'g'))
	union all
	select customer_no from kam.customer where merged_into <> '' and exists (
		select from jsonb_array_elements(case jsonb_typeof(data -> 'identifiers') when 'array' then data -> 'identifiers' else '[]' end) i
		where upper(regexp_replace(i ->> 'value', '[ .-]', '', 'g')) = upper(regexp_replace(@text, '[ .-]', '', 'g')))`

// A KeyAccountLine is one key account in a list. Members are those that are
// active; Potential and Improvement are their sums, in the currency of the policy.
type KeyAccountLine struct {
	KeyAccount
	CaseNo      kam.CaseNo `json:"case_no,omitempty"` // that made it what it is
	Since       time.Time  `json:"since"`
	Places      []string   `json:"places"` // the territories of its members
	Potential   *kam.Money `json:"annual_potential,omitempty"`
	Improvement *kam.Money `json:"improvement_value,omitempty"`
}

// KeyAccounts lists key accounts, those that have ended only where they are asked
// for: by tier, the highest first, and name. With a number it is that one.
func (s *Store) KeyAccounts(ctx context.Context, no string, ended bool) ([]KeyAccountLine, error) {
	const list = `
		select k.key_account_no as no, k.group_id, k.name, k.tier, k.home_node, k.owner as owner_id, k.state, k.review_due, k.ended_as, k.case_no, k.since,
			coalesce(m.members, '{}') as members, coalesce(m.places, '{}') as places, m.potential, m.improvement
		from kam.key_account k
		left join lateral (
			select array_agg(c.customer_no order by c.customer_no) as members, array_agg(distinct c.territory) as places,
				case when count(c.segment -> 'annual_potential' ->> 'amount') > 0 then jsonb_build_object(
					'amount', sum((c.segment -> 'annual_potential' ->> 'amount')::numeric)::text, 'currency', min(c.segment -> 'annual_potential' ->> 'currency')) end as potential,
				case when count(c.segment -> 'improvement_value' ->> 'amount') > 0 then jsonb_build_object(
					'amount', sum((c.segment -> 'improvement_value' ->> 'amount')::numeric)::text, 'currency', min(c.segment -> 'improvement_value' ->> 'currency')) end as improvement
			from kam.key_account_member a join kam.customer c using (customer_no)
			where a.key_account_no = k.key_account_no and c.status = 'ACTIVE' and c.merged_into = ''
		) m on true
		where (@no = '' or k.key_account_no = @no) and (@ended or @no <> '' or k.state <> 'ENDED')
		order by array_position(@tiers::text[], k.tier) desc, k.name, k.key_account_no`

	return pg.List(ctx, s.pool, "list key accounts", pgx.RowToStructByName[KeyAccountLine], list, pgx.StrictNamedArgs{"no": no, "ended": ended, "tiers": kam.Tiers})
}
