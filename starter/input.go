package main

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// freeText are the flags whose words may run over several lines.
var freeText = []string{"--reason", "--text"}

// checkArgs looks at what was typed, before any verb reads it: the database
// takes neither bytes that are no UTF-8 nor NUL, and a name with a control
// character in it is nobody's.
func checkArgs(args []string) error {
	for i, arg := range args {
		free := false
		for _, flag := range freeText {
			free = free || i > 0 && args[i-1] == flag || strings.HasPrefix(arg, flag+"=")
		}
		if err := checkWord(text.Say("input.argument", i+1), arg, free); err != nil {
			return err
		}
	}
	return checkWord("KAM_AS", os.Getenv("KAM_AS"), false)
}

func checkWord(name, word string, free bool) error {
	if !utf8.ValidString(word) {
		return kam.Errorf(kam.Invalid, "%s", text.Say("input.utf8", name)).Try(text.Say("input.utf8.try"))
	}
	for _, r := range word {
		if unicode.IsControl(r) && !(free && strings.ContainsRune("\n\r\t", r)) {
			return kam.Errorf(kam.Invalid, "%s", text.Say("input.control", name, r)).Try(text.Say("input.control.try"))
		}
	}
	return nil
}

// flagError says in plain words what is wrong with the value of a flag.
func flagError(_ *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return usageError{err}
	}
	id := ""
	switch kind := bad.GetFlag().Value.Type(); {
	case kind == "duration":
		id = "flag.span"
	case !strings.HasPrefix(kind, "int"):
		return usageError{err}
	case errors.Is(err, strconv.ErrRange):
		id = "flag.large"
	default:
		id = "flag.whole"
	}
	return kam.Errorf(kam.Invalid, "%s", text.Say(id, bad.GetValue())).On("--" + bad.GetFlag().Name).Try(text.Say(id + ".try"))
}

// within refuses a number that a flag does not take.
func within(flag string, n, least, most int) error {
	if n >= least && n <= most {
		return nil
	}
	return kam.Errorf(kam.Invalid, "%s", text.Say("flag.range", n, least, most)).On(flag).Try(text.Say("flag.range.try", least, most))
}

// oneOf refuses what is no word of a list.
func oneOf[T ~string](flag, id string, word T, list []T) error {
	if word == "" || slices.Contains(list, word) {
		return nil
	}
	return kam.Errorf(kam.Invalid, "%s", text.Say(id, string(word))).On(flag).Try(text.Say("one.of", joined(list)))
}

// unknown names the flag that gives somebody or something that nobody knows.
func unknown(f service.Filter, err error) error {
	e := kam.AsError(err)
	switch {
	case e == nil || e.Code != kam.NotFound:
	case e.Field == "requester":
		return kam.Errorf(kam.NotFound, "%s", text.Say("unknown.person", string(f.Requester))).On("--requester").Try(text.Say("unknown.person.try"))
	case e.Field == "territory":
		return kam.Errorf(kam.NotFound, "%s", text.Say("unknown.node", f.Territory)).On("--territory").Try(text.Say("unknown.node.try"))
	}
	return err
}

// flagFor adds to a refusal which flag gives what an act lacks.
func flagFor(act kam.ActName, err error) error {
	e := kam.AsError(err)
	if e == nil || e.Remedy != "" || e.Code != kam.Invalid && e.Code != kam.ReasonNeeded {
		return err
	}
	switch kam.Need(e.Field) {
	case kam.NeedReason:
		e.Try(text.Say("give.reason"))
		if act == kam.ActComment {
			e.Try(text.Say("give.text"))
		}
	case kam.NeedReasonCode:
		e.Try(text.Say("give.code", joined(kam.ReasonCodes)))
	case kam.NeedFields:
		e.Try(text.Say("give.fields"))
	case kam.NeedCustomer:
		e.Try(text.Say("give.customer"))
	case kam.NeedTier:
		e.Try(text.Say("give.tier", joined(kam.Tiers)))
	case kam.NeedAssignee:
		e.Try(text.Say("give.assignee"))
	}
	return err
}

// sendAgain tells how an act of which no answer came is sent again: the id is
// what makes it the same one.
func sendAgain(err error, decisionID string) error {
	if e := kam.AsError(err); e != nil && e.Code == kam.Unreachable {
		e.Remedy = text.Say("error.retry", decisionID)
	}
	return err
}

// checkFile refuses a file of which a reader would put other characters in
// the place of bytes that it does not know.
func checkFile(name string, b []byte) error {
	if at := kam.NotUTF8(b); at >= 0 {
		return faults(name, kam.Errorf(kam.Invalid, "%s", text.Say("file.utf8", lineOf(b, int64(at)), at+1)).Try(text.Say("file.utf8.try")))
	}
	return nil
}

// A fileError is all that is wrong with a file.
type fileError struct {
	name string
	errs []*kam.Error
}

func (e fileError) Error() string {
	lines := make([]string, len(e.errs))
	for i, x := range e.errs {
		lines[i] = e.name + ": " + x.Error()
	}
	return strings.Join(lines, "\n")
}

// faults is bad input in a file, nil where nothing is wrong.
func faults(name string, errs ...*kam.Error) error {
	if len(errs) == 0 {
		return nil
	}
	return usageError{fileError{name, errs}}
}

// fault is bad input in a file of which no field is at fault.
func fault(name, format string, args ...any) error {
	return faults(name, kam.Errorf(kam.Invalid, format, args...))
}

// faultsOf are the single errors of a file, for programs.
func faultsOf(err error) (name string, errs []*kam.Error) {
	var file fileError
	var table *importer.FileError
	switch {
	case errors.As(err, &file):
		return file.name, file.errs
	case errors.As(err, &table):
		for _, p := range table.Problems {
			errs = append(errs, kam.Errorf(kam.Invalid, "%s: %s", p.Place(), p.Message).On(p.Column).Try(p.Remedy))
		}
	}
	return "", errs
}
