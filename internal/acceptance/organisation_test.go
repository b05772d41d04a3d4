package acceptance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

// reorganise changes the organisation while a case is open, and tells the case
// as the worker does.
func (s *scene) reorganise(change func(*accessdb.Org)) func(onboarding.Snapshot) {
	return func(now onboarding.Snapshot) {
		o := org()
		change(&o)
		if err := storetest.LoadOrg(s.t.Context(), s.db, o); err != nil {
			s.faults = append(s.faults, err.Error())
			return
		}
		open, err := working(s.db).Misrouted(s.t.Context(), s.env.Now())
		if err != nil {
			s.faults = append(s.faults, err.Error())
		}
		if slices.Contains(open, s.no) {
			s.env.SignalWorkflow(onboarding.SignalReroute, nil)
		}
	}
}

// notes looks at what the open task says to whom it waits for.
func (s *scene) notes(after time.Duration, want string) {
	s.at(after, func(now onboarding.Snapshot) {
		if now.Task == nil || now.Task.Note != want {
			s.faults = append(s.faults, fmt.Sprintf("after %v: the task should say %q: %s", after, want, text(s.t, now.Task)))
		}
	})
}

// left makes people inactive.
func left(ids ...kam.UserID) func(*accessdb.Org) {
	return func(o *accessdb.Org) {
		for i := range o.Users {
			o.Users[i].Inactive = slices.Contains(ids, o.Users[i].ID)
		}
		for i := range o.Nodes {
			if slices.Contains(ids, o.Nodes[i].ManagerID) {
				o.Nodes[i].ManagerID = ""
			}
		}
	}
}

func TestManagerLeavesWhileHisTaskIsOpen(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Abgang GmbH"), details()))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.at(2*hour, s.reorganise(left("theo.territory")))
	s.expect(3*hour, onboarding.AwaitingConfirmation, "rita.regional")
	s.act(4*hour, kam.Forbidden, confirm("theo.territory", ""))
	s.act(5*hour, "", confirm("rita.regional", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, 1, s.count(kam.EventTaskReassigned))
}

// TestManagerIsAwayWhileHisTaskIsOpen: the next level joins at once, also for
// an absence that was entered long before it begins; who is away may decide all
// the same.
func TestManagerIsAwayWhileHisTaskIsOpen(t *testing.T) {
	for _, who := range []kam.UserID{"rita.regional", "theo.territory"} {
		t.Run(string(who)+" decides", func(t *testing.T) {
			w := newWorld(t, func(o *accessdb.Org) {
				o.Absences = []accessdb.Absence{{UserID: "theo.territory", From: "2026-03-03", To: "2026-03-06"}} // he is here on Monday
			})
			s := w.onboard("rep.south", data(t, screening("Abwesend GmbH"), details()))
			again := s.reorganise(func(o *accessdb.Org) { o.Absences = nil })
			s.expect(1*hour, onboarding.AwaitingConfirmation, "theo.territory")
			s.at(2*hour, again)
			s.expect(3*hour, onboarding.AwaitingConfirmation, "theo.territory")
			s.at(day, again)
			s.expect(day+1*hour, onboarding.AwaitingConfirmation, "rita.regional", "theo.territory")
			s.notes(day+1*hour, "theo.territory is absent")
			s.at(day+2*hour, again)
			s.act(day+3*hour, "", confirm(who, ""))
			require.Equal(t, onboarding.Completed, s.run().State)
			require.Equal(t, 1, s.count(kam.EventTaskReassigned))
		})
	}
}

func TestRequesterLeaves(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Verwaist GmbH")))
	s.at(1*hour, s.reorganise(left("rep.south")))
	// The request is his manager's now, who may then not confirm it himself.
	s.expect(2*hour, onboarding.AwaitingConfirmation, "rita.regional")
	s.act(3*hour, kam.Separation, confirm("theo.territory", ""))
	s.act(4*hour, "", confirm("rita.regional", ""))
	s.expect(5*hour, onboarding.AwaitingCompletion, "theo.territory")
	s.act(6*hour, kam.Forbidden, onboarding.Act{Name: onboarding.ActSubmitDetails, By: "rep.south"}, data(t, details()))
	s.act(7*hour, "", onboarding.Act{Name: onboarding.ActSubmitDetails, By: "theo.territory"}, data(t, details()))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, kam.UserID("theo.territory"), end.Requester)
	require.Contains(t, end.Editors, kam.UserID("rep.south"))
	require.Equal(t, 1, s.count(kam.EventRequestMoved))
}

