package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store"
	bookdb "github.com/kamflow/kamflow/store/book"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// signatures verifies what people signed, as it is stored.
type signatures struct {
	keys   signed.Keyring
	modes  []store.ModeSince
	direct *time.Time        // from when on what passes no workflow could be signed; nil: not yet
	seen   map[string]string // one-time ids, by where they were seen
}

func (l *Local) signatures(ctx context.Context) (*signatures, error) {
	s := &signatures{seen: map[string]string{}}
	var err error
	if l.Keys != nil {
		if s.keys, err = l.Keys(); err != nil {
			return nil, err
		}
	}
	if s.modes, err = l.record.SignatureModes(ctx); err != nil {
		return nil, err
	}
	first, found, err := l.record.FirstSignIn(ctx)
	if found {
		s.direct = &first
	}
	return s, err
}

// required says whether an act had to be signed at an instant of the database.
func (s *signatures) required(at time.Time, direct bool) bool {
	if direct && (s.direct == nil || at.Before(*s.direct)) {
		return false
	}
	mode := signed.Record
	for _, m := range s.modes {
		if !m.Since.After(at) && (m.Direct || !direct) {
			mode = m.Mode
		}
	}
	return mode == signed.Require
}

// direct says whether an effect passed no workflow.
func direct(c ledger.Chain, key string) bool {
	return c.Kind != casedb.Kind && (c.Kind != bookdb.Kind || key == "upload")
}

// byTheGate says that an act is one of signing in itself: the gate, which signs for
// others, is who did it.
func byTheGate(of []kam.AuditEvent) bool {
	return !slices.ContainsFunc(of, func(e kam.AuditEvent) bool { return e.Type != kam.EventSignInChanged })
}

// chain verifies each act of a chain that holds.
func (s *signatures) chain(c ledger.Chain, v *Verified) error {
	var kept []string
	for _, act := range c.Signed {
		of, direct := eventsOf(c.Events, act.Key), direct(c, act.Key)
		switch {
		case act.Envelope == "" && (len(of) == 0 || of[0].Actor == kam.System || direct && byTheGate(of)):
			// the opening of a review of the engine's own
		case act.Envelope == "" && !s.required(of[0].DBAt, direct):
			v.Unsigned++
		case act.Envelope == "":
			v.broken(c, of[0].Seq, kam.Note("%s is not signed", act.Key))
		case len(s.keys) == 0:
			return kam.Errorf(kam.Unreachable, "acts are signed, and no public key is configured to verify them").Try("set keys.dir or keys.public")
		default:
			kept = append(kept, ledger.EnvelopeDigest(act.Envelope))
			if why := s.why(c, act, of); why != "" {
				seq := int64(0)
				if len(of) > 0 {
					seq = of[0].Seq
				}
				v.broken(c, seq, kam.Note("the signature of %s does not count: %s", act.Key, why))
			} else {
				v.Signed++
			}
		}
	}
	if c.Kind != casedb.Kind {
		return nil // there the payload of an event may be another one
	}
	for _, e := range c.Events {
		if e.DecisionID != "" && e.PayloadDigest != "" && !slices.Contains(kept, e.PayloadDigest) {
			v.broken(c, e.Seq, kam.Note("what was signed is not there"))
		}
	}
	return nil
}

func (v *Verified) broken(c ledger.Chain, seq int64, why string) {
	v.Breaks = append(v.Breaks, Break{CaseNo: c.CaseNo, Seq: seq, Why: why})
}

// eventsOf are the events that an effect led to: of an act by its decision, of a
// start the opening, of an upload the first, else the one that the key names.
func eventsOf(events []kam.AuditEvent, key string) []kam.AuditEvent {
	decision, isAct := strings.CutPrefix(key, "act/")
	var of []kam.AuditEvent
	for _, e := range events {
		took := e.Type != kam.EventDecisionRefused && e.Type != kam.EventSignatureRefused
		switch {
		case isAct && e.DecisionID == decision && took,
			key == "seq/1" && e.Type == kam.EventCaseOpened,
			key == "upload" && e.Type == book.EventBatchUploaded,
			key == ledger.EventKey(e.Seq):
			of = append(of, e)
		}
	}
	return of
}

// why says what is wrong with an envelope; empty where it counts.
func (s *signatures) why(c ledger.Chain, act ledger.SignedEffect, of []kam.AuditEvent) string {
	e, err := s.keys.Open(act.Envelope)
	if err != nil {
		return err.Error()
	}
	at := slices.IndexFunc(of, func(ev kam.AuditEvent) bool { return ev.Actor == e.Person })
	where := string(c.CaseNo) + " " + act.Key
	was, twice := s.seen[e.ID]
	s.seen[e.ID] = where
	isAct, digest := act.Key != "seq/1", act.Digest
	if direct(c, act.Key) {
		digest = signed.OfDone(e.Person, e.About, e.Act, act.Key, act.Digest, of).Digest()
	}
	switch {
	case len(of) == 0:
		return kam.Note("nothing came of it")
	case at < 0:
		return kam.Note("%s signed, and it was done by %s", e.Person, of[0].Actor)
	case of[at].OnBehalfOf != e.OnBehalfOf:
		return kam.Note("it is for %s, and the act was not", kam.Clip(string(e.OnBehalfOf), 60))
	case e.About != string(c.CaseNo):
		return kam.Note("it is for %s", kam.Clip(e.About, 60))
	case isAct && e.Digest != digest:
		return kam.Note("it is for another content")
	case !isAct && e.Act != string(onboarding.ActStart):
		return kam.Note("it is no start")
	case of[at].At.Before(e.Issued.Add(-time.Minute)) || !of[at].At.Before(e.Expires):
		return kam.Note("it did not hold when it was taken")
	case twice:
		return kam.Note("it was used before, for %s", was)
	}
	return ""
}
