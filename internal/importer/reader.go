package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kamflow/kamflow/kam"
)

// Bounds on a file. A book of customers is imported as one batch (P4.4, 5.7), see
// [OpenBook].
const (
	MaxFile  = 200 << 20 // bytes
	MaxRows  = 1_000_000
	MaxField = 10_000 // characters
	// maxProblems ends the list for a file that is wrong throughout.
	maxProblems = 100
)

// A Problem is a structural error of the file. Row counts data rows from 1;
// row 0 is the header or the file as a whole.
type Problem struct {
	Row     int    `json:"row"`
	Line    int    `json:"line,omitempty"`
	Column  string `json:"column,omitempty"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
	// Said and Advice say both in other languages.
	Said   *kam.Text `json:"message_text,omitempty"`
	Advice *kam.Text `json:"remedy_text,omitempty"`
}

func (p Problem) saying(message, remedy kam.Sentence) Problem {
	p.Message, p.Said, p.Remedy, p.Advice = message.English, message.Text, remedy.English, remedy.Text
	return p
}

// Error is the problem as an error of its own.
func (p Problem) Error() *kam.Error {
	e := kam.Errorf(kam.Invalid, "%s: %s", p.place(), kam.Sentence{English: p.Message, Text: p.Said})
	return e.On(p.Column).Advise(kam.Sentence{English: p.Remedy, Text: p.Advice})
}

func (p Problem) String() string { return p.Sentence().English }

// Sentence is the problem with its place.
func (p Problem) Sentence() kam.Sentence {
	place := p.place()
	if p.Column != "" {
		place = kam.Say("%s, column %s", place, p.Column)
	}
	s := kam.Say("%s: %s", place, kam.Sentence{English: p.Message, Text: p.Said})
	if p.Remedy != "" {
		s = kam.Say("%s; %s", s, kam.Sentence{English: p.Remedy, Text: p.Advice})
	}
	return s
}

// place is the part of the file that the problem is in.
func (p Problem) place() kam.Sentence {
	place := kam.Say("file")
	switch {
	case p.Row > 0:
		place = kam.Say("row %d", p.Row)
	case p.Line == 1 || p.Column != "":
		place = kam.Say("header")
	}
	if p.Line > 0 {
		place = kam.Say("%s (line %d)", place, p.Line)
	}
	return place
}

// A FileError refuses a file: nothing was started.
type FileError struct{ Problems []Problem }

func (e *FileError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes a refused file invalid input.
func (e *FileError) Unwrap() error { return kam.Invalid }

// A Table is a file whose structure is sound.
type Table struct {
	Header []string
	Rows   [][]string
	// Columns holds, for each column, what it means.
	Columns []Column
	Digest  string // SHA-256 of the file
	Comma   rune
	BOM     bool
	// Sep says that the first line named the delimiter, as in "sep=;".
	Sep bool
	// FromResult says that the file is the result of an earlier import.
	FromResult bool

	schema *schema
	lines  []int // where each row begins
}

// ReadOptions are what [Read] may assume.
type ReadOptions struct {
	// Complete says that the last line is whole although no line end follows.
	// Without it such a file is refused, because a row that was cut off looks
	// like one with a short last value.
	Complete bool
	// MaxFile and MaxRows lower the bounds of the package.
	MaxFile int64
	MaxRows int

	schema *schema // requests when nil
}

// Read reads a whole file and checks its structure. Its error is a *FileError
// when the file is at fault.
func Read(r io.Reader, o ReadOptions) (*Table, error) {
	raw, digest, err := readWhole(r, MaxFile, o.MaxFile)
	if err != nil {
		return nil, err
	}
	t := &Table{Digest: digest, schema: o.schema}
	if t.schema == nil {
		t.schema = requests
	}
	if raw, err = t.open(raw, o); err != nil {
		return nil, err
	}
	if err := t.parse(raw, o); err != nil {
		return nil, err
	}
	return t, nil
}

// open makes plain text of the bytes of a file and finds its delimiter.
func (t *Table) open(raw []byte, o ReadOptions) ([]byte, error) {
	raw, marked, p := plainText(raw)
	t.BOM = marked
	if p == nil {
		raw = plainLines(raw)
		p = checkBytes(raw, o.Complete)
	}
	if p != nil {
		return nil, refuse(*p)
	}
	raw, t.Comma = cutSeparator(raw)
	if t.Sep = t.Comma != 0; !t.Sep {
		t.Comma = sniff(raw)
	}
	return raw, nil
}

// readWhole reads a file up to a bound, which may be lowered, and digests it.
func readWhole(r io.Reader, limit, lower int64) (raw []byte, digest string, err error) {
	if lower > 0 {
		limit = min(limit, lower)
	}
	raw, err = io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, "", fmt.Errorf("read the file: %w", err)
	}
	if int64(len(raw)) > limit {
		return nil, "", refuse(Problem{}.saying(kam.Say("is larger than %d bytes", limit), kam.Say("split it, or import it as a book")))
	}
	sum := sha256.Sum256(raw)
	return raw, hex.EncodeToString(sum[:]), nil
}

func refuse(p ...Problem) error { return &FileError{Problems: p} }

// checkBytes looks at what the CSV reader does not: encoding, binary content
// and the end of the file.
func checkBytes(raw []byte, complete bool) *Problem {
	if len(bytes.TrimSpace(raw)) == 0 {
		return &Problem{Message: "is empty", Remedy: "give a header line and at least one row"}
	}
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		return &Problem{Line: lineAt(raw, i), Message: "contains a NUL byte", Remedy: "save it as UTF-8 text"}
	}
	if i := kam.NotUTF8(raw); i >= 0 {
		return &Problem{Line: lineAt(raw, i), Message: "is not UTF-8", Remedy: "save it as UTF-8"}
	}
	if raw[len(raw)-1] != '\n' && !complete {
		return &Problem{Line: lineAt(raw, len(raw)), Message: "ends within a line: it may be cut off", Remedy: "add a line end, or say --complete if the last line is whole"}
	}
	return nil
}

func lineAt(raw []byte, i int) int { return 1 + bytes.Count(raw[:i], []byte{'\n'}) }

// sniff takes the delimiter that the header line has most of, outside quotes.
func sniff(raw []byte) rune {
	counts := map[rune]int{}
	quoted := false
	for _, r := range string(raw[:min(len(raw), 64<<10)]) {
		if r == '"' {
			quoted = !quoted
		}
		if !quoted && r == '\n' {
			break
		}
		if !quoted && (r == ',' || r == ';' || r == '\t') {
			counts[r]++
		}
	}
	best := ','
	for _, r := range []rune{';', '\t'} {
		if counts[r] > counts[best] {
			best = r
		}
	}
	return best
}

func (t *Table) parse(raw []byte, o ReadOptions) error {
	maxRows := MaxRows
	if o.MaxRows > 0 {
		maxRows = min(maxRows, o.MaxRows)
	}
	cr, err := t.head(raw)
	if err != nil {
		return err
	}
	var problems []Problem
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		row := len(t.Rows) + 1
		if err != nil {
			// After a broken quote it is not known where rows begin.
			problems = append(problems, csvProblem(err, row))
			break
		}
		if blank(rec) {
			continue
		}
		line, _ := cr.FieldPos(0)
		t.Rows, t.lines = append(t.Rows, rec), append(t.lines, line)
		problems = append(problems, t.checkRow(rec, row, line)...)
		if len(t.Rows) > maxRows {
			problems = append(problems, Problem{}.saying(kam.Say("has more than %d rows", maxRows), kam.Say("split it, or import it as a book")))
			break
		}
		if len(problems) >= maxProblems {
			problems = append(problems, Problem{Row: row, Message: "reading stopped here: too many problems"})
			break
		}
	}
	if len(problems) == 0 && len(t.Rows) == 0 {
		problems = append(problems, Problem{Message: "has a header and no rows"})
	}
	if len(problems) == 0 {
		t.unguard()
		problems = t.checkRefs()
	}
	if len(problems) > 0 {
		return refuse(problems...)
	}
	return nil
}

// head reads the header line and gives its columns their meaning.
func (t *Table) head(raw []byte) (*csv.Reader, error) {
	cr := csv.NewReader(bytes.NewReader(raw))
	cr.Comma = t.Comma
	cr.FieldsPerRecord = -1
	header, err := cr.Read()
	for err == nil && blank(header) {
		header, err = cr.Read()
	}
	if errors.Is(err, io.EOF) {
		return nil, refuse(Problem{Message: "is empty", Remedy: "give a header line and at least one row"})
	}
	if err != nil {
		return nil, refuse(csvProblem(err, 0))
	}
	t.setHeader(header)
	if problems := t.mapHeader(); len(problems) > 0 {
		return nil, refuse(problems...)
	}
	return cr, nil
}

func (t *Table) setHeader(header []string) {
	t.Header = make([]string, len(header))
	for i, h := range header {
		t.Header[i] = strings.ToLower(strings.TrimSpace(h))
	}
}

func csvProblem(err error, row int) Problem {
	var pe *csv.ParseError
	if !errors.As(err, &pe) {
		return Problem{Row: row, Message: err.Error()}
	}
	p := Problem{Row: row, Line: pe.StartLine, Message: pe.Err.Error()}
	switch {
	case errors.Is(pe.Err, csv.ErrQuote):
		p = p.saying(kam.Say("a quoted field that opens here is not closed properly (noticed at line %d, byte %d)", pe.Line, pe.Column),
			kam.Say("close it, and write a quote within a field twice"))
	case errors.Is(pe.Err, csv.ErrBareQuote):
		p = p.saying(kam.Say("a quote stands within an unquoted field (byte %d)", pe.Column),
			kam.Say("put the field in quotes and write the quote twice"))
	}
	return p
}

// blank says that a row holds separators only, as spreadsheets save the empty
// lines below a table. It is no row, whatever file it stands in.
func blank(rec []string) bool {
	return !slices.ContainsFunc(rec, func(v string) bool { return strings.TrimSpace(v) != "" })
}

// checkRow looks at the structure of one row: its columns and the characters
// of its fields.
func (t *Table) checkRow(rec []string, row, line int) []Problem {
	if len(rec) != len(t.Header) {
		return []Problem{Problem{Row: row, Line: line}.saying(kam.Say("has %d columns where the header has %d", len(rec), len(t.Header)), kam.Sentence{})}
	}
	var problems []Problem
	for i, v := range rec {
		if n := utf8.RuneCountInString(v); n > MaxField {
			problems = append(problems, Problem{Row: row, Line: line, Column: t.Header[i]}.saying(kam.Say("has %d characters", n), kam.Say("at most %d", MaxField)))
			continue
		}
		if r, bad := control(v); bad {
			problems = append(problems, Problem{Row: row, Line: line, Column: t.Header[i]}.saying(kam.Say("contains the control character U+%04X", r), kam.Say("remove it")))
		}
	}
	return problems
}

// control finds a control character that has no place in a table. Line ends
// and tabs are taken: a quoted address may have several lines.
func control(s string) (rune, bool) {
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return r, true
		}
	}
	return 0, false
}

// checkRefs refuses a row_ref that stands for two different rows.
func (t *Table) checkRefs() []Problem {
	col := t.column(colRef)
	if col < 0 {
		return nil
	}
	var problems []Problem
	first := map[string]int{}
	for i, rec := range t.Rows {
		ref := strings.TrimSpace(rec[col])
		if ref == "" {
			continue
		}
		j, seen := first[ref]
		if !seen {
			first[ref] = i
			continue
		}
		if t.canonical(i) != t.canonical(j) && len(problems) < maxProblems {
			problems = append(problems, Problem{Row: i + 1, Column: t.Header[col]}.saying(kam.Say("%q stands for row %d already, with other content", kam.Clip(ref, 40), j+1), kam.Say("give each row its own reference")))
		}
	}
	return problems
}
