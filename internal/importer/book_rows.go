package importer

import (
	"cmp"
	"encoding/json"
	"iter"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/identifier"
	"github.com/kamflow/kamflow/service"
)

const bookChunk = 2000 // rows that are read at a time, on all processors

// customers reads the rows, in order.
func (b *Book) customers() iter.Seq2[service.BatchRow, error] {
	return func(yield func(service.BatchRow, error) bool) {
		for from := 0; from < b.Rows; from += bookChunk {
			n := min(bookChunk, b.Rows-from)
			rows, notes := make([]service.BatchRow, n), make([][]kam.BatchFinding, n)
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
var remedies = map[string]kam.Sentence{
	"VI01": kam.Say("compare it with the customer's papers"),
	"VI02": kam.Say("compare it with the customer's papers"),
}

// row makes a row of the batch. It looks at nothing but the row: whatever is
// wrong is a finding.
func (b *Book) row(i int) (service.BatchRow, []kam.BatchFinding) {
	r := service.BatchRow{No: i + 1, Line: i + 2, ReadAs: kam.RowReady, CustomerNo: b.number(i)}
	if b.table != nil {
		r.Line = b.table.lines[i]
	}
	var found []kam.BatchFinding
	note := func(s kam.Severity, column, rule string, msg, remedy kam.Sentence) {
		found = append(found, kam.BatchFinding{File: kam.FileCustomers, Row: r.No, Line: r.Line, Key: kam.Clip(r.CustomerNo, 40),
			Column: column, Rule: rule, Severity: s}.Saying(msg, remedy))
		if s == kam.SeverityError {
			r.ReadAs = kam.RowRefused
		}
		r.Warned = true
	}
	switch {
	case r.CustomerNo == "":
		note(kam.SeverityError, colCustomer, kam.RuleBatchKey, kam.Say("the customer has no number"), kam.Say("give every customer its own number"))
	case !kam.IsCustomerNo(r.CustomerNo):
		note(kam.SeverityError, colCustomer, kam.RuleBatchKey, kam.Say("%q cannot be the number of a customer", kam.Clip(r.CustomerNo, 40)),
			kam.Say("1 to 40 letters, digits, '.', '_', '/' or '-', the first a letter or digit"))
	case b.sameAs[i] > 0 && b.equal[i]:
		note(kam.SeverityWarning, colCustomer, kam.RuleBatchTwice, kam.Say("is equal to row %d", b.sameAs[i]), kam.Say("leave one of them"))
		r.ReadAs = kam.RowSame
	case b.sameAs[i] > 0:
		note(kam.SeverityError, colCustomer, kam.RuleBatchTwice, kam.Say("row %d has the same number with other content", b.sameAs[i]), kam.Say("keep the one that is right"))
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
		note(kam.SeverityError, "", "VF02", kam.Say("the row cannot be stored"), kam.Say("correct its values"))
		raw = []byte("{}")
	}
	if len(raw) > kam.MaxBatchRowSize {
		note(kam.SeverityError, "", "VF02", kam.Say("the row is larger than %d bytes", kam.MaxBatchRowSize), kam.Say("shorten it"))
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
func (b *Book) cells(i int, r *service.BatchRow, note func(s kam.Severity, column, rule string, msg, remedy kam.Sentence)) kam.RequestData {
	var d kam.RequestData
	into := reflect.ValueOf(&d).Elem()
	cells := map[string]string{} // those that need more than copying
	bad := func(column, rule string, msg kam.Sentence) {
		note(kam.SeverityError, column, rule, msg, remedies[rule])
	}
	base := NoDefaults().Base
	for j, c := range b.table.Columns {
		text := clean(b.table.Rows[i][j])
		if c.Field == "legal_name" && identifier.IsPlaceholderName(text) {
			note(kam.SeverityError, c.Field, "VF03", kam.Say("%q is not a name", kam.Clip(text, 40)), kam.Say("give the name of the register"))
		} else if kept, out := values(c.Field, c.Spec, text); out != "" && !c.Ignored {
			note(kam.SeverityWarning, c.Field, "VF02", kam.Say("%s and counts as empty", noValue(out)), kam.Say("leave the cell empty, or give the value"))
			cells[c.Field], text = kept, kept
		}
		switch {
		case text == "" || c.Ignored:
		case c.Spec.Name == "" || c.Field == "identifiers":
			cells[c.Field] = text
		default:
			if !setCell(into.FieldByIndex(fieldIndex[c.Field]), c.Spec, readable(c.Spec, text)) {
				e := unreadable(c.Spec, text, base)
				note(kam.SeverityError, c.Field, e.Rule, e.Message(), e.HowTo())
			}
			switch {
			case c.Spec.Kind == kam.KindPhone:
				cells[c.Field] = text
			case c.Spec.Kind == kam.KindURL && severalWords(text):
				note(kam.SeverityWarning, c.Field, "VF02", firstOnly(text), kam.Say("give one"))
			}
		}
	}
	if value, there := cells[colIDValue]; there && value == "" {
		delete(cells, colScheme) // the scheme of a placeholder
	}
	derive(&d, cells, note, bad)
	d.Phone = identifier.Phone(d.Phone, d.CountryCode)
	reportPhone("phone", cells["phone"], d.Phone, d.CountryCode, note)
	if name := cells["contact_name"]; name != "" {
		role := kam.DecisionRole(strings.ToUpper(cells["contact_role"]))
		d.Contacts = []kam.Contact{{Name: name, Function: cells["contact_function"], DecisionRole: role, Email: cells["contact_email"],
			Phone: identifier.Phone(cells["contact_phone"], d.CountryCode), Language: cells["contact_language"], ConsentBasis: cells["contact_consent"]}}
		reportPhone("contact_phone", cells["contact_phone"], d.Contacts[0].Phone, d.CountryCode, note)
	} else if slices.ContainsFunc(contactColumns, func(c string) bool { return cells[c] != "" }) {
		note(kam.SeverityError, "contact_name", "VF01", kam.Say("a contact needs a name"), kam.Say("fill it in, or leave the contact out"))
	}
	r.OwnerID = kam.UserID(cells[colOwner])
	r.Status = kam.LifecycleStatus(strings.ToUpper(cells[colLifecycle]))
	r.KAStatus = kam.KAStatus(strings.ToUpper(cells[colStanding]))
	r.Tier = kam.Tier(strings.ToUpper(cells[colTier]))
	r.Coverage = strings.ToUpper(cells[colCoverage])
	if text := cells[colReview]; text != "" {
		due, err := time.Parse(time.DateOnly, text)
		if err != nil || due.Year() < 2000 || due.Year() > 2200 {
			note(kam.SeverityError, colReview, "VF02", kam.Say("%q is not a date", kam.Clip(text, 20)), kam.Say("write it as 2026-12-31"))
		} else {
			r.ReviewDue = &due
		}
	}
	return d
}

// reportPhone says that a number was completed; which one is personal data.
func reportPhone(column, text, number, country string, note func(s kam.Severity, column, rule string, msg, remedy kam.Sentence)) {
	if completed(text, number) {
		note(kam.SeverityWarning, column, "VF04", kam.Say("the number came without its country and was read as one of %s", country), kam.Say("correct it where that is wrong"))
	}
}

// derive fills in what follows from several cells, as the import of requests
// does.
func derive(d *kam.RequestData, cells map[string]string, note func(s kam.Severity, column, rule string, msg, remedy kam.Sentence), bad func(column, rule string, msg kam.Sentence)) {
	wrong := func(e *kam.Error) { note(kam.SeverityError, e.Field, e.Rule, e.Message(), e.HowTo()) }
	second := func(column, field string) {
		note(kam.SeverityWarning, column, "VF02", leftOut(secondSource(cells[column], field)), kam.Say("keep one of the columns"))
	}
	if text := cells[colIndustry]; text != "" {
		deriveIndustry(d, text, note, second)
		if n := utf8.RuneCountInString(text); n > maxIndustryText {
			note(kam.SeverityWarning, colIndustry, "VF02", cutText(n, maxIndustryText), kam.Say("shorten it"))
		}
	}
	if name := cells[colTrading]; name != "" && !strings.EqualFold(name, d.LegalName) {
		d.TradingNames = withName(d.TradingNames, name)
	}
	if text := cells[colRevenue]; text != "" {
		m, err := kam.ParseMoney(text, strings.ToUpper(cmp.Or(cells[colCurrency], NoDefaults().Base)))
		if err != nil {
			wrong(kam.About(colRevenue, err))
		} else if d.AnnualTurnover != nil && *d.AnnualTurnover != m {
			second(colRevenue, "annual_turnover")
		} else {
			d.AnnualTurnover = &m
		}
	}
	d.Identifiers = readIdentifiers(cells, d.CountryCode, func(rule string, msg kam.Sentence) { bad("identifiers", rule, msg) })
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
			wrong(kam.Errorf(kam.Invalid, "%q is not a whole number", kam.Clip(text, 20)).On(capabilityPrefix + item).By("VF02").Try("give 0 to 4"))
			continue
		}
		if d.CapabilityItems == nil {
			d.CapabilityItems = map[string]int{}
		}
		d.CapabilityItems[item] = n
	}
}

// deriveIndustry makes a code of a text, or describes the code with it.
func deriveIndustry(d *kam.RequestData, text string, note func(s kam.Severity, column, rule string, msg, remedy kam.Sentence), second func(column, field string)) {
	if d.IndustryCode == "" {
		code := IndustryCode(text)
		if code == "" {
			note(kam.SeverityWarning, colIndustry, "VF02", leftOut(kam.Say("%q names no industry", kam.Clip(text, 40))), kam.Say("give a word, or industry_scheme and industry_code"))
			return
		}
		d.IndustryScheme, d.IndustryCode = "CUSTOM", code
	}
	if kept := kam.Clip(text, maxIndustryText); d.IndustryText == "" {
		d.IndustryText = kept
	} else if d.IndustryText != kept {
		second(colIndustry, "industry_text")
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
		case kam.KindCurrency:
			text = strings.ToUpper(text)
		case kam.KindURL:
			u, valid := website(text)
			if !valid {
				return false
			}
			text = u
		case kam.KindPhone:
			text = identifier.Phone(text, "") // once more with the country, when it is known
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
