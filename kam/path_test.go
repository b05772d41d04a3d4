package kam_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// TestStepsOfStages: each automatic box of process 1 belongs to one stage.
func TestStepsOfStages(t *testing.T) {
	t.Parallel()
	of := map[kam.StepCode]kam.Stage{}
	for _, stage := range []kam.Stage{kam.StageIdentify, kam.StageDecide, kam.StageAnalyze, kam.StageSegment, kam.StageValidate, kam.StageClassify, kam.StageHandOff} {
		require.NotEmpty(t, kam.StepsOf(stage))
		for _, c := range kam.StepsOf(stage) {
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
	require.Nil(t, kam.StepsOf(kam.StagePark))
	for _, s := range kam.States {
		_, ok := kam.BoxOf(s.Step)
		require.True(t, ok || s.State == kam.NeedsIntervention, s.State)
	}
	first, _ := kam.BoxOf("1")
	require.Equal(t, kam.WorkflowOnboarding, first.Unit)
	require.Equal(t, "1.1.5 Management Confirmation", kam.AwaitingConfirmation.Label())
	for i, s := range kam.MainPath[:len(kam.MainPath)-1] {
		require.Contains(t, graph(s, nil), kam.MainPath[i+1], "main path")
	}
}

// TestMainPathOf: a walk over cases of each type meets the states of its path, and
// no others of the main path.
func TestMainPathOf(t *testing.T) {
	t.Parallel()
	for _, typ := range kam.CaseTypes {
		seed := uint64(time.Now().UnixNano())
		r := rand.New(rand.NewPCG(seed, 2))
		met := map[kam.State]bool{}
		m := opened(typ)
		for range 100_000 {
			event := likely(r, m.state)
			f := draw(r)
			if typ != kam.Modify { // against the customer's version, which only a MODIFY has
				f.MaterialChanged, f.ClassInputChanged = false, false
			}
			f = m.facts(event, f)
			_, row, ok, _ := take(m, event, f)
			if !ok || event == kam.EvConvert { // a converted case is a MODIFY
				continue
			}
			met[m.state], met[row.To] = true, true
			if m = m.after(row, f); m.state.Ended() {
				m = opened(typ)
			}
		}
		var want []kam.State
		for _, s := range kam.MainPath {
			if met[s] {
				want = append(want, s)
			}
		}
		require.Equal(t, want, kam.MainPathOf(typ), "%s, seed %d", typ, seed)
	}
}
