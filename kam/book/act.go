package book

import (
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

// A BatchAct is what a person does to a batch. DecisionID is made by the
// client: the same act sent twice is one act.
type BatchAct struct {
	// Name is UpdateConfirmBatch or UpdateCancelBatch: the update that the act
	// came by, so it does not travel.
	Name       string     `json:"-"`
	DecisionID string     `json:"decision_id"`
	By         kam.UserID `json:"by"`
	Scope      string     `json:"scope,omitempty"`        // confirmation: the node
	Digest     string     `json:"check_digest,omitempty"` // confirmation: what he has seen
	Reason     string     `json:"reason,omitempty"`       // cancellation
	// OnBehalfOf is for whom By stands in; see [onboarding.Act]. ContentDigest leaves
	// it out, and Signed, the sealed envelope.
	OnBehalfOf kam.UserID `json:"on_behalf_of,omitempty"`
	Signed     string     `json:"signed,omitempty"`
}

// ContentDigest binds DecisionID to what was decided; see [onboarding.Act.Digest].
func (a BatchAct) ContentDigest() string {
	a.Signed, a.OnBehalfOf = "", ""
	return kam.Digest(a)
}

// CheckAgainst is the validator of an act on a batch: pure, in memory, before
// anything is written.
func (a BatchAct) CheckAgainst(b BatchSnapshot) error {
	if a.Name == UpdateCancelBatch {
		return a.CheckCancel(b)
	}
	return a.CheckConfirm(b)
}

// CheckConfirm is the form of a confirmation and, in memory, whether the batch
// waits for it: state, digest, scope, and that nobody confirms what he
// uploaded. Who may confirm is looked up where the act is stored.
func (a BatchAct) CheckConfirm(b BatchSnapshot) error {
	if err := a.Check(); err != nil {
		return err
	}
	if a.Scope == "" || len(a.Scope) > customer.MaxAccountNo {
		return kam.Errorf(kam.Invalid, "which scope is confirmed is missing").On("scope").Try("give the node, as in DE")
	}
	if b.State == BatchUploaded {
		return kam.Errorf(kam.WrongState, "batch %s is still being checked", b.No).On("state").Try("try again when the check is done")
	}
	s := b.Scope(a.Scope)
	switch {
	case s == nil:
		return kam.Errorf(kam.NotFound, "batch %s has no rows of %s", b.No, kam.Clip(a.Scope, 40)).On("scope").Try("one of %s", kam.ListOf(b.nodes()))
	case s.ConfirmedBy != "":
		return kam.Errorf(kam.AlreadyDecided, "%s was confirmed by %s", a.Scope, s.ConfirmedBy).On("scope")
	}
	if _, err := b.After(BatchConfirm); err != nil {
		return err
	}
	if a.Digest != b.Digest {
		e := kam.Errorf(kam.StaleRevision, "this is not the check of batch %s", b.No).On("check_digest").Try("read the batch again and confirm what it says")
		e.Hash = b.Digest
		return e
	}
	if a.By == b.Uploader {
		return kam.Errorf(kam.Separation, "%s uploaded the batch", a.By).By("SOD1").Try("another manager must confirm it")
	}
	if a.OnBehalfOf != "" && a.OnBehalfOf == b.Uploader {
		return kam.Errorf(kam.Separation, "%s stands in for %s, who uploaded the batch", a.By, a.OnBehalfOf).By("SOD7").Try("another manager must confirm it")
	}
	return nil
}

// CheckCancel is the form of a cancellation and whether the batch may still be
// cancelled.
func (a BatchAct) CheckCancel(b BatchSnapshot) error {
	if err := a.Check(); err != nil {
		return err
	}
	if a.Reason == "" {
		return kam.Errorf(kam.ReasonNeeded, "cancelling a batch needs a reason").On("reason").Try("say why")
	}
	_, err := b.After(BatchCancel)
	return err
}

// Check is the form of an act: its key, its bounds, and who acts.
func (a BatchAct) Check() error {
	if err := kam.CheckAct(a.DecisionID, a.By, a.Reason, maxDecisionReason); err != nil {
		return err
	}
	if err := kam.CheckName("scope", a.Scope); err != nil {
		return err
	}
	if err := kam.CheckName("on_behalf_of", string(a.OnBehalfOf)); err != nil {
		return err
	}
	return kam.CheckName("check_digest", a.Digest)
}

func (b *BatchSnapshot) nodes() []string {
	out := make([]string, len(b.Scopes))
	for i, s := range b.Scopes {
		out[i] = s.Node
	}
	return out
}
