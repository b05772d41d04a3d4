package acceptance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/activities"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service/servicetest"
	accessdb "github.com/kamflow/kamflow/store/access"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// beside is a case that stands beside the one of a scene: its stages are run
// here, one after the other, and not by a workflow.
type beside struct {
	*world
	acts *activities.Activities
	no   kam.CaseNo
	n    int
}

func (w *world) beside(by kam.UserID, at time.Time, parts ...fields) *beside {
	w.t.Helper()
	r := casedb.Request{
		Key: fmt.Sprintf("%s/%d", w.t.Name(), w.requests.Add(1)), Type: kam.NewCase, Requester: by, Data: data(w.t, parts...),
	}
	no, _, err := w.db.Cases.Allot(w.t.Context(), r)
	require.NoError(w.t, err)
	b := &beside{world: w, acts: w.activities(), no: no}
	_, err = b.acts.OpenCase(w.t.Context(), onboarding.StageInput{CaseNo: no, Seq: 1, Now: at, Signed: started(w.t, no, r, at).Signed})
	require.NoError(w.t, err)
	b.on(at)
	return b
}

func (b *beside) now() onboarding.Snapshot {
	s, err := b.db.Cases.Case(b.t.Context(), b.no)
	require.NoError(b.t, err)
	return s
}

// on runs the automatic stages.
func (b *beside) on(at time.Time) {
	ctx := b.t.Context()
	for s := b.now(); s.State.Kind() == kam.Automatic; s = b.now() {
		in := onboarding.StageInput{CaseNo: b.no, Seq: s.Version + 1, Known: s.Version, Now: at}
		var err error
		switch onboarding.StageOf[s.State] {
		case onboarding.StageIdentify:
			_, err = b.acts.Identify(ctx, in)
		case onboarding.StageDecide:
			_, err = b.acts.Decide(ctx, in)
		case onboarding.StageAnalyze:
			_, err = b.acts.Analyze(ctx, in)
		case onboarding.StageSegment:
			_, err = b.acts.Segment(ctx, in)
		case onboarding.StageValidate:
			_, err = b.acts.Validate(ctx, in)
		case onboarding.StageClassify:
			_, err = b.acts.Classify(ctx, in)
		case onboarding.StageHandOff:
			_, err = b.acts.HandOff(ctx, in)
		}
		require.NoError(b.t, err)
	}
}

// does an act, and what follows by itself; it says why it was refused.
func (b *beside) does(at time.Time, a onboarding.Act) *kam.Error {
	b.n++
	s := b.now()
	a.DecisionID = fmt.Sprintf("%s-beside-%d", b.no, b.n)
	if a.ExpectHash == current {
		a.ExpectHash = s.MaterialHash
	}
	p, err := b.acts.RecordAct(b.t.Context(), onboarding.ActInput{CaseNo: b.no, Known: s.Version, Now: at, Act: signedtest.Act(b.no, a, at)})
	require.NoError(b.t, err)
	if p.Refused == nil {
		b.on(at)
	}
	return p.Refused
}

// same is the answer that a request was made before.
func same(by kam.UserID, earlier kam.CaseNo) onboarding.Act {
	return onboarding.Act{Name: onboarding.ActResolveDuplicate, Verdict: onboarding.SameRequest, By: by, SameAs: earlier, Reason: "met the same person"}
}

// heard are the subjects of the messages of a kind, with whom they are for.
func (w *world) heard(kind string) []string {
	w.t.Helper()
	all, err := w.db.ClaimMessages(w.t.Context(), 10_000, time.Minute)
	require.NoError(w.t, err)
	var out []string
	for _, m := range all {
		if m.Kind == kind {
			out = append(out, fmt.Sprintf("%v %s", m.To, m.Subject))
		}
		_, err := w.db.MarkFailed(w.t.Context(), m.ID, nil, false)
		require.NoError(w.t, err)
	}
	slices.Sort(out)
	return out
}

const twice = "Zweimal Gefragt Klinik GmbH"

