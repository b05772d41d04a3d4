package hostile

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	sdk "go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// forgeable are acts that a forger would like, on a case that waits for its
// confirmation, each in the name of somebody who may.
func forgeable(s onboarding.Snapshot) []onboarding.Act {
	manager := s.Task.Assignees[0]
	return []onboarding.Act{
		confirm(s),
		{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.RejectIt, By: manager, ExpectHash: s.MaterialHash, ReasonCode: "OTHER", Reason: "no"},
		{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.SendBack, By: manager, ExpectHash: s.MaterialHash, Reason: "once more"},
		{Name: onboarding.ActReassign, By: manager, Assignee: "somebody.else", Reason: "on holiday"},
		{Name: onboarding.ActWithdraw, By: s.Requester},
		{Name: onboarding.ActComment, By: s.Requester, Reason: "I never wrote this"},
	}
}

// TestForgedActs: whoever reaches Temporal, and nothing else, sends acts in
// other people's names as updates, signals, starts and updates with a start:
// unsigned, with envelopes that were copied, altered, made for something else,
// by other keys, out of time. None is taken.
func TestForgedActs(t *testing.T) {
	h := open(t)
	now := h.waiting(t)
	id := now.CaseNo.WorkflowID()
	told := h.count(t, `select coalesce(sum(count), 0) from kam.forged`)
	updates, signals, starts := 0, 0, 0

	// What one person honestly signed and another copied.
	spoken := signedtest.Act(now.CaseNo, onboarding.Act{DecisionID: service.NewDecisionID(), Name: onboarding.ActComment, By: now.Task.Assignees[0], Reason: "I look at it today."}, time.Now())
	_, err := h.client.Act(t.Context(), now.CaseNo, spoken, nil)
	require.NoError(t, err)
	before := h.settled(t, id)

	for _, act := range forgeable(now) {
		forged := signedtest.Forgeries(signed.OfAct(now.CaseNo, act, false), time.Now())
		for _, f := range append(forged, signedtest.Forgery{Name: "copied", Signed: spoken.Signed}) {
			act.DecisionID, act.Signed = service.NewDecisionID(), f.Signed
			if f.Signed != "" && f.Name != "copied" { // for this very decision
				act.Signed = again(act, now.CaseNo, f.Name, false)
			}
			outcome, err := h.update(t.Context(), id, string(act.Name), encoded(t, act, nil))
			require.NoError(t, err)
			require.NotNil(t, outcome.GetFailure(), "%s %s %s was taken", act.Name, act.Verdict, f.Name)
			require.Equal(t, kam.NotSigned, refusedAs(t, outcome.GetFailure()).Code, "%s %s", act.Name, f.Name)
			updates++
		}
	}
	require.Equal(t, before, h.settled(t, id), "refused updates leave no event")

	for _, act := range forgeable(now) {
		if spec, err := act.Spec(); err != nil || !spec.Signal {
			continue
		}
		for _, f := range signedtest.Forgeries(signed.OfAct(now.CaseNo, act, true), time.Now()) {
			act.DecisionID, act.Signed = service.NewDecisionID(), ""
			if f.Signed != "" {
				act.Signed = again(act, now.CaseNo, f.Name, true)
			}
			require.NoError(t, h.signal(t.Context(), id, string(act.Name), encoded(t, act, nil)))
			signals++
		}
	}
	h.settled(t, id)

	starts = h.forgedStarts(t)
	t.Logf("%d forged updates, %d signals, %d starts: none was taken", updates, signals, starts)
	require.GreaterOrEqual(t, updates+signals+starts, 200)

	same, err := h.db.Cases.Case(t.Context(), now.CaseNo)
	require.NoError(t, err)
	require.Equal(t, onboarding.AwaitingConfirmation, same.State)
	require.Equal(t, now.Version+1, same.Version, "the comment is all that came of it")
	// The worker notes what its validators refuse a moment later.
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		counted := h.count(t, `select coalesce(sum(count), 0) from kam.forged`) - told
		if counted >= updates+signals+starts { // update and start of one case are refused both
			break
		}
		require.True(t, time.Now().Before(deadline), "%d refusals of %d are counted", counted, updates+signals+starts)
	}
	listed, minutes := 0, map[string]int{}
	events, err := h.db.Cases.Events(t.Context(), now.CaseNo)
	require.NoError(t, err)
	for _, e := range events {
		require.NotEqual(t, kam.EventDecisionRefused, e.Type, "nobody is on record for what he did not do")
		if e.Type == kam.EventSignatureRefused {
			require.Contains(t, e.Text, "in the name of ")
			listed++
			minutes[e.DBAt.Format("15:04")]++
		}
	}
	require.Positive(t, listed)
	for minute, n := range minutes {
		require.LessOrEqual(t, n, 10, minute)
	}
	h.honestly(t, now.CaseNo)
	h.auditHolds(t)
}

