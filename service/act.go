package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/internal/span"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules"
)

// NewDecisionID makes the id of an act. It is made once for what a person
// does, and kept for every time that it is sent.
func NewDecisionID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.NewString()
	}
	return id.String()
}

// Decide brings what a person does to the case and returns the committed state.
// Data, for acts that carry any, go into PostgreSQL first: the message holds
// their digest only. A refusal comes back as a kam.Error; kam.Unreachable
// means that it is not known whether the act was stored, and that sending it
// again with the same DecisionID is safe.
func (l *Local) Decide(ctx context.Context, who Principal, no kam.CaseNo, act onboarding.Act, data *customer.RequestData) (p onboarding.Progress, err error) {
	ctx, end := span.Start(ctx, "act", span.CaseNo.String(string(no)), span.Act.String(string(act.Name)))
	defer func() {
		span.NoteProgress(ctx, p)
		end(err)
	}()
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	act.By = who.user
	if act.DecisionID == "" {
		act.DecisionID = NewDecisionID()
	}
	if err := kam.CheckKey("case_no", string(no)); err != nil {
		return onboarding.Progress{}, err
	}
	what := kam.Say("%s on %s", act.Name, no)
	if data != nil {
		// The case asks when the act gets there; data are kept before.
		_, err := l.person(ctx, who)
		if e := kam.AsError(err); e != nil {
			l.recordRefusal(ctx, no, act, e)
		}
		if err != nil {
			return onboarding.Progress{}, reachable(ctx, what, err)
		}
		if err := checkData(*data); err != nil {
			return onboarding.Progress{}, err
		}
		digest, err := l.record.Cases.StageData(ctx, no, act.DecisionID, *data)
		if e := kam.AsError(err); e != nil && e.Code == kam.IDReused {
			l.recordRefusal(ctx, no, act, e)
		}
		if err != nil {
			return onboarding.Progress{}, reachable(ctx, what, err)
		}
		act.DataDigest = digest
	}
	if err := act.Check(); err != nil {
		return onboarding.Progress{}, err
	}
	by, err := l.signatory(ctx, who, func() (access.Acting, error) { return l.mayAct(ctx, no, act) })
	if err == nil && act.Name == onboarding.ActWithdraw && act.ExpectRevision == 0 && act.ExpectHash == "" {
		if err := l.intend(ctx, no, act); err != nil {
			return onboarding.Progress{}, reachable(ctx, what, err)
		}
	}
	if err == nil {
		p, err = l.send(ctx, by, no, act, what)
	} else {
		err = reachable(ctx, what, err)
	}
	if other := act.Other(); err == nil && other != "" {
		// The earlier case has followers now; if this signal is lost, the
		// reconciler sends it.
		_ = l.temporal.SignalWorkflow(ctx, other.WorkflowID(), "", onboarding.SignalRefresh, nil)
	}
	// What is wrong with a signature the worker has on record that found it.
	if e := kam.AsError(err); e != nil && e.Code != kam.Unreachable && e.Code != kam.Fault && e.Code != kam.NotSigned && p.Refused == nil {
		l.recordRefusal(ctx, no, act, e)
	}
	return p, err
}

// checkData refuses data over the bounds of the form before they are kept: the
// validator of a case sees their digest only, and what the case itself refuses
// is in its history.
func checkData(data customer.RequestData) error {
	b, err := json.Marshal(data)
	if err != nil {
		return kam.Errorf(kam.Invalid, "the data cannot be written down: %v", err)
	}
	var clean customer.RequestData // a copy to the last entry: the caller keeps his data as they are
	if err := json.Unmarshal(b, &clean); err != nil {
		return kam.Errorf(kam.Invalid, "the data cannot be read: %v", err)
	}
	rules.Clean(&clean)
	if bad := customer.CheckForm(clean); len(bad) > 0 {
		return bad[0]
	}
	return nil
}

