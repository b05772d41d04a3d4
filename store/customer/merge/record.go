package merge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// A mergeRecord is what kam.merge keeps: enough to undo it, no contacts.
type mergeRecord struct {
	Choice      kam.MergeChoice  `json:"choice"`
	Before      rowImage         `json:"survivor_before"`
	After       rowImage         `json:"survivor_after"`
	Absorbed    rowImage         `json:"absorbed_before"`
	Moved       Moved            `json:"moved"`
	OwnAliases  []string         `json:"absorbed_aliases,omitempty"` // sales accounts that the absorbed one had from earlier merges
	KeyAccounts []accountChange  `json:"key_accounts,omitempty"`
	Tasks       []taskChange     `json:"tasks,omitempty"`
	ABC         *abcChange       `json:"abc,omitempty"`
	Split       *kam.SplitChoice `json:"split,omitempty"`
}

// A rowImage is a row of kam.customer by column.
type rowImage map[string]json.RawMessage

func (r rowImage) text(column string) string {
	var s string
	if json.Unmarshal(r[column], &s) != nil {
		return ""
	}
	return s
}

func (r rowImage) data() (d kam.RequestData, err error) {
	if err = json.Unmarshal(r["data"], &d); err != nil {
		err = fmt.Errorf("read the data of %s: %w", r.text("customer_no"), err)
	}
	return d, err
}

func (r rowImage) same(o rowImage, column string) bool { return bytes.Equal(r[column], o[column]) }

func (m *merger) image(no string) (rowImage, error) {
	r, _, err := pg.One(m.ctx, m.tx, "read the row of "+no, pgx.RowTo[rowImage], `select to_jsonb(c) from kam.customer c where customer_no = $1`, no)
	return r, err
}

// standing are the columns that CommitCustomer does not set, or not to nothing.
func (m *merger) setStanding(no string, r rowImage) error {
	const update = `
		update kam.customer c set segment = b.segment, coverage = b.coverage, ka_status = b.ka_status, tier = b.tier,
			watch = b.watch, provisional = b.provisional, failed_reviews = b.failed_reviews, review_due = b.review_due,
			case_no = b.case_no
		from jsonb_populate_record(null::kam.customer, $2) b where c.customer_no = $1`

	return m.Update(no, update, r)
}

// with returns the image with columns set to values.
func (r rowImage) with(values map[string]any) (rowImage, error) {
	out := make(rowImage, len(r))
	for k, v := range r {
		out[k] = v
	}
	for k, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", k, err)
		}
		out[k] = b
	}
	return out, nil
}

// setSince dates records again that became one, or two again: the company is a
// customer since the oldest of its records.
func (m *merger) setSince(numbers ...string) error {
	_, err := pg.Exec(m.ctx, m.tx, "date the records", `update kam.customer set since = kam.customer_since(customer_no) where customer_no = any ($1)`, numbers)
	return err
}

func (m *merger) nextID() (err error) {
	m.id, _, err = pg.One(m.ctx, m.tx, "number the merge", pgx.RowTo[string], `select 'M-' || lpad(nextval('kam.merge_number')::text, 6, '0')`)
	return err
}

func parked(mergeID, what string) string { return "merge/" + mergeID + "/" + what }

// copyContacts keeps what a record's contacts were.
func (m *merger) copyContacts(from, to string) error {
	_, err := pg.Exec(m.ctx, m.tx, "keep the contacts", `insert into kam.contact (owner, position, contact) select $2, position, contact from kam.contact where owner = $1`, from, to)
	return err
}

func (m *merger) moveContacts(from, to string) error {
	_, err := pg.Exec(m.ctx, m.tx, "move the contacts", `update kam.contact set owner = $2 where owner = $1`, from, to)
	return err
}

// record writes the row of the merge, the events of both trails and the
// message to the owners. Nothing may refuse after it.
func (m *merger) record(r Result, rec mergeRecord, event kam.EventType, kind, text string, records ...customerdb.Customer) error {
	const insert = `
		insert into kam.merge (merge_id, kind, customer_no, other_no, decision_id, by_user, reason, at, record)
		values (@id, @kind, @customer, @other, @decision, @by, @reason, @at, @record)`

	if _, err := pg.Exec(m.ctx, m.tx, "keep the merge", insert, pgx.StrictNamedArgs{
		"id": m.id, "kind": r.Kind, "customer": r.CustomerNo, "other": r.OtherNo, "decision": m.who.decisionID, "by": m.who.by,
		"reason": m.who.reason, "at": m.At, "record": rec,
	}); err != nil {
		return err
	}
	return m.announce(r, rec, event, kind, text, records...)
}

func (m *merger) announce(r Result, payload any, event kam.EventType, kind, text string, records ...customerdb.Customer) error {
	digest := ledger.Digest(payload)
	e := kam.AuditEvent{
		Type: event, Actor: m.who.by, RolesUsed: []kam.Role{m.role}, ReasonCode: r.MergeID, PayloadDigest: digest,
		Text: pg.Clip(text+": "+m.who.reason, 1000),
	}
	m.Log(e)
	if err := m.LogOn(customerdb.Of(r.OtherNo), e); err != nil {
		return err
	}
	var to []kam.UserID
	for _, c := range records {
		if c.OwnerID != "" && !slices.Contains(to, c.OwnerID) {
			to = append(to, c.OwnerID)
		}
	}
	return m.Publish(ledger.Message{Kind: kind, To: to, Subject: text, Data: map[string]string{"merge_id": r.MergeID, "customer_no": r.CustomerNo, "other_no": r.OtherNo}})
}
