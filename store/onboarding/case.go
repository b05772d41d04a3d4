package onboarding

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/internal/pg"
	"github.com/kamflow/kamflow/store/ledger"
)

// A Tx is the inside of an effect on a case. Case is saved at the end.
type Tx struct {
	*ledger.Entry
	Case *onboarding.Snapshot
	// With is the other case of an effect on two, nil where there is none. What is
	// done to it is kept where it logs an event.
	With *Tx

	ctx          context.Context // of the effect: a Tx lives no longer
	tx           pgx.Tx
	fn           func(ctx context.Context, tx *Tx) error
	was          onboarding.Snapshot
	records      []onboarding.DecisionRecord
	customerName string
	needs        onboarding.Stage
	held, holds  string // customer that the case holds: before, and after the effect
	progress     onboarding.Progress
}

// cases have their head, and their answers, in tables of their own.
var cases = ledger.Home{
	Lock:   `select version, audit_seq, audit_hash, clock_timestamp(), snapshot, holds from kam.cases where case_no = @subject for update`,
	Head:   `update kam.cases set audit_seq = @seq, audit_hash = @hash where case_no = @subject`,
	Stored: `select digest, progress as answer, progress ? 'refused' as refused from kam.effect where case_no = @subject and key = @key`,
	Keep: `
		insert into kam.effect (case_no, key, digest, progress, at) values (@subject, @key, @digest, @answer, @at)
		on conflict (case_no, key) do update set progress = excluded.progress, at = excluded.at`,
}

func in(e *ledger.Entry) *Tx { return &Tx{Entry: e, ctx: e.Context(), tx: e.SQL()} }

func newTx(e *ledger.Entry, fn func(ctx context.Context, tx *Tx) error) *Tx {
	e.KeptIn(&cases)
	tx := in(e)
	tx.fn = fn
	return tx
}

// no is the number of the case.
func (tx *Tx) no() kam.CaseNo { return kam.CaseNo(tx.Subject().ID) }

// Lock locks the case, and the other one of an effect on two: the older one
// first, whichever the effect is about.
func (tx *Tx) Lock(b *pgx.Batch) {
	f := tx.Effect()
	with := kam.CaseNo(f.With.ID)
	if with != "" && with.Before(tx.no()) {
		tx.lockWith(b, f)
	}
	tx.lock(b, func(found bool) error {
		if !found {
			return kam.Errorf(kam.NotFound, "there is no case %s", tx.no())
		}
		return nil
	})
	if with != "" && tx.no().Before(with) {
		tx.lockWith(b, f)
	}
}

func (tx *Tx) lock(b *pgx.Batch, then func(found bool) error) {
	tx.QueueLock(b, func(found bool) error {
		tx.was.Version = tx.Version()
		tx.Forget()
		return then(found)
	}, &tx.was, &tx.held)
}

// lockWith locks the other case. Its change is an effect of its own there, under
// a key that names this one; one that does not exist is nil.
func (tx *Tx) lockWith(b *pgx.Batch, f ledger.Effect) {
	other := in(tx.Beside(f.With, "with/"+f.Subject.ID+"/"+f.Key))
	other.lock(b, func(found bool) error {
		if found {
			tx.With = other
		}
		return nil
	})
}

// Beside locks a case within an effect on another subject, to note on its trail
// what was done to it.
func Beside(e *ledger.Entry, no kam.CaseNo) (*Tx, error) {
	other := newTx(e.Beside(Of(no), ""), nil)
	var b pgx.Batch
	other.lock(&b, func(found bool) error {
		if !found {
			return noCase(no)
		}
		return nil
	})
	return other, pg.Send(e.Context(), e.SQL(), "lock case "+string(no), &b)
}

// Do runs the effect.
func (tx *Tx) Do(ctx context.Context) error {
	err := tx.fn(ctx, tx)
	if tx.With != nil && tx.With.Failed() != nil {
		err = tx.With.Failed()
	}
	return err
}

// Forget takes the case back to what it was when it was locked.
func (tx *Tx) Forget() {
	now := cloned(tx.was)
	tx.Case, tx.holds = &now, tx.held
}

