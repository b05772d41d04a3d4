package onboarding_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// full is an act that carries everything.
func full(spec onboarding.ActSpec) onboarding.Act {
	return onboarding.Act{DecisionID: "0190c8a0-aaaa-7000-8000-000000000001", Name: spec.Name, By: "u", Verdict: spec.Verdict,
		ExpectHash: "h1", ReasonCode: "OTHER", Reason: "because", Fields: []string{"city"}, CustomerNo: "C-1",
		Tier: kam.TierRegional, Assignee: "v", DataDigest: "d1", SameAs: "KAM-2026-000001"}
}

func TestActsAreInTheTable(t *testing.T) {
	t.Parallel()
	byAct := map[onboarding.Event]bool{}
	actions := map[access.Action]bool{}
	for _, a := range access.Actions {
		actions[a] = true
	}
	for _, spec := range onboarding.Acts {
		require.True(t, spec.Action == "" || actions[spec.Action], "%s: %s is not in the matrix", spec.Name, spec.Action)
		taken := 0
		for _, s := range onboarding.States {
			if spec.TakenIn(s.State) {
				taken++
				// The commit itself tests a stored intent to withdraw (D12).
				intent := spec.Name == onboarding.ActWithdraw && s.State == onboarding.Validating
				require.True(t, intent || s.Kind == kam.Human, "%s is taken in %s", spec.Name, s.State)
			}
		}
		require.Positive(t, taken, spec.Name)
		if spec.Event != "" {
			byAct[spec.Event] = true
			require.True(t, slices.ContainsFunc(onboarding.Transitions, func(r onboarding.Transition) bool { return r.Event == spec.Event }), "%s: no row on %s", spec.Name, spec.Event)
		}
		got, err := full(spec).Spec()
		require.NoError(t, err)
		require.Equal(t, spec.Event, got.Event)
		require.NoError(t, full(spec).Check())
	}
	// What SubmitData brings about depends on where the case stands.
	for _, e := range []onboarding.Event{onboarding.EvSubmitRequest, onboarding.EvResubmit, onboarding.EvChangeIdentity} {
		byAct[e] = true
	}
	var without []string
	for _, row := range onboarding.Transitions {
		person := !slices.Contains(row.By, kam.ByTimer) && !slices.Contains(row.By, kam.BySystem)
		if person && !byAct[row.Event] && !slices.Contains(without, string(row.Event)) {
			without = append(without, string(row.Event))
		}
	}
	for _, e := range without {
		require.Fail(t, "no act brings it about", e)
	}
}

func TestActsCarryWhatTheyNeed(t *testing.T) {
	t.Parallel()
	drop := map[onboarding.Need]func(*onboarding.Act){
		onboarding.NeedHash:       func(a *onboarding.Act) { a.ExpectHash = "" },
		onboarding.NeedReason:     func(a *onboarding.Act) { a.Reason = "" },
		onboarding.NeedReasonCode: func(a *onboarding.Act) { a.ReasonCode = "" },
		onboarding.NeedFields:     func(a *onboarding.Act) { a.Fields, a.Reason = nil, "" },
		onboarding.NeedCustomer:   func(a *onboarding.Act) { a.CustomerNo = "" },
		onboarding.NeedTier:       func(a *onboarding.Act) { a.Tier = "" },
		onboarding.NeedAssignee:   func(a *onboarding.Act) { a.Assignee = "" },
		onboarding.NeedData:       func(a *onboarding.Act) { a.DataDigest = "" },
		onboarding.NeedCase:       func(a *onboarding.Act) { a.SameAs = "" },
	}
	for _, spec := range onboarding.Acts {
		for _, n := range spec.Needs {
			a := full(spec)
			drop[n](&a)
			require.Error(t, a.Check(), "%s %s without %s", spec.Name, spec.Verdict, n)
		}
	}
	bad := map[string]func(*onboarding.Act){
		"short id":      func(a *onboarding.Act) { a.DecisionID = "1" },
		"hostile id":    func(a *onboarding.Act) { a.DecisionID = "x'; drop table cases" },
		"long id":       func(a *onboarding.Act) { a.DecisionID = strings.Repeat("a", 81) },
		"nobody":        func(a *onboarding.Act) { a.By = "" },
		"long reason":   func(a *onboarding.Act) { a.Reason = strings.Repeat("ä", onboarding.MaxReason+1) },
		"many fields":   func(a *onboarding.Act) { a.Fields = make([]string, onboarding.MaxFields+1) },
		"unknown field": func(a *onboarding.Act) { a.Fields = []string{"zap"} },
		"long hash":     func(a *onboarding.Act) { a.ExpectHash = strings.Repeat("a", 161) },
		"unknown code":  func(a *onboarding.Act) { a.ReasonCode = "WHIM" },
		"wrong verdict": func(a *onboarding.Act) { a.Verdict = onboarding.Endorse },
		"unknown act":   func(a *onboarding.Act) { a.Name = "Bribe" },
	}
	for name, f := range bad {
		a := full(onboarding.ActSpec{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.RejectIt})
		f(&a)
		require.ErrorIs(t, a.Check(), kam.Invalid, name)
	}
	a := full(onboarding.ActSpec{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.RejectIt})
	a.Reason = strings.Repeat("ä", onboarding.MaxReason)
	require.NoError(t, a.Check(), "bounds count characters")
}

