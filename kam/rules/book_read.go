package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/kamflow/kamflow/kam"
)

// ReadBook reads a book from JSON, customer by customer. Unknown keys, wrong
// types and trailing data are refused; the error names the JSON path, as in
// customers[17].growth_outlook_pct.
func ReadBook(r io.Reader) (Book, error) {
	tape := &tape{r: r}
	br := &bookReader{tape: tape, dec: json.NewDecoder(tape)}
	br.dec.DisallowUnknownFields()
	var b Book
	if err := br.object(&b); err != nil {
		return Book{}, err
	}
	if _, err := br.dec.Token(); !errors.Is(err, io.EOF) {
		return Book{}, badInput("", "there is more than one JSON document")
	}
	return b, nil
}

// badInput is a refusal on a JSON path.
func badInput(path, format string, args ...any) *kam.Error {
	if path == "" {
		path = "$"
	}
	return kam.Errorf(kam.Invalid, format, args...).On(path)
}

// A bookReader walks the top level of a book.
type bookReader struct {
	tape *tape
	dec  *json.Decoder
}

func (b *bookReader) object(into *Book) error {
	if err := b.delim('{', ""); err != nil {
		return err
	}
	seen := map[string]bool{}
	for b.dec.More() {
		tok, err := b.dec.Token()
		if err != nil {
			return syntax("", err)
		}
		key, ok := tok.(string)
		if !ok || seen[key] {
			return badInput(kam.Clip(fmt.Sprint(tok), 60), "the key stands there twice")
		}
		seen[key] = true
		switch key {
		case "as_of":
			err = b.value(&into.AsOf, key)
		case "rates":
			err = b.value(&into.Rates, key)
		case "nodes":
			err = b.value(&into.Nodes, key)
		case "customers":
			err = b.customers(into)
		default:
			err = badInput(kam.Clip(key, 60), "unknown key")
		}
		if err != nil {
			return err
		}
	}
	if _, err := b.dec.Token(); err != nil {
		return syntax("", err)
	}
	return nil
}

