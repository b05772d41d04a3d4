package rules

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// A criterion is one line of a score, with the changes that are open to it.
type criterion struct {
	id      string
	value   string
	known   bool
	points  kam.Dec
	weight  kam.Dec
	options []option
}

type option struct {
	to     string
	points kam.Dec
}

const unknown = "UNKNOWN"

// AddDecision is step 1.1.4, determine whether to add (P3.2). Rates are base
// currency units for one unit of a foreign currency. The record names hard
// stops, criteria, what is missing and what would lift the outcome. An amount
// that cannot be converted, or a value outside its set, is an error on its
// field.
func (p *Set) AddDecision(c Customer, rates map[string]kam.Rate) (kam.DecisionRecord, error) {
	criteria, err := p.addCriteria(&c, rates)
	if err != nil {
		return kam.DecisionRecord{}, err
	}
	stops, err := p.hardStops(&c)
	if err != nil {
		return kam.DecisionRecord{}, err
	}
	score, confidence, outcome := p.addOutcome(criteria, stops)
	rec := kam.DecisionRecord{
		Step: "1.1.4", Kind: kam.RecordAdd, Policy: p.Ref(), RulesVersion: Version, Outcome: string(outcome),
		Score: &score, Confidence: &confidence, HardStops: stops,
	}
	for _, k := range criteria {
		rec.Criteria = append(rec.Criteria, k.result())
		if !k.known {
			rec.Missing = append(rec.Missing, k.id)
		}
	}
	if outcome != kam.Add {
		rec.WouldChange = p.wouldChange(&c, criteria, stops, outcome)
	}
	rec.Headline = p.Headline(rec, English)
	return rec, nil
}

// result is the line as the record holds it.
func (k criterion) result() kam.CriterionResult {
	return kam.CriterionResult{ID: k.id, Value: k.value, Points: k.points, Weight: k.weight,
		Contribution: kam.Dec(roundSmall(int64(k.points)*int64(k.weight), potScale))}
}

// addCriteria are the six criteria of P3.2 in their order.
func (p *Set) addCriteria(c *Customer, rates map[string]kam.Rate) ([]criterion, error) {
	a := &p.Add
	potential := criterion{id: "annual_potential", value: unknown, points: a.MissingPoints, weight: a.Weights.AnnualPotential}
	if c.DeclaredPotential != nil {
		minor, err := p.toBase(c.DeclaredPotential, "declared_potential", rates)
		if err != nil {
			return nil, err
		}
		if minor < 0 {
			return nil, kam.Errorf(kam.Invalid, "the potential is below zero").On("declared_potential").By("VF02")
		}
		potential.known, potential.value = true, p.money(minor).String()
		potential.points = p.calc.addPot.at(mul(minor, potScale))
	}
	potential.options = p.calc.options["annual_potential"]
	growth := criterion{id: "growth_outlook_pct", value: unknown, points: a.MissingPoints, weight: a.Weights.GrowthOutlook}
	if g := c.GrowthOutlookPct; g != nil {
		if *g < -100_00 || *g > 300_00 {
			return nil, kam.Errorf(kam.Invalid, "%s is outside -100 to 300", *g).On("growth_outlook_pct").By("VF02")
		}
		growth.known, growth.value, growth.points = true, g.String(), a.Bands.GrowthOutlookPct.At(*g)
	}
	growth.options = p.calc.options["growth_outlook_pct"]
	out := []criterion{potential, {}, growth, {}, {}, {}}
	for _, m := range []struct {
		at     int
		id     string
		value  string
		weight kam.Dec
		points policy.ScoreMap
	}{
		{1, "strategic_fit", string(c.StrategicFit), a.Weights.StrategicFit, a.Maps.StrategicFit},
		{3, "credit_rating", string(c.CreditRating), a.Weights.CreditRating, a.Maps.CreditRating},
		{4, "relationship_access", string(c.RelationshipAccess), a.Weights.RelationshipAccess, a.Maps.RelationshipAccess},
		{5, "cost_to_serve", string(c.CostToServe), a.Weights.CostToServe, a.Maps.CostToServe},
	} {
		k := criterion{id: m.id, value: unknown, points: a.MissingPoints, weight: m.weight, options: p.calc.options[m.id]}
		if m.value != "" {
			points, ok := m.points[m.value]
			if !ok {
				return nil, notInSet(m.id, m.value)
			}
			k.value, k.points, k.known = m.value, points, m.value != unknown
		}
		out[m.at] = k
	}
	return out, nil
}

// addOptions lists what each criterion could be changed to, by rising points.
func addOptions(a *policy.Add) map[string][]option {
	out := map[string][]option{}
	for _, b := range a.Bands.AnnualPotential {
		out["annual_potential"] = append(out["annual_potential"], option{">= " + b.From.String(), b.Points})
	}
	for _, b := range a.Bands.GrowthOutlookPct {
		out["growth_outlook_pct"] = append(out["growth_outlook_pct"], option{">= " + b.From.String(), b.Points})
	}
	for id, m := range map[string]policy.ScoreMap{"strategic_fit": a.Maps.StrategicFit, "credit_rating": a.Maps.CreditRating,
		"relationship_access": a.Maps.RelationshipAccess, "cost_to_serve": a.Maps.CostToServe} {
		for _, v := range kam.Choices(id) {
			if v != unknown {
				out[id] = append(out[id], option{v, m[v]})
			}
		}
	}
	for _, list := range out {
		sort.SliceStable(list, func(i, j int) bool { return list[i].points < list[j].points })
	}
	return out
}

