package importer

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/store"
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
	json   []store.BookCustomer
	sales  *factFile
	pl     *factFile
	groups []store.BatchGroup
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
			fe.Problems[i].Message = name + ": " + fe.Problems[i].Message
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
	rest, _ := cutBOM(raw)
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

// readBookJSON reads a list of customers, or one a line.
func readBookJSON(raw []byte, o ReadOptions) ([]store.BookCustomer, error) {
	most := kam.MaxBatchRows
	if o.MaxRows > 0 {
		most = min(most, o.MaxRows)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	isList := bytes.TrimSpace(raw)[0] == '['
	if isList {
		if _, err := dec.Token(); err != nil {
			return nil, refuse(Problem{Message: "is not JSON"})
		}
	}
	var all []store.BookCustomer
	for dec.More() {
		var one json.RawMessage
		at := int(dec.InputOffset())
		if err := dec.Decode(&one); err != nil {
			return nil, refuse(Problem{Row: len(all) + 1, Line: lineAt(raw, at), Message: "is not JSON: " + clip(err.Error(), 200)})
		}
		if len(one) > kam.MaxBatchRowSize {
			return nil, refuse(Problem{Row: len(all) + 1, Message: fmt.Sprintf("is larger than %d bytes", kam.MaxBatchRowSize)})
		}
		if key := doubleKey(one); key != "" {
			return nil, refuse(Problem{Row: len(all) + 1, Line: lineAt(raw, at), Column: clip(key, 60), Message: "the key stands there twice", Remedy: "keep one of them"})
		}
		var c store.BookCustomer
		if err := kam.StrictUnmarshal(one, &c); err != nil {
			return nil, refuse(Problem{Row: len(all) + 1, Line: lineAt(raw, at), Message: clip(err.Error(), 200), Remedy: "write it as admin load-customers takes it"})
		}
		if all = append(all, c); len(all) > most {
			return nil, refuse(Problem{Message: fmt.Sprintf("has more than %d rows", most), Remedy: "split it"})
		}
	}
	if isList {
		if _, err := dec.Token(); err != nil {
			return nil, refuse(Problem{Message: "the list is not closed: it may be cut off"})
		}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse(Problem{Message: "something follows the last customer"})
	}
	if len(all) == 0 {
		return nil, refuse(Problem{Message: "has no customers"})
	}
	return all, nil
}

// doubleKey is a key that an object of a JSON value has twice, empty where none
// has: of two values nobody knows which one is meant.
func doubleKey(raw []byte) string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	type level struct {
		keys map[string]bool // nil for a list
		key  bool            // a key comes next
	}
	var open []level
	for {
		tok, err := dec.Token()
		if err != nil {
			return "" // the end, or what decoding will name
		}
		at := len(open) - 1
		if d, is := tok.(json.Delim); is && (d == '}' || d == ']') {
			open = open[:at]
			continue
		}
		if at >= 0 && open[at].keys != nil {
			if name, is := tok.(string); is && open[at].key {
				if open[at].keys[name] {
					return name
				}
				open[at].keys[name], open[at].key = true, false
				continue
			}
			open[at].key = true // after this value
		}
		switch tok {
		case json.Delim('{'):
			open = append(open, level{keys: map[string]bool{}, key: true})
		case json.Delim('['):
			open = append(open, level{})
		}
	}
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
		b.groups = append(b.groups, store.BatchGroup{No: i + 1, ID: clean(rec[id]), Name: clean(rec[name])})
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
func (b *Book) Upload(key string, by kam.UserID, at time.Time) store.BatchUpload {
	b.forget()
	u := store.BatchUpload{Key: key, Content: b.Content, By: by, At: at, Groups: b.groups, Findings: b.Findings}
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

const bookChunk = 2000 // rows that are read at a time, on all processors

// customers reads the rows, in order.
func (b *Book) customers() iter.Seq2[store.BatchRow, error] {
	return func(yield func(store.BatchRow, error) bool) {
		for from := 0; from < b.Rows; from += bookChunk {
			n := min(bookChunk, b.Rows-from)
			rows, notes := make([]store.BatchRow, n), make([][]kam.BatchFinding, n)
			var wg sync.WaitGroup
			workers := min(runtime.GOMAXPROCS(0), n)
			for w := range workers {
				wg.Go(func() {
					for i := w; i < n; i += workers {
						rows[i], notes[i] = b.row(from + i)
					}
				})
			}
			wg.Wait()
			for i := range rows {
				b.note(notes[i]...)
				if !yield(rows[i], nil) {
					return
				}
			}
		}
	}
}

// remedies say what to do about what the reading of a cell finds.
var remedies = map[string]string{
	"VF02": "correct the value; amounts are written as 1234.56, dates as 2026-01-31",
	"VI01": "compare it with the customer's papers",
	"VI02": "compare it with the customer's papers",
}

// row makes a row of the batch. It looks at nothing but the row: whatever is
// wrong is a finding.
func (b *Book) row(i int) (store.BatchRow, []kam.BatchFinding) {
	r := store.BatchRow{No: i + 1, Line: i + 2, ReadAs: kam.RowReady, CustomerNo: b.number(i)}
	if b.table != nil {
		r.Line = b.table.lines[i]
	}
	var found []kam.BatchFinding
	note := func(s kam.Severity, column, rule, msg, remedy string) {
		found = append(found, kam.BatchFinding{File: kam.FileCustomers, Row: r.No, Line: r.Line, Key: clip(r.CustomerNo, 40),
			Column: column, Rule: rule, Severity: s, Message: msg, Remedy: remedy})
		if s == kam.SeverityError {
			r.ReadAs = kam.RowRefused
		}
		r.Warned = true
	}
	switch {
	case r.CustomerNo == "":
		note(kam.SeverityError, colCustomer, kam.RuleBatchKey, "the customer has no number", "give every customer its own number")
	case !kam.IsCustomerNo(r.CustomerNo):
		note(kam.SeverityError, colCustomer, kam.RuleBatchKey, fmt.Sprintf("%q cannot be the number of a customer", clip(r.CustomerNo, 40)),
			"1 to 40 letters, digits, '.', '_', '/' or '-', the first a letter or digit")
	case b.sameAs[i] > 0 && b.equal[i]:
		note(kam.SeverityWarning, colCustomer, kam.RuleBatchTwice, fmt.Sprintf("is equal to row %d", b.sameAs[i]), "leave one of them")
		r.ReadAs = kam.RowSame
	case b.sameAs[i] > 0:
		note(kam.SeverityError, colCustomer, kam.RuleBatchTwice, fmt.Sprintf("row %d has the same number with other content", b.sameAs[i]), "keep the one that is right")
	}
	var d kam.RequestData
	if b.table != nil {
		d = b.cells(i, &r, note)
	} else {
		d = b.fromJSON(i, &r)
	}
	rules.Clean(&d)
	r.Contacts, d.Contacts = d.Contacts, nil
	raw, err := json.Marshal(d)
	if err != nil {
		note(kam.SeverityError, "", "VF02", "the row cannot be stored", "correct its values")
		raw = []byte("{}")
	}
	if len(raw) > kam.MaxBatchRowSize {
		note(kam.SeverityError, "", "VF02", fmt.Sprintf("the row is larger than %d bytes", kam.MaxBatchRowSize), "shorten it")
		raw = []byte("{}")
	}
	r.Data = raw
	if !kam.IsCustomerNo(r.CustomerNo) {
		r.CustomerNo = "" // hostile text is not kept as a key
	}
	return r, found
}

// cells reads a row of CSV: straight into the data, because a book has many
// rows.
func (b *Book) cells(i int, r *store.BatchRow, note func(s kam.Severity, column, rule, msg, remedy string)) kam.RequestData {
	var d kam.RequestData
	into := reflect.ValueOf(&d).Elem()
	cells := map[string]string{} // those that need more than copying
	bad := func(column, rule, msg string) { note(kam.SeverityError, column, rule, msg, remedies[rule]) }
	for j, c := range b.table.Columns {
		text := clean(b.table.Rows[i][j])
		switch {
		case text == "" || c.Ignored:
		case c.Spec.Name == "" || c.Field == "identifiers":
			cells[c.Field] = text
		default:
			if !setCell(into.FieldByIndex(fieldIndex[c.Field]), c.Spec, text) {
				bad(c.Field, "VF02", fmt.Sprintf("%q cannot be read", clip(text, 40)))
			}
		}
	}
	derive(&d, cells, bad)
	if name := cells["contact_name"]; name != "" {
		role := kam.DecisionRole(strings.ToUpper(cells["contact_role"]))
		d.Contacts = []kam.Contact{{Name: name, Function: cells["contact_function"], DecisionRole: role, Email: cells["contact_email"],
			Phone: phone(cells["contact_phone"]), Language: cells["contact_language"], ConsentBasis: cells["contact_consent"]}}
	} else if slices.ContainsFunc(contactColumns, func(c string) bool { return cells[c] != "" }) {
		note(kam.SeverityError, "contact_name", "VF01", "a contact needs a name", "fill it in, or leave the contact out")
	}
	r.OwnerID = kam.UserID(cells[colOwner])
	r.Status = kam.LifecycleStatus(strings.ToUpper(cells[colLifecycle]))
	r.KAStatus = kam.KAStatus(strings.ToUpper(cells[colStanding]))
	r.Tier = kam.Tier(strings.ToUpper(cells[colTier]))
	r.Coverage = strings.ToUpper(cells[colCoverage])
	if text := cells[colReview]; text != "" {
		due, err := time.Parse(time.DateOnly, text)
		if err != nil || due.Year() < 2000 || due.Year() > 2200 {
			note(kam.SeverityError, colReview, "VF02", fmt.Sprintf("%q is not a date", clip(text, 20)), "write it as 2026-12-31")
		} else {
			r.ReviewDue = &due
		}
	}
	return d
}

// derive fills in what follows from several cells, as the import of requests
// does.
func derive(d *kam.RequestData, cells map[string]string, bad func(column, rule, msg string)) {
	if code := IndustryCode(cells[colIndustry]); code != "" && d.IndustryCode == "" {
		d.IndustryScheme, d.IndustryCode, d.IndustryText = "CUSTOM", code, clip(cells[colIndustry], 199)
	}
	if name := cells[colTrading]; name != "" && !strings.EqualFold(name, d.LegalName) && d.TradingNames == nil {
		d.TradingNames = []string{name}
	}
	if text := cells[colRevenue]; text != "" && d.AnnualTurnover == nil {
		m, err := kam.ParseMoney(text, strings.ToUpper(cmp.Or(cells[colCurrency], NoDefaults().Base)))
		if err != nil {
			bad(colRevenue, "VF02", fmt.Sprintf("%s is no amount: %s", clip(text, 24), err))
		} else {
			d.AnnualTurnover = &m
		}
	}
	d.Identifiers = readIdentifiers(cells, d.CountryCode, func(rule, msg string) { bad("identifiers", rule, msg) })
	d.PostalCode = postalCode(d.CountryCode, d.PostalCode)
	if d.Street != "" && d.City != "" {
		d.Addresses = []kam.Address{{Type: kam.AddressLegal, Line1: d.Street, City: d.City, PostalCode: d.PostalCode, Region: d.Region, CountryCode: d.CountryCode}}
	}
	for _, item := range kam.CapabilityItems {
		text := cells[capabilityPrefix+item]
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			bad(capabilityPrefix+item, "VF02", fmt.Sprintf("%q is not a whole number", clip(text, 20)))
			continue
		}
		if d.CapabilityItems == nil {
			d.CapabilityItems = map[string]int{}
		}
		d.CapabilityItems[item] = n
	}
}

// fieldIndex is where the fields of the request data are, by JSON name.
var fieldIndex = func() map[string][]int {
	m := map[string][]int{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[kam.RequestData]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			m[name] = f.Index
		}
	}
	return m
}()

