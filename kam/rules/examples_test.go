package rules

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// exampleNodes is the territory tree of P3.8; the root is left out, as in the
// specification of the book.
func exampleNodes() []kam.TerritoryNode {
	var nodes []kam.TerritoryNode
	for _, n := range [][3]string{
		{"DE", "COUNTRY", "GLOBAL"}, {"AT", "COUNTRY", "GLOBAL"},
		{"DE-N", "REGION", "DE"}, {"DE-S", "REGION", "DE"}, {"AT-1", "REGION", "AT"},
		{"DE-N-01", "TERRITORY", "DE-N"}, {"DE-N-02", "TERRITORY", "DE-N"},
		{"DE-S-01", "TERRITORY", "DE-S"}, {"DE-S-02", "TERRITORY", "DE-S"}, {"AT-1-01", "TERRITORY", "AT-1"},
	} {
		nodes = append(nodes, kam.TerritoryNode{Code: n[0], Level: kam.NodeLevel(n[1]), Parent: n[2]})
	}
	return nodes
}

// example makes one of the eight customers of P3.8. Spend below zero is
// unknown.
func example(no, group, territory string, spend, revenue, growth, margin int64, fit, buying, reference, stage string,
	product, satisfaction int64, items [5]int, lines map[string]kam.Dec) Customer {
	c := Customer{CustomerNo: no}
	c.GroupID, c.TerritoryCode = group, territory
	if spend >= 0 {
		c.AddressableSpend12m = eur(spend)
	}
	c.NetRevenue12m = eur(revenue)
	c.GrowthOutlookPct, c.MarginPct = ptr(kam.DecFromInt(growth)), ptr(kam.DecFromInt(margin))
	c.StrategicFit, c.BuyingCentralization = kam.StrategicFit(fit), kam.BuyingLevel(buying)
	c.ReferenceValue, c.RelationshipStage = kam.ReferenceValue(reference), kam.RelationshipStage(stage)
	c.ProductFit, c.Satisfaction = ptr(kam.DecFromInt(product)), ptr(kam.DecFromInt(satisfaction))
	c.CapabilityItems = map[string]int{}
	for i, item := range kam.CapabilityItems {
		c.CapabilityItems[item] = items[i]
	}
	c.PLLinesPct = lines
	return c
}

func exampleBook() Book {
	helix := example("HELIX", "HELIX", "DE-S-02", -1, 0, 12, 30, "FULL", "LOCAL", "MEDIUM", "EXPLORATORY", 80, 50, [5]int{2, 2, 3, 2, 2}, nil)
	helix.DeclaredPotential = eur(140000)
	return Book{Nodes: exampleNodes(), Customers: []Customer{
		example("NW-HH", "NORDWIND", "DE-N-01", 800000, 96000, 6, 34, "FULL", "NATIONAL", "HIGH", "COOPERATIVE", 75, 80, [5]int{3, 3, 3, 2, 3},
			map[string]kam.Dec{"invoice_discounts": 1050, "freight_logistics": 450, "technical_service": 600}),
		example("NW-MUC", "NORDWIND", "DE-S-02", 650000, 39000, 6, 31, "FULL", "NATIONAL", "MEDIUM", "BASIC", 75, 70, [5]int{3, 3, 3, 2, 3},
			map[string]kam.Dec{"invoice_discounts": 900}),
		example("NW-VIE", "NORDWIND", "AT-1-01", 1250000, 210000, 8, 36, "FULL", "NATIONAL", "HIGH", "INTERDEPENDENT", 85, 85, [5]int{4, 4, 3, 3, 3},
			map[string]kam.Dec{"rebates": 700}),
		example("KASTEL", "KASTEL", "DE-N-01", 520000, 88000, 7, 33, "FULL", "LOCAL", "MEDIUM", "COOPERATIVE", 80, 80, [5]int{3, 3, 3, 3, 3},
			map[string]kam.Dec{"invoice_discounts": 800, "technical_service": 900}),
		example("MEDISTO", "MEDISTO", "DE-N-02", 300000, 180000, -2, 12, "PARTIAL", "REGIONAL", "LOW", "INTERDEPENDENT", 60, 75, [5]int{1, 1, 2, 1, 2},
			map[string]kam.Dec{"rebates": 900, "freight_logistics": 700}),
		helix,
		example("LINDNER", "LINDNER", "DE-S-01", 20000, 4200, 1, 28, "PARTIAL", "LOCAL", "LOW", "BASIC", 60, 70, [5]int{1, 0, 1, 0, 2},
			map[string]kam.Dec{"freight_logistics": 900}),
		example("STADT", "STADT", "DE-N-02", 150000, 42000, 3, 27, "FULL", "LOCAL", "MEDIUM", "COOPERATIVE", 70, 75, [5]int{2, 2, 2, 2, 3}, nil),
	}}
}

