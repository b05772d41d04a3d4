package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
)

func dec(n int64) *kam.Dec {
	d := kam.DecFromInt(n)
	return &d
}

func TestAbsenceIsChecked(t *testing.T) {
	t.Parallel()
	const today = "2026-12-01"
	in := func(from, to string) access.Absence {
		return access.Absence{UserID: "anna", From: from, To: to, Substitute: "bert"}
	}
	for name, c := range map[string]struct {
		ab    access.Absence
		field string
	}{
		"sixty days":                    {in("2026-12-21", "2027-02-18"), ""},
		"sixty-one days":                {in("2026-12-21", "2027-02-19"), "to"},
		"sixty-one days without one":    {access.Absence{UserID: "anna", From: "2026-12-21", To: "2027-02-19"}, ""},
		"a year and a day":              {access.Absence{UserID: "anna", From: "2026-12-21", To: "2027-12-22"}, "to"},
		"the last day of it":            {in("2026-11-20", today), ""},
		"over":                          {in("2026-11-20", "2026-11-30"), "to"},
		"backwards":                     {in("2026-12-21", "2026-12-20"), "to"},
		"no day":                        {in("soon", "2026-12-20"), "from"},
		"himself":                       {access.Absence{UserID: "anna", From: today, To: today, Substitute: "anna"}, "substitute"},
		"a scope of nobody":             {access.Absence{UserID: "anna", From: today, To: today, Nodes: []string{"DE"}}, "substitute"},
		"less than nothing":             {access.Absence{UserID: "anna", From: today, To: today, Substitute: "bert", MaxPotential: dec(-1)}, "max_potential"},
		"sixty-one nodes":               {access.Absence{UserID: "anna", From: today, To: today, Substitute: "bert", Nodes: strings.Split(strings.Repeat("n,", 60)+"n", ",")}, "nodes"},
		"a day, with everything chosen": {access.Absence{UserID: "anna", From: today, To: today, Substitute: "bert", Nodes: []string{"DE"}, Kinds: []kam.TaskKind{"k"}, MaxPotential: dec(0)}, ""},
	} {
		err := c.ab.Check(today, 60)
		if c.field == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, kam.Invalid, name)
		require.Equal(t, c.field, kam.AsError(err).Field, name)
	}
}

func TestScopeOfASubstitution(t *testing.T) {
	t.Parallel()
	work := access.Work{Kind: "confirmation", Path: []string{"DE-N-1", "DE-N", "DE"}, Potential: dec(100)}
	for name, c := range map[string]struct {
		ab   access.Absence
		work access.Work
		want bool
	}{
		"nobody stands in":    {access.Absence{}, work, false},
		"everything":          {access.Absence{Substitute: "b"}, work, true},
		"its node":            {access.Absence{Substitute: "b", Nodes: []string{"DE-N-1"}}, work, true},
		"a node above":        {access.Absence{Substitute: "b", Nodes: []string{"FR", "DE"}}, work, true},
		"another node":        {access.Absence{Substitute: "b", Nodes: []string{"DE-N-2"}}, work, false},
		"no place":            {access.Absence{Substitute: "b", Nodes: []string{"DE"}}, access.Work{Kind: "confirmation"}, false},
		"its kind":            {access.Absence{Substitute: "b", Kinds: []kam.TaskKind{"endorsement", "confirmation"}}, work, true},
		"another kind":        {access.Absence{Substitute: "b", Kinds: []kam.TaskKind{"endorsement"}}, work, false},
		"up to its potential": {access.Absence{Substitute: "b", MaxPotential: dec(100)}, work, true},
		"a greater potential": {access.Absence{Substitute: "b", MaxPotential: dec(99)}, work, false},
		"an unknown one":      {access.Absence{Substitute: "b", MaxPotential: dec(99)}, access.Work{Kind: "confirmation"}, false},
	} {
		require.Equal(t, c.want, c.ab.Covers(c.work).English == "", name)
	}
}

