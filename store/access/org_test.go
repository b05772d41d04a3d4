package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestOrg(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	require.NoError(t, storetest.LoadOrg(t.Context(), s, storetest.Sample))
	require.NoError(t, storetest.LoadOrg(t.Context(), s, storetest.Sample), "again")
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		p, err := accessdb.In(tx.Entry).Person("mona")
		require.NoError(t, err)
		require.Equal(t, kam.Person{ID: "mona", Name: "Mona", Roles: []kam.Role{kam.TerritoryManager}, Nodes: []string{"DE-HH"}, ManagerID: "gina", Active: true}, p)
		_, err = accessdb.In(tx.Entry).Person("nobody")
		require.ErrorIs(t, err, kam.NotFound)
		stewards, err := accessdb.In(tx.Entry).PeopleByRole(kam.DataSteward)
		require.NoError(t, err)
		require.Len(t, stewards, 1, "active ones only")

		chain, err := accessdb.In(tx.Entry).Chain("DE-HH")
		require.NoError(t, err)
		var codes []string
		for _, n := range chain {
			codes = append(codes, n.Code)
		}
		require.Equal(t, []string{"DE-HH", "DE-N", "DE", "W"}, codes)
		n, err := accessdb.In(tx.Entry).Node("DE-HH")
		require.NoError(t, err)
		require.Equal(t, kam.UserID("mona"), n.ManagerID)
		cal, err := accessdb.In(tx.Entry).Calendar("utc")
		require.NoError(t, err)
		require.Equal(t, storetest.Sample.Calendars[0], cal)
		rules, err := accessdb.In(tx.Entry).AssignmentRules()
		require.NoError(t, err)
		require.Equal(t, "RULE-0001", rules[0].Code)
		blocked, err := accessdb.In(tx.Entry).BlockedParties()
		require.NoError(t, err)
		require.Equal(t, storetest.Sample.BlockedParties, blocked)

		near, err := accessdb.In(tx.Entry).AbsencesNear("mona")
		require.NoError(t, err)
		require.Equal(t, storetest.Sample.Absences, near)
		number := []customer.Identifier{{Scheme: kam.SchemeVATEU, Value: "DE136695976"}}
		for group, want := range map[string]accessdb.Holds{"G-9": {Group: true, Identifiers: number}, "G-1": {Identifiers: number}, "": {Identifiers: number}} {
			held, err := accessdb.In(tx.Entry).FinanceHolds(group)
			require.NoError(t, err)
			require.Equal(t, want, held)
		}
		g, ok, err := accessdb.In(tx.Entry).GroupByName("NORDWIND")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "G-1", g.ID)
		_, _, err = accessdb.In(tx.Entry).LatestPolicy()
		require.ErrorIs(t, err, kam.NotFound)
	})
	rest := storetest.Sample
	rest.Users = storetest.Sample.Users[:1]
	require.NoError(t, storetest.LoadOrg(t.Context(), s, rest))
	p, err := s.Access.Person(t.Context(), "rita")
	require.NoError(t, err)
	require.False(t, p.Active, "who is no longer listed is kept, inactive")
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	require.NoError(t, storetest.PublishPolicy(t.Context(), s, 1, []byte("a: 1")))
	require.NoError(t, storetest.PublishPolicy(t.Context(), s, 1, []byte("a: 1")))
	require.ErrorIs(t, storetest.PublishPolicy(t.Context(), s, 1, []byte("a: 2")), kam.IDReused)
	require.NoError(t, storetest.PublishPolicy(t.Context(), s, 2, []byte("a: 2")))
	_, unknown := s.Access.PolicyText(t.Context(), 99)
	require.ErrorIs(t, unknown, kam.NotFound)
	require.Equal(t, "one of 1, 2", kam.AsError(unknown).Remedy)
	version, text, err := s.Access.LatestPolicy(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, version)
	require.Equal(t, "a: 2", string(text))
}

