package access

import (
	"slices"

	"github.com/kamflow/kamflow/kam"
)

// Permissions is the matrix of P5.2, every cell resolved into rows, with the
// roles that the table lacks and what its last line and other pages add.
var Permissions = permissions()

// A grant is a row before its action is known.
type grant struct {
	roles []kam.Role
	scope Scope
	when  Condition
}

func own(roles ...kam.Role) grant      { return grant{roles, ScopeOwn, Condition{}} }
func sub(roles ...kam.Role) grant      { return grant{roles, ScopeSub, Condition{}} }
func everyone(roles ...kam.Role) grant { return grant{roles, ScopeAll, Condition{}} }

func (g grant) in(s Scope) grant       { g.scope = s; return g }
func (g grant) only(c Condition) grant { g.when = c; return g }
func (g grant) rows(r []Permission, source string, a Action, right Right) []Permission {
	for _, role := range g.roles {
		r = append(r, Permission{role, a, right, g.scope, g.when, source})
	}
	return r
}

// The sources of rows besides the table itself.
const (
	fromTable    = "5.2"
	fromLastLine = "5.2, last line" // a higher manager may do what a lower one may
	fromRight    = "5.2, implied"   // who may change or decide may read
)

func permissions() []Permission {
	var rows []Permission
	source := fromTable
	add := func(a Action, right Right, grants ...grant) {
		for _, g := range grants {
			rows = g.rows(rows, source, a, right)
		}
	}
	middle := sub(kam.TerritoryManager, kam.RegionalManager, kam.NationalManager)
	higher := sub(kam.RegionalManager, kam.NationalManager)
	managers := own(kam.ManagerRoles...)
	sales := own(kam.SalesRep, kam.KeyAccountManager)
	global, steward := everyone(kam.GlobalManager), everyone(kam.DataSteward)

	add(ActionStart, RightCreate, sales, middle, global, steward)
	add(ActionRead, RightRead, sales.in(ScopeOwnArea), middle, global, steward, own(kam.ComplianceRole).in(ScopeReferred),
		sub(kam.FinanceController), everyone(kam.PolicyAdmin), everyone(kam.Operator).only(noCustomer), everyone(kam.Auditor))
	add(ActionEnterData, RightChange, sales, managers, own(kam.DataSteward),
		sub(kam.FinanceController).only(ifFields("credit rating only", "credit_rating")))
	add(ActionWithdraw, RightDecide, sales, middle, global)
	add(ActionClearDuplicate, RightDecide, sales.only(ifUncertain), middle.only(ifUncertain), global.only(ifUncertain), steward.only(ifUncertain))
	add(ActionClearCertain, RightDecide, steward)
	add(ActionWaive, RightDecide, steward.only(ifOtherRule), everyone(kam.ComplianceRole).only(ifScreening))
	add(ActionCompliance, RightDecide, everyone(kam.ComplianceRole))
	add(ActionConfirm, RightDecide, middle.only(ifLevel), global.only(ifLevel))
	add(ActionEndorse, RightDecide,
		middle.only(ifTier(kam.TierTerritory)), global.only(ifTier(kam.TierTerritory)),
		higher.only(ifTier(kam.TierRegional)), global.only(ifTier(kam.TierRegional)),
		sub(kam.NationalManager).only(ifTier(kam.TierNational)), global.only(ifTier(kam.TierNational)),
		sub(kam.NationalManager).only(ifFirst), global.only(ifSecond))
	add(ActionNominate, RightCreate, sales, middle, global)
	add(ActionAssignOwner, RightDecide, middle, global)
	add(ActionReassign, RightDecide, sub(kam.TerritoryManager).only(ifOwnTask), higher, global, everyone(kam.PolicyAdmin))

	add(ActionPlanEdit, RightChange, own(kam.KeyAccountManager))
	add(ActionPlanRead, RightRead, middle, global, everyone(kam.FinanceController, kam.Auditor))
	add(ActionPlanApprove, RightDecide, sub(kam.TerritoryManager).only(ifTier(kam.TierTerritory)), sub(kam.RegionalManager).only(ifTier(kam.TierRegional)),
		sub(kam.NationalManager).only(ifTier(kam.TierNational)), global.only(ifTier(kam.TierGlobal)), everyone(kam.FinanceController).only(ifWithMgr))
	add(ActionEnterPnL, RightChange, everyone(kam.FinanceController))
	add(ActionFinanceHold, RightChange, everyone(kam.FinanceController))
	add(ActionConfirmActuals, RightDecide, middle, global, steward)
	add(ActionCallPlanEdit, RightChange, sales, sub(kam.TerritoryManager))
	add(ActionCallPlanApprove, RightDecide, middle)
	add(ActionCallPlanRead, RightRead, higher, global, everyone(kam.Auditor))
	add(ActionRecordCall, RightChange, sales, managers)
	add(ActionReviewHold, RightChange, own(kam.KeyAccountManager))
	add(ActionReviewDecide, RightDecide, middle, global)
	add(ActionReviewRead, RightRead, everyone(kam.FinanceController, kam.Auditor))
	add(ActionReport, RightRead, sales, middle, global, steward.only(ifReport("R16")),
		own(kam.ComplianceRole).in(ScopeReferred).only(ifReport("R03")), everyone(kam.FinanceController).only(ifReport("R11")),
		everyone(kam.PolicyAdmin), everyone(kam.Operator).only(ifReport("R02")), everyone(kam.Auditor))

	add(ActionPolicyDraft, RightChange, everyone(kam.PolicyAdmin))
	add(ActionPolicyPublish, RightDecide, everyone(kam.NationalManager, kam.GlobalManager).only(ifWithPol), everyone(kam.PolicyAdmin).only(ifNotOwn))
	add(ActionPolicyRead, RightRead, everyone(kam.Auditor))
	add(ActionTerritoriesEdit, RightChange, everyone(kam.PolicyAdmin))
	add(ActionCalendarsEdit, RightChange, everyone(kam.PolicyAdmin))
	add(ActionReferenceEdit, RightChange, steward, everyone(kam.FinanceController).only(ifFields("benchmarks only", "benchmarks")), everyone(kam.PolicyAdmin))
	add(ActionReferenceRead, RightRead, everyone(kam.ManagerRoles...), everyone(kam.Auditor))
	add(ActionUsersEdit, RightChange, everyone(kam.UserAdmin).only(ifNotToSel))
	add(ActionUsersRead, RightRead, everyone(kam.Auditor))
	add(ActionDelegate, RightCreate, managers, own(kam.DataSteward, kam.ComplianceRole), everyone(kam.PolicyAdmin).only(ifOthers))
	add(ActionDelegationsRead, RightRead, everyone(kam.Auditor))
	add(ActionImportUpload, RightCreate, steward, everyone(kam.FinanceController).only(ifFields("P&L only", "pnl")), everyone(kam.PolicyAdmin))
	add(ActionImportConfirm, RightDecide, middle, global)
	add(ActionImportRead, RightRead, everyone(kam.Auditor))
	add(ActionRetry, RightDecide, everyone(kam.Operator))
	add(ActionCancelAsk, RightDecide, everyone(kam.Operator).only(twoPersons))
	add(ActionCancelAgree, RightDecide, everyone(kam.PolicyAdmin).only(twoPersons))
	add(ActionReadOperation, RightRead, everyone(kam.Auditor))
	add(ActionAuditExport, RightRead, everyone(kam.Auditor))
	add(ActionAuditCheck, RightRead, everyone(kam.Operator, kam.Auditor))

	source = "5.4" // escalated and reassigned tasks: who is named decides
	assigned := managers.in(ScopeAssigned)
	add(ActionConfirm, RightDecide, assigned)
	add(ActionEndorse, RightDecide, assigned)
	source = "2.6" // withdraw: requester or own manager; reevaluate: policy_admin
	add(ActionWithdraw, RightDecide, managers.in(ScopeTeam), own(append([]kam.Role{kam.DataSteward, kam.Integration}, kam.ManagerRoles...)...))
	add(ActionReevaluate, RightDecide, everyone(kam.PolicyAdmin))
	source = "2.3" // a review is raised by 3.3, a change of policy, a hit of screening (2.7)
	add(ActionReview, RightCreate, middle, global, everyone(kam.PolicyAdmin, kam.ComplianceRole))
	source = "3.4.4" // records of one customer are made one, or two again
	add(ActionMerge, RightDecide, steward)
	source = "2.7" // a contact person is erased by order
	add(ActionEraseContact, RightDecide, everyone(kam.ComplianceRole))
	add(ActionErasuresRead, RightRead, everyone(kam.Operator, kam.Auditor))
	source = "5.1" // the roles that the table of P5.2 lacks
	add(ActionStart, RightCreate, own(kam.Integration).in(ScopeGranted))
	add(ActionRead, RightRead, own(kam.Integration))
	add(ActionEnterData, RightChange, own(kam.Integration))
	add(ActionImportUpload, RightCreate, own(kam.Integration).in(ScopeGranted))
	add(ActionPlanAgree, RightDecide, own(kam.CustomerContact).in(ScopeLink))
	add(ActionPlanRead, RightRead, own(kam.CustomerContact).in(ScopeLink))

	rows = append(rows, upward(rows)...)
	rows = append(rows, readers(rows)...)
	return append(rows, commenters(rows)...)
}

