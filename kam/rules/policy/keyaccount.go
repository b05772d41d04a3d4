package policy

import (
	"github.com/kamflow/kamflow/kam"
)

// ShareOfCompanyRevenue is the threshold_mode in which the thresholds of tiers are
// percentages of the revenue of the company.
const ShareOfCompanyRevenue = "SHARE_OF_COMPANY_REVENUE"

// KeyAccount is step 1.5 (P3.5).
type KeyAccount struct {
	Weights struct {
		Attractiveness kam.Dec `yaml:"attractiveness" min:"0" max:"100"`
		Strength       kam.Dec `yaml:"strength" min:"0" max:"100"`
		Improvement    kam.Dec `yaml:"improvement_potential" min:"0" max:"100"`
		Capability     kam.Dec `yaml:"capability" min:"0" max:"100"`
	} `yaml:"weights" sum:"100"`
	StayMargin           kam.Dec `yaml:"stay_margin" min:"0" max:"100"`
	PotentialStayFactor  kam.Dec `yaml:"potential_stay_factor" min:"0" max:"1"`
	WatchMargin          kam.Dec `yaml:"watch_margin" min:"0" max:"100"`
	DropBelow            kam.Dec `yaml:"drop_immediately_below" min:"0" max:"100"`
	DemoteAfterReviews   int     `yaml:"demote_after_reviews" min:"1" max:"100"`
	MinCompletenessPct   kam.Dec `yaml:"min_completeness_pct" min:"0" max:"100"`
	ProvisionalFactor    kam.Dec `yaml:"provisional_potential_factor" min:"1" max:"100"`
	ProvisionalReviewDay int     `yaml:"provisional_review_days" min:"1" max:"3650"`
	Tiers                []Tier  `yaml:"tiers"`
	// ThresholdMode SHARE_OF_COMPANY_REVENUE reads min_potential and alone_at
	// of the tiers as percent of CompanyRevenue.
	ThresholdMode  string   `yaml:"threshold_mode" one:"ABSOLUTE SHARE_OF_COMPANY_REVENUE"`
	CompanyRevenue *kam.Dec `yaml:"company_revenue" opt:"true" min:"0.01"`
	Material       struct {
		MinValue    kam.Dec `yaml:"min_value" min:"0"`
		MinSharePct kam.Dec `yaml:"min_share_pct" min:"0" max:"100"`
	} `yaml:"material_presence"`
	Endorsement Endorsers `yaml:"endorsement"`
	Capacity    struct {
		PerKAM        PerTier `yaml:"max_accounts_per_kam"`
		ProgramWarnAt int     `yaml:"program_warn_at" min:"0" max:"1000000"`
		ProgramMax    int     `yaml:"program_max" min:"0" max:"1000000"`
	} `yaml:"capacity"`
}

// A Tier is one row of the table of P3.5.3.
type Tier struct {
	Tier         kam.Tier        `yaml:"tier" one:"GLOBAL NATIONAL REGIONAL TERRITORY"`
	MinPotential kam.Dec         `yaml:"min_potential" min:"0"`
	MinScore     kam.Dec         `yaml:"min_score" min:"0" max:"100"`
	MinBuying    kam.BuyingLevel `yaml:"min_buying" one:"LOCAL REGIONAL NATIONAL GLOBAL"`
	AloneAt      *kam.Dec        `yaml:"alone_at" min:"0.01"`
}

// Endorsers lists the manager roles that must endorse a tier.
type Endorsers struct {
	Territory []string `yaml:"TERRITORY" one:"TERRITORY_MANAGER REGIONAL_MANAGER NATIONAL_MANAGER GLOBAL_MANAGER"`
	Regional  []string `yaml:"REGIONAL" one:"TERRITORY_MANAGER REGIONAL_MANAGER NATIONAL_MANAGER GLOBAL_MANAGER"`
	National  []string `yaml:"NATIONAL" one:"TERRITORY_MANAGER REGIONAL_MANAGER NATIONAL_MANAGER GLOBAL_MANAGER"`
	Global    []string `yaml:"GLOBAL" one:"TERRITORY_MANAGER REGIONAL_MANAGER NATIONAL_MANAGER GLOBAL_MANAGER"`
}

// For lists the endorsers of a tier, nil for none.
func (e Endorsers) For(t kam.Tier) []string {
	switch t {
	case kam.TierTerritory:
		return e.Territory
	case kam.TierRegional:
		return e.Regional
	case kam.TierNational:
		return e.National
	case kam.TierGlobal:
		return e.Global
	}
	return nil
}

// PerTier is a number of accounts for each tier.
type PerTier struct {
	Territory int `yaml:"TERRITORY" min:"1" max:"1000000"`
	Regional  int `yaml:"REGIONAL" min:"1" max:"1000000"`
	National  int `yaml:"NATIONAL" min:"1" max:"1000000"`
	Global    int `yaml:"GLOBAL" min:"1" max:"1000000"`
}

// For is the number of a tier, 0 for none.
func (n PerTier) For(t kam.Tier) int {
	switch t {
	case kam.TierTerritory:
		return n.Territory
	case kam.TierRegional:
		return n.Regional
	case kam.TierNational:
		return n.National
	case kam.TierGlobal:
		return n.Global
	}
	return 0
}
