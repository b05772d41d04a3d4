package kam

// Role is what a person may be (P5.1).
type Role string

// The fifteen roles.
const (
	SalesRep          Role = "sales_rep"
	KeyAccountManager Role = "key_account_manager"
	TerritoryManager  Role = "territory_manager"
	RegionalManager   Role = "regional_manager"
	NationalManager   Role = "national_manager"
	GlobalManager     Role = "global_manager"
	DataSteward       Role = "data_steward"
	ComplianceRole    Role = "compliance_reviewer"
	FinanceController Role = "finance_controller"
	PolicyAdmin       Role = "policy_admin"
	UserAdmin         Role = "user_admin"
	Operator          Role = "operator"
	Auditor           Role = "auditor"
	CustomerContact   Role = "customer_contact"
	Integration       Role = "integration"
)

// ManagerRoles lists the managing roles by level, from TERRITORY upward.
var ManagerRoles = []Role{TerritoryManager, RegionalManager, NationalManager, GlobalManager}

// ManagerRole is the role that manages a node of the level.
func (l NodeLevel) ManagerRole() Role { return ManagerRoles[max(l.Rank(), 0)] }

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

// A Person is somebody who acts, as the tables know him: looked up, never
// claimed.
type Person struct {
	ID        UserID   `json:"user_id"`
	Name      string   `json:"name"`
	Email     string   `json:"email,omitempty"`
	Roles     []Role   `json:"roles"`
	Nodes     []string `json:"nodes,omitempty"` // territory nodes the person works in or manages
	ManagerID UserID   `json:"manager_id,omitempty"`
	Active    bool     `json:"active"`
	// NoPost are those of Nodes that he works in without managing them: the post
	// was taken away, another role of his stays.
	NoPost []string `json:"no_post,omitempty"`
}

// Is says whether the person holds a role.
func (p Person) Is(r Role) bool { return contains(p.Roles, r) }

// WorksAtNodes says whether the person has a role besides the managing ones that
// works at the nodes of a person.
func (p Person) WorksAtNodes() bool {
	for _, r := range Permissions {
		if _, manages := r.Role.Level(); !manages && p.Is(r.Role) && (r.Scope == ScopeSub || r.Scope == ScopeOwnArea || r.Scope == ScopeGranted) {
			return true
		}
	}
	return false
}
