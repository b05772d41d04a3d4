package rules

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// A scored customer holds the exact figures of 1.3; see exact.go for scales.
type scored struct {
	c        *Customer
	revenue  int64 // minor units
	hasRev   bool
	spend    int64
	hasSpend bool
	basis    kam.PotentialBasis // "" where the potential is unknown
	pot      *big.Int           // 1e-4 minor units, zero where unknown
	attract  int64              // axis scale
	strength int64
	known    [2]kam.Dec // known weight of attractiveness and strength
	gap      *big.Int   // nil where unknown
	value    *big.Int   // improvement value, 1e-8 minor units, nil where unknown
	index    *big.Int   // of ipDen
	capSum   int64      // points x 100 of all items
	capKnown int
	score    *big.Int // of scoreDen
}

// axis adds up one axis of the matrix.
type axis struct {
	sum   int64
	known kam.Dec
	lines *[]criterion // filled where a record is wanted
}

func (a *axis) add(id string, value func() string, known bool, points, missing, weight kam.Dec) {
	if known {
		a.known += weight
	} else {
		points = missing
	}
	a.sum += int64(points) * int64(weight)
	if a.lines != nil {
		k := criterion{id: id, value: unknown, known: known, points: points, weight: weight}
		if known {
			k.value = value()
		}
		*a.lines = append(*a.lines, k)
	}
}

// score computes the exact figures of a customer. Lines of the two axes are
// appended to lines where it is not nil.
func (p *Set) score(c *Customer, rates map[string]kam.Rate, lines *[]criterion) (*scored, error) {
	if err := p.checkScores(c); err != nil {
		return nil, err
	}
	s := &scored{c: c}
	if err := p.scorePotential(s, rates); err != nil {
		return nil, err
	}
	if err := p.scoreAxes(s, lines); err != nil {
		return nil, err
	}
	p.scoreImprovement(s)
	ka := &p.KeyAccount.Weights
	s.score = new(big.Int).Mul(p.calc.axisMul, big.NewInt(int64(ka.Attractiveness)*s.attract+int64(ka.Strength)*s.strength))
	term := new(big.Int).Mul(s.index, big.NewInt(int64(ka.Improvement)))
	s.score.Add(s.score, term)
	s.score.Add(s.score, term.Mul(p.calc.capMul, big.NewInt(int64(ka.Capability)*s.capSum)))
	return s, nil
}

// checkScores refuses what cannot be scored: values outside their range.
func (p *Set) checkScores(c *Customer) error {
	for _, f := range [...]struct {
		name string
		v    *kam.Dec
		low  kam.Dec
		high kam.Dec
	}{
		{"product_fit", c.ProductFit, 0, 10000}, {"satisfaction", c.Satisfaction, 0, 10000},
		{"growth_outlook_pct", c.GrowthOutlookPct, -10000, 30000},
		{"expected_margin_pct", c.ExpectedMarginPct, -10000, 10000},
	} {
		if f.v != nil && (*f.v < f.low || *f.v > f.high) {
			return kam.Errorf(kam.Invalid, "%s is outside %s to %s", *f.v, f.low, f.high).On(f.name).By("VF02")
		}
	}
	if len(c.CapabilityItems) == 0 {
		return nil
	}
	seen := 0
	for _, item := range p.Capability.Items {
		v, ok := c.CapabilityItems[item]
		if ok && (v < 0 || v > 4) {
			return kam.Errorf(kam.Invalid, "%d is outside 0 to 4", v).On("capability_items." + item).By("VF02")
		}
		if ok {
			seen++
		}
	}
	if seen == len(c.CapabilityItems) {
		return nil
	}
	for _, item := range slices.Sorted(maps.Keys(c.CapabilityItems)) {
		if !slices.Contains(p.Capability.Items, item) {
			return kam.Errorf(kam.Invalid, "there is no such item").On("capability_items." + kam.Clip(item, 60)).By("VF02").
				Advise(kam.Nearest(item, p.Capability.Items))
		}
	}
	return nil
}

