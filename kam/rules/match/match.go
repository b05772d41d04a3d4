package match

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/identifier"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/kam/rules/written"
)

// A Pair says whether two parties may be one (P3.4.4). Class is empty
// where they are no candidates; reasons speak for, vetoes against or for a
// lower class.
type Pair struct {
	Left           string         `json:"left"`
	Right          string         `json:"right"`
	Class          kam.MatchClass `json:"class"`
	Score          kam.Dec        `json:"score"` // 0..1
	NameSimilarity kam.Dec        `json:"name_similarity"`
	Reasons        []string       `json:"reasons"`
	Vetoes         []string       `json:"vetoes"`
}

const (
	// fuzzyCap bounds every score that no rule made certain.
	fuzzyCap = 0.94
	// sameStreet is the similarity from which two streets are one.
	sameStreet = 0.9
	// The address part: all the same, postal code or city only.
	addressSame, addressPostal, addressCity = 1.0, 0.7, 0.4
)

// A Matcher compares parties under a policy. It is safe for use by several
// goroutines.
type Matcher struct {
	name, address, domain, phone float64
	probableAt, possibleAt       float64
	minSim, minSimSupported      float64
	blocking                     []string
	screenedAt                   float64         // similarity of names from which a line of a list is a hit
	common                       map[string]bool // words that tell no company from another
}

// New takes what the policy says about duplicates and screening.
func New(p *policy.Policy) *Matcher {
	d := p.Duplicates
	m := &Matcher{
		name: ratio(d.Weights.Name), address: ratio(d.Weights.Address), domain: ratio(d.Weights.Domain), phone: ratio(d.Weights.Phone),
		probableAt: ratio(d.ProbableAt), possibleAt: ratio(d.PossibleAt), minSim: ratio(d.MinNameSimilarity),
		minSimSupported: ratio(*d.MinNameSimilaritySupported), blocking: d.Blocking,
		screenedAt: ratio(p.Screening.PossibleAt), common: map[string]bool{},
	}
	if len(m.blocking) == 0 {
		m.blocking = policy.BlockingRules
	}
	for _, w := range p.CommonWords {
		m.common[written.Words(w)[0]] = true
	}
	return m
}

// Compare says whether two parties may be one, whatever the blocking rules.
func (m *Matcher) Compare(a, b Party) Pair {
	x, y := prepare(a), prepare(b)
	return m.comparer().compare(&x, &y)
}

// Pairs finds every two parties that may be one, by falling score, then by
// reference. Only pairs that a blocking rule brings together are compared.
func (m *Matcher) Pairs(parties []Party) []Pair {
	index := m.NewIndex()
	pairs := []Pair{}
	for _, p := range parties {
		party := prepare(p)
		pairs = append(pairs, index.find(&party)...)
		index.add(party)
	}
	for i := range pairs {
		if pairs[i].Left > pairs[i].Right {
			pairs[i].Left, pairs[i].Right = pairs[i].Right, pairs[i].Left
		}
	}
	sortPairs(pairs)
	return pairs
}

func sortPairs(pairs []Pair) {
	slices.SortFunc(pairs, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Left, b.Left), cmp.Compare(a.Right, b.Right))
	})
}

// A comparer compares prepared parties. Its scratch space makes it unfit for
// use by several goroutines.
type comparer struct {
	*Matcher
	scratch jaroScratch
}

func (m *Matcher) comparer() *comparer { return &comparer{Matcher: m} }

func ratio(d kam.Dec) float64 { return float64(d) / 100 }

// compare applies the rules in order: identifiers, name, supporting parts.
func (m *comparer) compare(x, y *prepared) Pair {
	same, contradicting := compareIdentifiers(x, y)
	sim := m.similarity(x, y)
	pair := Pair{Left: x.ref, Right: y.ref, NameSimilarity: hundredths(sim), Reasons: []string{}, Vetoes: []string{}}
	if len(same) == 0 && sim < min(m.minSim, m.minSimSupported) {
		return pair
	}
	e := m.weigh(x, y, sim)
	if len(same) == 0 && sim < m.minSim && !e.reached && (!e.at || len(contradicting) > 0) {
		return pair
	}
	pair.Reasons = append(pair.Reasons, e.reasons...)
	pair.Score = hundredths(min(e.score, fuzzyCap))
	for _, scheme := range contradicting {
		pair.Vetoes = append(pair.Vetoes, "different "+scheme)
	}
	switch {
	case len(same) > 0:
		m.classByIdentifier(&pair, x, y, same, contradicting)
	case sim == 1 && x.country != "" && x.country == y.country && x.postal != "" && x.postal == y.postal && sameName(x, y):
		pair.Reasons = append([]string{"same name, country and postal code"}, pair.Reasons...)
		pair.Class = kam.MatchCertain
		if len(contradicting) > 0 {
			pair.Class = kam.MatchProbable
		}
	case e.differentCities && !e.supported:
		pair.Vetoes = append(pair.Vetoes, "different cities")
	case e.score >= m.probableAt && !e.supported:
		pair.Class = kam.MatchPossible
		pair.Vetoes = append(pair.Vetoes, "name alone")
	case e.score >= m.probableAt:
		pair.Class = kam.MatchProbable
	case e.score >= m.possibleAt:
		pair.Class = kam.MatchPossible
	}
	if pair.Class == kam.MatchProbable && len(same) == 0 && len(contradicting) > 0 && !e.reached && !x.siteOf(y) {
		pair.Class = kam.MatchPossible
	}
	if pair.Class == kam.MatchCertain {
		pair.Score = 100
	}
	return pair
}

