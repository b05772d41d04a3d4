package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// OnSubject runs fn on something that is no case, and stores what it did in
// one transaction under the lock of the subject: "customer/C-000012",
// "import/B-000001", "org". The effect's CaseNo is the name of the subject; its
// Key is the business key within it, and Digest covers what is asked.
//
// The same effect again returns the stored result; with another digest it is a
// kam.IDReused. A kam.Error that fn returns is a refusal: fn's writes are
// undone, the refusal is audited, and the error comes back; the same key may
// then be tried again. fn may run more than once and must not change anything
// but tx. It logs at least one event. Tx.Case carries no case: only its name.
func (s *Store) OnSubject(ctx context.Context, e Effect, fn func(ctx context.Context, tx *Tx) (any, error)) (result json.RawMessage, err error) {
	return s.onSubject(ctx, e, s.inTx, fn)
}

// OnSubjectInBulk is OnSubject for set-based work on many rows: one at a time,
// with the time that such work takes.
func (s *Store) OnSubjectInBulk(ctx context.Context, e Effect, fn func(ctx context.Context, tx *Tx) (any, error)) (result json.RawMessage, err error) {
	return s.onSubject(ctx, e, s.inLoad, fn)
}

type txRunner func(ctx context.Context, doing string, fn func(tx pgx.Tx) error) error

func (s *Store) onSubject(ctx context.Context, e Effect, run txRunner, fn func(ctx context.Context, tx *Tx) (any, error)) (result json.RawMessage, err error) {
	var refused *kam.Error
	err = run(ctx, "effect "+e.Key+" on "+string(e.CaseNo), func(ptx pgx.Tx) error {
		result, refused = nil, nil
		tx, err := lockSubject(ctx, ptx, e)
		if err != nil {
			return err
		}
		if tx.storedResult != nil {
			if tx.storedResult.Digest != e.Digest {
				return kam.Errorf(kam.IDReused, "effect %s of %s was stored with other content", e.Key, e.CaseNo).On("decision_id")
			}
			result = tx.storedResult.Result
			return nil
		}
		v, err := fn(ctx, tx)
		if tx.err != nil {
			err = tx.err
		}
		if e := kam.AsError(err); e != nil && e.Code != kam.Fault && e.Code != kam.Unreachable {
			refused = e
			return tx.refuseSubject(e)
		}
		if err != nil {
			return err
		}
		result, err = tx.saveSubject(v)
		return err
	})
	if err == nil && refused != nil {
		return nil, refused
	}
	return result, err
}

type storedResult struct {
	Digest string
	Result json.RawMessage
}

func lockSubject(ctx context.Context, ptx pgx.Tx, e Effect) (*Tx, error) {
	const (
		create = `insert into kam.subject (subject) values ($1) on conflict do nothing`
		lock   = `select audit_seq, audit_hash, clock_timestamp() from kam.subject where subject = $1 for update`
		done   = `select digest, result from kam.subject_effect where subject = $1 and key = $2`
	)
	tx := &Tx{At: e.At, ctx: ctx, tx: ptx, effect: e, decision: e.decisionID(), queued: &pgx.Batch{}}
	tx.was.CaseNo = e.CaseNo
	var b pgx.Batch
	b.Queue(create, e.CaseNo)
	b.Queue(lock, e.CaseNo).QueryRow(func(row pgx.Row) error { return row.Scan(&tx.auditSeq, &tx.auditHash, &tx.dbAt) })
	b.Queue(done, e.CaseNo, e.Key).Query(func(rows pgx.Rows) error {
		stored, err := pgx.CollectRows(rows, pgx.RowToStructByPos[storedResult])
		if len(stored) == 1 {
			tx.storedResult = &stored[0]
		}
		return err
	})
	b.Queue(`savepoint effect`)
	if err := ptx.SendBatch(ctx, &b).Close(); err != nil {
		return nil, err
	}
	tx.dbAt = tx.dbAt.UTC().Truncate(time.Microsecond)
	tx.was.Version = tx.auditSeq // makes the ids of tasks and messages
	now := cloned(tx.was)
	tx.Case = &now
	return tx, nil
}

const subjectHead = `update kam.subject set audit_seq = $2, audit_hash = $3 where subject = $1`

func (tx *Tx) saveSubject(v any) (json.RawMessage, error) {
	const insert = `insert into kam.subject_effect (subject, key, digest, result, at) values ($1, $2, $3, $4, $5)`

	result, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("print the result: %w", err)
	}
	if len(tx.audit) == 0 {
		return nil, kam.Errorf(kam.Fault, "effect %s of %s logged no event", tx.effect.Key, tx.was.CaseNo)
	}
	tx.queueAudit()
	tx.queued.Queue(subjectHead, tx.was.CaseNo, tx.auditSeq, tx.auditHash)
	tx.queued.Queue(insert, tx.was.CaseNo, tx.effect.Key, tx.effect.Digest, json.RawMessage(result), tx.dbAt)
	return result, sendBatch(tx.ctx, tx.tx, "save the effect", tx.queued)
}

func (tx *Tx) refuseSubject(e *kam.Error) error {
	if err := tx.undo(); err != nil {
		return err
	}
	tx.logRefusal(e)
	tx.queueAudit()
	tx.queued.Queue(subjectHead, tx.was.CaseNo, tx.auditSeq, tx.auditHash)
	return sendBatch(tx.ctx, tx.tx, "store the refusal", tx.queued)
}

// TrailOf is the audit trail of a subject, in order; empty where there is none.
func (s *Store) TrailOf(ctx context.Context, subject string) ([]kam.AuditEvent, error) {
	return list(ctx, s.pool, "read the audit trail", scanEvent,
		`select `+auditColumns+` from kam.audit where case_no = $1 order by seq`, subject)
}