func TestWhoMayStandIn(t *testing.T) {
	t.Parallel()
	holds := func(r ...kam.Role) kam.Person { return person("somebody", r) }
	giver := holds(kam.TerritoryManager, kam.RegionalManager, kam.DataSteward)
	gone := holds(kam.RegionalManager)
	gone.Active = false
	for name, c := range map[string]struct {
		by, giver kam.Person
		deputy    bool
		want      bool
	}{
		"the same level":          {holds(kam.RegionalManager), giver, false, true},
		"a lower level":           {holds(kam.TerritoryManager), giver, false, false},
		"a higher level":          {holds(kam.NationalManager), giver, false, false},
		"a deputy of any level":   {holds(kam.SalesRep), giver, true, true},
		"who has left":            {gone, giver, true, false},
		"an operator":             {holds(kam.RegionalManager, kam.Operator), giver, false, false},
		"a deputy who audits":     {holds(kam.Auditor), giver, true, false},
		"a user admin":            {holds(kam.UserAdmin), giver, true, false},
		"a steward for a steward": {holds(kam.DataSteward), holds(kam.DataSteward), false, true},
		"of two roles one":        {holds(kam.DataSteward), holds(kam.DataSteward, kam.ComplianceRole), false, false},
		"for a rep":               {holds(kam.SalesRep), holds(kam.SalesRep), false, false},
		"a deputy for a rep":      {holds(kam.SalesRep), holds(kam.SalesRep), true, false},
	} {
		err := access.MayStandIn(c.by, c.giver, c.deputy)
		require.Equal(t, c.want, err == nil, "%s: %v", name, err)
		if err != nil {
			require.Equal(t, "SOD7", kam.AsError(err).Rule, name)
		}
	}
}

// TestSOD7: who acts in somebody's place has his rights, on his tasks, as long as
// it lasts, and nothing more.
func TestSOD7(t *testing.T) {
	t.Parallel()
	anna := person("anna", []kam.Role{kam.TerritoryManager}, "DE-N-1")
	bert := person("bert", []kam.Role{kam.TerritoryManager}, "DE-S-1")
	proxy := access.Proxy{
		Absence: access.Absence{UserID: "anna", From: "2026-12-21", To: "2027-01-06", Substitute: "bert", Kinds: []kam.TaskKind{"confirmation"}},
		Giver:   anna, Day: "2026-12-24",
	}
	task := place(access.Subject{Assignees: []kam.UserID{"anna"}, Level: kam.LevelTerritory, Work: access.Work{Kind: "confirmation"}})

	_, err := access.Permit(bert, access.ActionConfirm, task)
	require.ErrorIs(t, err, kam.Forbidden, "by himself he may not")
	hers := task
	hers.For = &proxy
	in, err := access.Acts(bert, access.ActionConfirm, hers)
	require.NoError(t, err)
	require.Equal(t, access.Acting{Role: kam.TerritoryManager, Post: "DE-N-1"}, in, "in her role and at her post")
	for name, c := range map[string]struct {
		change func(x *access.Proxy, s *access.Subject, by *kam.Person)
		action access.Action
		want   kam.Code
	}{
		"it is his to decide":       {nil, access.ActionConfirm, ""},
		"the first day":             {func(x *access.Proxy, _ *access.Subject, _ *kam.Person) { x.Day = x.From }, access.ActionConfirm, ""},
		"the last day":              {func(x *access.Proxy, _ *access.Subject, _ *kam.Person) { x.Day = x.To }, access.ActionConfirm, ""},
		"the day before":            {func(x *access.Proxy, _ *access.Subject, _ *kam.Person) { x.Day = "2026-12-20" }, access.ActionConfirm, kam.Forbidden},
		"the day after":             {func(x *access.Proxy, _ *access.Subject, _ *kam.Person) { x.Day = "2027-01-07" }, access.ActionConfirm, kam.Forbidden},
		"another substitute":        {func(x *access.Proxy, _ *access.Subject, _ *kam.Person) { x.Substitute = "carl" }, access.ActionConfirm, kam.Forbidden},
		"no substitute":             {func(x *access.Proxy, _ *access.Subject, _ *kam.Person) { x.Absence = access.Absence{} }, access.ActionConfirm, kam.Forbidden},
		"an absence of another":     {func(x *access.Proxy, _ *access.Subject, _ *kam.Person) { x.UserID = "carl" }, access.ActionConfirm, kam.Forbidden},
		"another kind":              {func(_ *access.Proxy, s *access.Subject, _ *kam.Person) { s.Work.Kind = "endorsement" }, access.ActionConfirm, kam.Forbidden},
		"no task of hers":           {func(_ *access.Proxy, s *access.Subject, _ *kam.Person) { s.Assignees = []kam.UserID{"rita"} }, access.ActionConfirm, kam.Forbidden},
		"her account is closed":     {func(x *access.Proxy, _ *access.Subject, _ *kam.Person) { x.Giver.Active = false }, access.ActionConfirm, kam.Forbidden},
		"she has lost the role":     {func(x *access.Proxy, _ *access.Subject, _ *kam.Person) { x.Giver.Roles = []kam.Role{kam.DataSteward} }, access.ActionConfirm, kam.Forbidden},
		"his account is closed":     {func(_ *access.Proxy, _ *access.Subject, by *kam.Person) { by.Active = false }, access.ActionConfirm, kam.Forbidden},
		"he has become an auditor":  {func(_ *access.Proxy, _ *access.Subject, by *kam.Person) { by.Roles = []kam.Role{kam.Auditor} }, access.ActionConfirm, kam.Forbidden},
		"he has risen":              {func(_ *access.Proxy, _ *access.Subject, by *kam.Person) { by.Roles = []kam.Role{kam.RegionalManager} }, access.ActionConfirm, kam.Forbidden},
		"he is her deputy":          {func(x *access.Proxy, _ *access.Subject, by *kam.Person) { by.Roles, x.Deputy = nil, true }, access.ActionConfirm, ""},
		"nothing but what it takes": {nil, access.ActionWithdraw, kam.Forbidden},
		"no giving away":            {nil, access.ActionReassign, kam.Forbidden},
		"no start":                  {nil, access.ActionStart, kam.Forbidden},
		"not what she may not":      {nil, access.ActionCompliance, kam.Forbidden},
	} {
		x, s, by := proxy, task, bert
		if c.change != nil {
			c.change(&x, &s, &by)
		}
		s.For = &x
		role, err := access.Permit(by, c.action, s)
		require.Equal(t, c.want, kam.CodeOf(err), "%s: %v", name, err)
		if err == nil {
			require.Equal(t, kam.TerritoryManager, role, name)
		}
	}
}

