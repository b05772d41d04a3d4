package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// An Effect names one change of a case. Key is its business key within the
// case: "seq/12" for the engine's own, "act/<decision id>" for a person's.
// Digest covers what is asked, so that other content under the same key is
// noticed. Known is the version that the workflow knows.
type Effect struct {
	CaseNo kam.CaseNo
	Key    string
	Digest string
	Known  int64
	People bool
	With   kam.CaseNo // another case that is locked too, and may be changed with this one
	Signal int64      // which signal of the case it came as, 0 for none
	At     time.Time
	By     kam.UserID // who acts: the actor of the refusal, if it comes to that
}

func (e Effect) decisionID() string {
	if id, ok := strings.CutPrefix(e.Key, "act/"); ok {
		return id
	}
	return ""
}

// Effect runs fn and stores what it did, in one transaction under the lock of
// the case. The same effect again returns the stored answer, unless that was a
// refusal, which is judged anew; with another digest it is a kam.IDReused. An effect of the engine that finds the case
// ahead of what it knows does nothing. A kam.Error that fn returns on a
// person's act is a refusal: fn's writes are undone, the refusal is stored and
// audited, and Progress carries it. fn may run more than once and must not
// change anything but tx.
func (s *Store) Effect(ctx context.Context, e Effect, fn func(ctx context.Context, tx *Tx) error) (kam.Progress, error) {
	var p kam.Progress
	err := retry(ctx, func() error {
		return pgx.BeginFunc(ctx, s.pool, func(ptx pgx.Tx) (err error) {
			p, err = effect(ctx, ptx, e, fn)
			return err
		})
	})
	if err == nil {
		err = s.committed()
	}
	if err != nil {
		return kam.Progress{}, fmt.Errorf("effect %s on %s: %w", e.Key, e.CaseNo, known(err))
	}
	return p, nil
}

func effect(ctx context.Context, ptx pgx.Tx, e Effect, fn func(ctx context.Context, tx *Tx) error) (kam.Progress, error) {
	tx, err := lockCase(ctx, ptx, e)
	if err != nil {
		return kam.Progress{}, err
	}
	if p, done, err := tx.before(); done || err != nil {
		return p, err
	}
	err = fn(ctx, tx)
	if tx.err != nil { // a lookup failed: what fn made of it does not count
		err = tx.err
	}
	if tx.With != nil && tx.With.err != nil {
		err = tx.With.err
	}
	refused := kam.AsError(err)
	switch {
	case err == nil && tx.noChange:
		p := kam.Progress{Snapshot: tx.was, Needs: tx.needs}
		return p, tx.undoAndKeep(p)
	case err == nil:
		return tx.save()
	case e.People && refused != nil && refused.Code != kam.Fault && refused.Code != kam.Unreachable:
		p := kam.Progress{Snapshot: tx.was, Refused: refused}
		return p, tx.refuse(&p)
	}
	return kam.Progress{}, err
}

// lockCase locks the case's row, which orders all that changes it, and reads
// what the effect needs to know, in one round trip. Of two cases the older one is
// locked first, whichever the effect is about.
func lockCase(ctx context.Context, ptx pgx.Tx, e Effect) (*Tx, error) {
	const done = `select digest, progress from kam.effect where case_no = $1 and key = $2`

	tx := &Tx{At: e.At, ctx: ctx, tx: ptx, effect: e, decision: e.decisionID(), queued: &pgx.Batch{}}
	var b pgx.Batch
	if e.With != "" && e.With.Before(e.CaseNo) {
		tx.queueWith(&b)
	}
	queueLock(&b, tx, e.CaseNo, func(found bool) error {
		if !found {
			return pgx.ErrNoRows
		}
		return nil
	})
	if e.With != "" && e.CaseNo.Before(e.With) {
		tx.queueWith(&b)
	}
	b.Queue(done, e.CaseNo, e.Key).Query(func(rows pgx.Rows) error {
		stored, err := pgx.CollectRows(rows, pgx.RowToStructByPos[storedEffect])
		if len(stored) == 1 {
			tx.stored = &stored[0]
		}
		return err
	})
	b.Queue(`savepoint effect`)
	err := ptx.SendBatch(ctx, &b).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, kam.Errorf(kam.NotFound, "there is no case %s", e.CaseNo)
	}
	if err != nil {
		return nil, err
	}
	tx.locked()
	if tx.With != nil {
		tx.With.locked()
	}
	return tx, nil
}

