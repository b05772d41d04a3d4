package workflows_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/workflows"
)

// actOf is a row of kam.Acts as somebody sends it who has all that it needs.
func actOf(spec kam.ActSpec, id string) kam.Act {
	return kam.Act{
		DecisionID: id, Name: spec.Name, Verdict: spec.Verdict, By: "boss", Reason: "because of the tender",
		ReasonCode: orNone(spec, kam.NeedReasonCode, "OTHER"), ExpectHash: orNone(spec, kam.NeedHash, "h1"),
		SameAs: kam.CaseNo(orNone(spec, kam.NeedCase, "KAM-2020-000001")), CustomerNo: orNone(spec, kam.NeedCustomer, "C-1"), Tier: kam.Tier(orNone(spec, kam.NeedTier, string(kam.TierTerritory))),
		Assignee: kam.UserID(orNone(spec, kam.NeedAssignee, "chief")), DataDigest: orNone(spec, kam.NeedData, "h1"),
	}
}

func orNone(spec kam.ActSpec, n kam.Need, value string) string {
	if slices.Contains(spec.Needs, n) {
		return value
	}
	return ""
}

func title(spec kam.ActSpec) string {
	return strings.TrimSpace(string(spec.Name) + " " + string(spec.Verdict))
}

// in prepares a case that is in a state and stays there for an hour and more:
// it waits for people, or its stage has nobody to talk to.
func (s *script) in(state kam.State) workflows.Input {
	s.b.snap = kam.Snapshot{CaseNo: caseNo, Type: kam.NewCase, Version: 7, Revision: 1, MaterialHash: "h1", Requester: "rep", CancelAskedBy: "ops"}
	s.b.enter(state, s.env.Now())
	s.b.facts.RoundsLeft, s.b.facts.NewerPolicy, s.b.facts.BeforeFault = true, true, kam.Analyzing
	if stage, ok := kam.StageOf[state]; ok {
		s.b.fails[stage] = repeat(errors.New("connection refused"), 20)
	}
	if state == kam.NeedsIntervention {
		s.b.snap.ResumeState = kam.Analyzing // else the test would wait for ever
		s.sendAt(3*hour, "retry", kam.Act{DecisionID: "retry-0001", Name: kam.ActRetry, By: "ops"})
	}
	return workflows.Input{StartInput: kam.StartInput{CaseNo: caseNo}, Carried: &workflows.Carried[kam.Snapshot]{Snapshot: s.b.snap}}
}

// late are the codes that say that the case does not wait for an act.
var late = []string{string(kam.WrongState), string(kam.TooLate), string(kam.AlreadyDecided)}

// TestEveryActInEveryState sends every act with every verdict to a case in
// every state (F7), as an update and, where it is one, as a signal. What the
// table takes reaches the casebook once. Anything else is refused: the update
// by the validator, before it is written down, and the signal by the record; and
// the case stays where it is.
func TestEveryActInEveryState(t *testing.T) {
	t.Parallel()
	for _, st := range kam.States {
		for _, spec := range kam.Acts {
			t.Run(fmt.Sprintf("%s/%s", st.State, title(spec)), func(t *testing.T) {
				t.Parallel()
				act := actOf(spec, "decision-1")
				if st.Kind == kam.End { // its workflow has ended: the client answers by the same rule
					err := act.CheckAgainst(kam.Snapshot{CaseNo: caseNo, State: st.State, MaterialHash: "h1", Requester: "rep"})
					require.Contains(t, late, string(kam.CodeOf(err)))
					return
				}
				s := newScript(t)
				in := s.in(st.State)
				told := s.sendAt(time.Minute, "u1", act)
				s.at(2*time.Minute, func() {
					if spec.TakenIn(st.State) {
						require.True(t, told.accepted, told.rejected)
						return
					}
					require.False(t, told.accepted, "an update that is accepted is in the history")
					require.Contains(t, late, told.code())
					require.Equal(t, st.State, s.b.snap.State)
				})
				s.playFrom(in)
				if spec.TakenIn(st.State) {
					require.True(t, told.done, "whoever was let in has an answer")
					require.Equal(t, 1, count(s.b.calls, string(spec.Name)+" "+string(spec.Verdict)))
				} else {
					require.NotContains(t, s.b.calls, string(spec.Name)+" "+string(spec.Verdict))
				}
			})
			if !spec.Signal || st.Kind != kam.Human || spec.TakenIn(st.State) {
				continue
			}
			t.Run(fmt.Sprintf("%s/signal %s", st.State, title(spec)), func(t *testing.T) {
				t.Parallel()
				s := newScript(t)
				in := s.in(st.State)
				s.at(time.Minute, func() { s.env.SignalWorkflow(string(spec.Name), actOf(spec, "decision-1")) })
				s.at(2*time.Minute, func() {
					require.Equal(t, []string{string(spec.Name) + " " + string(spec.Verdict)}, s.b.calls, "it is on record as refused")
					require.Equal(t, in.Carried.Snapshot, s.b.snap)
				})
				s.playFrom(in)
			})
		}
	}
}

