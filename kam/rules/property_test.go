package rules

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestOrderDoesNotMatter: a shuffled book gives the same bytes per customer
// and per group.
func TestOrderDoesNotMatter(t *testing.T) {
	p := defaultPolicy(t)
	type out struct{ customers, groups, classes map[string]string }
	run := func(t *rapid.T, b Book) out {
		results, _, err := p.SegmentBook(b)
		require.NoError(t, err)
		groups, err := p.RollUpBook(b)
		require.NoError(t, err)
		classes, err := p.ClassifyBook(b)
		require.NoError(t, err)
		o := out{map[string]string{}, map[string]string{}, map[string]string{}}
		text := func(v any) string {
			raw, err := json.Marshal(v)
			require.NoError(t, err)
			return string(raw)
		}
		for _, r := range results {
			o.customers[r.CustomerNo] = text(r)
		}
		for i, g := range groups {
			o.groups[g.GroupID], o.classes[g.GroupID] = text(g), text(classes[i])
		}
		return o
	}
	rapid.Check(t, func(t *rapid.T) {
		b := syntheticBook(rapid.IntRange(1, 60).Draw(t, "customers"), rapid.Uint64().Draw(t, "seed"))
		want := run(t, b)
		other := Book{Nodes: append(b.Nodes[:0:0], b.Nodes...), Customers: append(b.Customers[:0:0], b.Customers...)}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 2))
		r.Shuffle(len(other.Customers), func(i, j int) { other.Customers[i], other.Customers[j] = other.Customers[j], other.Customers[i] })
		r.Shuffle(len(other.Nodes), func(i, j int) { other.Nodes[i], other.Nodes[j] = other.Nodes[j], other.Nodes[i] })
		require.Equal(t, want, run(t, other))
	})
}

// TestScoreIsExact computes the score again with big fractions.
func TestScoreIsExact(t *testing.T) {
	p := defaultPolicy(t)
	rat := func(n, d int64) *big.Rat { return big.NewRat(n, d) }
	rapid.Check(t, func(t *rapid.T) {
		b := syntheticBook(1, rapid.Uint64().Draw(t, "seed"))
		s, err := p.score(&b.Customers[0], nil, nil)
		require.NoError(t, err)
		value := rat(0, 1)
		value.SetFrac(s.value, big.NewInt(1e10)) // whole units
		capability := rat(s.capSum, 500*100)     // 0..1
		index := new(big.Rat).Mul(value, capability)
		index.Quo(index, rat(100000, 1))
		if index.Cmp(rat(1, 1)) > 0 {
			index.SetInt64(1)
		}
		want := new(big.Rat).Mul(rat(40, 100), rat(s.attract, 1e6))
		want.Add(want, new(big.Rat).Mul(rat(20, 100), rat(s.strength, 1e6)))
		want.Add(want, new(big.Rat).Mul(rat(25, 1), index))
		want.Add(want, new(big.Rat).Mul(rat(15, 1), capability))
		require.Zero(t, want.Cmp(new(big.Rat).SetFrac(s.score, p.calc.scoreDen)))
	})
}

// TestArithmetic compares the small helpers with big fractions.
func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b"), rapid.Int64().Draw(t, "c")
		want := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		require.Zero(t, want.Mul(want, big.NewInt(c)).Cmp(mul(a, b, c)))
		n, d := rapid.Int64Range(-1<<60, 1<<60).Draw(t, "n"), rapid.Int64Range(1, 1<<60).Draw(t, "d")
		require.Equal(t, roundSmall(n, d), roundDiv(big.NewInt(n), big.NewInt(d)))
		part, total := rapid.Uint64Range(0, 1<<62).Draw(t, "part"), rapid.Uint64Range(0, 1<<62).Draw(t, "total")
		x := new(big.Int).Mul(new(big.Int).SetUint64(part), big.NewInt(10000))
		y := new(big.Int).Mul(new(big.Int).SetUint64(total), big.NewInt(8000))
		require.Equal(t, x.Cmp(y), compare(part, total, 8000))
	})
}
