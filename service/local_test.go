package service_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

func confirm() onboarding.Act {
	return onboarding.Act{DecisionID: "decision-0001", Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm, By: "boss", ExpectHash: "sha256:aa"}
}

func at(state onboarding.State, version int64) onboarding.Progress {
	return onboarding.Progress{Snapshot: onboarding.Snapshot{State: state, Version: version}}
}

func TestStart(t *testing.T) {
	t.Parallel()

	t.Run("SendsNumberAndPolicies", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(at(onboarding.Identifying, 1), nil))
		s, err := b.Start(t.Context(), request())
		require.NoError(t, err)
		require.True(t, s.Created)
		require.Equal(t, onboarding.Identifying, s.Progress.Snapshot.State)

		o := b.fake.starts[0]
		require.Equal(t, "case/"+string(s.CaseNo), o.ID)
		require.Equal(t, "queue", o.TaskQueue)
		require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, o.WorkflowIDConflictPolicy)
		require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY, o.WorkflowIDReusePolicy)
		require.True(t, o.WorkflowExecutionErrorWhenAlreadyStarted)
		require.Equal(t, "NEW "+string(s.CaseNo), o.StaticSummary)
		require.NotContains(t, o.StaticSummary, "Acme")
		u := b.fake.updates[0]
		require.Equal(t, string(onboarding.ActStart), u.UpdateName)
		require.Regexp(t, `^start-[0-9a-f-]{36}/1$`, u.UpdateID)
		in, ok := u.Args[0].(onboarding.StartInput)
		require.True(t, ok)
		require.Equal(t, onboarding.StartInput{CaseNo: s.CaseNo, RequestKey: request().Key}, in.Unsigned())
		digest := casedb.RequestDigest(request())
		require.NoError(t, signedtest.Verifier().Verify(time.Now(), in.Signed, signed.OfStart(in, "rep", digest)))
	})

	t.Run("AgainAfterTheAnswerWasLost", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errDown))
		b.Patience = 300 * time.Millisecond
		first, err := b.Start(t.Context(), request())
		require.ErrorIs(t, err, kam.Unreachable)
		require.ErrorContains(t, err, "safe to retry")
		for _, u := range b.fake.updates {
			require.Equal(t, b.fake.updates[0].UpdateID, u.UpdateID)
		}

		require.Equal(t, 1, storetest.Count(t, b.store, `select count(*) from kam.cases where version = 0`), "never started")

		b.fake.answers = []func() (onboarding.Progress, error){says(at(onboarding.DataEntry, 2), nil)}
		b.Patience = time.Second
		again, err := b.Start(t.Context(), request())
		require.NoError(t, err)
		require.Equal(t, first.CaseNo, again.CaseNo)
		require.False(t, again.Created)
	})

	t.Run("StartedBeforeIsReadFromPostgreSQL", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errors.New("nobody asks Temporal")))
		no := b.opened(onboarding.DataEntry)
		s, err := b.Start(t.Context(), request())
		require.NoError(t, err)
		require.Equal(t, no, s.CaseNo)
		require.Equal(t, onboarding.DataEntry, s.Progress.Snapshot.State)
		require.Empty(t, b.fake.updates)
	})

	t.Run("OtherContentUnderTheKeyIsRefused", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(at(onboarding.Identifying, 1), nil))
		_, err := b.Start(t.Context(), request())
		require.NoError(t, err)
		r := request()
		r.Data.LegalName = "Other"
		_, err = b.Start(t.Context(), r)
		require.ErrorIs(t, err, kam.IDReused)
	})

	t.Run("EndedMeanwhile", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, serviceerror.NewWorkflowExecutionAlreadyStarted("closed", "", "")))
		s, err := b.Start(t.Context(), request())
		require.NoError(t, err)
		require.Equal(t, s.CaseNo, s.Progress.Snapshot.CaseNo)
	})
}

