package kam

import "slices"

// Permissions is the matrix of P5.2, every cell resolved into rows, with the
// roles that the table lacks and what its last line and other pages add.
var Permissions = permissions()

// A grant is a row before its action is known.
type grant struct {
	roles []Role
	scope Scope
	when  Condition
}

func own(roles ...Role) grant      { return grant{roles, ScopeOwn, Condition{}} }
func sub(roles ...Role) grant      { return grant{roles, ScopeSub, Condition{}} }
func everyone(roles ...Role) grant { return grant{roles, ScopeAll, Condition{}} }

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
	middle := sub(TerritoryManager, RegionalManager, NationalManager)
	higher := sub(RegionalManager, NationalManager)
	managers := own(ManagerRoles...)
	sales := own(SalesRep, KeyAccountManager)
	global, steward := everyone(GlobalManager), everyone(DataSteward)

	add(ActionStart, RightCreate, sales, middle, global, steward)
	add(ActionRead, RightRead, sales.in(ScopeOwnArea), middle, global, steward, own(ComplianceRole).in(ScopeReferred),
		sub(FinanceController), everyone(PolicyAdmin), everyone(Operator).only(noCustomer), everyone(Auditor))
	add(ActionEnterData, RightChange, sales, managers, own(DataSteward),
		sub(FinanceController).only(ifFields("credit rating only", "credit_rating")))
	add(ActionWithdraw, RightDecide, sales, middle, global)
	add(ActionClearDuplicate, RightDecide, sales.only(ifUncertain), middle.only(ifUncertain), global.only(ifUncertain), steward.only(ifUncertain))
	add(ActionClearCertain, RightDecide, steward)
	add(ActionWaive, RightDecide, steward.only(ifOtherRule), everyone(ComplianceRole).only(ifScreening))
	add(ActionCompliance, RightDecide, everyone(ComplianceRole))
	add(ActionConfirm, RightDecide, middle.only(ifLevel), global.only(ifLevel))
	add(ActionEndorse, RightDecide,
		middle.only(ifTier(TierTerritory)), global.only(ifTier(TierTerritory)),
		higher.only(ifTier(TierRegional)), global.only(ifTier(TierRegional)),
		sub(NationalManager).only(ifTier(TierNational)), global.only(ifTier(TierNational)),
		sub(NationalManager).only(ifFirst), global.only(ifSecond))
	add(ActionNominate, RightCreate, sales, middle, global)
	add(ActionAssignOwner, RightDecide, middle, global)
	add(ActionReassign, RightDecide, sub(TerritoryManager).only(ifOwnTask), higher, global, everyone(PolicyAdmin))

	add(ActionPlanEdit, RightChange, own(KeyAccountManager))
	add(ActionPlanRead, RightRead, middle, global, everyone(FinanceController, Auditor))
	add(ActionPlanApprove, RightDecide, sub(TerritoryManager).only(ifTier(TierTerritory)), sub(RegionalManager).only(ifTier(TierRegional)),
		sub(NationalManager).only(ifTier(TierNational)), global.only(ifTier(TierGlobal)), everyone(FinanceController).only(ifWithMgr))
	add(ActionEnterPnL, RightChange, everyone(FinanceController))
	add(ActionFinanceHold, RightChange, everyone(FinanceController))
	add(ActionConfirmActuals, RightDecide, middle, global, steward)
	add(ActionCallPlanEdit, RightChange, sales, sub(TerritoryManager))
	add(ActionCallPlanApprove, RightDecide, middle)
	add(ActionCallPlanRead, RightRead, higher, global, everyone(Auditor))
	add(ActionRecordCall, RightChange, sales, managers)
	add(ActionReviewHold, RightChange, own(KeyAccountManager))
	add(ActionReviewDecide, RightDecide, middle, global)
	add(ActionReviewRead, RightRead, everyone(FinanceController, Auditor))
	add(ActionReport, RightRead, sales, middle, global, steward.only(ifReport("R16")),
		own(ComplianceRole).in(ScopeReferred).only(ifReport("R03")), everyone(FinanceController).only(ifReport("R11")),
		everyone(PolicyAdmin), everyone(Operator).only(ifReport("R02")), everyone(Auditor))

	add(ActionPolicyDraft, RightChange, everyone(PolicyAdmin))
	add(ActionPolicyPublish, RightDecide, everyone(NationalManager, GlobalManager).only(ifWithPol), everyone(PolicyAdmin).only(ifNotOwn))
	add(ActionPolicyRead, RightRead, everyone(Auditor))
	add(ActionTerritoriesEdit, RightChange, everyone(PolicyAdmin))
	add(ActionCalendarsEdit, RightChange, everyone(PolicyAdmin))
	add(ActionReferenceEdit, RightChange, steward, everyone(FinanceController).only(ifFields("benchmarks only", "benchmarks")), everyone(PolicyAdmin))
	add(ActionReferenceRead, RightRead, everyone(ManagerRoles...), everyone(Auditor))
	add(ActionUsersEdit, RightChange, everyone(UserAdmin).only(ifNotToSel))
	add(ActionUsersRead, RightRead, everyone(Auditor))
	add(ActionDelegate, RightCreate, managers, own(DataSteward, ComplianceRole), everyone(PolicyAdmin).only(words("for others, with a reason")))
	add(ActionDelegationsRead, RightRead, everyone(Auditor))
	add(ActionImportUpload, RightCreate, steward, everyone(FinanceController).only(ifFields("P&L only", "pnl")), everyone(PolicyAdmin))
	add(ActionImportConfirm, RightDecide, middle, global)
	add(ActionImportRead, RightRead, everyone(Auditor))
	add(ActionRetry, RightDecide, everyone(Operator))
	add(ActionCancelAsk, RightDecide, everyone(Operator).only(twoPersons))
	add(ActionCancelAgree, RightDecide, everyone(PolicyAdmin).only(twoPersons))
	add(ActionReadOperation, RightRead, everyone(Auditor))
	add(ActionAuditExport, RightRead, everyone(Auditor))
	add(ActionAuditCheck, RightRead, everyone(Operator, Auditor))

	source = "5.4" // escalated and reassigned tasks: who is named decides
	assigned := managers.in(ScopeAssigned)
	add(ActionConfirm, RightDecide, assigned)
	add(ActionEndorse, RightDecide, assigned)
	source = "2.6" // withdraw: requester or own manager; reevaluate: policy_admin
	add(ActionWithdraw, RightDecide, managers.in(ScopeTeam), own(append([]Role{DataSteward, Integration}, ManagerRoles...)...))
	add(ActionReevaluate, RightDecide, everyone(PolicyAdmin))
	source = "2.3" // a review is raised by 3.3, a change of policy, a hit of screening (2.7)
	add(ActionReview, RightCreate, middle, global, everyone(PolicyAdmin, ComplianceRole))
	source = "3.4.4" // records of one customer are made one, or two again
	add(ActionMerge, RightDecide, steward)
	source = "2.7" // a contact person is erased by order
	add(ActionEraseContact, RightDecide, everyone(ComplianceRole))
	add(ActionErasuresRead, RightRead, everyone(Operator, Auditor))
	source = "5.1" // the roles that the table of P5.2 lacks
	add(ActionStart, RightCreate, own(Integration).in(ScopeGranted))
	add(ActionRead, RightRead, own(Integration))
	add(ActionEnterData, RightChange, own(Integration))
	add(ActionImportUpload, RightCreate, own(Integration).in(ScopeGranted))
	add(ActionPlanAgree, RightDecide, own(CustomerContact).in(ScopeLink))
	add(ActionPlanRead, RightRead, own(CustomerContact).in(ScopeLink))

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
		for _, higher := range ManagerRoles[level.Rank()+1:] {
			up := r
			up.Role, up.Source = higher, fromLastLine
			if higher == GlobalManager {
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
		role   Role
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
		if r.Action == ActionRead && r.Role != Auditor {
			more = append(more, Permission{r.Role, ActionComment, RightCreate, r.Scope, Condition{}, "2.8"})
		}
	}
	return more
}
