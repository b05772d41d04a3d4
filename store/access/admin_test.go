package access_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

// governed is the sample with the people who may change it.
func governed(t *testing.T) *store.Store {
	t.Helper()
	s := empty(t)
	c, err := s.Access.LoadOrg(t.Context(), orgAct("first", "ulf"), governedOrg())
	require.NoError(t, err)
	require.False(t, c.Pending)
	return s
}

func empty(t *testing.T) *store.Store {
	t.Helper()
	return storetest.New(t)
}

func governedOrg() accessdb.Org {
	o := storetest.Sample
	o.Nodes = slices.Clone(storetest.Sample.Nodes)
	o.Users = append(append([]accessdb.User{}, storetest.Sample.Users...),
		accessdb.User{ID: "rolf", Name: "Rolf", Roles: []kam.Role{kam.RegionalManager}},
		accessdb.User{ID: "pia", Name: "Pia", Roles: []kam.Role{kam.PolicyAdmin}},
		accessdb.User{ID: "paul", Name: "Paul", Roles: []kam.Role{kam.PolicyAdmin}},
		accessdb.User{ID: "petra", Name: "Petra", Roles: []kam.Role{kam.PolicyAdmin, kam.TerritoryManager}},
		accessdb.User{ID: "ulf", Name: "Ulf", Roles: []kam.Role{kam.UserAdmin}},
		accessdb.User{ID: "una", Name: "Una", Roles: []kam.Role{kam.UserAdmin}},
		accessdb.User{ID: "falk", Name: "Falk", Roles: []kam.Role{kam.Auditor}},
		accessdb.User{ID: "theo", Name: "Theo", Roles: []kam.Role{kam.TerritoryManager}, Nodes: []string{"FR"}},
	)
	return o
}

func orgAct(id string, by kam.UserID) accessdb.OrgAct {
	return accessdb.OrgAct{DecisionID: "decision-" + id, By: by, Reason: "as agreed", May: access.Permit}
}

