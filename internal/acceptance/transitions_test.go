package acceptance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// TestEveryTransition drives the real workflow along each row of
// [kam.Transitions] (P2.6), once for each kind of person who may bring it
// about. A row without a recipe fails by name.
func TestEveryTransition(t *testing.T) {
	for _, tr := range kam.Transitions {
		name := nameOf(tr)
		t.Run(name, func(t *testing.T) {
			drive := recipeFor(tr)
			if drive == nil {
				t.Fatalf("no recipe drives %s (%s): add one", name, tr.Guard)
			}
			for _, by := range persons(tr) {
				t.Run(string(by), func(t *testing.T) {
					s := drive(newWorld(t), by)
					end := s.run()
					require.Contains(t, s.moved, rowOf(tr))
					s.onRecord(tr, by)
					s.toldIsStored(end)
					require.True(t, end.State.Ended())
				})
			}
		})
	}
}

// nameOf names a row; the guard tells rows apart that share the rest.
func nameOf(tr kam.Transition) string {
	same := 0
	for _, x := range kam.Transitions {
		if x.From == tr.From && x.Event == tr.Event && x.To == tr.To {
			same++
		}
	}
	name := fmt.Sprintf("%s/%s/%s", tr.From, tr.Event, tr.To)
	if same > 1 {
		name += " (" + tr.Guard.String() + ")"
	}
	return name
}

// persons are those who each bring the row about. Two persons cancel together.
func persons(tr kam.Transition) []kam.Actor {
	if tr.Event == kam.EvCancel {
		return tr.By[1:]
	}
	return tr.By
}

// onRecord asks the audit trail for exactly the row: from, to, and an actor who
// is what the table says.
func (s *scene) onRecord(tr kam.Transition, by kam.Actor) {
	s.t.Helper()
	to := tr.To
	if to == kam.Resume {
		to = kam.Deciding // where needsIntervention breaks it
	}
	for _, e := range s.events() {
		if e.From == string(tr.From) && e.To == string(to) && s.actedAs(e, by) {
			return
		}
	}
	s.t.Errorf("no event %s to %s by %s in %s", tr.From, to, by, text(s.t, s.events()))
}

// actedAs says whether an event was brought about by such an actor.
func (s *scene) actedAs(e kam.AuditEvent, by kam.Actor) bool {
	in := func(roles ...kam.Role) bool {
		return slices.ContainsFunc(e.RolesUsed, func(r kam.Role) bool { return slices.Contains(roles, r) })
	}
	switch by {
	case kam.ByTimer, kam.BySystem:
		return e.Actor == kam.System
	case kam.ByRequester:
		return e.Actor == s.requester
	case kam.BySteward:
		return in(kam.DataSteward)
	case kam.ByCompliance:
		return in(kam.ComplianceRole)
	case kam.ByConfirmer, kam.ByEndorser, kam.ByManager:
		return in(kam.ManagerRoles...) && e.Actor != s.requester
	case kam.ByPolicy:
		return in(kam.PolicyAdmin)
	case kam.ByOperator:
		return in(kam.Operator)
	}
	return false
}

// toldIsStored: what the workflow returned is what PostgreSQL holds, in every
// field, and the trail leads there without a gap.
func (s *scene) toldIsStored(end kam.Snapshot) {
	s.t.Helper()
	stored, err := s.db.Cases.Case(s.t.Context(), s.no)
	require.NoError(s.t, err)
	require.JSONEq(s.t, text(s.t, stored), text(s.t, end))
	at := kam.Draft
	for _, e := range s.events() {
		if e.From == "" {
			continue
		}
		require.Equal(s.t, string(at), e.From, "event %d", e.Seq)
		at = kam.State(e.To)
	}
	require.Equal(s.t, end.State, at)
}

// A recipe prepares a scene in which the row is driven by such an actor.
type recipe func(w *world, by kam.Actor) *scene

// The times of a scene: what leads to the state is done before driving.
const (
	driving   = 8 * hour
	afterward = 9 * hour
)

