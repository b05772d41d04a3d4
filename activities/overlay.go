package activities

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/kamflow/kamflow/kam"
)

// overlay is base with every field that given carries set over it: absent is
// "as it was", because a form sends only what its reader filled in.
func overlay(base, given kam.RequestData) (kam.RequestData, error) {
	fresh, err := fieldsOf(given)
	if err != nil {
		return kam.RequestData{}, err
	}
	return overlayFields(base, given, slices.Collect(maps.Keys(fresh)))
}

// overlayFields is base with the named fields as given has them, also where it
// has none.
func overlayFields(base, given kam.RequestData, names []string) (kam.RequestData, error) {
	var out kam.RequestData
	fields, err := fieldsOf(base)
	if err != nil {
		return out, err
	}
	fresh, err := fieldsOf(given)
	if err != nil {
		return out, err
	}
	for _, n := range names {
		if v, ok := fresh[n]; ok {
			fields[n] = v
		} else {
			delete(fields, n)
		}
	}
	b, err := json.Marshal(fields)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return out, fmt.Errorf("lay fields over the data: %w", err)
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
