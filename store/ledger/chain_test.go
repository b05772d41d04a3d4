package ledger_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/ledger"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestAuditIsAppendOnly(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	storetest.NewCase(t, s, "k")
	for _, sql := range []string{
		`update kam.audit set text = 'x'`, `delete from kam.audit`, `truncate kam.audit`, `truncate kam.cases cascade`,
	} {
		require.ErrorContains(t, storetest.Exec(t, s, sql), "append-only", sql)
	}
}

// AC44: one byte changed in the database names the event.
func TestTamperingIsNamed(t *testing.T) {
	t.Parallel()
	const free = `alter table kam.audit disable trigger all; `
	for name, tc := range map[string]struct {
		sql  string
		want func(first, second kam.CaseNo) ledger.Break
	}{
		"one byte changed": {
			`update kam.audit set text = 'seem' where case_no = $1 and seq = 2`,
			func(a, _ kam.CaseNo) ledger.Break {
				return ledger.Break{CaseNo: a, Seq: 2, Why: "content differs from its hash"}
			},
		},
		"a time moved by a microsecond": {
			`update kam.audit set at = at + interval '1 microsecond' where case_no = $1 and seq = 3`,
			func(a, _ kam.CaseNo) ledger.Break {
				return ledger.Break{CaseNo: a, Seq: 3, Why: "content differs from its hash"}
			},
		},
		"an event taken out": {
			`delete from kam.audit where case_no = $1 and seq = 2`,
			func(a, _ kam.CaseNo) ledger.Break { return ledger.Break{CaseNo: a, Seq: 3, Why: "sequence gap"} },
		},
		"tail cut": {
			`delete from kam.audit where case_no = $1 and seq = 3`,
			func(a, _ kam.CaseNo) ledger.Break {
				return ledger.Break{CaseNo: a, Seq: 3, Why: "the events from here to 3 were cut off"}
			},
		},
		"all events of a case": {
			`delete from kam.audit where case_no = $1`,
			func(a, _ kam.CaseNo) ledger.Break { return ledger.Break{CaseNo: a, Why: "all 3 events are gone"} },
		},
		"a whole case": {
			`delete from kam.audit where case_no = $1; delete from kam.effect where case_no = $1;
			 delete from kam.revision where case_no = $1; delete from kam.outbox where case_no = $1;
			 delete from kam.task_assignee; delete from kam.task where case_no = $1; delete from kam.cases where case_no = $1`,
			func(a, _ kam.CaseNo) ledger.Break { return ledger.Break{CaseNo: a, Why: "the case is gone"} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.New(t)
			first, second := storetest.NewCase(t, s, "k1"), storetest.NewCase(t, s, "k2")
			for _, no := range []kam.CaseNo{first, second} {
				for _, id := range []string{"decision-1", "decision-2"} {
					_, err := s.Cases.Effect(t.Context(), storetest.ActOn(no, id, 1), storetest.Comment)
					require.NoError(t, err)
				}
			}
			require.Empty(t, storetest.Breaks(t, s))
			tamper(t, s, free+tc.sql, first)
			require.Equal(t, []ledger.Break{tc.want(first, second)}, storetest.Breaks(t, s))
		})
	}
}

// tamper runs several statements with the number of a case in place of $1.
func tamper(t testing.TB, s *store.Store, sql string, no kam.CaseNo) {
	t.Helper()
	require.NoError(t, storetest.Exec(t, s, strings.ReplaceAll(sql, "$1", "'"+string(no)+"'")))
}
