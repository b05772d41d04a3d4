package kam

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A MergeSide is one of two records that are the same customer.
type MergeSide struct {
	CustomerNo string
	GroupID    string
	Data       RequestData
}

// A MergeChoice is what a steward decides where the two records differ.
type MergeChoice struct {
	// Take names fields of which the absorbed record's value stands.
	Take []string `json:"take,omitempty"`
	// Keep names the identifiers that stand where the records contradict each
	// other; the other values of their schemes are dropped.
	Keep []Identifier `json:"keep,omitempty"`
	// Group is the group that stands where both records have one.
	Group string `json:"group,omitempty"`
}

// Where the value of a merged field comes from.
const (
	FromSurvivor = "SURVIVOR"
	FromAbsorbed = "ABSORBED"
	FromBoth     = "BOTH"
)

// A MergeField is one field of both records and what becomes of it, as text
// that people read.
type MergeField struct {
	Field    string `json:"field"`
	Survivor string `json:"survivor"`
	Absorbed string `json:"absorbed"`
	Merged   string `json:"merged"`
	From     string `json:"from"`
}

// A MergePlan is what a merge would make of two records.
type MergePlan struct {
	Data    RequestData  `json:"-"`
	GroupID string       `json:"group_id,omitempty"`
	Fields  []MergeField `json:"fields"`
	// Dropped are the identifiers that do not stand.
	Dropped []Identifier `json:"dropped,omitempty"`
}

// A NumberClass says what an identifier is the number of: two of one class and
// different keys contradict each other. An empty class never does.
type NumberClass func(Identifier) (class, key string)

// ruleGroup names the rule that two groups are not mixed (P3.4.3).
const ruleGroup = "VH03"

// Fields that a merge leaves as the survivor has them: they belong to the
// request that they were written for, or the store keeps them in rows of
// their own.
var mergeStays = []string{"justification", "requested_owner_id", "territory_code", "territory_reason", "nominate_key_account",
	"nomination_reason", "sales_account_no"}

// Fields that say one thing together: unknown ones are filled only where the
// two records do not differ in what both know.
var mergeTogether = [][]string{
	{"country_code", "city", "postal_code", "region", "street"},
	{"industry_scheme", "industry_code", "industry_text"},
	{"addressable_spend_12m", "addressable_spend_basis"},
	{"employees", "employees_band"},
}

// PlanMerge says what the two records become as one: the survivor's values
// where they are known, the absorbed one's where not, lists united, and the
// steward's choice above both. It changes neither record.
//
// Errors: INVALID for a choice that fits nothing and for a list that would be
// too long, TARGET_INVALID where identifiers or groups contradict each other
// and the choice does not say which stands.
func PlanMerge(survivor, absorbed MergeSide, c MergeChoice, numbers NumberClass) (MergePlan, error) {
	// The records' groups are those of their rows, whatever the forms said.
	survivor.Data.GroupID, absorbed.Data.GroupID = survivor.GroupID, absorbed.GroupID
	m := merging{a: survivor.Data, b: absorbed.Data, out: cloneData(survivor.Data), choice: c, from: map[string]string{}}
	if err := m.checkTake(); err != nil {
		return MergePlan{}, err
	}
	m.fill()
	m.tradingNames()
	dropped, err := m.identifiers(numbers)
	if err != nil {
		return MergePlan{}, err
	}
	m.lists()
	group, err := m.group(survivor, absorbed)
	if err != nil {
		return MergePlan{}, err
	}
	m.parent(survivor.CustomerNo, absorbed.CustomerNo)
	if err := m.checkForm(); err != nil {
		return MergePlan{}, err
	}
	return MergePlan{Data: m.out, GroupID: group, Fields: m.table(), Dropped: dropped}, nil
}

// merging is a plan in the making: survivor a, absorbed b.
type merging struct {
	a, b, out RequestData
	choice    MergeChoice
	from      map[string]string
}

