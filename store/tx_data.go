package store

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
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

// Staged is the data that the client sent ahead of a decision; kam.NotFound
// where it sent none. They end with the act that takes them; those of an act
// that is refused stay for another try, until [Store.CleanUp].
func (tx *CaseTx) Staged(decisionID string) (d kam.RequestData, digest string, err error) {
	type row struct {
		Data   kam.RequestData
		Digest string
	}
	const read = `select data, digest from kam.staged where case_no = $1 and decision_id = $2`

	r, ok, err := one(tx.ctx, tx.tx, "read staged data", pgx.RowToStructByPos[row], read, tx.no(), decisionID)
	if err != nil {
		return d, "", err
	}
	if !ok {
		return d, "", kam.Errorf(kam.NotFound, "no data were sent for decision %s", decisionID).On("data_digest")
	}
	tx.taken = decisionID
	r.Data.Contacts, err = contactsOf(tx.ctx, tx.tx, stagedOwner(tx.no(), decisionID))
	return r.Data, r.Digest, err
}

// Opening is the request that the case was allotted for.
func (tx *CaseTx) Opening() (Request, error) { return opening(tx.ctx, tx.tx, tx.no()) }
