package onboarding

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// Passed is how many cases of a place went on from a box in a week. Outcome is
// how those ended that came to an end there.
type Passed struct {
	Step      kam.StepCode
	State     onboarding.State // that they came to, of an end only
	Outcome   onboarding.Outcome
	Territory string
	Type      kam.CaseType
	Week      int // since the beginning, from 0
	N         int
}

// Passed counts what went through the boxes since a time, of one requester's
// cases or, for "", of all.
func (s *Store) Passed(ctx context.Context, since time.Time, requester kam.UserID) ([]Passed, error) {
	const passed = `
		select a.step_code as step, case when c.open or a.to_state <> c.state then '' else c.state end as state,
			case when c.open or a.to_state <> c.state then '' else c.outcome end as outcome,
			c.territory, c.case_type as type, floor(extract(epoch from a.at - @since) / 604800)::int as week, count(*)::int as n
		from kam.audit a join kam.cases c using (case_no)
		where a.at >= @since and a.from_state <> a.to_state and a.to_state <> '' and (@requester = '' or c.requester = @requester)
		group by 1, 2, 3, 4, 5, 6`

	return pg.List(ctx, s.pool, "count what went through the boxes", pgx.RowToStructByName[Passed], passed,
		pgx.StrictNamedArgs{"since": since, "requester": requester})
}
