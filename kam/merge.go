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
			return Errorf(Invalid, "%q is no field of a customer", Clip(f, 60)).On("take").Try("name fields as the plan shows them")
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
	if u != "" && slices.Contains(owners, u) {
		return Errorf(Separation, "%s owns one of the accounts", Clip(string(u), 80)).By("SOD3").Try("another steward must decide")
	}
	return nil
}