// Stored takes over what an earlier run of the effect answered.
func (tx *Tx) Stored(answer []byte, ahead bool) error {
	if ahead {
		tx.progress = onboarding.Progress{Snapshot: tx.was, Ahead: true}
		return nil
	}
	if err := json.Unmarshal(answer, &tx.progress); err != nil {
		return fmt.Errorf("read the stored answer: %w", err)
	}
	if tx.was.Version > tx.progress.Snapshot.Version {
		tx.progress.Snapshot, tx.progress.Ahead = tx.was, true
	}
	return nil
}

// Unchanged is the answer where the case stays as it is.
func (tx *Tx) Unchanged() (any, error) {
	tx.progress = onboarding.Progress{Snapshot: tx.was, Needs: tx.needs}
	return tx.progress, nil
}

// Refused is the answer of a refusal. The note that the client left of a
// withdrawal goes with its refusal, unless that only says that the case is in a
// stage of the engine: then the commit decides (D12). What somebody else sends
// under the id of the withdrawal does not take the note back.
func (tx *Tx) Refused(e *kam.Error) any {
	if e.Code != kam.WrongState && e.Code != kam.NotSigned {
		tx.Queue(`delete from kam.withdraw_intent where case_no = @case_no and decision_id = @decision_id`,
			pgx.StrictNamedArgs{"case_no": tx.no(), "decision_id": tx.Decision()})
	}
	tx.progress = onboarding.Progress{Snapshot: tx.was, Refused: e, Timeline: linesOf(tx.Events())}
	return tx.progress
}

// Save queues the row of the case, and saves the other one with it.
func (tx *Tx) Save() (any, error) {
	const update = `
		update kam.cases set snapshot = @snapshot, version = @version, by_person = by_person or @by_person, state = @state, step_code = @step_code,
			outcome = @outcome, territory = @territory, owner = @owner, country = @country, open = @open, opened_at = @opened_at, updated_at = @updated_at,
			customer_no = coalesce(nullif(@customer_no, ''), customer_no),
			customer_name = coalesce(nullif(@customer_name, ''), customer_name),
			audit_seq = @audit_seq, audit_hash = @audit_hash, touched_at = @touched_at, case_type = @case_type, holds = @holds,
			appeal_of = @appeal_of, requester = @requester, same_as = @same_as, ` + setClock + `
		where case_no = @case_no`

	c := tx.Case
	c.CaseNo, c.Version, c.LastDecision = tx.was.CaseNo, tx.was.Version+1, tx.Decision()
	c.UpdatedAt = tx.At.UTC()
	if tx.was.Version == 0 { // until now it was the database's time of the number
		c.OpenedAt = c.UpdatedAt
	}
	if c.State.Ended() {
		tx.holds = ""
	}
	seq, hash := tx.Head()
	args := clockOf(*c)
	maps.Copy(args, pgx.StrictNamedArgs{
		"case_no": c.CaseNo, "snapshot": c, "version": c.Version, "by_person": tx.Effect().People, "state": c.State, "step_code": c.Step,
		"outcome": c.Outcome, "territory": c.Territory, "owner": c.OwnerID, "country": c.Country, "open": !c.State.Ended(),
		"opened_at": c.OpenedAt, "updated_at": c.UpdatedAt, "customer_no": c.CommittedAs, "customer_name": tx.customerName,
		"audit_seq": seq, "audit_hash": hash, "touched_at": tx.DBNow(), "case_type": c.Type, "holds": tx.holds,
		"appeal_of": c.AppealOf, "requester": c.Requester, "same_as": c.SameAs,
	})
	tx.Queue(update, args)
	if tx.With != nil && len(tx.With.Events()) > 0 {
		if err := tx.With.Entry.Save(tx.With); err != nil {
			return nil, err
		}
	}
	tx.progress = onboarding.Progress{Snapshot: *c, Timeline: linesOf(tx.Events()), Records: tx.records}
	return tx.progress, nil
}

// After leaves the case as it is until another stage has done its work.
func (tx *Tx) After(s onboarding.Stage) {
	tx.NoChange()
	tx.needs = s
}

