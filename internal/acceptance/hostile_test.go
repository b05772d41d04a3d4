package acceptance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/client"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/servicetest"
)

// byWhom is who may do an act on a case of DE-S-02, in the state that takes it.
func byWhom(spec onboarding.ActSpec) kam.UserID {
	switch spec.Action {
	case access.ActionEnterData, access.ActionWithdraw, access.ActionClearDuplicate:
		return "rep.south"
	case access.ActionCompliance:
		return "comp.one"
	case access.ActionWaive, "":
		return "stew.one"
	case access.ActionRetry, access.ActionCancelAsk:
		return "ops.one"
	case access.ActionReevaluate, access.ActionCancelAgree:
		return "pol.admin"
	default:
		return "theo.territory"
	}
}

// row is an act of onboarding.Acts with all that it needs.
func (s *scene) row(spec onboarding.ActSpec, id string, now onboarding.Snapshot) onboarding.Act {
	need := func(n onboarding.Need, v string) string {
		if slices.Contains(spec.Needs, n) {
			return v
		}
		return ""
	}
	return onboarding.Act{
		DecisionID: id, Name: spec.Name, Verdict: spec.Verdict, By: byWhom(spec), Reason: "because of the tender",
		ReasonCode: need(onboarding.NeedReasonCode, "OTHER"), ExpectHash: need(onboarding.NeedHash, now.MaterialHash), CustomerNo: need(onboarding.NeedCustomer, "C-DA"),
		Tier: kam.Tier(need(onboarding.NeedTier, string(kam.TierTerritory))), Assignee: kam.UserID(need(onboarding.NeedAssignee, "rita.regional")),
		DataDigest: need(onboarding.NeedData, strings.Repeat("0", 64)), SameAs: kam.CaseNo(need(onboarding.NeedCase, "KAM-2026-000001")),
	}
}

var late = []kam.Code{kam.WrongState, kam.TooLate, kam.AlreadyDecided}

// standing are scenes whose case waits in a human state from the first hour on.
var standing = map[onboarding.State]func(*world) *scene{
	onboarding.Draft: func(w *world) *scene {
		return w.onboard("rep.south", data(w.t, screening("Entwurf GmbH"), fields{"source_channel": nil}))
	},
	onboarding.DuplicateReview: func(w *world) *scene {
		w.known("C-DA", "Schon Da Klinik GmbH", identifier("VAT_EU", "DE136695976"))
		return w.onboard("rep.south", data(w.t, screening("Schon Da Klinik GmbH"), identifier("VAT_EU", "DE136695976")))
	},
	onboarding.DataEntry: func(w *world) *scene {
		return w.onboard("rep.south", data(w.t, screening("Halbvoll GmbH"), fields{"strategic_fit": nil}))
	},
	onboarding.ComplianceReview: func(w *world) *scene {
		return w.onboard("rep.south", data(w.t, screening("Schattenhandel Exporte GmbH"), details()))
	},
	onboarding.AwaitingConfirmation: func(w *world) *scene {
		return w.onboard("rep.south", data(w.t, screening("Wartend GmbH")))
	},
	onboarding.ChangesRequested: func(w *world) *scene {
		s := w.onboard("rep.south", data(w.t, screening("Zurueck GmbH")))
		return s.act(30*time.Minute, "", onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.SendBack, By: "theo.territory", ExpectHash: current, Reason: "which street?"})
	},
	onboarding.AwaitingCompletion: func(w *world) *scene {
		return w.onboard("rep.south", data(w.t, screening("Ohne Details GmbH"))).act(30*time.Minute, "", confirm("theo.territory", ""))
	},
	onboarding.ValidationReview: func(w *world) *scene {
		box := details()
		box["addresses"] = []fields{{"type": "LEGAL", "line1": "Postfach 10 20 30", "city": "München", "postal_code": "80331", "country_code": "DE"}}
		return w.onboard("rep.south", data(w.t, screening("Postfach GmbH"), box)).act(30*time.Minute, "", confirm("theo.territory", ""))
	},
	onboarding.AwaitingEndorsement: func(w *world) *scene {
		w.sells(kastelSales...)
		return w.onboard("rep.north", data(w.t, screening("Kastel Pharma GmbH"), details(), kastel)).act(30*time.Minute, "", confirm("tom.territory", ""))
	},
	onboarding.NeedsIntervention: func(w *world) *scene {
		facts := sales("KASTEL", 88_000, 33, nil)
		foreign := facts
		foreign.Month, foreign.Currency = "2026-01", "USD"
		w.sells(facts, foreign)
		s := w.onboard("rep.north", data(w.t, screening("Kastel Pharma GmbH"), details(), kastel)).act(30*time.Minute, "", confirm("tom.territory", ""))
		s.act(20*day, "", onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AskCancel, By: "ops.one", Reason: "nobody cures it"})
		return s.act(21*day, "", onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AgreeCancel, By: "pol.admin"})
	},
}

