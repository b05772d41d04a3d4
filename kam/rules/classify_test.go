package rules

import (
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

func group1(t testing.TB, list []RollUp, id string) RollUp {
	t.Helper()
	i := slices.IndexFunc(list, func(r RollUp) bool { return r.GroupID == id })
	require.GreaterOrEqual(t, i, 0, id)
	return list[i]
}

// TestRollUp are the rows of P3.8.
func TestRollUp(t *testing.T) {
	p := defaultPolicy(t)
	whole := exampleBook()
	without := exampleBook()
	without.Customers = slices.Delete(without.Customers, 2, 3)
	large := exampleBook()
	large.Customers[3].AddressableSpend12m = eur(3000000)
	munich := exampleBook()
	munich.Customers = slices.Delete(munich.Customers, 2, 3)
	munich.Customers[1].AddressableSpend12m, munich.Customers[1].NetRevenue12m = eur(350000), eur(21000)
	for _, c := range []struct {
		name, group                                       string
		book                                              Book
		potential, score, buying, span, alone, size, tier string
		home, stops                                       string
	}{
		{"NORDWIND", "NORDWIND", whole, "1080000", "74.07", "NATIONAL", "GLOBAL", "REGIONAL", "GLOBAL", "GLOBAL", "GLOBAL", ""},
		{"KASTEL", "KASTEL", whole, "208000", "58.49", "LOCAL", "TERRITORY", "", "TERRITORY", "TERRITORY", "DE-N-01", "REGIONAL: potential 208000 < 250000, score 58.49 < 60, span TERRITORY"},
		{"MEDISTO", "MEDISTO", whole, "180000", "36.11", "REGIONAL", "TERRITORY", "", "NON_KA", "NON_KA", "", "TERRITORY: score 36.11 < 55"},
		{"HELIX", "HELIX", whole, "140000", "48.83", "LOCAL", "TERRITORY", "", "NON_KA", "NON_KA", "", "TERRITORY: score 48.83 < 55"},
		{"LINDNER", "LINDNER", whole, "8000", "27.27", "LOCAL", "TERRITORY", "", "NON_KA", "NON_KA", "", "TERRITORY: potential 8000 < 100000, score 27.27 < 55"},
		{"STADT", "STADT", whole, "60000", "45.09", "LOCAL", "TERRITORY", "", "NON_KA", "NON_KA", "", "TERRITORY: potential 60000 < 100000, score 45.09 < 55"},
		{"NORDWIND without NW-VIE", "NORDWIND", without, "580000", "65.53", "NATIONAL", "NATIONAL", "", "NATIONAL", "NATIONAL", "DE", "GLOBAL: potential 580000 < 1000000, score 65.53 < 70, span NATIONAL"},
		{"KASTEL with spend 3,000,000", "KASTEL", large, "1200000", "78.15", "LOCAL", "TERRITORY", "REGIONAL", "REGIONAL", "REGIONAL", "DE-N", "NATIONAL: buying LOCAL < REGIONAL, span TERRITORY"},
		{"NW-HH and a Munich site", "NORDWIND", munich, "460000", "63.88", "NATIONAL", "NATIONAL", "", "REGIONAL", "REGIONAL", "DE-N", "NATIONAL: potential 460000 < 500000, score 63.88 < 65"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := p.RollUpBook(c.book)
			require.NoError(t, err)
			r := group1(t, list, c.group)
			show := func(x TierOrNone) string {
				if x == "" {
					return "NON_KA"
				}
				return string(x)
			}
			require.Equal(t, []string{c.potential, c.score, c.buying, c.span, c.alone, c.size, c.tier, c.home, c.stops},
				[]string{plainAmount(r.Potential), r.Score.Fixed(), string(r.Buying), string(r.SpanLevel), string(r.AloneLevel), show(r.SizeLevel), show(r.Tier), string(r.HomeNode), r.Stops})
			require.Len(t, r.Tests, 16)
			require.Empty(t, r.Missing)
		})
	}
}

