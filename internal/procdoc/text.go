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

// TextPicture is the path of a case of a type, one line per state and under
// the boxes of level 2, with the given state marked. A state off the path
// appears where it belongs. Been are the states that the case has been in, so
// that those it had no need of can be told; without them it has been in all
// that lie before.
func TextPicture(t kam.CaseType, state onboarding.State, been ...onboarding.State) string {
	var b strings.Builder
	path := onboarding.MainPathOf(t)
	at := slices.Index(path, state)
	side := besides[state]
	if !slices.Contains(path, side) {
		side = ""
	}
	here := max(at, slices.Index(path, side)+1) // how many lie before; none where it stands apart
	var process kam.StepCode
	for i, s := range path {
		if s == onboarding.Completed {
			break
		}
		if p := processOf(s); p != process {
			process = p
			fmt.Fprintf(&b, "  %s\n", p.Label())
		}
		visited := slices.Contains(been, s)
		switch {
		case i == at:
			writeLine(&b, "▶", s, true)
		case i < here && len(been) > 0 && !visited:
			b.WriteString(stateLine("–", s) + ", not needed\n")
		case i < here || here == 0 && visited:
			writeLine(&b, "│", s, false)
		default:
			writeLine(&b, "·", s, false)
		}
		if s == side {
			writeLine(&b, "└▶", state, true)
		}
	}
	switch {
	case state.Ended():
		fmt.Fprintf(&b, "  ■ %s\n", Name(state))
	case state.Kind() != "" && at < 0 && side == "":
		writeLine(&b, "▶", state, true)
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
