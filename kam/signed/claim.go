package signed

import (
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// OfAct is the claim of an act on a case.
func OfAct(no kam.CaseNo, a onboarding.Act, queued bool) Claim {
	behalf := a.OnBehalfOf
	a.Signed, a.OnBehalfOf = "", "" // as in the digest of the act
	return Claim{
		Person: a.By, OnBehalfOf: behalf, About: string(no), Act: string(a.Name), Content: a, Decision: a.DecisionID,
		Revision: a.ExpectRevision, MaterialHash: a.ExpectHash, Queued: queued,
	}
}

// OfBatch is the claim of an act on an import. What its manager has seen is the
// digest of the check.
func OfBatch(no book.BatchNo, a book.BatchAct) Claim {
	behalf := a.OnBehalfOf
	a.Signed, a.OnBehalfOf = "", ""
	return Claim{Person: a.By, OnBehalfOf: behalf, About: no.Subject(), Act: a.Name, Content: a, Decision: a.DecisionID, MaterialHash: a.Digest}
}

// OfStart is the claim of a start: request is the digest of what was asked for
// when the number was allotted. Whether the person is the one who asked for it
// is known where that is stored.
func OfStart(in onboarding.StartInput, requester kam.UserID, request string) Claim {
	return Claim{
		Person: requester, About: string(in.CaseNo), Act: string(onboarding.ActStart), Content: in.Unsigned(),
		MaterialHash: request, Queued: true,
	}
}