func (b *bookReader) customers(into *Book) error {
	if err := b.delim('[', "customers"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := 0; b.dec.More(); i++ {
		into.Customers = append(into.Customers, Customer{})
		given := &into.Customers[i]
		if err := b.value(&given, "customers", i); err != nil {
			return err
		}
		path := fmt.Sprintf("customers[%d]", i)
		switch {
		case given == nil:
			return badInput(path, "null is no customer")
		case given.CustomerNo == "":
		case seen[given.CustomerNo]:
			return badInput(path+".customer_no", "%q stands there twice", kam.Clip(given.CustomerNo, 60))
		default:
			seen[given.CustomerNo] = true
		}
	}
	return b.delim(']', "customers")
}

func (b *bookReader) delim(want json.Delim, path string) error {
	tok, err := b.dec.Token()
	if err != nil {
		return syntax(path, err)
	}
	if tok != want {
		return badInput(path, "expected %q", want.String())
	}
	return nil
}

// value decodes the next value; on failure it reads it again, slowly, to find
// the path.
func (b *bookReader) value(into any, name string, index ...int) error {
	start := b.dec.InputOffset()
	b.tape.drop(start)
	err := b.dec.Decode(into)
	path := name
	for _, i := range index {
		path += fmt.Sprintf("[%d]", i)
	}
	if err == nil {
		if key := kam.DoubleKey(bytes.TrimLeft(b.tape.kept[:b.dec.InputOffset()-b.tape.from], ":, \t\r\n")); key != "" {
			return badInput(below(path, kam.Clip(key, 60)), "the key stands there twice")
		}
		return nil
	}
	if e := kam.AsError(err); e != nil && e.Field != "" {
		return e // of the input itself
	}
	rest := bytes.TrimLeft(b.tape.kept, ":, \t\r\n")
	var raw json.RawMessage
	if again := json.NewDecoder(bytes.NewReader(rest)).Decode(&raw); again != nil {
		return syntax(path, again)
	}
	if found := locate(raw, reflect.TypeOf(into).Elem(), path); found != nil {
		return found
	}
	return syntax(path, err)
}

func syntax(path string, err error) error {
	if e := kam.AsError(err); e != nil && e.Field != "" {
		return e // of the input itself
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return badInput(path, "the JSON ends too early")
	}
	return badInput(path, "%s", kam.Clip(strings.TrimPrefix(err.Error(), "json: "), 60))
}

// FaultIn finds the first value of a JSON document that does not fit the value
// that it is read into; the error names its path.
func FaultIn(raw []byte, into any) error { return locate(raw, reflect.TypeOf(into).Elem(), "") }

// below is the path of a member.
func below(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

// locate finds the first value within raw that does not fit its type, and
// says where it is.
func locate(raw json.RawMessage, t reflect.Type, path string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if string(bytes.TrimSpace(raw)) == "null" {
		return nil
	}
	_, own := reflect.New(t).Interface().(json.Unmarshaler)
	switch {
	case !own && t.Kind() == reflect.Struct:
		return eachMember(raw, path, func(key string, v json.RawMessage) error {
			f, ok := memberField(t, key)
			if !ok {
				return badInput(below(path, kam.Clip(key, 60)), "unknown key; %s", kam.Nearest(key, memberNames(t)))
			}
			return locate(v, f, below(path, key))
		})
	case !own && t.Kind() == reflect.Map:
		return eachMember(raw, path, func(key string, v json.RawMessage) error { return locate(v, t.Elem(), below(path, kam.Clip(key, 60))) })
	case !own && t.Kind() == reflect.Slice:
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return badInput(path, "expected a list")
		}
		for i, v := range list {
			if err := locate(v, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := json.Unmarshal(raw, reflect.New(t).Interface()); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return misfit(path, t, wrong)
		}
		return unreadable(path, t, err)
	}
	return nil
}

// misfit is a value of the wrong kind.
func misfit(path string, t reflect.Type, wrong *json.UnmarshalTypeError) error {
	found := kam.Clip(wrong.Value, 60)
	switch {
	case t.Kind() != reflect.String:
		return badInput(path, "expected %s, found %s", jsonNames[t.Kind()], found)
	case strings.HasPrefix(found, "number"):
		return badInput(path, "a number does not fit here").Try("write it in quotes")
	}
	return badInput(path, "expected a text, found %s", found)
}

// unreadable is a value that its own type refuses.
func unreadable(path string, t reflect.Type, err error) error {
	if e := kam.AsError(err); e != nil && e.Remedy != "" {
		return kam.About(path, e)
	}
	bad := badInput(path, "%s", kam.Clip(strings.TrimPrefix(err.Error(), "json: "), 60))
	switch t {
	case reflect.TypeFor[kam.Money](): // not even an object of the form
		return bad.Try(`write {"amount": "140000.00", "currency": "EUR"}`)
	case reflect.TypeFor[kam.Dec]():
		return bad.Try("write a number such as 12.5")
	}
	return bad
}

var jsonNames = map[reflect.Kind]string{
	reflect.String: "a text", reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Int64: "a whole number", reflect.Float64: "a number",
}

// eachMember visits the members of an object in their order.
func eachMember(raw json.RawMessage, path string, visit func(string, json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return badInput(path, "expected an object")
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return syntax(path, err)
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return syntax(path, err)
		}
		if err := visit(fmt.Sprint(tok), v); err != nil {
			return err
		}
	}
	return nil
}

// memberField is the type of the field with a JSON name, embedded structs
// included.
func memberField(t reflect.Type, key string) (reflect.Type, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == key && !f.Anonymous {
			return f.Type, true
		}
	}
	return nil, false
}

func memberNames(t reflect.Type) (names []string) {
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// A tape remembers what the decoder has read of the value at hand, so that a
// fault can be found in it without keeping the whole input.
type tape struct {
	r    io.Reader
	kept []byte
	from int64 // offset of kept[0] in the input

	rest  []byte // start of a character that the next piece ends
	lines int
}

func (t *tape) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.kept = append(t.kept, p[:n]...)
	if bad := t.check(p[:n], err != nil); bad != nil {
		return 0, bad
	}
	return n, err
}

// check refuses bytes that are no UTF-8, for which the decoder would put other
// characters. A character may go on in the next piece.
func (t *tape) check(piece []byte, last bool) error {
	t.lines += bytes.Count(piece, []byte("\n"))
	piece = append(t.rest, piece...)
	at := kam.NotUTF8(piece)
	if at >= 0 && !last && !utf8.FullRune(piece[at:]) {
		t.rest = bytes.Clone(piece[at:])
		return nil
	}
	t.rest = nil
	if at < 0 {
		return nil
	}
	line := 1 + t.lines - bytes.Count(piece[at:], []byte("\n"))
	return kam.Errorf(kam.Invalid, "line %d is not UTF-8", line).On("$").Try("save the file as UTF-8")
}

// drop forgets what lies before an offset.
func (t *tape) drop(offset int64) {
	if n := offset - t.from; n > 0 && n <= int64(len(t.kept)) {
		t.kept, t.from = t.kept[n:], offset
	}
}
