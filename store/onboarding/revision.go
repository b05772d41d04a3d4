package onboarding

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/store/internal/contact"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// Request is the data of the case's current revision, zero if there is none.
func (tx *Tx) Request() (customer.RequestData, error) {
	return requestData(tx.ctx, tx.tx, tx.no(), tx.Case.Revision)
}

// RequestOf is one revision of another case's data.
func (tx *Tx) RequestOf(no kam.CaseNo, revision int) (customer.RequestData, error) {
	return requestData(tx.ctx, tx.tx, no, revision)
}

// SaveRevision makes d the case's data: the next revision, with its material
// hash, and by among the editors.
func (tx *Tx) SaveRevision(d customer.RequestData, by kam.UserID) error {
	const insert = `
		insert into kam.revision (case_no, revision, at, by_user, material_hash, digest, data)
		values (@case_no, @revision, @at, @by, @hash, @digest, @data)`

	digest := ledger.Digest(d)
	c := tx.Case
	c.Revision++
	c.MaterialHash = customer.MaterialHash(d)
	if !slices.Contains(c.Editors, by) {
		c.Editors = append(c.Editors, by)
	}
	if d.CountryCode != "" {
		c.Country = d.CountryCode
	}
	tx.customerName = d.LegalName
	var b pgx.Batch
	b.Queue(insert, pgx.StrictNamedArgs{
		"case_no": c.CaseNo, "revision": c.Revision, "at": tx.At, "by": by, "hash": c.MaterialHash, "digest": digest,
		"data": contact.Without(d),
	})
	contact.Queue(&b, revisionOwner(c.CaseNo, c.Revision), d.Contacts)
	return pg.Send(tx.ctx, tx.tx, "save the revision", &b)
}

// Staged is the data that the client sent ahead of a decision, with contacts; see
// [ledger.Entry.Staged].
func (tx *Tx) Staged(decisionID string) (d customer.RequestData, digest string, err error) {
	data, digest, err := tx.Entry.Staged(decisionID)
	if err != nil {
		return d, "", err
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, "", fmt.Errorf("read staged data: %w", err)
	}
	d.Contacts, err = contact.Of(tx.ctx, tx.tx, ledger.StagedOwner(tx.Subject(), decisionID))
	return d, digest, err
}

// RequestDigest is what the request was known by when the number was allotted;
// see [RequestDigest].
func (tx *Tx) RequestDigest() (string, error) {
	digest, _, err := pg.One(tx.ctx, tx.tx, "read the digest of the request", pgx.RowTo[string],
		`select request_digest from kam.cases where case_no = $1`, tx.no())
	return digest, err
}

// Opening is the request that the case was allotted for.
func (tx *Tx) Opening() (Request, error) { return opening(tx.ctx, tx.tx, tx.no()) }

// Contacts are kept apart from the data they came with; owner says which.
func openingOwner(no kam.CaseNo) string           { return string(no) + "/opening" }
func revisionOwner(no kam.CaseNo, rev int) string { return fmt.Sprintf("%s/%d", no, rev) }

// FactBase is the kind of fact under which a case keeps its [Base].
const FactBase = "base"

// A Base is the customer as a case on an existing one found it: what a change
// is compared with, and where the case belongs while nothing moves it.
type Base struct {
	Version   int                  `json:"version"`
	Data      customer.RequestData `json:"data"`     // without contacts
	Contacts  string               `json:"contacts"` // their digest
	Territory string               `json:"territory"`
	Owner     kam.UserID           `json:"owner"`
}

// BaseOf is the customer as a case found it, false for a case on a new one or
// before 1.1.2.
func (s *Store) BaseOf(ctx context.Context, no kam.CaseNo) (b Base, ok bool, err error) {
	ok, err = readFact(ctx, s.pool, no, FactBase, &b)
	return b, ok, err
}
