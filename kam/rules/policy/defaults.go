package policy

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

//go:embed default.yaml
var defaultYAML []byte

// DefaultYAML is the policy that is shipped (P3.9), as text.
func DefaultYAML() []byte { return append([]byte(nil), defaultYAML...) }

// defaultLabels are those of P3.3.3, first match.
var defaultLabels = []RFMLabel{
	{Label: "CHAMPION", Recency: ScoreRange{4, 5}, Frequency: ScoreRange{4, 5}, Monetary: ScoreRange{4, 5}},
	{Label: "AT_RISK", Recency: ScoreRange{1, 2}, Frequency: ScoreRange{3, 5}, Monetary: ScoreRange{4, 5}},
	{Label: "LOYAL", Recency: ScoreRange{3, 5}, Frequency: ScoreRange{3, 5}, Monetary: ScoreRange{3, 5}},
	{Label: "EMERGING", Recency: ScoreRange{4, 5}, Frequency: ScoreRange{1, 2}},
	{Label: "DORMANT", Recency: ScoreRange{1, 2}, Frequency: ScoreRange{1, 2}, Monetary: ScoreRange{1, 2}},
	{Label: "REGULAR"},
}

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
	if !slices.ContainsFunc(p.Add.HardStops, func(h HardStop) bool { return h.ID == StopLikeARejected }) {
		p.Add.HardStops = append(p.Add.HardStops, HardStop{ID: StopLikeARejected, Outcome: kam.Refer, Enabled: true})
	}
	if p.Duplicates.Blocking == nil {
		p.Duplicates.Blocking = slices.Clone(BlockingRules)
	}
}
