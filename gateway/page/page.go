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
	"time"

	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
)

// A Frame is what stands around every page.
type Frame struct {
	Title  string
	Person *kam.Person // who is signed in; nil where nobody is
	Form   string      // the token that every form of the page carries
	Wrong  *Wrong      // what was refused, where something was
	Done   string      // what was done, where something was
}

// Wrong is what was refused, with what to do about it.
type Wrong struct{ Text, Field, Rule, Remedy string }

// WrongOf is a refusal as a page tells it, nil where an error is none.
func WrongOf(err error) *Wrong {
	e := kam.AsError(err)
	if e == nil {
		return nil
	}
	return &Wrong{Text: e.Msg, Field: e.Field, Rule: e.Rule, Remedy: e.Remedy}
}

// A View is what a template is given: the frame, and what the page itself shows.
type View[T any] struct {
	Frame
	Page T
}

// A Template writes the pages that show a T.
type Template[T any] struct {
	parsed *template.Template
	name   string
}

//go:embed frame.html frame.css
var files embed.FS

var functions = template.FuncMap{
	"say":   func(id string, args ...any) string { return text.English().Say(id, args...) },
	"asset": func(name string) (string, error) { return assets.path(name) },
	"day":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}

var frame = template.Must(template.New("frame.html").Funcs(functions).ParseFS(files, "frame.html"))

// Parse reads the template of a page, which defines "main". It panics where the
// template cannot be read: it is part of the program.
func Parse[T any](dir fs.FS, name string) *Template[T] {
	t := template.Must(template.Must(frame.Clone()).ParseFS(dir, name))
	return &Template[T]{t, name}
}

// Parsed is the template itself, for tests that check it against its type.
func (t *Template[T]) Parsed() *template.Template { return t.parsed }

// Write writes a page. What fails, fails before the first byte.
func (t *Template[T]) Write(w http.ResponseWriter, status int, f Frame, data T) error {
	var b bytes.Buffer
	if err := t.parsed.ExecuteTemplate(&b, "frame.html", View[T]{f, data}); err != nil {
		return fmt.Errorf("write the page %s: %w", t.name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(cmp.Or(status, http.StatusOK))
	_, err := w.Write(b.Bytes())
	return err
}