// recipeFor is how a row is driven: by its own recipe, or by what every state
// has in common; nil for a row that nobody thought of.
func recipeFor(tr kam.Transition) recipe {
	if own := recipes[nameOf(tr)]; own != nil {
		return own
	}
	reach := reached[tr.From]
	if reach == nil {
		if tr.Event == kam.EvFault && tr.To == kam.NeedsIntervention && kam.StageOf[tr.From] != "" {
			return func(w *world, _ kam.Actor) *scene {
				s := w.fullyOnboarded()
				return s.breaks(kam.StageOf[tr.From], broken)
			}
		}
		return nil
	}
	switch tr.Event {
	case kam.EvExpire, kam.EvEscalate, kam.EvLapse: // silence
		return func(w *world, _ kam.Actor) *scene { return reach(w) }
	case kam.EvWithdraw:
		return func(w *world, by kam.Actor) *scene {
			s := reach(w)
			a := kam.Act{Name: kam.ActWithdraw, By: s.requester}
			if by == kam.ByManager {
				a.By = managers[s.requester]
			}
			return s.act(driving, "", a)
		}
	case kam.EvCancel:
		return func(w *world, _ kam.Actor) *scene {
			s := reach(w)
			s.act(driving, "", kam.Act{Name: kam.ActCancel, Verdict: kam.AskCancel, By: "ops.one", Reason: "entered for a test"})
			return s.act(afterward, "", kam.Act{Name: kam.ActCancel, Verdict: kam.AgreeCancel, By: "pol.admin"})
		}
	}
	return nil
}

var managers = map[kam.UserID]kam.UserID{"rep.south": "theo.territory", "rep.north": "tom.territory", "rep.vienna": "tess.territory"}

// reached makes a scene whose case is in a human state at [driving].
var reached = map[kam.State]func(w *world) *scene{
	kam.Draft: func(w *world) *scene {
		return w.onboard("rep.south", data(w.t, fields{"legal_name": "Entwurf GmbH"})).in(kam.Draft)
	},
	kam.DuplicateReview: func(w *world) *scene { return w.certainDuplicate().in(kam.DuplicateReview) },
	kam.DataEntry: func(w *world) *scene {
		return w.onboard("rep.south", data(w.t, screening("Halbfertig GmbH"), fields{"declared_potential": nil})).in(kam.DataEntry)
	},
	kam.ComplianceReview: func(w *world) *scene {
		return w.onboard("rep.south", data(w.t, screening("Schattenhandel Exporte GmbH"), details())).in(kam.ComplianceReview)
	},
	kam.AwaitingConfirmation: func(w *world) *scene { return w.complete("Wartend GmbH").in(kam.AwaitingConfirmation) },
	kam.ChangesRequested: func(w *world) *scene {
		return w.complete("Nachbessern GmbH").act(1*hour, "", sendBack("theo.territory")).in(kam.ChangesRequested)
	},
	kam.AwaitingCompletion: func(w *world) *scene { return w.confirmedWithoutDetails().in(kam.AwaitingCompletion) },
	kam.ValidationReview: func(w *world) *scene {
		return w.postBox().act(1*hour, "", confirm("theo.territory", "")).in(kam.ValidationReview)
	},
	kam.AwaitingEndorsement: func(w *world) *scene { return w.keyAccount().in(kam.AwaitingEndorsement) },
	kam.NeedsIntervention: func(w *world) *scene {
		return w.complete("Gestrandet GmbH").breaks(kam.StageDecide, broken).in(kam.NeedsIntervention)
	},
}

// in sees to it that the case is where its row begins.
func (s *scene) in(state kam.State) *scene { return s.expect(driving-time.Minute, state) }

// complete is a request that carries both sets of data.
func (w *world) complete(name string, more ...fields) *scene {
	return w.onboard("rep.south", data(w.t, append([]fields{screening(name), details()}, more...)...))
}

