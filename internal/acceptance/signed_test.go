package acceptance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// forged are the ways to send an act in the name of the manager without him.
func (s *scene) forged(a onboarding.Act, queued bool) map[string]onboarding.Act {
	all := map[string]onboarding.Act{}
	for _, f := range signedtest.Forgeries(signed.OfAct(s.no, a, queued), s.env.Now()) {
		a.Signed = f.Signed
		all[f.Name] = a
	}
	return all
}

// update sends an act as it is, and tells the code that it was refused with.
func (s *scene) update(a onboarding.Act, id string, told func(kam.Code)) {
	s.env.UpdateWorkflow(string(a.Name), id, &testsuite.TestUpdateCallback{
		OnReject: func(err error) { told(codeOf(err)) }, OnAccept: func() {}, OnComplete: func(_ any, err error) { told(codeOf(err)) },
	}, a)
}

// forgeries sends them all, one a minute: a case takes ten acts at a time.
func (s *scene) forgeries(after time.Duration, a func(now onboarding.Snapshot) onboarding.Act, codes map[string]kam.Code) {
	for i, f := range signedtest.Forgeries(signed.Claim{Person: "x", About: "x", Act: "x"}, monday) {
		s.at(after+time.Duration(i)*time.Minute, func(now onboarding.Snapshot) {
			s.update(s.forged(a(now), false)[f.Name], f.Name, func(c kam.Code) { codes[f.Name] = c })
		})
	}
}

// vote is the confirmation that a forger would like.
func vote(now onboarding.Snapshot, id string) onboarding.Act {
	return onboarding.Act{DecisionID: id, Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm, By: "theo.territory", ExpectHash: now.MaterialHash}
}

func (w *world) verified() service.Verified {
	w.t.Helper()
	l := service.New(service.RecordOf(w.db), nil, "")
	l.UseKeys(signedtest.Box{})
	v, err := l.VerifyAudit(w.t.Context(), service.As("aud.one"), nil)
	require.NoError(w.t, err)
	return v
}

