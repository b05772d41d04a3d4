package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// Words say what a page shows to whoever reads it: in his language, and times in
// his zone.
type Words struct {
	*text.Printer
	Zone *time.Location
	Now  time.Time
	// Names are those of people, by their id.
	Names map[kam.UserID]string
}

// Person is the name of somebody, his id where no name is known.
func (w Words) Person(id kam.UserID) string {
	if id == kam.System {
		return w.Text("case.engine")
	}
	return cmp.Or(w.Names[id], string(id))
}

// Accepted is the printer for what a browser says that its user reads; English
// where it names nothing that we have.
func Accepted(header string) *text.Printer {
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return text.English()
	}
	for _, t := range tags {
		if p, ok := text.In(t.String()); ok {
			return p
		}
	}
	return text.English()
}

// Text is the text of an id with its values; see docs/texts.md.
func (w Words) Text(id string, args ...any) string { return w.whole().Say(id, args...) }

// whole are words without gaps: English, UTC and now.
func (w Words) whole() Words {
	if w.Printer == nil {
		w.Printer = text.English()
	}
	if w.Zone == nil {
		w.Zone = time.UTC
	}
	if w.Now.IsZero() {
		w.Now = time.Now()
	}
	return w
}

// Time is an instant as the reader's clock shows it; empty for none.
func (w Words) Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(w.whole().Zone).Format("2006-01-02 15:04")
}

// State says in words where a case stands.
func (w Words) State(s onboarding.State) string { return w.Text("state." + string(s)) }

// Field is the name of a field of a request in words.
func (w Words) Field(name string) string {
	return w.Code(strings.ReplaceAll(strings.ReplaceAll(name, "[]", ""), ".", " "))
}

// Code is a word of the process as it stands in data, for people: "Awaiting
// confirmation" of AWAITING_CONFIRMATION.
func (w Words) Code(code string) string { return w.whole().Word(Plain(code)) }

// Plain is a code of the process in English words.
func Plain(code string) string {
	if code == "" || strings.ToUpper(code) == code && !strings.Contains(code, "_") && len(code) < 4 {
		return code // ADD, VAT: as people write it
	}
	plain := strings.ToLower(strings.ReplaceAll(code, "_", " "))
	return strings.ToUpper(plain[:1]) + plain[1:]
}

// Value is a value of a field as people read it: an amount with its groups, a list
// line by line.
func (w Words) Value(field, value string) string {
	f, _ := customer.FieldNamed(field)
	if amount, currency, ok := strings.Cut(value, " "); ok && f.Kind == customer.KindMoney {
		return groups(amount) + " " + currency
	}
	if f.Kind != customer.KindList && f.Kind != customer.KindMap {
		return value
	}
	var items []any
	if json.Unmarshal([]byte(value), &items) != nil {
		var one map[string]any
		if json.Unmarshal([]byte(value), &one) != nil {
			return value
		}
		items = []any{one}
	}
	lines := make([]string, len(items))
	for i, item := range items {
		lines[i] = w.item(item)
	}
	return strings.Join(lines, "\n")
}

// item is one entry of a list: its values in the order of their names, with the
// names where there is no telling otherwise.
func (w Words) item(item any) string {
	of, ok := item.(map[string]any)
	if !ok {
		return fmt.Sprint(item)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		switch x := of[name].(type) {
		case nil:
		case string:
			parts = append(parts, x)
		case map[string]any:
			parts = append(parts, w.item(x))
		default:
			parts = append(parts, fmt.Sprintf("%s %v", w.Field(name), x))
		}
	}
	return strings.Join(parts, " · ")
}

// groups sets the thousands of a plain number apart.
func groups(n string) string {
	whole, rest, dec := strings.Cut(n, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dec {
		whole += "." + rest
	}
	return sign + whole
}

// Step is a box of the deck with its number.
func (w Words) Step(c kam.StepCode) string {
	b, ok := kam.BoxOf(c)
	if !ok {
		return string(c)
	}
	if b.Label() == b.Name {
		return w.whole().Word(b.Name)
	}
	return string(b.Code) + " " + w.whole().Word(b.Name)
}

// Span is a time in the two largest units that say something.
func (w Words) Span(d time.Duration) string {
	w = w.whole()
	if d < 0 {
		d = -d
	}
	days, hours, minutes := int(d/(24*time.Hour)), int(d%(24*time.Hour)/time.Hour), int(d%time.Hour/time.Minute)
	switch {
	case days > 0 && hours > 0 && days < 7:
		return w.Text("span.dh", days, hours)
	case days > 0:
		return w.Text("span.d", days)
	case hours > 0 && minutes > 0:
		return w.Text("span.hm", hours, minutes)
	case hours > 0:
		return w.Text("span.h", hours)
	}
	return w.Text("span.m", max(minutes, 1))
}

// Due says until when, near times as what is left: "3 h late", "1 h 18 left".
func (w Words) Due(t time.Time) string {
	w = w.whole()
	left := t.Sub(w.Now)
	switch {
	case left < 0:
		return w.Text("due.late", w.Span(left))
	case left < 24*time.Hour:
		return w.Text("due.left", w.Span(left))
	}
	return w.Time(t)
}

// dot joins what is there of several texts.
func dot(parts ...string) string {
	var all []string
	for _, p := range parts {
		if p != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, " · ")
}

// functions are what templates call. They read the words as they are when a page
// is written.
func (w *Words) functions() template.FuncMap {
	return template.FuncMap{
		"say":      func(id string, args ...any) string { return w.Text(id, args...) },
		"sentence": func(s kam.Sentence) string { return w.Sentence(s) },
		"word":     func(english string) string { return w.Word(english) },
		"note":     func(english string) string { return w.Note(english) },
		"asset":    func(name string) (string, error) { return assets.path(name) },
		"when":     func(t time.Time) template.HTML { return w.timeTag(t, w.Time(t)) },
		"due":      func(t time.Time) template.HTML { return w.timeTag(t, w.Due(t)) },
		"time":     func(t time.Time) string { return w.Time(t) },
		"state":    func(s onboarding.State) string { return w.State(s) },
		"step":     func(c kam.StepCode) string { return w.Step(c) },
		"field":    func(name string) string { return w.Field(name) },
		"person":   func(id kam.UserID) string { return w.Person(id) },
		"value":    func(field, value string) string { return w.Value(field, value) },
		"measured": func(m *kam.Measure) string { return w.Measured(m) },
		"hours":    func(h *kam.Dec) string { return w.Hours(h) },
		"code":     func(code any) string { return w.Code(fmt.Sprint(code)) },
		"number":   func(n any) string { return w.Number(n) },
		"dot":      dot,
	}
}

// timeTag is an instant with what a program reads.
func (w *Words) timeTag(t time.Time, said string) template.HTML {
	if t.IsZero() {
		return ""
	}
	//nolint:gosec // numbers, and texts of ours
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, t.UTC().Format(time.RFC3339),
		template.HTMLEscapeString(t.In(w.Zone).Format("Mon 2006-01-02 15:04 MST")), template.HTMLEscapeString(said)))
}

// Number is a whole number or decimal with its groups of digits.
func (w Words) Number(n any) string {
	if d, ok := n.(kam.Dec); ok {
		return d.Fixed()
	}
	return fmt.Sprint(n)
}