// TestActsThatAStateDoesNotTake sends a case in each human state every act that
// the table does not take there, one after the other, by somebody who might do
// it elsewhere (F7). Each is refused with a code that says so and moves nothing:
// neither version nor task nor audit trail, because an update that the validator
// refuses is the client's to record. Who has decided already is let in, since it
// may be his own decision that comes again; then the refusal is one line.
func TestActsThatAStateDoesNotTake(t *testing.T) {
	for _, st := range onboarding.States {
		if st.Kind != kam.Human {
			continue
		}
		t.Run(string(st.State), func(t *testing.T) {
			w := newWorld(t)
			s := standing[st.State](w)
			s.expect(1*hour, st.State)
			var before onboarding.Snapshot
			events, n, onRecord := 0, 0, 0
			s.at(1*hour, func(now onboarding.Snapshot) { before, events = now, len(s.events()) })
			for i, spec := range onboarding.Acts {
				if spec.TakenIn(st.State) {
					continue
				}
				n++
				s.at(1*hour+time.Duration(i+1)*time.Second, func(now onboarding.Snapshot) {
					want := kam.WrongState
					switch {
					case spec.Name == onboarding.ActWithdraw && st.State.AfterCommit():
						want = kam.TooLate
					case spec.Name == onboarding.ActDecideConfirmation && now.ConfirmedBy != "", spec.Name == onboarding.ActDecideEndorsement && len(now.Endorsed) > 0:
						want = kam.AlreadyDecided
					}
					act := s.row(spec, fmt.Sprintf("wrong-state-%02d", i), now)
					if want == kam.AlreadyDecided && act.By == now.ConfirmedBy {
						onRecord++
					}
					s.send(now, want, act)
				})
			}
			s.at(2*hour, func(now onboarding.Snapshot) {
				if text(t, now) != text(t, before) || len(s.events()) != events+onRecord {
					s.faults = append(s.faults, fmt.Sprintf("%d refused acts left %d events, not %d: %s", n, len(s.events())-events, onRecord, text(t, now)))
				}
			})
			require.True(t, s.run().State.Ended())
			require.Positive(t, n)
		})
	}
}

// gone is Temporal where the workflow has ended.
type gone struct{ service.Temporal }

func (gone) UpdateWorkflow(context.Context, sdk.UpdateWorkflowOptions) (sdk.WorkflowUpdateHandle, error) {
	return nil, serviceerror.NewNotFound("workflow execution already completed")
}

// ends are scenes for each end of a case.
var ends = map[onboarding.State]func(*world) *scene{
	onboarding.Completed: func(w *world) *scene {
		return w.onboard("rep.south", data(w.t, screening("Fertig GmbH"), details())).act(1*hour, "", confirm("theo.territory", ""))
	},
	onboarding.Rejected: func(w *world) *scene {
		return w.onboard("rep.south", data(w.t, screening("Kleinbetrieb Winzig GmbH"), ad3))
	},
	onboarding.Withdrawn: func(w *world) *scene {
		return standing[onboarding.AwaitingConfirmation](w).act(1*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"})
	},
	onboarding.Merged: func(w *world) *scene {
		return standing[onboarding.DuplicateReview](w).act(1*hour, "", onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.UseExisting, By: "rep.south", CustomerNo: "C-DA"})
	},
	onboarding.Expired: func(w *world) *scene { return standing[onboarding.AwaitingConfirmation](w) },
	onboarding.Cancelled: func(w *world) *scene {
		return standing[onboarding.AwaitingConfirmation](w).
			act(1*hour, "", onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AskCancel, By: "ops.one", Reason: "a test"}).
			act(2*hour, "", onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AgreeCancel, By: "pol.admin"})
	},
}

// TestActsOnACaseThatHasEnded: the client answers for a workflow that is no
// more (F7). Every act of the table is refused as too late or as decided, is
// one line of the audit trail however often it is sent, and changes nothing. The
// decisions that the case took are answered, and refused with other content
// (F5, F6).
func TestActsOnACaseThatHasEnded(t *testing.T) {
	for _, st := range onboarding.States {
		if st.Kind != kam.End {
			continue
		}
		t.Run(string(st.State), func(t *testing.T) {
			w := newWorld(t)
			s := ends[st.State](w)
			end := s.run()
			require.Equal(t, st.State, end.State)
			c := servicetest.New(w.db, gone{}, "none")
			events, refused := s.events(), 0
			for i, spec := range onboarding.Acts {
				for range 2 {
					act := s.row(spec, fmt.Sprintf("after-the-end-%02d", i), end)
					p, err := c.Act(t.Context(), s.no, act, nil)
					if st.State == onboarding.Withdrawn && spec.Name == onboarding.ActWithdraw {
						require.NoError(t, err, "it is what the requester wants")
						continue
					}
					require.Contains(t, late, kam.CodeOf(err), "%s %s: %v", spec.Name, spec.Verdict, err)
					require.Equal(t, text(t, end), text(t, p.Snapshot), "the answer says where the case stands")
				}
				if st.State != onboarding.Withdrawn || spec.Name != onboarding.ActWithdraw {
					refused++
				}
			}
			require.Len(t, s.events(), len(events)+refused)

			for _, sent := range s.sent {
				_, err := c.Act(t.Context(), s.no, sent, nil)
				require.NoError(t, err, "%s again", sent.Name)
				sent.Reason += "!"
				_, err = c.Act(t.Context(), s.no, sent, nil)
				require.Equal(t, kam.IDReused, kam.CodeOf(err), "%s with other content: %v", sent.Name, err)
				refused++
			}
			require.Len(t, s.events(), len(events)+refused)
			now, err := w.db.Cases.Case(t.Context(), s.no)
			require.NoError(t, err)
			require.Equal(t, text(t, end), text(t, now))
			s.verifyChain()
		})
	}
}

