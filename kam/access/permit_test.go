package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
)

// matrix52 is the table of P5.2, read off cell by cell: C, R, U or D, then the
// scope (own, area = own and territory, sub, all, ref = referred), then a
// condition. A cell with two rights is two lines. Columns: rep, KAM, territory,
// regional, national, global, steward, compliance, finance, policy_admin,
// operator, auditor.
const matrix52 = `
start_case             | C own | C own | C sub | C sub | C sub | C all | C all | - | - | - | - | -
read_case              | R area | R area | R sub | R sub | R sub | R all | R all | R ref | R sub | R all | R all without customer data | R all
enter_data             | U own | U own | U own | U own | U own | U own | U own | - | U sub credit rating only | - | - | -
withdraw               | D own | D own | D sub | D sub | D sub | D all | - | - | - | - | - | -
clear_duplicate        | D own P | D own P | D sub P | D sub P | D sub P | D all P | D all P | - | - | - | - | -
clear_certain_duplicate| - | - | - | - | - | - | D all | - | - | - | - | -
waive_review           | - | - | - | - | - | - | D all findings other than screening (VS*) | D all findings of screening (VS*) | - | - | - | -
compliance_review      | - | - | - | - | - | - | - | D all | - | - | - | -
management_confirmation| - | - | D sub L | D sub L | D sub L | D all L | - | - | - | - | - | -
endorse                | - | - | D sub tier TERRITORY | D sub tier TERRITORY, D sub tier REGIONAL | D sub tier TERRITORY, D sub tier REGIONAL, D sub tier NATIONAL, D sub tier GLOBAL: first of two | D all tier TERRITORY, D all tier REGIONAL, D all tier NATIONAL, D all tier GLOBAL: second of two | - | - | - | - | - | -
nominate               | C own | C own | C sub | C sub | C sub | C all | - | - | - | - | - | -
assign_owner           | - | - | D sub | D sub | D sub | D all | - | - | - | - | - | -
reassign               | - | - | D sub the open task is the person's own | D sub | D sub | D all | - | - | - | D all | - | -
edit_plan              | - | U own | - | - | - | - | - | - | - | - | - | -
read_plan              | - | - | R sub | R sub | R sub | R all | - | - | R all | - | - | R all
approve_plan           | - | - | D sub tier TERRITORY | D sub tier REGIONAL | D sub tier NATIONAL | D all tier GLOBAL | - | - | D all tier NATIONAL; together with the national manager | - | - | -
enter_pnl              | - | - | - | - | - | - | - | - | U all | - | - | -
finance_hold           | - | - | - | - | - | - | - | - | U all | - | - | -
confirm_actuals        | - | - | D sub | D sub | D sub | D all | D all | - | - | - | - | -
edit_call_plan         | U own | U own | U sub | - | - | - | - | - | - | - | - | -
approve_call_plan      | - | - | D sub | D sub | D sub | - | - | - | - | - | - | -
read_call_plan         | - | - | - | R sub | R sub | R all | - | - | - | - | - | R all
record_call            | U own | U own | U own | U own | U own | U own | - | - | - | - | - | -
hold_review            | - | U own | - | - | - | - | - | - | - | - | - | -
decide_review          | - | - | D sub | D sub | D sub | D all | - | - | - | - | - | -
read_review            | - | - | - | - | - | - | - | - | R all | - | - | R all
report                 | R own | R own | R sub | R sub | R sub | R all | R all report R16 | R ref report R03 | R all report R11 | R all | R all report R02 | R all
draft_policy           | - | - | - | - | - | - | - | - | - | U all | - | -
publish_policy         | - | - | - | - | D all together with policy_admin; not the own draft (SOD4) | D all together with policy_admin; not the own draft (SOD4) | - | - | - | D all not the own draft (SOD4) | - | -
read_policy            | - | - | - | - | - | - | - | - | - | - | - | R all
edit_territories       | - | - | - | - | - | - | - | - | - | U all | - | -
edit_calendars         | - | - | - | - | - | - | - | - | - | U all | - | -
edit_reference         | - | - | - | - | - | - | U all | - | U all benchmarks only | U all | - | -
read_reference         | - | - | R all | R all | R all | R all | - | - | - | - | - | R all
read_users             | - | - | - | - | - | - | - | - | - | - | - | R all
delegate               | - | - | C own | C own | C own | C own | C own | C own | - | C all for others, with a reason | - | -
read_delegations       | - | - | - | - | - | - | - | - | - | - | - | R all
upload_import          | - | - | - | - | - | - | C all | - | C all P&L only | C all | - | -
confirm_import         | - | - | D sub | D sub | D sub | D all | - | - | - | - | - | -
read_import            | - | - | - | - | - | - | - | - | - | - | - | R all
retry                  | - | - | - | - | - | - | - | - | - | - | D all | -
cancel_ask             | - | - | - | - | - | - | - | - | - | - | D all 2 | -
cancel_agree           | - | - | - | - | - | - | - | - | - | D all 2 | - | -
read_operation         | - | - | - | - | - | - | - | - | - | - | - | R all
audit_export           | - | - | - | - | - | - | - | - | - | - | - | R all
audit_check            | - | - | - | - | - | - | - | - | - | - | R all | R all
`

