package races

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/serviceerror"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// A kind is one race. Its two sides are what can be first: an act, or what
// silence leads to. run plays it, says which side won, and holds what is
// special to it against what is stored; what must hold for all is checked
// afterwards.
type kind struct {
	name  string
	sides [2]string // "" where there is nothing to win
	run   func(ctx context.Context, r *round) (won int, err error)
}

const nobody = -1

func kinds() []*kind {
	return []*kind{
		{"confirmation and expiry", [2]string{"expiry", "vote"}, voteAndExpiry},
		{"confirmation and escalation, who was asked first", [2]string{"escalation", "vote"}, voteAndEscalation},
		{"confirmation and escalation, who joins", [2]string{"escalation", "vote"}, joinerAndEscalation},
		{"confirmation and reminder", [2]string{"reminder", "vote"}, voteAndReminder},
		{"two managers", [2]string{"confirm", "reject"}, twoManagers},
		{"two managers after an escalation", [2]string{"confirm", "reject"}, twoManagersEscalated},
		{"confirmation and withdrawal", [2]string{"withdrawal", "vote"}, voteAndWithdrawal},
		{"confirmation and amendment", [2]string{"amendment", "vote"}, voteAndAmendment},
		{"confirmation and amendment of nothing that matters", [2]string{"amendment", "vote"}, voteAndRewording},
		{"one decision sent ten times", [2]string{}, tenTimes},
		{"one decision id, two contents", [2]string{"confirm", "reject"}, idReused},
		{"one decision id, two sets of data", [2]string{"one", "two"}, dataReused},
		{"two endorsers", [2]string{"endorse", "decline"}, twoEndorsers},
		{"endorsement and lapse", [2]string{"lapse", "vote"}, endorsementAndLapse},
		{"two stewards claim", [2]string{"one", "two"}, twoClaims},
		{"claim and decision", [2]string{"claim", "decision"}, claimAndDecision},
		{"cancellation and confirmation", [2]string{"cancel", "vote"}, cancelAndVote},
		{"update and signal of one decision", [2]string{"signal", "update"}, updateAndSignal},
		{"two changes of one customer", [2]string{"one", "two"}, twoChanges},
		{"first of two confirmations by two persons", [2]string{"territory", "region"}, retiredByTwo},
		{"first of two confirmations twice by one person", [2]string{"one", "two"}, retiredByOne},
		{"send-backs and rounds", [2]string{"territory", "region"}, sendBacks},
	}
}

// waiting starts an ordinary case and has it wait for its manager.
func (r *round) waiting(ctx context.Context, territory string) (onboarding.Snapshot, error) {
	return r.begin(ctx, r.request(territory), onboarding.AwaitingConfirmation)
}

// atDeadline sends an act the gap after a deadline, or before it.
func (r *round) atDeadline(ctx context.Context, s onboarding.Snapshot, d kam.DeadlineKind, a onboarding.Act) (x told, err error) {
	at, err := due(s, d)
	if err != nil {
		return x, err
	}
	err = after(ctx, at.Add(r.gap), func() (err error) { x, err = r.try(ctx, s.CaseNo, a, nil); return err })
	return x, err
}

// duel has two acts sent to a case, and returns what was told.
func (r *round) duel(ctx context.Context, no kam.CaseNo, a, b onboarding.Act) (x, y told, err error) {
	err = r.both(ctx,
		func() (err error) { x, err = r.try(ctx, no, a, nil); return err },
		func() (err error) { y, err = r.try(ctx, no, b, nil); return err })
	return x, y, err
}

// oneOf is which of two acts was taken: exactly one was, and the other was
// refused with one of the codes.
func oneOf(x, y told, codes ...kam.Code) (int, error) {
	switch {
	case x.code == "" && slices.Contains(codes, y.code):
		return 0, nil
	case y.code == "" && slices.Contains(codes, x.code):
		return 1, nil
	}
	return nobody, wrong("%s: %s %s was told %q, %s %s %q: one is taken and the other refused with %v",
		x.no, x.act.By, x.act.Verdict, x.code, y.act.By, y.act.Verdict, y.code, codes)
}

// seq is where in the audit trail the first event of a type stands, 0 for
// nowhere; id "" is any decision.
func seq(events []kam.AuditEvent, t kam.EventType, id string) int64 {
	for _, e := range events {
		if e.Type == t && (id == "" || e.DecisionID == id) {
			return e.Seq
		}
	}
	return 0
}

