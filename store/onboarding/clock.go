package onboarding

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// setClock are the columns of a case that lists are sorted and filtered by,
// beside the version that they belong to. A stage without a task began when the
// case came into its state.
const setClock = `owed_by = @owed_by, target_at = @target_at, clocked = @version,
	stage_since = case when @has_task or state <> @state or stage_since is null then @stage_since else stage_since end`

// clockOf are the values of [setClock].
func clockOf(c onboarding.Snapshot) pgx.StrictNamedArgs {
	since, target := c.UpdatedAt, (*time.Time)(nil)
	if c.Task != nil {
		since = c.Task.OpenedAt
		if c.Task.Target != nil {
			target = &c.Task.Target.At
		}
	}
	return pgx.StrictNamedArgs{
		"owed_by": c.Owed(), "target_at": target, "has_task": c.Task != nil, "stage_since": since,
		"version": c.Version, "state": c.State,
	}
}

// CatchUp writes the clocks of cases that a release without a clock has moved,
// some hundreds at a time, and counts them. It may run at any time, and twice.
func (s *Store) CatchUp(ctx context.Context) (int, error) {
	const behind = `select version, snapshot from kam.cases where clocked <> version order by case_no limit 500`
	type row struct {
		Version  int64
		Snapshot onboarding.Snapshot
	}

	for n := 0; ; {
		cases, err := pg.List(ctx, s.pool, "look for cases without a clock", pgx.RowToStructByName[row], behind)
		if err != nil || len(cases) == 0 {
			return n, err
		}
		var b pgx.Batch
		for _, c := range cases {
			args := clockOf(c.Snapshot)
			args["case_no"], args["version"] = c.Snapshot.CaseNo, c.Version
			b.Queue(`update kam.cases set `+setClock+` where case_no = @case_no and version = @version`, args)
		}
		if err := s.pool.SendBatch(ctx, &b).Close(); err != nil {
			return n, fmt.Errorf("write the clocks of cases: %w", pg.Known(err))
		}
		n += len(cases)
	}
}

// turnsOf are the tasks of cases, in the order in which they were opened: those
// that outlive their case are not among them.
func turnsOf(ctx context.Context, q pg.Querier, cases ...kam.CaseNo) (map[kam.CaseNo][]kam.Turn, error) {
	const tasks = `
		select case_no, task, closed_at from kam.task
		where case_no = any ($1) and subject = '' order by case_no, opened_at, task_id`
	type row struct {
		CaseNo   kam.CaseNo
		Task     kam.Task
		ClosedAt *time.Time
	}

	rows, err := pg.List(ctx, q, "read the tasks of cases", pgx.RowToStructByName[row], tasks, cases)
	all := make(map[kam.CaseNo][]kam.Turn, len(cases))
	for _, r := range rows {
		turn := kam.Turn{Task: r.Task, Party: onboarding.States.PartyOf(r.Task)}
		if r.ClosedAt != nil {
			turn.Until = *r.ClosedAt
		}
		all[r.CaseNo] = append(all[r.CaseNo], turn)
	}
	return all, err
}

// Turns are the tasks that cases have had, for their clocks.
func (s *Store) Turns(ctx context.Context, cases []kam.CaseNo) (map[kam.CaseNo][]kam.Turn, error) {
	return turnsOf(ctx, s.pool, cases...)
}
