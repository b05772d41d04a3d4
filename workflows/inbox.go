package workflows

import (
	"errors"
	"slices"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
)

// Bounds on what people send, besides those of kam.Act.Check.
const (
	maxInFlight = 10       // acts that wait for their answer; the server's own bound
	maxActBytes = 32 << 10 // text in one act
	// maxPayload is all that stands in one message, whether the act has a field
	// for it or not: the history keeps it, and ends the case when it is full.
	maxPayload = 64 << 10
	// A run ends soon after maxActsPerRun; until it does, this is the most
	// that it takes.
	maxActsAtAll = 2 * maxActsPerRun
)

// openInbox registers everything that a case answers to, before anything can
// block: a handler registered later is unknown to an update that arrives with
// the start.
//
//	update ─▶ check (validator: pure, leaves no event when it refuses) ─┐
//	signal ─▶ form and size ────────────────────────────────────────────┴▶ take ─▶ RecordAct
func (c *onboarding) openInbox(ctx workflow.Context) error {
	return errors.Join(
		c.answerQueries(ctx),
		c.openSignals(ctx),
		c.openUpdates(ctx),
	)
}

func (c *onboarding) openUpdates(ctx workflow.Context) error {
	for _, name := range ActNames() {
		err := update(ctx, string(name), actDescription(name),
			func(a kam.Act) error { return c.check(name, a) },
			func(ctx workflow.Context, a kam.Act) (kam.Progress, error) { return c.handle(ctx, name, a) })
		if err != nil {
			return err
		}
	}
	return update(ctx, string(kam.ActStart), "1.1.1: open the case; sent together with its start. Answers with the case.",
		c.checkStart, c.handleStart)
}

// update registers a handler and its validator.
func update[T any](ctx workflow.Context, name, description string, check func(T) error, handle func(workflow.Context, T) (kam.Progress, error)) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, name,
		func(ctx workflow.Context, raw converter.RawValue) (kam.Progress, error) {
			in, err := read[T](raw)
			if err != nil {
				return kam.Progress{}, refusal(err)
			}
			return handle(ctx, in)
		},
		workflow.UpdateHandlerOptions{
			Validator: func(_ workflow.Context, raw converter.RawValue) error {
				in, err := read[T](raw)
				if err == nil {
					err = check(in) // first: it names the field
				}
				if err == nil {
					err = checkSize(raw)
				}
				return refusal(err)
			},
			Description: description,
		})
}

// ActNames lists the acts of people that a case takes, in the order of
// kam.Acts.
func ActNames() []kam.ActName { return actNames(func(kam.ActSpec) bool { return true }) }

func actNames(want func(kam.ActSpec) bool) []kam.ActName {
	var names []kam.ActName
	seen := map[kam.ActName]bool{}
	for _, spec := range kam.Acts {
		if !seen[spec.Name] && want(spec) {
			seen[spec.Name] = true
			names = append(names, spec.Name)
		}
	}
	return names
}

// checkSize bounds what the history keeps of a message.
func checkSize(raw converter.RawValue) error {
	if n := raw.Payload().Size(); n > maxPayload {
		return kam.Errorf(kam.Invalid, "the message has %d bytes, more than %d", n, maxPayload)
	}
	return nil
}

// read reads a message. The error quotes nothing of it: it may hold anything.
func read[T any](raw converter.RawValue) (in T, err error) {
	if err := converter.GetDefaultDataConverter().FromPayload(raw.Payload(), &in); err != nil {
		var none T
		return none, kam.Errorf(kam.Invalid, "the message cannot be read").Try("send it with the client")
	}
	return in, nil
}

// check is the validator of an act: what it refuses leaves no trace in the
// history. It looks at the case as the workflow knows it. Where that is behind
// PostgreSQL, the signal Refresh cures it.
func (c *onboarding) check(name kam.ActName, a kam.Act) error {
	a.Name = name
	if err := a.Check(); err != nil {
		return err
	}
	if sizeOf(a) > maxActBytes {
		return kam.Errorf(kam.Invalid, "more than %d bytes of text", maxActBytes)
	}
	if !c.opened() {
		// PostgreSQL may know it as open: a worker that died had opened it.
		return kam.Errorf(kam.Unreachable, "case %s is not open yet", c.start.CaseNo).Try("send it again in a moment")
	}
	if c.inFlight >= maxInFlight || c.taken >= maxActsAtAll {
		return kam.Errorf(kam.Unreachable, "case %s is busy", c.start.CaseNo).Try("send it again in a moment")
	}
	switch c.repeats(a) {
	case sameAgain, unclear:
		return nil // take has the answer
	case reused:
		return idReused(a)
	}
	err := a.CheckAgainst(c.Snapshot)
	if kam.CodeOf(err) == kam.AlreadyDecided && c.decided(a) {
		return nil
	}
	return err
}

// decided says whether the person has decided this himself. Then it may be his
// own decision, stored when Temporal lost its answer and overtaken since:
// RecordAct knows it by its id, or refuses it.
func (c *onboarding) decided(a kam.Act) bool {
	switch a.Name {
	case kam.ActDecideConfirmation:
		return a.By == c.Snapshot.ConfirmedBy
	case kam.ActDecideEndorsement:
		return slices.Contains(c.Snapshot.Endorsed, a.By)
	}
	return false
}

