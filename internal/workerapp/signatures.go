package workerapp

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/keys"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store"
)

// signatures are what a worker knows of the signing of acts: the public keys,
// which it reports, and what to do with acts that are not signed. Both are read
// again every few seconds.
type signatures struct {
	*signed.Verifier
	box    keys.Box
	mode   signed.Mode // configured; empty: that of the installation
	worker string
	store  interface {
		SignatureModes(ctx context.Context) ([]store.ModeSince, error)
		SetSignatureMode(ctx context.Context, mode signed.Mode) error
		KnowsKeys(ctx context.Context, worker string, keys []string) error
		WorkerGone(ctx context.Context, worker string) error
		RefuseForged(ctx context.Context, about string, by kam.UserID, decisionID string, e *kam.Error, at time.Time) error
	}
	counters *counters
	log      *zap.Logger

	refused chan refusedSignature
	lost    atomic.Int64 // refusals that found no room
}

// A refusedSignature is what a validator has refused. Validators may not wait for
// a database: a loop puts it on record.
type refusedSignature struct {
	signed.Claim
	at  time.Time
	why *kam.Error
}

// How often keys and mode are read, and how many refusals may wait for the record.
const (
	keysEvery    = 3 * time.Second
	refusedRoom  = 1000
	refusedEvery = 100 * time.Millisecond
)

func newSignatures(cfg config.Config, s *store.Store, c *counters, log *zap.Logger) *signatures {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return &signatures{
		Verifier: signed.NewVerifier(nil, signed.Require), box: keys.In(cfg), mode: signed.Mode(cfg.Signatures),
		worker: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), uuid.NewString()[:8]),
		store:  s, counters: c, log: log, refused: make(chan refusedSignature, refusedRoom),
	}
}

// begin is called before the worker takes work.
func (s *signatures) begin(ctx context.Context) error {
	if s.mode != "" {
		if err := s.store.SetSignatureMode(ctx, s.mode); err != nil {
			return err
		}
	}
	ring, mode, err := s.read(ctx)
	if err != nil {
		return fmt.Errorf("read the keys of signatures: %w", err)
	}
	if mode == signed.Require && len(ring) == 0 {
		s.log.Warn("signatures are required and no public key is known: everything that people send is refused", zap.String("keys", s.box.Dir))
	}
	s.log.Info("signatures", zap.String("mode", string(mode)), zap.Strings("keys", ring.IDs()))
	return nil
}

func (s *signatures) read(ctx context.Context) (signed.Keyring, signed.Mode, error) {
	ring, err := s.box.Ring()
	if err != nil {
		return nil, "", err
	}
	mode := s.mode
	if mode == "" {
		modes, err := s.store.SignatureModes(ctx)
		if err != nil {
			return nil, "", err
		}
		mode = modes[len(modes)-1].Mode
	}
	s.Use(ring, mode)
	return ring, mode, s.store.KnowsKeys(ctx, s.worker, ring.IDs())
}

// refresh reads again. Where that fails, what was read before counts.
func (s *signatures) refresh(ctx context.Context) {
	if _, _, err := s.read(ctx); err != nil && ctx.Err() == nil {
		s.counters.loopErrors.Inc()
		s.log.Error("read the keys of signatures", zap.Error(err))
	}
}

// verify is asked by validators.
func (s *signatures) verify(now time.Time, token string, c signed.Claim) error {
	err := s.Verify(now, token, c)
	if e := kam.AsError(err); e != nil {
		select {
		case s.refused <- refusedSignature{c, now, e}:
		default:
			s.lost.Add(1)
		}
	}
	return err
}

// record puts on record what validators have refused.
func (s *signatures) record(ctx context.Context) {
	for {
		select {
		case r := <-s.refused:
			err := s.store.RefuseForged(ctx, r.About, r.Person, r.Decision, r.why, r.at)
			if err != nil && kam.CodeOf(err) != kam.NotFound {
				s.counters.loopErrors.Inc()
				s.log.Error("note a refused signature", zap.String("about", r.About), zap.Error(err))
			}
		default:
			if n := s.lost.Swap(0); n > 0 {
				s.log.Warn("refused signatures came faster than they could be noted", zap.Int64("not_noted", n))
			}
			return
		}
	}
}

// end notes what is left, and that the worker has gone.
func (s *signatures) end(ctx context.Context) {
	s.record(ctx)
	if err := s.store.WorkerGone(ctx, s.worker); err != nil {
		s.log.Warn("note that the worker ends", zap.Error(err))
	}
}
