package kam

// A ValidationRule is a row of the tables of P3.4. Severity is the rule's own;
// the policy may set another, but not below ERROR where Floor is set.
type ValidationRule struct {
	ID       string
	Severity Severity
	Category RuleCategory
	Floor    bool
	Text     string
}

// The categories of findings, after the list of CDQ.
const (
	catMissing       RuleCategory = "MISSING"
	catFormat        RuleCategory = "FORMAT"
	catCheckDigit    RuleCategory = "CHECKDIGIT"
	catExistence     RuleCategory = "EXISTENCE"
	catConsistency   RuleCategory = "CONSISTENCY"
	catDeprecated    RuleCategory = "DEPRECATED"
	catQualification RuleCategory = "QUALIFICATION"
	catDuplicate     RuleCategory = "DUPLICATE"
	catHierarchy     RuleCategory = "HIERARCHY"
	catScreening     RuleCategory = "SCREENING"
)

// DuplicateIdentifier is the finding of the last guard against two customers
// with one number: the database refused the commit (P2.7).
const DuplicateIdentifier = "DUPLICATE_IDENTIFIER"

// ValidationRules are the rules of step 1.4 in the order of P3.4.
var ValidationRules = []ValidationRule{
	{"VF01", SeverityError, catMissing, false, "every required field is present"},
	{"VF02", SeverityError, catFormat, false, "closed values, lengths and ranges"},
	{"VF03", SeverityError, catQualification, false, "the legal name is a name"},
	{"VF04", SeverityError, catFormat, false, "e-mail and phone"},
	{"VF05", SeverityWarning, catQualification, false, "an organization's e-mail at a free provider"},
	{"VF06", SeverityReview, catConsistency, false, "potential above a tenth of the turnover"},
	{"VF07", SeverityReview, catConsistency, false, "spend below what the customer buys here"},
	{"VF08", SeverityWarning, catMissing, false, "too little known"},
	{"VF09", SeverityError, catMissing, false, "at least one identifier; REVIEW for practitioners and public bodies"},
	{"VA01", SeverityError, catFormat, false, "country is ISO 3166-1"},
	{"VA02", SeverityError, catFormat, false, "postal code fits its country"},
	{"VA03", SeverityInfo, catFormat, false, "form of the country's postal codes is not known"},
	{"VA04", SeverityError, catMissing, false, "one LEGAL address with street and city"},
	{"VA05", SeverityReview, catQualification, false, "LEGAL address is a post box"},
	{"VA06", SeverityReview, catConsistency, false, "LEGAL address in another country"},
	{"VA07", SeverityError, catFormat, false, "latitude and longitude"},
	{"VI01", SeverityError, catFormat, true, "form of the identifier"},
	{"VI02", SeverityError, catCheckDigit, true, "check digit of the identifier"},
	{"VI03", SeverityReview, catConsistency, false, "identifier of another country"},
	{"VI04", SeverityReview, catConsistency, false, "SIREN and French VAT number"},
	{"VI05", SeverityError, catConsistency, false, "two values of one scheme"},
	{"VI06", SeverityReview, catExistence, false, "not found at the register; INFO where it is down"},
	{"VI07", SeverityReview, catConsistency, false, "name at the register differs"},
	{"VI08", SeverityReview, catDeprecated, false, "lapsed or inactive at the register"},
	{"VI09", SeverityWarning, catMissing, false, "DUNS without a source"},
	{"VH01", SeverityError, catHierarchy, false, "parent exists and is active"},
	{"VH02", SeverityError, catHierarchy, true, "no cycle, depth at most 10"},
	{"VH03", SeverityError, catHierarchy, false, "parent is of the same group"},
	{"VH04", SeverityReview, catHierarchy, false, "identifier or domain of another group"},
	{"VH05", SeverityWarning, catHierarchy, false, "group without a head"},
	{"VD01", SeverityReview, catDuplicate, false, "CERTAIN duplicate that no steward cleared"},
	{"VD02", SeverityReview, catDuplicate, false, "PROBABLE duplicate"},
	{"VD03", SeverityWarning, catDuplicate, false, "POSSIBLE duplicate"},
	{DuplicateIdentifier, SeverityError, catDuplicate, true, "identifier of another customer"},
	{"VS01", SeverityError, catScreening, true, "CONFIRMED screening hit"},
	{"VS02", SeverityReview, catScreening, false, "POSSIBLE screening hit that compliance has not cleared"},
	{"VS03", SeverityInfo, catScreening, false, "screening is too old for a commit"},
	{"VS04", SeverityReview, catScreening, false, "the screening service did not answer"},
	{VersionConflict, SeverityError, catConsistency, true, "the customer changed since the request began"},
}

// VersionConflict is the finding that a customer was changed by somebody else
// while a request to change it was on its way (P2.3). It is always an ERROR.
const VersionConflict = "VERSION_CONFLICT"
