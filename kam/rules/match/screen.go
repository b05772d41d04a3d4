package match

import (
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/identifier"
)

// A ListEntry is one line of a screening list: a party that is blocked, or that
// nobody may deal with. A request or customer is compared in the same form.
type ListEntry struct {
	Ref         string
	Names       []string
	Country     string
	Identifiers []customer.Identifier
	Website     string // or its host alone
	Phone       string
	Street      string
	PostalCode  string
}

// Screen compares a party with one line of a list (P3.4.5): CONFIRMED only on
// an identifier; POSSIBLE from the policy's similarity of names, with the same
// country or where one is not known. Blocked says that the party is the one on
// the list (HS1): by an identifier, or by its name as in [Matcher.SameByName].
func (m *Matcher) Screen(party, entry ListEntry) (result kam.ScreeningResult, blocked bool) {
	for _, mine := range party.Identifiers {
		for _, theirs := range entry.Identifiers {
			if mine.Scheme == theirs.Scheme && mine.Value == identifier.Check(theirs.Scheme, theirs.Value, "").Compact || identifier.Same(mine, theirs) {
				return kam.ScreeningConfirmed, true
			}
		}
	}
	result = kam.ScreeningClear
	if entry.Country != "" && party.Country != "" && entry.Country != party.Country {
		return result, false
	}
	country := cmp.Or(party.Country, entry.Country)
	for _, theirs := range entry.Names {
		for _, mine := range party.Names {
			if Similarity(theirs, mine, country) >= m.screenedAt {
				result = kam.ScreeningPossible
			}
		}
	}
	return result, result == kam.ScreeningPossible && m.SameByName(party, entry) == NameSame
}

// A NameMatch says how far names show that two parties are one.
type NameMatch int

// The name matches, by rising strength.
const (
	NameDiffers NameMatch = iota
	NameLike              // the same name in the same country, and nothing more
	NameSame              // it is the same party
)

// SameByName says whether two parties are one by their names (HS1, HS5):
// they have an equal name in the same country, and besides it an equal domain,
// an equal phone or an equal street with an equal postal code, or the name has
// two words that are neither legal forms nor common_words of the policy
// (decision 34). An equal name alone makes them alike.
func (m *Matcher) SameByName(a, b ListEntry) NameMatch {
	if a.Country == "" || a.Country != b.Country {
		return NameDiffers
	}
	match := NameDiffers
	for _, mine := range a.Names {
		for _, theirs := range b.Names {
			if Similarity(mine, theirs, a.Country) < 1 {
				continue
			}
			if m.ownWords(mine, a.Country) >= 2 {
				return NameSame
			}
			match = NameLike
		}
	}
	if match == NameLike && m.sameContact(a, b) {
		return NameSame
	}
	return match
}

// ownWords counts the different words of a name that tell it from others:
// those of two letters or more that are not common.
func (m *Matcher) ownWords(name, country string) int {
	var own []string
	for _, w := range withoutForms(nameWords(name), country, 1) {
		if utf8.RuneCountInString(w.Plain) >= 2 && slices.ContainsFunc([]rune(w.Plain), unicode.IsLetter) && !m.common[w.Plain] && !slices.Contains(own, w.Plain) {
			own = append(own, w.Plain)
		}
	}
	return len(own)
}

// sameContact says that domain, phone, or street and postal code are equal.
func (m *Matcher) sameContact(a, b ListEntry) bool {
	x, y := prepare(a.place()), prepare(b.place())
	if x.reaches(&y) {
		return true
	}
	value, _ := m.comparer().addressPart(&x, &y)
	return value == addressSame && x.postal != "" && x.postal == y.postal
}

func (e ListEntry) place() Party {
	return Party{CountryCode: e.Country, PostalCode: e.PostalCode, Street: e.Street, Website: e.Website, Phone: e.Phone}
}
