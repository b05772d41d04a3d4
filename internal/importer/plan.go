package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/identifier"
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
			r.note(kam.SeverityWarning, kam.Finding{Category: "DUPLICATE"}.Saying(kam.Say("is equal to row %d and starts nothing of its own", j), kam.Sentence{}))
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
	cells   map[string]string // by field, the filled ones
	fields  map[string]json.RawMessage
	dropped map[string]bool // had a value that cannot stand: no default takes its place
	seated  bool            // the address is made of street and place
	basis   []string
}

func (f *filler) fill(i int) {
	f.cells = map[string]string{}
	for j, c := range f.t.Columns {
		if v := clean(f.t.Rows[i][j]); v != "" && !c.Ignored {
			f.cells[c.Field] = f.values(c, v)
		}
	}
	if value, there := f.cells[colIDValue]; there && value == "" {
		delete(f.cells, colScheme) // the scheme of a placeholder
	}
	f.plain(f.cells)
	f.industry(f.cells[colIndustry])
	f.trading(f.cells[colTrading])
	f.revenue(f.cells)
	f.defaults()
	f.identifiers(f.cells)
	f.postal()
	f.phone()
	f.legalAddress()
	f.check()
	f.reportPhone()
	f.finish()
}

// values is a cell without placeholders. A name that is none refuses the row:
// nobody could say whom the case is about.
func (f *filler) values(c Column, text string) string {
	if c.Field == "legal_name" && identifier.IsPlaceholderName(text) {
		f.row.Status = Refused
		f.row.note(kam.SeverityError, kam.Finding{RuleID: "VF03", Category: "QUALIFICATION", Field: c.Field}.
			Saying(kam.Say("%q is not a name; give the name of the register", kam.Clip(text, 40)), kam.Sentence{}))
		return text
	}
	kept, out := values(c.Field, c.Spec, text)
	if out != "" {
		f.row.note(kam.SeverityWarning, kam.Finding{RuleID: "VF02", Category: "MISSING", Field: c.Field}.Saying(kam.Say("%s and counts as empty", noValue(out)), kam.Sentence{}))
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
		raw, ok := jsonValue(c.Spec, readable(c.Spec, text), f.d.Base)
		if !ok {
			f.leaveOut(unreadable(c.Spec, text, f.d.Base))
			continue
		}
		f.fields[c.Field] = raw
		if c.Spec.Kind == kam.KindURL && severalWords(text) {
			f.row.note(kam.SeverityWarning, kam.Finding{RuleID: "VF02", Category: "FORMAT", Field: c.Field}.Saying(firstOnly(text), kam.Sentence{}))
		}
	}
}

// leaveOut leaves the value of a field out and says so: nothing of a row that
// is accepted is lost without a word.
func (f *filler) leaveOut(e *kam.Error) {
	delete(f.fields, e.Field)
	f.dropped[e.Field] = true
	f.row.note(kam.SeverityWarning, kam.Finding{RuleID: e.Rule, Category: "FORMAT", Field: e.Field}.Saying(withRemedy(leftOut(e.Message()), e.HowTo()), kam.Sentence{}))
}

// leftOut marks the findings about values that a row was accepted without.
func leftOut(what kam.Sentence) kam.Sentence { return kam.Say("%s; the value is left out", what) }