func count(events []kam.AuditEvent, t kam.EventType) int {
	n := 0
	for _, e := range events {
		if e.Type == t {
			n++
		}
	}
	return n
}

// before says whether something happened, and first.
func before(a, b int64) bool { return a > 0 && (b == 0 || a < b) }

func side(second bool) int {
	if second {
		return 1
	}
	return 0
}

// ended waits for the end of a case and says whether it is the one that was
// told.
func (r *round) ended(ctx context.Context, no kam.CaseNo, want onboarding.State) error {
	s, err := r.until(ctx, no, "ended", func(s onboarding.Snapshot) bool { return s.State.Ended() })
	if err == nil && s.State != want {
		err = wrong("%s ended %s, and people were told that it is %s", no, s.State, want)
	}
	return err
}

// voteAndExpiry: silence ends the case, and never after somebody was told that
// it is confirmed.
func voteAndExpiry(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, ending)
	if err != nil {
		return nobody, err
	}
	x, err := r.atDeadline(ctx, s, kam.DueExpire, confirm(s, "eva.ending"))
	switch {
	case err != nil:
		return nobody, err
	case x.code == "":
		return 1, r.ended(ctx, s.CaseNo, onboarding.Completed)
	case x.code == kam.AlreadyDecided:
		return 0, r.ended(ctx, s.CaseNo, onboarding.Expired)
	}
	return nobody, wrong("%s: the vote was told %s: %s", s.CaseNo, x.code, x.text)
}

// voteAndEscalation: who was asked first keeps the right to decide when the
// next level joins.
func voteAndEscalation(ctx context.Context, r *round) (int, error) {
	return r.alwaysTaken(ctx, kam.DueEscalate, kam.EventTaskEscalated)
}

// voteAndReminder: a reminder takes nothing from anybody.
func voteAndReminder(ctx context.Context, r *round) (int, error) {
	return r.alwaysTaken(ctx, kam.DueRemind, kam.EventTaskReminded)
}

func (r *round) alwaysTaken(ctx context.Context, d kam.DeadlineKind, happens kam.EventType) (int, error) {
	s, err := r.waiting(ctx, urging)
	if err != nil {
		return nobody, err
	}
	x, err := r.atDeadline(ctx, s, d, confirm(s, "ulf.urging"))
	if err != nil {
		return nobody, err
	}
	if x.code != "" {
		return nobody, wrong("%s: the vote was told %s: %s", s.CaseNo, x.code, x.text)
	}
	if err := r.ended(ctx, s.CaseNo, onboarding.Completed); err != nil {
		return nobody, err
	}
	events, err := r.db.Cases.Events(ctx, s.CaseNo)
	if err != nil {
		return nobody, err
	}
	vote, silence := seq(events, kam.EventConfirmed, x.act.DecisionID), seq(events, happens, "")
	if n := count(events, happens); n > 1 {
		return nobody, wrong("%s: %d times %s", s.CaseNo, n, happens)
	}
	if before(vote, silence) && silence > 0 {
		return nobody, wrong("%s: %s after the decision", s.CaseNo, happens)
	}
	return side(before(vote, silence)), nil
}

// joinerAndEscalation: whoever joins may decide from then on, and not a moment
// before.
func joinerAndEscalation(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, joined)
	if err != nil {
		return nobody, err
	}
	x, err := r.atDeadline(ctx, s, kam.DueEscalate, confirm(s, "jo.regional"))
	if err != nil {
		return nobody, err
	}
	if x.code == kam.Forbidden {
		s, err := r.until(ctx, s.CaseNo, "escalated", func(s onboarding.Snapshot) bool { return s.Task != nil && s.Task.Escalated == 1 })
		if err != nil {
			return nobody, err
		}
		if s.State != onboarding.AwaitingConfirmation || !slices.Contains(s.Task.Assignees, "jo.regional") {
			return nobody, wrong("%s: a refused vote left it %s", s.CaseNo, s.State)
		}
		_, err = r.act(ctx, s.CaseNo, confirm(s, "jo.regional"), nil)
		return 1, errors.Join(err, r.ended(ctx, s.CaseNo, onboarding.Completed))
	}
	events, err := r.db.Cases.Events(ctx, s.CaseNo)
	if err != nil {
		return nobody, err
	}
	if x.code != "" || !before(seq(events, kam.EventTaskEscalated, ""), seq(events, kam.EventConfirmed, x.act.DecisionID)) {
		return nobody, wrong("%s: who joins was told %q; escalated at %d, confirmed at %d", s.CaseNo, x.code,
			seq(events, kam.EventTaskEscalated, ""), seq(events, kam.EventConfirmed, x.act.DecisionID))
	}
	return 0, r.ended(ctx, s.CaseNo, onboarding.Completed)
}

