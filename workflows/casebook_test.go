package workflows_test

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// A casebook stands in for PostgreSQL and the activities: one case in memory,
// moved by onboarding.Next, with effects keyed and fenced as the real ones are.
type casebook struct {
	mu    sync.Mutex
	snap  onboarding.Snapshot
	facts onboarding.Facts
	keys  map[any]stored
	calls []string                     // effects that ran, refusals included
	fails map[onboarding.Stage][]error // what the next runs of a stage fail with
	grow  bool                         // details and waivers change the facts
	fence bool                         // acts too are handed back where the case is ahead
	idle  map[onboarding.Stage]int     // the next runs store that there was nothing to do
	hook  map[onboarding.Stage]func()  // runs before the stage, outside the lock
	at    map[string]time.Time         // when a deadline was recorded
	times map[onboarding.Stage][]onboarding.StageInput
}

type stored struct {
	digest string
	onboarding.Progress
}

func newCasebook() *casebook {
	return &casebook{
		facts: onboarding.Facts{Type: kam.NewCase, HasNameCountryChannel: true, ScreeningComplete: true, DetailComplete: true,
			Recommendation: kam.Add, AutoReject: true, RoundsLeft: true, LastRequired: true},
		keys: map[any]stored{}, fails: map[onboarding.Stage][]error{}, idle: map[onboarding.Stage]int{},
		hook: map[onboarding.Stage]func(){}, at: map[string]time.Time{}, times: map[onboarding.Stage][]onboarding.StageInput{},
	}
}

func (b *casebook) register(env *testsuite.TestWorkflowEnvironment) {
	for _, s := range []onboarding.Stage{onboarding.StageOpen, onboarding.StageIdentify, onboarding.StageDecide, onboarding.StageAnalyze, onboarding.StageSegment,
		onboarding.StageValidate, onboarding.StageClassify, onboarding.StageHandOff, onboarding.StageElapse, onboarding.StagePark, onboarding.StageRefresh} {
		env.RegisterActivityWithOptions(func(_ context.Context, in onboarding.StageInput) (onboarding.Progress, error) { return b.stage(s, in) },
			activity.RegisterOptions{Name: string(s)})
	}
	env.RegisterActivityWithOptions(func(_ context.Context, in onboarding.ActInput) (onboarding.Progress, error) { return b.act(in) },
		activity.RegisterOptions{Name: string(onboarding.StageAct)})
}

// stage is an effect of the engine, keyed by Seq.
func (b *casebook) stage(s onboarding.Stage, in onboarding.StageInput) (onboarding.Progress, error) {
	if h := b.hook[s]; h != nil {
		h()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, string(s))
	b.times[s] = append(b.times[s], in)
	if f := b.fails[s]; len(f) > 0 {
		b.fails[s] = f[1:]
		return onboarding.Progress{}, f[0]
	}
	if s == onboarding.StageRefresh {
		return onboarding.Progress{Snapshot: b.snap, Ahead: b.snap.Version > in.Known}, nil
	}
	digest := digestOf(string(s), in.Due)
	old, ok := b.keys[in.Seq]
	switch {
	case b.snap.Version > in.Known && old.digest != digest:
		return onboarding.Progress{Snapshot: b.snap, Ahead: true}, nil
	case ok && old.digest != digest:
		return onboarding.Progress{}, wire(kam.Errorf(kam.IDReused, "effect %d stored for something else", in.Seq))
	case ok:
		return old.Progress, nil
	}
	if b.idle[s] > 0 { // stored, but nothing to do
		b.idle[s]--
		b.keys[in.Seq] = stored{digest, onboarding.Progress{Snapshot: b.snap}}
		return onboarding.Progress{Snapshot: b.snap}, nil
	}
	event, after := b.eventOf(s, in)
	p, err := b.move(event, s, "", in.Now)
	if err != nil {
		return onboarding.Progress{}, wire(err)
	}
	if after != nil {
		after()
		p.Snapshot = b.snap
	}
	b.keys[in.Seq] = stored{digest, p}
	return p, nil
}

