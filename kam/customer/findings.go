package customer

import "github.com/kamflow/kamflow/kam"

// A ValidationRule is a row of the tables of P3.4. Severity is the rule's own;
// the policy may set another, but not below ERROR where Floor is set.
type ValidationRule struct {
	ID       string
	Severity kam.Severity
	Category kam.RuleCategory
	Floor    bool
	Text     string
}

// The categories of findings, after the list of CDQ.
const (
	catMissing       kam.RuleCategory = "MISSING"
	catFormat        kam.RuleCategory = "FORMAT"
	catCheckDigit    kam.RuleCategory = "CHECKDIGIT"
	catExistence     kam.RuleCategory = "EXISTENCE"
	catConsistency   kam.RuleCategory = "CONSISTENCY"
	catDeprecated    kam.RuleCategory = "DEPRECATED"
	catQualification kam.RuleCategory = "QUALIFICATION"
	catDuplicate     kam.RuleCategory = "DUPLICATE"
	catHierarchy     kam.RuleCategory = "HIERARCHY"
	catScreening     kam.RuleCategory = "SCREENING"
)

// DuplicateIdentifier is the finding of the last guard against two customers
// with one number: the database refused the commit (P2.7).
const DuplicateIdentifier = "DUPLICATE_IDENTIFIER"

// ValidationRules are the rules of step 1.4 in the order of P3.4.
var ValidationRules = []ValidationRule{
	{"VF01", kam.SeverityError, catMissing, false, "every required field is present"},
	{"VF02", kam.SeverityError, catFormat, false, "closed values, lengths and ranges"},
	{"VF03", kam.SeverityError, catQualification, false, "the legal name is a name"},
	{"VF04", kam.SeverityError, catFormat, false, "e-mail and phone"},
	{"VF05", kam.SeverityWarning, catQualification, false, "an organization's e-mail at a free provider"},
	{"VF06", kam.SeverityReview, catConsistency, false, "potential above a tenth of the turnover"},
	{"VF07", kam.SeverityReview, catConsistency, false, "spend below what the customer buys here"},
	{"VF08", kam.SeverityWarning, catMissing, false, "too little known"},
	{"VF09", kam.SeverityError, catMissing, false, "at least one identifier; REVIEW for practitioners and public bodies"},
	{"VA01", kam.SeverityError, catFormat, false, "country is ISO 3166-1"},
	{"VA02", kam.SeverityError, catFormat, false, "postal code fits its country"},
	{"VA03", kam.SeverityInfo, catFormat, false, "form of the country's postal codes is not known"},
	{"VA04", kam.SeverityError, catMissing, false, "one LEGAL address with street and city"},
	{"VA05", kam.SeverityReview, catQualification, false, "LEGAL address is a post box"},
	{"VA06", kam.SeverityReview, catConsistency, false, "LEGAL address in another country"},
	{"VA07", kam.SeverityError, catFormat, false, "latitude and longitude"},
	{"VI01", kam.SeverityError, catFormat, true, "form of the identifier"},
	{"VI02", kam.SeverityError, catCheckDigit, true, "check digit of the identifier"},
	{"VI03", kam.SeverityReview, catConsistency, false, "identifier of another country"},
	{"VI04", kam.SeverityReview, catConsistency, false, "SIREN and French VAT number"},
	{"VI05", kam.SeverityError, catConsistency, false, "two values of one scheme"},
	{"VI06", kam.SeverityReview, catExistence, false, "not found at the register; INFO where it is down"},
	{"VI07", kam.SeverityReview, catConsistency, false, "name at the register differs"},
	{"VI08", kam.SeverityReview, catDeprecated, false, "lapsed or inactive at the register"},
	{"VI09", kam.SeverityWarning, catMissing, false, "DUNS without a source"},
	{"VH01", kam.SeverityError, catHierarchy, false, "parent exists and is active"},
	{"VH02", kam.SeverityError, catHierarchy, true, "no cycle, depth at most 10"},
	{"VH03", kam.SeverityError, catHierarchy, false, "parent is of the same group"},
	{"VH04", kam.SeverityReview, catHierarchy, false, "identifier or domain of another group"},
	{"VH05", kam.SeverityWarning, catHierarchy, false, "group without a head"},
	{"VD01", kam.SeverityReview, catDuplicate, false, "CERTAIN duplicate that no steward cleared"},
	{"VD02", kam.SeverityReview, catDuplicate, false, "PROBABLE duplicate"},
	{"VD03", kam.SeverityWarning, catDuplicate, false, "POSSIBLE duplicate"},
	{DuplicateIdentifier, kam.SeverityError, catDuplicate, true, "identifier of another customer"},
	{"VS01", kam.SeverityError, catScreening, true, "CONFIRMED screening hit"},
	{"VS02", kam.SeverityReview, catScreening, false, "POSSIBLE screening hit that compliance has not cleared"},
	{"VS03", kam.SeverityInfo, catScreening, false, "screening is too old for a commit"},
	{"VS04", kam.SeverityReview, catScreening, false, "the screening service did not answer"},
	{VersionConflict, kam.SeverityError, catConsistency, true, "the customer changed since the request began"},
}

// VersionConflict is the finding that a customer was changed by somebody else
// while a request to change it was on its way (P2.3). It is always an ERROR.
const VersionConflict = "VERSION_CONFLICT"
