package acceptance

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/storetest"
)

// The week of monday; theo.territory is away, tara.territory stands in.
var theoIsAway = accessdb.Absence{UserID: "theo.territory", From: "2026-03-02", To: "2026-03-06", Substitute: "tara.territory"}

// isAway enters an absence; the tables may know it long before the case begins.
func (w *world) isAway(ab accessdb.Absence) {
	w.t.Helper()
	require.NoError(w.t, w.entered(ab))
}

func (w *world) entered(ab accessdb.Absence) error {
	w.requests.Add(1)
	a := accessdb.OrgAct{DecisionID: fmt.Sprintf("%s/away/%d", w.t.Name(), w.requests.Load()), By: "pol.admin", Reason: "leave", May: access.Permit,
		Away: func(ab accessdb.Absence, giver, in kam.Person, _ string) error {
			if err := ab.Check("2026-03-01", 60); err != nil || ab.Substitute == "" {
				return err
			}
			return access.MayStandIn(in, giver, ab.Deputy)
		}}
	_, err := w.db.Access.AddAbsence(w.t.Context(), a, ab)
	return err
}

// inPlaceOf is an act in somebody's place, as the service sends it.
func inPlaceOf(giver kam.UserID, a onboarding.Act) onboarding.Act {
	a.OnBehalfOf = giver
	return a
}

// looks has the worker look whom the case waits for, as it does when an absence
// begins or ends.
func (s *scene) looks() func(onboarding.Snapshot) {
	return s.reorganise(func(*accessdb.Org) {})
}

// line is the event of a type, the last one.
func (s *scene) line(t kam.EventType) kam.AuditEvent {
	s.t.Helper()
	all := s.events()
	i := slices.IndexFunc(all, func(e kam.AuditEvent) bool { return e.Type == t })
	require.GreaterOrEqual(s.t, i, 0, t)
	return all[i]
}

// TestAC17_TaskAtTheSubstitute: delegation active: task at the delegate, history
// "delegate for manager". Who is away keeps it in sight, and hears of it.
func TestAC17_TaskAtTheSubstitute(t *testing.T) {
	w := newWorld(t)
	w.isAway(theoIsAway)
	s := w.onboard("rep.south", data(t, screening("Vertretung GmbH"), details()))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "tara.territory", "theo.territory")
	s.at(1*hour, func(now onboarding.Snapshot) {
		if now.Task.StandsInFor("tara.territory") != "theo.territory" || now.Task.Level != kam.LevelTerritory || now.Task.Node != "DE-S-02" {
			s.faults = append(s.faults, text(t, now.Task))
		}
		inbox, err := w.db.Cases.Inbox(t.Context(), "tara.territory")
		if err != nil || len(inbox) != 1 || inbox[0].Task.StandsInFor("tara.territory") != "theo.territory" {
			s.faults = append(s.faults, "not in her inbox: "+text(t, inbox))
		}
	})
	s.act(2*hour, kam.Forbidden, confirm("tara.territory", "")) // it is not hers
	s.act(3*hour, "", inPlaceOf("theo.territory", confirm("tara.territory", "")))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, kam.UserID("tara.territory"), end.ConfirmedBy)
	require.Equal(t, []kam.StandIn{{By: "tara.territory", For: "theo.territory"}}, end.StoodIn)

	applied := s.line(kam.EventDelegationApplied)
	require.Equal(t, "tara.territory for theo.territory", applied.Text)
	confirmed := s.line(kam.EventConfirmed)
	require.Equal(t, [2]kam.UserID{"tara.territory", "theo.territory"}, [2]kam.UserID{confirmed.Actor, confirmed.OnBehalfOf})
	require.Equal(t, []kam.Role{kam.TerritoryManager}, confirmed.RolesUsed)
	require.Contains(t, s.line(kam.EventTaskOpened).Text, "confirmation waits for tara.territory for theo.territory")
	records, err := w.db.Cases.Records(t.Context(), s.no)
	require.NoError(t, err)
	i := slices.IndexFunc(records, func(r onboarding.DecisionRecord) bool { return r.Human != nil })
	require.Equal(t, kam.UserID("theo.territory"), records[i].Human.OnBehalfOf)
	for _, e := range s.events() {
		require.Equal(t, e.Actor == "tara.territory" && e.Type != kam.EventDecisionRefused, e.OnBehalfOf == "theo.territory", "%s by %s for %s", e.Type, e.Actor, e.OnBehalfOf)
	}
	v := w.verified()
	require.True(t, v.Clean, "%v", v.Breaks)
	require.Equal(t, map[string]int{"absence.substitute": 1, "task.opened": 1}, w.toldOnce("tara.territory", "theo.territory"))
}

