package client

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/kamflow/kamflow/internal/span"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

// Started is a case that runs.
type Started struct {
	CaseNo kam.CaseNo `json:"case_no"`
	// Created is false where the request key stood for a case already.
	Created  bool         `json:"created"`
	Progress kam.Progress `json:"progress"`
}

// requestSpace derives ids from request keys, which may hold any character.
var requestSpace = uuid.MustParse("6f3d0c3e-0f44-5c1e-9f07-8d6a3f1b7a52")

// Start opens a case. The number is allotted in PostgreSQL under the request
// key before Temporal hears of it, so a client that dies in between gets the
// same case when it is run again; until then the case stands there as allotted
// and not started.
func (c *Client) Start(ctx context.Context, r store.Request) (s Started, err error) {
	ctx, end := span.Start(ctx, "start")
	defer func() {
		span.NoteProgress(ctx, s.Progress)
		end(err)
	}()
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	if err := c.mayStart(ctx, r); err != nil {
		return s, reachable(ctx, "the request", err)
	}
	no, created, err := c.record.AllotCase(ctx, r)
	if err != nil {
		return s, reachable(ctx, "the request", err)
	}
	s = Started{CaseNo: no, Created: created}
	if !created {
		if s.Progress.Snapshot, err = c.record.Case(ctx, no); err != nil {
			return s, reachable(ctx, "the request", err)
		}
		if s.Progress.Snapshot.Version > 0 {
			return s, nil
		}
	}
	s.Progress, err = c.begin(ctx, no, r, created)
	return s, err
}

// mayStart refuses, before there is a case, a person who may not request one, a
// customer that is in an open case, and a form with a bad format (1.1.1,
// 1.2.1a). The case itself judges all that again.
func (c *Client) mayStart(ctx context.Context, r store.Request) error {
	for _, f := range []struct{ name, value string }{
		{"request_key", r.Key}, {"by", string(r.Requester)}, {"customer_no", r.CustomerNo}, {"appeal_of", string(r.AppealOf)}, {"draft_of", string(r.DraftOf)},
	} {
		if err := kam.CheckKey(f.name, f.value); err != nil && (f.value != "" || f.name == "request_key") {
			return err
		}
	}
	if no, ok, err := c.record.RequestByKey(ctx, r.Key); err != nil || ok && no != "" {
		return err // the same request again, whatever became of its customer since
	}
	subject := kam.Subject{Requester: r.Requester}
	if r.Type != kam.NewCase {
		if err := c.mayWorkOn(ctx, r, &subject); err != nil {
			return err
		}
	}
	if err := c.mayRequest(ctx, r, subject); err != nil {
		return err
	}
	policy, err := c.latestPolicy(ctx)
	if err != nil {
		return err
	}
	if r.AppealOf != "" {
		if err := c.mayAppeal(ctx, r, policy); err != nil {
			return err
		}
	}
	if r.DraftOf != "" {
		if err := c.mayDraft(ctx, r); err != nil {
			return err
		}
	}
	data := r.Data
	rules.Clean(&data)
	if bad := policy.FormErrors(data); len(bad) > 0 {
		return bad[0]
	}
	return nil
}

// mayRequest looks the person up. The engine's own reviews have none.
func (c *Client) mayRequest(ctx context.Context, r store.Request, subject kam.Subject) error {
	if r.Type == kam.Reclassify && r.Requester == kam.System {
		return nil
	}
	who, err := c.record.Person(ctx, r.Requester)
	if kam.CodeOf(err) == kam.NotFound {
		return kam.Errorf(kam.Forbidden, "nobody is known as %q", r.Requester).On("by")
	}
	if err != nil {
		return err
	}
	action := kam.ActionStart
	if r.Type == kam.Reclassify {
		action = kam.ActionReview
	}
	_, err = kam.Permit(who, action, subject)
	return err
}

