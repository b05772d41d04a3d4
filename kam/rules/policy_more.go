package rules

import "github.com/kamflow/kamflow/kam"

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

// Review is step 3.3.
type Review struct {
	KAScorecardDays int `yaml:"key_account_scorecard_days" min:"1" max:"3650" later:"3.3"`
	KAReviewDays    int `yaml:"key_account_review_days" min:"1" max:"3650"`
	NonKAReviewDays int `yaml:"non_key_account_review_days" min:"1" max:"3650"`
	Triggers        struct {
		RevenueDropPct     kam.Dec          `yaml:"revenue_drop_pct" min:"0" max:"100"`
		PotentialChangePct kam.Dec          `yaml:"potential_change_pct" min:"0" max:"10000"`
		ScorecardRed       int              `yaml:"scorecard_red_consecutive" min:"1" max:"100"`
		CallAttainmentPct  kam.Dec          `yaml:"call_attainment_below_pct" min:"0" max:"100"`
		CreditRating       kam.CreditRating `yaml:"credit_rating_at_or_below" one:"A B C D"`
		OwnershipChange    bool             `yaml:"ownership_change"`
	} `yaml:"triggers" later:"3.3"`
}

// Duplicates is the match of P3.4.4. Similarities are 0..1 with two decimals.
type Duplicates struct {
	Weights struct {
		Name    kam.Dec `yaml:"name" min:"0" max:"100"`
		Address kam.Dec `yaml:"address" min:"0" max:"100"`
		Domain  kam.Dec `yaml:"domain" min:"0" max:"100"`
		Phone   kam.Dec `yaml:"phone" min:"0" max:"100"`
	} `yaml:"weights" sum:"100"`
	CertainAt         kam.Dec `yaml:"certain_at" min:"0" max:"1" fixed:"true"`
	ProbableAt        kam.Dec `yaml:"probable_at" min:"0" max:"1"`
	PossibleAt        kam.Dec `yaml:"possible_at" min:"0" max:"1"`
	MinNameSimilarity kam.Dec `yaml:"min_name_similarity" min:"0" max:"1"`
	// MinNameSimilaritySupported is the floor where street and postal code,
	// phone or domain agree.
	MinNameSimilaritySupported *kam.Dec `yaml:"min_name_similarity_supported" opt:"true" min:"0" max:"1"`
	Blocking                   []string `yaml:"blocking" opt:"true" one:"IDENTIFIER NAME_PREFIX POSTAL_CODE NAME_TRIGRAM DOMAIN" fixed:"true"`
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

// Screening is P3.4.5.
type Screening struct {
	Adapter     string  `yaml:"adapter" one:"LOCAL_LIST HTTP"`
	PossibleAt  kam.Dec `yaml:"possible_at" min:"0" max:"1"`
	MaxAgeHours int     `yaml:"max_age_hours" min:"1" max:"87600"`
	WhenDown    string  `yaml:"when_down" one:"INTERVENTION REVIEW_FINDING"`
}

// Market says where and whom we serve; an empty list of countries means all.
type Market struct {
	ServedCountries  []string `yaml:"served_countries"`
	ExcludedIndustry []string `yaml:"excluded_industry_prefixes"`
}

// SOD is the part of separation of duties that a small firm may relax (P5.3).
type SOD struct {
	AllowSelfConfirmAlone bool `yaml:"allow_self_confirm_when_alone" fixed:"true"`
	DelegationMaxDays     int  `yaml:"delegation_max_days" min:"1" max:"3650" later:"5.4"`
}

// Calendar is the default working time.
type Calendar struct {
	Hours   string   `yaml:"hours"` // "09:00-17:00"
	Weekend []string `yaml:"weekend" one:"MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY"`
}

// Retention is how long rows are kept, in years.
type Retention struct {
	Cases         int `yaml:"cases" min:"1" max:"100"`
	Calls         int `yaml:"calls" min:"1" max:"100" later:"3.2"`
	Notifications int `yaml:"notifications" min:"1" max:"100"`
}