// TestStartAgainAfterARefusal holds that a start is asked again, not answered
// with what Temporal remembers of the one that was refused.
func TestStartIsRefusedBeforeThereIsACase(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		give func(*casedb.Request)
		want kam.Code
	}{
		{"nobody knows him", func(r *casedb.Request) { r.Requester = "nobody" }, kam.Forbidden},
		{"another type of case", func(r *casedb.Request) { r.Type = kam.Deactivate }, kam.Invalid},
		{"an amount without a rate", func(r *casedb.Request) {
			usd := kam.NewMoney(1000, "USD")
			r.Data.DeclaredPotential = &usd
		}, kam.Invalid},
		{"a check digit is wrong", func(r *casedb.Request) {
			r.Data.Identifiers = []customer.Identifier{{Scheme: kam.SchemeVATEU, Value: "DE136695977"}}
		}, kam.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := request()
			tt.give(&r)
			_, err := b.Start(t.Context(), r)
			require.Equal(t, tt.want, kam.CodeOf(err))
			_, known, err := b.store.Cases.RequestByKey(t.Context(), r.Key)
			require.NoError(t, err)
			require.False(t, known, "no number was allotted")
		})
	}
}

func TestStartWithAKeyThatIsNone(t *testing.T) {
	t.Parallel()
	for _, key := range []string{strings.Repeat("k", 3000), "k\xff", ""} {
		b := setup(t)
		r := request()
		r.Key = key
		_, err := b.Start(t.Context(), r)
		require.ErrorIs(t, err, kam.Invalid)
		require.Equal(t, "request_key", kam.AsError(err).Field)
		require.Empty(t, b.fake.starts)
	}
}

func TestStartAgainAfterARefusal(t *testing.T) {
	t.Parallel()
	b := setup(t, says(onboarding.Progress{}, refusal(kam.Errorf(kam.NotFound, "no policy is loaded"))), says(onboarding.Progress{}, nil))
	_, err := b.Start(t.Context(), request())
	require.Equal(t, kam.NotFound, kam.CodeOf(err))
	s, err := b.Start(t.Context(), request())
	require.NoError(t, err)
	require.False(t, s.Created)
	require.Len(t, b.fake.updates, 2)
	require.NotEqual(t, b.fake.updates[0].UpdateID, b.fake.updates[1].UpdateID)
}

