package onboarding_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/tabletest"
)

// known are the values of the facts of a case.
var known = func() tabletest.Known {
	k := tabletest.Known{kam.NewCase, kam.Modify, kam.Reactivate, kam.Deactivate, kam.Reclassify,
		kam.MatchClass(""), kam.MatchPossible, kam.MatchProbable, kam.MatchCertain,
		onboarding.TargetNone, onboarding.TargetActive, onboarding.TargetInactive, onboarding.TargetUnusable,
		kam.Add, kam.Refer, kam.ReferCompliance, kam.Reject, onboarding.State("")}
	for _, s := range onboarding.States {
		k = append(k, s.State)
	}
	return k
}()

func TestCaseTable(t *testing.T) {
	t.Parallel()
	tabletest.Check(t, onboarding.CaseTable, onboarding.Draft, known)
	tabletest.ReadAsCalled(t, "machine.go")
}

func TestStates(t *testing.T) {
	t.Parallel()
	count := map[kam.StateKind]int{}
	for _, s := range onboarding.States {
		count[s.Kind]++
		require.Equal(t, s, s.State.Spec())
		stage, staged := onboarding.StageOf[s.State]
		switch s.Kind {
		case kam.Human:
			require.NotEmpty(t, s.Task, "%s opens no task", s.State)
			require.NotEmpty(t, s.WaitsFor, s.State)
			require.False(t, staged, s.State)
		case kam.Automatic:
			require.True(t, staged, "%s has no stage", s.State)
			require.Empty(t, s.Task, s.State)
			require.Contains(t, onboarding.StepsOf(stage), s.Step, "a state stands at the first step of its stage")
		case kam.End:
			require.False(t, staged, s.State)
			require.Empty(t, s.Task, s.State)
		}
	}
	require.Equal(t, map[kam.StateKind]int{kam.Human: 10, kam.Automatic: 7, kam.End: 6}, count)
	require.Len(t, onboarding.StageOf, 7)
}

// TestAutomaticStatesAlwaysMove: under all facts exactly one event of the
// system is possible in an automatic state, faults apart. So no case can be
// stuck there, and the engine never has to choose.
func TestAutomaticStatesAlwaysMove(t *testing.T) {
	t.Parallel()
	reads := tabletest.Reads(t, onboarding.CaseTable, known)
	for state := range onboarding.StageOf {
		var names []string
		events := map[onboarding.Event]bool{}
		for i, row := range onboarding.Transitions {
			if row.From == state && row.Event != onboarding.EvFault && row.Event != onboarding.EvWithdraw {
				names = tabletest.Union(names, reads[i])
				events[row.Event] = true
			}
		}
		tabletest.Each(names, known, func(f onboarding.Facts) {
			possible := 0
			for e := range events {
				if _, err := onboarding.Next(state, e, f); err == nil {
					possible++
				}
			}
			if possible != 1 {
				t.Fatalf("%s: %d events are possible under %+v", state, possible, f)
			}
		})
	}
}

// graph is where each row may lead, Resume written out.
func graph(from onboarding.State, follow func(onboarding.Transition) bool) []onboarding.State {
	var next []onboarding.State
	for _, row := range onboarding.Transitions {
		if row.From != from || follow != nil && !follow(row) {
			continue
		}
		if row.To != onboarding.Resume {
			next = append(next, row.To)
			continue
		}
		for state := range onboarding.StageOf {
			next = append(next, state)
		}
	}
	return next
}