// eventOf says what a stage brings about.
func (b *casebook) eventOf(s onboarding.Stage, in onboarding.StageInput) (onboarding.Event, func()) {
	switch s {
	case onboarding.StageOpen:
		b.snap = onboarding.Snapshot{CaseNo: in.CaseNo, Type: b.facts.Type, State: onboarding.Draft, Requester: "rep", MaterialHash: "h1",
			Revision: 1, Territory: "DE-N", OpenedAt: in.Now}
		return onboarding.EvSubmitRequest, nil
	case onboarding.StageIdentify:
		if b.facts.Match != "" {
			return onboarding.EvMatchFound, nil
		}
		return onboarding.EvNoMatch, func() { // a screening set that is there submits itself
			if b.facts.ScreeningComplete {
				t, _ := onboarding.Next(b.snap.State, onboarding.EvSubmitData, b.facts)
				b.enter(t.To, in.Now)
			}
		}
	case onboarding.StageDecide:
		return onboarding.EvRecommend, nil
	case onboarding.StageAnalyze:
		return onboarding.EvAnalyzed, nil
	case onboarding.StageSegment:
		return onboarding.EvSegmented, nil
	case onboarding.StageValidate:
		switch {
		case b.facts.HasError:
			return onboarding.EvFail, nil
		case b.facts.HasReview:
			return onboarding.EvReviewNeeded, nil
		}
		return onboarding.EvPass, nil
	case onboarding.StageClassify:
		return onboarding.EvClassified, nil
	case onboarding.StageHandOff:
		return onboarding.EvHandedOff, func() { b.snap.Outcome = onboarding.AddedKA }
	case onboarding.StagePark:
		resume := b.snap.State
		return onboarding.EvFault, func() { b.snap.ResumeState, b.snap.Headline, b.facts.BeforeFault = resume, in.Fault, resume }
	default:
		return b.elapse(in)
	}
}

// elapse takes the deadline off the task; a reminder moves nothing.
func (b *casebook) elapse(in onboarding.StageInput) (onboarding.Event, func()) {
	b.at[string(in.Due.Kind)] = in.Now
	rest := b.snap.Task.Deadlines[1:]
	switch in.Due.Kind {
	case kam.DueExpire:
		return onboarding.EvExpire, nil
	case kam.DueLapse:
		return onboarding.EvLapse, nil
	case kam.DueEscalate:
		return onboarding.EvEscalate, func() { b.snap.Task.Deadlines, b.snap.Task.Escalated = rest, b.snap.Task.Escalated+1 }
	default:
		return "", func() { b.snap.Task.Deadlines = rest }
	}
}