// toldOnce counts the messages to one person, and requires those to another: that
// his task went over, and that it was decided.
func (w *world) toldOnce(to, giver kam.UserID) map[string]int {
	w.t.Helper()
	all, err := w.db.ClaimMessages(w.t.Context(), 1000, hour)
	require.NoError(w.t, err)
	n := map[string]int{}
	var his []string
	for _, m := range all {
		if slices.Contains(m.To, to) {
			n[m.Kind]++
		}
		if slices.Contains(m.To, giver) {
			his = append(his, m.Kind)
			require.Contains(w.t, m.Subject, string(to))
		}
		if m.Kind == "task.opened" && slices.Contains(m.To, to) {
			require.Contains(w.t, m.Subject, "you stand in for "+string(giver))
		}
	}
	require.Equal(w.t, []string{"task.delegated", "task.decided"}, his)
	return n
}

// TestAC18_SubstituteIsTheRequester: delegate is the requester: task at the next
// level, and neither of the two decides.
func TestAC18_SubstituteIsTheRequester(t *testing.T) {
	for name, requester := range map[string]kam.UserID{"the substitute": "tara.territory", "who is away": "theo.territory"} {
		t.Run(name+" requests", func(t *testing.T) {
			w := newWorld(t)
			w.isAway(theoIsAway)
			s := w.onboard(requester, data(t, screening("Selbst Beantragt GmbH"), details()))
			s.expect(1*hour, onboarding.AwaitingConfirmation, "rita.regional")
			s.act(2*hour, kam.Separation, inPlaceOf("theo.territory", confirm("tara.territory", "")))
			s.act(3*hour, "", confirm("rita.regional", ""))
			require.Equal(t, onboarding.Completed, s.run().State)
			require.Zero(t, s.count(kam.EventDelegationApplied))
		})
	}
}

// TestWhoIsAwayMayDecide himself all the same.
func TestWhoIsAwayMayDecide(t *testing.T) {
	w := newWorld(t)
	w.isAway(theoIsAway)
	s := w.onboard("rep.south", data(t, screening("Doch Da GmbH"), details()))
	s.act(1*hour, "", confirm("theo.territory", ""))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Empty(t, end.StoodIn)
	require.Empty(t, s.line(kam.EventConfirmed).OnBehalfOf)
}

