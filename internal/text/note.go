package text

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// Note is a sentence that is kept as finished English, without what it was made
// from, in the language of the printer: of the audit trail, a task, a proposal, a
// check, the record of a decision. It is known again by its form, whole or in the
// parts that "; " and ": " join; what is not, as what a person wrote, stays.
func (p *Printer) Note(english string) string {
	if p.words == nil {
		return english
	}
	lines := strings.Split(english, "\n")
	for i, line := range lines {
		lines[i], _ = p.note(line)
	}
	return strings.Join(lines, "\n")
}

func (p *Printer) note(english string) (said string, known bool) {
	if said, known = p.whole(english); known || english == "" {
		return said, known
	}
	head, rest, cut := strings.Cut(english, ": ")
	if cut {
		if said, known := p.whole(rest); known {
			head, _ = p.note(head)
			return head + "：" + said, true
		}
	}
	if parts := strings.Split(english, "; "); len(parts) > 1 {
		return p.parts(parts, "；")
	}
	if cut {
		return p.parts([]string{head, rest}, "：")
	}
	return english, false
}

// parts are the parts of a sentence, which stays as it is where none is known.
func (p *Printer) parts(all []string, joined string) (said string, known bool) {
	out := make([]string, len(all))
	for i, part := range all {
		var ok bool
		out[i], ok = p.note(part)
		known = known || ok
	}
	if !known {
		joined = map[string]string{"；": "; ", "：": ": "}[joined]
	}
	return strings.Join(out, joined), known
}

// whole is a sentence of one form.
func (p *Printer) whole(english string) (said string, known bool) {
	if said, known = p.words[english]; known {
		return said, true
	}
	for _, f := range forms() {
		if !strings.Contains(english, f.telling) {
			continue
		}
		values := f.known.FindStringSubmatch(english)
		if values == nil || !f.nests && slices.ContainsFunc(values[1:], func(v string) bool { return strings.Contains(v, ": ") || strings.Contains(v, "; ") }) {
			continue // other sentences come behind this one
		}
		return p.fill(p.words[f.key], values[1:]), true
	}
	return english, false
}

// fill puts values into the places of a format.
func (p *Printer) fill(format string, values []string) string {
	next := 0
	return formPlace.ReplaceAllStringFunc(format, func(place string) string {
		at := next
		if n := strings.Trim(place, "{}%[]abcdefghijklmnopqrstuvwxyz.+"); n != "" && (place[0] == '{' || strings.Contains(place, "[")) {
			at, _ = strconv.Atoi(n)
			if place[0] != '{' {
				at--
			}
		}
		next = at + 1
		if place == "%%" {
			next--
			return "%"
		}
		said, _ := p.note(values[at])
		return said
	})
}

// A form is a key by which a finished English sentence is known again.
type form struct {
	key, telling string // telling is its longest run of words, for a quick look
	known        *regexp.Regexp
	nests        bool // a value may be a sentence of parts
}

var formPlace = regexp.MustCompile(`\{\d\}|%%|%(?:\[\d+\])?[.+0-9]*[a-z]`)

// formLetters is how many letters a key must have besides its places: "%s is %s"
// tells nothing. Those of decisions, with {0}, are few and tell enough.
const formLetters = 6

// forms are those of the Chinese catalogue; who says more is tried first.
var forms = sync.OnceValue(func() []form {
	var all []form
	letters := map[string]int{}
	for key := range zhCN() {
		places, words := formPlace.FindAllString(key, -1), formPlace.Split(key, -1)
		if _, isID := english[key]; isID || len(places) == 0 || strings.Contains(key, "%[") {
			continue
		}
		for _, r := range strings.Join(words, "") {
			if unicode.IsLetter(r) {
				letters[key]++
			}
		}
		if letters[key] < formLetters && !strings.Contains(key, "{0}") {
			continue
		}
		known := "^" + regexp.QuoteMeta(words[0])
		for i, place := range places {
			switch {
			case place == "%%":
				known += "%"
			case strings.HasSuffix(place, "d"):
				known += `(-?\d+)`
			default:
				known += "(.+?)"
			}
			known += regexp.QuoteMeta(words[i+1])
		}
		telling := slices.MaxFunc(words, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
		all = append(all, form{key, telling, regexp.MustCompile(known + "$"), strings.Contains(key, ": ")})
	}
	slices.SortFunc(all, func(a, b form) int {
		return cmp.Or(cmp.Compare(letters[b.key], letters[a.key]), cmp.Compare(a.key, b.key))
	})
	return all
})
