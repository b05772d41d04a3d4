// Package caseview is what pages show of a case, and how it is decided on: one part
// that the inbox, the page of the case and the page behind the link in a mail share.
// What can be done comes from the table of acts, by [service.Verb].
package caseview

import (
	"cmp"
	"context"
	"embed"
	"slices"
	"strings"
	"time"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/internal/procdoc"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

//go:embed case.html case.css
var files embed.FS

// Part is the template: pages that parse it write a Pane with {{template "case"}}.
var Part = page.Part{Dir: files, Name: "case.html"}

func init() { page.Asset(files, "case.css") } //nolint:gochecknoinits // assets are part of the program

// A Desk makes panes and carries out what their forms ask for.
type Desk struct {
	Gate    *gateway.Gate
	Service service.Service
}

// A Pane is a case with everything that a decision on it needs.
type Pane struct {
	service.CaseView
	Form   string // token of its forms
	At     string // where its forms are sent
	Title  string
	Path   []Process
	Yours  bool     // it waits for whoever reads
	Waits  string   // for whom it waits otherwise
	Score  *Score   // what the rules say whether to add
	Others []Record // the other decisions of the rules
	// Since are the fields that changed since he looked, or since the round before.
	Since      []customer.FieldChange
	SinceAt    time.Time // that he looked, zero for a round
	Stale      bool      // he decided on older data: Since is the difference
	Data       []Group
	Revision   int // that Data are of
	Verbs      []Verb
	DecisionID string
	// All says that everything is shown: the page of the case.
	All       bool
	Timeline  []Entry
	Revisions []service.Revision
}

// A Process is a box of level 2 with the states of the case in it.
type Process struct {
	Code  kam.StepCode
	Steps []procdoc.PathStep
}

// A Score is a decision of the rules by points.
type Score struct {
	onboarding.DecisionRecord
	Bars []Bar
	Lift []Lift
}

// A Bar is a criterion: how much of what it could give it gives.
type Bar struct {
	onboarding.CriterionResult
	Percent int
	Unknown bool
}

// A Lift is a change of one criterion that lifts the outcome.
type Lift struct {
	onboarding.WouldChange
	How string
}

// A Record is another decision of the rules.
type Record struct {
	onboarding.DecisionRecord
	Said string
}

// A Group is a set of fields of the request.
type Group struct {
	Text   string // id of its name
	Fields []customer.FieldChange
}

// An Entry is a line of the timeline.
type Entry struct {
	kam.AuditEvent
	By   string
	Days bool // the first of its day
}

// Asked says what to show besides the case itself.
type Asked struct {
	At       string // where forms are sent
	All      bool   // timeline and revisions
	Revision int    // of the data; 0: the newest
	Typed    *Typed // what was refused
}

// Pane is a case as somebody may see it; NOT_FOUND, FORBIDDEN.
func (d Desk) Pane(ctx context.Context, v *gateway.Visit, no kam.CaseNo, ask Asked) (*Pane, error) {
	view, err := d.Service.CaseView(ctx, v.Who, no)
	if err != nil {
		return nil, err
	}
	s := view.Snapshot
	p := &Pane{CaseView: view, Form: v.Frame("").Form, At: ask.At, All: ask.All, Title: cmp.Or(view.Request.LegalName, string(no)), Revision: s.Revision, DecisionID: service.NewDecisionID()}
	p.Path = pathOf(view)
	p.waits(v)
	for _, r := range view.Records {
		if r.Kind == onboarding.RecordAdd {
			p.Score = scoreOf(v, r)
		} else {
			p.Others = append(p.Others, Record{r, v.Note(r.Headline)})
		}
	}
	if view.Hidden == nil {
		if err := d.data(ctx, v, p, ask); err != nil {
			return nil, err
		}
	}
	p.verbs(v, ask.Typed)
	if ask.All {
		events, err := d.Service.Events(ctx, v.Who, no)
		if err != nil && kam.CodeOf(err) != kam.Forbidden {
			return nil, err
		}
		p.Timeline = timeline(v, events)
	}
	return p, nil
}

// data are the fields of the revision, and what changed.
func (d Desk) data(ctx context.Context, v *gateway.Visit, p *Pane, ask Asked) error {
	s := p.Snapshot
	shown := p.Request
	var look *gateway.Look
	if s.Revision > 0 {
		var err error
		if look, err = d.Gate.Seen(ctx, v, "case/"+string(s.CaseNo), s.Revision); err != nil {
			return err
		}
	}
	if s.Revision > 1 || s.BaseVersion > 0 || ask.All {
		all, err := d.Service.Revisions(ctx, v.Who, s.CaseNo)
		if err != nil {
			return err
		}
		p.Revisions = all
		of := func(no int) *service.Revision {
			i := slices.IndexFunc(all, func(r service.Revision) bool { return r.No == no })
			if i < 0 {
				return nil
			}
			return &all[i]
		}
		before := s.Revision - 1 // the round before
		switch {
		case ask.Typed != nil && ask.Typed.Revision > 0 && ask.Typed.Revision < s.Revision:
			before, p.Stale = ask.Typed.Revision, true
		case look != nil:
			before, p.SinceAt = look.Revision, look.At
		}
		if was, now := of(before), of(s.Revision); was != nil && now != nil && (before > 0 || s.BaseVersion > 0) {
			p.Since = customer.Diff(was.Data, now.Data)
		}
		if r := of(ask.Revision); r != nil && ask.Revision > 0 {
			shown, p.Revision = r.Data, r.No
		} else if r := of(s.Revision); r != nil {
			shown = r.Data // of a change: laid over the record
		}
	}
	screening, detail := Group{Text: "case.screening"}, Group{Text: "case.detail"}
	for _, c := range customer.Diff(customer.RequestData{}, shown) {
		if f, _ := customer.FieldNamed(c.Field); f.Set == customer.Detail {
			detail.Fields = append(detail.Fields, c)
		} else {
			screening.Fields = append(screening.Fields, c)
		}
	}
	for _, g := range []Group{screening, detail} {
		if len(g.Fields) > 0 {
			p.Data = append(p.Data, g)
		}
	}
	return nil
}

// waits says whose turn it is.
func (p *Pane) waits(v *gateway.Visit) {
	s := p.Snapshot
	t := s.Task
	switch {
	case s.State.Ended():
	case t == nil:
		p.Waits = v.Text("case.engine")
	case slices.Contains(t.Assignees, v.Person.ID) || t.ClaimedBy == v.Person.ID:
		p.Yours = true
	case t.ClaimedBy != "":
		p.Waits = v.Words.Person(t.ClaimedBy)
	case len(t.Assignees) > 0:
		all := make([]string, len(t.Assignees))
		for i, a := range t.Assignees {
			all[i] = v.Words.Person(a)
		}
		p.Waits = strings.Join(all, ", ")
	case t.Queue != "":
		p.Yours = v.Person.Is(kam.Role(t.Queue))
		p.Waits = v.Text("case.queue", v.Code(t.Queue))
	default:
		p.Waits = v.Words.Person(s.Requester)
		p.Yours = s.Requester == v.Person.ID
	}
}

func pathOf(view service.CaseView) []Process {
	s := view.Snapshot
	var all []Process
	for _, step := range procdoc.Path(s.Type, s.State, view.Been...) {
		if len(all) == 0 || all[len(all)-1].Code != step.Process && step.Process != "" {
			all = append(all, Process{Code: step.Process})
		}
		at := &all[len(all)-1]
		at.Steps = append(at.Steps, step)
	}
	return all
}

func scoreOf(v *gateway.Visit, r onboarding.DecisionRecord) *Score {
	sc := &Score{DecisionRecord: r}
	for _, c := range r.Criteria {
		b := Bar{CriterionResult: c, Unknown: slices.Contains(r.Missing, c.ID)}
		if c.Weight > 0 {
			b.Percent = int(min(100, max(0, c.Contribution*100/c.Weight)))
		}
		sc.Bars = append(sc.Bars, b)
	}
	for _, w := range r.WouldChange {
		to := w.To
		if !strings.HasPrefix(to, ">") && !strings.HasPrefix(to, "<") {
			to = v.Code(to)
		}
		sc.Lift = append(sc.Lift, Lift{w, to})
	}
	return sc
}

// timeline is what happened, the newest last, in the deck's words.
func timeline(v *gateway.Visit, events []kam.AuditEvent) []Entry {
	var all []Entry
	day := ""
	for _, e := range events {
		en := Entry{AuditEvent: e, By: v.Words.Person(e.Actor)}
		if e.OnBehalfOf != "" {
			en.By = v.Text("case.for", en.By, v.Words.Person(e.OnBehalfOf))
		}
		if e.Restricted && e.Text == "" {
			en.Text = v.Text("history.restricted")
		}
		if d := e.At.In(v.Zone).Format(time.DateOnly); d != day {
			day, en.Days = d, true
		}
		all = append(all, en)
	}
	return all
}

// Tone is the colour of a recommendation or an end: who owes the next step, or how
// it went.
func (p *Pane) Tone(outcome string) string {
	switch outcome {
	case string(kam.Add), string(onboarding.Completed):
		return "done"
	case string(kam.Reject), string(onboarding.Rejected), string(onboarding.Expired), string(onboarding.Cancelled):
		return "stop"
	case string(kam.Refer), string(kam.ReferCompliance):
		return "person"
	}
	return ""
}

// Chip is the colour of where the case stands.
func (p *Pane) Chip() string {
	switch p.Snapshot.State.Kind() {
	case kam.Human:
		return "person"
	case kam.Automatic:
		return "engine"
	}
	return p.Tone(string(p.Snapshot.State))
}
