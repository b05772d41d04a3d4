package service

import (
	"context"
	"slices"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// standInTasks are the kinds of task in which somebody may stand in for another.
var standInTasks = append(slices.Clone(onboarding.StandInTasks), book.TaskImport)

// standIn fills in in whose place somebody acts on a case: what waits for somebody
// who is away, and not for him himself, he does in the other's place. The
// transaction asks again ([access.Permit]); whom the organisation does not let
// stand in is refused here, before anything is signed, unless the decision is
// known already.
func (l *Local) standIn(ctx context.Context, no kam.CaseNo, act *onboarding.Act) error {
	spec, err := act.Spec()
	if err != nil {
		return err
	}
	act.OnBehalfOf, err = l.behalf(ctx, standing{
		by: act.By, giver: act.OnBehalfOf, action: spec.Action,
		at: func() (*kam.Task, string, error) {
			s, err := l.record.Cases.Case(ctx, no)
			return s.Task, s.Territory, err
		},
		known: func() (bool, error) { return l.stored(ctx, no, *act) },
	})
	return err
}

// standInOnBook is the same for the confirmation of a scope of an import.
func (l *Local) standInOnBook(ctx context.Context, b book.BatchSnapshot, act *book.BatchAct) (err error) {
	act.OnBehalfOf, err = l.behalf(ctx, standing{
		by: act.By, giver: act.OnBehalfOf, action: access.ActionImportConfirm,
		at: func() (*kam.Task, string, error) {
			if s := b.Scope(act.Scope); s != nil {
				return s.Task, s.Node, nil
			}
			return nil, "", nil
		},
		known: func() (bool, error) {
			s := b.Scope(act.Scope)
			return s != nil && s.DecisionID == act.DecisionID, nil
		},
	})
	return err
}

// A standing is what somebody does, perhaps in the place of another, whom he names
// or does not.
type standing struct {
	by, giver kam.UserID
	action    access.Action
	at        func() (*kam.Task, string, error) // the task that he decides, and the node of what it is about
	known     func() (bool, error)              // whether the decision is stored
}

// behalf is in whose place it is done, nobody's where he acts for himself.
func (l *Local) behalf(ctx context.Context, s standing) (giver kam.UserID, err error) {
	if !access.Delegable(s.action) && s.giver == "" {
		return "", nil
	}
	for try := 0; ; try++ {
		if giver, err = l.askBehalf(ctx, s); err == nil || kam.AsError(err) != nil || pause(ctx, try) != nil {
			return giver, err
		}
	}
}

func (l *Local) askBehalf(ctx context.Context, s standing) (kam.UserID, error) {
	all, err := l.record.Access.StandsIn(ctx, s.by)
	if err != nil || len(all) == 0 && s.giver == "" {
		return "", err
	}
	task, node, err := s.at()
	if err != nil {
		return "", err
	}
	giver := s.giver
	if giver == "" {
		giver = inWhosePlace(task, s.by, all)
	}
	if giver == "" {
		return "", nil
	}
	err = l.lets(ctx, s, giver, all, task, node)
	switch {
	case err == nil:
		return giver, nil
	case kam.AsError(err) == nil:
		return "", err
	case s.giver == "":
		return "", nil // not today, or not this: he acts for himself
	}
	if known, e := s.known(); known || e != nil {
		return giver, e
	}
	return giver, err
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

// lets asks whether somebody may stand in, as far as that is known at the door:
// the potential stands with the data of a case.
func (l *Local) lets(ctx context.Context, s standing, giver kam.UserID, all []Absence, task *kam.Task, node string) error {
	by, err := l.person(ctx, As(s.by))
	if err != nil {
		return err
	}
	away, err := l.record.Access.Person(ctx, giver)
	if kam.CodeOf(err) == kam.NotFound {
		return kam.Errorf(kam.Forbidden, "nobody is known as %q", giver).On("on_behalf_of")
	}
	if err != nil {
		return err
	}
	nodes, err := l.record.Access.Nodes(ctx)
	if err != nil {
		return err
	}
	today, err := l.dayOf(ctx, away, nodes)
	if err != nil {
		return err
	}
	subject := access.Subject{Assignees: task.Holders()}
	if task != nil {
		subject.Work.Kind = task.Kind
	}
	for _, n := range kam.PathOf(nodes, node) {
		subject.Work.Path = append(subject.Work.Path, n.Code)
	}
	all = slices.Clone(all)
	for i := range all {
		all[i].MaxPotential = nil
	}
	return access.ProxyOf(all, away, by.ID, today, subject.Work).Lets(by, s.action, subject)
}

// dayOf is what day it is where a person works.
func (l *Local) dayOf(ctx context.Context, p kam.Person, nodes []kam.TerritoryNode) (string, error) {
	calendars, err := l.record.Access.Calendars(ctx)
	if err != nil {
		return "", err
	}
	now, err := l.record.Now(ctx)
	if err != nil {
		return "", err
	}
	now = now.UTC()
	if len(p.Nodes) > 0 {
		for _, n := range kam.PathOf(nodes, p.Nodes[0]) {
			if c, ok := calendars[n.Calendar]; ok {
				now = now.In(c.Location)
				break
			}
		}
	}
	return now.Format(time.DateOnly), nil
}
