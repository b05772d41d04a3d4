package match

import (
	"strings"
)

// addressPart compares two addresses, 0..1; known is false where they cannot
// be compared. Where the postal code is unknown on a side, city and street
// stand in for it (D14); city names may then differ for one place (a suburb
// and its city), which the same street and the same phone or domain show.
func (m *comparer) addressPart(x, y *prepared) (value float64, known bool) {
	best, known := bestAddress(x, y)
	if !known || best == 0 {
		return 0, known
	}
	street := x.street != "" && y.street != "" && (x.house == y.house || x.house == "" || y.house == "") &&
		equalOrSimilar([]rune(x.street), []rune(y.street), &m.scratch) >= sameStreet
	switch {
	case street && best == addressSame:
		return addressSame, true
	case x.postal != "" && x.postal == y.postal:
		return addressPostal, true
	case sameCity(x.city, y.city):
		return addressCity, true
	default:
		return 0, true
	}
}

// bestAddress is what addressPart can give before streets are compared.
func bestAddress(x, y *prepared) (best float64, known bool) {
	cities := x.city != "" && y.city != ""
	postals := x.postal != "" && y.postal != ""
	if !cities && !postals {
		return 0, false
	}
	if x.country != "" && y.country != "" && x.country != y.country {
		return 0, true
	}
	switch {
	case postals && x.postal == y.postal:
		return addressSame, true
	case sameCity(x.city, y.city) && !postals:
		return addressSame, true
	case sameCity(x.city, y.city):
		return addressCity, true
	case !postals && x.reaches(y):
		return addressSame, true
	default:
		return 0, true
	}
}

// sameCity says that two cities are one, also where one list adds to the name:
// New York and New York City, Frankfurt and Frankfurt am Main.
func sameCity(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return a != "" && strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == ' ')
}

// reaches says that both answer the same phone or the same domain.
func (x *prepared) reaches(y *prepared) bool {
	return x.phone != "" && x.phone == y.phone || common(x.domains, y.domains) != ""
}

// sameSite says that two parties stand at one address as far as is known.
func (x *prepared) sameSite(y *prepared) bool {
	return x.country == y.country && (x.city == y.city || sameCity(x.city, y.city)) && x.postal == y.postal && x.house == y.house &&
		(x.street == y.street || jaroWinkler(x.street, y.street) >= sameStreet)
}

// common is the first value of a that b has too.
func common(a, b []string) string {
	for _, s := range a {
		for _, t := range b {
			if s == t {
				return s
			}
		}
	}
	return ""
}