// TestSubstitutionGivesNoMore: whatever is drawn, in somebody's place nobody may
// what that person may not, and by no other role than his (SOD7).
func TestSubstitutionGivesNoMore(t *testing.T) {
	t.Parallel()
	nodes := []string{"DE-N-1", "DE-N-2", "DE-N", "DE", "WORLD"}
	people := func(t *rapid.T, id kam.UserID) kam.Person {
		return kam.Person{
			ID: id, Active: rapid.Bool().Draw(t, "active"),
			Roles: rapid.SliceOfNDistinct(rapid.SampledFrom(kam.Roles), 0, 3, rapid.ID[kam.Role]).Draw(t, "roles"),
			Nodes: rapid.SliceOfNDistinct(rapid.SampledFrom(nodes), 0, 2, rapid.ID[string]).Draw(t, "nodes"),
		}
	}
	ids := []kam.UserID{"anna", "bert", "carl"}
	someone := rapid.SampledFrom(ids)
	allowed := 0
	rapid.Check(t, func(t *rapid.T) {
		giver, by := people(t, someone.Draw(t, "giver")), people(t, someone.Draw(t, "by"))
		s := place(access.Subject{
			Requester: someone.Draw(t, "requester"), Owner: someone.Draw(t, "owner"),
			Assignees: rapid.SliceOfNDistinct(someone, 0, 2, rapid.ID[kam.UserID]).Draw(t, "assignees"),
			Level:     rapid.SampledFrom(kam.NodeLevels).Draw(t, "level"), Tier: rapid.SampledFrom(kam.Tiers).Draw(t, "tier"),
			Certain: rapid.Bool().Draw(t, "certain"), Work: access.Work{Kind: "k"},
		})
		action := rapid.SampledFrom(access.Actions).Draw(t, "action")
		x := access.Proxy{Absence: access.Absence{
			UserID: someone.Draw(t, "away"), Substitute: someone.Draw(t, "substitute"), From: "2026-12-21", To: "2026-12-24", Deputy: rapid.Bool().Draw(t, "deputy"),
		}, Day: rapid.SampledFrom([]string{"2026-12-20", "2026-12-21", "2026-12-24", "2026-12-25"}).Draw(t, "day")}
		if rapid.IntRange(0, 3).Draw(t, "as it should be") > 0 {
			giver.Roles = append(giver.Roles, rapid.SampledFrom(kam.ManagerRoles).Draw(t, "manager"))
			giver.Nodes, giver.Active, by.Active = append(giver.Nodes, "DE-N-1"), true, true
			x.UserID, x.Substitute, x.Deputy = giver.ID, by.ID, true
			s.Assignees = append(s.Assignees, giver.ID)
			action = rapid.SampledFrom([]access.Action{access.ActionConfirm, access.ActionEndorse, access.ActionEnterData, access.ActionClearDuplicate, access.ActionReassign}).Draw(t, "deciding")
		}
		x.Giver = giver
		role, alone := access.Permit(giver, action, s)
		s.For = &x
		got, err := access.Permit(by, action, s)
		if err != nil {
			return
		}
		allowed++
		switch {
		case alone != nil || got != role:
			t.Fatalf("%v may %s for %v, who may not: %v", by, action, giver, alone)
		case by.ID == giver.ID || x.UserID != giver.ID || x.Substitute != by.ID || !x.Runs(x.Day) || !by.Active:
			t.Fatalf("%v stands in for %v by %+v", by, giver, x)
		case by.Is(kam.Auditor) || by.Is(kam.Operator) || by.Is(kam.UserAdmin):
			t.Fatalf("%v decides for others", by)
		}
	})
	require.Positive(t, allowed, "some are let in")
}