// TestClassifyExamples are the remarks under the roll-up table of P3.8.
func TestClassifyExamples(t *testing.T) {
	p := defaultPolicy(t)
	list, err := p.ClassifyBook(exampleBook())
	require.NoError(t, err)
	of := map[string]Classification{}
	for _, c := range list {
		of[c.GroupID] = c
	}
	gate := func(group, id string) bool {
		i := slices.IndexFunc(of[group].Gates, func(g onboarding.Gate) bool { return g.ID == id })
		return of[group].Gates[i].Passed
	}
	require.Equal(t, kam.KA, of["NORDWIND"].KAStatus)
	require.Equal(t, kam.ShiftPromote, of["NORDWIND"].Change)
	require.True(t, of["NORDWIND"].NeedsEndorsement())
	require.Equal(t, "DE", of["NORDWIND"].HeadCountry, "Germany has 580,000, Austria 500,000")
	require.Equal(t, 90, of["NORDWIND"].ReviewInDays)

	require.True(t, gate("HELIX", "KG6"))
	require.Equal(t, kam.NonKA, of["HELIX"].KAStatus)
	require.True(t, of["HELIX"].WatchList)
	require.Equal(t, 180, of["HELIX"].ReviewInDays)

	require.False(t, gate("STADT", "KG5"))
	require.False(t, of["STADT"].WatchList)
	require.Equal(t, "Not a key account, KG5: potential 60000, 100000 needed", of["STADT"].Headline)
	require.False(t, of["STADT"].NeedsEndorsement())

	b := exampleBook()
	c, rec, err := p.Classify("STADT", []Customer{func() Customer { s := b.Customers[7]; s.Nominated = true; return s }()}, mustTree(t), nil)
	require.NoError(t, err)
	require.Equal(t, kam.KA, c.KAStatus, "a nomination passes KG5 and goes to endorsement whatever the score")
	require.Equal(t, TierOrNone(kam.TierTerritory), c.Tier)
	require.True(t, c.NeedsEndorsement())
	require.Equal(t, "TERRITORY", rec.Outcome)
	require.Equal(t, []string{"STADT"}, rec.Members)
	require.Len(t, rec.Gates, 6)

	blocked := b.Customers[7]
	blocked.Nominated, blocked.HardStops = true, []string{"HS1_BLOCKED_PARTY"}
	c, _, err = p.Classify("STADT", []Customer{blocked}, mustTree(t), nil)
	require.NoError(t, err)
	require.Equal(t, kam.NonKA, c.KAStatus, "a nomination never passes KG2")
}

func mustTree(t testing.TB) *Tree {
	tree, err := NewTree(exampleNodes())
	require.NoError(t, err)
	return tree
}

// figure is a group with a given potential and score, of one complete site.
func figure(t testing.TB, p *Set, potential int64, score string, cur Current, declared bool, span int) *group {
	c := exampleBook().Customers[3]
	c.Current, c.BuyingCentralization = &cur, kam.BuyingNational
	s, err := p.score(&c, nil, nil)
	require.NoError(t, err)
	g, err := p.rollUp("G", []*scored{s}, mustTree(t))
	require.NoError(t, err)
	g.total = mul(potential, 100, potScale)
	g.minor, g.Score, g.Potential = potential*100, dec(t, score), *eur(potential)
	g.sites[0].pot = g.total
	g.declared = new(big.Int)
	if declared {
		g.declared = g.total
	}
	p.levels(g, mustTree(t))
	g.span, g.SpanLevel = span, kam.Tiers[span]
	p.tests(g)
	return g
}

