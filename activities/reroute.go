package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// Reroute looks again at whom the open task of a case waits for, after people
// or territories changed (P2.7): a leaver's tasks go to his manager, his
// requests too; a task moves with its territory and its post, with a notice;
// what was decided stays. Where nothing is to be moved it changes nothing.
func (a *Activities) Reroute(ctx context.Context, in onboarding.StageInput) (onboarding.Progress, error) {
	return a.stage(ctx, onboarding.StageReroute, in, func(w *work) error {
		moved, err := w.reroute()
		if err == nil && !moved {
			w.NoChange()
		}
		return err
	})
}

// Misrouted lists the open cases that Reroute would change. It changes nothing.
// A case that cannot be read is passed over and reported at the end: the others
// are listed all the same.
func (a *Activities) Misrouted(ctx context.Context, now time.Time) ([]kam.CaseNo, error) {
	open, err := a.Store.Cases.PersonalTasks(ctx)
	if err != nil {
		return nil, err
	}
	var out []kam.CaseNo
	var unread []error
	for _, no := range open {
		moved := false
		err := a.Store.Cases.Peek(ctx, no, now, func(ctx context.Context, tx *casedb.Tx) error {
			w, err := a.open(tx)
			if err == nil {
				moved, err = w.reroute()
			}
			return err
		})
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err != nil {
			unread = append(unread, fmt.Errorf("look at %s: %w", no, err))
		}
		if err == nil && moved {
			out = append(out, no)
		}
	}
	return out, errors.Join(unread...)
}

func (w *work) reroute() (bool, error) {
	t := w.Case.Task
	if t == nil || w.Case.State.Kind() != kam.Human {
		return false, nil
	}
	moved, err := w.handOverOpenRequest()
	if err != nil {
		return false, err
	}
	if t.ClaimedBy != "" {
		who, err := w.Org.Person(t.ClaimedBy)
		if err != nil && kam.CodeOf(err) != kam.NotFound {
			return false, err
		}
		if !who.Active {
			w.Log(kam.AuditEvent{Type: kam.EventTaskReleased, Actor: kam.System, Text: kam.Note("%s has left", t.ClaimedBy)})
			t.ClaimedBy = ""
			return true, w.UpdateTask()
		}
	}
	var again bool
	switch t.Kind {
	case onboarding.TaskConfirmation, onboarding.TaskEndorsement:
		again, err = w.rerouteManagers(t)
	case onboarding.TaskDataEntry, onboarding.TaskChanges, onboarding.TaskCompletion, onboarding.TaskDuplicateReview:
		again, err = w.rerouteRequester(t)
	}
	return moved || again, err
}

// handOverOpenRequest gives a leaver's request to his manager (P2.7).
func (w *work) handOverOpenRequest() (bool, error) {
	if w.Case.Requester == kam.System {
		return false, nil
	}
	who, err := w.Org.ActiveOrAbove(w.Case.Requester)
	if err != nil || who.ID == "" || who.ID == w.Case.Requester {
		return false, err
	}
	return true, w.handOverRequest(who)
}

func (w *work) handOverRequest(to kam.Person) error {
	from := w.Case.Requester
	if to.ID == from {
		return nil
	}
	w.Case.Requester = to.ID
	w.Log(kam.AuditEvent{Type: kam.EventRequestMoved, Actor: kam.System, Text: kam.Note("%s has left", from) + ": " + string(to.ID)})
	return w.notify("request.moved", kam.Say("%s: the request of %s is yours now", w.Case.CaseNo, from), to.ID)
}

// rerouteRequester gives the requester's work to whoever has his request now:
// the policy admins get a notice where nobody above a leaver is left.
func (w *work) rerouteRequester(t *kam.Task) (bool, error) {
	if t.Queue != "" && t.Queue != kam.QueueUnrouted {
		return false, nil
	}
	who, err := w.Org.ActiveOrAbove(w.Case.Requester)
	if err != nil {
		return false, err
	}
	why, unrouted := kam.Note("the requester has left"), t.Queue == kam.QueueUnrouted
	switch {
	case who.ID == "" && unrouted, slices.Equal(t.Assignees, []kam.UserID{who.ID}):
		return false, nil
	case who.ID == "":
		t.Queue = kam.QueueUnrouted
		if err := w.giveTo(t, nil, why); err != nil {
			return false, err
		}
		return true, w.notifyVacancies([]string{w.nobodyLeft()})
	case unrouted:
		why = kam.Note("somebody is there again")
	}
	if err := w.PassOn(t, who); err != nil {
		return false, err
	}
	return true, w.giveTo(t, []kam.UserID{who.ID}, why)
}