// The same party, seen by two people: certainly the same by its number, or alike
// by its name.
var (
	byNumber = []fields{screening(twice), details(), identifier("VAT_EU", "DE136695976")}
	byName   = []fields{screening(twice), details(), {"street": "Ganz Woanders 99", "website": "https://zweimal.example"}, identifier("VAT_EU", "DE136695976")}
	alike    = []fields{screening(twice), details()}
)

// TestSameRequestByTheRequester (D39): below CERTAIN whoever asked later says
// himself that his request is the same one, and follows the earlier case to its
// customer.
func TestSameRequestByTheRequester(t *testing.T) {
	w := newWorld(t)
	first := w.beside("rep.stuttgart", monday, alike...)
	require.Equal(t, onboarding.AwaitingConfirmation, first.now().State)
	s := w.onboardAt(monday.Add(hour), "rep.south", data(t, byName...))
	s.expect(1*hour, onboarding.DuplicateReview, "rep.south")
	s.act(2*hour, kam.Forbidden, same("rep.vienna", first.no))
	s.act(3*hour, kam.Invalid, same("rep.south", "KAM-2026-999999"))
	s.act(4*hour, "", same("rep.south", first.no))
	end := s.run()
	require.Equal(t, onboarding.Merged, end.State)
	require.Equal(t, first.no, end.SameAs)
	require.Empty(t, end.CommittedAs)

	now := first.now()
	require.Equal(t, []onboarding.Follower{{CaseNo: s.no, Requester: "rep.south", Editors: []kam.UserID{"rep.south"}}}, now.Followers)
	comment := w.last(first.no, kam.EventCommented)
	require.Equal(t, kam.UserID("rep.south"), comment.Actor)
	require.Contains(t, comment.Text, "https://zweimal.example")
	require.Contains(t, comment.Text, "DE136695976")
	require.NotContains(t, comment.Text, twice, "what both know is not said again")
	require.Len(t, w.heard("case.followed"), 1)

	listed, err := w.db.Cases.List(t.Context(), casedb.Filter{Requester: "rep.south"})
	require.NoError(t, err)
	require.Len(t, listed, 2, "his own, and the one that he follows")

	at := monday.Add(day)
	require.Nil(t, first.does(at, confirm("rita.regional", "")))
	done := first.now()
	require.Equal(t, onboarding.Completed, done.State)
	require.Equal(t, []string{fmt.Sprintf("[rep.south] %s: %s is COMPLETED; the customer is %s", s.no, first.no, done.CommittedAs)}, w.heard("case.follow_ended"))
	v, err := w.db.Cases.View(t.Context(), s.no)
	require.NoError(t, err)
	require.Equal(t, done.CommittedAs, v.Followed.CommittedAs)
	require.Empty(t, w.drafts("rep.south"))
	w.chainHolds(first.no)
}

func (w *world) last(no kam.CaseNo, kind kam.EventType) (last kam.AuditEvent) {
	w.t.Helper()
	all, err := w.db.Cases.Events(w.t.Context(), no)
	require.NoError(w.t, err)
	for _, e := range all {
		if e.Type == kind {
			last = e
		}
	}
	return last
}

func (w *world) chainHolds(no kam.CaseNo) {
	w.t.Helper()
	all, err := w.db.Cases.Events(w.t.Context(), no)
	require.NoError(w.t, err)
	broken, why, ok := kam.VerifyChain(all)
	require.True(w.t, ok, "%s event %d: %s", no, broken.Seq, why)
}

// drafts are the offers in a person's inbox.
func (w *world) drafts(by kam.UserID) []kam.CaseNo {
	w.t.Helper()
	all, err := w.db.Cases.Inbox(w.t.Context(), by)
	require.NoError(w.t, err)
	var out []kam.CaseNo
	for _, i := range all {
		if i.Task.Kind == onboarding.TaskDraftOffer {
			out = append(out, i.CaseNo)
		}
	}
	return out
}

