package rules

import (
	"math/big"
	"sort"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// TierOrNone is a tier that is written as NON_KA where there is none.
type TierOrNone kam.Tier

// MarshalJSON writes the tier or "NON_KA".
func (t TierOrNone) MarshalJSON() ([]byte, error) {
	if t == "" {
		t = TierOrNone(kam.NonKA)
	}
	return []byte(`"` + string(t) + `"`), nil
}

// A TextOrNull is a text that is written as null where it is empty.
type TextOrNull string

// MarshalJSON writes the text or null. The texts are codes and enum values,
// or came through JSON; they are quoted by the library.
func (t TextOrNull) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return quote(string(t)), nil
}

// A RollUp is a group of customers seen as one account (P3.5.3), before gates
// and history.
type RollUp struct {
	GroupID       string                `json:"group_id"`
	Members       []string              `json:"members"`
	MaterialSites []string              `json:"material_sites"`
	Potential     kam.Money             `json:"potential"`
	Score         kam.Dec               `json:"score"`
	Buying        TextOrNull            `json:"buying"`
	SpanLevel     kam.Tier              `json:"span_level"`
	AloneLevel    TextOrNull            `json:"alone_level"`
	SizeLevel     TierOrNone            `json:"size_level"`
	Tier          TierOrNone            `json:"tier"`
	HomeNode      TextOrNull            `json:"home_node"`
	Tests         []onboarding.TierTest `json:"tests"`
	// Stops says what stops the next level, "" at GLOBAL: for people.
	Stops   string   `json:"-"`
	Missing []string `json:"-"` // what could not be taken into account
}

// A site is a member of a group with its figures.
type site struct {
	*scored
	node     int // in the tree, -1 where unknown
	material bool
}

// A group is the exact state behind a RollUp.
type group struct {
	RollUp
	sites    []site
	total    *big.Int // potential of all members, 1e-4 minor units
	declared *big.Int // the part of it that is only declared
	minor    int64    // potential, rounded
	span     int      // rank of the span level, lifted by alone_at
	size     int      // rank of the size level, -1 for none
	mixed    kam.Dec  // completeness of the material sites, weighted by potential
}

// rollUp computes P3.5.3 for the members of one group, sorted by number.
func (p *Set) rollUp(id string, members []*scored, tree *Tree) (*group, error) {
	sort.Slice(members, func(i, j int) bool { return members[i].c.CustomerNo < members[j].c.CustomerNo })
	g := &group{RollUp: RollUp{GroupID: id, MaterialSites: []string{}}, total: new(big.Int), declared: new(big.Int),
		sites: make([]site, 0, len(members))}
	for _, s := range members {
		node := -1
		if code := s.c.TerritoryCode; code == "" {
			g.Missing = append(g.Missing, s.c.CustomerNo+".territory_code")
		} else if node = tree.find(code); node < 0 {
			return nil, kam.Errorf(kam.Invalid, "there is no node %q", kam.Clip(code, 60)).On("territory_code").Try("add it to nodes")
		}
		if s.basis == "" {
			g.Missing = append(g.Missing, s.c.CustomerNo+".annual_potential")
		}
		if s.c.BuyingCentralization == "" {
			g.Missing = append(g.Missing, s.c.CustomerNo+".buying_centralization")
		}
		g.sites = append(g.sites, site{scored: s, node: node})
		g.Members = append(g.Members, s.c.CustomerNo)
		g.total.Add(g.total, s.pot)
		if s.basis == kam.BasisDeclared {
			g.declared.Add(g.declared, s.pot)
		}
	}
	g.minor = roundDiv(g.total, tenK)
	g.Potential = p.money(g.minor)
	p.markMaterial(g)
	p.groupScore(g)
	p.levels(g, tree)
	p.tests(g)
	tier := min(g.span, g.size)
	g.Tier = TierOrNone(tierAt(tier))
	g.HomeNode = TextOrNull(g.home(tree, tier))
	g.Stops = g.stops(tier)
	return g, nil
}

// markMaterial finds the material sites: large enough, and a fair part of the
// group. Without any, all count.
func (p *Set) markMaterial(g *group) {
	share := mulBig(g.total, int64(p.KeyAccount.Material.MinSharePct))
	any := false
	for i := range g.sites {
		s := &g.sites[i]
		s.material = s.pot.Cmp(p.calc.minValue) >= 0 && new(big.Int).Mul(s.pot, tenK).Cmp(share) >= 0
		any = any || s.material
	}
	for i := range g.sites {
		g.sites[i].material = g.sites[i].material || !any
		if g.sites[i].material {
			g.MaterialSites = append(g.MaterialSites, g.sites[i].c.CustomerNo)
		}
	}
}

