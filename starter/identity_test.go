package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
)

// identityFake is an organisation that knows by what people sign in.
type identityFake struct {
	orgFake
	linked, unlinked accessdb.Identity
	all              []accessdb.Identity
}

func (f *identityFake) LinkIdentity(_ context.Context, _ accessdb.OrgAct, i accessdb.Identity) (accessdb.OrgChange, error) {
	f.linked = i
	return accessdb.OrgChange{What: "tom may sign in by it", Pending: true, Proposal: "P-000001", Second: []kam.Role{kam.UserAdmin}}, nil
}

func (f *identityFake) UnlinkIdentity(_ context.Context, _ accessdb.OrgAct, i accessdb.Identity) (accessdb.OrgChange, error) {
	f.unlinked = i
	return accessdb.OrgChange{What: "tom may not sign in by it any more"}, nil
}

func (f *identityFake) Identities(context.Context, kam.UserID) ([]accessdb.Identity, error) {
	return f.all, nil
}

func TestIdentitiesAreLinkedAndListed(t *testing.T) {
	f := &identityFake{orgFake: orgFake{fakeAccess: fakeAccess{fake: changing()}}}
	kept := f.fake.kept()
	kept.Access = f
	admin := func(args ...string) result {
		return startOn(t, system{service.New(kept, nil, ""), f.fake}, "", false, append([]string{"--as", "ulf", "admin", "identity"}, args...)...)
	}
	got := admin("list")
	require.Zero(t, got.status, got.err)
	require.Contains(t, got.out, "Nobody signs in yet")
	got = admin("link", "tom", "--issuer", "https://idp.example", "--subject", "4711")
	require.Zero(t, got.status, got.err)
	require.Contains(t, got.out, "Proposed: tom may sign in by it. Nothing has changed yet.")
	require.Contains(t, got.out, "starter admin agree P-000001")
	require.Equal(t, accessdb.Identity{User: "tom", Issuer: "https://idp.example", Subject: "4711"}, f.linked)
	require.Zero(t, admin("unlink", "tom", "--subject", "tom").status)
	require.Equal(t, accessdb.Identity{User: "tom", Issuer: accessdb.LocalIssuer, Subject: "tom"}, f.unlinked)
	f.all = []accessdb.Identity{f.linked}
	got = admin("list", "--json")
	require.JSONEq(t, `{"identities":[{"user_id":"tom","issuer":"https://idp.example","subject":"4711"}]}`, got.out)
	require.Contains(t, admin("list").out, "https://idp.example")
	require.Equal(t, 2, admin("link").status)
}