// TestEightCustomers are the results of P3.8.
func TestEightCustomers(t *testing.T) {
	results, totals, err := defaultPolicy(t).SegmentBook(exampleBook())
	require.NoError(t, err)
	require.Equal(t, 8, totals.Customers)
	for i, want := range []struct {
		id, abc, potential, basis, share, attract, strength, quadrant, gap, value, index, capability, score string
	}{
		{"NW-HH", "A", "320000", "WALLET", "12.00", "81.50", "59.50", "STRATEGIC", "224000", "72960", "51.07", "70.00", "67.77"},
		{"NW-MUC", "B", "260000", "WALLET", "6.00", "79.50", "44.00", "STAR", "221000", "66690", "46.68", "70.00", "62.77"},
		{"NW-VIE", "A", "500000", "WALLET", "16.80", "93.50", "70.00", "STRATEGIC", "290000", "93300", "79.31", "85.00", "83.98"},
		{"KASTEL", "A", "208000", "WALLET", "16.92", "68.50", "60.50", "STRATEGIC", "120000", "41280", "30.96", "75.00", "58.49"},
		{"MEDISTO", "A", "180000", "WALLET", "60.00", "33.50", "81.00", "STATUS", "0", "14400", "5.04", "35.00", "36.11"},
		{"HELIX", "NEW", "140000", "DECLARED", "0.00", "72.50", "29.00", "STAR", "140000", "42000", "23.10", "55.00", "48.83"},
		{"LINDNER", "C", "8000", "WALLET", "21.00", "34.00", "53.00", "STATUS", "3800", "1350", "0.27", "20.00", "27.27"},
		{"STADT", "B", "60000", "WALLET", "28.00", "58.50", "63.50", "STATUS", "18000", "5400", "2.97", "55.00", "45.09"},
	} {
		t.Run(want.id, func(t *testing.T) {
			r := results[i]
			require.Equal(t, want.id, r.CustomerNo)
			require.Equal(t, []string{want.abc, want.potential, want.basis, want.share, want.attract, want.strength, want.quadrant, want.gap, want.value, want.index, want.capability, want.score},
				[]string{string(r.ABCClass), plainAmount(*r.AnnualPotential), string(*r.PotentialBasis), r.ShareOfWalletPct.Fixed(), r.Attractiveness.Fixed(), r.RelativeStrength.Fixed(),
					string(r.Quadrant), plainAmount(*r.RevenueGap), plainAmount(*r.ImprovementValue), r.ImprovementIndex.Fixed(), r.CapabilityIndex.Fixed(), r.KAScore.Fixed()})
			require.Equal(t, want.abc+"-"+want.quadrant, r.Segment)
			require.Equal(t, "100", r.CompletenessPct.String())
			require.Empty(t, r.Missing)
		})
	}
	require.Equal(t, map[string]kam.Money{"invoice_discounts": kam.NewMoney(2400, "EUR"), "freight_logistics": kam.NewMoney(480, "EUR"),
		"technical_service": kam.NewMoney(2880, "EUR")}, results[0].Leakage)
	marks := map[string]string{}
	for _, l := range results[0].Lines {
		marks[l.Line] = l.Mark
	}
	require.Equal(t, map[string]string{"invoice_discounts": "RED", "freight_logistics": "GREEN", "technical_service": "RED"}, marks)
}

