package kam

import (
	"reflect"
	"slices"
	"strings"
)

// fill takes single values over: those chosen, and those that are unknown on
// the survivor.
func (m *merging) fill() {
	a, b, out := reflect.ValueOf(m.a), reflect.ValueOf(m.b), reflect.ValueOf(&m.out).Elem()
	for _, s := range Fields {
		f := s.Name
		if strings.Contains(f, "[]") || slices.Contains(mergeStays, f) || strings.HasPrefix(f, "group_") || f == "parent_customer_id" {
			continue
		}
		va, vb := child(a, f), child(b, f)
		switch {
		case s.Kind == KindList:
			if m.takes(f) {
				m.set(child(out, f), vb, f)
			}
		case m.takes(f), unknown(va) && !unknown(vb) && m.agree(f):
			m.set(child(out, f), vb, f)
		case s.Kind == KindMap:
			m.fillItems()
		}
	}
}

func (m *merging) set(to, v reflect.Value, field string) {
	to.Set(v)
	m.from[field] = FromAbsorbed
}

// agree says that the records do not differ in the fields that stand together
// with this one.
func (m *merging) agree(field string) bool {
	a, b := reflect.ValueOf(m.a), reflect.ValueOf(m.b)
	for _, set := range mergeTogether {
		if !slices.Contains(set, field) {
			continue
		}
		for _, f := range set {
			va, vb := child(a, f), child(b, f)
			if !unknown(va) && !unknown(vb) && !sameText(jsonText(va), jsonText(vb)) {
				return false
			}
		}
	}
	return true
}

func (m *merging) fillItems() {
	for item, n := range m.b.CapabilityItems {
		if _, ok := m.out.CapabilityItems[item]; ok {
			continue
		}
		if m.out.CapabilityItems == nil {
			m.out.CapabilityItems = map[string]int{}
		}
		m.out.CapabilityItems[item] = n
		m.from["capability_items"] = FromBoth
	}
}

// tradingNames keeps every name that either record was known by: a legal name
// that does not stand becomes a trading name.
func (m *merging) tradingNames() {
	names := slices.Clone(m.out.TradingNames)
	if !m.takes("trading_names") {
		for _, n := range m.b.TradingNames {
			names = withName(names, m.out.LegalName, n)
		}
	}
	names = withName(names, m.out.LegalName, m.b.LegalName)
	names = withName(names, m.out.LegalName, m.a.LegalName)
	names = slices.DeleteFunc(names, func(n string) bool { return sameText(n, m.out.LegalName) && m.takes("legal_name") })
	if len(names) != len(m.out.TradingNames) && m.from["trading_names"] == "" {
		m.from["trading_names"] = FromBoth
	}
	m.out.TradingNames = names
}

func withName(names []string, legal, name string) []string {
	known := func(n string) bool { return sameText(n, name) }
	if strings.TrimSpace(name) == "" || sameText(name, legal) || slices.ContainsFunc(names, known) {
		return names
	}
	return append(slices.Clip(names), name)
}

// identifiers unites the numbers. A record has one number of a class, so of
// two that differ the steward keeps one.
func (m *merging) identifiers(numbers NumberClass) (dropped []Identifier, err error) {
	all := slices.Clone(m.a.Identifiers)
	for _, id := range m.b.Identifiers {
		class, key := numbers(id)
		i := slices.IndexFunc(all, func(x Identifier) bool { return sameNumber(x, id, class, key, numbers) })
		if i < 0 {
			all = append(all, id)
			m.from["identifiers"] = FromBoth
			continue
		}
		fillUnknown(&all[i], id)
	}
	keep, err := m.kept(all, numbers)
	if err != nil {
		return nil, err
	}
	values := map[string][]string{}
	for _, id := range all {
		if class, key := numbers(id); class != "" && !slices.Contains(values[class], key) {
			values[class] = append(values[class], key)
		}
	}
	// What one record says twice is for its own validation (VI05).
	both := func(class string) bool {
		has := func(ids []Identifier) bool {
			return slices.ContainsFunc(ids, func(id Identifier) bool { c, _ := numbers(id); return c == class })
		}
		return has(m.a.Identifiers) && has(m.b.Identifiers)
	}
	out := all[:0:0]
	for _, id := range all {
		class, key := numbers(id)
		stands, chosen := keep[class]
		switch {
		case chosen && key != stands:
			dropped = append(dropped, id)
		case class != "" && !chosen && len(values[class]) > 1 && both(class):
			return nil, Errorf(TargetInvalid, "%s is %s on the records: one customer has one number", id.Scheme, strings.Join(values[class], " and ")).
				On("identifiers").By("VI05").Try("say which stands with --keep %s=%s; or they are two customers", id.Scheme, values[class][0])
		default:
			out = append(out, id)
		}
	}
	m.out.Identifiers = out
	return dropped, nil
}

func sameNumber(x, id Identifier, class, key string, numbers NumberClass) bool {
	if c, k := numbers(x); class != "" || c != "" {
		return c == class && k == key
	}
	return x.Scheme == id.Scheme && sameText(x.Name, id.Name) && sameText(x.Value, id.Value)
}

