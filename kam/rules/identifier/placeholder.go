package identifier

import (
	_ "embed"
	"strings"
	"unicode"

	"github.com/kamflow/kamflow/kam/rules/written"
)

//go:embed placeholders.txt
var placeholderText string

// placeholders holds the list by its kind of line: "" for those of every
// field, "error" for the errors of spreadsheets, "name" for names only.
var placeholders = func() map[string]map[string]bool {
	all := map[string]map[string]bool{"": {}, "error": {}, "name": {}}
	for line := range strings.Lines(placeholderText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		kind := ""
		for _, k := range []string{"error", "name"} {
			if rest, ok := strings.CutPrefix(line, k+" "); ok {
				kind, line = k, rest
			}
		}
		for entry := range strings.SplitSeq(line, ",") {
			all[kind][plainWords(entry)] = true
		}
	}
	return all
}()

// longestPlaceholder is more bytes than any of the list has.
const longestPlaceholder = 80

// IsPlaceholder says that a text stands for no value: NULL, N/A, unknown, a
// dash, the error of a spreadsheet. It is for fields of free text: a closed
// value may be UNKNOWN, and a code of two letters may be NA.
func IsPlaceholder(text string) bool {
	if len(text) > longestPlaceholder {
		return false
	}
	text = strings.TrimSpace(written.Plain(text))
	if text == "" {
		return false
	}
	if !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return true
	}
	plain := plainWords(text)
	switch {
	case text == "Nan": // a city and a province of Thailand
		return false
	case text[0] == '#':
		return placeholders["error"][plain] || placeholders[""][plain]
	case plain == "n" && strings.EqualFold(text, `\N`): // of MySQL and PostgreSQL
		return true
	case len(plain) > 1 && len(plain) < 10 && strings.Trim(plain, "x") == "":
		return true
	}
	return placeholders[""][plain]
}

// plainWords are the words of a text without signs; a stroke parts words here.
func plainWords(text string) string {
	text = strings.ReplaceAll(text, "/", " ")
	return strings.Join(written.Words(written.Fold(text)), " ")
}

// IsPlaceholderName says that a legal name stands for none: what no field takes
// for a value, and test, dummy, x and the like.
func IsPlaceholderName(name string) bool {
	return IsPlaceholder(name) || placeholders["name"][plainWords(name)]
}
