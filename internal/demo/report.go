package demo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
)

// report tells a person what came of the onboardings.
func (d *demo) report(all []played) {
	d.overview(all)
	d.rejections(all)
	d.waiting(all)
	d.keyAccounts(all)
	d.others(all)
	d.existing(all)
	if p, r, ok := longest(all, kam.RecordAdd, "REFER"); ok {
		d.explain(p, r)
	}
	if p, ok := named(all, "global_key_account"); ok {
		d.timeline(p)
	}
}

func (d *demo) head(text string) { d.say("\n%s", d.screen.Bold(text)) }

func (d *demo) table(t *term.Table) { fmt.Fprint(d.Out, t.Text(d.screen)) }

func (d *demo) overview(all []played) {
	d.head(fmt.Sprintf("%d requests came in", len(all)))
	t := term.NewTable("Case", "Kind", "Customer", "Requested by", "Territory", "Now", "What it shows")
	for _, p := range inOrder(all) {
		s := p.view.Snapshot
		t.Row(string(s.CaseNo), p.kind(), p.customer(), d.name(p.script.By), s.Territory, ending(s), p.script.Title)
	}
	d.table(t)
}

// inOrder are the cases by number; what never got one comes last.
func inOrder(all []played) []played {
	return slices.SortedStableFunc(slices.Values(all), func(a, b played) int {
		x, y := a.view.Snapshot.CaseNo, b.view.Snapshot.CaseNo
		if (x == "") != (y == "") {
			return -cmp.Compare(x, y)
		}
		return cmp.Compare(x, y)
	})
}

// customer is the name as the case has it.
func (p played) customer() string {
	return cmp.Or(p.view.Request.LegalName, p.script.Request.LegalName, p.script.CustomerNo)
}

// kinds are the types of case as people say them.
var kinds = map[kam.CaseType]string{
	kam.NewCase: "new", kam.Modify: "change", kam.Deactivate: "retirement", kam.Reactivate: "return", kam.Reclassify: "review",
}

// kind is what sort of case it became.
func (p played) kind() string {
	switch now := p.view.Snapshot.Type; {
	case p.script.AppealOf != "":
		return "appeal"
	case now != "" && now != p.script.Type:
		return kinds[p.script.Type] + ", then " + kinds[now]
	default:
		return kinds[p.script.Type]
	}
}

// endings are the outcomes as people say them.
var endings = map[kam.Outcome]string{
	kam.Modified: "changed", kam.Deactivated: "retired", kam.ReactivatedKA: "key account again", kam.ReactivatedNonKA: "customer again",
	kam.Reclassified: "classified anew", kam.NoChange: "as it was",
}

// ending is the state, or what a completed case led to.
func ending(s kam.Snapshot) string {
	switch {
	case s.Outcome == kam.AddedKA:
		return "key account, " + strings.ToLower(string(s.Tier))
	case s.Outcome == kam.AddedNonKA && s.Has(kam.FlagProvisional):
		return "customer, provisional"
	case s.Outcome == kam.AddedNonKA:
		return "customer"
	case endings[s.Outcome] != "":
		return endings[s.Outcome]
	case s.State == "":
		return "not started"
	default:
		return words(string(s.State))
	}
}

func (d *demo) rejections(all []played) {
	t := term.NewTable("Case", "Customer", "By", "Why")
	for _, p := range all {
		s := p.view.Snapshot
		if s.State != kam.Rejected {
			continue
		}
		by, why := "the rules", s.Headline
		for _, e := range p.events {
			if e.To == string(kam.Rejected) && e.Actor != kam.System {
				by, why = d.name(e.Actor), e.Text
			}
			if e.To == string(kam.Rejected) && e.Type == kam.EventComplianceDecided {
				why = "for compliance and audit to read"
			}
		}
		if s.ReasonCode != "" {
			why = words(s.ReasonCode) + ": " + why
		}
		t.Row(string(s.CaseNo), p.customer(), by, why)
	}
	d.head(fmt.Sprintf("%d were rejected", t.Len()))
	d.table(t)
}

func (d *demo) waiting(all []played) {
	t := term.NewTable("Case", "Customer", "Waits for", "To", "Since", "Then")
	for _, p := range all {
		s := p.view.Snapshot
		if s.State.Kind() != kam.Human || s.Task == nil {
			continue
		}
		then := ""
		if next, ok := s.Task.Next(); ok {
			then = words(string(next.Kind)) + " " + d.screen.Time(next.At)
		}
		t.Row(string(s.CaseNo), p.customer(), d.whom(s.Task), words(string(s.Task.Kind)), d.screen.Clock(s.Task.OpenedAt), then)
	}
	d.head(fmt.Sprintf("%d wait for somebody", t.Len()))
	d.table(t)
}

// whom names the persons and roles that a task waits for.
func (d *demo) whom(task *kam.Task) string {
	var who []string
	for _, u := range task.Assignees {
		who = append(who, d.named(u))
	}
	if task.Queue != "" {
		who = append(who, "any "+words(task.Queue))
	}
	return strings.Join(who, ", ")
}

