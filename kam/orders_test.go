package kam_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/tabletest"
)

// remembered are the facts that a memory fixes; the others are free at every
// event.
var remembered = map[string]bool{"Type": true, "Confirmed": true, "ReturnTo": true, "BeforeFault": true, "RoundsLeft": true}

// edited are the facts that change where people edit.
var edited = []string{"HashChanged", "MaterialChanged", "ClassInputChanged"}

// TestEveryOrderOfEvents goes breadth first through every order of events
// under every combination of the facts that their guards read, without bound:
// a case that remembers the same is the same. What must hold for each step of
// the random walk is tested here for all steps there are.
func TestEveryOrderOfEvents(t *testing.T) {
	t.Parallel()
	reads := tabletest.Reads(t, kam.CaseTable, known)

	// The free facts of each state and event.
	free := map[kam.State]map[kam.Event][]string{}
	for state, events := range table {
		free[state] = map[kam.Event][]string{}
		for event, rows := range events {
			names := []string{}
			for _, i := range rows {
				names = tabletest.Union(names, reads[i])
			}
			if edits(event) {
				names = tabletest.Union(names, edited)
			}
			for _, name := range names {
				if !remembered[name] {
					free[state][event] = append(free[state][event], name)
				}
			}
		}
	}

	taken := make([]bool, len(kam.Transitions))
	steps := map[memory]map[memory]map[kam.Event]bool{} // from, to, by which events
	var queue []memory
	for _, typ := range kam.CaseTypes {
		queue = append(queue, opened(typ))
	}
	starts := len(queue)
	combinations := 0
	for len(queue) > 0 {
		m := queue[0]
		queue = queue[1:]
		if steps[m] != nil {
			continue
		}
		steps[m] = map[memory]map[kam.Event]bool{}
		for _, event := range allEvents {
			tabletest.Each(free[m.state][event], known, func(drawn kam.Facts) {
				combinations++
				f := m.facts(event, drawn)
				i, row, ok, wrong := take(m, event, f)
				if wrong == "" && ok {
					wrong = m.broken(row, f)
				}
				if wrong != "" {
					t.Fatalf("%s: %s in %+v under %+v", wrong, event, m, f)
				}
				if !ok {
					return
				}
				taken[i] = true
				n := m.after(row, f)
				if steps[m][n] == nil {
					steps[m][n] = map[kam.Event]bool{}
					queue = append(queue, n)
				}
				steps[m][n][event] = true
			})
		}
	}

	for i, ok := range taken {
		row := kam.Transitions[i]
		require.True(t, ok, "row %d (%s %s -> %s) is never taken", i, row.From, row.Event, row.To)
	}

	// Every case can end, wherever strangers have pushed it.
	back := map[memory][]memory{}
	var ended []memory
	for m, next := range steps {
		require.Equal(t, m.state.Ended(), len(next) == 0, "%+v", m)
		if m.state.Ended() {
			ended = append(ended, m)
		}
		for n := range next {
			back[n] = append(back[n], m)
		}
	}
	ends := map[memory]bool{}
	for len(ended) > 0 {
		m := ended[0]
		ended = ended[1:]
		if !ends[m] {
			ends[m] = true
			ended = append(ended, back[m]...)
		}
	}
	require.Len(t, ends, len(steps), "cases that can never end")

	// How many ways of up to six events that covers.
	ways := map[memory]*big.Int{}
	for _, typ := range kam.CaseTypes {
		ways[opened(typ)] = big.NewInt(1)
	}
	require.Len(t, ways, starts)
	orders := new(big.Int)
	for range 6 {
		next := map[memory]*big.Int{}
		for m, count := range ways {
			for n, events := range steps[m] {
				if next[n] == nil {
					next[n] = new(big.Int)
				}
				next[n].Add(next[n], new(big.Int).Mul(count, big.NewInt(int64(len(events)))))
			}
		}
		ways = next
		for _, count := range ways {
			orders.Add(orders, count)
		}
	}
	require.Equal(t, 1, orders.Cmp(big.NewInt(2_000)), "%s ways", orders)
	t.Logf("%d different cases, %d combinations of facts, %s ways of up to six events", len(steps), combinations, orders)
}
