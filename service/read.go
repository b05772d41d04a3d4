package service

import (
	"cmp"
	"context"
	"slices"
	"time"

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
	// Stage is the time in the stage against its target, nil after the end.
	Stage *kam.Measure `json:"stage,omitempty"`
	// Clock is the time of the case by party and by stage, nil before it opens.
	Clock *kam.Clock `json:"clock,omitempty"`
	// Hidden says why the data are left out, nil where they are not.
	Hidden *kam.Error `json:"hidden,omitempty"`
	// Verbs are what can be done now, with what stands against each for who asks.
	Verbs []Verb `json:"verbs,omitempty"`
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
	w, err := l.watch(ctx)
	if err != nil || !full.Started {
		return v, err
	}
	var ended *time.Time
	if full.Ending != nil {
		ended = &full.Ending.At
	}
	clock, stage := w.read(full.Snapshot, full.Snapshot.OpenedAt, ended, full.Snapshot.UpdatedAt, full.Turns)
	v.Clock, v.Stage = &clock, stage
	v.Verbs, err = l.verbs(ctx, r, v.Snapshot)
	return v, err
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

// A watch counts working time until now.
type watch struct {
	calendars kam.Calendars
	now       time.Time
}

// watch reads the calendars of the organisation and, for places that have none,
// that of the policy.
func (l *Local) watch(ctx context.Context) (w watch, err error) {
	if w.calendars, err = l.record.Access.Calendars(ctx); err != nil {
		return w, err
	}
	policy, err := l.latestPolicy(ctx)
	if kam.CodeOf(err) == kam.NotFound { // no policy, no task
		return w, nil
	}
	if err != nil {
		return w, err
	}
	if w.calendars[kam.DefaultCalendar], err = policy.Calendar.Default(); err != nil {
		return w, err
	}
	w.now, err = l.record.Now(ctx)
	return w, err
}

// read is the clock of a case, and the measure of the stage in which it stands
// since a time: nil when it has ended.
func (w watch) read(s onboarding.Snapshot, opened time.Time, ended *time.Time, since time.Time, turns []kam.Turn) (kam.Clock, *kam.Measure) {
	if s.State.Ended() {
		until := since
		if ended != nil {
			until = *ended
		}
		return w.calendars.Read(opened, until, turns), nil
	}
	clock := w.calendars.Read(opened, w.now, turns)
	t := kam.Task{OpenedAt: since}
	if s.Task != nil {
		t = *s.Task
	}
	m := w.calendars.Measure(t, s.Owed(), w.now)
	m.InAll = &clock.InAll
	return clock, &m
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
	if f.Owed != "" && !slices.Contains(kam.Parties, f.Owed) {
		return nil, kam.Errorf(kam.Invalid, "%q owes no answer", kam.Clip(string(f.Owed), 40)).On("owed").Try("one of %s", kam.ListOf(kam.Parties))
	}
	if f.Limit <= 0 {
		f.Limit = MostListed
	}
	lines, err := l.readableCases(ctx, r, f)
	if err != nil {
		return nil, err
	}
	return lines, l.measure(ctx, lines)
}

// readableCases lists the cases that a reader may see, without names where he may
// not read them.
func (l *Local) readableCases(ctx context.Context, r reader, f Filter) ([]CaseLine, error) {
	return readable(f.Limit, func(n int) ([]CaseLine, error) {
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
}

// measure fills in the time of cases.
func (l *Local) measure(ctx context.Context, lines []CaseLine) error {
	w, err := l.watch(ctx)
	if err != nil {
		return err
	}
	cases := make([]kam.CaseNo, len(lines))
	for i := range lines {
		cases[i] = lines[i].CaseNo
	}
	turns, err := l.record.Cases.Turns(ctx, cases)
	for i := range lines {
		c := &lines[i]
		if c.Version == 0 {
			continue
		}
		since := c.UpdatedAt
		if c.StageSince != nil {
			since = *c.StageSince
		}
		clock, stage := w.read(onboarding.Snapshot{State: c.State, Task: c.Task}, c.OpenedAt, nil, since, turns[c.CaseNo])
		c.InAll, c.Measure = &clock.InAll, stage
	}
	return err
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
	w, err := l.watch(ctx)
	if err != nil {
		return nil, err
	}
	items, err := l.record.Cases.Inbox(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	var cases []kam.CaseNo
	for _, i := range items {
		if i.Subject == "" {
			cases = append(cases, i.CaseNo)
		}
	}
	turns, err := l.record.Cases.Turns(ctx, cases)
	for n := range items {
		i := &items[n]
		party := cmp.Or(onboarding.States.PartyOf(i.Task), book.BatchStates.PartyOf(i.Task))
		m := w.calendars.Measure(i.Task, party, w.now)
		mine := w.calendars.Held(i.Task, party, i.Came, w.now)
		m.Mine = &mine
		if of := turns[i.CaseNo]; i.Subject == "" && i.OpenedAt != nil {
			clock := w.calendars.Read(*i.OpenedAt, w.now, of)
			m.InAll = &clock.InAll
		}
		i.Measure = &m
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
