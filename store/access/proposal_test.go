package access_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

// governors are who may change what: two user admins, two policy admins.
var governors = map[access.Action][2]kam.UserID{
	access.ActionUsersEdit:       {"ulf", "una"},
	access.ActionTerritoriesEdit: {"pia", "paul"},
}

// person is one of the sample, with something changed.
func person(t *testing.T, s *store.Store, id kam.UserID, change func(*accessdb.User)) accessdb.User {
	t.Helper()
	p, err := s.Access.Person(t.Context(), id)
	require.NoError(t, err)
	u := accessdb.User{ID: p.ID, Name: p.Name, Email: p.Email, Roles: p.Roles, Nodes: p.Nodes, ManagerID: p.ManagerID, Inactive: !p.Active}
	change(&u)
	return u
}

// orgNow is what people and nodes say, to see that nothing has changed.
func orgNow(t *testing.T, s *store.Store) string {
	t.Helper()
	people, err := s.Access.People(t.Context())
	require.NoError(t, err)
	nodes, err := s.Access.Nodes(t.Context())
	require.NoError(t, err)
	blocked, err := s.Access.BlockedParties(t.Context())
	require.NoError(t, err)
	version, _, err := s.Access.LatestPolicy(t.Context())
	if kam.CodeOf(err) != kam.NotFound {
		require.NoError(t, err)
	}
	return fmt.Sprint(people, nodes, blocked, version)
}

// whole is the organisation of governed as a file gives it.
func whole(change func(*accessdb.Org)) accessdb.Org {
	o := governedOrg()
	change(&o)
	return o
}

