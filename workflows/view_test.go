package workflows_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/workflows"
)

func TestSearchAttributesInFewEvents(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var mu sync.Mutex
	var upserts []temporal.SearchAttributes
	s.env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
		mu.Lock()
		defer mu.Unlock()
		upserts = append(upserts, args.Get(0).(temporal.SearchAttributes))
	}).Return(nil)
	s.sendAt(hour, "u1", onboarding.Act{DecisionID: "decision-1", Name: onboarding.ActComment, By: "boss", Reason: "on my desk"})
	s.sendAt(2*hour, "u2", confirm("decision-2", "boss"))
	require.Equal(t, onboarding.Completed, s.play().State)

	require.Len(t, upserts, 2, "one at the wait, one at the end")
	state := func(i int) string {
		v, _ := upserts[i].GetKeyword(temporal.NewSearchAttributeKeyKeyword(onboarding.AttrState))
		return v
	}
	require.Equal(t, "AWAITING_CONFIRMATION", state(0))
	require.Equal(t, "COMPLETED", state(1))
	waits, _ := upserts[0].GetKeyword(temporal.NewSearchAttributeKeyKeyword(onboarding.AttrWaitsFor))
	require.Equal(t, "confirming manager TERRITORY", waits)
	due, ok := upserts[0].GetTime(temporal.NewSearchAttributeKeyTime(onboarding.AttrDue))
	require.True(t, ok)
	require.False(t, due.IsZero())
	outcome, _ := upserts[1].GetKeyword(temporal.NewSearchAttributeKeyKeyword(onboarding.AttrOutcome))
	require.Equal(t, "ADDED_KA", outcome)
}

func TestQueries(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.at(hour, func() {
		v, err := s.env.QueryWorkflow(onboarding.QueryExplain)
		require.NoError(t, err)
		var records []onboarding.DecisionRecord
		require.NoError(t, v.Get(&records))
		require.Len(t, records, 1)

		v, err = s.env.QueryWorkflow(onboarding.QueryHistory)
		require.NoError(t, err)
		var lines []onboarding.TimelineEntry
		require.NoError(t, v.Get(&lines))
		require.Len(t, lines, 3)
		require.Equal(t, "boss", string(s.state().Task.Assignees[0]))
	})
	s.play()
}

func TestDetailsSayWhereAndForWhom(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s := onboarding.Snapshot{State: onboarding.AwaitingConfirmation, Step: "1.1.5", Headline: "ADD with 71 points", Task: &kam.Task{
		Level: "TERRITORY", Assignees: []kam.UserID{"boss", "deputy"}, OpenedAt: at,
		Deadlines: []kam.Deadline{{Kind: kam.DueRemind, At: at.Add(day)}, {Kind: kam.DueExpire, At: at.Add(30 * day)}},
	}}
	require.Equal(t, `**AWAITING_CONFIRMATION** 1.1.5 Management Confirmation

- waits for: confirming manager TERRITORY (`+"`boss`, `deputy`"+`)
- since: 2026-03-02T09:00:00Z
- reminder: 2026-03-03T09:00:00Z
- expiry: 2026-04-01T09:00:00Z
- last: ADD with 71 points
`, workflows.Details(s))
}

func TestEveryStateIsDrawnAndEveryStageNamed(t *testing.T) {
	t.Parallel()
	for _, spec := range onboarding.States {
		if spec.Kind == kam.Automatic {
			require.Contains(t, onboarding.StageOf, spec.State)
			require.NotEqual(t, string(onboarding.StageOf[spec.State]), workflows.StageLabel(onboarding.StageOf[spec.State]))
		}
	}
	for stage, want := range map[onboarding.Stage]string{
		onboarding.StageOpen:     "1.1.1 Receive request",
		onboarding.StageIdentify: "1.1.2 Search existing customers",
		onboarding.StageDecide:   "1.1.4 Determine whether to add",
		onboarding.StageAnalyze:  "1.2 Analyze Customer Details",
		onboarding.StageClassify: "1.5 Identify Key Accounts",
		onboarding.StageHandOff:  "1.5.6 Assign and hand off",
	} {
		require.Equal(t, want, workflows.StageLabel(stage))
	}
	require.Equal(t, "1.1.5 Management Confirmation: CONFIRM", workflows.ActLabel(confirm("decision-1", "boss"), onboarding.Snapshot{Step: "1.1.5"}))
	require.Equal(t, []onboarding.ActName{"SubmitData", "SubmitDetails", "AmendMaterial", "ResolveDuplicate", "DecideConfirmation", "DecideCompliance",
		"DecideValidation", "DecideEndorsement", "Withdraw", "Reassign", "Comment", "Retry", "Claim", "Release", "Reevaluate", "Cancel"}, workflows.ActNames())
}

func TestRegistersUnderItsName(t *testing.T) {
	t.Parallel()
	r := &names{}
	workflows.Register(r, nil)
	require.Equal(t, []workflow.RegisterOptions{
		{Name: onboarding.WorkflowOnboarding, VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade},
		{Name: book.WorkflowImportBatch, VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade},
		{Name: kam.WorkflowRecurring, VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade},
	}, r.options)
}

type names struct{ options []workflow.RegisterOptions }

func (n *names) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	n.options = append(n.options, o)
}
