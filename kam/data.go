package kam

import (
	"regexp"
	"strings"
)

// Identifier is a number that a register issued for a company (P3.4.2).
// Country is the issuing country where the scheme does not imply it; Source
// says where the number came from; Name keeps the name of a scheme that is not
// checked here (scheme OTHER).
type Identifier struct {
	Scheme  IdentifierScheme `json:"scheme"`
	Value   string           `json:"value"`
	Country string           `json:"country,omitempty"`
	Source  string           `json:"source,omitempty"`
	Name    string           `json:"name,omitempty"`
}

// Bounds of what names a customer, a sales account and what is sold.
const (
	MaxAccountNo     = 40 // bytes
	MaxProductFamily = 64 // bytes
)

var customerNoForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,39}$`)

// IsCustomerNo says whether a text may be the number of a customer or of a
// sales account: it ends up in ids and on command lines.
func IsCustomerNo(s string) bool { return customerNoForm.MatchString(s) }

// ScreeningData is the screening set of step 1.2.1a: what is needed to decide
// whether to add (P2.4.2). A nil pointer or empty string is unknown, never zero.
type ScreeningData struct {
	LegalName          string             `json:"legal_name,omitempty"`
	TradingNames       []string           `json:"trading_names,omitempty"`
	CustomerKind       CustomerKind       `json:"customer_kind,omitempty"`
	CountryCode        string             `json:"country_code,omitempty"`
	City               string             `json:"city,omitempty"`
	PostalCode         string             `json:"postal_code,omitempty"`
	Region             string             `json:"region,omitempty"`
	Street             string             `json:"street,omitempty"`
	Identifiers        []Identifier       `json:"identifiers,omitempty"`
	IndustryScheme     IndustryScheme     `json:"industry_scheme,omitempty"`
	IndustryCode       string             `json:"industry_code,omitempty"`
	IndustryText       string             `json:"industry_text,omitempty"`
	SourceChannel      InteractionChannel `json:"source_channel,omitempty"`
	SalesChannel       SalesChannel       `json:"sales_channel,omitempty"`
	DeclaredPotential  *Money             `json:"declared_potential,omitempty"`
	GrowthOutlookPct   *Dec               `json:"growth_outlook_pct,omitempty"`
	StrategicFit       StrategicFit       `json:"strategic_fit,omitempty"`
	CreditRating       CreditRating       `json:"credit_rating,omitempty"`
	RelationshipAccess RelationshipAccess `json:"relationship_access,omitempty"`
	CostToServe        CostToServe        `json:"cost_to_serve,omitempty"`
	GroupID            string             `json:"group_id,omitempty"`
	GroupName          string             `json:"group_name,omitempty"`
	Justification      string             `json:"justification,omitempty"`
	RequestedOwnerID   UserID             `json:"requested_owner_id,omitempty"`
	TerritoryCode      string             `json:"territory_code,omitempty"`
	TerritoryReason    string             `json:"territory_reason,omitempty"`
	NominateKeyAccount bool               `json:"nominate_key_account,omitempty"`
	NominationReason   string             `json:"nomination_reason,omitempty"`
	// SalesAccountNo links sales facts already imported under that number: a
	// customer served before it was registered (D18).
	SalesAccountNo string `json:"sales_account_no,omitempty"`
	Website        string `json:"website,omitempty"`
	Phone          string `json:"phone,omitempty"`
}

// Address is one address of a customer.
type Address struct {
	Type        AddressType `json:"type"`
	Line1       string      `json:"line1"`
	Line2       string      `json:"line2,omitempty"`
	City        string      `json:"city"`
	PostalCode  string      `json:"postal_code,omitempty"`
	Region      string      `json:"region,omitempty"`
	CountryCode string      `json:"country_code"`
	Lat         *float64    `json:"lat,omitempty"`
	Lon         *float64    `json:"lon,omitempty"`
}

// Contact is a person at the customer: personal data, kept in a table that
// can be erased, never in a workflow history.
type Contact struct {
	Name         string       `json:"name"`
	Function     string       `json:"function,omitempty"`
	DecisionRole DecisionRole `json:"decision_role"`
	Email        string       `json:"email,omitempty"`
	Phone        string       `json:"phone,omitempty"`
	Language     string       `json:"language,omitempty"`
	ConsentBasis string       `json:"consent_basis,omitempty"`
}

// Competitor is a supplier who also sells to the customer.
type Competitor struct {
	Name        string `json:"name"`
	SharePct    *Dec   `json:"share_pct,omitempty"`
	ContractEnd string `json:"contract_end,omitempty"`
	Source      string `json:"source,omitempty"`
}

// CustomerNeed is one need of the customer.
type CustomerNeed struct {
	Text          string       `json:"text"`
	ProductFamily string       `json:"product_family,omitempty"`
	Priority      NeedPriority `json:"priority"`
	State         NeedState    `json:"state"`
}

// Document refers to a file kept elsewhere, by digest.
type Document struct {
	Type   DocumentType `json:"type"`
	Name   string       `json:"name"`
	SHA256 string       `json:"sha256"`
	URI    string       `json:"uri,omitempty"`
}

// DetailData is the detail set of step 1.2.1b, asked for only after Yes
// (P2.4.3). Website and phone stand in the screening set here because the
// search of 1.1.2 uses them; either form may fill them.
type DetailData struct {
	Addresses             []Address         `json:"addresses,omitempty"`
	Contacts              []Contact         `json:"contacts,omitempty"`
	ParentCustomerID      string            `json:"parent_customer_id,omitempty"`
	Employees             *int64            `json:"employees,omitempty"`
	EmployeesBand         string            `json:"employees_band,omitempty"`
	AnnualTurnover        *Money            `json:"annual_turnover,omitempty"`
	Ownership             Ownership         `json:"ownership,omitempty"`
	FundingModel          FundingModel      `json:"funding_model,omitempty"`
	BuyingCentralization  BuyingLevel       `json:"buying_centralization,omitempty"`
	ReferenceValue        ReferenceValue    `json:"reference_value,omitempty"`
	RelationshipStage     RelationshipStage `json:"relationship_stage,omitempty"`
	ProductFit            *Dec              `json:"product_fit,omitempty"`
	Satisfaction          *Dec              `json:"satisfaction,omitempty"`
	ExpectedMarginPct     *Dec              `json:"expected_margin_pct,omitempty"`
	CapabilityItems       map[string]int    `json:"capability_items,omitempty"`
	AddressableSpend12m   *Money            `json:"addressable_spend_12m,omitempty"`
	AddressableSpendBasis SpendBasis        `json:"addressable_spend_basis,omitempty"`
	Competitors           []Competitor      `json:"competitors,omitempty"`
	Needs                 []CustomerNeed    `json:"needs,omitempty"`
	EndUserCount          *int64            `json:"end_user_count,omitempty"`
	Currency              string            `json:"currency,omitempty"`
	Language              string            `json:"language,omitempty"`
	PaymentTermsDays      *int64            `json:"payment_terms_days,omitempty"`
	Documents             []Document        `json:"documents,omitempty"`
}

// RequestData is what a case carries: both sets of step 1.2.1 in one flat
// JSON object. A revision is a snapshot of it.
type RequestData struct {
	ScreeningData
	DetailData
}

// Finding is the result of one validation rule (P3.4).
type Finding struct {
	RuleID   string       `json:"rule_id"`
	Severity Severity     `json:"severity"`
	Category RuleCategory `json:"category"`
	Field    string       `json:"field"`
	// Message says what is wrong, Remedy what would be right. Neither names field
	// or rule, which every list shows beside them.
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
	// Said and Advice say both in other languages.
	Said   *Text `json:"message_text,omitempty"`
	Advice *Text `json:"remedy_text,omitempty"`
	// WaivedBy and WaiverReason are set when a steward, or compliance for VS*,
	// accepted a REVIEW finding.
	WaivedBy     UserID `json:"waived_by,omitempty"`
	WaiverReason string `json:"waiver_reason,omitempty"`
}

// Saying is the finding with what it says.
func (f Finding) Saying(message, remedy Sentence) Finding {
	f.Message, f.Said, f.Remedy, f.Advice = message.English, message.Text, remedy.English, remedy.Text
	return f
}

// Sentence is the finding for people, as Text, to be said in another language.
func (f Finding) Sentence() Sentence {
	if f.Remedy == "" || strings.Contains(f.Message, " ["+f.RuleID+"]") { // of early releases
		return Sentence{English: f.Text(), Text: f.Said}
	}
	return Say("%s; %s", Sentence{English: f.Message, Text: f.Said}, Sentence{English: f.Remedy, Text: f.Advice})
}

// What is what was found, with the values that it was found in. A waiver is for
// one rule, field and What: when another value stands in the field, it is
// another finding. Early releases stored all in one text, "field: what [RULE];
// remedy", and their waivers hold on.
func (f Finding) What() string {
	what, _, early := strings.Cut(f.Message, " ["+f.RuleID+"]")
	if early {
		return strings.TrimPrefix(what, f.Field+": ")
	}
	return what
}

// Text is the finding for people: what was found, and the remedy.
func (f Finding) Text() string {
	if _, rest, early := strings.Cut(f.Message, " ["+f.RuleID+"]"); early {
		return f.What() + rest
	}
	if f.Remedy == "" {
		return f.Message
	}
	return f.Message + "; " + f.Remedy
}

// Candidate is an existing customer, an open case or a recently rejected
// request that may be the party of this case (P3.4.4).
type Candidate struct {
	Ref            string     `json:"ref"`  // customer number or case number
	Kind           string     `json:"kind"` // CUSTOMER, CASE or REJECTED
	CustomerID     string     `json:"customer_id,omitempty"`
	Name           string     `json:"name"`
	City           string     `json:"city,omitempty"`
	Class          MatchClass `json:"class"`
	Score          Dec        `json:"score"` // 0..1 with two decimals
	NameSimilarity Dec        `json:"name_similarity"`
	Reasons        []string   `json:"reasons"`
	Waived         bool       `json:"waived,omitempty"`
}
