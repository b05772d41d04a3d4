package service

import (
	"context"
	"slices"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// person is who asks: somebody who is known and has not left.
func (l *Local) person(ctx context.Context, who Principal) (kam.Person, error) {
	if who.user == kam.System { // opens reviews of its own, and comes by no door
		return kam.Person{}, nobody(who)
	}
	p, err := l.record.Access.Person(ctx, who.user)
	switch {
	case kam.CodeOf(err) == kam.NotFound:
		return l.founder(ctx, who)
	case err == nil && !p.Active:
		err = kam.Errorf(kam.Forbidden, "%s may not: the account is not active", p.ID).On("by").Try("ask a user_admin")
	}
	return p, err
}

// founder is who sets up a system that knows nobody: it can ask nobody.
func (l *Local) founder(ctx context.Context, who Principal) (kam.Person, error) {
	people, err := l.record.Access.People(ctx)
	if err != nil {
		return kam.Person{}, err
	}
	if len(people) > 0 || kam.CheckUserID(who.user) != nil {
		return kam.Person{}, nobody(who)
	}
	return kam.Person{ID: who.user, Roles: []kam.Role{kam.PolicyAdmin}, Active: true}, nil
}

func nobody(who Principal) error {
	return kam.Errorf(kam.Forbidden, "nobody is known as %q", who.user).On("by").Try("say who you are; a user_admin adds whom the system does not know")
}

// ask asks the matrix whether somebody may do something that has no place in the
// tree.
func (l *Local) ask(ctx context.Context, who Principal, action access.Action) (kam.Person, error) {
	p, err := l.person(ctx, who)
	if err == nil {
		_, err = access.Permit(p, action, access.Subject{})
	}
	return p, err
}

// A reader is who asks, with the tree of territories in which the records stand.
type reader struct {
	kam.Person
	nodes []kam.TerritoryNode
}

func (l *Local) reader(ctx context.Context, who Principal) (reader, error) {
	p, err := l.person(ctx, who)
	if err != nil {
		return reader{}, err
	}
	nodes, err := l.record.Access.Nodes(ctx)
	return reader{p, nodes}, err
}

// reads asks whether the person may read what stands in a territory. With data
// false the answer is yes also where he reads without the customer's data.
func (r reader) reads(s access.Subject, territory string, data bool) error {
	s.At(kam.PathOf(r.nodes, territory))
	role, err := access.Permit(r.Person, access.ActionRead, s)
	switch {
	case err != nil && slices.Contains(s.Assignees, r.ID):
		return nil // who is asked to decide sees on what
	case err == nil && data && role == kam.Operator && s.Customer:
		return kam.Errorf(kam.Forbidden, "%s reads without customer data", role).Try("ask somebody who works with the customer")
	case err == nil && data && role == kam.Operator:
		return kam.Errorf(kam.Forbidden, "an operator reads cases without customer data")
	}
	return err
}

// mayReadCustomer: an operator sees cases without customer data, so no customer.
func (r reader) mayReadCustomer(owner kam.UserID, territory string) error {
	return r.reads(access.Subject{Owner: owner, Customer: true}, territory, true)
}

// mayReadAccount: a key account is read by its owner, where it is at home, and
// where a member of it stands.
func (r reader) mayReadAccount(k customerdb.KeyAccountLine) error {
	err := r.mayReadCustomer(k.OwnerID, k.HomeNode)
	for _, place := range k.Places {
		if err == nil {
			break
		}
		err = r.mayReadCustomer("", place)
	}
	return err
}

// seen are the places in which the person may read every customer, for a list to
// leave out the others; nil where there is no other.
func (r reader) seen() *customerdb.Seen {
	s := &customerdb.Seen{OwnerID: r.ID}
	all := true
	for _, place := range append([]string{""}, nodeCodes(r.nodes)...) {
		if r.mayReadCustomer("", place) == nil {
			s.Places = append(s.Places, place)
		} else {
			all = false
		}
	}
	if all {
		return nil
	}
	return s
}

func nodeCodes(nodes []kam.TerritoryNode) []string {
	all := make([]string, len(nodes))
	for i, n := range nodes {
		all[i] = n.Code
	}
	return all
}

// known refuses a territory that is not in the tree; "" is none.
func (r reader) known(territory string) error {
	if territory == "" || slices.Contains(nodeCodes(r.nodes), territory) {
		return nil
	}
	return kam.Errorf(kam.NotFound, "there is no node %s", kam.Clip(territory, 40)).On("territory")
}

func (r reader) mayRead(s onboarding.Snapshot, data bool) error {
	subject := access.Subject{Requester: s.Requester, Owner: s.OwnerID, Referred: s.Recommended == kam.ReferCompliance}
	if s.Task != nil {
		subject.Assignees = s.Task.Assignees
	}
	return r.reads(subject, s.Territory, data)
}

// mayReadBatch: whoever may upload a batch or confirm one of its scopes may read
// its rows.
func (r reader) mayReadBatch(b book.BatchSnapshot) error {
	if r.ID == b.Uploader {
		return nil
	}
	_, err := access.Permit(r.Person, access.ActionImportRead, access.Subject{})
	for _, scope := range b.Scopes {
		if err == nil {
			break
		}
		var s access.Subject
		s.At(kam.PathOf(r.nodes, scope.Node))
		_, err = access.Permit(r.Person, access.ActionImportRead, s)
	}
	return err
}

// readsRestricted says whether the person reads what compliance wrote.
func (r reader) readsRestricted() bool { return r.Is(kam.ComplianceRole) || r.Is(kam.Auditor) }

// readable picks, of a list, what somebody may read, up to limit. ask reads the
// list up to a length that grows until enough of it may be read.
func readable[T any](limit int, ask func(n int) ([]T, error), may func(*T) bool) ([]T, error) {
	for n := limit; ; n *= 4 {
		all, err := ask(n)
		if err != nil {
			return nil, err
		}
		var seen []T
		for i := range all {
			if len(seen) < limit && may(&all[i]) {
				seen = append(seen, all[i])
			}
		}
		if len(seen) == limit || len(all) < n {
			return seen, nil
		}
	}
}
