package customer

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// A SplitChoice names what of a record that holds two customers goes to the
// new one. Addresses and contacts are named by their place in the record,
// from 1, as people see them: no personal data stand in a decision.
type SplitChoice struct {
	LegalName     string       `json:"legal_name"`
	TradingNames  []string     `json:"trading_names,omitempty"`
	Identifiers   []Identifier `json:"identifiers,omitempty"` // scheme and value
	Addresses     []int        `json:"addresses,omitempty"`
	Contacts      []int        `json:"contacts,omitempty"`
	SalesAccounts []string     `json:"sales_accounts,omitempty"`
	// Place of the new customer, where none of its addresses says it.
	Street     string `json:"street,omitempty"`
	City       string `json:"city,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Website    string `json:"website,omitempty"`
	Phone      string `json:"phone,omitempty"`
	// Group of the new customer: that of the record where empty, "none" for no
	// group.
	Group string `json:"group,omitempty"`
}

// NoGroup is the group of a customer that has none, in a SplitChoice.
const NoGroup = "none"

// PlanSplit makes two records of one: what stays, and what the choice names.
// What a kind of business shares (country, industry, channels, currency,
// terms) is copied; amounts and scores stay, because nobody knows yet whose
// they are. Sales accounts are rows of the store.
//
// Errors: INVALID for something that the record does not have, TARGET_INVALID
// where nothing would tell the two apart.
func PlanSplit(d RequestData, c SplitChoice, numbers NumberClass) (stays, goes RequestData, err error) {
	stays = cloneData(d)
	if strings.TrimSpace(c.LegalName) == "" {
		return stays, goes, kam.Errorf(kam.ReasonNeeded, "the new customer needs a legal name").On("legal_name")
	}
	goes = sharedData(d)
	goes.LegalName, goes.Website, goes.Phone = c.LegalName, c.Website, c.Phone
	if stays.TradingNames, goes.TradingNames, err = splitNames(d.TradingNames, c); err != nil {
		return stays, goes, err
	}
	if stays.Identifiers, goes.Identifiers, err = splitNumbers(d.Identifiers, c.Identifiers, numbers); err != nil {
		return stays, goes, err
	}
	if stays.Addresses, goes.Addresses, err = pickPlaces("addresses", d.Addresses, c.Addresses); err != nil {
		return stays, goes, err
	}
	if stays.Contacts, goes.Contacts, err = pickPlaces("contacts", d.Contacts, c.Contacts); err != nil {
		return stays, goes, err
	}
	placeNew(&goes, c)
	if c.Website != "" && sameText(c.Website, d.Website) {
		stays.Website = ""
	}
	if c.Phone != "" && sameText(c.Phone, d.Phone) {
		stays.Phone = ""
	}
	if len(goes.Identifiers) == 0 && len(goes.Addresses) == 0 && goes.City == "" && sameText(goes.LegalName, d.LegalName) {
		return stays, goes, kam.Errorf(kam.TargetInvalid, "nothing tells the two customers apart").On("legal_name").
			Try("name identifiers, addresses or another legal name for the new one")
	}
	for _, e := range CheckForm(goes) {
		if old := CheckForm(d); !slices.ContainsFunc(old, func(o *kam.Error) bool { return o.Msg == e.Msg }) {
			return stays, goes, e
		}
	}
	return stays, goes, nil
}

// sharedData is what two customers that stood in one record have in common
// until somebody says otherwise.
func sharedData(d RequestData) RequestData {
	var s RequestData
	s.CustomerKind, s.CountryCode = d.CustomerKind, d.CountryCode
	s.IndustryScheme, s.IndustryCode, s.IndustryText = d.IndustryScheme, d.IndustryCode, d.IndustryText
	s.SourceChannel, s.SalesChannel = d.SourceChannel, d.SalesChannel
	s.Ownership, s.FundingModel = d.Ownership, d.FundingModel
	s.Currency, s.Language, s.PaymentTermsDays = d.Currency, d.Language, d.PaymentTermsDays
	s.TerritoryCode = d.TerritoryCode
	return s
}

func splitNames(names []string, c SplitChoice) (stay, gone []string, err error) {
	for _, n := range c.TradingNames {
		if !slices.ContainsFunc(names, func(x string) bool { return sameText(x, n) }) {
			return nil, nil, kam.Errorf(kam.Invalid, "the record has no trading name %q", kam.Clip(n, 60)).On("trading_names").Try("write it as the record has it")
		}
	}
	for _, n := range names {
		goes := slices.ContainsFunc(c.TradingNames, func(x string) bool { return sameText(x, n) })
		switch {
		case sameText(n, c.LegalName): // it is the new one's own name from now on
		case goes:
			gone = append(gone, n)
		default:
			stay = append(stay, n)
		}
	}
	return stay, gone, nil
}

func splitNumbers(ids, wanted []Identifier, numbers NumberClass) (stay, gone []Identifier, err error) {
	is := func(id, w Identifier) bool {
		if id.Scheme != w.Scheme {
			return false
		}
		w.Country, w.Name = id.Country, id.Name
		class, key := numbers(w)
		return sameNumber(id, w, class, key, numbers)
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(ids, func(id Identifier) bool { return is(id, w) }) {
			return nil, nil, kam.Errorf(kam.Invalid, "the record has no %s %s", kam.Clip(string(w.Scheme), 20), kam.Clip(w.Value, 40)).On("identifiers").Try("write scheme and value as the record has them")
		}
	}
	for _, id := range ids {
		if slices.ContainsFunc(wanted, func(w Identifier) bool { return is(id, w) }) {
			gone = append(gone, id)
		} else {
			stay = append(stay, id)
		}
	}
	return stay, gone, nil
}

func pickPlaces[T any](field string, all []T, places []int) (stay, gone []T, err error) {
	for _, p := range places {
		if p < 1 || p > len(all) {
			return nil, nil, kam.Errorf(kam.Invalid, "the record has no entry %d", p).On(field).Try("number the entries from 1, as customer show does")
		}
	}
	for i, x := range all {
		if slices.Contains(places, i+1) {
			gone = append(gone, x)
		} else {
			stay = append(stay, x)
		}
	}
	return stay, gone, nil
}

// placeNew says where the new customer is: as the choice says, else its LEGAL
// address, else its first one.
func placeNew(d *RequestData, c SplitChoice) {
	d.Street, d.City, d.PostalCode = c.Street, c.City, c.PostalCode
	if d.City != "" || len(d.Addresses) == 0 {
		return
	}
	at := max(0, slices.IndexFunc(d.Addresses, func(a Address) bool { return a.Type == kam.AddressLegal }))
	a := d.Addresses[at]
	d.Street, d.City, d.PostalCode, d.Region = a.Line1, a.City, a.PostalCode, a.Region
	if a.CountryCode != "" {
		d.CountryCode = a.CountryCode
	}
}
