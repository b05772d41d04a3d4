package policy

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/kam"
)

// maxPolicyBytes bounds a policy file; the shipped one has 9 kB.
const maxPolicyBytes = 1 << 20

// A Problem is one fault of a policy file, with the place and the remedy.
type Problem struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
	// Said and Advice say both in other languages.
	Said   *kam.Text `json:"message_text,omitempty"`
	Advice *kam.Text `json:"remedy_text,omitempty"`
}

// Sentence is what is wrong and what would be right.
func (p Problem) Sentence() kam.Sentence {
	return kam.Say("%s; %s", kam.Sentence{English: p.Message, Text: p.Said}, kam.Sentence{English: p.Remedy, Text: p.Advice})
}

func problem(line, column int, path string, message, remedy kam.Sentence) Problem {
	return Problem{Line: line, Column: column, Path: path, Message: message.English, Remedy: remedy.English, Said: message.Text, Advice: remedy.Text}
}

func (p Problem) String() string {
	return fmt.Sprintf("line %d, column %d: %s: %s; %s", p.Line, p.Column, p.Path, p.Message, p.Remedy)
}

// An Error lists every problem of a policy file, in the order of the file.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes a refused policy invalid input.
func (e *Error) Unwrap() error { return kam.Invalid }

// Parse reads a policy file (YAML, P3.9). It is strict: unknown, double
// and missing keys, wrong types, values out of range, weights that do not sum
// to 100, tables with gaps or overlaps. The error is a [*Error] that
// lists all problems.
//
// What was stored is read with it. Whether the engine carries out what a policy
// sets is asked once, when it is loaded: see [Load].
func Parse(text []byte) (*Policy, error) { return parse(text, nil) }

// parse reads a policy; more looks at one that is sound by itself.
func parse(text []byte, more func(*reader, *Policy)) (*Policy, error) {
	if len(text) > maxPolicyBytes {
		return nil, &Error{[]Problem{problem(1, 1, "policy", kam.Say("the file is larger than 1 MB"), kam.Say("give a policy file"))}}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, &Error{[]Problem{syntaxProblem(err)}}
	}
	if len(doc.Content) == 0 {
		return nil, &Error{[]Problem{problem(1, 1, "policy", kam.Say("the file is empty"), kam.Say("start from the default policy"))}}
	}
	r := &reader{at: map[string]*yaml.Node{}}
	p := &Policy{}
	r.read(doc.Content[0], reflect.ValueOf(p).Elem(), "", "")
	if len(r.problems) == 0 {
		p.fillDefaults()
		r.check(p)
	}
	if len(r.problems) == 0 && more != nil {
		more(r, p)
	}
	if len(r.problems) > 0 {
		sort.SliceStable(r.problems, func(i, j int) bool {
			a, b := r.problems[i], r.problems[j]
			return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
		})
		return nil, &Error{r.problems}
	}
	return p, nil
}

// syntaxProblem takes the line out of the YAML library's message.
func syntaxProblem(err error) Problem {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if n, text, found := strings.Cut(rest, ": "); found {
			if v, convErr := strconv.Atoi(n); convErr == nil {
				line, msg = v, text
			}
		}
	}
	return problem(line, 1, "policy", kam.Word(msg), kam.Say("correct the YAML"))
}

// A reader walks the YAML tree and the struct together.
type reader struct {
	at       map[string]*yaml.Node
	problems []Problem
}

func (r *reader) fail(n *yaml.Node, path string, remedy kam.Sentence, format string, args ...any) {
	if path == "" {
		path = "policy"
	}
	line, col := 1, 1
	if n != nil {
		line, col = n.Line, n.Column
	}
	r.problems = append(r.problems, problem(line, col, path, kam.Say(format, args...), remedy))
}

// failAt reports a problem of a value that was read before.
func (r *reader) failAt(path string, remedy kam.Sentence, format string, args ...any) {
	r.fail(r.at[path], path, remedy, format, args...)
}

