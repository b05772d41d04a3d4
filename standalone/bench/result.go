package bench

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// A Result is what a run found.
type Result struct {
	Machine  Machine   `json:"machine"`
	Commit   string    `json:"commit"`
	Date     time.Time `json:"date"`
	Settings Settings  `json:"settings"`
	Database string    `json:"database"` // the name of ours; the others on the server are Temporal's
	Idle     []Idle    `json:"idle"`
	Cells    []Cell    `json:"cells"`
}

// Idle is what is used in a second while nobody asks for anything.
type Idle struct {
	Book int `json:"book"`
	Figures
}

// A Machine is where it was found.
type Machine struct {
	Cores      int    `json:"cores"`
	GiB        int    `json:"gib"`
	System     string `json:"system"`
	PostgreSQL string `json:"postgresql"`
	Go         string `json:"go"`
}

// A Cell is one kind on one book with so many in flight.
type Cell struct {
	Book     int    `json:"book"`
	Kind     string `json:"kind"`
	InFlight int    `json:"in_flight"`

	// Figures are the medians over the rounds, each by itself.
	Figures
	// Ratio is the processor time as a multiple of that of the bare workflow in
	// the same round, median.
	Ratio         float64       `json:"ratio"`
	Start50       time.Duration `json:"start_p50"`
	Decision50    time.Duration `json:"decision_p50"`
	Decision99    time.Duration `json:"decision_p99"`
	DecisionRatio float64       `json:"decision_ratio"` // of the medians of decisions
	Events        int           `json:"events"`
	OtherCores    float64       `json:"other_cores"` // busy for what is not ours

	Rounds     []Figures   `json:"rounds"`
	Statements []Statement `json:"statements"` // of our database, those that took longest first
}

// Figures are for one case, or for one second of Idle.
type Figures struct {
	Millis     float64            `json:"ms"`       // of processors
	Gross      float64            `json:"gross_ms"` // what is used anyway included
	By         map[string]float64 `json:"by"`       // by who worked
	Statements map[string]float64 `json:"statements"`
	Commits    map[string]float64 `json:"commits"`
	WAL        map[string]float64 `json:"wal_bytes"`
	FullPages  map[string]float64 `json:"full_pages"`
	ServerWAL  float64            `json:"server_wal_bytes"` // of all databases, commit records included
}

// figures are those of a window for one case, without what is used anyway.
func figures(w window, idle usage) Figures {
	f := figuresOf(w.usage.plus(idle, -w.seconds/idle.seconds).times(1 / float64(w.n)))
	for _, ms := range w.usage.millis {
		f.Gross += ms / float64(w.n)
	}
	return f
}

func figuresOf(u usage) Figures {
	f := Figures{
		By: u.millis, ServerWAL: u.wal,
		Statements: map[string]float64{}, Commits: map[string]float64{}, WAL: map[string]float64{}, FullPages: map[string]float64{},
	}
	for _, ms := range u.millis {
		f.Millis += ms
	}
	for k, s := range u.statements {
		f.Statements[k.database] += s.Calls
		f.WAL[k.database] += s.WAL
		f.FullPages[k.database] += s.FullPage
		if strings.EqualFold(s.Text, "commit") {
			f.Commits[k.database] += s.Calls
		}
	}
	return f
}

func (u usage) times(n float64) usage { return usage{}.plus(u, n) }

// newCell sums rounds up. Its statements are those of one database.
func newCell(c Cell, database string, rounds []window, idle usage, floor *Cell) Cell {
	var starts, confirms []time.Duration
	var all usage
	n := 0
	for _, w := range rounds {
		c.Rounds = append(c.Rounds, figures(w, idle))
		starts, confirms = append(starts, w.starts...), append(confirms, w.confirms...)
		c.Events = w.events
		all = all.plus(w.usage, 1)
		n += w.n
	}
	c.Figures = medians(c.Rounds)
	c.Start50 = percentile(starts, 50)
	c.Decision50, c.Decision99 = percentile(confirms, 50), percentile(confirms, 99)
	c.OtherCores = all.others / all.seconds
	all = all.plus(idle, -all.seconds/idle.seconds).times(1 / float64(n))
	for k, s := range all.statements {
		if k.database == database && s.Calls > 0 {
			c.Statements = append(c.Statements, s)
		}
	}
	slices.SortFunc(c.Statements, func(a, b Statement) int { return cmp.Compare(b.Millis, a.Millis) })
	if floor == nil {
		return c
	}
	var ratios []float64
	for i, f := range c.Rounds {
		ratios = append(ratios, f.Millis/floor.Rounds[i].Millis)
	}
	c.Ratio = median(ratios)
	c.DecisionRatio = float64(c.Decision50) / float64(floor.Decision50)
	return c
}

func medians(rounds []Figures) Figures {
	of := func(pick func(Figures) map[string]float64) map[string]float64 {
		m := map[string]float64{}
		for _, f := range rounds {
			for k := range pick(f) {
				m[k] = medianOf(rounds, func(f Figures) float64 { return pick(f)[k] })
			}
		}
		return m
	}
	return Figures{
		Millis:     medianOf(rounds, func(f Figures) float64 { return f.Millis }),
		Gross:      medianOf(rounds, func(f Figures) float64 { return f.Gross }),
		ServerWAL:  medianOf(rounds, func(f Figures) float64 { return f.ServerWAL }),
		By:         of(func(f Figures) map[string]float64 { return f.By }),
		Statements: of(func(f Figures) map[string]float64 { return f.Statements }),
		Commits:    of(func(f Figures) map[string]float64 { return f.Commits }),
		WAL:        of(func(f Figures) map[string]float64 { return f.WAL }),
		FullPages:  of(func(f Figures) map[string]float64 { return f.FullPages }),
	}
}

func medianOf(rounds []Figures, pick func(Figures) float64) float64 {
	var all []float64
	for _, f := range rounds {
		all = append(all, pick(f))
	}
	return median(all)
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	n := len(all)
	if n == 0 {
		return math.NaN()
	}
	return (all[(n-1)/2] + all[n/2]) / 2
}

// percentile is the smallest that at least p in a hundred do not exceed.
func percentile(all []time.Duration, p int) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[max(0, (len(all)*p+99)/100-1)]
}
