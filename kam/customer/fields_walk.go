package customer

import (
	"reflect"
	"strconv"
	"strings"
)

// jsonFields maps the JSON names of a struct's fields, embedded ones
// included, to their places.
func jsonFields(t reflect.Type) map[string][]int {
	m := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			m[name] = f.Index
		}
	}
	return m
}

var jsonPlaces = func() map[reflect.Type]map[string][]int {
	m := map[reflect.Type]map[string][]int{}
	for _, t := range []reflect.Type{
		reflect.TypeFor[RequestData](), reflect.TypeFor[Identifier](), reflect.TypeFor[Address](), reflect.TypeFor[Contact](),
		reflect.TypeFor[Competitor](), reflect.TypeFor[CustomerNeed](), reflect.TypeFor[Document](),
	} {
		m[t] = jsonFields(t)
	}
	return m
}()

// The data themselves are looked into most: a book has a hundred fields for
// each customer.
var (
	rootType   = reflect.TypeFor[RequestData]()
	rootPlaces = jsonPlaces[rootType]
)

// rootOf is where walks over the fields of data begin. It is made once for all
// fields: making it copies the data.
func rootOf(d RequestData) reflect.Value { return reflect.ValueOf(&d).Elem() }

// eachSlot visits every place that a field name stands for, filled or not,
// with its path: "contacts[1].email".
func eachSlot(root reflect.Value, name string, visit func(path string, v reflect.Value)) {
	list, sub, nested := strings.Cut(name, "[]")
	v := child(root, list)
	if !v.IsValid() {
		return
	}
	if !nested {
		visit(list, v)
		return
	}
	for i := range v.Len() {
		item, path := v.Index(i), list+"["+strconv.Itoa(i)+"]"
		if sub != "" {
			item, path = child(item, sub[1:]), path+sub
		}
		if item.IsValid() {
			visit(path, item)
		}
	}
}

// absent says that a field, or the list it stands in, holds nothing: there is
// no value to visit.
func absent(root reflect.Value, name string) bool {
	list, _, _ := strings.Cut(name, "[]")
	v := child(root, list)
	return !v.IsValid() || unknown(v)
}

// eachValue visits the places that hold a known value, pointers followed.
func eachValue(root reflect.Value, name string, visit func(path string, v reflect.Value)) {
	eachSlot(root, name, func(path string, v reflect.Value) {
		if strings.HasSuffix(name, "[]") || !unknown(v) {
			visit(path, reflect.Indirect(v))
		}
	})
}

func child(v reflect.Value, name string) reflect.Value {
	places := rootPlaces
	if v.Type() != rootType {
		places = jsonPlaces[v.Type()]
	}
	if place, ok := places[name]; ok {
		return v.FieldByIndex(place)
	}
	return reflect.Value{}
}

// unknown says that a value is absent: nil, empty, or no entries.
func unknown(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.String:
		return strings.TrimSpace(v.String()) == ""
	default:
		return v.IsZero()
	}
}

// sibling puts the indexes of path into the name of another field of the
// same entry.
func sibling(path, name string) string {
	i, j := strings.IndexByte(path, '['), strings.IndexByte(path, ']')
	if i < 0 || j < i {
		return name
	}
	return strings.Replace(name, "[]", path[i:j+1], 1)
}

// slotFilled says whether the place at a path with indexes holds a value.
func slotFilled(root reflect.Value, path string) bool {
	name := path
	if i, j := strings.IndexByte(path, '['), strings.IndexByte(path, ']'); i >= 0 && j > i {
		name = path[:i+1] + path[j:]
	}
	filled := false
	eachSlot(root, name, func(p string, v reflect.Value) {
		filled = filled || p == path && !unknown(v)
	})
	return filled
}
