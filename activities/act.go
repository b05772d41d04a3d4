package activities

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/activities/internal/stage"
	"github.com/kamflow/kamflow/internal/failpoint"
	"github.com/kamflow/kamflow/internal/span"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// RecordAct stores what a person did (P2.8). State, revision and separation of
// duties are tested again inside the transaction, role and territory are
// looked up there, and the case moves in the same commit. A refusal is stored
// too, with its reason. Its business key is the decision id that the client
// made: the same act again returns the stored answer, whoever sends it. Only an
// act that is not stored yet is judged, first by its signature; the time that
// counts is when it reached the workflow.
func (a *Activities) RecordAct(ctx context.Context, in onboarding.ActInput) (onboarding.Progress, error) {
	failpoint.Hit("act/before")
	e := effectOf(in.CaseNo, in.Act)
	e.Known, e.Signal, e.At, e.Signed = in.Known, in.Signal, in.Now, in.Act.Signed
	p, err := a.Store.Cases.Effect(ctx, e, a.within(hit(func(w *work) error {
		if err := a.Signatures.Verify(in.Now, in.Act.Signed, signed.OfAct(in.CaseNo, in.Act, in.Signal > 0)); err != nil {
			return err
		}
		return w.act(in.Act)
	}, "act/in-tx")))
	span.NoteProgress(ctx, p)
	if err == nil {
		failpoint.Hit("act/after-commit")
	}
	if e := kam.AsError(err); in.Signal > 0 && e != nil && e.Code == kam.IDReused {
		// The client records the refusal of an update. Nobody but this stage can
		// record that of a signal.
		err = errors.Join(err, a.Store.Cases.RefuseSignal(ctx, in.CaseNo, in.Act, e, in.Now, in.Signal))
	}
	return p, stage.ToTemporal(err)
}

// MayAct asks all that RecordAct will ask of an act but for its signature, and
// says in what the person acts. Nothing is changed. Of an act that is stored
// already nothing is asked, nor of one on a case that was never opened.
func (a *Activities) MayAct(ctx context.Context, no kam.CaseNo, act onboarding.Act) (in access.Acting, err error) {
	err = a.Store.Cases.Ask(ctx, effectOf(no, act), a.within(func(w *work) error {
		if w.Version() == 0 {
			return nil
		}
		w.At, w.moved = w.DBNow(), nil
		err := w.act(act)
		in = w.acting
		return err
	}))
	return in, err
}

// MayActOnImport is MayAct for an act on an import.
func (a *Activities) MayActOnImport(ctx context.Context, no book.BatchNo, act book.BatchAct) (access.Acting, error) {
	return a.Imports().MayAct(ctx, no, act)
}

func effectOf(no kam.CaseNo, act onboarding.Act) ledger.Effect {
	return ledger.Effect{
		Subject: casedb.Of(no), With: casedb.Of(act.Other()), Key: "act/" + act.DecisionID, Digest: act.Digest(), People: true, By: act.By,
	}
}

func (w *work) act(act onboarding.Act) error {
	if err := act.CheckAgainst(*w.Case); err != nil {
		return err
	}
	spec, err := act.Spec()
	if err != nil {
		return err
	}
	who, err := w.Org.Person(act.By)
	if kam.CodeOf(err) == kam.NotFound {
		return kam.Errorf(kam.Forbidden, "nobody is known as %q", act.By).On("by")
	}
	if err != nil {
		return err
	}
	subject, err := w.subject(act)
	if err != nil {
		return err
	}
	action := spec.Action
	if action == "" && w.Case.Task != nil {
		action = onboarding.ActionOf(w.Case.Task.Kind)
	}
	if w.acting, err = access.Acts(who, action, subject); err != nil {
		return err
	}
	d := doing{Act: act, event: spec.Event, role: w.acting.Role, who: who, subject: subject}
	switch act.Name {
	case onboarding.ActSubmitData, onboarding.ActSubmitDetails, onboarding.ActAmendMaterial:
		return w.submit(d)
	case onboarding.ActResolveDuplicate:
		return w.resolveDuplicate(d)
	case onboarding.ActDecideConfirmation:
		return w.confirm(d)
	case onboarding.ActDecideCompliance:
		return w.decideCompliance(d)
	case onboarding.ActDecideValidation:
		return w.decideValidation(d)
	case onboarding.ActDecideEndorsement:
		return w.decideEndorsement(d)
	case onboarding.ActWithdraw:
		return w.move(d.event, w.facts(), d.log(kam.EventWithdrawn))
	case onboarding.ActReassign:
		return w.reassign(d)
	case onboarding.ActComment:
		w.Log(d.log(kam.EventCommented))
		return nil
	case onboarding.ActRetry:
		return w.retry(d)
	case onboarding.ActClaim, onboarding.ActRelease:
		return w.claim(d)
	case onboarding.ActReevaluate:
		return w.reevaluate(d)
	case onboarding.ActCancel:
		return w.cancel(d)
	default:
		return kam.Errorf(kam.Invalid, "%s is not an act on a case", act.Name)
	}
}