// fullyOnboarded goes through every automatic state; whatever breaks on the way
// is retried, and the manager confirms when he is asked.
func (w *world) fullyOnboarded() *scene {
	s := w.complete("Durchlauf GmbH")
	for i := range 4 {
		s.at(time.Duration(i+1)*hour, func(now kam.Snapshot) {
			switch now.State {
			case kam.NeedsIntervention:
				s.send(now, "", kam.Act{Name: kam.ActRetry, By: "ops.one", Reason: "repaired"})
			case kam.AwaitingConfirmation:
				s.send(now, "", confirm("theo.territory", ""))
			}
		})
	}
	return s
}

func (w *world) confirmedWithoutDetails() *scene {
	s := w.onboard("rep.south", data(w.t, screening("Details Spaeter GmbH")))
	return s.act(1*hour, "", confirm("theo.territory", ""))
}

// postBox is a request with a finding for the stewards.
func (w *world) postBox() *scene {
	return w.complete("Postfach Klinik GmbH", fields{"addresses": []fields{
		{"type": "LEGAL", "line1": "Postfach 10 20 30", "city": "München", "postal_code": "80331", "country_code": "DE"},
	}})
}

// keyAccount is a request that 1.5 proposes a TERRITORY key account for.
func (w *world) keyAccount() *scene {
	w.sells(kastelSales...)
	s := w.onboard("rep.north", data(w.t, screening("Kastel Pharma GmbH"), details(), kastel))
	return s.act(1*hour, "", confirm("tom.territory", ""))
}

// certainDuplicate shares its VAT number with a customer: the stewards decide.
func (w *world) certainDuplicate() *scene {
	w.known("C-DA", "Schon Da Klinik GmbH", identifier("VAT_EU", "DE136695976"))
	return w.complete("Schon Da Klinik GmbH", identifier("VAT_EU", "DE136695976"))
}

// lookAlike resembles a customer: who requested it may say that it is another.
func (w *world) lookAlike() *scene {
	w.known("C-NAH", "Aehnlich Klinik GmbH", identifier("VAT_EU", "DE136695976"), fields{"street": "Ganz Woanders 99"})
	return w.complete("Aehnlich Klinik GmbH")
}

func sendBack(by kam.UserID) kam.Act {
	return kam.Act{Name: kam.ActDecideConfirmation, Verdict: kam.SendBack, By: by, ExpectHash: current, Fields: []string{"justification"}}
}

func submit(by kam.UserID) kam.Act { return kam.Act{Name: kam.ActSubmitData, By: by} }

func waive(by kam.UserID) kam.Act {
	return kam.Act{Name: kam.ActDecideValidation, Verdict: kam.ClearIt, By: by, Reason: "looked into it"}
}

// notDuplicate is the answer of the requester or, on a certain match, of a
// steward.
func notDuplicate(by kam.Actor) kam.Act {
	a := kam.Act{Name: kam.ActResolveDuplicate, Verdict: kam.NotDuplicate, By: "rep.south", Reason: "another house of the same name"}
	if by == kam.BySteward {
		a.By = "stew.one"
	}
	return a
}

// either is a duplicate that such an actor may decide on.
func (w *world) either(by kam.Actor) *scene {
	if by == kam.BySteward {
		return w.certainDuplicate()
	}
	return w.lookAlike()
}

func existing(v kam.Verdict) recipe {
	return func(w *world, by kam.Actor) *scene {
		s := w.either(by).in(kam.DuplicateReview)
		a := notDuplicate(by)
		a.Verdict, a.CustomerNo = v, map[kam.Actor]string{kam.BySteward: "C-DA", kam.ByRequester: "C-NAH"}[by]
		s.act(driving, "", a)
		if v == kam.ConvertToModify {
			s.act(afterward, "", submit("rep.south"), data(w.t, fields{"website": "https://schonda.example"}))
		}
		return s
	}
}

