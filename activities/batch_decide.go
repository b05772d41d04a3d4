package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/internal/failpoint"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
)

// askManager opens the task of a scope: for its manager or, where the post is
// vacant, he is away or uploaded the batch himself, the next one up.
func askManager(ctx context.Context, tx *store.BatchTx, pol *rules.Set, s *kam.BatchScopeState) error {
	w := inBatch(ctx, tx, pol, s.Node)
	chain, err := w.Chain(s.Node)
	if err != nil {
		return err
	}
	t := kam.Task{Kind: kam.TaskImport, Step: batchStep, OpenedAt: tx.At, Node: s.Node}
	found, ok, err := w.seatFrom(chain, kam.LevelCountry, mayConfirmBatch(tx, chain, nil))
	if err != nil {
		return err
	}
	if ok {
		t.Level, t.Node, t.Assignees = found.node.Level, found.node.Code, []kam.UserID{found.person.ID}
	} else {
		t.Level, t.Queue = kam.LevelGlobal, kam.QueueUnrouted
	}
	t.Note = strings.Join(append([]string{scopeText(*s)}, found.passed...), "; ")
	if t.Deadlines, err = w.deadlines(pol.SLA.Confirmation, false, found.person); err != nil {
		return err
	}
	if t.Target, err = w.target(pol.SLA.Confirmation, false, found.person); err != nil {
		return err
	}
	t = tx.OpenBatchTask(t)
	s.Task = &t
	tx.Log(kam.AuditEvent{Type: kam.EventTaskOpened, Step: batchStep, Actor: kam.System, Text: s.Node + ": " + waitingFor(t)})
	to, err := w.leads(t)
	if err != nil {
		return err
	}
	return tellBatch(tx, "task.opened", fmt.Sprintf("%s waits for your confirmation for %s", tx.Batch.No, s.Node), to...)
}

// scopeText are the figures of a scope, as the manager reads them in his inbox.
func scopeText(s kam.BatchScopeState) string {
	n := s.Counts
	return fmt.Sprintf("%s: %s (%d new), %d refused, %d with warnings, %s",
		s.Node, counted(n.Ready, "customer"), n.New, n.Refused, n.Warned, counted(n.Facts, "fact"))
}

// mayConfirmBatch says who may be asked: whoever the matrix lets confirm at the
// node, but for the uploader and those in asked.
func mayConfirmBatch(tx *store.BatchTx, chain []kam.TerritoryNode, asked []kam.UserID) func(kam.UserID) error {
	return func(u kam.UserID) error {
		if u == tx.Batch.Uploader {
			return kam.Errorf(kam.Separation, "%s uploaded the batch", u).By("SOD1")
		}
		if slices.Contains(asked, u) {
			return kam.Errorf(kam.AlreadyDecided, "%s was asked already", u).By("ASKED")
		}
		p, err := tx.Person(u)
		if err != nil {
			return err
		}
		_, err = kam.Permit(p, kam.ActionImportConfirm, subjectAt(tx, chain))
		return err
	}
}

func subjectAt(tx *store.BatchTx, chain []kam.TerritoryNode) kam.Subject {
	s := kam.Subject{Requester: tx.Batch.Uploader}
	for _, n := range chain {
		s.Path, s.Levels = append(s.Path, n.Code), append(s.Levels, n.Level)
	}
	return s
}

// ConfirmBatch stores that a manager confirms a batch for his scope. The last
// scope lets the batch be applied. Its business key is the decision id; the
// refusal of an act is audited and handed back.
func (a *Activities) ConfirmBatch(ctx context.Context, in kam.BatchStep) (kam.BatchProgress, error) {
	failpoint.Hit("batch", "confirm", "before")
	return a.batchAct(ctx, in, func(tx *store.BatchTx, act kam.BatchAct) error {
		b := tx.Batch
		if err := act.CheckConfirm(*b); err != nil {
			return err
		}
		who, err := actor(tx, act.By)
		if err != nil {
			return err
		}
		chain, err := tx.Chain(act.Scope)
		if err != nil {
			return err
		}
		role, err := kam.Permit(who, kam.ActionImportConfirm, subjectAt(tx, chain))
		if err != nil {
			return err
		}
		s, at := b.Scope(act.Scope), tx.At.UTC()
		s.ConfirmedBy, s.ConfirmedAt, s.DecisionID = act.By, &at, act.DecisionID
		if s.Task != nil {
			tx.CloseBatchTask(*s.Task, "DONE", act.By)
			s.Task = nil
		}
		err = moveBatch(tx, kam.BatchConfirm, kam.AuditEvent{
			Type: kam.EventBatchConfirmed, Actor: act.By, RolesUsed: []kam.Role{role}, DecisionID: act.DecisionID, Text: scopeText(*s),
		})
		if err != nil {
			return err
		}
		return tellBatch(tx, "import.confirmed", fmt.Sprintf("%s is confirmed for %s", b.No, s.Node), b.Uploader)
	})
}

