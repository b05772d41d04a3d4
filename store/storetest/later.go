package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/kamflow/kamflow/store"
)

// Later lets time pass for what is dated: what was planned for less than d from
// now has begun.
func Later(t testing.TB, s *store.Store, d time.Duration) {
	t.Helper()
	tx, err := Pool(t, s).Begin(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"territory", "post"} {
		for _, sql := range []string{
			`create temp table moved on commit drop as select * from kam.` + table,
			`update moved set valid_from = valid_from - $1::interval, valid_to = valid_to - $1::interval`,
			`delete from kam.` + table,
			`insert into kam.` + table + ` select * from moved`,
			`drop table moved`,
		} {
			var args []any
			if sql[:6] == "update" {
				args = []any{d}
			}
			if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := tx.Exec(t.Context(), `update kam.org_change set changed_at = changed_at - $1::interval`, d); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}
