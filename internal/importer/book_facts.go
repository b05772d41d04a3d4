package importer

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"hash/maphash"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// MaxFacts is the bound on a file of sales or of profit and loss, in bytes: a
// year of 100,000 accounts is some 80 MB.
const MaxFacts = 1 << 30

// Columns of the files of sales and of profit and loss.
var (
	salesColumns = []string{"account_no", "month", "product_family", "currency", "net_revenue", "gross_margin", "orders", "last_order_date"}
	// PLColumns are the lines of the account P&L that have a benchmark (P4.1.4),
	// as amounts.
	PLColumns = []string{"invoice_discounts", "rebates", "returns", "trade_promotion", "freight_logistics", "technical_service", "selling_cost", "financing_cost", "bad_debt"}
)

// factSchema is the schema of facts; a file of profit and loss has no sales.
func factSchema(pl bool) *schema {
	columns := slices.Concat(salesColumns, PLColumns)
	needs := []string{"account_no", "month", "currency", "net_revenue"}
	if pl {
		columns = slices.Concat(salesColumns[:4], PLColumns)
		needs = needs[:3]
	}
	s := &schema{
		field:   func(h string) (Column, bool) { return Column{Field: h}, slices.Contains(columns, h) },
		headers: func() []string { return columns },
	}
	for _, c := range needs {
		s.needs = append(s.needs, Problem{Line: 1, Column: c, Message: "is missing", Remedy: "add the column"})
	}
	return s
}

// A factFile is read as a stream: it may have millions of rows.
type factFile struct {
	name  string
	table *Table
	raw   []byte
	most  int
}

// openFacts reads the bytes and the header line.
func openFacts(r io.Reader, name string, o ReadOptions) (*factFile, error) {
	raw, digest, err := readWhole(r, MaxFacts, o.MaxFile)
	if err != nil {
		return nil, err
	}
	f := &factFile{name: name, table: &Table{Digest: digest, schema: factSchema(name == kam.FilePL)}, most: kam.MaxBatchFacts}
	if o.MaxRows > 0 {
		f.most = min(f.most, o.MaxRows)
	}
	if f.raw, err = f.table.open(raw, o); err != nil {
		return nil, err
	}
	_, err = f.table.clone().head(f.raw)
	return f, err
}

// clone is the table without what reading the header adds.
func (t *Table) clone() *Table {
	return &Table{Digest: t.Digest, BOM: t.BOM, Comma: t.Comma, schema: t.schema}
}

// facts reads both files, sales first. An error is one of structure.
func (b *Book) facts() iter.Seq2[service.BatchFact, error] {
	return func(yield func(service.BatchFact, error) bool) {
		for _, f := range []*factFile{b.sales, b.pl} {
			if f == nil {
				continue
			}
			for fact, err := range f.read(b.note) {
				if !yield(fact, err) || err != nil {
					return
				}
			}
		}
	}
}

// factKey stands for account, month and family: two independent hashes, so
// that millions of rows need no memory for their texts.
type factKey [2]uint64

func (f *factFile) read(note func(...kam.BatchFinding)) iter.Seq2[service.BatchFact, error] {
	return func(yield func(service.BatchFact, error) bool) {
		t := f.table.clone()
		cr, err := t.head(f.raw)
		if err != nil {
			yield(service.BatchFact{}, inFile(f.name, err))
			return
		}
		cr.ReuseRecord = true
		p := newFactParser(t, f.name)
		for no := 1; ; {
			rec, err := cr.Read()
			if err == nil && blank(rec) {
				continue
			}
			if errors.Is(err, io.EOF) {
				if no == 1 {
					yield(service.BatchFact{}, inFile(f.name, refuse(Problem{Message: "has a header and no rows"})))
				}
				return
			}
			if problems := f.structure(t, cr, rec, err, no); len(problems) > 0 {
				yield(service.BatchFact{}, inFile(f.name, refuse(problems...)))
				return
			}
			fact, found := p.parse(rec, no)
			no++
			if found != nil {
				found.Line, _ = cr.FieldPos(0)
				note(*found)
				continue
			}
			if !yield(fact, nil) {
				return
			}
		}
	}
}

func (f *factFile) structure(t *Table, cr *csv.Reader, rec []string, err error, no int) []Problem {
	if err != nil {
		return []Problem{csvProblem(err, no)}
	}
	if no > f.most {
		return []Problem{Problem{}.saying(kam.Say("has more than %d rows", f.most), kam.Say("split it"))}
	}
	line, _ := cr.FieldPos(0)
	return t.checkRow(rec, no, line)
}

// A factParser turns records into facts.
type factParser struct {
	file    string
	at      map[string]int
	lines   []int // columns of PLColumns, -1 where there is none
	hasPL   bool
	seeds   [2]maphash.Seed
	seen    map[factKey]int32
	account string // the last one: files are sorted by account more often than not
	month   string
	first   time.Time // of month
}

