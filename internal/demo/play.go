package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

// A played case is what became of one script.
type played struct {
	script Script
	view   service.CaseView
	events []kam.AuditEvent
	// changed are the fields in which the request differs from the customer as
	// the case found it.
	changed []string
	// off says how the case left its script, nil where it did not.
	off error
}

// settle is how long a case may stand in another waiting state than the script
// names before it counts as off the script: a stage that has just been started
// shows the state before it for a moment.
const settle = 5 * time.Second

// play starts requests in their order, so that case numbers follow it, and then
// lets people decide, on some cases at a time. What comes after another script
// is started once those before it are over.
func (d *demo) play(ctx context.Context) ([]played, error) {
	out := make([]played, len(d.scripts))
	bar := d.bar(2 * len(d.scripts))
	over := map[string]played{} // by script
	for len(over) < len(out) {
		round := d.due(over)
		for _, i := range round {
			out[i] = d.start(ctx, d.scripts[i], over)
			bar()
		}
		d.together(round, func(i int) {
			if out[i].off == nil {
				d.decide(ctx, &out[i])
			}
			bar()
		})
		for _, i := range round {
			over[d.scripts[i].Name] = out[i]
		}
	}
	return out, ctx.Err()
}

// due are the scripts that are not over and wait for none that is not.
func (d *demo) due(over map[string]played) []int {
	var round []int
	for i, s := range d.scripts {
		_, done := over[s.Name]
		_, free := over[s.waitsFor()]
		if !done && (free || s.waitsFor() == "") {
			round = append(round, i)
		}
	}
	return round
}

// together does the same for some of the scripts at a time.
func (d *demo) together(which []int, do func(i int)) {
	gate := make(chan struct{}, d.Concurrency)
	var wg sync.WaitGroup
	for _, i := range which {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			do(i)
		})
	}
	wg.Wait()
}

func (d *demo) start(ctx context.Context, s Script, over map[string]played) played {
	p := played{script: s}
	if over[s.waitsFor()].off != nil {
		p.off = fmt.Errorf("not started: %s left its script", s.waitsFor())
		return p
	}
	started, err := d.Service.Start(ctx, service.As(s.By), service.Request{
		Key: s.Key(), Type: s.Type, Data: s.Request,
		CustomerNo: s.CustomerNo, Trigger: s.Trigger, AppealOf: over[s.AppealOf].view.Snapshot.CaseNo,
	})
	if err != nil {
		p.off = fmt.Errorf("start: %w", err)
	}
	p.view.Snapshot.CaseNo = started.CaseNo
	return p
}

// decide lets the people of a script act, and reads what came of it.
func (d *demo) decide(ctx context.Context, p *played) {
	no := p.view.Snapshot.CaseNo
	p.off = d.follow(ctx, p.script, no)
	view, err := d.Service.CaseView(ctx, watches, no)
	if err == nil {
		p.view = view
		p.events, err = d.Service.Events(ctx, watches, no)
	}
	if err == nil {
		p.changed = changed(view)
	}
	if p.off == nil {
		p.off = err
	}
}

// changed names the fields that a case on an existing customer changes. Contacts
// are kept apart from the record.
func changed(v service.CaseView) []string {
	if v.Change == nil {
		return nil
	}
	var names []string
	for _, f := range v.Change.Fields {
		if f.Mine && f.Field != "contacts" {
			names = append(names, f.Field)
		}
	}
	return names
}

// follow takes the steps of a script that have not been taken before.
func (d *demo) follow(ctx context.Context, s Script, no kam.CaseNo) error {
	events, err := d.Service.Events(ctx, watches, no)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, e := range events {
		if e.Type != kam.EventDecisionRefused {
			done[e.DecisionID] = true
		}
	}
	for i, step := range s.Steps {
		id := s.DecisionID(i)
		if done[id] {
			continue
		}
		now, err := d.reach(ctx, no, step.In)
		if err != nil {
			return fmt.Errorf("step %d, %s %s: %w", i+1, step.By, step.Do, err)
		}
		act, data, err := step.Act()
		if err != nil {
			return err
		}
		act.DecisionID = id
		if act.Name == onboarding.ActDecideConfirmation {
			act.ExpectHash = now.MaterialHash
		}
		if _, err := d.Service.Decide(ctx, service.As(act.By), no, act, data); err != nil {
			return fmt.Errorf("step %d, %s %s: %w", i+1, step.By, step.Do, err)
		}
	}
	end, err := d.reach(ctx, no, s.Expect.State)
	if err != nil {
		return err
	}
	return s.Expect.met(end)
}

// met compares where a case ended with what the script expects.
func (e Expect) met(s onboarding.Snapshot) error {
	if e.Outcome != "" && s.Outcome != e.Outcome {
		return fmt.Errorf("the outcome is %s, not %s", s.Outcome, e.Outcome)
	}
	if e.Tier != "" && s.Tier != e.Tier {
		return fmt.Errorf("the tier is %s, not %s", s.Tier, e.Tier)
	}
	return nil
}

// reach waits until the case stands in a state.
func (d *demo) reach(ctx context.Context, no kam.CaseNo, want onboarding.State) (onboarding.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var stands time.Time
	var last onboarding.Snapshot
	for {
		s, err := d.Service.Case(ctx, watches, no)
		if err != nil {
			return s, err
		}
		if s.State == want {
			return s, nil
		}
		switch {
		case s.State.Ended():
			return s, fmt.Errorf("%s is %s and never reached %s: %s", no, s.State, want, s.Headline)
		case s.State.Kind() == kam.Automatic || s.Version != last.Version || stands.IsZero():
			stands, last = time.Now(), s
		case time.Since(stands) > settle:
			return s, fmt.Errorf("%s waits in %s, not in %s: %s", no, s.State, want, s.Headline)
		}
		select {
		case <-ctx.Done():
			return s, fmt.Errorf("%s is still %s, not %s: %w", no, s.State, want, ctx.Err())
		case <-tick.C:
		}
	}
}
