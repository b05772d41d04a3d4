package customer

import (
	"reflect"
	"slices"
	"strings"
)

// Unmerge takes out of a record what a merge brought into it: before and
// merged are the record around the merge, now is the record as it stands. A
// field that was not changed since is as before. One that was changed since
// stays as it is now, is listed in stayed, and gives back only the entries that
// the merge brought.
func Unmerge(before, merged, now RequestData) (restored RequestData, stayed []FieldChange) {
	restored = cloneData(now)
	b, m, n, out := reflect.ValueOf(before), reflect.ValueOf(merged), reflect.ValueOf(now), reflect.ValueOf(&restored).Elem()
	for _, s := range Fields {
		if strings.Contains(s.Name, "[]") {
			continue
		}
		vb, vm, vn, to := child(b, s.Name), child(m, s.Name), child(n, s.Name), child(out, s.Name)
		same := jsonText(vm) == jsonText(vn)
		switch {
		case same:
			to.Set(vb)
		case s.Kind == KindList:
			to.Set(withoutEntries(vb, vm, vn))
		case s.Kind == KindMap:
			restored.CapabilityItems = withoutItems(before.CapabilityItems, merged.CapabilityItems, now.CapabilityItems)
		}
		if !same {
			stayed = append(stayed, FieldChange{Field: s.Name, Before: fieldText(merged, s.Name), After: fieldText(restored, s.Name), Material: s.Material, ClassInput: s.ClassInput})
		}
	}
	return restored, stayed
}

// withoutEntries are the entries from before that nobody took out since, and
// those that came since, without what the merge brought.
func withoutEntries(before, merged, now reflect.Value) reflect.Value {
	m, n := entryTexts(merged), entryTexts(now)
	out := reflect.MakeSlice(now.Type(), 0, before.Len()+now.Len())
	var have []string
	for i, text := range entryTexts(before) {
		if slices.Contains(n, text) || !slices.Contains(m, text) {
			out = reflect.Append(out, before.Index(i))
			have = append(have, text)
		}
	}
	for i, text := range n {
		if !slices.Contains(m, text) && !slices.Contains(have, text) {
			out = reflect.Append(out, now.Index(i))
		}
	}
	if out.Len() == 0 {
		return reflect.Zero(now.Type())
	}
	return out
}

func entryTexts(list reflect.Value) []string {
	texts := make([]string, list.Len())
	for i := range texts {
		texts[i] = jsonText(list.Index(i))
	}
	return texts
}

func withoutItems(before, merged, now map[string]int) map[string]int {
	out := map[string]int{}
	for item, n := range now {
		if was, ok := merged[item]; !ok || was != n {
			out[item] = n
		} else if old, ok := before[item]; ok {
			out[item] = old
		}
	}
	return out
}
