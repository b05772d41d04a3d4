// Package dataform is the form of the data of a request: one component for who
// starts a case and who changes the data of one, made from customer.Fields. What
// stands in it is kept as the browser sends it, path by path
// ("identifiers[0].scheme"), so that nothing typed is lost when it is refused.
package dataform

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

//go:embed dataform.html dataform.css
var files embed.FS

// Part are the templates of the form: "dataform" shows a Form.
var Part = page.Part{Dir: files, Name: "dataform.html"}

func init() { page.Asset(files, "dataform.css") } //nolint:gochecknoinits // assets are part of the program

// A Form is what is shown.
type Form struct {
	Sets []Set
}

// A Set is the screening set or the detail set.
type Set struct {
	Text   string // id of its name
	Fields []Field
	Folded bool // optional now: behind its heading
	Open   bool // but something of it is filled or wrong
}

// A Field is one input, or a list of rows of them.
type Field struct {
	Path, Name, Label, Value, Currency, Check string
	Kind                                      customer.FieldKind
	Required, Asked                           bool
	Max                                       int64
	Options                                   []Option
	Wrong                                     []*page.Wrong
	Rows                                      [][]Field
}

// An Option is a value of a closed field.
type Option struct {
	Value, Text string
	Picked      bool
}

// ID is the id of the input, which refusals lead to.
func (f Field) ID() string { return f.Path }

// New is the form of what was typed, with what is wrong with it. Asked are the
// fields that somebody sent the request back for; check is where the form is sent
// to show it again with another row.
func New(w page.Words, typed url.Values, errs []*kam.Error, asked []string, check string, detail bool) Form {
	wrong := map[string][]*page.Wrong{}
	for _, e := range errs {
		wrong[e.Field] = append(wrong[e.Field], page.WrongOf(e))
	}
	var all Form
	for _, set := range []customer.FieldSet{customer.Screening, customer.Detail} {
		s := Set{Text: "case." + strings.ToLower(string(set)), Folded: set == customer.Detail && !detail}
		for _, spec := range customer.Fields {
			if spec.Set != set || strings.Contains(spec.Name, "[]") {
				continue
			}
			f := field(w, spec, spec.Name, typed, wrong)
			f.Asked, f.Check = slices.Contains(asked, spec.Name), check
			if s.Folded {
				f.Required = false // by now
				s.Open = s.Open || len(f.Wrong) > 0 || f.Asked || filled(typed, spec.Name)
			}
			s.Fields = append(s.Fields, f)
		}
		all.Sets = append(all.Sets, s)
	}
	return all
}

func filled(typed url.Values, name string) bool {
	for path, v := range typed {
		if v[0] != "" && !strings.HasSuffix(path, ".currency") && (path == name || strings.HasPrefix(path, name+".") || strings.HasPrefix(path, name+"[")) {
			return true
		}
	}
	return typed.Get("more") == name
}

func field(w page.Words, spec customer.FieldSpec, path string, typed url.Values, wrong map[string][]*page.Wrong) Field {
	f := Field{
		Path: path, Name: spec.Name, Label: w.Field(spec.Name), Value: typed.Get(path), Kind: spec.Kind, Required: spec.Required, Wrong: wrong[path], Max: spec.Max,
	}
	if _, last, ok := strings.Cut(spec.Name, "[]."); ok {
		f.Label = w.Field(last)
	}
	switch spec.Kind {
	case customer.KindChoice:
		for _, c := range spec.Choices() {
			f.Options = append(f.Options, Option{c, w.Code(c), c == f.Value})
		}
	case customer.KindMoney:
		f.Value, f.Currency = typed.Get(path+".amount"), typed.Get(path+".currency")
		if f.Currency == "" {
			f.Currency = "EUR"
		}
	case customer.KindMap:
		var row []Field
		for _, item := range kam.CapabilityItems {
			at := path + "." + item
			row = append(row, Field{Path: at, Label: w.Field(item), Value: typed.Get(at), Kind: customer.KindInt, Wrong: wrong[at], Max: spec.Max})
		}
		f.Rows = [][]Field{row}
	case customer.KindList:
		n := rows(typed, path)
		if n == 0 || typed.Get("more") == path {
			n++
		}
		for i := range min(n, spec.MaxItems) {
			f.Rows = append(f.Rows, f.row(w, i, typed, wrong))
		}
	}
	return f
}

