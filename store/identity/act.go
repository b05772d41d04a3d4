package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// act does one thing that lasts, in one transaction, and says it on the trail of
// the organisation; what is asked, which holds no secret, tells two acts under
// one id apart.
func (s *Store) act(ctx context.Context, a accessdb.OrgAct, asked any, do func(tx *accessdb.Tx) (what string, err error)) error {
	text, err := json.Marshal(asked)
	if err != nil {
		return fmt.Errorf("print what is asked: %w", err)
	}
	digest := sha256.Sum256(text)
	_, err = s.access.OnOrganisation(ctx, a, hex.EncodeToString(digest[:]), func(tx *accessdb.Tx) (accessdb.OrgChange, error) {
		what, err := do(tx)
		if err != nil {
			return accessdb.OrgChange{}, err
		}
		tx.Log(kam.AuditEvent{Type: kam.EventSignInChanged, Actor: a.By, Text: pg.Clip(what, 1000)})
		return accessdb.OrgChange{What: what, Cases: []kam.CaseNo{}}, nil
	})
	return err
}

// checkLine holds a text of one line to its bounds.
func checkLine(field, s string, most int) error {
	ok := utf8.ValidString(s) && s != "" && utf8.RuneCountInString(s) <= most
	for _, r := range s {
		ok = ok && !unicode.IsControl(r)
	}
	if !ok {
		return kam.Errorf(kam.Invalid, "is no text of one line").On(field).Try("write 1 to %d characters", most)
	}
	return nil
}