// TestEveryOrderOfActs sends the acts of a case in every order, all of them
// before the first is due (F8). Each is judged by where the case stands then,
// as the table says; none is kept for later, and no step is left out.
func TestEveryOrderOfActs(t *testing.T) {
	t.Parallel()
	normal := []kam.ActSpec{}
	for _, x := range []struct {
		name    kam.ActName
		verdict kam.Verdict
	}{
		{kam.ActDecideConfirmation, kam.Confirm}, {kam.ActSubmitDetails, ""}, {kam.ActDecideValidation, kam.ClearIt},
		{kam.ActDecideEndorsement, kam.Endorse}, {kam.ActWithdraw, ""},
	} {
		spec, err := kam.Act{Name: x.name, Verdict: x.verdict}.Spec()
		require.NoError(t, err)
		normal = append(normal, spec)
	}
	for _, order := range permutations(normal) {
		for _, bySignal := range []bool{false, true} {
			names := make([]string, len(order))
			for i, spec := range order {
				names[i] = string(spec.Name)
			}
			t.Run(fmt.Sprintf("%s/signals %t", strings.Join(names, ","), bySignal), func(t *testing.T) {
				t.Parallel()
				s := newScript(t)
				s.b.grow = true
				f := s.b.facts
				f.DetailComplete, f.HasReview, f.NeedsEndorsement = false, true, true
				s.b.facts = f

				model := walk{state: kam.AwaitingConfirmation, facts: f}
				var want, got []kam.State
				told := make([]*answer, len(order))
				for i, spec := range order {
					took := model.take(spec)
					act := actOf(spec, fmt.Sprintf("decision-%d", i))
					at := time.Hour + time.Duration(i)*time.Second
					if bySignal && spec.Signal {
						s.at(at, func() { s.env.SignalWorkflow(string(spec.Name), act) })
					} else {
						told[i] = s.sendAt(at, act.DecisionID, act)
					}
					if model.state.Ended() {
						break
					}
					want = append(want, model.state)
					s.at(at+500*time.Millisecond, func() {
						got = append(got, s.b.snap.State)
						if told[i] != nil {
							require.Equal(t, took, told[i].done && told[i].err == nil, "%s: %v %v", title(spec), told[i].rejected, told[i].err)
						}
					})
				}
				end := s.play()
				require.Equal(t, want, got)
				if model.state.Ended() {
					require.Equal(t, model.state, end.State)
				} else {
					require.Contains(t, []kam.State{kam.Expired, kam.Completed}, end.State, "silence ends it")
				}
				for _, spec := range order {
					require.LessOrEqual(t, count(s.b.calls, string(spec.Name)+" "+string(spec.Verdict)), 1, "nothing is tried again later")
				}
			})
		}
	}
}

// A walk is where the table of transitions takes a case.
type walk struct {
	state kam.State
	facts kam.Facts
}

