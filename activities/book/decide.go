package book

import (
	"context"
	"fmt"
	"strings"

	"github.com/kamflow/kamflow/activities/internal/route"
	"github.com/kamflow/kamflow/activities/internal/stage"
	"github.com/kamflow/kamflow/internal/failpoint"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/signed"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	"github.com/kamflow/kamflow/store/ledger"
)

// ask opens the task of a scope: for its manager or, where the post is vacant,
// he is away or uploaded the batch himself, the next one up.
func (b *effect) ask(s *book.BatchScopeState) error {
	r, err := b.at(s.Node)
	if err != nil {
		return err
	}
	chain, err := b.org.Chain(s.Node)
	if err != nil {
		return err
	}
	t := kam.Task{Kind: book.TaskImport, Step: batchStep, OpenedAt: b.At, Node: s.Node}
	found, ok, err := r.SeatFrom(chain, kam.LevelCountry, b.mayConfirm(chain))
	if err != nil {
		return err
	}
	if ok {
		t.Level, t.Node, t.Assignees = found.Node.Level, found.Node.Code, []kam.UserID{found.Person.ID}
		t.AddressTo(found.Person.ID, found.Node.Code)
	} else {
		t.Level, t.Queue = kam.LevelGlobal, kam.QueueUnrouted
	}
	t.Note = strings.Join(append([]string{scopeText(*s)}, found.Passed...), "; ")
	if err := r.Timed(&t, r.Pol.SLA.Confirmation, found.Person); err != nil {
		return err
	}
	t = b.NewTask(t)
	s.Task = &t
	b.saveTask(t)
	b.log(kam.AuditEvent{Type: kam.EventTaskOpened, Actor: kam.System, Text: s.Node + ": " + route.WaitingFor(t)}, "", "")
	to, err := r.Leads(t)
	if err != nil {
		return err
	}
	return b.notify("task.opened", kam.Say("%s waits for your confirmation for %s", b.Batch.No, s.Node), to...)
}

// scopeText are the figures of a scope, as the manager reads them in his inbox.
func scopeText(s book.BatchScopeState) string {
	n := s.Counts
	return kam.Note("%s: %s (%d new), %d refused, %d with warnings, %s",
		s.Node, stage.Counted(n.Ready, "1 customer", "%d customers"), n.New, n.Refused, n.Warned, stage.Counted(n.Facts, "1 fact", "%d facts"))
}

// mayConfirm says who may be asked: whoever the matrix lets confirm at the
// node, but for the uploader.
func (b *effect) mayConfirm(chain []kam.TerritoryNode) func(kam.UserID) error {
	return func(u kam.UserID) error {
		if u == b.Batch.Uploader {
			return kam.Errorf(kam.Separation, "%s uploaded the batch", u).By("SOD1")
		}
		p, err := b.org.Person(u)
		if err != nil {
			return err
		}
		_, err = access.Permit(p, access.ActionImportConfirm, b.subject(chain))
		return err
	}
}

// subject is the batch as the permission matrix sees it, at the node at which
// the chain begins.
func (b *effect) subject(chain []kam.TerritoryNode) access.Subject {
	s := access.Subject{Requester: b.Batch.Uploader}
	for _, n := range chain {
		s.Path, s.Levels = append(s.Path, n.Code), append(s.Levels, n.Level)
	}
	return s
}

// Confirm stores that a manager confirms a batch for his scope. The last
// scope lets the batch be applied. Its business key is the decision id; the
// refusal of an act is audited and handed back.
func (a *Stages) Confirm(ctx context.Context, in book.BatchStep) (book.BatchProgress, error) {
	failpoint.Hit("batch", "confirm", "before")
	return a.batchAct(ctx, in, book.UpdateConfirmBatch)
}

// Cancel stores that the uploader or a policy_admin takes a batch back,
// until its first phase is applied.
func (a *Stages) Cancel(ctx context.Context, in book.BatchStep) (book.BatchProgress, error) {
	return a.batchAct(ctx, in, book.UpdateCancelBatch)
}

