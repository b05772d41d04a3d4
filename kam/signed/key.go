package signed

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A SigningKey is the secret half of a key pair. It prints as its id.
type SigningKey struct {
	ID      string
	private ed25519.PrivateKey
}

func (k SigningKey) String() string { return "key " + k.ID }

// Format keeps the secret out of every verb of fmt.
func (k SigningKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// A Key is the public half: from From on it signs, and what was issued from Until
// on does not count. Until is zero where no end is known.
type Key struct {
	ID     string            `json:"key_id"`
	Public ed25519.PublicKey `json:"public_key"`
	From   time.Time         `json:"from"`
	Until  time.Time         `json:"until,omitzero"`
}

// ValidAt says whether what was issued at an instant may be signed with the key.
func (k Key) ValidAt(t time.Time) bool {
	return !t.Before(k.From) && (k.Until.IsZero() || t.Before(k.Until))
}

// NewKey makes a key pair that is valid from an instant on.
func NewKey(from time.Time) (SigningKey, Key, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return SigningKey{}, Key{}, err
	}
	id := idOf(public)
	return SigningKey{id, private}, Key{ID: id, Public: public, From: from.UTC().Truncate(time.Second)}, nil
}

// idOf derives the id from the key, so that none can be passed off as another.
func idOf(public ed25519.PublicKey) string {
	sum := sha256.Sum256(append([]byte("kamflow key\n"), public...))
	return hex.EncodeToString(sum[:8])
}

// The words at the beginning of a key that is written down.
const (
	publicWord = "kam-ed25519"
	secretWord = "kam-ed25519-secret" //nolint:gosec // the word, not the secret
)

// Text is the public key as one line: word, id, key, from, and until where it is
// known.
func (k Key) Text() string {
	line := publicWord + " " + k.ID + " " + base64.StdEncoding.EncodeToString(k.Public) + " " + k.From.UTC().Format(time.RFC3339)
	if !k.Until.IsZero() {
		line += " " + k.Until.UTC().Format(time.RFC3339)
	}
	return line
}

// Secret is the signing key as one line. It goes nowhere but into the file or
// the variable that it is read from.
func (k SigningKey) Secret() string {
	return secretWord + " " + base64.StdEncoding.EncodeToString(k.private.Seed())
}

var errSecret = errors.New("this is not a signing key: make one with starter keys make")

// ParseSecret reads what Secret has written. Its error does not quote it.
func ParseSecret(text string) (SigningKey, error) {
	words := strings.Fields(text)
	if len(words) != 2 || words[0] != secretWord {
		return SigningKey{}, errSecret
	}
	seed, err := base64.StdEncoding.Strict().DecodeString(words[1])
	if err != nil || len(seed) != ed25519.SeedSize {
		return SigningKey{}, errSecret
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		return SigningKey{}, errSecret
	}
	return SigningKey{idOf(public), private}, nil
}

// A Keyring holds the public keys that somebody knows, in the order of their
// From.
type Keyring []Key

// Key finds a key by its id.
func (r Keyring) Key(id string) (Key, bool) {
	for _, k := range r {
		if k.ID == id {
			return k, true
		}
	}
	return Key{}, false
}

// IDs are those of all keys.
func (r Keyring) IDs() []string {
	ids := make([]string, len(r))
	for i, k := range r {
		ids[i] = k.ID
	}
	return ids
}

// Text is the keyring as lines.
func (r Keyring) Text() string {
	var b strings.Builder
	for _, k := range r {
		b.WriteString(k.Text() + "\n")
	}
	return b.String()
}

// ParseKeyring reads public keys, one on a line; lines that are empty or begin
// with # are passed over. The errors name the line.
func ParseKeyring(text string) (Keyring, error) {
	var ring Keyring
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if _, twice := ring.Key(k.ID); twice {
			return nil, fmt.Errorf("line %d: key %s stands there twice", i+1, k.ID)
		}
		ring = append(ring, k)
	}
	return ring, nil
}

func parseKey(line string) (k Key, err error) {
	words := strings.Fields(line)
	if len(words) < 4 || len(words) > 5 || words[0] != publicWord {
		return k, fmt.Errorf("a public key is written: %s ID KEY FROM [UNTIL]", publicWord)
	}
	public, err := base64.StdEncoding.Strict().DecodeString(words[2])
	if err != nil || len(public) != ed25519.PublicKeySize {
		return k, fmt.Errorf("key %.20q is not one of %d bytes in base64", words[1], ed25519.PublicKeySize)
	}
	k = Key{ID: words[1], Public: public}
	if idOf(public) != k.ID {
		return k, fmt.Errorf("key %.20q has another id than its content", words[1])
	}
	if k.From, err = time.Parse(time.RFC3339, words[3]); err != nil {
		return k, fmt.Errorf("key %s: %w", k.ID, err)
	}
	if len(words) == 5 {
		k.Until, err = time.Parse(time.RFC3339, words[4])
	}
	return k, err
}
