package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/internal/strictjson"
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
		return nil, usagef("give the data with -f FILE, or -f - for standard input")
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
		return nil, usageError{fmt.Errorf("read %s: %w", path, err)}
	}
	if len(b) > maxFile {
		return nil, usagef("%s is larger than %d MiB", path, maxFile>>20)
	}
	if b, err = importer.PlainText(b); err != nil {
		return nil, usageError{fmt.Errorf("%s\n%w", path, err)}
	}
	return b, checkFile(path, b)
}

// decode reads one JSON object into a struct: what is wrong is told by its path,
// and of an unknown key the nearest known one.
func decode(name string, b []byte, into any) error {
	err := strictjson.Unmarshal(b, into)
	if e := kam.AsError(err); e != nil {
		return faults(name, e)
	}
	return err
}

func lineOf(b []byte, offset int64) int {
	return 1 + bytes.Count(b[:min(int(offset), len(b))], []byte("\n"))
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
		return r, kam.Errorf(kam.Invalid, "%q is no type of case", string(r.Type)).On("case_type").Try("one of %s", kam.ListOf(kam.CaseTypes))
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