// act is what an act does, whichever it is.
func (b *effect) act(act book.BatchAct) error {
	if act.Name == book.UpdateCancelBatch {
		return b.cancel(act)
	}
	return b.confirm(act)
}

func (b *effect) confirm(act book.BatchAct) error {
	if err := act.CheckConfirm(*b.Batch); err != nil {
		return err
	}
	who, err := b.actor(act.By)
	if err != nil {
		return err
	}
	chain, err := b.org.Chain(act.Scope)
	if err != nil {
		return err
	}
	if b.acting, err = access.Acts(who, access.ActionImportConfirm, b.subject(chain)); err != nil {
		return err
	}
	s, at := b.Batch.Scope(act.Scope), b.At.UTC()
	s.ConfirmedBy, s.ConfirmedAt, s.DecisionID = act.By, &at, act.DecisionID
	if s.Task != nil {
		b.EndTask(*s.Task, "DONE", act.By)
		s.Task = nil
	}
	err = b.move(book.BatchConfirm, kam.AuditEvent{
		Type: book.EventBatchConfirmed, Actor: act.By, RolesUsed: []kam.Role{b.acting.Role}, DecisionID: act.DecisionID, Text: scopeText(*s),
	})
	if err != nil {
		return err
	}
	return b.notify("import.confirmed", kam.Say("%s is confirmed for %s", b.Batch.No, s.Node), b.Batch.Uploader)
}

func (b *effect) cancel(act book.BatchAct) error {
	who, err := b.actor(act.By)
	if err != nil {
		return err
	}
	if !who.Active || act.By != b.Batch.Uploader && !who.Is(kam.PolicyAdmin) {
		return kam.Errorf(kam.Forbidden, "%s may not cancel batch %s", act.By, b.Batch.No).On("by").Try("may: its uploader, or a policy_admin")
	}
	if err := act.CheckCancel(*b.Batch); err != nil {
		return err
	}
	var roles []kam.Role
	if act.By != b.Batch.Uploader {
		roles, b.acting.Role = []kam.Role{kam.PolicyAdmin}, kam.PolicyAdmin
	}
	return b.end(book.BatchCancel, kam.AuditEvent{
		Type: book.EventBatchCancelled, Actor: act.By, RolesUsed: roles, DecisionID: act.DecisionID, Text: act.Reason,
	}, "WITHDRAWN")
}

// MayAct asks all that Confirm or Cancel will ask of an act but for its signature,
// and says in what the person acts. Nothing is changed; of an act that is stored
// already nothing is asked.
func (a *Stages) MayAct(ctx context.Context, no book.BatchNo, act book.BatchAct) (in access.Acting, err error) {
	err = a.store.Books.Ask(ctx, no, effectOf(act), func(tx *bookdb.Tx) error {
		tx.At = tx.DBNow()
		b := &effect{Tx: tx, org: accessdb.In(tx.Entry), a: a}
		err := b.act(act)
		in = b.acting
		return err
	})
	return in, err
}

func effectOf(act book.BatchAct) ledger.Effect {
	return ledger.Effect{Key: "act/" + act.DecisionID, Digest: act.ContentDigest(), By: act.By, Signed: act.Signed}
}

func (a *Stages) batchAct(ctx context.Context, in book.BatchStep, name string) (book.BatchProgress, error) {
	if in.Act == nil {
		return book.BatchProgress{}, stage.ToTemporal(kam.Errorf(kam.Invalid, "the act is missing"))
	}
	act := *in.Act
	act.Name = name
	return a.onBook(ctx, in, effectOf(act), func(b *effect) error {
		if err := a.signatures.Verify(in.Now, act.Signed, signed.OfBatch(in.No, act)); err != nil {
			return err
		}
		return b.act(act)
	})
}

