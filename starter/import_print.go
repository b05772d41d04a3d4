package main

import (
	"slices"
	"strconv"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
)

// shownFindings is how many refused rows a person is shown.
const shownFindings = 20

// importSummary counts the rows by what became of them.
func importSummary(rep importer.Report) *term.Table {
	s := rep.Summary
	t := term.NewTable("Rows", "Count>")
	add := func(name string, n int) {
		if n > 0 {
			t.Row(name, strconv.Itoa(n))
		}
	}
	add("in the file", s.Rows)
	add("complete", s.Ready)
	add("lack something", s.Parked)
	add("refused by the file check", s.Refused)
	add("equal to an earlier row", s.Same)
	if s.DryRun {
		return t
	}
	add("started now", s.Started)
	add("started before", s.Existing)
	for _, state := range sortedKeys(s.States) {
		if state != importer.StateRefused {
			add("  "+state, s.States[state])
		}
	}
	add("refused by the process", s.States[importer.StateRefused]-s.Refused)
	return t
}

// importMissing counts the fields that rows lack, the commonest first.
func importMissing(s importer.Summary) *term.Table {
	t := term.NewTable("Missing field", "Rows>")
	names := sortedKeys(s.Missing)
	slices.SortStableFunc(names, func(a, b string) int { return s.Missing[b] - s.Missing[a] })
	for _, name := range names {
		t.Row(name, strconv.Itoa(s.Missing[name]))
	}
	return t
}

// importFindings lists the rows that have no case and why.
func importFindings(rep importer.Report) (t *term.Table, more int) {
	t = term.NewTable("Row", "Reference", "Refused because")
	for _, r := range rep.Rows {
		if r.State != importer.StateRefused {
			continue
		}
		if t.Len() == shownFindings {
			more++
			continue
		}
		t.Row(strconv.Itoa(r.Row), r.Ref, importer.FindingsText(errorsOf(r.Findings)))
	}
	return t, more
}

// importKinds are the errors of the rows that were refused, and the warnings of
// those that were not: values that are left out of their cases. What rows lack
// is counted by importMissing.
func importKinds(rep importer.Report) (errs, warned []kam.BatchFinding) {
	for _, r := range rep.Rows {
		for _, f := range r.Findings {
			one := kam.BatchFinding{Row: r.Row, Column: f.Field, Rule: f.RuleID, Severity: f.Severity}.Saying(f.Sentence(), kam.Sentence{})
			switch {
			case f.Severity == kam.SeverityError && r.State == importer.StateRefused:
				errs = append(errs, one)
			case f.Severity == kam.SeverityWarning:
				warned = append(warned, one)
			}
		}
	}
	return errs, warned
}

// errorsOf leaves out what did not stand against the row.
func errorsOf(all []kam.Finding) []kam.Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f kam.Finding) bool { return f.Severity != kam.SeverityError })
}
