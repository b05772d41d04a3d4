// Package ledger keeps what changes, whatever it is: a case, a customer book
// that is imported, a customer, the organisation. To the ledger each of them is
// a [Subject], a kind and an id, under which stand
//
//   - its head: how far it has come, under a lock;
//   - its effects: each is one transaction under a business key, with a digest of
//     what was asked and the answer that was given, so that the same effect again
//     changes nothing and gets the same answer;
//   - its audit trail, each event chained to the one before;
//   - the messages that leave after the commit, and the tasks of people;
//   - data that are sent ahead of an act, until it is stored or a week is over.
//
// What a subject is, and what may be done to it, the ledger does not know: that
// is for the [Keeper] of its row.
package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A Ledger stands in one database.
type Ledger struct {
	pool *pgxpool.Pool
	// Committed is called after each commit of an effect; tests lose the reply
	// here.
	Committed func() error
}

// New opens the ledger of a database.
func New(pool *pgxpool.Pool) *Ledger {
	return &Ledger{pool: pool, Committed: func() error { return nil }}
}

// Now is the time of the database.
func (l *Ledger) Now(ctx context.Context) (time.Time, error) {
	var t time.Time
	if err := l.pool.QueryRow(ctx, `select clock_timestamp()`).Scan(&t); err != nil {
		return t, fmt.Errorf("read the time of the database: %w", err)
	}
	return t.UTC(), nil
}

// A Kind says what a subject is.
type Kind string

// A Subject is what an effect is about. Audit hashes cover its id, which
// therefore stays as it is for ever.
type Subject struct {
	Kind Kind
	ID   string
}

func (s Subject) String() string { return string(s.Kind) + " " + s.ID }

// A Keeper does one effect on one subject, and keeps the subject's row. A new
// one is made for each attempt.
type Keeper interface {
	// Lock queues what locks the row and reads it, by [Entry.QueueLock].
	Lock(b *pgx.Batch)
	// Do is the effect itself. A kam.Error is a refusal.
	Do(ctx context.Context) error
	// Log appends an event to the trail, by [Entry.Log], with what is known of
	// the subject filled in.
	Log(e kam.AuditEvent)
	// Forget takes the subject back to what it was when it was locked, after
	// what Do wrote was undone.
	Forget()
	// Save queues the row as the effect leaves it and makes the answer to keep.
	Save() (answer any, err error)
	// Unchanged makes the answer of an effect that leaves the subject as it is.
	Unchanged() (answer any, err error)
	// Refused makes the answer to keep of a refusal; nil keeps none.
	Refused(e *kam.Error) (answer any)
	// Stored is handed the answer of an effect that was done before. It is nil,
	// and ahead true, where the subject is further than the engine knows: then
	// nothing is done.
	Stored(answer []byte, ahead bool) error
}

// Do runs one effect in one transaction under the lock of its subject, and
// keeps it. The same effect again hands the stored answer to the keeper, unless
// that was a refusal, which is judged again; with another digest it is a
// kam.IDReused. An effect of the engine that finds the subject ahead of what it
// knows does nothing.
//
// A kam.Error is a refusal where a person acts, or where the effect is
// [Unfenced]: what was written is undone, and the refusal stands in the trail,
// once for each decision and code. Of the engine's own effects it is an error.
//
// The effect may run more than once, each time with a keeper of its own, and
// must not change anything else.
func (l *Ledger) Do(ctx context.Context, e Effect, open func(*Entry) Keeper) error {
	err := pg.Retry(ctx, func() error {
		return pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error { return DoIn(ctx, tx, e, open) })
	})
	if err == nil {
		err = l.Committed()
	}
	if err != nil {
		return fmt.Errorf("effect %s on %s: %w", e.Key, e.Subject.ID, pg.Known(err))
	}
	return nil
}

// DoIn is [Ledger.Do] in a transaction that is there already.
func DoIn(ctx context.Context, tx pgx.Tx, f Effect, open func(*Entry) Keeper) error {
	e, k, err := lock(ctx, tx, f, open)
	if err != nil {
		return err
	}
	if done, err := e.before(k); done || err != nil {
		return err
	}
	if err = e.do(k); err == nil {
		err = e.sign()
	}
	refusal := kam.AsError(err)
	switch {
	case err == nil && e.unchanged:
		return e.keepUnchanged(k)
	case err == nil:
		return e.Save(k)
	case (f.People || f.Known == Unfenced) && refusal != nil && refusal.Code != kam.Fault && refusal.Code != kam.Unreachable:
		if err := e.Undo(); err != nil {
			return err
		}
		k.Forget()
		return e.refuse(k, refusal, true)
	}
	return err
}