func (b *effect) actor(id kam.UserID) (kam.Person, error) {
	who, err := b.org.Person(id)
	if kam.CodeOf(err) == kam.NotFound {
		err = kam.Errorf(kam.Forbidden, "nobody is known as %s", kam.Clip(string(id), 40)).On("by")
	}
	return who, err
}

// end ends a batch before it is applied.
func (b *effect) end(event book.BatchEvent, e kam.AuditEvent, how string) error {
	if err := b.move(event, e); err != nil {
		return err
	}
	to := []kam.UserID{b.Batch.Uploader}
	for i := range b.Batch.Scopes {
		if t := b.Batch.Scopes[i].Task; t != nil {
			b.EndTask(*t, how, e.Actor)
			to = append(to, t.Assignees...)
			b.Batch.Scopes[i].Task = nil
		}
	}
	b.Batch.Reason = e.Text
	if err := b.Unstage(); err != nil {
		return err
	}
	return b.notify("import.cancelled", kam.Say("%s is cancelled: %s", b.Batch.No, e.Text), to...)
}

// Elapse does what silence leads to for one scope: a reminder, the next manager
// up, or the end of the batch. Nothing is ever confirmed by silence. A deadline that the scope no longer has is passed over.
func (a *Stages) Elapse(ctx context.Context, in book.BatchStep) (book.BatchProgress, error) {
	if in.Due == nil || in.Due.At.After(in.Now) {
		return a.Read(ctx, in)
	}
	key := fmt.Sprintf("elapse/%s/%s/%d", in.Node, in.Due.Kind, in.Due.At.Unix())
	p, err := a.onBook(ctx, in, ledger.Effect{Key: key, Digest: key}, func(b *effect) error {
		s := b.Batch.Scope(in.Node)
		if b.Batch.State != book.BatchChecked || s == nil || !route.Elapsed(s.Task, in.Due, in.Now) {
			b.NoChange()
			return nil
		}
		switch in.Due.Kind {
		case kam.DueExpire:
			return b.end(book.BatchExpire, kam.AuditEvent{Type: book.EventBatchExpired, Actor: kam.System, Text: kam.Note("%s was not confirmed in time", s.Node)}, "EXPIRED")
		case kam.DueEscalate:
			return b.escalate(s)
		default:
			return b.remind(s)
		}
	})
	p.Refused = nil // nobody asked: the trail says why
	return p, err
}

func (b *effect) remind(s *book.BatchScopeState) error {
	r, err := b.at(s.Node)
	if err != nil {
		return err
	}
	b.saveTask(*s.Task)
	b.log(kam.AuditEvent{Type: kam.EventTaskReminded, Actor: kam.System, Text: s.Node + ": " + route.WaitingFor(*s.Task)}, "", "")
	to, err := r.Leads(*s.Task)
	if err != nil {
		return err
	}
	return b.notify("task.reminded", kam.Say("%s still waits for confirmation for %s", b.Batch.No, s.Node), to...)
}

// escalate lets the next manager up join; at the top it repeats daily.
func (b *effect) escalate(s *book.BatchScopeState) error {
	r, err := b.at(s.Node)
	if err != nil {
		return err
	}
	chain, err := b.org.Chain(s.Node)
	if err != nil {
		return err
	}
	next, ok, err := r.Raise(s.Task, s.Node, r.Pol.SLA.Confirmation, b.mayConfirm(chain))
	if err != nil {
		return err
	}
	text := kam.Note("%s: no further level: to all", s.Node)
	if ok {
		text = kam.Note("%s: %s joins at %s", s.Node, next.Person.ID, next.Node.Level)
	}
	b.saveTask(*s.Task)
	b.log(kam.AuditEvent{Type: kam.EventTaskEscalated, Actor: kam.System, Text: text}, "", "")
	to, err := r.Leads(*s.Task)
	if err != nil {
		return err
	}
	return b.notify("task.escalated", kam.Say("%s: confirmation for %s is overdue", b.Batch.No, s.Node), to...)
}
