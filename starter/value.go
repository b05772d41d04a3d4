package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// lines are a value of the form as people read it: a list has a line for each
// item, an object the values of its fields. What is not JSON is itself.
func lines(value string) []string {
	if value == "" || value[0] != '[' && value[0] != '{' {
		return []string{value}
	}
	dec := json.NewDecoder(strings.NewReader(value))
	dec.UseNumber()
	tree, err := ordered(dec)
	if err != nil || dec.More() {
		return []string{value}
	}
	list, ok := tree.([]any)
	if !ok {
		return []string{plain(tree)}
	}
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = plain(item)
	}
	return out
}

// oneLine is a value in one cell.
func oneLine(value string) string { return strings.Join(lines(value), "; ") }

// pairOf is one field of an object, in the order of the document.
type pairOf struct {
	key   string
	value any
}

// ordered reads a JSON value and keeps the order of keys.
func ordered(dec *json.Decoder) (any, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			item, err := ordered(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = dec.Token()
		return list, err
	case json.Delim('{'):
		var fields []pairOf
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			value, err := ordered(dec)
			if err != nil {
				return nil, err
			}
			fields = append(fields, pairOf{fmt.Sprint(key), value})
		}
		_, err = dec.Token()
		return fields, err
	}
	return t, nil
}

// plain is a value without its punctuation: words as they are, figures with
// the name of their field.
func plain(v any) string {
	switch x := v.(type) {
	case []any:
		parts := make([]string, len(x))
		for i, item := range x {
			parts[i] = plain(item)
		}
		return strings.Join(parts, ", ")
	case []pairOf:
		if len(x) == 2 && x[0].key == "amount" && x[1].key == "currency" {
			return plain(x[0].value) + " " + plain(x[1].value)
		}
		var parts []string
		for _, f := range x {
			text := plain(f.value)
			if _, word := f.value.(string); !word {
				text = strings.ReplaceAll(f.key, "_", " ") + " " + text
			}
			if text != "" {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, ", ")
	case json.Number:
		return x.String()
	case string:
		return x
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}
