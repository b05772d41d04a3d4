package kam_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

// full is an act that carries everything.
func full(spec kam.ActSpec) kam.Act {
	return kam.Act{DecisionID: "0190c8a0-aaaa-7000-8000-000000000001", Name: spec.Name, By: "u", Verdict: spec.Verdict,
		ExpectHash: "h1", ReasonCode: "OTHER", Reason: "because", Fields: []string{"city"}, CustomerNo: "C-1",
		Tier: kam.TierRegional, Assignee: "v", DataDigest: "d1", SameAs: "KAM-2026-000001"}
}

func TestActsAreInTheTable(t *testing.T) {
	t.Parallel()
	byAct := map[kam.Event]bool{}
	actions := map[kam.Action]bool{}
	for _, a := range kam.Actions {
		actions[a] = true
	}
	for _, spec := range kam.Acts {
		require.True(t, spec.Action == "" || actions[spec.Action], "%s: %s is not in the matrix", spec.Name, spec.Action)
		taken := 0
		for _, s := range kam.States {
			if spec.TakenIn(s.State) {
				taken++
				// The commit itself tests a stored intent to withdraw (D12).
				intent := spec.Name == kam.ActWithdraw && s.State == kam.Validating
				require.True(t, intent || s.Kind == kam.Human, "%s is taken in %s", spec.Name, s.State)
			}
		}
		require.Positive(t, taken, spec.Name)
		if spec.Event != "" {
			byAct[spec.Event] = true
			require.True(t, slices.ContainsFunc(kam.Transitions, func(r kam.Transition) bool { return r.Event == spec.Event }), "%s: no row on %s", spec.Name, spec.Event)
		}
		got, err := full(spec).Spec()
		require.NoError(t, err)
		require.Equal(t, spec.Event, got.Event)
		require.NoError(t, full(spec).Check())
	}
	// What SubmitData brings about depends on where the case stands.
	for _, e := range []kam.Event{kam.EvSubmitRequest, kam.EvResubmit, kam.EvChangeIdentity} {
		byAct[e] = true
	}
	var without []string
	for _, row := range kam.Transitions {
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
	drop := map[kam.Need]func(*kam.Act){
		kam.NeedHash:       func(a *kam.Act) { a.ExpectHash = "" },
		kam.NeedReason:     func(a *kam.Act) { a.Reason = "" },
		kam.NeedReasonCode: func(a *kam.Act) { a.ReasonCode = "" },
		kam.NeedFields:     func(a *kam.Act) { a.Fields, a.Reason = nil, "" },
		kam.NeedCustomer:   func(a *kam.Act) { a.CustomerNo = "" },
		kam.NeedTier:       func(a *kam.Act) { a.Tier = "" },
		kam.NeedAssignee:   func(a *kam.Act) { a.Assignee = "" },
		kam.NeedData:       func(a *kam.Act) { a.DataDigest = "" },
		kam.NeedCase:       func(a *kam.Act) { a.SameAs = "" },
	}
	for _, spec := range kam.Acts {
		for _, n := range spec.Needs {
			a := full(spec)
			drop[n](&a)
			require.Error(t, a.Check(), "%s %s without %s", spec.Name, spec.Verdict, n)
		}
	}
	bad := map[string]func(*kam.Act){
		"short id":      func(a *kam.Act) { a.DecisionID = "1" },
		"hostile id":    func(a *kam.Act) { a.DecisionID = "x'; drop table cases" },
		"long id":       func(a *kam.Act) { a.DecisionID = strings.Repeat("a", 81) },
		"nobody":        func(a *kam.Act) { a.By = "" },
		"long reason":   func(a *kam.Act) { a.Reason = strings.Repeat("ä", kam.MaxReason+1) },
		"many fields":   func(a *kam.Act) { a.Fields = make([]string, kam.MaxFields+1) },
		"unknown field": func(a *kam.Act) { a.Fields = []string{"zap"} },
		"long hash":     func(a *kam.Act) { a.ExpectHash = strings.Repeat("a", 161) },
		"unknown code":  func(a *kam.Act) { a.ReasonCode = "WHIM" },
		"wrong verdict": func(a *kam.Act) { a.Verdict = kam.Endorse },
		"unknown act":   func(a *kam.Act) { a.Name = "Bribe" },
	}
	for name, f := range bad {
		a := full(kam.ActSpec{Name: kam.ActDecideConfirmation, Verdict: kam.RejectIt})
		f(&a)
		require.ErrorIs(t, a.Check(), kam.Invalid, name)
	}
	a := full(kam.ActSpec{Name: kam.ActDecideConfirmation, Verdict: kam.RejectIt})
	a.Reason = strings.Repeat("ä", kam.MaxReason)
	require.NoError(t, a.Check(), "bounds count characters")
}

func TestActAgainstTheCase(t *testing.T) {
	t.Parallel()
	confirm := full(kam.ActSpec{Name: kam.ActDecideConfirmation, Verdict: kam.Confirm})
	for _, spec := range kam.Acts {
		for _, s := range kam.States {
			snap := kam.Snapshot{CaseNo: "KAM-2026-000001", State: s.State, MaterialHash: "h1", Requester: "rep"}
			err := full(spec).CheckAgainst(snap)
			if spec.TakenIn(s.State) {
				require.NoError(t, err, "%s in %s", spec.Name, s.State)
			} else {
				require.Contains(t, []kam.Code{kam.WrongState, kam.TooLate, kam.AlreadyDecided}, kam.CodeOf(err), "%s in %s", spec.Name, s.State)
			}
		}
	}
	waiting := kam.Snapshot{State: kam.AwaitingConfirmation, MaterialHash: "h2", Revision: 3, Requester: "rep"}
	err := confirm.CheckAgainst(waiting)
	require.ErrorIs(t, err, kam.StaleRevision)
	require.Equal(t, "h2", kam.AsError(err).Hash)
	confirm.ExpectHash, confirm.ExpectRevision = "h2", 2
	require.ErrorIs(t, confirm.CheckAgainst(waiting), kam.StaleRevision)

	withdraw := full(kam.ActSpec{Name: kam.ActWithdraw})
	withdraw.ExpectHash = ""
	for _, s := range kam.States {
		if s.State.AfterCommit() || s.Kind == kam.End {
			require.ErrorIs(t, withdraw.CheckAgainst(kam.Snapshot{State: s.State}), kam.TooLate, s.State)
		}
	}
	decided := kam.Snapshot{State: kam.Analyzing, MaterialHash: "h2", ConfirmedBy: "boss"}
	confirm.ExpectRevision = 0
	require.ErrorIs(t, confirm.CheckAgainst(decided), kam.AlreadyDecided)
}

func TestSeparationOfDuties(t *testing.T) {
	t.Parallel()
	task := func(k kam.TaskKind) *kam.Task { return &kam.Task{Kind: k} }
	s := kam.Snapshot{Requester: "rep", Editors: []kam.UserID{"helper"}, OwnerID: "owner", Nominator: "nom", ConfirmedBy: "conf", Endorsed: []kam.UserID{"first"}}
	at := func(tier kam.Tier) kam.Snapshot { x := s; x.Tier = tier; return x }
	for _, tc := range []struct {
		act   kam.ActName
		by    kam.UserID
		to    kam.UserID
		case_ kam.Snapshot
		rule  string
	}{
		{kam.ActDecideConfirmation, "rep", "", s, "SOD1"},
		{kam.ActDecideConfirmation, "helper", "", s, "SOD1"},
		{kam.ActDecideConfirmation, "boss", "", s, ""},
		{kam.ActDecideEndorsement, "conf", "", at(kam.TierRegional), ""},
		{kam.ActDecideEndorsement, "conf", "", at(kam.TierNational), "SOD2"},
		{kam.ActDecideEndorsement, "nom", "", at(kam.TierGlobal), "SOD2"},
		{kam.ActDecideEndorsement, "first", "", at(kam.TierGlobal), "SOD2"},
		{kam.ActDecideEndorsement, "second", "", at(kam.TierGlobal), ""},
		{kam.ActDecideCompliance, "rep", "", s, "SOD3"},
		{kam.ActDecideValidation, "owner", "", s, "SOD3"},
		{kam.ActDecideValidation, "st", "", s, ""},
		{kam.ActReassign, "boss", "helper", func() kam.Snapshot { x := s; x.Task = task(kam.TaskConfirmation); return x }(), "SOD1"},
		{kam.ActReassign, "boss", "conf", func() kam.Snapshot { x := at(kam.TierNational); x.Task = task(kam.TaskEndorsement); return x }(), "SOD2"},
		{kam.ActReassign, "boss", "other", func() kam.Snapshot { x := s; x.Task = task(kam.TaskConfirmation); return x }(), ""},
		{kam.ActWithdraw, "rep", "", s, ""},
	} {
		err := kam.CheckSeparation(kam.Act{Name: tc.act, By: tc.by, Assignee: tc.to}, tc.case_)
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
	act := kam.Act{DecisionID: "decision-0001", Name: kam.ActDecideConfirmation, By: "boss", Verdict: kam.Confirm, ExpectHash: "sha256:aa"}
	require.Equal(t, "cdf0d07e522387af888448ea6075566d5768d7a7c051a6aea27636ed6c90dc54", act.Digest())
	seen := map[string]string{act.Digest(): "as it is"}
	for what, change := range map[string]func(*kam.Act){
		"by": func(a *kam.Act) { a.By = "other" }, "verdict": func(a *kam.Act) { a.Verdict = kam.RejectIt },
		"hash": func(a *kam.Act) { a.ExpectHash = "sha256:bb" }, "reason": func(a *kam.Act) { a.Reason = "because" },
		"fields": func(a *kam.Act) { a.Fields = []string{"city"} }, "data": func(a *kam.Act) { a.DataDigest = "d" },
	} {
		other := act
		change(&other)
		require.Empty(t, seen[other.Digest()], what)
		seen[other.Digest()] = what
		arrived := kam.Act{}
		b, err := json.Marshal(other)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &arrived))
		require.Equal(t, other.Digest(), arrived.Digest(), "the worker comes to the same")
	}
}

