package parties

import (
	"cmp"
	"slices"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// A Change is what a case on an existing customer is about, for people: the
// customer as the case found it, as it is now, and as the request wants it.
type Change struct {
	BaseVersion    int             `json:"base_version"`
	CurrentVersion int             `json:"current_version"`
	Fields         []FieldVersions `json:"fields"`
}

// FieldVersions is one field in the three versions.
type FieldVersions struct {
	Field    string `json:"field"`
	Material bool   `json:"material"`
	Base     string `json:"base"`
	Current  string `json:"current"`
	Request  string `json:"request"`
	// Mine says that the request changes the field, Theirs that somebody else
	// did meanwhile.
	Mine   bool `json:"changed_by_request"`
	Theirs bool `json:"changed_meanwhile"`
}

// ChangeOf lays the three versions side by side: the fields that the request
// changes, and those that changed meanwhile, in the order of the form. Contacts
// of the base are known while nobody changed the customer.
func ChangeOf(b casedb.Base, now customerdb.Customer, request kam.RequestData) Change {
	c := Change{BaseVersion: b.Version, CurrentVersion: now.Version}
	current := AsRequest(now)
	theirContacts, myContacts := ContactsDigest(current.Contacts) != b.Contacts, ContactsDigest(request.Contacts) != b.Contacts
	row := func(x kam.FieldChange) *FieldVersions {
		at := slices.IndexFunc(c.Fields, func(f FieldVersions) bool { return f.Field == x.Field })
		if at < 0 {
			c.Fields = append(c.Fields, FieldVersions{Field: x.Field, Material: x.Material, Base: x.Before, Current: x.Before, Request: x.Before})
			at = len(c.Fields) - 1
		}
		return &c.Fields[at]
	}
	was := b.Data
	if !theirContacts {
		was.Contacts = current.Contacts
	}
	mine, theirs := kam.Diff(was, request), kam.Diff(was, current)
	for _, s := range kam.Fields {
		for _, x := range mine {
			if x.Field == s.Name && (x.Field != "contacts" || myContacts) {
				f := row(x)
				f.Request, f.Mine = x.After, true
			}
		}
		for _, x := range theirs {
			if x.Field == s.Name {
				f := row(x)
				f.Current, f.Theirs = x.After, true
			}
		}
	}
	return c
}

// AsRequest is a customer's record as a form would hold it.
func AsRequest(c customerdb.Customer) kam.RequestData {
	d := c.Data
	d.GroupID = cmp.Or(d.GroupID, c.GroupID)
	d.ParentCustomerID = cmp.Or(d.ParentCustomerID, c.ParentNo)
	d.SalesAccountNo = cmp.Or(d.SalesAccountNo, c.SalesAccount)
	if d.RequestedOwnerID != "" {
		d.RequestedOwnerID = c.OwnerID // as it is, not as it was once asked for
	}
	if d.TerritoryCode != "" {
		d.TerritoryCode = c.Territory
	}
	d.NominateKeyAccount, d.NominationReason = false, "" // belongs to the request that it came with
	rules.Clean(&d)
	return d
}

// ContactsDigest tells whether contacts were changed without keeping them.
func ContactsDigest(all []kam.Contact) string { return kam.Digest(all) }
