package acceptance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

func TestCancelTakesTwoPersons(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Abbruch GmbH")))
	ask := kam.Act{Name: kam.ActCancel, Verdict: kam.AskCancel, By: "ops.one", Reason: "entered for a test"}
	agree := kam.Act{Name: kam.ActCancel, Verdict: kam.AgreeCancel, By: "pol.admin"}
	waits := func(who kam.UserID, want bool) func(kam.Snapshot) {
		return func(kam.Snapshot) {
			items, err := w.db.Cases.Inbox(t.Context(), who)
			got := slices.ContainsFunc(items, func(i casedb.InboxItem) bool {
				return i.Task.Kind == kam.TaskCancellation && i.CaseNo == s.no && i.Task.Note == ask.Reason && !i.Task.OpenedAt.IsZero()
			})
			if err != nil || got != want {
				s.faults = append(s.faults, fmt.Sprintf("%s: a cancellation in the inbox is %v, not %v: %v", who, got, want, err))
			}
		}
	}
	s.act(1*hour, kam.WrongState, agree) // nobody has asked
	s.at(1*hour, waits("pol.admin", false))
	s.act(2*hour, kam.Forbidden, kam.Act{Name: kam.ActCancel, Verdict: kam.AskCancel, By: "rep.south", Reason: "mine"})
	s.act(3*hour, "", ask)
	s.act(4*hour, kam.AlreadyDecided, ask)
	s.act(5*hour, kam.Separation, kam.Act{Name: kam.ActCancel, Verdict: kam.AgreeCancel, By: "ops.one"})
	// What was asked counts while the case stays where it is.
	s.act(6*hour, "", confirm("theo.territory", ""))
	s.act(7*hour, kam.WrongState, agree)
	s.act(8*hour, "", ask)
	s.at(8*hour+hour/2, waits("pol.admin", true))
	s.at(8*hour+hour/2, waits("ops.one", false))
	s.act(9*hour, "", agree)
	s.at(9*hour+hour/2, waits("pol.admin", false))
	end := s.run()
	require.Equal(t, kam.Cancelled, end.State)
	require.Equal(t, 2, s.count(kam.EventCancelAsked))
	last := s.events()[len(s.events())-1]
	require.Equal(t, kam.EventCancelled, last.Type)
	require.Equal(t, kam.UserID("pol.admin"), last.Actor)
	require.Contains(t, last.Text, "ops.one")
}

func TestClaimAndRelease(t *testing.T) {
	w := newWorld(t, func(o *accessdb.Org) {
		for _, u := range []struct {
			id   kam.UserID
			role kam.Role
		}{{"stew.two", kam.DataSteward}, {"comp.two", kam.ComplianceRole}} {
			o.Users = append(o.Users, accessdb.User{ID: u.id, Name: string(u.id), Roles: []kam.Role{u.role}, Nodes: []string{"GLOBAL"}})
		}
	})
	box := details()
	box["addresses"] = []fields{{"type": "LEGAL", "line1": "Postfach 10 20 30", "city": "München", "postal_code": "80331", "country_code": "DE"}}
	s := w.onboard("rep.south", data(t, screening("Grauzone Logistic AG"), fields{"country_code": "AT", "postal_code": "1010", "city": "Wien", "identifiers": []fields{{"scheme": "VAT_EU", "value": "ATU57194903"}}}, box,
		fields{"addresses": []fields{{"type": "LEGAL", "line1": "Postfach 17", "city": "Wien", "postal_code": "1010", "country_code": "AT"}}}))
	inbox := func(who kam.UserID, want int) func(kam.Snapshot) {
		return func(kam.Snapshot) {
			items, err := w.db.Cases.Inbox(t.Context(), who)
			if err != nil || len(items) != want {
				s.faults = append(s.faults, fmt.Sprintf("%s has %d tasks, not %d: %v", who, len(items), want, err))
			}
		}
	}
	claim, release := kam.Act{Name: kam.ActClaim}, kam.Act{Name: kam.ActRelease}
	by := func(a kam.Act, who kam.UserID) kam.Act { a.By = who; return a }
	s.expect(1*hour, kam.ComplianceReview)
	s.at(1*hour, inbox("comp.two", 1))
	s.act(2*hour, kam.Forbidden, by(claim, "stew.one"))
	s.act(3*hour, "", by(claim, "comp.one"))
	s.at(4*hour, inbox("comp.one", 1))
	s.at(4*hour, inbox("comp.two", 0))
	s.act(5*hour, kam.Claimed, by(claim, "comp.two"))
	s.act(5*hour, kam.Claimed, by(release, "comp.two"))
	s.act(6*hour, kam.Claimed, kam.Act{Name: kam.ActDecideCompliance, Verdict: kam.ClearIt, By: "comp.two", Reason: "known"})
	s.act(7*hour, "", by(release, "comp.one"))
	s.at(8*hour, inbox("comp.two", 1))
	s.act(9*hour, "", by(claim, "comp.one"))
	// Three business days later the escalation releases it.
	s.at(3*day+2*hour, func(now kam.Snapshot) {
		if now.Task == nil || now.Task.ClaimedBy != "" || now.Task.Escalated != 1 {
			s.faults = append(s.faults, "an escalation releases: "+text(t, now.Task))
		}
	})
	s.act(3*day+3*hour, "", kam.Act{Name: kam.ActDecideCompliance, Verdict: kam.ClearIt, By: "comp.two", Reason: "another company"})
	s.act(3*day+4*hour, kam.WrongState, by(claim, "comp.one"))
	s.act(3*day+5*hour, "", confirm("tess.territory", "compliance cleared it"))
	s.expect(3*day+6*hour, kam.ValidationReview)
	s.act(3*day+7*hour, "", by(claim, "stew.two"))
	s.act(3*day+8*hour, kam.Claimed, kam.Act{Name: kam.ActDecideValidation, Verdict: kam.ClearIt, By: "stew.one", Reason: "mine?"})
	s.act(3*day+9*hour, "", kam.Act{Name: kam.ActDecideValidation, Verdict: kam.ClearIt, By: "stew.two", Reason: "registered at a post box"})
	require.Equal(t, kam.Completed, s.run().State)
	require.Equal(t, 3, s.count(kam.EventTaskClaimed))
	require.Equal(t, 2, s.count(kam.EventTaskReleased))
}

