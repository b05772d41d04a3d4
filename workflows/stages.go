package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
)

const (
	// pauseAfterFault is how long the engine waits where neither a stage nor
	// its fault could be stored.
	pauseAfterFault = 10 * time.Minute
	// maxHops bounds the stages between two waits for people. The longest way
	// through the table of a case has eleven; more means a loop that would fill
	// the history.
	maxHops = 60
	// bulkFaults is how long long work that fails is tried again. Then the
	// workflow ends as failed, and whoever asks for the same again starts it
	// again.
	bulkFaults = 7 * 24 * time.Hour
)

// effect runs a stage of the engine: one local activity, one transaction. The
// caller holds the lock.
//
// The number of an effect is the version that it leads to: the known version
// and one, and one more for each number that was spent without moving. So the
// same attempt made again after a crash has the same number, and two different
// effects do not share one.
func (d *desk) effect(ctx workflow.Context, in call) (outcome, error) {
	in = d.numbered(ctx, in)
	if in.due != nil && in.now.Before(in.due.At) {
		in.now = in.due.At // its timer has fired: clocks of servers differ a little
	}
	out, err := d.result(ctx, workflow.ExecuteLocalActivity(ctx, string(in.stage), d.input(in)))

	// A number that was stored without moving, or that turns out to stand for
	// something else, is not used again.
	unmoved := err == nil && in.stage != d.stages.read && !out.ahead && out.place.version == in.known
	if unmoved || err != nil && asError(err).Code == kam.IDReused {
		d.Spent++
	}
	return out, err
}

func (d *desk) numbered(ctx workflow.Context, in call) call {
	in.known = d.now().version
	in.seq = in.known + 1 + d.Spent
	in.now = workflow.Now(ctx)
	return in
}

// run takes the process out of an automatic state by the stage that belongs to
// it. Where that cannot be done, it is set aside.
func (d *desk) run(ctx workflow.Context) error {
	if err := d.lock.Lock(ctx); err != nil {
		return err
	}
	defer d.lock.Unlock()

	stage, ok := d.stage() // again, under the lock
	if !ok {
		return nil
	}
	d.hops++
	if d.hops > maxHops {
		return d.setAside(ctx, stage, kam.Errorf(kam.Fault, "more than %d stages without a wait for people", maxHops))
	}

	in := call{stage: stage, unanswered: d.unanswered}
	d.unanswered = false
	out, err := d.effect(quick(ctx, stageLabel(stage)), in)
	if err == nil && out.needs != "" {
		return d.askOutside(ctx, out.needs)
	}
	if err == nil && out.refused != nil {
		err = out.refused
	}
	if err == nil && !d.adopt(ctx, out) {
		err = kam.Errorf(kam.Fault, "the stage left the %s where it was", d.noun)
	}
	if err != nil {
		return d.setAside(ctx, stage, err)
	}
	return nil
}

// askOutside runs the activity that asks a service outside, for at most a day.
// The lock is free during that time, so that people may act. The activity
// stores the answer. Without an answer, the input of the next stage says so
// (unanswered), and the policy decides what follows.
//
// The caller holds the lock, and holds it again afterwards.
func (d *desk) askOutside(ctx workflow.Context, stage kam.Stage) error {
	changed(ctx, d.outside) // a mark alone: no release before called out
	was := d.now().seen
	asking, stop := workflow.WithCancel(patient(ctx, stageLabel(stage)))
	answer := workflow.ExecuteActivity(asking, string(stage), d.input(d.numbered(ctx, call{stage: stage})))

	d.lock.Unlock()
	err := workflow.Await(ctx, func() bool { return answer.IsReady() || d.now().seen != was })
	if relock := d.lock.Lock(ctx); err != nil || relock != nil {
		return errors.Join(err, relock)
	}
	if !answer.IsReady() {
		stop() // somebody ended the process while the service was asked
		return nil
	}
	out, err := d.result(ctx, answer)
	if err != nil {
		d.log(ctx).Error("no answer from outside", "stage", stage, "error", err)
		d.unanswered = true
		return nil
	}
	d.adopt(ctx, out)
	return nil
}

// setAside stores that a stage failed for good, so that an operator looks at it.
// Storing this is tried without limit. Where it is refused, the stage may have
// succeeded (its commit is stored and the answer was lost), so the process is
// read from PostgreSQL; else the stage is tried again later.
func (d *desk) setAside(ctx workflow.Context, stage kam.Stage, cause error) error {
	label := stageLabel(stage)
	d.log(ctx).Error("stage failed, setting it aside", "stage", stage, "error", cause)

	out, err := d.effect(endless(ctx, "Set aside: "+label), call{stage: d.stages.fault, fault: faultText(label, cause)})
	if err == nil && d.adopt(ctx, out) {
		return nil
	}
	d.log(ctx).Error("cannot be set aside", "error", err)
	if moved := d.read(ctx); moved {
		return nil
	}
	d.hops = 0
	return workflow.NewTimerWithOptions(ctx, pauseAfterFault, workflow.TimerOptions{Summary: "pause after a fault: " + label}).Get(ctx, nil)
}

// long runs a stage that takes minutes, as an activity, until it has left the
// state. It holds no lock: its effects and those of people are ordered in
// PostgreSQL, and people may cancel while it runs. Where retries do not help,
// the operators get one message, and the stage is tried again for a week.
func (d *desk) long(ctx workflow.Context, stage kam.Stage) error {
	began := workflow.Now(ctx)
	label := stageLabel(stage)
	state := d.now().view.State
	done := func() bool { return d.now().view.State != state }
	for faults := 0; !done(); faults++ {
		in := d.numbered(ctx, call{stage: stage})
		in.now = began
		out, err := d.result(ctx, workflow.ExecuteActivity(bulk(ctx, label), string(stage), d.input(in)))
		if err == nil {
			d.adopt(ctx, out)
		}
		if done() {
			return nil
		}
		if err == nil {
			err = kam.Errorf(kam.Fault, "the %s stayed %s", d.noun, state)
		}
		if d.triedEnough(ctx, faults, began) {
			return outage(err)
		}
		if faults == 0 {
			d.reportFault(ctx, faultText(label, err))
		}
		d.log(ctx).Error("long work fails", "stage", stage, "error", err)
		if _, err := d.await(ctx, pauseAfterFault, "pause after a fault: "+label, done); err != nil {
			return err
		}
	}
	return nil
}

// triedEnough returns whether long work is given up: after a week, or, in a run
// that began before the desk, after a number of faults.
func (d *desk) triedEnough(ctx workflow.Context, faults int, began time.Time) bool {
	if d.before {
		return faults >= int(bulkFaults/pauseAfterFault)
	}
	return workflow.Now(ctx).Sub(began) >= bulkFaults
}

// reportFault stores a fault, which sends a message to the operators. Where it
// cannot be stored the process goes on.
func (d *desk) reportFault(ctx workflow.Context, text string) {
	out, err := d.effect(quick(ctx, "tell the operators"), call{stage: d.stages.fault, fault: text})
	if err != nil {
		d.log(ctx).Error("fault cannot be recorded", "error", err)
		return
	}
	d.adopt(ctx, out)
}

// stageLabel names a stage by its box; one that carries out a whole page of
// boxes, by the box that holds them.
func stageLabel(stage kam.Stage) string {
	steps := kam.StepsOf(stage)
	switch len(steps) {
	case 0:
		return string(stage)
	case 1, 2:
		return steps[0].Label()
	default:
		box, _ := kam.BoxOf(steps[0])
		return box.Parent().Label()
	}
}