// twoManagers: one decides, and the other is told that somebody has.
func twoManagers(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, still)
	if err != nil {
		return nobody, err
	}
	return r.confirmOrReject(ctx, confirm(s, "tim.still"), reject(s, "rita.regional"), s.CaseNo)
}

// twoManagersEscalated: the same where both have the task.
func twoManagersEscalated(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, urging)
	if err == nil {
		s, err = r.until(ctx, s.CaseNo, "escalated", func(s onboarding.Snapshot) bool { return s.Task != nil && len(s.Task.Assignees) == 2 })
	}
	if err != nil {
		return nobody, err
	}
	return r.confirmOrReject(ctx, confirm(s, "ulf.urging"), reject(s, "rita.regional"), s.CaseNo)
}

func (r *round) confirmOrReject(ctx context.Context, a, b onboarding.Act, no kam.CaseNo) (int, error) {
	x, y, err := r.duel(ctx, no, a, b)
	if err != nil {
		return nobody, err
	}
	won, err := oneOf(x, y, kam.AlreadyDecided)
	if err != nil {
		return won, err
	}
	return won, r.ended(ctx, no, [2]onboarding.State{onboarding.Completed, onboarding.Rejected}[won])
}

// voteAndWithdrawal: a withdrawal that is noted before the commit wins, even
// over a confirmation that was taken before it (D12).
func voteAndWithdrawal(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, still)
	if err != nil {
		return nobody, err
	}
	x, y, err := r.duel(ctx, s.CaseNo, withdraw("rosa.rep"), confirm(s, "tim.still"))
	switch {
	case err != nil:
		return nobody, err
	case x.code == "" && (y.code == "" || y.code == kam.AlreadyDecided):
		return 0, r.ended(ctx, s.CaseNo, onboarding.Withdrawn)
	case x.code == kam.TooLate && y.code == "":
		return 1, r.ended(ctx, s.CaseNo, onboarding.Completed)
	}
	return nobody, wrong("%s: the withdrawal was told %q (%s), the vote %q (%s)", s.CaseNo, x.code, x.text, y.code, y.text)
}

// voteAndAmendment: what is confirmed is what the manager saw.
func voteAndAmendment(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, still)
	if err != nil {
		return nobody, err
	}
	more, err := kam.ParseMoney("150000.00", "EUR")
	if err != nil {
		return nobody, err
	}
	var change customer.RequestData
	change.DeclaredPotential = &more
	x, y, err := r.amendAndVote(ctx, s, change)
	if err != nil {
		return nobody, err
	}
	won, err := oneOf(x, y, kam.StaleRevision, kam.WrongState, kam.AlreadyDecided)
	if err != nil {
		return won, err
	}
	if won == 0 { // the manager looks again
		now, err := r.reach(ctx, s.CaseNo, onboarding.AwaitingConfirmation)
		if err != nil {
			return nobody, err
		}
		if now.MaterialHash == s.MaterialHash || now.ConfirmedBy != "" {
			return nobody, wrong("%s: amended, and still %s, confirmed by %q", s.CaseNo, now.MaterialHash, now.ConfirmedBy)
		}
		if _, err := r.act(ctx, s.CaseNo, confirm(now, "tim.still"), nil); err != nil {
			return nobody, err
		}
		s = now
	}
	if err := r.ended(ctx, s.CaseNo, onboarding.Completed); err != nil {
		return nobody, err
	}
	last, err := r.db.Cases.Case(ctx, s.CaseNo)
	if err == nil && (last.ConfirmedHash != s.MaterialHash || last.MaterialHash != s.MaterialHash) {
		err = wrong("%s: confirmed %s, committed %s, seen %s", s.CaseNo, last.ConfirmedHash, last.MaterialHash, s.MaterialHash)
	}
	return won, err
}

