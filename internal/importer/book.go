package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/service"
)

// Columns of a book that are not fields of the request data.
const (
	colCustomer  = "customer_no"
	colOwner     = "owner_id"
	colLifecycle = "lifecycle_status"
	colStanding  = "ka_status"
	colTier      = "tier"
	colCoverage  = "coverage"
	colReview    = "review_due"

	contactPrefix    = "contact_"
	capabilityPrefix = "capability_items."
)

var (
	bookColumns    = []string{colCustomer, colOwner, colLifecycle, colStanding, colTier, colCoverage, colReview}
	contactColumns = []string{"contact_name", "contact_function", "contact_role", "contact_email", "contact_phone", "contact_language", "contact_consent"}
)

// book is the schema of a file of customers that exist already: the columns of
// requests, and what only a book knows.
var book = &schema{
	field: bookField, headers: BookHeaders, results: []string{"batch_no", "outcome", "findings"},
	needs: []Problem{
		{Line: 1, Column: colCustomer, Message: "is missing", Remedy: "a customer of a book has a number"},
		{Line: 1, Column: "legal_name", Message: "is missing", Remedy: "a customer needs a name"},
	},
}

func bookField(header string) (Column, bool) {
	if slices.Contains(bookColumns, header) || slices.Contains(contactColumns, header) {
		return Column{Field: header}, true
	}
	if item, ok := strings.CutPrefix(header, capabilityPrefix); ok {
		return Column{Field: header}, slices.Contains(kam.CapabilityItems, item)
	}
	return fieldOf(header)
}

// BookHeaders lists every header of a book of customers, sorted.
func BookHeaders() []string {
	names := slices.Concat(Headers(), bookColumns, contactColumns)
	for _, item := range kam.CapabilityItems {
		names = append(names, capabilityPrefix+item)
	}
	sort.Strings(names)
	return names
}

// BookFiles are the files of a customer book; those that are not there are
// nil. Customers is CSV, or JSON as admin load-customers takes it.
type BookFiles struct {
	Customers, Sales, PL, Groups io.Reader
}

// A Book is a customer book whose files are sound in structure. What is wrong
// with single rows comes up while they are staged, as findings.
type Book struct {
	// Content is the digest of all files: the same book has the same.
	Content string
	Rows    int // customers

	table  *Table // customers as CSV
	json   []service.BookCustomer
	sales  *factFile
	pl     *factFile
	groups []service.BatchGroup
	sameAs []int // for each row: the number of the equal or clashing row before it
	equal  []bool

	mu       sync.Mutex
	findings []kam.BatchFinding
}

// OpenBook reads a book and checks its structure: encoding, quotes, columns,
// bounds. Its error is a *FileError where a file is at fault, and names the
// file.
func OpenBook(files BookFiles, o ReadOptions) (*Book, error) {
	b := &Book{}
	sum := sha256.New()
	sum.Write([]byte("kam-book/1\n"))
	part := func(name, digest string) { fmt.Fprintf(sum, "%s %s\n", name, digest) }
	if files.Customers != nil {
		digest, err := b.readCustomers(files.Customers, o)
		if err != nil {
			return nil, inFile(kam.FileCustomers, err)
		}
		part(kam.FileCustomers, digest)
	}
	for _, f := range []struct {
		name string
		r    io.Reader
		into **factFile
	}{{kam.FileSales, files.Sales, &b.sales}, {kam.FilePL, files.PL, &b.pl}} {
		if f.r == nil {
			continue
		}
		facts, err := openFacts(f.r, f.name, o)
		if err != nil {
			return nil, inFile(f.name, err)
		}
		*f.into = facts
		part(f.name, facts.table.Digest)
	}
	if files.Groups != nil {
		digest, err := b.readGroups(files.Groups, o)
		if err != nil {
			return nil, inFile(kam.FileGroups, err)
		}
		part(kam.FileGroups, digest)
	}
	if files.Customers == nil && b.sales == nil && b.pl == nil {
		return nil, kam.Errorf(kam.Invalid, "a book has customers, sales or a profit and loss").On("files").Try("give at least one of these files")
	}
	b.Content = hex.EncodeToString(sum.Sum(nil))
	b.findTwins()
	return b, nil
}

// inFile names the file in the problems of a file.
func inFile(name string, err error) error {
	var fe *FileError
	if errors.As(err, &fe) {
		for i := range fe.Problems {
			p := &fe.Problems[i]
			*p = p.saying(kam.Say("%s: %s", name, kam.Sentence{English: p.Message, Text: p.Said}), kam.Sentence{English: p.Remedy, Text: p.Advice})
		}
	}
	return err
}

// PLOnly says that the book holds nothing but a profit and loss, which a
// finance controller may upload.
func (b *Book) PLOnly() bool {
	return b.pl != nil && b.Rows == 0 && b.sales == nil && len(b.groups) == 0
}

