package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

func itoa(n int) string { return strconv.Itoa(n) }

func historyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "history CASE",
		Short: "What happened, step by step, and how long each took",
		Args:  cobra.ExactArgs(1),
		RunE: a.asking(func(ctx context.Context, back service.Service, args []string) error {
			events, err := back.Events(ctx, a.me(), kam.CaseNo(args[0]))
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			for i := range events {
				if events[i].Restricted && events[i].Text == "" {
					events[i].Text = a.text("history.restricted")
				}
			}
			h := historyOf(events, a.now())
			if a.json {
				return a.printJSON(h)
			}
			a.history(h)
			return nil
		}),
	}
}

// historyJSON is a timeline with the time that each step took.
type historyJSON struct {
	CaseNo kam.CaseNo    `json:"case_no"`
	Lines  []historyLine `json:"events"`
	Steps  []stepTime    `json:"steps"`
	Total  float64       `json:"total_seconds"`
	People float64       `json:"people_seconds"`
	Engine float64       `json:"engine_seconds"`
}

type historyLine struct {
	onboarding.TimelineEntry
	DecisionID string `json:"decision_id,omitempty"`
	// Seconds since the event before.
	Seconds float64 `json:"seconds"`
}

type stepTime struct {
	Step    kam.StepCode `json:"step_code"`
	Name    string       `json:"name"`
	Visits  int          `json:"visits"`
	Seconds float64      `json:"seconds"`
}

// historyOf adds up the time in each step: from the transition that entered a
// state to the one that left it. An open case counts up to now.
func historyOf(events []kam.AuditEvent, now time.Time) historyJSON {
	var h historyJSON
	if len(events) == 0 {
		return h
	}
	h.CaseNo = events[0].CaseNo
	places := map[kam.StepCode]int{}
	state, since := onboarding.Draft, events[0].At
	spend := func(until time.Time) {
		took := max(0, until.Sub(since).Seconds())
		step := state.Spec().Step
		if state.Ended() {
			return
		}
		at, ok := places[step]
		if !ok {
			at = len(h.Steps)
			places[step] = at
			h.Steps = append(h.Steps, stepTime{Step: step, Name: stepLabel(step)})
		}
		h.Steps[at].Visits++
		h.Steps[at].Seconds += took
		h.Total += took
		if state.Kind() == kam.Human {
			h.People += took
		} else {
			h.Engine += took
		}
	}
	for i, e := range events {
		line := historyLine{TimelineEntry: entryOf(e), DecisionID: e.DecisionID}
		if i > 0 {
			line.Seconds = max(0, e.At.Sub(events[i-1].At).Seconds())
		}
		h.Lines = append(h.Lines, line)
		if e.To != "" && onboarding.State(e.To) != state {
			spend(e.At)
			state, since = onboarding.State(e.To), e.At
		}
	}
	if !state.Ended() {
		spend(now)
	}
	return h
}

func entryOf(e kam.AuditEvent) onboarding.TimelineEntry {
	return onboarding.TimelineEntry{Seq: e.Seq, At: e.At, Type: e.Type, Step: e.Step, From: onboarding.State(e.From), To: onboarding.State(e.To), Actor: e.Actor, For: e.OnBehalfOf, Code: e.ReasonCode, Text: e.Text}
}

// history shows when something happened where the second changes, and how long
// it took where that can be felt: what the engine does in one go reads as one.
func (a *app) history(h historyJSON) {
	t := term.NewTable(a.text("label.time"), a.text("label.step"), a.text("label.event"), a.text("label.to"), a.text("label.by"), a.text("label.took")+">", a.text("label.note"))
	clock := ""
	for i, l := range h.Lines {
		by := named(l.Actor, l.For)
		took := ""
		if i > 0 && l.Seconds >= 1 {
			took = span(l.Seconds)
		}
		to := ""
		if l.To != l.From {
			to = string(l.To)
		}
		at := a.screen.Clock(l.At)
		if at == clock {
			at = ""
		} else {
			clock = at
		}
		t.Row(at, string(l.Step), string(l.Type), to, by, took, strings.TrimSpace(l.Code+" "+a.words.Note(l.Text)))
	}
	a.printf("%s\n%s\n\n", t.Text(a.screen), a.screen.Bold(a.text("history.totals")))
	totals := term.NewTable(a.text("label.step"), a.text("label.took")+">")
	for _, s := range h.Steps {
		if s.Seconds < 1 {
			continue // it is in the engine's sum, or nobody had to wait
		}
		name := a.stepLabel(s.Step)
		if s.Visits > 1 {
			name += " (" + itoa(s.Visits) + "x)"
		}
		totals.Row(name, span(s.Seconds))
	}
	totals.Row(a.text("history.people"), a.sum(h.People))
	totals.Row(a.text("history.engine"), a.sum(h.Engine))
	totals.Row(a.text("history.total"), a.sum(h.Total))
	a.printf("%s", totals.Text(a.screen))
}

// named is who did something, and in whose place.
func named(by, giver kam.UserID) string {
	if giver == "" {
		return string(by)
	}
	return kam.StandIn{By: by, For: giver}.String()
}

// sum is a span that is never nothing.
func (a *app) sum(seconds float64) string {
	if seconds < 1 {
		return a.text("history.moment")
	}
	return span(seconds)
}

func span(seconds float64) string { return term.Span(time.Duration(seconds * float64(time.Second))) }
