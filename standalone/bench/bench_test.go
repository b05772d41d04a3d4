package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	read := func(pairs ...string) (Settings, error) {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return Full().Read(func(name string) string { return m[name] })
	}
	s, err := read()
	require.NoError(t, err)
	require.Equal(t, Full(), s)
	s, err = read("KAM_BENCH_BOOKS", "0, 500", "KAM_BENCH_BLOCK", "0", "KAM_BENCH_IN_FLIGHT", "2", "KAM_BENCH_CASES", "7", "KAM_BENCH_ROUNDS", "3",
		"KAM_BENCH_JSON", "a.json", "KAM_BENCH_PROFILE", "a.pprof")
	require.NoError(t, err)
	want := Full()
	want.Books, want.Block, want.InFlight, want.Cases, want.Rounds, want.JSON, want.Profile = []int{0, 500}, 0, []int{2}, 7, 3, "a.json", "a.pprof"
	require.Equal(t, want, s)
	for _, bad := range [][2]string{
		{"KAM_BENCH_BOOKS", "10000,0"}, {"KAM_BENCH_BOOKS", "-1"}, {"KAM_BENCH_BOOKS", "5,5"}, {"KAM_BENCH_BOOKS", "10.000"},
		{"KAM_BENCH_IN_FLIGHT", "0"}, {"KAM_BENCH_CASES", "0"}, {"KAM_BENCH_ROUNDS", "x"}, {"KAM_BENCH_BLOCK", "-5"},
	} {
		_, err := read(bad[0], bad[1])
		require.ErrorContains(t, err, bad[0], "%s=%s", bad[0], bad[1])
	}
}

func TestPercentiles(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i))
	}
	require.Equal(t, time.Duration(50), percentile(hundred, 50))
	require.Equal(t, time.Duration(99), percentile(hundred, 99))
	require.Equal(t, time.Duration(3), percentile([]time.Duration{3, 1}, 99))
	require.Equal(t, time.Duration(1), percentile([]time.Duration{3, 1}, 50))
	require.InDelta(t, 2, median([]float64{9, 1, 2}), 0)
	require.InDelta(t, 1.5, median([]float64{9, 1, 2, 0}), 0)
}

// TestCell: what is used anyway is taken off, figures are for one case, and the
// ratio is that of the rounds, not of the medians.
func TestCell(t *testing.T) {
	t.Parallel()
	const ours = "kamflow"
	key := statementKey{ours, 7}
	idle := usage{seconds: 10, millis: map[string]float64{byProgram: 100}, statements: map[statementKey]Statement{key: {Text: "commit", Calls: 20, WAL: 50}}}
	round := func(program, postgres, calls float64) window {
		return window{
			n: 2, starts: []time.Duration{1, 2}, confirms: []time.Duration{time.Second, 3 * time.Second}, events: 24,
			usage: usage{
				seconds: 5, others: 5, wal: 1000,
				millis:     map[string]float64{byProgram: program, ours: postgres},
				statements: map[statementKey]Statement{key: {Text: "commit", Calls: calls, WAL: 225}, {"temporal", 1}: {Text: "select", Calls: 4}},
			},
		}
	}
	bare := newCell(Cell{}, ours, []window{round(70, 0, 10), round(90, 0, 10), round(250, 0, 10)}, idle, nil)
	require.InDelta(t, 20, bare.Millis, 1e-9, "(90 - 50) / 2")
	c := newCell(Cell{Kind: Case}, ours, []window{round(130, 20, 30), round(90, 120, 30), round(250, 0, 30)}, idle, &bare)
	require.InDelta(t, 80, c.Millis, 1e-9, "50, 80 and 100")
	require.InDelta(t, 4, c.Ratio, 1e-9, "5, 4 and 1")
	require.InDelta(t, 105, c.Gross, 1e-9, "75, 105 and 125")
	require.InDelta(t, 40, c.By[byProgram], 1e-9)
	require.InDelta(t, 10, c.By[ours], 1e-9)
	require.InDelta(t, 10, c.Figures.Statements[ours], 1e-9, "(30 - 10) / 2")
	require.InDelta(t, 10, c.Commits[ours], 1e-9)
	require.InDelta(t, 100, c.WAL[ours], 1e-9)
	require.InDelta(t, 2, c.Figures.Statements["temporal"], 1e-9)
	require.InDelta(t, 1, c.OtherCores, 1e-9)
	require.Equal(t, []time.Duration{time.Second, 3 * time.Second}, []time.Duration{c.Decision50, c.Decision99})
	require.InDelta(t, 1, c.DecisionRatio, 1e-9)
	require.Len(t, c.Statements, 1, "of our database only")
	require.InDelta(t, 10, c.Statements[0].Calls, 1e-9)
	require.InDelta(t, 500, c.ServerWAL, 1e-9)
}

// TestMarkdown: tables are whole, whatever a statement holds.
func TestMarkdown(t *testing.T) {
	t.Parallel()
	figures := Figures{Millis: 80, By: map[string]float64{byProgram: 60, byDriver: 5}, Statements: map[string]float64{"kamflow": 200, "temporal": 50}, WAL: map[string]float64{"kamflow": 2048}}
	var cells []Cell
	for _, book := range []int{0, 10_000, 100_000} {
		for _, k := range []int{1, 32} {
			cells = append(cells, Cell{Book: book, Kind: Bare, InFlight: k, Figures: figures, Ratio: 1, DecisionRatio: 1})
			cells = append(cells, Cell{Book: book, Kind: Case, InFlight: k, Figures: figures, Ratio: 2 + float64(book)/100_000, DecisionRatio: 4,
				Statements: []Statement{{Text: "select a | b, `c` " + strings.Repeat("x", 200), Calls: 2}}})
		}
	}
	cells = append(cells, Cell{Book: 10_000, Kind: Crowded, InFlight: 32, Figures: figures, Ratio: 4.2})
	var out strings.Builder
	require.NoError(t, Result{Settings: Full(), Database: "kamflow", Cells: cells, Idle: []Idle{{Book: 10_000, Figures: figures}}}.Markdown(&out))
	for _, line := range []string{
		"| processor time, an empty book, 32 in flight, to the bare workflow | 2.00 |",
		"| processor time, a book of 10,000, 32 in flight, to the bare workflow | 2.10 |",
		"| decision p50, a book of 10,000, 1 in flight, to the bare update | 4.00 |",
		"| processor time, a book of 100,000 to a book of 10,000 | 1.43 |",
		"| processor time, among 1,000 at one place, to elsewhere | 2.00 |",
		"| statements of our database, a book of 10,000 | 200.0 |",
		"| WAL of our database in KB, a book of 10,000 | 2.0 |",
	} {
		require.Contains(t, out.String(), line)
	}
	columns := 0
	for line := range strings.Lines(out.String()) {
		switch n := strings.Count(line, "|"); {
		case n == 0:
			columns = 0
		case columns == 0:
			columns = n
		default:
			require.Equal(t, columns, n, line)
		}
	}
}

// TestInvented: postal codes are codes, those of blocks nobody else's.
func TestInvented(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range postalCodes {
		seen[anywhere(i).code] = true
	}
	require.Len(t, seen, postalCodes)
	for i := range munichCodes {
		require.True(t, seen[inMunich(i).code])
		require.Contains(t, []string{"80", "81", "82"}, inMunich(i).code[:2])
	}
	for n := range 50 {
		require.False(t, seen[block(n).code])
		require.Len(t, block(n).code, 5)
	}
}
