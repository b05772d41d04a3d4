package rules

import (
	"encoding/csv"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/shareddata"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// rows reads a CSV file with a heading.
func rows(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	all, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	var out []map[string]string
	for _, r := range all[1:] {
		m := map[string]string{}
		for i, h := range all[0] {
			m[h] = r[i]
		}
		out = append(out, m)
	}
	return out
}

// boundaryPolicy is the default policy with another convention on the line.
func boundaryPolicy(t *testing.T, boundary string) *Set {
	t.Helper()
	p, err := Parse([]byte(edited(t, "  cut_b_pct: 95", "  cut_b_pct: 95\n  boundary: "+boundary)))
	require.NoError(t, err)
	return p
}

// TestABCOpenData compares the classes of real books with those computed
// elsewhere, in the three conventions.
func TestABCOpenData(t *testing.T) {
	for _, name := range []string{"uci_wholesale/abc_expected_80_95.csv", "adventureworks/reseller_abc_expected_80_95.csv", "onboarding_open/abc_expected_usd_80_95.csv"} {
		dir, file := filepath.Split(name)
		list := rows(t, filepath.Join(shareddata.File(t, dir), file))
		for boundary, column := range map[string]string{policy.BoundaryAtMost: "class_cum_le", policy.BoundaryBefore: "class_crossing_included", policy.BoundaryRestart: "class_restart_per_class"} {
			t.Run(file+" "+boundary, func(t *testing.T) {
				p := boundaryPolicy(t, boundary)
				b := Book{}
				for _, r := range list {
					c := Customer{CustomerNo: r["key"]}
					m, err := kam.ParseMoney(r["value"], "EUR")
					require.NoError(t, err)
					c.NetRevenue12m, c.ActiveMonths = &m, ptr(int64(24))
					b.Customers = append(b.Customers, c)
				}
				results, _, err := p.SegmentBook(b)
				require.NoError(t, err)
				counts := map[kam.ABCClass]int{}
				for i, r := range results {
					require.Equal(t, list[i][column], string(r.ABCClass), r.CustomerNo)
					counts[r.ABCClass]++
				}
				t.Logf("%d of %d customers as expected: %v", len(results), len(list), counts)
			})
		}
	}
}

// TestABCPublished is the published example of go-sales-analysis: the customer
// on the line falls into the lower class.
func TestABCPublished(t *testing.T) {
	list := rows(t, filepath.Join(shareddata.File(t, "published_examples_open"), "abc_go_sales_analysis_80_95.csv"))
	p := boundaryPolicy(t, policy.BoundaryAtMost)
	var entries []SnapshotEntry
	for _, r := range list {
		m, err := kam.ParseMoney(r["value"], "EUR")
		require.NoError(t, err)
		entries = append(entries, SnapshotEntry{CustomerNo: r["item"], Revenue: m.Minor})
	}
	snap, err := p.NewSnapshot("", entries)
	require.NoError(t, err)
	for i, r := range list {
		require.Equal(t, r["published_class"], string(snap.class(p, entries[i], nil)), r["item"])
	}
	t.Logf("%d items as published", len(list))
}

// TestPublishedBandsWithGaps: a published table with holes is refused.
func TestPublishedBandsWithGaps(t *testing.T) {
	list := rows(t, filepath.Join(shareddata.File(t, "published_examples_open"), "scoring_bands_with_gaps.csv"))
	var ranges []string
	for i := len(list) - 1; i >= 0; i-- {
		r := list[i]
		points := map[string]string{"A": "5", "B": "3", "C": "1"}[r["grade"]]
		end := ", max: " + r["max"]
		if i == 0 {
			end = "" // open above
		}
		ranges = append(ranges, "{min: "+r["min"]+end+", points: "+points+"}")
	}
	_, err := Parse([]byte(edited(t, "[[0, 1], [2, 2], [6, 3], [12, 4], [24, 5]]", "["+strings.Join(ranges, ", ")+"]")))
	require.ErrorContains(t, err, "rfm.frequency_orders: gap: values from 5 to under 6 have no points")
	require.ErrorContains(t, err, "rfm.frequency_orders: gap: values from 7 to under 8 have no points")
	t.Log(err)
}

// TestRollUpOpenData rolls real groups up: those with sites in one country
// meet at a country or below, the others nowhere but in the world.
func TestRollUpOpenData(t *testing.T) {
	list := rows(t, filepath.Join(shareddata.File(t, "companydata_open"), "rollup_truth.csv"))
	p := defaultPolicy(t)
	b, footprint, seen := Book{}, map[string]string{}, map[string]bool{}
	node := func(code string, level kam.NodeLevel, parent string) {
		if !seen[code] {
			seen[code] = true
			b.Nodes = append(b.Nodes, kam.TerritoryNode{Code: code, Level: level, Parent: parent})
		}
	}
	for i, r := range list {
		country := r["member_country"]
		region := country + "/" + r["member_state"]
		territory := region + "/" + r["member_city"]
		node(country, kam.LevelCountry, "GLOBAL")
		node(region, kam.LevelRegion, country)
		node(territory, kam.LevelTerritory, region)
		c := Customer{CustomerNo: r["member_id"] + "#" + big.NewInt(int64(i)).String()}
		// Names differ in their encoding from city to city: the number counts.
		c.GroupID, c.TerritoryCode, c.DeclaredPotential = r["global_hq_id"], territory, eur(50000)
		if was, ok := footprint[c.GroupID]; ok {
			require.Equal(t, was, r["footprint_in_sample"])
		}
		footprint[c.GroupID] = r["footprint_in_sample"]
		b.Customers = append(b.Customers, c)
	}
	groups, err := p.RollUpBook(b)
	require.NoError(t, err)
	spans, wrong := map[kam.Tier]int{}, 0
	for _, g := range groups {
		spans[g.SpanLevel]++
		if (g.SpanLevel == kam.TierGlobal) != (footprint[g.GroupID] == "multi-country") {
			wrong++
			t.Errorf("%s: span %s, footprint %s", g.GroupID, g.SpanLevel, footprint[g.GroupID])
		}
	}
	t.Logf("%d sites in %d groups, span levels %v, %d against the truth", len(b.Customers), len(groups), spans, wrong)
}