func TestActAgainstTheCase(t *testing.T) {
	t.Parallel()
	confirm := full(onboarding.ActSpec{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm})
	for _, spec := range onboarding.Acts {
		for _, s := range onboarding.States {
			snap := onboarding.Snapshot{CaseNo: "KAM-2026-000001", State: s.State, MaterialHash: "h1", Requester: "rep"}
			err := full(spec).CheckAgainst(snap)
			if spec.TakenIn(s.State) {
				require.NoError(t, err, "%s in %s", spec.Name, s.State)
			} else {
				require.Contains(t, []kam.Code{kam.WrongState, kam.TooLate, kam.AlreadyDecided}, kam.CodeOf(err), "%s in %s", spec.Name, s.State)
			}
		}
	}
	waiting := onboarding.Snapshot{State: onboarding.AwaitingConfirmation, MaterialHash: "h2", Revision: 3, Requester: "rep"}
	err := confirm.CheckAgainst(waiting)
	require.ErrorIs(t, err, kam.StaleRevision)
	require.Equal(t, "h2", kam.AsError(err).Hash)
	confirm.ExpectHash, confirm.ExpectRevision = "h2", 2
	require.ErrorIs(t, confirm.CheckAgainst(waiting), kam.StaleRevision)

	withdraw := full(onboarding.ActSpec{Name: onboarding.ActWithdraw})
	withdraw.ExpectHash = ""
	for _, s := range onboarding.States {
		if s.State.AfterCommit() || s.Kind == kam.End {
			require.ErrorIs(t, withdraw.CheckAgainst(onboarding.Snapshot{State: s.State}), kam.TooLate, s.State)
		}
	}
	decided := onboarding.Snapshot{State: onboarding.Analyzing, MaterialHash: "h2", ConfirmedBy: "boss"}
	confirm.ExpectRevision = 0
	require.ErrorIs(t, confirm.CheckAgainst(decided), kam.AlreadyDecided)
}

func TestSeparationOfDuties(t *testing.T) {
	t.Parallel()
	task := func(k kam.TaskKind) *kam.Task { return &kam.Task{Kind: k} }
	s := onboarding.Snapshot{Requester: "rep", Editors: []kam.UserID{"helper"}, OwnerID: "owner", Nominator: "nom", ConfirmedBy: "conf", Endorsed: []kam.UserID{"first"}}
	at := func(tier kam.Tier) onboarding.Snapshot { x := s; x.Tier = tier; return x }
	for _, tc := range []struct {
		act   onboarding.ActName
		by    kam.UserID
		to    kam.UserID
		case_ onboarding.Snapshot
		rule  string
	}{
		{onboarding.ActDecideConfirmation, "rep", "", s, "SOD1"},
		{onboarding.ActDecideConfirmation, "helper", "", s, "SOD1"},
		{onboarding.ActDecideConfirmation, "boss", "", s, ""},
		{onboarding.ActDecideEndorsement, "conf", "", at(kam.TierRegional), ""},
		{onboarding.ActDecideEndorsement, "conf", "", at(kam.TierNational), "SOD2"},
		{onboarding.ActDecideEndorsement, "nom", "", at(kam.TierGlobal), "SOD2"},
		{onboarding.ActDecideEndorsement, "first", "", at(kam.TierGlobal), "SOD2"},
		{onboarding.ActDecideEndorsement, "second", "", at(kam.TierGlobal), ""},
		{onboarding.ActDecideCompliance, "rep", "", s, "SOD3"},
		{onboarding.ActDecideValidation, "owner", "", s, "SOD3"},
		{onboarding.ActDecideValidation, "st", "", s, ""},
		{onboarding.ActReassign, "boss", "helper", func() onboarding.Snapshot { x := s; x.Task = task(onboarding.TaskConfirmation); return x }(), "SOD1"},
		{onboarding.ActReassign, "boss", "conf", func() onboarding.Snapshot {
			x := at(kam.TierNational)
			x.Task = task(onboarding.TaskEndorsement)
			return x
		}(), "SOD2"},
		{onboarding.ActReassign, "boss", "other", func() onboarding.Snapshot { x := s; x.Task = task(onboarding.TaskConfirmation); return x }(), ""},
		{onboarding.ActWithdraw, "rep", "", s, ""},
	} {
		err := onboarding.CheckSeparation(onboarding.Act{Name: tc.act, By: tc.by, Assignee: tc.to}, tc.case_)
		if tc.rule == "" {
			require.NoError(t, err, "%s by %s", tc.act, tc.by)
			continue
		}
		require.ErrorIs(t, err, kam.Separation, "%s by %s", tc.act, tc.by)
		require.Equal(t, tc.rule, kam.AsError(err).Rule)
	}
}

