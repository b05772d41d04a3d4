// Package procdoc prints the process as people read it: the pages
// docs/process.md and docs/permissions.md, the picture docs/process.svg, and a
// picture in text for terminals. All of it comes from the tables of package
// kam; nothing is written by hand twice.
//
//go:generate go run ./cmd ../../docs
package procdoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// besides says beside which state of the main path a state stands that only
// some cases get to.
var besides = map[onboarding.State]onboarding.State{
	onboarding.DuplicateReview:  onboarding.Identifying,
	onboarding.ChangesRequested: onboarding.DataEntry,
	onboarding.ComplianceReview: onboarding.Deciding,
	onboarding.ValidationReview: onboarding.Validating,
}

// Name is a state in words: "Awaiting confirmation".
func Name(s onboarding.State) string {
	words := strings.ToLower(strings.ReplaceAll(string(s), "_", " "))
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// A Mark says how a case stands to a state of its path.
type Mark string

// The marks.
const (
	MarkBeen     Mark = "been"
	MarkHere     Mark = "here"
	MarkUnneeded Mark = "unneeded" // it lies before, and the case had no need of it
	MarkAhead    Mark = "ahead"
)

// A PathStep is one state on the path of a case.
type PathStep struct {
	Process kam.StepCode // the box of level 2 that it belongs to
	State   onboarding.State
	Mark    Mark
	Side    bool // it stands beside the path, behind the step before
}

// Path is the path of a case of a type, with the given state marked. A state off
// the path appears where it belongs, at the end where it belongs nowhere. Been are
// the states that the case has been in, so that those it had no need of can be told;
// without them it has been in all that lie before.
func Path(t kam.CaseType, state onboarding.State, been ...onboarding.State) []PathStep {
	var steps []PathStep
	path := onboarding.MainPathOf(t)
	at := slices.Index(path, state)
	side := besides[state]
	if !slices.Contains(path, side) {
		side = ""
	}
	here := max(at, slices.Index(path, side)+1) // how many lie before; none where it stands apart
	for i, s := range path {
		if s == onboarding.Completed {
			break
		}
		visited, mark := slices.Contains(been, s), MarkAhead
		switch {
		case i == at:
			mark = MarkHere
		case i < here && len(been) > 0 && !visited:
			mark = MarkUnneeded
		case i < here || here == 0 && visited:
			mark = MarkBeen
		}
		steps = append(steps, PathStep{processOf(s), s, mark, false})
		if s == side {
			steps = append(steps, PathStep{processOf(s), state, MarkHere, true})
		}
	}
	if state.Kind() != "" && !state.Ended() && at < 0 && side == "" {
		steps = append(steps, PathStep{State: state, Mark: MarkHere})
	}
	return steps
}

// TextPicture is [Path] in text, one line per state and under the boxes of level 2.
func TextPicture(t kam.CaseType, state onboarding.State, been ...onboarding.State) string {
	var b strings.Builder
	var process kam.StepCode
	for _, s := range Path(t, state, been...) {
		if s.Process != process && s.Process != "" {
			process = s.Process
			fmt.Fprintf(&b, "  %s\n", process.Label())
		}
		switch {
		case s.Side:
			writeLine(&b, "└▶", s.State, true)
		case s.Mark == MarkHere:
			writeLine(&b, "▶", s.State, true)
		case s.Mark == MarkUnneeded:
			b.WriteString(stateLine("–", s.State) + ", not needed\n")
		case s.Mark == MarkBeen:
			writeLine(&b, "│", s.State, false)
		default:
			writeLine(&b, "·", s.State, false)
		}
	}
	if state.Ended() {
		fmt.Fprintf(&b, "  ■ %s\n", Name(state))
	}
	return b.String()
}

// processOf is the box of level 2 that a state belongs to. Entering data is
// drawn in 1.1, as on the deck's page, until it comes after 1.1.5.
func processOf(s onboarding.State) kam.StepCode {
	switch s {
	case onboarding.DataEntry:
		return "1.1"
	case onboarding.AwaitingCompletion:
		return "1.2"
	}
	code := string(s.Spec().Step)
	return kam.StepCode(code[:min(3, len(code))])
}

func stateLine(mark string, s onboarding.State) string {
	return fmt.Sprintf("    %-2s %-46s %s", mark, s.Label(), Name(s))
}

func writeLine(b *strings.Builder, mark string, s onboarding.State, here bool) {
	line := stateLine(mark, s)
	if spec := s.Spec(); here && spec.WaitsFor != "" {
		line += ", waits for " + spec.WaitsFor
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
