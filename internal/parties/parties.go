// Package parties turns request data into what a duplicate search looks up
// (store) and compares (rules). Engine, importer and admin loads share it, so
// that a customer is found however it came in.
package parties

import (
	"net/url"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

// Keys are the blocking keys of a party (P3.4.4). Its identifiers are those
// given and the registrations that they are the numbers of, so that search,
// locks and holds find one registration under any of its numbers (D37).
func Keys(d kam.RequestData) store.PartyKeys {
	k := store.PartyKeys{Version: KeysVersion, Country: d.CountryCode, PostalCode: rules.PostalKey(d.CountryCode, d.PostalCode)}
	for _, name := range append([]string{d.LegalName}, d.TradingNames...) {
		n := rules.Normalize(name)
		k.Names = append(k.Names, n.Plain, n.Expanded)
	}
	slices.Sort(k.Names)
	k.Names = slices.DeleteFunc(slices.Compact(k.Names), func(s string) bool { return s == "" })
	k.Identifiers = Numbers(d)
	for _, id := range d.Identifiers {
		for _, r := range rules.Registrations(id) {
			if !slices.ContainsFunc(k.Identifiers, func(x kam.Identifier) bool { return x.Scheme == r.Scheme && x.Value == r.Value && x.Name == r.Name }) {
				k.Identifiers = append(k.Identifiers, r)
			}
		}
	}
	if h := host(d.Website); h != "" {
		k.Domains = append(k.Domains, h)
	}
	if p := digits(d.Phone); p != "" {
		k.Phones = append(k.Phones, p)
	}
	return k
}

// KeysVersion changes with what parties are searched by: how names, numbers,
// codes and hosts are read. Stored keys of another version are computed anew.
const KeysVersion = 1

// Rekeyed are the keys of a party that is stored.
func Rekeyed(p store.PartyData) store.PartyKeys {
	var d kam.RequestData
	d.LegalName, d.TradingNames, d.CountryCode, d.PostalCode = p.Name, p.TradingNames, p.Country, p.PostalCode
	d.Identifiers, d.Website, d.Phone = p.Identifiers, p.Website, p.Phone
	return Keys(d)
}

// Numbers are the identifiers of a party as they are stored.
func Numbers(d kam.RequestData) []kam.Identifier {
	var all []kam.Identifier
	for _, id := range d.Identifiers {
		all = append(all, compact(id))
	}
	return all
}

// Screened is a party as a screening list is compared with it.
func Screened(d kam.RequestData) rules.ListEntry {
	return rules.ListEntry{Names: append([]string{d.LegalName}, d.TradingNames...), Country: d.CountryCode, Identifiers: Numbers(d)}
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
