package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

func explainCommand(a *app) *cobra.Command {
	var step string
	cmd := &cobra.Command{
		Use:   "explain CASE",
		Short: "Why the rules decided as they did, and what would have changed it",
		Args:  cobra.ExactArgs(1),
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			no := kam.CaseNo(args[0])
			all, err := back.Records(ctx, a.me(), no)
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			var records []onboarding.DecisionRecord
			for _, r := range all {
				if strings.HasPrefix(string(r.Step), step) {
					records = append(records, r)
				}
			}
			if a.json {
				return a.printJSON(map[string]any{"case_no": no, "records": records})
			}
			if len(records) == 0 {
				a.say("explain.none", string(no))
			}
			for i, r := range records {
				if i > 0 {
					a.printf("\n")
				}
				a.explain(r)
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&step, "step", "", "only the records of a step, as 1.1.4, or of a group of steps, as 1.5")
	return cmd
}

func (a *app) explain(r onboarding.DecisionRecord) {
	a.printf("%s\n", a.screen.Bold(term.Clean(a.text("explain.head", a.stepLabel(r.Step), string(r.Kind), r.Policy.ID, itoa(r.Policy.Version), itoa(r.Revision), r.Outcome))))
	if r.ComputedAt != nil {
		a.printf("%s\n", a.screen.Faint(a.screen.Clock(*r.ComputedAt)))
	}
	a.say("explain.rules", max(r.RulesVersion, 1))
	a.printf("%s\n", term.Clean(a.words.Note(r.Headline)))
	if r.Score != nil && r.Confidence != nil {
		a.say("explain.score", r.Score.Fixed(), r.Confidence.String())
	}
	if len(r.HardStops) > 0 {
		var stops []string
		for _, h := range r.HardStops {
			stops = append(stops, h.ID+" ("+string(h.Outcome)+")")
		}
		a.say("explain.stops", strings.Join(stops, ", "))
	}
	a.criteria(r)
	a.tests(r)
	a.findings("", r.Findings)
	if len(r.Criteria)+len(r.Gates)+len(r.Tests)+len(r.Findings) > 0 {
		a.printf("\n")
	}
	if len(r.Missing) > 0 {
		a.say("explain.missing", strings.Join(r.Missing, ", "))
	}
	if len(r.Members) > 0 {
		a.say("explain.members", strings.Join(r.Members, ", "))
	}
	for _, w := range r.WouldChange {
		to := w.To
		if !strings.HasPrefix(to, ">") && !strings.HasPrefix(to, "<") {
			to = "= " + to
		}
		a.say("explain.change", w.Outcome, w.Criterion, to, w.Score.Fixed())
	}
	if r.Kind == onboarding.RecordAdd && len(r.WouldChange) == 0 && r.Outcome != string(kam.Add) && len(r.HardStops) == 0 {
		a.say("explain.unchanged")
	}
	if h := r.Human; h != nil {
		a.say("explain.human", named(h.By, h.OnBehalfOf), h.Decision, a.screen.Time(h.At))
		if h.AgainstRecommendation {
			a.say("explain.against", h.Reason)
		}
	}
}

func (a *app) criteria(r onboarding.DecisionRecord) {
	t := term.NewTable(a.text("label.criterion"), a.text("label.value"), a.text("label.points")+">", a.text("label.weight")+">", a.text("label.share")+">")
	for _, c := range r.Criteria {
		t.Row(c.ID, c.Value, c.Points.String(), c.Weight.String(), c.Contribution.Fixed())
	}
	a.section("", t)
}

func (a *app) tests(r onboarding.DecisionRecord) {
	yes := map[bool]string{true: a.text("word.yes"), false: a.text("word.no")}
	gates := term.NewTable(a.text("label.gate"), a.text("label.passed"), a.text("label.why"))
	for _, g := range r.Gates {
		gates.Row(g.ID, yes[g.Passed], a.words.Note(g.Reason))
	}
	a.section("", gates)
	tests := term.NewTable(a.text("label.tier"), a.text("label.test"), a.text("label.value")+">", a.text("label.limit")+">", a.text("label.passed"))
	for _, x := range r.Tests {
		tests.Row(string(x.Tier), x.Test, x.Value.String(), x.Limit.String(), yes[x.Passed])
	}
	a.section("", tests)
}
