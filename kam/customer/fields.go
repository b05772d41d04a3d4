package customer

import (
	"slices"

	"github.com/kamflow/kamflow/kam"
)

// FieldSet is one of the two forms of step 1.2.1.
type FieldSet string

// The two sets: screening before the decision whether to add, detail after it.
const (
	Screening FieldSet = "SCREENING"
	Detail    FieldSet = "DETAIL"
)

// FieldKind says how a field is read, bounded and shown.
type FieldKind string

// The kinds of field. Min and Max of a spec bound the runes of a text, the
// value of a number, the whole value of a decimal and the minor units of money.
const (
	KindText     FieldKind = "TEXT"
	KindLongText FieldKind = "LONG_TEXT" // may have line breaks
	KindChoice   FieldKind = "CHOICE"    // one of Choices(Name)
	KindMoney    FieldKind = "MONEY"
	KindDecimal  FieldKind = "DECIMAL"
	KindInt      FieldKind = "INT"
	KindDegrees  FieldKind = "DEGREES"
	KindBool     FieldKind = "BOOL"
	KindList     FieldKind = "LIST"
	KindMap      FieldKind = "MAP"
	KindCountry  FieldKind = "COUNTRY"
	KindCurrency FieldKind = "CURRENCY"
	KindLanguage FieldKind = "LANGUAGE"
	KindEmail    FieldKind = "EMAIL"
	KindPhone    FieldKind = "PHONE"
	KindURL      FieldKind = "URL"
	KindDate     FieldKind = "DATE"
	KindDigest   FieldKind = "DIGEST"
)

// A FieldSpec describes one field of the request data (P2.4.2, P2.4.3). The
// name is its JSON path; "contacts[].email" is the e-mail of every contact.
type FieldSpec struct {
	Name     string
	Set      FieldSet
	Kind     FieldKind
	Required bool
	// OnlyFor limits Required to one type of case.
	OnlyFor kam.CaseType
	// With names the field whose presence makes this one required.
	With string
	// Material fields are what a confirmation is given for (P2.4.5).
	Material bool
	// ClassInput fields feed segmentation and key account rules.
	ClassInput bool
	Min, Max   int64
	MaxItems   int
	Note       string
}

// Choices lists the accepted values of a closed field.
func (s FieldSpec) Choices() []string { return kam.Choices(s.Name) }

// maxMoney is the largest amount that a form accepts, in minor units.
const maxMoney = int64(1e12)

// Fields is the table of both sets, in the order in which forms show them.
// Bounds of fields that P2.4 leaves open keep a form to a sensible size.
var Fields = slices.Concat(inSet(Screening, screeningFields), inSet(Detail, detailFields))

var screeningFields = []FieldSpec{
	{Name: "legal_name", Kind: KindText, Required: true, Material: true, Min: 2, Max: 200},
	{Name: "trading_names", Kind: KindList, MaxItems: 10, Note: "other names and acronyms"},
	{Name: "trading_names[]", Kind: KindText, Min: 2, Max: 200},
	{Name: "customer_kind", Kind: KindChoice, Required: true, Material: true},
	{Name: "country_code", Kind: KindCountry, Required: true, Material: true, ClassInput: true, Note: "ISO 3166-1 alpha-2"},
	{Name: "city", Kind: KindText, Required: true, Min: 1, Max: 100},
	{Name: "postal_code", Kind: KindText, Material: true, Max: 20, Note: "required where the country has postal codes"},
	{Name: "region", Kind: KindText, Max: 100},
	{Name: "street", Kind: KindText, Max: 200},
	{Name: "identifiers", Kind: KindList, Material: true, MaxItems: 20, Note: "at least one by step 1.4"},
	{Name: "identifiers[].scheme", Kind: KindChoice, Required: true},
	{Name: "identifiers[].value", Kind: KindText, Required: true, Min: 1, Max: 40},
	{Name: "identifiers[].country", Kind: KindCountry, Note: "issuing country where the scheme does not say"},
	{Name: "identifiers[].source", Kind: KindText, Max: 100},
	{Name: "identifiers[].name", Kind: KindText, Max: 60, Note: "name of the scheme for OTHER"},
	{Name: "industry_scheme", Kind: KindChoice, Required: true, Material: true},
	{Name: "industry_code", Kind: KindText, Required: true, Material: true, Min: 1, Max: 12},
	{Name: "industry_text", Kind: KindText, Max: 200},
	{Name: "source_channel", Kind: KindChoice, Required: true},
	{Name: "sales_channel", Kind: KindChoice, Required: true},
	{Name: "declared_potential", Kind: KindMoney, Required: true, Material: true, ClassInput: true, Max: maxMoney, Note: "what the customer could buy from us in a year, within 3 years"},
	{Name: "growth_outlook_pct", Kind: KindDecimal, ClassInput: true, Min: -100, Max: 300, Note: "percent a year, next 3 years"},
	{Name: "strategic_fit", Kind: KindChoice, Required: true, Material: true, ClassInput: true},
	{Name: "credit_rating", Kind: KindChoice, Required: true, Material: true, ClassInput: true},
	{Name: "relationship_access", Kind: KindChoice},
	{Name: "cost_to_serve", Kind: KindChoice},
	{Name: "group_id", Kind: KindText, Material: true, ClassInput: true, Max: 64},
	{Name: "group_name", Kind: KindText, Material: true, ClassInput: true, Max: 200},
	{Name: "justification", Kind: KindLongText, Required: true, Min: 20, Max: 2000},
	{Name: "requested_owner_id", Kind: KindText, Material: true, Max: 64, Note: "the requester where absent"},
	{Name: "territory_code", Kind: KindText, Material: true, ClassInput: true, Max: 40, Note: "resolved; may be overridden with a reason"},
	{Name: "territory_reason", Kind: KindLongText, Max: 2000},
	{Name: "nominate_key_account", Kind: KindBool},
	{Name: "nomination_reason", Kind: KindLongText, With: "nominate_key_account", Min: 20, Max: 2000},
	{Name: "sales_account_no", Kind: KindText, Max: 40, Note: "links sales facts imported under that number"},
	{Name: "website", Kind: KindURL, Max: 300},
	{Name: "phone", Kind: KindPhone, Max: 16},
}

