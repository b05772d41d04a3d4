// Package parties turns request data into what a duplicate search looks up
// (store) and compares (rules). Engine, importer and admin loads share it, so
// that a customer is found however it came in.
package parties

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/identifier"
	"github.com/kamflow/kamflow/kam/rules/match"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// KeysVersion is the version of the form in which [KeysOf] writes names and
// numbers. It rises whenever that form changes: what was stored in an older one
// is found all the same, and written again by the worker.
const KeysVersion = 2

// Keys are the blocking keys of a party (P3.4.4).
func Keys(d customer.RequestData) customerdb.PartyKeys { return KeysOf(customerdb.PartyDataOf(d)) }

// KeysOf are the blocking keys of a party by what is stored of it. Its
// identifiers are those given and the registrations that they are the numbers
// of, so that search, locks and holds find one registration under any of its
// numbers (D37).
func KeysOf(d customerdb.PartyData) customerdb.PartyKeys {
	k := customerdb.PartyKeys{Version: KeysVersion, Country: d.Country, PostalCode: identifier.PostalKey(d.Country, d.PostalCode)}
	add := func(list *[]string, value string) {
		if value != "" && !slices.Contains(*list, value) {
			*list = append(*list, value)
		}
	}
	for _, name := range append([]string{d.Name}, d.TradingNames...) {
		n := match.Normalize(name, d.Country)
		for _, folded := range []string{n.Plain, n.Expanded} {
			add(&k.Names, folded)
			if words := strings.Fields(folded); len(words) > 1 {
				slices.Sort(words)
				add(&k.Sorted, strings.Join(words, " "))
			}
		}
	}
	k.Identifiers = Numbers(d.Identifiers)
	for _, id := range d.Identifiers {
		for _, r := range identifier.Registrations(id) {
			if !slices.ContainsFunc(k.Identifiers, func(x customer.Identifier) bool {
				return x.Scheme == r.ID.Scheme && x.Value == r.ID.Value && x.Name == r.ID.Name
			}) {
				k.Identifiers = append(k.Identifiers, r.ID)
			}
		}
	}
	add(&k.Domains, match.Host(d.Website))
	add(&k.Phones, identifier.PhoneKey(d.Phone))
	return k
}

// Screened is a party as a screening list, or a rejected request, is compared
// with it.
func Screened(d customerdb.PartyData) match.ListEntry {
	return match.ListEntry{
		Names: append([]string{d.Name}, d.TradingNames...), Country: d.Country, Identifiers: Numbers(d.Identifiers),
		Website: d.Website, Phone: d.Phone, Street: d.Street, PostalCode: d.PostalCode,
	}
}

// ForScreening is a party as a clearance of compliance is bound to it, and as a
// screening service is told of it: no persons.
func ForScreening(d customer.RequestData) customer.ScreenedParty {
	p := customer.ScreenedParty{Names: append([]string{d.LegalName}, d.TradingNames...), Country: d.CountryCode}
	for _, id := range Numbers(d.Identifiers) {
		p.Identifiers = append(p.Identifiers, customer.Identifier{Scheme: id.Scheme, Value: id.Value})
	}
	slices.SortFunc(p.Identifiers, func(a, b customer.Identifier) int {
		return strings.Compare(string(a.Scheme)+a.Value, string(b.Scheme)+b.Value)
	})
	return p
}

// Hit is a line of the local screening list that means the party, or may: one
// that is blocked without being similar in name is POSSIBLE.
func Hit(b accessdb.BlockedParty, result kam.ScreeningResult) customer.ScreeningHit {
	if result == kam.ScreeningClear {
		result = kam.ScreeningPossible
	}
	return customer.ScreeningHit{List: cmp.Or(b.List, customer.OwnList), Ref: b.Ref, Name: b.Name, Result: result}
}

// Entry is a line of the local screening list.
func Entry(b accessdb.BlockedParty) match.ListEntry {
	e := match.ListEntry{
		Ref: b.Ref, Names: append([]string{b.Name}, b.Aliases...), Country: b.Country,
		Website: b.Domain, Phone: b.Phone, Street: b.Street, PostalCode: b.PostalCode,
	}
	for _, id := range b.Identifiers {
		e.Identifiers = append(e.Identifiers, customer.Identifier{Scheme: id.Scheme, Value: id.Value})
	}
	return e
}

// EntryKeys are what customers that a line of the list may mean are found by.
func EntryKeys(b accessdb.BlockedParty) customerdb.PartyKeys {
	e := Entry(b)
	return KeysOf(customerdb.PartyData{
		Name: b.Name, TradingNames: b.Aliases, Country: b.Country, Identifiers: e.Identifiers,
		Website: b.Domain, Phone: b.Phone, Street: b.Street, PostalCode: b.PostalCode,
	})
}

// HaveOne says that two lists of identifiers have a number in common, or a
// registration under several of its numbers (D37): a SIREN and a SIRET of it.
func HaveOne(a, b []customer.Identifier) bool {
	for _, x := range Numbers(a) {
		for _, y := range Numbers(b) {
			if x.Scheme == y.Scheme && x.Name == y.Name && strings.EqualFold(x.Value, y.Value) || identifier.Same(x, y) {
				return true
			}
		}
	}
	return false
}

// Numbers are the identifiers of a party in the form in which they are stored.
func Numbers(given []customer.Identifier) []customer.Identifier {
	var all []customer.Identifier
	for _, id := range given {
		all = append(all, compact(id))
	}
	return all
}

// compact stores an identifier without blanks and signs (P3.4.2).
func compact(id customer.Identifier) customer.Identifier {
	if r := identifier.Check(id.Scheme, id.Value, id.Country); r.Compact != "" {
		id.Value = r.Compact
	}
	return id
}