// intend notes a withdrawal where the commit of the customer sees it, because
// automatic stages may share one workflow task and leave the update no room
// (D12). The commit trusts the note, so only the requester and his manager
// leave one; others who may withdraw, and whoever withdraws on condition of what
// he saw, are judged by the case itself.
func (l *Local) intend(ctx context.Context, no kam.CaseNo, act onboarding.Act) error {
	s, err := l.record.Cases.Case(ctx, no)
	if err != nil {
		return err
	}
	if s.State.Ended() || s.State.AfterCommit() {
		return nil // the workflow answers, or the record does
	}
	if act.By != s.Requester {
		requester, err := l.record.Access.Person(ctx, s.Requester)
		if kam.CodeOf(err) == kam.NotFound || err == nil && requester.ManagerID != act.By {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return l.record.Cases.WithdrawIntent(ctx, no, act.By, act.DecisionID)
}

// mayAct asks whether the act would be taken. That a stage of the engine does not
// take a withdrawal is not the answer yet: see [Local.withNote].
func (l *Local) mayAct(ctx context.Context, no kam.CaseNo, act onboarding.Act) (access.Acting, error) {
	in, err := l.Judge.MayAct(ctx, no, act)
	if code := kam.CodeOf(err); act.Name == onboarding.ActWithdraw && (code == kam.WrongState || code == kam.TooLate) {
		err = nil
	}
	return in, err
}

func (l *Local) send(ctx context.Context, by signatory, no kam.CaseNo, act onboarding.Act, what kam.Sentence) (p onboarding.Progress, err error) {
	caughtUp := 0
	for try, attempt := 0, 1; ; try++ {
		if act.Signed, err = by.act(ctx, no, act); err != nil {
			return onboarding.Progress{}, reachable(ctx, what, err)
		}
		p, err := l.sendOnce(ctx, no, act, attempt)
		outcome, refusal := judge(err)
		if outcome == refused && act.Name == onboarding.ActWithdraw {
			outcome = l.withNote(ctx, no, act, refusal)
		}
		switch outcome {
		case answered:
			return settled(p)
		case refused:
			if caughtUp == maxCatchUp || !l.catchUp(ctx, no, act, refusal) {
				return p, refusal
			}
			caughtUp++
			attempt++
		case gone:
			return l.fromRecord(ctx, no, act, what)
		case failed:
			attempt++
		case broken:
			return p, fmt.Errorf("%s: %w", what, err)
		}
		if pause(ctx, try) != nil {
			return p, unconfirmed(what, err)
		}
	}
}

// withNote judges the refusal of a withdrawal. An automatic stage takes no acts,
// but its commit reads the note of the withdrawal: so "wrong state" is not the
// answer yet, and the case is read again. A refusal that stands removes the note.
func (l *Local) withNote(ctx context.Context, no kam.CaseNo, act onboarding.Act, refusal *kam.Error) outcome {
	notNow := refusal.Code == kam.WrongState || refusal.Code == kam.TooLate
	for noted := true; ; noted = false {
		s, err := l.record.Cases.Case(ctx, no)
		switch {
		case err != nil:
			return lost
		case s.State == onboarding.Withdrawn:
			return gone // the record knows by which decision
		case notNow && s.State.Kind() == kam.Automatic && !s.State.AfterCommit():
			return failed
		case !noted || s.State.Ended() || s.State.AfterCommit():
			return refused
		}
		// It may be carried out until it is taken back: then look again.
		if err := l.record.Cases.DropIntent(ctx, no, act.By, act.DecisionID); err != nil {
			return lost
		}
	}
}

func (l *Local) sendOnce(ctx context.Context, no kam.CaseNo, act onboarding.Act, attempt int) (onboarding.Progress, error) {
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	same := act
	same.Signed = "" // it is signed anew each time that it is sent
	handle, err := l.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		UpdateID:     fmt.Sprintf("%s/%d-%s", act.DecisionID, attempt, fingerprint(same)),
		WorkflowID:   no.WorkflowID(),
		UpdateName:   string(act.Name),
		Args:         []any{act},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	return result(ctx, handle, err)
}

// fingerprint is a short digest of an act. Temporal answers an update id that
// it knows without a look at the content; with the fingerprint in the id, other
// content under a decision id reaches the workflow, which refuses it.
func fingerprint(act any) string { return kam.Digest(act)[:8] }

// maxCatchUp is how often an act is sent again to a workflow that refuses what
// PostgreSQL would allow.
const maxCatchUp = 3

// catchUp helps a workflow that refuses because it knows less than PostgreSQL
// does: a decision was stored and its acceptance lost (D10a), or a worker died
// and its steps are being gone through again. It says whether the act is worth
// sending again.
func (l *Local) catchUp(ctx context.Context, no kam.CaseNo, act onboarding.Act, refusal *kam.Error) bool {
	switch refusal.Code {
	case kam.WrongState, kam.StaleRevision, kam.AlreadyDecided, kam.TooLate:
	default:
		return false
	}
	s, err := l.record.Cases.Case(ctx, no)
	if err != nil {
		return false
	}
	if behind, err := l.refresh(ctx, no, s.Version); behind && err == nil {
		return true
	}
	// It may have caught up between its refusal and the question.
	return act.CheckAgainst(s) == nil
}

// refresh tells a workflow that is behind the version to read PostgreSQL, and
// waits until it has. It says whether it was behind.
func (l *Local) refresh(ctx context.Context, no kam.CaseNo, version int64) (behind bool, err error) {
	known, err := l.known(ctx, no)
	if err != nil || known >= version {
		return false, err
	}
	if err := l.temporal.SignalWorkflow(ctx, no.WorkflowID(), "", onboarding.SignalRefresh, nil); err != nil {
		return true, err
	}
	for try := range 6 {
		if err := pause(ctx, try); err != nil {
			return true, err
		}
		if known, err = l.known(ctx, no); err == nil && known >= version {
			return true, nil
		}
	}
	return true, err
}

// fromRecord answers for a workflow that is no more: what the act led to if it
// was stored, else why it comes too late.
func (l *Local) fromRecord(ctx context.Context, no kam.CaseNo, act onboarding.Act, what kam.Sentence) (onboarding.Progress, error) {
	s, err := l.record.Cases.Case(ctx, no)
	if err != nil {
		return onboarding.Progress{}, reachable(ctx, what, err)
	}
	p := onboarding.Progress{Snapshot: s}
	stored, err := l.stored(ctx, no, act)
	if err != nil {
		return p, reachable(ctx, what, err)
	}
	if stored || act.Name == onboarding.ActWithdraw && s.State == onboarding.Withdrawn && act.By == s.Requester {
		return p, nil
	}
	switch {
	case s.Version == 0:
		return p, kam.Errorf(kam.WrongState, "case %s has a number and was never started", no).Try("run onboard again with the same request")
	case !s.State.Ended():
		return p, kam.Errorf(kam.Fault, "case %s is %s and Temporal does not know it: an operator must look", no, s.State).Try("run doctor")
	}
	if err := act.CheckAgainst(s); err != nil {
		return p, err
	}
	return p, kam.Errorf(kam.AlreadyDecided, "case %s has ended: it is %s", no, s.State)
}

// stored says whether this very act took effect; kam.IDReused where another one
// did under its id. A withdrawal that the commit carried out is no effect of its
// own: it stands in the audit trail.
func (l *Local) stored(ctx context.Context, no kam.CaseNo, act onboarding.Act) (bool, error) {
	digest, ok, err := l.record.Cases.Decision(ctx, no, act.DecisionID)
	switch {
	case err != nil:
		return false, err
	case ok && digest != act.Digest():
		return false, kam.Errorf(kam.IDReused, "decision %s was taken with other content", act.DecisionID).On("decision_id").Try("make a new id for a new decision")
	case ok || act.Name != onboarding.ActWithdraw:
		return ok, nil
	}
	events, err := l.record.Cases.Events(ctx, no)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(events, func(e kam.AuditEvent) bool {
		return e.DecisionID == act.DecisionID && e.Type == kam.EventWithdrawn
	}), nil
}

// recordRefusal leaves a trace of an act that was refused before anything was
// stored: Temporal keeps none. It must not turn a refusal into a fault, so a
// record that cannot be reached is passed over.
func (l *Local) recordRefusal(ctx context.Context, no kam.CaseNo, act onboarding.Act, e *kam.Error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), perTry)
	defer cancel()
	_ = l.record.Cases.Refuse(ctx, no, act, e, time.Now().UTC())
}
