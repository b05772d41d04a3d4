package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/kamflow/kamflow/config/sample"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// Deps are what a demo needs. Now, Concurrency and Patience may be left out.
type Deps struct {
	Service     service.Service
	Out         io.Writer
	Only        string // plays this script, and what must come before it; all when empty
	Now         func() time.Time
	Concurrency int           // cases at a time; 4 when 0
	Patience    time.Duration // for a state to be reached; a minute when 0
}

type demo struct {
	Deps
	scripts []Script
	people  map[kam.UserID]kam.Person
	screen  term.Screen
}

// Run plays the sample onboardings and tells what came of them. Its error says
// which of them did not go as their script expects.
func Run(ctx context.Context, deps Deps) error {
	d := &demo{Deps: deps, screen: term.For(deps.Out)}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Concurrency <= 0 {
		d.Concurrency = 4
	}
	if d.Patience <= 0 {
		d.Patience = time.Minute
	}
	var err error
	if d.scripts, err = Scripts(); err != nil {
		return err
	}
	if d.Only != "" {
		d.scripts = only(d.scripts, d.Only)
	}
	if err := Furnish(ctx, d.Service, d.Now(), d.say); err != nil {
		return fmt.Errorf("load the sample: %w", err)
	}
	if err := d.know(ctx); err != nil {
		return err
	}
	d.say("Playing %d cases.", len(d.scripts))
	all, err := d.play(ctx)
	if err != nil {
		return err
	}
	d.report(all)
	return offScript(all)
}

// only are one script and those that have to be over before it.
func only(all []Script, name string) []Script {
	var chain []Script
	for _, s := range slices.Backward(all) { // what comes before has the smaller name
		if s.Name == name {
			chain, name = append(chain, s), s.waitsFor()
		}
	}
	slices.Reverse(chain)
	return chain
}

// offScript joins what did not go as expected.
func offScript(all []played) error {
	var errs []error
	for _, p := range all {
		if p.off != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.script.Name, p.off))
		}
	}
	return errors.Join(errs...)
}

// watches is who of the sample's people reads what came of the cases.
var watches = service.As(sample.Auditor)

func (d *demo) know(ctx context.Context) error {
	list, err := d.Service.People(ctx, watches)
	if err != nil {
		return err
	}
	d.people = make(map[kam.UserID]kam.Person, len(list))
	for _, p := range list {
		d.people[p.ID] = p
	}
	return nil
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.Out, format+"\n", args...) }

// bar counts on a terminal and is silent elsewhere.
func (d *demo) bar(n int) func() {
	if d.screen.Width == 0 {
		return func() {}
	}
	b := progressbar.NewOptions(n, progressbar.OptionSetWriter(d.Out), progressbar.OptionSetDescription("Cases"),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	return func() { _ = b.Add(1) } // a bar that cannot be drawn is no reason to stop
}