var columns = []kam.Role{kam.SalesRep, kam.KeyAccountManager, kam.TerritoryManager, kam.RegionalManager, kam.NationalManager, kam.GlobalManager,
	kam.DataSteward, kam.ComplianceRole, kam.FinanceController, kam.PolicyAdmin, kam.Operator, kam.Auditor}

var shortScope = map[access.Scope]string{access.ScopeOwn: "own", access.ScopeOwnArea: "area", access.ScopeSub: "sub", access.ScopeAll: "all", access.ScopeReferred: "ref"}

var shortCondition = map[string]string{
	"class POSSIBLE or PROBABLE": "P", "the role's level is at least the level that the task needs": "L",
	"two persons: asked by operator, agreed by policy_admin": "2",
	"tier NATIONAL, together with the national manager":      "tier NATIONAL; together with the national manager",
}

func cellOf(r access.Permission) string {
	cond := r.When.Text
	if s, ok := shortCondition[cond]; ok {
		cond = s
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Right, shortScope[r.Scope], cond))
}

// TestPermissionsAreTheTable compares every cell of P5.2 with the data.
func TestPermissionsAreTheTable(t *testing.T) {
	t.Parallel()
	seen := map[access.Action]bool{}
	for _, line := range strings.Split(strings.TrimSpace(matrix52), "\n") {
		cells := strings.Split(line, "|")
		require.Len(t, cells, 1+len(columns), line)
		action := access.Action(strings.TrimSpace(cells[0]))
		seen[action] = true
		for i, role := range columns {
			var got []string
			for _, r := range access.Permissions {
				if r.Source == "5.2" && r.Role == role && r.Action == action {
					got = append(got, cellOf(r))
				}
			}
			want := strings.TrimSpace(cells[i+1])
			if len(got) == 0 {
				got = []string{"-"}
			}
			require.Equal(t, want, strings.Join(got, ", "), "%s %s", action, role)
		}
	}
	// What the table does not have as a row or column of its own.
	seen[access.ActionUsersEdit] = true // in the auditor's cell: "user_admin: U, two persons"
	for _, r := range access.Permissions {
		require.True(t, r.Source != "5.2" || seen[r.Action], "%s is not in the table", r.Action)
		require.Contains(t, kam.Roles, r.Role)
		require.NotEmpty(t, r.Scope.Words())
		require.NotEmpty(t, r.Right)
	}
}

