package races

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/kamflow/kamflow/kam"
)

const (
	fewRounds  = 66              // of an ordinary test run
	inFlight   = 16              // rounds at one time
	forOne     = 2 * time.Minute // a round, on a busy machine
	saysEvery  = 5 * time.Second
	replayEach = 20 // every so many histories are replayed
	// From so many rounds on, each side must win a tenth of them.
	manyOfAKind = 20
)

// TestRaces runs all races, mixed, many at one time.
func TestRaces(t *testing.T) {
	begin := time.Now()
	s := &suite{rig: open(t), seed: number("KAM_RACE_SEED", uint64(time.Now().UnixNano()))} //nolint:gosec // positive
	t.Logf("ready after %.0f s; seed %d: KAM_RACE_SEED=%d repeats the choices of this run", time.Since(begin).Seconds(), s.seed, s.seed)
	s.draw(int(number("KAM_RACE_ROUNDS", fewRounds)), os.Getenv("KAM_RACE_ONLY")) //nolint:gosec // small
	require.NotEmpty(t, s.plan, "no race is called so")

	raced := time.Now()
	s.run(t, int(number("KAM_RACE_IN_FLIGHT", inFlight))) //nolint:gosec // small
	s.readHistories(t)
	t.Logf("\n%s", s.table())
	t.Logf("seed %d: %d rounds in %.0f s, %d cases, %d histories read and %d replayed; workflow tasks failed: %d, run again because something came in at their end: %d",
		s.seed, len(s.plan), time.Since(raced).Seconds(), len(s.cases), len(s.cases), s.replayed, s.taskFailures, s.unhandled)
	s.judge(t)
}

// A tally is what the rounds of one kind came to.
type tally struct {
	*kind
	aim aim

	mu          sync.Mutex
	rounds      int
	won         [2]int
	mismatches  int
	codes       map[kam.Code]int
	took        []time.Duration
	unconfirmed int
}

// A suite is one run of all races.
type suite struct {
	*rig
	seed    uint64
	tallies []*tally
	plan    []planned

	played, underWay atomic.Int64

	mu    sync.Mutex
	off   []error
	cases []kam.CaseNo

	replayed, unhandled, taskFailures int
}

// planned is a round to be played: the i-th of its kind.
type planned struct {
	tally *tally
	i     int
	seed  uint64
}

// draw plans as many rounds of each kind as of any other, in any order.
func (s *suite) draw(rounds int, only string) {
	chance := rand.New(rand.NewPCG(s.seed, 1)) //nolint:gosec // to be repeated, not to be secret
	for _, k := range kinds() {
		if strings.Contains(k.name, only) {
			s.tallies = append(s.tallies, &tally{kind: k, codes: map[kam.Code]int{}, aim: aim{known: k.sides[0] != ""}})
		}
	}
	for i := 0; len(s.tallies) > 0 && i < rounds; i++ {
		s.plan = append(s.plan, planned{s.tallies[i%len(s.tallies)], i / len(s.tallies), chance.Uint64()})
	}
	chance.Shuffle(len(s.plan), func(i, k int) { s.plan[i], s.plan[k] = s.plan[k], s.plan[i] })
}

func (s *suite) run(t *testing.T, atOnce int) {
	stop := s.report(t)
	defer stop()
	places := make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	for n, p := range s.plan {
		places <- struct{}{}
		if s.hopeless() {
			break
		}
		wait.Go(func() {
			defer func() { <-places }()
			s.underWay.Add(1)
			defer s.underWay.Add(-1)
			s.play(t.Context(), n, p)
			s.played.Add(1)
		})
	}
	wait.Wait()
}

// hopeless says whether so much went wrong that more of it tells nothing new.
func (s *suite) hopeless() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.off) >= 20
}

// report says now and then how far it is.
func (s *suite) report(t *testing.T) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(saysEvery):
				s.mu.Lock()
				off := len(s.off)
				s.mu.Unlock()
				t.Logf("%4.0f s: %d of %d rounds, %d under way, %d off", time.Since(begin).Seconds(), s.played.Load(), len(s.plan), s.underWay.Load(), off)
			}
		}
	}()
	return func() { close(done); <-ended }
}

