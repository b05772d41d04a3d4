package workflows_test

import (
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/workflows"
)

const caseNo kam.CaseNo = "KAM-2026-000001"

// A script is a case played in skipped time: what people do, and when.
type script struct {
	t   *testing.T
	b   *casebook
	env *testsuite.TestWorkflowEnvironment
}

func newScript(t *testing.T) *script {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	s := &script{t: t, b: newCasebook(), env: suite.NewTestWorkflowEnvironment()}
	s.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: caseNo.WorkflowID(), TaskQueue: kam.TaskQueue})
	s.b.register(s.env)
	workflows.Register(s.env, signedtest.Verifier().Verify)
	return s
}

// An answer is what the sender of an update is told.
type answer struct {
	accepted bool
	rejected error
	done     bool
	progress onboarding.Progress
	err      error
}

// code is the kam code of a refusal, from validator or handler.
func (a *answer) code() string {
	var app *temporal.ApplicationError
	if errors.As(errors.Join(a.rejected, a.err), &app) {
		return app.Type()
	}
	return ""
}

// at plays f at a time after the start.
func (s *script) at(after time.Duration, f func()) { s.env.RegisterDelayedCallback(f, after) }

// sendAt sends an act as an update after a time.
func (s *script) sendAt(after time.Duration, updateID string, a onboarding.Act) *answer {
	out := &answer{}
	s.at(after, func() { s.send(out, updateID, a) })
	return out
}

// send sends an act as an update now; out is filled in when it is answered.
func (s *script) send(out *answer, updateID string, a onboarding.Act) {
	s.env.UpdateWorkflow(string(a.Name), updateID, &testsuite.TestUpdateCallback{
		OnAccept: func() { out.accepted = true },
		OnReject: func(err error) { out.rejected = err },
		OnComplete: func(v any, err error) {
			out.done, out.err = true, err
			if p, ok := v.(onboarding.Progress); ok {
				out.progress = p
			}
		},
	}, signedtest.Act(caseNo, a, s.env.Now()))
}

// play runs the case to its end.
func (s *script) play() onboarding.Snapshot {
	s.t.Helper()
	return s.playFrom(workflows.Input{StartInput: onboarding.StartInput{CaseNo: caseNo, RequestKey: "rk"}})
}

func (s *script) playFrom(in workflows.Input) onboarding.Snapshot {
	s.t.Helper()
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, in)
	require.True(s.t, s.env.IsWorkflowCompleted())
	require.NoError(s.t, s.env.GetWorkflowError())
	var out onboarding.Snapshot
	require.NoError(s.t, s.env.GetWorkflowResult(&out))
	return out
}

// state asks the case where it stands.
func (s *script) state() onboarding.Snapshot {
	s.t.Helper()
	v, err := s.env.QueryWorkflow(onboarding.QueryState)
	require.NoError(s.t, err)
	var out onboarding.Snapshot
	require.NoError(s.t, v.Get(&out))
	return out
}

func confirm(id string, by kam.UserID) onboarding.Act {
	return onboarding.Act{DecisionID: id, Name: onboarding.ActDecideConfirmation, By: by, Verdict: onboarding.Confirm, ExpectHash: "h1"}
}

func sendBack(id string) onboarding.Act {
	return onboarding.Act{DecisionID: id, Name: onboarding.ActDecideConfirmation, By: "boss", Verdict: onboarding.SendBack, ExpectHash: "h1", Fields: []string{"legal_name"}}
}

func submit(id, digest string) onboarding.Act {
	return onboarding.Act{DecisionID: id, Name: onboarding.ActSubmitData, By: "rep", DataDigest: digest}
}

func count(list []string, x string) int {
	n := 0
	for _, y := range list {
		if x == y {
			n++
		}
	}
	return n
}

// detailOf is the kam.Error that a refusal carries.
func detailOf(t *testing.T, err error) *kam.Error {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	var e *kam.Error
	require.NoError(t, app.Details(&e))
	return e
}
