package policy

import (
	"github.com/kamflow/kamflow/kam"
)

// Scoring is common to attractiveness and strength.
type Scoring struct {
	MissingPoints kam.Dec `yaml:"missing_points" min:"0" max:"100"`
}

// ScoreMap gives points to each value of a closed set.
type ScoreMap map[string]kam.Dec

// Add is step 1.1.4 (P3.2).
type Add struct {
	Weights struct {
		AnnualPotential    kam.Dec `yaml:"annual_potential" min:"0" max:"100"`
		StrategicFit       kam.Dec `yaml:"strategic_fit" min:"0" max:"100"`
		GrowthOutlook      kam.Dec `yaml:"growth_outlook" min:"0" max:"100"`
		CreditRating       kam.Dec `yaml:"credit_rating" min:"0" max:"100"`
		RelationshipAccess kam.Dec `yaml:"relationship_access" min:"0" max:"100"`
		CostToServe        kam.Dec `yaml:"cost_to_serve" min:"0" max:"100"`
	} `yaml:"weights" sum:"100"`
	Bands struct {
		AnnualPotential  Bands `yaml:"annual_potential" from:"0"`
		GrowthOutlookPct Bands `yaml:"growth_outlook_pct" from:"-100" to:"300"`
	} `yaml:"bands"`
	Maps struct {
		StrategicFit       ScoreMap `yaml:"strategic_fit" keys:"strategic_fit" min:"0" max:"100"`
		CreditRating       ScoreMap `yaml:"credit_rating" keys:"credit_rating" min:"0" max:"100"`
		RelationshipAccess ScoreMap `yaml:"relationship_access" keys:"relationship_access" min:"0" max:"100"`
		CostToServe        ScoreMap `yaml:"cost_to_serve" keys:"cost_to_serve" min:"0" max:"100"`
	} `yaml:"maps"`
	MissingPoints    kam.Dec    `yaml:"missing_points" min:"0" max:"100"`
	MinConfidencePct kam.Dec    `yaml:"min_confidence_pct" min:"0" max:"100"`
	AddAt            kam.Dec    `yaml:"add_at" min:"0" max:"100"`
	ReferAt          kam.Dec    `yaml:"refer_at" min:"0" max:"100"`
	HardStops        []HardStop `yaml:"hard_stops"`
}

// The hard stops of P3.2, which a policy names each once.
const (
	StopBlockedParty       = "HS1_BLOCKED_PARTY"
	StopSanctionsConfirmed = "HS2_SANCTIONS_CONFIRMED"
	StopCountryNotServed   = "HS3_COUNTRY_NOT_SERVED"
	StopIndustryExcluded   = "HS4_INDUSTRY_EXCLUDED"
	StopRecentlyRejected   = "HS5_RECENTLY_REJECTED"
	StopSanctionsPossible  = "HS6_SANCTIONS_POSSIBLE"
	StopFinanceHold        = "HS7_FINANCE_HOLD"
	StopCreditD            = "HS8_CREDIT_D"
	StopLikeARejected      = "HS9_LIKE_A_REJECTED"
)

// HardStops lists them in the order of their numbers.
var HardStops = []string{StopBlockedParty, StopSanctionsConfirmed, StopCountryNotServed, StopIndustryExcluded, StopRecentlyRejected, StopSanctionsPossible, StopFinanceHold, StopCreditD, StopLikeARejected}

// A HardStop ends scoring with an outcome; the order in the policy decides
// which one is the headline.
type HardStop struct {
	ID      string             `yaml:"id" oneOf:"hard_stop"`
	Outcome kam.Recommendation `yaml:"outcome" one:"REJECT REFER_COMPLIANCE REFER"`
	Enabled bool               `yaml:"enabled" default:"true"`
}

// ABC is P3.3.2. Boundary says which class the customer on a line gets:
// BEFORE tests the share before him, AT_MOST the share with him, RESTART
// counts each class from its own start.
type ABC struct {
	Measure  string  `yaml:"measure" one:"net_revenue_12m"`
	Scope    string  `yaml:"scope" one:"COMPANY COUNTRY REGION TERRITORY" fixed:"true"`
	CutAPct  kam.Dec `yaml:"cut_a_pct" min:"0.01" max:"100"`
	CutBPct  kam.Dec `yaml:"cut_b_pct" min:"0.01" max:"100"`
	Boundary string  `yaml:"boundary" opt:"true" one:"BEFORE AT_MOST RESTART"`
}

// RFM is P3.3.3.
type RFM struct {
	Mode           string     `yaml:"mode" one:"FIXED QUINTILE AUTO" fixed:"true"`
	QuintileMinPop int        `yaml:"quintile_min_population" min:"1" max:"100000000" fixed:"true"`
	Recency        Bands      `yaml:"recency_days" from:"0" score:"true"`
	Frequency      Bands      `yaml:"frequency_orders" from:"0" score:"true"`
	Monetary       Bands      `yaml:"monetary" from:"0" score:"true"`
	Labels         []RFMLabel `yaml:"labels" opt:"true"`
}

