package rules

import (
	_ "embed"
	"slices"
	"sort"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

const shareMode = "SHARE_OF_COMPANY_REVENUE"

// Conventions of the customer that crosses an ABC line (D10).
const (
	BoundaryBefore  = "BEFORE"
	BoundaryAtMost  = "AT_MOST"
	BoundaryRestart = "RESTART"
)

// defaultLabels are those of P3.3.3, first match.
var defaultLabels = []RFMLabel{
	{Label: "CHAMPION", Recency: ScoreRange{4, 5}, Frequency: ScoreRange{4, 5}, Monetary: ScoreRange{4, 5}},
	{Label: "AT_RISK", Recency: ScoreRange{1, 2}, Frequency: ScoreRange{3, 5}, Monetary: ScoreRange{4, 5}},
	{Label: "LOYAL", Recency: ScoreRange{3, 5}, Frequency: ScoreRange{3, 5}, Monetary: ScoreRange{3, 5}},
	{Label: "EMERGING", Recency: ScoreRange{4, 5}, Frequency: ScoreRange{1, 2}},
	{Label: "DORMANT", Recency: ScoreRange{1, 2}, Frequency: ScoreRange{1, 2}, Monetary: ScoreRange{1, 2}},
	{Label: "REGULAR"},
}

const hs9 = "HS9_LIKE_A_REJECTED"

// supportedFloor is the default of duplicates.min_name_similarity_supported.
const supportedFloor kam.Dec = 70

// commonWords are the default of common_words.
//
//go:embed common_words.txt
var commonWords string

// fillDefaults gives the keys that came later their defaults: a policy that was
// stored without them stays readable.
func (p *Policy) fillDefaults() {
	if p.ABC.Boundary == "" {
		p.ABC.Boundary = BoundaryBefore
	}
	if p.RFM.Labels == nil {
		p.RFM.Labels = slices.Clone(defaultLabels)
	}
	if p.CommonWords == nil {
		p.CommonWords = strings.Fields(commonWords)
	}
	if p.Duplicates.MinNameSimilaritySupported == nil {
		floor := min(supportedFloor, p.Duplicates.MinNameSimilarity)
		p.Duplicates.MinNameSimilaritySupported = &floor
	}
	// A policy that was written before HS9 has it as it is shipped.
	if !slices.ContainsFunc(p.Add.HardStops, func(h HardStop) bool { return h.ID == hs9 }) {
		p.Add.HardStops = append(p.Add.HardStops, HardStop{ID: hs9, Outcome: kam.Refer, Enabled: true})
	}
	if p.Duplicates.Blocking == nil {
		p.Duplicates.Blocking = slices.Clone(blockingRules)
	}
}

// Ref names the policy in a record.
func (p *Policy) Ref() kam.PolicyRef { return kam.PolicyRef{ID: p.ID, Version: p.Version} }

// ConfirmLevel is the level that must confirm a potential, in whole units of
// the base currency (1.1.5).
func (p *Policy) ConfirmLevel(potential kam.Dec) kam.NodeLevel {
	level := p.Confirmation.Levels[0].Level
	for _, l := range p.Confirmation.Levels {
		if potential >= l.MinPotential {
			level = l.Level
		}
	}
	return level
}

// Severity is the severity of a finding: the policy's, else the rule's own.
func (p *Policy) Severity(rule string, own kam.Severity) kam.Severity {
	if s, ok := p.Findings[rule]; ok {
		return s
	}
	return own
}

func (s ScoreRange) has(v int) bool { return len(s) != 2 || v >= s[0] && v <= s[1] }

func (p *Policy) label(recency, frequency, monetary int) kam.RFMLabel {
	for _, l := range p.RFM.Labels {
		if l.Recency.has(recency) && l.Frequency.has(frequency) && l.Monetary.has(monetary) {
			return l.Label
		}
	}
	return ""
}

// buyingLevels rise as in P2.4.3.
var buyingLevels = []kam.BuyingLevel{kam.BuyingLocal, kam.BuyingRegional, kam.BuyingNational, kam.BuyingGlobal}

// buyingRank is 0 for LOCAL up to 3 for GLOBAL, -1 where unknown.
func buyingRank(b kam.BuyingLevel) int { return slices.Index(buyingLevels, b) }

func count(list []string, what string) (n int) {
	for _, s := range list {
		if s == what {
			n++
		}
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func isClock(s string) bool {
	s = strings.TrimSpace(s)
	return len(s) == 5 && s[2] == ':' && s[:2] >= "00" && s[:2] <= "24" && s[3:] >= "00" && s[3:] <= "59"
}

// nearest is the remedy for a name that is not known; a suggestion shares at
// least half of its letters.
func nearest(name string, known []string) string {
	best, at := min(4, len(name)/2+1), ""
	for _, k := range known {
		if d := distance(strings.ToLower(clip(name)), strings.ToLower(k)); d < best {
			best, at = d, k
		}
	}
	switch {
	case at != "":
		return "did you mean " + at + "?"
	case len(known) <= 16:
		return "use one of " + strings.Join(known, ", ")
	}
	return "remove it"
}

// distance is Levenshtein's, on bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			next := diag
			if a[i] != b[j] {
				next = 1 + min(diag, row[j], row[j+1])
			}
			diag, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