// voteAndRewording: a change of nothing that the manager decides by takes
// neither task nor vote from him.
func voteAndRewording(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, still)
	if err != nil {
		return nobody, err
	}
	var change customer.RequestData
	change.Justification = "The same in other words: they open a second laboratory in spring."
	x, y, err := r.amendAndVote(ctx, s, change)
	if err != nil {
		return nobody, err
	}
	late := x.code == kam.AlreadyDecided || x.code == kam.WrongState || x.code == kam.TooLate
	if y.code != "" || x.code != "" && !late {
		return nobody, wrong("%s: the amendment was told %q (%s), the vote %q (%s)", s.CaseNo, x.code, x.text, y.code, y.text)
	}
	return side(late), r.ended(ctx, s.CaseNo, onboarding.Completed)
}

func (r *round) amendAndVote(ctx context.Context, s onboarding.Snapshot, change customer.RequestData) (x, y told, err error) {
	err = r.both(ctx,
		func() (err error) {
			x, err = r.try(ctx, s.CaseNo, onboarding.Act{Name: onboarding.ActAmendMaterial, By: "rosa.rep"}, &change)
			return err
		},
		func() (err error) { y, err = r.try(ctx, s.CaseNo, confirm(s, "tim.still"), nil); return err })
	return x, y, err
}

// tenTimes: a double click, a resent message and a second window are one
// decision, and each is told so.
func tenTimes(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, still)
	if err != nil {
		return nobody, err
	}
	once := confirm(s, "tim.still")
	once.DecisionID = service.NewDecisionID()
	var all [10]told
	var clicks []func() error
	now := time.Now()
	for i := range all {
		at := now.Add(time.Duration(r.chance.IntN(60)) * time.Millisecond)
		clicks = append(clicks, func() error {
			return after(ctx, at, func() (err error) { all[i], err = r.try(ctx, s.CaseNo, once, nil); return err })
		})
	}
	if err := together(clicks...); err != nil {
		return nobody, err
	}
	for _, x := range all {
		if x.code != "" || x.snapshot.ConfirmedBy != "tim.still" || x.snapshot.ConfirmedHash != s.MaterialHash {
			return nobody, wrong("%s: one of ten was told %q (%s), confirmed by %q", s.CaseNo, x.code, x.text, x.snapshot.ConfirmedBy)
		}
	}
	return nobody, r.ended(ctx, s.CaseNo, onboarding.Completed)
}

// idReused: an id stands for one content. The other one is told so, and has no
// effect.
func idReused(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, still)
	if err != nil {
		return nobody, err
	}
	a, b := confirm(s, "tim.still"), reject(s, "tim.still")
	a.DecisionID = service.NewDecisionID()
	b.DecisionID = a.DecisionID
	x, y, err := r.duel(ctx, s.CaseNo, a, b)
	if err != nil {
		return nobody, err
	}
	won, err := oneOf(x, y, kam.IDReused)
	if err != nil {
		return won, err
	}
	return won, r.ended(ctx, s.CaseNo, [2]onboarding.State{onboarding.Completed, onboarding.Rejected}[won])
}

// dataReused: the same with an act that brings data, which are stored before it
// is sent.
func dataReused(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, still)
	if err != nil {
		return nobody, err
	}
	amend := onboarding.Act{DecisionID: service.NewDecisionID(), Name: onboarding.ActAmendMaterial, By: "rosa.rep"}
	var got [2]told
	words := [2]string{"They open a second laboratory in spring.", "They close one of two laboratories in spring."}
	one := func(i int) func() error {
		var change customer.RequestData
		change.Justification = words[i]
		return func() (err error) { got[i], err = r.try(ctx, s.CaseNo, amend, &change); return err }
	}
	if err := r.both(ctx, one(0), one(1)); err != nil {
		return nobody, err
	}
	won, err := oneOf(got[0], got[1], kam.IDReused)
	if err != nil {
		return won, err
	}
	v, err := r.db.Cases.View(ctx, s.CaseNo)
	if err != nil {
		return won, err
	}
	if v.Request.Justification != words[won] {
		return won, wrong("%s: %q was told as taken, and %q is stored", s.CaseNo, words[won], v.Request.Justification)
	}
	return won, r.end(ctx, s.CaseNo)
}