func TestRequesterLeavesWhileHeIsAsked(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Halb Fertig GmbH"), fields{"declared_potential": nil}))
	s.expect(1*hour, onboarding.DataEntry, "rep.south")
	s.at(2*hour, s.reorganise(left("rep.south", "theo.territory")))
	s.expect(3*hour, onboarding.DataEntry, "rita.regional") // the manager's manager: both have left
	s.act(4*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rita.regional"})
	require.Equal(t, onboarding.Withdrawn, s.run().State)
}

// TestNobodyAboveARequesterWhoLeft: the policy admins are told at once, and
// whoever is there again gets the task.
func TestNobodyAboveARequesterWhoLeft(t *testing.T) {
	alone := func(o *accessdb.Org) {
		for i := range o.Users {
			if o.Users[i].ID == "rep.south" {
				o.Users[i].ManagerID = ""
			}
		}
	}
	for name, back := range map[kam.UserID]func(*accessdb.Org){
		"rep.south":      alone, // he is back himself
		"theo.territory": left("rep.south"),
	} {
		t.Run(string(name)+" is there again", func(t *testing.T) {
			w := newWorld(t)
			s := w.onboard("rep.south", data(t, screening("Allein GmbH"), fields{"declared_potential": nil}))
			s.expect(1*hour, onboarding.DataEntry, "rep.south")
			gone := s.reorganise(func(o *accessdb.Org) { alone(o); left("rep.south")(o) })
			s.at(2*hour, gone)
			s.expect(3*hour, onboarding.DataEntry)
			s.at(3*hour, func(now onboarding.Snapshot) {
				if now.Task == nil || now.Task.Queue != kam.QueueUnrouted {
					s.faults = append(s.faults, "not unrouted: "+text(t, now.Task))
				}
				stuck, err := s.db.Cases.Stuck(t.Context())
				if err != nil || len(stuck) != 1 || stuck[0].Why != "nobody may take the task" {
					s.faults = append(s.faults, "not reported: "+text(t, stuck))
				}
			})
			s.at(3*hour, gone) // looked at twice, told once
			s.at(4*hour, s.reorganise(back))
			s.expect(5*hour, onboarding.DataEntry, name)
			s.act(6*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: name})
			require.Equal(t, onboarding.Withdrawn, s.run().State)
			require.Equal(t, map[string]int{"chain.gap": 1}, w.told("pol.admin"))
			require.Equal(t, 2, s.count(kam.EventTaskReassigned))
		})
	}
}

// TestRequesterIsGoneBeforeHisTaskOpens is the same for a task that opens when
// nobody is left.
func TestRequesterIsGoneBeforeHisTaskOpens(t *testing.T) {
	w := newWorld(t, func(o *accessdb.Org) {
		for i := range o.Users {
			if o.Users[i].ID == "rep.south" {
				o.Users[i].ManagerID = ""
			}
		}
	})
	s := w.onboard("rep.south", data(t, screening("Zu Spaet GmbH")))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.at(2*hour, s.reorganise(func(o *accessdb.Org) {
		for i := range o.Users {
			if o.Users[i].ID == "rep.south" {
				o.Users[i].ManagerID, o.Users[i].Inactive = "", true
			}
		}
	}))
	s.act(3*hour, "", confirm("theo.territory", ""))
	s.expect(4*hour, onboarding.AwaitingCompletion)
	s.at(4*hour, func(now onboarding.Snapshot) {
		if now.Task == nil || now.Task.Queue != kam.QueueUnrouted {
			s.faults = append(s.faults, "not unrouted: "+text(t, now.Task))
		}
	})
	s.at(5*hour, s.reorganise(left("rep.south")))
	s.expect(6*hour, onboarding.AwaitingCompletion, "theo.territory")
	s.act(7*hour, "", onboarding.Act{Name: onboarding.ActSubmitDetails, By: "theo.territory"}, data(t, details()))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, map[string]int{"chain.gap": 1}, w.told("pol.admin"))
}

// told counts, by kind, the messages to a person. It may be asked once.
func (w *world) told(to kam.UserID) map[string]int {
	w.t.Helper()
	all, err := w.db.ClaimMessages(w.t.Context(), 1000, time.Minute)
	require.NoError(w.t, err)
	n := map[string]int{}
	for _, m := range all {
		if slices.Contains(m.To, to) {
			n[m.Kind]++
		}
	}
	return n
}

func TestTerritoryIsRedrawnWhileATaskIsOpen(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Grenzfall GmbH"), details()))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.at(2*hour, s.reorganise(func(o *accessdb.Org) {
		for i := range o.AssignmentRules {
			if o.AssignmentRules[i].Code == "R1" { // postal codes 8… go north
				o.AssignmentRules[i].Territory = "DE-N-02"
			}
		}
	}))
	s.expect(3*hour, onboarding.AwaitingConfirmation, "tara.territory")
	s.act(4*hour, kam.Forbidden, confirm("theo.territory", ""))
	s.act(5*hour, "", confirm("tara.territory", ""))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, "DE-N-02", end.Territory)
}

