package kam

import "slices"

// The closed sets of section 2.4. Their values are upper case, as written in
// JSON, in the database and in history.
type (
	CustomerKind        string
	IndustryScheme      string
	InteractionChannel  string
	SalesChannel        string
	StrategicFit        string
	CreditRating        string
	RelationshipAccess  string
	CostToServe         string
	BuyingLevel         string
	ReferenceValue      string
	RelationshipStage   string
	AddressType         string
	DecisionRole        string
	Ownership           string
	FundingModel        string
	SpendBasis          string
	PotentialBasis      string
	NeedPriority        string
	NeedState           string
	DocumentType        string
	IdentifierScheme    string
	LifecycleStatus     string
	ABCClass            string
	RFMLabel            string
	Quadrant            string
	Strategy            string
	KAStatus            string
	Tier                string
	MatchClass          string
	Severity            string
	RuleCategory        string
	Recommendation      string
	ClassificationShift string
	ScreeningResult     string
)

// Values of the closed sets that code names.
const (
	Organization     CustomerKind = "ORGANIZATION"
	SolePractitioner CustomerKind = "SOLE_PRACTITIONER"
	PublicBody       CustomerKind = "PUBLIC_BODY"

	CreditUnknown CreditRating = "UNKNOWN"
	CreditD       CreditRating = "D"

	BuyingLocal    BuyingLevel = "LOCAL"
	BuyingRegional BuyingLevel = "REGIONAL"
	BuyingNational BuyingLevel = "NATIONAL"
	BuyingGlobal   BuyingLevel = "GLOBAL"

	AddressLegal AddressType = "LEGAL"
	AddressVisit AddressType = "VISIT"

	BasisWallet   PotentialBasis = "WALLET"
	BasisDeclared PotentialBasis = "DECLARED"

	SchemeLEI     IdentifierScheme = "LEI"
	SchemeDUNS    IdentifierScheme = "DUNS"
	SchemeGLN     IdentifierScheme = "GLN"
	SchemeVATEU   IdentifierScheme = "VAT_EU"
	SchemeVATGB   IdentifierScheme = "VAT_GB"
	SchemeCHUID   IdentifierScheme = "CH_UID"
	SchemeSIREN   IdentifierScheme = "FR_SIREN"
	SchemeSIRET   IdentifierScheme = "FR_SIRET"
	SchemeABN     IdentifierScheme = "AU_ABN"
	SchemeEIN     IdentifierScheme = "US_EIN"
	SchemeGSTIN   IdentifierScheme = "IN_GSTIN"
	SchemeCNPJ    IdentifierScheme = "BR_CNPJ"
	SchemeNOOrgNr IdentifierScheme = "NO_ORGNR"
	SchemeUSCC    IdentifierScheme = "CN_USCC"
	SchemeIBAN    IdentifierScheme = "IBAN"
	SchemeOther   IdentifierScheme = "OTHER"

	Prospect LifecycleStatus = "PROSPECT"
	Active   LifecycleStatus = "ACTIVE"
	Inactive LifecycleStatus = "INACTIVE"
	Blocked  LifecycleStatus = "BLOCKED"
	Absorbed LifecycleStatus = "MERGED" // into another record, which is read in its place

	ClassA   ABCClass = "A"
	ClassB   ABCClass = "B"
	ClassC   ABCClass = "C"
	ClassNew ABCClass = "NEW"

	Strategic  Quadrant = "STRATEGIC"
	Star       Quadrant = "STAR"
	Status     Quadrant = "STATUS"
	Streamline Quadrant = "STREAMLINE"

	Invest        Strategy = "INVEST"
	Build         Strategy = "BUILD"
	Maintain      Strategy = "MAINTAIN"
	ManageForCash Strategy = "MANAGE_FOR_CASH"

	KA    KAStatus = "KA"
	NonKA KAStatus = "NON_KA"

	TierNone      Tier = ""
	TierTerritory Tier = "TERRITORY"
	TierRegional  Tier = "REGIONAL"
	TierNational  Tier = "NATIONAL"
	TierGlobal    Tier = "GLOBAL"

	MatchCertain  MatchClass = "CERTAIN"
	MatchProbable MatchClass = "PROBABLE"
	MatchPossible MatchClass = "POSSIBLE"

	SeverityError   Severity = "ERROR"
	SeverityReview  Severity = "REVIEW"
	SeverityWarning Severity = "WARNING"
	SeverityInfo    Severity = "INFO"

	Add             Recommendation = "ADD"
	Refer           Recommendation = "REFER"
	ReferCompliance Recommendation = "REFER_COMPLIANCE"
	Reject          Recommendation = "REJECT"

	ShiftNone         ClassificationShift = "NONE"
	ShiftPromote      ClassificationShift = "PROMOTE"
	ShiftDemote       ClassificationShift = "DEMOTE"
	ShiftTierChange   ClassificationShift = "TIER_CHANGE"
	ShiftKeepOnNotice ClassificationShift = "KEEP_ON_NOTICE"

	ScreeningClear     ScreeningResult = "CLEAR"
	ScreeningPossible  ScreeningResult = "POSSIBLE"
	ScreeningConfirmed ScreeningResult = "CONFIRMED"
)