// take says whether an act is taken, and goes on to where people are asked
// again.
func (w *walk) take(spec kam.ActSpec) bool {
	if !spec.TakenIn(w.state) {
		return false
	}
	facts := w.facts
	switch spec.Name {
	case kam.ActSubmitDetails:
		facts.DetailComplete = true
		if w.state != kam.AwaitingCompletion { // kept, and nothing waits for them
			w.facts = facts
			return true
		}
	case kam.ActDecideValidation:
		facts.HasReview = false
	}
	t, err := kam.Next(w.state, spec.Event, facts)
	if err != nil {
		return false
	}
	w.state, w.facts = t.To, facts
	for w.state.Kind() == kam.Automatic {
		event := map[kam.State]kam.Event{
			kam.Analyzing: kam.EvAnalyzed, kam.Segmenting: kam.EvSegmented, kam.Validating: kam.EvPass,
			kam.Classifying: kam.EvClassified, kam.HandingOff: kam.EvHandedOff,
		}[w.state]
		if w.state == kam.Validating && w.facts.HasReview {
			event = kam.EvReviewNeeded
		}
		if t, err = kam.Next(w.state, event, w.facts); err != nil {
			return false
		}
		w.state = t.To
	}
	return true
}

// permutations are all orders of a list.
func permutations[T any](list []T) [][]T {
	if len(list) == 0 {
		return [][]T{nil}
	}
	var all [][]T
	for i := range list {
		rest := append(slices.Clone(list[:i]), list[i+1:]...)
		for _, p := range permutations(rest) {
			all = append(all, append([]T{list[i]}, p...))
		}
	}
	return all
}

// TestEveryDecisionIDAgain sends every act that a state takes again under its
// decision id (F5, F6): in whatever state the case is by then and after other
// decisions, the same content is answered and not done again, other content is
// refused, and as a signal neither has any effect.
func TestEveryDecisionIDAgain(t *testing.T) {
	t.Parallel()
	for _, st := range kam.States {
		for _, spec := range kam.Acts {
			if st.Kind != kam.Human || !spec.TakenIn(st.State) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", st.State, title(spec)), func(t *testing.T) {
				t.Parallel()
				s := newScript(t)
				s.b.grow = true
				in := s.in(st.State)
				act := actOf(spec, "decision-1")
				other := act
				other.Reason = "another reason"
				first := s.sendAt(time.Minute, "decision-1/1", act)
				again := s.sendAt(2*time.Minute, "decision-1/2", act)
				s.sendAt(3*time.Minute, "c1", kam.Act{DecisionID: "decision-2", Name: kam.ActComment, By: "boss", Reason: "a word"})
				later := s.sendAt(4*time.Minute, "decision-1/3", act)
				changed := s.sendAt(5*time.Minute, "decision-1/4", other)
				s.at(6*time.Minute, func() {
					if spec.Signal {
						s.env.SignalWorkflow(string(spec.Name), act)
						s.env.SignalWorkflow(string(spec.Name), other)
					}
				})
				ended := false
				var version int64
				s.at(5*time.Minute+30*time.Second, func() { version = s.b.snap.Version })
				s.at(7*time.Minute, func() { require.Equal(t, version, s.b.snap.Version) })
				s.at(90*time.Second, func() { ended = s.b.snap.State.Ended() })
				s.playFrom(in)
				if first.err != nil || first.rejected != nil {
					// The casebook knows no row of the table for it: on record once, and
					// judged again when it comes again.
					require.NotEmpty(t, first.code())
					return
				}
				if ended || !again.done {
					return // the client answers for a workflow that has ended
				}
				require.NoError(t, again.err)
				require.NoError(t, later.err)
				require.False(t, changed.accepted)
				require.Equal(t, string(kam.IDReused), changed.code())
				times := 1
				if spec.Signal || spec.Name == kam.ActComment {
					times++ // other content by signal: RecordAct has it on record; or the comment above
				}
				require.Equal(t, times, count(s.b.calls, string(spec.Name)+" "+string(spec.Verdict)))
			})
		}
	}
}
