package onboarding

import (
	"slices"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

// TakenIn says whether the act is taken in a state.
func (s ActSpec) TakenIn(st State) bool {
	if s.States == nil {
		return Takes(st, s.Event)
	}
	for _, x := range s.States {
		if x == st {
			return true
		}
	}
	return false
}

// Bounds on what an act may carry from outside.
const (
	MaxReason = 4000 // runes
	MaxFields = 60
)

// Digest binds DecisionID to what was decided: the same id with another digest
// is another decision, and refused. It is stored with the effect, so a field
// that an Act gains must be left out where it is empty.
func (a Act) Digest() string {
	a.Signed = ""
	return kam.Digest(a)
}

// Check is the form of an act: known verdict, bounds, and everything that the
// act must carry. It needs no state and no lookups.
func (a Act) Check() error {
	spec, err := a.Spec()
	if err != nil {
		return err
	}
	if err := kam.CheckAct(a.DecisionID, a.By, a.Reason, MaxReason); err != nil {
		return err
	}
	if len(a.Fields) > MaxFields {
		return kam.Errorf(kam.Invalid, "more than %d fields", MaxFields).On("fields")
	}
	for _, f := range a.Fields {
		if _, ok := customer.FieldNamed(f); !ok {
			return kam.Errorf(kam.Invalid, "there is no field %q to change", kam.Clip(f, 60)).On("fields").
				Try("docs/process.md lists the fields; items of lists are written as in contacts[].email")
		}
	}
	for _, f := range []struct{ name, value string }{
		{"reason_code", a.ReasonCode}, {"customer_no", a.CustomerNo}, {"tier", string(a.Tier)},
		{"assignee", string(a.Assignee)}, {"owner_id", string(a.OwnerID)}, {"material_hash", a.ExpectHash},
		{"data_digest", a.DataDigest}, {"release_account", a.ReleaseAccount}, {"same_as", string(a.SameAs)},
	} {
		if err := kam.CheckName(f.name, f.value); err != nil {
			return err
		}
	}
	for _, n := range spec.Needs {
		if err := a.carries(n); err != nil {
			return err
		}
	}
	return nil
}

// words name a need for people.
func (n Need) words() kam.Sentence {
	switch n {
	case NeedHash:
		return kam.Say("the hash of the data that were seen")
	case NeedReason:
		return kam.Say("a reason in words")
	case NeedReasonCode:
		return kam.Say("a reason code")
	case NeedFields:
		return kam.Say("the fields to change, or a reason")
	case NeedCustomer:
		return kam.Say("the number of the existing customer")
	case NeedCase:
		return kam.Say("the number of the earlier case")
	case NeedTier:
		return kam.Say("a tier")
	case NeedAssignee:
		return kam.Say("the person who takes it")
	default:
		return kam.Say("data")
	}
}

func (a Act) carries(n Need) error {
	missing := func(have bool) error {
		if have {
			return nil
		}
		code := kam.Invalid
		if n == NeedReason || n == NeedReasonCode || n == NeedFields {
			code = kam.ReasonNeeded
		}
		return kam.Errorf(code, "%s needs %s", kam.Word(a.Name.Words()), n.words()).On(string(n))
	}
	switch n {
	case NeedHash:
		return missing(a.ExpectHash != "")
	case NeedReason:
		return missing(a.Reason != "")
	case NeedReasonCode:
		if a.ReasonCode != "" && !slices.Contains(ReasonCodes, a.ReasonCode) {
			return kam.Errorf(kam.Invalid, "%q is not a reason code", kam.Clip(a.ReasonCode, 40)).On("reason_code").Try("one of %s", kam.ListOf(ReasonCodes))
		}
		return missing(a.ReasonCode != "")
	case NeedFields:
		return missing(len(a.Fields) > 0 || a.Reason != "")
	case NeedCustomer:
		return missing(a.CustomerNo != "")
	case NeedCase:
		return missing(a.SameAs != "")
	case NeedTier:
		return missing(a.Tier.Rank() >= 0)
	case NeedAssignee:
		return missing(a.Assignee != "")
	case NeedData:
		return missing(a.DataDigest != "")
	}
	return nil
}

// CheckAgainst is the validator of an act: pure, in memory, before anything is
// written (D2). It looks at state, revision, material_hash and the separation
// of duties that the case's own facts decide. What a table holds (role,
// position) is checked in the transaction that stores the act.
func (a Act) CheckAgainst(s Snapshot) error {
	if err := a.Check(); err != nil {
		return err
	}
	spec, err := a.Spec()
	if err != nil {
		return err
	}
	if !spec.TakenIn(s.State) {
		return a.wrongState(s)
	}
	if a.ExpectHash != "" && a.ExpectHash != s.MaterialHash {
		e := kam.Errorf(kam.StaleRevision, "the data changed since you opened them: revision %d is current", s.Revision).On("material_hash").Try("read the case again")
		e.Hash = s.MaterialHash
		return e
	}
	if a.ExpectRevision != 0 && a.ExpectRevision != s.Revision {
		e := kam.Errorf(kam.StaleRevision, "revision %d is current, not %d", s.Revision, a.ExpectRevision).On("expect_revision").Try("read the case again")
		e.Hash = s.MaterialHash
		return e
	}
	return a.open(s)
}

// OpenTo says whether a person may take a row of the table on a case as far as the
// case's own facts say so: state, claim of a colleague, separation of duties. What
// the act must carry is asked when it comes.
func (s ActSpec) OpenTo(by kam.UserID, c Snapshot) error {
	a := Act{Name: s.Name, Verdict: s.Verdict, By: by}
	switch {
	case !s.TakenIn(c.State):
		return a.wrongState(c)
	case s.Name == ActReassign:
		return a.freeToTake(c) // separation binds whom it is given to
	}
	return a.open(c)
}

// open says whether claims and separation of duties leave the act to its person.
func (a Act) open(s Snapshot) error {
	if err := a.freeToTake(s); err != nil {
		return err
	}
	return CheckSeparation(a, s)
}

// freeToTake refuses to decide what a colleague has claimed from a shared
// queue. The requester is not one of those who share the queue.
func (a Act) freeToTake(s Snapshot) error {
	if s.Task == nil || s.Task.ClaimedBy == "" || s.Task.ClaimedBy == a.By || a.By == s.Requester {
		return nil
	}
	switch a.Name {
	case ActDecideCompliance, ActDecideValidation, ActResolveDuplicate, ActRetry, ActClaim, ActRelease:
		return kam.Errorf(kam.Claimed, "%s has claimed the task", s.Task.ClaimedBy).Try("let %s release it; an escalation releases it too", s.Task.ClaimedBy)
	}
	return nil
}

func (a Act) wrongState(s Snapshot) error {
	if a.Name == ActWithdraw && s.State.AfterCommit() || (a.Name == ActWithdraw || a.Name == ActCancel) && s.State.Ended() {
		return kam.Errorf(kam.TooLate, "case %s is %s: the customer is committed or the case has ended", s.CaseNo, s.State).Try("request a DEACTIVATE case")
	}
	decided := a.Name == ActDecideConfirmation && s.ConfirmedBy != "" || a.Name == ActDecideEndorsement && len(s.Endorsed) > 0
	if decided || s.State.Ended() {
		return kam.Errorf(kam.AlreadyDecided, "case %s was already decided: it is %s", s.CaseNo, s.State).Try("read the case: it says who decided what")
	}
	return kam.Errorf(kam.WrongState, "case %s is %s and does not wait for %s", s.CaseNo, s.State, kam.Word(a.Name.Words()))
}
