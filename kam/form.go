package kam

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"unicode/utf8"
)

// maxID bounds the ids that an act carries, in bytes.
const maxID = 80

// CheckAct is the form of what every act of a person carries, whatever it is
// on: the id that his client made, who he is, and his words, at most so many
// characters of them.
func CheckAct(decisionID string, by UserID, reason string, most int) error {
	if n := len(decisionID); n < 8 || n > maxID || !isPlain(decisionID) {
		return Errorf(Invalid, "a client-made id of 8 to %d letters, digits, '-' or '_' is needed", maxID).On("decision_id").Try("send a UUID")
	}
	if by == "" || len(by) > maxID {
		return Errorf(Invalid, "who acts is missing").On("by")
	}
	if !utf8.ValidString(reason) {
		return notUTF8("reason")
	}
	if utf8.RuneCountInString(reason) > most {
		return Errorf(Invalid, "longer than %d characters", most).On("reason").Try("say it shorter")
	}
	return CheckName("by", string(by))
}

// CheckName is the form of what an act names by a number, a code or a digest;
// field is what carries it.
func CheckName(field, text string) error {
	if len(text) > 2*maxID {
		return Errorf(Invalid, "longer than %d characters", 2*maxID).On(field)
	}
	if !utf8.ValidString(text) {
		return notUTF8(field)
	}
	return nil
}

func notUTF8(field string) error {
	return Errorf(Invalid, "is not UTF-8").On(field).Try("send UTF-8")
}

// isPlain says whether s holds only letters, digits, '-' and '_'.
func isPlain(s string) bool {
	for _, r := range s {
		if !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_') {
			return false
		}
	}
	return true
}

// Digest is the SHA-256 of v as JSON, in hexadecimal. It binds a business key to
// the request that first used it and is stored with it: the JSON of what is
// digested stays as it is.
func Digest(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "unprintable: " + err.Error()
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
