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
)

// A casebook stands in for PostgreSQL and the activities: one case in memory,
// moved by kam.Next, with effects keyed and fenced as the real ones are.
type casebook struct {
	mu    sync.Mutex
	snap  kam.Snapshot
	facts kam.Facts
	keys  map[any]stored
	calls []string              // effects that ran, refusals included
	fails map[kam.Stage][]error // what the next runs of a stage fail with
	grow  bool                  // details and waivers change the facts
	fence bool                  // acts too are handed back where the case is ahead
	idle  map[kam.Stage]int     // the next runs store that there was nothing to do
	hook  map[kam.Stage]func()  // runs before the stage, outside the lock
	at    map[string]time.Time  // when a deadline was recorded
	times map[kam.Stage][]kam.StageInput
}

type stored struct {
	digest string
	kam.Progress
}

func newCasebook() *casebook {
	return &casebook{
		facts: kam.Facts{Type: kam.NewCase, HasNameCountryChannel: true, ScreeningComplete: true, DetailComplete: true,
			Recommendation: kam.Add, AutoReject: true, RoundsLeft: true, LastRequired: true},
		keys: map[any]stored{}, fails: map[kam.Stage][]error{}, idle: map[kam.Stage]int{},
		hook: map[kam.Stage]func(){}, at: map[string]time.Time{}, times: map[kam.Stage][]kam.StageInput{},
	}
}

func (b *casebook) register(env *testsuite.TestWorkflowEnvironment) {
	for _, s := range []kam.Stage{kam.StageOpen, kam.StageIdentify, kam.StageDecide, kam.StageAnalyze, kam.StageSegment,
		kam.StageValidate, kam.StageClassify, kam.StageHandOff, kam.StageElapse, kam.StagePark, kam.StageRefresh} {
		env.RegisterActivityWithOptions(func(_ context.Context, in kam.StageInput) (kam.Progress, error) { return b.stage(s, in) },
			activity.RegisterOptions{Name: string(s)})
	}
	env.RegisterActivityWithOptions(func(_ context.Context, in kam.ActInput) (kam.Progress, error) { return b.act(in) },
		activity.RegisterOptions{Name: string(kam.StageAct)})
}

// stage is an effect of the engine, keyed by Seq.
func (b *casebook) stage(s kam.Stage, in kam.StageInput) (kam.Progress, error) {
	if h := b.hook[s]; h != nil {
		h()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, string(s))
	b.times[s] = append(b.times[s], in)
	if f := b.fails[s]; len(f) > 0 {
		b.fails[s] = f[1:]
		return kam.Progress{}, f[0]
	}
	if s == kam.StageRefresh {
		return kam.Progress{Snapshot: b.snap, Ahead: b.snap.Version > in.Known}, nil
	}
	digest := digestOf(string(s), in.Due)
	old, ok := b.keys[in.Seq]
	switch {
	case b.snap.Version > in.Known && old.digest != digest:
		return kam.Progress{Snapshot: b.snap, Ahead: true}, nil
	case ok && old.digest != digest:
		return kam.Progress{}, wire(kam.Errorf(kam.IDReused, "effect %d stored for something else", in.Seq))
	case ok:
		return old.Progress, nil
	}
	if b.idle[s] > 0 { // stored, but nothing to do
		b.idle[s]--
		b.keys[in.Seq] = stored{digest, kam.Progress{Snapshot: b.snap}}
		return kam.Progress{Snapshot: b.snap}, nil
	}
	event, after := b.eventOf(s, in)
	p, err := b.move(event, s, "", in.Now)
	if err != nil {
		return kam.Progress{}, wire(err)
	}
	if after != nil {
		after()
		p.Snapshot = b.snap
	}
	b.keys[in.Seq] = stored{digest, p}
	return p, nil
}

// eventOf says what a stage brings about.
func (b *casebook) eventOf(s kam.Stage, in kam.StageInput) (kam.Event, func()) {
	switch s {
	case kam.StageOpen:
		b.snap = kam.Snapshot{CaseNo: in.CaseNo, Type: b.facts.Type, State: kam.Draft, Requester: "rep", MaterialHash: "h1",
			Revision: 1, Territory: "DE-N", OpenedAt: in.Now}
		return kam.EvSubmitRequest, nil
	case kam.StageIdentify:
		if b.facts.Match != "" {
			return kam.EvMatchFound, nil
		}
		return kam.EvNoMatch, func() { // a screening set that is there submits itself
			if b.facts.ScreeningComplete {
				t, _ := kam.Next(b.snap.State, kam.EvSubmitData, b.facts)
				b.enter(t.To, in.Now)
			}
		}
	case kam.StageDecide:
		return kam.EvRecommend, nil
	case kam.StageAnalyze:
		return kam.EvAnalyzed, nil
	case kam.StageSegment:
		return kam.EvSegmented, nil
	case kam.StageValidate:
		switch {
		case b.facts.HasError:
			return kam.EvFail, nil
		case b.facts.HasReview:
			return kam.EvReviewNeeded, nil
		}
		return kam.EvPass, nil
	case kam.StageClassify:
		return kam.EvClassified, nil
	case kam.StageHandOff:
		return kam.EvHandedOff, func() { b.snap.Outcome = kam.AddedKA }
	case kam.StagePark:
		resume := b.snap.State
		return kam.EvFault, func() { b.snap.ResumeState, b.snap.Headline, b.facts.BeforeFault = resume, in.Fault, resume }
	default:
		return b.elapse(in)
	}
}