// row is one entry of a list. What an entry must have is asked for where there is
// one.
func (f Field) row(w page.Words, i int, typed url.Values, wrong map[string][]*page.Wrong) []Field {
	var row []Field
	for _, spec := range customer.Fields {
		if rest, ok := strings.CutPrefix(spec.Name, f.Name+"[]"); ok {
			x := field(w, spec, f.Path+"["+strconv.Itoa(i)+"]"+rest, typed, wrong)
			x.Required = false
			row = append(row, x)
		}
	}
	return row
}

var index = regexp.MustCompile(`^([a-z_0-9]+)\[(\d{1,3})\](?:\.([a-z_0-9]+))?$`)

// rows is how many rows of a list somebody filled.
func rows(typed url.Values, path string) int {
	n := 0
	for p, v := range typed {
		if m := index.FindStringSubmatch(p); m != nil && m[1] == path && strings.TrimSpace(v[0]) != "" {
			i, _ := strconv.Atoi(m[2]) // digits
			n = max(n, i+1)
		}
	}
	return n
}

// Read is the data of a form, with what of it cannot be read.
func Read(typed url.Values) (customer.RequestData, []*kam.Error) {
	tree := map[string]any{}
	var errs []*kam.Error
	for _, spec := range customer.Fields {
		if strings.Contains(spec.Name, "[]") {
			continue
		}
		switch spec.Kind {
		case customer.KindList:
			var items []any
			for i := range min(rows(typed, spec.Name), spec.MaxItems) {
				if item := readRow(spec.Name, i, typed, &errs); item != nil {
					items = append(items, item)
				}
			}
			if items != nil {
				tree[spec.Name] = items
			}
		case customer.KindMap:
			items := map[string]any{}
			for _, item := range kam.CapabilityItems {
				if v := read(customer.KindInt, spec.Name+"."+item, typed, &errs); v != nil {
					items[item] = v
				}
			}
			tree[spec.Name] = items
		default:
			if v := read(spec.Kind, spec.Name, typed, &errs); v != nil {
				tree[spec.Name] = v
			}
		}
	}
	var d customer.RequestData
	b, err := json.Marshal(tree)
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		errs = append(errs, kam.Errorf(kam.Invalid, "the form cannot be read").Try("go back and send it again"))
	}
	return d, errs
}

func readRow(list string, i int, typed url.Values, errs *[]*kam.Error) any {
	item := map[string]any{}
	for _, spec := range customer.Fields {
		rest, ok := strings.CutPrefix(spec.Name, list+"[]")
		if !ok {
			continue
		}
		v := read(spec.Kind, list+"["+strconv.Itoa(i)+"]"+rest, typed, errs)
		if rest == "" {
			return v
		}
		if v != nil {
			item[rest[1:]] = v
		}
	}
	if len(item) == 0 {
		return nil
	}
	return item
}

var (
	degrees = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,9})?$`)
	whole   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})$`)
)

// read is one value as JSON has it, nil for none or for one that is none.
func read(kind customer.FieldKind, path string, typed url.Values, errs *[]*kam.Error) any {
	in := func(path string) string { return strings.TrimSpace(strings.ReplaceAll(typed.Get(path), "\r\n", "\n")) }
	text := in(path)
	if kind == customer.KindMoney {
		text = in(path + ".amount")
	}
	if text == "" {
		return nil
	}
	var v any = text
	var err error
	switch kind {
	case customer.KindMoney:
		v, err = kam.ParseMoney(text, strings.ToUpper(in(path+".currency")))
	case customer.KindDecimal:
		v, err = kam.ParseDec(text)
	case customer.KindInt, customer.KindDegrees:
		form := whole
		if kind == customer.KindDegrees {
			form = degrees
		}
		if v = json.Number(text); !form.MatchString(text) {
			err = kam.Errorf(kam.Invalid, "%q is not a whole number", kam.Clip(text, 40))
		}
	case customer.KindBool:
		v = text == "true"
	}
	if err == nil {
		return v
	}
	e := kam.AsError(err)
	if e == nil {
		e = kam.Errorf(kam.Invalid, "the form cannot be read").Try("go back and send it again")
	}
	*errs = append(*errs, e.On(path).By(kam.RuleRange))
	return nil
}

// Typed is a form in which data stand.
func Typed(d customer.RequestData) (url.Values, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	v := url.Values{}
	flat(v, "", tree)
	return v, nil
}

func flat(v url.Values, path string, x any) {
	switch x := x.(type) {
	case map[string]any:
		for k, y := range x {
			flat(v, strings.TrimPrefix(path+"."+k, "."), y)
		}
	case []any:
		for i, y := range x {
			flat(v, fmt.Sprintf("%s[%d]", path, i), y)
		}
	case nil:
	default:
		v.Set(path, fmt.Sprint(x))
	}
}