// kept maps the classes that the steward decided on to the number that stands.
func (m *merging) kept(all []Identifier, numbers NumberClass) (map[string]string, error) {
	keep := map[string]string{}
	for _, k := range m.choice.Keep {
		found := false
		for _, id := range all {
			class, key := numbers(id)
			own := k
			own.Country, own.Name = id.Country, id.Name
			_, wanted := numbers(own)
			if id.Scheme != k.Scheme || class == "" || key != wanted {
				continue
			}
			if other, twice := keep[class]; twice && other != key {
				return nil, Errorf(Invalid, "keep names two numbers of %s", k.Scheme).On("keep").Try("name one")
			}
			keep[class], found = key, true
		}
		if !found {
			return nil, Errorf(Invalid, "no record has %s %s", Clip(string(k.Scheme), 20), Clip(k.Value, 40)).On("keep").Try("name a number as the plan shows it")
		}
	}
	return keep, nil
}

// lists unites what has entries. Entries that mean the same are one, and what
// the survivor does not know of it is filled.
func (m *merging) lists() {
	if !m.takes("addresses") {
		m.out.Addresses = unite(m, "addresses", m.a.Addresses, m.absorbedAddresses(), samePlace)
	}
	if !m.takes("contacts") {
		m.out.Contacts = unite(m, "contacts", m.a.Contacts, m.b.Contacts, samePerson)
	}
	if !m.takes("documents") {
		m.out.Documents = unite(m, "documents", m.a.Documents, m.b.Documents, func(x, y Document) bool { return x.SHA256 == y.SHA256 })
	}
	if !m.takes("competitors") {
		m.out.Competitors = unite(m, "competitors", m.a.Competitors, m.b.Competitors, func(x, y Competitor) bool { return sameText(x.Name, y.Name) })
	}
	if !m.takes("needs") {
		m.out.Needs = unite(m, "needs", m.a.Needs, m.b.Needs, func(x, y CustomerNeed) bool { return sameText(x.Text, y.Text) })
	}
}

func unite[T any](m *merging, field string, a, b []T, same func(x, y T) bool) []T {
	out := slices.Clone(a)
	for _, y := range b {
		i := slices.IndexFunc(out, func(x T) bool { return same(x, y) })
		if i < 0 {
			out = append(out, y)
		} else {
			fillUnknown(&out[i], y)
		}
	}
	if !reflect.DeepEqual(out, a) {
		m.from[field] = FromBoth
	}
	return out
}

// absorbedAddresses are those of the absorbed record. A customer has one LEGAL
// address (VA04): where the survivor has one, that of the absorbed record is a
// place to visit.
func (m *merging) absorbedAddresses() []Address {
	legal := slices.ContainsFunc(m.a.Addresses, func(x Address) bool { return x.Type == AddressLegal })
	out := slices.Clone(m.b.Addresses)
	for i := range out {
		if legal && out[i].Type == AddressLegal {
			out[i].Type = AddressVisit
			if slices.ContainsFunc(m.a.Addresses, func(x Address) bool { return x.Type == AddressLegal && sameSpot(x, out[i]) }) {
				out[i].Type = AddressLegal
			}
		}
	}
	return out
}

func samePlace(x, y Address) bool { return x.Type == y.Type && sameSpot(x, y) }

func sameSpot(x, y Address) bool {
	return sameText(x.Line1, y.Line1) && sameText(x.City, y.City) && x.CountryCode == y.CountryCode && compatible(x.PostalCode, y.PostalCode) && compatible(x.Line2, y.Line2)
}

// samePerson compares by e-mail where both have one, else by name and phone.
func samePerson(x, y Contact) bool {
	if x.Email != "" && y.Email != "" {
		return strings.EqualFold(x.Email, y.Email)
	}
	return sameText(x.Name, y.Name) && compatible(x.Phone, y.Phone)
}

func compatible(x, y string) bool { return x == "" || y == "" || sameText(x, y) }

func sameText(x, y string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(x), " "), strings.Join(strings.Fields(y), " "))
}

// fillUnknown copies the fields of an entry that are unknown.
func fillUnknown[T any](to *T, from T) {
	dst, src := reflect.ValueOf(to).Elem(), reflect.ValueOf(from)
	for i := range dst.NumField() {
		if unknown(dst.Field(i)) {
			dst.Field(i).Set(src.Field(i))
		}
	}
}

func (m *merging) group(survivor, absorbed MergeSide) (string, error) {
	a, b, want := survivor.GroupID, absorbed.GroupID, m.choice.Group
	if want != "" && want != a && want != b {
		return "", Errorf(Invalid, "neither record is of group %s", Clip(want, 64)).On("group").Try("name the group of one of them")
	}
	final := a
	switch {
	case a != "" && b != "" && a != b && want == "":
		return "", Errorf(TargetInvalid, "%s is of group %s, %s of group %s", survivor.CustomerNo, a, absorbed.CustomerNo, b).
			On("group_id").By(ruleGroup).Try("name the group that stands; or they are two customers")
	case want != "":
		final = want
	case a == "":
		final = b
	}
	if final == "" {
		return "", nil
	}
	if final != a {
		m.out.GroupName, m.from["group_id"], m.from["group_name"] = m.b.GroupName, FromAbsorbed, FromAbsorbed
	} else if m.out.GroupName == "" && final == b {
		m.out.GroupName = m.b.GroupName
	}
	m.out.GroupID = final
	return final, nil
}

// parent is never one of the two: what hung below the absorbed record hangs
// below the survivor.
func (m *merging) parent(survivor, absorbed string) {
	a, b := m.a.ParentCustomerID, m.b.ParentCustomerID
	if a == absorbed {
		a = ""
	}
	if b == survivor {
		b = ""
	}
	m.out.ParentCustomerID = a
	if b != "" && (a == "" || m.takes("parent_customer_id")) {
		m.out.ParentCustomerID, m.from["parent_customer_id"] = b, FromAbsorbed
	}
}