func TestAct(t *testing.T) {
	t.Parallel()

	t.Run("AnswersWithTheCommittedState", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(at(onboarding.AwaitingCompletion, 2), nil))
		no := b.opened(onboarding.AwaitingConfirmation)
		p, err := b.Act(t.Context(), no, confirm(), nil)
		require.NoError(t, err)
		require.Equal(t, onboarding.AwaitingCompletion, p.Snapshot.State)
		require.Regexp(t, `^decision-0001/1-[0-9a-f]{8}$`, b.fake.updates[0].UpdateID)
		require.Equal(t, "case/"+string(no), b.fake.updates[0].WorkflowID)
	})

	t.Run("StagesDataAndSendsTheirDigestOnly", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(at(onboarding.Deciding, 2), nil))
		no := b.opened(onboarding.DataEntry)
		data := request().Data
		act := onboarding.Act{DecisionID: "decision-0002", Name: onboarding.ActSubmitData, By: "rep"}
		_, err := b.Act(t.Context(), no, act, &data)
		require.NoError(t, err)
		digest := storetest.Text(t, b.store, `select digest from kam.staged where case_no = $1 and decision_id = $2`, no, act.DecisionID)
		require.Equal(t, digest, b.fake.updates[0].Args[0].(onboarding.Act).DataDigest)
	})

	t.Run("LostAnswersKeepTheUpdateID", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errDown), says(onboarding.Progress{}, serviceerror.NewDeadlineExceeded("slow")), says(at(onboarding.AwaitingCompletion, 2), nil))
		_, err := b.Act(t.Context(), b.opened(onboarding.AwaitingConfirmation), confirm(), nil)
		require.NoError(t, err)
		require.Len(t, b.fake.updates, 3)
		require.Equal(t, b.fake.updates[0].UpdateID, b.fake.updates[2].UpdateID)
		require.Regexp(t, `^decision-0001/1-[0-9a-f]{8}$`, b.fake.updates[2].UpdateID)
	})

	t.Run("AFailedHandlerGetsANewUpdateID", func(t *testing.T) {
		t.Parallel()
		outage := refusal(kam.Errorf(kam.Unreachable, "the case could not be stored"))
		b := setup(t, says(onboarding.Progress{}, outage), says(at(onboarding.AwaitingCompletion, 2), nil))
		_, err := b.Act(t.Context(), b.opened(onboarding.AwaitingConfirmation), confirm(), nil)
		require.NoError(t, err)
		require.Regexp(t, `^decision-0001/2-[0-9a-f]{8}$`, b.fake.updates[1].UpdateID)
		require.Equal(t, "decision-0001", b.fake.updates[1].Args[0].(onboarding.Act).DecisionID)
	})

	t.Run("GivesUpInTimeAndSaysThatRetryingIsSafe", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errDown))
		b.Patience = 300 * time.Millisecond
		no := b.opened(onboarding.AwaitingConfirmation)
		began := time.Now()
		_, err := b.Act(t.Context(), no, confirm(), nil)
		require.ErrorIs(t, err, kam.Unreachable)
		require.ErrorContains(t, err, "safe to retry")
		require.Less(t, time.Since(began), 5*time.Second)
		require.Empty(t, b.refusals(no))
	})

	t.Run("RefusalsComeBackWholeAndAreRecordedOnce", func(t *testing.T) {
		t.Parallel()
		sod := kam.Errorf(kam.Separation, "rep requested the case").By("SOD1").Try("another manager")
		b := setup(t, says(onboarding.Progress{}, refusal(sod)))
		no := b.opened(onboarding.AwaitingConfirmation)
		for range 2 {
			_, err := b.Act(t.Context(), no, confirm(), nil)
			require.Equal(t, sod, kam.AsError(err))
		}
		require.Equal(t, []string{"SEPARATION"}, b.refusals(no))
	})

	t.Run("OtherContentIsAnotherUpdate", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(at(onboarding.AwaitingConfirmation, 2), nil))
		no := b.opened(onboarding.AwaitingConfirmation)
		other := confirm()
		other.Reason = "something else"
		for _, act := range []onboarding.Act{confirm(), other} {
			_, err := b.Act(t.Context(), no, act, nil)
			require.NoError(t, err)
		}
		require.NotEqual(t, b.fake.updates[0].UpdateID, b.fake.updates[1].UpdateID)
	})

	t.Run("OtherDataUnderAnIDAreRefusedOnRecord", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(at(onboarding.AwaitingConfirmation, 2), nil))
		no := b.opened(onboarding.AwaitingConfirmation)
		act := onboarding.Act{DecisionID: "decision-0002", Name: onboarding.ActAmendMaterial, By: "rep"}
		_, err := b.Act(t.Context(), no, act, &customer.RequestData{ScreeningData: customer.ScreeningData{City: "Bonn"}})
		require.NoError(t, err)
		_, err = b.Act(t.Context(), no, act, &customer.RequestData{ScreeningData: customer.ScreeningData{City: "Mainz"}})
		require.ErrorIs(t, err, kam.IDReused)
		require.Equal(t, []string{"ID_REUSED"}, b.refusals(no))
		require.Len(t, b.fake.updates, 1)
	})

	t.Run("BadFormIsNotSent", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errDown))
		act := confirm()
		act.ExpectHash = ""
		_, err := b.Act(t.Context(), b.opened(onboarding.AwaitingConfirmation), act, nil)
		require.ErrorIs(t, err, kam.Invalid)
		require.Empty(t, b.fake.updates)
	})

	t.Run("AWorkflowThatIsBehindCatchesUp", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, refusal(kam.Errorf(kam.WrongState, "not yet"))), says(at(onboarding.Analyzing, 3), nil))
		no := b.opened(onboarding.AwaitingConfirmation)
		b.fake.version = 0
		b.fake.refresh = func(f *fake) { f.version = 1 }
		_, err := b.Act(t.Context(), no, confirm(), nil)
		require.NoError(t, err)
		require.Equal(t, []string{onboarding.SignalRefresh}, b.fake.signals)
		require.Regexp(t, `^decision-0001/2-[0-9a-f]{8}$`, b.fake.updates[1].UpdateID)
		require.Empty(t, b.refusals(no))
	})

	t.Run("AWorkflowThatHasCaughtUpIsAskedAgain", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, refusal(kam.Errorf(kam.WrongState, "still IDENTIFYING"))), says(at(onboarding.Analyzing, 3), nil))
		no := b.opened(onboarding.AwaitingConfirmation)
		b.fake.version = 1
		_, err := b.Act(t.Context(), no, confirm(), nil)
		require.NoError(t, err)
		require.Empty(t, b.fake.signals)
		require.Regexp(t, `^decision-0001/2-[0-9a-f]{8}$`, b.fake.updates[1].UpdateID)
		require.Empty(t, b.refusals(no))
	})

	t.Run("AWorkflowThatInsistsIsBelieved", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, refusal(kam.Errorf(kam.WrongState, "still IDENTIFYING"))))
		b.fake.version = 1
		_, err := b.Act(t.Context(), b.opened(onboarding.AwaitingConfirmation), confirm(), nil)
		require.ErrorIs(t, err, kam.WrongState)
		require.Len(t, b.fake.updates, 4)
	})

	t.Run("AnUpToDateWorkflowIsBelieved", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, refusal(kam.Errorf(kam.StaleRevision, "changed"))))
		b.fake.version = 1
		act := confirm()
		act.ExpectHash = "sha256:old"
		_, err := b.Act(t.Context(), b.opened(onboarding.AwaitingConfirmation), act, nil)
		require.ErrorIs(t, err, kam.StaleRevision)
		require.Empty(t, b.fake.signals)
		require.Len(t, b.fake.updates, 1)
	})
}

