package signedtest

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam/signed"
)

// A Forgery is what somebody puts where the envelope of an act belongs.
type Forgery struct {
	Name   string
	Signed string
}

// Forgeries are ways to claim that an act is signed: none of them is the
// signature of the person for this act at this time.
func Forgeries(c signed.Claim, now time.Time) []Forgery {
	honest := Seal(Envelope(c, now))
	with := func(how func(*signed.Envelope)) string {
		e := Envelope(c, now)
		how(&e)
		return Seal(e)
	}
	altered := func(how func(*signed.Envelope)) string {
		e, _, signature := parts(honest)
		how(&e)
		return "kam1." + bodyOf(e) + "." + signature
	}
	stranger, _ := newKey()
	foreign, err := stranger.Seal(Envelope(c, now))
	if err != nil {
		panic(err)
	}
	_, _, strangers := parts(foreign)
	old, err := retiredSecret.Seal(Envelope(c, now))
	if err != nil {
		panic(err)
	}
	_, other, _ := parts(with(func(e *signed.Envelope) { e.Meaning = "something else" }))
	_, body, signature := parts(honest)
	return []Forgery{
		{"nothing", ""},
		{"no envelope", "kam1.e30.e30"},
		{"signed by another person", with(func(e *signed.Envelope) { e.Person = "somebody.else" })},
		{"another issuer under the signature", altered(func(e *signed.Envelope) { e.Issuer = "https://evil.example" })},
		{"another person under the signature", altered(func(e *signed.Envelope) { e.Subject, e.Person = "somebody.else", "somebody.else" })},
		{"a later end under the signature", altered(func(e *signed.Envelope) { e.Expires = e.Expires.Add(time.Second) })},
		{"for another subject", with(func(e *signed.Envelope) { e.About = "KAM-1999-000001" })},
		{"for another act", with(func(e *signed.Envelope) { e.Act = "Comment on nothing" })},
		{"for another content", with(func(e *signed.Envelope) { e.Digest = strings.Repeat("0", 64) })},
		{"for another revision", with(func(e *signed.Envelope) { e.Revision++ })},
		{"for other data", with(func(e *signed.Envelope) { e.MaterialHash += "0" })},
		{"for somebody else", with(func(e *signed.Envelope) { e.OnBehalfOf = "somebody.else" })},
		{"expired", with(func(e *signed.Envelope) {
			e.Issued, e.Expires = now.Add(e.Issued.Sub(e.Expires)), now.Add(-time.Millisecond)
		})},
		{"from the future", with(func(e *signed.Envelope) { e.Issued, e.Expires = now.Add(time.Hour), now.Add(2*time.Hour) })},
		{"for ever", with(func(e *signed.Envelope) { e.Expires = now.AddDate(100, 0, 0) })},
		{"by an unknown key", foreign},
		{"by an unknown key under a known name", "kam1." + body + "." + strangers},
		{"by a key that was rotated out", old},
		{"under the signature of another", "kam1." + other + "." + signature},
		{"cut off", honest[:len(honest)-4]},
	}
}

func parts(token string) (e signed.Envelope, body, signature string) {
	words := strings.Split(token, ".")
	e, err := signed.Read(token)
	if err != nil || len(words) != 3 {
		panic(token)
	}
	return e, words[1], words[2]
}

func bodyOf(e signed.Envelope) string {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
