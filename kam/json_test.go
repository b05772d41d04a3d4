package kam_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
)

func TestDoubleKey(t *testing.T) {
	for give, want := range map[string]string{
		`{"a": 1, "b": {"a": 2}, "c": [{"a": 1}, {"a": 2}]}`: "",
		`{"a": "a", "b": "a, \"b\": {", "c": ["a", "a"]}`:    "",
		`["a", "a", 1, null, true]`:                          "",
		`"a"`:                                                "",
		`{"a": 1, "a": 1}`:                                   "a",
		`{"a": {"x": 1}, "b": [1, {"y": 1, "y": 2}]}`:        "y",
		`{"a": 1, "\u0061": 2}`:                              "a",
		`{"a": [], "b": {}, "a": {}}`:                        "a",
		`{"a`:                                                "",
		`}]"`:                                                "",
	} {
		require.Equal(t, want, kam.DoubleKey([]byte(give)), give)
	}
}

func TestNotUTF8(t *testing.T) {
	for give, want := range map[string]int{"": -1, "Größe": -1, "\uFFFD": -1, "ab\xff": 2, "\xc3": 0, "ö\xed\xa0\x80": 2} {
		require.Equal(t, want, kam.NotUTF8([]byte(give)), "%q", give)
	}
}
