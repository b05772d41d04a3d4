package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings say how much is measured. Each is read from the variable that
// stands beside it.
type Settings struct {
	Books    []int  `json:"books"`     // KAM_BENCH_BOOKS: customers in the book, smallest first
	Block    int    `json:"block"`     // KAM_BENCH_BLOCK: customers at one place, for each round in the first book that is not empty; 0 leaves it out
	InFlight []int  `json:"in_flight"` // KAM_BENCH_IN_FLIGHT: how many people act at once
	Cases    int    `json:"cases"`     // KAM_BENCH_CASES: cases of each kind in a round
	Rounds   int    `json:"rounds"`    // KAM_BENCH_ROUNDS
	Unsigned bool   `json:"unsigned"`  // KAM_BENCH_UNSIGNED: people sign nothing, and workers only record
	JSON     string `json:"-"`         // KAM_BENCH_JSON: file for all figures, those of each round included
	Profile  string `json:"-"`         // KAM_BENCH_PROFILE: file for a processor profile of the program at work on cases, for go tool pprof

	Idle   time.Duration `json:"idle"`   // for which nothing is asked, once on each book: the loops of a worker come round in half a minute
	Settle time.Duration `json:"settle"` // after the last answer of each kind, for what is done later
}

// Full is what make bench-case measures, in less than a quarter of an hour on
// two cores.
func Full() Settings {
	return Settings{
		Books: []int{0, 10_000, 100_000}, Block: 1_000, InFlight: []int{1, 32}, Cases: 96, Rounds: 4,
		Idle: 30 * time.Second, Settle: 2 * time.Second,
	}
}

// Smoke is enough to see that it all works.
func Smoke() Settings {
	return Settings{Books: []int{60}, Block: 20, InFlight: []int{1, 3}, Cases: 3, Rounds: 1, Idle: time.Second, Settle: 300 * time.Millisecond}
}

// Read lays the variables over s.
func (s Settings) Read(env func(string) string) (Settings, error) {
	for _, v := range []struct {
		name  string
		into  *[]int
		least int
	}{{"KAM_BENCH_BOOKS", &s.Books, 0}, {"KAM_BENCH_IN_FLIGHT", &s.InFlight, 1}} {
		text := env(v.name)
		if text == "" {
			continue
		}
		*v.into = nil
		for _, word := range strings.Split(text, ",") {
			n, err := number(v.name, word, v.least)
			if err != nil {
				return s, err
			}
			*v.into = append(*v.into, n)
		}
		if !slices.IsSorted(*v.into) || len(slices.Compact(slices.Clone(*v.into))) != len(*v.into) {
			return s, fmt.Errorf("%s=%s: give each number once, the smallest first", v.name, text)
		}
	}
	for _, v := range []struct {
		name  string
		into  *int
		least int
	}{{"KAM_BENCH_BLOCK", &s.Block, 0}, {"KAM_BENCH_CASES", &s.Cases, 1}, {"KAM_BENCH_ROUNDS", &s.Rounds, 1}} {
		if text := env(v.name); text != "" {
			n, err := number(v.name, text, v.least)
			if err != nil {
				return s, err
			}
			*v.into = n
		}
	}
	s.Unsigned = env("KAM_BENCH_UNSIGNED") != ""
	s.JSON, s.Profile = env("KAM_BENCH_JSON"), env("KAM_BENCH_PROFILE")
	return s, nil
}

func number(name, text string, least int) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < least {
		return 0, fmt.Errorf("%s: %q is no number of at least %d", name, text, least)
	}
	return n, nil
}
