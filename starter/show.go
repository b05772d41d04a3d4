package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/internal/procdoc"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

func showCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show CASE",
		Short:   "Where a case stands, in the picture of the process, and whom it waits for",
		Example: "  starter --as hanna.terr show KAM-2026-000016",
		Args:    cobra.ExactArgs(1),
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			v, err := back.CaseView(ctx, a.me(), kam.CaseNo(args[0]))
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			return a.show(v)
		}),
	}
}

// shownJSON is the answer of show.
type shownJSON struct {
	caseJSON
	Started    bool                 `json:"started"`
	Request    customer.RequestData `json:"request"`
	Candidates []customer.Candidate `json:"candidates,omitempty"`
	Findings   []customer.Finding   `json:"findings,omitempty"`
	AtImport   []customer.Finding   `json:"import_findings,omitempty"`
	Ending     *service.Ending      `json:"ending,omitempty"`
	// Follows is the case that this one follows, and where that one stands.
	Follows *followedJSON `json:"follows,omitempty"`
	// Followers are the later cases that are the same request as this one.
	Followers []onboarding.Follower `json:"followers,omitempty"`
	// Screened are the hits of screening, for compliance and audit.
	Screened *customer.Screened `json:"screened,omitempty"`
	// Change is what a case on an existing customer changes.
	Change *parties.Change `json:"change,omitempty"`
	// Conflict says that somebody else changed the customer meanwhile.
	Conflict bool `json:"version_conflict,omitempty"`
	// Hidden says why the data are not shown.
	Hidden string `json:"hidden,omitempty"`
	// Stage is the time in the stage against its target, Clock that of the case.
	Stage *kam.Measure `json:"stage,omitempty"`
	Clock *kam.Clock   `json:"clock,omitempty"`
}

// followedJSON is what a follower sees of the case that he follows.
type followedJSON struct {
	CaseNo     kam.CaseNo         `json:"case_no"`
	State      onboarding.State   `json:"state"`
	Outcome    onboarding.Outcome `json:"outcome,omitempty"`
	CustomerNo string             `json:"customer_no,omitempty"`
}

// show prints a case. Who may not read its data sees where it stands.
func (a *app) show(v service.CaseView) error {
	if a.json {
		shown := shownJSON{Stage: v.Stage, Clock: v.Clock, caseJSON: jsonOf(v.Snapshot), Started: v.Started, Request: v.Request, Candidates: v.Candidates, Findings: v.Findings, AtImport: v.Opening.Findings,
			Ending: v.Ending, Followers: v.Snapshot.Followers, Screened: v.Screened, Change: v.Change, Conflict: conflicts(v.Snapshot, v.Change)}
		if f := v.Followed; f != nil {
			shown.Follows = &followedJSON{f.CaseNo, f.State, f.Outcome, f.CommittedAs}
		}
		if v.Hidden != nil {
			shown.Hidden = v.Hidden.Error()
		}
		return a.printJSON(shown)
	}
	a.printView(v)
	a.printChange(v.Snapshot, v.Change)
	if v.Hidden != nil {
		a.printf("\n")
		a.say("show.hidden", a.words.Sentence(v.Hidden.Message()))
		return nil
	}
	a.section(a.text("label.data"), a.dataTable(v.Request))
	return nil
}

func (a *app) printView(v service.CaseView) {
	s := v.Snapshot
	a.printf("%s\n", strings.TrimRight(procdoc.TextPicture(s.Type, s.State, v.Been...), "\n"))
	a.printf("\n")
	if !v.Started {
		a.say("show.unstarted")
	}
	a.printCase(s, v.Ending)
	a.pair("label.customer", v.Request.LegalName)
	a.pair("label.base", a.baseLine(s))
	a.pair("label.appeal", a.appealLine(s))
	a.pair("label.follows", a.followsLine(v))
	a.pair("label.followers", followersLine(s))
	a.pair("label.trigger", strings.TrimSpace(string(s.Trigger)+" "+reviewReason(v)))
	a.pair("label.requester", string(s.Requester))
	a.pair("label.territory", s.Territory)
	a.pair("label.owner", string(s.OwnerID))
	a.pair("label.tier", strings.TrimSpace(string(s.KAStatus)+" "+string(s.Tier)))
	a.pair("label.flags", join(s.Flags))
	a.pair("label.revision", a.revisionLine(s))
	a.pair("label.decision", a.words.Note(s.Headline))
	a.pair("label.confirmed", a.confirmedBy(s))
	a.pair("label.endorsed", join(s.Endorsed))
	a.pair("label.opened", a.screen.Time(s.OpenedAt))
	a.pair("label.changed", a.screen.Time(s.UpdatedAt))
	if s.Task != nil {
		a.deadlines(*s.Task)
	}
	a.pair("label.turn", a.turn(v.Stage))
	a.pair("label.stage", a.measured(v.Stage))
	a.clock(v.Clock)
	a.candidates(v.Candidates)
	a.hits(v.Screened)
	a.findings("", v.Findings)
	a.findings(a.text("import.found"), v.Opening.Findings)
}

