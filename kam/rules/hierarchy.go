package rules

import (
	"cmp"
	"slices"

	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/match"
)

// maxDepth bounds the chain of parents (VH02).
const maxDepth = 10

// ParentFacts are what a lookup found under the parent that was given.
type ParentFacts struct {
	Exists  bool
	Active  bool
	GroupID string
	// Ancestors lists the chain upward, the parent first. The lookup may stop
	// one above the depth allowed, or where the chain comes round.
	Ancestors []string
}

// A GroupMark is what tells another group's customer: its numbers and domains.
type GroupMark struct {
	CustomerNo  string
	GroupID     string
	Identifiers []customer.Identifier
	Domains     []string
}

// GroupFacts describe the customer's group, the customer included.
type GroupFacts struct {
	Members int
	HasHead bool
}

// hierarchy tests VH01 to VH05.
func (v *validation) hierarchy() {
	if parent := v.customer.ParentCustomerID; parent != "" {
		v.parent(parent)
	}
	v.otherGroups()
	if g := v.ctx.Group; g != nil && g.Members >= 2 && !g.HasHead {
		v.find("VH05", "group_id", "name the head of the group", "%d members and no head", g.Members)
	}
}

func (v *validation) parent(parent string) {
	const field = "parent_customer_id"
	self := v.customer.CustomerNo
	if self != "" && parent == self {
		v.find("VH02", field, "name another parent", "a customer is not its own parent")
		return
	}
	f := v.ctx.Parent
	if f == nil {
		return
	}
	switch {
	case !f.Exists:
		v.find("VH01", field, "correct it", "there is no customer %s", parent)
		return
	case !f.Active:
		v.find("VH01", field, "reactivate it or name another", "customer %s is not active", parent)
	}
	if self != "" && slices.Contains(f.Ancestors, self) || repeats(f.Ancestors) {
		v.find("VH02", field, "name another parent", "%s is below this customer: the chain comes round", parent)
	} else if len(f.Ancestors) > maxDepth {
		v.find("VH02", field, "name a parent nearer to the head", "more than %d levels of parents", maxDepth)
	}
	if own := v.customer.GroupID; own != "" && f.GroupID != "" && own != f.GroupID {
		v.find("VH03", field, "correct the group or the parent", "the parent is of group %s, the customer of %s", f.GroupID, own)
	}
}

func repeats(chain []string) bool {
	for i, c := range chain {
		if slices.Contains(chain[:i], c) {
			return true
		}
	}
	return false
}

// otherGroups: a number or domain that a customer of another group has (VH04).
func (v *validation) otherGroups() {
	own := v.customer.Party().Domains()
	for _, g := range v.ctx.OtherGroups {
		if v.customer.GroupID != "" && g.GroupID == v.customer.GroupID {
			continue
		}
		for _, number := range match.Shared(v.customer.Identifiers, g.Identifiers) {
			v.find("VH04", "identifiers", "correct the group or the number", "%s is that of %s of group %s", number, g.CustomerNo, cmp.Or(g.GroupID, "none"))
		}
		if i := slices.IndexFunc(own, func(d string) bool { return slices.Contains(g.Domains, d) }); i >= 0 {
			v.find("VH04", "website", "correct the group or the domain", "%s is that of %s of group %s", own[i], g.CustomerNo, cmp.Or(g.GroupID, "none"))
		}
	}
}