// resubmitted is a MODIFY that came back, of a name or of something else, and is
// sent again with a change.
func resubmitted(first, then fields) recipe {
	return func(w *world, _ kam.Actor) *scene {
		w.known("C-WIEDER", "Wieder Klinik GmbH")
		s := w.change(kam.Modify, "C-WIEDER", "rep.south", first, fields{"addresses": []fields{
			{"type": "LEGAL", "line1": "Postfach 17", "city": "München", "postal_code": "80331", "country_code": "DE"},
		}})
		s.at(1*hour, func(now kam.Snapshot) {
			if now.State == kam.AwaitingConfirmation {
				s.send(now, "", sendBack("theo.territory"))
			} else {
				s.send(now, "", kam.Act{Name: kam.ActDecideValidation, Verdict: kam.SendBack, By: "stew.one", Reason: "the street, please"})
			}
		})
		s.in(kam.ChangesRequested)
		return s.act(driving, "", submit("rep.south"), data(w.t, then, fields{"addresses": details()["addresses"]}))
	}
}

// simply is a recipe for which it does not matter who acts.
func simply(f func(w *world) *scene) recipe {
	return func(w *world, _ kam.Actor) *scene { return f(w) }
}

// before takes a case to a state and acts there.
func before(state kam.State, a kam.Act, parts ...fields) recipe {
	return func(w *world, _ kam.Actor) *scene {
		s := reached[state](w)
		if len(parts) > 0 {
			return s.act(driving, "", a, data(w.t, parts...))
		}
		return s.act(driving, "", a)
	}
}

func through(w *world) *scene { return w.fullyOnboarded() }

var renamed = fields{"legal_name": "Wieder Klinikum GmbH"}