// setCell puts a cell into its field, in the form that [jsonValue] writes;
// false where the text is not of the field's kind.
func setCell(v reflect.Value, spec kam.FieldSpec, text string) bool {
	if v.Kind() == reflect.String {
		switch spec.Kind {
		case kam.KindChoice:
			text = strings.ToUpper(strings.ReplaceAll(text, " ", "_"))
		case kam.KindCountry, kam.KindCurrency:
			text = strings.ToUpper(text)
		case kam.KindURL:
			u, valid := website(text)
			if !valid {
				return false
			}
			text = u
		case kam.KindPhone:
			text = phone(text)
		}
		v.SetString(text)
		return true
	}
	switch p := v.Addr().Interface().(type) {
	case **kam.Money:
		m, err := money(text, NoDefaults().Base)
		if err == nil {
			*p = &m
		}
		return err == nil
	case **kam.Dec:
		n, err := kam.ParseDec(text)
		if err == nil {
			*p = &n
		}
		return err == nil
	case *[]string:
		*p = list(text)
		return true
	default:
		raw, ok := jsonValue(spec, text, NoDefaults().Base)
		return ok && json.Unmarshal(raw, p) == nil
	}
}

func (b *Book) fromJSON(i int, r *store.BatchRow) kam.RequestData {
	c := b.json[i]
	r.OwnerID, r.Status, r.KAStatus, r.Tier, r.Coverage, r.ReviewDue = c.OwnerID, c.Status, c.KAStatus, c.Tier, c.Coverage, c.ReviewDue
	d := c.Data
	if c.GroupID != "" {
		d.GroupID = c.GroupID
	}
	if c.Territory != "" {
		d.TerritoryCode = c.Territory
	}
	return d
}

