package workflows

import (
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
)

// A desk is the code that every process shares that waits for people. It
// processes acts one at a time: each is judged once, stored once and answered
// once. It runs the stages of the engine, one effect each, and parks the
// process where a stage fails. It acts on the deadlines of the open task, and it
// starts a new run before the history is full. What differs from one process to
// the next is in its [process].
type desk struct {
	process
	Memory

	verify Verify

	lock workflow.Mutex // acts of people and the engine's own effects, one at a time

	// Of updates alone: who sends signals takes no place from who waits for an
	// answer.
	updating, updated int

	inFlight int // acts between acceptance and answer
	taken    int // acts taken in this run
	hops     int // stages since the last wait for people

	unanswered bool // a service outside gave no answer: input of the next stage
	signals    []workflow.ReceiveChannel

	stopTimer workflow.CancelFunc // of the last wait

	// A deadline that could not be recorded is tried again at retryAt. Until
	// then people may act.
	stuck   *due
	retryAt time.Time

	// before is true where the run began in a release in which the process did
	// not use the desk. Such a run makes the same calls as that release, because
	// it replays.
	before bool
}

// A process describes one kind of process to the desk. Its functions are
// closures over the snapshot of the process, the copy of what PostgreSQL holds.
//
// They are function literals, and nothing here is generic, because workflowcheck
// follows neither method values nor instantiated methods.
type process struct {
	noun, no string // how errors and logs name it: "case", "KAM-2026-000001"

	acts    []entry
	notices []notice
	stages  stages

	now     func() place
	stage   func() (onboarding.Stage, bool) // of an automatic state
	details func() string                   // for operators, in Markdown

	act    func(name string, raw converter.RawValue) (act, error)
	input  func(call) any // of the activity that carries out a call
	result func(workflow.Context, workflow.Future) (outcome, error)
	note   func(outcome)    // keeps what else is carried; nil where nothing is
	move   func(outcome)    // replaces the snapshot
	answer func() any       // the result of an act that changed nothing: the state as it is
	renew  func(Memory) any // the input of the next run

	runs    string   // the name under which the workflow is registered
	outside changeID // marks the runs that have called a service outside
}

// An act is what a person sends, in the form that the desk needs.
type act struct {
	value      any
	id, digest string       // the decision, and what it is bound to
	size       int          // bytes of text
	signed     string       // its envelope
	claim      signed.Claim // what that has to say
	signal     int64        // which signal it is, 0 for an update
	form       error        // what is wrong with it, whatever the state
	judge      func() error // of a first decision: pure, in memory
	label      func() string
}

// An entry is one update that a process answers to, and the stage that stores
// it. Where Signal is set, a signal of the same name is the same act, for
// callers that cannot wait.
type entry struct {
	name, description string
	stage             onboarding.Stage
	signal            bool
}

// A notice is a signal without content: it only says that something happened.
// Look runs under the lock and returns whether the process moved.
type notice struct {
	name, description string
	look              func(workflow.Context) bool
}

// stages are the effects that every process has.
type stages struct {
	open   onboarding.Stage // the first effect, tried without limit
	read   onboarding.Stage // changes nothing: what PostgreSQL knows
	elapse onboarding.Stage // a deadline passed
	fault  onboarding.Stage // a stage failed for good
}

// A place is where a snapshot stands.
type place struct {
	version      int64
	open, ended  bool
	lastDecision string
	due          *due // the next deadline; nil where there is none
	// seen is compared by a wait: when its value changes, the wait begins again.
	seen any
	view view
}

// A due is a deadline, and what it belongs to.
type due struct {
	kam.Deadline
	node  string // of one task among several
	label string // in the history: "1.1.5"
}

func (d due) same(o due) bool {
	return d.Kind == o.Kind && d.At.Equal(o.At) && d.node == o.node
}

func (d due) text() string { return d.label + " " + deadlineWord(d.Kind) }

// A call is one effect: a stage of the engine, or what a person did.
type call struct {
	stage      onboarding.Stage
	known, seq int64
	now        time.Time
	act        any   // what a person sent, nil for an effect of the engine
	signal     int64 // as which signal it came, 0 for an update
	due        *due
	fault      string
	unanswered bool
}

// An outcome is what came of a call.
type outcome struct {
	value   any   // as the activity handed it back
	place   place // of the snapshot in it
	ahead   bool  // PostgreSQL knew more
	refused *kam.Error
	needs   onboarding.Stage // what must be done outside first
}

// Bounds on what people send, besides those of the form of an act.
const (
	maxInFlight = 10       // updates that wait for their answer; the server's own bound
	maxActBytes = 32 << 10 // text in one act
	// maxPayload bounds one message in bytes, fields that the act does not know
	// included: the history keeps them too, and Temporal ends a workflow whose
	// history is full.
	maxPayload = 64 << 10
	// A run ends soon after maxActsPerRun acts. This is the most updates that it
	// accepts until it has ended.
	maxActsAtAll = 2 * maxActsPerRun
)