func TestPostIsFilledWhileTheNextLevelIsAsked(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.stuttgart", data(t, screening("Nachfolge GmbH"), fields{"postal_code": "70173", "city": "Stuttgart"}))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "rita.regional") // the post is vacant
	s.at(2*hour, s.reorganise(func(o *accessdb.Org) {
		for i := range o.Nodes {
			if o.Nodes[i].Code == "DE-S-01" {
				o.Nodes[i].ManagerID = "theo.territory"
			}
		}
		for i := range o.Users {
			if o.Users[i].ID == "theo.territory" {
				o.Users[i].Nodes = append(o.Users[i].Nodes, "DE-S-01")
			}
		}
	}))
	s.expect(3*hour, onboarding.AwaitingConfirmation, "theo.territory", "rita.regional")
	s.act(4*hour, "", confirm("theo.territory", ""))
	s.act(5*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.stuttgart"})
	require.Equal(t, onboarding.Withdrawn, s.run().State)
}

func TestNobodyInTheChainThenSomebody(t *testing.T) {
	w := newWorld(t, func(o *accessdb.Org) {
		for i := range o.Nodes {
			o.Nodes[i].ManagerID = ""
		}
	})
	s := w.onboard("rep.south", data(t, screening("Herrenlos GmbH"), details()))
	s.expect(1*hour, onboarding.AwaitingConfirmation)
	s.at(1*hour, func(now onboarding.Snapshot) {
		if now.Task == nil || now.Task.Queue != kam.QueueUnrouted {
			s.faults = append(s.faults, "not unrouted: "+text(t, now.Task))
		}
	})
	s.at(3*day+2*hour, func(now onboarding.Snapshot) {
		if now.Task.Escalated != 3 {
			s.faults = append(s.faults, "the policy admins are told daily: "+text(t, now.Task))
		}
	})
	s.act(3*day+3*hour, "", onboarding.Act{Name: onboarding.ActReassign, By: "pol.admin", Assignee: "rita.regional", Reason: "she stands in"})
	s.expect(3*day+4*hour, onboarding.AwaitingConfirmation, "rita.regional")
	s.at(3*day+5*hour, s.reorganise(func(o *accessdb.Org) { left("tess.territory")(o) })) // the tree as it was meant: a task given by hand stays
	s.expect(3*day+6*hour, onboarding.AwaitingConfirmation, "rita.regional")
	s.act(3*day+7*hour, "", confirm("rita.regional", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, map[string]int{"chain.gap": 1, "task.reminded": 1, "task.escalated": 3, "proposal.opened": 1}, w.told("pol.admin"))
}

func TestUnassignedTerritoryIsResolvedByANewRule(t *testing.T) {
	w := newWorld(t, func(o *accessdb.Org) { o.AssignmentRules = o.AssignmentRules[:1] })
	s := w.onboard("rep.vienna", data(t, screening("Niemandsland GmbH"), details(), fields{
		"country_code": "AT", "postal_code": "1010", "city": "Wien", "identifiers": []fields{{"scheme": "VAT_EU", "value": "ATU57194903"}},
		"addresses": []fields{{"type": "LEGAL", "line1": "Ring 3", "city": "Wien", "postal_code": "1010", "country_code": "AT"}}}))
	s.expect(1*hour, onboarding.AwaitingConfirmation)
	s.at(2*hour, s.reorganise(func(*accessdb.Org) {})) // all rules are back
	s.expect(3*hour, onboarding.AwaitingConfirmation, "tess.territory")
	s.act(4*hour, "", confirm("tess.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
}

func TestEndorserLeaves(t *testing.T) {
	w := newWorld(t)
	w.sells(kastelSales...)
	s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	s.expect(2*hour, onboarding.AwaitingEndorsement, "tom.territory")
	s.at(3*hour, s.reorganise(left("tom.territory")))
	s.expect(4*hour, onboarding.AwaitingEndorsement, "rolf.regional")
	s.act(5*hour, "", endorse("rolf.regional"))
	require.Equal(t, onboarding.AddedKA, s.run().Outcome)
}

func TestLeaversSideTasksGoToTheirManager(t *testing.T) {
	w := newWorld(t)
	w.sells(kastelSales...)
	s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Endorse, By: "tom.territory", OwnerID: "kam.one"})
	require.Equal(t, onboarding.AddedKA, s.run().Outcome)
	o := org()
	left("kam.one")(&o)
	require.NoError(t, storetest.LoadOrg(t.Context(), w.db, o))
	for want, change := range []string{"first", "first"} {
		moved, err := w.db.Access.MoveLeaversTasks(t.Context(), change)
		require.NoError(t, err)
		require.Equal(t, 1-want, moved, "once for each change")
	}
	inbox, err := w.db.Cases.Inbox(t.Context(), "nadja.national")
	require.NoError(t, err)
	require.Len(t, inbox, 1)
	require.Equal(t, onboarding.TaskProfile, inbox[0].Task.Kind)
	require.Equal(t, []kam.UserID{"nadja.national"}, inbox[0].Task.Assignees)
}

// TestEverybodyOfAQueueIsTold: shared work is one person's in the end, but who
// that is nobody knows when it comes.
func TestEverybodyOfAQueueIsTold(t *testing.T) {
	w := newWorld(t)
	w.has(customerdb.BookCustomer{CustomerNo: "C-ALT", Territory: "DE-S-02", OwnerID: "rep.south", Data: data(t, fields{
		"legal_name": "Altbestand Klinik GmbH", "country_code": "DE", "city": "München"})})
	s := w.change(kam.Modify, "C-ALT", "rep.south", fields{"addresses": []fields{{"type": "LEGAL", "line1": "Postfach 17", "city": "München", "postal_code": "80331", "country_code": "DE"}}})
	s.expect(1*hour, onboarding.ValidationReview)
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"})
	s.run()
	var stewards []kam.UserID
	for _, u := range org().Users {
		if slices.Contains(u.Roles, kam.DataSteward) {
			stewards = append(stewards, u.ID)
		}
	}
	require.NotEmpty(t, stewards)
	messages, err := w.db.ClaimMessages(t.Context(), 100, time.Minute)
	require.NoError(t, err)
	var told []kam.UserID
	for _, m := range messages {
		if m.Kind == "task.opened" && strings.Contains(m.Subject, string(onboarding.TaskValidation)) {
			told = append(told, m.To...)
		}
	}
	require.ElementsMatch(t, stewards, told)
}

// TestLeaversSideTaskWithNobodyAbove stays where it is, and is reported.
func TestLeaversSideTaskWithNobodyAbove(t *testing.T) {
	w := newWorld(t)
	w.sells(kastelSales...)
	s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActDecideEndorsement, Verdict: onboarding.Endorse, By: "tom.territory", OwnerID: "kam.one"})
	require.Equal(t, onboarding.AddedKA, s.run().Outcome)
	o := org()
	left("kam.one")(&o)
	for i := range o.Users {
		if o.Users[i].ID == "kam.one" {
			o.Users[i].ManagerID = ""
		}
	}
	require.NoError(t, storetest.LoadOrg(t.Context(), w.db, o))
	moved, err := w.db.Access.MoveLeaversTasks(t.Context(), "first")
	require.NoError(t, err)
	require.Zero(t, moved)
	stuck, err := w.db.Cases.Stuck(t.Context())
	require.NoError(t, err)
	require.Len(t, stuck, 1)
	require.Equal(t, s.no, stuck[0].CaseNo)
	require.Equal(t, "kam.one has left and still has the task", stuck[0].Why)
	o.Users = org().Users
	require.NoError(t, storetest.LoadOrg(t.Context(), w.db, o))
	stuck, err = w.db.Cases.Stuck(t.Context())
	require.NoError(t, err)
	require.Empty(t, stuck)
}

// TestReassigningOnesOwnPart: a task that waits for two after an escalation goes
// on waiting for the other one; a policy admin moves it as a whole.
func TestReassigningOnesOwnPart(t *testing.T) {
	for by, want := range map[kam.UserID][]kam.UserID{
		"theo.territory": {"nadja.national", "rita.regional"},
		"pol.admin":      {"nadja.national"},
	} {
		t.Run(string(by), func(t *testing.T) {
			w := newWorld(t)
			s := w.onboard("rep.south", data(t, screening("Zwei Leser GmbH"), details()))
			s.expect(2*day+2*hour, onboarding.AwaitingConfirmation, "theo.territory", "rita.regional")
			s.act(2*day+3*hour, "", onboarding.Act{Name: onboarding.ActReassign, By: by, Assignee: "nadja.national", Reason: "on a fair next week"})
			s.expect(2*day+4*hour, onboarding.AwaitingConfirmation, want...)
			s.act(2*day+5*hour, "", confirm("nadja.national", ""))
			require.Equal(t, onboarding.Completed, s.run().State)
		})
	}
}
