package policy

import (
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// A Policy holds every number of chapter P3: weights, bands, thresholds,
// deadlines. It is read by [Parse] only, and never changed afterwards.
// Amounts are whole units of BaseCurrency, percentages and points are
// [kam.Dec]. Tags: opt marks a key that may be left out; min and max bound a
// number; keys names the closed set whose values a map must cover; one lists
// the values of a text; sum is the total of a group of weights; from and to
// bound the field that a band table must cover; takes names the parts of a wait
// that its task goes by. What the engine does not carry out, or at the default
// alone, is marked later (with the step of the process that will) or fixed: see
// [Load].
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
	Add           Add        `yaml:"add_decision"`
	ABC           ABC        `yaml:"abc"`
	RFM           RFM        `yaml:"rfm"`
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

// Ref names the policy in a record.
func (p *Policy) Ref() onboarding.PolicyRef {
	return onboarding.PolicyRef{ID: p.ID, Version: p.Version}
}

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

// BlockingRules are the ways in which the search for duplicates brings parties
// together.
var BlockingRules = []string{"IDENTIFIER", "NAME_PREFIX", "POSTAL_CODE", "NAME_TRIGRAM", "DOMAIN"}

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

// Default is the calendar of places that have none.
func (c Calendar) Default() (kam.Calendar, error) {
	return kam.NewCalendar(kam.DefaultCalendar, "UTC", c.Hours, c.Weekend, nil)
}

// Retention is how long rows are kept, in years.
type Retention struct {
	Cases         int `yaml:"cases" min:"1" max:"100"`
	Calls         int `yaml:"calls" min:"1" max:"100" later:"3.2"`
	Notifications int `yaml:"notifications" min:"1" max:"100"`
}
