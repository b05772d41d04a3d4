package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// An OpenCase is a case that has not ended. Its version is 0 where the number
// was allotted and the case never opened.
type OpenCase struct {
	CaseNo  kam.CaseNo
	State   kam.State
	Version int64
}

// OpenCases lists every case that has not ended. It is asked by a build that
// is newer than the schema, before that is migrated, so it reads only columns
// that the first migration made.
func (s *Store) OpenCases(ctx context.Context) ([]OpenCase, error) {
	return pg.List(ctx, s.pool, "list open cases", pgx.RowToStructByPos[OpenCase],
		`select case_no, state, version from kam.cases where open order by case_no`)
}
