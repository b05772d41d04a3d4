package workflows

import (
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
)

// openSignals listens to the decisions that are also accepted as signals, and
// to Refresh and Reroute. Nobody waits for the answer to a signal, so its verdict is taken
// and stored by RecordAct in every case: a refused one is on record.
func (c *onboarding) openSignals(ctx workflow.Context) error {
	for _, name := range actNames(func(s kam.ActSpec) bool { return s.Signal }) {
		ch := c.listen(ctx, string(name), "The update of this name, for callers that cannot wait. "+actDescription(name))
		workflow.GoNamed(ctx, "signal "+string(name), func(ctx workflow.Context) { c.readActs(ctx, name, ch) })
	}
	for _, x := range []struct {
		name, description string
		look              func(workflow.Context) bool
	}{
		{kam.SignalRefresh, "Read the committed case again: PostgreSQL knows more than the workflow.", c.read},
		{kam.SignalReroute, "People or territories changed: see whose the open task is now.", c.reroute},
	} {
		ch := c.listen(ctx, x.name, x.description)
		workflow.GoNamed(ctx, "signal "+x.name, func(ctx workflow.Context) { c.readFacts(ctx, ch, x.look) })
	}
	return nil
}

func (c *onboarding) listen(ctx workflow.Context, name, description string) workflow.ReceiveChannel {
	ch := workflow.GetSignalChannelWithOptions(ctx, name, workflow.SignalChannelOptions{Description: description})
	c.signals = append(c.signals, ch)
	return ch
}

// heard says whether every signal that arrived has been read.
func (c *onboarding) heard() bool {
	for _, ch := range c.signals {
		if ch.Len() > 0 {
			return false
		}
	}
	return true
}

// readActs takes signals of one name in their order, from 1.1.1 on. One that
// cannot be read, or is too large, is dropped with a line in the log.
func (c *onboarding) readActs(ctx workflow.Context, name kam.ActName, ch workflow.ReceiveChannel) {
	if err := workflow.Await(ctx, c.opened); err != nil {
		return
	}
	for {
		var raw converter.RawValue
		var a kam.Act
		if more := ch.Receive(ctx, &raw); !more {
			return
		}
		err := checkSize(raw)
		if err == nil {
			a, err = read[kam.Act](raw)
		}
		if err != nil {
			workflow.GetLogger(ctx).Warn("signal dropped", "case_no", c.start.CaseNo, "signal", name, "error", err)
			continue
		}
		c.hear(ctx, name, a)
	}
}

// hear takes one signal, unless it can have no effect at all: the case has
// ended, the same decision is in effect already, or there is no key or no room
// to store it under.
func (c *onboarding) hear(ctx workflow.Context, name kam.ActName, a kam.Act) {
	a.Name = name
	log := workflow.GetLogger(ctx)
	switch {
	case c.Snapshot.State.Ended():
		log.Info("signal to an ended case ignored", "case_no", c.start.CaseNo, "signal", name)
	case a.DecisionID == "" || sizeOf(a) > maxActBytes:
		log.Warn("signal dropped: no decision id, or too large", "case_no", c.start.CaseNo, "signal", name, "bytes", sizeOf(a))
	case c.taken >= maxActsAtAll:
		log.Warn("signal dropped: too many in one run", "case_no", c.start.CaseNo, "signal", name)
	default:
		c.Signals++
		p, err := c.take(ctx, name, a, c.Signals)
		if err != nil {
			log.Error("signal could not be recorded", "case_no", c.start.CaseNo, "signal", name, "error", err)
		} else if p.Refused != nil {
			log.Info("signal refused", "case_no", c.start.CaseNo, "signal", name, "code", p.Refused.Code)
		}
	}
}

// readFacts answers a burst of signals that say nothing but that something
// happened, with one look at it under the lock.
func (c *onboarding) readFacts(ctx workflow.Context, ch workflow.ReceiveChannel, look func(workflow.Context) bool) {
	if err := workflow.Await(ctx, c.opened); err != nil {
		return
	}
	for {
		if more := ch.Receive(ctx, nil); !more {
			return
		}
		for ch.ReceiveAsync(nil) {
		}
		if c.Snapshot.State.Ended() {
			continue
		}
		c.locked(ctx, look)
	}
}

func (c *onboarding) locked(ctx workflow.Context, look func(workflow.Context) bool) {
	c.inFlight++
	defer func() { c.inFlight-- }()

	if err := c.lock.Lock(ctx); err != nil {
		return
	}
	defer c.lock.Unlock()
	look(ctx)
}

// reroute has the open task looked at again (P2.7). The caller holds the lock.
func (c *onboarding) reroute(ctx workflow.Context) (moved bool) {
	if c.Snapshot.Task == nil {
		return false
	}
	p, err := c.effect(quick(ctx, "The organisation changed"), kam.StageReroute, kam.StageInput{})
	if err != nil {
		workflow.GetLogger(ctx).Error("case cannot be rerouted", "case_no", c.start.CaseNo, "error", err)
		return false
	}
	return c.adopt(ctx, p)
}

// answerQueries shows what the case carries; nothing is read from elsewhere.
func (c *onboarding) answerQueries(ctx workflow.Context) error {
	state := func() (kam.Snapshot, error) { return c.Snapshot, nil }
	explain := func() ([]kam.DecisionRecord, error) { return append([]kam.DecisionRecord{}, c.Records...), nil }
	history := func() ([]kam.TimelineEntry, error) { return append([]kam.TimelineEntry{}, c.Timeline...), nil }

	for _, q := range []struct {
		name, description string
		handler           any
	}{
		{kam.QueryState, "Where the case stands, for whom it waits, and until when.", state},
		{kam.QueryExplain, "What the rules decided, from which facts, and what would have changed it.", explain},
		{kam.QueryHistory, "What happened to the case, line by line.", history},
	} {
		err := workflow.SetQueryHandlerWithOptions(ctx, q.name, q.handler, workflow.QueryHandlerOptions{Description: q.description})
		if err != nil {
			return err
		}
	}
	return nil
}
