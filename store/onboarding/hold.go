package onboarding

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// HoldCustomer makes the case the one open case of a customer, from this effect
// until it ends or releases it; kam.OpenCaseExists, naming the other case, where
// another one is.
func (tx *Tx) HoldCustomer(no string) error {
	const other = `select case_no from kam.cases where holds = $1 and case_no <> $2`

	if _, err := pg.Exec(tx.ctx, tx.tx, "lock the customer", pg.LockCustomer, no); err != nil {
		return err
	}
	by, ok, err := pg.One(tx.ctx, tx.tx, "look for an open case of the customer", pgx.RowTo[kam.CaseNo], other, no, tx.no())
	if err != nil {
		return err
	}
	if ok {
		return openCase(no, by)
	}
	tx.holds = no
	return nil
}

// ReleaseCustomer lets another case have the customer.
func (tx *Tx) ReleaseCustomer() { tx.holds = "" }

func openCase(customerNo string, by kam.CaseNo) *kam.Error {
	return kam.Errorf(kam.OpenCaseExists, "customer %s is in case %s, which is open", pg.Clip(customerNo, 40), by).On("customer_no").
		Try("see %s; one case at a time works on a customer", by)
}

// OpenCaseOf refuses, with the number of the case, where a customer is in an
// open case: one that works on it, or one that was requested and has not begun.
func (s *Store) OpenCaseOf(ctx context.Context, customerNo string) error {
	const open = `
		select case_no from kam.cases
		where open and (holds = $1 or customer_no = $1 and version > 0 and state in ('DRAFT', 'IDENTIFYING')) and $1 <> ''
		order by holds <> $1, case_no limit 1`

	by, ok, err := pg.One(ctx, s.pool, "look for an open case of the customer", pgx.RowTo[kam.CaseNo], open, customerNo)
	if err == nil && ok {
		return openCase(customerNo, by)
	}
	return err
}

// Rejection is what an appeal needs to know of a case; kam.NotFound where there
// is none.
func (tx *Tx) Rejection(no kam.CaseNo) (onboarding.Rejection, error) {
	return rejection(tx.ctx, tx.tx, no)
}

// Rejection is what an appeal needs to know of a case; kam.NotFound where there
// is none.
func (s *Store) Rejection(ctx context.Context, no kam.CaseNo) (onboarding.Rejection, error) {
	return rejection(ctx, s.pool, no)
}

func rejection(ctx context.Context, q pg.Querier, no kam.CaseNo) (onboarding.Rejection, error) {
	const find = `
		select c.case_no, c.state, c.case_type as type, c.requester, coalesce(c.snapshot ->> 'reason_code', '') as reason_code, c.appeal_of, c.updated_at as at,
			coalesce((c.snapshot ->> 'revision')::int, 0) as revision,
			coalesce((select e.actor_id from kam.audit e where e.case_no = c.case_no and e.to_state = 'REJECTED' order by e.seq desc limit 1), '') as decider,
			coalesce((select t.task ->> 'level' from kam.task t where t.case_no = c.case_no and t.kind = 'confirmation'
				and t.closed_at = c.updated_at and t.status = 'DONE' order by t.opened_at desc limit 1), '') as level
		from kam.cases c where c.case_no = $1`

	r, ok, err := pg.One(ctx, q, "read the rejection", pgx.RowToStructByName[onboarding.Rejection], find, no)
	if err == nil && !ok {
		err = kam.Errorf(kam.NotFound, "there is no case %s", pg.Clip(string(no), 40)).On("appeal_of")
	}
	return r, err
}

// PersonalTasks lists the open cases whose task depends on who holds which
// post: all but those that wait in the queue of a role and that nobody has claimed
// who has left, or for whom somebody stands in.
func (s *Store) PersonalTasks(ctx context.Context) ([]kam.CaseNo, error) {
	const open = `
		select c.case_no from kam.cases c join kam.task t on t.case_no = c.case_no and t.status = 'OPEN' and t.subject = ''
		where c.open and (t.queue in ('', 'UNROUTED')
			or exists (select from kam.person p where p.user_id = t.claimed_by and not p.active)
			or exists (select from kam.absence a where a.user_id = t.claimed_by and a.substitute <> ''))
		order by c.case_no`

	return pg.List(ctx, s.pool, "list tasks of persons", pgx.RowTo[kam.CaseNo], open)
}
