// Package parties turns request data into what a duplicate search looks up
// (store) and compares (rules). Engine, importer and admin loads share it, so
// that a customer is found however it came in.
package parties

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

// Keys are the blocking keys of a party (P3.4.4).
func Keys(d kam.RequestData) store.PartyKeys {
	k := store.PartyKeys{Country: d.CountryCode, PostalCode: d.PostalCode}
	for _, name := range append([]string{d.LegalName}, d.TradingNames...) {
		n := rules.Normalize(name)
		k.Names = append(k.Names, n.Plain, n.Expanded)
	}
	slices.Sort(k.Names)
	k.Names = slices.DeleteFunc(slices.Compact(k.Names), func(s string) bool { return s == "" })
	for _, id := range d.Identifiers {
		k.Identifiers = append(k.Identifiers, compact(id))
	}
	if h := host(d.Website); h != "" {
		k.Domains = append(k.Domains, h)
	}
	if p := digits(d.Phone); p != "" {
		k.Phones = append(k.Phones, p)
	}
	return k
}

// Screened is a party as a screening list is compared with it.
func Screened(d kam.RequestData) rules.ListEntry {
	return rules.ListEntry{Names: append([]string{d.LegalName}, d.TradingNames...), Country: d.CountryCode, Identifiers: Keys(d).Identifiers}
}

// ForScreening is a party as a clearance of compliance is bound to it, and as a
// screening service is told of it: no persons.
func ForScreening(d kam.RequestData) kam.ScreenedParty {
	p := kam.ScreenedParty{Names: append([]string{d.LegalName}, d.TradingNames...), Country: d.CountryCode}
	for _, id := range Keys(d).Identifiers {
		p.Identifiers = append(p.Identifiers, kam.Identifier{Scheme: id.Scheme, Value: id.Value})
	}
	slices.SortFunc(p.Identifiers, func(a, b kam.Identifier) int {
		return strings.Compare(string(a.Scheme)+a.Value, string(b.Scheme)+b.Value)
	})
	return p
}

// Hit is a line of the local screening list that means the party, or may: one
// that is blocked without being similar in name is POSSIBLE.
func Hit(b store.BlockedParty, result kam.ScreeningResult) kam.ScreeningHit {
	if result == kam.ScreeningClear {
		result = kam.ScreeningPossible
	}
	return kam.ScreeningHit{List: cmp.Or(b.List, kam.OwnList), Ref: b.Ref, Name: b.Name, Result: result}
}

// Entry is a line of the local screening list.
func Entry(b store.BlockedParty) rules.ListEntry {
	e := rules.ListEntry{Ref: b.Ref, Names: append([]string{b.Name}, b.Aliases...), Country: b.Country}
	for _, id := range b.Identifiers {
		e.Identifiers = append(e.Identifiers, kam.Identifier{Scheme: id.Scheme, Value: id.Value})
	}
	return e
}

// EntryKeys are what customers that a line of the list may mean are found by.
func EntryKeys(b store.BlockedParty) store.PartyKeys {
	d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: b.Name, TradingNames: b.Aliases, CountryCode: b.Country}}
	d.Identifiers = Entry(b).Identifiers
	return Keys(d)
}

// compact stores an identifier without blanks and signs (P3.4.2).
func compact(id kam.Identifier) kam.Identifier {
	if r := rules.CheckIdentifier(id.Scheme, id.Value, id.Country); r.Compact != "" {
		id.Value = r.Compact
	}
	return id
}

func host(website string) string {
	if website == "" {
		return ""
	}
	if !strings.Contains(website, "://") {
		website = "https://" + website
	}
	u, err := url.Parse(website)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
}

func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, phone)
}