func TestAC42_PolicyPublishedWhileACaseWaits(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Wartestand GmbH"), details()))
	s.expect(1*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(1*hour, kam.WrongState, kam.Act{Name: kam.ActReevaluate, By: "pol.admin", Reason: "no newer one yet"})
	s.at(2*hour, func(kam.Snapshot) { w.under("add_at: 60", "add_at: 95") })
	s.at(3*hour, func(now kam.Snapshot) {
		other := w.onboard("rep.south", data(t, screening("Neuer Massstab GmbH"), identifier("VAT_EU", "DE136695976"), fields{"street": "Neuweg 1", "postal_code": "80333"}))
		other.act(1*hour, "", kam.Act{Name: kam.ActWithdraw, By: "rep.south"})
		if end := other.run(); end.PolicyVersion != 2 || end.Recommended != kam.Refer {
			s.faults = append(s.faults, "a new case takes the new version: "+text(t, end))
		}
		if now.PolicyVersion != 1 || now.Recommended != kam.Add {
			s.faults = append(s.faults, "the case keeps its version: "+text(t, now))
		}
	})
	s.act(4*hour, kam.Forbidden, kam.Act{Name: kam.ActReevaluate, By: "theo.territory", Reason: "stricter, please"})
	s.act(5*hour, "", kam.Act{Name: kam.ActReevaluate, By: "pol.admin", Reason: "the new rules are meant for these"})
	s.at(6*hour, func(now kam.Snapshot) {
		if now.PolicyVersion != 2 || now.Recommended != kam.Refer || now.State != kam.AwaitingConfirmation {
			s.faults = append(s.faults, "decided again under version 2: "+text(t, now))
		}
	})
	s.act(7*hour, "", confirm("theo.territory", "tender in May"))
	require.Equal(t, kam.Completed, s.run().State)
	require.Equal(t, 1, s.count(kam.EventReevaluated))
	records, err := w.db.Cases.Records(t.Context(), s.no)
	require.NoError(t, err)
	require.Equal(t, 1, records[0].Policy.Version)
	require.Equal(t, 2, records[1].Policy.Version)
}

// fills gives an owner a number of TERRITORY key accounts.
func (w *world) fills(owner kam.UserID, n int) {
	w.t.Helper()
	for i := range n {
		w.has(customerdb.BookCustomer{CustomerNo: fmt.Sprintf("C-%06d", i+1), Territory: "DE-N-02", OwnerID: owner, KAStatus: kam.KA, Tier: kam.TierTerritory,
			Data: data(w.t, fields{"legal_name": fmt.Sprintf("Bestandskonto %c GmbH", 'A'+i), "country_code": "DE", "city": "Kiel", "postal_code": fmt.Sprintf("24%03d", i)})})
	}
}

func TestAC31_SixteenthTerritoryAccount(t *testing.T) {
	for name, way := range map[string]struct {
		act  kam.Act
		flag bool
	}{
		"released": {kam.Act{ReleaseAccount: "KA-000003"}, false},
		"reason":   {kam.Act{Reason: "two of the others end in summer"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fills("kam.one", 15)
			w.sells(kastelSales...)
			s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
			s.act(1*hour, "", confirm("tom.territory", ""))
			over := endorse("tom.territory")
			over.OwnerID = "kam.one"
			s.act(2*hour, kam.ReasonNeeded, over)
			wrong := over
			wrong.ReleaseAccount = "KA-000099"
			s.act(3*hour, kam.Invalid, wrong)
			over.Reason, over.ReleaseAccount = way.act.Reason, way.act.ReleaseAccount
			s.act(4*hour, "", over)
			end := s.run()
			require.Equal(t, kam.AddedKA, end.Outcome)
			require.Equal(t, way.flag, end.Has(kam.FlagOverridden))
			if !way.flag {
				require.Equal(t, 1, s.count(kam.EventAccountReleased))
				inbox, err := w.db.Cases.Inbox(t.Context(), "tara.territory") // manages its home node
				require.NoError(t, err)
				require.Len(t, inbox, 1)
				require.Equal(t, kam.TaskKAMAssignment, inbox[0].Task.Kind)
				return
			}
			var text string
			for _, e := range s.events() {
				if e.Type == kam.EventCapacityOverridden {
					text = e.Text
				}
			}
			require.True(t, strings.Contains(text, "kam.one") && strings.Contains(text, "end in summer"), text)
		})
	}
}

func TestDuplicateReviewOfStewardsRepeatsAndExpires(t *testing.T) {
	w := newWorld(t)
	w.known("C-DA", "Schon Da Klinik GmbH", identifier("VAT_EU", "DE136695976"))
	s := w.onboard("rep.south", data(t, screening("Schon Da Klinik GmbH"), identifier("VAT_EU", "DE136695976")))
	end := s.run()
	require.Equal(t, kam.Expired, end.State)
	require.Greater(t, s.count(kam.EventTaskEscalated), 10, "repeats daily")
}
