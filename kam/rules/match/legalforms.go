package match

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"
	"unicode/utf8"
)

//go:embed legalforms.txt
var legalFormText string

// A legalForm says where a form stands in a name.
type legalForm struct {
	end          bool // behind it, whatever the country
	endIn        map[string]bool
	endAsWritten bool // behind it where it is written as a form
	front        []frontForm
}

// A frontForm is one line that says where a form stands before a name.
type frontForm struct {
	anywhere, unknown, asWritten bool
	in                           map[string]bool
	with                         map[string]bool
}

// formTable is legalforms.txt.
type formTable struct {
	forms   map[string]*legalForm
	glued   []string // longest first
	longest int      // in words
}

var forms = readForms(legalFormText)

func readForms(text string) formTable {
	t := formTable{forms: map[string]*legalForm{}}
	for line := range strings.Lines(text) {
		where, list, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		where, with, _ := strings.Cut(where, " with ")
		f := frontForm{in: map[string]bool{}, with: map[string]bool{}}
		for _, form := range formList(with) {
			f.with[t.key(form)] = true
		}
		side := strings.Fields(where)
		for _, at := range side[1:] {
			switch at {
			case "*":
				f.anywhere = true
			case "?":
				f.unknown = true
			case ".":
				f.asWritten = true
			default:
				f.in[at] = true
			}
		}
		for _, form := range formList(list) {
			t.add(side[0], len(side) == 1, f, form)
		}
	}
	slices.SortFunc(t.glued, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return t
}

func formList(s string) (all []string) {
	for form := range strings.SplitSeq(s, ",") {
		if form = strings.TrimSpace(form); form != "" {
			all = append(all, form)
		}
	}
	return all
}

func (t *formTable) add(side string, anywhere bool, f frontForm, form string) {
	key := t.key(form)
	if side == "glued" {
		t.glued = append(t.glued, key)
		return
	}
	l := t.forms[key]
	if l == nil {
		l = &legalForm{endIn: map[string]bool{}}
		t.forms[key] = l
	}
	switch {
	case side == "front":
		l.front = append(l.front, f)
	case anywhere:
		l.end = true
	default:
		l.endAsWritten = true
		for country := range f.in {
			l.endIn[country] = true
		}
	}
}

// key notes the length of a form, too.
func (t *formTable) key(form string) string {
	all := nameWords(form)
	t.longest = max(t.longest, len(all))
	return formKey(all)
}

// formKey is a form as one text; single letters that blanks part are one word.
func formKey(all []word) string {
	between := " "
	if spelledOut(all) {
		between = ""
	}
	var b strings.Builder
	for i, w := range all {
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(w.Plain)
	}
	return b.String()
}

// spelledOut says that a form is written in single letters: S A R L.
func spelledOut(all []word) bool {
	for _, w := range all {
		if len([]rune(w.Plain)) != 1 {
			return false
		}
	}
	return len(all) > 1
}

func writtenAsForm(all []word) bool {
	return spelledOut(all) || slices.ContainsFunc(all, func(w word) bool { return w.AsForm })
}

// endsName says whether the words are a form that stands behind the name.
// Behind them stands another form where inner is true.
func (t *formTable) endsName(all []word, country string, inner bool) bool {
	key := formKey(all)
	f := t.forms[key]
	switch {
	case f == nil:
		return false
	case f.endAsWritten && writtenAsForm(all):
		return true
	case f.end:
		return !inner || utf8.RuneCountInString(key) > 2
	}
	return f.endIn[country] && !inner
}

// startsName says whether the words are a form that stands before the name,
// given the forms that were found behind it.
func (t *formTable) startsName(all []word, country string, ends []string) bool {
	f := t.forms[formKey(all)]
	return f != nil && slices.ContainsFunc(f.front, func(f frontForm) bool {
		paired := slices.ContainsFunc(ends, func(end string) bool { return f.with[end] })
		switch {
		case len(ends) > 0 && !paired, f.asWritten && !all[0].AsForm:
			return false
		case f.anywhere, f.in[country], country == "" && paired:
			return true
		}
		// P.T. Barnum: two letters with dots are initials, if nothing else is known.
		return country == "" && f.unknown && (!writtenAsForm(all) || utf8.RuneCountInString(formKey(all)) > 2)
	})
}
