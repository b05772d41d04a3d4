package activities

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// base is the customer as a case on an existing one found it.
type base = casedb.Base

// pin binds the case to the current version of its customer (base_version).
func (w *work) pin(c customerdb.Customer) error {
	d := parties.AsRequest(c)
	b := base{Version: c.Version, Contacts: parties.ContactsDigest(d.Contacts), Territory: c.Territory, Owner: c.OwnerID}
	d.Contacts = nil
	b.Data = d
	w.base, w.Case.BaseVersion = &b, c.Version
	return w.SaveFact(casedb.FactBase, b)
}

func material(c customer.FieldChange) bool { return c.Material }

// identifyTarget is 1.1.2 and 1.1.3 for a case on an existing customer: it must
// be there, of the status that the case is for, and in no other open case. Its
// version is pinned, and its record fills the form.
func (w *work) identifyTarget() error {
	if w.base != nil { // the search is repeated after a change of identity
		return w.identified()
	}
	no := w.Case.CommittedAs
	c, err := w.customers.Customer(no)
	if kam.CodeOf(err) == kam.NotFound {
		return w.targetInvalid(kam.TargetInvalid, kam.AsError(err).Msg)
	}
	if err != nil {
		return err
	}
	wants := kam.Active
	if w.Case.Type == kam.Reactivate {
		wants = kam.Inactive
	}
	if c.Status != wants {
		why := kam.Note("customer %s is %s, and a %s is for one that is %s", no, c.Status, w.Case.Type, wants)
		if c.MergedInto != "" {
			why = kam.Note("customer %s was merged into %s", no, c.MergedInto)
		}
		return w.targetInvalid(kam.TargetInvalid, why)
	}
	if err := w.HoldCustomer(no); kam.CodeOf(err) == kam.OpenCaseExists {
		return w.targetInvalid(kam.OpenCaseExists, kam.AsError(err).Msg)
	} else if err != nil {
		return err
	}
	if err := w.pin(c); err != nil {
		return err
	}
	old := parties.AsRequest(c)
	if w.Case.Type != kam.Modify {
		old.Justification = "" // each of these needs a reason of its own
	}
	merged, err := customer.Overlay(old, w.data)
	if err != nil {
		return err
	}
	w.data = merged
	if err := w.SaveRevision(merged, w.Case.Requester); err != nil {
		return err
	}
	if err := w.standsAs(); err != nil {
		return err
	}
	w.Log(kam.AuditEvent{Type: kam.EventTargetPinned, Text: kam.Note("%s, version %d", no, c.Version)})
	return w.identified()
}

// survivor is the customer that a number stands for today: the record may have
// been merged since it was found.
func (lk *lookup) survivor(no string) (customerdb.Customer, error) {
	c, err := lk.customers.Customer(no)
	for range 20 {
		if err != nil || c.MergedInto == "" {
			return c, err
		}
		c, err = lk.customers.Customer(c.MergedInto)
	}
	return c, err
}

// standsAs notes the key account that the customer is a member of.
func (w *work) standsAs() error {
	k, err := w.membership()
	w.Case.KeyAccountNo, w.Case.PriorTier, w.Case.PriorStatus = "", "", kam.NonKA
	if err != nil || k == nil {
		return err
	}
	w.Case.KeyAccountNo, w.Case.PriorTier, w.Case.PriorStatus, w.Case.HomeNode = k.No, k.Tier, kam.KA, k.HomeNode
	return nil
}

// membership is the key account of which the customer is a member, nil if none.
func (lk *lookup) membership() (*customerdb.KeyAccount, error) {
	k, err := lk.customers.KeyAccountOf(lk.Case.CommittedAs)
	if err != nil || k == nil || !slices.Contains(k.Members, lk.Case.CommittedAs) {
		return nil, err
	}
	return k, nil
}

// identified resolves territory and owner, and goes on.
func (w *work) identified() error {
	if err := w.place(); err != nil {
		return err
	}
	event := onboarding.EvTargetFound
	f := w.facts()
	f.Target = onboarding.TargetActive
	if w.Case.Type == kam.Reactivate {
		event, f.Target = onboarding.EvNoMatch, onboarding.TargetInactive
		keys := w.keys()
		if err := w.saveParty(keys); err != nil {
			return err
		}
	}
	w.Case.IdentityHash = identityHash(w.data)
	if err := w.move(event, f, kam.AuditEvent{Type: kam.EventTerritoryResolved, Step: "1.1.3", Text: w.Case.Territory}); err != nil {
		return err
	}
	return w.goOn()
}