// mayWorkOn says what the customer is to the person who requests a case for it,
// and answers a second request with the number of the first.
func (c *Client) mayWorkOn(ctx context.Context, r store.Request, subject *kam.Subject) error {
	if !slices.Contains(kam.CaseTypes, r.Type) {
		return kam.Errorf(kam.Invalid, "%q is no type of case", r.Type).On("case_type")
	}
	if r.CustomerNo == "" {
		return kam.Errorf(kam.Invalid, "a %s is for an existing customer", r.Type).On("customer_no").Try("name the customer")
	}
	if r.Type == kam.Reclassify && !slices.Contains(kam.ReviewTriggers, r.Trigger) {
		return kam.Errorf(kam.Invalid, "%q is no reason to classify again", r.Trigger).On("trigger").Try("one of " + joined(kam.ReviewTriggers))
	}
	customer, err := c.record.Customer(ctx, r.CustomerNo)
	if kam.CodeOf(err) == kam.NotFound {
		return kam.Errorf(kam.TargetInvalid, "%s", kam.AsError(err).Msg).On("customer_no")
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
	nodes, err := c.record.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range kam.PathOf(nodes, customer.Territory) {
		subject.Path, subject.Levels = append(subject.Path, n.Code), append(subject.Levels, n.Level)
	}
	return c.record.OpenCaseOf(ctx, r.CustomerNo)
}

func (c *Client) mayAppeal(ctx context.Context, r store.Request, policy *rules.Set) error {
	was, err := c.record.Rejection(ctx, r.AppealOf)
	if err != nil {
		return err
	}
	requester, err := c.record.Person(ctx, was.Requester)
	if err != nil && kam.CodeOf(err) != kam.NotFound {
		return err
	}
	now, err := c.record.Now(ctx)
	if err != nil {
		return err
	}
	return kam.MayAppeal(r.Requester, requester.ManagerID, was, now, policy.Process.AppealWindowDays)
}

func (c *Client) mayDraft(ctx context.Context, r store.Request) error {
	if r.Key != store.DraftKey+string(r.DraftOf) {
		return kam.Errorf(kam.Invalid, "a draft of %s has the key %s: there is one", r.DraftOf, store.DraftKey+string(r.DraftOf)).On("request_key")
	}
	was, err := c.record.Case(ctx, r.DraftOf)
	if err != nil {
		return err
	}
	end, err := c.record.Followed(ctx, r.DraftOf)
	if err != nil {
		return err
	}
	heir := was.Requester
	for range 20 {
		p, err := c.record.Person(ctx, heir)
		if err != nil && kam.CodeOf(err) != kam.NotFound {
			return err
		}
		if err != nil || p.Active || p.ManagerID == "" {
			break
		}
		heir = p.ManagerID
	}
	return kam.CheckDraft(r.Requester, heir, was, end)
}

func joined[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, x := range list {
		words[i] = string(x)
	}
	return strings.Join(words, ", ")
}

// latestPolicy is the policy that a case started now will keep. A published
// version never changes, so it is read once.
func (c *Client) latestPolicy(ctx context.Context) (*rules.Set, error) {
	version, text, err := c.record.LatestPolicy(ctx)
	if err != nil {
		return nil, err
	}
	if p := c.policy.Load(); p != nil && p.version == version {
		return p.Set, nil
	}
	parsed, err := rules.Parse(text)
	if err != nil {
		return nil, err
	}
	c.policy.Store(&versioned{version, parsed})
	return parsed, nil
}

type versioned struct {
	version int
	*rules.Set
}

func (c *Client) begin(ctx context.Context, no kam.CaseNo, r store.Request, first bool) (kam.Progress, error) {
	base := "start-" + uuid.NewSHA1(requestSpace, []byte(r.Key)).String()
	if !first {
		// Temporal answers an id that it knows with what it answered before: a
		// refusal that has been cured since would stand for ever.
		base += "/" + NewDecisionID()
	}
	var last error
	for try, attempt := 0, 1; ; try++ {
		p, err := c.sendStart(ctx, no, r, fmt.Sprintf("%s/%d", base, attempt))
		what, refusal := judge(err)
		switch what {
		case answered:
			return settled(p)
		case refused:
			return p, refusal
		case gone: // somebody else's start has run to its end meanwhile
			p.Snapshot, err = c.record.Case(ctx, no)
			return p, reachable(ctx, "the start of "+string(no), err)
		case failed:
			attempt++
		case broken:
			return p, fmt.Errorf("start %s: %w", no, err)
		}
		last = err
		if pause(ctx, try) != nil {
			return p, unconfirmed("the start of "+string(no), last)
		}
	}
}

func (c *Client) sendStart(ctx context.Context, no kam.CaseNo, r store.Request, updateID string) (kam.Progress, error) {
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	in := kam.StartInput{CaseNo: no, RequestKey: r.Key}
	// An operation starts once, so each try makes its own.
	op := c.temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID:                       no.WorkflowID(),
		TaskQueue:                c.taskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		// Use-existing covers running workflows only: a case that has ended
		// must not run again. A run that failed never opened its case, for
		// want of a policy for example, and whoever tries again starts anew.
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            string(r.Type) + " " + string(no),
		TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyKeyword(kam.AttrState).ValueSet(string(kam.Draft)),
			temporal.NewSearchAttributeKeyKeyword(kam.AttrStep).ValueSet(string(kam.Draft.Spec().Step)),
			temporal.NewSearchAttributeKeyKeyword(kam.AttrCaseType).ValueSet(string(r.Type)),
		),
	}, kam.WorkflowOnboarding, in)
	handle, err := c.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: op,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID:     updateID,
			WorkflowID:   no.WorkflowID(),
			UpdateName:   string(kam.ActStart),
			Args:         []any{in},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	return result(ctx, handle, err)
}

// result waits for the answer of an update. A refusal surfaces here, not in
// the call that sent it.
func result(ctx context.Context, handle client.WorkflowUpdateHandle, err error) (kam.Progress, error) {
	var p kam.Progress
	if err != nil {
		return p, err
	}
	err = handle.Get(ctx, &p)
	return p, err
}

// settled turns an act that was stored as refused into the refusal.
func settled(p kam.Progress) (kam.Progress, error) {
	if p.Refused != nil {
		return p, p.Refused
	}
	return p, nil
}

// reachable says "not confirmed" where the time is over, and keeps refusals.
func reachable(ctx context.Context, what string, err error) error {
	if err == nil || kam.CodeOf(err) != "" {
		return err
	}
	if ctx.Err() != nil {
		return unconfirmed(what, err)
	}
	e := kam.Errorf(kam.Unreachable, "%s could not be stored: %v", what, err)
	return e.Try("safe to retry: the same command is the same act")
}
