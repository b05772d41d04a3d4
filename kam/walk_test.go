package kam_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// maxRounds is how often a manager may send a case back (P2.7).
const maxRounds = 3

// A memory is what a case remembers from one event to the next, and all that
// the invariants below look at. The rest of the facts is drawn again for every
// event: strangers push the case around.
type memory struct {
	state       kam.State
	typ         kam.CaseType
	confirmed   bool // a person confirmed the material data as they are
	material    bool
	classInput  bool
	returnTo    kam.State
	beforeFault kam.State
	rounds      int
	committed   bool
	endorsed    bool
}

func opened(t kam.CaseType) memory {
	if t == kam.Reclassify {
		return memory{state: kam.Identifying, typ: t}
	}
	return memory{state: kam.Draft, typ: t}
}

// edits says whether an event brings data along, which may change anything.
func edits(e kam.Event) bool {
	return e == kam.EvSubmitData || e == kam.EvChangeIdentity || e == kam.EvResubmit
}

// facts completes drawn facts by what the case remembers. Where people edit,
// drawn changes of the data count, and a changed material_hash voids the
// confirmation.
func (m memory) facts(e kam.Event, f kam.Facts) kam.Facts {
	f.Type, f.Confirmed, f.ReturnTo, f.BeforeFault = m.typ, m.confirmed, m.returnTo, m.beforeFault
	f.RoundsLeft = m.rounds < maxRounds
	if !edits(e) {
		f.HashChanged, f.ClassInputChanged = false, m.classInput
	}
	if f.HashChanged {
		f.Confirmed, f.MaterialChanged = false, f.MaterialChanged && m.typ == kam.Modify
	} else {
		f.MaterialChanged = m.material
	}
	return f
}

// after is what the case remembers once a row was taken under facts.
func (m memory) after(row kam.Transition, f kam.Facts) memory {
	n := m
	n.state, n.confirmed, n.material, n.classInput = row.To, f.Confirmed, f.MaterialChanged, f.ClassInputChanged
	switch row.Event {
	case kam.EvPass:
		n.committed = true
	case kam.EvConfirm:
		n.confirmed = row.To != kam.AwaitingConfirmation
	case kam.EvEndorse:
		n.endorsed = row.To != kam.AwaitingEndorsement
	case kam.EvSendBack:
		if row.From == kam.AwaitingConfirmation {
			n.rounds++
		}
	case kam.EvAmendMaterial:
		n.confirmed, n.material = false, m.typ == kam.Modify
	case kam.EvChangeIdentity:
		n.returnTo = row.From
	case kam.EvConvert:
		n.typ, n.confirmed, n.returnTo = kam.Modify, false, ""
	case kam.EvFault:
		n.beforeFault = row.From
	case kam.EvRetry:
		n.beforeFault = ""
	}
	if (row.From == kam.Identifying || row.From == kam.DuplicateReview) && row.To != kam.DuplicateReview && row.To != kam.NeedsIntervention {
		n.returnTo = ""
	}
	return n
}

// mover says who brings a row about: "person", "timer" or "system"; "" where
// the row mixes them.
func mover(row kam.Transition) string {
	who := ""
	for i, a := range row.By {
		kind := "person"
		switch a {
		case kam.ByTimer:
			kind = "timer"
		case kam.BySystem:
			kind = "system"
		}
		if i > 0 && kind != who {
			return ""
		}
		who = kind
	}
	return who
}

// asksForData are the states that only a requester can leave forward.
var asksForData = []kam.State{kam.Draft, kam.DataEntry, kam.ChangesRequested, kam.AwaitingCompletion, kam.AwaitingConfirmation}