func (d *demo) keyAccounts(all []played) {
	t := term.NewTable("Case", "Customer", "Tier", "Endorsed by", "Why")
	for _, p := range all {
		s := p.view.Snapshot
		if s.Outcome != kam.AddedKA {
			continue
		}
		var by []string
		for _, u := range s.Endorsed {
			by = append(by, d.named(u))
		}
		why := s.Headline
		if r, ok := record(p, kam.RecordClassification); ok {
			why = r.Headline
		}
		t.Row(string(s.CaseNo), p.customer(), strings.ToLower(string(s.Tier)), strings.Join(by, ", "), why)
	}
	d.head(fmt.Sprintf("%d became key accounts", t.Len()))
	d.table(t)
}

// others says why the rest of the new customers are no key accounts.
func (d *demo) others(all []played) {
	t := term.NewTable("Case", "Customer", "Why not a key account")
	for _, p := range all {
		if r, ok := record(p, kam.RecordClassification); ok && p.view.Snapshot.Outcome == kam.AddedNonKA {
			t.Row(string(p.view.Snapshot.CaseNo), p.customer(), r.Headline)
		}
	}
	d.head(fmt.Sprintf("%d became customers that are covered from the call plan", t.Len()))
	d.table(t)
}

// existing says what came of the cases on customers that were there already.
func (d *demo) existing(all []played) {
	t := term.NewTable("Case", "Kind", "Customer", "Now", "Decided by", "What")
	for _, p := range inOrder(all) {
		s := p.view.Snapshot
		if endings[s.Outcome] == "" {
			continue
		}
		var by []string
		what := s.Headline
		for _, e := range p.events {
			switch {
			case e.Type == kam.EventConfirmed || e.Type == kam.EventEndorsed:
				by = append(by, d.named(e.Actor))
			case e.Type == kam.EventHandedOff && e.Text != "":
				what = e.Text
			}
		}
		switch s.Type {
		case kam.Modify:
			what = "changed: " + orNone(p.changed)
		case kam.Deactivate:
			what = p.view.Request.Justification
		}
		t.Row(string(s.CaseNo), p.kind(), p.customer(), ending(s), cmp.Or(strings.Join(by, ", "), "nobody was asked"), what)
	}
	d.head(fmt.Sprintf("%d cases were about customers that we have", t.Len()))
	d.table(t)
}

// explain shows one decision as it can be read for any case.
func (d *demo) explain(p played, r kam.DecisionRecord) {
	d.head(fmt.Sprintf("Why %s for %s (%s, step %s, policy %s %d)", r.Outcome, p.customer(), r.CaseNo, r.Step, r.Policy.ID, r.Policy.Version))
	t := term.NewTable("Criterion", "Value", "Points>", "Weight>", "Counts>")
	for _, c := range r.Criteria {
		value := c.Value
		if value == "" {
			value = "unknown"
		}
		t.Row(words(c.ID), value, c.Points.String(), c.Weight.String(), c.Contribution.Fixed())
	}
	d.table(t)
	d.say("%s.", r.Headline)
	if r.Confidence != nil {
		d.say("Confidence %s percent; unknown: %s.", r.Confidence, orNone(r.Missing))
	}
	for _, w := range r.WouldChange {
		d.say("It would be %s (%s) with %s %s.", w.Outcome, w.Score.Fixed(), words(w.Criterion), w.To)
	}
	if h := r.Human; h != nil {
		d.say("%s decided %s: %s", d.named(h.By), h.Decision, h.Reason)
	}
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	names := make([]string, len(list))
	for i, name := range list {
		names[i] = words(name)
	}
	return strings.Join(names, ", ")
}

// timeline shows the history of one case.
func (d *demo) timeline(p played) {
	d.head(fmt.Sprintf("The history of %s, %s", p.view.Snapshot.CaseNo, p.customer()))
	t := term.NewTable("Time", "Step", "What", "Who", "State after", "Words")
	for _, e := range p.events {
		text := e.Text
		if e.Restricted {
			text = "for compliance and audit to read"
		}
		t.Row(d.screen.Clock(e.At), string(e.Step), words(string(e.Type)), d.name(e.Actor), e.To, text)
	}
	d.table(t)
}

// name is a person's name; the engine has none.
func (d *demo) name(u kam.UserID) string {
	if u == kam.System {
		return "the engine"
	}
	if p, ok := d.people[u]; ok && p.Name != "" {
		return p.Name
	}
	return string(u)
}

// named is a person's name with his role.
func (d *demo) named(u kam.UserID) string {
	if p, ok := d.people[u]; ok && len(p.Roles) > 0 {
		return d.name(u) + " (" + words(string(p.Roles[0])) + ")"
	}
	return d.name(u)
}

// words is a code as people say it.
func words(code string) string { return strings.ToLower(strings.ReplaceAll(code, "_", " ")) }

// record finds the newest decision record of a kind.
func record(p played, kind kam.RecordKind) (kam.DecisionRecord, bool) {
	for i := len(p.view.Records) - 1; i >= 0; i-- {
		if p.view.Records[i].Kind == kind {
			return p.view.Records[i], true
		}
	}
	return kam.DecisionRecord{}, false
}

// longest finds the record with this outcome that has the most to say.
func longest(all []played, kind kam.RecordKind, outcome string) (best played, r kam.DecisionRecord, ok bool) {
	for _, p := range all {
		got, have := record(p, kind)
		if have && got.Outcome == outcome && len(got.WouldChange) > len(r.WouldChange) {
			best, r, ok = p, got, true
		}
	}
	return best, r, ok
}

func named(all []played, part string) (played, bool) {
	for _, p := range all {
		if strings.Contains(p.script.Name, part) && len(p.events) > 0 {
			return p, true
		}
	}
	return played{}, false
}