// TestNoChain: a substitute's substitute gets nothing, whoever else he stands in
// for, because the task is not the substitute's own (SOD7).
func TestNoChain(t *testing.T) {
	t.Parallel()
	managers := []kam.Role{kam.TerritoryManager}
	rapid.Check(t, func(t *rapid.T) {
		task := &kam.Task{Kind: "confirmation", Assignees: []kam.UserID{"bert", "anna"}, StandIns: []kam.StandIn{{By: "bert", For: "anna"}}}
		s := place(access.Subject{Assignees: task.Holders(), Level: kam.LevelTerritory, Work: access.Work{Kind: task.Kind}})
		bert := person("bert", managers, rapid.SampledFrom([]string{"DE-S-1", "DE-N-1"}).Draw(t, "bert works at"))
		carl := person("carl", managers, "DE-S-2")
		s.For = &access.Proxy{Absence: access.Absence{UserID: "bert", Substitute: "carl", From: "2026-12-01", To: "2026-12-31"}, Giver: bert, Day: "2026-12-24"}
		if _, err := access.Permit(carl, access.ActionConfirm, s); kam.AsError(err) == nil || kam.AsError(err).Rule != "SOD7" {
			t.Fatalf("carl for bert for anna: %v", err)
		}
	})
}

func TestProxyIsTheAbsenceThatCovers(t *testing.T) {
	t.Parallel()
	work := access.Work{Kind: "confirmation", Path: []string{"DE"}}
	all := []access.Absence{
		{UserID: "anna", Substitute: "bert", From: "2026-12-01", To: "2026-12-02"},
		{UserID: "anna", Substitute: "carl", From: "2026-12-03", To: "2026-12-31"},
		{UserID: "dora", Substitute: "bert", From: "2026-12-03", To: "2026-12-31"},
		{UserID: "anna", Substitute: "bert", From: "2026-12-03", To: "2026-12-31", Kinds: []kam.TaskKind{"confirmation"}},
		{UserID: "anna", Substitute: "bert", From: "2026-12-03", To: "2026-12-31", Nodes: []string{"FR"}},
	}
	anna := kam.Person{ID: "anna"}
	require.Equal(t, all[3], access.ProxyOf(all, anna, "bert", "2026-12-24", work).Absence)
	require.Equal(t, all[4], access.ProxyOf(all, anna, "bert", "2026-12-24", access.Work{Kind: "k"}).Absence, "it says why not")
	require.Equal(t, access.Absence{}, access.ProxyOf(all, anna, "emil", "2026-12-24", work).Absence)
}