// broken is the invariant that taking a row from m breaks, "" if none.
func (m memory) broken(row kam.Transition, f kam.Facts) string {
	n := m.after(row, f)
	by := mover(row)
	switch {
	case m.state.Ended():
		return "an ended case moves"
	case row.To.Kind() == "":
		return "it leads nowhere"

	// The commit is the point of no return, and there is one.
	case m.committed && row.To.Ended() && row.To != kam.Completed:
		return "a committed case ends otherwise than as COMPLETED"
	case row.To == kam.Completed && !m.committed:
		return "a case is completed that never committed"
	case row.Event == kam.EvPass && m.committed:
		return "it commits twice"
	case n.committed && row.To != kam.NeedsIntervention && !row.To.AfterCommit():
		return "a committed case goes back before the commit"
	case !n.committed && row.To.AfterCommit():
		return "a case gets behind the commit without one"
	case row.Event == kam.EvPass && m.typ != kam.Reclassify && (m.typ != kam.Modify || f.MaterialChanged) && !f.Confirmed:
		return "data are committed that nobody confirmed"

	// Everybody does his own.
	case by == "":
		return "people share a row with the engine"
	case m.state.Kind() == kam.Human && by == "system":
		return "the engine acts in a human state"
	case m.state.Kind() == kam.Automatic && by != "system" && row.Event != kam.EvWithdraw:
		return "somebody acts in an automatic state"

	// Silence never confirms or endorses.
	case by == "timer" && (n.confirmed != m.confirmed || n.endorsed != m.endorsed || n.committed != m.committed):
		return "silence confirms, endorses or commits"
	case by == "timer" && row.To != m.state && row.To != kam.Expired && (row.Event != kam.EvLapse || row.To != kam.HandingOff):
		return "silence moves a case"

	// A fault is neither a way forward nor a way back.
	case m.state == kam.NeedsIntervention && row.To != m.beforeFault && (row.To != kam.Cancelled || m.beforeFault.AfterCommit() || m.committed):
		return "after a fault the case goes elsewhere than to where it was"

	case m.typ == kam.Reclassify && slices.Contains(asksForData, row.To):
		return "a case without a requester asks for data"
	case n.rounds > maxRounds:
		return "it is sent back more often than the policy allows"
	}
	return ""
}

// table finds rows by state and event, on its own: Next is checked against it.
var table = func() map[kam.State]map[kam.Event][]int {
	m := map[kam.State]map[kam.Event][]int{}
	for _, s := range kam.States {
		m[s.State] = map[kam.Event][]int{}
	}
	for i, row := range kam.Transitions {
		m[row.From][row.Event] = append(m[row.From][row.Event], i)
	}
	return m
}()

// allEvents are the events of the table, each once.
var allEvents = func() []kam.Event {
	var list []kam.Event
	for _, row := range kam.Transitions {
		if !slices.Contains(list, row.Event) {
			list = append(list, row.Event)
		}
	}
	return list
}()

// take takes the one row that holds; ok is false where none does. Next, Takes
// and the table must agree.
func take(m memory, event kam.Event, f kam.Facts) (index int, row kam.Transition, ok bool, wrong string) {
	index = -1
	for _, i := range table[m.state][event] {
		if kam.Transitions[i].Guard.Holds(f) {
			if index >= 0 {
				return i, row, false, "two rows hold"
			}
			index = i
		}
	}
	row, err := kam.Next(m.state, event, f)
	switch {
	case (err == nil) != (index >= 0):
		return index, row, false, fmt.Sprintf("Next says %v, the table has row %d", err, index)
	case err != nil && kam.CodeOf(err) != kam.WrongState:
		return index, row, false, fmt.Sprintf("Next refuses with %v", err)
	case kam.Takes(m.state, event) != (len(table[m.state][event]) > 0):
		return index, row, false, "Takes does not agree with the table"
	case err != nil:
		return index, row, false, ""
	}
	want := kam.Transitions[index].To
	if want == kam.Resume {
		want = m.beforeFault
	}
	if row.From != m.state || row.Event != event || row.To != want || row.Effect != kam.Transitions[index].Effect {
		return index, row, false, fmt.Sprintf("Next takes %s to %s, the table has %s", row.Event, row.To, want)
	}
	return index, row, true, ""
}

// draw makes facts out of chance.
func draw(r *rand.Rand) kam.Facts {
	bits := r.Uint64()
	n := func(of uint64) uint64 {
		x := bits % of
		bits /= of
		return x
	}
	coin := func() bool { return n(2) == 1 }
	return kam.Facts{
		HasNameCountryChannel: coin(), ScreeningComplete: coin(), DetailComplete: coin(),
		Match:           [...]kam.MatchClass{"", kam.MatchPossible, kam.MatchProbable, kam.MatchCertain}[n(4)],
		Target:          [...]kam.Target{kam.TargetNone, kam.TargetActive, kam.TargetInactive, kam.TargetUnusable}[n(4)],
		Recommendation:  [...]kam.Recommendation{kam.Add, kam.Refer, kam.ReferCompliance, kam.Reject}[n(4)],
		IdentityChanged: coin(), MaterialChanged: coin(), ClassInputChanged: coin(), HashChanged: coin(),
		AutoReject: coin(), LastRequired: coin(), HasError: coin(), HasReview: coin(), NeedsEndorsement: coin(),
		Steward: coin(), NewerPolicy: coin(), Earlier: coin(),
	}
}