// TestSameRequestByTheSteward: at CERTAIN the stewards decide, and not one whose
// request it is (SOD3).
func TestSameRequestByTheSteward(t *testing.T) {
	for _, by := range []kam.UserID{"rep.south", "stew.one"} {
		t.Run(string(by), func(t *testing.T) {
			w := newWorld(t, func(o *accessdb.Org) {
				o.Users = append(o.Users, accessdb.User{ID: "stew.two", Name: "Two", Roles: []kam.Role{kam.DataSteward}, Nodes: []string{"GLOBAL"}})
			})
			first := w.beside("rep.stuttgart", monday, byNumber...)
			s := w.onboardAt(monday.Add(hour), by, data(t, byNumber...))
			if by == "stew.one" {
				s.act(2*hour, kam.Separation, same("stew.one", first.no))
			} else {
				s.act(2*hour, kam.Forbidden, same("rep.south", first.no))
			}
			s.act(4*hour, "", same("stew.two", first.no))
			require.Equal(t, onboarding.Merged, s.run().State)
			require.Contains(t, w.last(first.no, kam.EventCommented).Text, "knows nothing more")
		})
	}
}

// TestSameRequestFoundLate: the steward of VALIDATION_REVIEW says it, for a
// reason.
func TestSameRequestFoundLate(t *testing.T) {
	w := newWorld(t)
	first := w.beside("rep.stuttgart", monday, alike...)
	s := w.onboardAt(monday.Add(hour), "rep.south", data(t, append(slices.Clone(byName), fields{"addresses": []fields{{"type": "LEGAL", "line1": "Postfach 17", "city": "München", "postal_code": "80331", "country_code": "DE"}}})...))
	s.act(1*hour, "", notDuplicate(kam.ByRequester))
	s.act(2*hour, "", confirm("theo.territory", ""))
	s.expect(3*hour, onboarding.ValidationReview)
	late := same("stew.one", first.no)
	late.Name = onboarding.ActDecideValidation
	byRep, silent := late, late
	byRep.By, silent.Reason = "rep.south", ""
	s.act(4*hour, kam.Separation, byRep)
	s.act(5*hour, kam.ReasonNeeded, silent)
	s.act(6*hour, "", late)
	end := s.run()
	require.Equal(t, onboarding.Merged, end.State)
	require.Equal(t, first.no, end.SameAs)
	require.Equal(t, s.no, first.now().Followers[0].CaseNo)
}

