package rules

import "github.com/kamflow/kamflow/kam"

// A ListEntry is one line of a screening list: a party that is blocked, or that
// nobody may deal with.
type ListEntry struct {
	Ref         string
	Names       []string
	Country     string
	Identifiers []kam.Identifier
}

// Screen compares a party with one line of a list (P3.4.5): CONFIRMED only on
// an identifier; POSSIBLE from the policy's similarity of names, with the same
// country or where one is not known. Blocked says that the party is the one on
// the list: by an identifier, or by name and country (HS1).
func (p *Policy) Screen(party, entry ListEntry) (result kam.ScreeningResult, blocked bool) {
	for _, mine := range party.Identifiers {
		for _, theirs := range entry.Identifiers {
			if mine.Scheme == theirs.Scheme && mine.Value == CheckIdentifier(theirs.Scheme, theirs.Value, "").Compact || sameRegistration(mine, theirs) {
				return kam.ScreeningConfirmed, true
			}
		}
	}
	result = kam.ScreeningClear
	if entry.Country != "" && party.Country != "" && entry.Country != party.Country {
		return result, false
	}
	for _, theirs := range entry.Names {
		for _, mine := range party.Names {
			similar := NameSimilarity(theirs, mine)
			if similar >= 1 && entry.Country == party.Country {
				blocked = true
			}
			if similar >= float64(p.Screening.PossibleAt)/100 {
				result = kam.ScreeningPossible
			}
		}
	}
	return result, blocked
}