// upward gives each managing role what a lower one may do in its subtree, with
// the lower one's condition, where the role has no such row itself.
func upward(rows []Permission) []Permission {
	var more []Permission
	have := func(r Permission) bool {
		for _, x := range append(rows[:len(rows):len(rows)], more...) {
			wide := x.Scope == ScopeSub || x.Scope == ScopeAll
			if wide && x.Role == r.Role && x.Action == r.Action && (x.When.Text == "" || x.When.Text == r.When.Text) {
				return true
			}
		}
		return false
	}
	for _, r := range rows {
		level, manages := r.Role.Level()
		if !manages || r.Scope != ScopeSub {
			continue
		}
		for _, higher := range kam.ManagerRoles[level.Rank()+1:] {
			up := r
			up.Role, up.Source = higher, fromLastLine
			if higher == kam.GlobalManager {
				up.Scope = ScopeAll
			}
			if !have(up) {
				more = append(more, up)
			}
		}
	}
	return more
}

// readOf lists, by the action that reads, the actions whose right includes it.
var readOf = []struct {
	read Action
	by   []Action
}{
	{ActionPlanRead, []Action{ActionPlanEdit, ActionPlanApprove, ActionPlanAgree}},
	{ActionCallPlanRead, []Action{ActionCallPlanEdit, ActionCallPlanApprove}},
	{ActionReviewRead, []Action{ActionReviewHold, ActionReviewDecide}},
	{ActionPolicyRead, []Action{ActionPolicyDraft, ActionPolicyPublish}},
	{ActionReferenceRead, []Action{ActionReferenceEdit, ActionTerritoriesEdit, ActionCalendarsEdit}},
	{ActionUsersRead, []Action{ActionUsersEdit}},
	{ActionDelegationsRead, []Action{ActionDelegate}},
	{ActionImportRead, []Action{ActionImportUpload, ActionImportConfirm}},
	{ActionErasuresRead, []Action{ActionEraseContact}},
	{ActionReadOperation, []Action{ActionRetry, ActionCancelAsk, ActionCancelAgree}},
}

// readers lets whoever may change or decide a thing read it.
func readers(rows []Permission) []Permission {
	var more []Permission
	type cell struct {
		role   kam.Role
		action Action
		scope  Scope
	}
	have := map[cell]bool{}
	for _, r := range rows {
		have[cell{r.Role, r.Action, r.Scope}] = true
	}
	for _, x := range readOf {
		for _, r := range rows {
			k := cell{r.Role, x.read, r.Scope}
			if slices.Contains(x.by, r.Action) && !have[k] && !have[cell{r.Role, x.read, ScopeAll}] {
				have[k] = true
				more = append(more, Permission{r.Role, x.read, RightRead, r.Scope, Condition{}, fromRight})
			}
		}
	}
	return more
}

// commenters lets whoever may read a case comment on it, but for the auditor,
// who changes nothing.
func commenters(rows []Permission) []Permission {
	var more []Permission
	for _, r := range rows {
		if r.Action == ActionRead && r.Role != kam.Auditor {
			more = append(more, Permission{r.Role, ActionComment, RightCreate, r.Scope, Condition{}, "2.8"})
		}
	}
	return more
}
