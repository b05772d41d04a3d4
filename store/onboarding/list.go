package onboarding

import (
	"cmp"
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A Line is one case in a list.
type Line struct {
	CaseNo       kam.CaseNo         `json:"case_no"`
	Type         kam.CaseType       `json:"case_type"`
	State        onboarding.State   `json:"state"`
	Step         kam.StepCode       `json:"step_code"`
	Outcome      onboarding.Outcome `json:"outcome,omitempty"`
	CustomerName string             `json:"customer_name"`
	Country      string             `json:"country_code,omitempty"`
	CustomerNo   string             `json:"customer_no,omitempty"`
	Requester    kam.UserID         `json:"requester_id"`
	Territory    string             `json:"territory_code,omitempty"`
	OwnerID      kam.UserID         `json:"owner_id,omitempty"`
	Version      int64              `json:"version"`
	OpenedAt     time.Time          `json:"opened_at"`
	UpdatedAt    time.Time          `json:"updated_at"`
	Task         *kam.Task          `json:"-"`                     // that it waits for
	Referred     bool               `json:"-"`                     // to compliance
	StageSince   *time.Time         `json:"stage_since,omitempty"` // since when it stands in its stage, or when it ended
	TargetAt     *time.Time         `json:"target_at,omitempty"`   // the last instant at which that is within its target
	// Measure is the time in the stage against its target, nil after the end; InAll
	// that of the whole case, in hours. Both are for whoever fills them in.
	Measure *kam.Measure `json:"stage,omitempty" db:"-"`
	InAll   *kam.Dec     `json:"in_all_hours,omitempty" db:"-"`
}

const LineColumns = `case_no, case_type as type, state, step_code as step, outcome, customer_name, country, customer_no, requester,
	territory, owner as owner_id, version, stage_since, target_at, coalesce(opened_at, created_at) as opened_at, updated_at,
	case when open then nullif(snapshot -> 'task', 'null') end as task,
	coalesce(snapshot ->> 'recommendation' = 'REFER_COMPLIANCE', false) as referred`

// A Filter picks cases; what is empty does not restrict. Customer is a number,
// or part of a name; a requester's are those that he follows too.
type Filter struct {
	Customer  string
	Type      kam.CaseType
	State     onboarding.State
	Requester kam.UserID
	Territory string        // the node and all below it
	OlderThan time.Duration // since the last change
	Open      bool
	Step      kam.StepCode // the box and all in it
	Owed      kam.Party    // the party whose turn it is
	Overdue   bool         // beyond the target of its stage
	Order     Order        // "" is that of [ByChange]
	Limit     int          // 0 is 200
	// Behind, where it is set, leaves out the case and all that come before it in
	// the order, in which it stands at BehindAt: the list goes on behind a page.
	Behind   kam.CaseNo
	BehindAt time.Time
}

// An Order is by what cases are listed. All but the first list open cases only.
type Order string

// The orders of a list.
const (
	ByChange Order = "CHANGED" // the case changed last first
	ByAge    Order = "AGE"     // the case opened first first
	ByStage  Order = "STAGE"   // the case that stands in its stage longest first
	ByTarget Order = "TARGET"  // the case whose target passes, or has passed, first first
)

// Orders are all of them.
var Orders = []Order{ByChange, ByAge, ByStage, ByTarget}

// sorting is how each order is written in SQL: a column that an index has. The
// opening is named with its table, since the list shows another one where it is
// missing.
var sorting = map[Order]struct{ column, behind, direction string }{
	ByChange: {"updated_at", "<", "desc"},
	ByAge:    {"cases.opened_at", ">", "asc"},
	ByStage:  {"stage_since", ">", "asc"},
	ByTarget: {"target_at", ">", "asc"},
}

// Place is where a case stands in an order.
func (l Line) Place(o Order) time.Time {
	at := &l.UpdatedAt
	switch o {
	case ByAge:
		at = &l.OpenedAt
	case ByStage:
		at = l.StageSince
	case ByTarget:
		at = l.TargetAt
	}
	if at == nil { // such are not listed in that order
		return time.Time{}
	}
	return *at
}

// List lists cases, in the order that is asked for.
func (s *Store) List(ctx context.Context, f Filter) ([]Line, error) {
	const find = `
		with recursive below as (
			select n.code from ` + pg.TreeNow + ` where n.code = @territory
			union
			select n.code from below b join ` + pg.TreeNow + ` on n.parent = b.code
		), followed as (
			select same_as as no from kam.cases where requester = @requester and same_as <> ''
			union
			select c.same_as from followed f join kam.cases c on c.case_no = f.no where c.same_as <> ''
		)
		select ` + LineColumns + ` from kam.cases
		where (@customer = '' or customer_no = @customer or position(lower(@customer) in lower(customer_name)) > 0)
		  and (@state = '' or state = @state)
		  and (@requester = '' or requester = @requester or case_no in (select no from followed))
		  and (@territory = '' or territory = @territory or territory in (select code from below))
		  and (@older::interval = interval '0' or updated_at < clock_timestamp() - @older)
		  and (@type = '' or case_type = @type)`

	args := pgx.StrictNamedArgs{
		"customer": f.Customer, "state": f.State, "requester": f.Requester, "territory": f.Territory, "older": f.OlderThan, "type": f.Type,
	}
	sql := find
	order := cmp.Or(f.Order, ByChange)
	by, ok := sorting[order]
	if !ok {
		return nil, kam.Errorf(kam.Invalid, "%q is no order of cases", pg.Clip(string(f.Order), 40)).On("order").Try("one of %s", kam.ListOf(Orders))
	}
	// What an index serves is written into the statement where it is asked for:
	// a plan for all cases would not use it.
	if f.Open || order != ByChange || f.Overdue || f.Owed != "" {
		sql += " and open"
	}
	if order != ByChange {
		sql += " and " + by.column + " is not null"
	}
	if f.Step != "" {
		sql += " and step_code = any (@steps)"
		args["steps"] = kam.Within(f.Step)
	}
	if f.Owed != "" {
		sql += " and owed_by = @owed"
		args["owed"] = f.Owed
	}
	if f.Overdue {
		sql += " and target_at < clock_timestamp()"
	}
	if f.Behind != "" {
		sql += " and (" + by.column + ", case_no) " + by.behind + " (@behindAt, @behind)"
		args["behind"], args["behindAt"] = f.Behind, f.BehindAt
	}
	sql += " order by " + by.column + " " + by.direction + ", case_no " + by.direction + " limit @limit"
	if args["limit"] = f.Limit; f.Limit <= 0 {
		args["limit"] = 200
	}
	return pg.List(ctx, s.pool, "list cases", pgx.RowToStructByName[Line], sql, args)
}

// DraftKey comes before the number of the case in the key of a request that is a
// draft of it: there is one.
const DraftKey = "draft/"

// An InboxItem is a task that waits for a person.
type InboxItem struct {
	Task         kam.Task         `json:"task"`
	CaseNo       kam.CaseNo       `json:"case_no"`
	Type         kam.CaseType     `json:"case_type"`
	State        onboarding.State `json:"state"`
	CustomerName string           `json:"customer_name"`
	Country      string           `json:"country_code,omitempty"`
	Territory    string           `json:"territory_code,omitempty"`
	Subject      string           `json:"subject,omitempty"`   // of a task that outlives its case
	OpenedAt     *time.Time       `json:"opened_at,omitempty"` // the case
	Due          *time.Time       `json:"due,omitempty"`
	Came         time.Time        `json:"came_at"` // to the person, or into his queue
	Mine         bool             `json:"mine"`    // assigned, not from a queue
	// Measure is the time in the stage against its target, for whoever fills it in.
	Measure *kam.Measure `json:"stage,omitempty" db:"-"`
}

// Inbox lists the open tasks of a person: those assigned, to him or to a post that
// he holds, and those in the queue of a role that the person holds, where the node
// lies at or below one of the person's nodes. A cancellation that an operator has asked for waits for
// the policy administrators. The queue of unrouted tasks is the operator's and the
// policy administrator's. Urgent ones come first, then by due date.
func (s *Store) Inbox(ctx context.Context, user kam.UserID) ([]InboxItem, error) {
	const open = `
		with recursive me as (
			select p.roles, w.nodes from kam.person p join kam.works_at(statement_timestamp()) w using (user_id) where user_id = $1 and p.active
		), mine as (
			select unnest(nodes) as code from me
			union
			select n.code from mine m join ` + pg.TreeNow + ` on n.parent = m.code
		), queues as (
			select unnest(roles) as queue from me
			union
			select 'UNROUTED' from me where roles && array['operator', 'policy_admin']
		), found as (
			select t.task_id, true as assigned from kam.task_assignee a join kam.task t using (task_id)
			where a.user_id = $1 and a.node = '' and t.status = 'OPEN'
			union all
			select t.task_id, true from kam.post p join kam.task_assignee a using (node) join kam.task t using (task_id)
			where p.user_id = $1 and p.valid_from <= statement_timestamp() and statement_timestamp() < p.valid_to and t.status = 'OPEN'
			union all
			select t.task_id, t.claimed_by = $1 from kam.task t
			where t.status = 'OPEN' and t.queue in (select queue from queues) and t.claimed_by in ('', $1)
			  and (t.node = '' or not exists (select from mine) or t.node in (select code from mine))
		)
		select t.task, t.case_no, coalesce(c.case_type, '') as type, coalesce(c.state, '') as state, coalesce(c.customer_name, '') as customer_name, coalesce(c.country, '') as country, coalesce(c.territory, t.node) as territory, t.subject, c.opened_at, t.due_at as due, f.assigned as mine,
			coalesce((select since from kam.task_assignee a where a.task_id = t.task_id and a.user_id = $1 and a.node = ''),
				(select max(greatest(coalesce(a.since, t.opened_at), p.valid_from)) from kam.post p join kam.task_assignee a using (node)
					where a.task_id = t.task_id and p.user_id = $1 and p.valid_from <= statement_timestamp() and statement_timestamp() < p.valid_to), t.opened_at) as came
		from (select task_id, bool_or(assigned) as assigned from found group by task_id) f
		join kam.task t using (task_id) left join kam.cases c using (case_no)
		order by t.priority = 'HIGH' desc, t.due_at nulls last, t.opened_at, t.task_id`

	// A cancellation that an operator has asked for is no task of the case: it
	// waits beside it.
	const cancels = `
		select jsonb_build_object('task_id', c.case_no || '/cancel', 'kind', $2::text, 'step_code', c.step_code, 'opened_at', a.at, 'note', a.text) as task,
			c.case_no, c.case_type as type, c.state, c.customer_name, c.country, c.territory, '' as subject, c.opened_at, null::timestamptz as due, false as mine, a.at as came
		from kam.cases c
		join lateral (select at, text from kam.audit where case_no = c.case_no and type = $3 order by seq desc limit 1) a on true
		where c.open and c.snapshot ->> 'cancel_asked_by' not in ('', $1)
		  and exists (select from kam.person where user_id = $1 and active and 'policy_admin' = any (roles))
		order by a.at`

	// Who followed a case that ended without a customer may take a draft of his
	// request, for a month.
	const drafts = `
		select jsonb_build_object('task_id', c.case_no || '/draft', 'kind', $2::text, 'step_code', '1.1.1', 'opened_at', e.updated_at,
				'note', e.case_no || ' is ' || e.state) as task,
			c.case_no, c.case_type as type, c.state, c.customer_name, c.country, c.territory, '' as subject, c.opened_at, null::timestamptz as due, true as mine, e.updated_at as came
		from kam.cases c
		cross join lateral (
			with recursive chain as (
				select c.same_as as no
				union
				select p.same_as from chain f join kam.cases p on p.case_no = f.no where p.same_as <> ''
			)
			select x.* from chain join kam.cases x on x.case_no = chain.no where x.same_as = ''
		) e
		where c.requester = $1 and c.same_as <> '' and not e.open and e.customer_no = ''
		  and e.touched_at > clock_timestamp() - interval '30 days'
		  and not exists (select from kam.cases d where d.request_key = $3::text || c.case_no)
		order by e.updated_at`

	all, err := pg.List(ctx, s.pool, "read the inbox", pgx.RowToStructByName[InboxItem], open, user)
	if err != nil {
		return nil, err
	}
	offered, err := pg.List(ctx, s.pool, "read the drafts that are offered", pgx.RowToStructByName[InboxItem], drafts, user, onboarding.TaskDraftOffer, DraftKey)
	if err != nil {
		return nil, err
	}
	all = append(all, offered...)
	asked, err := pg.List(ctx, s.pool, "read the cancellations that wait", pgx.RowToStructByName[InboxItem], cancels, user, onboarding.TaskCancellation, kam.EventCancelAsked)
	return append(all, asked...), err
}

// A CaseVersion is a case and the version that the database knows.
type CaseVersion struct {
	CaseNo  kam.CaseNo
	Version int64
	Open    bool
	At      time.Time // of the last effect, in database time
}

// NeedingCheck lists the cases on which people acted and that have moved since
// then: their workflow may not know it, if worker and Temporal died in between
// (D10a). A person's act and the steps after it share one task of the workflow,
// so the last effect that was lost may be any of them. A case that has ended is
// listed for a day: its workflow then waits for nothing.
func (s *Store) NeedingCheck(ctx context.Context, since time.Time) ([]CaseVersion, error) {
	const moved = `
		select case_no, version, open, touched_at as at from kam.cases
		where by_person and touched_at >= $1 and (open or touched_at >= clock_timestamp() - interval '1 day')
		order by touched_at`

	return pg.List(ctx, s.pool, "list cases to check", pgx.RowToStructByName[CaseVersion], moved, since)
}

// A StuckCase needs somebody to look at it.
type StuckCase struct {
	CaseNo kam.CaseNo       `json:"case_no"`
	State  onboarding.State `json:"state"`
	Since  time.Time        `json:"since"`
	Why    string           `json:"why"`
}

// Stuck lists cases that wait for nobody: an operator is asked, an automatic
// state did not move for ten minutes, a task is unrouted or long overdue or
// still that of people who have left, a number was never started. A case that
// has ended is listed for a task that outlives it; a batch, which has no state
// here, for its own.
func (s *Store) Stuck(ctx context.Context) ([]StuckCase, error) {
	const stuck = `
		with leavers as (
			select task_id, string_agg(a.user_id, ', ' order by a.user_id) || ' has left and still has the task' as why
			from kam.task t join kam.task_assignee a using (task_id) join kam.person p using (user_id)
			where t.status = 'OPEN' group by task_id having not bool_or(p.active)
		)
		select case_no, state, since, why from (
			select c.case_no, c.state, c.touched_at as since, case
				when c.version = 0 and c.touched_at < clock_timestamp() - interval '10 minutes' then 'number allotted, case never started'
				when c.state = 'NEEDS_INTERVENTION' then 'an operator is needed'
				when c.version > 0 and c.state = any ($1) and c.touched_at < clock_timestamp() - interval '10 minutes' then 'an automatic step does not go on'
				when t.queue = 'UNROUTED' then 'nobody may take the task'
				when l.why is not null then l.why
				when t.due_at < clock_timestamp() - interval '1 day' then 'a deadline passed without consequence'
			end as why
			from kam.cases c left join kam.task t on t.case_no = c.case_no and t.status = 'OPEN' and t.subject = ''
			left join leavers l using (task_id)
			where c.open
			union all
			select t.case_no, coalesce(c.state, ''), t.opened_at, case when t.queue = 'UNROUTED' then 'nobody may take the task' else l.why end
			from kam.task t left join kam.cases c using (case_no) left join leavers l using (task_id)
			where t.status = 'OPEN' and t.subject <> ''
		) all_open
		where why is not null order by since, case_no`

	var automatic []onboarding.State
	for _, st := range onboarding.States {
		if st.Kind == kam.Automatic {
			automatic = append(automatic, st.State)
		}
	}
	return pg.List(ctx, s.pool, "list stuck cases", pgx.RowToStructByName[StuckCase], stuck, automatic)
}

// Stats are counts for a summary.
type Stats struct {
	Cases       int                `json:"cases"`
	ByState     map[string]int     `json:"by_state"`
	ByOutcome   map[string]int     `json:"by_outcome"`
	ByType      map[string]int     `json:"by_type"`
	KeyAccounts map[kam.Tier]int   `json:"key_accounts"`
	OpenTasks   map[kam.UserID]int `json:"open_tasks"` // by person
	Queued      map[string]int     `json:"queued"`     // open tasks by queue
	Customers   int                `json:"customers"`
	AuditEvents int                `json:"audit_events"`
}

// Stats counts cases, tasks, key accounts and customers.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	const counts = `
		select 'state', state, count(*)::int from kam.cases group by state
		union all select 'outcome', outcome, count(*)::int from kam.cases where outcome <> '' group by outcome
		union all select 'type', case_type, count(*)::int from kam.cases group by case_type
		union all select 'tier', tier, count(*)::int from kam.key_account where state <> 'ENDED' group by tier
		union all select 'person', user_id, count(*)::int from kam.task_assignee a join kam.task t using (task_id) where t.status = 'OPEN' group by user_id
		union all select 'queue', queue, count(*)::int from kam.task where status = 'OPEN' and queue <> '' group by queue
		union all select 'customers', '', count(*)::int from kam.customer
		union all select 'audit', '', count(*)::int from kam.audit`
	type row struct {
		Kind, Key string
		N         int
	}

	st := Stats{ByState: map[string]int{}, ByOutcome: map[string]int{}, ByType: map[string]int{},
		KeyAccounts: map[kam.Tier]int{}, OpenTasks: map[kam.UserID]int{}, Queued: map[string]int{}}
	all, err := pg.List(ctx, s.pool, "count cases", pgx.RowToStructByPos[row], counts)
	for _, r := range all {
		switch r.Kind {
		case "state":
			st.ByState[r.Key] = r.N
			st.Cases += r.N
		case "outcome":
			st.ByOutcome[r.Key] = r.N
		case "type":
			st.ByType[r.Key] = r.N
		case "tier":
			st.KeyAccounts[kam.Tier(r.Key)] = r.N
		case "person":
			st.OpenTasks[kam.UserID(r.Key)] = r.N
		case "queue":
			st.Queued[r.Key] = r.N
		case "customers":
			st.Customers = r.N
		case "audit":
			st.AuditEvents = r.N
		}
	}
	return st, err
}

// An OpenCase is a case that has not ended. Its version is 0 where the number
// was allotted and the case never opened.
type OpenCase struct {
	CaseNo  kam.CaseNo
	State   onboarding.State
	Version int64
}

// OpenCases lists every case that has not ended. It is asked by a build that
// is newer than the schema, before that is migrated, so it reads only columns
// that the first migration made.
func (s *Store) OpenCases(ctx context.Context) ([]OpenCase, error) {
	return pg.List(ctx, s.pool, "list open cases", pgx.RowToStructByPos[OpenCase],
		`select case_no, state, version from kam.cases where open order by case_no`)
}