// TestSubstitutionBeginsAndEndsByItself: an open task goes over when the day
// begins where he works, and comes back when it is over; the substitute then may
// no more.
func TestSubstitutionBeginsAndEndsByItself(t *testing.T) {
	w := newWorld(t)
	tuesday := theoIsAway
	tuesday.From, tuesday.To = "2026-03-03", "2026-03-03"
	w.isAway(tuesday)
	s := w.onboard("rep.south", data(t, screening("Nur Dienstag GmbH"), details()))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.at(2*hour, s.looks())
	s.expect(3*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(4*hour, kam.Forbidden, inPlaceOf("theo.territory", confirm("tara.territory", ""))) // not yet
	s.at(day, s.looks())
	s.at(day+hour/2, s.looks()) // looked at twice, moved once
	s.expect(day+1*hour, onboarding.AwaitingConfirmation, "tara.territory", "theo.territory")
	s.at(2*day, s.looks())
	s.expect(2*day+1*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(2*day+2*hour, kam.Forbidden, inPlaceOf("theo.territory", confirm("tara.territory", ""))) // no more
	s.act(2*day+3*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, 2, s.count(kam.EventTaskReassigned))
	require.Equal(t, 1, s.count(kam.EventDelegationApplied))
}

// TestSubstitutionIsTakenBackUnderway: what the transaction finds counts, also
// where the task stands at the substitute still.
func TestSubstitutionIsTakenBackUnderway(t *testing.T) {
	w := newWorld(t)
	w.isAway(theoIsAway)
	s := w.onboard("rep.south", data(t, screening("Zurueckgenommen GmbH"), details()))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "tara.territory", "theo.territory")
	s.at(2*hour, func(onboarding.Snapshot) {
		a := storetest.Act()
		a.DecisionID, a.By, a.Reason, a.May = t.Name(), "pol.admin", "he is back", access.Permit
		if _, err := w.db.Access.RemoveAbsence(t.Context(), a, "theo.territory", theoIsAway.From); err != nil {
			s.faults = append(s.faults, err.Error())
		}
	})
	s.act(3*hour, kam.Forbidden, inPlaceOf("theo.territory", confirm("tara.territory", "")))
	s.at(4*hour, s.looks())
	s.expect(5*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(6*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
}

// TestSubstitutionOutOfScope: what it does not cover goes to the next level, as
// with any absence.
func TestSubstitutionOutOfScope(t *testing.T) {
	limit := kam.DecFromInt(100)
	for name, change := range map[string]func(*accessdb.Absence){
		"another node":       func(ab *accessdb.Absence) { ab.Nodes = []string{"DE-S-01"} },
		"another kind":       func(ab *accessdb.Absence) { ab.Kinds = []kam.TaskKind{onboarding.TaskEndorsement} },
		"a lesser potential": func(ab *accessdb.Absence) { ab.MaxPotential = &limit },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ab := theoIsAway
			change(&ab)
			w.isAway(ab)
			s := w.onboard("rep.south", data(t, screening("Nicht Gemeint GmbH"), details()))
			s.expect(1*hour, onboarding.AwaitingConfirmation, "rita.regional")
			s.act(2*hour, kam.Forbidden, inPlaceOf("theo.territory", confirm("tara.territory", "")))
			s.act(3*hour, "", confirm("rita.regional", ""))
			require.Equal(t, onboarding.Completed, s.run().State)
		})
	}
}

// TestNoChainOfSubstitutes: where the substitute is away too, his own substitute
// gets nothing of it.
func TestNoChainOfSubstitutes(t *testing.T) {
	w := newWorld(t)
	w.isAway(theoIsAway)
	w.isAway(accessdb.Absence{UserID: "tara.territory", From: "2026-03-02", To: "2026-03-06", Substitute: "tom.territory"})
	s := w.onboard("rep.south", data(t, screening("Kette GmbH"), details()))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "rita.regional")
	s.act(2*hour, kam.Forbidden, inPlaceOf("tara.territory", confirm("tom.territory", "")))
	s.act(3*hour, kam.Forbidden, inPlaceOf("theo.territory", confirm("tom.territory", "")))
	s.act(4*hour, "", confirm("rita.regional", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
}

// TestSubstituteWorksForARequester: what waits for somebody as the requester waits
// for his substitute too, who may then not confirm it.
func TestSubstituteWorksForARequester(t *testing.T) {
	w := newWorld(t)
	w.isAway(theoIsAway)
	s := w.onboard("theo.territory", data(t, screening("Angefangen GmbH"), fields{"declared_potential": nil}))
	s.expect(1*hour, onboarding.DataEntry, "tara.territory", "theo.territory")
	s.act(2*hour, kam.Forbidden, onboarding.Act{Name: onboarding.ActSubmitData, By: "tara.territory"}, data(t, screening("Angefangen GmbH")))
	s.act(3*hour, "", inPlaceOf("theo.territory", onboarding.Act{Name: onboarding.ActSubmitData, By: "tara.territory"}), data(t, screening("Angefangen GmbH"), details()))
	s.expect(4*hour, onboarding.AwaitingConfirmation, "rita.regional")
	s.act(5*hour, "", confirm("rita.regional", ""))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Contains(t, end.Editors, kam.UserID("tara.territory"))
}

// TestSubstituteEndorses for a manager, whose confirmation counts as hers.
func TestSubstituteEndorses(t *testing.T) {
	w := newWorld(t)
	w.sells(kastelSales...)
	w.isAway(accessdb.Absence{UserID: "tom.territory", From: "2026-03-02", To: "2026-03-06", Substitute: "tara.territory"})
	s := w.onboard("rep.north", data(t, screening("Kastel Pharma GmbH"), details(), kastel))
	s.act(1*hour, "", confirm("tom.territory", ""))
	s.expect(2*hour, onboarding.AwaitingEndorsement, "tara.territory", "tom.territory")
	s.act(3*hour, "", inPlaceOf("tom.territory", endorse("tara.territory")))
	end := s.run()
	require.Equal(t, onboarding.AddedKA, end.Outcome)
	require.Equal(t, kam.UserID("tom.territory"), s.line(kam.EventEndorsed).OnBehalfOf)
	// Who acts for the account until its manager is named is whose post it is.
	var owner string
	require.NoError(t, storetest.Pool(t, w.db).QueryRow(t.Context(), `select owner from kam.key_account where key_account_no = $1`, end.KeyAccountNo).Scan(&owner))
	require.Equal(t, "tom.territory", owner)
}

// TestWhatIsClaimedPassesOn: a steward's substitute, who is a steward, has what
// the other had taken from the queue.
func TestWhatIsClaimedPassesOn(t *testing.T) {
	w := newWorld(t, func(o *accessdb.Org) {
		o.Users = append(o.Users, accessdb.User{ID: "stew.two", Name: "Two", Roles: []kam.Role{kam.DataSteward}, Nodes: []string{"GLOBAL"}})
	})
	w.isAway(accessdb.Absence{UserID: "stew.one", From: "2026-03-03", To: "2026-03-06", Substitute: "stew.two"})
	box := details()
	box["addresses"] = []fields{{"type": "LEGAL", "line1": "Postfach 10 20 30", "city": "München", "postal_code": "80331", "country_code": "DE"}}
	s := w.onboard("rep.south", data(t, screening("Genommen GmbH"), box))
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActClaim, By: "stew.one"})
	s.act(3*hour, kam.Claimed, onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.ClearIt, By: "stew.two", Reason: "seen"})
	s.at(day, s.reorganise(func(o *accessdb.Org) {
		o.Users = append(o.Users, accessdb.User{ID: "stew.two", Name: "Two", Roles: []kam.Role{kam.DataSteward}, Nodes: []string{"GLOBAL"}})
	}))
	s.act(day+1*hour, "", onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.ClearIt, By: "stew.two", Reason: "seen"})
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, "stew.two for stew.one", s.line(kam.EventDelegationApplied).Text)
}

