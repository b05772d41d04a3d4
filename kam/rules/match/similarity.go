package match

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam/rules/written"
)

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
	jaro := jaroRunes(x, y, s)
	same := 0
	for jaro > 0 && same < min(4, len(x), len(y)) && x[same] == y[same] {
		same++
	}
	return jaro + float64(same)*0.1*(1-jaro)
}

// jaroRunes is the similarity without the bonus for a common start: with words
// sorted, the word that comes first says no more than the others.
func jaroRunes(x, y []rune, s *jaroScratch) float64 {
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
	return (m/float64(len(x)) + m/float64(len(y)) + (m-float64(swapped)/2)/m) / 3
}

// Similarity compares two company names of one country (ISO 3166-1
// alpha-2, empty where it is not known) as the search of 1.1.2 does, 0..1: in their order and with their
// words sorted, in both foldings; the best counts (decision 38). The screening
// of blocked parties uses it too (P3.4.5).
func Similarity(a, b, country string) float64 {
	x, y := prepareName(a, country), prepareName(b, country)
	s := &jaroScratch{}
	return max(similarInOrder(&x, &y, true, s), similarSorted(&x, &y, s))
}

// A preparedName is a name in the forms in which it is compared.
type preparedName struct {
	plain, expanded []rune
	differs         bool // the two foldings differ
	// The words of the two foldings in the order of the alphabet.
	sorted, sortedExpanded []rune
	reordered              bool // the name's own order is another
	// whole is the name with a form before it, which another country would not
	// take for one; nil where there is none.
	whole []rune
}

func prepareName(name, country string) preparedName {
	all := nameWords(name)
	left := withoutForms(all, country, 1)
	n := normalized(left)
	p := preparedName{plain: []rune(n.Plain), expanded: []rune(n.Expanded), differs: n.Plain != n.Expanded}
	sorted := sortedWords(n.Plain)
	p.sorted, p.sortedExpanded, p.reordered = []rune(sorted), []rune(sortedWords(n.Expanded)), sorted != n.Plain
	if ended, _ := withoutEnd(all, country, 1); len(ended) > len(left) {
		p.whole = []rune(normalized(ended).Plain)
	}
	return p
}

func sortedWords(s string) string {
	all := strings.Fields(s)
	slices.Sort(all)
	return strings.Join(all, " ")
}

// similarInOrder is the better similarity of the two foldings. Between
// countries, a form before a name may also be part of it.
func similarInOrder(a, b *preparedName, sameCountry bool, s *jaroScratch) float64 {
	best := equalOrSimilar(a.plain, b.plain, s)
	if best < 1 && (a.differs || b.differs) {
		best = max(best, equalOrSimilar(a.expanded, b.expanded, s))
	}
	if best < 1 && !sameCountry && (a.whole != nil || b.whole != nil) {
		best = max(best, equalOrSimilar(a.withForm(), b.withForm(), s))
	}
	return best
}

func (n *preparedName) withForm() []rune {
	if n.whole != nil {
		return n.whole
	}
	return n.plain
}

// similarSorted is the same with the words sorted. It is 0 where both names
// are in that order anyway.
func similarSorted(a, b *preparedName, s *jaroScratch) float64 {
	if !a.reordered && !b.reordered {
		return 0
	}
	best := jaroRunes(a.sorted, b.sorted, s)
	if best < 1 && (a.differs || b.differs) {
		best = max(best, jaroRunes(a.sortedExpanded, b.sortedExpanded, s))
	}
	return best
}

func equalOrSimilar(a, b []rune, s *jaroScratch) float64 {
	if len(a) > 0 && slices.Equal(a, b) {
		return 1
	}
	return jaroWinklerRunes(a, b, s)
}

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
	all := written.Words(s)
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