// Look does an effect and undoes it: for questions that only an effect can
// answer. One that was done before is not done; with another digest it is a
// kam.IDReused.
func (l *Ledger) Look(ctx context.Context, f Effect, open func(*Entry) Keeper) error {
	return pg.InTx(ctx, l.pool, "look at "+f.Subject.ID, func(tx pgx.Tx) error {
		e, k, err := lock(ctx, tx, f, open)
		switch {
		case err != nil:
			return err
		case e.stored != nil && e.stored.Digest != f.Digest:
			return e.reused()
		case e.stored != nil && !e.stored.Refused:
			return nil
		}
		if err := e.do(k); err != nil {
			return err
		}
		return e.Undo()
	})
}

// Append adds to the trail of a subject what Do logs, without moving it: its
// version stays, and no answer is kept. What is signed stands under the number of
// the first event.
func (l *Ledger) Append(ctx context.Context, f Effect, open func(*Entry) Keeper) error {
	return pg.InTx(ctx, l.pool, "add to the trail of "+f.Subject.ID, func(tx pgx.Tx) error {
		e, k, err := lock(ctx, tx, f, open)
		if err != nil {
			return err
		}
		if err := e.do(k); err != nil {
			return err
		}
		e.effect.Key = EventKey(e.seq + 1)
		if err := e.sign(); err != nil {
			return err
		}
		e.keepEnvelope()
		return e.Note()
	})
}

// Refuse puts a refusal on record that was given before the subject was
// reached: once for each decision, code and person, and for each signal. The
// subject does not move. Who is refused may have sent anything: what is too long
// is cut. What has no id of a decision is known by the key of the effect.
func (l *Ledger) Refuse(ctx context.Context, f Effect, decisionID string, refusal *kam.Error, open func(*Entry) Keeper) error {
	f.By, f.People = kam.UserID(pg.Clip(string(f.By), 80)), true
	if decisionID != "" {
		f.Key = "act/" + pg.Clip(decisionID, 80)
	}
	return pg.InTx(ctx, l.pool, "note a refusal on "+f.Subject.ID, func(tx pgx.Tx) error {
		e, k, err := lock(ctx, tx, f, open)
		if err != nil {
			return err
		}
		return e.refuse(k, refusal, false)
	})
}

// lock locks the row of the subject, which orders all that changes it, and
// reads what the effect needs to know, in one round trip.
func lock(ctx context.Context, tx pgx.Tx, f Effect, open func(*Entry) Keeper) (*Entry, Keeper, error) {
	if f.Bulk {
		if err := pg.Alone(ctx, tx); err != nil {
			return nil, nil, err
		}
	}
	e := &Entry{At: f.At, ctx: ctx, tx: tx, effect: f, decision: f.decisionID(), home: &subjects, queued: &pgx.Batch{}}
	k := open(e)
	var b pgx.Batch
	k.Lock(&b)
	b.Queue(e.home.Stored, pgx.StrictNamedArgs{"subject": f.Subject.ID, "key": f.Key}).Query(func(rows pgx.Rows) error {
		stored, err := pgx.CollectRows(rows, pgx.RowToStructByName[answered])
		if len(stored) == 1 {
			e.stored = &stored[0]
		}
		return err
	})
	e.queueRefused(&b)
	b.Queue(`savepoint effect`)
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return nil, nil, err
	}
	return e, k, nil
}

// do runs the effect. Where a lookup failed, what Do made of it does not count.
func (e *Entry) do(k Keeper) error {
	if err := k.Do(e.ctx); e.err == nil {
		return err
	}
	return e.err
}

