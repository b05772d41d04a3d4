package onboarding

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

// RecordKind says which run of the rules a record explains.
type RecordKind string

// The kinds of decision record.
const (
	RecordAdd            RecordKind = "ADD_DECISION"
	RecordSegment        RecordKind = "SEGMENTATION"
	RecordValidation     RecordKind = "VALIDATION"
	RecordClassification RecordKind = "CLASSIFICATION"
)

// A DecisionRecord lets a person answer what was decided, by which version of
// the rules, from which facts, why, and what would have changed it (P3.6).
// The rules fill in what they know; case, step and time are stamped by the
// engine that stores it.
type DecisionRecord struct {
	RecordID     string             `json:"decision_id,omitempty"`
	CaseNo       kam.CaseNo         `json:"case_no,omitempty"`
	Step         kam.StepCode       `json:"step_code"`
	Kind         RecordKind         `json:"kind"`
	Policy       PolicyRef          `json:"policy"`
	RulesVersion int                `json:"rules_version,omitempty"` // of the program's rules; without it 1
	Revision     int                `json:"revision,omitempty"`
	MaterialHash string             `json:"material_hash,omitempty"`
	ComputedAt   *time.Time         `json:"computed_at,omitempty"`
	Outcome      string             `json:"outcome"`
	Headline     string             `json:"headline"`
	Score        *kam.Dec           `json:"score,omitempty"`
	Confidence   *kam.Dec           `json:"confidence_pct,omitempty"`
	HardStops    []HardStop         `json:"hard_stops,omitempty"`
	Criteria     []CriterionResult  `json:"criteria,omitempty"`
	Missing      []string           `json:"missing,omitempty"`
	WouldChange  []WouldChange      `json:"would_change,omitempty"`
	Gates        []Gate             `json:"gates,omitempty"`
	Tests        []TierTest         `json:"tests,omitempty"`
	Members      []string           `json:"members,omitempty"`
	HomeNode     string             `json:"home_node,omitempty"`
	SnapshotID   string             `json:"snapshot_id,omitempty"`
	Findings     []customer.Finding `json:"findings,omitempty"`
	Human        *HumanDecision     `json:"human,omitempty"`
}

// PolicyRef names the version of the rules.
type PolicyRef struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

// HardStop is a rule that ends scoring.
type HardStop struct {
	ID      string             `json:"id"`
	Outcome kam.Recommendation `json:"outcome"`
}

// CriterionResult is one line of a score.
type CriterionResult struct {
	ID           string  `json:"id"`
	Value        string  `json:"value"`
	Points       kam.Dec `json:"points"`
	Weight       kam.Dec `json:"weight"`
	Contribution kam.Dec `json:"contribution"`
}

// WouldChange is the change of one criterion that lifts the outcome.
type WouldChange struct {
	Criterion string  `json:"criterion"`
	To        string  `json:"to"`
	Score     kam.Dec `json:"score"`
	Outcome   string  `json:"outcome"`
}

// Gate is one gate of P3.5.1.
type Gate struct {
	ID     string `json:"id"`
	Passed bool   `json:"passed"`
	Reason string `json:"reason"`
}

// TierTest is one test of a tier with its value and limit.
type TierTest struct {
	Tier   kam.Tier `json:"tier"`
	Test   string   `json:"test"`
	Value  Figure   `json:"value"`
	Limit  Figure   `json:"limit"`
	Passed bool     `json:"passed"`
}

// A Figure is one side of a test: an amount, a score, or the name of a level.
// In JSON it is money, a number or a string, as everywhere.
type Figure struct {
	Money *kam.Money
	Score *kam.Dec
	Level string
}

// AmountFigure is an amount of money.
func AmountFigure(m kam.Money) Figure { return Figure{Money: &m} }

// ScoreFigure is a score or percentage.
func ScoreFigure(d kam.Dec) Figure { return Figure{Score: &d} }

// LevelFigure is the name of a level.
func LevelFigure(name string) Figure { return Figure{Level: name} }

// String is the figure for people; an amount without its currency.
func (f Figure) String() string {
	switch {
	case f.Money != nil:
		whole, _, _ := strings.Cut(f.Money.String(), " ")
		return whole
	case f.Score != nil:
		return f.Score.String()
	default:
		return f.Level
	}
}

// MarshalJSON writes money, a number or a string.
func (f Figure) MarshalJSON() ([]byte, error) {
	switch {
	case f.Money != nil:
		return json.Marshal(f.Money)
	case f.Score != nil:
		return json.Marshal(f.Score)
	default:
		return json.Marshal(f.Level)
	}
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Figure) UnmarshalJSON(b []byte) error {
	*f = Figure{}
	switch {
	case len(b) > 0 && b[0] == '{':
		return json.Unmarshal(b, &f.Money)
	case len(b) > 0 && b[0] == '"':
		return json.Unmarshal(b, &f.Level)
	default:
		return json.Unmarshal(b, &f.Score)
	}
}

// HumanDecision is what a person decided on a recommendation.
type HumanDecision struct {
	Decision              string     `json:"decision"`
	By                    kam.UserID `json:"by"`
	OnBehalfOf            kam.UserID `json:"on_behalf_of,omitempty"`
	AgainstRecommendation bool       `json:"against_recommendation"`
	Reason                string     `json:"reason,omitempty"`
	At                    time.Time  `json:"at"`
}