// proposed brings a case to where its key account is endorsed.
func (r *round) proposed(ctx context.Context, territory string, manager kam.UserID) (onboarding.Snapshot, error) {
	q, err := r.keyAccount(ctx, territory)
	if err != nil {
		return onboarding.Snapshot{}, err
	}
	s, err := r.begin(ctx, q, onboarding.AwaitingConfirmation)
	if err != nil {
		return s, err
	}
	if _, err := r.act(ctx, s.CaseNo, confirm(s, manager), nil); err != nil {
		return s, err
	}
	return r.reach(ctx, s.CaseNo, onboarding.AwaitingEndorsement)
}

func endorse(by kam.UserID, v onboarding.Verdict) onboarding.Act {
	return onboarding.Act{Name: onboarding.ActDecideEndorsement, Verdict: v, By: by, Reason: "As discussed."}
}

// twoEndorsers: the account is what the first of them said.
func twoEndorsers(ctx context.Context, r *round) (int, error) {
	s, err := r.proposed(ctx, still, "tim.still")
	if err != nil {
		return nobody, err
	}
	x, y, err := r.duel(ctx, s.CaseNo, endorse("tim.still", onboarding.Endorse), endorse("rita.regional", onboarding.Decline))
	if err != nil {
		return nobody, err
	}
	won, err := oneOf(x, y, kam.AlreadyDecided, kam.WrongState)
	if err != nil {
		return won, err
	}
	return won, r.standing(ctx, s.CaseNo, won == 0, onboarding.FlagEndorsementDeclined)
}

// standing says whether a customer has become a key account or not, as people
// were told.
func (r *round) standing(ctx context.Context, no kam.CaseNo, endorsed bool, otherwise onboarding.Flag) error {
	if err := r.ended(ctx, no, onboarding.Completed); err != nil {
		return err
	}
	s, err := r.db.Cases.Case(ctx, no)
	if err != nil {
		return err
	}
	c, err := r.db.Customers.Customer(ctx, s.CommittedAs)
	if err != nil {
		return err
	}
	if is := c.KAStatus == kam.KA; is != endorsed || s.Has(otherwise) == endorsed {
		return wrong("%s: endorsed %v, customer %s is %s, flags %v", no, endorsed, c.CustomerNo, c.KAStatus, s.Flags)
	}
	return nil
}

// endorsementAndLapse: silence keeps the status before, and never after
// somebody was told that the account is endorsed.
func endorsementAndLapse(ctx context.Context, r *round) (int, error) {
	s, err := r.proposed(ctx, ending, "eva.ending")
	if err != nil {
		return nobody, err
	}
	x, err := r.atDeadline(ctx, s, kam.DueLapse, endorse("eva.ending", onboarding.Endorse))
	if err != nil {
		return nobody, err
	}
	if x.code != "" && x.code != kam.AlreadyDecided && x.code != kam.WrongState {
		return nobody, wrong("%s: the endorser was told %s: %s", s.CaseNo, x.code, x.text)
	}
	return side(x.code == ""), r.standing(ctx, s.CaseNo, x.code == "", onboarding.FlagEndorsementLapsed)
}

// reviewed brings a case to where the stewards look at a finding.
func (r *round) reviewed(ctx context.Context) (onboarding.Snapshot, error) {
	q := r.request(still)
	q.Data.Addresses[0].Line1 = "Postfach 10 20 30"
	s, err := r.begin(ctx, q, onboarding.AwaitingConfirmation)
	if err != nil {
		return s, err
	}
	if _, err := r.act(ctx, s.CaseNo, confirm(s, "tim.still"), nil); err != nil {
		return s, err
	}
	return r.reach(ctx, s.CaseNo, onboarding.ValidationReview)
}

func claim(by kam.UserID) onboarding.Act { return onboarding.Act{Name: onboarding.ActClaim, By: by} }

func clear(by kam.UserID) onboarding.Act {
	return onboarding.Act{Name: onboarding.ActDecideValidation, Verdict: onboarding.ClearIt, By: by, Reason: "They are registered at a post box."}
}

