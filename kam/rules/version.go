package rules

import (
	"github.com/kamflow/kamflow/kam/onboarding"
)

// Version is the version of the rules that every decision record carries (D50).
// It rises with each release that changes an outcome for the same data under
// the same policy, and [Changes] says which. Records without a number are of
// version 1.
const Version = 2

// A Change is a change of outcomes that came with a version of the rules.
type Change struct {
	Version int                     `json:"version"`
	ID      string                  `json:"id"`
	Kinds   []onboarding.RecordKind `json:"kinds"` // of record that it may change
	Text    string                  `json:"text"`
}

// Changes lists what changed outcomes, oldest first. docs/rules-versions.md is
// the same for people, and the changelog names them.
var Changes = []Change{
	{2, "NEW_AND_C", []onboarding.RecordKind{onboarding.RecordSegment},
		"A customer without revenue in the last twelve months is NEW only in its first twelve months and where no earlier revenue is known; any other is C."},
	{2, "NAMES", []onboarding.RecordKind{onboarding.RecordAdd, onboarding.RecordValidation},
		"Legal forms are dropped where the language or country of the customer writes them, marks are folded in Latin, Greek and Cyrillic only, and names are also compared with their words sorted."},
	{2, "HS1_HS5", []onboarding.RecordKind{onboarding.RecordAdd},
		"HS1 and HS5 by name need the country and more that agrees; what is weaker is HS6, or HS9 with outcome REFER."},
	{2, "IDENTIFIERS", []onboarding.RecordKind{onboarding.RecordAdd, onboarding.RecordValidation},
		"Identifiers under register names are checked, check digits are computed and compared, and one registration in several schemes counts as one."},
	{2, "POSTAL_CODES", []onboarding.RecordKind{onboarding.RecordAdd, onboarding.RecordValidation},
		"Postal codes are read with country prefixes, dashes and full width; territories that use the registers of their state are not of another country; placeholders are no values."},
	{2, "AMOUNTS", []onboarding.RecordKind{onboarding.RecordAdd, onboarding.RecordSegment, onboarding.RecordClassification, onboarding.RecordValidation},
		"Amounts with more decimals than their currency has are refused."},
	{2, "SCREENING_SET", []onboarding.RecordKind{onboarding.RecordAdd, onboarding.RecordValidation},
		"Hits of screening are a set: a hit that was cleared clears itself only."},
}