// TestPermissionsBesidesTheTable pins the rows that other pages add.
func TestPermissionsBesidesTheTable(t *testing.T) {
	t.Parallel()
	var got []string
	for _, r := range access.Permissions {
		if r.Source != "5.2" && r.Source != "5.2, implied" && r.Source != "2.8" {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s: %s %s %s %s %s", r.Source, r.Role, r.Right, r.Action, r.Scope, r.When.Text)))
		}
	}
	require.Equal(t, []string{
		"5.4: territory_manager D management_confirmation ASSIGNED",
		"5.4: regional_manager D management_confirmation ASSIGNED",
		"5.4: national_manager D management_confirmation ASSIGNED",
		"5.4: global_manager D management_confirmation ASSIGNED",
		"5.4: territory_manager D endorse ASSIGNED",
		"5.4: regional_manager D endorse ASSIGNED",
		"5.4: national_manager D endorse ASSIGNED",
		"5.4: global_manager D endorse ASSIGNED",
		"2.6: territory_manager D withdraw TEAM",
		"2.6: regional_manager D withdraw TEAM",
		"2.6: national_manager D withdraw TEAM",
		"2.6: global_manager D withdraw TEAM",
		"2.6: data_steward D withdraw OWN",
		"2.6: integration D withdraw OWN",
		"2.6: territory_manager D withdraw OWN",
		"2.6: regional_manager D withdraw OWN",
		"2.6: national_manager D withdraw OWN",
		"2.6: global_manager D withdraw OWN",
		"2.6: policy_admin D reevaluate ALL",
		"2.3: territory_manager C start_review SUB", "2.3: regional_manager C start_review SUB", "2.3: national_manager C start_review SUB",
		"2.3: global_manager C start_review ALL", "2.3: policy_admin C start_review ALL", "2.3: compliance_reviewer C start_review ALL",
		"3.4.4: data_steward D merge_customers ALL",
		"2.7: compliance_reviewer D erase_contact ALL",
		"2.7: operator R read_erasures ALL", "2.7: auditor R read_erasures ALL",
		"5.1: integration C start_case GRANTED",
		"5.1: integration R read_case OWN",
		"5.1: integration U enter_data OWN",
		"5.1: integration C upload_import GRANTED",
		"5.1: customer_contact D agree_plan LINK",
		"5.1: customer_contact R read_plan LINK",
		"5.2, last line: global_manager D endorse ALL tier GLOBAL: first of two",
		"5.2, last line: regional_manager D approve_plan SUB tier TERRITORY",
		"5.2, last line: national_manager D approve_plan SUB tier TERRITORY",
		"5.2, last line: global_manager D approve_plan ALL tier TERRITORY",
		"5.2, last line: national_manager D approve_plan SUB tier REGIONAL",
		"5.2, last line: global_manager D approve_plan ALL tier REGIONAL",
		"5.2, last line: global_manager D approve_plan ALL tier NATIONAL",
		"5.2, last line: regional_manager U edit_call_plan SUB",
		"5.2, last line: national_manager U edit_call_plan SUB",
		"5.2, last line: global_manager U edit_call_plan ALL",
		"5.2, last line: global_manager D approve_call_plan ALL",
	}, got)
}

// place is a case in territory DE-N-1 of region DE-N.
func place(s access.Subject) access.Subject {
	s.Path = []string{"DE-N-1", "DE-N", "DE", "WORLD"}
	s.Levels = kam.NodeLevels
	return s
}

func person(id kam.UserID, roles []kam.Role, nodes ...string) kam.Person {
	return kam.Person{ID: id, Roles: roles, Nodes: nodes, Active: true}
}

