package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
)

// Status says what becomes of a row.
type Status string

// The statuses of a row before anything is started.
const (
	Ready   Status = "READY"   // complete: goes onward to the decision
	Parked  Status = "PARKED"  // starts, and waits in DATA_ENTRY for what is missing
	Refused Status = "REFUSED" // starts nothing
	Same    Status = "SAME"    // equal to an earlier row of the file
)

// A Row is what an import makes of a row.
type Row struct {
	Number   int // data rows from 1
	Ref      string
	Key      string // request key: the row's own, whichever file it stands in
	Data     kam.RequestData
	Status   Status
	SameAs   int // number of the earlier row
	Missing  []string
	Findings []kam.Finding
}

// A Batch is a file that is ready to start.
type Batch struct {
	ID    string // SHA-256 of the file and its defaults
	Table *Table
	Rows  []Row
}

// keySpace is the name space of the request keys of imported rows.
var keySpace = uuid.MustParse("5f0d4c0e-6a0b-5d61-9a35-1c9d6c7e2b40")

// Plan makes request data of every row. It starts nothing.
func Plan(t *Table, d *Defaults) *Batch {
	sum := sha256.Sum256([]byte(t.Digest + "\x1e" + string(d.digest)))
	b := &Batch{ID: hex.EncodeToString(sum[:]), Table: t, Rows: make([]Row, len(t.Rows))}
	first := map[string]int{}
	for i := range t.Rows {
		text := t.canonical(i)
		r := Row{Number: i + 1, Ref: t.ref(i), Key: uuid.NewSHA1(keySpace, []byte(string(d.digest)+"\x1e"+text)).String()}
		if j, seen := first[r.Key]; seen {
			r.Status, r.SameAs = Same, j
			r.note(kam.SeverityWarning, kam.Finding{Message: fmt.Sprintf("is equal to row %d and starts nothing of its own", j), Category: "DUPLICATE"})
		} else {
			first[r.Key] = r.Number
			f := filler{t: t, d: d, row: &r, fields: map[string]json.RawMessage{}, dropped: map[string]bool{}}
			f.fill(i)
		}
		b.Rows[i] = r
	}
	return b
}

// ref is how people find the row again.
func (t *Table) ref(i int) string {
	if col := t.column(colRef); col >= 0 {
		if v := clean(t.Rows[i][col]); v != "" {
			return v
		}
	}
	return fmt.Sprintf("row %d", i+1)
}

func (r *Row) note(s kam.Severity, f kam.Finding) {
	f.Severity = s
	r.Findings = append(r.Findings, f)
}

// A filler turns one row into request data.
type filler struct {
	t       *Table
	d       *Defaults
	row     *Row
	fields  map[string]json.RawMessage
	dropped map[string]bool // had a value that cannot stand: no default takes its place
	basis   []string
}

func (f *filler) fill(i int) {
	cells := map[string]string{}
	for j, c := range f.t.Columns {
		if v := clean(f.t.Rows[i][j]); v != "" && !c.Ignored {
			cells[c.Field] = f.values(c, v)
		}
	}
	if value, there := cells[colIDValue]; there && value == "" {
		delete(cells, colScheme) // the scheme of a placeholder
	}
	f.plain(cells)
	f.industry(cells[colIndustry])
	f.trading(cells[colTrading])
	f.revenue(cells)
	f.defaults()
	f.identifiers(cells)
	f.postal()
	f.phone()
	f.legalAddress(cells)
	f.check()
	f.finish()
}

// values is a cell without placeholders. A name that is none refuses the row:
// nobody could say whom the case is about.
func (f *filler) values(c Column, text string) string {
	if c.Field == "legal_name" && rules.IsPlaceholderName(text) {
		f.row.Status = Refused
		f.row.note(kam.SeverityError, kam.Finding{RuleID: "VF03", Category: "QUALIFICATION", Field: c.Field, Message: fmt.Sprintf("%q is not a name; give the name of the register", clip(text, 40))})
		return text
	}
	kept, out := values(c.Field, c.Spec, text)
	if out != "" {
		f.row.note(kam.SeverityWarning, kam.Finding{RuleID: "VF02", Category: "MISSING", Field: c.Field, Message: noValue(out) + " and counts as empty"})
	}
	return kept
}

// plain copies the columns that are fields of the request data.
func (f *filler) plain(cells map[string]string) {
	for _, c := range f.t.Columns {
		text := cells[c.Field]
		if text == "" || special[c.Field] || c.Field == "identifiers" {
			continue
		}
		raw, ok := jsonValue(c.Spec, text, f.d.Base)
		if !ok {
			f.drop(c.Field, "VF02", "FORMAT", fmt.Sprintf("%q cannot be read", clip(text, 40)))
			continue
		}
		f.fields[c.Field] = raw
	}
}