// twoClaims: work from a shared queue is one steward's.
func twoClaims(ctx context.Context, r *round) (int, error) {
	s, err := r.reviewed(ctx)
	if err != nil {
		return nobody, err
	}
	x, y, err := r.duel(ctx, s.CaseNo, claim("stew.one"), claim("stew.two"))
	if err != nil {
		return nobody, err
	}
	won, err := oneOf(x, y, kam.Claimed)
	if err != nil {
		return won, err
	}
	owner := [2]told{x, y}[won].act.By
	now, err := r.db.Cases.Case(ctx, s.CaseNo)
	if err != nil {
		return won, err
	}
	if now.Task == nil || now.Task.ClaimedBy != owner {
		return won, wrong("%s: %s was told that it is his, and it is %+v", s.CaseNo, owner, now.Task)
	}
	_, err = r.act(ctx, s.CaseNo, clear(owner), nil)
	return won, errors.Join(err, r.ended(ctx, s.CaseNo, onboarding.Completed))
}

// claimAndDecision: who claims decides; what is decided cannot be claimed.
func claimAndDecision(ctx context.Context, r *round) (int, error) {
	s, err := r.reviewed(ctx)
	if err != nil {
		return nobody, err
	}
	x, y, err := r.duel(ctx, s.CaseNo, claim("stew.one"), clear("stew.two"))
	if err != nil {
		return nobody, err
	}
	won, err := oneOf(x, y, kam.Claimed, kam.WrongState, kam.AlreadyDecided)
	if err != nil {
		return won, err
	}
	if won == 0 {
		if y.code != kam.Claimed {
			return won, wrong("%s: claimed by %s, and %s was told %s", s.CaseNo, x.act.By, y.act.By, y.code)
		}
		_, err = r.act(ctx, s.CaseNo, clear("stew.one"), nil)
	}
	return won, errors.Join(err, r.ended(ctx, s.CaseNo, onboarding.Completed))
}

// cancelAndVote: two persons end a case, or a manager decides it.
func cancelAndVote(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, still)
	if err == nil {
		_, err = r.act(ctx, s.CaseNo, onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AskCancel, By: "ops.one", Reason: "Entered for a test."}, nil)
	}
	if err != nil {
		return nobody, err
	}
	x, y, err := r.duel(ctx, s.CaseNo, onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AgreeCancel, By: "pol.admin"}, confirm(s, "tim.still"))
	if err != nil {
		return nobody, err
	}
	won, err := oneOf(x, y, kam.AlreadyDecided, kam.WrongState, kam.TooLate)
	if err != nil {
		return won, err
	}
	return won, r.ended(ctx, s.CaseNo, [2]onboarding.State{onboarding.Cancelled, onboarding.Completed}[won])
}

// updateAndSignal: one decision on both ways is one decision, and who waits for
// the answer is told that it is taken.
func updateAndSignal(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, still)
	if err != nil {
		return nobody, err
	}
	once := confirm(s, "tim.still")
	once.DecisionID = service.NewDecisionID()
	var x told
	err = r.both(ctx,
		func() error {
			err := r.sdk.SignalWorkflow(ctx, s.CaseNo.WorkflowID(), "", string(once.Name), signedtest.Act(s.CaseNo, once, time.Now()))
			if ended := new(serviceerror.NotFound); errors.As(err, &ended) {
				return nil // the update was there, and the case has ended
			}
			return err
		},
		func() (err error) { x, err = r.try(ctx, s.CaseNo, once, nil); return err })
	if err != nil {
		return nobody, err
	}
	if x.code != "" {
		return nobody, wrong("%s: the update was told %s: %s", s.CaseNo, x.code, x.text)
	}
	if err := r.ended(ctx, s.CaseNo, onboarding.Completed); err != nil {
		return nobody, err
	}
	events, err := r.history(ctx, s.CaseNo)
	if err != nil {
		return nobody, err
	}
	for _, e := range events {
		if e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == string(once.Name) {
			return 0, nil
		}
		id := e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetMeta().GetUpdateId()
		if strings.HasPrefix(id, once.DecisionID) {
			return 1, nil
		}
	}
	return nobody, wrong("%s: the decision came from nowhere", s.CaseNo)
}