// TestOneAdminAloneGivesNoRight is SOD9 over everything that gives one: for
// each kind the first admin's command changes nothing, by him it never will, and
// the second one's agreement does.
func TestOneAdminAloneGivesNoRight(t *testing.T) {
	t.Parallel()
	set := func(id kam.UserID, change func(*accessdb.User)) func(*testing.T, *store.Store, accessdb.OrgAct) (accessdb.OrgChange, error) {
		return func(t *testing.T, s *store.Store, a accessdb.OrgAct) (accessdb.OrgChange, error) {
			return s.Access.SetPerson(t.Context(), a, person(t, s, id, change))
		}
	}
	load := func(change func(*accessdb.Org)) func(*testing.T, *store.Store, accessdb.OrgAct) (accessdb.OrgChange, error) {
		return func(t *testing.T, s *store.Store, a accessdb.OrgAct) (accessdb.OrgChange, error) {
			return s.Access.LoadOrg(t.Context(), a, whole(change))
		}
	}
	for _, tt := range []struct {
		name   string
		who    [2]kam.UserID
		change func(*testing.T, *store.Store, accessdb.OrgAct) (accessdb.OrgChange, error)
	}{
		{"a role", governors[access.ActionUsersEdit], set("rita", func(u *accessdb.User) { u.Roles = []kam.Role{kam.SalesRep, kam.TerritoryManager} })},
		{"the role of an admin", governors[access.ActionUsersEdit], set("rita", func(u *accessdb.User) { u.Roles = []kam.Role{kam.UserAdmin} })},
		{"another role for one", governors[access.ActionUsersEdit], set("mona", func(u *accessdb.User) { u.Roles = []kam.Role{kam.NationalManager} })},
		{"the nodes of a manager to the root", governors[access.ActionUsersEdit], set("mona", func(u *accessdb.User) { u.Nodes = []string{"W"} })},
		{"a node more", governors[access.ActionUsersEdit], set("mona", func(u *accessdb.User) { u.Nodes = append(u.Nodes, "FR") })},
		{"another manager", governors[access.ActionUsersEdit], set("rita", func(u *accessdb.User) { u.ManagerID = "gina" })},
		{"his account back", governors[access.ActionUsersEdit], set("away", func(u *accessdb.User) { u.Inactive = false })},
		{"somebody new at a node", governors[access.ActionUsersEdit], func(t *testing.T, s *store.Store, a accessdb.OrgAct) (accessdb.OrgChange, error) {
			return s.Access.SetPerson(t.Context(), a, accessdb.User{ID: "new", Name: "New", Nodes: []string{"DE"}})
		}},
		{"a post", governors[access.ActionTerritoriesEdit], func(t *testing.T, s *store.Store, a accessdb.OrgAct) (accessdb.OrgChange, error) {
			return s.Access.SetManager(t.Context(), a, accessdb.Post{Node: "DE-HH", Manager: "theo"})
		}},
		{"a vacant post", governors[access.ActionTerritoriesEdit], func(t *testing.T, s *store.Store, a accessdb.OrgAct) (accessdb.OrgChange, error) {
			return s.Access.SetManager(t.Context(), a, accessdb.Post{Node: "DE-N", Manager: "rolf"})
		}},
		{"people of a load", governors[access.ActionUsersEdit], load(func(o *accessdb.Org) { o.Users[1].Nodes = []string{"W"} })},
		{"a load that takes somebody away", governors[access.ActionUsersEdit], load(func(o *accessdb.Org) { o.Users = slices.Delete(o.Users, 2, 3) })},
		{"nodes of a load", governors[access.ActionTerritoriesEdit], load(func(o *accessdb.Org) { o.Nodes[3].Parent = "FR" })},
		{"lists of a load", governors[access.ActionTerritoriesEdit], load(func(o *accessdb.Org) { o.BlockedParties = []accessdb.BlockedParty{} })},
		{"people and nodes of a load", [2]kam.UserID{"ulf", "pia"}, load(func(o *accessdb.Org) { o.Users[6].Nodes = []string{"DE-N"}; o.Nodes[2].ManagerID = "rolf" })},
		{"a policy", governors[access.ActionTerritoriesEdit], func(t *testing.T, s *store.Store, a accessdb.OrgAct) (accessdb.OrgChange, error) {
			return s.Access.LoadPolicy(t.Context(), a, 2, []byte("version: 2"))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := governed(t), t.Context()
			_, err := s.Access.LoadPolicy(ctx, orgAct("policy", "pia"), 1, []byte("version: 1"))
			require.NoError(t, err)
			before := orgNow(t, s)
			first, second := tt.who[0], tt.who[1]

			c, err := tt.change(t, s, orgAct("1", first))
			require.NoError(t, err)
			require.True(t, c.Pending)
			require.NotEmpty(t, c.Differences)
			require.NotEmpty(t, c.Second)
			require.Equal(t, before, orgNow(t, s))
			again, err := tt.change(t, s, orgAct("2", first))
			require.NoError(t, err)
			require.True(t, again.Pending, "one admin is one, however often he asks")
			require.Equal(t, c.Proposal, again.Proposal)
			_, err = s.Access.Agree(ctx, orgAct("3", first), c.Proposal)
			require.Equal(t, kam.Separation, kam.CodeOf(err), "not to his own")
			for _, nobody := range []kam.UserID{"rita", "olaf", "away", "stranger", "system", ""} {
				_, err = s.Access.Agree(ctx, orgAct("4"+string(nobody), nobody), c.Proposal)
				require.Equal(t, kam.Forbidden, kam.CodeOf(err), nobody)
			}
			require.Equal(t, before, orgNow(t, s))

			open, err := s.Access.Proposals(ctx, false)
			require.NoError(t, err)
			require.Len(t, open, 1)
			require.Equal(t, first, open[0].By)
			require.Equal(t, c.Differences, open[0].Differences)
			done, err := s.Access.Agree(ctx, orgAct("5", second), c.Proposal)
			require.NoError(t, err)
			require.False(t, done.Pending)
			require.NotEqual(t, before, orgNow(t, s))
			_, err = s.Access.Agree(ctx, orgAct("6", second), c.Proposal)
			require.Equal(t, kam.AlreadyDecided, kam.CodeOf(err))
			trail, err := s.TrailOf(ctx, "org")
			require.NoError(t, err)
			_, why, ok := kam.VerifyChain(trail)
			require.True(t, ok, why)
			i := slices.IndexFunc(trail, func(e kam.AuditEvent) bool { return e.DecisionID == "decision-5" })
			require.Contains(t, trail[i].Text, c.Proposal+", proposed by "+string(first))
			require.Equal(t, second, trail[i].Actor)
		})
	}
}

