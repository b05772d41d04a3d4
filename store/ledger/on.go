package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// On runs fn on a subject that has no table of its own, as one effect, and
// returns what fn answered. What fn refuses is the error. It logs at least one
// event. First, where given, queues what is to be locked before the subject.
func (l *Ledger) On(ctx context.Context, e Effect, first func(b *pgx.Batch), fn func(e *Entry) (any, error)) (answer json.RawMessage, err error) {
	var k *simple
	e.Known = Unfenced
	err = l.Do(ctx, e, func(entry *Entry) Keeper {
		k = &simple{Entry: entry, first: first, fn: fn}
		return k
	})
	if err == nil && k.refused != nil {
		return nil, k.refused
	}
	if err != nil {
		return nil, err
	}
	return k.stored, nil
}

// RefuseOn puts on the trail of a subject that has no table of its own what was
// refused before the subject was reached.
func (l *Ledger) RefuseOn(ctx context.Context, of Subject, by kam.UserID, decisionID string, at time.Time, refusal *kam.Error) error {
	return l.Refuse(ctx, Effect{Subject: of, At: at, By: by}, decisionID, refusal, func(e *Entry) Keeper { return Simple(e, nil) })
}

// Digest is what the store keeps of data that an act or a load refers to.
func Digest(v any) string { return "sha256:" + kam.Digest(v) }

// Simple keeps a subject that has no table of its own.
func Simple(e *Entry, fn func(e *Entry) (any, error)) Keeper { return &simple{Entry: e, fn: fn} }

// simple is an effect on a subject that has no table of its own for its head.
type simple struct {
	*Entry
	first   func(b *pgx.Batch)
	fn      func(e *Entry) (any, error)
	answer  any
	stored  json.RawMessage
	refused *kam.Error
}

func (k *simple) Lock(b *pgx.Batch) {
	if k.first != nil {
		k.first(b)
	}
	k.QueueLock(b, func(bool) error { return nil })
}

func (k *simple) Do(context.Context) (err error) {
	k.answer, err = k.fn(k.Entry)
	return err
}

func (k *simple) Save() (any, error) {
	if len(k.Events()) == 0 {
		return nil, kam.Errorf(kam.Fault, "effect %s of %s logged no event", k.effect.Key, k.effect.Subject)
	}
	k.QueueHead()
	return k.Unchanged()
}

func (k *simple) Unchanged() (_ any, err error) {
	if k.stored, err = json.Marshal(k.answer); err != nil {
		return nil, fmt.Errorf("print the answer: %w", err)
	}
	return k.stored, nil
}

func (k *simple) Refused(e *kam.Error) any {
	k.refused = e
	return nil
}

func (k *simple) Stored(answer []byte, _ bool) error {
	k.stored = answer
	return nil
}

func (k *simple) Forget() {}
