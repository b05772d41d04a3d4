package access

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// Action is something that the permission matrix allows or not (P5.2).
type Action string

// The actions of a case. The matrix holds further ones for processes 2 to 5.
const (
	ActionStart          Action = "start_case"
	ActionRead           Action = "read_case"
	ActionEnterData      Action = "enter_data"
	ActionWithdraw       Action = "withdraw"
	ActionClearDuplicate Action = "clear_duplicate"
	ActionClearCertain   Action = "clear_certain_duplicate"
	ActionWaive          Action = "waive_review"
	ActionCompliance     Action = "compliance_review"
	ActionConfirm        Action = "management_confirmation"
	ActionEndorse        Action = "endorse"
	ActionNominate       Action = "nominate"
	ActionAssignOwner    Action = "assign_owner"
	ActionReassign       Action = "reassign"
	ActionComment        Action = "comment"
	ActionRetry          Action = "retry"
	ActionReview         Action = "start_review" // RECLASSIFY
	ActionMerge          Action = "merge_customers"
	ActionAuditCheck     Action = "audit_check"
)

// The further actions of the matrix (P5.2): those of administration and of
// processes 2 to 5. A cell of P5.2 that names two rights ("edit / approve") is
// two actions here.
const (
	ActionReevaluate      Action = "reevaluate"
	ActionCancelAsk       Action = "cancel_ask"
	ActionCancelAgree     Action = "cancel_agree"
	ActionReadOperation   Action = "read_operation"
	ActionPlanEdit        Action = "edit_plan"
	ActionPlanRead        Action = "read_plan"
	ActionPlanAgree       Action = "agree_plan"
	ActionPlanApprove     Action = "approve_plan"
	ActionEnterPnL        Action = "enter_pnl"
	ActionFinanceHold     Action = "finance_hold"
	ActionConfirmActuals  Action = "confirm_actuals"
	ActionCallPlanEdit    Action = "edit_call_plan"
	ActionCallPlanApprove Action = "approve_call_plan"
	ActionCallPlanRead    Action = "read_call_plan"
	ActionRecordCall      Action = "record_call"
	ActionReviewHold      Action = "hold_review"
	ActionReviewDecide    Action = "decide_review"
	ActionReviewRead      Action = "read_review"
	ActionReport          Action = "report"
	ActionPolicyDraft     Action = "draft_policy"
	ActionPolicyPublish   Action = "publish_policy"
	ActionPolicyRead      Action = "read_policy"
	ActionTerritoriesEdit Action = "edit_territories"
	ActionCalendarsEdit   Action = "edit_calendars"
	ActionReferenceEdit   Action = "edit_reference"
	ActionReferenceRead   Action = "read_reference"
	ActionUsersEdit       Action = "edit_users"
	ActionUsersRead       Action = "read_users"
	ActionDelegate        Action = "delegate"
	ActionDelegationsRead Action = "read_delegations"
	ActionImportUpload    Action = "upload_import"
	ActionImportConfirm   Action = "confirm_import"
	ActionImportRead      Action = "read_import"
	ActionAuditExport     Action = "audit_export"
	ActionEraseContact    Action = "erase_contact"
	ActionErasuresRead    Action = "read_erasures"
)

// Right is what a permission gives.
type Right string

// The rights of P5.2.
const (
	RightCreate Right = "C"
	RightRead   Right = "R"
	RightChange Right = "U"
	RightDecide Right = "D"
)

// Scope says on which records a permission holds.
type Scope string

// The scopes.
const (
	ScopeOwn      Scope = "OWN"               // the person is the requester or the owner
	ScopeOwnArea  Scope = "OWN_AND_TERRITORY" // own, or in a territory the person works in
	ScopeSub      Scope = "SUB"               // in the subtree of a node the person manages
	ScopeAssigned Scope = "ASSIGNED"          // the open task names the person
	ScopeTeam     Scope = "TEAM"              // the requester reports to the person
	ScopeReferred Scope = "REFERRED"          // the case was referred to compliance
	ScopeGranted  Scope = "GRANTED"           // within the nodes granted to a machine
	ScopeLink     Scope = "LINK"              // the part of the own plan that a link opens
	ScopeAll      Scope = "ALL"
)

// Words is the scope as people read it.
func (s Scope) Words() string {
	return map[Scope]string{
		ScopeOwn:      "own records",
		ScopeOwnArea:  "own records and own territory",
		ScopeSub:      "own subtree",
		ScopeAssigned: "tasks assigned to the person",
		ScopeTeam:     "requests of own people",
		ScopeReferred: "cases referred to compliance",
		ScopeGranted:  "granted nodes",
		ScopeLink:     "the customer's part of the own plan",
		ScopeAll:      "everywhere",
	}[s]
}

// A Condition narrows a permission beyond its scope: words for people and a
// test where the facts of the subject decide it. Words without a test name a
// rule that another place keeps.
type Condition struct {
	Text string
	Test func(kam.Role, kam.Person, Subject) bool
}

// A Permission is one row of the matrix: a role may do an action on the records
// of a scope, under a condition. Source names the page that gives it: cells of
// the table are "5.2".
type Permission struct {
	Role   kam.Role
	Action Action
	Right  Right
	Scope  Scope
	When   Condition
	Source string
}

