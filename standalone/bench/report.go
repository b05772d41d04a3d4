package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
)

// machine describes where we are.
func machine(ctx context.Context, conn *pgx.Conn) (Machine, error) {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS}
	if err := conn.QueryRow(ctx, `show server_version`).Scan(&m.PostgreSQL); err != nil {
		return m, fmt.Errorf("ask PostgreSQL for its version: %w", err)
	}
	memory, err := field("/proc/meminfo", "MemTotal:")
	if err != nil {
		return m, err
	}
	kib, err := strconv.Atoi(strings.TrimSuffix(memory, " kB"))
	if err != nil {
		return m, fmt.Errorf("read the memory of the machine: %w", err)
	}
	m.GiB = (kib + 1<<19) >> 20
	if name, err := field("/etc/os-release", "PRETTY_NAME="); err == nil {
		m.System = strings.Trim(name, `"`)
	}
	return m, nil
}

// field is what follows a name at the start of a line of a file.
func field(path, name string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), name); ok {
			return strings.TrimSpace(v), nil
		}
	}
	return "", fmt.Errorf("%s says nothing about %s", path, name)
}

// WriteJSON keeps all figures in a file.
func (r Result) WriteJSON(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644) //nolint:gosec // figures are nobody's secret
}

// Markdown prints the figures as they stand in docs/performance.md.
func (r Result) Markdown(out io.Writer) error {
	w := &page{out: out}
	w.line("%s, commit %s. %d cores, %d GiB, %s, PostgreSQL %s, %s; other work kept %.1f cores busy. %d rounds of %d of each kind.",
		r.Date.Format(time.DateOnly), r.Commit, r.Machine.Cores, r.Machine.GiB, r.Machine.System, r.Machine.PostgreSQL, r.Machine.Go,
		r.otherCores(), r.Settings.Rounds, r.Settings.Cases)
	r.ratios(w)
	r.processors(w)
	r.waits(w)
	r.records(w)
	for _, c := range r.explained() {
		c.statements(w)
	}
	return w.err
}

// A page is written to until something goes wrong.
type page struct {
	out io.Writer
	err error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format+"\n", args...)
	}
}

// table prints a head; columns are numbers but for the first so many.
func (p *page) table(title string, words int, columns ...string) {
	p.line("\n%s\n\n| %s |", title, strings.Join(columns, " | "))
	p.line("|%s%s", strings.Repeat(" --- |", words), strings.Repeat(" ---: |", len(columns)-words))
}

func (p *page) row(cells ...string) { p.line("| %s |", strings.Join(cells, " | ")) }

func (r Result) otherCores() float64 {
	var all []float64
	for _, c := range r.Cells {
		all = append(all, c.OtherCores)
	}
	return median(all)
}

// find is the cell of a kind.
func (r Result) find(book int, kind string, inFlight int) (Cell, bool) {
	i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Book == book && c.Kind == kind && c.InFlight == inFlight })
	if i < 0 {
		return Cell{}, false
	}
	return r.Cells[i], true
}

// ratios are what a target can be set for.
func (r Result) ratios(w *page) {
	w.table("What travels from machine to machine, ratios each of figures of the same rounds:", 1, "Of a case", "Is")
	alone, many := r.Settings.InFlight[0], r.Settings.InFlight[len(r.Settings.InFlight)-1]
	var first *Cell // the smallest book that is not empty
	for _, book := range r.Settings.Books {
		c, ok := r.find(book, Case, many)
		if !ok {
			continue
		}
		w.row(fmt.Sprintf("processor time, %s, %d in flight, to the bare workflow", bookName(book), many), times(c.Ratio))
		if a, ok := r.find(book, Case, alone); ok {
			w.row(fmt.Sprintf("decision p50, %s, %d in flight, to the bare update", bookName(book), alone), times(a.DecisionRatio))
		}
		w.row("statements of our database, "+bookName(book), one(c.Figures.Statements[r.Database]))
		w.row("WAL of our database in KB, "+bookName(book), one(c.WAL[r.Database]/1024))
		if first != nil {
			w.row(fmt.Sprintf("processor time, %s to %s", bookName(book), bookName(first.Book)), times(c.Ratio/first.Ratio))
		} else if book > 0 {
			first = &c
		}
		if crowd, ok := r.find(book, Crowded, many); ok {
			w.row(fmt.Sprintf("processor time, among %s at one place, to elsewhere", thousands(r.Settings.Block)), times(crowd.Ratio/c.Ratio))
		}
	}
}

