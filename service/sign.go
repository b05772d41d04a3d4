package service

import (
	"context"
	"slices"
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
// and has not left. What else it takes to do something is asked where it is
// stored.
type signatory struct {
	signer     Signer // nil: nothing is signed
	who        Principal
	kam.Person // in whose roles is acted: who signs, or in whose place he acts
}

func (l *Local) signatory(ctx context.Context, who Principal) (signatory, error) {
	if l.Signer == nil {
		return signatory{who: who}, nil
	}
	for try := 0; ; try++ {
		p, err := l.person(ctx, who)
		if err == nil || kam.AsError(err) != nil || pause(ctx, try) != nil {
			return signatory{l.Signer, who, p}, err
		}
	}
}

func (s signatory) act(ctx context.Context, no kam.CaseNo, a onboarding.Act) (string, error) {
	spec, err := a.Spec()
	if err != nil {
		return "", err
	}
	said := meaning(string(a.Name), string(a.Verdict), string(no), a.ExpectRevision)
	if a.OnBehalfOf != "" {
		said += ", for " + string(a.OnBehalfOf)
	}
	return s.seal(ctx, signed.OfAct(no, a, false), spec.Action, said)
}

func (s signatory) batchAct(ctx context.Context, no book.BatchNo, a book.BatchAct) (string, error) {
	action := access.ActionImportConfirm
	if a.Name == book.UpdateCancelBatch {
		action = ""
	}
	return s.seal(ctx, signed.OfBatch(no, a), action, meaning(a.Name, a.Scope, string(no), 0))
}

func (s signatory) start(ctx context.Context, in onboarding.StartInput, r casedb.Request) (string, error) {
	if r.Requester == kam.System {
		return "", nil // a review of the engine's own
	}
	action := access.ActionStart
	if r.Type == kam.Reclassify {
		action = access.ActionReview
	}
	return s.seal(ctx, signed.OfStart(in, r.Requester, casedb.RequestDigest(r)), action, meaning(string(onboarding.ActStart), string(r.Type), string(in.CaseNo), 0))
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

func (s signatory) seal(ctx context.Context, c signed.Claim, action access.Action, meaning string) (string, error) {
	if s.signer == nil {
		return "", nil
	}
	life := signed.ActLife
	if c.Queued {
		life = signed.QueueLife
	}
	now := time.Now()
	role, post := s.acting(action)
	return s.signer.Seal(ctx, signed.Envelope{
		ID: NewDecisionID(), Issuer: s.who.issuer, Subject: s.who.subject,
		Person: c.Person, Role: string(role), Post: post, OnBehalfOf: c.OnBehalfOf,
		About: c.About, Revision: c.Revision, MaterialHash: c.MaterialHash, Act: c.Act, Digest: c.Digest(), Meaning: meaning,
		Issued: now, Expires: now.Add(life),
	})
}

// acting is the role of the person that the matrix gives an action to, and his
// post, where he has one each. Which of several counts is found where the act is
// stored, and stands in the audit trail.
func (s signatory) acting(action access.Action) (role kam.Role, post string) {
	var roles []kam.Role
	for _, row := range access.Permissions {
		if row.Action == action && s.Is(row.Role) && !slices.Contains(roles, row.Role) {
			roles = append(roles, row.Role)
		}
	}
	posts := slices.DeleteFunc(slices.Clone(s.Nodes), func(n string) bool { return slices.Contains(s.NoPost, n) })
	if len(roles) == 1 {
		role = roles[0]
	}
	if len(posts) == 1 {
		post = posts[0]
	}
	return role, post
}
