package service

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/internal/span"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// Started is a case that runs.
type Started struct {
	CaseNo kam.CaseNo `json:"case_no"`
	// Created is false where the request key stood for a case already.
	Created  bool                `json:"created"`
	Progress onboarding.Progress `json:"progress"`
	// Undone says that the case has ended and that what was asked for is not so:
	// it ended otherwise, or the customer was changed again since.
	Undone bool `json:"undone,omitempty"`
}

// requestSpace derives ids from request keys, which may hold any character.
var requestSpace = uuid.MustParse("6f3d0c3e-0f44-5c1e-9f07-8d6a3f1b7a52")

// Start opens a case. The number is allotted in PostgreSQL under the request
// key before Temporal is asked, so a client that dies in between gets the
// same case when it is run again; until then the case stands there as allotted
// and not started.
func (l *Local) Start(ctx context.Context, who Principal, r casedb.Request) (Started, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	p, err := l.person(ctx, who)
	if err != nil {
		return Started{}, reachable(ctx, kam.Say("the request"), err)
	}
	r.Requester = p.ID
	s, err := l.start(ctx, signatory{signer: l.Signer, who: who, Person: p}, r)
	if err == nil && !s.Created {
		s.Undone, err = l.undone(ctx, s.Progress.Snapshot, r)
	}
	return s, err
}

// undone compares a case that has ended with what is asked for again.
func (l *Local) undone(ctx context.Context, s onboarding.Snapshot, r casedb.Request) (bool, error) {
	switch {
	case !s.State.Ended():
		return false, nil
	case s.State != onboarding.Completed && s.State != onboarding.Merged:
		return true, nil
	case s.Type != kam.Modify:
		return false, nil
	}
	record, err := l.record.Customers.Customer(ctx, s.CommittedAs)
	if err != nil {
		return false, reachable(ctx, kam.Say("the request"), err)
	}
	now := parties.AsRequest(record)
	want, err := customer.Overlay(now, r.Data)
	return len(customer.Diff(now, want)) > 0, err
}

// start opens a case for a person, or for the engine, which is nobody.
func (l *Local) start(ctx context.Context, by signatory, r casedb.Request) (s Started, err error) {
	ctx, end := span.Start(ctx, "start")
	defer func() {
		span.NoteProgress(ctx, s.Progress)
		end(err)
	}()
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	if by.in, err = l.mayStart(ctx, by.Person, r); err != nil {
		return Started{}, reachable(ctx, kam.Say("the request"), err)
	}
	no, created, err := l.record.Cases.Allot(ctx, r)
	if err != nil {
		return s, reachable(ctx, kam.Say("the request"), err)
	}
	s = Started{CaseNo: no, Created: created}
	if !created {
		if s.Progress.Snapshot, err = l.record.Cases.Case(ctx, no); err != nil {
			return s, reachable(ctx, kam.Say("the request"), err)
		}
		if s.Progress.Snapshot.Version > 0 {
			return s, nil
		}
	}
	s.Progress, err = l.begin(ctx, by, no, r, created)
	return s, err
}

// mayStart refuses, before there is a case, a person who may not request one, a
// customer that is in an open case, and a form with a bad format (1.1.1,
// 1.2.1a). The case itself judges all that again.
func (l *Local) mayStart(ctx context.Context, who kam.Person, r casedb.Request) (in access.Acting, err error) {
	for _, f := range []struct{ name, value string }{
		{"request_key", r.Key}, {"by", string(r.Requester)}, {"customer_no", r.CustomerNo}, {"appeal_of", string(r.AppealOf)}, {"draft_of", string(r.DraftOf)},
	} {
		if err := kam.CheckKey(f.name, f.value); err != nil && (f.value != "" || f.name == "request_key") {
			return in, err
		}
	}
	subject := access.Subject{Requester: r.Requester}
	if no, ok, err := l.record.Cases.RequestByKey(ctx, r.Key); err != nil || ok && no != "" {
		// The same request again, whatever became of its customer and of him since.
		in, _ = mayRequest(who, r, subject)
		return in, err
	}
	if r.Type != kam.NewCase {
		if err := l.mayWorkOn(ctx, r, &subject); err != nil {
			return in, err
		}
	}
	if in, err = mayRequest(who, r, subject); err != nil {
		return in, err
	}
	policy, err := l.latestPolicy(ctx)
	if err != nil {
		return in, err
	}
	if r.AppealOf != "" {
		if err := l.mayAppeal(ctx, r, policy); err != nil {
			return in, err
		}
	}
	if r.DraftOf != "" {
		if err := l.mayDraft(ctx, r); err != nil {
			return in, err
		}
	}
	data := r.Data
	rules.Clean(&data)
	if bad := policy.FormErrors(data); len(bad) > 0 {
		return in, bad[0]
	}
	return in, nil
}