// drop leaves a value out and says so.
func (f *filler) drop(field, rule string, cat kam.RuleCategory, msg string) {
	delete(f.fields, field)
	f.dropped[field] = true
	f.row.note(kam.SeverityWarning, kam.Finding{RuleID: rule, Category: cat, Field: field, Message: msg + "; the value is left out"})
}

func (f *filler) set(field string, v any) {
	if _, have := f.fields[field]; have || f.dropped[field] {
		return
	}
	if raw, ok := marshal(v); ok {
		f.fields[field] = raw
	}
}

// industry keeps an industry that is known by text only under scheme CUSTOM.
func (f *filler) industry(text string) {
	code := IndustryCode(text)
	if _, have := f.fields["industry_code"]; code == "" || have {
		return
	}
	f.set("industry_scheme", "CUSTOM")
	f.set("industry_code", code)
	f.set("industry_text", clip(text, 199))
}

func (f *filler) trading(name string) {
	var legal string
	_ = json.Unmarshal(f.fields["legal_name"], &legal) // absent: no name is equal
	if name != "" && !strings.EqualFold(name, legal) {
		f.set("trading_names", []string{name})
	}
}

// revenue reads the customer's own turnover and brings it into the base
// currency, because every rule compares amounts in it.
func (f *filler) revenue(cells map[string]string) {
	text := cells[colRevenue]
	if text == "" {
		return
	}
	currency := strings.ToUpper(cells[colCurrency])
	if currency == "" && f.t.column(colCurrency) < 0 {
		currency = f.d.Base
	}
	m, err := kam.ParseMoney(text, currency)
	if err == nil {
		m, err = f.d.convert(m)
	}
	if err != nil {
		f.drop("annual_turnover", "VF02", "FORMAT", fmt.Sprintf("annual_revenue %s %s: %s", clip(text, 24), clip(currency, 8), err))
		return
	}
	f.set("annual_turnover", m)
}

// defaults adds the constants and computes the formulas of the defaults file.
func (f *filler) defaults() {
	for _, s := range kam.Fields {
		if _, have := f.fields[s.Name]; have || f.dropped[s.Name] {
			continue
		}
		if raw, ok := f.d.values[s.Name]; ok {
			f.fields[s.Name] = raw
		}
	}
	for _, s := range kam.Fields { // in the order of the table: no map order in a result
		formula, ok := f.d.formulas[s.Name]
		if _, have := f.fields[s.Name]; !ok || have || f.dropped[s.Name] {
			continue
		}
		f.compute(s.Name, formula)
	}
	f.justify()
}

func (f *filler) compute(field string, formula Formula) {
	source := formula.ShareOf
	if source == colRevenue {
		source = "annual_turnover"
	}
	raw, have := f.fields[source]
	if !have {
		f.row.note(kam.SeverityInfo, kam.Finding{Category: "MISSING", Field: field, Message: "is not computed: " + formula.ShareOf + " is unknown"})
		return
	}
	var m kam.Money
	err := json.Unmarshal(raw, &m)
	if err == nil {
		m, err = f.d.convert(m)
	}
	if err == nil {
		m, err = formula.of(m, f.d.Base)
	}
	if err != nil {
		f.row.note(kam.SeverityWarning, kam.Finding{Category: "FORMAT", Field: field, Message: "is not computed: " + err.Error()})
		return
	}
	f.set(field, m)
	if field == "addressable_spend_12m" && formula.Basis != "" {
		f.set("addressable_spend_basis", formula.Basis)
	}
	said := fmt.Sprintf("%s is %s, %s %% of %s", field, m, formula.Pct, formula.ShareOf)
	if formula.Basis != "" {
		said += ", basis " + string(formula.Basis)
	}
	f.basis = append(f.basis, said)
	f.row.note(kam.SeverityInfo, kam.Finding{Category: "QUALIFICATION", Field: field, Message: strings.TrimPrefix(said, field+" ")})
}

// justify tells the confirming manager what was computed and not stated.
func (f *filler) justify() {
	raw, have := f.fields["justification"]
	var text string
	if !have || len(f.basis) == 0 || json.Unmarshal(raw, &text) != nil {
		return
	}
	if raw, ok := marshal(text + " Computed at import: " + strings.Join(f.basis, "; ") + "."); ok {
		f.fields["justification"] = raw
	}
}

// identifiers reads the pair of columns and the own column
// "LEI:213800…|DUNS:…", and checks what can be checked.
func (f *filler) identifiers(cells map[string]string) {
	var country string
	_ = json.Unmarshal(f.fields["country_code"], &country) // absent: the check goes without
	ids := readIdentifiers(cells, country, func(rule, msg string) { f.drop("identifiers", rule, "FORMAT", msg) })
	if raw, ok := marshal(ids); ok && len(ids) > 0 {
		f.fields["identifiers"] = raw
	}
}

