package service

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store"
)

// KeyBox is where keys are found.
type KeyBox interface {
	Secrets() ([]signed.SigningKey, error)
	Ring() (signed.Keyring, error)
}

// keySigner signs with the newest key that every live worker knows. Keys and
// workers are looked at again every few seconds.
type keySigner struct {
	box     KeyBox
	workers func(ctx context.Context) ([]store.WorkerKeys, error)

	mu     sync.Mutex
	looked time.Time
	key    signed.SigningKey
	signs  bool
}

const lookAgain = 2 * time.Second

// Key is the key that signs. There is none where none is known to every live
// worker: then acts go unsigned, and are taken or refused by the mode.
func (s *keySigner) Key(ctx context.Context) (signed.SigningKey, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.looked) > lookAgain || now.Before(s.looked) {
		if err := s.look(ctx, now); err != nil && !s.signs {
			return signed.SigningKey{}, false, err
		} // else the key of before signs on
	}
	return s.key, s.signs, nil
}

func (s *keySigner) look(ctx context.Context, now time.Time) error {
	secrets, err := s.box.Secrets()
	if err != nil {
		return err
	}
	ring, err := s.box.Ring()
	if err != nil {
		return err
	}
	live, err := s.workers(ctx)
	if err != nil {
		return err
	}
	s.key, s.signs = SigningNow(secrets, ring, live, now)
	s.looked = now
	return nil
}

// SigningNow is the key that signs at an instant: the newest one that is valid and
// that every live worker knows, or, where none is alive, the oldest.
func SigningNow(secrets []signed.SigningKey, ring signed.Keyring, live []store.WorkerKeys, now time.Time) (key signed.SigningKey, ok bool) {
	for _, k := range ring { // the oldest first
		i := slices.IndexFunc(secrets, func(s signed.SigningKey) bool { return s.ID == k.ID })
		known := !slices.ContainsFunc(live, func(w store.WorkerKeys) bool { return !slices.Contains(w.Keys, k.ID) })
		if i < 0 || !k.ValidAt(now) || !known {
			continue
		}
		key, ok = secrets[i], true
		if len(live) == 0 {
			break
		}
	}
	return key, ok
}

// UseKeys lets the service sign and verify with the keys of a box.
func (l *Local) UseKeys(box KeyBox) {
	l.Signer = &keySigner{box: box, workers: l.record.LiveWorkers}
	l.Keys = box.Ring
}

// LiveWorkers are the workers that were heard of lately, with the public keys that
// they know (read_operation).
func (l *Local) LiveWorkers(ctx context.Context, who Principal) ([]WorkerKeys, error) {
	if _, err := l.ask(ctx, who, access.ActionReadOperation); err != nil {
		return nil, err
	}
	return l.record.LiveWorkers(ctx)
}
