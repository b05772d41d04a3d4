package rules

import (
	_ "embed"

	"github.com/kamflow/kamflow/kam"
)

// A Policy holds every number of chapter P3: weights, bands, thresholds,
// deadlines. It is read by [ParsePolicy] only, and never changed afterwards.
// Amounts are whole units of BaseCurrency, percentages and points are
// [kam.Dec]. Tags: opt marks a key that may be left out; min and max bound a
// number; keys names the closed set whose values a map must cover; one lists
// the values of a text; sum is the total of a group of weights; from and to
// bound the field that a band table must cover; takes names the parts of a wait
// that its task goes by. What the engine does not carry out, or at the default
// alone, is marked later (with the step of the process that will) or fixed: see
// [LoadPolicy].
type Policy struct {
	ID            string     `yaml:"policy_id"`
	Version       int        `yaml:"version" min:"1"`
	EffectiveFrom string     `yaml:"effective_from" date:"true"`
	BaseCurrency  string     `yaml:"base_currency"`
	HistoryMonths int        `yaml:"history_window_months" min:"1" max:"120" later:"5.9"`
	ScoringMonths int        `yaml:"scoring_window_months" min:"1" max:"60" fixed:"true"`
	PriorMonths   int        `yaml:"prior_window_months" min:"1" max:"60" fixed:"true"`
	Process       Process    `yaml:"process"`
	SLA           SLA        `yaml:"sla"`
	Confirmation  Confirm    `yaml:"confirmation"`
	Scoring       Scoring    `yaml:"scoring"`
	Add           AddPolicy  `yaml:"add_decision"`
	ABC           ABCPolicy  `yaml:"abc"`
	RFM           RFMPolicy  `yaml:"rfm"`
	Attract       Attract    `yaml:"attractiveness"`
	Strength      Strength   `yaml:"strength"`
	Matrix        Matrix     `yaml:"matrix"`
	Improvement   Improve    `yaml:"improvement_potential"`
	Capability    Capability `yaml:"capability"`
	KeyAccount    KeyAccount `yaml:"key_account"`
	Coverage      Coverage   `yaml:"coverage" later:"3.1"`
	Review        Review     `yaml:"review"`
	Duplicates    Duplicates `yaml:"duplicates"`
	Scorecard     Scorecard  `yaml:"scorecard" later:"2.3"`
	Incentive     Incentive  `yaml:"incentive" later:"2.3"`
	Plan          Plan       `yaml:"plan" later:"2.6"`
	Screening     Screening  `yaml:"screening"`
	Market        Market     `yaml:"market"`
	SOD           SOD        `yaml:"sod"`
	Calendar      Calendar   `yaml:"calendar"`
	Retention     Retention  `yaml:"retention_years"`
	// Findings overrides the severity of a validation rule; VI01, VI02, VH02
	// and VS01 stay ERROR (P3.7).
	Findings map[string]kam.Severity `yaml:"findings" opt:"true" one:"ERROR REVIEW WARNING INFO"`
	// CommonWords are words that many names of companies have: they do not tell
	// one company from another (HS1, HS5).
	CommonWords []string `yaml:"common_words" opt:"true"`

	calc calc
}

// Process bounds a case (P2).
type Process struct {
	DataEntryMode      string `yaml:"data_entry_mode" one:"progressive full_before_decision"`
	AutoReject         bool   `yaml:"auto_reject"`
	AppealWindowDays   int    `yaml:"appeal_window_days" min:"0" max:"3650"`
	MaxChangeRounds    int    `yaml:"max_change_rounds" min:"0" max:"100"`
	MaxOpenCases       int    `yaml:"max_open_cases_per_customer" min:"1" max:"100" fixed:"true"`
	RejectCooldownDays int    `yaml:"reject_cooldown_days" min:"0" max:"3650"`
}

