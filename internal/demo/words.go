package demo

import (
	"crypto/sha256"
	"strings"
)

// Words are three invented words, the same for the same seed, which resemble no
// others: names for as many customers as somebody needs.
func Words(seed string) [3]string {
	const consonants, vowels = "bdfgklmnprstvwxz", "aeiou"
	sum := sha256.Sum256([]byte(seed))
	var out [3]string
	for i, b := range sum[:24] {
		out[i/8] += string(consonants[b%16]) + string(vowels[b/16%5])
	}
	for i, w := range out {
		out[i] = strings.ToUpper(w[:1]) + w[1:10]
	}
	return out
}