// WriteBookResult writes the rows of the customers' file with batch, outcome
// and findings. The file can be imported again; of a book in JSON the numbers
// are written.
func (b *Book) WriteBookResult(w io.Writer, no kam.BatchNo, outcomes []store.BatchOutcome, findings []kam.BatchFinding) error {
	said := map[int][]string{}
	for _, f := range findings {
		if f.File == kam.FileCustomers {
			said[f.Row] = append(said[f.Row], FindingText(f))
		}
	}
	became := make(map[int]kam.RowOutcome, len(outcomes))
	for _, o := range outcomes {
		became[o.Row] = o.Outcome
	}
	t := b.table
	if t == nil {
		t = &Table{Header: []string{colCustomer}, Comma: ',', schema: book}
		for i := range b.json {
			t.Rows = append(t.Rows, []string{b.json[i].CustomerNo})
		}
	}
	return t.writeWith(w, func(i int) []string {
		return []string{string(no), string(became[i+1]), guard(strings.Join(said[i+1], " | "))}
	})
}

// FindingText is a finding in one line.
func FindingText(f kam.BatchFinding) string {
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

// Dry reads every row without the system and says what the form check finds:
// what depends on customers, territories and people is not tested.
func (b *Book) Dry(p *rules.Policy) (counts kam.BatchCounts, findings []kam.BatchFinding, err error) {
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