func (m *merging) takes(field string) bool { return slices.Contains(m.choice.Take, field) }

func (m *merging) checkTake() error {
	for _, f := range m.choice.Take {
		switch spec, ok := FieldNamed(f); {
		case !ok || strings.Contains(f, "[]"):
			return Errorf(Invalid, "%q is no field of a customer", clip(f, 60)).On("take").Try("name fields as the plan shows them")
		case slices.Contains(mergeStays, f):
			return Errorf(Invalid, "%s stays with the survivor", f).On("take").Try("change it there once the records are one")
		case f == "identifiers":
			return Errorf(Invalid, "identifiers are united").On("take").Try("say with keep which number stands where two contradict each other")
		case f == "group_id" || f == "group_name":
			return Errorf(Invalid, "the group is chosen by its id").On("take").Try("name the group")
		case unknown(child(reflect.ValueOf(m.b), spec.Name)):
			return Errorf(Invalid, "the absorbed record has no %s to take", f).On("take").Try("leave it out")
		}
	}
	return nil
}

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
				On("identifiers").By("VI05").Try(fmt.Sprintf("say which stands: keep %s=%s; or they are two customers", id.Scheme, values[class][0]))
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
			return nil, Errorf(Invalid, "no record has %s %s", clip(string(k.Scheme), 20), clip(k.Value, 40)).On("keep").Try("name a number as the plan shows it")
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
		return "", Errorf(Invalid, "neither record is of group %s", clip(want, 64)).On("group").Try("name the group of one of them")
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

// checkForm refuses what only the merge makes wrong: lists that are too long,
// shares above 100.
func (m *merging) checkForm() error {
	before := map[string]bool{}
	for _, d := range []RequestData{m.a, m.b} {
		for _, e := range CheckForm(d) {
			before[e.Msg] = true
		}
	}
	for _, e := range CheckForm(m.out) {
		if !before[e.Msg] {
			return e.Try("shorten one of the records first, or take the field of the absorbed one")
		}
	}
	return nil
}

// table lists the fields that either record knows, in the order of the form.
func (m *merging) table() []MergeField {
	rows := []MergeField{}
	for _, s := range Fields {
		if strings.Contains(s.Name, "[]") {
			continue
		}
		a, b, out := fieldText(m.a, s.Name), fieldText(m.b, s.Name), fieldText(m.out, s.Name)
		if a == "" && b == "" && out == "" {
			continue
		}
		f := MergeField{Field: s.Name, Survivor: entriesText(m.a, s.Name), Absorbed: entriesText(m.b, s.Name), Merged: entriesText(m.out, s.Name), From: m.from[s.Name]}
		switch {
		case out == a:
			f.From = FromSurvivor
		case out == b:
			f.From = FromAbsorbed
		case f.From == "":
			f.From = FromBoth
		}
		rows = append(rows, f)
	}
	return rows
}

// entriesText is a field for people: of lists the words by which an entry is
// known.
func entriesText(d RequestData, name string) string {
	switch name {
	case "trading_names":
		return strings.Join(d.TradingNames, "; ")
	case "identifiers":
		return eachText(d.Identifiers, func(x Identifier) string { return spaced(string(x.Scheme), x.Name, x.Value) })
	case "addresses":
		return eachText(d.Addresses, func(x Address) string { return spaced(string(x.Type), x.Line1+",", x.PostalCode, x.City) })
	case "contacts":
		return eachText(d.Contacts, func(x Contact) string { return spaced(x.Name, x.Email, x.Phone) })
	case "documents":
		return eachText(d.Documents, func(x Document) string { return spaced(string(x.Type), x.Name) })
	case "competitors":
		return eachText(d.Competitors, func(x Competitor) string { return x.Name })
	case "needs":
		return eachText(d.Needs, func(x CustomerNeed) string { return x.Text })
	}
	return fieldText(d, name)
}

func spaced(words ...string) string { return strings.Join(words, " ") }

