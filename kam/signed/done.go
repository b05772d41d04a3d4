package signed

import (
	"fmt"

	"github.com/kamflow/kamflow/kam"
)

// OfDone is what the envelope of something must say that passes no workflow: it is
// sealed in the transaction that stores it, after it was judged. Key and digest
// are those of the effect; with them the envelope covers each line that the audit
// trail has of it, the reason included.
func OfDone(by kam.UserID, about, act, key, digest string, events []kam.AuditEvent) Claim {
	lines := make([][]string, len(events))
	for i, e := range events {
		lines[i] = []string{string(e.Type), string(e.Actor), fmt.Sprint(e.RolesUsed), e.ReasonCode, e.Text, e.PayloadDigest}
	}
	return Claim{Person: by, About: about, Act: act, Content: []any{key, digest, lines}}
}