// withRemedy is what is wrong and what would be right, in one sentence.
func withRemedy(msg, remedy kam.Sentence) kam.Sentence {
	if remedy.English == "" {
		return msg
	}
	return kam.Say("%s; %s", msg, remedy)
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
// Beside a code the text is its description.
func (f *filler) industry(text string) {
	if text == "" {
		return
	}
	if _, have := f.fields["industry_code"]; !have {
		code := IndustryCode(text)
		if code == "" {
			f.leaveOut(kam.Errorf(kam.Invalid, "%q names no industry", kam.Clip(text, 40)).On(colIndustry).By("VF02").Try("give a word, or industry_scheme and industry_code"))
			return
		}
		f.set("industry_scheme", "CUSTOM")
		f.set("industry_code", code)
	}
	f.reportCut(colIndustry, text, maxIndustryText)
	f.setOrReport("industry_text", colIndustry, text, kam.Clip(text, maxIndustryText))
}

// maxIndustryText is what an industry_text holds, but for the mark of a cut.
const maxIndustryText = 199

// reportCut adds a finding that a text was shortened.
func (f *filler) reportCut(column, text string, most int) {
	if n := utf8.RuneCountInString(text); n > most {
		f.row.note(kam.SeverityWarning, kam.Finding{RuleID: "VF02", Category: "FORMAT", Field: column}.Saying(cutText(n, most), kam.Sentence{}))
	}
}

func cutText(n, most int) kam.Sentence { return kam.Say("has %d characters, and %d are kept", n, most) }

// setOrReport sets a field from another column, and adds a finding where the
// row has another value for the field itself.
func (f *filler) setOrReport(field, column, text string, v any) {
	raw, ok := marshal(v)
	if own, have := f.fields[field]; have && ok && !bytes.Equal(own, raw) {
		f.row.note(kam.SeverityWarning, kam.Finding{RuleID: "VF02", Category: "FORMAT", Field: column}.Saying(leftOut(secondSource(text, field)), kam.Sentence{}))
		return
	}
	f.set(field, v)
}

func secondSource(text, field string) kam.Sentence {
	return kam.Say("%q is another value than that of %s", kam.Clip(text, 40), field)
}

func (f *filler) trading(name string) {
	var legal string
	_ = json.Unmarshal(f.fields["legal_name"], &legal) // absent: no name is equal
	if name == "" || strings.EqualFold(name, legal) {
		return
	}
	var names []string
	_ = json.Unmarshal(f.fields["trading_names"], &names) // absent: it is the first
	if raw, ok := marshal(withName(names, name)); ok && !f.dropped["trading_names"] {
		f.fields["trading_names"] = raw
	}
}

// withName adds a name to those that are there.
func withName(names []string, name string) []string {
	if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
		return names
	}
	return append(names, name)
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
		e := kam.About("annual_turnover", err).By("VF02")
		f.leaveOut(e.Say("annual_revenue %s: %s", strings.TrimSpace(kam.Clip(text, 24)+" "+kam.Clip(currency, 8)), e.Message()))
		return
	}
	f.setOrReport("annual_turnover", colRevenue, text, m)
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
		f.row.note(kam.SeverityInfo, kam.Finding{Category: "MISSING", Field: field}.Saying(kam.Say("is not computed: %s is unknown", formula.ShareOf), kam.Sentence{}))
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
		f.row.note(kam.SeverityWarning, kam.Finding{Category: "FORMAT", Field: field}.Saying(kam.Say("is not computed: %s", kam.About(field, err).Message()), kam.Sentence{}))
		return
	}
	f.set(field, m)
	if field == "addressable_spend_12m" && formula.Basis != "" {
		f.set("addressable_spend_basis", formula.Basis)
	}
	said := kam.Say("is %s, %s %% of %s", m, formula.Pct, formula.ShareOf)
	if formula.Basis != "" {
		said = kam.Say("is %s, %s %% of %s, basis %s", m, formula.Pct, formula.ShareOf, formula.Basis)
	}
	f.basis = append(f.basis, field+" "+said.English)
	f.row.note(kam.SeverityInfo, kam.Finding{Category: "QUALIFICATION", Field: field}.Saying(said, kam.Sentence{}))
}

// justify writes into the justification, for the confirming manager, which
// values were computed.
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
	ids := readIdentifiers(cells, country, func(rule string, msg kam.Sentence) {
		f.leaveOut(kam.Errorf(kam.Invalid, "%s", msg).On("identifiers").By(rule).Advise(remedies[rule]))
	})
	if raw, ok := marshal(ids); ok && len(ids) > 0 {
		f.fields["identifiers"] = raw
	}
}