func TestPermit(t *testing.T) {
	t.Parallel()
	is := func(r ...kam.Role) []kam.Role { return r }
	tm := person("tm", is(kam.TerritoryManager), "DE-N-1")
	rm := person("rm", is(kam.RegionalManager), "DE-N")
	nm := person("nm", is(kam.NationalManager), "DE")
	gm := person("gm", is(kam.GlobalManager))
	rep := person("rep", is(kam.SalesRep), "DE-N-1")
	other := person("other", is(kam.TerritoryManager), "DE-S-1")
	steward := person("st", is(kam.DataSteward))
	cr := person("cr", is(kam.ComplianceRole))
	admin := person("pa", is(kam.PolicyAdmin))
	op := person("op", is(kam.Operator))
	auditor := person("au", is(kam.Auditor))
	two := person("two", is(kam.TerritoryManager, kam.RegionalManager), "DE-N-1", "DE-S")
	here := place(access.Subject{Requester: "rep", RequesterManager: "boss"})
	with := func(f func(*access.Subject)) access.Subject { s := here; f(&s); return s }
	level := func(l kam.NodeLevel) access.Subject { return with(func(s *access.Subject) { s.Level = l }) }
	tier := func(x kam.Tier, n int) access.Subject {
		return with(func(s *access.Subject) { s.Tier, s.Endorsed = x, n })
	}
	named := func(u kam.UserID) access.Subject {
		return with(func(s *access.Subject) {
			s.Level, s.Tier, s.Assignees = kam.LevelGlobal, kam.TierGlobal, []kam.UserID{u}
		})
	}
	for _, tc := range []struct {
		who  kam.Person
		what access.Action
		on   access.Subject
		as   kam.Role // "": refused
	}{
		{rep, access.ActionStart, access.Subject{Requester: "rep"}, kam.SalesRep},
		{rep, access.ActionStart, here, kam.SalesRep},
		{rep, access.ActionStart, access.Subject{Requester: "rep", Path: []string{"FR-1"}}, ""},
		{other, access.ActionStart, here, ""},
		{auditor, access.ActionStart, access.Subject{Requester: "au"}, ""},
		{rep, access.ActionEnterData, here, kam.SalesRep},
		{person("rep2", is(kam.SalesRep), "DE-N-1"), access.ActionEnterData, here, ""},
		{person("rep2", is(kam.SalesRep), "DE-N-1"), access.ActionRead, here, kam.SalesRep},
		{person("rep3", is(kam.SalesRep), "DE-S-1"), access.ActionRead, here, ""},
		{person("k", is(kam.KeyAccountManager)), access.ActionRead, with(func(s *access.Subject) { s.Owner = "k" }), kam.KeyAccountManager},

		{tm, access.ActionConfirm, level(kam.LevelTerritory), kam.TerritoryManager},
		{tm, access.ActionConfirm, level(kam.LevelRegion), ""},
		{rm, access.ActionConfirm, level(kam.LevelRegion), kam.RegionalManager},
		{rm, access.ActionConfirm, level(kam.LevelTerritory), kam.RegionalManager},
		{gm, access.ActionConfirm, level(kam.LevelGlobal), kam.GlobalManager},
		{nm, access.ActionConfirm, level("NONSENSE"), ""},
		{other, access.ActionConfirm, level(kam.LevelTerritory), ""},
		{other, access.ActionConfirm, named("other"), kam.TerritoryManager},
		{rep, access.ActionConfirm, named("rep"), ""},
		{two, access.ActionConfirm, level(kam.LevelTerritory), kam.TerritoryManager},
		{two, access.ActionConfirm, level(kam.LevelRegion), ""}, // regional manager elsewhere
		{op, access.ActionConfirm, named("op"), ""},             // AC47
		{person("x", is(kam.TerritoryManager, kam.Operator), "DE-N-1"), access.ActionConfirm, level(kam.LevelTerritory), ""},
		{person("x", is(kam.TerritoryManager, kam.UserAdmin), "DE-N-1"), access.ActionConfirm, level(kam.LevelTerritory), ""},
		{person("x", is(kam.TerritoryManager, kam.Auditor), "DE-N-1"), access.ActionConfirm, level(kam.LevelTerritory), ""},
		{person("x", is(kam.TerritoryManager, kam.Auditor), "DE-N-1"), access.ActionRead, here, kam.TerritoryManager},
		{kam.Person{ID: "tm", Roles: is(kam.TerritoryManager), Nodes: []string{"DE-N-1"}}, access.ActionConfirm, here, ""}, // inactive

		{tm, access.ActionEndorse, tier(kam.TierTerritory, 0), kam.TerritoryManager},
		{tm, access.ActionEndorse, tier(kam.TierRegional, 0), ""},
		{rm, access.ActionEndorse, tier(kam.TierRegional, 0), kam.RegionalManager},
		{rm, access.ActionEndorse, tier(kam.TierNational, 0), ""},
		{nm, access.ActionEndorse, tier(kam.TierNational, 0), kam.NationalManager},
		{gm, access.ActionEndorse, tier(kam.TierNational, 0), kam.GlobalManager},
		{nm, access.ActionEndorse, tier(kam.TierGlobal, 0), kam.NationalManager},
		{nm, access.ActionEndorse, tier(kam.TierGlobal, 1), ""},
		{gm, access.ActionEndorse, tier(kam.TierGlobal, 0), kam.GlobalManager},
		{gm, access.ActionEndorse, tier(kam.TierGlobal, 1), kam.GlobalManager},
		{gm, access.ActionEndorse, tier(kam.TierNone, 0), ""},
		// The level of the task says the same as the count of endorsements.
		{nm, access.ActionEndorse, with(func(s *access.Subject) { s.Tier, s.Level = kam.TierGlobal, kam.LevelCountry }), kam.NationalManager},
		{nm, access.ActionEndorse, with(func(s *access.Subject) { s.Tier, s.Level = kam.TierGlobal, kam.LevelGlobal }), ""},
		{gm, access.ActionEndorse, with(func(s *access.Subject) { s.Tier, s.Level = kam.TierGlobal, kam.LevelGlobal }), kam.GlobalManager},
		{rm, access.ActionEndorse, named("rm"), kam.RegionalManager},

		{rep, access.ActionWithdraw, here, kam.SalesRep},
		{tm, access.ActionWithdraw, here, kam.TerritoryManager},
		{other, access.ActionWithdraw, here, ""},
		{person("boss", is(kam.TerritoryManager), "DE-S-1"), access.ActionWithdraw, here, kam.TerritoryManager},
		{steward, access.ActionWithdraw, here, ""},
		{steward, access.ActionWithdraw, access.Subject{Requester: "st"}, kam.DataSteward},

		{rep, access.ActionClearDuplicate, here, kam.SalesRep},
		{rep, access.ActionClearDuplicate, with(func(s *access.Subject) { s.Certain = true }), ""},
		{steward, access.ActionClearDuplicate, with(func(s *access.Subject) { s.Certain = true }), kam.DataSteward},
		{steward, access.ActionWaive, with(func(s *access.Subject) { s.Rule = "VD01" }), kam.DataSteward},
		{steward, access.ActionWaive, with(func(s *access.Subject) { s.Rule = "VS02" }), ""},
		{cr, access.ActionWaive, with(func(s *access.Subject) { s.Rule = "VS02" }), kam.ComplianceRole},
		{cr, access.ActionWaive, with(func(s *access.Subject) { s.Rule = "VF01" }), ""},
		{cr, access.ActionRead, here, ""},
		{cr, access.ActionRead, with(func(s *access.Subject) { s.Referred = true }), kam.ComplianceRole},
		{cr, access.ActionCompliance, here, kam.ComplianceRole},

		{tm, access.ActionReassign, here, ""},
		{tm, access.ActionReassign, named("tm"), kam.TerritoryManager},
		{rm, access.ActionReassign, here, kam.RegionalManager},
		{admin, access.ActionReassign, here, kam.PolicyAdmin},
		{admin, access.ActionConfirm, here, ""},
		{op, access.ActionRetry, here, kam.Operator},
		{gm, access.ActionRetry, here, ""},
		{op, access.ActionCancelAsk, here, kam.Operator},
		{op, access.ActionCancelAgree, here, ""},
		{admin, access.ActionCancelAgree, here, kam.PolicyAdmin},
		{rep, access.ActionComment, here, kam.SalesRep},
		{auditor, access.ActionComment, here, ""},
		{auditor, access.ActionRead, here, kam.Auditor},
		{auditor, access.ActionAuditExport, here, kam.Auditor},
		{op, access.ActionAuditExport, here, ""},
		{admin, access.ActionPolicyPublish, access.Subject{Requester: "pa"}, ""},
		{admin, access.ActionPolicyPublish, access.Subject{Requester: "pb"}, kam.PolicyAdmin},
		{nm, access.ActionPolicyPublish, access.Subject{Together: is(kam.PolicyAdmin)}, kam.NationalManager},
		{nm, access.ActionPolicyPublish, access.Subject{}, ""},
		{gm, "no_such_action", here, ""},
	} {
		t.Run(fmt.Sprintf("%s %s", tc.who.ID, tc.what), func(t *testing.T) {
			role, err := access.Permit(tc.who, tc.what, tc.on)
			require.Equal(t, tc.as, role, "%v", err)
			if tc.as == "" {
				require.ErrorIs(t, err, kam.Forbidden)
				require.Contains(t, err.Error(), string(tc.who.ID))
				require.NotContains(t, err.Error(), ": ;")
			} else {
				require.NoError(t, err)
			}
		})
	}
}

