package workerapp

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	kamclient "github.com/kamflow/kamflow/client"
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// every runs a job at once and then again and again, a pause after each.
func every(ctx context.Context, pause time.Duration, job func(context.Context)) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		job(ctx)
		t.Reset(pause)
	}
}

// partyKeys is what the refresher needs of the store.
type partyKeys interface {
	RefreshParties(ctx context.Context, version, limit int, keys func(store.PartyData) store.PartyKeys) (int, error)
}

// refresher writes the keys by which parties are found anew, where a release
// changed their form: before a worker takes cases, and again for those that a
// worker of the release before writes while it still runs.
type refresher struct {
	store partyKeys
	log   *zap.Logger
}

const partiesAtATime = 500

func (r *refresher) refresh(ctx context.Context) error {
	total := 0
	for {
		n, err := r.store.RefreshParties(ctx, parties.KeysVersion, partiesAtATime, parties.KeysOf)
		if err != nil {
			return err
		}
		if total += n; n == 0 {
			break
		}
	}
	if total > 0 {
		r.log.Info("the keys of parties were written anew", zap.Int("parties", total), zap.Int("version", parties.KeysVersion))
	}
	return nil
}

func (r *refresher) run(ctx context.Context) {
	if err := r.refresh(ctx); err != nil && ctx.Err() == nil {
		r.log.Warn("write keys of parties anew", zap.Error(err))
	}
}

// outbox is what the relay needs of the store.
type outbox interface {
	ClaimMessages(ctx context.Context, limit int) ([]store.Delivery, error)
	MarkDelivered(ctx context.Context, id string) error
	MarkFailed(ctx context.Context, id string, cause error) error
	Person(ctx context.Context, id kam.UserID) (kam.Person, error)
}

// relay carries messages out of the outbox: at least once, each under an id
// that does not change.
type relay struct {
	store     outbox
	deliverer Deliverer
	timeout   time.Duration
	counters  *counters
	log       *zap.Logger
}

const (
	batch   = 50
	atATime = 5 // a receiver that hangs does not hold up the others
)

// run empties the outbox, as far as receivers allow.
func (r *relay) run(ctx context.Context) {
	for ctx.Err() == nil {
		messages, err := r.store.ClaimMessages(ctx, batch)
		if err != nil {
			r.trouble(ctx, "read the outbox", err)
			return
		}
		if len(messages) == 0 {
			return
		}
		slots := make(chan struct{}, atATime)
		var all sync.WaitGroup
		for _, m := range messages {
			slots <- struct{}{}
			all.Go(func() {
				r.carry(ctx, m)
				<-slots
			})
		}
		all.Wait()
	}
}

// carry delivers one message and notes what became of it. A note that cannot
// be made leaves the message to be delivered again.
func (r *relay) carry(ctx context.Context, m store.Delivery) {
	n, err := r.notice(ctx, m)
	if err == nil {
		attempt, cancel := context.WithTimeout(ctx, r.timeout)
		err = r.deliverer.Deliver(attempt, n)
		cancel()
	}
	// A worker that stops still notes what it has delivered.
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err == nil {
		r.counters.delivered.Add(1)
		if err := r.store.MarkDelivered(note, m.ID); err != nil {
			r.trouble(ctx, "note a delivery", err)
		}
		return
	}
	r.counters.failed.Add(1)
	if errors.Is(err, errHopeless) {
		r.counters.dead.Add(1)
	}
	r.log.Warn("delivery failed", zap.String("id", m.ID), zap.Int("attempt", m.Attempts), zap.Error(err))
	if err := r.store.MarkFailed(note, m.ID, err); err != nil {
		r.trouble(ctx, "note a failed delivery", err)
	}
}

// notice looks up where the recipients are reached. One who is not known any
// more is left out.
func (r *relay) notice(ctx context.Context, m store.Delivery) (Notice, error) {
	n := Notice{ID: m.ID, Kind: m.EventType(), CaseNo: string(m.CaseNo), At: m.At, Title: m.Subject, Data: m.Data, Attempt: m.Attempts}
	for _, id := range m.To {
		p, err := r.store.Person(ctx, id)
		if kam.CodeOf(err) == kam.NotFound {
			continue
		}
		if err != nil {
			return n, err
		}
		if p.Active {
			n.To = append(n.To, Recipient{UserID: string(p.ID), Name: p.Name, Email: p.Email})
		}
	}
	return n, nil
}

func (r *relay) trouble(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		r.counters.loopErrors.Add(1)
		r.log.Error(what, zap.Error(err))
	}
}

// clock is database time: workers' clocks may differ.
type clock interface {
	Now(ctx context.Context) (time.Time, error)
}

// reconciler keeps cases in step with PostgreSQL.
type reconciler struct {
	client   *kamclient.Client
	clock    clock
	counters *counters
	log      *zap.Logger
	every    time.Duration
	since    time.Time // acts stored before are known to have arrived
}

// run compares what people did since the last round that went well, with an
// overlap for transactions that were open then. The first round compares all.
func (r *reconciler) run(ctx context.Context) {
	now, err := r.clock.Now(ctx)
	var found kamclient.Reconciled
	if err == nil {
		found, err = r.client.Reconcile(ctx, r.since)
	}
	r.counters.reconciled.Add(int64(found.Compared))
	r.counters.behind.Add(int64(found.Behind))
	if found.Behind > 0 {
		r.log.Info("cases were behind PostgreSQL and have been told", zap.Int("cases", found.Behind))
	}
	if err != nil {
		if ctx.Err() == nil {
			r.counters.loopErrors.Add(1)
			r.log.Error("reconcile", zap.Error(err))
		}
		return
	}
	r.since = now.Add(-r.every - overlap)
}

// overlap is longer than any transaction that stores an act may last.
const overlap = 30 * time.Second
