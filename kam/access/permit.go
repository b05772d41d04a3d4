package access

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// Actions lists the actions of the matrix, in its order.
var Actions = func() []Action {
	var list []Action
	for _, r := range Permissions {
		if !slices.Contains(list, r.Action) {
			list = append(list, r.Action)
		}
	}
	return list
}()

// deciding are the roles that decide on business; who holds one may hold
// neither operator nor user_admin (SOD5).
var deciding = append([]kam.Role{kam.DataSteward, kam.ComplianceRole, kam.FinanceController, kam.PolicyAdmin}, kam.ManagerRoles...)

// CheckRoles says whether one person may hold these roles together: SOD5,
// SOD6, and no role that does not exist.
func CheckRoles(roles []kam.Role) error {
	for _, r := range roles {
		if !slices.Contains(kam.Roles, r) {
			return kam.Errorf(kam.Invalid, "%q is not a role", kam.Clip(string(r), 40)).On("roles").Try("one of %s", kam.ListOf(kam.Roles))
		}
	}
	for _, it := range []kam.Role{kam.Operator, kam.UserAdmin} {
		for _, r := range roles {
			if slices.Contains(roles, it) && slices.Contains(deciding, r) {
				return kam.Errorf(kam.Separation, "%s and %s may not be held by one person", it, r).On("roles").By("SOD5").Try("give one of the roles to somebody else")
			}
		}
	}
	if slices.Contains(roles, kam.Auditor) {
		for _, r := range roles {
			if r != kam.Auditor {
				return kam.Errorf(kam.Separation, "%s and %s may not be held by one person", kam.Auditor, r).On("roles").By("SOD6").Try("give one of the roles to somebody else")
			}
		}
	}
	return nil
}

// Permit says whether a person may do an action on a subject and by which of
// his roles: the first row of the matrix that holds. Otherwise the error is
// FORBIDDEN and says who wanted what, what stands against it, and who may.
//
// It knows roles, scopes and conditions of the matrix. Separation of duties is
// [onboarding.CheckSeparation]; for roles that may not be held together see [CheckRoles]:
// where tables hold such a person all the same, he decides nothing with them.
//
// [ActionClearDuplicate] on a CERTAIN candidate asks [ActionClearCertain]. Set
// Subject.Certain only where the answer is "not the same": to choose the
// existing customer needs no steward.
func Permit(p kam.Person, a Action, s Subject) (kam.Role, error) {
	if !p.Active {
		return "", refused(p, s.words(a), kam.Say("the account is not active")).Try("ask a user_admin")
	}
	if a == ActionClearDuplicate && s.Certain {
		a = ActionClearCertain
	}
	var why []kam.Sentence
	var may []kam.Role
	for _, row := range Permissions {
		if row.Action != a {
			continue
		}
		if !slices.Contains(may, row.Role) {
			may = append(may, row.Role)
		}
		if !p.Is(row.Role) {
			continue
		}
		switch reason := row.holds(p, s); {
		case reason.English == "":
			return row.Role, nil
		case !slices.ContainsFunc(why, func(w kam.Sentence) bool { return w.English == reason.English }):
			why = append(why, reason)
		}
	}
	switch {
	case len(may) == 0:
		return "", refused(p, s.words(a), kam.Say("there is no such action"))
	case len(why) == 0 && len(p.Roles) == 0:
		return "", refused(p, s.words(a), kam.Say("no role is held")).Try("may: %s", kam.ListOf(may))
	case len(why) == 0:
		return "", refused(p, s.words(a), kam.Say("%s may not", kam.ListOf(p.Roles))).Try("may: %s", kam.ListOf(may))
	}
	all := why[0]
	for _, w := range why[1:] {
		all = kam.Say("%s; %s", all, w)
	}
	return "", refused(p, s.words(a), all).Advise(s.others(may))
}

// others names the roles that may, and who is nearest to what somebody may not
// do: the roles alone would send him back to himself.
func (s Subject) others(may []kam.Role) kam.Sentence {
	roles := kam.ListOf(may)
	owner, placed := kam.Clip(string(s.Owner), 80), len(s.Path) > 0 && s.Path[0] != ""
	switch {
	case owner != "" && placed:
		return kam.Say("ask its owner %s or somebody of %s; may: %s", owner, kam.Clip(s.Path[0], 40), roles)
	case owner != "":
		return kam.Say("ask its owner %s; may: %s", owner, roles)
	case placed:
		return kam.Say("ask somebody of %s; may: %s", kam.Clip(s.Path[0], 40), roles)
	}
	return kam.Say("may: %s", roles)
}

