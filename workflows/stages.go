package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
)

const (
	// pauseAfterFault is how long the engine waits where neither a stage nor
	// setting the case aside could be stored.
	pauseAfterFault = 10 * time.Minute
	// maxHops bounds the stages between two waits for people. The longest way
	// through the table has eleven; more means a loop that would fill the
	// history.
	maxHops = 60
)

// effect runs a stage of the engine: one local activity, one transaction. The
// caller holds the lock.
func (c *onboarding) effect(ctx workflow.Context, stage kam.Stage, in kam.StageInput) (kam.Progress, error) {
	in.CaseNo = c.start.CaseNo
	in.Known = c.Snapshot.Version
	in.Seq = c.Snapshot.Version + 1 + c.Spent
	in.Now = workflow.Now(ctx)
	if in.Due != nil && in.Now.Before(in.Due.At) {
		in.Now = in.Due.At // its timer has fired: clocks of servers differ a little
	}

	var p kam.Progress
	err := workflow.ExecuteLocalActivity(ctx, string(stage), in).Get(ctx, &p)

	// A number that was stored without moving the case, or that turns out to
	// stand for something else, is not used again.
	unmoved := err == nil && stage != kam.StageRefresh && !p.Ahead && p.Snapshot.Version == in.Known
	if unmoved || err != nil && asError(err).Code == kam.IDReused {
		c.Spent++
	}
	return p, err
}

// run takes the case out of an automatic state by the stage that belongs to
// it. Where that cannot be done, the case is parked.
func (c *onboarding) run(ctx workflow.Context) error {
	if err := c.lock.Lock(ctx); err != nil {
		return err
	}
	defer c.lock.Unlock()

	stage, ok := kam.StageOf[c.Snapshot.State] // again, under the lock
	if !ok {
		return nil
	}
	c.hops++
	if c.hops > maxHops {
		return c.park(ctx, stage, kam.Errorf(kam.Fault, "more than %d stages without a wait for people", maxHops))
	}

	in := kam.StageInput{Unscreened: c.unscreened}
	c.unscreened = false
	p, err := c.effect(quick(ctx, stageLabel(stage)), stage, in)
	if err == nil && p.Needs == kam.StageScreen {
		return c.screen(ctx)
	}
	if err == nil && p.Refused != nil {
		err = p.Refused
	}
	if err == nil && !c.adopt(ctx, p) {
		err = kam.Errorf(kam.Fault, "the stage left the case where it was")
	}
	if err != nil {
		return c.park(ctx, stage, err)
	}
	return nil
}

// screen has the party screened by the service outside, which takes as long as
// it takes: at most a day. The lock is free meanwhile, so that a case may be
// withdrawn. What came of it is stored by the activity; where nothing came, the
// stage is told so, and the policy says what that means.
//
// The caller holds the lock, and holds it again afterwards.
func (c *onboarding) screen(ctx workflow.Context) error {
	c.changed(ctx, changeScreeningOutside) // a mark alone: no release before called out
	was := c.Snapshot.State
	asking, stop := workflow.WithCancel(patient(ctx, kam.StepCode("1.4.6").Label()))
	in := kam.StageInput{CaseNo: c.start.CaseNo, Known: c.Snapshot.Version, Seq: c.Snapshot.Version + 1 + c.Spent, Now: workflow.Now(ctx)}
	answer := workflow.ExecuteActivity(asking, string(kam.StageScreen), in)

	c.lock.Unlock()
	err := workflow.Await(ctx, func() bool { return answer.IsReady() || c.Snapshot.State != was })
	if relock := c.lock.Lock(ctx); err != nil || relock != nil {
		return errors.Join(err, relock)
	}
	if !answer.IsReady() {
		stop() // somebody ended the case meanwhile
		return nil
	}
	var p kam.Progress
	if err := answer.Get(ctx, &p); err != nil {
		workflow.GetLogger(ctx).Error("party could not be screened", "case_no", c.start.CaseNo, "error", err)
		c.unscreened = true
		return nil
	}
	c.adopt(ctx, p)
	return nil
}

// park sets the case aside for an operator: NEEDS_INTERVENTION, with the state
// to resume. Parking is tried without limit. Where it is turned down for good,
// the case may have moved already (a commit whose answer was lost a day long),
// so what PostgreSQL knows is read; else the stage is tried again later.
func (c *onboarding) park(ctx workflow.Context, stage kam.Stage, cause error) error {
	label := stageLabel(stage)
	workflow.GetLogger(ctx).Error("stage failed, parking the case", "case_no", c.start.CaseNo, "stage", stage, "error", cause)

	p, err := c.effect(endless(ctx, "Set aside: "+label), kam.StagePark, kam.StageInput{Fault: faultText(label, cause)})
	if err == nil && c.adopt(ctx, p) {
		return nil
	}
	workflow.GetLogger(ctx).Error("case cannot be parked", "case_no", c.start.CaseNo, "error", err)
	if moved := c.read(ctx); moved {
		return nil
	}
	c.hops = 0
	return workflow.NewTimerWithOptions(ctx, pauseAfterFault, workflow.TimerOptions{Summary: "pause after a fault: " + label}).Get(ctx, nil)
}

// read adopts what PostgreSQL knows. The caller holds the lock.
func (c *onboarding) read(ctx workflow.Context) (moved bool) {
	p, err := c.effect(quick(ctx, "Read the committed case"), kam.StageRefresh, kam.StageInput{})
	if err != nil {
		workflow.GetLogger(ctx).Warn("case cannot be read", "case_no", c.start.CaseNo, "error", err)
		return false
	}
	return c.adopt(ctx, p)
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