// A Subject is what a person acts on, as far as permissions ask: a case, or for
// the further actions a plan, policy, import or report. Fields that an action
// does not ask for stay empty.
type Subject struct {
	// Requester raised the case, wrote the policy draft or grants the role.
	Requester        kam.UserID
	RequesterManager kam.UserID
	Owner            kam.UserID
	// Path holds the codes of the case's nodes from its territory up to the
	// root; Levels, where given, their levels in the same order. A managing role
	// then acts through a node of its own level or a higher one.
	Path   []string
	Levels []kam.NodeLevel
	// Level is the level of manager that the task needs.
	Level kam.NodeLevel
	Tier  kam.Tier
	// Endorsed counts the endorsements that are in already.
	Endorsed int
	// Certain says that the candidate to be cleared is CERTAIN.
	Certain bool
	// Rule is the rule of the finding to be waived.
	Rule string
	// Customer says that a customer is read, not a case.
	Customer bool
	// Referred says that the case was ever sent to compliance.
	Referred bool
	// Assignees of the open task, without those who stand in for one of them.
	Assignees []kam.UserID
	// Work is what the open task is about, and For in whose place the person acts,
	// nil where he acts for himself.
	Work Work
	For  *Proxy
	// Fields that are to be changed, and Report that is asked for.
	Fields []string
	Report string
	// Together are the roles of others who have agreed to the same thing.
	Together []kam.Role
}

// At places a subject at the first node of a path, see [kam.PathOf].
func (s *Subject) At(path []kam.TerritoryNode) {
	s.Path, s.Levels = nil, nil
	for _, n := range path {
		s.Path, s.Levels = append(s.Path, n.Code), append(s.Levels, n.Level)
	}
}

// second says whether the task asks for the second of two endorsements: one is
// in, or the task is raised to the level that gives the second.
func (s Subject) second() bool { return s.Endorsed > 0 || s.Level == kam.LevelGlobal }

func words(text string) Condition { return Condition{Text: text} }

// The conditions of the matrix.
var (
	ifUncertain = Condition{"class POSSIBLE or PROBABLE", func(_ kam.Role, _ kam.Person, s Subject) bool { return !s.Certain }}
	ifScreening = Condition{"findings of screening (VS*)", func(_ kam.Role, _ kam.Person, s Subject) bool { return s.Rule == "" || strings.HasPrefix(s.Rule, "VS") }}
	ifOtherRule = Condition{"findings other than screening (VS*)", func(_ kam.Role, _ kam.Person, s Subject) bool { return !strings.HasPrefix(s.Rule, "VS") }}
	ifLevel     = Condition{"the role's level is at least the level that the task needs", func(r kam.Role, _ kam.Person, s Subject) bool {
		l, _ := r.Level()
		return s.Level == "" || s.Level.Rank() >= 0 && l.Rank() >= s.Level.Rank()
	}}
	ifOwnTask = Condition{"the open task is the person's own", func(_ kam.Role, p kam.Person, s Subject) bool { return slices.Contains(s.Assignees, p.ID) }}
	ifFirst   = Condition{"tier GLOBAL: first of two", func(_ kam.Role, _ kam.Person, s Subject) bool { return s.Tier == kam.TierGlobal && !s.second() }}
	ifSecond  = Condition{"tier GLOBAL: second of two", func(_ kam.Role, _ kam.Person, s Subject) bool { return s.Tier == kam.TierGlobal && s.second() }}
	ifOthers  = Condition{"for others, with a reason", func(_ kam.Role, p kam.Person, s Subject) bool { return p.ID != s.Owner }}
	ifNotOwn  = Condition{"not the own draft (SOD4)", func(_ kam.Role, p kam.Person, s Subject) bool { return p.ID != s.Requester }}
	ifWithMgr = Condition{"tier NATIONAL, together with the national manager", func(_ kam.Role, _ kam.Person, s Subject) bool {
		return s.Tier == kam.TierNational && slices.Contains(s.Together, kam.NationalManager)
	}}
	ifWithPol = Condition{"together with policy_admin; not the own draft (SOD4)", func(_ kam.Role, p kam.Person, s Subject) bool {
		return slices.Contains(s.Together, kam.PolicyAdmin) && p.ID != s.Requester
	}}
	ifNotToSel = Condition{"not for oneself; a second admin agrees (SOD9)", func(_ kam.Role, p kam.Person, s Subject) bool { return p.ID != s.Owner }}
	noCustomer = words("without customer data")
	twoPersons = words("two persons: asked by operator, agreed by policy_admin")
)

// ifTier holds for one tier.
func ifTier(t kam.Tier) Condition {
	return Condition{"tier " + string(t), func(_ kam.Role, _ kam.Person, s Subject) bool { return s.Tier == t }}
}

// ifFields holds where nothing but the named fields is changed.
func ifFields(text string, fields ...string) Condition {
	return Condition{text, func(_ kam.Role, _ kam.Person, s Subject) bool {
		for _, f := range s.Fields {
			if !slices.Contains(fields, f) {
				return false
			}
		}
		return len(s.Fields) > 0
	}}
}

// ifReport holds for one report.
func ifReport(r string) Condition {
	return Condition{"report " + r, func(_ kam.Role, _ kam.Person, s Subject) bool { return s.Report == r }}
}