// queueWith locks the other case of an effect on two. Its change is an effect of
// its own there, under a key that names this one; one that does not exist is nil.
func (tx *Tx) queueWith(b *pgx.Batch) {
	e := tx.effect
	other := &Tx{At: tx.At, ctx: tx.ctx, tx: tx.tx, queued: &pgx.Batch{}, effect: Effect{
		CaseNo: e.With, Key: "with/" + string(e.CaseNo) + "/" + e.Key, Digest: e.Digest, People: e.People, At: e.At, By: e.By,
	}}
	queueLock(b, other, e.With, func(found bool) error {
		if found {
			tx.With = other
		}
		return nil
	})
}

func queueLock(b *pgx.Batch, tx *Tx, no kam.CaseNo, then func(found bool) error) {
	const lock = `
		select snapshot, version, audit_seq, audit_hash, holds, clock_timestamp()
		from kam.cases where case_no = $1 for update`

	b.Queue(lock, no).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&tx.was, &tx.was.Version, &tx.auditSeq, &tx.auditHash, &tx.held, &tx.dbAt)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return then(err == nil)
	})
}

func (tx *Tx) locked() {
	// PostgreSQL keeps microseconds; so does what the hash covers.
	tx.dbAt = tx.dbAt.UTC().Truncate(time.Microsecond)
	now := cloned(tx.was)
	tx.Case, tx.holds = &now, tx.held
}

type storedEffect struct {
	Digest   string
	Progress kam.Progress
}

// before finds out whether there is anything to do.
func (tx *Tx) before() (p kam.Progress, done bool, err error) {
	e := tx.effect
	switch {
	case !e.People && tx.was.Version > e.Known && (tx.stored == nil || tx.stored.Digest != e.Digest):
		// The engine numbers its effects; a number that was spent in a workflow
		// task that Temporal lost may come again for something else.
		return kam.Progress{Snapshot: tx.was, Ahead: true}, true, nil
	case tx.stored != nil && tx.stored.Digest != e.Digest:
		return p, true, kam.Errorf(kam.IDReused, "effect %s of case %s was stored with other content", e.Key, e.CaseNo).On("decision_id")
	case tx.stored != nil && tx.stored.Progress.Refused == nil:
		p = tx.stored.Progress
		if tx.was.Version > p.Snapshot.Version {
			p.Snapshot, p.Ahead = tx.was, true
		}
		return p, true, nil
	case e.Known > tx.was.Version:
		return p, true, kam.Errorf(kam.Fault, "the database knows version %d of case %s, the workflow %d: was an old backup restored?", tx.was.Version, e.CaseNo, e.Known)
	}
	return p, false, nil
}

// Peek runs fn as an effect would, and undoes what it did: for questions that
// only an effect can answer.
func (s *Store) Peek(ctx context.Context, no kam.CaseNo, at time.Time, fn func(ctx context.Context, tx *Tx) error) error {
	return s.inTx(ctx, "look at "+string(no), func(ptx pgx.Tx) error {
		tx, err := lockCase(ctx, ptx, Effect{CaseNo: no, At: at})
		if err != nil {
			return err
		}
		if err := fn(ctx, tx); err != nil {
			return err
		}
		if tx.err != nil {
			return tx.err
		}
		return tx.undo()
	})
}

const (
	// Only a refusal is ever replaced: it may have been cured since (D10b).
	insertEffect = `
		insert into kam.effect (case_no, key, digest, progress, at) values ($1, $2, $3, $4, $5)
		on conflict (case_no, key) do update set progress = excluded.progress, at = excluded.at`
	updateCase = `
		update kam.cases set snapshot = $2, version = $3, by_person = by_person or $4, state = $5, step_code = $6,
			outcome = $7, territory = $8, owner = $9, country = $10, open = $11, opened_at = $12, updated_at = $13,
			customer_no = coalesce(nullif($14, ''), customer_no),
			customer_name = coalesce(nullif($15, ''), customer_name),
			audit_seq = $16, audit_hash = $17, touched_at = $18, case_type = $19, holds = $20, appeal_of = $21, requester = $22, same_as = $23
		where case_no = $1`
)