// clock is the time of the case, by party and by stage.
func (a *app) clock(c *kam.Clock) {
	if c == nil {
		return
	}
	parts := make([]string, len(c.Parties))
	for i, p := range c.Parties {
		parts[i] = a.text("party."+string(p.Party)) + " " + a.hours(&p.Hours)
	}
	a.pair("label.inall", strings.Join(append([]string{a.hours(&c.InAll)}, parts...), "; "))
	t := term.NewTable(a.text("label.step"), a.text("label.task"), a.text("label.turn"), a.text("label.stage"), a.text("label.opened"), a.text("label.until"))
	for _, s := range c.Stages {
		until := ""
		if s.Until != nil {
			until = a.screen.Time(*s.Until)
		}
		t.Row(string(s.Step), strings.ReplaceAll(string(s.Task), "_", " "), a.turn(&s.Measure), a.measured(&s.Measure), a.screen.Time(s.From), until)
	}
	a.section(a.text("show.clock"), t)
}

// hits are what compliance is asked about, each line of a list by itself.
func (a *app) hits(s *customer.Screened) {
	if s == nil {
		return
	}
	t := term.NewTable(a.text("label.list"), a.text("label.ref"), a.text("label.name"), a.text("label.result"))
	for _, h := range s.Hits {
		t.Row(h.List, h.Ref, h.Name, string(h.Result))
	}
	a.section(a.text("show.hits", a.screen.Time(s.At)), t)
}

// confirmedBy names who has confirmed the data, the first of two first.
func (a *app) confirmedBy(s onboarding.Snapshot) string {
	switch {
	case s.FirstConfirmedBy == "":
		return string(s.ConfirmedBy)
	case s.ConfirmedBy == "" || s.ConfirmedBy == s.FirstConfirmedBy:
		return a.text("show.first", string(s.FirstConfirmedBy))
	default:
		return a.text("show.both", string(s.FirstConfirmedBy), string(s.ConfirmedBy))
	}
}

// baseLine is the version of the customer that the case started from.
func (a *app) baseLine(s onboarding.Snapshot) string {
	if s.BaseVersion == 0 {
		return ""
	}
	return a.text("show.base", s.BaseVersion, s.CommittedAs)
}

// followsLine is the case that this one follows, where that one stands, and what
// can be done now.
func (a *app) followsLine(v service.CaseView) string {
	f := v.Followed
	switch {
	case f == nil:
		return ""
	case !f.State.Ended():
		return a.text("show.follows", string(f.CaseNo), string(f.State))
	case f.CommittedAs != "":
		return a.text("show.followed", string(f.CaseNo), string(f.State), f.CommittedAs)
	default:
		return a.text("show.draft", string(f.CaseNo), string(f.State), string(v.Snapshot.CaseNo))
	}
}

func followersLine(s onboarding.Snapshot) string {
	all := make([]string, len(s.Followers))
	for i, f := range s.Followers {
		all[i] = string(f.CaseNo) + " (" + string(f.Requester) + ")"
	}
	return strings.Join(all, ", ")
}

func (a *app) appealLine(s onboarding.Snapshot) string {
	if s.AppealOf == "" {
		return ""
	}
	by := string(s.AppealDecider)
	if s.AppealDecider == kam.System {
		by = a.text("show.rules")
	}
	return a.text("show.appeal", string(s.AppealOf), by, string(s.AppealLevel))
}

// reviewReason is what was said when a review was asked for: the data that it
// judges are those of the record.
func reviewReason(v service.CaseView) string {
	if v.Snapshot.Type != kam.Reclassify {
		return ""
	}
	return v.Opening.Data.Justification
}

func (a *app) revisionLine(s onboarding.Snapshot) string {
	if s.Revision == 0 {
		return ""
	}
	line := itoa(s.Revision)
	if s.MaterialHash != "" {
		line += ", " + strings.ToLower(a.text("label.hash")) + " " + shortHash(s.MaterialHash)
	}
	return line
}

func (a *app) deadlines(task kam.Task) {
	var all []string
	for _, d := range task.Deadlines {
		all = append(all, strings.ToLower(string(d.Kind))+" "+a.screen.Time(d.At))
	}
	a.pair("label.deadlines", strings.Join(all, "; "))
}

func (a *app) candidates(all []customer.Candidate) {
	t := term.NewTable(a.text("label.ref"), a.text("label.name"), a.text("label.class"), a.text("label.score")+">", a.text("label.why"))
	for _, c := range all {
		class := string(c.Class)
		if c.Waived {
			class += " (waived)"
		}
		t.Row(c.Ref, c.Name, class, c.Score.String(), strings.Join(c.Reasons, ", "))
	}
	a.section(a.text("label.candidates"), t)
}

func (a *app) findings(heading string, all []customer.Finding) {
	t := term.NewTable(a.text("label.finding"), a.text("label.severity"), a.text("label.field"), a.text("label.message"))
	for _, f := range all {
		severity := string(f.Severity)
		if f.WaivedBy != "" {
			severity += " (waived by " + string(f.WaivedBy) + ")"
		}
		t.Row(f.RuleID, severity, f.Field, a.words.Sentence(f.Sentence()))
	}
	a.section(heading, t)
}

// section prints a table under a heading, nothing where it has no rows.
func (a *app) section(heading string, t *term.Table) {
	if t.Len() == 0 {
		return
	}
	a.printf("\n")
	if heading != "" {
		a.printf("%s\n\n", a.screen.Bold(heading))
	}
	a.printf("%s", t.Text(a.screen))
}

func join[S ~string](all []S) string {
	parts := make([]string, len(all))
	for i, x := range all {
		parts[i] = string(x)
	}
	return strings.Join(parts, ", ")
}
