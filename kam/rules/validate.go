package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

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

// A ValidationContext is what step 1.4 knows besides the customer. What is
// absent is unknown, and rules that need it are silent.
type ValidationContext struct {
	CaseType        kam.CaseType // NEW where empty
	Rates           map[string]kam.Rate
	NetRevenue12m   *kam.Money // from the sales facts; else the customer's own
	CompletenessPct *kam.Dec   // of step 1.3
	Parent          *ParentFacts
	OtherGroups     []GroupMark
	Group           *GroupFacts
	Register        []RegisterFact
	Screening       *ScreeningFacts
	Candidates      []kam.Candidate
	// Taken are numbers that the database refused because others have them.
	Taken   []IdentifierOwner
	Waivers []Waiver
	// Conflict says that somebody changed the customer meanwhile.
	Conflict *ConflictFacts
}

// A RegisterFact is the answer of an outside register on one identifier.
type RegisterFact struct {
	Scheme   kam.IdentifierScheme
	Value    string
	Register string // "VIES", "GLEIF"
	Down     bool
	Found    bool
	Name     string // as registered, empty where not told
	Inactive bool   // lapsed or no longer active
}

// ScreeningFacts are what the last screening found, hit by hit.
type ScreeningFacts struct {
	Hits     []ScreenedHit
	AgeHours int64
	// Down says that no result of the service could be had for a day, and that the
	// policy takes this for a finding. By and Reason are compliance's, where it
	// screened by hand instead.
	Down   bool
	By     kam.UserID
	Reason string
}

// A ScreenedHit is a hit and what compliance made of it. Cleared leaves no
// finding. One that was accepted as a finding stays one: By and Reason say so.
type ScreenedHit struct {
	kam.ScreeningHit
	Cleared bool
	By      kam.UserID
	Reason  string
}

// An IdentifierOwner says whose number it is.
type IdentifierOwner struct {
	Scheme     kam.IdentifierScheme
	Value      string
	CustomerNo string
}

// A Waiver accepts one REVIEW finding. What is [kam.Finding.What] of it; a waiver
// without it is for whatever the rule finds in the field.
type Waiver struct {
	RuleID string
	Field  string
	What   string
	By     kam.UserID
	Reason string
}

// Validate is step 1.4: every finding about a customer, by rule, then by
// field. A REVIEW finding that was accepted stays and names who did.
func (p *Policy) Validate(c Customer, ctx ValidationContext) []kam.Finding {
	v := &validation{policy: p, customer: c, ctx: ctx, data: kam.RequestData{ScreeningData: c.ScreeningData, DetailData: c.DetailData}, findings: []kam.Finding{}}
	v.fields()
	v.addresses()
	v.identifiers()
	v.registers()
	v.hierarchy()
	v.duplicates()
	v.screening()
	v.conflict()
	slices.SortStableFunc(v.findings, func(a, b kam.Finding) int {
		return cmp.Or(cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
	})
	for i := range v.findings {
		v.waive(&v.findings[i])
	}
	return v.findings
}

// validation collects the findings about one customer.
type validation struct {
	policy   *Policy
	customer Customer
	data     kam.RequestData
	ctx      ValidationContext
	findings []kam.Finding
}

// find adds a finding of a rule with the rule's severity.
func (v *validation) find(rule, field, remedy, format string, args ...any) {
	v.findAs("", rule, field, remedy, format, args...)
}

// findAs adds a finding with a severity of its own, where a rule has several.
func (v *validation) findAs(own kam.Severity, rule, field, remedy, format string, args ...any) {
	i := slices.IndexFunc(ValidationRules, func(r ValidationRule) bool { return r.ID == rule })
	row := ValidationRules[max(i, 0)]
	severity := cmp.Or(own, row.Severity)
	if !row.Floor {
		severity = v.policy.Severity(rule, severity)
	}
	v.findings = append(v.findings, kam.Finding{
		RuleID: rule, Severity: severity, Category: row.Category, Field: field, Message: fmt.Sprintf(format, args...), Remedy: remedy,
	})
}

func (v *validation) waive(f *kam.Finding) {
	if f.Severity != kam.SeverityReview {
		return
	}
	for _, w := range v.ctx.Waivers {
		if w.RuleID == f.RuleID && w.Field == f.Field && (w.What == "" || w.What == f.What()) {
			f.WaivedBy, f.WaiverReason = w.By, w.Reason
			return
		}
	}
}

// duplicates: what the search of 1.1.2, run again, still finds (1.4.4).
func (v *validation) duplicates() {
	for _, c := range v.ctx.Candidates {
		field := "candidates." + c.Ref
		why := fmt.Sprintf("%s %s may be the same party: %s", c.Ref, c.Name, strings.Join(c.Reasons, ", "))
		switch c.Class {
		case kam.MatchCertain:
			if c.Waived {
				v.findAs(kam.SeverityInfo, "VD01", field, "", "%s; a steward cleared it", why)
				continue
			}
			v.find("VD01", field, "a data steward merges or clears it", "%s", why)
		case kam.MatchProbable:
			v.find("VD02", field, "a data steward merges or accepts it with a reason", "%s", why)
		case kam.MatchPossible:
			v.find("VD03", field, "look at it", "%s", why)
		}
	}
	for _, t := range v.ctx.Taken {
		v.find(DuplicateIdentifier, fmt.Sprintf("identifiers.%s.%s", t.Scheme, t.Value), "correct the number or merge",
			"customer %s has %s %s", t.CustomerNo, t.Scheme, t.Value)
	}
}

// PossibleHit is what the finding of a hit says. A reference that is part of
// another one is told apart by the quotes.
func PossibleHit(h kam.ScreeningHit) string { return fmt.Sprintf("possible hit %q", h.ID()) }

// screening: each hit by itself (VS01, VS02), a service that did not answer
// (VS04), and the age of the result (VS03). What compliance accepted as a
// finding stays one, and names who did.
func (v *validation) screening() {
	s := v.ctx.Screening
	if s == nil {
		return
	}
	accept := func(by kam.UserID, reason string) {
		if f := &v.findings[len(v.findings)-1]; f.Severity == kam.SeverityReview {
			f.WaivedBy, f.WaiverReason = by, reason
		}
	}
	for _, h := range s.Hits {
		switch {
		case h.Result == kam.ScreeningConfirmed:
			v.find("VS01", "screening", "the case cannot go on", "confirmed hit %q", h.ID())
		case h.Result == kam.ScreeningPossible && !h.Cleared:
			v.find("VS02", "screening", "compliance decides", "%s", PossibleHit(h.ScreeningHit))
			accept(h.By, h.Reason)
		}
	}
	if s.Down {
		v.find("VS04", "screening", "compliance screens by hand", "the screening service did not answer")
		accept(s.By, s.Reason)
		return
	}
	if limit := int64(v.policy.Screening.MaxAgeHours); s.AgeHours > limit {
		v.find("VS03", "screening", "screen again before the commit", "screened %d hours ago, %d is the limit", s.AgeHours, limit)
	}
}
