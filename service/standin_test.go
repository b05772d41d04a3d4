package service_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// twins are two managers of one level, a third person, and a case whose task the
// first one has.
func twins(t *testing.T, answers ...func() (onboarding.Progress, error)) (bundle, kam.CaseNo) {
	t.Helper()
	b := setup(t, answers...)
	require.NoError(t, storetest.LoadOrg(t.Context(), b.store, accessdb.Org{
		Users: []accessdb.User{
			{ID: "boss", Name: "Boss", Roles: []kam.Role{kam.GlobalManager}, Nodes: []string{"G"}},
			{ID: "anna", Name: "Anna", Roles: []kam.Role{kam.TerritoryManager}, Nodes: []string{"T"}, ManagerID: "boss"},
			{ID: "bert", Name: "Bert", Roles: []kam.Role{kam.TerritoryManager}, Nodes: []string{"U"}, ManagerID: "boss"},
			{ID: "rep", Name: "Rep", Roles: []kam.Role{kam.SalesRep}, Nodes: []string{"T"}, ManagerID: "anna"},
			{ID: "pol", Name: "Pol", Roles: []kam.Role{kam.PolicyAdmin}},
			{ID: "aud", Name: "Aud", Roles: []kam.Role{kam.Auditor}},
		},
		Nodes: []accessdb.Node{
			{Code: "G", Level: kam.LevelGlobal, ManagerID: "boss", Calendar: "c"},
			{Code: "T", Level: kam.LevelTerritory, Parent: "G", ManagerID: "anna"},
			{Code: "U", Level: kam.LevelTerritory, Parent: "G", ManagerID: "bert"},
		},
	}))
	no, _, err := b.store.Cases.Allot(t.Context(), request())
	require.NoError(t, err)
	_, err = b.store.Cases.Effect(t.Context(), ledger.Effect{Subject: casedb.Of(no), Key: "seq/1", Digest: "x", At: time.Now()}, func(_ context.Context, tx *casedb.Tx) error {
		tx.Case.State, tx.Case.Step, tx.Case.Territory, tx.Case.MaterialHash = onboarding.AwaitingConfirmation, "1.1.5", "T", "sha256:aa"
		tx.Log(kam.AuditEvent{Type: kam.EventCaseOpened, Actor: "rep"})
		return tx.OpenTask(kam.Task{Kind: onboarding.TaskConfirmation, Node: "T", Assignees: []kam.UserID{"anna"}})
	})
	require.NoError(t, err)
	return b, no
}

// away is the absence of anna, from today on, in which bert stands in.
func (b bundle) away() service.Absence {
	b.t.Helper()
	now, err := b.store.Now(b.t.Context())
	require.NoError(b.t, err)
	day := func(n int) string { return now.UTC().AddDate(0, 0, n).Format(time.DateOnly) }
	return service.Absence{UserID: "anna", From: day(0), To: day(9), Substitute: "bert"}
}

func (b bundle) confirms(who kam.UserID, no kam.CaseNo, id string, behalf kam.UserID) error {
	_, err := b.Decide(b.t.Context(), service.As(who), no, onboarding.Act{
		DecisionID: id, Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm, ExpectHash: "sha256:aa", OnBehalfOf: behalf,
	}, nil)
	return err
}

func (b bundle) sent() onboarding.Act {
	b.t.Helper()
	act, ok := b.fake.updates[len(b.fake.updates)-1].Args[0].(onboarding.Act)
	require.True(b.t, ok)
	return act
}

// TestSubstituteIsSignedForWithBothNames: what waits for somebody who is away his
// substitute does in his place, without saying so; the envelope names both.
func TestSubstituteIsSignedForWithBothNames(t *testing.T) {
	t.Parallel()
	b, no := twins(t, says(onboarding.Progress{}, nil))
	require.NoError(t, b.confirms("bert", no, "decision-1", ""))
	require.Empty(t, b.sent().OnBehalfOf, "nobody is away: the case refuses him")

	_, err := b.AddAbsence(t.Context(), service.As("anna"), service.OrgAct{Reason: "leave"}, b.away())
	require.NoError(t, err)
	require.NoError(t, b.confirms("bert", no, "decision-2", ""))
	act := b.sent()
	require.Equal(t, [2]kam.UserID{"bert", "anna"}, [2]kam.UserID{act.By, act.OnBehalfOf})
	require.NoError(t, signedtest.Verifier().Verify(time.Now(), act.Signed, signed.OfAct(no, act, false)))
	e, err := signed.Read(act.Signed)
	require.NoError(t, err)
	require.Equal(t, [2]kam.UserID{"bert", "anna"}, [2]kam.UserID{e.Person, e.OnBehalfOf})
	require.Equal(t, "DecideConfirmation CONFIRM on "+string(no)+", for anna", e.Meaning)

	require.NoError(t, b.confirms("anna", no, "decision-3", ""))
	require.Empty(t, b.sent().OnBehalfOf, "she decides for herself")
	_, err = b.Decide(t.Context(), service.As("bert"), no, onboarding.Act{Name: onboarding.ActComment, Reason: "seen"}, nil)
	require.NoError(t, err)
	require.Empty(t, b.sent().OnBehalfOf, "who stands in decides, and does nothing else")
}