// TestDigestStays: digests are stored with decisions, and a decision that is
// sent again is known by its digest for ever.
func TestDigestStays(t *testing.T) {
	t.Parallel()
	act := onboarding.Act{DecisionID: "decision-0001", Name: onboarding.ActDecideConfirmation, By: "boss", Verdict: onboarding.Confirm, ExpectHash: "sha256:aa"}
	require.Equal(t, "cdf0d07e522387af888448ea6075566d5768d7a7c051a6aea27636ed6c90dc54", act.Digest())
	seen := map[string]string{act.Digest(): "as it is"}
	for what, change := range map[string]func(*onboarding.Act){
		"by": func(a *onboarding.Act) { a.By = "other" }, "verdict": func(a *onboarding.Act) { a.Verdict = onboarding.RejectIt },
		"hash": func(a *onboarding.Act) { a.ExpectHash = "sha256:bb" }, "reason": func(a *onboarding.Act) { a.Reason = "because" },
		"fields": func(a *onboarding.Act) { a.Fields = []string{"city"} }, "data": func(a *onboarding.Act) { a.DataDigest = "d" },
	} {
		other := act
		change(&other)
		require.Empty(t, seen[other.Digest()], what)
		seen[other.Digest()] = what
		arrived := onboarding.Act{}
		b, err := json.Marshal(other)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &arrived))
		require.Equal(t, other.Digest(), arrived.Digest(), "the worker comes to the same")
	}
}

// TestActsAreUTF8: a client may be anything, and JSON would store U+FFFD.
func TestActsAreUTF8(t *testing.T) {
	good := onboarding.Act{Name: onboarding.ActComment, DecisionID: "decision-1", By: "rita", Reason: "héllo"}
	require.NoError(t, good.Check())
	for field, spoil := range map[string]func(*onboarding.Act){
		"reason": func(a *onboarding.Act) { a.Reason = "h\xe9llo" }, "by": func(a *onboarding.Act) { a.By = "\xff" }, "assignee": func(a *onboarding.Act) { a.Assignee = "\xff" },
		"customer_no": func(a *onboarding.Act) { a.CustomerNo = "\xff" }, "fields": func(a *onboarding.Act) { a.Fields = []string{"\xff"} },
	} {
		act := good
		spoil(&act)
		err := act.Check()
		require.ErrorIs(t, err, kam.Invalid, field)
		require.Equal(t, field, kam.AsError(err).Field)
	}
	batch := book.BatchAct{DecisionID: "decision-1", By: "rita", Reason: "h\xe9llo"}
	require.ErrorContains(t, batch.CheckCancel(book.BatchSnapshot{}), "reason: is not UTF-8")
}

// TestTooLateToCancel: an ended case is told as a withdrawal is told.
func TestTooLateToCancel(t *testing.T) {
	for _, act := range []onboarding.Act{{Name: onboarding.ActWithdraw}, {Name: onboarding.ActCancel, Verdict: onboarding.AskCancel, Reason: "twice"}} {
		act.DecisionID, act.By = "decision-1", "rita"
		err := act.CheckAgainst(onboarding.Snapshot{State: onboarding.Completed})
		require.ErrorIs(t, err, kam.TooLate)
		require.Contains(t, kam.AsError(err).Remedy, "DEACTIVATE")
	}
}
