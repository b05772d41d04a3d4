package signed

import (
	"crypto/ed25519"
	"sync/atomic"
	"time"

	"github.com/kamflow/kamflow/kam"
)

// A Claim is what arrived, and what its envelope must say.
type Claim struct {
	Person       kam.UserID
	OnBehalfOf   kam.UserID
	About        string
	Act          string
	Content      any // all that it says; the envelope has its digest
	Revision     int
	MaterialHash string
	// Unseen says that MaterialHash is not known here: it is compared where the
	// data are.
	Unseen bool
	// Decision is the id of the decision, for the record: Digest covers it.
	Decision string
	// Queued says that it came as a signal or a start, which may have waited.
	Queued bool
}

// Digest is the SHA-256 of the content.
func (c Claim) Digest() string { return kam.Digest(c.Content) }

// Open verifies form, key and signature. It does not ask whether the envelope
// still holds: that is for [Envelope.Holds].
func (r Keyring) Open(token string) (Envelope, error) {
	e, body, signature, err := split(token)
	if err != nil {
		return Envelope{}, err
	}
	key, known := r.Key(e.KeyID)
	switch {
	case !known:
		return Envelope{}, kam.Errorf(kam.NotSigned, "key %.20q is not known", e.KeyID)
	case !ed25519.Verify(key.Public, message(body), signature):
		return Envelope{}, kam.Errorf(kam.NotSigned, "the signature is not that of its key")
	case !key.ValidAt(e.Issued):
		return Envelope{}, kam.Errorf(kam.NotSigned, "key %s did not sign at that time", key.ID)
	case !e.Expires.After(e.Issued) || e.Expires.Sub(e.Issued) > QueueLife:
		return Envelope{}, kam.Errorf(kam.NotSigned, "it is made for longer than %v", QueueLife)
	case e.ID == "" || e.Issuer == "" || e.Subject == "" || e.Person == "" || e.About == "" || e.Act == "" || e.Digest == "":
		return Envelope{}, kam.Errorf(kam.NotSigned, "it is not complete")
	}
	return e, nil
}

// Covers says whether the envelope is for what arrived.
func (e Envelope) Covers(c Claim) error {
	for _, f := range []struct {
		what         kam.Sentence
		signed, came any
	}{
		{kam.Say("person"), e.Person, c.Person},
		{kam.Say("person it is done for"), e.OnBehalfOf, c.OnBehalfOf},
		{kam.Say("subject"), e.About, c.About},
		{kam.Say("act"), e.Act, c.Act},
		{kam.Say("revision"), e.Revision, c.Revision},
		{kam.Word("material_hash"), e.MaterialHash, c.MaterialHash},
		{kam.Say("content"), e.Digest, c.Digest()},
	} {
		if f.signed != f.came && (f.what.English != "material_hash" || !c.Unseen) {
			return kam.Errorf(kam.NotSigned, "it is for another %s", f.what)
		}
	}
	if life := e.Expires.Sub(e.Issued); !c.Queued && life > ActLife {
		return kam.Errorf(kam.NotSigned, "it is made for %v, and an act that is answered at once for %v at most", life, ActLife)
	}
	return nil
}

// Holds says whether the envelope holds at an instant, and its key too.
func (r Keyring) Holds(e Envelope, now time.Time) error {
	key, _ := r.Key(e.KeyID)
	switch {
	case e.Issued.After(now.Add(ahead)):
		return kam.Errorf(kam.NotSigned, "it was issued %v from now: is a clock wrong?", e.Issued.Sub(now).Round(time.Second))
	case !now.Before(e.Expires):
		return kam.Errorf(kam.NotSigned, "it expired %v ago", now.Sub(e.Expires).Round(time.Second))
	case !key.Until.IsZero() && !now.Before(key.Until):
		return kam.Errorf(kam.NotSigned, "key %s was retired", key.ID)
	}
	return nil
}

// A Mode says what is done with an act that is not signed.
type Mode string

// The modes.
const (
	Record  Mode = "record"  // it is taken, and on record as unsigned
	Require Mode = "require" // it is refused
)

// A Verifier judges acts by the keys and the mode of the moment. It does no I/O
// and may be used from many goroutines. A nil one knows no key and requires
// signatures, so it refuses everything.
type Verifier struct{ now atomic.Pointer[rule] }

type rule struct {
	ring Keyring
	mode Mode
}

// NewVerifier makes a verifier.
func NewVerifier(ring Keyring, mode Mode) *Verifier {
	v := &Verifier{}
	v.Use(ring, mode)
	return v
}

// Use replaces keys and mode, for the acts that come from now on.
func (v *Verifier) Use(ring Keyring, mode Mode) { v.now.Store(&rule{ring, mode}) }

// Mode is that of the moment.
func (v *Verifier) Mode() Mode { return v.rule().mode }

func (v *Verifier) rule() rule {
	if v != nil {
		if r := v.now.Load(); r != nil {
			return *r
		}
	}
	return rule{mode: Require}
}

// Verify judges what arrived by its envelope. What carries none is taken where
// the mode is Record; a wrong envelope is refused in both modes. The refusal is a
// kam.NotSigned.
func (v *Verifier) Verify(now time.Time, token string, c Claim) error {
	r := v.rule()
	if token == "" {
		if r.mode == Record {
			return nil
		}
		return kam.Errorf(kam.NotSigned, "it is not signed").On("signed").Try("sign in and send it through the gateway, which signs")
	}
	e, err := r.ring.Open(token)
	if err == nil {
		err = e.Covers(c)
	}
	if err == nil {
		err = r.ring.Holds(e, now)
	}
	if err != nil {
		return kam.Errorf(kam.NotSigned, "the signature does not count: %v", err).On("signed").Try("send it again, so that it is signed anew")
	}
	return nil
}