func mayRequest(who kam.Person, r casedb.Request, subject access.Subject) (in access.Acting, err error) {
	if r.Requester == kam.System {
		return in, nil
	}
	action := access.ActionStart
	if r.Type == kam.Reclassify {
		action = access.ActionReview
	}
	in, err = access.Acts(who, action, subject)
	if err == nil && r.Data.NominateKeyAccount {
		_, err = access.Permit(who, access.ActionNominate, subject)
	}
	return in, err
}

// mayWorkOn says what the customer is to the person who requests a case for it,
// and answers a second request with the number of the first.
func (l *Local) mayWorkOn(ctx context.Context, r casedb.Request, subject *access.Subject) error {
	if !slices.Contains(kam.CaseTypes, r.Type) {
		return kam.Errorf(kam.Invalid, "%q is no type of case", r.Type).On("case_type")
	}
	if r.CustomerNo == "" {
		return kam.Errorf(kam.Invalid, "a %s is for an existing customer", r.Type).On("customer_no").Try("name the customer")
	}
	if r.Type == kam.Reclassify && !slices.Contains(onboarding.ReviewTriggers, r.Trigger) {
		return kam.Errorf(kam.Invalid, "%q is no reason to classify again", r.Trigger).On("trigger").Try("one of %s", kam.ListOf(onboarding.ReviewTriggers))
	}
	customer, err := l.record.Customers.Customer(ctx, r.CustomerNo)
	if kam.CodeOf(err) == kam.NotFound {
		return kam.Errorf(kam.TargetInvalid, "%s", kam.AsError(err).Message()).On("customer_no")
	}
	if err != nil {
		return err
	}
	wants := kam.Active
	if r.Type == kam.Reactivate {
		wants = kam.Inactive
	}
	if customer.Status != wants {
		return kam.Errorf(kam.TargetInvalid, "customer %s is %s, and a %s is for one that is %s", r.CustomerNo, customer.Status, r.Type, wants).On("customer_no")
	}
	subject.Owner = customer.OwnerID
	nodes, err := l.record.Access.Nodes(ctx)
	if err != nil {
		return err
	}
	subject.At(kam.PathOf(nodes, customer.Territory))
	return l.record.Cases.OpenCaseOf(ctx, r.CustomerNo)
}

func (l *Local) mayAppeal(ctx context.Context, r casedb.Request, policy *rules.Set) error {
	was, err := l.record.Cases.Rejection(ctx, r.AppealOf)
	if err != nil {
		return err
	}
	requester, err := l.record.Access.Person(ctx, was.Requester)
	if err != nil && kam.CodeOf(err) != kam.NotFound {
		return err
	}
	now, err := l.record.Now(ctx)
	if err != nil {
		return err
	}
	return onboarding.MayAppeal(r.Requester, requester.ManagerID, was, now, policy.Process.AppealWindowDays)
}

func (l *Local) mayDraft(ctx context.Context, r casedb.Request) error {
	if r.Key != casedb.DraftKey+string(r.DraftOf) {
		return kam.Errorf(kam.Invalid, "a draft of %s has the key %s: there is one", r.DraftOf, casedb.DraftKey+string(r.DraftOf)).On("request_key")
	}
	was, err := l.record.Cases.Case(ctx, r.DraftOf)
	if err != nil {
		return err
	}
	end, err := l.record.Cases.Followed(ctx, r.DraftOf)
	if err != nil {
		return err
	}
	heir := was.Requester
	for range 20 {
		p, err := l.record.Access.Person(ctx, heir)
		if err != nil && kam.CodeOf(err) != kam.NotFound {
			return err
		}
		if err != nil || p.Active || p.ManagerID == "" {
			break
		}
		heir = p.ManagerID
	}
	return onboarding.CheckDraft(r.Requester, heir, was, end)
}

