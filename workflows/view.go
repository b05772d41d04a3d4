package workflows

import (
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// view is what operators search a case by, and what a wait looks at: two
// snapshots with the same view need no new timer.
type view struct {
	State, Step, Type, Territory, WaitsFor, Outcome string

	Due  time.Time
	Kind kam.DeadlineKind
}

func look(s onboarding.Snapshot) view {
	v := view{
		State:     string(s.State),
		Step:      string(s.Step),
		Type:      string(s.Type),
		Territory: s.Territory,
		Outcome:   string(s.Outcome),
	}
	if !s.State.Ended() {
		v.WaitsFor = waitsFor(s)
		if d, ok := s.Task.Next(); ok {
			v.Due, v.Kind = d.At.UTC(), d.Kind
		}
	}
	return v
}

// waitsFor is the role or queue that the case waits for; no persons.
func waitsFor(s onboarding.Snapshot) string {
	switch {
	case s.Task != nil && s.Task.Queue != "":
		return s.Task.Queue
	case s.Task != nil && s.Task.Level != "":
		return s.State.Spec().WaitsFor + " " + string(s.Task.Level)
	default:
		return s.State.Spec().WaitsFor
	}
}

// The search attributes of a case.
var (
	attrState     = temporal.NewSearchAttributeKeyKeyword(onboarding.AttrState)
	attrStep      = temporal.NewSearchAttributeKeyKeyword(onboarding.AttrStep)
	attrType      = temporal.NewSearchAttributeKeyKeyword(onboarding.AttrCaseType)
	attrTerritory = temporal.NewSearchAttributeKeyKeyword(onboarding.AttrTerritory)
	attrWaitsFor  = temporal.NewSearchAttributeKeyKeyword(onboarding.AttrWaitsFor)
	attrOutcome   = temporal.NewSearchAttributeKeyKeyword(onboarding.AttrOutcome)
	attrDue       = temporal.NewSearchAttributeKeyTime(onboarding.AttrDue)
)

// publish brings the search attributes up to date: one event for all that
// changed, none if nothing did. What the client set at the start, and what an
// earlier run set, is there already.
func (d *desk) publish(ctx workflow.Context) error {
	if d.before {
		return nil
	}
	now, want := workflow.GetTypedSearchAttributes(ctx), d.now().view

	var changes []temporal.SearchAttributeUpdate
	keyword := func(k temporal.SearchAttributeKeyKeyword, v string) {
		old, ok := now.GetKeyword(k)
		switch {
		case ok && old == v || !ok && v == "":
		case v == "":
			changes = append(changes, k.ValueUnset())
		default:
			changes = append(changes, k.ValueSet(v))
		}
	}
	keyword(attrState, want.State)
	keyword(attrStep, want.Step)
	keyword(attrType, want.Type)
	keyword(attrTerritory, want.Territory)
	keyword(attrWaitsFor, want.WaitsFor)
	keyword(attrOutcome, want.Outcome)

	switch old, ok := now.GetTime(attrDue); {
	case ok && old.Equal(want.Due) || !ok && want.Due.IsZero():
	case want.Due.IsZero():
		changes = append(changes, attrDue.ValueUnset())
	default:
		changes = append(changes, attrDue.ValueSet(want.Due))
	}

	if len(changes) == 0 {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, changes...)
}

// details says in a few lines of Markdown where a case stands and for whom it
// waits: ids of users, no names.
func details(s onboarding.Snapshot) string {
	var b strings.Builder
	line := func(parts ...string) {
		b.WriteString(strings.Join(parts, "") + "\n")
	}

	line("**", string(s.State), "** ", s.Step.Label(), "\n")
	if s.Outcome != "" {
		line("- outcome: ", string(s.Outcome))
	}
	if s.ReasonCode != "" {
		line("- reason: ", s.ReasonCode)
	}
	if t := s.Task; t != nil && !s.State.Ended() {
		line("- waits for: ", waitsFor(s), users(t.Assignees))
		line("- since: ", t.OpenedAt.UTC().Format(time.RFC3339))
		for _, d := range t.Deadlines {
			line("- ", deadlineWord(d.Kind), ": ", d.At.UTC().Format(time.RFC3339))
		}
	}
	if s.ResumeState != "" && s.State == onboarding.NeedsIntervention {
		line("- resumes at: ", string(s.ResumeState))
	}
	if s.Headline != "" {
		line("- last: ", s.Headline)
	}
	return b.String()
}

// batchDetails says in a few lines where an import stands and for whom it waits.
func batchDetails(b book.BatchSnapshot) string {
	lines := []string{"**" + string(b.State) + "** 5.7"}
	for _, s := range b.Scopes {
		switch {
		case s.ConfirmedBy != "":
			lines = append(lines, "- "+s.Node+": confirmed by `"+string(s.ConfirmedBy)+"`")
		case s.Task != nil:
			lines = append(lines, "- "+s.Node+": waits"+users(s.Task.Assignees))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func users(ids []kam.UserID) string {
	if len(ids) == 0 {
		return ""
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = "`" + string(id) + "`"
	}
	return " (" + strings.Join(names, ", ") + ")"
}