func newDesk(ctx workflow.Context, verify Verify, p process) *desk {
	return &desk{process: p, verify: verify, lock: workflow.NewMutex(ctx)}
}

// opened says whether the first effect is done, and the snapshot is one.
func (d *desk) opened() bool { return d.now().open }

func (d *desk) log(ctx workflow.Context) log.Logger {
	return log.With(workflow.GetLogger(ctx), d.noun+"_no", d.no)
}

func (d *desk) subject() string { return d.noun + " " + d.no }

// openActs registers everything that people may send, before anything can
// block: a handler registered later is unknown to an update that arrives with
// the start.
//
//	update ─▶ check (validator: pure, leaves no event when it refuses) ─┐
//	signal ─▶ form and size ────────────────────────────────────────────┴▶ take ─▶ one local activity
func (d *desk) openActs(ctx workflow.Context) error {
	d.openSignals(ctx)
	for _, e := range d.acts {
		err := update(ctx, e.name, e.description,
			func(now time.Time, raw converter.RawValue) error {
				a, err := d.act(e.name, raw)
				if err != nil {
					return err
				}
				return d.check(now, a)
			},
			func(ctx workflow.Context, raw converter.RawValue) (any, error) {
				a, err := d.act(e.name, raw)
				if err != nil {
					return nil, refusal(err)
				}
				return d.handle(ctx, e, a)
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// update registers a handler and its validator.
func update(ctx workflow.Context, name, description string, check func(time.Time, converter.RawValue) error, handle func(workflow.Context, converter.RawValue) (any, error)) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, name, handle, workflow.UpdateHandlerOptions{
		Validator: func(ctx workflow.Context, raw converter.RawValue) error {
			err := check(workflow.Now(ctx), raw) // first: it names the field
			if err == nil {
				err = checkSize(raw)
			}
			return refusal(err)
		},
		Description: description,
	})
}

// query registers a query. It is answered from memory: nothing is read.
func query(ctx workflow.Context, name, description string, handler any) error {
	return workflow.SetQueryHandlerWithOptions(ctx, name, handler, workflow.QueryHandlerOptions{Description: description})
}

// checkSize refuses a message that is too large for the history.
func checkSize(raw converter.RawValue) error {
	if n := raw.Payload().Size(); n > maxPayload {
		return kam.Errorf(kam.Invalid, "the message has %d bytes, more than %d", n, maxPayload)
	}
	return nil
}

// read decodes a message. The error does not quote it, because it may hold
// personal data.
func read[T any](raw converter.RawValue) (in T, err error) {
	if err := converter.GetDefaultDataConverter().FromPayload(raw.Payload(), &in); err != nil {
		var none T
		return none, kam.Errorf(kam.Invalid, "the message cannot be read").Try("send it with the client")
	}
	return in, nil
}

// check is the validator of an act: what it refuses leaves no event in the
// history. It judges by the snapshot in memory. Where that is older than what
// PostgreSQL holds, the signal Refresh brings it up to date.
//
// An act that was taken before is answered, whoever sends it again and however
// old its signature is; any other must be signed. Signatures are judged here and
// where the act is stored, and never on replay: keys change, histories do not.
func (d *desk) check(now time.Time, a act) error {
	if a.form != nil {
		return a.form
	}
	if a.size > maxActBytes {
		return kam.Errorf(kam.Invalid, "more than %d bytes of text", maxActBytes)
	}
	if !d.opened() {
		// PostgreSQL may have it as open: a worker opened it and then died.
		return kam.Errorf(kam.Unreachable, "%s is not open yet", d.subject()).Try("send it again in a moment")
	}
	if d.updating >= maxInFlight || d.updated >= maxActsAtAll {
		return kam.Errorf(kam.Unreachable, "%s is busy", d.subject()).Try("send it again in a moment")
	}
	switch d.repeats(a.id, a.digest) {
	case sameAgain, unclear:
		return nil // take has the answer
	case reused:
		return kam.Errorf(kam.IDReused, "decision %s was taken with other content", a.id).On("decision_id").Try("make a new id for a new decision")
	}
	if err := d.verify.of(now, a.signed, a.claim); err != nil {
		return err
	}
	return a.judge()
}

// handle is the handler of all updates of people. Its answer is what is
// stored: the committed state, or the refusal that was recorded.
func (d *desk) handle(ctx workflow.Context, e entry, a act) (any, error) {
	d.updating++
	d.updated++
	out, err := d.take(ctx, e.stage, a)
	d.updating--
	if err != nil {
		return nil, err
	}
	if out.refused != nil {
		return nil, refusal(out.refused)
	}
	return out.value, nil
}

// take is common to updates and signals: it takes the lock, then runs the one
// local activity that judges the act by what is stored, and stores it.
func (d *desk) take(ctx workflow.Context, stage onboarding.Stage, a act) (outcome, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	d.inFlight++
	d.taken++
	defer func() { d.inFlight-- }()

	if err := d.lock.Lock(ctx); err != nil {
		return outcome{}, err
	}
	defer d.lock.Unlock()

	// Tested again: the same act may have waited for the lock before this one.
	if d.repeats(a.id, a.digest) == sameAgain && !d.before {
		return outcome{value: d.answer()}, nil
	}
	return d.record(ctx, stage, a)
}

// record stores an act. An outcome that is ahead means that PostgreSQL holds a
// newer version than the snapshot: either the act was not judged, or it was
// stored earlier. The process adopts the newer version and tries again. Where
// that version is not new, or its last decision is this act, the act has been
// stored.
func (d *desk) record(ctx workflow.Context, stage onboarding.Stage, a act) (outcome, error) {
	ctx = quick(ctx, a.label())
	for range 3 {
		in := call{stage: stage, known: d.now().version, now: workflow.Now(ctx), act: a.value, signal: a.signal}
		out, err := d.result(ctx, workflow.ExecuteLocalActivity(ctx, string(stage), d.input(in)))
		if err != nil {
			return out, outage(err)
		}
		d.adopt(ctx, out)
		switch {
		case out.refused != nil:
			return out, nil
		case !out.ahead, out.place.version <= in.known, out.place.lastDecision == a.id:
			d.remember(a.id, a.digest)
			if out.place.version < d.now().version {
				out.value = d.answer() // stored earlier, it hands back an older state
			}
			return out, nil
		}
	}
	return outcome{}, outage(kam.Errorf(kam.Unreachable, "%s moves faster than it can be read", d.subject()).Try("send the same decision again"))
}

// adopt replaces the snapshot with the one that an effect returned, unless that
// one is older, and returns whether the version rose.
func (d *desk) adopt(ctx workflow.Context, out outcome) bool {
	if d.note != nil {
		d.note(out)
	}
	was := d.now().version
	if !out.place.open || out.place.version < was {
		return false
	}
	d.move(out)
	if id := out.place.lastDecision; id != "" {
		d.remember(id, "")
	}
	workflow.SetCurrentDetails(ctx, d.details())
	return out.place.version > was
}

// work takes the process from step to step until it ends or the history is
// long; then it goes on in a new run with everything that it carries.
// Deadlines are instants, so they stay as they are.
func (d *desk) work(ctx workflow.Context, step func(workflow.Context) error) error {
	for {
		for !d.now().ended && !d.full(ctx) {
			if err := step(ctx); err != nil {
				return err
			}
		}
		if err := d.settle(ctx); err != nil {
			return err
		}
		if d.now().ended {
			return d.publish(ctx)
		}
		if d.full(ctx) {
			next := d.Memory
			next.Runs++
			return workflow.NewContinueAsNewError(ctx, d.runs, d.renew(next))
		}
	}
}

// maxActsPerRun is how many acts a run takes before the process continues in a
// new one, with an empty history.
const maxActsPerRun = 500

// full says whether the history is long enough for a new run.
func (d *desk) full(ctx workflow.Context) bool {
	return !d.before && (d.taken >= maxActsPerRun || workflow.GetInfo(ctx).GetContinueAsNewSuggested())
}

// settle waits until every accepted update is answered and every signal is
// read: what is left in a channel when a run closes is lost.
//
// A signal that came with this workflow task has left its channel already, and
// the coroutine that reads it runs after this one. So settle first waits for a
// new coroutine: a new one runs after all others.
func (d *desk) settle(ctx workflow.Context) error {
	turn := false
	workflow.Go(ctx, func(workflow.Context) { turn = true })
	return workflow.Await(ctx, func() bool {
		return turn && d.inFlight == 0 && d.allRead() && workflow.AllHandlersFinished(ctx)
	})
}

// openFirst runs the first effect once, whoever asks first: an update that came
// with the start, or the main routine.
func (d *desk) openFirst(ctx workflow.Context) error {
	if err := d.lock.Lock(ctx); err != nil {
		return err
	}
	defer d.lock.Unlock()

	if d.opened() {
		return nil
	}
	if d.no == "" {
		return kam.Errorf(kam.Invalid, "no number").On(d.noun + "_no")
	}
	out, err := d.effect(endless(ctx, stageLabel(d.stages.open)), call{stage: d.stages.open})
	if err != nil {
		return err
	}
	if d.adopt(ctx, out); d.opened() {
		return nil
	}
	if out.refused != nil {
		return out.refused
	}
	return kam.Errorf(kam.Fault, "%s was opened without a state", d.subject())
}
