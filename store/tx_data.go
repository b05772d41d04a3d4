package store

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/ledger"
)

// Request is the data of the case's current revision, zero if there is none.
func (tx *CaseTx) Request() (kam.RequestData, error) {
	return requestData(tx.ctx, tx.tx, tx.no(), tx.Case.Revision)
}

// RequestOf is one revision of another case's data.
func (tx *CaseTx) RequestOf(no kam.CaseNo, revision int) (kam.RequestData, error) {
	return requestData(tx.ctx, tx.tx, no, revision)
}

// SaveRevision makes d the case's data: the next revision, with its material
// hash, and by among the editors.
func (tx *CaseTx) SaveRevision(d kam.RequestData, by kam.UserID) error {
	const insert = `
		insert into kam.revision (case_no, revision, at, by_user, material_hash, digest, data)
		values ($1, $2, $3, $4, $5, $6, $7)`

	digest, err := digestOf(d)
	if err != nil {
		return err
	}
	c := tx.Case
	c.Revision++
	c.MaterialHash = kam.MaterialHash(d)
	if !slices.Contains(c.Editors, by) {
		c.Editors = append(c.Editors, by)
	}
	if d.CountryCode != "" {
		c.Country = d.CountryCode
	}
	tx.customerName = d.LegalName
	var b pgx.Batch
	b.Queue(insert, c.CaseNo, c.Revision, tx.At, by, c.MaterialHash, digest, withoutContacts(d))
	queueContacts(&b, revisionOwner(c.CaseNo, c.Revision), d.Contacts)
	return sendBatch(tx.ctx, tx.tx, "save the revision", &b)
}

// Staged is the data that the client sent ahead of a decision, with contacts; see
// [ledger.Entry.Staged].
func (tx *CaseTx) Staged(decisionID string) (d kam.RequestData, digest string, err error) {
	data, digest, err := tx.Entry.Staged(decisionID)
	if err != nil {
		return d, "", err
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, "", fmt.Errorf("read staged data: %w", err)
	}
	d.Contacts, err = contactsOf(tx.ctx, tx.tx, ledger.StagedOwner(tx.Subject(), decisionID))
	return d, digest, err
}

// RequestDigest is what the request was known by when the number was allotted;
// see [RequestDigest].
func (tx *CaseTx) RequestDigest() (string, error) {
	digest, _, err := one(tx.ctx, tx.tx, "read the digest of the request", pgx.RowTo[string],
		`select request_digest from kam.cases where case_no = $1`, tx.no())
	return digest, err
}

// Opening is the request that the case was allotted for.
func (tx *CaseTx) Opening() (Request, error) { return opening(tx.ctx, tx.tx, tx.no()) }
