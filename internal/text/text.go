// Package text is what programs say to people, in their language. Words of the
// programs themselves stand in a catalogue under an id ([Printer.Say]). What is
// made further inside, an error or a finding, arrives as a finished English
// sentence with the format and the values that it was made from
// ([kam.Text]); the format is its key here ([Printer.Sentence]).
//
// English needs no entry for such a sentence. The Chinese catalogue is in
// zh_CN, one file for each package, and a test holds it against the source.
package text

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"

	"github.com/kamflow/kamflow/kam"
)

// Languages are those that texts are there in, the first for want of another.
var Languages = []language.Tag{language.English, language.SimplifiedChinese}

// A Printer says texts in one language. It may be used by many at once.
type Printer struct {
	tag   language.Tag
	words map[string]string // the catalogue; nil for English
	p     *message.Printer
}

// English says texts as they are in the source.
var English = sync.OnceValue(func() *Printer { return printer(language.English, nil) })

var chinese = sync.OnceValue(func() *Printer { return printer(language.SimplifiedChinese, zhCN()) })

// In is the printer for a language, given as a BCP 47 tag (zh-CN) or as the
// environment has it (zh_CN.UTF-8). ok is false where there are no texts in
// it, and the printer then is for English.
func In(lang string) (p *Printer, ok bool) {
	lang, _, _ = strings.Cut(lang, ".")
	lang, _, _ = strings.Cut(lang, "@")
	tag, err := language.Parse(lang)
	if err != nil {
		return English(), false
	}
	_, i, sure := language.NewMatcher(Languages).Match(tag)
	if i == 1 && sure >= language.High {
		return chinese(), true
	}
	return English(), i == 0 && sure >= language.High
}

// Wanted is the printer for the language that somebody asks for, else for that
// of the machine, where there are texts in it.
func Wanted(lang string) (*Printer, error) {
	if lang == "" {
		p, _ := In(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")))
		return p, nil
	}
	p, ok := In(lang)
	if !ok {
		return nil, kam.Errorf(kam.Invalid, "there are no texts in the language %q", kam.Clip(lang, 40)).On("lang").Try("one of %s", kam.ListOf(Languages))
	}
	return p, nil
}

// printer makes the printer of a language from its catalogue and the English
// one, which stands in for what it lacks.
func printer(tag language.Tag, words map[string]string) *Printer {
	b := catalog.NewBuilder(catalog.Fallback(language.English))
	set := func(tag language.Tag, id string, msg ...catalog.Message) {
		if err := b.Set(tag, id, msg...); err != nil {
			panic(fmt.Sprintf("text %q: %v", id, err)) // a mistake in a catalogue: every test of a text finds it
		}
	}
	for id, format := range english {
		set(language.English, id, catalog.String(format))
	}
	for id, p := range plurals {
		set(language.English, id, plural.Selectf(1, "%d", plural.One, p.one, plural.Other, p.other))
	}
	for key, format := range words {
		set(tag, key, catalog.String(format))
	}
	return &Printer{tag: tag, words: words, p: message.NewPrinter(tag, message.Catalog(b))}
}

// Lang is the language of the printer, a BCP 47 tag.
func (p *Printer) Lang() string { return p.tag.String() }

// Say is the text of an id with its arguments in place. An id that is unknown
// shows itself: a test sees to it that none is.
func (p *Printer) Say(id string, args ...any) string {
	if !Known(id) {
		return id
	}
	for i, a := range args {
		if s, ok := a.(kam.Sentence); ok {
			args[i] = p.Sentence(s)
		}
	}
	return p.p.Sprintf(id, args...)
}

// Known says whether English has the id.
func Known(id string) bool {
	if _, ok := english[id]; ok {
		return true
	}
	_, ok := plurals[id]
	return ok
}

// Sentence is a sentence in the language of the printer; as it is, where the
// catalogue lacks it, as with what was stored by earlier releases.
func (p *Printer) Sentence(s kam.Sentence) string {
	switch {
	case p.words == nil:
		return s.English
	case s.Text == nil:
		return p.Word(s.English)
	}
	if _, ok := p.words[s.Text.Key]; !ok && !frame(s.Text.Key) {
		return s.English
	}
	said := p.text(s.Text)
	if strings.Contains(said, "%!") { // the values do not fit: the key has changed its meaning since
		return s.English
	}
	return said
}

// Word is a word or sentence without values.
func (p *Printer) Word(english string) string {
	if said, ok := p.words[english]; ok {
		return said
	}
	return english
}

// Help are the keys of the help of the commands.
func Help() map[string]string { return chineseFile(helpFile) }

// Knows says that the catalogue has a word or sentence.
func (p *Printer) Knows(english string) bool {
	_, ok := p.words[english]
	return ok
}

func (p *Printer) text(t *kam.Text) string {
	if len(t.Args) == 0 {
		return p.Word(t.Key)
	}
	return p.p.Sprintf(t.Key, t.Values(p.text, func(all []string) string { return strings.Join(all, p.listing()) })...)
}

// listing is what stands between the members of a list.
func (p *Printer) listing() string {
	if p.words == nil {
		return ", "
	}
	return "、"
}

// frame says that a key has no words of its own, only places for values.
func frame(key string) bool {
	return strings.Trim(key, "%sqvd:;,.[]() ") == ""
}

// Error is an error in the language of the printer, as [kam.Error.Error] has it
// in English; an error of another kind is shown as it is.
func (p *Printer) Error(err error) string {
	e := kam.AsError(err)
	if e == nil || err.Error() != e.Error() {
		return err.Error()
	}
	return p.Sentence(e.Sentence())
}
