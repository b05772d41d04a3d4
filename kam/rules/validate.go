package rules

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kamflow/kamflow/kam"
)

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
func (p *Set) Validate(c Customer, ctx ValidationContext) []kam.Finding {
	v := &validation{policy: p, customer: c, ctx: ctx, data: c.data(), findings: []kam.Finding{}}
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
	policy   *Set
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
	v.add(own, rule, field, kam.Word(remedy), kam.Say(format, args...))
}

// add is findAs for sentences that are made.
func (v *validation) add(own kam.Severity, rule, field string, remedy, message kam.Sentence) {
	i := slices.IndexFunc(kam.ValidationRules, func(r kam.ValidationRule) bool { return r.ID == rule })
	row := kam.ValidationRules[max(i, 0)]
	severity := cmp.Or(own, row.Severity)
	if !row.Floor {
		severity = v.policy.Severity(rule, severity)
	}
	v.findings = append(v.findings, kam.Finding{
		RuleID: rule, Severity: severity, Category: row.Category, Field: field,
		Message: message.English, Said: message.Text, Remedy: remedy.English, Advice: remedy.Text,
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
		why := kam.Say("%s %s may be the same party: %s", c.Ref, c.Name, kam.ListOf(c.Reasons))
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
		v.find(kam.DuplicateIdentifier, fmt.Sprintf("identifiers.%s.%s", t.Scheme, t.Value), "correct the number or merge",
			"customer %s has %s %s", t.CustomerNo, t.Scheme, t.Value)
	}
}

// PossibleHit is what the finding of a hit says. A reference that is part of
// another one is told apart by the quotes.
func PossibleHit(h kam.ScreeningHit) kam.Sentence { return kam.Say("possible hit %q", h.ID()) }

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
