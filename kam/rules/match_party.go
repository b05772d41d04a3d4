package rules

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/kamflow/kamflow/kam"
)

// A Party is what the search for duplicates knows of a customer or request.
type Party struct {
	Ref         string // customer or case number
	Names       []string
	CountryCode string
	City        string
	PostalCode  string
	Street      string
	Identifiers []kam.Identifier
	Website     string
	Emails      []string
	Phone       string
	GroupID     string
}

// PartyOf takes the party out of a customer; the LEGAL address stands in for
// what the screening set does not say.
func PartyOf(c Customer) Party {
	p := Party{
		Ref: c.CustomerNo, Names: append([]string{c.LegalName}, c.TradingNames...), CountryCode: c.CountryCode, City: c.City,
		PostalCode: c.PostalCode, Street: c.Street, Identifiers: c.Identifiers, Website: c.Website, Phone: c.Phone, GroupID: c.GroupID,
	}
	if p.GroupID == "" && c.GroupName != "" {
		p.GroupID = "name:" + Normalize(c.GroupName).Plain
	}
	for _, a := range c.Addresses {
		if a.Type != kam.AddressLegal {
			continue
		}
		if p.Street == "" && (p.City == "" || fold(p.City, plainLetters) == fold(a.City, plainLetters)) {
			p.Street = a.Line1
		}
		if p.City == "" {
			p.City = a.City
		}
		if p.PostalCode == "" {
			p.PostalCode = a.PostalCode
		}
		if p.CountryCode == "" {
			p.CountryCode = a.CountryCode
		}
		break
	}
	for _, contact := range c.Contacts {
		p.Emails = append(p.Emails, contact.Email)
	}
	return p
}

// prepared is a party in the form in which it is compared.
type prepared struct {
	ref           string
	names         []preparedName
	country, city string
	postal        string
	street, house string
	domains       []string
	phone         string
	group         string
	identifiers   []preparedIdentifier
}

// How far an identifier reaches.
const (
	weakLevel   = iota // not checked here: OTHER under its own name, IBAN
	entityLevel        // one company, on several sites of a group
	siteLevel          // one establishment
)

type preparedIdentifier struct {
	scheme string // with the issuing country where numbers are per country
	key    string
	level  int
	// contradicts says that one company has one number of this scheme.
	contradicts bool
}

func (m *matcher) prepare(p Party) prepared {
	x := prepared{
		ref: p.Ref, country: strings.ToUpper(strings.TrimSpace(p.CountryCode)),
		city: strings.Join(words(p.City), " "), phone: PhoneKey(p.Phone), group: p.GroupID,
	}
	x.postal = PostalKey(x.country, p.PostalCode)
	x.street, x.house = splitStreet(normalizeStreet(p.Street))
	for _, name := range p.Names {
		n := prepareName(name, x.country)
		if len(n.plain) == 0 || slices.ContainsFunc(x.names, func(o preparedName) bool {
			return slices.Equal(o.plain, n.plain) && slices.Equal(o.expanded, n.expanded)
		}) {
			continue
		}
		x.names = append(x.names, n)
	}
	for _, id := range p.Identifiers {
		if r := CheckIdentifier(id.Scheme, id.Value, id.Country); r.Valid {
			x.addIdentifier(id, r.Compact)
		}
	}
	if d := WebHost(p.Website); d != "" && !freeMail[d] {
		x.domains = append(x.domains, d)
	}
	for _, e := range p.Emails {
		if d := mailDomain(e); d != "" && !freeMail[d] && !slices.Contains(x.domains, d) {
			x.domains = append(x.domains, d)
		}
	}
	return x
}

func (x *prepared) addIdentifier(id kam.Identifier, compacted string) {
	p := preparedIdentifier{scheme: string(id.Scheme), key: identityKey(id.Scheme, compacted), level: entityLevel, contradicts: true}
	switch id.Scheme {
	case kam.SchemeGLN, kam.SchemeSIRET:
		p.level, p.contradicts = siteLevel, false
	case kam.SchemeIBAN:
		p.level, p.contradicts = weakLevel, false
	case kam.SchemeVATEU:
		p.scheme += "/" + prefix(compacted, 2)
	case kam.SchemeOther:
		if id.Name == "" {
			return
		}
		p.level = weakLevel
		p.scheme += "/" + strings.ToUpper(strings.TrimSpace(id.Name)) + "/" + id.Country
	}
	x.identifiers = append(x.identifiers, p)
}

// A sharedIdentifier is a number that both sides have.
type sharedIdentifier struct {
	name  string
	level int
}

// compareIdentifiers finds the numbers that both sides have, and the schemes of
// companies in which both have numbers but none in common.
func compareIdentifiers(x, y *prepared) (same []sharedIdentifier, contradicting []string) {
	for _, a := range x.identifiers {
		found, differs := false, false
		for _, b := range y.identifiers {
			if a.scheme == b.scheme {
				found = found || a.key == b.key
				differs = differs || a.key != b.key
			}
		}
		switch {
		case found:
			same = append(same, sharedIdentifier{name: a.scheme + " " + a.key, level: a.level})
		case differs && a.contradicts && !slices.Contains(contradicting, a.scheme):
			contradicting = append(contradicting, a.scheme)
		}
	}
	return same, contradicting
}

// PostalKey is a postal code of a country in the form in which codes are
// compared and looked up. The four digits that a ZIP code may add name a side
// of a street, and count for nothing.
func PostalKey(country, code string) string {
	key := strings.ToUpper(compactPostal(norm.NFKC.String(code)))
	switch country {
	case "US", "PR", "GU", "VI", "AS", "MP":
		return prefix(key, 5)
	}
	return key
}

// PhoneKey is a phone number in the form in which numbers are compared and
// looked up: the digits without signs, a (0) behind the country code, and the
// international prefix; empty where too few are left.
func PhoneKey(s string) string {
	s = norm.NFKC.String(s)
	if strings.HasPrefix(strings.TrimSpace(s), "+") || strings.HasPrefix(strings.TrimSpace(s), "00") {
		s = strings.Replace(s, "(0)", "", 1)
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	digits = strings.TrimLeft(digits, "0")
	if len(digits) < 6 {
		return ""
	}
	return digits
}

// splitStreet parts the last word with a digit off as the house number.
func splitStreet(s string) (street, house string) {
	all := strings.Fields(s)
	for i := len(all) - 1; i >= 0; i-- {
		if len(all) > 1 && all[i][0] >= '0' && all[i][0] <= '9' {
			house = all[i]
			return strings.Join(slices.Delete(all, i, i+1), " "), house
		}
	}
	return s, ""
}

func mailDomain(email string) string {
	_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(email)), "@")
	return domain
}