// TestValidatorStopsForgedActs: alone, and without a trace in the case.
func TestValidatorStopsForgedActs(t *testing.T) {
	w := newWorld(t)
	w.noTransaction = true
	s := w.complete("Faelschung GmbH")
	codes := map[string]kam.Code{}
	s.forgeries(1*hour, func(now onboarding.Snapshot) onboarding.Act { return vote(now, "decision-forged") }, codes)
	s.expect(2*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(3*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.GreaterOrEqual(t, len(codes), 20)
	for name, code := range codes {
		require.Equal(t, kam.NotSigned, code, name)
	}
	v := w.verified()
	require.True(t, v.Clean, "%v", v.Breaks)
}

// TestTransactionStopsForgedActs: alone, and the signals that no validator sees.
// They are on record with whom they claimed to be, ten in a minute, and spend
// nothing of his.
func TestTransactionStopsForgedActs(t *testing.T) {
	w := newWorld(t)
	w.noValidator = true
	s := w.complete("Faelschung GmbH")
	codes := map[string]kam.Code{}
	n := 0
	s.forgeries(1*hour, func(now onboarding.Snapshot) onboarding.Act { return vote(now, "decision-forged") }, codes)
	s.at(2*hour, func(now onboarding.Snapshot) {
		for _, a := range s.forged(vote(now, "decision-signal"), true) {
			s.env.SignalWorkflow(string(a.Name), a)
			n++
		}
	})
	s.expect(3*hour, onboarding.AwaitingConfirmation, "theo.territory")
	honest := confirm("theo.territory", "")
	honest.DecisionID = "decision-forged"
	s.act(4*hour, "", honest)
	require.Equal(t, onboarding.Completed, s.run().State, "the id of a decision is not spent by who forges it")
	require.GreaterOrEqual(t, len(codes), 20)
	for name, code := range codes {
		require.Equal(t, kam.NotSigned, code, name)
	}
	listed := 0
	for _, e := range s.events() {
		if e.Type != kam.EventSignatureRefused {
			require.NotEqual(t, kam.EventDecisionRefused, e.Type)
			continue
		}
		listed++
		require.Equal(t, kam.System, e.Actor, "nobody is known to have done it")
		require.Contains(t, e.Text, "in the name of theo.territory")
		require.Empty(t, e.PayloadDigest)
	}
	require.Positive(t, listed)
	require.LessOrEqual(t, listed, 20, "ten in a minute of the database")
	v := w.verified()
	require.True(t, v.Clean, "%v", v.Breaks)
	require.EqualValues(t, len(codes)+n, v.Forged)
}

// TestVerificationFindsForgedActs: where neither validator nor transaction looked,
// what is stored gives each away.
func TestVerificationFindsForgedActs(t *testing.T) {
	w := newWorld(t)
	w.noValidator, w.noTransaction = true, true
	s := w.complete("Faelschung GmbH")
	codes, n := map[string]kam.Code{}, 0
	s.forgeries(1*hour, func(onboarding.Snapshot) onboarding.Act {
		n++
		return onboarding.Act{DecisionID: fmt.Sprintf("decision-%02d", n), Name: onboarding.ActComment, By: "theo.territory", Reason: "said I so?"}
	}, codes)
	s.act(2*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	found := map[string]string{}
	for _, b := range w.verified().Breaks {
		if b.Seq > 0 {
			found[s.events()[b.Seq-1].DecisionID] = b.Why
		}
	}
	for i, f := range signedtest.Forgeries(signed.Claim{Person: "x", About: "x", Act: "x"}, monday) {
		require.Empty(t, codes[f.Name], "nobody has looked")
		why := found[fmt.Sprintf("decision-%02d", i+1)]
		t.Logf("%s: %s", f.Name, why)
		// What is wrong there says twice what the digest says once, and that is right.
		if !slices.Contains([]string{"for another act", "for another revision", "for other data"}, f.Name) {
			require.NotEmpty(t, why, f.Name)
		}
	}
	require.NotContains(t, found, s.sent[0].DecisionID, "and the honest one is none of them")
}

// TestForgedStartsOpenNothing: the number stays free for who asked for it.
func TestForgedStartsOpenNothing(t *testing.T) {
	w := newWorld(t)
	r := casedb.Request{Key: "wanted", Type: kam.NewCase, Requester: "rep.south", Data: data(t, screening("Gewollt GmbH"), details())}
	no, _, err := w.db.Cases.Allot(t.Context(), r)
	require.NoError(t, err)
	digest := casedb.RequestDigest(r)
	in := onboarding.StartInput{CaseNo: no, RequestKey: r.Key}
	forgeries := signedtest.Forgeries(signed.OfStart(in, r.Requester, digest), monday)
	other := signed.OfStart(in, "rep.north", digest)
	forgeries = append(forgeries, signedtest.Forgery{Name: "by somebody else", Signed: signedtest.Seal(signedtest.Envelope(other, monday))})
	for _, f := range forgeries {
		s := w.sceneOf(no, r.Requester, monday, working(w.db))
		in.Signed = f.Signed
		s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, in)
		require.Equal(t, kam.NotSigned, codeOf(s.env.GetWorkflowError()), f.Name)
	}
	now, err := w.db.Cases.Case(t.Context(), no)
	require.NoError(t, err)
	require.Zero(t, now.Version)

	s := w.sceneOf(no, r.Requester, monday, working(w.db))
	s.start = started(t, no, r, monday)
	s.expect(1*hour, onboarding.AwaitingConfirmation)
	s.act(2*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, 1, s.count(kam.EventSignatureRefused), "forged starts are on record once and counted")
	v := w.verified()
	require.True(t, v.Clean, "%v", v.Breaks)
	require.EqualValues(t, len(forgeries), v.Forged)
	require.Equal(t, 2, v.Signed)
}

// TestForgedActsOnABookAreStopped by the validator and by the transaction.
func TestForgedActsOnABookAreStopped(t *testing.T) {
	w := newBookWorld(t)
	b, _ := w.smallBatch(8, "stew.one")
	a := working(w.db).Imports()
	checked, err := a.Check(t.Context(), book.BatchStep{No: b.No, Now: monday})
	require.NoError(t, err)
	for name, act := range map[string]book.BatchAct{
		book.UpdateConfirmBatch: {DecisionID: "decision-DE", By: "nadja.national", Scope: "DE", Digest: checked.Batch.Digest},
		book.UpdateCancelBatch:  {DecisionID: "decision-no", By: "stew.one", Reason: "the wrong file"},
	} {
		act.Name = name
		do := map[string]func(book.BatchStep) (book.BatchProgress, error){
			book.UpdateConfirmBatch: func(s book.BatchStep) (book.BatchProgress, error) { return a.Confirm(t.Context(), s) },
			book.UpdateCancelBatch:  func(s book.BatchStep) (book.BatchProgress, error) { return a.Cancel(t.Context(), s) },
		}[name]
		for _, f := range signedtest.Forgeries(signed.OfBatch(b.No, act), monday) {
			act.Signed = f.Signed
			p, err := do(book.BatchStep{No: b.No, Now: monday, Act: &act})
			require.NoError(t, err)
			require.NotNil(t, p.Refused, "%s %s", name, f.Name)
			require.Equal(t, kam.NotSigned, p.Refused.Code, "%s %s", name, f.Name)
		}
		other := map[string]string{book.UpdateConfirmBatch: book.UpdateCancelBatch, book.UpdateCancelBatch: book.UpdateConfirmBatch}[name]
		crossed := signedtest.Batch(b.No, other, act, monday)
		p, err := do(book.BatchStep{No: b.No, Now: monday, Act: &crossed})
		require.NoError(t, err)
		require.Equal(t, kam.NotSigned, p.Refused.Code, "an envelope to %s for %s", other, name)
	}
	p := w.play(b.No)
	forged := book.BatchAct{DecisionID: "decision-forged", By: "nadja.national", Scope: "DE"}
	codes := map[string]kam.Code{}
	p.at(1*hour, func(now book.BatchSnapshot) {
		forged.Digest = now.Digest
		forged.Name = book.UpdateConfirmBatch
		for _, f := range signedtest.Forgeries(signed.OfBatch(b.No, forged), p.env.Now()) {
			forged.Signed = f.Signed
			told := func(err error) { codes[f.Name] = codeOf(err) }
			p.env.UpdateWorkflow(book.UpdateConfirmBatch, f.Name, &testsuite.TestUpdateCallback{
				OnReject: told, OnAccept: func() { codes[f.Name] = "accepted" }, OnComplete: func(_ any, err error) { told(err) },
			}, forged)
		}
	})
	p.confirms(2*hour, "", "nadja.national", "DE")
	p.confirms(2*hour, "", "nora.national", "AT")
	require.Equal(t, book.BatchApplied, p.run().State)
	require.GreaterOrEqual(t, len(codes), 20)
	for name, code := range codes {
		require.Equal(t, kam.NotSigned, code, name)
	}
}

// TestRecordTakesUnsignedActs and has them on record as such; a wrong signature it
// refuses. What was taken before is no break when signatures are required later;
// what comes in without one afterwards is.
func TestRecordTakesUnsignedActs(t *testing.T) {
	w := newWorld(t)
	w.noValidator = true
	require.NoError(t, w.db.SetSignatureMode(t.Context(), signed.Record))
	before := w.verified().Unsigned // the organisation, which nobody could sign yet
	s := w.complete("Frueher GmbH")
	s.tasks.Signatures = signed.NewVerifier(signedtest.Ring(), signed.Record)
	s.start = s.start.Unsigned()
	codes := map[string]kam.Code{}
	s.at(1*hour, func(now onboarding.Snapshot) {
		forged := s.forged(vote(now, "decision-forged"), false)
		for _, name := range []string{"for another content", "expired", "by an unknown key"} {
			s.update(forged[name], name, func(c kam.Code) { codes[name] = c })
		}
	})
	s.expect(2*hour, onboarding.AwaitingConfirmation)
	s.at(3*hour, func(now onboarding.Snapshot) {
		s.update(vote(now, "decision-honest"), "unsigned", func(c kam.Code) { codes["unsigned"] = c })
	})
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State, "%v", codes)
	for name, code := range codes {
		want := kam.NotSigned
		if name == "unsigned" {
			want = ""
		}
		require.Equal(t, want, code, name)
	}
	v := w.verified()
	require.True(t, v.Clean, "%v", v.Breaks)
	require.Equal(t, before+2, v.Unsigned, "the start and the confirmation")
	require.Zero(t, v.Signed)

	require.NoError(t, w.db.SetSignatureMode(t.Context(), signed.Require))
	v = w.verified()
	require.True(t, v.Clean, "%v", v.Breaks)
	w.noTransaction = true
	late := w.complete("Spaeter GmbH")
	comment := onboarding.Act{DecisionID: "decision-late", Name: onboarding.ActComment, By: "rep.south", Reason: "any news?"}
	late.at(1*hour, func(onboarding.Snapshot) { late.update(comment, "late", func(c kam.Code) { codes["late"] = c }) })
	late.run()
	require.Empty(t, codes["late"])
	v = w.verified()
	require.Len(t, v.Breaks, 1)
	require.Equal(t, late.no, v.Breaks[0].CaseNo)
	require.Equal(t, "act/decision-late is not signed", v.Breaks[0].Why)
}
