package service

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// A signatory is a person in whose name acts are signed: somebody who is known
// and has not left, and may do it as things stand.
type signatory struct {
	signer Signer // nil: nothing is signed
	who    Principal
	kam.Person
	in access.Acting
}

// signatory is who asks, where may says yes to him. A database that does not
// answer is asked again while the context lasts.
func (l *Local) signatory(ctx context.Context, who Principal, may func() (access.Acting, error)) (by signatory, err error) {
	by = signatory{signer: l.Signer, who: who}
	for try := 0; ; try++ {
		if l.Signer != nil {
			by.Person, err = l.person(ctx, who)
		}
		if err == nil && l.Judge != nil {
			by.in, err = may()
		}
		if e := kam.AsError(err); err == nil || e != nil && e.Code != kam.Unreachable || pause(ctx, try) != nil {
			return by, err
		}
	}
}

func (s signatory) act(ctx context.Context, no kam.CaseNo, a onboarding.Act) (string, error) {
	return s.seal(ctx, signed.OfAct(no, a, false), meaning(string(a.Name), string(a.Verdict), string(no), a.ExpectRevision))
}

func (s signatory) batchAct(ctx context.Context, no book.BatchNo, a book.BatchAct) (string, error) {
	return s.seal(ctx, signed.OfBatch(no, a), meaning(a.Name, a.Scope, string(no), 0))
}

func (s signatory) start(ctx context.Context, in onboarding.StartInput, r casedb.Request) (string, error) {
	if r.Requester == kam.System {
		return "", nil // a review of the engine's own
	}
	return s.seal(ctx, signed.OfStart(in, r.Requester, casedb.RequestDigest(r)), meaning(string(onboarding.ActStart), string(r.Type), string(in.CaseNo), 0))
}

// meaning is the act in words, without what the person wrote: reasons may hold
// personal data.
func meaning(act, decision, on string, revision int) string {
	text := act
	if decision != "" {
		text += " " + decision
	}
	text += " on " + on
	if revision > 0 {
		text += ", revision " + strconv.Itoa(revision)
	}
	return text
}

func (s signatory) seal(ctx context.Context, c signed.Claim, meaning string) (string, error) {
	if s.signer == nil {
		return "", nil
	}
	key, signs, err := s.signer.Key(ctx)
	if err != nil || !signs {
		return "", err
	}
	return key.Seal(s.envelope(c, string(s.in.Role), meaning, time.Now()))
}

func (s signatory) envelope(c signed.Claim, role, meaning string, now time.Time) signed.Envelope {
	life := signed.ActLife
	if c.Queued {
		life = signed.QueueLife
	}
	return signed.Envelope{
		ID: NewDecisionID(), Issuer: s.who.issuer, Subject: s.who.subject,
		Person: c.Person, Role: role, Post: s.in.Post, OnBehalfOf: c.OnBehalfOf,
		About: c.About, Revision: c.Revision, MaterialHash: c.MaterialHash, Act: c.Act, Digest: c.Digest(), Meaning: meaning,
		Issued: now, Expires: now.Add(life),
	}
}

// sealing signs what passes no workflow: in the transaction that stores it, after it
// was judged, and verified there by the function that verifies every act. Keys and
// mode are those of when it arrived, because the transaction asks nobody else; nil
// where nothing is signed here.
func (l *Local) sealing(ctx context.Context, who Principal, act string) (ledger.Sign, error) {
	if l.Signer == nil {
		return nil, nil
	}
	key, signs, err := l.Signer.Key(ctx)
	if err != nil {
		return nil, err
	}
	ring, err := l.Keys()
	if err != nil {
		return nil, err
	}
	modes, err := l.record.SignatureModes(ctx)
	if err != nil {
		return nil, err
	}
	verifier, arrived := signed.NewVerifier(ring, modes[len(modes)-1].Mode), time.Now()
	return func(d ledger.Done) (token string, err error) {
		c := signed.OfDone(who.user, d.Subject, act, d.Key, d.Digest, d.Events)
		if signs {
			e := signatory{who: who}.envelope(c, rolesIn(d.Events), meaning(act, "", d.Subject, 0), arrived)
			if token, err = key.Seal(e); err != nil {
				return "", err
			}
		}
		return token, verifier.Verify(arrived, token, c)
	}, nil
}

// rolesIn are the roles that gave the right, by the lines of the trail.
func rolesIn(events []kam.AuditEvent) string {
	var roles []string
	for _, e := range events {
		for _, r := range e.RolesUsed {
			if !slices.Contains(roles, string(r)) {
				roles = append(roles, string(r))
			}
		}
	}
	return strings.Join(roles, ",")
}
