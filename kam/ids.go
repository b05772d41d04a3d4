package kam

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