// Was is the case as the effect found it.
func (tx *Tx) Was() onboarding.Snapshot { return cloned(tx.was) }

// Log appends an event to the audit trail. What is empty and belongs to the
// case is filled in as it stands now.
func (tx *Tx) Log(e kam.AuditEvent) {
	if e.Step == "" {
		e.Step = tx.Case.Step
	}
	if e.Revision == 0 {
		e.Revision = tx.Case.Revision
	}
	if e.MaterialHash == "" {
		e.MaterialHash = tx.Case.MaterialHash
	}
	if e.PolicyVersion == 0 {
		e.PolicyVersion = tx.Case.PolicyVersion
	}
	tx.Entry.Log(e)
}

// OpenTask opens the task that the case waits for. Its id is filled in.
func (tx *Tx) OpenTask(t kam.Task) error {
	t = tx.newTask(t)
	tx.Case.Task = &t
	tx.SaveTask(t, "")
	return nil
}

// OpenSideTask opens a task that outlives the case; subject says what it is
// about, as "KA-000045".
func (tx *Tx) OpenSideTask(t kam.Task, subject string) error {
	tx.SaveTask(tx.newTask(t), subject)
	return nil
}

func (tx *Tx) newTask(t kam.Task) kam.Task {
	if t.Step == "" {
		t.Step = tx.Case.Step
	}
	return tx.NewTask(t)
}

// CloseTask ends the case's task: how is DONE, WITHDRAWN or EXPIRED. Without
// a task nothing happens.
func (tx *Tx) CloseTask(how string, by kam.UserID) error {
	if tx.Case.Task != nil {
		tx.EndTask(*tx.Case.Task, how, by)
		tx.Case.Task = nil
	}
	return nil
}

// UpdateTask saves what was changed in the case's task.
func (tx *Tx) UpdateTask() error {
	if tx.Case.Task == nil {
		return kam.Errorf(kam.Fault, "case %s has no task to change", tx.no())
	}
	tx.SaveTask(*tx.Case.Task, "")
	return nil
}

// WithdrawIntended says whether somebody noted that he withdraws (D12). The
// lock of the case orders it against the commit of the customer.
func (tx *Tx) WithdrawIntended() (by kam.UserID, decisionID string, ok bool, err error) {
	type row struct {
		ByUser     kam.UserID
		DecisionID string
	}
	r, ok, err := pg.One(tx.ctx, tx.tx, "look for a withdrawal", pgx.RowToStructByName[row],
		`select by_user, decision_id from kam.withdraw_intent where case_no = $1`, tx.no())
	return r.ByUser, r.DecisionID, ok, err
}

// cloned copies what fn may change in place.
func cloned(s onboarding.Snapshot) onboarding.Snapshot {
	s.Editors = slices.Clone(s.Editors)
	s.Endorsed = slices.Clone(s.Endorsed)
	s.Flags = slices.Clone(s.Flags)
	s.Followers = slices.Clone(s.Followers)
	s.MissingFields = slices.Clone(s.MissingFields)
	if s.Task != nil {
		t := *s.Task
		t.Assignees, t.Deadlines, t.Fields = slices.Clone(t.Assignees), slices.Clone(t.Deadlines), slices.Clone(t.Fields)
		s.Task = &t
	}
	return s
}

func linesOf(events []kam.AuditEvent) []onboarding.TimelineEntry {
	var lines []onboarding.TimelineEntry
	for _, e := range events {
		lines = append(lines, LineOf(e))
	}
	return lines
}

// LineOf is an audit event as people read it; the text of a restricted one is
// for compliance and audit, who read the events themselves.
func LineOf(e kam.AuditEvent) onboarding.TimelineEntry {
	if e.Restricted {
		e.Text = ""
	}
	return onboarding.TimelineEntry{
		Seq: e.Seq, At: e.At, Type: e.Type, Step: e.Step, From: onboarding.State(e.From), To: onboarding.State(e.To),
		Actor: e.Actor, Code: e.ReasonCode, Text: e.Text,
	}
}