// scorePotential finds revenue, spend and the annual potential: with known
// spend the larger of revenue and the attainable share of it, else what the
// customer declared (P2.4.4).
func (p *Set) scorePotential(s *scored, rates map[string]kam.Rate) (err error) {
	c := s.c
	if c.NetRevenue12m != nil {
		s.hasRev = true
		if s.revenue, err = p.toBase(c.NetRevenue12m, "net_revenue_12m", rates); err != nil {
			return err
		}
	}
	if c.AddressableSpend12m != nil {
		if s.spend, err = p.toBase(c.AddressableSpend12m, "addressable_spend_12m", rates); err != nil {
			return err
		}
		if s.spend < 0 {
			return kam.Errorf(kam.Invalid, "the spend is below zero").On("addressable_spend_12m").By("VF02")
		}
		s.hasSpend, s.basis = true, kam.BasisWallet
		s.pot = mul(s.spend, int64(p.Improvement.AttainableSharePct))
		if rev := mul(max(s.revenue, 0), potScale); rev.Cmp(s.pot) > 0 {
			s.pot = rev
		}
		return nil
	}
	s.pot = new(big.Int)
	if c.DeclaredPotential == nil {
		return nil
	}
	minor, err := p.toBase(c.DeclaredPotential, "declared_potential", rates)
	if err != nil {
		return err
	}
	if minor < 0 {
		return kam.Errorf(kam.Invalid, "the potential is below zero").On("declared_potential").By("VF02")
	}
	s.basis, s.pot = kam.BasisDeclared, mul(minor, potScale)
	return nil
}

// share is the share of wallet as a fraction num/den of percent (D16); den is
// zero where it is unknown.
func (s *scored) share() (num, den int64) {
	switch {
	case s.hasRev && s.revenue <= 0:
		return 0, 1
	case s.hasRev && s.hasSpend && s.spend > 0:
		return s.revenue, s.spend
	}
	return 0, 0
}

// sharePoints compares exactly: revenue x 10,000 against bound x spend.
func (p *Set) sharePoints(num, den int64) kam.Dec {
	b := p.Strength.Bands.ShareOfWalletPct
	points := b[0].Points
	scaled := mul(num, 1e4)
	for _, row := range b[1:] {
		if scaled.Cmp(mul(den, int64(row.From))) < 0 {
			break
		}
		points = row.Points
	}
	return points
}

func (p *Set) scoreAxes(s *scored, lines *[]criterion) error {
	c, missing := s.c, p.Scoring.MissingPoints
	a, w := axis{lines: lines}, &p.Attract.Weights
	potential := kam.Dec(0)
	if s.basis != "" {
		potential = p.calc.attPot.at(s.pot)
	}
	a.add("attractiveness.annual_potential", func() string { return p.money(s.potential()).String() }, s.basis != "", potential, missing, w.AnnualPotential)
	a.number("attractiveness.growth", c.GrowthOutlookPct, p.Attract.Bands.GrowthPct, missing, w.Growth)
	margin := c.MarginPct
	if margin == nil {
		margin = c.ExpectedMarginPct
	}
	a.number("attractiveness.margin_potential", margin, p.Attract.Bands.MarginPct, missing, w.MarginPotential)
	for _, m := range [...]struct {
		id, field, value string
		points           policy.ScoreMap
		weight           kam.Dec
	}{
		{"attractiveness.strategic_fit", "strategic_fit", string(c.StrategicFit), p.Attract.Maps.StrategicFit, w.StrategicFit},
		{"attractiveness.buying_centralization", "buying_centralization", string(c.BuyingCentralization), p.Attract.Maps.Buying, w.Buying},
		{"attractiveness.reference_value", "reference_value", string(c.ReferenceValue), p.Attract.Maps.ReferenceValue, w.ReferenceValue},
	} {
		if err := a.value(m.id, m.field, m.value, m.points, missing, m.weight); err != nil {
			return err
		}
	}
	s.attract, s.known[0] = a.sum, a.known

	st, sw := axis{lines: lines}, &p.Strength.Weights
	num, den := s.share()
	points := kam.Dec(0)
	if den > 0 {
		points = p.sharePoints(num, den)
	}
	st.add("strength.share_of_wallet", func() string { return s.sharePct().Fixed() }, den > 0, points, missing, sw.ShareOfWallet)
	if err := st.value("strength.relationship_stage", "relationship_stage", string(c.RelationshipStage), p.Strength.Maps.RelationshipStage, missing, sw.RelationshipStage); err != nil {
		return err
	}
	st.number("strength.product_fit", c.ProductFit, nil, missing, sw.ProductFit)
	st.number("strength.satisfaction", c.Satisfaction, nil, missing, sw.Satisfaction)
	s.strength, s.known[1] = st.sum, st.known
	return nil
}

