package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
)

// The exit statuses.
const (
	exitDone        = 0
	exitRefused     = 1  // the process said no
	exitUsage       = 2  // bad usage or input
	exitUnreachable = 3  // a system does not answer, or an answer is not confirmed
	exitTampered    = 10 // audit verify: a chain is broken
	exitUnsure      = 11 // audit verify: cannot decide
)

// usageError is what the caller got wrong on the command line or in a file.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{said{kam.Say(format, args...)}} }

// said is an error that is a sentence and no more.
type said struct{ kam.Sentence }

func (s said) Error() string { return s.English }

// exitError carries a status that no kam code stands for.
type exitError struct {
	status int
	error
}

func (e exitError) Unwrap() error { return e.error }

// status is the exit status of an error.
func status(err error) int {
	var exit exitError
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &exit):
		return exit.status
	case errors.As(err, &usage):
		return exitUsage
	}
	switch kam.CodeOf(err) {
	case kam.Invalid, kam.NotFound, kam.IDReused:
		return exitUsage
	case kam.Unreachable, kam.Fault, "":
		return exitUnreachable
	default:
		return exitRefused
	}
}

// errorJSON is what --json writes to standard error. Of a file in which more
// than one thing is wrong, Error is the first and Errors are all.
type errorJSON struct {
	Error  *kam.Error   `json:"error"`
	Errors []*kam.Error `json:"errors,omitempty"`
	File   string       `json:"file,omitempty"`
	Status int          `json:"exit_status"`
}

// report tells the person what went wrong and what would help.
func (a *app) report(err error) {
	e := kam.AsError(err)
	st := status(err)
	file, all := faultsOf(err)
	if a.json {
		if len(all) > 0 {
			e = all[0]
		}
		if len(all) == 1 {
			all = nil
		}
		if e == nil {
			code := kam.Unreachable
			if st == exitUsage {
				code = kam.Invalid
			}
			e = kam.Errorf(code, "%s", err)
		}
		if b, err := json.Marshal(errorJSON{Error: e, Errors: all, File: file, Status: st}); err == nil {
			fmt.Fprintf(a.err, "%s\n", b)
			return
		}
	}
	head := a.text("error.head")
	switch st {
	case exitUsage:
		head = a.text("error.usage")
	case exitUnreachable:
		head = a.text("error.unreachable")
	case exitUnsure:
		head = a.text("error.unsure")
	}
	if e == nil {
		fmt.Fprintf(a.err, "%s: %s\n", head, term.CleanLines(a.saying(err)))
		return
	}
	msg := a.words.Sentence(e.Message())
	if e.Field != "" {
		msg = e.Field + ": " + msg
	}
	fmt.Fprintf(a.err, "%s: %s (%s)\n", head, term.Clean(msg), e.Code)
	if e.Rule != "" {
		fmt.Fprintf(a.err, "  %s: %s\n", a.text("error.rule"), term.Clean(e.Rule))
	}
	if e.Remedy != "" {
		fmt.Fprintf(a.err, "  %s: %s\n", a.text("error.remedy"), term.Clean(a.words.Sentence(e.HowTo())))
	}
}

// saying is an error without a code in the person's language: the sentences
// within it are.
func (a *app) saying(err error) string {
	whole := err.Error()
	put := func(english, said string) { whole = strings.Replace(whole, english, said, 1) }
	var sentence said
	var file fileError
	var table *importer.FileError
	if errors.As(err, &sentence) {
		put(sentence.English, a.words.Sentence(sentence.Sentence))
	}
	if errors.As(err, &file) {
		put(file.Error(), file.lines(a.words.Error))
	}
	if errors.As(err, &table) {
		for _, p := range table.Problems {
			put(p.String(), a.words.Sentence(p.Sentence()))
		}
	}
	if errors.As(err, new(nothing)) {
		put(nothingStaged, a.words.Word(nothingStaged))
	}
	return a.words.Note(whole)
}

// unreachable says that a system does not answer, keeping what already says
// something about the process.
func unreachable(what string, err error) error {
	if err == nil || kam.CodeOf(err) != "" || errors.Is(err, context.Canceled) {
		return err
	}
	var usage usageError
	if errors.As(err, &usage) {
		return err
	}
	return kam.Errorf(kam.Unreachable, "%s: %s", what, strings.TrimSpace(err.Error())).Try("start it with: go run ./standalone; or say where it is: starter login --gateway https://HOST")
}
