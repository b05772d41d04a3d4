package importer

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

// starters are the first characters that make a spreadsheet take a cell for a
// formula, in both widths.
const starters = "=+-@\t\r＝＋－＠"

// guard keeps a spreadsheet from computing a cell that came from outside. A
// cell that looks guarded already gets one more mark, so that unguarding gives
// back what was there.
func guard(s string) string {
	if rest := strings.TrimLeft(s, "'"); rest != "" && strings.ContainsAny(firstRune(rest), starters) {
		return "'" + s
	}
	return s
}

func unguard(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && guard(rest) != rest {
		return rest
	}
	return s
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// unguard takes the marks of an earlier import off, so that its rows are the
// same rows again.
func (t *Table) unguard() {
	if !t.FromResult {
		return
	}
	for _, rec := range t.Rows {
		for i, v := range rec {
			rec[i] = unguard(v)
		}
	}
}

// WriteResult writes every row of the file with its case, state and findings.
// The file can be imported again.
func WriteResult(w io.Writer, b *Batch, rep Report) error {
	return b.Table.writeWith(w, func(i int) []string {
		r := rep.Rows[i]
		return []string{string(r.CaseNo), r.State, guard(FindingsText(r.Findings))}
	})
}

// writeWith writes the file with what the result columns of its schema say of
// row i.
func (t *Table) writeWith(w io.Writer, row func(i int) []string) error {
	if t.BOM {
		if _, err := w.Write(bom); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
	}
	if t.Sep {
		if _, err := fmt.Fprintf(w, "sep=%c\n", t.Comma); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
	}
	cw := csv.NewWriter(w)
	cw.Comma = t.Comma
	header := slices.Clone(t.Header)
	place := make([]int, len(t.schema.results))
	for k, name := range t.schema.results {
		place[k] = slices.Index(header, name)
		if !t.FromResult {
			header = append(header, name)
			place[k] = len(header) - 1
		}
	}
	if err := cw.Write(header); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	for i, rec := range t.Rows {
		out := make([]string, len(header))
		for j, v := range rec {
			out[j] = guard(v)
		}
		for k, v := range row(i) {
			out[place[k]] = v
		}
		if err := cw.Write(out); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
	}
	cw.Flush()
	if err := cw.Error(); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// FindingsText is a row's findings in one cell, the severe ones first.
func FindingsText(all []customer.Finding) string {
	rank := map[kam.Severity]int{kam.SeverityError: 0, kam.SeverityReview: 1, kam.SeverityWarning: 2, kam.SeverityInfo: 3}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b customer.Finding) int { return rank[a.Severity] - rank[b.Severity] })
	parts := make([]string, len(sorted))
	for i, f := range sorted {
		text := string(f.Severity) + " "
		if f.RuleID != "" {
			text += f.RuleID + " "
		}
		if f.Field != "" {
			text += f.Field + ": "
		}
		parts[i] = text + f.Message
	}
	return strings.Join(parts, " | ")
}
