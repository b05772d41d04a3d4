package kam

import "slices"

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

// Roles lists the fifteen roles in the order of P5.1.
var Roles = []Role{SalesRep, KeyAccountManager, TerritoryManager, RegionalManager, NationalManager, GlobalManager,
	DataSteward, ComplianceRole, FinanceController, PolicyAdmin, UserAdmin, Operator, Auditor, CustomerContact, Integration}

// ManagerRoles lists the managing roles by level, from TERRITORY upward.
var ManagerRoles = []Role{TerritoryManager, RegionalManager, NationalManager, GlobalManager}

// ManagerRole is the role that manages a node of the level.
func (l NodeLevel) ManagerRole() Role { return ManagerRoles[max(l.Rank(), 0)] }

// Level is the level of the tree at which a managing role stands; ok is false
// for the other roles.
func (r Role) Level() (NodeLevel, bool) {
	for i, m := range ManagerRoles {
		if m == r {
			return NodeLevels[i], true
		}
	}
	return "", false
}

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
func (p Person) Is(r Role) bool { return slices.Contains(p.Roles, r) }
