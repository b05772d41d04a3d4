package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/kamflow/kamflow/client"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store"
)

// A Store is what the demo needs of the record. *store.Store is one.
type Store interface {
	LoadOrg(ctx context.Context, a store.OrgAct, o store.Org) (store.OrgChange, error)
	LoadCustomers(ctx context.Context, book []store.BookCustomer) error
	LoadSales(ctx context.Context, facts []store.SalesFact) error
	RebuildABC(ctx context.Context, asOf time.Time) (id string, err error)
	LoadPolicy(ctx context.Context, a store.OrgAct, version int, text []byte) (store.OrgChange, error)
	LatestPolicy(ctx context.Context) (version int, text []byte, err error)
	RequestByKey(ctx context.Context, key string) (no kam.CaseNo, ok bool, err error)
	Case(ctx context.Context, no kam.CaseNo) (kam.Snapshot, error)
	CaseView(ctx context.Context, no kam.CaseNo) (store.CaseView, error)
	Events(ctx context.Context, no kam.CaseNo) ([]kam.AuditEvent, error)
	BaseOf(ctx context.Context, no kam.CaseNo) (store.Base, bool, error)
	People(ctx context.Context) ([]kam.Person, error)
}

// A Client starts cases and brings people's acts to them. *client.Client is
// one.
type Client interface {
	Start(ctx context.Context, r store.Request) (client.Started, error)
	Act(ctx context.Context, no kam.CaseNo, act kam.Act, data *kam.RequestData) (kam.Progress, error)
}

// Deps are what a demo needs. Now, Concurrency and Patience may be left out.
type Deps struct {
	Store       Store
	Client      Client
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
	if err := Furnish(ctx, d.Store, d.Now(), d.say); err != nil {
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

func (d *demo) know(ctx context.Context) error {
	list, err := d.Store.People(ctx)
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
