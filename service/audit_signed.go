package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// signatures verifies what people signed, as it is stored.
type signatures struct {
	keys  signed.Keyring
	modes []store.ModeSince
	seen  map[string]string // one-time ids, by where they were seen
}

func (l *Local) signatures(ctx context.Context) (*signatures, error) {
	s := &signatures{seen: map[string]string{}}
	var err error
	if l.Keys != nil {
		if s.keys, err = l.Keys(); err != nil {
			return nil, err
		}
	}
	s.modes, err = l.record.SignatureModes(ctx)
	return s, err
}

// required says whether acts had to be signed at an instant of the database.
func (s *signatures) required(at time.Time) bool {
	mode := signed.Record
	for _, m := range s.modes {
		if !m.Since.After(at) {
			mode = m.Mode
		}
	}
	return mode == signed.Require
}

// chain verifies each act of a chain that holds.
func (s *signatures) chain(c ledger.Chain, v *Verified) error {
	var kept []string
	for _, act := range c.Signed {
		of := eventsOf(c.Events, act.Key)
		switch {
		case act.Envelope == "" && (len(of) == 0 || of[0].Actor == kam.System):
			// the opening of a review of the engine's own
		case act.Envelope == "" && !s.required(of[0].DBAt):
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
// start the opening.
func eventsOf(events []kam.AuditEvent, key string) []kam.AuditEvent {
	decision, isAct := strings.CutPrefix(key, "act/")
	var of []kam.AuditEvent
	for _, e := range events {
		took := e.Type != kam.EventDecisionRefused && e.Type != kam.EventSignatureRefused
		if isAct && e.DecisionID == decision && took || !isAct && e.Type == kam.EventCaseOpened {
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
	isAct := strings.HasPrefix(act.Key, "act/")
	switch {
	case len(of) == 0:
		return kam.Note("nothing came of it")
	case at < 0:
		return kam.Note("%s signed, and it was done by %s", e.Person, of[0].Actor)
	case of[at].OnBehalfOf != e.OnBehalfOf:
		return kam.Note("it is for %s, and the act was not", kam.Clip(string(e.OnBehalfOf), 60))
	case e.About != string(c.CaseNo):
		return kam.Note("it is for %s", kam.Clip(e.About, 60))
	case isAct && e.Digest != act.Digest:
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
