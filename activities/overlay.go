package activities

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/kamflow/kamflow/kam"
)

// overlay is base with every field that given carries set over it: absent is
// "as it was", because a form sends only what its reader filled in.
func overlay(base, given kam.RequestData) (kam.RequestData, error) {
	var out kam.RequestData
	fields, err := fieldsOf(base)
	if err != nil {
		return out, err
	}
	fresh, err := fieldsOf(given)
	if err != nil {
		return out, err
	}
	maps.Copy(fields, fresh)
	b, err := json.Marshal(fields)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return out, fmt.Errorf("lay the submitted data over the request: %w", err)
	}
	return out, nil
}

func fieldsOf(d kam.RequestData) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	b, err := json.Marshal(d)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return nil, fmt.Errorf("print request data: %w", err)
	}
	return m, nil
}
