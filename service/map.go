package service

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// A MapFilter picks the cases of a map; what is empty does not restrict.
type MapFilter struct {
	Territory string // the node and all below it
	Type      kam.CaseType
	Requester kam.UserID
}

// A ProcessMap is where cases stand in the boxes of the deck, and what went
// through them lately.
type ProcessMap struct {
	At    time.Time `json:"at"`
	Boxes []MapBox  `json:"boxes"` // in the order of the deck: those of process 1
}

// A MapBox is one box, with all that stands in the boxes in it.
type MapBox struct {
	Code kam.StepCode `json:"code"`
	Open int          `json:"open"`
	Late int          `json:"late"` // beyond the target of their stage
	// Median is that of the time in the stage, in working hours of who owes the
	// answer; nil where nothing stands.
	Median *kam.Dec `json:"median_hours,omitempty"`
	// Owed is how many wait for whom, those that any case waits for.
	Owed []Owing `json:"owed,omitempty"`
	// Weeks is how many cases went on from here in each of the last twelve weeks,
	// the oldest first.
	Weeks [mapWeeks]int `json:"weeks"`
}

// Owing is how many cases wait for a party.
type Owing struct {
	Party kam.Party `json:"party"`
	Open  int       `json:"open"`
}

const (
	mapWeeks = 12
	week     = 7 * 24 * time.Hour
	// mostMapped bounds the open cases of a map.
	mostMapped = 100_000
	// passedFor is how long a count of the weeks is kept: it reads a quarter of a
	// year of the trail.
	passedFor = time.Minute
)

// lately keeps what went through the boxes, for everybody.
type lately struct {
	mu    sync.Mutex
	at    time.Time
	count []casedb.Passed
}

// Map is where cases stand: those that somebody may read, or that he asked for
// himself. Of what went through the boxes those are counted whose territory he
// reads, and with a requester his.
func (l *Local) Map(ctx context.Context, who Principal, f MapFilter) (ProcessMap, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	r, err := l.reader(ctx, who)
	if err != nil {
		return ProcessMap{}, reachable(ctx, kam.Say("the map"), err)
	}
	if err := r.known(f.Territory); err != nil {
		return ProcessMap{}, err
	}
	lines, err := l.readableCases(ctx, r, casedb.Filter{Territory: f.Territory, Type: f.Type, Requester: f.Requester, Open: true, Limit: mostMapped})
	if err != nil {
		return ProcessMap{}, reachable(ctx, kam.Say("the map"), err)
	}
	w, err := l.watch(ctx)
	if err != nil {
		return ProcessMap{}, reachable(ctx, kam.Say("the map"), err)
	}
	passed, err := l.passed(ctx, w.now, f.Requester)
	if err != nil {
		return ProcessMap{}, reachable(ctx, kam.Say("the map"), err)
	}
	m := newMap(w.now)
	for _, c := range lines {
		m.stands(c, w)
	}
	places := r.placesBelow(f.Territory)
	for _, p := range passed {
		if (f.Type == "" || p.Type == f.Type) && (f.Requester == r.ID || places[p.Territory]) {
			m.passed(p)
		}
	}
	return m.done(), nil
}

// passed counts what went through the boxes in the weeks until now.
func (l *Local) passed(ctx context.Context, now time.Time, requester kam.UserID) ([]casedb.Passed, error) {
	since := now.Add(-mapWeeks * week)
	if requester != "" {
		return l.record.Cases.Passed(ctx, since, requester)
	}
	l.lately.mu.Lock()
	defer l.lately.mu.Unlock()
	if now.Sub(l.lately.at) < passedFor {
		return l.lately.count, nil
	}
	count, err := l.record.Cases.Passed(ctx, since, "")
	if err == nil {
		l.lately.at, l.lately.count = now, count
	}
	return count, err
}

