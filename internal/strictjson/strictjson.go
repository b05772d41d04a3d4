// Package strictjson reads JSON as the library go-json-experiment does: unknown
// and double keys, keys in other case, text that is not UTF-8 and anything
// behind the value are refused. What it adds is how people are told: a
// *kam.Error on the path of the value, as in customers[17].growth_outlook_pct,
// with what would be right.
package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/kamflow/kamflow/kam"
)

// Read reads one JSON document. Options go to the library.
func Read(r io.Reader, into any, options ...json.Options) error {
	return told(nil, json.UnmarshalRead(r, into, append(options, json.RejectUnknownMembers(true))...))
}

// Unmarshal is [Read] for a document in memory.
func Unmarshal(text []byte, into any) error {
	return told(text, json.Unmarshal(text, into, json.RejectUnknownMembers(true)))
}

// Values are the members of a JSON list, or the values of a text that has one
// after the other. A key that one of them has twice is left to whoever reads it.
func Values(text []byte) (all []jsontext.Value, err error) {
	if first := bytes.TrimSpace(text); len(first) > 0 && first[0] == '[' {
		err = json.Unmarshal(text, &all, jsontext.AllowDuplicateNames(true))
		return all, told(text, err)
	}
	dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	for {
		v, err := dec.ReadValue()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return all, nil
		}
		if err != nil {
			return nil, told(text, err)
		}
		all = append(all, bytes.Clone(v))
	}
}

// told is an error of the library as people read it, with the line where the
// text is there to count in.
func told(text []byte, err error) error {
	var meaning *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		at := ""
		if errors.As(err, &syntax) {
			at = path(syntax.JSONPointer)
		}
		return bad(at, "the JSON ends too early")
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return bad(path(syntax.JSONPointer), "the key stands there twice").Try("keep one of them")
	case errors.As(err, &meaning):
		return misfit(meaning)
	case errors.As(err, &syntax):
		return malformed(text, syntax)
	}
	return err // of the input itself
}

// malformed is what is no JSON. The library has no value for these two of its
// errors, only their text.
func malformed(text []byte, e *jsontext.SyntacticError) error {
	at, what := path(e.JSONPointer), e.Err.Error()
	switch {
	case strings.Contains(what, "invalid UTF-8"):
		return bad(at, "is not UTF-8").Try("save the file as UTF-8")
	case strings.Contains(what, "after top-level value"):
		return bad("", "there is more than one JSON document").Try("give one")
	}
	if text != nil {
		return bad(at, "line %d: %s", 1+bytes.Count(text[:min(int(e.ByteOffset), len(text))], []byte("\n")), what)
	}
	return bad(at, "%s", what)
}

// misfit is a value that does not fit where it stands.
func misfit(e *json.SemanticError) error {
	at := path(e.JSONPointer)
	if errors.Is(e.Err, json.ErrUnknownName) {
		return bad(at, "unknown key").Advise(kam.Nearest(e.JSONPointer.LastToken(), names(e.GoType)))
	}
	if own := kam.AsError(e.Err); own != nil && own.Remedy != "" {
		return kam.About(at, own)
	}
	found := string(e.JSONValue)
	if found == "" {
		found = kinds[e.JSONKind]
	}
	switch e.GoType {
	case reflect.TypeFor[kam.Money]():
		return bad(at, "%s", e.Err).Try(`write {"amount": "140000.00", "currency": "EUR"}`)
	case reflect.TypeFor[kam.Dec]():
		return bad(at, "%s", e.Err).Try("write a number such as 12.5")
	}
	want, ok := wanted[e.GoType.Kind()]
	switch {
	case e.GoType.Kind() == reflect.String && e.JSONKind == '0':
		return bad(at, "a number does not fit here").Try("write it in quotes")
	case ok:
		return bad(at, "expected %s, found %s", kam.Word(want), kam.Word(kam.Clip(found, 60)))
	case e.Err != nil:
		return bad(at, "%s", kam.Clip(e.Err.Error(), 200))
	}
	return bad(at, "does not fit here")
}

//text:keys
var wanted = map[reflect.Kind]string{
	reflect.String: "a text", reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Int64: "a whole number", reflect.Float64: "a number",
	reflect.Slice: "a list", reflect.Struct: "an object", reflect.Map: "an object",
}

//text:keys
var kinds = map[jsontext.Kind]string{'n': "null", 't': "true", 'f': "false", '"': "a text", '0': "a number", '{': "an object", '[': "a list"}

// bad is a refusal on a path.
func bad(at, format string, args ...any) *kam.Error {
	if at == "" {
		at = "$"
	}
	return kam.Errorf(kam.Invalid, format, args...).On(at)
}

// path writes a JSON pointer as people read it: customers[17].legal_name.
func path(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		switch {
		case token != "" && strings.Trim(token, "0123456789") == "":
			fmt.Fprintf(&b, "[%s]", token)
		case b.Len() > 0:
			b.WriteString("." + kam.Clip(token, 60))
		default:
			b.WriteString(kam.Clip(token, 60))
		}
	}
	return b.String()
}

// names are the keys of an object that is read into a struct.
func names(t reflect.Type) (all []string) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			all = append(all, name)
		}
	}
	return all
}
