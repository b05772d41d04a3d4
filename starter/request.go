package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/hbollon/go-edlib"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/internal/strictjson"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/service"
)

// maxFile is the size of a request file that is still read.
const maxFile = 4 << 20

// requestFile is a request as it is written: what the case is for, and
// screening set, detail set or both, in one flat object.
type requestFile struct {
	RequestKey string            `json:"request_key,omitempty"`
	CaseType   kam.CaseType      `json:"case_type,omitempty"`
	CustomerNo string            `json:"customer_no,omitempty"`
	AppealOf   kam.CaseNo        `json:"appeal_of,omitempty"`
	Trigger    kam.ReviewTrigger `json:"trigger,omitempty"`
	kam.RequestData
}

// readFile reads a file, or standard input for "-".
func (a *app) readFile(path string) ([]byte, error) {
	if path == "" {
		return nil, usagef("%s", text.Say("file.missing"))
	}
	in := a.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close() //nolint:errcheck // only read from
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, usagef("read %s: %w", path, err)
	}
	if len(b) > maxFile {
		return nil, usagef("%s is larger than %d MiB", path, maxFile>>20)
	}
	if b, err = importer.PlainText(b); err != nil {
		return nil, usagef("%s\n%w", path, err)
	}
	return b, checkFile(path, b)
}

// decode reads one JSON object into a struct and refuses unknown keys, each by
// its path and with the nearest known one.
func decode(name string, b []byte, into any) error {
	var tree any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return fault(name, "%s", jsonTrouble(b, err))
	}
	if _, ok := tree.(map[string]any); !ok {
		return fault(name, "%s", text.Say("file.object"))
	}
	if key := kam.DoubleKey(b); key != "" {
		return faults(name, kam.Errorf(kam.Invalid, "%s", text.Say("file.twice")).On(key).Try(text.Say("file.twice.try")))
	}
	if unknown := unknownKeys(tree, reflect.TypeOf(into).Elem(), ""); len(unknown) > 0 {
		return faults(name, unknown...)
	}
	return misfit(name, b, kam.StrictUnmarshal(b, into), into)
}

// misfit names the field whose value could not be read.
func misfit(name string, b []byte, err error, into any) error {
	if err == nil {
		return nil
	}
	if e := kam.AsError(strictjson.Unmarshal(b, into)); e != nil {
		return faults(name, e)
	}
	return fault(name, "%s", jsonTrouble(b, err))
}

// jsonTrouble names the line of what is no JSON.
func jsonTrouble(b []byte, err error) string {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return text.Say("file.line", lineOf(b, syntax.Offset), syntax)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return text.Say("file.short")
	default:
		return err.Error()
	}
}

func lineOf(b []byte, offset int64) int {
	return 1 + bytes.Count(b[:min(int(offset), len(b))], []byte("\n"))
}

// unknownKeys walks the JSON along the type.
func unknownKeys(v any, t reflect.Type, path string) []*kam.Error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var unknown []*kam.Error
	switch x := v.(type) {
	case map[string]any:
		if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
			return nil // a map, or a type that reads itself
		}
		fields := jsonFields(t)
		for _, key := range sortedKeys(x) {
			at := strings.TrimPrefix(path+"."+key, ".")
			field, ok := fields[key]
			if !ok {
				unknown = append(unknown, kam.Errorf(kam.Invalid, "%s", text.Say("file.unknown")).On(at).Try(suggestion(key, sortedKeys(fields))))
				continue
			}
			unknown = append(unknown, unknownKeys(x[key], field, at)...)
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return nil
		}
		for i, item := range x {
			unknown = append(unknown, unknownKeys(item, t.Elem(), path+"["+strconv.Itoa(i)+"]")...)
		}
	}
	return unknown
}

func suggestion(word string, candidates []string) string {
	best, dist := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if d := edlib.LevenshteinDistance(word, c); d < dist {
			best, dist = c, d
		}
	}
	if best == "" {
		return ""
	}
	return text.Say("file.near", best)
}

func jsonFields(t reflect.Type) map[string]reflect.Type {
	m := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			m[name] = f.Type
		}
	}
	return m
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// keySpace is the name space of keys that are derived from a request.
var keySpace = uuid.MustParse("0b6a4a55-4c6b-5a34-8f0e-0f4d3b8a2c11")

// request makes a request of a file for a person. Without a key the content
// and the person are the key, so the same file sent again is the same case.
func (f requestFile) request(by kam.UserID, key string) (service.Request, error) {
	r := service.Request{
		Key: key, Type: f.CaseType, Requester: by, Data: f.RequestData, CustomerNo: f.CustomerNo, AppealOf: f.AppealOf, Trigger: f.Trigger,
	}
	if r.Type == "" {
		r.Type = kam.NewCase
	}
	if !slices.Contains(kam.CaseTypes, r.Type) {
		return r, kam.Errorf(kam.Invalid, "%s", text.Say("case.type", string(r.Type))).On("case_type").Try(text.Say("one.of", joined(kam.CaseTypes)))
	}
	if r.Key == "" {
		r.Key = f.RequestKey
	}
	if r.Key != "" {
		return r, nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return r, usageError{err}
	}
	r.Key = uuid.NewSHA1(keySpace, b).String()
	return r, nil
}

// checkForm lists everything that is wrong with the form of the data.
func checkForm(name string, d kam.RequestData) error {
	return faults(name, rules.FormErrors(d)...)
}

// joined are the words of a list as people read them.
func joined[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, x := range list {
		words[i] = string(x)
	}
	return strings.Join(words, ", ")
}
