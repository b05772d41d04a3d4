package rulescli

import (
	"fmt"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/identifier"
)

type validated struct {
	CustomerNo string             `json:"customer_no"`
	Findings   []customer.Finding `json:"findings"`
}

type validateAnswer struct {
	Customers []validated `json:"customers"`
}

// runValidate validates each customer; parents, groups and other owners of a
// number are looked up in the book itself.
func runValidate(p *rules.Set, b rules.Book) (answer, error) {
	look := newLookup(b)
	out := validateAnswer{Customers: make([]validated, len(b.Customers))}
	for i, c := range b.Customers {
		ctx := look.context(i)
		ctx.Rates = b.Rates
		// Where the customer cannot be scored, the findings say why.
		if seg, _, err := p.Segment(c, rules.SegmentContext{Rates: b.Rates}); err == nil {
			ctx.CompletenessPct = &seg.CompletenessPct
		}
		out.Customers[i] = validated{c.CustomerNo, list(p.Validate(c, ctx))}
	}
	return out, nil
}

func (a validateAnswer) table() [][]string {
	rows := [][]string{{"customer", "rule", "severity", "category", "field", "message"}}
	for _, c := range a.Customers {
		for _, f := range c.Findings {
			rows = append(rows, []string{c.CustomerNo, f.RuleID, string(f.Severity), string(f.Category), f.Field, f.Text()})
		}
	}
	return rows
}

// A lookup answers from the book what the database answers for a case.
type lookup struct {
	customers []rules.Customer
	byNo      map[string]int
	groups    map[string]*rules.GroupFacts
	heads     map[string]int
	marks     map[string][]int // identifier or domain to customers
	keys      [][]string
	domains   [][]string
}

func newLookup(b rules.Book) *lookup {
	l := &lookup{customers: b.Customers, byNo: map[string]int{}, groups: map[string]*rules.GroupFacts{}, heads: map[string]int{},
		marks: map[string][]int{}, keys: make([][]string, len(b.Customers)), domains: make([][]string, len(b.Customers))}
	for i, c := range b.Customers {
		if c.CustomerNo != "" {
			l.byNo[c.CustomerNo] = i
		}
		if c.GroupID != "" {
			if l.groups[c.GroupID] == nil {
				l.groups[c.GroupID] = &rules.GroupFacts{}
			}
			l.groups[c.GroupID].Members++
			if c.ParentCustomerID == "" {
				l.heads[c.GroupID]++
			}
		}
		l.domains[i] = c.Party().Domains()
		for _, id := range c.Identifiers {
			for _, r := range identifier.Registrations(id) {
				l.keys[i] = append(l.keys[i], fmt.Sprintf("%s/%s/%s", r.ID.Scheme, r.ID.Name, r.ID.Value))
			}
		}
		for _, d := range l.domains[i] {
			l.keys[i] = append(l.keys[i], "domain/"+d)
		}
		for _, k := range l.keys[i] {
			l.marks[k] = append(l.marks[k], i)
		}
	}
	for id, g := range l.groups {
		g.HasHead = l.heads[id] == 1
	}
	return l
}

func (l *lookup) context(i int) rules.ValidationContext {
	c := l.customers[i]
	ctx := rules.ValidationContext{Group: l.groups[c.GroupID]}
	if m := c.ActiveMonths; m != nil && *m > 0 {
		ctx.CaseType = kam.Modify // a customer that is served already
	}
	if c.ParentCustomerID != "" {
		ctx.Parent = l.parent(c)
	}
	seen := map[int]bool{i: true}
	for _, k := range l.keys[i] {
		for _, j := range l.marks[k] {
			o := l.customers[j]
			if seen[j] || o.GroupID == c.GroupID && c.GroupID != "" {
				continue
			}
			seen[j] = true
			ctx.OtherGroups = append(ctx.OtherGroups, rules.GroupMark{CustomerNo: o.CustomerNo, GroupID: o.GroupID, Identifiers: o.Identifiers, Domains: l.domains[j]})
		}
	}
	return ctx
}

// parent follows the chain of parents, twelve steps at most.
func (l *lookup) parent(c rules.Customer) *rules.ParentFacts {
	at, ok := l.byNo[c.ParentCustomerID]
	if !ok {
		return &rules.ParentFacts{Ancestors: []string{c.ParentCustomerID}}
	}
	p := l.customers[at]
	facts := &rules.ParentFacts{Exists: true, Active: !p.Inactive, GroupID: p.GroupID}
	for up := c.ParentCustomerID; up != "" && len(facts.Ancestors) < 12; {
		facts.Ancestors = append(facts.Ancestors, up)
		at, ok := l.byNo[up]
		if !ok {
			break
		}
		up = l.customers[at].ParentCustomerID
	}
	return facts
}
