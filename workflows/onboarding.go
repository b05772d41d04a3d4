package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed"
)

// Input is the workflow's input: what a client sends is [onboarding.StartInput] alone;
// Carried is there when a run continues an earlier one.
type Input struct {
	onboarding.StartInput
	Carried *Carried[onboarding.Snapshot] `json:"carried,omitempty"`
}

// onboarding is one case at work.
type caseDesk struct {
	*desk
	start    onboarding.StartInput
	Snapshot onboarding.Snapshot
}

func newOnboarding(ctx workflow.Context, verify Verify, in Input) *caseDesk {
	c := &caseDesk{start: in.StartInput}
	c.desk = newDesk(ctx, verify, process{
		noun: "case", no: string(in.CaseNo),
		acts: caseActs(),
		notices: []notice{
			{onboarding.SignalRefresh, "Read the committed case again: PostgreSQL knows more than the workflow.", func(ctx workflow.Context) bool { return c.read(ctx) }},
			{onboarding.SignalReroute, "People or territories changed: see whose the open task is now.", func(ctx workflow.Context) bool { return c.reroute(ctx) }},
		},
		stages:  stages{open: onboarding.StageOpen, read: onboarding.StageRefresh, elapse: onboarding.StageElapse, fault: onboarding.StagePark},
		now:     func() place { return placeOfCase(c.Snapshot) },
		stage:   func() (onboarding.Stage, bool) { stage, ok := onboarding.StageOf[c.Snapshot.State]; return stage, ok },
		details: func() string { return details(c.Snapshot) },
		act: func(name string, raw converter.RawValue) (act, error) {
			a, err := read[onboarding.Act](raw)
			a.Name = onboarding.ActName(name)
			return act{
				value: a, id: a.DecisionID, digest: digestOf(a), size: sizeOf(a), form: a.Check(),
				signed: a.Signed, claim: signed.OfAct(c.start.CaseNo, a, false),
				judge: func() error { return judgeAct(a, c.Snapshot) },
				label: func() string { return actLabel(a, c.Snapshot) },
			}, err
		},
		input: func(x call) any { return c.input(x) },
		result: func(ctx workflow.Context, f workflow.Future) (outcome, error) {
			var p onboarding.Progress
			err := f.Get(ctx, &p)
			return outcome{value: p, place: placeOfCase(p.Snapshot), ahead: p.Ahead, refused: p.Refused, needs: p.Needs}, err
		},
		note: func(out outcome) {
			p := out.value.(onboarding.Progress)
			c.keep(p.Timeline, p.Records)
		},
		move:    func(out outcome) { c.Snapshot = out.value.(onboarding.Progress).Snapshot },
		answer:  func() any { return onboarding.Progress{Snapshot: c.Snapshot} },
		renew:   func(m Memory) any { return Input{c.start, &Carried[onboarding.Snapshot]{c.Snapshot, m}} },
		runs:    onboarding.WorkflowOnboarding,
		outside: changeScreeningOutside,
	})
	if in.Carried != nil {
		c.Snapshot, c.Memory = in.Carried.Snapshot, in.Carried.Memory
	}
	return c
}

// input is what the activity of a call gets: RecordAct the act, every other
// stage its number.
func (c *caseDesk) input(x call) any {
	if a, ok := x.act.(onboarding.Act); ok {
		return onboarding.ActInput{CaseNo: c.start.CaseNo, Known: x.known, Now: x.now, Act: a, Signal: x.signal}
	}
	in := onboarding.StageInput{CaseNo: c.start.CaseNo, Seq: x.seq, Known: x.known, Now: x.now, Fault: x.fault, Unscreened: x.unanswered}
	if x.stage == onboarding.StageOpen {
		in.Signed = c.start.Signed
	}
	if x.due != nil {
		in.Due = &x.due.Deadline
	}
	return in
}

func placeOfCase(s onboarding.Snapshot) place {
	v := look(s)
	p := place{version: s.Version, open: s.State != "", ended: s.State.Ended(), lastDecision: s.LastDecision, seen: v, view: v}
	if d, ok := s.Task.Next(); ok {
		p.due = &due{Deadline: d, label: string(s.Task.Step)}
	}
	return p
}

// openInbox registers everything that a case answers to.
func (c *caseDesk) openInbox(ctx workflow.Context) error {
	return errors.Join(
		query(ctx, onboarding.QueryState, "Where the case stands, for whom it waits, and until when.",
			func() (onboarding.Snapshot, error) { return c.Snapshot, nil }),
		query(ctx, onboarding.QueryExplain, "What the rules decided, from which facts, and what would have changed it.",
			func() ([]onboarding.DecisionRecord, error) {
				return append([]onboarding.DecisionRecord{}, c.Records...), nil
			}),
		query(ctx, onboarding.QueryHistory, "What happened to the case, line by line.",
			func() ([]onboarding.TimelineEntry, error) {
				return append([]onboarding.TimelineEntry{}, c.Timeline...), nil
			}),
		c.openActs(ctx),
		update(ctx, string(onboarding.ActStart), "1.1.1: open the case; sent together with its start. Answers with the case.",
			func(now time.Time, raw converter.RawValue) error { return c.checkStart(now, raw) },
			func(ctx workflow.Context, raw converter.RawValue) (any, error) { return c.handleStart(ctx, raw) }),
	)
}

