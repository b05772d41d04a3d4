package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
)

// sendRaw sends an act as it is.
func (s *script) sendRaw(out *answer, updateID string, a onboarding.Act) {
	s.env.UpdateWorkflow(string(a.Name), updateID, &testsuite.TestUpdateCallback{
		OnAccept:   func() { out.accepted = true },
		OnReject:   func(err error) { out.rejected = err },
		OnComplete: func(_ any, err error) { out.done, out.err = true, err },
	}, a)
}

// TestForgedActsAreRefusedByTheValidator: nothing of them reaches an activity.
func TestForgedActsAreRefusedByTheValidator(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	honest := confirm("decision-1", "boss")
	at := func(e signed.Envelope) onboarding.Act {
		a := honest
		a.Signed = signedtest.Seal(e)
		return a
	}
	envelope := func(a onboarding.Act) signed.Envelope {
		return signedtest.Envelope(signed.OfAct(caseNo, a, false), s.env.Now())
	}
	forged := map[string]func() onboarding.Act{
		"unsigned":  func() onboarding.Act { return honest },
		"not a one": func() onboarding.Act { a := honest; a.Signed = "kam1.e30.e30"; return a },
		"by another person": func() onboarding.Act {
			a := signedtest.Act(caseNo, honest, s.env.Now())
			a.By = "chief"
			return a
		},
		"with another verdict": func() onboarding.Act {
			a := signedtest.Act(caseNo, honest, s.env.Now())
			a.Verdict, a.ReasonCode, a.Reason = onboarding.RejectIt, "OTHER", "no"
			return a
		},
		"under another decision id": func() onboarding.Act {
			a := signedtest.Act(caseNo, honest, s.env.Now())
			a.DecisionID = "decision-2"
			return a
		},
		"of another case": func() onboarding.Act { return signedtest.Act("KAM-2026-000002", honest, s.env.Now()) },
		"of another act": func() onboarding.Act {
			e := envelope(honest)
			e.Act = string(onboarding.ActDecideEndorsement)
			return at(e)
		},
		"for somebody else": func() onboarding.Act { e := envelope(honest); e.OnBehalfOf = "chief"; return at(e) },
		"expired":           func() onboarding.Act { return signedtest.Act(caseNo, honest, s.env.Now().Add(-time.Minute)) },
		"from the future":   func() onboarding.Act { return signedtest.Act(caseNo, honest, s.env.Now().Add(time.Hour)) },
		"for a day":         func() onboarding.Act { e := envelope(honest); e.Expires = e.Issued.Add(24 * time.Hour); return at(e) },
		"by another key": func() onboarding.Act {
			other, _, err := signed.NewKey(time.Time{})
			require.NoError(t, err)
			a := honest
			a.Signed, err = other.Seal(envelope(honest))
			require.NoError(t, err)
			return a
		},
	}
	answers := map[string]*answer{}
	for name, forge := range forged {
		answers[name] = &answer{}
		s.at(hour, func() { s.sendRaw(answers[name], name, forge()) })
	}
	calls := []string{}
	s.at(hour+time.Minute, func() { calls = append(calls, s.b.calls...) })
	late := s.sendAt(2*hour, "u1", honest)
	require.Equal(t, onboarding.Completed, s.play().State)
	for name, a := range answers {
		require.False(t, a.accepted, name)
		require.Equal(t, string(kam.NotSigned), a.code(), name)
	}
	require.Equal(t, []string{"OpenCase", "Identify", "Decide"}, calls, "no act reached the casebook")
	require.NoError(t, late.err, "and nobody's decision id is spent")
}

// TestAKnownDecisionIsAnsweredHoweverOldItsSignature: what was taken was taken.
func TestAKnownDecisionIsAnsweredHoweverOldItsSignature(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.b.facts.DetailComplete = false // the case stays open
	var act onboarding.Act
	var first, again, other answer
	s.at(hour, func() {
		act = signedtest.Act(caseNo, confirm("decision-1", "boss"), s.env.Now())
		s.sendRaw(&first, "u1", act)
	})
	s.at(3*hour, func() {
		s.sendRaw(&again, "u2", act)
		act.Reason = "something else"
		s.sendRaw(&other, "u3", act)
	})
	s.play()
	require.NoError(t, first.err)
	require.True(t, again.done)
	require.NoError(t, again.err)
	require.Equal(t, string(kam.IDReused), other.code(), "other content is another decision")
	require.Equal(t, 1, count(s.b.calls, "DecideConfirmation CONFIRM"))
}

// TestAnOpenCaseAnswersItsRequesterOnly: a start that is sent again is signed.
func TestAnOpenCaseAnswersItsRequesterOnly(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	in := onboarding.StartInput{CaseNo: caseNo, RequestKey: "rk"}
	starts := func(out *answer, id string, in onboarding.StartInput) {
		s.env.UpdateWorkflow(string(onboarding.ActStart), id, &testsuite.TestUpdateCallback{
			OnAccept:   func() { out.accepted = true },
			OnReject:   func(err error) { out.rejected = err },
			OnComplete: func(_ any, err error) { out.done, out.err = true, err },
		}, in)
	}
	var unsigned, stranger, honest answer
	s.at(hour, func() {
		starts(&unsigned, "u1", in)
		starts(&stranger, "u2", signedtest.Start(in, "chief", "", s.env.Now()))
		starts(&honest, "u3", signedtest.Start(in, "rep", "", s.env.Now()))
	})
	s.play()
	require.Equal(t, string(kam.NotSigned), unsigned.code())
	require.Equal(t, string(kam.NotSigned), stranger.code())
	require.True(t, honest.done)
	require.NoError(t, honest.err)
}

// TestAFloodOfSignalsLeavesUpdatesTheirPlace: signals that wait for the lock take
// none of the places of updates.
func TestAFloodOfSignalsLeavesUpdatesTheirPlace(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	signals := []onboarding.ActName{onboarding.ActDecideConfirmation, onboarding.ActDecideCompliance, onboarding.ActDecideValidation, onboarding.ActDecideEndorsement, onboarding.ActWithdraw}
	answers := make([]answer, 10)
	s.at(hour, func() {
		for i, name := range signals {
			s.env.SignalWorkflow(string(name), onboarding.Act{DecisionID: fmt.Sprintf("forged-%d", i), By: "boss", Verdict: onboarding.Confirm, ExpectHash: "h0"})
		}
		for i := range answers {
			s.send(&answers[i], fmt.Sprint(i), onboarding.Act{DecisionID: fmt.Sprintf("comment-%d", i), Name: onboarding.ActComment, By: "boss", Reason: "hello"})
		}
	})
	s.sendAt(2*hour, "u1", confirm("decision-1", "boss"))
	require.Equal(t, onboarding.Completed, s.play().State)
	for i := range answers {
		require.Empty(t, answers[i].code(), i)
		require.True(t, answers[i].done, i)
	}
}