// TestPermitNobodyIsEveryone: a person without id, roles or nodes may nothing,
// on empty subjects too, where every name is equal to his.
func TestPermitNobodyIsEveryone(t *testing.T) {
	t.Parallel()
	for _, a := range access.Actions {
		_, err := access.Permit(kam.Person{Active: true}, a, access.Subject{})
		require.ErrorIs(t, err, kam.Forbidden, a)
		_, err = access.Permit(person("", []kam.Role{kam.SalesRep, kam.KeyAccountManager}), a, access.Subject{})
		require.ErrorIs(t, err, kam.Forbidden, a)
	}
}

// TestOperatorsDecideNothing is SOD5 over the whole matrix: with the role
// operator or user_admin, no row of a deciding role holds.
func TestOperatorsDecideNothing(t *testing.T) {
	t.Parallel()
	s := place(access.Subject{Requester: "u", Owner: "u", RequesterManager: "u", Assignees: []kam.UserID{"u"}, Referred: true})
	for _, it := range []kam.Role{kam.Operator, kam.UserAdmin} {
		p := person("u", append([]kam.Role{it}, columns[2:10]...), s.Path...)
		for _, a := range access.Actions {
			if role, err := access.Permit(p, a, s); err == nil {
				require.Equal(t, it, role, a)
			}
		}
	}
}