// CancelBatch stores that the uploader or a policy_admin takes a batch back,
// until its first phase is applied.
func (a *Activities) CancelBatch(ctx context.Context, in kam.BatchStep) (kam.BatchProgress, error) {
	return a.batchAct(ctx, in, func(tx *store.BatchTx, act kam.BatchAct) error {
		b := tx.Batch
		who, err := actor(tx, act.By)
		if err != nil {
			return err
		}
		if !who.Active || act.By != b.Uploader && !who.Is(kam.PolicyAdmin) {
			return kam.Errorf(kam.Forbidden, "%s may not cancel batch %s", act.By, b.No).On("by").Try("may: its uploader, or a policy_admin")
		}
		if err := act.CheckCancel(*b); err != nil {
			return err
		}
		var roles []kam.Role
		if act.By != b.Uploader {
			roles = []kam.Role{kam.PolicyAdmin}
		}
		return endBatch(tx, kam.BatchCancel, kam.AuditEvent{
			Type: kam.EventBatchCancelled, Actor: act.By, RolesUsed: roles, DecisionID: act.DecisionID, Text: act.Reason,
		}, "WITHDRAWN")
	})
}

func (a *Activities) batchAct(ctx context.Context, in kam.BatchStep, do func(*store.BatchTx, kam.BatchAct) error) (kam.BatchProgress, error) {
	if in.Act == nil {
		return kam.BatchProgress{}, toTemporal(kam.Errorf(kam.Invalid, "the act is missing"))
	}
	act := *in.Act
	return a.onBatch(ctx, in.No, store.Effect{Key: "act/" + act.DecisionID, Digest: kam.Digest(act), At: in.Now, By: act.By}, false,
		func(tx *store.BatchTx) error { return do(tx, act) })
}

func actor(tx *store.BatchTx, id kam.UserID) (kam.Person, error) {
	who, err := tx.Person(id)
	if kam.CodeOf(err) == kam.NotFound {
		err = kam.Errorf(kam.Forbidden, "nobody is known as %s", clipped(string(id))).On("by")
	}
	return who, err
}

// endBatch ends a batch before it is applied.
func endBatch(tx *store.BatchTx, event kam.BatchEvent, e kam.AuditEvent, how string) error {
	if err := moveBatch(tx, event, e); err != nil {
		return err
	}
	b := tx.Batch
	to := []kam.UserID{b.Uploader}
	for i := range b.Scopes {
		if t := b.Scopes[i].Task; t != nil {
			tx.CloseBatchTask(*t, how, e.Actor)
			to = append(to, t.Assignees...)
			b.Scopes[i].Task = nil
		}
	}
	b.Reason = e.Text
	if err := tx.Unstage(); err != nil {
		return err
	}
	return tellBatch(tx, "import.cancelled", fmt.Sprintf("%s is cancelled: %s", b.No, e.Text), to...)
}

