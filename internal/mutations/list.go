package mutations

// All are the breaking edits, and the controls that must pass. The old texts
// are short lines that are unlikely to move.
var All = []Edit{
	{
		Name: "stage-added-first", What: "a stage is called before the case is opened",
		Breaks: "the first recorded effect is another one", CaughtBy: Replay,
		Changes: []Change{{
			File: "workflows/level1_overview.go",
			Old:  "\tif err := c.receiveRequest(ctx); err != nil {\n",
			New:  "\tc.read(ctx)\n\tif err := c.receiveRequest(ctx); err != nil {\n",
		}},
	},
	{
		Name: "stage-swapped", What: "segmentation and validation change places",
		Breaks: "the effect that is called is not the one that was recorded", CaughtBy: Replay,
		Changes: []Change{{File: "kam/onboarding/stage.go", Old: " StageSegment,\n", New: " StageValidate,\n"}, {File: "kam/onboarding/stage.go", Old: "Validating:  StageValidate,\n", New: "Validating:  StageSegment,\n"}},
	},
	{
		Name: "stage-twice", What: "segmentation is run twice",
		Breaks: "one effect more than was recorded", CaughtBy: Replay,
		Changes: []Change{{
			File: "workflows/level2_1_analyze_and_classify.go",
			Old:  "func (c *caseDesk) segment(ctx workflow.Context) error { return c.run(ctx) }",
			New:  "func (c *caseDesk) segment(ctx workflow.Context) error { c.read(ctx); return c.run(ctx) }",
		}},
	},
	{
		Name: "stage-renamed", What: "a stage gets another name",
		Breaks: "the recorded name is not the one that is called", CaughtBy: Replay,
		Changes: []Change{{File: "kam/onboarding/stage.go", Old: `Stage = "Decide"`, New: `Stage = "Recommend"`}},
	},
	{
		Name: "local-to-remote", What: "acts are recorded by an activity instead of a local activity",
		Breaks: "another kind of event than was recorded", CaughtBy: Replay,
		Changes: []Change{{
			File: "workflows/desk.go",
			Old:  "workflow.ExecuteLocalActivity(ctx, string(stage), d.input(in))",
			New:  "workflow.ExecuteActivity(workflow.WithStartToCloseTimeout(ctx, oneAttempt), string(stage), d.input(in))",
		}},
	},
	{
		Name: "timer-added", What: "a pause before each wait for people",
		Breaks: "a timer that was not recorded", CaughtBy: Replay,
		Changes: []Change{{
			File: "workflows/waits.go",
			Old:  "\td.hops = 0\n\tif err := d.publish",
			New:  "\td.hops = 0\n\tif err := workflow.Sleep(ctx, time.Second); err != nil {\n\t\treturn err\n\t}\n\tif err := d.publish",
		}},
	},
	{
		Name: "timer-removed", What: "a wait for people has no timer any more",
		Breaks: "a recorded timer that nobody starts", CaughtBy: Replay,
		Changes: []Change{{
			File: "workflows/waits.go",
			Old:  "\tnext := d.now().due\n\tif next == nil {\n",
			New:  "\tnext := d.now().due\n\tnext = nil\n\tif next == nil {\n",
		}},
	},
	{
		Name: "timer-not-stopped", What: "the timer of the last wait is left running",
		Breaks: "a recorded cancellation that does not come", CaughtBy: Replay,
		Changes: []Change{{
			File: "workflows/waits.go",
			Old:  "\td.stopOldTimer()\n\ttimerCtx, stop",
			New:  "\ttimerCtx, stop",
		}},
	},
	{
		Name: "attributes-once-more", What: "search attributes are written after each stage",
		Breaks: "an event that was not recorded", CaughtBy: Replay,
		Changes: []Change{{
			File: "workflows/desk.go",
			Old:  "\t\t\t\treturn err\n\t\t\t}\n\t\t}\n\t\tif err := d.settle",
			New:  "\t\t\t\treturn err\n\t\t\t}\n\t\t\tif err := d.publish(ctx); err != nil {\n\t\t\t\treturn err\n\t\t\t}\n\t\t}\n\t\tif err := d.settle",
		}},
	},
	{
		Name: "attributes-dropped", What: "search attributes are no longer written at the end",
		Breaks: "a recorded event that does not come", CaughtBy: Replay,
		Changes: []Change{{File: "workflows/desk.go", Old: "return d.publish(ctx)", New: "return nil"}},
	},
	{
		Name: "side-effect-added", What: "a side effect before the case is opened",
		Breaks: "a marker that was not recorded", CaughtBy: Replay,
		Changes: []Change{{
			File: "workflows/level1_overview.go",
			Old:  "\tif err := c.receiveRequest(ctx); err != nil {\n",
			New:  "\tworkflow.SideEffect(ctx, func(workflow.Context) any { return 1 })\n\tif err := c.receiveRequest(ctx); err != nil {\n",
		}},
	},
	{
		Name: "continue-as-new-earlier", What: "a run takes two acts instead of 500",
		Breaks: "a case that waits would have continued in a new run", CaughtBy: Replay,
		Changes: []Change{{File: "workflows/desk.go", Old: "const maxActsPerRun = 500", New: "const maxActsPerRun = 2"}},
	},
	{
		Name: "child-workflow-added", What: "the hand-off starts a child workflow",
		Breaks: "a child that was not recorded", CaughtBy: Replay,
		Changes: []Change{{
			File: "workflows/desk.go",
			Old:  "return d.publish(ctx)",
			New:  "workflow.ExecuteChildWorkflow(ctx, \"KeyAccountWorkflow\", d.no)\n\t\t\treturn d.publish(ctx)",
		}},
	},
	{
		Name: "update-dropped", What: "an update that people sent is no longer registered",
		Breaks: "a recorded update that nobody takes", CaughtBy: Replay,
		Changes: []Change{{File: "workflows/desk.go", Old: "range d.acts {", New: "range d.acts[:min(4, len(d.acts))] {"}},
	},
	{
		Name: "workflow-renamed", What: "the workflow gets another name",
		Breaks: "open cases name a workflow that no worker has", CaughtBy: Replay,
		Changes: []Change{{File: "kam/onboarding/stage.go", Old: `"CustomerOnboardingWorkflow"`, New: `"OnboardingWorkflow"`}},
	},
	{
		Name: "wall-clock", What: "time.Now instead of workflow.Now decides whether a deadline has passed",
		Breaks: "a replay after the deadline takes the other branch", CaughtBy: Workflowcheck,
		Changes: []Change{{File: "workflows/waits.go", Old: ".Sub(workflow.Now(ctx)); wait > 0", New: ".Sub(time.Now()); wait > 0"}},
	},
	{
		Name: "random", What: "math/rand spreads the time of a retry",
		Breaks: "a deadline is tried again at another time after each replay", CaughtBy: Workflowcheck,
		Changes: []Change{{
			File: "workflows/waits.go", Import: "math/rand",
			Old: "workflow.Now(ctx).Add(pauseAfterFault)",
			New: "workflow.Now(ctx).Add(pauseAfterFault+time.Duration(rand.Intn(60))*time.Second)",
		}},
	},
	{
		Name: "map-range", What: "the stage of a state is looked for in a range over a map",
		Breaks: "the order is another one each time, and with it what is called", CaughtBy: Workflowcheck,
		Changes: []Change{{
			File: "workflows/level3_1_2_analyze_details.go",
			Old:  "\tif c.Snapshot.State == onboarding.Analyzing { // 1.2.2 to 1.2.6\n\t\treturn c.run(ctx)\n",
			New:  "\tif c.Snapshot.State == onboarding.Analyzing { // 1.2.2 to 1.2.6\n\t\tfor state := range onboarding.StageOf {\n\t\t\tif state == onboarding.Analyzing {\n\t\t\t\treturn c.run(ctx)\n\t\t\t}\n\t\t}\n",
		}},
	},
	{
		Name: "goroutine", What: "a plain goroutine waits for signals",
		Breaks: "it runs beside the replay, in no order", CaughtBy: Workflowcheck,
		Changes: []Change{{
			File: "workflows/signals.go",
			Old:  `func(ctx workflow.Context) { d.readActs(ctx, e, ch) })`,
			New:  `func(ctx workflow.Context) { go d.readActs(ctx, e, ch) })`,
		}},
	},
	{
		Name: "control-summary", What: "the summary of a timer is worded otherwise",
		Breaks: "nothing: texts are not compared", CaughtBy: Nobody,
		Changes: []Change{{File: "workflows/waits.go", Old: `return "notice to the manager"`, New: `return "word to the manager"`}},
	},
	{
		Name: "control-option", What: "the pauses between attempts grow to twenty minutes instead of ten",
		Breaks: "nothing: options of a call are not compared", CaughtBy: Nobody,
		Changes: []Change{{File: "workflows/options.go", Old: "= 10 * time.Minute", New: "= 20 * time.Minute"}},
	},
}
