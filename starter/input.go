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
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
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
		if err := checkWord(kam.Say("argument %d", i+1), arg, free); err != nil {
			return err
		}
	}
	return checkWord(kam.Word("KAM_AS"), os.Getenv("KAM_AS"), false)
}

func checkWord(name kam.Sentence, word string, free bool) error {
	if !utf8.ValidString(word) {
		return kam.Errorf(kam.Invalid, "%s is not UTF-8", name).Try("set the terminal to UTF-8 and type it again")
	}
	for _, r := range word {
		if unicode.IsControl(r) && !(free && strings.ContainsRune("\n\r\t", r)) {
			return kam.Errorf(kam.Invalid, "%s contains the control character U+%04X", name, r).Try("leave it out; only --reason and --text may have several lines")
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
	value := bad.GetValue()
	var e *kam.Error
	switch kind := bad.GetFlag().Value.Type(); {
	case kind == "duration":
		e = kam.Errorf(kam.Invalid, "%q is no span of time", value).Try("give one such as 30s, 5m or 2h")
	case !strings.HasPrefix(kind, "int"):
		return usageError{err}
	case errors.Is(err, strconv.ErrRange):
		e = kam.Errorf(kam.Invalid, "%q is too large", value).Try("give a smaller number")
	default:
		e = kam.Errorf(kam.Invalid, "%q is no whole number", value).Try("give one such as 20")
	}
	return e.On("--" + bad.GetFlag().Name)
}

// within refuses a number that a flag does not take.
func within(flag string, n, least, most int) error {
	if n >= least && n <= most {
		return nil
	}
	return kam.Errorf(kam.Invalid, "%d is not within %d to %d", n, least, most).On(flag).Try("give a number from %d to %d", least, most)
}

// oneOf refuses what is no word of a list.
func oneOf[T ~string](flag, what string, word T, list []T) error {
	if word == "" || slices.Contains(list, word) {
		return nil
	}
	return kam.Errorf(kam.Invalid, what, word).On(flag).Try("one of %s", kam.ListOf(list))
}

// unknown names the flag that gives somebody or something that nobody knows.
func unknown(f service.Filter, err error) error {
	e := kam.AsError(err)
	switch {
	case e == nil || e.Code != kam.NotFound:
	case e.Field == "requester":
		return kam.Errorf(kam.NotFound, "nobody is known as %s", string(f.Requester)).On("--requester").Try("user ids are lower case and exact, as show and list print them")
	case e.Field == "territory":
		return kam.Errorf(kam.NotFound, "there is no node %s in the tree of territories", f.Territory).On("--territory").Try("node codes are exact, as in DE-N-01; list prints them in the column Territory")
	}
	return err
}

// flagFor adds to a refusal which flag gives what an act lacks.
func flagFor(act onboarding.ActName, err error) error {
	e := kam.AsError(err)
	if e == nil || e.Remedy != "" || e.Code != kam.Invalid && e.Code != kam.ReasonNeeded {
		return err
	}
	switch onboarding.Need(e.Field) {
	case onboarding.NeedReason:
		e.Try("give --reason TEXT")
		if act == onboarding.ActComment {
			e.Try("give --text TEXT")
		}
	case onboarding.NeedReasonCode:
		e.Try("give --reason-code CODE, one of %s", kam.ListOf(onboarding.ReasonCodes))
	case onboarding.NeedFields:
		e.Try("give --field FIELD, once or more, or --reason TEXT")
	case onboarding.NeedCustomer:
		e.Try("give --customer NUMBER")
	case onboarding.NeedTier:
		e.Try("give --tier, one of %s", kam.ListOf(kam.Tiers))
	case onboarding.NeedAssignee:
		e.Try("give --to USER")
	}
	return err
}

// sendAgain tells how an act of which no answer came is sent again: the id is
// what makes it the same one.
func sendAgain(err error, decisionID string) error {
	if e := kam.AsError(err); e != nil && e.Code == kam.Unreachable {
		e.Try("send it again with --decision-id %s: it counts once, whether it was stored or not", decisionID)
	}
	return err
}

// checkFile refuses a file of which a reader would put other characters in
// the place of bytes that it does not know.
func checkFile(name string, b []byte) error {
	if at := kam.NotUTF8(b); at >= 0 {
		return faults(name, kam.Errorf(kam.Invalid, "line %d is not UTF-8 (byte %d of the file)", lineOf(b, int64(at)), at+1).Try("save the file as UTF-8"))
	}
	return nil
}

// A fileError is all that is wrong with a file.
type fileError struct {
	name string
	errs []*kam.Error
}

func (e fileError) Error() string { return e.lines(error.Error) }

// lines are the errors, one a line, as say has each of them.
func (e fileError) lines(say func(error) string) string {
	lines := make([]string, len(e.errs))
	for i, x := range e.errs {
		lines[i] = e.name + ": " + say(x)
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

// faultsOf are the single errors of a file, for programs.
func faultsOf(err error) (name string, errs []*kam.Error) {
	var file fileError
	var table *importer.FileError
	switch {
	case errors.As(err, &file):
		return file.name, file.errs
	case errors.As(err, &table):
		for _, p := range table.Problems {
			errs = append(errs, p.Error())
		}
	}
	return "", errs
}
