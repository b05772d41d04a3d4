package rules

import (
	"math/big"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// A SegmentResult is the outcome of 1.3 for one customer. Money is in the base
// currency; nil is unknown.
type SegmentResult struct {
	CustomerNo       string               `json:"customer_no"`
	ABCClass         kam.ABCClass         `json:"abc_class"`
	RFM              *RFM                 `json:"rfm"`
	RFMLabel         *kam.RFMLabel        `json:"rfm_label"`
	AnnualPotential  *kam.Money           `json:"annual_potential"`
	PotentialBasis   *kam.PotentialBasis  `json:"potential_basis"`
	ShareOfWalletPct *kam.Dec             `json:"share_of_wallet_pct"`
	Attractiveness   kam.Dec              `json:"attractiveness"`
	RelativeStrength kam.Dec              `json:"relative_strength"`
	Quadrant         kam.Quadrant         `json:"quadrant"`
	Strategy         kam.Strategy         `json:"strategy"`
	RevenueGap       *kam.Money           `json:"revenue_gap"`
	Leakage          map[string]kam.Money `json:"leakage"`
	ImprovementValue *kam.Money           `json:"improvement_value"`
	ImprovementIndex kam.Dec              `json:"improvement_potential_index"`
	CapabilityIndex  kam.Dec              `json:"capability_index"`
	KAScore          kam.Dec              `json:"ka_score"`
	Segment          string               `json:"segment"`
	CompletenessPct  kam.Dec              `json:"completeness_pct"`
	Missing          []string             `json:"missing"`
	// Lines are the P&L lines that have a benchmark, RED and AMBER marked.
	Lines      []PLLine `json:"pl_lines,omitempty"`
	SnapshotID string   `json:"snapshot_id,omitempty"`
}

// RFM holds the scores 1 to 5; nil is unknown.
type RFM struct {
	Recency   *int `json:"recency"`
	Frequency *int `json:"frequency"`
	Monetary  *int `json:"monetary"`
}

// A PLLine compares a cost line with its benchmark, in percent of net sales.
type PLLine struct {
	Line      string    `json:"line"`
	Actual    kam.Dec   `json:"actual_pct"`
	Benchmark kam.Dec   `json:"benchmark_pct"`
	Over      kam.Dec   `json:"over_pp"`
	Mark      string    `json:"mark"` // RED, AMBER or GREEN
	Leakage   kam.Money `json:"leakage"`
}

// SegmentContext is what a single customer is seen against.
type SegmentContext struct {
	Rates    map[string]kam.Rate
	Snapshot *Snapshot // nil: no class by revenue, fixed RFM bands
	Tree     *Tree     // only where the ABC scope is below COMPANY
}

// Segment is step 1.3 for one customer against the last snapshot, into which
// the customer is put at its place. An error names the field that cannot be
// used.
func (p *Set) Segment(c Customer, ctx SegmentContext) (SegmentResult, onboarding.DecisionRecord, error) {
	var lines []criterion
	s, err := p.score(&c, ctx.Rates, &lines)
	if err != nil {
		return SegmentResult{}, onboarding.DecisionRecord{}, err
	}
	res := p.segmentOf(s, ctx)
	rec := onboarding.DecisionRecord{Step: "1.3", Kind: onboarding.RecordSegment, Policy: p.Ref(), RulesVersion: Version, Outcome: res.Segment,
		Score: &res.KAScore, Confidence: &res.CompletenessPct, Missing: res.Missing, SnapshotID: res.SnapshotID}
	for _, k := range lines {
		rec.Criteria = append(rec.Criteria, k.result())
	}
	ka := &p.KeyAccount.Weights
	for _, k := range []criterion{
		{id: "attractiveness", points: res.Attractiveness, weight: ka.Attractiveness},
		{id: "strength", points: res.RelativeStrength, weight: ka.Strength},
		{id: "improvement_potential", points: res.ImprovementIndex, weight: ka.Improvement},
		{id: "capability", points: res.CapabilityIndex, weight: ka.Capability},
	} {
		k.value = k.points.String()
		rec.Criteria = append(rec.Criteria, k.result())
	}
	rec.Headline = English.Text("segment", res.Segment, res.ImprovementIndex.Fixed(), res.KAScore.Fixed())
	return res, rec, nil
}

// segmentOf rounds the exact figures and places them.
func (p *Set) segmentOf(s *scored, ctx SegmentContext) SegmentResult {
	c := s.c
	n := int64(len(p.Capability.Items))
	res := SegmentResult{
		CustomerNo:       c.CustomerNo,
		Attractiveness:   kam.Dec(roundSmall(s.attract, potScale)),
		RelativeStrength: kam.Dec(roundSmall(s.strength, potScale)),
		ImprovementIndex: decDiv(mulBig(s.index, 100), p.calc.ipDen),
		CapabilityIndex:  kam.Dec(roundSmall(s.capSum, n)),
		KAScore:          decDiv(s.score, p.calc.scoreDen),
		CompletenessPct:  kam.Dec(roundSmall(p.completeness(s), 3*n)),
		Missing:          p.missing(s),
	}
	res.Quadrant, res.Strategy = p.quadrant(res.Attractiveness, res.RelativeStrength)
	if s.basis != "" {
		m := p.money(s.potential())
		res.AnnualPotential, res.PotentialBasis = &m, &s.basis
	}
	if _, den := s.share(); den > 0 {
		share := s.sharePct()
		res.ShareOfWalletPct = &share
	}
	if s.value != nil {
		gap, value := p.money(roundDiv(s.gap, tenK)), p.money(roundDiv(s.value, big1e8))
		res.RevenueGap, res.ImprovementValue = &gap, &value
	}
	p.plLines(s, &res)
	p.place(s, ctx, &res)
	return res
}

// place finds ABC class, RFM and segment.
func (p *Set) place(s *scored, ctx SegmentContext, res *SegmentResult) {
	c := s.c
	entry := SnapshotEntry{CustomerNo: c.CustomerNo, Scope: p.ScopeOf(c, ctx.Tree), Revenue: s.revenue}
	res.ABCClass = ctx.Snapshot.class(p, entry, &c.Facts)
	if ctx.Snapshot != nil {
		res.SnapshotID = ctx.Snapshot.ID
	}
	rec, freq, mon := ctx.Snapshot.rfm(p, c, s.revenue, s.hasRev)
	if freq > 0 || mon > 0 || c.RecencyDays != nil {
		res.RFM = &RFM{positive(rec), positive(freq), positive(mon)}
	}
	if rec > 0 && freq > 0 && mon > 0 {
		label := p.RFM.Label(rec, freq, mon)
		res.RFMLabel = &label
	}
	res.Segment = string(res.Quadrant)
	if res.ABCClass != "" {
		res.Segment = string(res.ABCClass) + "-" + string(res.Quadrant)
	}
}

func positive(n int) *int {
	if n <= 0 {
		return nil
	}
	return &n
}

func (p *Set) quadrant(attract, strength kam.Dec) (kam.Quadrant, kam.Strategy) {
	high, strong := attract >= p.Matrix.AttractivenessCut, strength >= p.Matrix.StrengthCut
	switch {
	case high && strong:
		return kam.Strategic, kam.Invest
	case high:
		return kam.Star, kam.Build
	case strong:
		return kam.Status, kam.Maintain
	}
	return kam.Streamline, kam.ManageForCash
}

// plLines marks the P&L lines and their leakage. Leakage is unknown without
// revenue.
func (p *Set) plLines(s *scored, res *SegmentResult) {
	if s.hasRev {
		res.Leakage = map[string]kam.Money{}
	}
	if len(s.c.PLLinesPct) == 0 {
		return
	}
	for _, name := range p.calc.lines {
		actual, ok := s.c.PLLinesPct[name]
		if !ok {
			continue
		}
		line := PLLine{Line: name, Actual: actual, Benchmark: p.Improvement.Benchmarks[name], Mark: "GREEN", Leakage: p.money(0)}
		parts, over := p.leak(s, name)
		line.Over = over
		switch {
		case over >= p.Improvement.RedOverPP:
			line.Mark = "RED"
		case over >= p.Improvement.AmberOverPP:
			line.Mark = "AMBER"
		}
		if parts != nil && s.hasRev {
			line.Leakage = p.money(roundDiv(parts, tenK))
			res.Leakage[name] = line.Leakage
		}
		res.Lines = append(res.Lines, line)
	}
}

// missing lists the unknown inputs of the three indices and the score, in the
// order of the policy.
func (p *Set) missing(s *scored) []string {
	c := s.c
	out := []string{}
	_, share := s.share()
	for _, f := range [...]struct {
		name  string
		known bool
	}{
		{"annual_potential", s.basis != ""},
		{"net_revenue_12m", s.hasRev},
		{"growth_outlook_pct", c.GrowthOutlookPct != nil},
		{"margin_pct", c.MarginPct != nil || c.ExpectedMarginPct != nil},
		{"strategic_fit", c.StrategicFit != ""},
		{"buying_centralization", c.BuyingCentralization != ""},
		{"reference_value", c.ReferenceValue != ""},
		{"share_of_wallet_pct", share > 0},
		{"relationship_stage", c.RelationshipStage != ""},
		{"product_fit", c.ProductFit != nil},
		{"satisfaction", c.Satisfaction != nil},
	} {
		if !f.known {
			out = append(out, f.name)
		}
	}
	for _, item := range p.Capability.Items {
		if _, ok := c.CapabilityItems[item]; !ok {
			out = append(out, "capability_items."+item)
		}
	}
	return out
}

// ScopeOf is the population that a customer belongs to for ABC: "" for the
// company, else the node of the policy's scope level.
func (p *Set) ScopeOf(c *Customer, tree *Tree) string {
	level := kam.NodeLevel(p.ABC.Scope)
	if p.ABC.Scope == "COMPANY" {
		return ""
	}
	if code := tree.above(c.TerritoryCode, level); code != "" {
		return code
	}
	if level == kam.LevelCountry {
		return c.CountryCode
	}
	return c.TerritoryCode
}

// Entry is the customer as a snapshot holds it.
func (p *Set) Entry(c *Customer, tree *Tree, rates map[string]kam.Rate) (SnapshotEntry, error) {
	e := SnapshotEntry{CustomerNo: c.CustomerNo, Scope: p.ScopeOf(c, tree), RecencyDays: c.RecencyDays, Orders12m: c.Orders12m}
	if c.NetRevenue12m == nil {
		return e, nil
	}
	var err error
	e.Revenue, err = p.toBase(c.NetRevenue12m, "net_revenue_12m", rates)
	return e, err
}

// SegmentTotals sums a book up.
type SegmentTotals struct {
	Customers        int                  `json:"customers"`
	NetRevenue12m    kam.Money            `json:"net_revenue_12m"`
	AnnualPotential  kam.Money            `json:"annual_potential"`
	ImprovementValue kam.Money            `json:"improvement_value"`
	ABC              map[kam.ABCClass]int `json:"abc_class"`
	Quadrants        map[kam.Quadrant]int `json:"quadrant"`
}

// SegmentBook segments every customer, in the order of the book. The
// population of ABC and RFM is the book's active customers.
func (p *Set) SegmentBook(b Book) ([]SegmentResult, SegmentTotals, error) {
	totals := SegmentTotals{Customers: len(b.Customers), ABC: map[kam.ABCClass]int{}, Quadrants: map[kam.Quadrant]int{},
		NetRevenue12m: p.money(0), AnnualPotential: p.money(0), ImprovementValue: p.money(0)}
	tree, err := NewTree(b.Nodes)
	if err != nil {
		return nil, totals, err
	}
	entries := make([]SnapshotEntry, 0, len(b.Customers))
	for i := range b.Customers {
		if b.Customers[i].Inactive {
			continue
		}
		e, err := p.Entry(&b.Customers[i], tree, b.Rates)
		if err != nil {
			return nil, totals, fieldError(err, i)
		}
		if e.CustomerNo == "" {
			return nil, totals, fieldError(kam.Errorf(kam.Invalid, "the number is missing").On("customer_no"), i)
		}
		entries = append(entries, e)
	}
	snap, err := p.NewSnapshot("", entries)
	if err != nil {
		return nil, totals, err
	}
	results := make([]SegmentResult, len(b.Customers))
	sums := [3]big.Int{}
	ctx := SegmentContext{Rates: b.Rates, Snapshot: snap, Tree: tree}
	for i := range b.Customers {
		s, err := p.score(&b.Customers[i], b.Rates, nil)
		if err != nil {
			return nil, totals, fieldError(err, i)
		}
		r := p.segmentOf(s, ctx)
		results[i] = r
		totals.ABC[r.ABCClass]++
		totals.Quadrants[r.Quadrant]++
		sums[0].Add(&sums[0], big.NewInt(s.revenue))
		if r.AnnualPotential != nil {
			sums[1].Add(&sums[1], big.NewInt(r.AnnualPotential.Minor))
		}
		if r.ImprovementValue != nil {
			sums[2].Add(&sums[2], big.NewInt(r.ImprovementValue.Minor))
		}
	}
	for i, into := range []*kam.Money{&totals.NetRevenue12m, &totals.AnnualPotential, &totals.ImprovementValue} {
		if !sums[i].IsInt64() {
			return nil, totals, kam.Errorf(kam.Invalid, "the sum of all amounts is out of range").On("customers")
		}
		into.Minor = sums[i].Int64()
	}
	return results, totals, nil
}