// SLA holds the waits of P5.4, in business days of the assignee's calendar.
type SLA struct {
	DataEntry        Wait    `yaml:"data_entry" takes:"remind expire target"`
	DuplicateReview  Wait    `yaml:"duplicate_review" takes:"remind escalate expire target"`
	ComplianceReview Wait    `yaml:"compliance_review" takes:"remind escalate expire target"`
	Confirmation     Wait    `yaml:"confirmation" takes:"remind escalate expire target"`
	ChangesRequested Wait    `yaml:"changes_requested" takes:"remind expire target"`
	Completion       Wait    `yaml:"completion" takes:"remind notify_manager expire target"`
	ValidationReview Wait    `yaml:"validation_review" takes:"remind escalate expire target"`
	Endorsement      Wait    `yaml:"endorsement" takes:"remind escalate lapse target"`
	KAMAssignment    Wait    `yaml:"kam_assignment" takes:"remind escalate target"`
	ProfileDue       kam.Dec `yaml:"profile_due" min:"0" max:"3650"`
	PlanDue          kam.Dec `yaml:"plan_due" min:"0" max:"3650" later:"2.6"`
	HighFactor       kam.Dec `yaml:"high_priority_factor" min:"0.01" max:"1"`
	HighMinPotential kam.Dec `yaml:"high_priority_min_potential" min:"0"`
	InterventionHrs  kam.Dec `yaml:"intervention_escalate_clock_hours" min:"0" max:"1000"`
}

// A Wait is how long a task may rest, in business days; nil where the step
// has no such limit. Target is what the time of the stage is measured against,
// in working hours; without it the escalation, or the notice to the manager.
type Wait struct {
	Remind        *kam.Dec `yaml:"remind" opt:"true" min:"0.01" max:"3650"`
	Escalate      *kam.Dec `yaml:"escalate" opt:"true" min:"0.01" max:"3650"`
	NotifyManager *kam.Dec `yaml:"notify_manager" opt:"true" min:"0.01" max:"3650"`
	Expire        *kam.Dec `yaml:"expire" opt:"true" min:"0.01" max:"3650"`
	Lapse         *kam.Dec `yaml:"lapse" opt:"true" min:"0.01" max:"3650"`
	Target        *kam.Dec `yaml:"target" opt:"true" min:"0.01" max:"87600"`
}

// Confirm says who must confirm at 1.1.5.
type Confirm struct {
	Levels        []ConfirmLevel `yaml:"levels"`
	RequireReason bool           `yaml:"require_reason_when_against_recommendation"`
}

// A ConfirmLevel is the level of the tree that confirms from a potential on.
type ConfirmLevel struct {
	MinPotential kam.Dec       `yaml:"min_potential" min:"0"`
	Level        kam.NodeLevel `yaml:"level" one:"TERRITORY REGION COUNTRY GLOBAL"`
}

// Scoring is common to attractiveness and strength.
type Scoring struct {
	MissingPoints kam.Dec `yaml:"missing_points" min:"0" max:"100"`
}

// ScoreMap gives points to each value of a closed set.
type ScoreMap map[string]kam.Dec

// AddPolicy is step 1.1.4 (P3.2).
type AddPolicy struct {
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

// A HardStop ends scoring with an outcome; the order in the policy decides
// which one is the headline.
type HardStop struct {
	ID      string             `yaml:"id" one:"HS1_BLOCKED_PARTY HS2_SANCTIONS_CONFIRMED HS3_COUNTRY_NOT_SERVED HS4_INDUSTRY_EXCLUDED HS5_RECENTLY_REJECTED HS6_SANCTIONS_POSSIBLE HS7_FINANCE_HOLD HS8_CREDIT_D HS9_LIKE_A_REJECTED"`
	Outcome kam.Recommendation `yaml:"outcome" one:"REJECT REFER_COMPLIANCE REFER"`
	Enabled bool               `yaml:"enabled" default:"true"`
}

// ABCPolicy is P3.3.2. Boundary says which class the customer on a line gets:
// BEFORE tests the share before him, AT_MOST the share with him, RESTART
// counts each class from its own start.
type ABCPolicy struct {
	Measure  string  `yaml:"measure" one:"net_revenue_12m"`
	Scope    string  `yaml:"scope" one:"COMPANY COUNTRY REGION TERRITORY" fixed:"true"`
	CutAPct  kam.Dec `yaml:"cut_a_pct" min:"0.01" max:"100"`
	CutBPct  kam.Dec `yaml:"cut_b_pct" min:"0.01" max:"100"`
	Boundary string  `yaml:"boundary" opt:"true" one:"BEFORE AT_MOST RESTART"`
}

// RFMPolicy is P3.3.3.
type RFMPolicy struct {
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

//go:embed default.yaml
var defaultYAML []byte

// DefaultYAML is the policy that is shipped (P3.9), as text.
func DefaultYAML() []byte { return append([]byte(nil), defaultYAML...) }

// Default is the policy that is shipped.
func Default() (*Policy, error) { return ParsePolicy(defaultYAML) }
