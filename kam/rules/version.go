package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/kamflow/kamflow/kam"
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

// A RecordChange is a part of a record that came out otherwise, with the
// changes of the rules that it may come from.
type RecordChange struct {
	Field   string          `json:"field"`
	Was     json.RawMessage `json:"was,omitempty"`
	Is      json.RawMessage `json:"is,omitempty"`
	Changes []string        `json:"changes"`
}

// notReplayed are the parts of a record that its own making and people give it.
var notReplayed = []string{"decision_id", "computed_at", "human", "rules_version"}

// Replayed holds a record that was made before against one that the same data
// and policy make now. Under the same version of the rules they are the same;
// under an older one each difference names the listed changes that it may come
// from. A difference that no change accounts for is a kam.Fault.
func Replayed(was, is onboarding.DecisionRecord) ([]RecordChange, error) {
	before, err := parts(was)
	if err != nil {
		return nil, err
	}
	after, err := parts(is)
	if err != nil {
		return nil, err
	}
	var since []string
	for _, c := range Changes {
		if c.Version > max(was.RulesVersion, 1) && c.Version <= is.RulesVersion && slices.Contains(c.Kinds, was.Kind) {
			since = append(since, c.ID)
		}
	}
	fields := map[string]bool{}
	for _, m := range []map[string]json.RawMessage{before, after} {
		for k := range m {
			fields[k] = true
		}
	}
	var out []RecordChange
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(notReplayed, f) || reflect.DeepEqual(before[f], after[f]) {
			continue
		}
		if len(since) == 0 {
			return nil, kam.Errorf(kam.Fault, "%s of the record %s differs, and no change of the rules from version %d to %d accounts for it",
				f, was.Kind, max(was.RulesVersion, 1), is.RulesVersion).On(f)
		}
		out = append(out, RecordChange{f, before[f], after[f], since})
	}
	return out, nil
}

func parts(r onboarding.DecisionRecord) (m map[string]json.RawMessage, err error) {
	b, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return nil, fmt.Errorf("read the parts of a record: %w", err)
	}
	return m, nil
}
