package ledger

import (
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
)

// An Effect names one change of a subject. Key is its business key within the
// subject: "seq/12" for the engine's own, "act/<decision id>" for a person's.
// Digest covers what is asked, so that other content under the same key is
// noticed.
type Effect struct {
	Subject Subject
	With    Subject // another subject that is locked too, and may be changed with this one
	Key     string
	Digest  string
	Known   int64 // the version that the engine knows, or Unfenced
	People  bool  // a person acts: he need not know the version
	Bulk    bool  // set-based work on many rows: one at a time, with the time that it takes
	Signal  int64 // which signal of the subject it came as, 0 for none
	At      time.Time
	By      kam.UserID // who acts: the actor of the refusal, if it comes to that
	Signed  string     // the document that says so, kept with the effect; empty where there is none
	Sign    Sign       // makes that document, where the act does not come with it
}

// Sign seals what was done, after it was judged and before it is stored; empty where
// nothing is signed. What it refuses is refused as any act is.
type Sign func(d Done) (signed string, err error)

// Done is what an effect did, as its envelope names it. Events are the lines of
// the trail of its own subject.
type Done struct {
	Subject, Key, Digest string
	Events               []kam.AuditEvent
}

// Unfenced is the Known of an effect whose key names what it does, so that it
// may come in any order.
const Unfenced = -1

func (f Effect) decisionID() string {
	if id, ok := strings.CutPrefix(f.Key, "act/"); ok {
		return id
	}
	return ""
}

// A Home is where the subjects of a kind have their head and their answers, as
// SQL by names: Lock gives version, audit_seq, audit_hash and the time of the
// database of @subject, then what the keeper wants besides; Head writes @seq and
// @hash; Stored gives digest, answer and refused of @key; Keep writes them.
type Home struct{ Create, Lock, Head, Stored, Keep string }

// subjects are those that have no table of their own for it.
var subjects = Home{
	Create: `insert into kam.subject (subject, kind) values (@subject, @kind) on conflict do nothing`,
	Lock:   `select audit_seq, audit_seq, audit_hash, clock_timestamp() from kam.subject where subject = @subject for update`,
	Head:   `update kam.subject set audit_seq = @seq, audit_hash = @hash where subject = @subject`,
	Stored: `select digest, result as answer, false as refused from kam.subject_effect where subject = @subject and key = @key`,
	Keep: `
		insert into kam.subject_effect (subject, key, digest, result, at) values (@subject, @key, @digest, @answer, @at)`,
}

// answered is an effect that was kept.
type answered struct {
	Digest  string
	Answer  []byte
	Refused bool
}
