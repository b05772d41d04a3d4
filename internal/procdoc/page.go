package procdoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
)

const generated = "<!-- Printed from package kam by `go generate ./internal/procdoc`; a test fails when it is stale. -->\n\n"

// table writes a Markdown table.
func table(b *strings.Builder, head string, rows [][]string) {
	cols := strings.Split(head, "|")
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(cols, " | "), strings.Repeat(" --- |", len(cols)))
	for _, r := range rows {
		for i, c := range r {
			r[i] = strings.ReplaceAll(c, "|", "\\|")
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(r, " | "))
	}
	b.WriteByte('\n')
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func list[T ~string](items []T) string {
	text := make([]string, len(items))
	for i, x := range items {
		text[i] = string(x)
	}
	return strings.Join(text, ", ")
}

// Process is docs/process.md.
func Process() string {
	var b strings.Builder
	b.WriteString("# The process\n\n" + generated)
	b.WriteString("Every box, state, transition and act of kamflow, as the engine itself reads them.\n\n")
	b.WriteString("![The process: three levels and the states of a case](process.svg)\n\n")
	b.WriteString("- [Boxes](#boxes)\n- [States](#states)\n- [Transitions](#transitions)\n- [Acts](#acts)\n- [Import of a book](#import-of-a-book)\n")
	b.WriteString("- [Errors](#errors)\n- [Codes](#codes)\n- [Who may do what](permissions.md)\n- [Glossary](#glossary)\n\n")
	b.WriteString("In text, for a case that waits at 1.1.5:\n\n```\n" + TextPicture(kam.NewCase, onboarding.AwaitingConfirmation) + "```\n\n")
	writeBoxes(&b)
	writeStates(&b)
	writeTransitions(&b)
	writeActs(&b)
	writeImport(&b)
	writeCodes(&b)
	writeGlossary(&b)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func writeBoxes(b *strings.Builder) {
	b.WriteString("## Boxes\n\nSeed: drawn in the deck. Inferred: added, because something has to happen there. Kind says who does the work.\n\n")
	for level := 1; level <= 3; level++ {
		fmt.Fprintf(b, "### Level %d\n\n", level)
		var rows [][]string
		for _, x := range kam.Boxes {
			if x.Level == level {
				rows = append(rows, []string{x.Label(), string(x.Mark), x.Kind.Words(), x.Actor, x.Unit, list(x.Next)})
			}
		}
		table(b, "Box|Mark|Kind|Who|Carried out by|Leads to", rows)
	}
}

func writeStates(b *strings.Builder) {
	count := map[kam.StateKind]int{}
	var rows [][]string
	for _, s := range onboarding.States {
		count[s.Kind]++
		steps := s.Step.Label()
		if of := stageSteps(s.State); of != "" {
			steps = of
		}
		after := ""
		if s.State.AfterCommit() {
			after = "yes"
		}
		rows = append(rows, []string{
			code(string(s.State)), strings.ToLower(string(s.Kind)), s.WaitsFor, string(onboarding.States.OwedBy(s.State, "")), steps, code(string(s.Task)), code(string(onboarding.StageOf[s.State])), after,
		})
	}
	fmt.Fprintf(b, "## States\n\n%d states: %d human, %d automatic, %d ends. ", len(onboarding.States), count[kam.Human], count[kam.Automatic], count[kam.End])
	b.WriteString("A case in a human state waits for a person and has a task in an inbox; an automatic state is left by its stage, one transaction. ")
	b.WriteString("After the commit of the customer a case can only end as `COMPLETED`. ")
	b.WriteString("The time that passes in a state is counted for the party that owes the next step; ")
	b.WriteString("work in a shared queue is that of the role's party, so stewards owe a certain duplicate, and compliance its own findings.\n\n")
	table(b, "State|Kind|Waits for|Time of|Step|Task|Stage|After the commit", rows)
}

// stageSteps names the steps of a state that takes several.
func stageSteps(s onboarding.State) string {
	of := onboarding.StepsOf(onboarding.StageOf[s])
	switch {
	case len(of) < 2:
		return ""
	case len(of) == 2:
		return list(of)
	}
	return fmt.Sprintf("%s to %s", of[0], of[len(of)-1])
}

func writeTransitions(b *strings.Builder) {
	fmt.Fprintf(b, "## Transitions\n\n%d transitions. ", len(onboarding.Transitions))
	b.WriteString("In one state and on one event at most one guard holds, whatever the facts: a test enumerates them. ")
	fmt.Fprintf(b, "`%s` is the state that a fault interrupted. Silence never confirms: what the timer does is remind, escalate and end.\n\n", onboarding.Resume)
	writeTable(b, onboarding.CaseTable)
}

func writeImport(b *strings.Builder) {
	b.WriteString("## Import of a book\n\nAn import is a process of its own, with the states of a batch: one workflow for the book, no case per row.\n\n")
	writeTable(b, book.BatchTable)
}

// writeTable writes the table of a process, state by state, and the terms of
// its guards.
func writeTable[S, E ~string, F any](b *strings.Builder, t kam.Table[S, E, F]) {
	for _, s := range t.States {
		var rows [][]string
		for _, r := range t.Rows {
			if r.From == s.State {
				rows = append(rows, []string{code(string(r.Event)), r.Guard.String(), code(string(r.To)), list(r.By), r.Effect})
			}
		}
		if rows != nil {
			fmt.Fprintf(b, "### %s\n\n%s\n\n", s.State, describe(s.Step, s.WaitsFor))
			table(b, "Event|Guard|To|By|Effect", rows)
		}
	}
	if terms := t.Terms(); terms != nil {
		b.WriteString("What the words of the guards mean:\n\n")
		var rows [][]string
		for _, x := range terms {
			rows = append(rows, []string{x.Name, x.Means})
		}
		table(b, "Words|Mean", rows)
	}
}

func describe(step kam.StepCode, waitsFor string) string {
	label := step.Label()
	if label == "" {
		label = "Any step"
	}
	if waitsFor == "" {
		return label + ", automatic."
	}
	return label + ", waits for " + waitsFor + "."
}

func writeActs(b *strings.Builder) {
	b.WriteString("## Acts\n\nWhat people send to a case. Each is a Temporal update with a client-made `decision_id`; ")
	b.WriteString("those marked are also accepted as a signal of the same name.\n\n")
	var rows [][]string
	for _, a := range onboarding.Acts {
		signal := ""
		if a.Signal {
			signal = "yes"
		}
		rows = append(rows, []string{code(string(a.Name)), code(string(a.Verdict)), code(string(a.Event)), code(string(a.Action)), list(a.Needs), signal})
	}
	table(b, "Act|Decision|Event|Permission|Must carry|Also a signal", rows)
}

func writeCodes(b *strings.Builder) {
	b.WriteString("## Errors\n\nThe code of a refusal is the type of the Temporal error, the key in JSON and the ground of the starter's exit status.\n\n")
	var rows [][]string
	for _, c := range kam.ErrorCodes {
		rows = append(rows, []string{code(string(c.Code)), c.Meaning})
	}
	table(b, "Code|Meaning", rows)
	fmt.Fprintf(b, "## Codes\n\n### Case types\n\n%s\n\n### Reason codes of a rejection\n\n%s\n\n### Roles\n\n%s\n\n### Tiers and levels\n\n",
		list(kam.CaseTypes), list(onboarding.ReasonCodes), list(kam.Roles))
	rows = nil
	for _, l := range kam.NodeLevels {
		rows = append(rows, []string{code(string(l)), code(string(l.Tier())), code(string(l.ManagerRole()))})
	}
	table(b, "Level of the territory tree|Tier of key accounts|Managed by", rows)
	b.WriteString("### Values of the request's fields\n\n")
	rows = nil
	for _, f := range customer.Fields {
		if f.Kind == customer.KindChoice {
			rows = append(rows, []string{code(f.Name), list(f.Choices())})
		}
	}
	slices.SortFunc(rows, func(x, y []string) int { return strings.Compare(x[0], y[0]) })
	table(b, "Field|Values", rows)
}

func writeGlossary(b *strings.Builder) {
	b.WriteString("## Glossary\n\n")
	var rows [][]string
	for _, g := range glossary {
		rows = append(rows, []string{g.term, g.meaning, g.see})
	}
	table(b, "Term|Meaning|See", rows)
}

var glossary = []struct{ term, meaning, see string }{
	{"Act", "what a person does to a case", "[Acts](#acts)"},
	{"Box", "a box of the deck, or one that was added; its number is the step code", "[Boxes](#boxes)"},
	{"Case", "one run of process 1 for one customer", "[States](#states)"},
	{"Candidate", "an existing customer that may be the same: CERTAIN, PROBABLE or POSSIBLE", "1.1.2"},
	{"Commit", "the transaction that makes the request a customer; from there a case only completes", "1.4.7"},
	{"Decision record", "why the rules said what they said, and what would have changed it", "1.1.4"},
	{"Endorsement", "the managers' yes to a change of key account status or tier", "1.5.5"},
	{"Finding", "the result of one validation rule: ERROR, REVIEW, WARNING or INFO", "1.4"},
	{"Key account (KA)", "a group or customer that process 2 looks after", "2"},
	{"Management confirmation", "a manager's decision on the request, bound to the data by `material_hash`", "1.1.5"},
	{"Policy", "the versioned set of rules; a case keeps the version it started with", "5.3"},
	{"Requester", "the person who raised the case: a position in it, not a role", "[Who may do what](permissions.md)"},
	{"Roll-up", "from the sites of a group to its tier", "1.5.3"},
	{"Screening set, detail set", "the two parts of the data: before and after 1.1.4", "1.2.1a, 1.2.1b"},
	{"Separation of duties", "who requested or edited a case does not confirm it, and the like", "[Who may do what](permissions.md)"},
	{"Stage", "the work of one automatic state: one transaction", "[States](#states)"},
}