func (r Result) processors(w *page) {
	databases := r.databases()
	columns := []string{"Book", "What", "In flight", "CPU ms", "of the rounds", "to bare", byProgram, byDriver}
	for _, d := range databases {
		columns = append(columns, "PG "+d)
	}
	w.table("Processor time of one, in ms:", 2, append(columns, "PG "+byBackground)...)
	for _, c := range r.Cells {
		row := []string{thousands(c.Book), c.Kind, fmt.Sprint(c.InFlight), fmt.Sprintf("%.0f", c.Millis), c.spread(), times(c.Ratio), one(c.By[byProgram]), one(c.By[byDriver])}
		for _, d := range databases {
			row = append(row, one(c.By[d]))
		}
		w.row(append(row, one(c.By[byBackground]))...)
	}
	columns = []string{"Book", "CPU ms", byProgram, byDriver}
	for _, d := range databases {
		columns = append(columns, "PG "+d)
	}
	w.table("What was taken off, in ms for each second: the same while nobody asks for anything:", 0, append(columns, "PG "+byBackground, "statements "+r.Database)...)
	for _, i := range r.Idle {
		row := []string{thousands(i.Book), one(i.Millis), one(i.By[byProgram]), one(i.By[byDriver])}
		for _, d := range databases {
			row = append(row, one(i.By[d]))
		}
		w.row(append(row, one(i.By[byBackground]), one(i.Figures.Statements[r.Database]))...)
	}
}

func (c Cell) spread() string {
	least, most := c.Millis, c.Millis
	for _, f := range c.Rounds {
		least, most = min(least, f.Millis), max(most, f.Millis)
	}
	return fmt.Sprintf("%.0f to %.0f", least, most)
}

func (r Result) waits(w *page) {
	w.table("How long people wait, in ms:", 2, "Book", "What", "In flight", "start p50", "decision p50", "decision p99", "p50 to bare")
	for _, c := range r.Cells {
		w.row(thousands(c.Book), c.Kind, fmt.Sprint(c.InFlight), one(millis(c.Start50)), one(millis(c.Decision50)), one(millis(c.Decision99)), times(c.DecisionRatio))
	}
}

// records are what is written for one: ours first, then Temporal's.
func (r Result) records(w *page) {
	columns := []string{"Book", "What", "In flight", "events"}
	databases := r.databases()
	for i, d := range databases {
		columns = append(columns, "statements "+d)
		if i == 0 {
			columns = append(columns, "commits", "whole pages")
		}
		columns = append(columns, "WAL KB")
	}
	w.table("Statements and WAL of one, by database; WAL of the server holds commit records too:", 2, append(columns, "WAL KB server")...)
	for _, c := range r.Cells {
		row := []string{thousands(c.Book), c.Kind, fmt.Sprint(c.InFlight), fmt.Sprint(c.Events)}
		for i, d := range databases {
			row = append(row, one(c.Figures.Statements[d]))
			if i == 0 {
				row = append(row, one(c.Commits[d]), one(c.FullPages[d]))
			}
			row = append(row, one(c.WAL[d]/1024))
		}
		w.row(append(row, one(c.ServerWAL/1024))...)
	}
}

// databases are ours and then the others.
func (r Result) databases() []string {
	var others []string
	for _, c := range r.Cells {
		for d := range c.Figures.Statements {
			if d != r.Database && !slices.Contains(others, d) {
				others = append(others, d)
			}
		}
	}
	slices.Sort(others)
	return append([]string{r.Database}, others...)
}

// explained are the cells whose statements are printed: cases on the smallest
// book that is not empty, in a block beside it, and on the largest.
func (r Result) explained() []Cell {
	many := r.Settings.InFlight[len(r.Settings.InFlight)-1]
	var list []Cell
	for i, book := range r.Settings.Books {
		c, ok := r.find(book, Case, many)
		crowd, crowded := r.find(book, Crowded, many)
		if ok && (crowded || i == len(r.Settings.Books)-1) {
			list = append(list, c)
		}
		if crowded {
			list = append(list, crowd)
		}
	}
	return list
}

// most is how many statements are printed of those that took longest, and of
// those that were called most.
const most = 8

func (c Cell) statements(w *page) {
	var calls, ms, wal float64
	for _, s := range c.Statements {
		calls, ms, wal = calls+s.Calls, ms+s.Millis, wal+s.WAL
	}
	w.table(fmt.Sprintf("Where it goes in our database, one %s on %s, %d in flight; in all %.0f calls, %.1f ms, %.1f KB of WAL:",
		c.Kind, bookName(c.Book), c.InFlight, calls, ms, wal/1024), 1, "Statement", "calls", "ms", "rows", "blocks", "WAL KB")
	byCalls := slices.Clone(c.Statements)
	slices.SortStableFunc(byCalls, func(a, b Statement) int { return int(b.Calls*1000) - int(a.Calls*1000) })
	often := byCalls[:min(most, len(byCalls))]
	for i, s := range c.Statements {
		if i < most || slices.Contains(often, s) {
			w.row("`"+cell(s.Text, 110)+"`", one(s.Calls), fmt.Sprintf("%.2f", s.Millis), one(s.Rows), one(s.Blocks), fmt.Sprintf("%.2f", s.WAL/1024))
		}
	}
}

// cell fits a statement into a cell of a table.
func cell(text string, n int) string {
	return kam.Clip(strings.NewReplacer("|", "¦", "`", "'").Replace(text), n)
}

// one has one decimal, and no sign before a zero.
func one(v float64) string {
	if math.Abs(v) < 0.05 {
		v = 0
	}
	return fmt.Sprintf("%.1f", v)
}

func times(v float64) string { return fmt.Sprintf("%.2f", v) }

func bookName(n int) string {
	if n == 0 {
		return "an empty book"
	}
	return "a book of " + thousands(n)
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