var (
	decType   = reflect.TypeFor[kam.Dec]()
	bandsType = reflect.TypeFor[Bands]()
)

// read stores node n in v. The tag holds the limits of the value.
func (r *reader) read(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	r.at[path] = n
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.fail(n, path, kam.Say("write the value out"), "anchors and aliases are not used in a policy")
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		if n.Tag == "!!null" {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		r.read(n, v.Elem(), path, tag)
	case v.Type() == bandsType:
		v.Set(reflect.ValueOf(r.readBands(n, path, tag)))
	case v.Type() == decType:
		r.readDec(n, v, path, tag)
	case v.Kind() == reflect.Struct:
		r.readStruct(n, v, path, tag)
	case v.Kind() == reflect.Map:
		r.readMap(n, v, path, tag)
	case v.Kind() == reflect.Slice:
		r.readList(n, v, path, tag)
	default:
		r.readScalar(n, v, path, tag)
	}
}

func (r *reader) readStruct(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, path, kam.Say("write key: value pairs"), "expected a mapping, found %s", kindName(n))
		return
	}
	known := []string{}
	seen := map[string]bool{}
	keys, values := r.pairs(n, path)
	total, complete := kam.Dec(0), true
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := f.Tag.Get("yaml")
		if key == "" {
			continue
		}
		known = append(known, key)
		seen[key] = true
		before := len(r.problems)
		if at := slices.IndexFunc(keys, func(k *yaml.Node) bool { return k.Value == key }); at >= 0 {
			r.read(values[at], v.Field(i), join(path, key), f.Tag)
		} else if d := f.Tag.Get("default"); d != "" {
			v.Field(i).SetBool(d == "true")
		} else if f.Tag.Get("opt") == "" {
			r.fail(n, join(path, key), kam.Say("add the key; the default policy shows it"), "the key is missing")
		}
		if d, ok := v.Field(i).Interface().(kam.Dec); ok {
			total += d
		}
		complete = complete && len(r.problems) == before
	}
	for _, k := range keys {
		if !seen[k.Value] {
			r.fail(k, join(path, k.Value), kam.Nearest(k.Value, known), "unknown key")
		}
	}
	if want, ok := limit(tag, "sum"); ok && complete && total != want {
		r.fail(n, path, kam.Say("change the weights"), "the weights sum to %s, not to %s", total, want)
	}
}

// pairs lists keys and values of a mapping, each key once.
func (r *reader) pairs(n *yaml.Node, path string) (keys, values []*yaml.Node) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch line, double := first[k.Value]; {
		case k.Kind != yaml.ScalarNode || k.Tag == "!!merge":
			r.fail(k, path, kam.Say("write a plain key"), "the key is not a plain text")
		case double:
			r.fail(k, join(path, k.Value), kam.Say("keep one of them"), "the key stands here and in line %d", line)
		default:
			first[k.Value] = k.Line
			keys, values = append(keys, k), append(values, n.Content[i+1])
		}
	}
	return keys, values
}

func (r *reader) readMap(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, path, kam.Say("write key: value pairs"), "expected a mapping, found %s", kindName(n))
		return
	}
	want := closedSet(tag.Get("keys"))
	keys, values := r.pairs(n, path)
	m := reflect.MakeMap(v.Type())
	for i, k := range keys {
		if want != nil && !slices.Contains(want, k.Value) {
			r.fail(k, join(path, k.Value), kam.Nearest(k.Value, want), "unknown value of the set")
			continue
		}
		e := reflect.New(v.Type().Elem()).Elem()
		r.read(values[i], e, join(path, k.Value), tag)
		m.SetMapIndex(reflect.ValueOf(k.Value), e)
	}
	for _, w := range want {
		if !slices.ContainsFunc(keys, func(k *yaml.Node) bool { return k.Value == w }) {
			r.fail(n, join(path, w), kam.Say("add the value"), "the value is missing from the table")
		}
	}
	v.Set(m)
}

