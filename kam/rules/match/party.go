package match

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/identifier"
	"github.com/kamflow/kamflow/kam/rules/written"
)

// A Party is what the search for duplicates knows of a customer or request.
type Party struct {
	Ref         string // customer or case number
	Names       []string
	CountryCode string
	City        string
	PostalCode  string
	Street      string
	Identifiers []customer.Identifier
	Website     string
	Emails      []string
	Phone       string
	GroupID     string
}

// PartyOf takes the party out of what a customer or request says of itself; the
// LEGAL address stands in for what the screening set does not say. Ref is its
// number.
func PartyOf(ref string, c customer.RequestData) Party {
	p := Party{
		Ref: ref, Names: append([]string{c.LegalName}, c.TradingNames...), CountryCode: c.CountryCode, City: c.City,
		PostalCode: c.PostalCode, Street: c.Street, Identifiers: c.Identifiers, Website: c.Website, Phone: c.Phone, GroupID: c.GroupID,
	}
	if p.GroupID == "" && c.GroupName != "" {
		p.GroupID = "name:" + Normalize(c.GroupName, "").Plain
	}
	for _, a := range c.Addresses {
		if a.Type != kam.AddressLegal {
			continue
		}
		if p.Street == "" && (p.City == "" || written.Fold(p.City) == written.Fold(a.City)) {
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

// Domains are the web and mail domains that speak for the party; those of free
// mail providers do not.
func (p Party) Domains() (all []string) {
	if d := Host(p.Website); d != "" && !freeMail[d] {
		all = append(all, d)
	}
	for _, e := range p.Emails {
		if d, free := MailDomain(e); d != "" && !free && !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all
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
	level  identifier.Level
	// contradicts says that one company has one number of this scheme.
	contradicts bool
	said        string // the number as it was given
}

func prepare(p Party) prepared {
	x := prepared{
		ref: p.Ref, country: strings.ToUpper(strings.TrimSpace(p.CountryCode)),
		city: strings.Join(written.Words(p.City), " "), phone: identifier.PhoneKey(p.Phone), group: p.GroupID,
	}
	x.postal = identifier.PostalKey(x.country, p.PostalCode)
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
	x.domains = p.Domains()
	return x
}

// addIdentifier adds what a valid identifier is the number of.
func (x *prepared) addIdentifier(id customer.Identifier) {
	for _, r := range identifier.Registrations(id) {
		p := preparedIdentifier{scheme: r.Scheme, key: r.ID.Value, level: r.Level, contradicts: r.Contradicts, said: r.Said}
		if !slices.ContainsFunc(x.identifiers, func(o preparedIdentifier) bool { return o.scheme == p.scheme && o.key == p.key }) {
			x.identifiers = append(x.identifiers, p)
		}
	}
}

// Shared names the numbers that two lists of identifiers have in common, also
// where they stand under several schemes.
func Shared(a, b []customer.Identifier) (names []string) {
	x, y := prepare(Party{Identifiers: a}), prepare(Party{Identifiers: b})
	same, _ := compareIdentifiers(&x, &y)
	for _, s := range same {
		names = append(names, s.name)
	}
	return names
}

// A sharedIdentifier is a number that both sides have.
type sharedIdentifier struct {
	name  string
	level identifier.Level
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