// before finds out whether there is anything to do.
func (e *Entry) before(k Keeper) (done bool, err error) {
	f, fenced := e.effect, e.effect.Known != Unfenced && !e.effect.People
	switch {
	case fenced && e.version > f.Known && (e.stored == nil || e.stored.Digest != f.Digest):
		// The engine numbers its effects; a number that was spent in a workflow
		// task that Temporal lost may come again for something else.
		return true, k.Stored(nil, true)
	case e.stored != nil && e.stored.Digest != f.Digest:
		return true, e.reused()
	case e.stored != nil && !e.stored.Refused:
		return true, k.Stored(e.stored.Answer, false)
	case e.was != nil:
		return true, e.refuse(k, e.was, false)
	case f.Known > e.version:
		return true, kam.Errorf(kam.Fault, "the database knows version %d of %s, the workflow %d: was an old backup restored?", e.version, f.Subject, f.Known)
	}
	return false, nil
}

// reused refuses an effect whose key stands for another one.
func (e *Entry) reused() error {
	return kam.Errorf(kam.IDReused, "effect %s of %s was stored with other content", e.effect.Key, e.effect.Subject).On("decision_id")
}

// Save writes all that the effect led to, in one round trip.
func (e *Entry) Save(k Keeper) error {
	e.chain()
	answer, err := k.Save()
	if err != nil {
		return err
	}
	if err := e.keep(answer); err != nil {
		return err
	}
	e.queueTaken()
	e.keepEnvelope()
	return e.Flush("save the effect")
}

func (e *Entry) keepUnchanged(k Keeper) error {
	if err := e.Undo(); err != nil {
		return err
	}
	answer, err := k.Unchanged()
	if err != nil {
		return err
	}
	if err := e.keep(answer); err != nil {
		return err
	}
	e.keepEnvelope()
	return e.Flush("keep the effect")
}

// keep queues the answer, under the key of the effect. Only a refusal is ever
// replaced: its cause may have been cured since.
func (e *Entry) keep(answer any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("print the answer: %w", err)
	}
	e.queued.Queue(e.home.Keep, pgx.StrictNamedArgs{
		"subject": e.effect.Subject.ID, "key": e.effect.Key, "digest": e.effect.Digest, "answer": json.RawMessage(text), "at": e.dbAt,
	})
	return nil
}

// refuse puts a refusal on record. It is one line of the trail for each
// decision, code and person, and for each signal, since nobody waits for the
// answer to one and sends it again for the want of it.
//
// A refusal for the signature is on record as that of nobody, with whom the act
// claims to be from. Its answer is not kept: whoever forges acts must neither
// spend the ids of decisions nor fill the tables.
func (e *Entry) refuse(k Keeper, refusal *kam.Error, keep bool) error {
	forged := refusal.Code == kam.NotSigned
	if forged {
		listed, err := e.countForged()
		if err != nil {
			return err
		}
		if !listed {
			k.Refused(refusal)
			return nil
		}
	}
	const once = `
		insert into kam.refusal as r (case_no, decision_id, code, signal) values (@subject, @decision, @code, @signal)
		on conflict (case_no, decision_id, code) do update set signal = excluded.signal where r.signal < excluded.signal`

	under := e.decision
	if under == "" {
		under = e.effect.Key
	}
	if e.home == &subjects { // of cases the release before knows the bare id
		under = string(e.effect.By) + " " + under
	}
	tag, err := pg.Exec(e.ctx, e.tx, "note the refusal", once, pgx.StrictNamedArgs{
		"subject": e.effect.Subject.ID, "decision": pg.Clip(under, 200), "code": refusal.Code, "signal": e.effect.Signal,
	})
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 1 {
		line := kam.AuditEvent{
			Type: kam.EventDecisionRefused, Actor: e.effect.By, DecisionID: e.decision,
			ReasonCode: string(refusal.Code), Text: pg.Clip(refusal.Error(), 1000),
		}
		if forged {
			line.Type, line.Actor = kam.EventSignatureRefused, kam.System
			line.Text = pg.Clip(kam.Note("in the name of %s", e.effect.By)+": "+refusal.Error(), 1000)
		}
		k.Log(line)
		e.chain()
		e.QueueHead()
	}
	if !forged {
		if err := e.spendEnvelope(refusal); err != nil {
			return err
		}
	}
	if answer := k.Refused(refusal); answer != nil && keep && !forged {
		if err := e.keep(answer); err != nil {
			return err
		}
	}
	return e.Flush("store the refusal")
}