// TestTakingAwayTakesOne, so that it can be done at once; but not where what is
// taken away kept other roles of his from deciding (SOD5, SOD6).
func TestTakingAwayTakesOne(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	for name, change := range map[string]func(*accessdb.User){
		"node": func(u *accessdb.User) { u.Nodes = nil }, "role": func(u *accessdb.User) { u.Roles = nil },
		"manager": func(u *accessdb.User) { u.ManagerID = "" }, "mail": func(u *accessdb.User) { u.Email = "m@example.com" },
	} {
		c, err := s.Access.SetPerson(ctx, orgAct(name, "ulf"), person(t, s, "mona", change))
		require.NoError(t, err)
		require.False(t, c.Pending, name)
	}
	require.NoError(t, storetest.Exec(t, s, `update kam.person set roles = '{operator,global_manager}' where user_id = 'gina'`))
	c, err := s.Access.SetPerson(ctx, orgAct("freed", "ulf"), person(t, s, "gina", func(u *accessdb.User) { u.Roles = []kam.Role{kam.GlobalManager} }))
	require.NoError(t, err)
	require.True(t, c.Pending)
}

// TestTheSameCommandAgrees, by another admin.
func TestTheSameCommandAgrees(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	o := whole(func(o *accessdb.Org) { o.Users[1].Nodes = []string{"W"}; o.Nodes[3].Name = "Hamburg" })
	c, err := s.Access.LoadOrg(ctx, orgAct("1", "ulf"), o)
	require.NoError(t, err)
	require.True(t, c.Pending)
	require.Equal(t, []kam.Role{kam.PolicyAdmin}, c.Second, "the tree is not a user admin's")
	_, err = s.Access.LoadOrg(ctx, orgAct("2", "una"), o)
	require.Equal(t, kam.Forbidden, kam.CodeOf(err), "nor another user admin's")
	c, err = s.Access.LoadOrg(ctx, orgAct("3", "pia"), o)
	require.NoError(t, err)
	require.False(t, c.Pending)
	c, err = s.Access.LoadOrg(ctx, orgAct("4", "pia"), o)
	require.NoError(t, err)
	require.True(t, c.Same)
	trail, err := s.TrailOf(ctx, "org")
	require.NoError(t, err)
	require.Equal(t, kam.EventOrgLoaded, trail[len(trail)-1].Type)
	require.Contains(t, trail[len(trail)-2].Text, "users mona: nodes DE-HH → W", "who got which right is on record")
}

