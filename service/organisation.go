package service

import (
	"context"
	"slices"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	accessdb "github.com/kamflow/kamflow/store/access"
)

// People are all whom the system knows; none in a system that knows nobody.
func (l *Local) People(ctx context.Context, who Principal) ([]kam.Person, error) {
	people, err := l.record.Access.People(ctx)
	if err != nil || len(people) == 0 {
		return nil, err
	}
	if _, err := l.ask(ctx, who, access.ActionUsersRead); err != nil {
		return nil, err
	}
	return people, nil
}

// Person is one of the people; oneself everybody may read.
func (l *Local) Person(ctx context.Context, who Principal, id kam.UserID) (kam.Person, error) {
	if p, err := l.person(ctx, who); err != nil || p.ID == id {
		return p, err
	}
	if _, err := l.ask(ctx, who, access.ActionUsersRead); err != nil {
		return kam.Person{}, err
	}
	return l.record.Access.Person(ctx, id)
}

// orgAct is an act of somebody, with an id of its own where it has none; what it
// takes is asked of the matrix, and it is signed, in its transaction.
func (l *Local) orgAct(ctx context.Context, who Principal, a OrgAct, name string) (OrgAct, error) {
	a.By, a.May = who.user, access.Permit
	if a.DecisionID == "" {
		a.DecisionID = NewDecisionID()
	}
	var err error
	a.Sign, err = l.sealing(ctx, who, name)
	return a, err
}

// SetPerson adds or changes a person.
func (l *Local) SetPerson(ctx context.Context, who Principal, a OrgAct, u User) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "SetPerson")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.SetPerson(ctx, a, u)
}

// PersonLeaves takes a person's account away.
func (l *Local) PersonLeaves(ctx context.Context, who Principal, a OrgAct, id kam.UserID) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "PersonLeaves")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.PersonLeaves(ctx, a, id)
}

// SetManager fills the post of a node, or leaves it vacant.
func (l *Local) SetManager(ctx context.Context, who Principal, a OrgAct, p Post) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "SetManager")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.SetManager(ctx, a, p)
}

// Posts are the posts of the tree with who holds them.
func (l *Local) Posts(ctx context.Context, who Principal, asOf string) ([]Held, error) {
	if _, err := l.ask(ctx, who, access.ActionReferenceRead); err != nil {
		return nil, err
	}
	at, err := accessdb.AsOf(asOf)
	if err != nil {
		return nil, err
	}
	return l.record.Access.Posts(ctx, at)
}

// AddAbsence says that a person takes no tasks for a time.
func (l *Local) AddAbsence(ctx context.Context, who Principal, a OrgAct, ab Absence) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "AddAbsence")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.AddAbsence(ctx, a, ab)
}

// RemoveAbsence takes back the absence of a person that begins on a day.
func (l *Local) RemoveAbsence(ctx context.Context, who Principal, a OrgAct, user kam.UserID, from string) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "RemoveAbsence")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.RemoveAbsence(ctx, a, user, from)
}

// LinkIdentity lets a person sign in by an identity.
func (l *Local) LinkIdentity(ctx context.Context, who Principal, a OrgAct, i Identity) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "LinkIdentity")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.LinkIdentity(ctx, a, i)
}

// UnlinkIdentity takes an identity from a person.
func (l *Local) UnlinkIdentity(ctx context.Context, who Principal, a OrgAct, i Identity) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "UnlinkIdentity")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.UnlinkIdentity(ctx, a, i)
}

// Identities lists by what people sign in.
func (l *Local) Identities(ctx context.Context, who Principal, of kam.UserID) ([]Identity, error) {
	p, err := l.person(ctx, who)
	if err == nil && of != p.ID {
		_, err = access.Permit(p, access.ActionUsersRead, access.Subject{})
	}
	if err != nil {
		return nil, err
	}
	return l.record.Access.Identities(ctx, of)
}

// LoadOrganisation makes the organisation what a file says.
func (l *Local) LoadOrganisation(ctx context.Context, who Principal, a OrgAct, o Org) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "LoadOrganisation")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.LoadOrg(ctx, a, o)
}

// Agree is the second admin's yes.
func (l *Local) Agree(ctx context.Context, who Principal, a OrgAct, proposal string) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "Agree")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.Agree(ctx, a, proposal)
}

