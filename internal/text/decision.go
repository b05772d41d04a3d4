package text

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/kamflow/kamflow/kam/rules"
)

// A decision record is kept as the bytes that it was made with, so its sentences
// have no Text beside them. They are made from the few formats of
// [rules.English], by which they are known again.
var decisions = sync.OnceValue(func() []decision {
	place := regexp.MustCompile(`\\\{(\d)\\\}`)
	var all []decision
	for _, format := range rules.English {
		all = append(all, decision{format, regexp.MustCompile("^" + place.ReplaceAllString(regexp.QuoteMeta(format), "(.+)") + "$")})
	}
	slices.SortFunc(all, func(a, b decision) int { // what says more is tried first
		if n := len(b.format) - len(a.format); n != 0 {
			return n
		}
		return strings.Compare(a.format, b.format)
	})
	return all
})

type decision struct {
	format string
	form   *regexp.Regexp
}

// Decision is a sentence of a decision record in the language of the printer;
// as it is, where it is of another form.
func (p *Printer) Decision(english string) string {
	if p.words == nil || english == "" {
		return english
	}
	for _, d := range decisions() {
		values := d.form.FindStringSubmatch(english)
		if values == nil {
			continue
		}
		c := rules.Catalogue{"": p.Word(d.format)}
		args := values[1:]
		for i := range args {
			if d.format == rules.English["ka.gate"] || d.format == rules.English["ka.NON_KA"] || d.format == rules.English["ka.watch"] {
				args[i] = p.Decision(args[i])
			}
		}
		return c.Text("", args...)
	}
	return english
}