// TestSameRequestAsWhat: the other case is NEW, open and older, and so is this
// one NEW.
func TestSameRequestAsWhat(t *testing.T) {
	w := newWorld(t)
	old := w.beside("rep.stuttgart", monday, byNumber...)
	later := w.beside("rep.south", monday, byNumber...)
	young := w.beside("rep.south", monday, byNumber...)
	require.Equal(t, onboarding.DuplicateReview, later.now().State)
	at := monday.Add(hour)
	refused := func(b *beside, other kam.CaseNo, code kam.Code, says string) {
		t.Helper()
		e := b.does(at, same("stew.one", other))
		require.NotNil(t, e)
		require.Equal(t, code, e.Code, "%v", e)
		require.Contains(t, e.Error(), says)
	}
	require.Nil(t, later.does(at, onboarding.Act{Name: onboarding.ActComment, By: "rep.south", Reason: "How far is it?"}))
	refused(later, later.no, kam.Invalid, "not a case among the candidates")
	refused(later, young.no, kam.Invalid, "not a case among the candidates")
	require.Nil(t, old.does(at, onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.stuttgart"}))
	refused(later, old.no, kam.WrongState, "has ended")
	require.Nil(t, later.does(at, notDuplicate(kam.BySteward)), "and it goes on by itself")
	require.Equal(t, onboarding.AwaitingConfirmation, later.now().State)
	require.Equal(t, onboarding.Merged, func() onboarding.State {
		require.Nil(t, young.does(at, same("stew.one", later.no)))
		return young.now().State
	}())
	for _, b := range []*beside{old, later, young} {
		w.chainHolds(b.no)
	}
}

// TestYoungerCase: the younger one follows, whichever is looked at first. It is
// found where the search is repeated.
func TestYoungerCase(t *testing.T) {
	w := newWorld(t)
	first := w.beside("rep.stuttgart", monday, alike...)
	second := w.beside("rep.south", monday, screening("Ganz Anders Klinik GmbH"), details(), identifier("VAT_EU", "DE136695976"))
	require.Equal(t, onboarding.AwaitingConfirmation, second.now().State)
	at := monday.Add(hour)
	digest, err := w.db.Cases.StageData(t.Context(), first.no, fmt.Sprintf("%s-beside-1", first.no), data(t, identifier("VAT_EU", "DE136695976")))
	require.NoError(t, err)
	require.Nil(t, first.does(at, onboarding.Act{Name: onboarding.ActAmendMaterial, By: "rep.stuttgart", DataDigest: digest}))
	require.Equal(t, onboarding.DuplicateReview, first.now().State)
	e := first.does(at, same("stew.one", second.no))
	require.Equal(t, kam.WrongState, e.Code)
	require.Contains(t, e.Error(), "is not older than")
}

// TestFollowerMayNotDecideTheCaseThatHeFollows: he counts as a requester (SOD1,
// SOD3), the task that waited for him goes to the next level, and the workflow of
// the earlier case goes on although PostgreSQL is ahead of it.
func TestFollowerMayNotDecideTheCaseThatHeFollows(t *testing.T) {
	w := newWorld(t)
	s := w.complete(twice)
	s.expect(30*time.Minute, onboarding.AwaitingConfirmation, "theo.territory")
	s.at(1*hour, func(onboarding.Snapshot) {
		later := w.beside("theo.territory", s.env.Now(), byName...)
		require.Nil(t, later.does(s.env.Now(), same("theo.territory", s.no)))
	})
	s.at(2*hour, func(now onboarding.Snapshot) {
		if len(now.Followers) != 1 || !slices.Equal(now.Task.Assignees, []kam.UserID{"rita.regional"}) {
			s.faults = append(s.faults, "the next level decides: "+text(t, now))
		}
	})
	s.act(3*hour, kam.Separation, confirm("theo.territory", ""))
	s.act(4*hour, "", confirm("rita.regional", ""))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	for _, e := range s.events() {
		if e.Type == kam.EventDecisionRefused {
			require.Contains(t, e.Text, "SOD1")
		}
	}
	require.Len(t, w.heard("case.follow_ended"), 1)
}

// TestFollowingStewardMayNotClear (SOD3), at 1.4.6s of the case that he follows.
func TestFollowingStewardMayNotClear(t *testing.T) {
	w := newWorld(t, func(o *accessdb.Org) {
		o.Users = append(o.Users, accessdb.User{ID: "stew.two", Name: "Two", Roles: []kam.Role{kam.DataSteward}, Nodes: []string{"GLOBAL"}})
	})
	first := w.beside("rep.south", monday, append(slices.Clone(alike), fields{"addresses": []fields{{"type": "LEGAL", "line1": "Postfach 17", "city": "München", "postal_code": "80331", "country_code": "DE"}}})...)
	require.Nil(t, first.does(monday, confirm("theo.territory", "")))
	require.Equal(t, onboarding.ValidationReview, first.now().State)
	require.Nil(t, first.does(monday, onboarding.Act{Name: onboarding.ActClaim, By: "stew.one"}))
	later := w.beside("stew.one", monday, byName...)
	require.Nil(t, later.does(monday, same("stew.one", first.no)))
	require.Empty(t, first.now().Task.ClaimedBy, "a colleague can take it")
	e := first.does(monday, waive("stew.one"))
	require.Equal(t, "SOD3", e.Rule)
	require.Nil(t, first.does(monday, waive("stew.two")))
	require.Equal(t, onboarding.Completed, first.now().State)
}

// TestFollowedCaseEndsWithoutACustomer: whoever followed it is offered a draft of
// his own request, once, and it waits for him to look at it.
func TestFollowedCaseEndsWithoutACustomer(t *testing.T) {
	cancelled := func(b *beside, at time.Time) {
		require.Nil(b.t, b.does(at, onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AskCancel, By: "ops.one", Reason: "a test"}))
		require.Nil(b.t, b.does(at, onboarding.Act{Name: onboarding.ActCancel, Verdict: onboarding.AgreeCancel, By: "pol.admin"}))
	}
	for end, how := range map[onboarding.State]func(b *beside, at time.Time){
		onboarding.Rejected: func(b *beside, at time.Time) {
			require.Nil(b.t, b.does(at, onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.RejectIt, By: "rita.regional", ExpectHash: current, ReasonCode: "CAPACITY", Reason: "no capacity"}))
		},
		onboarding.Withdrawn: func(b *beside, at time.Time) {
			require.Nil(b.t, b.does(at, onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.stuttgart"}))
		},
		onboarding.Cancelled: cancelled,
		onboarding.Expired: func(b *beside, _ time.Time) {
			for s := b.now(); s.State == onboarding.AwaitingConfirmation; s = b.now() {
				due, _ := s.Task.Next()
				_, err := b.acts.DeadlinePassed(b.t.Context(), onboarding.StageInput{CaseNo: b.no, Seq: s.Version + 1, Known: s.Version, Now: due.At, Due: &due})
				require.NoError(b.t, err)
			}
		},
	} {
		t.Run(string(end), func(t *testing.T) {
			w := newWorld(t)
			first := w.beside("rep.stuttgart", time.Now(), alike...)
			later := w.beside("rep.south", time.Now(), byName...)
			require.Nil(t, later.does(time.Now(), same("rep.south", first.no)))
			c := servicetest.New(w.db, gone{}, "none")
			draft := casedb.Request{Key: casedb.DraftKey + string(later.no), Type: kam.NewCase, Requester: "rep.south", DraftOf: later.no}
			view, err := w.db.Cases.View(t.Context(), later.no)
			require.NoError(t, err)
			draft.Data = view.Request
			_, err = c.Start(t.Context(), draft)
			require.Equal(t, kam.WrongState, kam.CodeOf(err), "while the other one is open: %v", err)
			require.Empty(t, w.drafts("rep.south"))

			how(first, time.Now())
			require.Equal(t, end, first.now().State)
			require.Equal(t, []string{fmt.Sprintf("[rep.south] %s: %s is %s without a customer; a draft of your request is yours to take", later.no, first.no, end)}, w.heard("case.draft_offered"))
			require.Equal(t, []kam.CaseNo{later.no}, w.drafts("rep.south"))
			other := draft
			other.Requester = "rep.vienna"
			_, err = c.Start(t.Context(), other)
			require.Equal(t, kam.Forbidden, kam.CodeOf(err), "%v", err)

			s := w.requestAt(farMonday, draft)
			s.expect(1*hour, onboarding.Draft, "rep.south")
			s.act(2*hour, "", submit("rep.south"), customer.RequestData{})
			s.act(4*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"})
			require.Contains(t, []onboarding.State{onboarding.Withdrawn, onboarding.Rejected}, s.runAny().State)
			require.Contains(t, s.states(), onboarding.Identifying, "submitted as it was")
			require.Empty(t, w.drafts("rep.south"), "taken")
			again, created, err := w.db.Cases.Allot(t.Context(), draft)
			require.NoError(t, err)
			require.False(t, created)
			require.Equal(t, s.no, again)
		})
	}
}

// runAny is run where the last act may come too late.
func (s *scene) runAny() onboarding.Snapshot {
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, s.start)
	require.NoError(s.t, s.env.GetWorkflowError())
	var end onboarding.Snapshot
	require.NoError(s.t, s.env.GetWorkflowResult(&end))
	return end
}

// TestManyFollowOneAndEachOther: a chain, 3 is the same as 2, and 2 the same as 1. Each
// requester hears of the end of the first, and what each knew stands there.
func TestManyFollowOneAndEachOther(t *testing.T) {
	w := newWorld(t)
	at := monday
	first := w.beside("rep.stuttgart", at, alike...)
	second := w.beside("rep.south", at, append(slices.Clone(byName), fields{"identifiers": nil})...)
	third := w.beside("rep.vienna", at, append(slices.Clone(byName), fields{"identifiers": nil, "phone": "+49895554433"})...)
	fourth := w.beside("rep.north", at, byName...)
	as := func(b *beside, earlier kam.CaseNo) onboarding.Act { // whoever is asked
		if q := b.now().Task.Queue; q != "" {
			return same("stew.one", earlier)
		}
		return same(b.now().Requester, earlier)
	}
	require.Nil(t, third.does(at, as(third, second.no)))
	require.Nil(t, second.does(at, as(second, first.no)))
	require.Equal(t, []string{fmt.Sprintf("[rep.vienna] %s: %s is the same request as %s, which you follow now", third.no, second.no, first.no)}, w.heard("case.followed_on"))
	e := fourth.does(at, as(fourth, second.no))
	require.Equal(t, kam.WrongState, e.Code)
	require.Contains(t, e.Remedy, string(first.no), "it says which one to name")
	require.Nil(t, fourth.does(at, as(fourth, first.no)))

	var followers []kam.CaseNo
	for _, f := range first.now().Followers {
		followers = append(followers, f.CaseNo)
	}
	require.Equal(t, []kam.CaseNo{second.no, third.no, fourth.no}, followers)
	comments := ""
	events, err := w.db.Cases.Events(t.Context(), first.no)
	require.NoError(t, err)
	for _, e := range events {
		if e.Type == kam.EventCommented {
			comments += e.Text + "\n"
		}
	}
	require.Equal(t, 3, strings.Count(comments, "is the same request"))
	require.Contains(t, comments, "+49895554433", "of the third, by way of the second")
	for _, u := range []kam.UserID{"rep.south", "rep.vienna", "rep.north"} {
		require.True(t, first.now().Edited(u))
	}
	require.Nil(t, first.does(at, confirm("rita.regional", "")))
	require.Len(t, w.heard("case.follow_ended"), 3)
	for _, b := range []*beside{second, third, fourth} {
		s, err := w.db.Cases.Followed(t.Context(), b.no)
		require.NoError(t, err)
		require.Equal(t, first.no, s.CaseNo)
	}
	for _, b := range []*beside{first, second, third, fourth} {
		w.chainHolds(b.no)
	}
}

// TestEndAtTheMomentOfMerging: whichever comes first, nobody waits for a case
// that has ended and nobody is forgotten; neither waits for the other for ever.
func TestEndAtTheMomentOfMerging(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		name := fields{"legal_name": fmt.Sprintf("%s Klinik GmbH", strings.Repeat(string(rune('a'+i)), 6))}
		first := w.beside("rep.stuttgart", monday, append(slices.Clone(alike), name)...)
		later := w.beside("rep.south", monday, append(slices.Clone(byName), name, fields{"identifiers": nil})...)
		third := w.beside("rep.north", monday, append(slices.Clone(byName), name, fields{"identifiers": nil})...)
		done := make(chan *kam.Error, 3)
		go func() { done <- first.does(monday, onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.stuttgart"}) }()
		by := func(b *beside) kam.UserID {
			if b.now().Task.Queue != "" {
				return "stew.one"
			}
			return b.now().Requester
		}
		two, three := by(later), by(third)
		go func() { done <- later.does(monday, same(two, first.no)) }()
		go func() { done <- third.does(monday, same(three, later.no)) }()
		for range 3 {
			select {
			case <-done:
			case <-time.After(time.Minute):
				t.Fatal("they wait for each other")
			}
		}
		require.Equal(t, onboarding.Withdrawn, first.now().State)
		offered := w.heard("case.draft_offered")
		merged := later.now().State == onboarding.Merged
		require.Equal(t, merged, len(w.drafts("rep.south")) == 1, "%s", text(t, later.now()))
		require.Equal(t, merged, slices.ContainsFunc(offered, func(s string) bool { return strings.HasPrefix(s, "[rep.south] "+string(later.no)) }))
		if merged { // taken, so that the next round begins again
			_, _, err := w.db.Cases.Allot(t.Context(), casedb.Request{Key: casedb.DraftKey + string(later.no), Type: kam.NewCase, Requester: "rep.south", DraftOf: later.no, Data: data(t, screening("Entwurf GmbH"))})
			require.NoError(t, err)
		}
	}
}