// placesBelow are the territories at and below a node, or all for "", in which the
// person reads every case.
func (r reader) placesBelow(node string) map[string]bool {
	places := map[string]bool{}
	for _, code := range append([]string{""}, nodeCodes(r.nodes)...) {
		path := kam.PathOf(r.nodes, code)
		if node != "" && !slices.ContainsFunc(path, func(n kam.TerritoryNode) bool { return n.Code == node }) {
			continue
		}
		places[code] = r.mayRead(onboarding.Snapshot{Territory: code}, false) == nil
	}
	return places
}

// mapping is a map while it is counted.
type mapping struct {
	at    time.Time
	boxes map[kam.StepCode]*MapBox
	ages  map[kam.StepCode][]kam.Dec
	owed  map[kam.StepCode]map[kam.Party]int
}

func newMap(at time.Time) mapping {
	return mapping{at, map[kam.StepCode]*MapBox{}, map[kam.StepCode][]kam.Dec{}, map[kam.StepCode]map[kam.Party]int{}}
}

// within calls a function with a box and each that holds it.
func (m mapping) within(step kam.StepCode, do func(*MapBox)) {
	for code := step; code != ""; {
		box := m.boxes[code]
		if box == nil {
			box = &MapBox{Code: code}
			m.boxes[code] = box
		}
		do(box)
		code = kam.Box{Code: code}.Parent()
	}
}

// stands counts an open case.
func (m mapping) stands(c casedb.Line, w watch) {
	party := onboarding.States.OwedBy(c.State, "")
	since := c.UpdatedAt
	if c.StageSince != nil {
		since = *c.StageSince
	}
	task := kam.Task{OpenedAt: since}
	if c.Task != nil {
		task = *c.Task
		party = onboarding.States.OwedBy(c.State, task.Queue)
	}
	measure := w.calendars.Measure(task, party, w.now)
	m.within(c.Step, func(b *MapBox) {
		b.Open++
		if measure.Overdue {
			b.Late++
		}
		m.ages[b.Code] = append(m.ages[b.Code], measure.Worked)
		if m.owed[b.Code] == nil {
			m.owed[b.Code] = map[kam.Party]int{}
		}
		m.owed[b.Code][party]++
	})
}

// passed counts what went on from a box, and to which end.
func (m mapping) passed(p casedb.Passed) {
	if p.Week < 0 || p.Week >= mapWeeks {
		return
	}
	m.within(p.Step, func(b *MapBox) { b.Weeks[p.Week] += p.N })
	if end := endOf(p.State, p.Outcome); end != "" {
		m.within(end, func(b *MapBox) {
			if b.Code == end {
				b.Weeks[p.Week] += p.N
			}
		})
	}
}

// endOf is the box of the deck that a case ended in, "" for an end that it does
// not draw.
func endOf(s onboarding.State, o onboarding.Outcome) kam.StepCode {
	switch {
	case s == onboarding.Rejected:
		return kam.BoxReject
	case o == onboarding.AddedKA || o == onboarding.ReactivatedKA:
		return kam.BoxKAs
	case o == onboarding.AddedNonKA || o == onboarding.ReactivatedNonKA:
		return kam.BoxNonKAs
	}
	return ""
}

// done is the map, with a row for each box of process 1.
func (m mapping) done() ProcessMap {
	p := ProcessMap{At: m.at, Boxes: []MapBox{}}
	for _, box := range kam.Boxes {
		if !ofProcess1(box) {
			continue
		}
		row := MapBox{Code: box.Code}
		if b := m.boxes[box.Code]; b != nil {
			row = *b
		}
		if ages := m.ages[box.Code]; len(ages) > 0 {
			slices.Sort(ages)
			middle := (ages[(len(ages)-1)/2] + ages[len(ages)/2]) / 2
			row.Median = &middle
		}
		for _, party := range kam.Parties {
			if n := m.owed[box.Code][party]; n > 0 {
				row.Owed = append(row.Owed, Owing{party, n})
			}
		}
		p.Boxes = append(p.Boxes, row)
	}
	return p
}

// ofProcess1 says whether a box is process 1 or stands in it.
func ofProcess1(b kam.Box) bool {
	for b.Parent() != "" {
		b = kam.Box{Code: b.Parent()}
	}
	return b.Code == "1"
}
