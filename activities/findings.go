package activities

import (
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// validate looks up what the rules of P3.4 need besides the data, and runs
// them. Waivers given before hold as long as the finding is the same.
func (w *work) validate(keys customerdb.PartyKeys, s screening, clash *rules.ConflictFacts) ([]kam.Finding, error) {
	vc, err := w.validationContext(keys, s)
	if err != nil {
		return nil, err
	}
	vc.Conflict = clash
	c := w.customer(rules.Facts{NetRevenue12m: vc.NetRevenue12m})
	c.CustomerNo, c.TerritoryCode = w.Case.CommittedAs, w.Case.Territory
	if w.base == nil || w.Case.Type != kam.Modify && w.Case.Type != kam.Deactivate {
		return w.Pol.Validate(c, vc), nil
	}
	before := c
	before.ScreeningData, before.DetailData = w.base.Data.ScreeningData, w.base.Data.DetailData
	if parties.ContactsDigest(w.data.Contacts) == w.base.Contacts {
		before.Contacts = w.data.Contacts
	}
	return w.Pol.ValidateChange(c, before, vc), nil
}

func (lk *lookup) validationContext(keys customerdb.PartyKeys, s screening) (rules.ValidationContext, error) {
	vc := rules.ValidationContext{CaseType: lk.Case.Type}
	var f rules.Facts
	if _, err := lk.Analysis(&f); err != nil {
		return vc, err
	}
	vc.NetRevenue12m = f.NetRevenue12m
	var seg rules.SegmentResult
	if ok, err := lk.Segment(&seg); err != nil {
		return vc, err
	} else if ok {
		vc.CompletenessPct = &seg.CompletenessPct
	}
	var err error
	if vc.Candidates, err = lk.search(keys); err != nil {
		return vc, err
	}
	if err = lk.SaveCandidates(vc.Candidates); err != nil {
		return vc, err
	}
	if vc.Waivers, err = lk.waivers(); err != nil {
		return vc, err
	}
	if vc.Screening, err = lk.screeningFacts(s); err != nil {
		return vc, err
	}
	if err = lk.hierarchyFacts(&vc, keys); err != nil {
		return vc, err
	}
	return vc, nil
}

// waivers are those of this case, but for findings of screening: each hit is
// cleared by itself.
func (lk *lookup) waivers() ([]rules.Waiver, error) {
	given, err := lk.Waivers()
	if err != nil {
		return nil, err
	}
	out := make([]rules.Waiver, 0, len(given))
	for _, f := range given {
		if !screeningRule(f.RuleID) {
			out = append(out, rules.Waiver{RuleID: f.RuleID, Field: f.Field, What: f.What(), By: f.WaivedBy, Reason: f.WaiverReason})
		}
	}
	return out, nil
}

// hierarchyFacts looks up parent and group (VH01 to VH05).
func (lk *lookup) hierarchyFacts(vc *rules.ValidationContext, keys customerdb.PartyKeys) error {
	groupID, err := lk.ensureGroup()
	if err != nil {
		return err
	}
	if parent := lk.data.ParentCustomerID; parent != "" {
		vc.Parent = &rules.ParentFacts{}
		chain, exists, err := lk.customers.ParentChain(parent)
		if err != nil {
			return err
		}
		if exists {
			p, err := lk.customers.Customer(parent)
			if err != nil {
				return err
			}
			*vc.Parent = rules.ParentFacts{Exists: true, Active: p.Status == kam.Active, GroupID: p.GroupID, Ancestors: append([]string{parent}, chain...)}
		}
	}
	if groupID != "" {
		members, err := lk.customers.GroupMembers(groupID)
		if err != nil {
			return err
		}
		g := &rules.GroupFacts{Members: len(members) + 1, HasHead: lk.data.ParentCustomerID == ""}
		for _, m := range members {
			g.HasHead = g.HasHead || m.ParentNo == ""
		}
		vc.Group = g
		return lk.otherGroups(vc, keys, groupID)
	}
	return nil
}

// otherGroups finds customers of another group that share a number or a domain.
func (lk *lookup) otherGroups(vc *rules.ValidationContext, keys customerdb.PartyKeys, groupID string) error {
	refs, err := lk.customers.DomainOrIdentifierElsewhere(keys, groupID, lk.Case.CommittedAs)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		c, err := lk.customers.Customer(ref)
		if err != nil {
			return err
		}
		k := parties.Keys(c.Data)
		vc.OtherGroups = append(vc.OtherGroups, rules.GroupMark{CustomerNo: ref, GroupID: c.GroupID, Identifiers: k.Identifiers, Domains: k.Domains})
	}
	return nil
}
