package rules

import (
	"math/bits"
	"slices"
	"sort"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// A SnapshotEntry is what ABC and RFM know of a customer of the population.
type SnapshotEntry struct {
	CustomerNo string `json:"customer_no"`
	// Scope is the node or country that the ABC population is cut by, "" for
	// the whole company; see [Policy.ScopeOf].
	Scope       string `json:"scope,omitempty"`
	Revenue     int64  `json:"revenue"` // net revenue of 12 months, minor units of the base currency
	RecencyDays *int64 `json:"recency_days,omitempty"`
	Orders12m   *int64 `json:"orders_12m,omitempty"`
}

// A Snapshot is the frozen population of a period, against which ABC classes
// and RFM quintiles are taken. It is safe for use by several goroutines.
type Snapshot struct {
	ID      string
	size    int
	scopes  map[string]*abcScope
	byNo    map[string]abcPlace
	ordered [3][]int64 // recency (falling wins), orders, revenue: sorted rising
}

type abcScope struct {
	entries []SnapshotEntry
	total   uint64
	classes []kam.ABCClass
}

type abcPlace struct {
	scope string
	at    int
}

// NewSnapshot freezes a population of active customers, each once. Its
// classes are those of the policy's cuts and boundary.
func (p *Set) NewSnapshot(id string, entries []SnapshotEntry) (*Snapshot, error) {
	s := &Snapshot{ID: id, size: len(entries), scopes: map[string]*abcScope{}, byNo: make(map[string]abcPlace, len(entries))}
	for _, e := range entries {
		if _, double := s.byNo[e.CustomerNo]; double {
			return nil, kam.Errorf(kam.Invalid, "customer %s stands twice in the population", kam.Clip(e.CustomerNo, 60)).On("customer_no")
		}
		s.byNo[e.CustomerNo] = abcPlace{at: -1}
		if e.RecencyDays != nil {
			s.ordered[0] = append(s.ordered[0], *e.RecencyDays)
		}
		if e.Orders12m != nil {
			s.ordered[1] = append(s.ordered[1], *e.Orders12m)
		}
		s.ordered[2] = append(s.ordered[2], e.Revenue)
		if e.Revenue <= 0 {
			continue
		}
		sc := s.scopes[e.Scope]
		if sc == nil {
			sc = &abcScope{}
			s.scopes[e.Scope] = sc
		}
		var carry uint64
		if sc.total, carry = bits.Add64(sc.total, uint64(e.Revenue), 0); carry != 0 {
			return nil, kam.Errorf(kam.Invalid, "the revenue of the population is out of range").On("net_revenue_12m")
		}
		sc.entries = append(sc.entries, e)
	}
	for _, o := range s.ordered {
		slices.Sort(o)
	}
	for name, sc := range s.scopes {
		slices.SortFunc(sc.entries, abcOrder)
		sc.classes = p.abcClasses(sc.entries, sc.total)
		for i, e := range sc.entries {
			s.byNo[e.CustomerNo] = abcPlace{name, i}
		}
	}
	return s, nil
}

// abcOrder sorts by falling revenue, ties by customer number (P3.3.2).
func abcOrder(a, b SnapshotEntry) int {
	switch {
	case a.Revenue != b.Revenue:
		if a.Revenue > b.Revenue {
			return -1
		}
		return 1
	case a.CustomerNo < b.CustomerNo:
		return -1
	case a.CustomerNo > b.CustomerNo:
		return 1
	}
	return 0
}

// abcClasses walks the sorted population once.
func (p *Set) abcClasses(entries []SnapshotEntry, total uint64) []kam.ABCClass {
	classes := make([]kam.ABCClass, len(entries))
	var sum, start uint64 // start: where class B begins to count with RESTART
	class := kam.ClassA
	for i, e := range entries {
		before := sum
		sum += uint64(e.Revenue)
		switch p.ABC.Boundary {
		case policy.BoundaryAtMost:
			class = kam.ClassC
			if !above(sum, total, p.ABC.CutAPct) {
				class = kam.ClassA
			} else if !above(sum, total, p.ABC.CutBPct) {
				class = kam.ClassB
			}
		case policy.BoundaryRestart:
			if class == kam.ClassA && !under(before, total, p.ABC.CutAPct) {
				class, start = kam.ClassB, before
			}
			if class == kam.ClassB && !under(before-start, total, p.ABC.CutBPct-p.ABC.CutAPct) {
				class = kam.ClassC
			}
		default:
			class = kam.ClassC
			if under(before, total, p.ABC.CutAPct) {
				class = kam.ClassA
			} else if under(before, total, p.ABC.CutBPct) {
				class = kam.ClassB
			}
		}
		classes[i] = class
	}
	return classes
}

// under says whether part/total is below a percentage, above whether it is
// over it, both exactly in 128 bits.
func under(part, total uint64, pct kam.Dec) bool { return compare(part, total, pct) < 0 }

func above(part, total uint64, pct kam.Dec) bool { return compare(part, total, pct) > 0 }

func compare(part, total uint64, pct kam.Dec) int {
	ah, al := bits.Mul64(part, 10000)
	bh, bl := bits.Mul64(total, uint64(pct))
	switch {
	case ah < bh || ah == bh && al < bl:
		return -1
	case ah > bh || al > bl:
		return 1
	}
	return 0
}

// year is how long a customer without revenue may be NEW (P3.3.2), in months.
const year = 12

// newcomer says whether a customer without revenue in the last twelve months is
// NEW: it became a customer less than twelve months ago, or is none yet, and no
// revenue from before the last twelve months is known. Any other has stopped
// buying, or never began.
func (f *Facts) newcomer() bool {
	early := f.ActiveMonths != nil && *f.ActiveMonths >= year || f.NetRevenuePrior12m != nil && f.NetRevenuePrior12m.Minor > 0
	return !early && (f.CustomerMonths == nil || *f.CustomerMonths < year)
}

// class is the ABC class of a customer against the snapshot. One that is not
// in it, or stands there with another revenue, is put in at its place. Without
// revenue a newcomer is NEW and any other C.
func (s *Snapshot) class(p *Set, e SnapshotEntry, f *Facts) kam.ABCClass {
	if e.Revenue <= 0 {
		if f.newcomer() {
			return kam.ClassNew
		}
		return kam.ClassC
	}
	if s == nil {
		return ""
	}
	place, in := s.byNo[e.CustomerNo]
	sc := s.scopes[e.Scope]
	if in && place.at >= 0 && place.scope == e.Scope && sc.entries[place.at].Revenue == e.Revenue {
		return sc.classes[place.at]
	}
	entries, total := []SnapshotEntry{e}, uint64(e.Revenue)
	if sc != nil {
		for _, x := range sc.entries {
			if x.CustomerNo != e.CustomerNo {
				entries = append(entries, x)
				total += uint64(x.Revenue)
			}
		}
	}
	slices.SortFunc(entries, abcOrder)
	at := sort.Search(len(entries), func(i int) bool { return abcOrder(entries[i], e) >= 0 })
	return p.abcClasses(entries, total)[at]
}

// rfm scores recency, frequency and monetary; 0 where a part is unknown. No
// date of a last order means never.
func (s *Snapshot) rfm(p *Set, c *Customer, revenue int64, hasRevenue bool) (rec, freq, mon int) {
	r := &p.RFM
	quintile := s != nil && s.size > 0 && (r.Mode == "QUINTILE" || r.Mode == "AUTO" && s.size >= r.QuintileMinPop)
	if never := c.Orders12m != nil && *c.Orders12m == 0 || hasRevenue && revenue == 0; never {
		rec = 1 // who ordered nothing has no last order
	}
	if c.RecencyDays != nil {
		rec = int(r.Recency.At(kam.DecFromInt(max(0, min(*c.RecencyDays, 1e9)))) / 100)
		if quintile {
			later := s.ordered[0]
			worse := len(later) - sort.Search(len(later), func(i int) bool { return later[i] > *c.RecencyDays })
			rec = fifth(worse, len(later))
		}
	}
	if c.Orders12m != nil {
		freq = int(r.Frequency.At(kam.DecFromInt(max(0, min(*c.Orders12m, 1e9)))) / 100)
		if quintile {
			freq = fifth(sort.Search(len(s.ordered[1]), func(i int) bool { return s.ordered[1][i] >= *c.Orders12m }), len(s.ordered[1]))
		}
	}
	if hasRevenue {
		mon = int(p.calc.monetary.at(mul(revenue, potScale)) / 100)
		if quintile {
			mon = fifth(sort.Search(len(s.ordered[2]), func(i int) bool { return s.ordered[2][i] >= revenue }), len(s.ordered[2]))
		}
	}
	return rec, freq, mon
}

// fifth is the quintile, 1 to 5, of a customer who is better than worse of n.
// Equal customers get equal scores.
func fifth(worse, n int) int {
	if n == 0 {
		return 1
	}
	return min(5, 1+5*worse/n)
}