// TestNobodyGivesHimselfARight, neither by proposing nor by agreeing.
func TestNobodyGivesHimselfARight(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	before := orgNow(t, s)
	admins := func(o *accessdb.Org, id kam.UserID, change func(*accessdb.User)) {
		change(&o.Users[slices.IndexFunc(o.Users, func(u accessdb.User) bool { return u.ID == id })])
	}
	own := whole(func(o *accessdb.Org) { admins(o, "ulf", func(u *accessdb.User) { u.Nodes = []string{"W"} }) })
	_, err := s.Access.LoadOrg(ctx, orgAct("1", "ulf"), own)
	require.Equal(t, kam.Separation, kam.CodeOf(err))
	c, err := s.Access.LoadOrg(ctx, orgAct("2", "una"), own)
	require.NoError(t, err)
	_, err = s.Access.Agree(ctx, orgAct("3", "ulf"), c.Proposal)
	require.Equal(t, kam.Separation, kam.CodeOf(err), "it is his own role that is proposed")
	_, err = s.Access.LoadOrg(ctx, orgAct("4", "ulf"), own)
	require.Equal(t, kam.Separation, kam.CodeOf(err))

	more := person(t, s, "ulf", func(u *accessdb.User) { u.Nodes = []string{"W"} })
	c, err = s.Access.SetPerson(ctx, orgAct("5", "una"), more)
	require.NoError(t, err)
	require.True(t, c.Pending)
	_, err = s.Access.Agree(ctx, orgAct("6", "ulf"), c.Proposal)
	require.Equal(t, kam.Forbidden, kam.CodeOf(err))
	_, err = s.Access.SetPerson(ctx, orgAct("7", "ulf"), more)
	require.Equal(t, kam.Forbidden, kam.CodeOf(err))
	// The manager of somebody has his requests when he leaves.
	_, err = s.Access.SetPerson(ctx, orgAct("8", "ulf"), person(t, s, "rita", func(u *accessdb.User) { u.ManagerID = "ulf" }))
	require.Equal(t, kam.Separation, kam.CodeOf(err))
	_, err = s.Access.SetManager(ctx, orgAct("9", "petra"), accessdb.Post{Node: "DE-HH", Manager: "petra"})
	require.Equal(t, kam.Separation, kam.CodeOf(err), "a policy admin who is a manager as well")
	require.Equal(t, before, orgNow(t, s))
}

// TestStaleProposalIsRefused: what the second admin agrees to is what was
// proposed, or nothing.
func TestStaleProposalIsRefused(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(t *testing.T, s *store.Store){
		"the row has changed": func(t *testing.T, s *store.Store) {
			_, err := s.Access.SetPerson(t.Context(), orgAct("b", "una"), person(t, s, "mona", func(u *accessdb.User) { u.Email = "mona@example.com" }))
			require.NoError(t, err)
		},
		"he has left": func(t *testing.T, s *store.Store) {
			_, err := s.Access.PersonLeaves(t.Context(), orgAct("b", "una"), "mona")
			require.NoError(t, err)
		},
		"the proposer has left": func(t *testing.T, s *store.Store) {
			_, err := s.Access.PersonLeaves(t.Context(), orgAct("b", "una"), "ulf")
			require.NoError(t, err)
		},
		"the proposer is no admin any more": func(t *testing.T, s *store.Store) {
			_, err := s.Access.SetPerson(t.Context(), orgAct("b", "una"), person(t, s, "ulf", func(u *accessdb.User) { u.Roles = nil }))
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx := governed(t), t.Context()
			c, err := s.Access.SetPerson(ctx, orgAct("1", "ulf"), person(t, s, "mona", func(u *accessdb.User) { u.Nodes = []string{"W"} }))
			require.NoError(t, err)
			between(t, s)
			before := orgNow(t, s)
			_, err = s.Access.Agree(ctx, orgAct("2", "una"), c.Proposal)
			require.Equal(t, kam.StaleRevision, kam.CodeOf(err))
			require.Equal(t, before, orgNow(t, s))
			all, err := s.Access.Proposals(ctx, true)
			require.NoError(t, err)
			require.Equal(t, accessdb.ProposalStale, all[0].State)
			_, err = s.Access.Agree(ctx, orgAct("3", "una"), c.Proposal)
			require.Equal(t, kam.AlreadyDecided, kam.CodeOf(err))
			trail, err := s.TrailOf(ctx, "org")
			require.NoError(t, err)
			require.True(t, slices.ContainsFunc(trail, func(e kam.AuditEvent) bool {
				return e.Type == kam.EventOrgClosed && e.ReasonCode == string(accessdb.ProposalStale)
			}))
		})
	}

	t.Run("a policy over another one", func(t *testing.T) {
		t.Parallel()
		s, ctx := governed(t), t.Context()
		draft := func(version int, by kam.UserID) accessdb.OrgChange {
			c, err := s.Access.LoadPolicy(ctx, orgAct(fmt.Sprint("v", version, by), by), version, fmt.Appendf(nil, "version: %d", version))
			require.NoError(t, err)
			return c
		}
		require.False(t, draft(1, "pia").Pending, "the first one is in force at once")
		third, second := draft(3, "pia"), draft(2, "pia")
		require.Equal(t, []string{"policy version 1 → 2", "- line 1: version: 1", "+ line 1: version: 2"}, second.Differences)
		_, err := s.Access.Agree(ctx, orgAct("2", "gina"), second.Proposal)
		require.NoError(t, err, "a global manager publishes with the policy admin")
		_, err = s.Access.Agree(ctx, orgAct("3", "paul"), third.Proposal)
		require.Equal(t, kam.StaleRevision, kam.CodeOf(err), "it was drafted over version 1")
		version, _, err := s.Access.LatestPolicy(ctx)
		require.NoError(t, err)
		require.Equal(t, 2, version)
		_, err = s.Access.LoadPolicy(ctx, orgAct("4", "pia"), 2, []byte("version: 2, but otherwise"))
		require.Equal(t, kam.IDReused, kam.CodeOf(err))
		_, err = s.Access.LoadPolicy(ctx, orgAct("5", "pia"), 1, []byte("version: 1"))
		require.NoError(t, err)
		for _, by := range []kam.UserID{"ulf", "gina", "rita", "stranger"} {
			_, err = s.Access.LoadPolicy(ctx, orgAct("6"+string(by), by), 4, []byte("version: 4"))
			require.Equal(t, kam.Forbidden, kam.CodeOf(err), by)
		}
	})
}

