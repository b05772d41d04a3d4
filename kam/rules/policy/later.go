package policy

import (
	"github.com/kamflow/kamflow/kam"
)

// Coverage is step 3.1: calls by ABC class or key account tier.
type Coverage struct {
	CycleWeeks     int                `yaml:"cycle_weeks" min:"1" max:"104"`
	CallsPerDay    kam.Dec            `yaml:"calls_per_day" min:"0.01" max:"1000"`
	CallsPerYear   map[string]kam.Dec `yaml:"calls_per_year" keys:"coverage" min:"0" max:"10000"`
	MatrixFactor   map[string]kam.Dec `yaml:"matrix_factor" keys:"quadrant" min:"0" max:"100"`
	CallMinutes    map[string]kam.Dec `yaml:"call_minutes" keys:"coverage" min:"0" max:"1440"`
	TravelMinutes  kam.Dec            `yaml:"travel_minutes_default" min:"0" max:"1440"`
	UtilisWarnPct  kam.Dec            `yaml:"utilisation_warn_pct" min:"0" max:"1000"`
	UtilisLowPct   kam.Dec            `yaml:"utilisation_low_pct" min:"0" max:"1000"`
	MinTopQuartile kam.Dec            `yaml:"min_share_on_ip_top_quartile_pct" min:"0" max:"100"`
}

// Scorecard is P4.1.6.
type Scorecard struct {
	Perspectives struct {
		Financial    kam.Dec `yaml:"FINANCIAL" min:"0" max:"100"`
		Customer     kam.Dec `yaml:"CUSTOMER" min:"0" max:"100"`
		Internal     kam.Dec `yaml:"INTERNAL_PROCESS" min:"0" max:"100"`
		Relationship kam.Dec `yaml:"RELATIONSHIP" min:"0" max:"100"`
	} `yaml:"perspectives" sum:"100"`
	GreenAtPct       kam.Dec `yaml:"green_at_pct" min:"0" max:"1000"`
	AmberAtPct       kam.Dec `yaml:"amber_at_pct" min:"0" max:"1000"`
	AttainmentCapPct kam.Dec `yaml:"attainment_cap_pct" min:"0" max:"1000"`
}

// Incentive is P4.1.6.
type Incentive struct {
	MinCustomerWeightPct kam.Dec `yaml:"min_customer_metric_weight_pct" min:"0" max:"100"`
	ThresholdPct         kam.Dec `yaml:"threshold_pct" min:"0" max:"1000"`
	PayoutAtThresholdPct kam.Dec `yaml:"payout_at_threshold_pct" min:"0" max:"1000"`
	CapAttainmentPct     kam.Dec `yaml:"cap_attainment_pct" min:"0" max:"1000"`
	PayoutAtCapPct       kam.Dec `yaml:"payout_at_cap_pct" min:"0" max:"1000"`
}

// Plan holds the gates of process 2.
type Plan struct {
	MinProfilePct      kam.Dec  `yaml:"min_profile_completeness_pct" min:"0" max:"100"`
	MinOpportunityPct  kam.Dec  `yaml:"min_opportunity_cover_pct" min:"0" max:"1000"`
	CustomerMeasure    bool     `yaml:"require_customer_measure"`
	AllPerspectives    bool     `yaml:"require_all_perspectives"`
	RequireFinanceFrom kam.Tier `yaml:"require_finance_from_tier" one:"TERRITORY REGIONAL NATIONAL GLOBAL"`
}