// elapse takes the deadline off the task; a reminder moves nothing.
func (b *casebook) elapse(in kam.StageInput) (kam.Event, func()) {
	b.at[string(in.Due.Kind)] = in.Now
	rest := b.snap.Task.Deadlines[1:]
	switch in.Due.Kind {
	case kam.DueExpire:
		return kam.EvExpire, nil
	case kam.DueLapse:
		return kam.EvLapse, nil
	case kam.DueEscalate:
		return kam.EvEscalate, func() { b.snap.Task.Deadlines, b.snap.Task.Escalated = rest, b.snap.Task.Escalated+1 }
	default:
		return "", func() { b.snap.Task.Deadlines = rest }
	}
}

// act is an effect of a person, keyed by its decision id.
func (b *casebook) act(in kam.ActInput) (kam.Progress, error) {
	if h := b.hook[kam.StageAct]; h != nil {
		h()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a := in.Act
	a.Signed = "" // the act is the same whoever signs it anew
	b.calls = append(b.calls, string(a.Name)+" "+string(a.Verdict))
	if f := b.fails[kam.StageAct]; len(f) > 0 {
		b.fails[kam.StageAct] = f[1:]
		return kam.Progress{}, f[0]
	}
	if old, ok := b.keys[a.DecisionID]; ok {
		if old.digest != digestOf(a) {
			return kam.Progress{Snapshot: b.snap, Refused: kam.Errorf(kam.IDReused, "other content")}, nil
		}
		p := old.Progress
		if b.snap.Version > p.Snapshot.Version {
			p.Snapshot, p.Ahead = b.snap, true
		}
		return p, nil
	}
	if b.fence && b.snap.Version > in.Known {
		return kam.Progress{Snapshot: b.snap, Ahead: true}, nil
	}
	if err := a.CheckAgainst(b.snap); err != nil {
		return kam.Progress{Snapshot: b.snap, Refused: kam.AsError(err)}, nil
	}
	return b.apply(a, in.Now)
}

// apply stores an act that stands.
func (b *casebook) apply(a kam.Act, now time.Time) (kam.Progress, error) {
	spec, err := a.Spec()
	if err != nil {
		return kam.Progress{}, wire(err)
	}
	event := spec.Event
	switch {
	case a.Name == kam.ActDecideConfirmation && a.Verdict == kam.Confirm:
		b.snap.ConfirmedBy, b.snap.ConfirmedHash = a.By, a.ExpectHash
	case a.Name == kam.ActDecideConfirmation && a.Verdict == kam.SendBack:
		b.snap.Rounds++
	case a.Name == kam.ActSubmitData:
		b.snap.Revision++
		b.snap.MaterialHash = a.DataDigest
		b.facts.ScreeningComplete = true
		if b.snap.State == kam.ChangesRequested {
			event = kam.EvResubmit
		}
	}
	was := b.facts
	if b.grow {
		event = b.learn(a, event)
	}
	p, err := b.move(event, kam.Stage(a.Name), a.DecisionID, now)
	if err != nil {
		b.facts = was
	}
	if err != nil {
		return kam.Progress{Snapshot: b.snap, Refused: kam.AsError(err)}, nil
	}
	if a.Name == kam.ActComment {
		p.Timeline[0].Text = a.Reason
	}
	b.keys[a.DecisionID] = stored{digestOf(a), p}
	return p, nil
}

// learn takes over what an act brings: details are kept wherever they are sent,
// and move the case where it waits for them.
func (b *casebook) learn(a kam.Act, event kam.Event) kam.Event {
	switch a.Name {
	case kam.ActSubmitDetails:
		b.facts.DetailComplete = true
		if b.snap.State != kam.AwaitingCompletion {
			return ""
		}
	case kam.ActDecideValidation:
		b.facts.HasReview = false
	}
	return event
}

// move stores one effect: the next state by the table, and a line.
func (b *casebook) move(event kam.Event, by kam.Stage, decision string, now time.Time) (kam.Progress, error) {
	from := b.snap.State
	if event != "" {
		t, err := kam.Next(from, event, b.facts)
		if err != nil {
			return kam.Progress{}, err
		}
		if t.To != from {
			b.enter(t.To, now)
		}
	}
	b.snap.Version++
	b.snap.LastDecision, b.snap.UpdatedAt = decision, now
	p := kam.Progress{Snapshot: b.snap, Timeline: []kam.TimelineEntry{{Seq: b.snap.Version, At: now, From: from, To: b.snap.State, Text: string(by)}}}
	if by == kam.StageDecide {
		p.Records = []kam.DecisionRecord{{RecordID: "r1", Kind: kam.RecordAdd}}
	}
	return p, nil
}

// enter opens the task of a state, with deadlines in plain hours.
func (b *casebook) enter(to kam.State, now time.Time) {
	spec := to.Spec()
	b.snap.State, b.snap.Step, b.snap.Task = to, spec.Step, nil
	if spec.Kind != kam.Human {
		return
	}
	t := &kam.Task{ID: "t", Kind: spec.Task, Step: spec.Step, Level: "TERRITORY", Assignees: []kam.UserID{"boss"}, OpenedAt: now}
	end := kam.DueExpire
	if to == kam.AwaitingEndorsement {
		end = kam.DueLapse
	}
	if to != kam.NeedsIntervention {
		t.Deadlines = []kam.Deadline{{Kind: kam.DueRemind, At: now.Add(24 * time.Hour)},
			{Kind: kam.DueEscalate, At: now.Add(48 * time.Hour)}, {Kind: end, At: now.Add(720 * time.Hour)}}
		if !kam.Takes(to, kam.EvEscalate) {
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
