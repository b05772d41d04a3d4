package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// An Entry is the inside of one effect. Audit rows, tasks and messages are
// queued and written with it in one round trip.
type Entry struct {
	At time.Time // business time

	ctx      context.Context // of the effect: an entry lives no longer
	tx       pgx.Tx
	effect   Effect
	home     *Home
	decision string
	stored   *answered
	was      *kam.Error // what the envelope was refused with before

	version int64 // as locked
	seq     int64 // the head, as it grows
	hash    string
	dbAt    time.Time

	queued    *pgx.Batch
	events    []kam.AuditEvent
	tasks     int
	messages  int
	unchanged bool
	taken     string // the decision whose staged data end with the effect
	err       error  // of methods that return none
}

// Context is that of the effect.
func (e *Entry) Context() context.Context { return e.ctx }

// SQL is the transaction of the effect.
func (e *Entry) SQL() pgx.Tx { return e.tx }

// Effect is what was asked for.
func (e *Entry) Effect() Effect { return e.effect }

// Subject is what the effect is about.
func (e *Entry) Subject() Subject { return e.effect.Subject }

// Decision is the id of the act; empty for the engine's own.
func (e *Entry) Decision() string { return e.decision }

// Version is that of the subject when it was locked.
func (e *Entry) Version() int64 { return e.version }

// Head is the number and the hash of the last event of the trail.
func (e *Entry) Head() (seq int64, hash string) { return e.seq, e.hash }

// DBNow is the time of the database when the effect got its lock.
func (e *Entry) DBNow() time.Time { return e.dbAt }

// KeptIn says where the subject has its head and its answers, if that is not
// kam.subject.
func (e *Entry) KeptIn(h *Home) { e.home = h }

// Beside is an entry for another subject in the same transaction, kept where
// this one is; key is its business key there.
func (e *Entry) Beside(s Subject, key string) *Entry {
	f := e.effect
	f.Subject, f.With, f.Key, f.Signal, f.Signed, f.Sign = s, Subject{}, key, 0, "", nil
	return &Entry{At: e.At, ctx: e.ctx, tx: e.tx, effect: f, home: e.home, queued: &pgx.Batch{}}
}

// QueueLock queues what locks the row of the subject and reads its head, with
// more columns of the home into more; then is told whether the row is there.
func (e *Entry) QueueLock(b *pgx.Batch, then func(found bool) error, more ...any) {
	s := e.effect.Subject
	if e.home.Create != "" {
		b.Queue(e.home.Create, pgx.StrictNamedArgs{"subject": s.ID, "kind": s.Kind})
	}
	b.Queue(e.home.Lock, pgx.StrictNamedArgs{"subject": s.ID}).QueryRow(func(row pgx.Row) error {
		err := row.Scan(append([]any{&e.version, &e.seq, &e.hash, &e.dbAt}, more...)...)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		// PostgreSQL keeps microseconds; so does what the hash covers.
		e.dbAt = e.dbAt.UTC().Truncate(time.Microsecond)
		return then(err == nil)
	})
}

// NoChange leaves the subject as it is: what else was done is undone, and only
// the effect is stored.
func (e *Entry) NoChange() { e.unchanged = true }

// Fail keeps the first error of a method that returns none; the effect fails
// with it.
func (e *Entry) Fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// Failed is what Fail was told first.
func (e *Entry) Failed() error { return e.err }

// Queue adds a statement to those that are written at the end.
func (e *Entry) Queue(sql string, args ...any) { e.queued.Queue(sql, args...) }

// Queued are the statements that are written at the end.
func (e *Entry) Queued() *pgx.Batch { return e.queued }

// Flush writes what is queued, so that the rest of the effect sees it.
func (e *Entry) Flush(doing string) error {
	b := *e.queued
	*e.queued = pgx.Batch{}
	return pg.Send(e.ctx, e.tx, doing, &b)
}

// Undo forgets what was done, also after a statement that failed.
func (e *Entry) Undo() error {
	if _, err := e.tx.Exec(e.ctx, `rollback to savepoint effect`); err != nil {
		return fmt.Errorf("undo the effect: %w", err)
	}
	*e.queued, e.events, e.taken = pgx.Batch{}, nil, ""
	return nil
}

