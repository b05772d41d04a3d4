package kam_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/tabletest"
)

// known are the values of the facts of a case.
var known = func() tabletest.Known {
	k := tabletest.Known{kam.NewCase, kam.Modify, kam.Reactivate, kam.Deactivate, kam.Reclassify,
		kam.MatchClass(""), kam.MatchPossible, kam.MatchProbable, kam.MatchCertain,
		kam.TargetNone, kam.TargetActive, kam.TargetInactive, kam.TargetUnusable,
		kam.Add, kam.Refer, kam.ReferCompliance, kam.Reject, kam.State("")}
	for _, s := range kam.States {
		k = append(k, s.State)
	}
	return k
}()

func TestCaseTable(t *testing.T) {
	t.Parallel()
	tabletest.Check(t, kam.CaseTable, kam.Draft, known)
	tabletest.ReadAsCalled(t, "machine.go")
}

func TestStates(t *testing.T) {
	t.Parallel()
	count := map[kam.StateKind]int{}
	for _, s := range kam.States {
		count[s.Kind]++
		require.Equal(t, s, s.State.Spec())
		stage, staged := kam.StageOf[s.State]
		switch s.Kind {
		case kam.Human:
			require.NotEmpty(t, s.Task, "%s opens no task", s.State)
			require.NotEmpty(t, s.WaitsFor, s.State)
			require.False(t, staged, s.State)
		case kam.Automatic:
			require.True(t, staged, "%s has no stage", s.State)
			require.Empty(t, s.Task, s.State)
			require.Contains(t, kam.StepsOf(stage), s.Step, "a state stands at the first step of its stage")
		case kam.End:
			require.False(t, staged, s.State)
			require.Empty(t, s.Task, s.State)
		}
	}
	require.Equal(t, map[kam.StateKind]int{kam.Human: 10, kam.Automatic: 7, kam.End: 6}, count)
	require.Len(t, kam.StageOf, 7)
}

// TestAutomaticStatesAlwaysMove: under all facts exactly one event of the
// system is possible in an automatic state, faults apart. So no case can be
// stuck there, and the engine never has to choose.
func TestAutomaticStatesAlwaysMove(t *testing.T) {
	t.Parallel()
	reads := tabletest.Reads(t, kam.CaseTable, known)
	for state := range kam.StageOf {
		var names []string
		events := map[kam.Event]bool{}
		for i, row := range kam.Transitions {
			if row.From == state && row.Event != kam.EvFault && row.Event != kam.EvWithdraw {
				names = tabletest.Union(names, reads[i])
				events[row.Event] = true
			}
		}
		tabletest.Each(names, known, func(f kam.Facts) {
			possible := 0
			for e := range events {
				if _, err := kam.Next(state, e, f); err == nil {
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
func graph(from kam.State, follow func(kam.Transition) bool) []kam.State {
	var next []kam.State
	for _, row := range kam.Transitions {
		if row.From != from || follow != nil && !follow(row) {
			continue
		}
		if row.To != kam.Resume {
			next = append(next, row.To)
			continue
		}
		for state := range kam.StageOf {
			next = append(next, state)
		}
	}
	return next
}

// TestOnlyCompletedAfterTheCommit follows every row from the states after the
// commit; a fault on the way keeps a state after the commit to resume.
func TestOnlyCompletedAfterTheCommit(t *testing.T) {
	t.Parallel()
	for _, s := range kam.States {
		if !s.State.AfterCommit() {
			continue
		}
		for _, next := range graph(s.State, func(row kam.Transition) bool { return row.Event != kam.EvFault }) {
			require.True(t, next.AfterCommit(), "%s leads back to %s", s.State, next)
			require.True(t, !next.Ended() || next == kam.Completed)
		}
		resumed := kam.Facts{BeforeFault: s.State}
		for _, row := range kam.Transitions {
			if row.From != kam.NeedsIntervention {
				continue
			}
			if got, err := kam.Next(kam.NeedsIntervention, row.Event, resumed); err == nil {
				require.Equal(t, s.State, got.To, "%s after a fault in %s", row.Event, s.State)
			}
		}
	}
	require.False(t, kam.NeedsIntervention.AfterCommit())
	for _, row := range kam.Transitions {
		if row.To.AfterCommit() && !row.From.AfterCommit() {
			require.Equal(t, kam.EvPass, row.Event, "only the commit leads there")
		}
		require.True(t, row.To != kam.Completed || row.From == kam.HandingOff)
	}
}

// TestFaultsNeedAStateToResume: without one, or with one that people wait in,
// nothing can be retried or cancelled.
func TestFaultsNeedAStateToResume(t *testing.T) {
	t.Parallel()
	for _, state := range append(kam.StatesOf[kam.State]{{}}, kam.States...) {
		f := kam.Facts{BeforeFault: state.State}
		got, err := kam.Next(kam.NeedsIntervention, kam.EvRetry, f)
		_, cancel := kam.Next(kam.NeedsIntervention, kam.EvCancel, f)
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
	for _, row := range kam.Transitions {
		if !slices.Contains(row.By, kam.ByTimer) {
			continue
		}
		require.Equal(t, []kam.Actor{kam.ByTimer}, row.By, "a timer shares no row with a person")
		require.Contains(t, []kam.Event{kam.EvEscalate, kam.EvExpire, kam.EvLapse}, row.Event)
		switch row.Event {
		case kam.EvEscalate:
			require.Equal(t, row.From, row.To)
		case kam.EvExpire:
			require.Equal(t, kam.Expired, row.To)
		case kam.EvLapse:
			require.Equal(t, kam.AwaitingEndorsement, row.From)
			require.Equal(t, kam.HandingOff, row.To)
		}
	}
	for _, s := range kam.States {
		if s.Kind == kam.Human && s.State != kam.NeedsIntervention {
			require.True(t, kam.Takes(s.State, kam.EvExpire) || kam.Takes(s.State, kam.EvLapse), "%s waits for ever", s.State)
		}
	}
}

// TestReviewCasesAskNobodyForData: RECLASSIFY has no requester, so it is never
// sent to one.
func TestReviewCasesAskNobodyForData(t *testing.T) {
	t.Parallel()
	reads := tabletest.Reads(t, kam.CaseTable, known)
	asked := []kam.State{kam.Draft, kam.DataEntry, kam.ChangesRequested, kam.AwaitingCompletion, kam.AwaitingConfirmation}
	seen := tabletest.Reach([]kam.State{kam.Identifying}, func(s kam.State) []kam.State {
		var next []kam.State
		for i, row := range kam.Transitions {
			if row.From != s || row.Event == kam.EvFault {
				continue
			}
			tabletest.Each(reads[i], known, func(f kam.Facts) {
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
	require.True(t, seen[kam.Completed])
	require.True(t, seen[kam.ValidationReview])
}
