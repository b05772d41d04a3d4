package service

import (
	"cmp"
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// A HandOver gives all open tasks of whoever asks to a colleague, for a leave. A
// DecisionID that is sent again goes on where it stopped.
type HandOver struct {
	DecisionID string     `json:"decision_id"`
	To         kam.UserID `json:"to"`
	Reason     string     `json:"reason"`
}

// HandedOver is what came of it, task by task. Those that stay say why; what was
// not reached in time is counted in Rest, and the same order goes on with it.
type HandedOver struct {
	To    kam.UserID   `json:"to"`
	Moved []HandedTask `json:"moved"`
	Left  []HandedTask `json:"left"`
	Rest  int          `json:"rest,omitempty"`
}

// A HandedTask is one task of somebody who hands over, and what stands against
// it.
type HandedTask struct {
	ID      string       `json:"task_id"`
	CaseNo  kam.CaseNo   `json:"case_no"`
	Subject string       `json:"subject,omitempty"` // of a task that outlives its case
	Kind    kam.TaskKind `json:"kind"`
	Post    string       `json:"post,omitempty"` // by which it was his
	Cause   *kam.Error   `json:"cause,omitempty"`
}

// HandOver moves each task that the colleague may have by an act of its own, so
// that each is signed, tested and on record by itself. An outage ends it, with
// what was done until then.
func (l *Local) HandOver(ctx context.Context, who Principal, o HandOver) (HandedOver, error) {
	p, err := l.person(ctx, who)
	if err != nil {
		return HandedOver{}, err
	}
	o.DecisionID = cmp.Or(o.DecisionID, NewDecisionID())
	if err := kam.CheckKey("decision_id", o.DecisionID); err != nil {
		return HandedOver{}, err
	}
	if o.Reason == "" {
		return HandedOver{}, kam.Errorf(kam.Invalid, "is missing").On("reason").Try("say why, as: on leave until 6 January")
	}
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	to, err := l.record.Access.Person(ctx, o.To)
	switch {
	case kam.CodeOf(err) == kam.NotFound || err == nil && !to.Active:
		return HandedOver{}, kam.Errorf(kam.Invalid, "nobody who works here is known as %q", kam.Clip(string(o.To), 80)).On("to")
	case err != nil:
		return HandedOver{}, err
	case to.ID == p.ID:
		return HandedOver{}, kam.Errorf(kam.Invalid, "%s has the tasks already", to.ID).On("to").Try("name a colleague")
	}
	mine, err := l.record.Cases.Inbox(ctx, p.ID)
	if err != nil {
		return HandedOver{}, err
	}
	done := HandedOver{To: to.ID, Moved: []HandedTask{}, Left: []HandedTask{}}
	for _, item := range mine {
		if item.Mine && item.Task.Kind != onboarding.TaskDraftOffer {
			done.Rest++
		}
	}
	for _, item := range mine {
		if !item.Mine || item.Task.Kind == onboarding.TaskDraftOffer {
			continue
		}
		t := HandedTask{ID: item.Task.ID, CaseNo: item.CaseNo, Subject: item.Subject, Kind: item.Task.Kind, Post: item.Task.Posts[p.ID]}
		switch err := l.handOver(ctx, who, item, o); {
		case err == nil:
			done.Moved = append(done.Moved, t)
		case kam.CodeOf(err) == kam.Unreachable && len(done.Moved) > 0:
			return done, nil // the rest is counted, and the same order goes on
		case kam.AsError(err) == nil || kam.CodeOf(err) == kam.Unreachable:
			return done, err
		default:
			t.Cause = kam.AsError(err)
			done.Left = append(done.Left, t)
		}
		done.Rest--
	}
	return done, nil
}

// handOver moves one task. Its decision id follows from that of the order, so that
// it is moved once.
func (l *Local) handOver(ctx context.Context, who Principal, item InboxItem, o HandOver) error {
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(o.DecisionID+"\n"+item.Task.ID)).String()
	if item.Subject != "" {
		return l.handOther(ctx, who, item, OrgAct{DecisionID: id, Reason: o.Reason}, o.To)
	}
	if !onboarding.Takes(item.State, onboarding.EvReassign) {
		return kam.Errorf(kam.WrongState, "a task of %s belongs to the requester and stays", item.State).Try("do it before, or withdraw the request")
	}
	_, err := l.Decide(ctx, who, item.CaseNo, onboarding.Act{Name: onboarding.ActReassign, DecisionID: id, Assignee: o.To, Reason: o.Reason}, nil)
	return err
}

// handOther moves a task that is no case's: of a key account, or of an import,
// which whoever uploaded it does not confirm.
func (l *Local) handOther(ctx context.Context, who Principal, item InboxItem, a OrgAct, to kam.UserID) error {
	action, ok := map[kam.TaskKind]access.Action{
		onboarding.TaskKAMAssignment: access.ActionAssignOwner, book.TaskImport: access.ActionImportConfirm,
	}[item.Task.Kind]
	if !ok {
		return kam.Errorf(kam.WrongState, "a task of kind %s stays", item.Task.Kind).Try("it goes with the key account to its next owner")
	}
	if item.Task.Kind == book.TaskImport {
		b, err := l.record.Books.Get(ctx, book.BatchNo(strings.TrimPrefix(item.Subject, book.BatchNo("").Subject())))
		if err != nil {
			return err
		}
		if b.Uploader == to {
			return kam.Errorf(kam.Separation, "%s uploaded the batch", to).By("SOD1")
		}
	}
	a, err := l.orgAct(ctx, who, a, "HandOver")
	if err != nil {
		return err
	}
	return l.record.Access.HandTask(ctx, a, item.Task.ID, to, action)
}