// matchClasses lists them, the weakest first.
var matchClasses = []MatchClass{MatchPossible, MatchProbable, MatchCertain}

// Rank orders the classes: a stronger one has a higher rank, none the lowest.
func (c MatchClass) Rank() int {
	for i, x := range matchClasses {
		if x == c {
			return i + 1
		}
	}
	return 0
}

// closed holds, for each closed set that people fill in, its values in the
// order in which they are offered.
var closed = map[string][]string{
	"customer_kind":            {"ORGANIZATION", "SOLE_PRACTITIONER", "PUBLIC_BODY"},
	"industry_scheme":          {"NACE", "ISIC", "NAICS", "SIC", "CUSTOM"},
	"source_channel":           {"TRADE_SHOW", "PUBLICATION", "PROMOTION_MATERIAL", "VISIT", "INTERNET", "PHONE", "FAX", "DISTRIBUTOR", "PARTNER", "REFERRAL", "EXISTING_BASE"},
	"sales_channel":            {"DIRECT", "DISTRIBUTOR", "PARTNER", "ONLINE", "TENDER"},
	"strategic_fit":            {"NONE", "PARTIAL", "FULL"},
	"credit_rating":            {"A", "B", "C", "D", "UNKNOWN"},
	"relationship_access":      {"NONE", "CONTACT", "DECISION_MAKER"},
	"cost_to_serve":            {"LOW", "MEDIUM", "HIGH"},
	"buying_centralization":    {"LOCAL", "REGIONAL", "NATIONAL", "GLOBAL"},
	"reference_value":          {"LOW", "MEDIUM", "HIGH"},
	"relationship_stage":       {"EXPLORATORY", "BASIC", "COOPERATIVE", "INTERDEPENDENT", "INTEGRATED"},
	"addresses[].type":         {"LEGAL", "BILLING", "SHIPPING", "VISIT"},
	"contacts[].decision_role": {"DECIDER", "INFLUENCER", "USER", "BUYER", "GATEKEEPER", "SPONSOR", "UNKNOWN"},
	"ownership":                {"PUBLIC", "PRIVATE", "GOVERNMENT", "NON_PROFIT", "COOPERATIVE"},
	"funding_model":            {"SELF_PAY", "REIMBURSED", "PUBLIC_BUDGET", "TENDER", "MIXED", "NOT_APPLICABLE"},
	"addressable_spend_basis":  {"CUSTOMER_STATED", "MARKET_DATA", "ESTIMATE"},
	"needs[].priority":         {"MUST", "SHOULD", "COULD"},
	"needs[].state":            {"MET", "PARTLY", "UNMET"},
	"documents[].type":         {"REGISTRATION", "TAX", "LICENCE", "CONTRACT", "CONSENT", "OTHER"},
	"identifiers[].scheme":     {"LEI", "DUNS", "GLN", "VAT_EU", "VAT_GB", "CH_UID", "FR_SIREN", "FR_SIRET", "AU_ABN", "US_EIN", "IN_GSTIN", "BR_CNPJ", "NO_ORGNR", "CN_USCC", "IBAN", "OTHER"},
}

// Choices lists the values that a closed field accepts, nil for other fields.
// The name is the JSON path without indexes, "contacts[].decision_role".
func Choices(field string) []string { return slices.Clone(closed[field]) }

// CapabilityItems are the five items of the capability index, 0..4 each
// (P3.3.6).
var CapabilityItems = []string{"data_sharing", "joint_planning", "executive_access", "category_resources", "execution_discipline"}
