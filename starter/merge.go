package main

import (
	"bufio"
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// mergeFlags are what a steward says about a merge besides the two numbers.
type mergeFlags struct {
	take   []string
	keep   []string
	expect []int
	dryRun bool
}

func mergeCommand(a *app) *cobra.Command {
	var o service.MergeOrder
	var f mergeFlags
	cmd := a.customerVerb("merge SURVIVOR ABSORBED --reason TEXT", "Make one customer of two records; --dry-run shows the plan", 2, func(ctx context.Context, back service.Service, args []string) error {
		o.Survivor, o.Absorbed = args[0], args[1]
		return a.merge(ctx, back, o, f)
	})
	flags := cmd.Flags()
	flags.StringVar(&o.Reason, "reason", "", "why, in words")
	flags.StringSliceVar(&f.take, "take", nil, "fields of which the absorbed record's value stands")
	flags.StringArrayVar(&f.keep, "keep", nil, "SCHEME=VALUE: the identifier that stands where two contradict each other; may be repeated")
	flags.StringVar(&o.Choice.Group, "group", "", "group that stands where the records are of two")
	flags.IntSliceVar(&f.expect, "expect", nil, "versions of survivor and absorbed record that you have read (default: those of now)")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would be done, field by field, and do nothing")
	flags.StringVar(&o.DecisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}

func (a *app) merge(ctx context.Context, back service.Service, o service.MergeOrder, f mergeFlags) error {
	o.Choice.Take = f.take
	for _, k := range f.keep {
		scheme, value, ok := strings.Cut(k, "=")
		if !ok || scheme == "" || value == "" {
			return usagef("--keep %q: write SCHEME=VALUE, as VAT_EU=DE136695976", k)
		}
		o.Choice.Keep = append(o.Choice.Keep, kam.Identifier{Scheme: kam.IdentifierScheme(strings.ToUpper(scheme)), Value: value})
	}
	if len(f.expect) != 0 && len(f.expect) != 2 {
		return usagef("--expect takes two versions: survivor,absorbed")
	}
	if len(f.expect) == 2 {
		o.ExpectSurvivor, o.ExpectAbsorbed = f.expect[0], f.expect[1]
	}
	asks := a.ask && !a.json && o.DecisionID == "" && len(f.expect) == 0
	if f.dryRun || asks {
		plan, err := back.MergePlan(ctx, a.me(), o.Survivor, o.Absorbed, o.Choice)
		if err != nil {
			return err
		}
		if f.dryRun && a.json {
			return a.printJSON(plan)
		}
		a.plan(plan)
		if f.dryRun {
			return nil
		}
		if err := a.sure("merge.ask", o.Absorbed, o.Survivor); err != nil {
			return err
		}
		o.ExpectSurvivor, o.ExpectAbsorbed = plan.SurvivorVersion, plan.AbsorbedVersion
	}
	if o.DecisionID == "" {
		o.DecisionID = service.NewDecisionID()
	}
	r, err := back.Merge(ctx, a.me(), o)
	return a.merged(r, o.DecisionID, err)
}

// sure asks a person at the terminal, who has just been shown what will be.
func (a *app) sure(id string, args ...any) error {
	a.printf("\n%s", a.text(id, args...))
	line, err := bufio.NewReader(a.in).ReadString('\n')
	switch answer := strings.TrimSpace(line); {
	case answer == "yes" || answer == "y":
		return nil
	case err != nil:
		return usageError{err}
	}
	return usagef("Nothing was decided.")
}

func (a *app) plan(p service.MergePlan) {
	a.say("merge.plan", p.Absorbed, p.AbsorbedVersion, p.Survivor, p.SurvivorVersion)
	a.printf("\n")
	t := term.NewTable(a.text("label.field"), p.Survivor, p.Absorbed, a.text("label.merged"))
	for _, f := range p.Fields {
		merged := a.text("merge.from." + f.From)
		if f.From == kam.FromBoth {
			merged += ": " + f.Merged
		}
		t.Row(f.Field, f.Survivor, f.Absorbed, merged)
	}
	a.printf("%s", t.Text(a.screen))
	if len(p.Dropped) > 0 {
		a.printf("\n")
	}
	for _, id := range p.Dropped {
		a.say("merge.dropped", string(id.Scheme), id.Value)
	}
}

// mergedJSON is the answer of merge and split.
type mergedJSON struct {
	service.MergeResult
	DecisionID string `json:"decision_id"`
}

// merged tells what a merge or a split did, and how it is undone.
func (a *app) merged(r service.MergeResult, decisionID string, err error) error {
	if err != nil {
		return sendAgain(err, decisionID)
	}
	if a.json {
		return a.printJSON(mergedJSON{r, decisionID})
	}
	id := "merge.done"
	switch {
	case r.Undone:
		id = "merge.undone"
	case r.Kind == service.SplitKind:
		id = "split.done"
	}
	a.say(id, r.OtherNo, r.CustomerNo, r.MergeID)
	m := r.Moved
	a.pair("label.identifiers", strings.Join(m.Identifiers, ", "))
	a.pair("label.dropped", strings.Join(m.Dropped, ", "))
	a.pair("label.addresses", counted(m.Addresses))
	a.pair("label.contacts", counted(m.Contacts))
	a.pair("label.children", strings.Join(m.Children, ", "))
	a.pair("label.accounts", strings.Join(m.SalesAccounts, ", "))
	a.pair("label.keyaccount", strings.Join(m.KeyAccounts, ", "))
	a.pair("label.tasks", strings.Join(m.Tasks, ", "))
	a.pair("label.stayed", strings.Join(r.Stayed, ", "))
	if r.Kind == service.MergeKind && !r.Undone {
		a.pair("label.undo", "starter customer split "+r.CustomerNo+" --undo "+r.MergeID+" --reason …")
	}
	return nil
}

func counted(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func splitCommand(a *app) *cobra.Command {
	var undo, file, reason, decisionID string
	var expect int
	cmd := a.customerVerb("split CUSTOMER --undo MERGE | -f split.json", "Undo a merge, or make two customers of one record", 1, func(ctx context.Context, back service.Service, args []string) error {
		if (undo == "") == (file == "") {
			return usagef("say what to split: --undo MERGE, or -f FILE")
		}
		if decisionID == "" {
			decisionID = service.NewDecisionID()
		}
		if undo != "" {
			r, err := back.UndoMerge(ctx, a.me(), service.UndoOrder{CustomerNo: args[0], MergeID: undo, ExpectVersion: expect, Reason: reason, DecisionID: decisionID})
			return a.merged(r, decisionID, err)
		}
		o := service.SplitOrder{CustomerNo: args[0], ExpectVersion: expect, Reason: reason, DecisionID: decisionID}
		b, err := a.readFile(file)
		if err != nil {
			return err
		}
		if err := decode(file, b, &o.Choice); err != nil {
			return err
		}
		r, err := back.Split(ctx, a.me(), o)
		return a.merged(r, decisionID, err)
	})
	flags := cmd.Flags()
	flags.StringVar(&undo, "undo", "", "number of the merge to undo, as customer show lists it")
	flags.StringVarP(&file, "file", "f", "", "what goes to the new customer, - for standard input")
	flags.StringVar(&reason, "reason", "", "why, in words")
	flags.IntVar(&expect, "expect", 0, "version of the record that you have read (default: that of now)")
	flags.StringVar(&decisionID, "decision-id", "", "id of a decision that is sent again")
	return cmd
}