// TestActWithDataOverTheirBounds: they are refused by the name of the field, and
// neither kept nor sent.
func TestActWithDataOverTheirBounds(t *testing.T) {
	t.Parallel()
	b := setup(t, says(at(onboarding.DataEntry, 2), nil))
	no := b.opened(onboarding.DataEntry)
	data := customer.RequestData{ScreeningData: customer.ScreeningData{LegalName: strings.Repeat("x", 64<<10)}}
	act := onboarding.Act{DecisionID: "decision-0009", Name: onboarding.ActSubmitData, By: "rep"}
	_, err := b.Act(t.Context(), no, act, &data)
	require.ErrorIs(t, err, kam.Invalid)
	require.Equal(t, "legal_name", kam.AsError(err).Field)
	require.Empty(t, b.fake.updates)
	require.Zero(t, storetest.Count(t, b.store, `select count(*) from kam.staged`))

	data.LegalName = " Acme " // as people type it
	_, err = b.Act(t.Context(), no, act, &data)
	require.NoError(t, err)
	require.Equal(t, " Acme ", data.LegalName)
}

func TestActOnAnEndedWorkflow(t *testing.T) {
	t.Parallel()

	t.Run("TheStoredActIsTheAnswer", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errGone))
		no := b.opened(onboarding.AwaitingConfirmation)
		b.effect(no, "act/decision-0001", 1, onboarding.Rejected)
		p, err := b.Act(t.Context(), no, confirm(), nil)
		require.NoError(t, err)
		require.Equal(t, onboarding.Rejected, p.Snapshot.State)
	})

	t.Run("OtherContentUnderItsIDIsNot", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errGone))
		no := b.opened(onboarding.AwaitingConfirmation)
		b.effect(no, "act/decision-0001", 1, onboarding.Completed)
		other := confirm()
		other.Verdict, other.ReasonCode, other.Reason = onboarding.RejectIt, "CAPACITY", "not this year"
		_, err := b.Act(t.Context(), no, other, nil)
		require.ErrorIs(t, err, kam.IDReused)
		require.Equal(t, []string{"ID_REUSED"}, b.refusals(no))
		_, err = b.Act(t.Context(), no, confirm(), nil)
		require.NoError(t, err, "the decision itself stands")
	})

	t.Run("AnotherDecisionWasFirst", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errGone))
		no := b.opened(onboarding.Rejected)
		_, err := b.Act(t.Context(), no, confirm(), nil)
		require.ErrorIs(t, err, kam.AlreadyDecided)
		require.Equal(t, []string{"ALREADY_DECIDED"}, b.refusals(no))
	})

	t.Run("NeverStarted", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errGone))
		no, _, err := b.store.Cases.Allot(t.Context(), request())
		require.NoError(t, err)
		_, err = b.Act(t.Context(), no, confirm(), nil)
		require.ErrorIs(t, err, kam.WrongState)
		require.ErrorContains(t, err, "never started")
	})

	t.Run("AcceptedAndEndedBeforeTheAnswer", func(t *testing.T) {
		t.Parallel()
		lost := temporal.NewApplicationErrorWithOptions("gone", "AcceptedUpdateCompletedWorkflow", temporal.ApplicationErrorOptions{NonRetryable: true})
		b := setup(t, says(onboarding.Progress{}, lost))
		no := b.opened(onboarding.AwaitingConfirmation)
		b.effect(no, "act/decision-0001", 1, onboarding.Rejected)
		_, err := b.Act(t.Context(), no, confirm(), nil)
		require.NoError(t, err)
	})
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	withdraw := func(by kam.UserID) onboarding.Act {
		return onboarding.Act{DecisionID: "decision-0003", Name: onboarding.ActWithdraw, By: by}
	}

	t.Run("AnIntentThatWonIsTheAnswer", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errGone))
		no := b.opened(onboarding.Validating)
		b.effect(no, "seq/2", 1, onboarding.Withdrawn) // the commit saw the intent
		p, err := b.Act(t.Context(), no, withdraw("rep"), nil)
		require.NoError(t, err)
		require.Equal(t, onboarding.Withdrawn, p.Snapshot.State)
	})

	t.Run("TooLate", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, errGone))
		no := b.opened(onboarding.Completed)
		_, err := b.Act(t.Context(), no, withdraw("rep"), nil)
		require.ErrorIs(t, err, kam.TooLate)
	})

	t.Run("OnlyRequesterAndManagerLeaveAnIntent", func(t *testing.T) {
		t.Parallel()
		for by, want := range map[kam.UserID]bool{"rep": true, "boss": true, "other": false} {
			b := setup(t, says(onboarding.Progress{}, refusal(kam.Errorf(kam.WrongState, "a stage of the engine has the case"))))
			no := b.opened(onboarding.Analyzing)
			_, err := b.Act(t.Context(), no, withdraw(by), nil)
			require.ErrorIs(t, err, kam.Unreachable, "not now is no answer while a stage has the case")
			require.Equal(t, want, b.intended(no), by)
		}
	})

	t.Run("ARefusalThatIsNotOnRecordTakesTheIntentWithIt", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, refusal(kam.Errorf(kam.NotSigned, "no worker knows the key"))))
		no := b.opened(onboarding.AwaitingConfirmation)
		_, err := b.Act(t.Context(), no, withdraw("other"), nil)
		require.ErrorIs(t, err, kam.NotSigned)
		require.NoError(t, b.store.Cases.WithdrawIntent(t.Context(), no, "rep", "decision-0003"))
		_, err = b.Act(t.Context(), no, withdraw("other"), nil)
		require.ErrorIs(t, err, kam.NotSigned)
		require.True(t, b.intended(no), "what somebody else sends under its id leaves it")
		_, err = b.Act(t.Context(), no, withdraw("rep"), nil)
		require.ErrorIs(t, err, kam.NotSigned)
		require.False(t, b.intended(no))
	})

	t.Run("ARefusalTakesTheIntentWithIt", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, refusal(kam.Errorf(kam.StaleRevision, "revision 3 is current"))))
		no := b.opened(onboarding.AwaitingConfirmation)
		act := withdraw("rep")
		act.ExpectRevision = 99
		_, err := b.Act(t.Context(), no, act, nil)
		require.ErrorIs(t, err, kam.StaleRevision)
		require.False(t, b.intended(no))
	})
}