// TestNobodyIsSignedForInAPlaceThatIsNotHis: he is refused before anything is
// signed, and on record with whom he wanted to stand in for; a decision that is
// known is answered all the same.
func TestNobodyIsSignedForInAPlaceThatIsNotHis(t *testing.T) {
	t.Parallel()
	b, no := twins(t, says(onboarding.Progress{}, nil))
	require.ErrorIs(t, b.confirms("bert", no, "decision-1", "anna"), kam.Forbidden)
	require.ErrorIs(t, b.confirms("bert", no, "decision-1", "nobody"), kam.Forbidden)
	require.Empty(t, b.fake.updates)
	require.Contains(t, b.refusals(no), string(kam.Forbidden))
	events, err := b.store.Cases.Events(t.Context(), no)
	require.NoError(t, err)
	require.Equal(t, kam.UserID("anna"), events[1].OnBehalfOf)

	_, err = b.AddAbsence(t.Context(), service.As("anna"), service.OrgAct{Reason: "leave"}, b.away())
	require.NoError(t, err)
	require.NoError(t, b.confirms("bert", no, "decision-2", "anna"))
	act := b.sent()
	_, err = b.store.Cases.Effect(t.Context(), ledger.Effect{Subject: casedb.Of(no), Key: "act/decision-2", Digest: act.Digest(), People: true, By: "bert", For: "anna", At: time.Now()}, logged)
	require.NoError(t, err)
	_, err = b.RemoveAbsence(t.Context(), service.As("anna"), service.OrgAct{}, "anna", b.away().From)
	require.NoError(t, err)
	require.NoError(t, b.confirms("bert", no, "decision-2", "anna"), "it was taken then")
	require.ErrorIs(t, b.confirms("bert", no, "decision-3", "anna"), kam.Forbidden)
}

// TestWhoEntersASubstitution: oneself, of those who decide; for others a policy
// admin, who says why.
func TestWhoEntersASubstitution(t *testing.T) {
	t.Parallel()
	b, _ := twins(t)
	ab := b.away()
	for _, c := range []struct {
		who    kam.UserID
		reason string
		change func(*service.Absence)
		want   kam.Code
	}{
		{"anna", "leave", nil, ""},
		{"anna", "", nil, kam.ReasonNeeded},
		{"anna", "", func(ab *service.Absence) { ab.Substitute = "" }, ""},
		{"pol", "she is ill", nil, ""},
		{"pol", "", func(ab *service.Absence) { ab.Substitute = "" }, kam.ReasonNeeded},
		{"pol", "leave", func(ab *service.Absence) { ab.UserID = "pol" }, kam.Forbidden},
		{"bert", "leave", nil, kam.Forbidden},
		{"boss", "leave", nil, kam.Forbidden},
		{"rep", "leave", func(ab *service.Absence) { ab.UserID = "rep" }, kam.Forbidden},
		{"anna", "leave", func(ab *service.Absence) { ab.Substitute = "boss" }, kam.Separation},
		{"anna", "leave", func(ab *service.Absence) { ab.Substitute = "aud" }, kam.Separation},
		{"anna", "leave", func(ab *service.Absence) { ab.Substitute = "stranger" }, kam.Invalid},
		{"anna", "leave", func(ab *service.Absence) { ab.To = "2099-01-01" }, kam.Invalid},
		{"anna", "leave", func(ab *service.Absence) { ab.Kinds = []kam.TaskKind{"party"} }, kam.Invalid},
		{"anna", "leave", func(ab *service.Absence) { ab.Nodes = []string{"XX"} }, kam.Invalid},
	} {
		one := ab
		if c.change != nil {
			c.change(&one)
		}
		_, err := b.AddAbsence(t.Context(), service.As(c.who), service.OrgAct{Reason: c.reason}, one)
		require.Equal(t, c.want, kam.CodeOf(err), "%s %q %+v: %v", c.who, c.reason, one, err)
	}
	trail, err := b.store.TrailOf(t.Context(), "org")
	require.NoError(t, err)
	last := trail[len(trail)-1]
	require.Equal(t, kam.EventDecisionRefused, last.Type)
}

// TestWhyIsForTheTwo and for those who read delegations.
func TestWhyIsForTheTwo(t *testing.T) {
	t.Parallel()
	b, _ := twins(t)
	_, err := b.AddAbsence(t.Context(), service.As("anna"), service.OrgAct{Reason: "an operation"}, b.away())
	require.NoError(t, err)
	for who, want := range map[kam.UserID]string{"anna": "an operation", "bert": "an operation", "pol": "an operation", "aud": "an operation", "boss": ""} {
		all, err := b.Absences(t.Context(), service.As(who), "", false)
		require.NoError(t, err, who)
		require.Len(t, all, 1)
		require.Equal(t, want, all[0].Reason, who)
		require.Equal(t, kam.UserID("bert"), all[0].Substitute)
	}
	mine, err := b.Absences(t.Context(), service.As("bert"), "bert", false)
	require.NoError(t, err)
	require.Len(t, mine, 1, "for whom he stands in is his to know")
}

// TestDaysOfASubstitution are those of the policy.
func TestDaysOfASubstitution(t *testing.T) {
	t.Parallel()
	b, _ := twins(t)
	text := strings.NewReplacer("\nversion: 1\n", "\nversion: 2\n", "delegation_max_days: 60", "delegation_max_days: 9").Replace(string(policy.DefaultYAML()))
	require.NoError(t, storetest.PublishPolicy(t.Context(), b.store, 2, []byte(text)))
	ab := b.away() // ten days
	_, err := b.AddAbsence(t.Context(), service.As("anna"), service.OrgAct{Reason: "leave"}, ab)
	require.ErrorContains(t, err, "for 9 days at most, and these are 10")
	ab.Substitute = ""
	_, err = b.AddAbsence(t.Context(), service.As("anna"), service.OrgAct{Reason: "leave"}, ab)
	require.NoError(t, err, "an absence alone is not bounded by it")
}
