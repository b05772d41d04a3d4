package activities

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// workOf is what a task of the case is about, as substitutions see it: the case
// stands in its territory, whoever decides.
func (lk *lookup) workOf(kind kam.TaskKind) (access.Work, error) {
	w := access.Work{Kind: kind}
	if units, ok := lk.potentialUnits(); ok {
		w.Potential = &units
	}
	if lk.Case.Territory == "" || lk.Case.Territory == route.Unassigned {
		return w, nil
	}
	chain, err := lk.Org.Chain(lk.Case.Territory)
	for _, n := range chain {
		w.Path = append(w.Path, n.Code)
	}
	return w, err
}

// proxy is in whose place an act is done, as the tables say now: an absence that
// has ended since the act was signed counts no more.
func (lk *lookup) proxy(act onboarding.Act, work access.Work) (*access.Proxy, error) {
	giver, err := lk.Org.Person(act.OnBehalfOf)
	if kam.CodeOf(err) == kam.NotFound {
		return nil, kam.Errorf(kam.Forbidden, "nobody is known as %q", act.OnBehalfOf).On("on_behalf_of")
	}
	if err != nil {
		return nil, err
	}
	return lk.Proxy(giver, act.By, work)
}

// inPlace carries out what somebody does in the place of a person who is away. The
// case keeps both names, for separation of duties (SOD7), and the other is told.
func (w *work) inPlace(d doing) error {
	pair := kam.StandIn{By: d.By, For: d.OnBehalfOf}
	if !slices.Contains(w.Case.StoodIn, pair) {
		w.Case.StoodIn = append(w.Case.StoodIn, pair)
	}
	if w.Case.Task == nil || !slices.Contains(w.Case.Task.StandIns, pair) { // he is away since a moment ago
		w.applied(pair)
	}
	if err := w.do(d); err != nil {
		return err
	}
	return w.notify("task.decided", kam.Say("%s: %s has acted for you: %s", w.Case.CaseNo, d.By, kam.Word(d.Name.Words())), d.OnBehalfOf)
}

// allowed is whom separation of duties lets have a task of a kind.
func (w *work) allowed(kind kam.TaskKind) func(kam.UserID) error {
	switch kind {
	case onboarding.TaskConfirmation:
		return w.mayConfirm
	case onboarding.TaskEndorsement:
		return w.mayEndorse
	default:
		return func(kam.UserID) error { return nil }
	}
}

// standIn puts on record who has the open task in somebody's place, and tells him
// who is away: those who had it before are on record.
func (w *work) standIn(had []kam.StandIn) error {
	for _, pair := range w.Case.Task.StandIns {
		if slices.Contains(had, pair) {
			continue
		}
		w.applied(pair)
		if err := w.notify("task.delegated", kam.Say("%s waits for %s, who stands in for you; you may decide as well", w.Case.CaseNo, pair.By), pair.For); err != nil {
			return err
		}
	}
	return nil
}

// tellAssignees tells those who have the open task; who has it in somebody's place
// hears in whose.
func (w *work) tellAssignees(what kam.Sentence, to []kam.UserID) error {
	var own []kam.UserID
	for _, u := range to {
		giver := w.Case.Task.StandsInFor(u)
		if giver == "" {
			own = append(own, u)
			continue
		}
		if err := w.notify("task.opened", kam.Say("%s; you stand in for %s", what, giver), u); err != nil {
			return err
		}
	}
	if len(own) == 0 && len(to) > 0 {
		return nil
	}
	return w.notify("task.opened", what, own...)
}

func (w *work) applied(pair kam.StandIn) {
	w.Log(kam.AuditEvent{Type: kam.EventDelegationApplied, Actor: kam.System, Text: pair.String()})
}

// claimPasses gives what somebody has claimed, who is away, to who stands in for
// him: it is then that one's to decide.
func (w *work) claimPasses(t *kam.Task) (bool, error) {
	in, _, err := w.StandIn(t.ClaimedBy, t.Kind, func(u kam.UserID) error {
		return onboarding.CheckSeparation(onboarding.Act{Name: onboarding.ActDecideValidation, By: u}, *w.Case)
	})
	if err != nil || in.ID == "" || !in.Is(kam.Role(t.Queue)) {
		return false, err
	}
	pair := kam.StandIn{By: in.ID, For: t.ClaimedBy}
	t.ClaimedBy = in.ID
	w.applied(pair)
	if err := w.UpdateTask(); err != nil {
		return false, err
	}
	if err := w.notify("task.delegated", kam.Say("%s waits for %s, who stands in for you; you may decide as well", w.Case.CaseNo, pair.By), pair.For); err != nil {
		return false, err
	}
	return true, w.notify("task.opened", kam.Say("%s waits for you", w.Case.CaseNo), in.ID)
}

func givers(in []kam.StandIn) []kam.UserID {
	var all []kam.UserID
	for _, s := range in {
		all = append(all, s.For)
	}
	return all
}

// changedStandIns says, for the trail, how those who stand in have changed; empty
// where they have not.
func changedStandIns(had, have []kam.StandIn) string {
	var lines []string
	for _, s := range have {
		if !slices.Contains(had, s) {
			lines = append(lines, kam.Note("%s stands in for %s", s.By, s.For))
		}
	}
	for _, s := range had {
		if !slices.Contains(have, s) {
			lines = append(lines, kam.Note("%s stands in for %s no more", s.By, s.For))
		}
	}
	return strings.Join(lines, "; ")
}