// An RFMLabel names a region of RFM space by inclusive ranges of scores; a
// range that is left out takes every score. The first that fits wins.
type RFMLabel struct {
	Label     kam.RFMLabel `yaml:"label" one:"CHAMPION AT_RISK LOYAL EMERGING DORMANT REGULAR"`
	Recency   ScoreRange   `yaml:"recency" opt:"true"`
	Frequency ScoreRange   `yaml:"frequency" opt:"true"`
	Monetary  ScoreRange   `yaml:"monetary" opt:"true"`
}

// ScoreRange is an inclusive range of RFM scores, nil for any.
type ScoreRange []int

// Attract is the vertical axis of the matrix (P3.3.4).
type Attract struct {
	Weights struct {
		AnnualPotential kam.Dec `yaml:"annual_potential" min:"0" max:"100"`
		Growth          kam.Dec `yaml:"growth" min:"0" max:"100"`
		MarginPotential kam.Dec `yaml:"margin_potential" min:"0" max:"100"`
		StrategicFit    kam.Dec `yaml:"strategic_fit" min:"0" max:"100"`
		Buying          kam.Dec `yaml:"buying_centralization" min:"0" max:"100"`
		ReferenceValue  kam.Dec `yaml:"reference_value" min:"0" max:"100"`
	} `yaml:"weights" sum:"100"`
	Bands struct {
		AnnualPotential Bands `yaml:"annual_potential" from:"0"`
		GrowthPct       Bands `yaml:"growth_pct" from:"-100" to:"300"`
		MarginPct       Bands `yaml:"margin_pct" from:"-100" to:"100"`
	} `yaml:"bands"`
	Maps struct {
		StrategicFit   ScoreMap `yaml:"strategic_fit" keys:"strategic_fit" min:"0" max:"100"`
		Buying         ScoreMap `yaml:"buying_centralization" keys:"buying_centralization" min:"0" max:"100"`
		ReferenceValue ScoreMap `yaml:"reference_value" keys:"reference_value" min:"0" max:"100"`
	} `yaml:"maps"`
}

// Strength is the horizontal axis of the matrix (P3.3.4).
type Strength struct {
	Weights struct {
		ShareOfWallet     kam.Dec `yaml:"share_of_wallet" min:"0" max:"100"`
		RelationshipStage kam.Dec `yaml:"relationship_stage" min:"0" max:"100"`
		ProductFit        kam.Dec `yaml:"product_fit" min:"0" max:"100"`
		Satisfaction      kam.Dec `yaml:"satisfaction" min:"0" max:"100"`
	} `yaml:"weights" sum:"100"`
	Bands struct {
		ShareOfWalletPct Bands `yaml:"share_of_wallet_pct" from:"0"`
	} `yaml:"bands"`
	Maps struct {
		RelationshipStage ScoreMap `yaml:"relationship_stage" keys:"relationship_stage" min:"0" max:"100"`
	} `yaml:"maps"`
}

// Matrix holds the cuts of the quadrants; a value on the cut is high.
type Matrix struct {
	AttractivenessCut kam.Dec `yaml:"attractiveness_cut" min:"0" max:"100"`
	StrengthCut       kam.Dec `yaml:"strength_cut" min:"0" max:"100"`
}

// Improve is the Improvement Potential index (P3.3.5).
type Improve struct {
	AttainableSharePct kam.Dec            `yaml:"attainable_share_pct" min:"0" max:"100"`
	ReferenceValue     kam.Dec            `yaml:"reference_value" min:"0.01"`
	BenchmarkMarginPct kam.Dec            `yaml:"benchmark_contribution_margin_pct" min:"0" max:"100"`
	Benchmarks         map[string]kam.Dec `yaml:"benchmarks_pct_of_net_sales" min:"0" max:"100"`
	RedOverPP          kam.Dec            `yaml:"red_over_pp" min:"0" max:"100"`
	AmberOverPP        kam.Dec            `yaml:"amber_over_pp" min:"0" max:"100"`
}

// Capability is P3.3.6.
type Capability struct {
	Items     []string `yaml:"items" one:"data_sharing joint_planning executive_access category_resources execution_discipline"`
	CapableAt kam.Dec  `yaml:"capable_at" min:"0" max:"100" later:"2.1"`
}

// Conventions of the customer that crosses an ABC line (D10).
const (
	BoundaryBefore  = "BEFORE"
	BoundaryAtMost  = "AT_MOST"
	BoundaryRestart = "RESTART"
)

func (s ScoreRange) has(v int) bool { return len(s) != 2 || v >= s[0] && v <= s[1] }

// Label is the first label whose ranges hold the three scores.
func (r RFM) Label(recency, frequency, monetary int) kam.RFMLabel {
	for _, l := range r.Labels {
		if l.Recency.has(recency) && l.Frequency.has(frequency) && l.Monetary.has(monetary) {
			return l.Label
		}
	}
	return ""
}
