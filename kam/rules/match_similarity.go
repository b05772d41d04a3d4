package rules

import "strings"

// jaroWinkler is the similarity of two texts by Jaro with Winkler's bonus for
// a common start of up to four letters (scale 0.1), over runes. Half
// transpositions count. It is written out here, in float64 and with scratch
// space that is reused, because a large book needs it some millions of times.
func jaroWinkler(a, b string) float64 {
	if a == b {
		return 1
	}
	return jaroWinklerRunes([]rune(a), []rune(b), &jaroScratch{})
}

// jaroScratch is reused between comparisons.
type jaroScratch struct{ inA, inB []bool }

func (s *jaroScratch) reset(n, m int) {
	s.inA, s.inB = cleared(s.inA, n), cleared(s.inB, m)
}

func cleared(b []bool, n int) []bool {
	if cap(b) < n {
		return make([]bool, n)
	}
	b = b[:n]
	clear(b)
	return b
}

func jaroWinklerRunes(x, y []rune, s *jaroScratch) float64 {
	if len(x) == 0 || len(y) == 0 {
		return 0
	}
	window := max(max(len(x), len(y))/2-1, 0)
	s.reset(len(x), len(y))
	matches := 0
	for i, r := range x {
		for j := max(0, i-window); j < min(len(y), i+window+1); j++ {
			if !s.inB[j] && y[j] == r {
				s.inA[i], s.inB[j] = true, true
				matches++
				break
			}
		}
	}
	if matches == 0 {
		return 0
	}
	swapped, j := 0, 0
	for i, r := range x {
		if !s.inA[i] {
			continue
		}
		for !s.inB[j] {
			j++
		}
		if y[j] != r {
			swapped++
		}
		j++
	}
	m := float64(matches)
	jaro := (m/float64(len(x)) + m/float64(len(y)) + (m-float64(swapped)/2)/m) / 3
	same := 0
	for same < min(4, len(x), len(y)) && x[same] == y[same] {
		same++
	}
	return jaro + float64(same)*0.1*(1-jaro)
}

// nameSimilarity is the better similarity of the two foldings.
func nameSimilarity(a, b NormalizedName) float64 {
	return max(jaroWinkler(a.Plain, b.Plain), jaroWinkler(a.Expanded, b.Expanded))
}

// NameSimilarity compares two company names as the search of 1.1.2 does, 0..1.
// The screening of blocked parties uses it too (P3.4.5).
func NameSimilarity(a, b string) float64 { return nameSimilarity(Normalize(a), Normalize(b)) }

// streetWords are abbreviations that address books write in many ways.
var streetWords = map[string]string{
	"str": "strasse", "strase": "strasse", "st": "street", "rd": "road", "ave": "avenue", "av": "avenue", "blvd": "boulevard", "blv": "boulevard",
	"dr": "drive", "ln": "lane", "hwy": "highway", "sq": "square", "pl": "place", "ct": "court", "pkwy": "parkway", "fl": "floor", "ste": "suite",
	"n": "north", "s": "south", "e": "east", "w": "west", "so": "south", "no": "north", "apt": "apartment", "bd": "boulevard",
	"pky": "parkway", "cir": "circle", "ter": "terrace", "bldg": "building", "rt": "route", "fwy": "freeway",
}

// normalizeStreet folds a street, spells abbreviations out and puts a house
// number that stands in front behind.
func normalizeStreet(s string) string {
	all := words(s)
	for i, w := range all {
		if long, ok := streetWords[w]; ok {
			all[i] = long
		} else if stem, ok := strings.CutSuffix(w, "str"); ok && len(stem) > 2 {
			all[i] = stem + "strasse"
		}
	}
	if len(all) > 1 && all[0][0] >= '0' && all[0][0] <= '9' {
		all = append(all[1:], all[0])
	}
	return strings.Join(all, " ")
}
