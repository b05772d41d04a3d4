package kam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// StrictUnmarshal decodes one JSON document and refuses unknown keys and
// trailing data.
func StrictUnmarshal(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return fmt.Errorf("more than one JSON document")
	}
	return nil
}

// DoubleKey is a key that an object of a JSON value has twice, empty where none
// has: of two values nobody knows which one is meant.
func DoubleKey(raw []byte) string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	type level struct {
		keys map[string]bool // nil for a list
		key  bool            // a key comes next
	}
	var open []level
	for {
		tok, err := dec.Token()
		if err != nil {
			return "" // the end, or what decoding will name
		}
		at := len(open) - 1
		if d, is := tok.(json.Delim); is && (d == '}' || d == ']') {
			open = open[:at]
			continue
		}
		if at >= 0 && open[at].keys != nil {
			if name, is := tok.(string); is && open[at].key {
				if open[at].keys[name] {
					return name
				}
				open[at].keys[name], open[at].key = true, false
				continue
			}
			open[at].key = true // after this value
		}
		switch tok {
		case json.Delim('{'):
			open = append(open, level{keys: map[string]bool{}, key: true})
		case json.Delim('['):
			open = append(open, level{})
		}
	}
}

// NotUTF8 is the place of the first byte that is no UTF-8, -1 where all are:
// decoding JSON would put another character there and say nothing.
func NotUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; ; {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
}
