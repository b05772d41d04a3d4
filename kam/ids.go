package kam

import "fmt"

type (
	// CaseNo is the number of a case, "KAM-2026-000123".
	CaseNo string
	// UserID is the login of a person; System acts for the engine itself.
	UserID string
	// CaseType says what a case is for (P2.3).
	CaseType string
	// StepCode is the number of a box of the deck, "1.1.5".
	StepCode string
)

// System is the actor of what the engine does by itself.
const System UserID = "system"

const maxUserID = 64

// CheckUserID says whether an id may be given to a person: it stands in command
// lines and audit trails, so it is short, without blanks, and written in one way.
func CheckUserID(id UserID) error {
	ok := id != "" && len(id) <= maxUserID && id != System
	for _, r := range id {
		ok = ok && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r == '.' || r == '_' || r == '-')
	}
	if !ok {
		return Errorf(Invalid, "%q is no user_id", clip(string(id), maxUserID)).On("user_id").
			Try(fmt.Sprintf("write 1 to %d lower-case letters, digits, '.', '_' or '-', as nils.rep", maxUserID))
	}
	return nil
}

// The five kinds of case.
const (
	NewCase    CaseType = "NEW"
	Modify     CaseType = "MODIFY"
	Reactivate CaseType = "REACTIVATE"
	Deactivate CaseType = "DEACTIVATE"
	Reclassify CaseType = "RECLASSIFY"
)

// CaseTypes lists them in the order of P2.3.
var CaseTypes = []CaseType{NewCase, Modify, Reactivate, Deactivate, Reclassify}

// WorkflowID is the Temporal workflow id of a case.
func (n CaseNo) WorkflowID() string { return "case/" + string(n) }
