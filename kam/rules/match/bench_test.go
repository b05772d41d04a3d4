package match

import "testing"

func BenchmarkJaroWinkler(b *testing.B) {
	x, y, s := []rune("stadtklinik bremen"), []rune("stadtklinik hamburg"), &jaroScratch{}
	for b.Loop() {
		jaroWinklerRunes(x, y, s)
	}
}

func BenchmarkNormalize(b *testing.B) {
	for name, text := range map[string]string{"plain": "Nordwind Klinik Hamburg GmbH & Co. KG", "accents": "Société Générale de Santé S.A.", "kana": "株式会社サクラ商事"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Normalize(text, "")
			}
		})
	}
}