// again makes a forgery for an act with its new decision id.
func again(act onboarding.Act, no kam.CaseNo, name string, queued bool) string {
	for _, f := range signedtest.Forgeries(signed.OfAct(no, act, queued), time.Now()) {
		if f.Name == name {
			return f.Signed
		}
	}
	return ""
}

// forgedStarts starts cases that somebody asked for and did not start himself, in
// both ways, and says how many starts were sent.
func (h *house) forgedStarts(t *testing.T) int {
	t.Helper()
	n := 0
	for i := range signedtest.Forgeries(signed.Claim{Person: "x", About: "x", Act: "x"}, time.Now()) {
		for _, withUpdate := range []bool{false, true} {
			n++
			r := h.request(fmt.Sprintf("forged-start-%t", withUpdate), i)
			no, _, err := h.db.Cases.Allot(t.Context(), r)
			require.NoError(t, err)
			digest := casedb.RequestDigest(r)
			in := onboarding.StartInput{CaseNo: no, RequestKey: r.Key}
			f := signedtest.Forgeries(signed.OfStart(in, r.Requester, digest), time.Now())[i]
			in.Signed = f.Signed
			require.NoError(t, h.rawStart(t, in, withUpdate))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			err = h.sdk.GetWorkflow(ctx, no.WorkflowID(), "").Get(ctx, nil)
			cancel()
			require.Error(t, err, f.Name)
			require.Contains(t, err.Error(), string(kam.NotSigned), f.Name)
			s, err := h.db.Cases.Case(t.Context(), no)
			require.NoError(t, err)
			require.Zero(t, s.Version, "%s opened %s", f.Name, no)
			if i == 0 { // the number is still there for who asked for it
				time.Sleep(time.Second) // the server starts one id once in a second
				_, err := h.client.Start(t.Context(), r)
				require.NoError(t, err)
				h.eventually(t, no, onboarding.AwaitingConfirmation)
			}
		}
	}
	return n
}

// rawStart starts the workflow of a case as nobody of ours would.
func (h *house) rawStart(t *testing.T, in onboarding.StartInput, withUpdate bool) error {
	t.Helper()
	o := sdk.StartWorkflowOptions{ID: in.CaseNo.WorkflowID(), TaskQueue: kam.TaskQueue, WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING}
	if !withUpdate {
		_, err := h.sdk.ExecuteWorkflow(t.Context(), o, onboarding.WorkflowOnboarding, in)
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	handle, err := h.sdk.UpdateWithStartWorkflow(ctx, sdk.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: h.sdk.NewWithStartWorkflowOperation(o, onboarding.WorkflowOnboarding, in),
		UpdateOptions: sdk.UpdateWorkflowOptions{
			UpdateID: uuid.NewString(), WorkflowID: o.ID, UpdateName: string(onboarding.ActStart), Args: []any{in}, WaitForStage: sdk.WorkflowUpdateStageCompleted,
		},
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	require.Error(t, err, "the start was answered")
	return nil
}

// auditHolds verifies the whole trail, signatures included.
func (h *house) auditHolds(t *testing.T) {
	t.Helper()
	people, err := h.db.Access.People(t.Context())
	require.NoError(t, err)
	var auditor kam.UserID
	for _, p := range people {
		if p.Is(kam.Auditor) {
			auditor = p.ID
		}
	}
	v, err := h.client.VerifyAudit(t.Context(), service.As(auditor), nil)
	require.NoError(t, err)
	var why []string
	for _, b := range v.Breaks {
		why = append(why, b.String())
	}
	require.True(t, v.Clean, strings.Join(why, "\n"))
	require.Positive(t, v.Signed)
	require.Zero(t, v.Unsigned)
}