// Decline is the second admin's no, or the first one's who takes it back.
func (l *Local) Decline(ctx context.Context, who Principal, a OrgAct, proposal string) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "Decline")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.Decline(ctx, a, proposal)
}

// Absences lists when people take no tasks.
func (l *Local) Absences(ctx context.Context, who Principal, of kam.UserID, past bool) ([]Absence, error) {
	p, err := l.person(ctx, who)
	if err == nil && of != p.ID {
		_, err = access.Permit(p, access.ActionReferenceRead, access.Subject{})
	}
	if err != nil {
		return nil, err
	}
	return l.record.Access.Absences(ctx, of, past)
}

// Proposals lists what waits for a second admin, with all set the closed ones
// too.
func (l *Local) Proposals(ctx context.Context, who Principal, all bool) ([]Proposal, error) {
	p, err := l.person(ctx, who)
	if err != nil {
		return nil, err
	}
	for _, a := range []access.Action{access.ActionUsersRead, access.ActionReferenceRead, access.ActionPolicyRead} {
		if _, err = access.Permit(p, a, access.Subject{}); err == nil {
			return l.record.Access.Proposals(ctx, all)
		}
	}
	return nil, err
}

// LoadPolicy drafts a policy.
func (l *Local) LoadPolicy(ctx context.Context, who Principal, a OrgAct, version int, text []byte) (OrgChange, error) {
	a, err := l.orgAct(ctx, who, a, "LoadPolicy")
	if err != nil {
		return OrgChange{}, err
	}
	return l.record.Access.LoadPolicy(ctx, a, version, text)
}

// Policy is the text of a version, of the newest for 0.
func (l *Local) Policy(ctx context.Context, who Principal, version int) ([]byte, error) {
	if _, err := l.ask(ctx, who, access.ActionPolicyRead); err != nil {
		return nil, err
	}
	if version != 0 {
		return l.record.Access.PolicyText(ctx, version)
	}
	_, text, err := l.record.Access.LatestPolicy(ctx)
	return text, err
}

// askLoad asks whether somebody may load what an import would have confirmed.
func (l *Local) askLoad(ctx context.Context, who Principal, what string) error {
	p, err := l.person(ctx, who)
	if err == nil {
		_, err = access.Permit(p, access.ActionImportUpload, access.Subject{Fields: []string{what}})
	}
	return err
}

// LoadCustomers brings customers that exist already.
func (l *Local) LoadCustomers(ctx context.Context, who Principal, a OrgAct, book []BookCustomer) error {
	if err := l.askLoad(ctx, who, "customers"); err != nil {
		return err
	}
	book = slices.Clone(book)
	for i := range book {
		book[i].Keys = parties.Keys(book[i].Data)
	}
	a, err := l.orgAct(ctx, who, a, "LoadCustomers")
	if err != nil {
		return err
	}
	return l.record.Customers.Load(ctx, a, book)
}

// LoadSales brings sales facts and takes the book of ABC classes again.
func (l *Local) LoadSales(ctx context.Context, who Principal, a OrgAct, facts []SalesFact) error {
	if err := l.askLoad(ctx, who, "sales"); err != nil {
		return err
	}
	a, err := l.orgAct(ctx, who, a, "LoadSales")
	if err != nil {
		return err
	}
	if err := l.record.Customers.LoadSales(ctx, a, facts); err != nil {
		return err
	}
	now, err := l.record.Now(ctx)
	if err != nil {
		return err
	}
	_, err = l.record.Customers.RebuildABC(ctx, now)
	return err
}

// EraseContact erases a contact person by order.
func (l *Local) EraseContact(ctx context.Context, who Principal, o EraseOrder) (Erasure, error) {
	o.By = who.user
	sign, err := l.sealing(ctx, who, "EraseContact")
	if err != nil {
		return Erasure{}, err
	}
	return l.record.Erasures.Contact(ctx, o, func(p kam.Person) (kam.Role, error) {
		return access.Permit(p, access.ActionEraseContact, access.Subject{})
	}, sign)
}

// Erasures lists the orders, the oldest first.
func (l *Local) Erasures(ctx context.Context, who Principal) ([]Erasure, error) {
	if _, err := l.ask(ctx, who, access.ActionErasuresRead); err != nil {
		return nil, err
	}
	return l.record.Erasures.List(ctx)
}
