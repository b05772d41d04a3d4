package kam

import "errors"

// A Code says what kind of thing went wrong. Codes travel: they are the type
// of the Temporal application error, the key in JSON and the ground of the
// starter's exit status, so a code once released keeps its spelling.
type Code string

// The codes of the process. ErrorCodes lists them with their meaning.
const (
	Invalid        Code = "INVALID"         // the request breaks a rule of form
	NotFound       Code = "NOT_FOUND"       // no such case, customer, person or task
	Forbidden      Code = "FORBIDDEN"       // the person may not do this
	Separation     Code = "SEPARATION"      // separation of duties, SOD1..SOD3
	WrongState     Code = "WRONG_STATE"     // the case is not waiting for this
	StaleRevision  Code = "STALE_REVISION"  // decided on data that has changed
	AlreadyDecided Code = "ALREADY_DECIDED" // somebody else decided first
	TooLate        Code = "TOO_LATE"        // after the commit
	RoundsUsed     Code = "ROUNDS_USED"     // no change round is left
	ReasonNeeded   Code = "REASON_NEEDED"   // a reason, code or note is missing
	IDReused       Code = "ID_REUSED"       // same id, other content
	OpenCaseExists Code = "OPEN_CASE_EXISTS"
	Claimed        Code = "CLAIMED" // a colleague has taken the task from the queue
	TargetInvalid  Code = "TARGET_INVALID"
	NotSigned      Code = "NOT_SIGNED"  // not signed, or by somebody else, for something else or too long ago
	Unreachable    Code = "UNREACHABLE" // a system that is needed does not answer
	Fault          Code = "FAULT"       // retrying will not cure it; an operator must look
)

// Error implements error, so that errors.Is(err, Forbidden) reads well.
func (c Code) Error() string { return string(c) }

// An Error is a failure that a person can act on: it names field, rule and
// remedy where there are such. Anything else is a fault of the system. Msg and
// Remedy are finished English; Said and Advice say them in other languages.
type Error struct {
	Code   Code   `json:"code"`
	Msg    string `json:"message"`
	Field  string `json:"field,omitempty"`
	Rule   string `json:"rule,omitempty"`
	Remedy string `json:"remedy,omitempty"`
	// Hash is the current material_hash with STALE_REVISION.
	Hash   string `json:"material_hash,omitempty"`
	Said   *Text  `json:"message_text,omitempty"`
	Advice *Text  `json:"remedy_text,omitempty"`
}

func (e *Error) Error() string {
	s := e.Msg
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Rule != "" {
		s += " [" + e.Rule + "]"
	}
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// Unwrap lets errors.Is find the code.
func (e *Error) Unwrap() error { return e.Code }

// Errorf makes an Error with a code and a message.
func Errorf(code Code, format string, args ...any) *Error {
	e := &Error{Code: code}
	return e.Say(format, args...)
}

// Say gives the Error another message.
func (e *Error) Say(format string, args ...any) *Error {
	e.Msg, e.Said = Textf(format, args...)
	return e
}

// On names the field that is wrong.
func (e *Error) On(field string) *Error { e.Field = field; return e }

// By names the rule that refuses.
func (e *Error) By(rule string) *Error { e.Rule = rule; return e }

// Try names the remedy.
func (e *Error) Try(format string, args ...any) *Error {
	e.Remedy, e.Advice = Textf(format, args...)
	return e
}

// Advise names a remedy that is a sentence already.
func (e *Error) Advise(remedy Sentence) *Error {
	e.Remedy, e.Advice = remedy.English, remedy.Text
	return e
}

// Message is the message as a value within another sentence.
func (e *Error) Message() Sentence { return Sentence{e.Msg, e.Said} }

// HowTo is the remedy as a Sentence.
func (e *Error) HowTo() Sentence { return Sentence{e.Remedy, e.Advice} }

// Sentence is what Error says.
func (e *Error) Sentence() Sentence { return Sentence{e.Error(), e.whole()} }

func (e *Error) whole() *Text {
	t := textOf(e.Msg, e.Said)
	if e.Field != "" {
		t = &Text{"%s: %s", []Arg{{e.Field}, {t}}}
	}
	if e.Rule != "" {
		t = &Text{"%s [%s]", []Arg{{t}, {e.Rule}}}
	}
	if e.Remedy != "" {
		t = &Text{"%s; %s", []Arg{{t}, {textOf(e.Remedy, e.Advice)}}}
	}
	return t
}

// About is err as an Error about a field. One that has its rule and its remedy
// keeps them, so that it is told once and not within another.
func About(field string, err error) *Error {
	e := AsError(err)
	if e == nil {
		return Errorf(Invalid, "%s", err).On(field)
	}
	own := *e
	return own.On(field)
}

// CodeOf is the code of err, empty for a fault of the system.
func CodeOf(err error) Code {
	var code Code
	if errors.As(err, &code) {
		return code
	}
	return ""
}

// AsError is the Error within err, nil if there is none.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