// readIdentifiers makes identifiers of the cells, and calls bad for each one that
// is not valid.
func readIdentifiers(cells map[string]string, country string, bad func(rule string, msg kam.Sentence)) (ids []kam.Identifier) {
	add := func(scheme, value string) {
		id := imported(scheme, value, country)
		res := identifier.Check(id.Scheme, id.Value, country)
		if !res.Valid {
			rule := "VI01"
			if res.Problem == identifier.BadCheckDigit {
				rule = "VI02"
			}
			what := kam.Say("is not valid: %s", res.Problem)
			if identifier.IsScientific(value) {
				what = kam.Say("is in the notation of a spreadsheet and has lost its last digits")
			}
			bad(rule, kam.Say("%s %q %s", id.Scheme, kam.Clip(value, 40), what))
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
			bad("VI01", kam.Say("%q is not SCHEME:VALUE", kam.Clip(pair, 40)))
			continue
		}
		add(clean(scheme), clean(value))
	}
	switch scheme, value := cells[colScheme], cells[colIDValue]; {
	case scheme != "" && value != "":
		add(scheme, value)
	case scheme != "" || value != "":
		bad("VI01", kam.Say("scheme and value go together"))
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
		if raw, ok := marshal(identifier.Phone(number, country)); ok {
			f.fields["phone"] = raw
		}
	}
}

// legalAddress takes the street of the row for the customer's seat. A street
// that is a default of all rows is nobody's address.
func (f *filler) legalAddress() {
	if f.seated { // of what was left out since
		delete(f.fields, "addresses")
	}
	a := kam.Address{Type: kam.AddressLegal}
	for name, into := range map[string]*string{"street": &a.Line1, "city": &a.City, "postal_code": &a.PostalCode, "region": &a.Region, "country_code": &a.CountryCode} {
		_ = json.Unmarshal(f.fields[name], into) // absent: the address goes without
	}
	if f.cells["street"] != "" && f.cells["city"] != "" && a.Line1 != "" && a.City != "" {
		f.seated = true
		f.set("addresses", []kam.Address{a})
	}
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
		errs := rules.AddressOnce(rules.FormErrors(f.row.Data))
		if len(errs) == 0 {
			return
		}
		for _, e := range errs {
			top, _, _ := strings.Cut(e.Field, "[")
			top, _, _ = strings.Cut(top, ".")
			if top == "legal_name" || top == "country_code" {
				f.row.Status = Refused
				f.row.note(kam.SeverityError, kam.Finding{RuleID: e.Rule, Category: "FORMAT", Field: e.Field}.Saying(withRemedy(e.Message(), e.HowTo()), kam.Sentence{}))
				delete(f.fields, top)
				f.dropped[top] = true
				continue
			}
			own := kam.About(top, e)
			if part := strings.TrimPrefix(e.Field, top); part != "" {
				own.Say("%s %s", part, e.Message())
			}
			f.leaveOut(own)
		}
		if !f.dropped["addresses"] {
			f.legalAddress()
		}
	}
}

// reportPhone adds a finding: the number that was made of one without a country.
func (f *filler) reportPhone() {
	if text, number := f.cells["phone"], f.row.Data.Phone; completed(text, number) {
		f.row.note(kam.SeverityWarning, kam.Finding{RuleID: "VF04", Category: "FORMAT", Field: "phone"}.
			Saying(kam.Say("%q was read as %s, a number of %s; correct it where that is wrong", kam.Clip(text, 40), number, f.row.Data.CountryCode), kam.Sentence{}))
	}
}

// completed says that a phone number came without its country and has one now.
func completed(text, number string) bool {
	text = strings.TrimLeft(text, " (")
	return strings.HasPrefix(number, "+") && text != "" && !strings.HasPrefix(text, "+") && !strings.HasPrefix(text, "00") && !strings.HasPrefix(text, "＋")
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