// A person sees in the inbox what he himself just did.
func TestInbox(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	require.NoError(t, storetest.LoadOrg(t.Context(), s, storetest.Sample))
	first, second := storetest.NewCase(t, s, "1"), storetest.NewCase(t, s, "2")
	inbox := func(u kam.UserID) (kinds []string) {
		items, err := s.Cases.Inbox(t.Context(), u)
		require.NoError(t, err)
		for _, i := range items {
			kinds = append(kinds, string(i.CaseNo)+" "+string(i.Task.Kind))
		}
		return kinds
	}
	require.Equal(t, []string{string(first) + " data_entry", string(second) + " data_entry"}, inbox("rita"))

	soon, later := storetest.Noon.Add(time.Hour), storetest.Noon.Add(48*time.Hour)
	for no, due := range map[kam.CaseNo]time.Time{first: later, second: soon} {
		storetest.Within(t, s, no, func(tx *casedb.Tx) {
			require.NoError(t, tx.CloseTask("DONE", "rita"))
			tx.Case.State = onboarding.AwaitingConfirmation
			require.NoError(t, tx.OpenTask(kam.Task{Kind: onboarding.TaskConfirmation, Node: "DE-HH", Assignees: []kam.UserID{"mona", "mona"},
				Deadlines: []kam.Deadline{{Kind: kam.DueRemind, At: due}}}))
			require.NotEmpty(t, tx.Case.Task.ID)
		})
		require.NotContains(t, inbox("rita"), string(no)+" data_entry")
	}
	require.Equal(t, []string{string(second) + " confirmation", string(first) + " confirmation"}, inbox("mona"), "by due date")
	require.Empty(t, inbox("gina"))

	storetest.Within(t, s, first, func(tx *casedb.Tx) {
		tx.Case.Task.Priority = "HIGH"
		tx.Case.Task.Assignees = []kam.UserID{"mona", "gina"}
		require.NoError(t, tx.UpdateTask())
		require.NoError(t, tx.OpenSideTask(kam.Task{Kind: onboarding.TaskProfile, Assignees: []kam.UserID{"gina"}}, "KA-000001"))
	})
	require.Equal(t, string(first)+" confirmation", inbox("mona")[0], "urgent ones first")
	require.Equal(t, []string{string(first) + " confirmation", string(first) + " profile"}, inbox("gina"))

	storetest.Within(t, s, second, func(tx *casedb.Tx) {
		require.NoError(t, tx.CloseTask("DONE", "mona"))
		require.NoError(t, tx.OpenTask(kam.Task{Kind: onboarding.TaskValidation, Node: "DE-HH", Queue: string(kam.DataSteward)}))
	})
	require.Equal(t, []string{string(second) + " validation_review"}, inbox("dora"), "the queue of a role, below the node")
	require.Empty(t, inbox("away"))
	storetest.Within(t, s, second, func(tx *casedb.Tx) {
		tx.Case.Task.Queue = kam.QueueUnrouted
		require.NoError(t, tx.UpdateTask())
	})
	require.Empty(t, inbox("dora"))
	require.Equal(t, []string{string(second) + " validation_review"}, inbox("olaf"))

	stuck, err := s.Cases.Stuck(t.Context())
	require.NoError(t, err)
	require.Len(t, stuck, 2)
	lines, err := s.Cases.List(t.Context(), casedb.Filter{State: onboarding.AwaitingConfirmation, Requester: "rita", Customer: "nordWIND", Open: true})
	require.NoError(t, err)
	require.Len(t, lines, 2)
	st, err := s.Cases.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, st.ByState["AWAITING_CONFIRMATION"])
	require.Equal(t, 2, st.OpenTasks["gina"])
	require.Equal(t, map[string]int{kam.QueueUnrouted: 1}, st.Queued)
}