func notInSet(field, value string) error {
	return kam.Errorf(kam.Invalid, "%q is not a value of the set", kam.Clip(value, 60)).On(field).By("VF02").
		Try("use one of %s", kam.ListOf(kam.Choices(field)))
}

// stopCheck finds a hard stop in the request itself; the others come with the
// facts.
var stopChecks = map[string]func(*Set, *Customer) bool{
	policy.StopCountryNotServed: func(p *Set, c *Customer) bool {
		served := p.Market.ServedCountries
		return len(served) > 0 && c.CountryCode != "" && !slices.Contains(served, c.CountryCode)
	},
	policy.StopIndustryExcluded: func(p *Set, c *Customer) bool {
		return slices.ContainsFunc(p.Market.ExcludedIndustry, func(prefix string) bool { return strings.HasPrefix(c.IndustryCode, prefix) })
	},
	policy.StopFinanceHold: func(_ *Set, c *Customer) bool { return c.FinanceHold },
	policy.StopCreditD:     func(_ *Set, c *Customer) bool { return c.CreditRating == kam.CreditD },
}

// hardStops lists the stops that hold and are enabled, in the policy's order.
func (p *Set) hardStops(c *Customer) ([]kam.HardStop, error) {
	given := map[int]bool{}
	for i, id := range c.HardStops {
		at, ok := p.calc.stopAt[id]
		if !ok {
			return nil, kam.Errorf(kam.Invalid, "there is no hard stop %q", kam.Clip(id, 60)).On(fmt.Sprintf("hard_stops[%d]", i)).
				Try("use one of %s", kam.ListOf(policy.HardStops))
		}
		given[at] = true
	}
	var stops []kam.HardStop
	for i, h := range p.Add.HardStops {
		check := stopChecks[h.ID]
		if h.Enabled && (given[i] || check != nil && check(p, c)) {
			stops = append(stops, kam.HardStop{ID: h.ID, Outcome: h.Outcome})
		}
	}
	return stops, nil
}

// stopsWith are the stops of the same request with another credit rating.
func (p *Set) stopsWith(c *Customer, rating kam.CreditRating) []kam.HardStop {
	other := *c
	other.CreditRating = rating
	stops, err := p.hardStops(&other)
	if err != nil { // the same names passed before
		return nil
	}
	return stops
}

// strictness ranks the outcomes of 1.1.4, strictest last.
var strictness = []kam.Recommendation{kam.Add, kam.Refer, kam.ReferCompliance, kam.Reject}

func strict(r kam.Recommendation) int { return slices.Index(strictness, r) }

func (p *Set) addOutcome(criteria []criterion, stops []kam.HardStop) (score, confidence kam.Dec, outcome kam.Recommendation) {
	sum := int64(0)
	for _, k := range criteria {
		sum += int64(k.points) * int64(k.weight)
		if k.known {
			confidence += k.weight
		}
	}
	score = kam.Dec(roundSmall(sum, potScale))
	switch {
	case score < p.Add.ReferAt:
		outcome = kam.Reject
	case score < p.Add.AddAt || confidence < p.Add.MinConfidencePct:
		outcome = kam.Refer
	default:
		outcome = kam.Add
	}
	for _, h := range stops {
		if strict(h.Outcome) > strict(outcome) {
			outcome = h.Outcome
		}
	}
	return score, confidence, outcome
}

// wouldChange lists the changes of one criterion that lift the outcome, for
// each criterion and each outcome within reach the smallest one; smallest
// score first, ties by weight and name.
func (p *Set) wouldChange(c *Customer, criteria []criterion, stops []kam.HardStop, outcome kam.Recommendation) []kam.WouldChange {
	type candidate struct {
		kam.WouldChange
		weight kam.Dec
	}
	var found []candidate
	criteria = slices.Clone(criteria)
	for i, k := range criteria {
		best := strict(outcome)
		for _, o := range k.options {
			if o.points < k.points || o.points == k.points && k.known {
				continue
			}
			criteria[i].points, criteria[i].known = o.points, true
			with := stops
			if k.id == "credit_rating" {
				with = p.stopsWith(c, kam.CreditRating(o.to))
			}
			score, _, result := p.addOutcome(criteria, with)
			if strict(result) < best {
				best = strict(result)
				found = append(found, candidate{kam.WouldChange{Criterion: k.id, To: o.to, Score: score, Outcome: string(result)}, k.weight})
			}
		}
		criteria[i] = k
	}
	sort.SliceStable(found, func(a, b int) bool {
		x, y := found[a], found[b]
		switch {
		case x.Score != y.Score:
			return x.Score < y.Score
		case x.weight != y.weight:
			return x.weight < y.weight
		}
		return x.Criterion < y.Criterion
	})
	var out []kam.WouldChange
	for _, f := range found {
		out = append(out, f.WouldChange)
	}
	return out
}
