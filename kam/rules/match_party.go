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

// A preparedIdentifier is a registration of the party.
type preparedIdentifier struct {
	scheme string
	key    string
	level  int
	// contradicts says that one company has one number of this scheme.
	contradicts bool
	said        string // the number as it was given
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
		x.addIdentifier(id)
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

// addIdentifier adds what a valid identifier is the number of.
func (x *prepared) addIdentifier(id kam.Identifier) {
	for _, r := range registrations(id) {
		p := preparedIdentifier{scheme: r.scheme, key: r.id.Value, level: r.level, contradicts: r.contradicts, said: r.said}
		if !slices.ContainsFunc(x.identifiers, func(o preparedIdentifier) bool { return o.scheme == p.scheme && o.key == p.key }) {
			x.identifiers = append(x.identifiers, p)
		}
	}
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
		differs, found := false, slices.IndexFunc(y.identifiers, func(b preparedIdentifier) bool { return a.scheme == b.scheme && a.key == b.key })
		for _, b := range y.identifiers {
			differs = differs || a.scheme == b.scheme
		}
		switch {
		case found >= 0 && a.said == y.identifiers[found].said:
			same = append(same, sharedIdentifier{name: a.said, level: a.level})
		case found >= 0:
			same = append(same, sharedIdentifier{name: a.scheme + " " + a.key, level: a.level})
		case differs && a.contradicts && !slices.Contains(contradicting, a.scheme):
			contradicting = append(contradicting, a.scheme)
		}
	}
	return same, contradicting
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
