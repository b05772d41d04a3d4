package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestOnlyTheLeaverIsReplaced: whoever else has a task keeps it.
func TestOnlyTheLeaverIsReplaced(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		assignees, leave, want []kam.UserID
	}{
		"one of two":                   {[]kam.UserID{"rita", "dora"}, []kam.UserID{"rita"}, []kam.UserID{"mona", "dora"}},
		"the second of two":            {[]kam.UserID{"dora", "rita"}, []kam.UserID{"rita"}, []kam.UserID{"dora", "mona"}},
		"his manager has it already":   {[]kam.UserID{"rita", "mona"}, []kam.UserID{"rita"}, []kam.UserID{"mona"}},
		"two at once":                  {[]kam.UserID{"rita", "dora", "mona"}, []kam.UserID{"rita", "mona"}, []kam.UserID{"gina", "dora"}},
		"nobody above one of them":     {[]kam.UserID{"gina", "rita"}, []kam.UserID{"gina", "rita"}, []kam.UserID{"gina", "mona"}},
		"nobody left":                  {[]kam.UserID{"rita", "dora"}, nil, []kam.UserID{"rita", "dora"}},
		"alone":                        {[]kam.UserID{"rita"}, []kam.UserID{"rita"}, []kam.UserID{"mona"}},
		"alone, with nobody above him": {[]kam.UserID{"gina"}, []kam.UserID{"gina"}, []kam.UserID{"gina"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx := governed(t), t.Context()
			no := storetest.NewCase(t, s, "k")
			storetest.Within(t, s, no, func(tx *casedb.Tx) {
				require.NoError(t, tx.OpenSideTask(kam.Task{Kind: kam.TaskKAMAssignment, Assignees: tt.assignees, OpenedAt: time.Now()}, "KA-000001"))
			})
			for _, u := range tt.leave {
				_, err := s.Access.PersonLeaves(ctx, orgAct("leave"+string(u), "ulf"), u)
				require.NoError(t, err)
			}
			for _, change := range []string{"first", "second"} {
				_, err := s.Access.MoveLeaversTasks(ctx, change)
				require.NoError(t, err)
			}
			var stored, named []string
			require.NoError(t, storetest.Pool(t, s).QueryRow(ctx, `
				select array(select jsonb_array_elements_text(task -> 'assignees')), array(select a.user_id from kam.task_assignee a where a.task_id = t.task_id)
				from kam.task t where subject = 'KA-000001'`).Scan(&stored, &named))
			var want []string
			for _, u := range tt.want {
				want = append(want, string(u))
			}
			require.Equal(t, want, stored)
			require.ElementsMatch(t, want, named)
		})
	}
}