// BatchDeadlinePassed does what silence leads to for one scope: a reminder,
// the next manager up, or the end of the batch. Nothing is ever confirmed by
// silence. A deadline that the scope no longer has is passed over.
func (a *Activities) BatchDeadlinePassed(ctx context.Context, in kam.BatchStep) (kam.BatchProgress, error) {
	b, err := a.Store.Batch(ctx, in.No)
	if err != nil {
		return kam.BatchProgress{}, toTemporal(err)
	}
	if in.Due == nil || in.Due.At.After(in.Now) || deadlineOf(&b, in) < 0 {
		return kam.BatchProgress{Batch: b}, nil
	}
	pol, err := a.batchPolicy(ctx, b.PolicyVersion)
	if err != nil {
		return kam.BatchProgress{}, toTemporal(err)
	}
	key := fmt.Sprintf("elapse/%s/%s/%d", in.Node, in.Due.Kind, in.Due.At.Unix())
	p, err := a.onBatch(ctx, in.No, store.Effect{Key: key, Digest: key, At: in.Now, By: kam.System}, false, func(tx *store.BatchTx) error {
		i := deadlineOf(tx.Batch, in)
		if i < 0 {
			return kam.Errorf(kam.WrongState, "%s was confirmed or the batch has ended", in.Node)
		}
		s := tx.Batch.Scope(in.Node)
		s.Task.Deadlines = slices.Delete(slices.Clone(s.Task.Deadlines), i, i+1)
		switch in.Due.Kind {
		case kam.DueRemind:
			tx.Log(kam.AuditEvent{Type: kam.EventTaskReminded, Step: batchStep, Actor: kam.System, Text: s.Node + ": " + waitingFor(*s.Task)})
			tx.UpdateBatchTask(*s.Task)
			to, err := inBatch(ctx, tx, pol, s.Node).leads(*s.Task)
			if err != nil {
				return err
			}
			return tellBatch(tx, "task.reminded", fmt.Sprintf("%s still waits for confirmation for %s", tx.Batch.No, s.Node), to...)
		case kam.DueEscalate:
			return escalateScope(ctx, tx, pol, s)
		case kam.DueExpire:
			return endBatch(tx, kam.BatchExpire, kam.AuditEvent{Type: kam.EventBatchExpired, Actor: kam.System, Text: s.Node + " was not confirmed in time"}, "EXPIRED")
		default:
			tx.Log(kam.AuditEvent{Type: kam.EventTaskReminded, Step: batchStep, Actor: kam.System, Text: s.Node + ": " + waitingFor(*s.Task)})
			tx.UpdateBatchTask(*s.Task)
			return nil
		}
	})
	p.Refused = nil
	return p, err
}

// deadlineOf finds a deadline among those of its scope, -1 if it is not there.
func deadlineOf(b *kam.BatchSnapshot, in kam.BatchStep) int {
	s := b.Scope(in.Node)
	if b.State != kam.BatchChecked || s == nil || s.Task == nil {
		return -1
	}
	return slices.IndexFunc(s.Task.Deadlines, func(d kam.Deadline) bool { return d.Kind == in.Due.Kind && d.At.Equal(in.Due.At) })
}

// escalateScope lets the next manager up join; at the top it repeats daily.
func escalateScope(ctx context.Context, tx *store.BatchTx, pol *rules.Set, s *kam.BatchScopeState) error {
	w := inBatch(ctx, tx, pol, s.Node)
	t := s.Task
	chain, err := w.Chain(s.Node)
	if err != nil {
		return err
	}
	t.Escalated++
	var next seat
	found := false
	if t.Level != kam.LevelGlobal {
		next, found, err = w.seatFrom(chain, kam.NodeLevels[t.Level.Rank()+1], mayConfirmBatch(tx, chain, t.Assignees))
		if err != nil {
			return err
		}
	}
	text := s.Node + ": no further level: to all"
	if found {
		text = fmt.Sprintf("%s: %s joins at %s", s.Node, next.person.ID, next.node.Level)
		t.Assignees = append(slices.Clone(t.Assignees), next.person.ID)
		t.Level, t.Node, t.Queue = next.node.Level, next.node.Code, ""
		fresh, err := w.deadlines(pol.SLA.Confirmation, false, next.person)
		if err != nil {
			return err
		}
		// Remind and escalate count per level; the end counts from the check.
		t.Deadlines = slices.DeleteFunc(t.Deadlines, func(d kam.Deadline) bool { return d.Kind != kam.DueExpire })
		for _, d := range fresh {
			if d.Kind == kam.DueRemind || d.Kind == kam.DueEscalate {
				t.Deadlines = append(t.Deadlines, d)
			}
		}
	} else {
		c, err := w.calendarAt(s.Node)
		if err != nil {
			return err
		}
		t.Deadlines = append(t.Deadlines, kam.Deadline{Kind: kam.DueEscalate, At: c.Add(tx.At, 1).UTC()})
	}
	sortDeadlines(t.Deadlines)
	tx.Log(kam.AuditEvent{Type: kam.EventTaskEscalated, Step: batchStep, Actor: kam.System, Text: text})
	tx.UpdateBatchTask(*t)
	to, err := w.leads(*t)
	if err != nil {
		return err
	}
	return tellBatch(tx, "task.escalated", fmt.Sprintf("%s: confirmation for %s is overdue", tx.Batch.No, s.Node), to...)
}