// caseActs are the acts of people that a case takes, in the order of onboarding.Acts.
func caseActs() []entry {
	var all []entry
	for _, spec := range onboarding.Acts {
		i := slices.IndexFunc(all, func(e entry) bool { return e.name == string(spec.Name) })
		if i < 0 {
			all = append(all, entry{name: string(spec.Name), description: actDescription(spec.Name), stage: onboarding.StageAct})
			i = len(all) - 1
		}
		all[i].signal = all[i].signal || spec.Signal
	}
	return all
}

// judgeAct is the validator of a decision whose id is not known in memory. Where
// the task was decided before, it may have been by this very decision, whose
// answer was lost. So it is let through: RecordAct finds it by its id, or
// refuses it.
func judgeAct(a onboarding.Act, s onboarding.Snapshot) error {
	err := a.CheckAgainst(s)
	if kam.CodeOf(err) != kam.AlreadyDecided {
		return err
	}
	switch {
	case a.Name == onboarding.ActDecideConfirmation && a.By == s.ConfirmedBy,
		a.Name == onboarding.ActDecideEndorsement && slices.Contains(s.Endorsed, a.By):
		return nil
	}
	return err
}

// checkStart refuses a start that means another case. Before the case is open,
// its signature is for the effect that opens it to judge: only that knows who
// asked for the case.
func (c *caseDesk) checkStart(now time.Time, raw converter.RawValue) error {
	in, err := read[onboarding.StartInput](raw)
	if err != nil {
		return err
	}
	if in.Unsigned() != c.start.Unsigned() {
		return kam.Errorf(kam.IDReused, "case %s was started by another request", c.start.CaseNo).On("request_key")
	}
	requester := c.Snapshot.Requester
	if !c.opened() || requester == kam.System && in.Signed == "" {
		return nil
	}
	claim := signed.OfStart(in, requester, "")
	claim.Unseen = true
	return c.verify.of(now, in.Signed, claim)
}

// handleStart is the update that comes with the start, 1.1.1: its answer is the
// opened case. A start that is repeated is answered with the case as it is.
func (c *caseDesk) handleStart(ctx workflow.Context, raw converter.RawValue) (any, error) {
	if _, err := read[onboarding.StartInput](raw); err != nil {
		return nil, refusal(err)
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := c.openFirst(ctx); err != nil {
		return nil, outage(err)
	}
	return c.answer(), nil
}

// reroute runs the stage that tests whether the open task waits for the right
// person. The caller holds the lock.
func (c *caseDesk) reroute(ctx workflow.Context) (moved bool) {
	if c.Snapshot.Task == nil {
		return false
	}
	out, err := c.effect(quick(ctx, "The organisation changed"), call{stage: onboarding.StageReroute})
	if err != nil {
		c.log(ctx).Error("case cannot be rerouted", "error", err)
		return false
	}
	return c.adopt(ctx, out)
}

// actLabel is an act in the history: "1.1.5 Management Confirmation: CONFIRM".
func actLabel(a onboarding.Act, s onboarding.Snapshot) string {
	what := string(a.Name)
	if a.Verdict != "" {
		what = kam.Clip(string(a.Verdict), 40)
	}
	if s.Step == "" {
		return what
	}
	return s.Step.Label() + ": " + what
}

// actDescription lists what an act may decide.
func actDescription(name onboarding.ActName) string {
	var verdicts []string
	for _, spec := range onboarding.Acts {
		if spec.Name == name && spec.Verdict != "" {
			verdicts = append(verdicts, string(spec.Verdict))
		}
	}
	if len(verdicts) == 0 {
		return "An act of a person on the case."
	}
	return "A decision of a person: " + strings.Join(verdicts, ", ") + "."
}

// digestOf binds a decision id to what was decided: each field that is filled,
// by name and length. It is the same for ever, since a repetition is answered
// by it on replay too; a field that onboarding.Act gains is added at the end.
func digestOf(a onboarding.Act) string {
	var b strings.Builder
	put := func(name, value string) {
		if value != "" {
			b.WriteString(name + " " + strconv.Itoa(len(value)) + " " + value + "\n")
		}
	}
	put("act", string(a.Name))
	put("by", string(a.By))
	put("decision", string(a.Verdict))
	if a.ExpectRevision != 0 {
		put("revision", strconv.Itoa(a.ExpectRevision))
	}
	put("material_hash", a.ExpectHash)
	put("reason_code", a.ReasonCode)
	put("reason", a.Reason)
	for _, f := range a.Fields {
		put("field", f)
	}
	put("customer_no", a.CustomerNo)
	put("tier", string(a.Tier))
	put("assignee", string(a.Assignee))
	put("owner_id", string(a.OwnerID))
	put("data_digest", a.DataDigest)
	put("release_account", a.ReleaseAccount)
	put("same_as", string(a.SameAs))
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// sizeOf is the text that an act brings.
func sizeOf(a onboarding.Act) int {
	n := 0
	for _, s := range []string{a.DecisionID, string(a.By), string(a.Verdict), a.ExpectHash, a.ReasonCode, a.Reason,
		a.CustomerNo, string(a.Tier), string(a.Assignee), string(a.OwnerID), a.DataDigest, a.ReleaseAccount, string(a.SameAs), string(a.OnBehalfOf)} {
		n += len(s)
	}
	for _, f := range a.Fields {
		n += len(f) + 1
	}
	return n
}