// act is an effect of a person, keyed by its decision id.
func (b *casebook) act(in onboarding.ActInput) (onboarding.Progress, error) {
	if h := b.hook[onboarding.StageAct]; h != nil {
		h()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a := in.Act
	a.Signed = "" // the act is the same whoever signs it anew
	b.calls = append(b.calls, string(a.Name)+" "+string(a.Verdict))
	if f := b.fails[onboarding.StageAct]; len(f) > 0 {
		b.fails[onboarding.StageAct] = f[1:]
		return onboarding.Progress{}, f[0]
	}
	if old, ok := b.keys[a.DecisionID]; ok {
		if old.digest != digestOf(a) {
			return onboarding.Progress{Snapshot: b.snap, Refused: kam.Errorf(kam.IDReused, "other content")}, nil
		}
		p := old.Progress
		if b.snap.Version > p.Snapshot.Version {
			p.Snapshot, p.Ahead = b.snap, true
		}
		return p, nil
	}
	if b.fence && b.snap.Version > in.Known {
		return onboarding.Progress{Snapshot: b.snap, Ahead: true}, nil
	}
	if err := a.CheckAgainst(b.snap); err != nil {
		return onboarding.Progress{Snapshot: b.snap, Refused: kam.AsError(err)}, nil
	}
	return b.apply(a, in.Now)
}

// apply stores an act that stands.
func (b *casebook) apply(a onboarding.Act, now time.Time) (onboarding.Progress, error) {
	spec, err := a.Spec()
	if err != nil {
		return onboarding.Progress{}, wire(err)
	}
	event := spec.Event
	switch {
	case a.Name == onboarding.ActDecideConfirmation && a.Verdict == onboarding.Confirm:
		b.snap.ConfirmedBy, b.snap.ConfirmedHash = a.By, a.ExpectHash
	case a.Name == onboarding.ActDecideConfirmation && a.Verdict == onboarding.SendBack:
		b.snap.Rounds++
	case a.Name == onboarding.ActSubmitData:
		b.snap.Revision++
		b.snap.MaterialHash = a.DataDigest
		b.facts.ScreeningComplete = true
		if b.snap.State == onboarding.ChangesRequested {
			event = onboarding.EvResubmit
		}
	}
	was := b.facts
	if b.grow {
		event = b.learn(a, event)
	}
	p, err := b.move(event, onboarding.Stage(a.Name), a.DecisionID, now)
	if err != nil {
		b.facts = was
	}
	if err != nil {
		return onboarding.Progress{Snapshot: b.snap, Refused: kam.AsError(err)}, nil
	}
	if a.Name == onboarding.ActComment {
		p.Timeline[0].Text = a.Reason
	}
	b.keys[a.DecisionID] = stored{digestOf(a), p}
	return p, nil
}

// learn takes over what an act brings: details are kept wherever they are sent,
// and move the case where it waits for them.
func (b *casebook) learn(a onboarding.Act, event onboarding.Event) onboarding.Event {
	switch a.Name {
	case onboarding.ActSubmitDetails:
		b.facts.DetailComplete = true
		if b.snap.State != onboarding.AwaitingCompletion {
			return ""
		}
	case onboarding.ActDecideValidation:
		b.facts.HasReview = false
	}
	return event
}

// move stores one effect: the next state by the table, and a line.
func (b *casebook) move(event onboarding.Event, by onboarding.Stage, decision string, now time.Time) (onboarding.Progress, error) {
	from := b.snap.State
	if event != "" {
		t, err := onboarding.Next(from, event, b.facts)
		if err != nil {
			return onboarding.Progress{}, err
		}
		if t.To != from {
			b.enter(t.To, now)
		}
	}
	b.snap.Version++
	b.snap.LastDecision, b.snap.UpdatedAt = decision, now
	p := onboarding.Progress{Snapshot: b.snap, Timeline: []onboarding.TimelineEntry{{Seq: b.snap.Version, At: now, From: from, To: b.snap.State, Text: string(by)}}}
	if by == onboarding.StageDecide {
		p.Records = []onboarding.DecisionRecord{{RecordID: "r1", Kind: onboarding.RecordAdd}}
	}
	return p, nil
}

// enter opens the task of a state, with deadlines in plain hours.
func (b *casebook) enter(to onboarding.State, now time.Time) {
	spec := to.Spec()
	b.snap.State, b.snap.Step, b.snap.Task = to, spec.Step, nil
	if spec.Kind != kam.Human {
		return
	}
	t := &kam.Task{ID: "t", Kind: spec.Task, Step: spec.Step, Level: "TERRITORY", Assignees: []kam.UserID{"boss"}, OpenedAt: now}
	end := kam.DueExpire
	if to == onboarding.AwaitingEndorsement {
		end = kam.DueLapse
	}
	if to != onboarding.NeedsIntervention {
		t.Deadlines = []kam.Deadline{{Kind: kam.DueRemind, At: now.Add(24 * time.Hour)},
			{Kind: kam.DueEscalate, At: now.Add(48 * time.Hour)}, {Kind: end, At: now.Add(720 * time.Hour)}}
		if !onboarding.Takes(to, onboarding.EvEscalate) {
			t.Deadlines = append(t.Deadlines[:1], t.Deadlines[2])
		}
	}
	b.snap.Task = t
}

func digestOf(v ...any) string {
	j, _ := json.Marshal(v)
	return string(j)
}

func wire(err error) error {
	e := kam.AsError(err)
	return temporal.NewNonRetryableApplicationError(e.Error(), string(e.Code), nil, e)
}
