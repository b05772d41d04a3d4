package page

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/kamflow/kamflow/kam"
)

// A Table is a list as a page shows it, by {{template "table" .}}, and as a file.
type Table struct {
	Caption string
	Columns []Column
	Rows    []Row
}

// A Column has a name for programs and the id of one for people.
type Column struct {
	Name, Text string
	Right      bool // numbers
}

// A Row has a cell for each column.
type Row struct{ Cells []Cell }

// A Cell is a text, a link, a mark or an instant.
type Cell struct {
	Text  string
	At    string // where it leads
	Chip  string // its colour: person, engine, done, stop, or end
	Class string
	When  time.Time
	// Number says that a file may take it for one.
	Number bool
}

// Files are the forms in which each list can be had.
var Files = []string{"csv", "xlsx", "json"}

// Kinds are [Files], for templates.
func (f Frame) Kinds() []string { return Files }

// As is the address of the page that is shown as a file.
func (f Frame) As(kind string) string { return With(f.Here, "as", kind, "after", "") }

// With is an address with some of its parameters changed; an empty one goes.
func With(here string, pairs ...string) string {
	u, err := url.Parse(here)
	if err != nil {
		return here
	}
	q := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// MostInFile bounds the rows of a file.
const MostInFile = 10_000

// FileOf is the form in which a list is asked for, "" for the page.
func FileOf(r *http.Request) (string, error) {
	as := r.FormValue("as")
	if as != "" && !slices.Contains(Files, as) {
		return "", kam.Errorf(kam.Invalid, "there is no list as %q", kam.Clip(as, 20)).On("as").Try("one of %s", kam.ListOf(Files))
	}
	return as, nil
}

// File answers with a list as a file.
func (t Table) File(w http.ResponseWriter, words Words, as, name string) error {
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.%s"`, name, as))
	w.Header().Set("Cache-Control", "no-store")
	switch as {
	case "json":
		w.Header().Set("Content-Type", "application/json")
		return t.json(w)
	case "csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		return t.csv(w, words)
	}
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	return t.xlsx(w, words)
}

func (t Table) json(w http.ResponseWriter) error {
	all := make([]map[string]string, len(t.Rows))
	for i, row := range t.Rows {
		all[i] = map[string]string{}
		for j, c := range row.Cells {
			all[i][t.Columns[j].Name] = c.plain()
		}
	}
	return json.NewEncoder(w).Encode(map[string]any{"items": all})
}

func (t Table) csv(w http.ResponseWriter, words Words) error {
	if _, err := w.Write([]byte("\ufeff")); err != nil { // by it a spreadsheet knows UTF-8
		return err
	}
	out := csv.NewWriter(w)
	if err := out.Write(t.names(words)); err != nil {
		return err
	}
	for _, row := range t.Rows {
		cells := make([]string, len(row.Cells))
		for i, c := range row.Cells {
			cells[i] = c.safe()
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (t Table) xlsx(w http.ResponseWriter, words Words) (err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	s, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	cells := make([]any, len(t.Columns))
	for i, n := range t.names(words) {
		cells[i] = n
	}
	if err := s.SetRow("A1", cells); err != nil {
		return err
	}
	for n, row := range t.Rows {
		for i, c := range row.Cells {
			cells[i] = c.safe()
		}
		if err := s.SetRow(fmt.Sprintf("A%d", n+2), cells); err != nil {
			return err
		}
	}
	if err := s.Flush(); err != nil {
		return err
	}
	_, err = f.WriteTo(w)
	return err
}

func (t Table) names(words Words) []string {
	all := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		all[i] = words.Text(c.Text)
	}
	return all
}

func (c Cell) plain() string {
	if !c.When.IsZero() {
		return c.When.UTC().Format(time.RFC3339)
	}
	return c.Text
}

// safe is the text of a cell that no spreadsheet takes for a formula.
func (c Cell) safe() string {
	s := c.plain()
	if !c.Number && s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