// sameName says that the two have a name in common, word by word.
func sameName(x, y *prepared) bool {
	for _, a := range x.names {
		for _, b := range y.names {
			if slices.Equal(a.plain, b.plain) || slices.Equal(a.expanded, b.expanded) {
				return true
			}
		}
	}
	return false
}

// siteOf says that both stand at one address of one group.
func (x *prepared) siteOf(y *prepared) bool {
	return x.group != "" && x.group == y.group && x.sameSite(y)
}

// classByIdentifier: the same number is certain, but for sites of one group
// at other addresses, for schemes that nobody checks, and where another number
// contradicts (D14).
func (m *comparer) classByIdentifier(pair *Pair, x, y *prepared, same []sharedIdentifier, contradicting []string) {
	pair.Class = kam.MatchProbable
	reasons := make([]string, 0, len(same))
	for _, s := range same {
		reasons = append(reasons, "same "+s.name)
		switch {
		case s.level == identifier.Site:
			pair.Class = kam.MatchCertain
		case s.level != identifier.Company:
		case x.group != "" && x.group == y.group && !x.sameSite(y):
			pair.Vetoes = append(pair.Vetoes, "another address in the group")
		default:
			pair.Class = kam.MatchCertain
		}
	}
	pair.Reasons = append(reasons, pair.Reasons...)
	if len(contradicting) > 0 {
		pair.Class = kam.MatchProbable
	}
	if pair.Class == kam.MatchProbable {
		pair.Score = max(pair.Score, hundredths(min(m.probableAt, fuzzyCap)))
	}
}

// evidence is the outcome of the weighted mean.
type evidence struct {
	score           float64
	reasons         []string
	supported       bool // something besides the name speaks for the pair
	at              bool // street and postal code do
	reached         bool // phone or domain do
	differentCities bool
}

// weigh is the weighted mean over the parts known on both sides.
func (m *comparer) weigh(x, y *prepared, sim float64) evidence {
	e := evidence{reasons: []string{fmt.Sprintf("name %s", hundredths(sim).Fixed())}}
	sum, weights := m.name*sim, m.name
	if value, known := m.addressPart(x, y); known {
		sum, weights = sum+m.address*value, weights+m.address
		switch {
		case value == addressSame:
			e.reasons = append(e.reasons, "same address")
		case value == addressPostal:
			e.reasons = append(e.reasons, "same postal code")
		case value == addressCity:
			e.reasons = append(e.reasons, "same city")
		}
		e.supported, e.at = value > 0, value == addressSame
		e.differentCities = x.city != "" && y.city != "" && value == 0
	}
	if len(x.domains) > 0 && len(y.domains) > 0 {
		weights += m.domain
		if domain := common(x.domains, y.domains); domain != "" {
			sum += m.domain
			e.supported, e.reached, e.reasons = true, true, append(e.reasons, "same domain "+domain)
		}
	}
	if x.phone != "" && y.phone != "" {
		weights += m.phone
		if x.phone == y.phone {
			sum += m.phone
			e.supported, e.reached, e.reasons = true, true, append(e.reasons, "same phone")
		}
	}
	if weights > 0 {
		e.score = sum / weights
	}
	return e
}

// hopeless says that a pair is no candidate whatever its names are.
func (m *comparer) hopeless(x, y *prepared) bool {
	if m.ceiling(x, y) >= m.possibleAt {
		return false
	}
	same, _ := compareIdentifiers(x, y)
	return len(same) == 0
}

// ceiling is the best score that a pair can reach whatever its names and
// streets: most pairs of a block end here, before the names are compared.
func (m *comparer) ceiling(x, y *prepared) float64 {
	sum, weights := m.name, m.name
	if best, known := bestAddress(x, y); known {
		sum, weights = sum+m.address*best, weights+m.address
	}
	if len(x.domains) > 0 && len(y.domains) > 0 {
		weights += m.domain
		if common(x.domains, y.domains) != "" {
			sum += m.domain
		}
	}
	if x.phone != "" && y.phone != "" {
		weights += m.phone
		if x.phone == y.phone {
			sum += m.phone
		}
	}
	if weights == 0 {
		return 0
	}
	return sum / weights
}

// similarity is the best of all names of both sides, in their order and with
// their words sorted. Sorted, any two names of many words have letters in
// common, so that counts from the floor of a name alone only.
func (m *comparer) similarity(x, y *prepared) float64 {
	best := 0.0
	for i := range x.names {
		for j := range y.names {
			a, b := &x.names[i], &y.names[j]
			best = max(best, similarInOrder(a, b, x.country == y.country, &m.scratch))
			if best == 1 {
				return 1
			}
			if sorted := similarSorted(a, b, &m.scratch); sorted >= m.minSim {
				best = max(best, sorted)
			}
		}
	}
	return best
}

// hundredths rounds half up to the two decimals that people see.
func hundredths(f float64) kam.Dec { return kam.Dec(f*100 + 0.5) }