func (b *Book) readCustomers(r io.Reader, o ReadOptions) (digest string, err error) {
	raw, digest, err := readWhole(r, MaxFile, o.MaxFile)
	if err != nil {
		return "", err
	}
	rest, _, p := plainText(raw)
	if p != nil {
		return "", refuse(*p)
	}
	if first := bytes.TrimSpace(rest[:min(len(rest), 4096)]); len(first) > 0 && (first[0] == '[' || first[0] == '{') {
		b.json, err = readBookJSON(rest, o)
		b.Rows = len(b.json)
		return digest, err
	}
	o.schema = book
	b.table, err = Read(bytes.NewReader(raw), o)
	if err != nil {
		return "", err
	}
	b.Rows = len(b.table.Rows)
	return digest, nil
}

// groupFile is the schema of a file of groups.
var groupFile = &schema{
	field:   func(h string) (Column, bool) { return Column{Field: h}, h == "group_id" || h == "name" },
	headers: func() []string { return []string{"group_id", "name"} },
	needs: []Problem{
		{Line: 1, Column: "group_id", Message: "is missing", Remedy: "a group has an id"},
		{Line: 1, Column: "name", Message: "is missing", Remedy: "a group has a name"},
	},
}

func (b *Book) readGroups(r io.Reader, o ReadOptions) (digest string, err error) {
	o.schema = groupFile
	t, err := Read(r, o)
	if err != nil {
		return "", err
	}
	id, name := t.column("group_id"), t.column("name")
	for i, rec := range t.Rows {
		b.groups = append(b.groups, service.BatchGroup{No: i + 1, ID: clean(rec[id]), Name: clean(rec[name])})
	}
	return t.Digest, nil
}

// findTwins looks for numbers that stand there twice.
func (b *Book) findTwins() {
	b.sameAs, b.equal = make([]int, b.Rows), make([]bool, b.Rows)
	first := make(map[string]int, b.Rows)
	for i := range b.Rows {
		no := b.number(i)
		if no == "" {
			continue
		}
		j, seen := first[no]
		if !seen {
			first[no] = i
			continue
		}
		b.sameAs[i], b.equal[i] = j+1, b.rowsEqual(i, j)
	}
}

func (b *Book) number(i int) string {
	if b.table == nil {
		return clean(b.json[i].CustomerNo)
	}
	return clean(b.table.Rows[i][b.table.column(colCustomer)])
}

func (b *Book) rowsEqual(i, j int) bool {
	if b.table != nil {
		return b.table.canonical(i) == b.table.canonical(j)
	}
	x, okX := marshal(b.json[i])
	y, okY := marshal(b.json[j])
	return okX && okY && bytes.Equal(x, y)
}

// Upload is the book as the store stages it. What is found in its rows while
// they are read is handed over with it.
func (b *Book) Upload(key string, by kam.UserID, at time.Time) service.BatchUpload {
	b.forget()
	u := service.BatchUpload{Key: key, Content: b.Content, By: by, At: at, Groups: b.groups, Findings: b.Findings}
	if b.Rows > 0 {
		u.Rows = b.customers()
	}
	if b.sales != nil || b.pl != nil {
		u.Facts = b.facts()
	}
	return u
}

// Findings are what has come up while rows were read, by file and row.
func (b *Book) Findings() []kam.BatchFinding {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.findings)
}

func (b *Book) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.findings = nil
}

func (b *Book) note(all ...kam.BatchFinding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if room := kam.MaxBatchFindings - len(b.findings); room > 0 {
		b.findings = append(b.findings, all[:min(len(all), room)]...)
	}
}

// Dry reads every row without the system and says what the form check finds:
// what depends on customers, territories and people is not tested.
func (b *Book) Dry(p *rules.Set) (counts kam.BatchCounts, findings []kam.BatchFinding, err error) {
	b.forget()
	counts.Rows, counts.Groups = b.Rows, len(b.groups)
	if b.Rows > 0 {
		for r := range b.customers() {
			var d kam.RequestData
			if err := json.Unmarshal(r.Data, &d); err != nil {
				return counts, nil, fmt.Errorf("read row %d: %w", r.No, err)
			}
			d.Contacts = r.Contacts
			for _, f := range p.BookFindings(d) {
				f.File, f.Row, f.Line, f.Key = kam.FileCustomers, r.No, r.Line, r.CustomerNo
				b.note(f)
				r.Warned = true
				if f.Severity == kam.SeverityError && r.ReadAs == kam.RowReady {
					r.ReadAs = kam.RowRefused
				}
			}
			counts.Add(r.ReadAs, r.Warned)
		}
	}
	if b.sales != nil || b.pl != nil {
		for _, err := range b.facts() {
			if err != nil {
				return counts, b.Findings(), err
			}
			counts.Facts++
		}
	}
	return counts, b.Findings(), nil
}