// twoChanges: one case at a time works on a customer, and the other request is
// told which.
func twoChanges(ctx context.Context, r *round) (int, error) {
	no, err := r.existing(ctx, kam.NonKA)
	if err != nil {
		return nobody, err
	}
	type answer struct {
		started service.Started
		err     error
	}
	var got [2]answer
	request := func(i int) func() error {
		q := casedb.Request{Key: fmt.Sprintf("race-%d-%d", r.n, i), Type: kam.Modify, CustomerNo: no, Requester: "rosa.rep"}
		q.Data.LegalName = words(2*r.n + 1)[i+1] + " Holding GmbH"
		return func() error {
			begin := time.Now()
			for {
				s, err := r.client.Start(ctx, q)
				if kam.CodeOf(err) == kam.Unreachable && pause(ctx, 100*time.Millisecond) == nil {
					continue
				}
				got[i] = answer{s, err}
				r.mu.Lock()
				defer r.mu.Unlock()
				r.told = append(r.told, told{code: kam.CodeOf(err), took: time.Since(begin), racing: true})
				if s.CaseNo != "" {
					r.cases = append(r.cases, s.CaseNo)
				}
				return nil
			}
		}
	}
	if err := r.both(ctx, request(0), request(1)); err != nil {
		return nobody, err
	}
	// A request is refused before there is a case, or its case ends at once.
	var works [2]bool
	var said [2]string
	for i, a := range got {
		if a.err != nil {
			if kam.CodeOf(a.err) != kam.OpenCaseExists {
				return nobody, fmt.Errorf("change %s: %w", no, a.err)
			}
			said[i] = a.err.Error()
			continue
		}
		s, err := r.until(ctx, a.started.CaseNo, "decided", func(s onboarding.Snapshot) bool {
			return s.State == onboarding.AwaitingConfirmation || s.State.Ended()
		})
		if err != nil {
			return nobody, err
		}
		works[i] = s.State == onboarding.AwaitingConfirmation
		said[i] = s.ReasonCode + " " + s.Headline
		if !works[i] && (s.State != onboarding.Rejected || s.ReasonCode != string(kam.OpenCaseExists)) {
			return nobody, wrong("%s for %s is %s: %s", s.CaseNo, no, s.State, said[i])
		}
	}
	if works[0] == works[1] {
		return nobody, wrong("%s: of two requests %v work: %q", no, works, said)
	}
	won := side(works[1])
	winner := got[won].started.CaseNo
	if !strings.Contains(said[1-won], string(winner)) {
		return won, wrong("%s: the other request was told %q, which does not name %s", no, said[1-won], winner)
	}
	return won, r.end(ctx, winner)
}

// retiring requests the retirement of a member of a key account, which two
// persons confirm.
func (r *round) retiring(ctx context.Context) (onboarding.Snapshot, error) {
	no, err := r.existing(ctx, kam.KA)
	if err != nil {
		return onboarding.Snapshot{}, err
	}
	q := casedb.Request{Key: fmt.Sprintf("race-%d", r.n), Type: kam.Deactivate, CustomerNo: no, Requester: "rosa.rep"}
	q.Data.Justification = "The house was closed in February."
	return r.begin(ctx, q, onboarding.AwaitingConfirmation)
}

// retiredByTwo: whoever is first, it takes both of them.
func retiredByTwo(ctx context.Context, r *round) (int, error) {
	s, err := r.retiring(ctx)
	if err != nil {
		return nobody, err
	}
	x, y, err := r.duel(ctx, s.CaseNo, confirm(s, "tim.still"), confirm(s, "rita.regional"))
	if err != nil {
		return nobody, err
	}
	if x.code != "" || y.code != "" {
		return nobody, wrong("%s: the first was told %q (%s), the second %q (%s)", s.CaseNo, x.code, x.text, y.code, y.text)
	}
	if err := r.ended(ctx, s.CaseNo, onboarding.Completed); err != nil {
		return nobody, err
	}
	events, err := r.db.Cases.Events(ctx, s.CaseNo)
	if err != nil {
		return nobody, err
	}
	one, two := seq(events, kam.EventConfirmed, x.act.DecisionID), seq(events, kam.EventConfirmed, y.act.DecisionID)
	return side(before(two, one)), r.retired(ctx, s, true)
}

