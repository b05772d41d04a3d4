package workflows

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// thisRunOnly are the fields of a desk that a new run does without, and why it
// may. A field that is not here has to be in Memory.
var thisRunOnly = map[string]string{
	"process":   "made anew from the code of the day",
	"verify":    "knows the keys of the day",
	"lock":      "free where a run ends: settle waits until nobody holds it",
	"inFlight":  "0 where a run ends",
	"updating":  "0 where a run ends",
	"updated":   "counts the updates of a run",
	"taken":     "counts the acts of a run",
	"hops":      "counts the stages since the last wait; a run ends at a wait",
	"signals":   "read to their end where a run ends",
	"stopTimer": "of a timer that ends with its run; the next starts its own for the same instant",
	"stuck":     "the next run tries the deadline at once, and notes it again",
	"retryAt":   "the same",
	"before":    "a run that began before the desk does not go on in a new one",

	"unanswered": "the next run asks the service outside once more",
}

// TestEveryFieldOfADeskIsCarried fails for a new field until somebody has said
// what becomes of it where a process continues in a new run.
func TestEveryFieldOfADeskIsCarried(t *testing.T) {
	t.Parallel()
	left := maps.Clone(thisRunOnly)
	fields := reflect.TypeFor[desk]()
	for i := range fields.NumField() {
		f := fields.Field(i)
		if f.Type == reflect.TypeFor[Memory]() {
			continue
		}
		require.NotEmpty(t, left[f.Name], "%s: put it into Memory, or say why a new run may do without", f.Name)
		delete(left, f.Name)
	}
	require.Empty(t, left, "these are fields no more")
}

// Fill gives every field that can be set, at any depth, a value of its own. A
// type that reads its own JSON gets the first text that it takes.
func Fill(v reflect.Value, n *int) {
	*n++
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		for _, text := range []string{`{"amount": "%d.00", "currency": "EUR"}`, `%d`, `"2031-01-01T00:00:00.%09dZ"`} {
			if u.UnmarshalJSON(fmt.Appendf(nil, text, *n)) == nil {
				return
			}
		}
		panic(fmt.Sprintf("nothing known is a %s", v.Type()))
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		Fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			Fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			Fill(v.Index(i), n)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		Fill(key, n)
		Fill(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(fmt.Sprintf("value %d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	default:
		panic(fmt.Sprintf("%s: say how a %s is filled", v.Type(), v.Kind()))
	}
}

// Zeroes lists the fields, at any depth, that hold nothing.
func Zeroes(path string, v reflect.Value) []string {
	if v.IsZero() {
		return []string{path}
	}
	if _, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		return nil
	}
	var found []string
	switch v.Kind() {
	case reflect.Pointer:
		return Zeroes(path, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			found = append(found, Zeroes(path+"."+v.Type().Field(i).Name, v.Field(i))...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			found = append(found, Zeroes(fmt.Sprintf("%s[%d]", path, i), v.Index(i))...)
		}
	}
	return found
}