// recipes are the rows that are more than what all states have in common.
var recipes = map[string]recipe{
	"DRAFT/submit_request/IDENTIFYING": before(kam.Draft, submit("rep.south"), screening("Entwurf GmbH")),

	"IDENTIFYING/no_match/DATA_ENTRY":          simply(through),
	"IDENTIFYING/no_match/CHANGES_REQUESTED":   before(kam.ChangesRequested, submit("rep.south"), fields{"phone": "+49895554433"}),
	"IDENTIFYING/match_found/DUPLICATE_REVIEW": simply((*world).certainDuplicate),
	"IDENTIFYING/target_found/DATA_ENTRY": simply(func(w *world) *scene {
		w.known("C-TEL", "Telefon Klinik GmbH")
		return w.change(kam.Modify, "C-TEL", "rep.south", fields{"phone": "+49895554433"})
	}),
	"IDENTIFYING/target_invalid/REJECTED": simply(func(w *world) *scene {
		return w.change(kam.Modify, "C-NONE", "rep.south", fields{"phone": "+49895554433"})
	}),
	"IDENTIFYING/review_started/ANALYZING": simply(func(w *world) *scene {
		w.known("C-RUHE", "Ruhige Klinik GmbH")
		return w.review("C-RUHE", monday)
	}),

	"DUPLICATE_REVIEW/not_duplicate/DATA_ENTRY": func(w *world, by kam.Actor) *scene {
		return w.either(by).in(kam.DuplicateReview).act(driving, "", notDuplicate(by))
	},
	"DUPLICATE_REVIEW/not_duplicate/CHANGES_REQUESTED": func(w *world, by kam.Actor) *scene {
		s := w.complete("Spaet Bemerkt Klinik GmbH").act(1*hour, "", sendBack("theo.territory"))
		s.at(2*hour, func(now kam.Snapshot) {
			// While he looks for the right words, somebody else brings the customer.
			number := identifier("VAT_EU", "DE136695976")
			if by == kam.BySteward {
				number = fields{}
			}
			w.known("C-SPAET", "Spaet Bemerkt Klinik GmbH", number, fields{"street": "Ganz Woanders 99"})
			s.send(now, "", submit("rep.south"), data(w.t, fields{"phone": "+49895554433"}))
		})
		return s.in(kam.DuplicateReview).act(driving, "", notDuplicate(by))
	},
	"DUPLICATE_REVIEW/use_existing/MERGED":          existing(kam.UseExisting),
	"DUPLICATE_REVIEW/convert_to_modify/DATA_ENTRY": existing(kam.ConvertToModify),
	"DUPLICATE_REVIEW/same_request/MERGED": func(w *world, by kam.Actor) *scene {
		parts := map[kam.Actor][]fields{kam.ByRequester: byName, kam.BySteward: byNumber}[by]
		first := w.beside("rep.stuttgart", monday, map[kam.Actor][]fields{kam.ByRequester: alike, kam.BySteward: byNumber}[by]...)
		s := w.onboard("rep.south", data(w.t, parts...)).in(kam.DuplicateReview)
		return s.act(driving, "", same(map[kam.Actor]kam.UserID{kam.ByRequester: "rep.south", kam.BySteward: "stew.one"}[by], first.no))
	},

	"DATA_ENTRY/submit_data/DECIDING": before(kam.DataEntry, submit("rep.south"), fields{"declared_potential": eur("140000.00")}),
	"DATA_ENTRY/submit_data/AWAITING_CONFIRMATION": simply(func(w *world) *scene {
		w.known("C-NAME", "Namens Klinik GmbH")
		return w.change(kam.Modify, "C-NAME", "rep.south", fields{"legal_name": "Namens Klinikum GmbH"})
	}),
	"DATA_ENTRY/submit_data/ANALYZING": simply(func(w *world) *scene {
		w.known("C-IN", "Eingabe Klinik GmbH")
		return w.change(kam.Modify, "C-IN", "rep.south", fields{"satisfaction": 90})
	}),
	"DATA_ENTRY/submit_data/VALIDATING": simply(func(w *world) *scene {
		w.known("C-TEL", "Telefon Klinik GmbH")
		return w.change(kam.Modify, "C-TEL", "rep.south", fields{"phone": "+49895554433"})
	}),
	"DATA_ENTRY/change_identity/IDENTIFYING": before(kam.DataEntry, submit("rep.south"), fields{"declared_potential": eur("140000.00"), "phone": "+49895554433"}),

	"DECIDING/recommend/AWAITING_CONFIRMATION (ADD or REFER)": simply(through),
	"DECIDING/recommend/COMPLIANCE_REVIEW":                    simply(func(w *world) *scene { return reached[kam.ComplianceReview](w) }),
	"DECIDING/recommend/REJECTED":                             simply(func(w *world) *scene { return w.complete("Zu Klein GmbH", ad3) }),
	"DECIDING/recommend/AWAITING_CONFIRMATION (REJECT, not auto_reject)": simply(func(w *world) *scene {
		w.under("auto_reject: true", "auto_reject: false")
		return w.complete("Trotzdem GmbH", ad3)
	}),

	"COMPLIANCE_REVIEW/clear/AWAITING_CONFIRMATION": before(kam.ComplianceReview,
		kam.Act{Name: kam.ActDecideCompliance, Verdict: kam.ClearIt, By: "comp.one", Reason: "another company"}),
	"COMPLIANCE_REVIEW/refuse/REJECTED": before(kam.ComplianceReview,
		kam.Act{Name: kam.ActDecideCompliance, Verdict: kam.RefuseIt, By: "comp.one", Reason: "listed owner"}),

	"AWAITING_CONFIRMATION/confirm/ANALYZING (NEW or REACTIVATE, detail set complete)": before(kam.AwaitingConfirmation, confirm("theo.territory", "")),
	"AWAITING_CONFIRMATION/confirm/AWAITING_COMPLETION":                                simply((*world).confirmedWithoutDetails),
	"AWAITING_CONFIRMATION/confirm/ANALYZING (MODIFY, classification input changed)": simply(func(w *world) *scene {
		w.known("C-IN", "Eingabe Klinik GmbH")
		return w.change(kam.Modify, "C-IN", "rep.south", fields{"declared_potential": eur("150000.00")}).act(driving, "", confirm("theo.territory", ""))
	}),
	"AWAITING_CONFIRMATION/confirm/VALIDATING": simply(func(w *world) *scene {
		w.known("C-ENDE", "Schluss Klinik GmbH")
		return w.change(kam.Deactivate, "C-ENDE", "rep.south", fields{"justification": "The house was closed in February."}).
			act(driving, "", confirm("theo.territory", ""))
	}),
	"AWAITING_CONFIRMATION/confirm/AWAITING_CONFIRMATION": simply(func(w *world) *scene {
		w.nordwind(kam.TierRegional, "DE-N")
		s := w.change(kam.Deactivate, "NW-HH", "rep.north", fields{"justification": "The house was closed in February."})
		return s.act(driving, "", confirm("tom.territory", "")).act(afterward, "", confirm("rolf.regional", ""))
	}),
	"AWAITING_CONFIRMATION/reject/REJECTED": before(kam.AwaitingConfirmation, kam.Act{
		Name: kam.ActDecideConfirmation, Verdict: kam.RejectIt, By: "theo.territory", ExpectHash: current, ReasonCode: "CAPACITY", Reason: "no capacity",
	}),
	"AWAITING_CONFIRMATION/send_back/CHANGES_REQUESTED": before(kam.AwaitingConfirmation, sendBack("theo.territory")),
	"AWAITING_CONFIRMATION/amend_material/DECIDING":     before(kam.AwaitingConfirmation, amend("rep.south"), fields{"declared_potential": eur("600000.00")}),
	"AWAITING_CONFIRMATION/amend_material/IDENTIFYING":  before(kam.AwaitingConfirmation, amend("rep.south"), fields{"legal_name": "Wartende GmbH"}),
	"AWAITING_CONFIRMATION/amend_material/AWAITING_CONFIRMATION": simply(func(w *world) *scene {
		w.known("C-AM", "Amendement Klinik GmbH")
		s := w.change(kam.Modify, "C-AM", "rep.south", fields{"legal_name": "Amendement Klinikum GmbH"})
		return s.act(driving, "", amend("rep.south"), data(w.t, fields{"legal_name": "Amendement Kliniken GmbH"}))
	}),
	"AWAITING_CONFIRMATION/reassign/AWAITING_CONFIRMATION": func(w *world, by kam.Actor) *scene {
		a := kam.Act{Name: kam.ActReassign, By: "theo.territory", Assignee: "rita.regional", Reason: "on a fair next week"}
		if by == kam.ByPolicy {
			a.By = "pol.admin"
		}
		return reached[kam.AwaitingConfirmation](w).act(driving, "", a)
	},
	"AWAITING_CONFIRMATION/reevaluate/DECIDING": simply(func(w *world) *scene {
		s := reached[kam.AwaitingConfirmation](w)
		s.at(2*hour, func(kam.Snapshot) { w.under("add_at: 60", "add_at: 95") })
		return s.act(driving, "", kam.Act{Name: kam.ActReevaluate, By: "pol.admin", Reason: "the new rules are meant for these"})
	}),

	"CHANGES_REQUESTED/change_identity/IDENTIFYING": before(kam.ChangesRequested, submit("rep.south"), fields{"phone": "+49895554433"}),
	"CHANGES_REQUESTED/resubmit/DECIDING": before(kam.ChangesRequested, submit("rep.south"),
		fields{"justification": "Said better now, with more words."}),
	"CHANGES_REQUESTED/resubmit/AWAITING_CONFIRMATION": resubmitted(renamed, fields{}),
	"CHANGES_REQUESTED/resubmit/ANALYZING":             resubmitted(fields{"satisfaction": 90}, fields{}),
	"CHANGES_REQUESTED/resubmit/VALIDATING":            resubmitted(fields{}, fields{"phone": "+49895554433"}),

	"AWAITING_COMPLETION/submit_details/ANALYZING":   before(kam.AwaitingCompletion, kam.Act{Name: kam.ActSubmitDetails, By: "rep.south"}, details()),
	"AWAITING_COMPLETION/amend_material/DECIDING":    before(kam.AwaitingCompletion, amend("rep.south"), fields{"declared_potential": eur("150000.00")}),
	"AWAITING_COMPLETION/amend_material/IDENTIFYING": before(kam.AwaitingCompletion, amend("rep.south"), fields{"legal_name": "Details Anders GmbH"}),

	"ANALYZING/analyzed/SEGMENTING":   simply(through),
	"SEGMENTING/segmented/VALIDATING": simply(through),
	"VALIDATING/pass/CLASSIFYING":     simply(through),
	"VALIDATING/pass/HANDING_OFF": simply(func(w *world) *scene {
		w.known("C-TEL", "Telefon Klinik GmbH")
		return w.change(kam.Modify, "C-TEL", "rep.south", fields{"phone": "+49895554433"})
	}),
	"VALIDATING/review_needed/VALIDATION_REVIEW": simply(func(w *world) *scene { return reached[kam.ValidationReview](w) }),
	"VALIDATING/fail/CHANGES_REQUESTED": simply(func(w *world) *scene {
		w.known("C-VER", "Versions Klinik GmbH")
		s := w.change(kam.Modify, "C-VER", "rep.south", fields{"legal_name": "Versions Klinikum GmbH"})
		s.at(driving, func(now kam.Snapshot) {
			w.known("C-VER", "Versions Hospital GmbH")
			s.send(now, "", confirm("theo.territory", ""))
		})
		return s
	}),
	"VALIDATING/fail/VALIDATION_REVIEW": simply(func(w *world) *scene {
		w.known("C-LUECKE", "Lueckenhaft Klinik GmbH", fields{"identifiers": nil})
		return w.review("C-LUECKE", monday)
	}),
	"VALIDATING/withdraw/WITHDRAWN": simply(func(w *world) *scene {
		s := w.complete("Rueckzieher GmbH")
		s.at(driving, func(now kam.Snapshot) {
			if err := w.db.Cases.WithdrawIntent(w.t.Context(), s.no, "rep.south", "withdraw-0001"); err != nil {
				s.faults = append(s.faults, err.Error())
			}
			s.send(now, "", confirm("theo.territory", ""))
		})
		return s
	}),

	"VALIDATION_REVIEW/clear/VALIDATING": func(w *world, by kam.Actor) *scene {
		if by == kam.BySteward {
			return reached[kam.ValidationReview](w).act(driving, "", waive("stew.one"))
		}
		return w.listedMeanwhile(w.complete("Unbescholten GmbH"), "Unbescholten GmbH").act(driving, "", waive("comp.one"))
	},
	"VALIDATION_REVIEW/clear/VALIDATION_REVIEW": func(w *world, by kam.Actor) *scene {
		s := w.listedMeanwhile(w.postBox(), "Postfach Klinik GmbH")
		s.at(driving, func(now kam.Snapshot) {
			if now.Task == nil || now.Task.Queue != string(kam.DataSteward) {
				s.faults = append(s.faults, "the stewards first: "+text(w.t, now.Task))
			}
		})
		who := map[kam.Actor]kam.UserID{kam.BySteward: "stew.one", kam.ByCompliance: "comp.one"}
		other := map[kam.Actor]kam.UserID{kam.BySteward: "comp.one", kam.ByCompliance: "stew.one"}
		return s.act(driving, "", waive(who[by])).act(afterward, "", waive(other[by]))
	},
	"VALIDATION_REVIEW/merge/MERGED": simply(func(w *world) *scene {
		w.has(customerdb.BookCustomer{CustomerNo: "C-OLD", Territory: "DE-N-01",
			Data: data(w.t, screening("Altkunde Klinik GmbH"), fields{"postal_code": "20095", "city": "Hamburg", "identifiers": nil})})
		return reached[kam.ValidationReview](w).act(driving, "",
			kam.Act{Name: kam.ActDecideValidation, Verdict: kam.MergeIt, By: "stew.one", CustomerNo: "C-OLD", Reason: "the same clinic"})
	}),
	"VALIDATION_REVIEW/same_request/MERGED": simply(func(w *world) *scene {
		first := w.beside("rep.north", monday, screening("Schon Gefragt Klinik GmbH"),
			fields{"postal_code": "20095", "city": "Hamburg", "street": "Ring 1", "identifiers": nil})
		late := same("stew.one", first.no)
		late.Name = kam.ActDecideValidation
		return reached[kam.ValidationReview](w).act(driving, "", late)
	}),
	"VALIDATION_REVIEW/send_back/CHANGES_REQUESTED": before(kam.ValidationReview,
		kam.Act{Name: kam.ActDecideValidation, Verdict: kam.SendBack, By: "stew.one", Reason: "the street, please"}),
	"VALIDATION_REVIEW/refuse/REJECTED": before(kam.ValidationReview,
		kam.Act{Name: kam.ActDecideValidation, Verdict: kam.RefuseIt, By: "stew.one", Reason: "not a clinic"}),

	"CLASSIFYING/classified/HANDING_OFF":          simply(through),
	"CLASSIFYING/classified/AWAITING_ENDORSEMENT": simply((*world).keyAccount),
	"AWAITING_ENDORSEMENT/endorse/HANDING_OFF":    before(kam.AwaitingEndorsement, endorse("tom.territory")),
	"AWAITING_ENDORSEMENT/endorse/AWAITING_ENDORSEMENT": simply(func(w *world) *scene {
		w.nordwind(kam.TierNational, "DE")
		s := w.onboard("rep.vienna", data(w.t, screening("Nordwind Klinik Wien"), details(), vienna))
		s.act(1*hour, "", confirm("tess.territory", ""))
		return s.act(driving, "", endorse("nadja.national")).act(afterward, "", endorse("gina.global"))
	}),
	"AWAITING_ENDORSEMENT/decline/HANDING_OFF": before(kam.AwaitingEndorsement,
		kam.Act{Name: kam.ActDecideEndorsement, Verdict: kam.Decline, By: "tom.territory", Reason: "too early"}),
	"AWAITING_ENDORSEMENT/change_tier/AWAITING_ENDORSEMENT": simply(func(w *world) *scene {
		s := reached[kam.AwaitingEndorsement](w)
		s.act(driving, "", kam.Act{Name: kam.ActDecideEndorsement, Verdict: kam.ChangeTier,
			By: "tom.territory", Tier: kam.TierRegional, Reason: "they buy for the whole region"})
		s.expect(afterward-time.Minute, kam.AwaitingEndorsement, "rolf.regional")
		return s.act(afterward, "", endorse("rolf.regional"))
	}),
	"AWAITING_ENDORSEMENT/reassign/AWAITING_ENDORSEMENT": func(w *world, by kam.Actor) *scene {
		a := kam.Act{Name: kam.ActReassign, By: "tom.territory", Assignee: "rolf.regional", Reason: "on a fair next week"}
		if by == kam.ByPolicy {
			a.By = "pol.admin"
		}
		return reached[kam.AwaitingEndorsement](w).act(driving, "", a).act(afterward, "", endorse("rolf.regional"))
	},
	"HANDING_OFF/handed_off/COMPLETED": simply(through),

	"NEEDS_INTERVENTION/retry/RESUME_STATE": before(kam.NeedsIntervention, kam.Act{Name: kam.ActRetry, By: "ops.one", Reason: "repaired"}),
}

// listedMeanwhile puts a party of nearly that name on the screening list after
// the decision, and has the case confirmed.
func (w *world) listedMeanwhile(s *scene, name string) *scene {
	s.at(1*hour, s.reorganise(func(o *accessdb.Org) {
		o.BlockedParties = append(o.BlockedParties, accessdb.BlockedParty{Ref: "BL-9", Name: name[:len(name)-6] + "s GmbH", Country: "DE", List: "internal"})
	}))
	return s.act(2*hour, "", confirm("theo.territory", "")).in(kam.ValidationReview)
}