// retiredByOne: one person is one, however fast he is.
func retiredByOne(ctx context.Context, r *round) (int, error) {
	s, err := r.retiring(ctx)
	if err != nil {
		return nobody, err
	}
	x, y, err := r.duel(ctx, s.CaseNo, confirm(s, "tim.still"), confirm(s, "tim.still"))
	if err != nil {
		return nobody, err
	}
	won, err := oneOf(x, y, kam.Separation)
	if err != nil {
		return won, err
	}
	if err := r.retired(ctx, s, false); err != nil {
		return won, err
	}
	_, err = r.act(ctx, s.CaseNo, confirm(s, "rita.regional"), nil)
	return won, errors.Join(err, r.ended(ctx, s.CaseNo, onboarding.Completed), r.retired(ctx, s, true))
}

func (r *round) retired(ctx context.Context, s onboarding.Snapshot, want bool) error {
	c, err := r.db.Customers.Customer(ctx, s.CommittedAs)
	if err != nil {
		return err
	}
	events, err := r.db.Cases.Events(ctx, s.CaseNo)
	if err != nil {
		return err
	}
	by := map[kam.UserID]bool{}
	for _, e := range events {
		if e.Type == kam.EventConfirmed {
			by[e.Actor] = true
		}
	}
	if is := c.Status == kam.Inactive; is != want || want && len(by) != 2 {
		return wrong("%s: customer %s is %s, confirmed by %v", s.CaseNo, c.CustomerNo, c.Status, by)
	}
	return nil
}

// sendBacks: two managers send the case back as fast as they can, and the
// requester answers as fast. There are as many rounds as the policy has, and
// after them everybody is told so.
func sendBacks(ctx context.Context, r *round) (int, error) {
	s, err := r.waiting(ctx, still)
	if err != nil {
		return nobody, err
	}
	var first [2]string // decision ids
	manager := func(i int, who kam.UserID) func() error {
		return func() error {
			for try := range 200 {
				a := sendBack(s, who)
				a.DecisionID = uuid.NewString()
				x, err := r.try(ctx, s.CaseNo, a, nil)
				if err != nil {
					return err
				}
				switch x.code {
				case "":
					if first[i] == "" {
						first[i] = a.DecisionID
					}
				case kam.RoundsUsed:
					return nil
				case kam.WrongState: // it is with the requester
				default:
					return wrong("%s: a manager who sends back was told %s: %s", s.CaseNo, x.code, x.text)
				}
				if err := pause(ctx, time.Duration(10+10*try)*time.Millisecond); err != nil {
					return err
				}
			}
			return wrong("%s: sent back for ever", s.CaseNo)
		}
	}
	done := make(chan struct{})
	requester := func() error {
		for i := 0; ; {
			select {
			case <-done:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(look):
			}
			now, err := r.db.Cases.Case(ctx, s.CaseNo)
			if err != nil {
				return err
			}
			if now.State != onboarding.ChangesRequested {
				continue
			}
			i++
			var more customer.RequestData
			more.Justification = fmt.Sprintf("They open a second laboratory in spring and look for one supplier. Said for the %dth time.", i+1)
			if _, err := r.act(ctx, s.CaseNo, onboarding.Act{Name: onboarding.ActSubmitData, By: "rosa.rep"}, &more); err != nil {
				return err
			}
		}
	}
	err = together(requester, func() error {
		defer close(done)
		return r.both(ctx, manager(0, "tim.still"), manager(1, "rita.regional"))
	})
	if err != nil {
		return nobody, err
	}
	now, err := r.db.Cases.Case(ctx, s.CaseNo)
	if err != nil {
		return nobody, err
	}
	events, err := r.db.Cases.Events(ctx, s.CaseNo)
	if err != nil {
		return nobody, err
	}
	if n := count(events, kam.EventSentBack); n != maxRounds || now.Rounds != maxRounds || now.State != onboarding.AwaitingConfirmation {
		return nobody, wrong("%s: sent back %d times in %d rounds of %d, and is %s", s.CaseNo, n, now.Rounds, maxRounds, now.State)
	}
	one, two := int64(0), int64(0)
	if first[0] != "" {
		one = seq(events, kam.EventSentBack, first[0])
	}
	if first[1] != "" {
		two = seq(events, kam.EventSentBack, first[1])
	}
	_, err = r.act(ctx, s.CaseNo, reject(now, "tim.still"), nil)
	return side(before(two, one)), errors.Join(err, r.ended(ctx, s.CaseNo, onboarding.Rejected))
}