// TestOnlyCompletedAfterTheCommit follows every row from the states after the
// commit; a fault on the way keeps a state after the commit to resume.
func TestOnlyCompletedAfterTheCommit(t *testing.T) {
	t.Parallel()
	for _, s := range onboarding.States {
		if !s.State.AfterCommit() {
			continue
		}
		for _, next := range graph(s.State, func(row onboarding.Transition) bool { return row.Event != onboarding.EvFault }) {
			require.True(t, next.AfterCommit(), "%s leads back to %s", s.State, next)
			require.True(t, !next.Ended() || next == onboarding.Completed)
		}
		resumed := onboarding.Facts{BeforeFault: s.State}
		for _, row := range onboarding.Transitions {
			if row.From != onboarding.NeedsIntervention {
				continue
			}
			if got, err := onboarding.Next(onboarding.NeedsIntervention, row.Event, resumed); err == nil {
				require.Equal(t, s.State, got.To, "%s after a fault in %s", row.Event, s.State)
			}
		}
	}
	require.False(t, onboarding.NeedsIntervention.AfterCommit())
	for _, row := range onboarding.Transitions {
		if row.To.AfterCommit() && !row.From.AfterCommit() {
			require.Equal(t, onboarding.EvPass, row.Event, "only the commit leads there")
		}
		require.True(t, row.To != onboarding.Completed || row.From == onboarding.HandingOff)
	}
}

// TestFaultsNeedAStateToResume: without one, or with one that people wait in,
// nothing can be retried or cancelled.
func TestFaultsNeedAStateToResume(t *testing.T) {
	t.Parallel()
	for _, state := range append(kam.StatesOf[onboarding.State]{{}}, onboarding.States...) {
		f := onboarding.Facts{BeforeFault: state.State}
		got, err := onboarding.Next(onboarding.NeedsIntervention, onboarding.EvRetry, f)
		_, cancel := onboarding.Next(onboarding.NeedsIntervention, onboarding.EvCancel, f)
		if state.Kind != kam.Automatic {
			require.ErrorIs(t, err, kam.WrongState, state.State)
			require.ErrorIs(t, cancel, kam.WrongState, state.State)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, state.State, got.To)
		require.Equal(t, state.State.AfterCommit(), cancel != nil, state.State)
	}
}

// TestSilenceNeverConfirms: what a timer does either leaves the case where it
// is or ends it; after the commit it leaves the status as it was.
func TestSilenceNeverConfirms(t *testing.T) {
	t.Parallel()
	for _, row := range onboarding.Transitions {
		if !slices.Contains(row.By, kam.ByTimer) {
			continue
		}
		require.Equal(t, []kam.Actor{kam.ByTimer}, row.By, "a timer shares no row with a person")
		require.Contains(t, []onboarding.Event{onboarding.EvEscalate, onboarding.EvExpire, onboarding.EvLapse}, row.Event)
		switch row.Event {
		case onboarding.EvEscalate:
			require.Equal(t, row.From, row.To)
		case onboarding.EvExpire:
			require.Equal(t, onboarding.Expired, row.To)
		case onboarding.EvLapse:
			require.Equal(t, onboarding.AwaitingEndorsement, row.From)
			require.Equal(t, onboarding.HandingOff, row.To)
		}
	}
	for _, s := range onboarding.States {
		if s.Kind == kam.Human && s.State != onboarding.NeedsIntervention {
			require.True(t, onboarding.Takes(s.State, onboarding.EvExpire) || onboarding.Takes(s.State, onboarding.EvLapse), "%s waits for ever", s.State)
		}
	}
}

// TestReviewCasesAskNobodyForData: RECLASSIFY has no requester, so it is never
// sent to one.
func TestReviewCasesAskNobodyForData(t *testing.T) {
	t.Parallel()
	reads := tabletest.Reads(t, onboarding.CaseTable, known)
	asked := []onboarding.State{onboarding.Draft, onboarding.DataEntry, onboarding.ChangesRequested, onboarding.AwaitingCompletion, onboarding.AwaitingConfirmation}
	seen := tabletest.Reach([]onboarding.State{onboarding.Identifying}, func(s onboarding.State) []onboarding.State {
		var next []onboarding.State
		for i, row := range onboarding.Transitions {
			if row.From != s || row.Event == onboarding.EvFault {
				continue
			}
			tabletest.Each(reads[i], known, func(f onboarding.Facts) {
				f.Type = kam.Reclassify
				if row.Guard.Holds(f) {
					next = append(next, row.To)
				}
			})
		}
		return next
	})
	for _, s := range asked {
		require.False(t, seen[s], "a RECLASSIFY case gets to %s", s)
	}
	require.True(t, seen[onboarding.Completed])
	require.True(t, seen[onboarding.ValidationReview])
}