// latestPolicy is the policy that a case started now will keep. A published
// version never changes, so it is read once.
func (l *Local) latestPolicy(ctx context.Context) (*rules.Set, error) {
	version, text, err := l.record.Access.LatestPolicy(ctx)
	if err != nil {
		return nil, err
	}
	if p := l.policy.Load(); p != nil && p.version == version {
		return p.Set, nil
	}
	parsed, err := rules.Parse(text)
	if err != nil {
		return nil, err
	}
	l.policy.Store(&versioned{version, parsed})
	return parsed, nil
}

type versioned struct {
	version int
	*rules.Set
}

func (l *Local) begin(ctx context.Context, by signatory, no kam.CaseNo, r casedb.Request, first bool) (onboarding.Progress, error) {
	base := "start-" + uuid.NewSHA1(requestSpace, []byte(r.Key)).String()
	if !first {
		// Temporal answers an id that it knows with what it answered before: a
		// refusal that has been cured since would stand for ever.
		base += "/" + NewDecisionID()
	}
	var last error
	for try, attempt := 0, 1; ; try++ {
		in := onboarding.StartInput{CaseNo: no, RequestKey: r.Key}
		var err error
		if in.Signed, err = by.start(ctx, in, r); err != nil {
			return onboarding.Progress{}, reachable(ctx, kam.Say("the start of %s", no), err)
		}
		p, err := l.sendStart(ctx, in, r, fmt.Sprintf("%s/%d", base, attempt))
		what, refusal := judge(err)
		switch what {
		case answered:
			return settled(p)
		case refused:
			return p, refusal
		case gone: // somebody else's start has run to its end meanwhile
			p.Snapshot, err = l.record.Cases.Case(ctx, no)
			return p, reachable(ctx, kam.Say("the start of %s", no), err)
		case failed:
			attempt++
		case broken:
			return p, fmt.Errorf("start %s: %w", no, err)
		}
		last = err
		if pause(ctx, try) != nil {
			return p, unconfirmed(kam.Say("the start of %s", no), last)
		}
	}
}

func (l *Local) sendStart(ctx context.Context, in onboarding.StartInput, r casedb.Request, updateID string) (onboarding.Progress, error) {
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	no := in.CaseNo
	// An operation starts once, so each try makes its own.
	op := l.temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID:                       no.WorkflowID(),
		TaskQueue:                l.taskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		// Use-existing covers running workflows only: a case that has ended
		// must not run again. A run that failed never opened its case, for
		// want of a policy for example, and whoever tries again starts again.
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            string(r.Type) + " " + string(no),
		TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyKeyword(onboarding.AttrState).ValueSet(string(onboarding.Draft)),
			temporal.NewSearchAttributeKeyKeyword(onboarding.AttrStep).ValueSet(string(onboarding.Draft.Spec().Step)),
			temporal.NewSearchAttributeKeyKeyword(onboarding.AttrCaseType).ValueSet(string(r.Type)),
		),
	}, onboarding.WorkflowOnboarding, in)
	handle, err := l.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: op,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID:     updateID,
			WorkflowID:   no.WorkflowID(),
			UpdateName:   string(onboarding.ActStart),
			Args:         []any{in},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	return result(ctx, handle, err)
}

// result waits for the answer of an update. A refusal surfaces here, not in
// the call that sent it.
func result(ctx context.Context, handle client.WorkflowUpdateHandle, err error) (onboarding.Progress, error) {
	var p onboarding.Progress
	if err != nil {
		return p, err
	}
	err = handle.Get(ctx, &p)
	return p, err
}

// settled turns an act that was stored as refused into the refusal.
func settled(p onboarding.Progress) (onboarding.Progress, error) {
	if p.Refused != nil {
		return p, p.Refused
	}
	return p, nil
}

// reachable says "not confirmed" where the time is over, and keeps refusals.
func reachable(ctx context.Context, what kam.Sentence, err error) error {
	if err == nil || kam.CodeOf(err) != "" {
		return err
	}
	if ctx.Err() != nil {
		return unconfirmed(what, err)
	}
	e := kam.Errorf(kam.Unreachable, "%s could not be stored: %v", what, err)
	return e.Try("safe to retry: the same command is the same act")
}
