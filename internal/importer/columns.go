package importer

import (
	"slices"
	"sort"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// A Column is what a header stands for: a field of the request data, or one of
// the columns below that need more than copying.
type Column struct {
	Field string // JSON name of the field, or a name of this package
	Spec  kam.FieldSpec
	// Ignored columns are known and not read.
	Ignored bool
}

// Columns that are not fields of the request data.
const (
	colRef      = "row_ref"
	colTrading  = "trading_name"
	colIndustry = "industry"
	colRevenue  = "annual_revenue"
	colCurrency = "revenue_currency"
	colScheme   = "identifier_scheme"
	colIDValue  = "identifier"
)

// aliases are the names under which other systems export a field.
var aliases = map[string]string{
	"country":     "country_code",
	"address":     "street",
	"parent_name": "group_name",
	"name":        "legal_name",
	"zip":         "postal_code",
	"postcode":    "postal_code",
	"url":         "website",
}

// special are the columns that need more than copying.
var special = map[string]bool{
	colRef: true, colTrading: true, colIndustry: true, colRevenue: true, colCurrency: true, colScheme: true, colIDValue: true,
}

// ignored are columns that exports carry and the process has no field for. A
// stock exchange's ticker is no register number: as an identifier it would let
// a customer without one pass VF09.
var ignored = map[string]bool{"ticker": true}

// resultColumns are what a result file adds to the rows.
var resultColumns = []string{"case_no", "state", "findings"}

// fieldOf says what a header stands for.
func fieldOf(header string) (Column, bool) {
	if ignored[header] {
		return Column{Field: header, Ignored: true}, true
	}
	if special[header] {
		return Column{Field: header}, true
	}
	name := header
	if a, ok := aliases[header]; ok {
		name = a
	}
	spec, ok := kam.FieldNamed(name)
	if !ok || strings.ContainsAny(name, "[].") {
		return Column{}, false
	}
	switch spec.Kind {
	case kam.KindList:
		if name != "trading_names" && name != "identifiers" {
			return Column{}, false
		}
	case kam.KindMap:
		return Column{}, false
	}
	return Column{Field: name, Spec: spec}, true
}

// Headers lists every header that an import reads, sorted.
func Headers() []string {
	var names []string
	for name := range special {
		names = append(names, name)
	}
	for name := range aliases {
		names = append(names, name)
	}
	for _, s := range kam.Fields {
		if _, ok := fieldOf(s.Name); ok {
			names = append(names, s.Name)
		}
	}
	sort.Strings(names)
	return names
}

// A schema says which columns a kind of file has.
type schema struct {
	field   func(header string) (Column, bool)
	headers func() []string
	needs   []Problem // columns that must be there: Column, and why in Remedy
	results []string  // what a result file adds
}

// requests is the schema of a file of requests, a case for each row.
var requests = &schema{
	field: fieldOf, headers: Headers, results: resultColumns,
	needs: []Problem{{Line: 1, Column: "legal_name", Message: "is missing", Remedy: "a customer needs a name"}},
}

// mapHeader gives every column its meaning and refuses headers that have none
// or the same one.
func (t *Table) mapHeader() []Problem {
	// One of the columns alone is no result file: "state" may be a region.
	t.FromResult = len(t.schema.results) > 0 && !slices.ContainsFunc(t.schema.results, func(c string) bool { return !slices.Contains(t.Header, c) })
	var problems []Problem
	var unknown []string
	taken := map[string]string{}
	for _, h := range t.Header {
		c, ok := t.schema.field(h)
		if t.FromResult && slices.Contains(t.schema.results, h) {
			c, ok = Column{Field: h, Ignored: true}, true
		}
		switch {
		case h == "":
			problems = append(problems, Problem{Line: 1, Message: "a column has no name"})
		case !ok:
			unknown = append(unknown, kam.Clip(h, 60))
			t.Columns = append(t.Columns, c)
			continue // several of them give no field a second time
		case taken[c.Field] != "":
			problems = append(problems, Problem{Line: 1, Column: kam.Clip(h, 60)}.saying(kam.Say("gives %s a second time, after %s", c.Field, taken[c.Field]), kam.Say("keep one of them")))
		}
		taken[c.Field] = h
		t.Columns = append(t.Columns, c)
	}
	if len(unknown) > 0 {
		problems = append(problems, t.unknownColumns(unknown))
	}
	for _, needed := range t.schema.needs {
		if len(problems) == 0 && t.column(needed.Column) < 0 {
			problems = append(problems, needed)
		}
	}
	if len(problems) == 0 && (t.column(colScheme) < 0) != (t.column(colIDValue) < 0) {
		problems = append(problems, Problem{Line: 1, Column: colIDValue}.saying(kam.Say("%s and %s go together", colScheme, colIDValue), kam.Sentence{}))
	}
	if len(problems) > maxProblems {
		problems = problems[:maxProblems]
	}
	return problems
}

// unknownColumns is one problem for all headers that no field has, so that the
// known ones are listed once.
func (t *Table) unknownColumns(names []string) Problem {
	known := kam.ListOf(t.schema.headers())
	if len(names) == 1 {
		return Problem{Line: 1, Column: names[0]}.saying(kam.Say("no field has this name"), kam.Say("rename or remove it; known are %s", known))
	}
	more := len(names) - maxProblems
	all := kam.ListOf(names[:min(len(names), maxProblems)])
	msg := kam.Say("no field has the names of the columns %s", all)
	if more > 0 {
		msg = kam.Say("no field has the names of the columns %s and %d more", all, more)
	}
	return Problem{Line: 1}.saying(msg, kam.Say("rename or remove them; known are %s", known))
}

// column is the index of the column that gives a field, -1 if none does.
func (t *Table) column(field string) int {
	for i, c := range t.Columns {
		if c.Field == field && !c.Ignored {
			return i
		}
	}
	return -1
}

// canonical is the row as text that does not depend on the file it stands in:
// its filled columns by name, without those that a result file adds.
func (t *Table) canonical(i int) string {
	var parts []string
	for j, c := range t.Columns {
		if v := clean(t.Rows[i][j]); v != "" && !c.Ignored {
			parts = append(parts, c.Field+"="+v)
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, "\x1f")
}
