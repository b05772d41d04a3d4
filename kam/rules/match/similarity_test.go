package match

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestPairs is the table of P3.4.4.
func TestPairs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"Nordwind Klinik GmbH", "NORDWIND KLINIK G.m.b.H.", 1},
		{"Müller & Söhne GmbH & Co. KG", "Mueller and Soehne", 1},
		{"Société Générale de Santé SA", "Societe Generale de Sante", 1},
		{"Nordwind Klinik GmbH", "Nordwind Kliniken AG", 0.9765},
		{"Acme Trading LLC", "Acme Training LLC", 0.9526},
		{"Kastel Pharma", "Castel Pharma Ltd", 0.9487},
		{"Helix Labs Inc.", "Helix Laboratories", 0.9111},
		{"Stadtklinik Bremen", "Stadtklinik Hamburg", 0.9046},
		{"IBM Corp", "International Business Machines", 0.6194},
	} {
		require.InDelta(t, c.want, Similarity(c.a, c.b, ""), 0.00005, c.a+" / "+c.b)
	}
	require.InDelta(t, 0.9611, jaroWinkler("martha", "marhta"), 0.00005)
	require.InDelta(t, 0.8133, jaroWinkler("dixon", "dicksonx"), 0.00005)
}

func TestJaroWinklerBounds(t *testing.T) {
	t.Parallel()
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abcäß漢")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		s := jaroWinkler(a, b)
		require.True(t, s >= 0 && s <= 1)
		require.Equal(t, s == 1, a == b, "%q %q %v", a, b, s)
		require.InDelta(t, s, jaroWinkler(b, a), 1e-12)
	})
}

func TestNormalizeStreet(t *testing.T) {
	t.Parallel()
	require.Equal(t, normalizeStreet("Jean-Monnet-Str. 2"), normalizeStreet("JEAN MONNET STRAßE 2"))
	require.Equal(t, normalizeStreet("388 Greenwich St"), normalizeStreet("388 Greenwich Street"))
	require.Equal(t, "ring 1", normalizeStreet("Ring 1"))
}
