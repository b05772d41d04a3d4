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
// has: of two values nobody knows which one is meant. The value is one that was
// decoded, so its form is not looked at again.
func DoubleKey(raw []byte) string {
	type level struct {
		seen map[string]bool // nil for a list
		key  bool            // a key comes next
	}
	var open []level
	for i := 0; i < len(raw); i++ {
		at := len(open) - 1
		switch c := raw[i]; {
		case c == '{':
			open = append(open, level{seen: map[string]bool{}, key: true})
		case c == '[':
			open = append(open, level{})
		case at < 0:
		case c == '}' || c == ']':
			open = open[:at]
		case c == ',':
			open[at].key = open[at].seen != nil
		case c == '"':
			end := endOfText(raw, i)
			if open[at].key {
				name := keyName(raw[i:end])
				if open[at].seen[name] {
					return name
				}
				open[at].seen[name], open[at].key = true, false
			}
			i = end - 1
		}
	}
	return ""
}

// endOfText is the place after the text that begins at i.
func endOfText(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// keyName is a key without quotes and escapes.
func keyName(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(bytes.Trim(text, `"`))
	}
	var name string
	if json.Unmarshal(text, &name) != nil {
		return string(text)
	}
	return name
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