// readIdentifiers makes identifiers of the cells; those that are not valid are
// told to bad.
func readIdentifiers(cells map[string]string, country string, bad func(rule, msg string)) (ids []kam.Identifier) {
	add := func(scheme, value string) {
		id := identifier(scheme, value, country)
		res := rules.CheckIdentifier(id.Scheme, id.Value, country)
		if !res.Valid {
			rule := "VI01"
			if res.Problem == rules.ProblemCheckDigit {
				rule = "VI02"
			}
			what := "is not valid: " + string(res.Problem)
			if rules.IsScientific(value) {
				what = "is in the notation of a spreadsheet and has lost its last digits"
			}
			bad(rule, fmt.Sprintf("%s %q %s", id.Scheme, clip(value, 40), what))
			return
		}
		if id.Scheme != kam.SchemeOther {
			id.Value = res.Compact
		}
		ids = append(ids, id)
	}
	for _, pair := range list(cells["identifiers"]) {
		scheme, value, ok := strings.Cut(pair, ":")
		if !ok {
			bad("VI01", fmt.Sprintf("%q is not SCHEME:VALUE", clip(pair, 40)))
			continue
		}
		add(clean(scheme), clean(value))
	}
	switch scheme, value := cells[colScheme], cells[colIDValue]; {
	case scheme != "" && value != "":
		add(scheme, value)
	case scheme != "" || value != "":
		bad("VI01", "scheme and value go together")
	}
	return ids
}

func (f *filler) postal() {
	var country, code string
	_ = json.Unmarshal(f.fields["country_code"], &country)
	if json.Unmarshal(f.fields["postal_code"], &code) == nil {
		if raw, ok := marshal(postalCode(country, code)); ok {
			f.fields["postal_code"] = raw
		}
	}
}

// phone gives a number in national form its country.
func (f *filler) phone() {
	var country, number string
	_ = json.Unmarshal(f.fields["country_code"], &country)
	if json.Unmarshal(f.fields["phone"], &number) == nil {
		if raw, ok := marshal(rules.Phone(number, country)); ok {
			f.fields["phone"] = raw
		}
	}
}

// legalAddress takes the street of the row for the customer's seat. A street
// that is a default of all rows is nobody's address.
func (f *filler) legalAddress(cells map[string]string) {
	street, city := cells["street"], cells["city"]
	if street == "" || city == "" {
		return
	}
	a := kam.Address{Type: kam.AddressLegal, Line1: street, City: city}
	for name, into := range map[string]*string{"postal_code": &a.PostalCode, "region": &a.Region, "country_code": &a.CountryCode} {
		_ = json.Unmarshal(f.fields[name], into) // absent: the address goes without
	}
	f.set("addresses", []kam.Address{a})
}

// check applies the form check. What does not pass is left out, but for name
// and country: without them nobody could say whom the case is about.
func (f *filler) check() {
	for range 2 { // once more, without what was left out
		f.row.Data = kam.RequestData{}
		raw, ok := marshal(f.fields)
		if !ok || kam.StrictUnmarshal(raw, &f.row.Data) != nil {
			f.row.Status = Refused
			f.row.note(kam.SeverityError, kam.Finding{RuleID: "VF02", Category: "SCHEMA", Message: "the row cannot be read as request data"})
			return
		}
		rules.Clean(&f.row.Data)
		errs := rules.FormErrors(f.row.Data)
		if len(errs) == 0 {
			return
		}
		for _, e := range errs {
			top, _, _ := strings.Cut(e.Field, "[")
			top, _, _ = strings.Cut(top, ".")
			if top == "legal_name" || top == "country_code" {
				f.row.Status = Refused
				f.row.note(kam.SeverityError, kam.Finding{RuleID: e.Rule, Category: "FORMAT", Field: e.Field, Message: e.Msg})
				delete(f.fields, top)
				f.dropped[top] = true
				continue
			}
			f.drop(top, e.Rule, "FORMAT", strings.TrimSpace(strings.TrimPrefix(e.Field, top)+" "+e.Msg))
		}
	}
}

func (f *filler) finish() {
	r := f.row
	r.Missing = rules.Missing(r.Data, kam.Screening)
	if r.Status == Refused {
		return
	}
	for _, name := range []string{"legal_name", "country_code"} {
		if _, have := f.fields[name]; !have {
			r.Status = Refused
			r.note(kam.SeverityError, kam.Finding{RuleID: "VF01", Category: "MISSING", Field: name, Message: "is missing: a case cannot be opened without it"})
		}
	}
	if r.Status == Refused {
		return
	}
	r.Status = Ready
	for _, name := range r.Missing {
		r.Status = Parked
		r.note(kam.SeverityError, kam.Finding{RuleID: "VF01", Category: "MISSING", Field: name, Message: "is missing"})
	}
}