// play runs one round, checks it, and keeps what came of it.
func (s *suite) play(ctx context.Context, n int, p planned) {
	ctx, cancel := context.WithTimeout(ctx, forOne)
	defer cancel()
	chance := rand.New(rand.NewPCG(p.seed, 2)) //nolint:gosec // to be repeated, not to be secret
	r := &round{rig: s.rig, kind: p.tally.kind, n: n, chance: chance, gap: p.tally.aim.next(p.i, chance)}
	won, err := r.kind.run(ctx, r)
	if err == nil || isMismatch(err) {
		err = errors.Join(err, r.check(ctx, err == nil))
	}
	p.tally.keep(r, won, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cases = append(s.cases, r.cases...)
	if err != nil {
		s.off = append(s.off, fmt.Errorf("%s, round %d, gap %v: %w\n%s", r.kind.name, n, r.gap, err, r.story(ctx)))
	}
}

// story is what happened in a round, for whoever has to find out why.
func (r *round) story(ctx context.Context) string {
	var b strings.Builder
	for _, x := range r.told {
		fmt.Fprintf(&b, "  told %s: %s %s by %s (%s): %q, version %d, after %v\n", x.no, x.act.Name, x.act.Verdict, x.act.By, x.act.DecisionID, x.code, x.snapshot.Version, x.took)
	}
	for _, no := range r.cases {
		events, err := r.db.Cases.Events(context.WithoutCancel(ctx), no)
		if err != nil {
			fmt.Fprintf(&b, "  %s: %v\n", no, err)
		}
		for _, e := range events {
			fmt.Fprintf(&b, "  %s %d %s %s %s>%s by %s (%s) %s %.200s\n", no, e.Seq, e.DBAt.Format("05.000"), e.Type, e.From, e.To, e.Actor, e.DecisionID, e.ReasonCode, e.Text)
		}
	}
	return b.String()
}

func (y *tally) keep(r *round, won int, err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.rounds++
	if isMismatch(err) {
		y.mismatches++
	}
	for _, x := range r.told {
		y.unconfirmed += x.unconfirmed
		if !x.racing {
			continue
		}
		y.took = append(y.took, x.took)
		if x.code != "" {
			y.codes[x.code]++
		}
	}
	if err == nil && won != nobody {
		y.won[won]++
		y.aim.learn(won)
	}
}

// An aim finds the gap between two acts, or between a deadline and an act, at
// which either may be first. It moves against whoever won, by smaller steps when
// the winner changes and by larger ones when he stays the same.
type aim struct {
	known bool // what wins is known

	mu     sync.Mutex
	gap    time.Duration
	step   time.Duration
	last   int // who won the round before
	streak int // and for how long
}

// Gaps of the first two rounds, at which it is plain who is first. Of the later
// ones each is a little besides the aim.
const (
	plainlyBefore = -2500 * time.Millisecond
	plainlyAfter  = 2500 * time.Millisecond
	widest        = 4 * time.Second
	largest       = 160 * time.Millisecond
	smallest      = 5 * time.Millisecond
	besides       = 12 * time.Millisecond
)

func (a *aim) next(i int, chance *rand.Rand) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.known:
		return 0
	case i == 0:
		return plainlyBefore
	case i == 1:
		return plainlyAfter
	}
	return a.gap + time.Duration(chance.Int64N(int64(2*besides))) - besides
}

func (a *aim) learn(won int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.step == 0:
		a.step = largest
	case won != a.last:
		a.step, a.streak = max(a.step/2, smallest), 0
	default:
		if a.streak++; a.streak >= 2 {
			a.step = min(a.step*2, largest)
		}
	}
	a.last = won
	by := a.step
	if won == 0 {
		by = -by // the second comes earlier next time
	}
	a.gap = min(max(a.gap+by, -widest), widest)
}