func idReused(a kam.Act) *kam.Error {
	return kam.Errorf(kam.IDReused, "decision %s was taken with other content", a.DecisionID).On("decision_id").Try("make a new id for a new decision")
}

// handle is the handler of all updates of people. Its answer is what is
// stored: the committed case, or the refusal that was recorded.
func (c *onboarding) handle(ctx workflow.Context, name kam.ActName, a kam.Act) (kam.Progress, error) {
	p, err := c.take(ctx, name, a, 0)
	if err != nil {
		return kam.Progress{}, err
	}
	if p.Refused != nil {
		return kam.Progress{}, refusal(p.Refused)
	}
	return p, nil
}

// take is what updates and signals have in common: the lock, then the one
// local activity that judges the act against the stored case and stores it.
// Signal says which signal of the case it is, 0 for an update.
func (c *onboarding) take(ctx workflow.Context, name kam.ActName, a kam.Act, signal int64) (kam.Progress, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	a.Name = name
	c.inFlight++
	c.taken++
	defer func() { c.inFlight-- }()

	if err := c.lock.Lock(ctx); err != nil {
		return kam.Progress{}, err
	}
	defer c.lock.Unlock()

	switch c.repeats(a) { // again: the same act may have been ahead in the queue
	case sameAgain:
		return kam.Progress{Snapshot: c.Snapshot}, nil
	default:
		return c.record(ctx, a, signal)
	}
}

// record stores an act. Ahead says that PostgreSQL knew more (D10a): either the
// act was not judged, or it is in effect since longer. The case adopts what is
// there and asks once more; ahead of nothing that is still unknown, the act is
// in effect.
func (c *onboarding) record(ctx workflow.Context, a kam.Act, signal int64) (kam.Progress, error) {
	ctx = quick(ctx, actLabel(c.Snapshot, a))
	for range 3 {
		in := kam.ActInput{CaseNo: c.start.CaseNo, Known: c.Snapshot.Version, Now: workflow.Now(ctx), Act: a, Signal: signal}
		var p kam.Progress
		if err := workflow.ExecuteLocalActivity(ctx, string(kam.StageAct), in).Get(ctx, &p); err != nil {
			return kam.Progress{}, outage(err)
		}
		c.adopt(ctx, p)
		switch {
		case p.Refused != nil:
			return p, nil
		case !p.Ahead, p.Snapshot.Version <= in.Known, p.Snapshot.LastDecision == a.DecisionID:
			c.remember(a.DecisionID, digestOf(a))
			return c.answer(p), nil
		}
	}
	return kam.Progress{}, outage(kam.Errorf(kam.Unreachable, "case %s moves faster than it can be read", c.start.CaseNo).Try("send the same decision again"))
}

// answer is what the caller is told. An effect that was stored earlier may
// hand back an older snapshot than the case's.
func (c *onboarding) answer(p kam.Progress) kam.Progress {
	if p.Snapshot.Version < c.Snapshot.Version {
		p.Snapshot = c.Snapshot
	}
	return p
}

// checkStart refuses a start that means another case.
func (c *onboarding) checkStart(in kam.StartInput) error {
	if in != c.start {
		return kam.Errorf(kam.IDReused, "case %s was started by another request", c.start.CaseNo).On("request_key")
	}
	return nil
}

// handleStart is 1.1.1 for whoever started the case and waits for it. A start
// that is repeated is answered with the case as it stands.
func (c *onboarding) handleStart(ctx workflow.Context, _ kam.StartInput) (kam.Progress, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := c.open(ctx); err != nil {
		return kam.Progress{}, outage(err)
	}
	return kam.Progress{Snapshot: c.Snapshot}, nil
}

// actLabel is an act in the history: "1.1.5 Management Confirmation: CONFIRM".
func actLabel(s kam.Snapshot, a kam.Act) string {
	what := string(a.Name)
	if a.Verdict != "" {
		what = clip(string(a.Verdict), 40)
	}
	if s.Step == "" {
		return what
	}
	return s.Step.Label() + ": " + what
}

// actDescription lists what an act may decide.
func actDescription(name kam.ActName) string {
	text := ""
	for _, spec := range kam.Acts {
		if spec.Name != name || spec.Verdict == "" {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += string(spec.Verdict)
	}
	if text == "" {
		return "An act of a person on the case."
	}
	return "A decision of a person: " + text + "."
}

// sizeOf is the text that an act brings.
func sizeOf(a kam.Act) int {
	n := 0
	for _, s := range []string{a.DecisionID, string(a.By), string(a.Verdict), a.ExpectHash, a.ReasonCode, a.Reason,
		a.CustomerNo, string(a.Tier), string(a.Assignee), string(a.OwnerID), a.DataDigest, a.ReleaseAccount, string(a.SameAs)} {
		n += len(s)
	}
	for _, f := range a.Fields {
		n += len(f) + 1
	}
	return n
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
