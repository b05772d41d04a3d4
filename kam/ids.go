package kam

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

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

// MaxKey bounds what [CheckKey] takes, in bytes. It is wider than the key of a
// batch: the engine's own keys hold more than one id.
const MaxKey = 200

// TaskQueue is where workers look for work, whatever process it belongs to.
const TaskQueue = "kamflow"

// System is the actor of what the engine does by itself.
const System UserID = "system"

const maxUserID = 64

// CheckUserID says whether an id may be given to a person: it stands in command
// lines and audit trails, so it is short and without blanks. A login that is a
// mail address is one.
func CheckUserID(id UserID) error {
	ok := id != "" && len(id) <= maxUserID && id != System
	for _, r := range id {
		ok = ok && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("._-@", r))
	}
	if !ok {
		return Errorf(Invalid, "%q is no user_id", Clip(string(id), maxUserID)).On("user_id").
			Try("write 1 to %d letters without accents, digits, '.', '_', '-' or '@', as nils.rep", maxUserID)
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

// CheckKey is the form of a key or an id that comes from outside; field is what
// carries it.
func CheckKey(field, key string) error {
	switch {
	case key == "":
		return Errorf(Invalid, "is missing").On(field)
	case !utf8.ValidString(key):
		return notUTF8(field)
	case len(key) > MaxKey:
		return Errorf(Invalid, "is %d bytes long", len(key)).On(field).Try("give at most %d", MaxKey)
	}
	for _, r := range key {
		if unicode.IsControl(r) {
			return Errorf(Invalid, "contains the control character U+%04X", r).On(field).Try("remove it")
		}
	}
	return nil
}

// WorkflowID is the Temporal workflow id of a case.
func (n CaseNo) WorkflowID() string { return "case/" + string(n) }

// Before says whether a case is older than another: its number is smaller.
// Numbers of one year have as many digits as they need.
func (n CaseNo) Before(m CaseNo) bool {
	year, number, _ := strings.Cut(strings.TrimPrefix(string(n), "KAM-"), "-")
	otherYear, other, _ := strings.Cut(strings.TrimPrefix(string(m), "KAM-"), "-")
	switch {
	case year != otherYear:
		return year < otherYear
	case len(number) != len(other):
		return len(number) < len(other)
	}
	return number < other
}
