package strictjson_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/strictjson"
	"github.com/kamflow/kamflow/kam"
)

// TestRefusals: each fault is told by its path, what is wrong, and what would
// be right.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]string{
		`{"legal_nam": "x"}`:              "legal_nam: unknown key; did you mean legal_name?",
		`{"Legal_Name": "x"}`:             "Legal_Name: unknown key; did you mean legal_name?",
		`{"city": "A", "city": "B"}`:      "city: the key stands there twice; keep one of them",
		`{"city": 1}`:                     "city: a number does not fit here; write it in quotes",
		`{"city": ["A"]}`:                 "city: expected a text, found a list",
		`{"employees": "x"}`:              "employees: expected a whole number, found a text",
		`{"employees": 1.5}`:              "employees: expected a whole number, found 1.5",
		`{"identifiers": {}}`:             "identifiers: expected a list, found an object",
		`{"identifiers": [{"value": 5}]}`: "identifiers[0].value: a number does not fit here; write it in quotes",
		`{"growth_outlook_pct": "abc"}`:   `growth_outlook_pct: "abc" is not a decimal number with at most 2 decimals; write a number such as 12.5`,
		`{"declared_potential": []}`:      `declared_potential: "[]" is not a decimal number with at most 3 decimals [VF02]; write {"amount": "140000.00", "currency": "EUR"}`,
		`{"declared_potential": {"amount": "1.234", "currency": "EUR"}}`: `declared_potential: "1.234" is not a decimal number with at most 2 decimals [VF02]; write it without thousands separators, as 1234.56`,
		"{\"city\": \"\xff\"}": "city: is not UTF-8; save the file as UTF-8",
		`{"city": "A"`:         "$: the JSON ends too early",
		``:                     "$: the JSON ends too early",
		`{} {}`:                "$: there is more than one JSON document; give one",
		`[]`:                   "$: expected an object, found a list",
		`{"city": "A" "B"}`:    "$: line 1: invalid character '\"' after object value (expecting ',' or '}')",
	} {
		var d kam.RequestData
		err := strictjson.Unmarshal([]byte(give), &d)
		require.ErrorIs(t, err, kam.Invalid, give)
		require.EqualError(t, err, want, give)
	}
	var d kam.RequestData
	require.NoError(t, strictjson.Unmarshal([]byte(`{"city": "Köln", "growth_outlook_pct": 1.5, "website": null}`), &d))
	require.Equal(t, "Köln", d.City)
}
