package kam

import (
	"slices"
	"strings"
)

// A Table is how one kind of process moves, whole: the states that it has, and
// every row that leads from one to another. The engine moves by it, documents
// and pictures are printed from it, and one test goes through it under all
// facts. So a further process brings a table and its stages.
//
// F are the facts of the process that the guards look at.
type Table[S, E ~string, F any] struct {
	States StatesOf[S]
	Rows   []Row[S, E, F]
	// Where resolves a target that depends on the facts; nil where none does.
	Where func(to S, f F) S
}

// A Row is one transition: what takes a process from one state to the next.
type Row[S, E ~string, F any] struct {
	From   S
	Event  E
	Guard  Guard[F]
	To     S
	By     []Actor
	Effect string
}

// Next is the row that the event takes from a state under the given facts, with
// To resolved; WRONG_STATE where there is none. There is never more than one:
// the exhaustive test shows it.
func (t Table[S, E, F]) Next(from S, event E, f F) (Row[S, E, F], error) {
	for i := range t.Rows {
		if r := &t.Rows[i]; r.From == from && r.Event == event && r.Guard.Holds(f) {
			row := *r
			if t.Where != nil {
				row.To = t.Where(row.To, f)
			}
			return row, nil
		}
	}
	return Row[S, E, F]{}, Errorf(WrongState, "%s is not possible in state %s", event, from)
}

// Takes says whether any row leaves from on event, whatever the facts.
func (t Table[S, E, F]) Takes(from S, event E) bool {
	for i := range t.Rows {
		if t.Rows[i].From == from && t.Rows[i].Event == event {
			return true
		}
	}
	return false
}

// StatesOf are the states of a process, in their order.
type StatesOf[S ~string] []StateOf[S]

// StateOf is one state of a process.
type StateOf[S ~string] struct {
	State    S
	Kind     StateKind
	WaitsFor string // of a human state: the person
	Owes     Party  // of a human state: whose time it is, where no queue says otherwise
	Step     StepCode
	Task     TaskKind // the task that a human state opens
}

// Spec is the row of a state, zero for an unknown one.
func (l StatesOf[S]) Spec(s S) StateOf[S] {
	for i := range l {
		if l[i].State == s {
			return l[i]
		}
	}
	return StateOf[S]{}
}

// StateKind says who moves a process out of a state.
type StateKind string

// The three kinds of state.
const (
	Human     StateKind = "HUMAN"
	Automatic StateKind = "AUTOMATIC"
	End       StateKind = "END"
)

// Actor is who brings an event about.
type Actor string

// The actors of the tables.
const (
	ByRequester  Actor = "requester"
	BySteward    Actor = "data_steward"
	ByCompliance Actor = "compliance_reviewer"
	ByConfirmer  Actor = "confirming manager"
	ByEndorser   Actor = "endorser"
	ByManager    Actor = "manager"
	ByUploader   Actor = "uploader"
	ByPolicy     Actor = "policy_admin"
	ByOperator   Actor = "operator"
	ByTimer      Actor = "timer"
	BySystem     Actor = "system"
)

// A Guard is a condition on the facts F. No words stand beside a test: the text
// of a condition is made of its parts, as its test is made of their tests, so
// the two cannot part. The zero Guard always holds.
type Guard[F any] struct {
	text, contrary string
	test           func(F) bool // nil: whoever brings the event about has seen to it
	parts          []Guard[F]
	either         bool   // parts joined by "or"
	term, means    string // of a condition that its words do not explain
}

// Fact is a condition on one fact. What stands in braces belongs to the contrary
// alone, and what stands in parentheses at the end explains the condition among
// the terms of the table: "identity {not }changed (since the last search)".
func Fact[F any](words string, test func(F) bool) Guard[F] {
	words, means, explained := strings.Cut(strings.TrimSuffix(words, ")"), " (")
	before, rest, _ := strings.Cut(words, "{")
	no, after, _ := strings.Cut(rest, "}")
	g := Guard[F]{text: before + after, contrary: before + no + after, test: test}
	if explained {
		g.term, g.means = g.text, means
	}
	return g
}

// Given is a condition that whoever brings the event about has seen to: the
// form of an act, a deadline. No fact is left to be tested.
func Given[F any](words string) Guard[F] { return Guard[F]{text: words} }

// Not is the contrary of a guard.
func Not[F any](g Guard[F]) Guard[F] {
	holds := g.Holds
	g.text, g.contrary, g.either = g.contrary, g.text, false
	g.test = func(f F) bool { return !holds(f) }
	return g
}

// And holds where every guard holds: "NEW, confirmed".
func And[F any](guards ...Guard[F]) Guard[F] {
	return compose(guards, ", ", func(f F) bool {
		for _, g := range guards {
			if !g.Holds(f) {
				return false
			}
		}
		return true
	})
}

// Or holds where any guard holds: "NEW, confirmed; or DEACTIVATE".
func Or[F any](guards ...Guard[F]) Guard[F] {
	g := compose(guards, "; or ", func(f F) bool {
		for _, g := range guards {
			if g.Holds(f) {
				return true
			}
		}
		return false
	})
	g.either = true
	return g
}

func compose[F any](parts []Guard[F], between string, test func(F) bool) Guard[F] {
	words := make([]string, len(parts))
	for i, p := range parts {
		if words[i] = p.text; p.either {
			words[i] = "(" + p.text + ")"
		}
	}
	text := strings.Join(words, between)
	return Guard[F]{text: text, contrary: "not (" + text + ")", test: test, parts: parts}
}

// As gives a guard a name, written as the words of [Fact]. What it stands for is
// among the terms of the table.
func (g Guard[F]) As(name string) Guard[F] {
	named := Fact(name+" ("+g.text+")", g.test)
	named.parts = g.parts
	return named
}

// Holds says whether the condition holds under the facts.
func (g Guard[F]) Holds(f F) bool { return g.test == nil || g.test(f) }

// String is the condition in words, empty for one that always holds.
func (g Guard[F]) String() string { return g.text }

// Facts are the conditions on single facts that the guard is made of.
func (g Guard[F]) Facts() []Guard[F] {
	if g.parts == nil && g.test != nil {
		return []Guard[F]{g}
	}
	var all []Guard[F]
	for _, p := range g.parts {
		all = append(all, p.Facts()...)
	}
	return all
}

// A Term is a condition that its words alone do not explain, and what it means.
type Term struct{ Name, Means string }

// Terms are those in the guards of the table, each once.
func (t Table[S, E, F]) Terms() []Term {
	var all []Term
	var look func([]Guard[F])
	look = func(guards []Guard[F]) {
		for _, g := range guards {
			if x := (Term{g.term, g.means}); x.Name != "" && !slices.Contains(all, x) {
				all = append(all, x)
			}
			look(g.parts)
		}
	}
	for _, r := range t.Rows {
		look([]Guard[F]{r.Guard})
	}
	return all
}
