package hostile

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/update/v1"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
)

// refusable are acts on a case that waits for its confirmation which are
// refused before anything is written: somebody who requested it himself, data
// of an earlier revision, an act that it does not wait for, no act at all.
func refusable(s onboarding.Snapshot, i int) (act onboarding.Act, code kam.Code) {
	act = confirm(s)
	switch i % 4 {
	case 0:
		act.By = requester
		return act, kam.Separation
	case 1:
		act.ExpectHash = "0000"
		return act, kam.StaleRevision
	case 2:
		return onboarding.Act{DecisionID: act.DecisionID, Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Endorse, By: act.By}, kam.WrongState
	default:
		act.Verdict = "APPROVE"
		return act, kam.Invalid
	}
}

// TestRefusedUpdatesLeaveNothing: 300 refused updates in a row and 40 at a time
// add no event, and the case is as quick as before.
func TestRefusedUpdatesLeaveNothing(t *testing.T) {
	h := open(t)
	now := h.waiting(t)
	id := now.CaseNo.WorkflowID()
	before := h.settled(t, id)
	var turnedAway away
	send := func(i int) {
		act, want := refusable(now, i)
		var outcome *update.Outcome
		err := turnedAway.patiently(func() (err error) {
			outcome, err = h.update(t.Context(), id, string(act.Name), encoded(t, signedtest.Act(now.CaseNo, act, time.Now()), nil))
			return err
		})
		switch {
		case err != nil:
			t.Errorf("update %d: %v", i, err)
		case outcome.GetFailure().GetApplicationFailureInfo().GetType() != string(want):
			t.Errorf("update %d: want %s: %v", i, want, outcome)
		}
	}
	begin := time.Now()
	for i := range 300 {
		send(i)
	}
	inARow := time.Since(begin)
	require.Equal(t, before, h.settled(t, id))
	begin = time.Now()
	inParallel(40, 200, send)
	t.Logf("300 in a row: %v each; 200, 40 at a time: %v each, %d turned away by Temporal and sent again; 0 events", inARow/300, time.Since(begin)/200, turnedAway.Load())
	require.Equal(t, before, h.settled(t, id))
	h.honestly(t, now.CaseNo)
}

// away counts what Temporal turned away.
type away struct{ atomic.Int64 }

// patiently sends what Temporal turns away again, as it does with more than ten
// updates at a time and while a run ends.
func (n *away) patiently(send func() error) error {
	for try := 0; ; try++ {
		err := send()
		var full *serviceerror.ResourceExhausted
		var down *serviceerror.Unavailable
		if try == 300 || !errors.As(err, &full) && !errors.As(err, &down) {
			return err
		}
		n.Add(1)
		time.Sleep(20 * time.Millisecond)
	}
}

// TestFloodOfSignals: each refused decision that comes as a signal is stored,
// so the history grows. The case goes on in a new run before it is too long,
// and an honest decision is taken then.
func TestFloodOfSignals(t *testing.T) {
	h := open(t)
	now := h.waiting(t)
	id := now.CaseNo.WorkflowID()
	d, err := h.sdk.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	first := d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	const signals = 1000
	begin := time.Now()
	var turnedAway away
	inParallel(4, signals, func(i int) {
		act := confirm(now)
		act.DecisionID, act.By = fmt.Sprintf("junk-signal-%04d", i), requester
		err := turnedAway.patiently(func() error {
			return h.signal(t.Context(), id, string(act.Name), encoded(t, signedtest.Act(now.CaseNo, act, time.Now()), nil))
		})
		if err != nil {
			t.Errorf("signal %d: %v", i, err)
		}
	})
	sent := time.Since(begin)

	// While it works them off a person may be told that it is busy, not more.
	comment := onboarding.Act{DecisionID: service.NewDecisionID(), Name: onboarding.ActComment, By: now.Task.Assignees[0], Reason: "who does this?"}
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		_, err := h.client.Act(t.Context(), now.CaseNo, comment, nil)
		if err == nil {
			break
		}
		require.Equal(t, kam.Unreachable, kam.CodeOf(err), err)
		require.True(t, time.Now().Before(deadline), err)
	}
	h.settled(t, id)
	took := time.Since(begin)

	stored := h.count(t, `select count(*) from kam.audit where case_no = $1 and type = 'DECISION_REFUSED'`, now.CaseNo)
	runs, longest := 0, 0
	for run := first; run != ""; runs++ {
		events := h.history(t, id, run)
		longest = max(longest, len(events))
		h.noTaskFailed(t, id, run)
		run = events[len(events)-1].GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
	}
	t.Logf("%d signals sent in %v, %d turned away and sent again, %d stored as refused after %v, %d runs, the longest of %d events",
		signals, sent, turnedAway.Load(), stored, took, runs, longest)
	require.Greater(t, runs, 1, "a run takes 500 acts")
	require.Less(t, longest, 4500)
	same, err := h.db.Cases.Case(t.Context(), now.CaseNo)
	require.NoError(t, err)
	require.Equal(t, onboarding.AwaitingConfirmation, same.State)
	require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, h.status(t, id))
	h.honestly(t, now.CaseNo)
}

func (h *house) status(t *testing.T, id string) enums.WorkflowExecutionStatus {
	t.Helper()
	d, err := h.sdk.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	return d.GetWorkflowExecutionInfo().GetStatus()
}

// TestFloodOfHugeSignals: thirty signals of 1.9 MiB are more than one history
// holds: the server would end the case. They are turned away.
func TestFloodOfHugeSignals(t *testing.T) {
	h := open(t)
	now := h.waiting(t)
	id := now.CaseNo.WorkflowID()
	before := h.settled(t, id)
	act := confirm(now)
	act.Reason = strings.Repeat("x", sizes[2])
	junk := encoded(t, act, nil)
	inParallel(4, 30, func(int) {
		if err := h.signal(t.Context(), id, string(act.Name), junk); err == nil {
			t.Error("a signal of 1.9 MiB was taken")
		}
	})
	require.Equal(t, before, h.settled(t, id))
	h.honestly(t, now.CaseNo)
}