func TestSomebodyLeavesAndThePostIsFilled(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	before, err := s.Access.OrgChanged(ctx)
	require.NoError(t, err)

	_, err = s.Access.PersonLeaves(ctx, orgAct("1", "pia"), "mona")
	require.Equal(t, kam.Forbidden, kam.CodeOf(err), "people are the user admin's")
	unchanged, err := s.Access.OrgChanged(ctx)
	require.NoError(t, err)
	require.Equal(t, before, unchanged, "a refusal changes nothing")
	_, err = s.Access.PersonLeaves(ctx, orgAct("2", "ulf"), "ulf")
	require.Equal(t, kam.Forbidden, kam.CodeOf(err), "not oneself")
	_, err = s.Access.PersonLeaves(ctx, orgAct("3", "ulf"), "nobody")
	require.Equal(t, kam.Invalid, kam.CodeOf(err))

	c, err := s.Access.PersonLeaves(ctx, orgAct("4", "ulf"), "mona")
	require.NoError(t, err)
	require.Equal(t, accessdb.OrgChange{What: "mona has left", Posts: []string{"DE-HH"}, Cases: []kam.CaseNo{}}, c)
	again, err := s.Access.PersonLeaves(ctx, orgAct("4", "ulf"), "mona")
	require.NoError(t, err)
	require.Equal(t, c, again, "sent twice is one change")
	_, err = s.Access.PersonLeaves(ctx, orgAct("5", "ulf"), "mona")
	require.Equal(t, kam.AlreadyDecided, kam.CodeOf(err))
	after, err := s.Access.OrgChanged(ctx)
	require.NoError(t, err)
	require.NotEqual(t, before, after)
	mona, err := s.Access.Person(ctx, "mona")
	require.NoError(t, err)
	require.False(t, mona.Active)

	for who, node := range map[kam.UserID]string{"mona": "DE-N", "rita": "DE-HH", "nobody": "DE-HH", "theo": "MOON"} {
		_, err = s.Access.SetManager(ctx, orgAct("6"+string(who), "pia"), accessdb.Post{Node: node, Manager: who})
		require.Equal(t, kam.Invalid, kam.CodeOf(err), who)
	}
	_, err = s.Access.SetManager(ctx, orgAct("6", "pia"), accessdb.Post{Node: "DE-HH", Manager: "mona"})
	require.Equal(t, kam.AlreadyDecided, kam.CodeOf(err), "she holds it, though she has left")
	_, err = s.Access.SetManager(ctx, orgAct("7", "ulf"), accessdb.Post{Node: "DE-HH", Manager: "theo"})
	require.Equal(t, kam.Forbidden, kam.CodeOf(err), "posts are the policy admin's")
	c, err = s.Access.SetManager(ctx, orgAct("8", "pia"), accessdb.Post{Node: "DE-HH", Manager: "theo"})
	require.NoError(t, err)
	require.Equal(t, "the post of DE-HH goes from mona to theo", c.What)
	require.True(t, c.Pending)
	c, err = s.Access.Agree(ctx, orgAct("8b", "paul"), c.Proposal)
	require.NoError(t, err)
	require.False(t, c.Pending)
	theo, err := s.Access.Person(ctx, "theo")
	require.NoError(t, err)
	require.Equal(t, []string{"FR", "DE-HH"}, theo.Nodes)
	mona, err = s.Access.Person(ctx, "mona")
	require.NoError(t, err)
	require.Empty(t, mona.Nodes)
	_, err = s.Access.SetManager(ctx, orgAct("9", "pia"), accessdb.Post{Node: "DE-HH", Manager: ""})
	require.NoError(t, err)
	nodes, err := s.Access.Nodes(ctx)
	require.NoError(t, err)
	for _, n := range nodes {
		require.NotEqual(t, kam.UserID("theo"), n.ManagerID)
	}

	trail, err := s.TrailOf(ctx, "org")
	require.NoError(t, err)
	require.Equal(t, kam.EventOrgChanged, trail[0].Type, "who set it up is on record")
	require.Equal(t, kam.UserID("ulf"), trail[0].Actor)
	require.Equal(t, kam.EventDecisionRefused, trail[1].Type, "refusals are on record")
	require.Equal(t, kam.UserID("pia"), trail[1].Actor)
	last := trail[len(trail)-1]
	require.Equal(t, kam.EventOrgChanged, last.Type)
	require.Equal(t, []kam.Role{kam.PolicyAdmin}, last.RolesUsed)
	require.Equal(t, "the post of DE-HH goes from theo to nobody: as agreed", last.Text)
	_, why, ok := kam.VerifyChain(trail)
	require.True(t, ok, why)
}

// TestGrantsTakeTwo is SOD9, and SOD5 on the way.
func TestGrantsTakeTwo(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	nils := accessdb.User{ID: "nils", Name: "Nils", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"DE-HH"}, ManagerID: "mona"}
	c, err := s.Access.SetPerson(ctx, orgAct("1", "ulf"), nils)
	require.NoError(t, err)
	require.True(t, c.Pending)
	c, err = s.Access.SetPerson(ctx, orgAct("2", "ulf"), nils)
	require.NoError(t, err)
	require.True(t, c.Pending, "one admin is one, however often he asks")
	_, err = s.Access.Person(ctx, "nils")
	require.Equal(t, kam.NotFound, kam.CodeOf(err))
	other := nils
	other.Roles = []kam.Role{kam.GlobalManager}
	c, err = s.Access.SetPerson(ctx, orgAct("3", "una"), other)
	require.NoError(t, err)
	require.True(t, c.Pending, "something else was asked for")
	c, err = s.Access.SetPerson(ctx, orgAct("4", "una"), nils)
	require.NoError(t, err)
	require.Equal(t, accessdb.OrgChange{What: "nils (Nils) has the roles sales_rep; works at DE-HH; reports to mona", Proposal: "P-000001", Cases: []kam.CaseNo{},
		Differences: []string{"users nils: is new: active true, manager_id mona, name Nils, nodes DE-HH, roles sales_rep"}}, c)
	p, err := s.Access.Person(ctx, "nils")
	require.NoError(t, err)
	require.True(t, p.Active)

	// What grants nothing takes one.
	nils.Name = "Nils Brandt"
	c, err = s.Access.SetPerson(ctx, orgAct("5", "una"), nils)
	require.NoError(t, err)
	require.False(t, c.Pending)
	// And an agreement is used up: who left is granted his roles again.
	_, err = s.Access.PersonLeaves(ctx, orgAct("6", "una"), "nils")
	require.NoError(t, err)
	c, err = s.Access.SetPerson(ctx, orgAct("7", "ulf"), nils)
	require.NoError(t, err)
	require.True(t, c.Pending)

	for name, bad := range map[string]accessdb.User{
		"roles": {ID: "x", Name: "X", Roles: []kam.Role{kam.Operator, kam.GlobalManager}}, // SOD5
		"name":  {ID: "x"},
		"node":  {ID: "x", Name: "X", Nodes: []string{"MOON"}},
		"boss":  {ID: "x", Name: "X", ManagerID: "nobody"},
	} {
		_, err = s.Access.SetPerson(ctx, orgAct("8"+name, "una"), bad)
		require.Contains(t, []kam.Code{kam.Invalid, kam.Separation}, kam.CodeOf(err), name)
	}
}

