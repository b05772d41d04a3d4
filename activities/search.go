package activities

import (
	"strings"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// search is the rule of P3.4.4 over customers, open cases and rejected
// requests. Candidates that were waived before stay waived, unless they look more
// certain now.
func (lk *lookup) search(keys customerdb.PartyKeys) ([]customer.Candidate, error) {
	keys.RejectedDays = lk.Pol.Process.RejectCooldownDays
	found, err := lk.customers.Parties(keys, lk.Case.CaseNo)
	if err != nil {
		return nil, err
	}
	clear(lk.groups) // a group that was made before the search is told by its id
	waived, err := lk.WaivedCandidates()
	if err != nil {
		return nil, err
	}
	me, err := lk.party()
	if err != nil {
		return nil, err
	}
	self := parties.Compared(me)
	var out []customer.Candidate
	for _, p := range found {
		if p.Ref == lk.Case.CommittedAs && lk.existing() || p.Ref == string(lk.Case.AppealOf) && lk.Case.AppealOf != "" {
			continue // the customer itself; the rejection that is appealed
		}
		if p.GroupID, err = lk.madeSince(p.GroupID); err != nil {
			return nil, err
		}
		if c, ok := parties.Alike(lk.Pol.Match, self, p); ok {
			c.Waived = c.Class.Rank() <= waived[p.Ref].Rank()
			out = append(out, c)
		}
	}
	return parties.Best(out), nil
}

// party is the case as others will find it.
func (lk *lookup) party() (customerdb.Party, error) {
	group, err := lk.knownGroup(lk.data.GroupID, lk.data.GroupName)
	return customerdb.Party{Ref: string(lk.Case.CaseNo), Kind: customerdb.PartyCase, GroupID: group, Data: customerdb.PartyDataOf(lk.data)}, err
}

// saveParty keeps what the case is found by.
func (w *work) saveParty(keys customerdb.PartyKeys) error {
	p, err := w.party()
	if err != nil {
		return err
	}
	return w.customers.SaveParty(p, keys)
}

// unmadeGroup marks the name of a group that no customer is in yet: the first
// commit makes it.
const unmadeGroup = "name:"

// knownGroup is the id of a group that is given by id or by name. A name that no
// group has yet gives a mark made of it: two requests with the same mark count as
// sites of one group.
func (lk *lookup) knownGroup(id, name string) (string, error) {
	if id != "" || name == "" {
		return id, nil
	}
	return lk.madeSince(unmadeGroup + accessdb.NameKey(name))
}

// madeSince is the id of the group that a mark stands for, as soon as there is
// one. A mark has one answer within an effect: where another case makes the group
// at this moment, two requests of it are still sites of one group.
func (lk *lookup) madeSince(group string) (string, error) {
	name, unmade := strings.CutPrefix(group, unmadeGroup)
	if !unmade {
		return group, nil
	}
	if id, asked := lk.groups[group]; asked {
		return id, nil
	}
	g, ok, err := lk.Org.GroupByName(name)
	if err != nil {
		return "", err
	}
	id := group
	if ok {
		id = g.ID
	}
	if lk.groups == nil {
		lk.groups = map[string]string{}
	}
	lk.groups[group] = id
	return id, nil
}

// resolveTerritory is step 1.1.3. A territory that the requester named with a
// reason stands, if it exists.
func (w *work) resolveTerritory() error {
	w.Case.OwnerID = w.data.RequestedOwnerID
	if w.Case.OwnerID == "" {
		w.Case.OwnerID = w.Case.Requester
	}
	w.Case.Country = w.data.CountryCode
	if w.data.TerritoryCode != "" {
		if _, err := w.Org.Chain(w.data.TerritoryCode); err == nil {
			w.Case.Territory = w.data.TerritoryCode
			return nil
		} else if kam.CodeOf(err) != kam.NotFound {
			return err
		}
	}
	all, err := w.Org.AssignmentRules()
	if err != nil {
		return err
	}
	first, ok := parties.Assignment(all, w.data)
	if !ok {
		w.Case.Territory = route.Unassigned
		return w.notifyVacancies([]string{kam.Note("no assignment rule fits %s %s", w.data.CountryCode, w.data.PostalCode)})
	}
	w.Case.Territory = first.Territory
	if first.OwnerID != "" && w.data.RequestedOwnerID == "" {
		w.Case.OwnerID = first.OwnerID
	}
	return nil
}
