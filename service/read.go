package service

import (
	"context"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// A CaseView is a case as somebody may see it.
type CaseView struct {
	casedb.View
	// Change is what a case on an existing customer changes, nil where it has
	// not looked at the customer yet or is about a new one.
	Change *parties.Change `json:"change,omitempty"`
	// Stage is the time in the stage against its target.
	Stage *kam.Measure `json:"stage,omitempty"`
	// Hidden says why the data are left out, nil where they are not.
	Hidden *kam.Error `json:"hidden,omitempty"`
}

// Case is the position of a case; NOT_FOUND, FORBIDDEN.
func (l *Local) Case(ctx context.Context, who Principal, no kam.CaseNo) (onboarding.Snapshot, error) {
	r, err := l.reader(ctx, who)
	if err != nil {
		return onboarding.Snapshot{}, err
	}
	s, err := l.record.Cases.Case(ctx, no)
	if err == nil && r.mayRead(s, true) != nil {
		s = withoutNote(s)
	}
	return s, err
}

// CaseView is a case as somebody may see it; NOT_FOUND, FORBIDDEN.
func (l *Local) CaseView(ctx context.Context, who Principal, no kam.CaseNo) (CaseView, error) {
	r, err := l.reader(ctx, who)
	if err != nil {
		return CaseView{}, err
	}
	full, err := l.record.Cases.View(ctx, no)
	if err != nil {
		return CaseView{}, err
	}
	v := CaseView{View: full}
	if err := r.mayRead(v.Snapshot, true); err != nil {
		if v.Hidden = kam.AsError(err); v.Hidden == nil {
			return CaseView{}, err
		}
		v.View = withoutData(full)
	} else if v.Change, err = l.change(ctx, full); err != nil {
		return CaseView{}, err
	}
	if !r.readsRestricted() {
		v.View = withoutRestricted(v.View)
	}
	measure, err := l.measure(ctx)
	if err != nil {
		return CaseView{}, err
	}
	v.Stage = measure(v.Snapshot.Task)
	return v, nil
}

// withoutRestricted is the case as who is neither of compliance nor an auditor
// sees it.
func withoutRestricted(v casedb.View) casedb.View {
	v.Screened = nil
	if v.Ending != nil && v.Ending.Restricted {
		end := *v.Ending
		end.Text, v.Ending = "", &end
	}
	return v
}

// withoutData is the case as who may not read its data sees it: its position,
// and that of the case that it follows.
func withoutData(v casedb.View) casedb.View {
	bare := casedb.View{Snapshot: withoutNote(v.Snapshot), Started: v.Started, Been: v.Been, Followed: v.Followed}
	bare.Opening.Type = v.Opening.Type
	if v.Ending != nil {
		end := *v.Ending
		end.Text, bare.Ending = "", &end
	}
	return bare
}

func withoutNote(s onboarding.Snapshot) onboarding.Snapshot {
	if s.Task != nil {
		task := *s.Task
		task.Note, s.Task = "", &task
	}
	return s
}

func (l *Local) change(ctx context.Context, v casedb.View) (*parties.Change, error) {
	if v.Snapshot.BaseVersion == 0 {
		return nil, nil //nolint:nilnil // most cases change no customer
	}
	base, ok, err := l.record.Cases.BaseOf(ctx, v.Snapshot.CaseNo)
	if err != nil || !ok {
		return nil, err
	}
	now, err := l.record.Customers.Customer(ctx, v.Snapshot.CommittedAs)
	if err != nil {
		return nil, err
	}
	c := parties.ChangeOf(base, now, v.Request)
	return &c, nil
}

// measure counts time in a stage against its target, by the calendars of the
// organisation and, for places that have none, that of the policy.
func (l *Local) measure(ctx context.Context) (func(*kam.Task) *kam.Measure, error) {
	clocks, err := l.record.Access.Calendars(ctx)
	if err != nil {
		return nil, err
	}
	policy, err := l.latestPolicy(ctx)
	if kam.CodeOf(err) == kam.NotFound { // no policy, no task
		return func(*kam.Task) *kam.Measure { return nil }, nil
	}
	if err != nil {
		return nil, err
	}
	if clocks["default"], err = kam.NewCalendar("default", "UTC", policy.Calendar.Hours, policy.Calendar.Weekend, nil); err != nil {
		return nil, err
	}
	now, err := l.record.Now(ctx)
	return func(t *kam.Task) *kam.Measure { return t.Measure(clocks, now) }, err
}

// asked is a case that somebody wants to read, with or without its data.
func (l *Local) asked(ctx context.Context, who Principal, no kam.CaseNo, data bool) (reader, onboarding.Snapshot, error) {
	r, err := l.reader(ctx, who)
	if err != nil {
		return r, onboarding.Snapshot{}, err
	}
	s, err := l.record.Cases.Case(ctx, no)
	if err == nil {
		err = r.mayRead(s, data)
	}
	return r, s, err
}

// Revisions are those of a case. A change of a customer sends only what it
// changes: its revisions are laid over the record as the case found it, which is
// revision 0.
func (l *Local) Revisions(ctx context.Context, who Principal, no kam.CaseNo) ([]Revision, error) {
	_, s, err := l.asked(ctx, who, no, true)
	if err != nil {
		return nil, err
	}
	all, err := l.record.Cases.Revisions(ctx, no)
	if err != nil || s.BaseVersion == 0 {
		return all, err
	}
	base, ok, err := l.record.Cases.BaseOf(ctx, no)
	if err != nil || !ok {
		return all, err
	}
	for i := range all {
		if parties.ContactsDigest(all[i].Data.Contacts) == base.Contacts { // persons are not kept with the base
			base.Data.Contacts = all[i].Data.Contacts
		}
		if all[i].Data, err = customer.Overlay(base.Data, all[i].Data); err != nil {
			return nil, err
		}
	}
	return append([]Revision{{At: s.OpenedAt, By: kam.System, Data: base.Data}}, all...), nil
}

// Events are what happened to a case. An operator reads them too.
func (l *Local) Events(ctx context.Context, who Principal, no kam.CaseNo) ([]kam.AuditEvent, error) {
	r, _, err := l.asked(ctx, who, no, false)
	if err != nil {
		return nil, err
	}
	events, err := l.record.Cases.Events(ctx, no)
	for i := range events {
		if events[i].Restricted && !r.readsRestricted() {
			events[i].Text = ""
		}
	}
	return events, err
}

// Records are what the rules decided on a case and why.
func (l *Local) Records(ctx context.Context, who Principal, no kam.CaseNo) ([]onboarding.DecisionRecord, error) {
	if _, _, err := l.asked(ctx, who, no, true); err != nil {
		return nil, err
	}
	return l.record.Cases.Records(ctx, no)
}

// MostListed is how many cases are listed where no limit is given.
const MostListed = 200

// Cases lists the cases that somebody may read, and those that his own requests
// follow. An operator sees no names. A requester or a territory that nobody
// knows is a NOT_FOUND.
func (l *Local) Cases(ctx context.Context, who Principal, f Filter) ([]CaseLine, error) {
	r, err := l.reader(ctx, who)
	if err != nil {
		return nil, err
	}
	if f.Requester != "" && f.Requester != kam.System && f.Requester != r.ID {
		if _, err := l.record.Access.Person(ctx, f.Requester); err != nil {
			return nil, onField("requester", err)
		}
	}
	if err := r.known(f.Territory); err != nil {
		return nil, err
	}
	measure, err := l.measure(ctx)
	if err != nil {
		return nil, err
	}
	if f.Limit <= 0 {
		f.Limit = MostListed
	}
	lines, err := readable(f.Limit, func(n int) ([]CaseLine, error) {
		f := f
		f.Limit = n
		return l.record.Cases.List(ctx, f)
	}, func(c *CaseLine) bool {
		s := onboarding.Snapshot{Requester: c.Requester, OwnerID: c.OwnerID, Territory: c.Territory, Task: c.Task}
		if c.Referred {
			s.Recommended = kam.ReferCompliance
		}
		if r.mayRead(s, true) == nil {
			return true
		}
		c.CustomerName = ""
		return r.mayRead(s, false) == nil || f.Requester == r.ID
	})
	for i := range lines {
		lines[i].Measure = measure(lines[i].Task)
	}
	return lines, err
}

func onField(field string, err error) error {
	if e := kam.AsError(err); e != nil {
		e.On(field)
	}
	return err
}

// Inbox is what waits for somebody: those who decide see on what.
func (l *Local) Inbox(ctx context.Context, who Principal) ([]InboxItem, error) {
	p, err := l.person(ctx, who)
	if err != nil {
		return nil, err
	}
	measure, err := l.measure(ctx)
	if err != nil {
		return nil, err
	}
	items, err := l.record.Cases.Inbox(ctx, p.ID)
	for i := range items {
		items[i].Measure = measure(&items[i].Task)
	}
	return items, err
}

// Batch is the position of a batch; NOT_FOUND, FORBIDDEN.
func (l *Local) Batch(ctx context.Context, who Principal, no book.BatchNo) (book.BatchSnapshot, error) {
	if _, err := l.person(ctx, who); err != nil {
		return book.BatchSnapshot{}, err
	}
	return l.record.Books.Get(ctx, no)
}

// Batches lists the batches that somebody may read, the newest first.
func (l *Local) Batches(ctx context.Context, who Principal, limit int) ([]book.BatchSnapshot, error) {
	r, err := l.reader(ctx, who)
	if err != nil {
		return nil, err
	}
	return readable(limit, func(n int) ([]book.BatchSnapshot, error) { return l.record.Books.List(ctx, n) },
		func(b *book.BatchSnapshot) bool { return r.mayReadBatch(*b) == nil })
}

func (l *Local) askBatch(ctx context.Context, who Principal, no book.BatchNo) error {
	r, err := l.reader(ctx, who)
	if err != nil {
		return err
	}
	b, err := l.record.Books.Get(ctx, no)
	if err != nil {
		return err
	}
	return r.mayReadBatch(b)
}

// BatchFindings are what the check has found, limit of them or, for 0, all.
func (l *Local) BatchFindings(ctx context.Context, who Principal, no book.BatchNo, limit int) ([]book.BatchFinding, error) {
	if err := l.askBatch(ctx, who, no); err != nil {
		return nil, err
	}
	return l.record.Books.Findings(ctx, no, limit)
}

// BatchOutcomes are what became of the rows.
func (l *Local) BatchOutcomes(ctx context.Context, who Principal, no book.BatchNo) ([]BatchOutcome, error) {
	if err := l.askBatch(ctx, who, no); err != nil {
		return nil, err
	}
	return l.record.Books.Outcomes(ctx, no)
}

// BatchProposals are the changes of key accounts that the roll-up proposes.
func (l *Local) BatchProposals(ctx context.Context, who Principal, no book.BatchNo) ([]book.BatchProposal, error) {
	if err := l.askBatch(ctx, who, no); err != nil {
		return nil, err
	}
	return l.record.Books.Proposals(ctx, no)
}