func TestManagersGoInNoCircle(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	person := func(id, manager kam.UserID) accessdb.User { // who grants nobody anything
		return accessdb.User{ID: id, Name: string(id), ManagerID: manager}
	}
	for _, id := range []kam.UserID{"a", "b", "c"} {
		_, err := s.Access.SetPerson(ctx, orgAct("add"+string(id), "ulf"), person(id, ""))
		require.NoError(t, err)
	}
	for id, manager := range map[kam.UserID]kam.UserID{"a": "b", "b": "c"} {
		for _, by := range []kam.UserID{"ulf", "una"} {
			_, err := s.Access.SetPerson(ctx, orgAct(string(id+by), by), person(id, manager))
			require.NoError(t, err)
		}
	}
	for id, way := range map[kam.UserID]string{
		"c": "c → a → b → c",
		"a": "a → a",
		"d": "d → d",
	} {
		manager := kam.UserID("a")
		if id == "d" {
			manager = "d" // nobody yet
		}
		_, err := s.Access.SetPerson(ctx, orgAct("loop"+string(id), "ulf"), person(id, manager))
		require.Equal(t, kam.Invalid, kam.CodeOf(err), id)
		e := kam.AsError(err)
		require.Equal(t, "manager_id", e.Field)
		require.Contains(t, e.Msg, way)
		require.NotEmpty(t, e.Remedy)
	}
	c, err := s.Access.Person(ctx, "c")
	require.NoError(t, err)
	require.Empty(t, c.ManagerID, "a refusal changes nothing")

	for want, users := range map[string][]accessdb.User{
		"a → b → a":              {person("a", "b"), person("b", "a")},
		"nobody is known as x":   {person("a", "x")},
		`"Anna R" is no user_id`: {person("Anna R", "")},
		`"system" is no user_id`: {person("system", "")},
	} {
		_, err = s.Access.LoadOrg(ctx, orgAct("load"+want, "ulf"), accessdb.Org{Users: users})
		require.Equal(t, kam.Invalid, kam.CodeOf(err), want)
		require.ErrorContains(t, err, want)
	}
	_, err = s.Access.LoadOrg(ctx, orgAct("order", "ulf"), accessdb.Org{Users: append(governedOrg().Users, person("a", "z"), person("z", "y"), person("y", ""))})
	require.NoError(t, err, "in any order")
}

func TestUserIDs(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	long := kam.UserID(strings.Repeat("x", 65))
	for _, id := range []kam.UserID{"x rep!", "müller", "a/b", "system", "", long} {
		_, err := s.Access.SetPerson(ctx, orgAct("1", "ulf"), accessdb.User{ID: id, Name: "X"})
		require.Equal(t, kam.Invalid, kam.CodeOf(err), id)
		require.Equal(t, "user_id", kam.AsError(err).Field, id)
	}
	_, err := s.Access.SetPerson(ctx, orgAct("2", "ulf"), accessdb.User{ID: long[1:], Name: "X"})
	require.NoError(t, err)
	_, err = s.Access.SetPerson(ctx, orgAct("3", "ulf"), accessdb.User{ID: "A-b_c.9@example.com", Name: "X"})
	require.NoError(t, err)
}