// Log appends an event to the trail.
func (e *Entry) Log(ev kam.AuditEvent) {
	ev.CaseNo = kam.CaseNo(e.effect.Subject.ID) // the name of the field in released hashes
	ev.At = e.At.UTC().Truncate(time.Microsecond)
	ev.DBAt = e.dbAt
	if ev.Actor == "" {
		ev.Actor = kam.System
		if e.effect.People && e.effect.By != "" {
			ev.Actor = e.effect.By
		}
	}
	if ev.DecisionID == "" {
		ev.DecisionID = e.decision
	}
	refused := ev.Type == kam.EventDecisionRefused || ev.Type == kam.EventSignatureRefused
	if ev.PayloadDigest == "" && e.effect.Signed != "" && !refused { // of what is refused no document is kept
		ev.PayloadDigest = EnvelopeDigest(e.effect.Signed)
	}
	e.events = append(e.events, ev)
}

// Events are those that were logged; chained, when the effect is saved.
func (e *Entry) Events() []kam.AuditEvent { return e.events }

// chain links the events to those before and queues their rows.
func (e *Entry) chain() {
	const insert = `
		insert into kam.audit (case_no, seq, at, db_at, actor_id, on_behalf_of, roles_used, type, step_code,
			from_state, to_state, revision, material_hash, policy_version, decision_id, reason_code, text,
			restricted, payload_digest, prev_hash, hash)
		values (@case_no, @seq, @at, @db_at, @actor_id, @on_behalf_of, @roles_used, @type, @step_code,
			@from_state, @to_state, @revision, @material_hash, @policy_version, @decision_id, @reason_code, @text,
			@restricted, @payload_digest, @prev_hash, @hash)`

	for i := range e.events {
		ev := &e.events[i]
		if ev.RolesUsed == nil {
			ev.RolesUsed = []kam.Role{}
		}
		ev.Seq, ev.PrevHash = e.seq+1, e.hash
		ev.Hash = ev.ComputeHash()
		e.seq, e.hash = ev.Seq, ev.Hash
		e.queued.Queue(insert, pgx.StrictNamedArgs{
			"case_no": ev.CaseNo, "seq": ev.Seq, "at": ev.At, "db_at": ev.DBAt, "actor_id": ev.Actor, "on_behalf_of": ev.OnBehalfOf,
			"roles_used": ev.RolesUsed, "type": ev.Type, "step_code": ev.Step, "from_state": ev.From, "to_state": ev.To,
			"revision": ev.Revision, "material_hash": ev.MaterialHash, "policy_version": ev.PolicyVersion, "decision_id": ev.DecisionID,
			"reason_code": ev.ReasonCode, "text": ev.Text, "restricted": ev.Restricted, "payload_digest": ev.PayloadDigest,
			"prev_hash": ev.PrevHash, "hash": ev.Hash,
		})
	}
}

// QueueHead queues the head of the trail alone, where the keeper writes no row.
func (e *Entry) QueueHead() {
	e.queued.Queue(e.home.Head, pgx.StrictNamedArgs{"subject": e.effect.Subject.ID, "seq": e.seq, "hash": e.hash})
}

// LogOn appends an event to the trail of another subject, which has its head
// where those without a table of their own have it.
func (e *Entry) LogOn(s Subject, ev kam.AuditEvent) error {
	other := e.Beside(s, e.effect.Key)
	other.home, other.decision = &subjects, e.decision
	var b pgx.Batch
	other.QueueLock(&b, func(bool) error { return nil })
	if err := pg.Send(e.ctx, e.tx, "lock the trail of "+s.ID, &b); err != nil {
		return err
	}
	other.dbAt = e.dbAt
	other.Log(ev)
	return other.Note()
}

// Note writes what was logged, and the head, without moving the subject.
func (e *Entry) Note() error {
	e.chain()
	e.QueueHead()
	e.events = nil
	return e.Flush("write the trail of " + e.effect.Subject.ID)
}

// newID is id/version/n, where version is the one that the effect leads to.
func (e *Entry) newID(n int) string {
	return fmt.Sprintf("%s/%d/%d", e.effect.Subject.ID, e.version+1, n)
}