// number adds a figure, by bands or, without bands, as entered.
func (a *axis) number(id string, v *kam.Dec, bands policy.Bands, missing, weight kam.Dec) {
	points := kam.Dec(0)
	if v != nil {
		points = *v
		if bands != nil {
			points = bands.At(*v)
		}
	}
	a.add(id, func() string { return v.String() }, v != nil, points, missing, weight)
}

func (a *axis) value(id, field, v string, m policy.ScoreMap, missing, weight kam.Dec) error {
	points, ok := m[v]
	if v != "" && !ok {
		return notInSet(field, v)
	}
	a.add(id, func() string { return v }, v != "", points, missing, weight)
	return nil
}

// potential is the annual potential in minor units, half up.
func (s *scored) potential() int64 { return roundDiv(s.pot, tenK) }

// sharePct is the share of wallet in percent; 0 where it is unknown.
func (s *scored) sharePct() kam.Dec {
	num, den := s.share()
	if den == 0 {
		return 0
	}
	return kam.Dec(roundDiv(mul(num, 1e4), big.NewInt(den)))
}

// leak is the leakage of a P&L line in 1e-4 minor units: what the line costs
// over its benchmark (P3.3.5).
func (p *Set) leak(s *scored, line string) (parts *big.Int, over kam.Dec) {
	actual, ok := s.c.PLLinesPct[line]
	if over = actual - p.Improvement.Benchmarks[line]; !ok || over <= 0 {
		return nil, over
	}
	return mul(int64(over), max(s.revenue, 0)), over
}

// scoreImprovement computes gap, improvement value, capability and the index.
// Where revenue or potential is unknown, so are the gap and the value, and the
// index takes the missing points.
func (p *Set) scoreImprovement(s *scored) {
	missing := int64(p.Scoring.MissingPoints)
	for _, item := range p.Capability.Items {
		if v, ok := s.c.CapabilityItems[item]; ok {
			s.capSum += int64(v) * 2500
			s.capKnown++
		} else {
			s.capSum += missing
		}
	}
	if !s.hasRev || s.basis == "" {
		s.index = new(big.Int).Mul(p.calc.ipDen, big.NewInt(missing))
		s.index.Div(s.index, tenK)
		return
	}
	s.gap = new(big.Int).Sub(s.pot, mul(s.revenue, potScale))
	if s.gap.Sign() < 0 {
		s.gap.SetInt64(0)
	}
	s.value = new(big.Int).Mul(s.gap, big.NewInt(int64(p.Improvement.BenchmarkMarginPct)))
	if len(s.c.PLLinesPct) > 0 {
		for _, line := range p.calc.lines {
			if parts, _ := p.leak(s, line); parts != nil {
				s.value.Add(s.value, parts.Mul(parts, tenK))
			}
		}
	}
	s.index = new(big.Int).Mul(s.value, big.NewInt(s.capSum))
	if s.index.Cmp(p.calc.ipDen) > 0 {
		s.index.Set(p.calc.ipDen)
	}
}

// completeness is the mean of the known shares of attractiveness, strength
// and capability (D17), in 1/100 percent x 3n for exact means over a group.
func (p *Set) completeness(s *scored) int64 {
	n := int64(len(p.Capability.Items))
	return n*(int64(s.known[0])+int64(s.known[1])) + int64(s.capKnown)*10000
}

// fieldError puts the place of a customer in a book before the field.
func fieldError(err error, i int) error {
	e := kam.AsError(err)
	if e == nil {
		return err
	}
	c := *e
	c.Field = fmt.Sprintf("customers[%d].%s", i, e.Field)
	return &c
}
