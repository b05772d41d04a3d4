package onboarding_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// TestStepsOfStages: each automatic box of process 1 belongs to one stage.
func TestStepsOfStages(t *testing.T) {
	t.Parallel()
	of := map[kam.StepCode]onboarding.Stage{}
	for _, stage := range []onboarding.Stage{onboarding.StageIdentify, onboarding.StageDecide, onboarding.StageAnalyze, onboarding.StageSegment, onboarding.StageValidate, onboarding.StageClassify, onboarding.StageHandOff} {
		require.NotEmpty(t, onboarding.StepsOf(stage))
		for _, c := range onboarding.StepsOf(stage) {
			require.Empty(t, of[c], c)
			of[c] = stage
		}
	}
	for _, b := range kam.Boxes {
		if b.Level == 3 && (b.Kind == kam.KindA || b.Kind == kam.KindAH) {
			require.NotEmpty(t, of[b.Code], "%s is done by no stage", b.Label())
		}
	}
	require.Len(t, of, 2+2+5+7+7+4+1)
	require.Nil(t, onboarding.StepsOf(onboarding.StagePark))
	for _, s := range onboarding.States {
		_, ok := kam.BoxOf(s.Step)
		require.True(t, ok || s.State == onboarding.NeedsIntervention, s.State)
	}
	first, _ := kam.BoxOf("1")
	require.Equal(t, onboarding.WorkflowOnboarding, first.Unit)
	require.Equal(t, "1.1.5 Management Confirmation", onboarding.AwaitingConfirmation.Label())
	for i, s := range onboarding.MainPath[:len(onboarding.MainPath)-1] {
		require.Contains(t, graph(s, nil), onboarding.MainPath[i+1], "main path")
	}
}

// TestMainPathOf: a walk over cases of each type meets the states of its path, and
// no others of the main path.
func TestMainPathOf(t *testing.T) {
	t.Parallel()
	for _, typ := range kam.CaseTypes {
		seed := uint64(time.Now().UnixNano())
		r := rand.New(rand.NewPCG(seed, 2))
		met := map[onboarding.State]bool{}
		m := opened(typ)
		for range 100_000 {
			event := likely(r, m.state)
			f := draw(r)
			if typ != kam.Modify { // against the customer's version, which only a MODIFY has
				f.MaterialChanged, f.ClassInputChanged = false, false
			}
			f = m.facts(event, f)
			_, row, ok, _ := take(m, event, f)
			if !ok || event == onboarding.EvConvert { // a converted case is a MODIFY
				continue
			}
			met[m.state], met[row.To] = true, true
			if m = m.after(row, f); m.state.Ended() {
				m = opened(typ)
			}
		}
		var want []onboarding.State
		for _, s := range onboarding.MainPath {
			if met[s] {
				want = append(want, s)
			}
		}
		require.Equal(t, want, onboarding.MainPathOf(typ), "%s, seed %d", typ, seed)
	}
}
