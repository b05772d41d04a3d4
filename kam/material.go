package kam

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf16"
)

// A FieldChange is one field that differs between two revisions. Before and
// After are text as people read it, empty where unknown; lists and entries are
// compact JSON.
type FieldChange struct {
	Field      string `json:"field"`
	Before     string `json:"before"`
	After      string `json:"after"`
	Material   bool   `json:"material"`
	ClassInput bool   `json:"class_input"`
}

// Diff lists the fields that differ between two revisions, in the order of
// the form.
func Diff(a, b RequestData) []FieldChange {
	var changes []FieldChange
	for _, s := range Fields {
		if strings.Contains(s.Name, "[]") {
			continue
		}
		before, after := fieldText(a, s.Name), fieldText(b, s.Name)
		if before != after {
			changes = append(changes, FieldChange{Field: s.Name, Before: before, After: after, Material: s.Material, ClassInput: s.ClassInput})
		}
	}
	return changes
}

func fieldText(d RequestData, name string) string {
	text := ""
	eachValue(rootOf(d), name, func(_ string, v reflect.Value) {
		switch x := v.Interface().(type) {
		case fmt.Stringer:
			text = x.String()
		default:
			if v.Kind() == reflect.String {
				text = v.String()
				return
			}
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(x); err != nil {
				text = fmt.Sprint(x)
				return
			}
			text = strings.TrimSpace(b.String())
		}
	})
	return text
}

// Adds names what other knows and have lacks, one item for each field or entry
// of a list, with the value. Contacts are counted, and of a person the fields
// alone are named: the words stand in an audit trail.
func Adds(have, other RequestData) []string {
	var out []string
	for _, s := range Fields {
		if strings.Contains(s.Name, "[]") {
			continue
		}
		switch x := valueOf(other, s.Name); {
		case !x.IsValid():
		case other.CustomerKind == SolePractitioner:
			if fieldText(have, s.Name) != fieldText(other, s.Name) {
				out = append(out, s.Name)
			}
		case s.Name == "contacts":
			if n := len(missing(valueOf(have, s.Name), x)); n > 0 {
				out = append(out, fmt.Sprintf("contacts: %d", n))
			}
		case x.Kind() == reflect.Slice:
			for _, item := range missing(valueOf(have, s.Name), x) {
				out = append(out, s.Name+": "+item)
			}
		default:
			if mine, theirs := fieldText(have, s.Name), fieldText(other, s.Name); mine != theirs {
				out = append(out, s.Name+": "+theirs)
			}
		}
	}
	return out
}

func valueOf(d RequestData, name string) (value reflect.Value) {
	eachValue(rootOf(d), name, func(_ string, v reflect.Value) { value = v })
	return value
}

// missing are the entries of a list that another one lacks, as JSON; of names
// the names.
func missing(have, list reflect.Value) []string {
	text := func(v reflect.Value) string {
		if v.Kind() == reflect.String {
			return v.String()
		}
		b, err := json.Marshal(v.Interface())
		if err != nil {
			return fmt.Sprint(v.Interface())
		}
		return string(b)
	}
	there := map[string]bool{}
	if have.IsValid() {
		for i := range have.Len() {
			there[text(have.Index(i))] = true
		}
	}
	var out []string
	for i := range list.Len() {
		if t := text(list.Index(i)); !there[t] {
			out = append(out, t)
		}
	}
	return out
}

// MaterialHash is the digest of what a confirmation is given for (P2.4.5,
// D9): SHA-256 over the RFC 8785 form of the material fields. Unknown fields
// are left out, decimals and money are strings, identifiers are ordered.
// Callers clean the data first (rules.Clean).
func MaterialHash(d RequestData) string {
	sum := sha256.Sum256([]byte(MaterialJSON(d)))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// MaterialJSON is the text that [MaterialHash] digests.
func MaterialJSON(d RequestData) string {
	var fields []member
	root := rootOf(d)
	for _, s := range Fields {
		if !s.Material {
			continue
		}
		eachValue(root, s.Name, func(_ string, v reflect.Value) {
			switch x := v.Interface().(type) {
			case Money:
				fields = append(fields, member{s.Name, object([]member{{"amount", quote(x.Amount())}, {"currency", quote(x.Currency)}})})
			case Dec:
				fields = append(fields, member{s.Name, quote(x.String())})
			case []Identifier:
				fields = append(fields, member{s.Name, identifierList(x)})
			default:
				fields = append(fields, member{s.Name, quote(v.String())})
			}
		})
	}
	return object(fields)
}

// identifierList leaves out the source: where a number was read does not
// change what was confirmed.
func identifierList(ids []Identifier) string {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b Identifier) int {
		return cmp.Or(cmp.Compare(a.Scheme, b.Scheme), cmp.Compare(a.Country, b.Country), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	items := make([]string, len(ids))
	for i, id := range ids {
		var fields []member
		for _, f := range []member{{"scheme", string(id.Scheme)}, {"value", id.Value}, {"country", id.Country}, {"name", id.Name}} {
			if f.text != "" {
				fields = append(fields, member{f.name, quote(f.text)})
			}
		}
		items[i] = object(fields)
	}
	return "[" + strings.Join(items, ",") + "]"
}

// A member is a name and the canonical JSON text of its value.
type member struct{ name, text string }

// object writes members as RFC 8785 wants them: by name in UTF-16 order.
func object(members []member) string {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b member) int {
		return slices.Compare(utf16.Encode([]rune(a.name)), utf16.Encode([]rune(b.name)))
	})
	parts := make([]string, len(members))
	for i, m := range members {
		parts[i] = quote(m.name) + ":" + m.text
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// quote writes a JSON string as RFC 8785 3.2.2.2 does: the short escapes,
// \u00xx for other control characters and nothing else.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			if r < 0x20 {
				fmt.Fprintf(&b, `\u%04x`, r)
			} else {
				b.WriteRune(r)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}