// save writes all that the effect led to, in one round trip.
func (tx *Tx) save() (kam.Progress, error) {
	c := tx.Case
	c.CaseNo, c.Version, c.LastDecision = tx.was.CaseNo, tx.was.Version+1, tx.decision
	c.UpdatedAt = tx.At.UTC()
	if tx.was.Version == 0 { // until now it was the database's time of the number
		c.OpenedAt = c.UpdatedAt
	}
	if c.State.Ended() {
		tx.holds = ""
	}
	p := kam.Progress{Snapshot: *c, Timeline: tx.queueAudit(), Records: tx.records}
	tx.queued.Queue(updateCase, c.CaseNo, c, c.Version, tx.effect.People, c.State, c.Step,
		c.Outcome, c.Territory, c.OwnerID, c.Country, !c.State.Ended(), c.OpenedAt, c.UpdatedAt,
		c.CommittedAs, tx.customerName, tx.auditSeq, tx.auditHash, tx.dbAt, c.Type, tx.holds, c.AppealOf, c.Requester, c.SameAs)
	tx.queued.Queue(insertEffect, c.CaseNo, tx.effect.Key, tx.effect.Digest, p, tx.dbAt)
	if tx.taken != "" {
		tx.queued.Queue(`delete from kam.staged where case_no = $1 and decision_id = $2`, c.CaseNo, tx.taken)
		tx.queued.Queue(`delete from kam.contact where owner = $1`, stagedOwner(c.CaseNo, tx.taken))
	}
	if tx.With != nil && len(tx.With.audit) > 0 {
		if _, err := tx.With.save(); err != nil {
			return kam.Progress{}, err
		}
	}
	return p, sendBatch(tx.ctx, tx.tx, "save the effect", tx.queued)
}

// undo forgets what fn wrote, also after a statement that failed.
func (tx *Tx) undo() error {
	if _, err := tx.tx.Exec(tx.ctx, `rollback to savepoint effect`); err != nil {
		return fmt.Errorf("undo the effect: %w", err)
	}
	tx.queued, tx.audit, tx.holds, tx.With, tx.taken = &pgx.Batch{}, nil, tx.held, nil, ""
	now := cloned(tx.was)
	tx.Case = &now
	return nil
}

func (tx *Tx) undoAndKeep(p kam.Progress) error {
	if err := tx.undo(); err != nil {
		return err
	}
	tx.queued.Queue(insertEffect, tx.effect.CaseNo, tx.effect.Key, tx.effect.Digest, p, tx.dbAt)
	return sendBatch(tx.ctx, tx.tx, "keep the effect", tx.queued)
}

func (tx *Tx) refuse(p *kam.Progress) error {
	if err := tx.undo(); err != nil {
		return err
	}
	tx.logRefusal(p.Refused)
	return tx.saveRefusal(p.Refused, p)
}

func (tx *Tx) logRefusal(e *kam.Error) {
	tx.Log(kam.AuditEvent{
		Type: kam.EventDecisionRefused, Actor: tx.effect.By, DecisionID: tx.decision,
		ReasonCode: string(e.Code), Text: clip(e.Error(), 1000),
	})
}

// saveRefusal stores a refusal without moving the case. It is one line of the
// audit trail for each decision and code, and for each signal, since nobody
// waits for the answer to one and sends it again for the want of it; p, where there is an
// effect to keep, also gets its line of the timeline. The note that the client
// left of a withdrawal goes with its refusal, unless that only says that the
// case is in a stage of the engine: then the commit decides (D12).
func (tx *Tx) saveRefusal(e *kam.Error, p *kam.Progress) error {
	const once = `
		insert into kam.refusal as r (case_no, decision_id, code, signal) values ($1, $2, $3, $4)
		on conflict (case_no, decision_id, code) do update set signal = excluded.signal where r.signal < excluded.signal`
	const head = `update kam.cases set audit_seq = $2, audit_hash = $3 where case_no = $1`
	const note = `delete from kam.withdraw_intent where case_no = $1 and decision_id = $2`

	no := tx.was.CaseNo
	tag, err := exec(tx.ctx, tx.tx, "note the refusal", once, no, clip(tx.decision, 200), e.Code, tx.effect.Signal)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 1 {
		lines := tx.queueAudit()
		if p != nil {
			p.Timeline = lines
		}
		tx.queued.Queue(head, no, tx.auditSeq, tx.auditHash)
	}
	if e.Code != kam.WrongState {
		tx.queued.Queue(note, no, tx.decision)
	}
	if p != nil {
		tx.queued.Queue(insertEffect, no, tx.effect.Key, tx.effect.Digest, p, tx.dbAt)
	}
	return sendBatch(tx.ctx, tx.tx, "store the refusal", tx.queued)
}
