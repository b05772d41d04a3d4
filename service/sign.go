package service

import (
	"context"
	"strconv"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
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
	life := signed.ActLife
	if c.Queued {
		life = signed.QueueLife
	}
	now := time.Now()
	return s.signer.Seal(ctx, signed.Envelope{
		ID: NewDecisionID(), Issuer: s.who.issuer, Subject: s.who.subject,
		Person: c.Person, Role: string(s.in.Role), Post: s.in.Post, OnBehalfOf: c.OnBehalfOf,
		About: c.About, Revision: c.Revision, MaterialHash: c.MaterialHash, Act: c.Act, Digest: c.Digest(), Meaning: meaning,
		Issued: now, Expires: now.Add(life),
	})
}