// doing is an act with what it brings about, and the role it is done in.
type doing struct {
	onboarding.Act
	event onboarding.Event
	role  kam.Role
	// Who acts, and on what, for what an act holds besides.
	who     kam.Person
	subject access.Subject
}

// log is the audit event of the act.
func (d doing) log(t kam.EventType) kam.AuditEvent {
	return kam.AuditEvent{Type: t, Actor: d.By, RolesUsed: []kam.Role{d.role}, DecisionID: d.DecisionID, ReasonCode: d.ReasonCode, Text: d.Reason}
}

// subject is the case as the permission matrix sees it.
func (lk *lookup) subject(act onboarding.Act) (access.Subject, error) {
	s := access.Subject{
		Requester: lk.Case.Requester, Owner: lk.Case.OwnerID, Tier: lk.Case.Tier, Level: kam.LevelTerritory,
		Endorsed: len(lk.Case.Endorsed), Referred: lk.Case.Recommended == kam.ReferCompliance,
	}
	requester, err := lk.Org.Person(lk.Case.Requester)
	if err != nil && kam.CodeOf(err) != kam.NotFound {
		return s, err
	}
	s.RequesterManager = requester.ManagerID // nobody's, where the requester is not known any more
	node := lk.Case.Territory
	level := kam.NodeLevel("")
	if act.Name == onboarding.ActDecideConfirmation {
		if node, level, err = lk.confirmingPlace(); err != nil {
			return s, err
		}
	}
	if act.Name == onboarding.ActDecideEndorsement {
		node = lk.endorsingNode()
	}
	var chain []kam.TerritoryNode
	if node != "" && node != route.Unassigned {
		if chain, err = lk.Org.Chain(node); err != nil {
			return s, err
		}
		for _, n := range chain {
			s.Path, s.Levels = append(s.Path, n.Code), append(s.Levels, n.Level)
		}
	}
	if t := lk.Case.Task; t != nil {
		s.Assignees = route.Named(*t, chain)
		if t.Kind == onboarding.TaskConfirmation {
			s.Level = cmp.Or(level, lk.confirmingLevel())
		}
		if t.Kind == onboarding.TaskEndorsement {
			s.Level = lk.nextEndorser().level
		}
		if t.Kind == onboarding.TaskValidation {
			s.Rule = lk.rulesToWaive(act)
		}
		// The stewards are asked only where a candidate is CERTAIN. That it is
		// another customer is theirs to say, and that somebody else's request
		// counts in its place; to take an existing customer is not.
		s.Certain = t.Queue == string(kam.DataSteward) && (act.Verdict == onboarding.NotDuplicate || act.Verdict == onboarding.SameRequest)
		if act.Name == onboarding.ActClaim || act.Name == onboarding.ActRelease {
			s.Rule = lk.rulesToWaive(onboarding.Act{Name: onboarding.ActDecideValidation})
		}
	}
	return s, nil
}

// reassign gives the open task to another eligible person: one of those who
// have it gives away his part, and the others keep theirs; whoever is above
// them, or a policy_admin, moves it as a whole.
func (w *work) reassign(d doing) error {
	t := w.Case.Task
	if t == nil {
		return kam.Errorf(kam.WrongState, "no task is open")
	}
	target, err := w.Org.Person(d.Assignee)
	if kam.CodeOf(err) == kam.NotFound || err == nil && !target.Active {
		return kam.Errorf(kam.Invalid, "nobody who works here is known as %q", d.Assignee).On("assignee")
	}
	if err != nil {
		return err
	}
	decide, action := onboarding.ActDecideConfirmation, onboarding.ActionOf(t.Kind)
	if t.Kind == onboarding.TaskEndorsement {
		decide = onboarding.ActDecideEndorsement
	}
	s, err := w.subject(onboarding.Act{Name: decide})
	if err != nil {
		return err
	}
	s.Assignees = append(s.Assignees, target.ID)
	if _, err := access.Permit(target, action, s); err != nil {
		return err
	}
	if err := w.move(d.event, w.facts(), d.log(kam.EventTaskReassigned)); err != nil {
		return err
	}
	to := []kam.UserID{target.ID}
	if slices.Contains(t.Assignees, d.By) {
		to = append(to, without(t.Assignees, []kam.UserID{d.By, target.ID})...)
	}
	t.Assignees, t.Queue, t.ByHand = to, "", true
	if err := w.PassOn(t, target); err != nil {
		return err
	}
	t.AddressTo(target.ID, "")
	if err := w.UpdateTask(); err != nil {
		return err
	}
	return w.notify("task.opened", kam.Say("%s was given to you", w.Case.CaseNo), target.ID)
}

// retry takes a parked case back to the state in which the stage failed.
func (w *work) retry(d doing) error {
	if err := w.move(d.event, w.facts(), d.log(kam.EventRetried)); err != nil {
		return err
	}
	w.Case.ResumeState = ""
	return nil
}
