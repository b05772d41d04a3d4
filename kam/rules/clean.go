package rules

import (
	"reflect"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/identifier"
)

// Clean brings request data to the form in which it is stored, compared and
// hashed (P2.4.1): text in NFC without blanks around, identifiers compact and
// under the scheme that checks them, postal codes without the prefix of their
// country, unknown list entries dropped. It changes no list that the caller
// shares.
func Clean(d *customer.RequestData) {
	cleanText(reflect.ValueOf(d).Elem())
	for i, id := range d.Identifiers {
		id = identifier.Checked(id)
		id.Value = identifier.Check(id.Scheme, id.Value, id.Country).Compact
		d.Identifiers[i] = id
	}
	d.PostalCode = identifier.PostalCode(d.CountryCode, d.PostalCode)
	for i, a := range d.Addresses {
		d.Addresses[i].PostalCode = identifier.PostalCode(a.CountryCode, a.PostalCode)
	}
}

func cleanText(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(norm.NFC.String(strings.TrimSpace(v.String())))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				cleanText(v.Field(i))
			}
		}
	case reflect.Slice:
		kept := reflect.MakeSlice(v.Type(), 0, v.Len())
		for i := range v.Len() {
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.Index(i))
			cleanText(item)
			if !item.IsZero() {
				kept = reflect.Append(kept, item)
			}
		}
		if kept.Len() == 0 {
			kept = reflect.Zero(v.Type())
		}
		v.Set(kept)
	}
}
