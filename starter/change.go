package main

import (
	"context"
	"slices"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// change is what a case on an existing customer changes, nil where it has not
// looked at the customer yet or is about a new one.
func (a *app) change(ctx context.Context, back backend, v store.CaseView) (*parties.Change, error) {
	if v.Snapshot.BaseVersion == 0 {
		return nil, nil //nolint:nilnil // most cases change no customer
	}
	base, ok, err := back.BaseOf(ctx, v.Snapshot.CaseNo)
	if err != nil || !ok {
		return nil, unreachable("PostgreSQL", err)
	}
	now, err := back.CustomerRecord(ctx, v.Snapshot.CommittedAs)
	if err != nil {
		return nil, unreachable("PostgreSQL", err)
	}
	c := parties.ChangeOf(base, now, v.Request)
	return &c, nil
}

// conflicts says whether somebody else changed the customer while the case is
// still to commit. A review has nothing of its own that could conflict.
func conflicts(s kam.Snapshot, c *parties.Change) bool {
	return c != nil && s.Type != kam.Reclassify && !s.State.Ended() && !s.State.AfterCommit() && c.CurrentVersion != c.BaseVersion
}

// printChange shows before and after, or the three versions where they
// conflict.
func (a *app) printChange(s kam.Snapshot, c *parties.Change) {
	if c == nil {
		return
	}
	if conflicts(s, c) {
		a.conflict(c)
		return
	}
	t := term.NewTable(text.Say("label.field"), text.Say("label.before"), text.Say("label.after"))
	if s.Type == kam.Deactivate {
		t.Row("lifecycle_status *", string(kam.Active), string(kam.Inactive))
	}
	for _, f := range c.Fields {
		if f.Mine {
			t.Row(starred(f), oneLine(f.Base), oneLine(f.Request))
		}
	}
	a.section(text.Say("label.changes"), t)
}

func (a *app) conflict(c *parties.Change) {
	t := term.NewTable(text.Say("label.field"), text.Say("conflict.base", c.BaseVersion), text.Say("conflict.current", c.CurrentVersion), text.Say("conflict.request"), text.Say("conflict.clash"))
	for _, f := range c.Fields {
		was, wanted, clash := oneLine(f.Base), "", ""
		if f.Field == "contacts" && f.Theirs {
			was = text.Say("conflict.gone") // persons are not kept with a case
		}
		if f.Mine {
			wanted = oneLine(f.Request)
		}
		if f.Mine && f.Theirs && f.Current != f.Request {
			clash = text.Say("conflict.both")
		}
		t.Row(starred(f), was, oneLine(f.Current), wanted, clash)
	}
	a.section(text.Say("conflict.title", c.BaseVersion, c.CurrentVersion), t)
}

// starred marks a material field as the form does.
func starred(f parties.FieldVersions) string {
	if f.Material {
		return f.Field + " *"
	}
	return f.Field
}

// mayFollow says whether who asks may read what happened to a case: with its
// data, or without them as operators do.
func (a *app) mayFollow(ctx context.Context, back backend, no kam.CaseNo, withData bool) error {
	if a.as == "" {
		return nil
	}
	s, err := back.Case(ctx, no)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	if withData {
		return a.mayRead(ctx, back, s)
	}
	_, err = a.reads(ctx, back, s)
	return err
}

// mayReadBatch asks the same for the rows of an import: whoever may upload or
// confirm one of its scopes may read it.
func (a *app) mayReadBatch(ctx context.Context, back backend, b kam.BatchSnapshot) error {
	if a.as == "" || kam.UserID(a.as) == b.Uploader {
		return nil
	}
	who, err := back.Person(ctx, kam.UserID(a.as))
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	nodes, err := back.Nodes(ctx)
	if err != nil {
		return unreachable("PostgreSQL", err)
	}
	_, err = kam.Permit(who, kam.ActionImportRead, kam.Subject{})
	for _, scope := range b.Scopes {
		if err == nil {
			break
		}
		var subject kam.Subject
		for _, n := range kam.PathOf(nodes, scope.Node) {
			subject.Path, subject.Levels = append(subject.Path, n.Code), append(subject.Levels, n.Level)
		}
		_, err = kam.Permit(who, kam.ActionImportRead, subject)
	}
	return err
}

// mayRead asks whether the person named by --as may read the data of a case; who
// names nobody reads as the machine's owner. The refusal says why not.
func (a *app) mayRead(ctx context.Context, back backend, s kam.Snapshot) error {
	if a.as == "" {
		return nil
	}
	role, err := a.reads(ctx, back, s)
	if err == nil && role == kam.Operator {
		return kam.Errorf(kam.Forbidden, "an operator reads cases without customer data")
	}
	return err
}

// reads is the role in which the matrix of permissions lets the person named by
// --as read a case, none for who is asked to decide on it.
func (a *app) reads(ctx context.Context, back backend, s kam.Snapshot) (kam.Role, error) {
	who, err := back.Person(ctx, kam.UserID(a.as))
	if err != nil {
		return "", unreachable("PostgreSQL", err)
	}
	nodes, err := back.Nodes(ctx)
	if err != nil {
		return "", unreachable("PostgreSQL", err)
	}
	subject := kam.Subject{Requester: s.Requester, Owner: s.OwnerID, Referred: s.Recommended == kam.ReferCompliance}
	if s.Task != nil {
		subject.Assignees = s.Task.Assignees
	}
	for _, n := range kam.PathOf(nodes, s.Territory) {
		subject.Path, subject.Levels = append(subject.Path, n.Code), append(subject.Levels, n.Level)
	}
	role, err := kam.Permit(who, kam.ActionRead, subject)
	if err != nil && slices.Contains(subject.Assignees, who.ID) {
		return "", nil // who is asked to decide sees on what
	}
	return role, err
}