// TestRFMLabels are the checked combinations of P3.3.3.
func TestRFMLabels(t *testing.T) {
	p := defaultPolicy(t)
	for _, c := range []struct {
		days, orders, revenue int64
		scores                [3]int
		label                 kam.RFMLabel
	}{
		{12, 30, 210000, [3]int{5, 5, 4}, "CHAMPION"},
		{75, 8, 42000, [3]int{3, 3, 3}, "LOYAL"},
		{200, 6, 180000, [3]int{1, 3, 4}, "AT_RISK"},
		{15, 1, 6000, [3]int{5, 1, 2}, "EMERGING"},
		{400, 1, 1200, [3]int{1, 1, 1}, "DORMANT"},
		{31, 12, 249999, [3]int{4, 4, 4}, "CHAMPION"},
		{100, 12, 6000, [3]int{2, 4, 2}, "REGULAR"},
	} {
		in := Customer{CustomerNo: "X"}
		in.RecencyDays, in.Orders12m, in.NetRevenue12m = &c.days, &c.orders, eur(c.revenue)
		r, rec, err := p.Segment(in, SegmentContext{})
		require.NoError(t, err)
		require.Equal(t, c.scores, [3]int{*r.RFM.Recency, *r.RFM.Frequency, *r.RFM.Monetary})
		require.Equal(t, c.label, *r.RFMLabel)
		require.NotEmpty(t, rec.Headline)
	}
}

// TestOneCustomerAgainstSnapshot puts a customer into a frozen population.
func TestOneCustomerAgainstSnapshot(t *testing.T) {
	p, b := defaultPolicy(t), exampleBook()
	whole, _, err := p.SegmentBook(b)
	require.NoError(t, err)
	for skip, c := range b.Customers { // each one in turn is not in the snapshot
		var entries []SnapshotEntry
		for i := range b.Customers {
			if i != skip {
				e, err := p.Entry(&b.Customers[i], nil, nil)
				require.NoError(t, err)
				entries = append(entries, e)
			}
		}
		snap, err := p.NewSnapshot("2026-10", entries)
		require.NoError(t, err)
		r, rec, err := p.Segment(c, SegmentContext{Snapshot: snap})
		require.NoError(t, err)
		require.Equal(t, whole[skip].ABCClass, r.ABCClass, c.CustomerNo)
		require.Equal(t, "2026-10", rec.SnapshotID)
		require.Len(t, rec.Criteria, 14)
	}
}

func TestUnknownIsNotZero(t *testing.T) {
	r, _, err := defaultPolicy(t).Segment(Customer{CustomerNo: "X"}, SegmentContext{})
	require.NoError(t, err)
	require.Equal(t, "40", r.KAScore.String())
	require.Equal(t, "0", r.CompletenessPct.String())
	require.Nil(t, r.AnnualPotential)
	require.Nil(t, r.RFM)
	require.Len(t, r.Missing, 16)
}

func TestSegmentRefuses(t *testing.T) {
	b := exampleBook()
	b.Customers[3].ProductFit = ptr(kam.DecFromInt(101))
	_, _, err := defaultPolicy(t).SegmentBook(b)
	require.ErrorContains(t, err, "customers[3].product_fit: 101 is outside 0 to 100")
	b = exampleBook()
	b.Customers[1].CapabilityItems["data_shareing"] = 1
	_, _, err = defaultPolicy(t).SegmentBook(b)
	require.ErrorContains(t, err, "customers[1].capability_items.data_shareing")
}

// TestRFMQuintiles: from 500 customers on AUTO compares with the population;
// equal customers get equal scores.
func TestRFMQuintiles(t *testing.T) {
	p, err := Parse([]byte(edited(t, "mode: FIXED", "mode: AUTO")))
	require.NoError(t, err)
	b := Book{}
	for i := range int64(500) {
		c := Customer{CustomerNo: string(rune('a'+i/26)) + string(rune('a'+i%26))}
		c.RecencyDays, c.Orders12m, c.NetRevenue12m = ptr(i), ptr(i/100), eur(i)
		b.Customers = append(b.Customers, c)
	}
	results, _, err := p.SegmentBook(b)
	require.NoError(t, err)
	for i, want := range map[int][3]int{0: {5, 1, 1}, 99: {5, 1, 1}, 100: {4, 2, 2}, 250: {3, 3, 3}, 499: {1, 5, 5}} {
		r := results[i].RFM
		require.Equal(t, want, [3]int{*r.Recency, *r.Frequency, *r.Monetary}, i)
	}
	b.Customers = b.Customers[:499] // below the population, fixed bands
	results, _, err = p.SegmentBook(b)
	require.NoError(t, err)
	require.Equal(t, 5, *results[30].RFM.Recency)
	require.Equal(t, 4, *results[31].RFM.Recency)
}