func eachText[T any](all []T, words func(T) string) string {
	texts := make([]string, len(all))
	for i, x := range all {
		texts[i] = strings.Join(strings.Fields(words(x)), " ")
	}
	return strings.Join(texts, "; ")
}

// Unmerge takes out of a record what a merge brought into it: before and
// merged are the record around the merge, now is the record as it stands. A
// field that was not changed since is as before. One that was changed since
// stays as it is now, is listed in stayed, and gives back only the entries that
// the merge brought.
func Unmerge(before, merged, now RequestData) (restored RequestData, stayed []FieldChange) {
	restored = cloneData(now)
	b, m, n, out := reflect.ValueOf(before), reflect.ValueOf(merged), reflect.ValueOf(now), reflect.ValueOf(&restored).Elem()
	for _, s := range Fields {
		if strings.Contains(s.Name, "[]") {
			continue
		}
		vb, vm, vn, to := child(b, s.Name), child(m, s.Name), child(n, s.Name), child(out, s.Name)
		same := jsonText(vm) == jsonText(vn)
		switch {
		case same:
			to.Set(vb)
		case s.Kind == KindList:
			to.Set(withoutEntries(vb, vm, vn))
		case s.Kind == KindMap:
			restored.CapabilityItems = withoutItems(before.CapabilityItems, merged.CapabilityItems, now.CapabilityItems)
		}
		if !same {
			stayed = append(stayed, FieldChange{Field: s.Name, Before: fieldText(merged, s.Name), After: fieldText(restored, s.Name), Material: s.Material, ClassInput: s.ClassInput})
		}
	}
	return restored, stayed
}

// withoutEntries are the entries from before that nobody took out since, and
// those that came since, without what the merge brought.
func withoutEntries(before, merged, now reflect.Value) reflect.Value {
	m, n := entryTexts(merged), entryTexts(now)
	out := reflect.MakeSlice(now.Type(), 0, before.Len()+now.Len())
	var have []string
	for i, text := range entryTexts(before) {
		if slices.Contains(n, text) || !slices.Contains(m, text) {
			out = reflect.Append(out, before.Index(i))
			have = append(have, text)
		}
	}
	for i, text := range n {
		if !slices.Contains(m, text) && !slices.Contains(have, text) {
			out = reflect.Append(out, now.Index(i))
		}
	}
	if out.Len() == 0 {
		return reflect.Zero(now.Type())
	}
	return out
}

func entryTexts(list reflect.Value) []string {
	texts := make([]string, list.Len())
	for i := range texts {
		texts[i] = jsonText(list.Index(i))
	}
	return texts
}

func withoutItems(before, merged, now map[string]int) map[string]int {
	out := map[string]int{}
	for item, n := range now {
		if was, ok := merged[item]; !ok || was != n {
			out[item] = n
		} else if old, ok := before[item]; ok {
			out[item] = old
		}
	}
	return out
}

func jsonText(v reflect.Value) string {
	b, err := json.Marshal(v.Interface())
	if err != nil {
		return fmt.Sprint(v.Interface())
	}
	return string(b)
}

// cloneData copies what a plan changes in place.
func cloneData(d RequestData) RequestData {
	d.TradingNames, d.Identifiers = slices.Clone(d.TradingNames), slices.Clone(d.Identifiers)
	if d.CapabilityItems != nil {
		items := make(map[string]int, len(d.CapabilityItems))
		for k, v := range d.CapabilityItems {
			items[k] = v
		}
		d.CapabilityItems = items
	}
	return d
}

// NotOwnAccount is SOD3 for records of customers: who owns one of the accounts
// neither merges nor splits it.
func NotOwnAccount(u UserID, owners ...UserID) error {
	if u != "" && contains(owners, u) {
		return Errorf(Separation, "%s owns one of the accounts", clip(string(u), 80)).By("SOD3").Try("another steward must decide")
	}
	return nil
}
