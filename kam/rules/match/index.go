package match

import (
	"slices"
)

// The blocking rules of P3.4.4: two parties are compared where one of them
// brings them together.
const (
	blockIdentifier = "IDENTIFIER"
	blockPrefix     = "NAME_PREFIX"
	blockPostal     = "POSTAL_CODE"
	blockTrigram    = "NAME_TRIGRAM"
	blockDomain     = "DOMAIN" // or phone: what answers for the party
)

// minTrigram is the share of common trigrams from which names are compared.
const minTrigram = 0.3

// An Index finds the parties that may be one with another. It grows by Add and
// is not safe for use by several goroutines.
type Index struct {
	matcher *comparer
	parties []prepared
	blocks  map[string][]int32
	rules   []string

	// The names of all parties, and for each country and trigram those that
	// have it.
	names []indexedName
	trigs map[trigram][]int32

	seen   []int32 // by party: number of the search that met it
	counts []int32 // by name: common trigrams in this search
	search int32
}

type indexedName struct{ party, trigrams int32 }

// A trigram packs a country and three letters, letters by their low 16 bits:
// two that fall together only bring one comparison more.
type trigram uint64

// NewIndex makes an empty index.
func (m *Matcher) NewIndex() *Index {
	return &Index{matcher: m.comparer(), blocks: map[string][]int32{}, rules: m.blocking, trigs: map[trigram][]int32{}}
}

// Add puts a party into the index.
func (x *Index) Add(p Party) { x.add(prepare(p)) }

// Candidates finds the parties that may be one with p, by falling score, then
// by reference. A party with the reference of p is p itself and left out.
func (x *Index) Candidates(p Party) []Pair {
	party := prepare(p)
	pairs := slices.DeleteFunc(x.find(&party), func(m Pair) bool { return m.Left == m.Right })
	sortPairs(pairs)
	return pairs
}

func (x *Index) add(p prepared) {
	n := int32(len(x.parties))
	x.parties = append(x.parties, p)
	x.seen = append(x.seen, 0)
	for _, key := range x.keys(&p) {
		x.blocks[key] = append(x.blocks[key], n)
	}
	if !slices.Contains(x.rules, blockTrigram) {
		return
	}
	for _, name := range p.names {
		all := trigrams(p.country, name.plain)
		for _, t := range all {
			x.trigs[t] = append(x.trigs[t], int32(len(x.names)))
		}
		x.names = append(x.names, indexedName{party: n, trigrams: int32(len(all))})
		x.counts = append(x.counts, 0)
	}
}

// find compares p with every party that a blocking rule brings.
func (x *Index) find(p *prepared) []Pair {
	x.search++
	pairs := []Pair{}
	meet := func(n int32) {
		if x.seen[n] == x.search {
			return
		}
		x.seen[n] = x.search
		if x.matcher.hopeless(p, &x.parties[n]) {
			return
		}
		if pair := x.matcher.compare(p, &x.parties[n]); pair.Class != "" {
			pairs = append(pairs, pair)
		}
	}
	for _, key := range x.keys(p) {
		for _, n := range x.blocks[key] {
			meet(n)
		}
	}
	if slices.Contains(x.rules, blockTrigram) {
		for _, name := range p.names {
			x.byTrigram(p.country, name, meet)
		}
	}
	return pairs
}

// byTrigram meets the parties with a name that shares enough trigrams: common
// ones over those of either name.
func (x *Index) byTrigram(country string, name preparedName, meet func(int32)) {
	all := trigrams(country, name.plain)
	var touched []int32
	for _, t := range all {
		for _, n := range x.trigs[t] {
			if x.counts[n] == 0 {
				touched = append(touched, n)
			}
			x.counts[n]++
		}
	}
	for _, n := range touched {
		both, other := x.counts[n], x.names[n]
		x.counts[n] = 0
		if float64(both) >= minTrigram*float64(int32(len(all))+other.trigrams-both) {
			meet(other.party)
		}
	}
}

// keys are the blocks of a party.
func (x *Index) keys(p *prepared) []string {
	var keys []string
	for _, rule := range x.rules {
		switch rule {
		case blockIdentifier:
			for _, id := range p.identifiers {
				keys = append(keys, "i/"+id.scheme+"/"+id.key)
			}
		case blockPrefix:
			for _, name := range p.names {
				keys = append(keys, namePrefix(p.country, name.plain))
				if name.differs {
					keys = append(keys, namePrefix(p.country, name.expanded))
				}
				keys = append(keys, "s"+namePrefix(p.country, name.sorted))
			}
		case blockPostal:
			if p.postal != "" {
				keys = append(keys, "p/"+p.country+"/"+p.postal)
			}
		case blockDomain:
			if p.phone != "" {
				keys = append(keys, "t/"+p.phone)
			}
			for _, d := range p.domains {
				keys = append(keys, "d/"+d)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func namePrefix(country string, name []rune) string {
	return "n/" + country + "/" + string(name[:min(4, len(name))])
}

// trigrams are the distinct triples of a name's letters, each word with two
// blanks before and one behind it.
func trigrams(country string, name []rune) []trigram {
	padded := make([]rune, 0, len(name)+8)
	padded = append(padded, ' ', ' ')
	for _, r := range name {
		if r == ' ' {
			padded = append(padded, ' ', ' ')
			continue
		}
		padded = append(padded, r)
	}
	padded = append(padded, ' ')
	place := trigram(0)
	for i := range min(2, len(country)) {
		place = place<<8 | trigram(country[i])<<48
	}
	all := make([]trigram, 0, len(padded))
	for i := range len(padded) - 2 {
		if padded[i+1] == ' ' && padded[i] != ' ' {
			continue
		}
		t := place | trigram(uint16(padded[i]))<<32 | trigram(uint16(padded[i+1]))<<16 | trigram(uint16(padded[i+2]))
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}