func TestCheckRoles(t *testing.T) {
	t.Parallel()
	ok := [][]kam.Role{nil, {kam.SalesRep, kam.KeyAccountManager}, {kam.TerritoryManager, kam.RegionalManager, kam.DataSteward}, {kam.Operator, kam.UserAdmin}, {kam.Auditor}}
	for _, roles := range ok {
		require.NoError(t, access.CheckRoles(roles))
	}
	for _, bad := range []struct {
		roles []kam.Role
		rule  string
	}{
		{[]kam.Role{kam.Operator, kam.TerritoryManager}, "SOD5"},
		{[]kam.Role{kam.DataSteward, kam.UserAdmin}, "SOD5"},
		{[]kam.Role{kam.PolicyAdmin, kam.Operator}, "SOD5"},
		{[]kam.Role{kam.Auditor, kam.SalesRep}, "SOD6"},
	} {
		err := access.CheckRoles(bad.roles)
		require.ErrorIs(t, err, kam.Separation)
		require.Equal(t, bad.rule, kam.AsError(err).Rule)
	}
	require.ErrorIs(t, access.CheckRoles([]kam.Role{"king"}), kam.Invalid)
}

// TestRefusalNamesWhoElse: a role that was refused for its scope is no remedy
// by itself.
func TestRefusalNamesWhoElse(t *testing.T) {
	t.Parallel()
	p := kam.Person{ID: "ida", Active: true, Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"DE-N-02"}}
	_, err := access.Permit(p, access.ActionStart, access.Subject{Requester: "ida", Owner: "paul", Path: []string{"DE-S-02", "DE-S"}})
	require.ErrorContains(t, err, "only customers that he owns or in whose territory he works")
	require.True(t, strings.HasPrefix(kam.AsError(err).Remedy, "ask its owner paul or somebody of DE-S-02; may: "), kam.AsError(err).Remedy)
	_, err = access.Permit(p, access.ActionConfirm, access.Subject{})
	require.True(t, strings.HasPrefix(kam.AsError(err).Remedy, "may: "), kam.AsError(err).Remedy)
}