// targetInvalid ends a request that is about no customer it could be about.
func (w *work) targetInvalid(code kam.Code, why string) error {
	f := w.facts()
	f.Target = onboarding.TargetUnusable
	w.Case.Headline = why
	if err := w.move(onboarding.EvTargetInvalid, f, kam.AuditEvent{Type: kam.EventCandidatesFound, ReasonCode: string(code), Text: why}); err != nil {
		return err
	}
	return w.rejected(kam.System, string(code), why)
}

// territoryFields are those that 1.1.3 decides by.
var territoryFields = []string{"country_code", "postal_code", "industry_scheme", "industry_code", "group_id", "group_name", "legal_name", "territory_code"}

// place resolves territory and owner (1.1.3). A customer that is merely changed
// stays where it is, unless the change is one of what its place depends on.
func (w *work) place() error {
	if w.Case.Type == kam.Reactivate || w.base == nil || w.base.Territory == "" {
		return w.resolveTerritory()
	}
	moves := w.changed(func(c customer.FieldChange) bool { return slices.Contains(territoryFields, c.Field) })
	if len(moves) > 0 && w.Case.Type == kam.Modify {
		return w.resolveTerritory()
	}
	w.Case.Territory, w.Case.OwnerID, w.Case.Country = w.base.Territory, w.base.Owner, w.data.CountryCode
	if u := w.data.RequestedOwnerID; u != "" {
		w.Case.OwnerID = u
	}
	return nil
}

// startReview begins a RECLASSIFY (entry from 3.3): what the customer's record
// says is what is judged.
func (w *work) startReview() error {
	no := w.Case.CommittedAs
	c, err := w.customers.Customer(no)
	if kam.CodeOf(err) == kam.NotFound {
		return kam.Errorf(kam.TargetInvalid, "%s", kam.AsError(err).Message()).On("customer_no")
	}
	if err != nil {
		return err
	}
	if c.Status != kam.Active {
		return kam.Errorf(kam.TargetInvalid, "customer %s is %s and is not classified again", no, c.Status).On("customer_no").Try("reactivate it first")
	}
	if err := w.HoldCustomer(no); err != nil {
		return err
	}
	return w.adoptCustomer(c)
}

// adoptCustomer makes the customer's current record the data of a review.
func (w *work) adoptCustomer(c customerdb.Customer) error {
	if err := w.pin(c); err != nil {
		return err
	}
	w.data = parties.AsRequest(c)
	if err := w.SaveRevision(w.data, kam.System); err != nil {
		return err
	}
	w.Case.Territory, w.Case.OwnerID, w.Case.Country = c.Territory, c.OwnerID, w.data.CountryCode
	w.Case.IdentityHash = identityHash(w.data)
	return w.standsAs()
}

// conflict looks whether somebody else changed the customer since its version
// was pinned. A review has no data of its own: it takes over what is there.
func (w *work) conflict() (*rules.ConflictFacts, error) {
	if !w.existing() || w.base == nil {
		return nil, nil
	}
	c, err := w.customers.Customer(w.Case.CommittedAs)
	if err != nil || c.Version == w.Case.BaseVersion {
		return nil, err
	}
	if w.Case.Type == kam.Reclassify {
		if err := w.adoptCustomer(c); err != nil {
			return nil, err
		}
		if _, err := w.analyze(); err != nil {
			return nil, err
		}
		_, _, err := w.segment()
		return nil, err
	}
	now := parties.AsRequest(c)
	now.Contacts = nil
	return &rules.ConflictFacts{Base: w.Case.BaseVersion, Current: c.Version, Theirs: customer.Diff(w.base.Data, now), Mine: w.changes()}, nil
}

// rebase lays the changes of the request over the customer as it is now: after
// a VERSION_CONFLICT the requester has both versions before him, and what he
// sends then counts on the new one.
func (w *work) rebase(before customer.RequestData) (customer.RequestData, error) {
	if !w.existing() || w.base == nil {
		return before, nil
	}
	c, err := w.customers.Customer(w.Case.CommittedAs)
	if err != nil || c.Version == w.Case.BaseVersion {
		return before, err
	}
	mine := w.changed(func(customer.FieldChange) bool { return true })
	out, err := customer.OverlayFields(parties.AsRequest(c), before, mine)
	if err != nil {
		return before, err
	}
	if err := w.pin(c); err != nil {
		return before, err
	}
	w.Log(kam.AuditEvent{Type: kam.EventTargetPinned, Text: kam.Note("%s, version %d", c.CustomerNo, c.Version) + "; " + kam.Note("the request changes %s", strings.Join(mine, ", "))})
	return out, nil
}
