// Package signed makes what a person does a signed document. Whoever has
// authenticated the person seals an [Envelope]: who he is, what he does to
// what, in words and as a digest, and for how long that holds. Whoever takes the
// act in opens it with the public keys that he knows, and compares it with what
// arrived: see [Verifier].
//
// Nothing here reads a clock, a file or a setting.
package signed

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
)

// How long an envelope holds at most. An act is answered while the person waits;
// whoever sends it again after that signs anew. What lies in a queue until a
// worker takes it, a signal or a start, may take a day.
const (
	ActLife   = time.Minute
	QueueLife = 24 * time.Hour
)

// MaxSize bounds the text of a sealed envelope, in bytes.
const MaxSize = 4096

// ahead is how far the clock of the signer may be in front of the verifier's.
const ahead = 30 * time.Second

// An Envelope says who does what. Its fields are all covered by the signature.
type Envelope struct {
	Version int    `json:"v"`
	KeyID   string `json:"key_id"`
	ID      string `json:"id"` // made for this envelope alone: a retry has another

	// The person as he was authenticated, and as the system knows him.
	Issuer  string     `json:"iss"`
	Subject string     `json:"sub"`
	Person  kam.UserID `json:"person"`
	// Role and Post are those that he acts in.
	Role string `json:"role,omitempty"`
	Post string `json:"post,omitempty"`
	// OnBehalfOf is whom he stands in for; empty where he acts for himself.
	OnBehalfOf kam.UserID `json:"on_behalf_of,omitempty"`

	// About is the subject of the ledger, as "KAM-2026-000001". Revision and
	// MaterialHash are those of the data that he has seen, where the act names
	// them.
	About        string `json:"about"`
	Revision     int    `json:"revision,omitempty"`
	MaterialHash string `json:"material_hash,omitempty"`
	Act          string `json:"act"`
	Digest       string `json:"act_digest"`
	Meaning      string `json:"meaning"` // in words, for whoever reads it later

	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
}

// The form of a sealed envelope: kam1.<envelope>.<signature>. The envelope is
// JSON in the one way in which this package writes it, so that the same content
// has the same bytes.
const (
	version = 1
	prefix  = "kam1."
	// domain keeps a signature over an act from being one over anything else.
	domain = "kamflow signed act 1\n"
)

var coding = base64.RawURLEncoding.Strict()

var errForm = kam.Errorf(kam.NotSigned, "it cannot be read")

// Seal signs an envelope. Times are kept to the millisecond.
func (k SigningKey) Seal(e Envelope) (string, error) {
	e.Version, e.KeyID = version, k.ID
	e.Issued, e.Expires = e.Issued.UTC().Truncate(time.Millisecond), e.Expires.UTC().Truncate(time.Millisecond)
	body, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	// What cannot be read back as it is, such as broken text, is not signed.
	if again, err := read(body); err != nil || again != e {
		return "", kam.Errorf(kam.Invalid, "what is to be signed holds text that cannot be written down")
	}
	token := sealed(body, ed25519.Sign(k.private, message(body)))
	if len(token) > MaxSize {
		return "", kam.Errorf(kam.Invalid, "what is to be signed is longer than %d bytes", MaxSize)
	}
	return token, nil
}

// Read takes an envelope apart. It does not verify the signature: what it returns
// is what somebody claims.
func Read(token string) (Envelope, error) {
	e, _, _, err := split(token)
	return e, err
}

func split(token string) (e Envelope, body, signature []byte, err error) {
	first, second, ok := strings.Cut(strings.TrimPrefix(token, prefix), ".")
	if !ok || !strings.HasPrefix(token, prefix) || len(token) > MaxSize {
		return e, nil, nil, errForm
	}
	if body, err = coding.DecodeString(first); err != nil {
		return e, nil, nil, errForm
	}
	if signature, err = coding.DecodeString(second); err != nil {
		return e, nil, nil, errForm
	}
	if token != sealed(body, signature) { // the decoder passes over line ends
		return e, nil, nil, errForm
	}
	e, err = read(body)
	return e, body, signature, err
}

// read takes bytes only in the form in which Seal writes them.
func read(body []byte) (e Envelope, err error) {
	if err := json.Unmarshal(body, &e); err != nil {
		return Envelope{}, errForm
	}
	e.Issued, e.Expires = e.Issued.UTC(), e.Expires.UTC()
	again, err := json.Marshal(e)
	if err != nil || !bytes.Equal(again, body) || e.Version != version {
		return Envelope{}, errForm
	}
	return e, nil
}

func sealed(body, signature []byte) string {
	return prefix + coding.EncodeToString(body) + "." + coding.EncodeToString(signature)
}

func message(body []byte) []byte { return append([]byte(domain), body...) }
