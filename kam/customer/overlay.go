package customer

import (
	"encoding/json"
	"fmt"
)

// Overlay is base with every field that given carries set over it: absent is
// "as it was", because a form sends only what its reader filled in.
func Overlay(base, given RequestData) (RequestData, error) {
	fresh, err := fieldsOf(given)
	if err != nil {
		return RequestData{}, err
	}
	names := make([]string, 0, len(fresh))
	for n := range fresh {
		names = append(names, n)
	}
	return OverlayFields(base, given, names)
}

// OverlayFields is base with the named fields as given has them, also where it
// has none.
func OverlayFields(base, given RequestData, names []string) (RequestData, error) {
	var out RequestData
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

func fieldsOf(d RequestData) (map[string]json.RawMessage, error) {
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
