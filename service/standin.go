package service

import (
	"context"
	"slices"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// standIn fills in in whose place somebody acts, and returns in whose roles that
// is: what waits for somebody who is away, and not for him himself, he does in
// the other's place. The transaction asks again ([access.Permit]); whom the
// organisation does not let stand in is refused here, before anything is signed,
// unless the decision is known already.
func (l *Local) standIn(ctx context.Context, by kam.Person, no kam.CaseNo, act *onboarding.Act) (kam.Person, error) {
	spec, err := act.Spec()
	if err != nil || !access.Delegable(spec.Action) && act.OnBehalfOf == "" {
		return by, err
	}
	all, err := l.record.Access.StandsIn(ctx, act.By)
	if err != nil || len(all) == 0 && act.OnBehalfOf == "" {
		return by, err
	}
	s, err := l.record.Cases.Case(ctx, no)
	if err != nil {
		return by, err
	}
	giver := act.OnBehalfOf
	if giver == "" {
		giver = inWhosePlace(s.Task, act.By, all)
	}
	if giver == "" {
		return by, nil
	}
	if by.ID == "" { // nothing is signed
		if by, err = l.record.Access.Person(ctx, act.By); err != nil {
			return by, err
		}
	}
	p, err := l.record.Access.Person(ctx, giver)
	if kam.CodeOf(err) == kam.NotFound {
		err = kam.Errorf(kam.Forbidden, "nobody is known as %q", giver).On("on_behalf_of")
	}
	if err != nil {
		return by, err
	}
	if err := l.lets(ctx, by, p, all, spec.Action, s); err != nil {
		if act.OnBehalfOf == "" {
			return by, nil // not today, or not this: he acts for himself
		}
		if known, e := l.stored(ctx, no, *act); known || e != nil {
			return p, e
		}
		l.recordRefusal(ctx, no, *act, kam.AsError(err))
		return by, err
	}
	act.OnBehalfOf = giver
	return p, nil
}

// inWhosePlace is whose a task is that somebody has not himself, but of whom he is
// the substitute; nobody's where there is none.
func inWhosePlace(t *kam.Task, by kam.UserID, all []Absence) kam.UserID {
	if giver := t.StandsInFor(by); giver != "" {
		return giver
	}
	holders := t.Holders()
	if slices.Contains(holders, by) {
		return ""
	}
	for _, ab := range all {
		// The task is not at the substitute yet. How far the potential lets it go is
		// not known here.
		if ab.MaxPotential == nil && slices.Contains(holders, ab.UserID) {
			return ab.UserID
		}
	}
	return ""
}

// lets asks whether somebody may stand in on a case, as far as that is known at
// the door: the potential stands with the data of the case.
func (l *Local) lets(ctx context.Context, by, giver kam.Person, all []Absence, action access.Action, s onboarding.Snapshot) error {
	nodes, err := l.record.Access.Nodes(ctx)
	if err != nil {
		return err
	}
	calendars, err := l.record.Access.Calendars(ctx)
	if err != nil {
		return err
	}
	subject := access.Subject{Assignees: s.Task.Holders()}
	if s.Task != nil {
		subject.Work.Kind = s.Task.Kind
	}
	for _, n := range kam.PathOf(nodes, s.Territory) {
		subject.Work.Path = append(subject.Work.Path, n.Code)
	}
	day, err := l.record.Now(ctx)
	if err != nil {
		return err
	}
	day = day.UTC()
	if len(giver.Nodes) > 0 {
		for _, n := range kam.PathOf(nodes, giver.Nodes[0]) {
			if c, ok := calendars[n.Calendar]; ok {
				day = day.In(c.Location)
				break
			}
		}
	}
	all = slices.Clone(all)
	for i := range all {
		all[i].MaxPotential = nil
	}
	x := access.ProxyOf(all, giver, by.ID, day.Format(time.DateOnly), subject.Work)
	return x.Lets(by, action, subject)
}