// TestHysteresis are the numbers of P3.5.4.
func TestHysteresis(t *testing.T) {
	p := defaultPolicy(t)
	for _, c := range []struct {
		name      string
		potential int64
		score     string
		cur       Current
		status    kam.KAStatus
		change    kam.ClassificationShift
		tier      kam.Tier
		span      int
		failed    int
	}{
		{"TERRITORY holder 50 keeps", 100000, "50", Current{kam.KA, "TERRITORY", 0}, kam.KA, "NONE", "TERRITORY", 0, 0},
		{"45 with potential 80,000 keeps", 80000, "45", Current{kam.KA, "TERRITORY", 0}, kam.KA, "NONE", "TERRITORY", 0, 0},
		{"45 with potential 79,999 is on notice", 79999, "45", Current{kam.KA, "TERRITORY", 0}, kam.KA, "KEEP_ON_NOTICE", "TERRITORY", 0, 1},
		{"44.99 is on notice", 100000, "44.99", Current{kam.KA, "TERRITORY", 0}, kam.KA, "KEEP_ON_NOTICE", "TERRITORY", 0, 1},
		{"44.99 again is demoted", 100000, "44.99", Current{kam.KA, "TERRITORY", 1}, kam.NonKA, "DEMOTE", "", 0, 2},
		{"39.99 is demoted at once", 100000, "39.99", Current{kam.KA, "TERRITORY", 0}, kam.NonKA, "DEMOTE", "", 0, 0},
		{"40 is not", 100000, "40", Current{kam.KA, "TERRITORY", 0}, kam.KA, "KEEP_ON_NOTICE", "TERRITORY", 0, 1},
		{"REGIONAL holder falls to what it reaches", 150000, "56", Current{kam.KA, "REGIONAL", 1}, kam.KA, "DEMOTE", "TERRITORY", 1, 2},
		{"span fell", 600000, "66", Current{kam.KA, "NATIONAL", 0}, kam.KA, "TIER_CHANGE", "REGIONAL", 1, 0},
		{"grew", 600000, "66", Current{kam.KA, "TERRITORY", 0}, kam.KA, "TIER_CHANGE", "NATIONAL", 2, 0},
		{"newcomer promoted", 100000, "55", Current{}, kam.KA, "PROMOTE", "TERRITORY", 0, 0},
		{"newcomer one step below", 100000, "54.99", Current{}, kam.NonKA, "NONE", "", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := p.classify(figure(t, p, c.potential, c.score, c.cur, false, c.span), mustTree(t))
			require.Equal(t, c.status, out.KAStatus)
			require.Equal(t, c.change, out.Change)
			require.Equal(t, TierOrNone(c.tier), out.Tier)
			require.Equal(t, c.failed, out.FailedReviews)
			require.NotEmpty(t, out.Headline)
		})
	}
}

func TestWatchList(t *testing.T) {
	p := defaultPolicy(t)
	for score, want := range map[string]bool{"44.99": false, "45": true, "54.99": true, "55": false} {
		out := p.classify(figure(t, p, 100000, score, Current{}, false, 0), mustTree(t))
		require.Equal(t, want, out.WatchList, score)
	}
}

// TestDeclaredPotential: the minima are raised by 1.25 and the highest tier
// that still passes wins (D19).
func TestDeclaredPotential(t *testing.T) {
	p := defaultPolicy(t)
	for _, c := range []struct {
		potential int64
		tier      kam.Tier
	}{{124999, ""}, {125000, "TERRITORY"}, {260000, "TERRITORY"}, {312500, "REGIONAL"}} {
		out := p.classify(figure(t, p, c.potential, "66", Current{}, true, 2), mustTree(t))
		require.Equal(t, TierOrNone(c.tier), out.Tier, c.potential)
		require.True(t, out.Provisional, "whatever the tier (AC48)")
		require.Equal(t, 180, out.ReviewInDays)
	}
}

func TestTreeRefuses(t *testing.T) {
	for name, nodes := range map[string][]kam.TerritoryNode{
		"nodes[1].code":   {{Code: "A", Level: "COUNTRY"}, {Code: "A", Level: "COUNTRY"}},
		"nodes[0].level":  {{Code: "A", Level: "PLANET"}},
		"nodes[1].parent": {{Code: "A", Level: "GLOBAL"}, {Code: "B", Level: "REGION", Parent: "X"}},
		"nodes[2].parent": {{Code: "A", Level: "GLOBAL"}, {Code: "B", Level: "REGION", Parent: "A"}, {Code: "C", Level: "REGION", Parent: "B"}},
	} {
		_, err := NewTree(nodes)
		require.ErrorContains(t, err, name)
	}
}
