package rules

import (
	"maps"
	"math/big"
	"math/bits"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// RollUpBook rolls every group of a book up (P3.5.3). A customer without
// group is its own; inactive customers do not count; groups come sorted by id.
func (p *Set) RollUpBook(b Book) ([]RollUp, error) {
	groups, err := p.groups(b)
	if err != nil {
		return nil, err
	}
	out := make([]RollUp, len(groups))
	for i, g := range groups {
		out[i] = g.RollUp
	}
	return out, nil
}

// groups scores the book and rolls its groups up, sorted by id.
func (p *Set) groups(b Book) ([]*group, error) {
	tree, err := NewTree(b.Nodes)
	if err != nil {
		return nil, err
	}
	byID := map[string][]*scored{}
	place := make(map[string]int, len(b.Customers))
	for i := range b.Customers {
		c := &b.Customers[i]
		if _, double := place[c.CustomerNo]; double || c.CustomerNo == "" {
			return nil, fieldError(kam.Errorf(kam.Invalid, "the number %q is missing or stands there twice", kam.Clip(c.CustomerNo, 60)).On("customer_no"), i)
		}
		place[c.CustomerNo] = i
		s, err := p.score(c, b.Rates, nil)
		if err != nil {
			return nil, fieldError(err, i)
		}
		if code := c.TerritoryCode; code != "" && tree.find(code) < 0 {
			return nil, fieldError(kam.Errorf(kam.Invalid, "there is no node %q", kam.Clip(code, 60)).On("territory_code").Try("add it to nodes"), i)
		}
		key := c.GroupID
		if key == "" {
			key = c.CustomerNo
		}
		byID[key] = append(byID[key], s)
	}
	out := make([]*group, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		g, err := p.rollUp(id, active(byID[id]), tree)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}

// active leaves inactive members out; a group without any active one stays as
// it is, and fails KG1.
func active(members []*scored) []*scored {
	out := make([]*scored, 0, len(members))
	for _, m := range members {
		if !m.c.Inactive {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return members
	}
	return out
}

// A Classification is the outcome of 1.5 for a group: the roll-up with gates,
// nomination, the standing before and hysteresis. Tier and home node are those
// of the result; for a holder who keeps the tier they are his.
type Classification struct {
	RollUp
	KAStatus     kam.KAStatus            `json:"ka_status"`
	Change       kam.ClassificationShift `json:"change"`
	Gates        []onboarding.Gate       `json:"gates"`
	WatchList    bool                    `json:"watch_list"`
	Provisional  bool                    `json:"provisional"`
	ReviewInDays int                     `json:"review_in_days"`
	// FailedReviews is the count of failing reviews in a row after this run.
	FailedReviews int `json:"-"`
	// Nominated says that a person asked for key account status, which goes
	// to endorsement whatever the score.
	Nominated bool `json:"-"`
	// HeadCountry is the COUNTRY node of the group head, whose manager
	// endorses GLOBAL together with the global manager (D19).
	HeadCountry string `json:"-"`
	// NextLevel says what stops the next tier.
	NextLevel string `json:"-"`
	Headline  string `json:"-"`
}

// NeedsEndorsement says whether people must decide (1.5.5).
func (c Classification) NeedsEndorsement() bool {
	return c.Nominated && c.Change != kam.ShiftNone || c.Change == kam.ShiftPromote || c.Change == kam.ShiftDemote || c.Change == kam.ShiftTierChange
}

// Classify is step 1.5 for one group: all its customers, with the standing of
// the group in Current of any of them. An error names the member's field as
// "customers[i].field".
func (p *Set) Classify(groupID string, members []Customer, tree *Tree, rates map[string]kam.Rate) (Classification, onboarding.DecisionRecord, error) {
	if len(members) == 0 {
		return Classification{}, onboarding.DecisionRecord{}, kam.Errorf(kam.Invalid, "the group has no member").On("customers")
	}
	list := make([]*scored, len(members))
	for i := range members {
		s, err := p.score(&members[i], rates, nil)
		if err != nil {
			return Classification{}, onboarding.DecisionRecord{}, fieldError(err, i)
		}
		list[i] = s
	}
	g, err := p.rollUp(groupID, active(list), tree)
	if err != nil {
		return Classification{}, onboarding.DecisionRecord{}, err
	}
	c := p.classify(g, tree)
	return c, p.classRecord(&c), nil
}

// ClassifyBook classifies every group of a book, sorted by id.
func (p *Set) ClassifyBook(b Book) ([]Classification, error) {
	groups, err := p.groups(b)
	if err != nil {
		return nil, err
	}
	tree, err := NewTree(b.Nodes)
	if err != nil {
		return nil, err
	}
	out := make([]Classification, len(groups))
	for i, g := range groups {
		out[i] = p.classify(g, tree)
	}
	return out, nil
}

func (p *Set) classRecord(c *Classification) onboarding.DecisionRecord {
	outcome := string(c.Tier)
	if outcome == "" {
		outcome = string(c.KAStatus)
	}
	score := c.Score
	return onboarding.DecisionRecord{Step: "1.5", Kind: onboarding.RecordClassification, Policy: p.Ref(), RulesVersion: Version, Outcome: outcome, Headline: c.Headline,
		Score: &score, Missing: c.Missing, Gates: c.Gates, Tests: c.Tests, Members: c.Members, HomeNode: string(c.HomeNode)}
}

// standing is the group's status before the run.
func (g *group) standing() (cur Current, nominated bool) {
	for i := range g.sites {
		c := g.sites[i].c
		nominated = nominated || c.Nominated || c.NominateKeyAccount
		if k := c.Current; k != nil && k.KAStatus == kam.KA {
			cur.KAStatus = kam.KA
			cur.FailedReviews = max(cur.FailedReviews, k.FailedReviews)
			if k.Tier.Rank() > cur.Tier.Rank() {
				cur.Tier = k.Tier
			}
		}
	}
	if cur.KAStatus == kam.KA && cur.Tier.Rank() < 0 {
		cur.Tier = kam.TierTerritory
	}
	return cur, nominated
}

// classify applies gates, nomination and hysteresis (P3.5.1, P3.5.4).
func (p *Set) classify(g *group, tree *Tree) Classification {
	cur, nominated := g.standing()
	out := Classification{RollUp: g.RollUp, KAStatus: kam.NonKA, Change: kam.ShiftNone, Nominated: nominated}
	holder := cur.KAStatus == kam.KA
	declared := mulBig(g.declared, 2).Cmp(g.total) > 0
	gates := p.gates(g, holder, nominated, declared)
	out.Gates = gates.list
	reach := min(g.span, g.size)
	if declared && !nominated {
		reach = p.declaredReach(g, reach, cur.Tier.Rank())
	}
	tier := -1
	if holder {
		tier = p.held(g, cur, gates, reach, &out)
	} else if gates.failed == "" {
		tier = reach
		if nominated && tier < 0 {
			tier = 0
		}
		if tier >= 0 {
			out.Change = kam.ShiftPromote
		}
	}
	if tier >= 0 {
		out.KAStatus = kam.KA
	}
	out.Tier = TierOrNone(tierAt(tier))
	out.HomeNode = TextOrNull(g.home(tree, tier))
	out.NextLevel = g.stops(tier)
	low := p.calc.tiers[0].row.MinScore
	out.WatchList = tier < 0 && !holder && gates.failed == "" && g.Score >= low-p.KeyAccount.WatchMargin && g.Score < low
	out.Provisional = declared
	out.ReviewInDays = p.reviewDays(&out)
	out.HeadCountry = g.head(tree)
	out.Headline = p.classHeadline(&out, gates)
	return out
}

func (p *Set) reviewDays(c *Classification) int {
	switch {
	case c.Provisional || c.WatchList:
		return p.KeyAccount.ProvisionalReviewDay
	case c.KAStatus == kam.KA:
		return p.Review.KAReviewDays
	}
	return p.Review.NonKAReviewDays
}

// held decides on a holder and returns the rank of the tier, -1 for none.
func (p *Set) held(g *group, cur Current, gates gateResult, reach int, out *Classification) int {
	have := cur.Tier.Rank()
	l := p.calc.tiers[have]
	ka := &p.KeyAccount
	soft := gates.failed == ""
	stays := soft && g.Score >= l.row.MinScore-ka.StayMargin && atLeast(g.minor, l.min, ka.PotentialStayFactor)
	lower := min(reach, have-1)
	if !soft {
		lower = -1
	}
	switch {
	case gates.hard, g.Score < ka.DropBelow:
		out.Change = kam.ShiftDemote
		return lower
	case soft && reach > have:
		out.Change = kam.ShiftTierChange
		return reach
	case stays && g.span >= have:
		return have
	case stays: // a site closed, the group was split or the territories redrawn
		out.Change = kam.ShiftTierChange
		return g.span
	}
	out.FailedReviews = cur.FailedReviews + 1
	if out.FailedReviews < ka.DemoteAfterReviews {
		out.Change = kam.ShiftKeepOnNotice
		return have
	}
	out.Change = kam.ShiftDemote
	return lower
}

// declaredReach lowers what a mostly declared potential reaches: the minima
// are raised, and the highest tier that still passes wins (D19). A tier that
// is held already is not taken away by it.
func (p *Set) declaredReach(g *group, reach, have int) int {
	for reach > have && reach >= 0 && !atLeast(g.minor, p.calc.tiers[reach].min, p.KeyAccount.ProvisionalFactor) {
		reach--
	}
	return reach
}

// atLeast says whether v >= limit x factor, exactly.
func atLeast(v, limit int64, factor kam.Dec) bool {
	ah, al := bits.Mul64(uint64(max(v, 0)), 100)
	bh, bl := bits.Mul64(uint64(max(limit, 0)), uint64(factor))
	return ah > bh || ah == bh && al >= bl
}

// gateResult: failed is the first gate that failed, hard says that it is one
// of KG1 to KG3, which no nomination passes.
type gateResult struct {
	list   []onboarding.Gate
	failed string
	hard   bool
}

// gates tests KG1 to KG6 (P3.5.1, D19): KG1 to KG3 fail if any material site
// fails, the others look at the group.
func (p *Set) gates(g *group, holder, nominated, declared bool) gateResult {
	r := gateResult{}
	add := func(id string, passed, soft bool, args ...string) {
		gate := onboarding.Gate{ID: id, Passed: passed, Reason: English.Text("gate.passed")}
		switch {
		case passed:
		case soft && nominated:
			gate.Passed, gate.Reason = true, English.Text("gate.waived")
		default:
			gate.Reason = English.Text(id, args...)
			if r.failed == "" {
				r.failed, r.hard = id, !soft
			}
		}
		r.list = append(r.list, gate)
	}
	for _, hard := range []struct {
		id    string
		fails func(c *Customer) bool
	}{
		{"KG1", func(c *Customer) bool { return c.Inactive || c.HasError }},
		{"KG2", func(c *Customer) bool {
			return stopped(c, "HS1") || stopped(c, "HS2")
		}},
		{"KG3", func(c *Customer) bool {
			return c.CreditRating == kam.CreditD || c.FinanceHold || stopped(c, "HS7") || stopped(c, "HS8")
		}},
	} {
		var who []string
		for i := range g.sites {
			if s := &g.sites[i]; s.material && hard.fails(s.c) {
				who = append(who, s.c.CustomerNo)
			}
		}
		add(hard.id, len(who) == 0, false, strings.Join(who, ", "))
	}
	ka := &p.KeyAccount
	add("KG4", g.mixed >= ka.MinCompletenessPct, true, g.mixed.Fixed(), ka.MinCompletenessPct.String())
	factor := kam.DecFromInt(1)
	if holder {
		factor = ka.PotentialStayFactor
	}
	low := p.calc.tiers[0].min
	add("KG5", atLeast(g.minor, low, factor), true, plainAmount(g.Potential), p.times(low, factor))
	factor = ka.ProvisionalFactor
	add("KG6", !declared || holder || atLeast(g.minor, low, factor), true, plainAmount(g.Potential), p.times(low, factor))
	return r
}

// times is a limit with its factor, as people read it.
func (p *Set) times(limit int64, factor kam.Dec) string {
	return plainAmount(p.money(roundDiv(mul(limit, int64(factor)), hundred)))
}

// stopped says whether the facts hold a hard stop, by its short or full name.
func stopped(c *Customer, id string) bool {
	return slices.ContainsFunc(c.HardStops, func(h string) bool { return h == id || strings.HasPrefix(h, id+"_") })
}

// head is the country node of the group head: the one member without a
// parent, else the country with the largest potential, ties by code.
func (g *group) head(tree *Tree) string {
	heads, last := 0, ""
	sums := map[string]*big.Int{}
	for i := range g.sites {
		s := &g.sites[i]
		country := tree.above(s.c.TerritoryCode, kam.LevelCountry)
		if country == "" {
			country = s.c.CountryCode
		}
		if s.c.ParentCustomerID == "" {
			heads, last = heads+1, country
		}
		if sums[country] == nil {
			sums[country] = new(big.Int)
		}
		sums[country].Add(sums[country], s.pot)
	}
	if heads == 1 && last != "" {
		return last
	}
	countries := slices.Sorted(maps.Keys(sums))
	sort.SliceStable(countries, func(i, j int) bool { return sums[countries[i]].Cmp(sums[countries[j]]) > 0 })
	return countries[0]
}

func (p *Set) classHeadline(c *Classification, gates gateResult) string {
	potential, score := c.Potential.String(), c.Score.Fixed()
	switch {
	case c.Change == kam.ShiftKeepOnNotice:
		return English.Text("ka.notice", string(c.Tier), potential, score)
	case c.KAStatus == kam.KA && c.Nominated:
		return English.Text("ka.nominated", string(c.Tier), potential, score)
	case c.KAStatus == kam.KA:
		return English.Text("ka.KA", string(c.Tier), potential, score)
	case gates.failed != "":
		n, err := strconv.Atoi(gates.failed[2:])
		if err != nil {
			return gates.failed
		}
		return English.Text("ka.gate", gates.failed, gates.list[n-1].Reason)
	case c.WatchList:
		return English.Text("ka.watch", c.NextLevel)
	}
	return English.Text("ka.NON_KA", c.NextLevel)
}
