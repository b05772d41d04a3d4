package kam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// A Text is what a sentence for people was made from: the English format,
// which is its key in the catalogues of other languages, and the values that
// fill it. It stands beside the finished English sentence, for whoever reads
// another language. A sentence without values is its own key and needs no Text.
type Text struct {
	Key  string `json:"key"`
	Args []Arg  `json:"args,omitempty"`
}

// An Arg is a value in a Text. In JSON it stays what it is: a string, a whole
// number, a list, or an object whose one key names the kind, as in
// {"money": {"amount": "140000.00", "currency": "EUR"}}. Value is a string,
// int64, float64, bool, [Dec], [Money], [time.Time], [time.Duration], *Text, or
// []Arg.
type Arg struct{ Value any }

// Textf is the finished English sentence, and its Text.
func Textf(format string, args ...any) (string, *Text) {
	said := fmt.Sprintf(format, args...)
	if len(args) == 0 {
		return said, nil
	}
	return said, &Text{Key: format, Args: argsOf(args)}
}

// A Sentence is a finished English sentence that may be a value within another
// one, where it is translated, too.
type Sentence struct {
	English string
	Text    *Text
}

// Say makes a Sentence.
func Say(format string, args ...any) Sentence {
	said, text := Textf(format, args...)
	return Sentence{said, text}
}

// Word is a sentence or a word as it is, without values.
func Word(english string) Sentence { return Sentence{English: english} }

func (s Sentence) String() string { return s.English }

// Note is a finished English sentence that is kept or sent without what it was
// made from: on the audit trail, in a task, in a proposal. Whoever reads another
// language gets it by its form (internal/text), so the format is a key there.
func Note(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// Values are the arguments as fmt takes them; each Text among them is said by
// say.
func (t *Text) Values(say func(*Text) string, list func([]string) string) []any {
	out := make([]any, len(t.Args))
	for i, a := range t.Args {
		out[i] = a.value(say, list)
	}
	return out
}

func (a Arg) value(say func(*Text) string, list func([]string) string) any {
	switch x := a.Value.(type) {
	case *Text:
		return say(x)
	case []Arg:
		all := make([]string, len(x))
		for i, e := range x {
			all[i] = fmt.Sprint(e.value(say, list))
		}
		return list(all)
	}
	return a.Value
}

// List is several values within a sentence; English puts commas between them.
type List[T any] []T

// ListOf makes a List.
func ListOf[T any](all []T) List[T] { return all }

func (l List[T]) String() string {
	all := make([]string, len(l))
	for i, x := range l {
		all[i] = fmt.Sprint(x)
	}
	return strings.Join(all, ", ")
}

func argsOf(values []any) []Arg {
	out := make([]Arg, len(values))
	for i, v := range values {
		out[i] = argOf(v)
	}
	return out
}

// argOf keeps a value as what it is. It is pure: what the check of workflows finds
// in it is how reflect prints a panic.
//
//workflowcheck:ignore
func argOf(v any) Arg {
	switch x := v.(type) {
	case nil:
		return Arg{"<nil>"}
	case string, Dec, Money, time.Time, time.Duration:
		return Arg{x}
	case *Money:
		if x != nil {
			return Arg{*x}
		}
	case *Dec:
		if x != nil {
			return Arg{*x}
		}
	case Sentence:
		return Arg{textOf(x.English, x.Text)}
	case error:
		var e *Error
		if errors.As(x, &e) && e.Error() == x.Error() {
			return Arg{e.whole()}
		}
		return Arg{x.Error()}
	}
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Slice && r.Type().Elem().Kind() != reflect.Uint8 {
		list := make([]Arg, r.Len())
		for i := range list {
			list[i] = argOf(r.Index(i).Interface())
		}
		return Arg{list}
	}
	if s, ok := v.(fmt.Stringer); ok {
		return Arg{s.String()}
	}
	switch {
	case r.Kind() == reflect.String:
		return Arg{r.String()}
	case r.CanInt():
		return Arg{r.Int()}
	case r.CanUint():
		return Arg{int64(r.Uint())} //nolint:gosec // counts and sizes
	case r.CanFloat():
		return Arg{r.Float()}
	case r.Kind() == reflect.Bool:
		return Arg{r.Bool()}
	}
	return Arg{fmt.Sprint(v)}
}

// textOf is the Text of a sentence, its own key where it has no values.
func textOf(said string, t *Text) *Text {
	if t != nil {
		return t
	}
	return &Text{Key: said}
}

// The kinds of an [Arg] in JSON that are no JSON values of their own.
const (
	kindFloat = "float"
	kindDec   = "dec"
	kindMoney = "money"
	kindTime  = "time"
	kindSpan  = "span"
	kindText  = "text"
)

// MarshalJSON writes the value with its kind.
func (a Arg) MarshalJSON() ([]byte, error) {
	kind, v := "", a.Value
	switch x := a.Value.(type) {
	case float64:
		kind = kindFloat
	case Dec:
		kind = kindDec
	case Money:
		kind = kindMoney
	case time.Time:
		kind = kindTime
	case time.Duration:
		kind, v = kindSpan, x.String()
	case *Text:
		kind = kindText
	}
	if kind != "" {
		v = map[string]any{kind: v}
	}
	return json.Marshal(v)
}

// UnmarshalJSON reads what MarshalJSON writes. An unknown kind, of a later
// release, is shown as it is written.
func (a *Arg) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) > 0 && b[0] == '{':
		return a.readKind(b)
	case len(b) > 0 && b[0] == '[':
		var list []Arg
		err := json.Unmarshal(b, &list)
		a.Value = list
		return err
	}
	var whole int64
	if json.Unmarshal(b, &whole) == nil && string(b) != "null" {
		a.Value = whole
		return nil
	}
	return json.Unmarshal(b, &a.Value)
}

func (a *Arg) readKind(b []byte) error {
	var of map[string]json.RawMessage
	if err := json.Unmarshal(b, &of); err != nil {
		return err
	}
	var err error
	for kind, raw := range of {
		switch kind {
		case kindFloat:
			a.Value, err = read[float64](raw)
		case kindDec:
			a.Value, err = read[Dec](raw)
		case kindMoney:
			a.Value, err = read[Money](raw)
		case kindTime:
			a.Value, err = read[time.Time](raw)
		case kindSpan:
			var s string
			if s, err = read[string](raw); err == nil {
				a.Value, err = time.ParseDuration(s)
			}
		case kindText:
			a.Value, err = read[*Text](raw)
		default:
			a.Value = string(b)
		}
	}
	return err
}

func read[T any](raw []byte) (v T, err error) {
	err = json.Unmarshal(raw, &v)
	return v, err
}
