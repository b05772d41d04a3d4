package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// A Tx is the inside of an effect. Case is saved at the end; audit rows, tasks
// and messages are written with it in one round trip.
type Tx struct {
	Case *kam.Snapshot
	At   time.Time // business time
	// With is the other case of an effect on two, nil where there is none. What is
	// done to it is kept where it logs an event.
	With *Tx

	ctx          context.Context // of the effect: a Tx lives no longer
	tx           pgx.Tx
	effect       Effect
	decision     string
	was          kam.Snapshot
	stored       *storedEffect
	storedResult *storedResult // of a subject
	auditSeq     int64
	auditHash    string
	dbAt         time.Time

	queued       *pgx.Batch
	audit        []kam.AuditEvent
	records      []kam.DecisionRecord
	tasks        int
	messages     int
	customerName string
	noChange     bool
	needs        kam.Stage
	taken        string // the decision whose staged data end with the effect
	held, holds  string // customer that the case holds: before, and after the effect
	err          error  // of methods that return none
}

// NoChange leaves the case as it is: what else was done to tx is undone, and
// only the effect is stored.
func (tx *Tx) NoChange() { tx.noChange = true }

// After leaves the case as it is until another stage has done its work.
func (tx *Tx) After(s kam.Stage) { tx.noChange, tx.needs = true, s }

// Was is the case as the effect found it.
func (tx *Tx) Was() kam.Snapshot { return cloned(tx.was) }

// DBNow is the time of the database when the effect got its lock.
func (tx *Tx) DBNow() time.Time { return tx.dbAt }

// Log appends an event to the audit trail. What is empty and belongs to the
// case is filled in as it stands now.
func (tx *Tx) Log(e kam.AuditEvent) {
	e.CaseNo = tx.was.CaseNo
	e.At = tx.At.UTC().Truncate(time.Microsecond)
	e.DBAt = tx.dbAt
	if e.Actor == "" {
		e.Actor = kam.System
		if tx.effect.People && tx.effect.By != "" {
			e.Actor = tx.effect.By
		}
	}
	if e.Step == "" {
		e.Step = tx.Case.Step
	}
	if e.Revision == 0 {
		e.Revision = tx.Case.Revision
	}
	if e.MaterialHash == "" {
		e.MaterialHash = tx.Case.MaterialHash
	}
	if e.PolicyVersion == 0 {
		e.PolicyVersion = tx.Case.PolicyVersion
	}
	if e.DecisionID == "" {
		e.DecisionID = tx.decision
	}
	tx.audit = append(tx.audit, e)
}

// queueAudit chains the events to those before and queues their rows. It
// returns them as people read them.
func (tx *Tx) queueAudit() []kam.TimelineEntry {
	const insert = `
		insert into kam.audit (case_no, seq, at, db_at, actor_id, on_behalf_of, roles_used, type, step_code,
			from_state, to_state, revision, material_hash, policy_version, decision_id, reason_code, text,
			restricted, payload_digest, prev_hash, hash)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`

	var lines []kam.TimelineEntry
	for _, e := range tx.audit {
		if e.RolesUsed == nil {
			e.RolesUsed = []kam.Role{}
		}
		e.Seq, e.PrevHash = tx.auditSeq+1, tx.auditHash
		e.Hash = e.ComputeHash()
		tx.auditSeq, tx.auditHash = e.Seq, e.Hash
		tx.queued.Queue(insert, e.CaseNo, e.Seq, e.At, e.DBAt, e.Actor, e.OnBehalfOf, e.RolesUsed, e.Type, e.Step,
			e.From, e.To, e.Revision, e.MaterialHash, e.PolicyVersion, e.DecisionID, e.ReasonCode, e.Text,
			e.Restricted, e.PayloadDigest, e.PrevHash, e.Hash)
		lines = append(lines, LineOf(e))
	}
	return lines
}

// LineOf is an audit event as people read it; the text of a restricted one is
// for compliance and audit, who read the events themselves.
func LineOf(e kam.AuditEvent) kam.TimelineEntry {
	if e.Restricted {
		e.Text = ""
	}
	return kam.TimelineEntry{
		Seq: e.Seq, At: e.At, Type: e.Type, Step: e.Step, From: e.From, To: e.To,
		Actor: e.Actor, Code: e.ReasonCode, Text: e.Text,
	}
}

// A Message tells people or other systems that something happened; it leaves
// after the commit. Kind is "task_opened": the CloudEvents type is
// "kamflow.task_opened".
type Message struct {
	Kind    string            `json:"kind"`
	To      []kam.UserID      `json:"to,omitempty"`
	Subject string            `json:"subject"`
	Data    map[string]string `json:"data,omitempty"`
}

// Publish puts a message into the outbox. Its id is the same however often it
// is delivered.
func (tx *Tx) Publish(m Message) error {
	const insert = `
		insert into kam.outbox (id, case_no, kind, recipients, subject, data, at)
		values ($1, $2, $3, $4, $5, $6, $7)`

	tx.messages++
	if m.To == nil {
		m.To = []kam.UserID{}
	}
	if m.Data == nil {
		m.Data = map[string]string{}
	}
	tx.queued.Queue(insert, tx.newID(tx.messages), tx.was.CaseNo, m.Kind, m.To, m.Subject, m.Data, tx.At)
	return nil
}

// newID is case/version/n, where version is the one that the effect leads to.
func (tx *Tx) newID(n int) string { return fmt.Sprintf("%s/%d/%d", tx.was.CaseNo, tx.was.Version+1, n) }

// fail keeps the first error of a method that returns none; the effect fails
// with it.
func (tx *Tx) fail(err error) {
	if tx.err == nil {
		tx.err = err
	}
}

// WithdrawIntended says whether somebody noted that he withdraws (D12). The
// lock of the case orders it against the commit of the customer.
func (tx *Tx) WithdrawIntended() (by kam.UserID, decisionID string, ok bool, err error) {
	type row struct {
		By kam.UserID
		ID string
	}
	r, ok, err := one(tx.ctx, tx.tx, "look for a withdrawal", pgx.RowToStructByPos[row],
		`select by_user, decision_id from kam.withdraw_intent where case_no = $1`, tx.was.CaseNo)
	return r.By, r.ID, ok, err
}

// cloned copies what fn may change in place.
func cloned(s kam.Snapshot) kam.Snapshot {
	s.Editors = slices.Clone(s.Editors)
	s.Endorsed = slices.Clone(s.Endorsed)
	s.Flags = slices.Clone(s.Flags)
	s.Followers = slices.Clone(s.Followers)
	s.MissingFields = slices.Clone(s.MissingFields)
	if s.Task != nil {
		t := *s.Task
		t.Assignees, t.Deadlines, t.Fields = slices.Clone(t.Assignees), slices.Clone(t.Deadlines), slices.Clone(t.Fields)
		s.Task = &t
	}
	return s
}

// clip shortens s to n runes.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
