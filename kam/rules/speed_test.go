package rules

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// syntheticBook has n complete customers in groups of up to four, spread over
// forty territories.
func syntheticBook(n int, seed uint64) Book {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	b := Book{}
	for c := range 4 {
		country := fmt.Sprintf("C%d", c)
		b.Nodes = append(b.Nodes, kam.TerritoryNode{Code: country, Level: kam.LevelCountry, Parent: "GLOBAL"})
		for reg := range 2 {
			region := fmt.Sprintf("%s-%d", country, reg)
			b.Nodes = append(b.Nodes, kam.TerritoryNode{Code: region, Level: kam.LevelRegion, Parent: country})
			for ter := range 5 {
				b.Nodes = append(b.Nodes, kam.TerritoryNode{Code: fmt.Sprintf("%s-%d", region, ter), Level: kam.LevelTerritory, Parent: region})
			}
		}
	}
	for i := range n {
		spend, share := r.Int64N(1_500_000), r.Int64N(60)
		c := example(fmt.Sprintf("K%06d", i), fmt.Sprintf("G%05d", r.IntN(max(n/2, 1))), fmt.Sprintf("C%d-%d-%d", r.IntN(4), r.IntN(2), r.IntN(5)),
			spend, spend*share/100, r.Int64N(20)-4, r.Int64N(50), pick([]string{"NONE", "PARTIAL", "FULL"}), string(kam.BuyingLevels[r.IntN(4)]),
			pick([]string{"LOW", "MEDIUM", "HIGH"}), pick(kam.Choices("relationship_stage")), r.Int64N(101), r.Int64N(101),
			[5]int{r.IntN(5), r.IntN(5), r.IntN(5), r.IntN(5), r.IntN(5)}, map[string]kam.Dec{"rebates": kam.Dec(r.IntN(1000)), "freight_logistics": kam.Dec(r.IntN(1000))})
		c.DeclaredPotential, c.CreditRating, c.RelationshipAccess, c.CostToServe = eur(spend/3), "B", "CONTACT", "LOW"
		c.RecencyDays, c.Orders12m, c.ActiveMonths = ptr(r.Int64N(400)), ptr(r.Int64N(40)), ptr(r.Int64N(80))
		c.LegalName, c.CountryCode, c.City, c.PostalCode = fmt.Sprintf("Synthetic Works %d GmbH", i), "DE", "Hamburg", "20095"
		b.Customers = append(b.Customers, c)
	}
	return b
}

// TestSpeed prints what 100,000 customers cost on one core; run with
// -race it is skipped by -short.
func TestSpeed(t *testing.T) {
	if testing.Short() {
		t.Skip("figures are not taken in a short run")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p := defaultPolicy(t)
	b := syntheticBook(100_000, 7)
	runtime.GC()

	start := time.Now()
	_, _, err := p.SegmentBook(b)
	require.NoError(t, err)
	segmenting := time.Since(start)
	start = time.Now()
	groups, err := p.RollUpBook(b)
	require.NoError(t, err)
	rolling := time.Since(start)
	start = time.Now()
	for i := range b.Customers {
		_, err = p.AddDecision(b.Customers[i], nil)
		require.NoError(t, err)
	}
	adding := time.Since(start)
	t.Logf("100,000 customers, %d groups, GOMAXPROCS=1: segment %v, roll up %v, add decisions %v",
		len(groups), segmenting.Round(time.Millisecond), rolling.Round(time.Millisecond), adding.Round(time.Millisecond))
	// Four times the targets: shared machines are slow at times. The figures
	// above are what counts.
	require.Less(t, segmenting+rolling, 8*time.Second)
}