// TestSomebodyIsBack: a change of somebody who has left makes him active, and
// says so, to the first of two user admins too.
func TestSomebodyIsBack(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	const again = "; active again after having left"
	mona := storetest.Sample.Users[1]
	require.Equal(t, kam.UserID("mona"), mona.ID)
	_, err := s.Access.PersonLeaves(ctx, orgAct("1", "ulf"), "mona")
	require.NoError(t, err)
	c, err := s.Access.SetPerson(ctx, orgAct("2", "ulf"), mona)
	require.NoError(t, err)
	require.True(t, c.Pending)
	require.Contains(t, c.What, again)
	c, err = s.Access.SetPerson(ctx, orgAct("3", "una"), mona)
	require.NoError(t, err)
	require.False(t, c.Pending)
	require.Contains(t, c.What, again)
	p, err := s.Access.Person(ctx, "mona")
	require.NoError(t, err)
	require.True(t, p.Active)
	c, err = s.Access.SetPerson(ctx, orgAct("4", "una"), mona)
	require.NoError(t, err)
	require.NotContains(t, c.What, again, "he is here")
	trail, err := s.TrailOf(ctx, "org")
	require.NoError(t, err)
	require.Contains(t, trail[len(trail)-2].Text, again)
}

func TestLeaverOwnsCustomers(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	var book []customerdb.BookCustomer
	for no, c := range map[string]customerdb.BookCustomer{
		"C-1": {}, "C-2": {}, "C-3": {KAStatus: kam.KA, Tier: kam.TierTerritory}, "C-4": {Status: kam.Inactive}, "C-5": {OwnerID: "gina"},
	} {
		c.CustomerNo, c.Territory = no, "DE-HH"
		if c.OwnerID == "" {
			c.OwnerID = "rita"
		}
		c.Data.LegalName, c.Data.CountryCode = "House "+no, "DE"
		book = append(book, c)
	}
	require.NoError(t, s.Customers.Load(ctx, storetest.Act(), book))
	c, err := s.Access.PersonLeaves(ctx, orgAct("1", "ulf"), "rita")
	require.NoError(t, err)
	require.Equal(t, 3, c.Customers)
	require.Equal(t, 1, c.KeyAccounts)
}

func TestAbsence(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	now, err := s.Now(ctx)
	require.NoError(t, err)
	day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
	for name, bad := range map[string]accessdb.Absence{
		"day": {UserID: "rita", From: "24.12.2026", To: day(9)}, "to": {UserID: "rita", From: day(2), To: "soon"},
		"order": {UserID: "rita", From: day(9), To: day(2)}, "who": {UserID: "nobody", From: day(2), To: day(9)},
		"over": {UserID: "rita", From: day(-9), To: day(-1)}, "span": {UserID: "rita", From: day(-1), To: day(365)},
	} {
		_, err := s.Access.AddAbsence(ctx, orgAct(name, "pia"), bad)
		require.Equal(t, kam.Invalid, kam.CodeOf(err), name)
	}
	for name, good := range map[string]accessdb.Absence{"today": {UserID: "olaf", From: day(-9), To: day(0)}, "year": {UserID: "dora", From: day(1), To: day(366)}} {
		_, err := s.Access.AddAbsence(ctx, orgAct(name, "pia"), good)
		require.NoError(t, err, name)
	}
	c, err := s.Access.AddAbsence(ctx, orgAct("ok", "pia"), accessdb.Absence{UserID: "rita", From: day(24), To: day(31)})
	require.NoError(t, err)
	require.Equal(t, accessdb.OrgChange{What: "rita is away from " + day(24) + " to " + day(31), Cases: []kam.CaseNo{}}, c)
	for n, want := range map[int]bool{22: false, 23: true, 25: true, 26: false, 31: false} {
		at, err := time.Parse(time.DateOnly, day(n))
		require.NoError(t, err)
		near, err := s.Access.AbsenceNear(ctx, at.Add(23*time.Hour))
		require.NoError(t, err)
		require.Equal(t, want, near, n)
	}
	c, err = s.Access.AddAbsence(ctx, orgAct("longer", "pia"), accessdb.Absence{UserID: "rita", From: day(24), To: day(37)})
	require.NoError(t, err)
	require.Empty(t, c.Overlaps, "it is the same one")
	c, err = s.Access.AddAbsence(ctx, orgAct("overlap", "pia"), accessdb.Absence{UserID: "rita", From: day(37), To: day(40)})
	require.NoError(t, err)
	require.Equal(t, []accessdb.Absence{{UserID: "rita", From: day(24), To: day(37)}}, c.Overlaps)
	_, err = s.Access.AddAbsence(ctx, orgAct("rep", "rita"), accessdb.Absence{UserID: "rita", From: day(24), To: day(31)})
	require.Equal(t, kam.Forbidden, kam.CodeOf(err))
}