// TestDeputyStandsIn: who is on the list of deputies may, whatever his level is;
// who is not may not.
func TestDeputyStandsIn(t *testing.T) {
	w := newWorld(t, func(o *accessdb.Org) { o.Deputies = []accessdb.Deputy{{Node: "DE-S-02", UserID: "rep.stuttgart"}} })
	ab := theoIsAway
	ab.Substitute = "rep.north"
	require.ErrorIs(t, w.entered(ab), kam.Separation)
	ab.Substitute = "rep.stuttgart"
	w.isAway(ab)
	s := w.onboard("rep.south", data(t, screening("Stellvertreter GmbH"), details()))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "rep.stuttgart", "theo.territory")
	s.act(2*hour, "", inPlaceOf("theo.territory", confirm("rep.stuttgart", "")))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, []kam.Role{kam.TerritoryManager}, s.line(kam.EventConfirmed).RolesUsed)
}

// TestSubstituteConfirmsAnImport for the scope of a manager who is away, unless one
// of the two has uploaded it.
func TestSubstituteConfirmsAnImport(t *testing.T) {
	away := accessdb.Absence{UserID: "nadja.national", From: "2026-03-02", To: "2026-03-20", Substitute: "nora.national"}
	t.Run("in her place", func(t *testing.T) {
		w := newBookWorld(t)
		w.isAway(away)
		b, _ := w.smallBatch(4, "stew.one")
		p := w.play(b.No)
		p.asks(1*hour, "AT: nora.national", "DE: nora.national nadja.national")
		p.confirms(2*hour, kam.Forbidden, "nora.national", "DE")
		for _, bad := range []book.BatchAct{{By: "nora.national", OnBehalfOf: "rolf.regional"}, {By: "rolf.regional", OnBehalfOf: "nadja.national"}} {
			bad.Scope, bad.Digest = "DE", current
			p.sends(3*hour, kam.Forbidden, book.UpdateConfirmBatch, bad)
		}
		p.confirms(4*hour, "", "nora.national", "AT")
		p.sends(4*hour, "", book.UpdateConfirmBatch, book.BatchAct{By: "nora.national", OnBehalfOf: "nadja.national", Scope: "DE", Digest: current})
		end := p.run()
		require.Equal(t, book.BatchApplied, end.State)
		require.Equal(t, [2]kam.UserID{"nora.national", "nadja.national"}, [2]kam.UserID{end.Scope("DE").ConfirmedBy, end.Scope("DE").ConfirmedFor})
		require.Equal(t, 1, one[int](w, `select count(*)::int from kam.audit where type = 'DELEGATION_APPLIED' and text = 'DE: nora.national for nadja.national'`))
		require.Equal(t, 1, one[int](w, `select count(*)::int from kam.audit where type = $1 and actor_id = 'nora.national' and text like 'DE%' and on_behalf_of = 'nadja.national'`, book.EventBatchConfirmed))
		v := w.verified()
		require.True(t, v.Clean, "%v", v.Breaks)
	})
	t.Run("who uploaded it", func(t *testing.T) {
		w := newBookWorld(t, func(o *accessdb.Org) {
			for i := range o.Users {
				if o.Users[i].ID == "nora.national" {
					o.Users[i].Roles = append(o.Users[i].Roles, kam.DataSteward)
				}
			}
		})
		w.isAway(away)
		b, _ := w.smallBatch(4, "nora.national")
		p := w.play(b.No)
		p.asks(1*hour, "AT: gina.global", "DE: gina.global")
		p.sends(2*hour, kam.Separation, book.UpdateConfirmBatch, book.BatchAct{By: "nora.national", OnBehalfOf: "nadja.national", Scope: "DE", Digest: current})
		p.confirms(3*hour, "", "gina.global", "AT").confirms(3*hour, "", "gina.global", "DE")
		require.Equal(t, book.BatchApplied, p.run().State)
	})
}
