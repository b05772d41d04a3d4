package importer

import (
	"io"
	"strings"

	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/service"
)

// WriteBookResult writes the rows of the customers' file with batch, outcome
// and findings. The file can be imported again; of a book in JSON the numbers
// are written.
func (b *Book) WriteBookResult(w io.Writer, no book.BatchNo, outcomes []service.BatchOutcome, findings []book.BatchFinding) error {
	said := map[int][]string{}
	for _, f := range findings {
		if f.File == book.FileCustomers {
			said[f.Row] = append(said[f.Row], FindingText(f))
		}
	}
	became := make(map[int]book.RowOutcome, len(outcomes))
	for _, o := range outcomes {
		became[o.Row] = o.Outcome
	}
	t := b.table
	if t == nil {
		t = &Table{Header: []string{colCustomer}, Comma: ',', schema: bookSchema}
		for i := range b.json {
			t.Rows = append(t.Rows, []string{b.json[i].CustomerNo})
		}
	}
	return t.writeWith(w, func(i int) []string {
		return []string{string(no), string(became[i+1]), guard(strings.Join(said[i+1], " | "))}
	})
}

// FindingText is a finding in one line.
func FindingText(f book.BatchFinding) string {
	text := string(f.Severity) + " "
	if f.Rule != "" {
		text += f.Rule + " "
	}
	if f.Column != "" {
		text += f.Column + ": "
	}
	text += f.Message
	if f.Remedy != "" {
		text += "; " + f.Remedy
	}
	return text
}