// TestActsAreUTF8: a client may be anything, and JSON would store U+FFFD.
func TestActsAreUTF8(t *testing.T) {
	good := kam.Act{Name: kam.ActComment, DecisionID: "decision-1", By: "rita", Reason: "héllo"}
	require.NoError(t, good.Check())
	for field, spoil := range map[string]func(*kam.Act){
		"reason": func(a *kam.Act) { a.Reason = "h\xe9llo" }, "by": func(a *kam.Act) { a.By = "\xff" }, "assignee": func(a *kam.Act) { a.Assignee = "\xff" },
		"customer_no": func(a *kam.Act) { a.CustomerNo = "\xff" }, "fields": func(a *kam.Act) { a.Fields = []string{"\xff"} },
	} {
		act := good
		spoil(&act)
		err := act.Check()
		require.ErrorIs(t, err, kam.Invalid, field)
		require.Equal(t, field, kam.AsError(err).Field)
	}
	batch := kam.BatchAct{DecisionID: "decision-1", By: "rita", Reason: "h\xe9llo"}
	require.ErrorContains(t, batch.CheckCancel(kam.BatchSnapshot{}), "reason: is not UTF-8")
}

// TestTooLateToCancel: an ended case is told as a withdrawal is told.
func TestTooLateToCancel(t *testing.T) {
	for _, act := range []kam.Act{{Name: kam.ActWithdraw}, {Name: kam.ActCancel, Verdict: kam.AskCancel, Reason: "twice"}} {
		act.DecisionID, act.By = "decision-1", "rita"
		err := act.CheckAgainst(kam.Snapshot{State: kam.Completed})
		require.ErrorIs(t, err, kam.TooLate)
		require.Contains(t, kam.AsError(err).Remedy, "DEACTIVATE")
	}
}