func (r *reader) readList(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, path, kam.Say("write a list [..]"), "expected a list, found %s", kindName(n))
		return
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		r.read(c, s.Index(i), fmt.Sprintf("%s[%d]", path, i), tag)
	}
	v.Set(s)
}

func (r *reader) readDec(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	d, ok := r.number(n, path)
	if !ok {
		return
	}
	if low, has := limit(tag, "min"); has && d < low {
		r.fail(n, path, kam.Say("give at least %s", low), "%s is too small", d)
	}
	if high, has := limit(tag, "max"); has && d > high {
		r.fail(n, path, kam.Say("give at most %s", high), "%s is too large", d)
	}
	v.SetInt(int64(d))
}

// number reads a plain decimal with at most two places.
func (r *reader) number(n *yaml.Node, path string) (kam.Dec, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" && n.Tag != "!!float" {
		r.fail(n, path, kam.Say("write a number"), "expected a number, found %s", kindName(n))
		return 0, false
	}
	d, err := kam.ParseDec(n.Value)
	if err != nil {
		r.fail(n, path, kam.Say("write a plain number with at most two decimals"), "%v", err)
		return 0, false
	}
	return d, true
}

func (r *reader) readScalar(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	want := map[reflect.Kind]string{reflect.Bool: "!!bool", reflect.Int: "!!int", reflect.String: "!!str"}[v.Kind()]
	if n.Kind != yaml.ScalarNode || n.Tag != want && !(tag.Get("date") != "" && n.Tag == "!!timestamp") {
		r.fail(n, path, kam.Say("write %s", kam.Word(yamlNames[want])), "expected %s, found %s", kam.Word(yamlNames[want]), kindName(n))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.Int:
		d, ok := r.number(n, path)
		if !ok {
			return
		}
		r.readDec(n, reflect.New(decType).Elem(), path, tag)
		v.SetInt(int64(d) / 100)
	default:
		one := choices(tag)
		if len(one) > 0 && !slices.Contains(one, n.Value) {
			r.fail(n, path, kam.Nearest(n.Value, one), "%q is not a value of the set", kam.Clip(n.Value, 60))
		}
		if tag.Get("date") != "" {
			if _, err := time.Parse(time.DateOnly, n.Value); err != nil {
				r.fail(n, path, kam.Say("write it as 2026-01-31"), "%q is not a date", kam.Clip(n.Value, 60))
			}
		}
		v.SetString(n.Value)
	}
}

//text:keys
var yamlNames = map[string]string{
	"!!bool": "true or false", "!!int": "a whole number", "!!float": "a number with decimals", "!!str": "a text",
	"!!null": "nothing", "!!map": "a mapping", "!!seq": "a list", "!!timestamp": "a date",
}

func kindName(n *yaml.Node) kam.Sentence {
	if s, ok := yamlNames[n.ShortTag()]; ok {
		return kam.Word(s)
	}
	return kam.Say("another thing")
}

// choices are the values that a tag allows, nil for any.
func choices(tag reflect.StructTag) []string {
	if tag.Get("oneOf") == "hard_stop" {
		return HardStops
	}
	return strings.Fields(tag.Get("one"))
}

// closedSet lists the values that a table of the policy must cover.
func closedSet(name string) []string {
	switch name {
	case "":
		return nil
	case "quadrant":
		return []string{string(kam.Strategic), string(kam.Star), string(kam.Status), string(kam.Streamline)}
	case "coverage":
		return []string{"A", "B", "C", "NEW", "KA_TERRITORY", "KA_REGIONAL", "KA_NATIONAL", "KA_GLOBAL"}
	}
	return kam.Choices(name)
}

// limit reads a number from a tag.
func limit(tag reflect.StructTag, name string) (kam.Dec, bool) {
	d, err := kam.ParseDec(tag.Get(name))
	return d, err == nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + kam.Clip(key, 60)
}