// actionWords complete the sentence "he may not …".
var actionWords = map[Action]string{
	ActionStart:          "start a case",
	ActionRead:           "read the case",
	ActionEnterData:      "enter or change the data",
	ActionWithdraw:       "withdraw the case",
	ActionClearDuplicate: "say that it is another customer",
	ActionClearCertain:   "clear a certain duplicate",
	ActionWaive:          "decide on findings",
	ActionCompliance:     "decide for compliance",
	ActionConfirm:        "decide on the confirmation",
	ActionEndorse:        "endorse a key account",
	ActionNominate:       "nominate a key account",
	ActionAssignOwner:    "assign an owner",
	ActionReassign:       "reassign the task",
	ActionComment:        "comment on the case",
	ActionRetry:          "let the case go on",
	ActionReview:         "have a customer classified again",
	ActionReevaluate:     "have the case decided under a newer policy",
	ActionCancelAsk:      "ask to cancel the case",
	ActionCancelAgree:    "agree to cancel the case",
	ActionMerge:          "merge or split customers",
	ActionAuditCheck:     "check the audit trail",
	ActionEraseContact:   "have a contact person erased",
	ActionErasuresRead:   "read the orders to erase",
	ActionImportUpload:   "upload this import",
	ActionImportConfirm:  "confirm the import for this scope",
}

// Words complete the sentence "he may not …".
func (a Action) Words() kam.Sentence {
	if w, ok := actionWords[a]; ok {
		return kam.Word(w)
	}
	return kam.Say("do this: %s", strings.ReplaceAll(kam.Clip(string(a), 40), "_", " "))
}

// words name what somebody wants to do with the subject.
func (s Subject) words(a Action) kam.Sentence {
	if a == ActionRead && s.Customer {
		return kam.Say("read the customer")
	}
	return a.Words()
}

func refused(p kam.Person, what, why kam.Sentence) *kam.Error {
	return kam.Errorf(kam.Forbidden, "%s may not %s: %s", kam.Clip(string(p.ID), 80), what, why)
}

// holds is empty where the row lets the person act, else what stands against.
func (r Permission) holds(p kam.Person, s Subject) kam.Sentence {
	for _, it := range []kam.Role{kam.Operator, kam.UserAdmin} {
		if p.Is(it) && slices.Contains(deciding, r.Role) {
			return kam.Say("%s does not decide, whatever other roles are held (SOD5)", it)
		}
	}
	if p.Is(kam.Auditor) && r.Right != RightRead {
		return kam.Say("an auditor changes nothing, whatever other roles are held (SOD6)")
	}
	if !r.covers(p, s) {
		if r.Action == ActionStart && r.Scope == ScopeOwn {
			return kam.Say("%s: only %s", r.Role, kam.Word(OwnCustomers))
		}
		return kam.Say("%s: %s only", r.Role, kam.Word(r.Scope.Words()))
	}
	if r.When.Test != nil && !r.When.Test(r.Role, p, s) {
		return kam.Say("%s: only if %s", r.Role, kam.Word(r.When.Text))
	}
	return kam.Sentence{}
}

// OwnCustomers is what the scope OWN means for the start of a case on a customer
// that is there.
const OwnCustomers = "customers that he owns or in whose territory he works"

func (r Permission) covers(p kam.Person, s Subject) bool {
	mine := p.ID != "" && (p.ID == s.Requester || p.ID == s.Owner)
	switch r.Scope {
	case ScopeAll:
		return true
	case ScopeOwn:
		// Whoever starts a case for a customer whose place is known must own
		// the customer or work there.
		if r.Action == ActionStart && len(s.Path) > 0 {
			return p.ID == s.Owner || r.within(p, s)
		}
		return mine
	case ScopeOwnArea:
		return mine || r.within(p, s)
	case ScopeSub, ScopeGranted:
		// The place of a new customer is found at 1.1.3, after the start and what
		// may come with it.
		return r.within(p, s) || (r.Action == ActionStart || r.Action == ActionNominate) && len(s.Path) == 0
	case ScopeTeam:
		return p.ID != "" && p.ID == s.RequesterManager
	case ScopeAssigned, ScopeLink: // a link is sent to the person it names
		return slices.Contains(s.Assignees, p.ID)
	case ScopeReferred:
		return s.Referred
	}
	return false
}

// within says whether one of the person's nodes is on the path from the
// case's territory to the root. A managing role acts through nodes of its own
// level or above: a regional manager who also runs one territory of another
// region is a territory manager there.
func (r Permission) within(p kam.Person, s Subject) bool {
	_, ok := r.postOf(p, s)
	return ok
}

// postOf is the nearest of the person's nodes that is.
func (r Permission) postOf(p kam.Person, s Subject) (node string, ok bool) {
	level, manages := r.Role.Level()
	for i, node := range s.Path {
		if !slices.Contains(p.Nodes, node) || manages && slices.Contains(p.NoPost, node) {
			continue
		}
		if !manages || i >= len(s.Levels) || s.Levels[i].Rank() >= level.Rank() {
			return node, true
		}
	}
	return "", false
}

// WorksAtNodes says whether a person has a role besides the managing ones that
// works at his nodes.
func WorksAtNodes(p kam.Person) bool {
	for _, r := range Permissions {
		if _, manages := r.Role.Level(); !manages && p.Is(r.Role) && (r.Scope == ScopeSub || r.Scope == ScopeOwnArea || r.Scope == ScopeGranted) {
			return true
		}
	}
	return false
}