// readHistories looks through the history of every case: none has a workflow
// task that failed, and those of a sample replay.
//
// A server has a task run again when something came in while the last task of
// a workflow was under way, and books that as failed with a cause of its own:
// so nothing is lost that comes at the last moment. It is counted apart.
func (s *suite) readHistories(t *testing.T) {
	t.Helper()
	const readers = 8
	work := make(chan int)
	var wait sync.WaitGroup
	for range readers {
		wait.Go(func() {
			for i := range work {
				if err := s.readHistory(t.Context(), i); err != nil {
					s.mu.Lock()
					s.off = append(s.off, err)
					s.mu.Unlock()
				}
			}
		})
	}
	for i := range s.cases {
		work <- i
	}
	close(work)
	wait.Wait()
}

func (s *suite) readHistory(ctx context.Context, i int) error {
	no := s.cases[i]
	events, err := s.history(ctx, no)
	if err != nil {
		return fmt.Errorf("read the history of %s: %w", no, err)
	}
	for _, e := range events {
		failed := e.GetWorkflowTaskFailedEventAttributes()
		if failed == nil {
			continue
		}
		s.mu.Lock()
		if failed.Cause == enums.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND {
			s.unhandled++
		} else {
			s.taskFailures++
			err = errors.Join(err, fmt.Errorf("%s event %d: a workflow task failed: %s %s", no, e.EventId, failed.Cause, failed.GetFailure().GetMessage()))
		}
		s.mu.Unlock()
	}
	if i%replayEach == 0 {
		if failed := replays(events); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s does not replay: %w", no, failed))
		}
		s.mu.Lock()
		s.replayed++
		s.mu.Unlock()
	}
	return err
}

// table is what the run came to, a line for each race.
func (s *suite) table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "race\trounds\tfirst\tmismatches\tgap\tp50\tp99\tanswers with a code")
	total := &tally{codes: map[kam.Code]int{}}
	for _, y := range s.tallies {
		first := "-"
		if y.sides[0] != "" {
			first = fmt.Sprintf("%s %d, %s %d", y.sides[0], y.won[0], y.sides[1], y.won[1])
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%v\t%s\n", y.name, y.rounds, first, y.mismatches, y.aim.gap.Round(time.Millisecond), y.figures())
		total.rounds += y.rounds
		total.mismatches += y.mismatches
		total.took = append(total.took, y.took...)
		total.unconfirmed += y.unconfirmed
		for c, n := range y.codes {
			total.codes[c] += n
		}
	}
	fmt.Fprintf(w, "all\t%d\t\t%d\t\t%s\n", total.rounds, total.mismatches, total.figures())
	w.Flush()
	return b.String()
}

func (y *tally) figures() string {
	slices.Sort(y.took)
	at := func(p float64) time.Duration {
		if len(y.took) == 0 {
			return 0
		}
		return y.took[int(p*float64(len(y.took)-1))].Round(time.Millisecond)
	}
	var codes []string
	for _, c := range slices.Sorted(maps.Keys(y.codes)) {
		codes = append(codes, fmt.Sprintf("%s %d", c, y.codes[c]))
	}
	if y.unconfirmed > 0 {
		codes = append(codes, fmt.Sprintf("not confirmed and sent again %d", y.unconfirmed))
	}
	return fmt.Sprintf("%v\t%v\t%s", at(0.5), at(0.99), strings.Join(codes, ", "))
}

// judge fails the run for whatever went off, and for every race that one side
// always won: it has shown nothing.
func (s *suite) judge(t *testing.T) {
	t.Helper()
	for _, err := range s.off {
		t.Error(err)
	}
	for _, y := range s.tallies {
		if y.sides[0] == "" || y.rounds < 2 {
			continue
		}
		least := 1
		if y.rounds >= manyOfAKind {
			least = y.rounds / 10
		}
		for i, n := range y.won {
			if n < least {
				t.Errorf("%s: %s was first in %d of %d rounds, and at least %d are needed to show anything", y.name, y.sides[i], n, y.rounds, least)
			}
		}
	}
	require.Equal(t, int64(len(s.plan)), s.played.Load(), "rounds that were planned")
}
