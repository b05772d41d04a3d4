// Package signedtest signs in anybody's name, with a key that is made anew in each
// run of a test and is valid at all times.
package signedtest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
)

var (
	secret, public         = newKey()
	retiredSecret, retired = newRetired()
)

// newRetired is a key that everybody knows as one that signs no more.
func newRetired() (signed.SigningKey, signed.Key) {
	s, k := newKey()
	k.Until = time.Date(1970, time.January, 1, 0, 0, 0, 0, time.UTC)
	return s, k
}

func newKey() (signed.SigningKey, signed.Key) {
	s, k, err := signed.NewKey(time.Time{})
	if err != nil {
		panic(err)
	}
	return s, k
}

// Box holds the key, for who signs and for who verifies.
type Box struct{}

// Secrets are the key that signs.
func (Box) Secrets() ([]signed.SigningKey, error) { return []signed.SigningKey{secret}, nil }

// Ring are the keys that are known.
func (Box) Ring() (signed.Keyring, error) { return Ring(), nil }

// Ring are the keys that are known.
func Ring() signed.Keyring { return signed.Keyring{retired, public} }

// Public is the ring as keys.public has it, for workers that are processes of
// their own.
func Public() string { return retired.Text() + "," + public.Text() }

// Verifier requires signatures with the key.
func Verifier() *signed.Verifier { return signed.NewVerifier(Ring(), signed.Require) }

var made atomic.Int64

// Envelope is what the service makes of a claim.
func Envelope(c signed.Claim, now time.Time) signed.Envelope {
	life := signed.ActLife
	if c.Queued {
		life = signed.QueueLife
	}
	return signed.Envelope{
		ID: fmt.Sprintf("envelope-%d", made.Add(1)), Issuer: "test", Subject: string(c.Person), Person: c.Person, OnBehalfOf: c.OnBehalfOf,
		About: c.About, Revision: c.Revision, MaterialHash: c.MaterialHash, Act: c.Act, Digest: c.Digest(), Meaning: c.Act + " on " + c.About,
		Issued: now, Expires: now.Add(life),
	}
}

// Seal signs an envelope. What cannot be signed is empty.
func Seal(e signed.Envelope) string {
	token, err := secret.Seal(e)
	if err != nil {
		return ""
	}
	return token
}

// Act is an act on a case as the person that it names has signed it.
func Act(no kam.CaseNo, a onboarding.Act, now time.Time) onboarding.Act {
	a.Signed = Seal(Envelope(signed.OfAct(no, a, false), now))
	return a
}

// Batch is an act on an import as the person that it names has signed it.
func Batch(no book.BatchNo, name string, a book.BatchAct, now time.Time) book.BatchAct {
	a.Name = name
	a.Signed = Seal(Envelope(signed.OfBatch(no, a), now))
	return a
}

// Start is the start of a case as its requester has signed it.
func Start(in onboarding.StartInput, requester kam.UserID, request string, now time.Time) onboarding.StartInput {
	in.Signed = Seal(Envelope(signed.OfStart(in, requester, request), now))
	return in
}
