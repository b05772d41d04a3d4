package rules

import (
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// ConflictFacts say that the customer has moved on since the request began.
type ConflictFacts struct {
	Base, Current int // versions of the customer
	// Theirs is what changed in between, Mine what the request changes.
	Theirs, Mine []kam.FieldChange
}

// conflict names both versions, and the fields in which they and the request
// differ.
func (v *validation) conflict() {
	c := v.ctx.Conflict
	if c == nil {
		return
	}
	mine := map[string]string{}
	for _, m := range c.Mine {
		mine[m.Field] = m.After
	}
	var what kam.Sentence
	for _, t := range c.Theirs {
		line := kam.Say("%s: version %d has %q, version %d has %q", t.Field, c.Base, t.Before, c.Current, t.After)
		if want, both := mine[t.Field]; both {
			line = kam.Say("%s, the request %q", line, want)
		}
		if what.English != "" {
			line = kam.Say("%s; %s", what, line)
		}
		what = line
	}
	if what.English == "" {
		what = kam.Say("its data are the same")
	}
	v.find(kam.VersionConflict, "base_version", "look at both versions and submit again", "the request began on version %d of the customer, which has version %d now; %s", c.Base, c.Current, what)
}

// ValidateChange is step 1.4 for a change of an existing customer: what was
// wrong with the record before, and the change leaves as it was, is a WARNING.
// Else a phone number could not be corrected in a record that lacks an
// identifier. Screening is never lowered. A retirement is stopped by nothing
// but a conflict of versions: who is no longer sold to need not be perfect.
func (p *Set) ValidateChange(c, before Customer, ctx ValidationContext) []kam.Finding {
	now := p.Validate(c, ctx)
	alone := ctx
	alone.Candidates, alone.Taken, alone.Screening, alone.Conflict = nil, nil, nil, nil
	known := map[string]bool{}
	for _, f := range p.Validate(before, alone) {
		known[f.RuleID+f.Field+f.Message] = true
	}
	identity, group := false, false
	for _, d := range kam.Diff(before.data(), c.data()) {
		switch d.Field {
		case "legal_name", "trading_names", "country_code", "postal_code", "city", "street", "identifiers", "website", "phone", "addresses":
			identity = true
		case "group_id", "group_name", "parent_customer_id":
			group = true
		}
	}
	for i := range now {
		f := &now[i]
		old := known[f.RuleID+f.Field+f.Message]
		switch {
		case strings.HasPrefix(f.RuleID, "VD"):
			old = !identity
		case strings.HasPrefix(f.RuleID, "VH"):
			old = !group && !identity
		case strings.HasPrefix(f.RuleID, "VS"):
			old = false
		}
		retired := ctx.CaseType == kam.Deactivate && f.RuleID != kam.VersionConflict
		if (old || retired) && (f.Severity == kam.SeverityError || f.Severity == kam.SeverityReview) {
			f.Severity = kam.SeverityWarning
		}
	}
	return now
}