var detailFields = []FieldSpec{
	{Name: "addresses", Kind: KindList, Required: true, MaxItems: 50, Note: "one of type LEGAL"},
	{Name: "addresses[].type", Kind: KindChoice, Required: true},
	{Name: "addresses[].line1", Kind: KindText, Required: true, Min: 1, Max: 200},
	{Name: "addresses[].line2", Kind: KindText, Max: 200},
	{Name: "addresses[].city", Kind: KindText, Required: true, Min: 1, Max: 100},
	{Name: "addresses[].postal_code", Kind: KindText, Max: 20},
	{Name: "addresses[].region", Kind: KindText, Max: 100},
	{Name: "addresses[].country_code", Kind: KindCountry, Required: true},
	{Name: "addresses[].lat", Kind: KindDegrees, With: "addresses[].lon", Min: -90, Max: 90},
	{Name: "addresses[].lon", Kind: KindDegrees, With: "addresses[].lat", Min: -180, Max: 180},
	{Name: "contacts", Kind: KindList, Required: true, MaxItems: 200},
	{Name: "contacts[].name", Kind: KindText, Required: true, Min: 1, Max: 120},
	{Name: "contacts[].function", Kind: KindText, Max: 120},
	{Name: "contacts[].decision_role", Kind: KindChoice, Required: true},
	{Name: "contacts[].email", Kind: KindEmail, Max: 254},
	{Name: "contacts[].phone", Kind: KindPhone, Max: 16},
	{Name: "contacts[].language", Kind: KindLanguage, Max: 35},
	{Name: "contacts[].consent_basis", Kind: KindText, Max: 120},
	{Name: "parent_customer_id", Kind: KindText, ClassInput: true, Max: 64},
	{Name: "employees", Kind: KindInt, Max: 10_000_000},
	{Name: "employees_band", Kind: KindText, Max: 40},
	{Name: "annual_turnover", Kind: KindMoney, Max: 1e16, Note: "the customer's own sales per year"},
	{Name: "ownership", Kind: KindChoice},
	{Name: "funding_model", Kind: KindChoice},
	{Name: "buying_centralization", Kind: KindChoice, Required: true, ClassInput: true},
	{Name: "reference_value", Kind: KindChoice, Required: true, ClassInput: true},
	{Name: "relationship_stage", Kind: KindChoice, Required: true, ClassInput: true},
	{Name: "product_fit", Kind: KindDecimal, Required: true, ClassInput: true, Max: 100, Note: "against the best competitor, 50 is equal"},
	{Name: "satisfaction", Kind: KindDecimal, ClassInput: true, Max: 100, Note: "from NPS: (NPS + 100) / 2"},
	{Name: "expected_margin_pct", Kind: KindDecimal, Required: true, OnlyFor: kam.NewCase, ClassInput: true, Min: -100, Max: 100, Note: "contribution margin"},
	{Name: "capability_items", Kind: KindMap, Required: true, ClassInput: true, Max: 4, Note: "five items of 0 to 4"},
	{Name: "addressable_spend_12m", Kind: KindMoney, ClassInput: true, Max: maxMoney, Note: "what the customer spends per year, with anyone, on what we sell"},
	{Name: "addressable_spend_basis", Kind: KindChoice, With: "addressable_spend_12m"},
	{Name: "competitors", Kind: KindList, MaxItems: 50, Note: "shares add up to 100 at most"},
	{Name: "competitors[].name", Kind: KindText, Required: true, Min: 1, Max: 200},
	{Name: "competitors[].share_pct", Kind: KindDecimal, Max: 100},
	{Name: "competitors[].contract_end", Kind: KindDate, Max: 10},
	{Name: "competitors[].source", Kind: KindText, Max: 200},
	{Name: "needs", Kind: KindList, MaxItems: 100},
	{Name: "needs[].text", Kind: KindLongText, Required: true, Min: 1, Max: 2000},
	{Name: "needs[].product_family", Kind: KindText, Max: 100},
	{Name: "needs[].priority", Kind: KindChoice, Required: true},
	{Name: "needs[].state", Kind: KindChoice, Required: true},
	{Name: "end_user_count", Kind: KindInt, Max: 10_000_000_000},
	{Name: "currency", Kind: KindCurrency, Required: true},
	{Name: "language", Kind: KindLanguage, Required: true, Max: 35},
	{Name: "payment_terms_days", Kind: KindInt, Required: true, Max: 180},
	{Name: "documents", Kind: KindList, MaxItems: 100},
	{Name: "documents[].type", Kind: KindChoice, Required: true},
	{Name: "documents[].name", Kind: KindText, Required: true, Min: 1, Max: 200},
	{Name: "documents[].sha256", Kind: KindDigest, Required: true, Max: 64},
	{Name: "documents[].uri", Kind: KindText, Max: 500},
}

func inSet(set FieldSet, specs []FieldSpec) []FieldSpec {
	specs = slices.Clone(specs)
	for i := range specs {
		specs[i].Set = set
	}
	return specs
}

// FieldNamed finds a spec by its JSON path without indexes.
func FieldNamed(name string) (FieldSpec, bool) {
	for _, s := range Fields {
		if s.Name == name {
			return s, true
		}
	}
	return FieldSpec{}, false
}