func newFactParser(t *Table, file string) *factParser {
	p := &factParser{file: file, at: map[string]int{}, seen: map[factKey]int32{}, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	for _, c := range salesColumns {
		p.at[c] = t.column(c)
	}
	for _, c := range PLColumns {
		i := t.column(c)
		p.lines = append(p.lines, i)
		p.hasPL = p.hasPL || i >= 0
	}
	return p
}

// parse makes a fact of a record, or says what is wrong with it.
func (p *factParser) parse(rec []string, no int) (service.BatchFact, *kam.BatchFinding) {
	cell := func(column string) string {
		if i := p.at[column]; i >= 0 {
			return strings.TrimSpace(rec[i])
		}
		return ""
	}
	f := service.BatchFact{No: no, PLOnly: p.file == kam.FilePL}
	wrong := func(column, rule string, msg, remedy kam.Sentence) (service.BatchFact, *kam.BatchFinding) {
		key := f.Account
		if !kam.IsCustomerNo(key) {
			key = ""
		}
		found := kam.BatchFinding{File: p.file, Row: no, Key: key, Column: column, Rule: rule, Severity: kam.SeverityError}.Saying(msg, remedy)
		return f, &found
	}
	if a := cell("account_no"); a == p.account {
		f.Account = p.account
	} else {
		f.Account = strings.Clone(a) // the record is read into again
	}
	if !kam.IsCustomerNo(f.Account) {
		return wrong("account_no", kam.RuleBatchKey, kam.Say("%q cannot be the number of an account", kam.Clip(f.Account, 40)), kam.Say("1 to 40 letters, digits, '.', '_', '/' or '-'"))
	}
	p.account = f.Account
	if m := cell("month"); m != p.month {
		first, err := time.Parse("2006-01", m)
		if err != nil {
			return wrong("month", kam.RuleBatchMonth, kam.Say("%q is not a month", kam.Clip(m, 20)), kam.Say("write it as 2026-01"))
		}
		p.month, p.first = strings.Clone(m), first
	}
	f.Month = p.first
	if f.Family = strings.Clone(cell("product_family")); len(f.Family) > kam.MaxProductFamily {
		return wrong("product_family", "VF02", kam.Say("has more than %d bytes", kam.MaxProductFamily), kam.Say("shorten it"))
	}
	f.Currency = strings.Clone(cell("currency"))
	amount := func(text string) (int64, bool) {
		m, err := kam.ParseMoney(text, f.Currency)
		return m.Minor, err == nil
	}
	badAmount := func(column, text string) (service.BatchFact, *kam.BatchFinding) {
		_, err := kam.ParseMoney(text, f.Currency)
		if !kam.IsCurrency(f.Currency) {
			column = "currency"
		}
		e := kam.About(column, err)
		return wrong(column, kam.RuleBatchMoney, e.Message(), e.HowTo())
	}
	var ok bool
	if !f.PLOnly {
		text := cell("net_revenue")
		if f.Net, ok = amount(text); !ok {
			return badAmount("net_revenue", text)
		}
		if text := cell("gross_margin"); text != "" {
			m, ok := amount(text)
			if !ok {
				return badAmount("gross_margin", text)
			}
			f.Margin = &m
		}
		if text := cell("orders"); text != "" {
			n, err := strconv.ParseInt(text, 10, 32)
			if err != nil || n < 0 {
				return wrong("orders", "VF02", kam.Say("%q is not a number of orders", kam.Clip(text, 20)), kam.Say("a whole number from 0"))
			}
			f.Orders = n
		}
		if text := cell("last_order_date"); text != "" {
			d, err := time.Parse(time.DateOnly, text)
			if err != nil || d.Year() < 1990 || !d.Before(f.Month.AddDate(0, 1, 0)) {
				return wrong("last_order_date", kam.RuleBatchMonth, kam.Say("%q is not a day up to the end of %s", kam.Clip(text, 20), p.month), kam.Say("write it as 2026-01-31"))
			}
			f.LastOrder = &d
		}
	} else if !kam.IsCurrency(f.Currency) {
		return badAmount("currency", f.Currency)
	}
	if p.hasPL {
		var lines map[string]int64
		for i, at := range p.lines {
			if at < 0 {
				continue
			}
			text := strings.TrimSpace(rec[at])
			if text == "" {
				continue
			}
			n, ok := amount(text)
			if !ok {
				return badAmount(PLColumns[i], text)
			}
			if lines == nil {
				lines = map[string]int64{}
			}
			lines[PLColumns[i]] = n
		}
		if lines != nil {
			raw, err := json.Marshal(lines)
			if err != nil {
				return wrong("", kam.RuleBatchMoney, kam.Say("the lines cannot be stored"), kam.Say("correct them"))
			}
			f.PLLines = raw
		}
	}
	key := p.key(f)
	if before, twice := p.seen[key]; twice {
		return wrong("account_no", kam.RuleBatchTwice, kam.Say("row %d is about the same account, month and product family", before), kam.Say("leave one of them, or add them up"))
	}
	p.seen[key] = int32(no) //nolint:gosec // bounded by kam.MaxBatchFacts
	return f, nil
}

func (p *factParser) key(f service.BatchFact) (k factKey) {
	var h maphash.Hash
	for i, seed := range p.seeds {
		h.SetSeed(seed)
		h.WriteString(f.Account)
		h.WriteByte(0)
		h.WriteString(p.month)
		h.WriteByte(0)
		h.WriteString(f.Family)
		k[i] = h.Sum64()
	}
	return k
}