// TestWithdrawDuringAStage: the commit sees the note of a withdrawal that the
// workflow does not take then (D12), so "not now" is no answer.
func TestWithdrawDuringAStage(t *testing.T) {
	t.Parallel()
	withdraw := onboarding.Act{DecisionID: "decision-0003", Name: onboarding.ActWithdraw, By: "rep"}
	notNow := refusal(kam.Errorf(kam.WrongState, "it is ANALYZING"))
	tooLate := refusal(kam.Errorf(kam.TooLate, "it has ended"))
	carriedOut := func(b bundle, no kam.CaseNo) {
		_, err := b.store.Cases.Effect(t.Context(), ledger.Effect{Subject: casedb.Of(no), Key: "seq/2", Digest: "2", Known: 1, At: time.Now()},
			func(_ context.Context, tx *casedb.Tx) error {
				tx.Log(kam.AuditEvent{Type: kam.EventWithdrawn, Actor: "rep", DecisionID: withdraw.DecisionID, From: string(tx.Case.State), To: string(onboarding.Withdrawn)})
				tx.Case.State = onboarding.Withdrawn
				return nil
			})
		require.NoError(t, err)
	}

	t.Run("CarriedOutByTheCommit", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		no := b.opened(onboarding.Analyzing)
		b.fake.answers = []func() (onboarding.Progress, error){
			says(onboarding.Progress{}, notNow),
			func() (onboarding.Progress, error) { carriedOut(b, no); return onboarding.Progress{}, tooLate },
		}
		p, err := b.Act(t.Context(), no, withdraw, nil)
		require.NoError(t, err)
		require.Equal(t, onboarding.Withdrawn, p.Snapshot.State)
		require.Empty(t, b.refusals(no))
	})

	t.Run("SentAgainToPeople", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		no := b.opened(onboarding.Analyzing)
		b.fake.answers = []func() (onboarding.Progress, error){says(onboarding.Progress{}, notNow), says(at(onboarding.Withdrawn, 3), nil)}
		_, err := b.Act(t.Context(), no, withdraw, nil)
		require.NoError(t, err)
		require.Len(t, b.fake.updates, 2)
		require.NotEqual(t, b.fake.updates[0].UpdateID, b.fake.updates[1].UpdateID)
	})

	t.Run("TheCommitWasFirst", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		no := b.opened(onboarding.Analyzing)
		b.fake.answers = []func() (onboarding.Progress, error){
			says(onboarding.Progress{}, notNow),
			func() (onboarding.Progress, error) {
				b.effect(no, "seq/2", 1, onboarding.Classifying)
				return onboarding.Progress{}, tooLate
			},
		}
		_, err := b.Act(t.Context(), no, withdraw, nil)
		require.ErrorIs(t, err, kam.TooLate)
		require.Equal(t, []string{"TOO_LATE"}, b.refusals(no))
	})

	t.Run("NotKnownYet", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, notNow))
		no := b.opened(onboarding.Analyzing)
		_, err := b.Act(t.Context(), no, withdraw, nil)
		require.ErrorIs(t, err, kam.Unreachable, "the stage lasts, and the note of it stands")
		require.Empty(t, b.refusals(no))
	})

	t.Run("RefusedWhereItIsSetAside", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, notNow))
		no := b.opened(onboarding.NeedsIntervention)
		_, err := b.Act(t.Context(), no, withdraw, nil)
		require.ErrorIs(t, err, kam.WrongState)
		require.False(t, b.intended(no), "else the commit would carry out, after a retry, what was refused")
	})

	t.Run("OnConditionIsNotNoted", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(onboarding.Progress{}, refusal(kam.Errorf(kam.StaleRevision, "revision 2 is current"))))
		no := b.opened(onboarding.AwaitingConfirmation)
		act := withdraw
		act.ExpectRevision = 1
		_, err := b.Act(t.Context(), no, act, nil)
		require.ErrorIs(t, err, kam.StaleRevision)
		require.False(t, b.intended(no), "the commit could not judge the condition")
	})
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	b := setup(t, says(onboarding.Progress{}, errDown))
	no := b.opened(onboarding.AwaitingConfirmation)
	b.effect(no, "act/decision-0001", 1, onboarding.AwaitingCompletion)
	b.fake.version = 1

	r, err := b.Reconcile(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, 1, r.Compared)
	require.Equal(t, 1, r.Behind)
	require.Equal(t, []string{onboarding.SignalRefresh}, b.fake.signals)

	b.fake.version = 2
	r, err = b.Reconcile(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Zero(t, r.Behind)

	b.fake.queries = errDown
	_, err = b.Reconcile(t.Context(), time.Time{})
	require.ErrorContains(t, err, string(no))

	// An act and all steps after it, to the end of the case, were lost at once.
	b.fake.queries, b.fake.signals = nil, nil
	b.effect(no, "seq/2", 2, onboarding.Completed)
	r, err = b.Reconcile(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, 1, r.Behind)
	require.Equal(t, []string{onboarding.SignalRefresh}, b.fake.signals)

	b.fake.queries = errGone
	_, err = b.Reconcile(t.Context(), time.Time{})
	require.NoError(t, err)
}
