package workerapp

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
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
	RefreshParties(ctx context.Context, version, limit int, keys func(customerdb.PartyData) customerdb.PartyKeys) (int, error)
}

// refresher writes the keys by which parties are found again, where a release
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

// outbox is what the relay needs of the store.
type outbox interface {
	ClaimMessages(ctx context.Context, limit int, lease time.Duration) ([]ledger.Delivery, error)
	MarkDelivered(ctx context.Context, id string) error
	MarkFailed(ctx context.Context, id string, cause error, hopeless bool) (aside bool, err error)
}

// relay carries messages out of the outbox: at least once, each under an id
// that does not change.
type relay struct {
	store  outbox
	people interface {
		Person(ctx context.Context, id kam.UserID) (kam.Person, error)
	}
	deliverer Deliverer
	timeout   time.Duration
	counters  *counters
	log       *zap.Logger
}

// atATime is how many messages are claimed and carried at once: a receiver that
// hangs does not hold up the others, and none waits longer than its lease.
const atATime = 5

// run empties the outbox, as far as receivers allow.
func (r *relay) run(ctx context.Context) {
	for ctx.Err() == nil {
		messages, err := r.store.ClaimMessages(ctx, atATime, r.lease())
		if err != nil {
			r.trouble(ctx, "read the outbox", err)
			return
		}
		if len(messages) == 0 {
			return
		}
		var all errgroup.Group
		for _, m := range messages {
			all.Go(func() error {
				r.carry(ctx, m)
				return nil
			})
		}
		_ = all.Wait() // carry reports for itself
	}
}

// lease is longer than one delivery takes: looking up who is told, one attempt,
// and noting what became of it.
func (r *relay) lease() time.Duration { return lookUp + r.timeout + noting + 5*time.Second }

const (
	lookUp = 10 * time.Second
	noting = 5 * time.Second
)

// carry delivers one message and notes what became of it. A note that cannot
// be made leaves the message to be delivered again.
func (r *relay) carry(ctx context.Context, m ledger.Delivery) {
	looking, found := context.WithTimeout(ctx, lookUp)
	n, err := r.notice(looking, m)
	found()
	if err == nil {
		attempt, cancel := context.WithTimeout(ctx, r.timeout)
		err = r.deliverer.Deliver(attempt, n)
		cancel()
	}
	// A worker that stops still notes what it has delivered.
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), noting)
	defer cancel()
	if err == nil {
		r.counters.delivered.Inc()
		if err := r.store.MarkDelivered(note, m.ID); err != nil {
			r.trouble(ctx, "note a delivery", err)
		}
		return
	}
	r.counters.failed.Inc()
	r.log.Warn("delivery failed", zap.String("id", m.ID), zap.Int("attempt", m.Attempts), zap.Error(err))
	aside, err := r.store.MarkFailed(note, m.ID, err, errors.Is(err, errHopeless))
	if err != nil {
		r.trouble(ctx, "note a failed delivery", err)
	}
	if aside {
		r.counters.dead.Inc()
	}
}

// notice looks up where the recipients are reached. One who is not known any
// more is left out.
func (r *relay) notice(ctx context.Context, m ledger.Delivery) (Notice, error) {
	n := Notice{ID: m.ID, Kind: m.EventType(), CaseNo: string(m.CaseNo), About: m.About, At: m.At, Data: m.Facts(), Attempt: m.Attempts}
	title, err := m.Title()
	if err != nil {
		return n, err
	}
	n.Title, n.Said = title.English, title.Text
	for _, id := range m.To {
		p, err := r.people.Person(ctx, id)
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
		r.counters.loopErrors.Inc()
		r.log.Error(what, zap.Error(err))
	}
}