// TestVoteOnAnEarlierRevision: a manager decides on the data that he saw. A vote
// with the hash of any earlier revision is refused, whatever its verdict, and
// told the present one; a revision whose material data are the present ones again
// is the present one (F12).
func TestVoteOnAnEarlierRevision(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Viele Fassungen GmbH"), details()))
	var hashes []string
	keep := func(now onboarding.Snapshot) { hashes = append(hashes, now.MaterialHash) }
	s.at(1*hour, keep)
	amounts := []string{"141000.00", "142000.00", "143000.00", "144000.00", "145000.00", "146000.00", "147000.00"}
	for i, amount := range amounts {
		at := time.Duration(i+2) * hour
		s.act(at, "", onboarding.Act{Name: onboarding.ActAmendMaterial, By: "rep.south"}, data(t, fields{"declared_potential": eur(amount)}))
		s.at(at+time.Minute, keep)
	}
	n := 0
	s.at(10*hour, func(now onboarding.Snapshot) {
		if len(hashes) != len(amounts)+1 || now.MaterialHash != hashes[len(amounts)] || now.State != onboarding.AwaitingConfirmation {
			s.faults = append(s.faults, fmt.Sprintf("%d revisions: %s", len(hashes), text(t, now)))
			return
		}
		for _, old := range hashes[:len(amounts)] {
			for _, spec := range onboarding.Acts {
				if spec.Name != onboarding.ActDecideConfirmation {
					continue
				}
				n++
				act := s.row(spec, fmt.Sprintf("stale-vote-%03d", n), now)
				act.ExpectHash = old
				s.send(now, kam.StaleRevision, act)
			}
		}
	})
	s.expect(11*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(12*hour, "", onboarding.Act{Name: onboarding.ActAmendMaterial, By: "rep.south"}, data(t, fields{"declared_potential": eur(amounts[0])}))
	s.at(13*hour, func(now onboarding.Snapshot) {
		again := confirm("theo.territory", "")
		again.ExpectHash = hashes[1] // the same data, so what he saw is what there is
		s.send(now, "", again)
	})
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, 3*len(amounts), n)
	require.Equal(t, 1, s.count(kam.EventConfirmed))
}

// TestRefusedSignalThatComesAgain (D44): nobody waits for the answer to a signal,
// so each one that is refused is on record, also under an id that was refused
// before, or that stands for a decision that took effect. An update that comes
// again is one refusal: its sender was told.
func TestRefusedSignalThatComesAgain(t *testing.T) {
	w := newWorld(t)
	s := w.complete("Signal GmbH")
	signal := func(after time.Duration, by kam.UserID, reason string) {
		s.at(after, func(now onboarding.Snapshot) {
			s.env.SignalWorkflow(string(onboarding.ActDecideConfirmation), s.signs(onboarding.Act{
				DecisionID: "signal-0001", Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm, By: by, ExpectHash: now.MaterialHash, Reason: reason,
			}))
		})
	}
	refusals := func(after time.Duration, want int) {
		s.at(after, func(onboarding.Snapshot) {
			if got := s.count(kam.EventDecisionRefused); got != want {
				s.faults = append(s.faults, fmt.Sprintf("after %v: %d refusals, not %d", after, got, want))
			}
		})
	}
	signal(1*hour, "rep.south", "mine")
	refusals(2*hour, 1)
	signal(3*hour, "rep.south", "mine")
	signal(4*hour, "rep.south", "mine")
	refusals(5*hour, 3)
	signal(6*hour, "rep.south", "other content")
	refusals(7*hour, 4)
	update := onboarding.Act{DecisionID: "update-0001", Name: onboarding.ActReassign, By: "rep.south", Assignee: "rita.regional", Reason: "to somebody nice"}
	s.act(8*hour, kam.Forbidden, update)
	s.act(9*hour, kam.Forbidden, update)
	refusals(10*hour, 5)
	s.act(11*hour, "", confirm("theo.territory", ""))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
}
