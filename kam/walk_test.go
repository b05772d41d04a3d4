package kam_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/kamflow/kamflow/kam"
)

// walker is a case that strangers push around: at each step any row that
// leaves its state is tried under random facts. What a real case remembers
// (its type, whether a confirmation holds, the state before a fault) it
// remembers too; the rest is drawn anew.
type walker struct {
	r         *rand.Rand
	facts     kam.Facts
	state     kam.State
	committed bool
}

func (w *walker) coin() bool { return w.r.IntN(2) == 0 }

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (w *walker) open() {
	w.facts = kam.Facts{Type: pick(w.r, kam.CaseTypes)}
	w.committed = false
	w.state = kam.Draft
	if w.facts.Type == kam.Reclassify {
		w.state = kam.Identifying
	}
}

// draw renews every fact that the case does not remember.
func (w *walker) draw() {
	f := &w.facts
	f.HasNameCountryChannel, f.ScreeningComplete, f.DetailComplete = w.coin(), w.coin(), w.coin()
	f.Match = pick(w.r, []kam.MatchClass{"", kam.MatchPossible, kam.MatchProbable, kam.MatchCertain})
	f.Target = pick(w.r, []kam.Target{kam.TargetNone, kam.TargetActive, kam.TargetInactive, kam.TargetUnusable})
	f.IdentityChanged, f.Steward, f.NewerPolicy = w.coin(), w.coin(), w.coin()
	f.Recommendation = pick(w.r, []kam.Recommendation{kam.Add, kam.Refer, kam.ReferCompliance, kam.Reject})
	f.AutoReject, f.RoundsLeft, f.LastRequired = w.coin(), w.coin(), w.coin()
	f.HasError, f.HasReview, f.NeedsEndorsement = w.coin(), w.coin(), w.coin()
	f.HashChanged = false
	// Data change only where a person may change them, and a change of a
	// material field voids the confirmation.
	if w.state == kam.DataEntry || w.state == kam.ChangesRequested {
		f.ClassInputChanged = f.Type == kam.Modify && w.coin()
		if w.coin() {
			f.HashChanged, f.Confirmed = true, false
			f.MaterialChanged = f.Type == kam.Modify && w.coin()
		}
	}
}

// step tries one row; false where its guard refuses.
func (w *walker) step(t *testing.T) bool {
	w.draw()
	var leaving []kam.Event
	for _, row := range kam.Transitions {
		if row.From == w.state {
			leaving = append(leaving, row.Event)
		}
	}
	event := pick(w.r, leaving)
	next, err := kam.Next(w.state, event, w.facts)
	if err != nil {
		return false
	}
	from, f := w.state, &w.facts
	switch {
	case next.To.Kind() == "":
		t.Fatalf("%s %s leads to %q", from, event, next.To)
	case w.committed && next.To.Ended() && next.To != kam.Completed:
		t.Fatalf("committed, and %s %s ends as %s", from, event, next.To)
	case next.To == kam.Completed && !w.committed:
		t.Fatalf("%s %s completes a case that never committed", from, event)
	}
	switch event {
	case kam.EvPass:
		if w.committed {
			t.Fatal("committed twice")
		}
		w.committed = true
		asked := f.Type == kam.NewCase || f.Type == kam.Reactivate || f.Type == kam.Deactivate || f.Type == kam.Modify && f.MaterialChanged
		if asked && !f.Confirmed {
			t.Fatalf("%s committed without a confirmation of its data", f.Type)
		}
	case kam.EvConfirm:
		f.Confirmed = next.To != kam.AwaitingConfirmation
	case kam.EvAmendMaterial:
		f.Confirmed, f.MaterialChanged = false, f.Type == kam.Modify
	case kam.EvChangeIdentity:
		f.ReturnTo = from
	case kam.EvConvert:
		f.Type, f.Confirmed, f.ReturnTo = kam.Modify, false, ""
	case kam.EvFault:
		f.BeforeFault = from
	}
	if from == kam.Identifying && next.To != kam.DuplicateReview || from == kam.DuplicateReview && next.To != kam.DuplicateReview {
		f.ReturnTo = ""
	}
	w.state = next.To
	return true
}

// TestRandomWalk takes a million transitions. KAM_WALK_SEED repeats a run.
func TestRandomWalk(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("KAM_WALK_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("KAM_WALK_SEED=%d", seed)
	steps := 1_000_000
	if testing.Short() {
		steps = 50_000
	}
	w := &walker{r: rand.New(rand.NewPCG(seed, 1))}
	w.open()
	ends := map[kam.State]int{}
	refused := 0
	for taken := 0; taken < steps; {
		if w.state.Ended() {
			ends[w.state]++
			w.open()
		}
		if w.step(t) {
			taken++
			refused = 0
		} else if refused++; refused > 10_000 {
			t.Fatalf("nothing is possible in %s under %+v", w.state, w.facts)
		}
	}
	for _, s := range kam.States {
		if s.Kind == kam.End && ends[s.State] == 0 {
			t.Errorf("no case ended as %s", s.State)
		}
	}
	t.Log(ends)
}
