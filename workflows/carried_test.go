package workflows

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// thisRunOnly are the fields of a case that a new run does without, and why it
// may. A field that is not here has to be in Carried.
var thisRunOnly = map[string]string{
	"start":     "goes on as the StartInput of the next run",
	"lock":      "free where a run ends: settle waits until nobody holds it",
	"inFlight":  "0 where a run ends",
	"taken":     "counts the acts of a run",
	"hops":      "counts the stages since the last wait; a run ends at a wait",
	"signals":   "read to their end where a run ends",
	"stopTimer": "of a timer that ends with its run; the next starts its own for the same instant",
	"stuck":     "the next run tries the deadline at once, and notes it again",
	"retryAt":   "the same",
}

// TestEveryFieldOfACaseIsCarried fails for a new field until somebody has said
// what becomes of it where a case continues in a new run.
func TestEveryFieldOfACaseIsCarried(t *testing.T) {
	t.Parallel()
	fields := reflect.TypeOf(onboarding{})
	for i := range fields.NumField() {
		f := fields.Field(i)
		if f.Anonymous {
			require.Equal(t, reflect.TypeOf(Carried{}), f.Type)
			continue
		}
		require.NotEmpty(t, thisRunOnly[f.Name], "%s: put it into Carried, or say why a new run may do without", f.Name)
		delete(thisRunOnly, f.Name)
	}
	require.Empty(t, thisRunOnly, "these are fields no more")
}

// Fill gives every field that can be set, at any depth, a value of its own.
func Fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		Fill(v.Elem(), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeOf(time.Time{}) {
			v.Set(reflect.ValueOf(time.Date(2031, 1, 1, 0, 0, *n, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				Fill(f, n)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(`"x"`)) // raw JSON
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			Fill(v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		Fill(key, n)
		Fill(value, n)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("value " + time.Duration(*n).String())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n)) //nolint:gosec // small
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(*n) + 0.5)
	}
}