func TestProposalIsRefusedTakenBackOrExpires(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	before := orgNow(t, s)
	propose := func(id string) string {
		c, err := s.Access.SetPerson(ctx, orgAct(id, "ulf"), person(t, s, "mona", func(u *accessdb.User) { u.Nodes = []string{"W"} }))
		require.NoError(t, err)
		require.True(t, c.Pending)
		return c.Proposal
	}
	no := propose("1")
	_, err := s.Access.Decline(ctx, orgAct("2", "pia"), no)
	require.Equal(t, kam.Forbidden, kam.CodeOf(err), "people are the user admins'")
	_, err = s.Access.Decline(ctx, orgAct("3", "una"), no)
	require.NoError(t, err)
	_, err = s.Access.Agree(ctx, orgAct("4", "una"), no)
	require.Equal(t, kam.AlreadyDecided, kam.CodeOf(err))

	back := propose("5")
	require.NotEqual(t, no, back)
	_, err = s.Access.Decline(ctx, orgAct("6", "ulf"), back)
	require.NoError(t, err)

	late := propose("7")
	n, err := s.Access.ExpireProposals(ctx)
	require.NoError(t, err)
	require.Zero(t, n)
	require.NoError(t, storetest.Exec(t, s, `update kam.proposal set expires_at = clock_timestamp() - interval '1 second' where proposal_no = $1`, late))
	_, err = s.Access.Agree(ctx, orgAct("8", "una"), late)
	require.Equal(t, kam.TooLate, kam.CodeOf(err), "also before the worker has looked")
	anew, err := s.Access.SetPerson(ctx, orgAct("9", "una"), person(t, s, "mona", func(u *accessdb.User) { u.Nodes = []string{"W"} }))
	require.NoError(t, err)
	require.True(t, anew.Pending, "it agrees to nothing that has expired")
	late = anew.Proposal
	require.NoError(t, storetest.Exec(t, s, `update kam.proposal set expires_at = clock_timestamp() - interval '1 second' where proposal_no = $1`, late))
	for _, want := range []int{1, 0} {
		n, err = s.Access.ExpireProposals(ctx)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	all, err := s.Access.Proposals(ctx, true)
	require.NoError(t, err)
	var states []accessdb.ProposalState
	for _, p := range all {
		states = append(states, p.State)
	}
	require.Equal(t, []accessdb.ProposalState{accessdb.ProposalExpired, accessdb.ProposalExpired, accessdb.ProposalRefused, accessdb.ProposalRefused}, states)
	require.Equal(t, before, orgNow(t, s))
	trail, err := s.TrailOf(ctx, "org")
	require.NoError(t, err)
	closed := 0
	for _, e := range trail {
		if e.Type == kam.EventOrgClosed {
			closed++
		}
	}
	require.Equal(t, 4, closed)
}

// TestFirstLoadTakesOne: a system that knows nobody can ask nobody else.
func TestFirstLoadTakesOne(t *testing.T) {
	t.Parallel()
	s, ctx := empty(t), t.Context()
	o := governedOrg()
	tree := o
	tree.Users = nil
	for name, by := range map[string]kam.UserID{"nobody": "", "the machine": kam.System, "no id": "Ulf Ulf"} {
		_, err := s.Access.LoadOrg(ctx, orgAct(name, by), tree)
		require.Equal(t, kam.Invalid, kam.CodeOf(err), name)
	}
	_, err := s.Access.LoadOrg(ctx, orgAct("0", "ulf"), accessdb.Org{})
	require.Equal(t, kam.Invalid, kam.CodeOf(err))
	_, err = s.Access.LoadOrg(ctx, orgAct("1", "ulf"), tree)
	require.NoError(t, err)
	for _, by := range []kam.UserID{"stranger", "rita", "away"} {
		_, err = s.Access.LoadOrg(ctx, orgAct("2"+string(by), by), o)
		require.Equal(t, kam.Forbidden, kam.CodeOf(err), by)
	}
	c, err := s.Access.LoadOrg(ctx, orgAct("3", "ulf"), o)
	require.NoError(t, err)
	require.False(t, c.Pending)
	require.Empty(t, c.Warnings)
	trail, err := s.TrailOf(ctx, "org")
	require.NoError(t, err)
	require.Equal(t, kam.UserID("ulf"), trail[len(trail)-1].Actor)

	_, err = s.Access.PersonLeaves(ctx, orgAct("4", "una"), "ulf")
	require.NoError(t, err)
	for _, by := range []kam.UserID{"ulf", "rita", "stranger", kam.System} {
		_, err = s.Access.LoadOrg(ctx, orgAct("5"+string(by), by), whole(func(o *accessdb.Org) { o.Nodes[3].Name = "Hamburg" }))
		require.Equal(t, kam.Forbidden, kam.CodeOf(err), by)
	}

	alone := empty(t)
	o.Users = slices.DeleteFunc(o.Users, func(u accessdb.User) bool { return u.ID == "una" })
	c, err = alone.Access.LoadOrg(ctx, orgAct("1", "ulf"), o)
	require.NoError(t, err)
	require.Len(t, c.Warnings, 1)
	require.Contains(t, c.Warnings[0], "user_admin")
}

// TestLoadIsNoWayAroundRoles: SOD5 and SOD6 hold in a load as in a grant.
func TestLoadIsNoWayAroundRoles(t *testing.T) {
	t.Parallel()
	s := governed(t)
	for rule, roles := range map[string][]kam.Role{"SOD5": {kam.UserAdmin, kam.GlobalManager}, "SOD6": {kam.Auditor, kam.SalesRep}} {
		_, err := s.Access.LoadOrg(t.Context(), orgAct(rule, "ulf"), whole(func(o *accessdb.Org) { o.Users[2].Roles = roles }))
		require.Equal(t, kam.Separation, kam.CodeOf(err))
		require.Equal(t, rule, kam.AsError(err).Rule)
	}
}

// TestPostLeavesOtherWork: who loses a post goes on where another role of his
// works, and decides nothing there any more.
func TestPostLeavesOtherWork(t *testing.T) {
	t.Parallel()
	both := []kam.Role{kam.TerritoryManager, kam.SalesRep}
	for name, tt := range map[string]struct {
		roles  []kam.Role
		nodes  []string
		leave  bool
		to     kam.UserID
		want   []string
		noPost []string
	}{
		"a manager only":               {roles: both[:1], nodes: []string{"DE-HH", "DE-N"}, to: "theo", want: []string{"DE-N"}},
		"a rep as well":                {roles: both, nodes: []string{"DE-HH"}, to: "theo", want: []string{"DE-HH"}, noPost: []string{"DE-HH"}},
		"a rep, and the post vacant":   {roles: both, nodes: []string{"DE-HH"}, want: []string{"DE-HH"}, noPost: []string{"DE-HH"}},
		"a rep with other places":      {roles: both, nodes: []string{"FR", "DE-HH"}, to: "theo", want: []string{"FR", "DE-HH"}, noPost: []string{"DE-HH"}},
		"a key account manager":        {roles: []kam.Role{kam.TerritoryManager, kam.KeyAccountManager}, nodes: []string{"DE-HH"}, to: "theo", want: []string{"DE-HH"}, noPost: []string{"DE-HH"}},
		"a manager of two levels":      {roles: []kam.Role{kam.TerritoryManager, kam.RegionalManager}, nodes: []string{"DE-HH", "DE-N"}, to: "theo", want: []string{"DE-N"}},
		"a steward works nowhere":      {roles: []kam.Role{kam.TerritoryManager, kam.DataSteward}, nodes: []string{"DE-HH"}, to: "theo", want: nil},
		"a rep who has left meanwhile": {roles: both, nodes: []string{"DE-HH"}, leave: true, to: "theo", want: []string{"DE-HH"}, noPost: []string{"DE-HH"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx := empty(t), t.Context()
			o := governedOrg()
			o.Users[1].Roles, o.Users[1].Nodes = tt.roles, tt.nodes
			_, err := s.Access.LoadOrg(ctx, orgAct("first", "ulf"), o)
			require.NoError(t, err)
			if tt.leave {
				_, err = s.Access.PersonLeaves(ctx, orgAct("leave", "ulf"), "mona")
				require.NoError(t, err)
			}
			give := func(id string, to kam.UserID) {
				c, err := s.Access.SetManager(ctx, orgAct(id, "pia"), accessdb.Post{Node: "DE-HH", Manager: to})
				require.NoError(t, err)
				require.Equal(t, to != "", c.Pending, "to take a post away takes one")
				if c.Pending {
					_, err = s.Access.Agree(ctx, orgAct(id+"b", "paul"), c.Proposal)
					require.NoError(t, err)
				}
			}
			give("1", tt.to)
			mona, err := s.Access.Person(ctx, "mona")
			require.NoError(t, err)
			require.ElementsMatch(t, tt.want, mona.Nodes)
			require.Equal(t, tt.noPost, mona.NoPost)
			mona.Active = true
			here := access.Subject{Path: []string{"DE-HH", "DE-N", "DE", "W"}, Levels: []kam.NodeLevel{kam.LevelTerritory, kam.LevelRegion, kam.LevelCountry, kam.LevelGlobal}, Level: kam.LevelTerritory}
			_, err = access.Permit(mona, access.ActionConfirm, here)
			if !slices.Contains(tt.want, "DE-N") {
				require.Equal(t, kam.Forbidden, kam.CodeOf(err), "the post went with what may be done in it")
			}
			if mona.Is(kam.SalesRep) {
				_, err = access.Permit(mona, access.ActionStart, here)
				require.NoError(t, err, "a rep works on")
			}
			if !tt.leave {
				give("2", "mona")
				mona, err = s.Access.Person(ctx, "mona")
				require.NoError(t, err)
				require.Empty(t, mona.NoPost)
				_, err = access.Permit(mona, access.ActionConfirm, here)
				require.NoError(t, err, "and back with the post")
			}
		})
	}
}
