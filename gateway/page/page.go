// Package page writes pages: what they share, the frame, its look and its words.
// A page is a folder below gateway/pages with its template, its style where it
// needs one of its own, its handlers and its test.
package page

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
)

// A Frame is what stands around every page. The gateway fills it for each visit.
type Frame struct {
	Title  string
	Person *kam.Person // who is signed in; nil where nobody is
	Form   string      // the token that every form of the page carries
	Wrong  *Wrong      // what was refused, where something was
	Done   string      // what was done, where something was
	Words  Words
	At     string // the path of the page
	Here   string // the same with its query: where a change of language comes back to
	Waits  Waits
}

// Waits is how many tasks wait for whoever is signed in, and how many of them are
// late.
type Waits struct{ All, Late int }

// Wrong is what was refused, with what to do about it.
type Wrong struct {
	Text, Remedy      kam.Sentence
	Field, Rule, Code string
}

// WrongOf is a refusal as a page tells it, nil where an error is none.
func WrongOf(err error) *Wrong {
	e := kam.AsError(err)
	if e == nil {
		return nil
	}
	return &Wrong{Text: e.Message(), Remedy: e.HowTo(), Field: e.Field, Rule: e.Rule, Code: string(e.Code)}
}

// A View is what a template is given: the frame, and what the page itself shows.
type View[T any] struct {
	Frame
	Page T
}

// A Template writes the pages that show a T. Its functions speak the language of
// whoever it is written for, so each writing takes a copy of its own; copies are
// kept for the next.
type Template[T any] struct {
	name string
	base *template.Template
	mu   sync.Mutex
	idle []*writer
}

// A writer is a copy of a template with the words that its functions use.
type writer struct {
	*template.Template
	words Words
}

//go:embed frame.html parts.html frame.css frame.js
var files embed.FS

var frame = template.Must(template.New("frame.html").Funcs((&Words{Printer: text.English(), Zone: time.UTC}).functions()).ParseFS(files, "frame.html", "parts.html"))

// A Part is a template that several pages use.
type Part struct {
	Dir  fs.FS
	Name string
}

// Parse reads the template of a page, which defines "main", and the parts that it
// uses. It panics where one cannot be read: they are part of the program.
func Parse[T any](dir fs.FS, name string, parts ...Part) *Template[T] {
	t := template.Must(frame.Clone())
	for _, p := range append(parts, Part{dir, name}) {
		t = template.Must(t.ParseFS(p.Dir, p.Name))
	}
	return &Template[T]{name: name, base: t}
}

// Parsed is the template itself, for tests that check it against its type.
func (t *Template[T]) Parsed() *template.Template { return t.base }

// Name is that of the file.
func (t *Template[T]) Name() string { return t.name }

func (t *Template[T]) take() (*writer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.idle); n > 0 {
		w := t.idle[n-1]
		t.idle = t.idle[:n-1]
		return w, nil
	}
	own, err := t.base.Clone()
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.Template = own.Funcs(w.words.functions())
	return w, nil
}

func (t *Template[T]) give(w *writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = append(t.idle, w)
}

// Bytes are a page. What in it could turn the direction of writing or hide is
// shown as what it is.
func (t *Template[T]) Bytes(f Frame, data T) ([]byte, error) {
	w, err := t.take()
	if err != nil {
		return nil, err
	}
	defer t.give(w)
	w.words = f.Words.whole()
	f.Words = w.words
	var b bytes.Buffer
	if err := w.ExecuteTemplate(&b, "frame.html", View[T]{f, data}); err != nil {
		return nil, fmt.Errorf("write the page %s: %w", t.name, err)
	}
	return shown(b.Bytes()), nil
}

// Write writes a page. What fails, fails before the first byte.
func (t *Template[T]) Write(w http.ResponseWriter, status int, f Frame, data T) error {
	b, err := t.Bytes(f, data)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", f.Words.whole().Lang())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(cmp.Or(status, http.StatusOK))
	_, err = w.Write(b)
	return err
}

// shown makes visible what a name or a note could hide by: marks that turn the
// direction of writing, that have no width, or that no text has.
func shown(page []byte) []byte {
	if bytes.IndexFunc(page, hides) < 0 {
		return page
	}
	var b bytes.Buffer
	for _, r := range string(page) {
		if hides(r) {
			fmt.Fprintf(&b, "[U+%04X]", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.Bytes()
}

func hides(r rune) bool {
	switch {
	case r == '\n', r == '\t', r == '\r':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case r == 0x061c, r == 0x180e, r == 0x200b, r == 0x200e, r == 0x200f, r == 0x2028, r == 0x2029, r == 0xfeff:
		return true
	}
	return r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r >= 0xe0000 && r <= 0xe007f
}