// setting reads a number from the environment; what is no number fails.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

// TestRandomWalk takes a million transitions. KAM_WALK_SEED repeats a run,
// KAM_WALK_STEPS makes it longer.
func TestRandomWalk(t *testing.T) {
	t.Parallel()
	seed := setting(t, "KAM_WALK_SEED", uint64(time.Now().UnixNano()))
	usual := uint64(1_000_000)
	if testing.Short() {
		usual = 50_000
	}
	steps := setting(t, "KAM_WALK_STEPS", usual)
	t.Logf("KAM_WALK_SEED=%d KAM_WALK_STEPS=%d", seed, steps)

	r := rand.New(rand.NewPCG(seed, 1))
	visits := make([]int, len(kam.Transitions))
	ends := map[kam.State]int{}
	var cases, refused, longest int
	var m memory
	path := []kam.Event{}
	for taken := uint64(0); taken < steps; {
		if m.state == "" || m.state.Ended() {
			if m.state.Ended() {
				ends[m.state]++
				e := allEvents[r.IntN(len(allEvents))]
				if _, _, ok, wrong := take(m, e, m.facts(e, draw(r))); ok || wrong != "" {
					t.Fatalf("seed %d: %s moves an ended case: %s: %v", seed, e, wrong, path)
				}
			}
			cases, longest = cases+1, max(longest, len(path))
			m, path = opened(kam.CaseTypes[r.IntN(len(kam.CaseTypes))]), path[:0]
		}

		// The case always has a way on, and takes it at some try.
		here := taken
		for try := 0; here == taken; try++ {
			if try > 10_000 {
				t.Fatalf("seed %d: nothing is possible in %+v after %v", seed, m, path)
			}
			event := allEvents[r.IntN(len(allEvents))]
			if try > 0 { // first any event, to be refused; then one that the state knows
				event = likely(r, m.state)
			}
			f := m.facts(event, draw(r))
			i, row, ok, wrong := take(m, event, f)
			if wrong == "" && ok {
				wrong = m.broken(row, f)
			}
			if wrong != "" {
				t.Fatalf("seed %d: %s: %s in %+v under %+v after %v", seed, wrong, event, m, f, path)
			}
			if !ok {
				refused++
				continue
			}
			visits[i]++
			path = append(path, event)
			m = m.after(row, f)
			taken++
		}
	}

	for _, s := range kam.States {
		if s.Kind == kam.End {
			require.NotZero(t, ends[s.State], "seed %d: no case ended as %s", seed, s.State)
		}
	}
	rarest, never := 0, []string{}
	for i, n := range visits {
		if n < visits[rarest] {
			rarest = i
		}
		if row := kam.Transitions[i]; n == 0 {
			never = append(never, fmt.Sprintf("%s %s -> %s (%s)", row.From, row.Event, row.To, row.Guard))
		}
	}
	if steps >= 500_000 {
		require.Empty(t, never, "seed %d: rows that were never taken", seed)
	}
	row := kam.Transitions[rarest]
	t.Logf("%d cases, %d refusals, the longest case has %d events; ends %v", cases, refused, longest, ends)
	t.Logf("%d of %d rows taken; the rarest %d times: %s %s -> %s", len(visits)-len(never), len(visits), visits[rarest], row.From, row.Event, row.To)
	if testing.Verbose() {
		for i, n := range visits {
			row := kam.Transitions[i]
			t.Logf("%7d %s %s -> %s", n, row.From, row.Event, row.To)
		}
	}
}

// likely draws an event that the state knows. What cuts a case short is drawn
// less often, so that cases get far.
func likely(r *rand.Rand, s kam.State) kam.Event {
	for {
		event := kam.Transitions[leaving[s][r.IntN(len(leaving[s]))]].Event
		switch event {
		case kam.EvWithdraw, kam.EvCancel, kam.EvExpire, kam.EvFault, kam.EvRefuse, kam.EvReject,
			kam.EvMerge, kam.EvUseExisting, kam.EvSameRequest, kam.EvTargetInvalid:
			if r.IntN(12) > 0 {
				continue
			}
		}
		return event
	}
}

// leaving lists the rows that leave a state.
var leaving = func() map[kam.State][]int {
	m := map[kam.State][]int{}
	for i, row := range kam.Transitions {
		m[row.From] = append(m[row.From], i)
	}
	return m
}()
