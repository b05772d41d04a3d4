package policy

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update-schema", false, "write schema.json anew")

// TestSchema keeps the published schema in step with the struct. To
// bring it up to date: go test ./kam/rules/policy -run TestSchema -update-schema
func TestSchema(t *testing.T) {
	want, err := schemaOf()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("schema.json", want, 0o600))
		return
	}
	require.Equal(t, string(want), string(Schema()))
}

// schemaOf derives the schema from the struct and its tags.
func schemaOf() ([]byte, error) {
	s := typeSchema(reflect.TypeFor[Policy](), "")
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "kam policy"
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

type schema map[string]any

func typeSchema(t reflect.Type, tag reflect.StructTag) schema {
	switch {
	case t.Kind() == reflect.Pointer:
		s := typeSchema(t.Elem(), tag)
		s["type"] = []any{s["type"], "null"}
		return s
	case t == bandsType:
		pair := schema{"type": "array", "minItems": 2, "maxItems": 2, "items": schema{"type": "number"}}
		row := schema{"type": "object", "additionalProperties": false, "required": []string{"min", "points"},
			"properties": schema{"min": schema{"type": "number"}, "max": schema{"type": []any{"number", "null"}}, "points": schema{"type": "number"}}}
		return schema{"type": "array", "minItems": 1, "items": schema{"anyOf": []any{pair, row}}}
	case t == decType:
		return bounded(schema{"type": "number", "multipleOf": json.Number("0.01")}, tag)
	}
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t)
	case reflect.Map:
		s := schema{"type": "object", "additionalProperties": typeSchema(t.Elem(), tag)}
		if keys := closedSet(tag.Get("keys")); keys != nil {
			s["propertyNames"], s["required"] = schema{"enum": keys}, keys
		}
		return s
	case reflect.Slice:
		return schema{"type": "array", "items": typeSchema(t.Elem(), tag)}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int:
		return bounded(schema{"type": "integer"}, tag)
	}
	s := schema{"type": "string"}
	if one := choices(tag); len(one) > 0 {
		s["enum"] = one
	}
	if tag.Get("date") != "" {
		s["format"] = "date"
	}
	return s
}

func structSchema(t reflect.Type) schema {
	properties, required := schema{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" {
			continue
		}
		properties[key] = typeSchema(f.Type, f.Tag)
		if f.Tag.Get("opt") == "" && f.Tag.Get("default") == "" {
			required = append(required, key)
		}
	}
	return schema{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

func bounded(s schema, tag reflect.StructTag) schema {
	for name, key := range map[string]string{"min": "minimum", "max": "maximum"} {
		if v, ok := limit(tag, name); ok {
			s[key] = json.Number(v.String())
		}
	}
	return s
}
