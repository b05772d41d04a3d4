package acceptance

import (
	"flag"
	"fmt"
	"os"
	"sync"

	"github.com/kamflow/kamflow/kam/onboarding"
)

// covered are the rows of the table of transitions that the tests of this
// package went through with the real workflow, the real activities and a real
// database. A run of all of them must have gone through every row.
var covered = &coverage{rows: map[row]int{}}

type row struct {
	from  onboarding.State
	event onboarding.Event
	guard string
	to    onboarding.State
}

type coverage struct {
	mu   sync.Mutex
	rows map[row]int
}

// note counts a transition, and says which row of the table it is: where it
// resumes a parked case the state is the one of the table.
func (c *coverage) note(t onboarding.Transition) row {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.From == onboarding.NeedsIntervention && t.Event == onboarding.EvRetry {
		t.To = onboarding.Resume
	}
	r := rowOf(t)
	c.rows[r]++
	return r
}

func rowOf(t onboarding.Transition) row { return row{t.From, t.Event, t.Guard.String(), t.To} }

// check fails a run of all tests that left a row out.
func (c *coverage) check(code int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	var missing []row
	for _, t := range onboarding.Transitions {
		if c.rows[rowOf(t)] == 0 {
			missing = append(missing, rowOf(t))
		}
	}
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if code != 0 || flag.Lookup(name).Value.String() != "" {
			return code
		}
	}
	fmt.Printf("transitions driven through workflow, activities and database: %d of %d\n", len(onboarding.Transitions)-len(missing), len(onboarding.Transitions))
	for _, r := range missing {
		fmt.Fprintf(os.Stderr, "never driven: %s %s -> %s (%s)\n", r.from, r.event, r.to, r.guard)
		code = 1
	}
	return code
}