func TestWhatStagesKeep(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	no := storetest.NewCase(t, s, "k")
	candidates := []customer.Candidate{{Ref: "C-000001", Kind: customerdb.PartyCustomer, Name: "A", Class: kam.MatchProbable, Reasons: []string{"name"}}}
	findings := []customer.Finding{
		{RuleID: "VH04", Severity: kam.SeverityReview, Field: "website", Message: "website: a.example [VH04]; look"},
		{RuleID: "VH04", Severity: kam.SeverityReview, Field: "website", Message: "website: b.example [VH04]; look"},
		{RuleID: "VS01", Severity: kam.SeverityReview},
	}
	rule := func(id string) func(customer.Finding) bool {
		return func(f customer.Finding) bool { return f.RuleID == id }
	}
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		require.NoError(t, tx.SaveCandidates(candidates))
		require.NoError(t, tx.WaiveCandidates(candidates, "rita", "another town"))
		require.NoError(t, tx.SaveFindings(findings))
		require.NoError(t, tx.Waive(rule("VH04"), "dora", "known"))
		require.NoError(t, tx.SaveAnalysis(map[string]int{"revenue": 7}))
		require.NoError(t, tx.SaveRecord(onboarding.DecisionRecord{Kind: onboarding.RecordAdd, Outcome: "ADD"}))
		require.NoError(t, tx.SetHuman(onboarding.RecordAdd, onboarding.HumanDecision{Decision: "CONFIRM", By: "mona", At: storetest.Noon}))
		require.ErrorIs(t, tx.SetHuman(onboarding.RecordSegment, onboarding.HumanDecision{}), kam.NotFound)
	})
	storetest.Within(t, s, no, func(tx *casedb.Tx) {
		require.NoError(t, tx.SaveCandidates(candidates))
		found, err := tx.Candidates()
		require.NoError(t, err)
		require.True(t, found[0].Waived, "a waiver outlives a new search")
		candidates[0].Class = kam.MatchCertain
		require.NoError(t, tx.SaveCandidates(candidates))
		found, err = tx.Candidates()
		require.NoError(t, err)
		require.False(t, found[0].Waived, "it was for a candidate that was only PROBABLE")
		require.NoError(t, tx.SaveFindings(findings[:1]))
		open, err := tx.Findings()
		require.NoError(t, err)
		require.Empty(t, open[0].WaivedBy)
		waivers, err := tx.Waivers()
		require.NoError(t, err)
		require.Len(t, waivers, 2, "one for each that was found")
		for _, w := range waivers {
			require.Equal(t, "known", w.WaiverReason)
		}
		var analysis map[string]int
		ok, err := tx.Analysis(&analysis)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, 7, analysis["revenue"])
		ok, err = tx.Segment(&analysis)
		require.NoError(t, err)
		require.False(t, ok)
	})
	view, err := s.Cases.View(t.Context(), no)
	require.NoError(t, err)
	require.True(t, view.Started)
	require.JSONEq(t, `{"revenue":7}`, string(view.Analysis))
	require.Len(t, view.Records, 1)
	require.Equal(t, "Ada Berg", view.Request.Contacts[0].Name)

	_, err = s.Cases.Effect(t.Context(), storetest.ActOn(no, "decision-1", 3), func(context.Context, *casedb.Tx) error { return nil })
	require.NoError(t, err)
	check, err := s.Cases.NeedingCheck(t.Context(), time.Now().Add(-time.Minute))
	require.NoError(t, err)
	require.Len(t, check, 1)
	require.EqualValues(t, 4, check[0].Version)

	// The steps after an act may be lost with it, up to the end of the case.
	storetest.Within(t, s, no, func(tx *casedb.Tx) { tx.Case.State = onboarding.Completed })
	check, err = s.Cases.NeedingCheck(t.Context(), time.Now().Add(-time.Minute))
	require.NoError(t, err)
	require.Len(t, check, 1)
	require.EqualValues(t, 5, check[0].Version)
	require.False(t, check[0].Open)
}

// TestReferenceOfTheScreeningListIsBounded: a hit on a longer one could open no
// review, because it is part of the key.
func TestReferenceOfTheScreeningListIsBounded(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for ref, want := range map[string]kam.Code{strings.Repeat("r", 120): "", strings.Repeat("r", 121): kam.Invalid, "": kam.Invalid, "a\nb": kam.Invalid} {
		err := storetest.LoadOrg(t.Context(), s, accessdb.Org{BlockedParties: []accessdb.BlockedParty{{Ref: ref, Name: "Blocked"}}})
		require.Equal(t, want, kam.CodeOf(err), "%q: %v", ref, err)
	}
}

// TestContactOfTheScreeningListIsChecked: a domain or phone that nothing can be
// equal to would be passed over in silence.
func TestContactOfTheScreeningListIsChecked(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for _, c := range []struct {
		domain, phone, field string
	}{
		{"blocked.example", "+49 40 123456", ""},
		{"https://www.blocked.example/de", "+49 (0)40 123-456", ""},
		{"blocked", "", "blocked_parties[0].domain"},
		{"a@blocked.example", "", "blocked_parties[0].domain"},
		{"blocked.example, other.example", "", "blocked_parties[0].domain"},
		{"", "040 123456", "blocked_parties[0].phone"},
		{"", "+12", "blocked_parties[0].phone"},
	} {
		line := accessdb.BlockedParty{Ref: "B1", Name: "Blocked", Country: "DE", Domain: c.domain, Phone: c.phone, Street: "Ring 1", PostalCode: "20095"}
		err := storetest.LoadOrg(t.Context(), s, accessdb.Org{BlockedParties: []accessdb.BlockedParty{line}})
		if c.field == "" {
			require.NoError(t, err)
			got, err := s.Access.BlockedParties(t.Context())
			require.NoError(t, err)
			require.Equal(t, []accessdb.BlockedParty{line}, got)
			continue
		}
		require.Equal(t, kam.Invalid, kam.CodeOf(err), "%+v: %v", c, err)
		require.Equal(t, c.field, kam.AsError(err).Field)
	}
}
