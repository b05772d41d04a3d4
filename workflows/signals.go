package workflows

import (
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

// openSignals starts the readers of signals: of the acts that are also accepted
// as signals, and of notices. Nobody waits for the answer to a signal, so the
// activity always judges it and stores the verdict: a refusal is recorded.
func (d *desk) openSignals(ctx workflow.Context) {
	for _, e := range d.acts {
		if !e.signal {
			continue
		}
		ch := d.listen(ctx, e.name, "The update of this name, for callers that cannot wait. "+e.description)
		workflow.GoNamed(ctx, "signal "+e.name, func(ctx workflow.Context) { d.readActs(ctx, e, ch) })
	}
	for _, n := range d.notices {
		ch := d.listen(ctx, n.name, n.description)
		workflow.GoNamed(ctx, "signal "+n.name, func(ctx workflow.Context) { d.readNotices(ctx, n, ch) })
	}
}

func (d *desk) listen(ctx workflow.Context, name, description string) workflow.ReceiveChannel {
	ch := workflow.GetSignalChannelWithOptions(ctx, name, workflow.SignalChannelOptions{Description: description})
	d.signals = append(d.signals, ch)
	return ch
}

// allRead says whether every signal that arrived has been read.
func (d *desk) allRead() bool {
	for _, ch := range d.signals {
		if ch.Len() > 0 {
			return false
		}
	}
	return true
}

// readActs takes signals of one name in their order, once the process is open.
// One that cannot be read, or is too large, is dropped with a line in the log.
func (d *desk) readActs(ctx workflow.Context, e entry, ch workflow.ReceiveChannel) {
	if err := workflow.Await(ctx, d.opened); err != nil {
		return
	}
	for {
		var raw converter.RawValue
		if more := ch.Receive(ctx, &raw); !more {
			return
		}
		a, err := d.act(e.name, raw)
		if tooLarge := checkSize(raw); tooLarge != nil {
			err = tooLarge
		}
		if err != nil {
			d.log(ctx).Warn("signal dropped", "signal", e.name, "error", err)
			continue
		}
		d.takeSignal(ctx, e, a)
	}
}

// takeSignal processes one signal. It is dropped where it cannot be stored: the
// process has ended, or the signal has no valid decision id or is too large.
// However many signals are refused, the next one is judged: the server bounds
// how many signals a run may get, and a new run begins before that.
func (d *desk) takeSignal(ctx workflow.Context, e entry, a act) {
	log := d.log(ctx)
	switch {
	case d.now().ended:
		log.Info("signal after the end ignored", "signal", e.name)
	case a.id == "" || a.size > maxActBytes:
		log.Warn("signal dropped: no decision id, or too large", "signal", e.name, "bytes", a.size)
	case d.taken >= maxActsAtAll && !changed(ctx, changeEverySignal):
		log.Warn("signal dropped: too many in one run", "signal", e.name)
	default:
		a.signal = d.nextSignal(e.name)
		out, err := d.take(ctx, e.stage, a)
		if err != nil {
			log.Error("signal could not be recorded", "signal", e.name, "error", err)
		} else if out.refused != nil {
			log.Info("signal refused", "signal", e.name, "code", out.refused.Code)
		}
	}
}

// readNotices runs look once, under the lock, for all notices that have come.
func (d *desk) readNotices(ctx workflow.Context, n notice, ch workflow.ReceiveChannel) {
	if err := workflow.Await(ctx, d.opened); err != nil {
		return
	}
	for {
		if more := ch.Receive(ctx, nil); !more {
			return
		}
		for ch.ReceiveAsync(nil) {
		}
		if d.now().ended {
			continue
		}
		d.locked(ctx, n.look)
	}
}

func (d *desk) locked(ctx workflow.Context, look func(workflow.Context) bool) {
	d.inFlight++
	defer func() { d.inFlight-- }()

	if err := d.lock.Lock(ctx); err != nil {
		return
	}
	defer d.lock.Unlock()
	look(ctx)
}

// read reads the process from PostgreSQL and adopts it. The caller holds the
// lock.
func (d *desk) read(ctx workflow.Context) (moved bool) {
	out, err := d.effect(quick(ctx, "Read what is stored"), call{stage: d.stages.read})
	if err != nil {
		d.log(ctx).Warn("what is stored cannot be read", "error", err)
		return false
	}
	return d.adopt(ctx, out)
}