// rerouteManagers keeps those who may still decide, and brings the manager in
// whose task it is now: the next level at once where all of them are absent.
// Who is absent keeps the right to decide.
func (w *work) rerouteManagers(t *kam.Task) (bool, error) {
	relocated, err := w.relocate(t)
	if err != nil {
		return false, err
	}
	node, level, err := w.confirmingPlace()
	if err != nil {
		return false, err
	}
	allowed, sla := w.mayConfirm, w.Pol.SLA.Confirmation
	if t.Kind == onboarding.TaskEndorsement {
		e := w.nextEndorser()
		node, level, allowed, sla = e.node, e.level, w.mayEndorse, w.Pol.SLA.Endorsement
	}
	chain, err := w.Org.Chain(node)
	if err != nil {
		return false, err
	}
	s, ok, err := w.SeatFrom(chain, level, allowed)
	if err != nil {
		return false, err
	}
	var stay, here []kam.UserID // here: those of them who are not absent today
	posts := map[kam.UserID]string{}
	for _, u := range t.Assignees {
		p, err := w.Org.Person(u)
		if err != nil && kam.CodeOf(err) != kam.NotFound {
			return false, err
		}
		post := postOf(u, chain, t.Posts[u])
		if !p.Active || !t.ByHand && post == "" || allowed(u) != nil {
			continue
		}
		if post != "" && !t.ByHand {
			posts[u] = post
		}
		stay = append(stay, u)
		away, err := w.Away(p)
		if err != nil {
			return false, err
		}
		if !away {
			here = append(here, u)
		}
	}
	want := stay
	if ok && !slices.Contains(stay, s.Person.ID) && !(t.ByHand && len(here) > 0) && !askedUpTo(here, chain, s) {
		want = append([]kam.UserID{s.Person.ID}, stay...)
		posts[s.Person.ID] = s.Node.Code
	}
	byOther := func(u kam.UserID) bool { return t.Posts[u] != "" && t.Posts[u] != posts[u] }
	if slices.Equal(want, t.Assignees) && !slices.ContainsFunc(want, byOther) {
		return relocated, nil
	}
	if len(want) == 0 {
		t.Queue, t.Level, t.Posts = kam.QueueUnrouted, kam.LevelGlobal, nil
		if err := w.giveTo(t, nil, strings.Join(s.Passed, "; ")); err != nil {
			return false, err
		}
		return true, w.notifyVacancies(append([]string{kam.Note("nobody may take the task")}, s.Passed...))
	}
	why := kam.Note("the organisation changed")
	if slices.Contains(want, s.Person.ID) && !slices.Contains(t.Assignees, s.Person.ID) {
		if len(s.Passed) > 0 {
			why = strings.Join(s.Passed, "; ")
			t.Note = why
		}
		if len(stay) == 0 || t.Level.Rank() < s.Node.Level.Rank() {
			t.Level, t.Node = s.Node.Level, s.Node.Code
		}
		if err := w.FreshDeadlines(t, sla, s.Person); err != nil {
			return false, err
		}
	}
	t.Queue, t.ByHand, t.Posts = "", t.ByHand && len(stay) > 0, posts
	return true, w.giveTo(t, want, why)
}

// postOf is the post of a chain by which somebody has a task: the one that he had
// it by, else his lowest; "" for who holds none.
func postOf(u kam.UserID, chain []kam.TerritoryNode, had string) (post string) {
	for _, n := range chain {
		if n.ManagerID == u && (post == "" || n.Code == had) {
			post = n.Code
		}
	}
	return post
}

// askedUpTo says whether one of those who are here stands at or below the seat:
// then nobody new is brought in.
func askedUpTo(here []kam.UserID, chain []kam.TerritoryNode, s route.Seat) bool {
	for _, n := range chain {
		if slices.Contains(here, n.ManagerID) && n.Level.Rank() <= s.Node.Level.Rank() {
			return true
		}
	}
	return false
}

// relocate resolves the territory of a party again while no customer is
// committed: the tree or the rules of assignment may have been redrawn.
func (w *work) relocate(t *kam.Task) (bool, error) {
	if t.Kind != onboarding.TaskConfirmation || w.Case.Type == kam.Deactivate {
		return false, nil
	}
	was, owner := w.Case.Territory, w.Case.OwnerID
	if err := w.place(); err != nil {
		return false, err
	}
	w.Case.OwnerID = owner
	if w.Case.Territory == was {
		return false, nil
	}
	w.Log(kam.AuditEvent{Type: kam.EventTerritoryResolved, Step: "1.1.3", Actor: kam.System, Text: was + " → " + w.Case.Territory})
	return true, nil
}

// giveTo moves the open task, and sends a notice to both sides.
func (w *work) giveTo(t *kam.Task, to []kam.UserID, why string) error {
	before := t.Assignees
	t.Assignees = to
	if len(to) > 0 {
		t.Queue = ""
	}
	w.Log(kam.AuditEvent{Type: kam.EventTaskReassigned, Actor: kam.System, ReasonCode: "ORGANISATION", Text: why + ": " + route.WaitingFor(*t)})
	if err := w.UpdateTask(); err != nil {
		return err
	}
	if err := w.notify("task.moved", kam.Say("%s waits for somebody else now", w.Case.CaseNo), without(before, to)...); err != nil {
		return err
	}
	return w.notify("task.opened", kam.Say("%s waits for you", w.Case.CaseNo), without(to, before)...)
}

func without(list, those []kam.UserID) []kam.UserID {
	return slices.DeleteFunc(slices.Clone(list), func(u kam.UserID) bool { return slices.Contains(those, u) })
}
