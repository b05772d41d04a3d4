package match

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kamflow/kamflow/kam/rules/written"
)

// A Normalized is a name in the two foldings in which names are compared:
// plain reads ü as u, expanded as ue. The better similarity counts (P3.4.4).
type Normalized struct {
	Plain    string `json:"plain"`
	Expanded string `json:"expanded"`
}

// Normalize brings the name of a company of a country (ISO 3166-1 alpha-2,
// empty where it is not known) to the form in which names are compared: NFKC,
// lower case without signs, Latin, Greek and Cyrillic letters without accents,
// "&" and "+" as "and", abbreviations without dots. Legal forms are dropped at
// the end, and at the start where the country or the script writes them there
// (decision 33), but never the last word left.
func Normalize(name, country string) Normalized {
	return normalized(withoutForms(nameWords(name), country, 1))
}

func normalized(words []word) Normalized {
	var plain, expanded []string
	for _, w := range words {
		plain, expanded = append(plain, w.Plain), append(expanded, written.FoldExpanded(w.Text))
	}
	return Normalized{Plain: strings.Join(plain, " "), Expanded: strings.Join(expanded, " ")}
}

// stripLegalForms drops legal forms at both ends of a name and keeps the
// spelling of the rest. The result is empty where nothing else is left.
func stripLegalForms(name string) string {
	all := nameWords(name)
	left := withoutForms(all, "", 0)
	if len(left) == 0 {
		if len(all) == 0 {
			return strings.Join(strings.Fields(name), " ")
		}
		return ""
	}
	chunks := strings.Fields(name)
	from, to := left[0].Chunk, left[len(left)-1].Chunk+1
	cutBehind := to < len(chunks)
	chunks[from] = strings.TrimPrefix(chunks[from], left[0].before)
	chunks[to-1] = strings.TrimSuffix(chunks[to-1], left[len(left)-1].behind)
	stripped := strings.Join(chunks[from:to], " ")
	if cutBehind {
		stripped = strings.TrimRight(stripped, " ,;!&+-")
	}
	return stripped
}

// A word of a name, with what was cut off it where a form was written in one
// word with it.
type word struct {
	written.Word
	before, behind string
}

func nameWords(name string) []word {
	split := written.Split(name)
	all := make([]word, len(split))
	for i, w := range split {
		all[i].Word = w
	}
	return all
}

// withoutForms is a name without its legal forms, longest first, and without
// an "and" that they leave dangling. At least keep words are left.
func withoutForms(all []word, country string, keep int) []word {
	left, ends := withoutEnd(all, country, keep)
	if len(ends) == 0 {
		left = unglued(left, keep)
	}
	for n := min(forms.longest, len(left)-keep); n > 0; n-- {
		if forms.startsName(left[:n], country, ends) {
			return left[n:]
		}
	}
	return left
}

// withoutEnd drops the forms behind a name and says which they were. A short
// one in front of another is part of the name: initials, as in Team SE GmbH.
func withoutEnd(left []word, country string, keep int) (rest []word, ends []string) {
	connected := false
	for dropped := true; dropped; {
		dropped = false
		for n := min(forms.longest, len(left)-keep); n > 0 && !dropped; n-- {
			form := left[len(left)-n:]
			if forms.endsName(form, country, len(ends) > 0 && !connected) {
				ends, left, dropped = append(ends, formKey(form)), left[:len(left)-n], true
			}
		}
		connected = false
		for dropped && len(left) > keep && left[len(left)-1].Plain == "and" {
			left, connected = left[:len(left)-1], true
		}
	}
	return left, ends
}

// unglued drops the forms of scripts without blanks, which stand in one word
// with the name, or in one beside it, at either end.
func unglued(all []word, keep int) []word {
	left := slices.Clone(all)
	for dropped := true; dropped; {
		dropped = false
		for _, form := range forms.glued {
			if len(left) == 0 || dropped {
				break
			}
			first, last := &left[0], &left[len(left)-1]
			switch {
			case len(left) > keep && first.Plain == form:
				left, dropped = left[1:], true
			case len(left) > keep && last.Plain == form:
				left, dropped = left[:len(left)-1], true
			case startsWith(first.Plain, form):
				first.before += form
				first.Plain, first.Text, dropped = first.Plain[len(form):], strings.TrimPrefix(first.Text, form), true
			case last.Plain != form && strings.HasSuffix(last.Plain, form):
				last.behind = form + last.behind
				last.Plain, last.Text, dropped = strings.TrimSuffix(last.Plain, form), strings.TrimSuffix(last.Text, form), true
			}
		}
	}
	return left
}

// startsWith says that a longer word starts with the form; a mark behind it
// would belong to the form's last letter.
func startsWith(s, form string) bool {
	rest, ok := strings.CutPrefix(s, form)
	r, _ := utf8.DecodeRuneInString(rest)
	return ok && rest != "" && !unicode.Is(unicode.M, r)
}
