package storetest

import (
	"context"
	"crypto/rand"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
)

// The admins of every organisation that LoadOrg loads. They propose and agree
// where a test needs that something is there, and not how it came.
var admins = []accessdb.User{
	{ID: "zz.user1", Name: "First user admin", Roles: []kam.Role{kam.UserAdmin}},
	{ID: "zz.user2", Name: "Second user admin", Roles: []kam.Role{kam.UserAdmin}},
	{ID: "zz.policy1", Name: "First policy admin", Roles: []kam.Role{kam.PolicyAdmin}},
	{ID: "zz.policy2", Name: "Second policy admin", Roles: []kam.Role{kam.PolicyAdmin}},
}

// LoadOrg makes the organisation what o says: the first load sets it up, later
// ones are proposed and agreed to by admins of its own, who stand in o after
// the people of the test.
func LoadOrg(ctx context.Context, s *store.Store, o accessdb.Org) error {
	if o.Users != nil {
		o.Users = append(append([]accessdb.User{}, o.Users...), admins...)
	}
	return byTwo(ctx, s, func(a accessdb.OrgAct) (accessdb.OrgChange, error) { return s.Access.LoadOrg(ctx, a, o) })
}

// PublishPolicy drafts a policy and publishes it.
func PublishPolicy(ctx context.Context, s *store.Store, version int, text []byte) error {
	return byTwo(ctx, s, func(a accessdb.OrgAct) (accessdb.OrgChange, error) { return s.Access.LoadPolicy(ctx, a, version, text) })
}

func byTwo(ctx context.Context, s *store.Store, propose func(accessdb.OrgAct) (accessdb.OrgChange, error)) error {
	c, by, err := byOneOf(admins, propose)
	if err != nil || !c.Pending {
		return err
	}
	_, _, err = byOneOf(admins[1:], func(a accessdb.OrgAct) (accessdb.OrgChange, error) {
		if a.By == by {
			return accessdb.OrgChange{}, kam.Errorf(kam.Forbidden, "he proposed it")
		}
		return s.Access.Agree(ctx, a, c.Proposal)
	})
	return err
}

// byOneOf is the act by the first admin who may do it.
func byOneOf(admins []accessdb.User, act func(accessdb.OrgAct) (accessdb.OrgChange, error)) (c accessdb.OrgChange, by kam.UserID, err error) {
	for _, u := range admins {
		c, err = act(accessdb.OrgAct{DecisionID: rand.Text(), By: u.ID, May: kam.Permit})
		if kam.CodeOf(err) != kam.Forbidden {
			return c, u.ID, err
		}
	}
	return c, "", err
}

// Act is an act of somebody who loads what a test needs.
func Act() accessdb.OrgAct {
	return accessdb.OrgAct{DecisionID: rand.Text(), By: "test.loader", May: kam.Permit}
}
