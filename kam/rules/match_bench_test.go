package rules

import "testing"

func BenchmarkJaroWinkler(b *testing.B) {
	x, y, s := []rune("stadtklinik bremen"), []rune("stadtklinik hamburg"), &jaroScratch{}
	for b.Loop() {
		jaroWinklerRunes(x, y, s)
	}
}