// groupScore is the mean of score and completeness of the material sites by
// potential, the plain mean where no potential is known; buying is the highest.
func (p *Set) groupScore(g *group) {
	weights, score, known := new(big.Int), new(big.Int), new(big.Int)
	plain := true
	for i := range g.sites {
		plain = plain && (!g.sites[i].material || g.sites[i].pot.Sign() == 0)
	}
	best := -1
	for i := range g.sites {
		s := &g.sites[i]
		if !s.material {
			continue
		}
		w := s.pot
		if plain {
			w = big.NewInt(1)
		}
		weights.Add(weights, w)
		score.Add(score, new(big.Int).Mul(s.score, w))
		known.Add(known, mulBig(w, p.completeness(s.scored)))
		best = max(best, s.c.BuyingCentralization.Rank())
	}
	g.Score = decDiv(score, new(big.Int).Mul(weights, p.calc.scoreDen))
	g.mixed = kam.Dec(roundDiv(known, mulBig(weights, int64(3*len(p.Capability.Items)))))
	if best >= 0 {
		g.Buying = TextOrNull(kam.BuyingLevels[best])
	}
}

// levels finds span, the lift of a large single account, and size.
func (p *Set) levels(g *group, tree *Tree) {
	meet, seen := -1, false
	for i := range g.sites {
		s := &g.sites[i]
		switch {
		case !s.material || s.node < 0:
		case !seen:
			meet, seen = s.node, true
		case meet >= 0:
			meet = tree.common(meet, s.node)
		}
	}
	switch {
	case !seen:
		g.span = 0
	case meet < 0:
		g.span = len(kam.Tiers) - 1
	default:
		g.span = tree.rank[meet]
	}
	g.SpanLevel = kam.Tiers[g.span]
	g.size = -1
	for rank, l := range p.calc.tiers {
		if l.alone > 0 && g.minor >= l.alone {
			g.AloneLevel = TextOrNull(kam.Tiers[rank])
			g.span = max(g.span, rank)
		}
		if g.minor >= l.min && g.Score >= l.row.MinScore && p.buys(g, rank) {
			g.size = rank
		}
	}
	g.SizeLevel = TierOrNone(tierAt(g.size))
}

// buys is the buying test of a tier: central enough, or large enough to do
// without. Unknown buying counts as LOCAL, the lowest.
func (p *Set) buys(g *group, rank int) bool {
	l := p.calc.tiers[rank]
	return l.alone > 0 && g.minor >= l.alone ||
		max(kam.BuyingLevel(g.Buying).Rank(), 0) >= l.row.MinBuying.Rank()
}

// tests lists every test of every tier with value and limit, from GLOBAL down.
func (p *Set) tests(g *group) {
	buying, span := string(g.Buying), string(g.SpanLevel)
	if buying == "" {
		buying = unknown
	}
	g.Tests = make([]onboarding.TierTest, 0, 16)
	level := onboarding.LevelFigure
	for rank := len(kam.Tiers) - 1; rank >= 0; rank-- {
		l, tier := p.calc.tiers[rank], kam.Tiers[rank]
		reach := span
		if g.span >= rank && g.SpanLevel.Rank() < rank {
			reach = string(g.AloneLevel) // lifted
		}
		g.Tests = append(g.Tests,
			onboarding.TierTest{Tier: tier, Test: "potential", Value: onboarding.AmountFigure(g.Potential), Limit: onboarding.AmountFigure(p.money(l.min)), Passed: g.minor >= l.min},
			onboarding.TierTest{Tier: tier, Test: "score", Value: onboarding.ScoreFigure(g.Score), Limit: onboarding.ScoreFigure(l.row.MinScore), Passed: g.Score >= l.row.MinScore},
			onboarding.TierTest{Tier: tier, Test: "buying", Value: level(buying), Limit: level(string(l.row.MinBuying)), Passed: p.buys(g, rank)},
			onboarding.TierTest{Tier: tier, Test: "span", Value: level(reach), Limit: level(string(tier)), Passed: g.span >= rank})
	}
}

// stops says which tests stop the level above a rank, from the tests.
func (g *group) stops(rank int) string {
	next := tierAt(rank + 1)
	if next == "" {
		return ""
	}
	text := ""
	for _, t := range g.Tests {
		if t.Tier == next && !t.Passed {
			if text != "" {
				text += ", "
			}
			text += English.Text("stop."+t.Test, t.Value.String(), t.Limit.String())
		}
	}
	return string(next) + ": " + text
}

// home is the node of the tier's level that holds the largest part of the
// material potential, ties by the smaller code.
func (g *group) home(tree *Tree, tier int) string {
	if tier < 0 {
		return ""
	}
	sums := map[int]*big.Int{}
	best := -1
	for i := range g.sites {
		s := &g.sites[i]
		if !s.material || s.node < 0 {
			continue
		}
		at := tree.climb(s.node, tier)
		if sums[at] == nil {
			sums[at] = new(big.Int)
		}
		sums[at].Add(sums[at], s.pot)
	}
	for at, sum := range sums { // the order does not matter: ties go by code
		if best < 0 || sum.Cmp(sums[best]) > 0 || sum.Cmp(sums[best]) == 0 && tree.codes[at] < tree.codes[best] {
			best = at
		}
	}
	if best < 0 {
		return ""
	}
	return tree.codes[best]
}

// tierAt is the tier of a rank, none outside 0 to 3.
func tierAt(rank int) kam.Tier {
	if rank < 0 || rank >= len(kam.Tiers) {
		return kam.TierNone
	}
	return kam.Tiers[rank]
}