func TestAbsencesAreListedAndTakenBack(t *testing.T) {
	t.Parallel()
	s, ctx := governed(t), t.Context()
	now, err := s.Now(ctx)
	require.NoError(t, err)
	day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
	past, soon, later := accessdb.Absence{UserID: "mona", From: day(-20), To: day(-10)}, accessdb.Absence{UserID: "rita", From: day(-1), To: day(1)}, accessdb.Absence{UserID: "mona", From: day(5), To: day(9)}
	for _, by := range []kam.UserID{"pia", "paul"} {
		_, err = s.Access.LoadOrg(ctx, orgAct("load"+string(by), by), accessdb.Org{Absences: []accessdb.Absence{later, past, soon}})
		require.NoError(t, err)
	}
	for _, tt := range []struct {
		of   kam.UserID
		past bool
		want []accessdb.Absence
	}{
		{"", false, []accessdb.Absence{soon, later}},
		{"", true, []accessdb.Absence{past, soon, later}},
		{"mona", false, []accessdb.Absence{later}},
		{"rita", false, []accessdb.Absence{soon}},
		{"gina", true, nil},
	} {
		got, err := s.Access.Absences(ctx, tt.of, tt.past)
		require.NoError(t, err)
		require.ElementsMatch(t, tt.want, got, tt)
		require.True(t, slices.IsSortedFunc(got, func(a, b accessdb.Absence) int { return strings.Compare(a.From, b.From) }))
	}
	_, err = s.Access.Absences(ctx, "stranger", false)
	require.Equal(t, kam.Invalid, kam.CodeOf(err))

	before, err := s.Access.OrgChanged(ctx)
	require.NoError(t, err)
	for name, bad := range map[string][2]string{"day": {"rita", "tomorrow"}, "who": {"stranger", day(-1)}, "none": {"rita", day(0)}} {
		_, err = s.Access.RemoveAbsence(ctx, orgAct(name, "pia"), kam.UserID(bad[0]), bad[1])
		require.Equal(t, kam.Invalid, kam.CodeOf(err), name)
	}
	_, err = s.Access.RemoveAbsence(ctx, orgAct("own", "rita"), "rita", soon.From)
	require.Equal(t, kam.Forbidden, kam.CodeOf(err))
	c, err := s.Access.RemoveAbsence(ctx, orgAct("ok", "pia"), "rita", soon.From)
	require.NoError(t, err)
	require.Equal(t, "the absence of rita from "+soon.From+" to "+soon.To+" is taken back", c.What)
	after, err := s.Access.OrgChanged(ctx)
	require.NoError(t, err)
	require.NotEqual(t, before, after, "the worker looks again")
	left, err := s.Access.Absences(ctx, "", false)
	require.NoError(t, err)
	require.Equal(t, []accessdb.Absence{later}, left)
	trail, err := s.TrailOf(ctx, "org")
	require.NoError(t, err)
	require.Equal(t, c.What+": as agreed", trail[len(trail)-1].Text)
}
