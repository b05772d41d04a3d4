package store

import (
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
)

// PartyKeys are what a party is searched by (P3.4.4). The caller computes
// them, because how names and numbers are normalized belongs to the rules.
type PartyKeys struct {
	// Version is that of the form in which the caller writes the keys. Parties
	// whose keys were stored in an older form are found whatever their keys.
	Version     int
	Names       []string // normalized, both foldings, legal and trading names
	Sorted      []string // the names of several words, with their words sorted
	Country     string
	PostalCode  string
	Domains     []string
	Phones      []string
	Identifiers []kam.Identifier
	// RejectedDays is how far back Parties looks at rejected requests; 0 is 90.
	RejectedDays int `json:"-"`
}

// tokens are the blocking keys as text: parties that share one are compared.
func (k PartyKeys) tokens() []string {
	seen := map[string]bool{}
	var list []string
	add := func(kind string, parts ...string) {
		for _, p := range parts {
			if p == "" {
				return
			}
		}
		t := kind + ":" + strings.Join(parts, ":")
		if !seen[t] {
			seen[t] = true
			list = append(list, t)
		}
	}
	for _, id := range k.Identifiers {
		add("id", identifierKey(id))
	}
	for _, n := range k.Names {
		add(nameToken, k.Country, firstLetters(n, 4))
	}
	for _, n := range k.Sorted {
		add(sortedToken, k.Country, firstLetters(n, 8))
	}
	add("post", k.Country, strings.ToUpper(strings.ReplaceAll(k.PostalCode, " ", "")))
	for _, d := range k.Domains {
		add("web", strings.ToLower(d))
	}
	for _, p := range k.Phones {
		add("tel", p)
	}
	return list
}

// Names are found by their first letters: few where the order of the words is
// kept, more where they are sorted, because many begin with the same word then.
const (
	nameToken   = "name"
	sortedToken = "sort"
)

func firstLetters(name string, n int) string {
	letters := []rune(strings.ReplaceAll(name, " ", ""))
	return string(letters[:min(n, len(letters))])
}

// inAnyCountry are patterns of like for the names, whatever the country.
func (k PartyKeys) inAnyCountry() []string {
	return append([]string{}, PartyKeys{Names: k.Names, Sorted: k.Sorted, Country: "__"}.tokens()...)
}

// identifierKey is the text under which an identifier is found and locked.
// The name tells apart the schemes that are not checked here.
func identifierKey(id kam.Identifier) string {
	if id.Value == "" {
		return ""
	}
	key := string(id.Scheme)
	if id.Scheme == kam.SchemeOther {
		key += "/" + strings.ToUpper(id.Name)
	}
	return key + "/" + strings.ToUpper(id.Value)
}

// A Party is somebody whom a request may be about again: a customer, an open
// case or a rejected request.
type Party struct {
	Ref        string    `json:"ref"`  // customer number or case number
	Kind       string    `json:"kind"` // CUSTOMER, CASE or REJECTED
	CustomerID string    `json:"customer_id,omitempty"`
	GroupID    string    `json:"group_id,omitempty"`
	Data       PartyData `json:"data"`
}

// The kinds of party.
const (
	PartyCustomer = "CUSTOMER"
	PartyCase     = "CASE"
	PartyRejected = "REJECTED"
	partyMerged   = "MERGED" // in the table only: it is found as the record that it was merged into
)

// PartyData is what parties are compared by.
type PartyData struct {
	Name         string           `json:"name"`
	TradingNames []string         `json:"trading_names,omitempty"`
	Country      string           `json:"country,omitempty"`
	City         string           `json:"city,omitempty"`
	PostalCode   string           `json:"postal_code,omitempty"`
	Street       string           `json:"street,omitempty"`
	Identifiers  []kam.Identifier `json:"identifiers,omitempty"`
	Website      string           `json:"website,omitempty"`
	Phone        string           `json:"phone,omitempty"`
	Emails       []string         `json:"emails,omitempty"`
	// KeysVersion is that of the keys that are stored beside the data, 0 for
	// those of the first release.
	KeysVersion int `json:"keys_version,omitempty"`
}

// PartyDataOf takes from request data what parties are compared by.
func PartyDataOf(d kam.RequestData) PartyData {
	p := PartyData{
		Name: d.LegalName, TradingNames: d.TradingNames, Country: d.CountryCode, City: d.City,
		PostalCode: d.PostalCode, Street: d.Street, Identifiers: d.Identifiers, Website: d.Website, Phone: d.Phone,
	}
	if p.Street == "" {
		for _, a := range d.Addresses {
			if a.Type == kam.AddressLegal {
				p.Street = a.Line1
			}
		}
	}
	return p
}

// rejectedSince is the start of the time in which rejected requests count.
func (k PartyKeys) rejectedSince(at time.Time) time.Time {
	days := k.RejectedDays
	if days == 0 {
		days = 90
	}
	return at.AddDate(0, 0, -days)
}
