package races

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/service"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// A round is one race, of one or two cases.
type round struct {
	*rig
	kind   *kind
	n      int           // among all rounds: makes names that nobody else has
	gap    time.Duration // how long after the first the second acts
	chance *rand.Rand    // of this round alone

	mu    sync.Mutex
	cases []kam.CaseNo
	told  []told
}

// told is what a person did, and what he was told.
type told struct {
	no          kam.CaseNo
	act         kam.Act
	snapshot    kam.Snapshot
	code        kam.Code // of a refusal; "" was taken
	text        string
	took        time.Duration
	unconfirmed int  // times that no answer came, before one did
	racing      bool // not one who only prepares or clears up
}

// A mismatch is something else stored than was told, or than the process
// allows. Other errors mean that a round could not be played.
type mismatch struct{ text string }

func (m *mismatch) Error() string { return m.text }

func wrong(format string, args ...any) error { return &mismatch{fmt.Sprintf(format, args...)} }

func isMismatch(err error) bool { return errors.As(err, new(*mismatch)) }

// words are three invented words that resemble no others.
func words(n int) [3]string {
	const consonants, vowels = "bdfgklmnprstvwxz", "aeiou"
	sum := sha256.Sum256(fmt.Appendf(nil, "racing customer %d", n))
	var out [3]string
	for i, b := range sum[:24] {
		out[i/8] += string(consonants[b%16]) + string(vowels[b/16%5])
	}
	for i, w := range out {
		out[i] = strings.ToUpper(w[:1]) + w[1:12]
	}
	return out
}

// party makes a customer of its own out of a template. A round has two at most.
func (r *round) party(template kam.RequestData, territory string, which int) kam.RequestData {
	d, n := template, 2*r.n+which
	name := words(n)
	d.LegalName = name[0] + " " + name[1] + " GmbH"
	d.City, d.PostalCode = name[1]+"stadt", fmt.Sprintf("%s%03d", postal[territory], n%1000)
	d.Street = fmt.Sprintf("%sweg %d", name[2], 1+n)
	d.Identifiers = []kam.Identifier{{Scheme: "OTHER", Name: "Sample register", Value: fmt.Sprintf("SR-6%06d", n), Country: "DE"}}
	d.Addresses = []kam.Address{{Type: "LEGAL", Line1: d.Street, City: d.City, PostalCode: d.PostalCode, CountryCode: "DE"}}
	d.Contacts = []kam.Contact{{Name: "Annegret Seewald", DecisionRole: "DECIDER", Email: "seewald@" + strings.ToLower(name[0]) + ".example", ConsentBasis: "contract"}}
	return d
}

// request is one for a new customer, who passes every rule.
func (r *round) request(territory string) casedb.Request {
	return casedb.Request{Key: fmt.Sprintf("race-%d", r.n), Type: kam.NewCase, Requester: "rosa.rep", Data: r.party(r.plain, territory, 0)}
}

// keyAccount is a request for a customer who becomes a key account.
func (r *round) keyAccount(ctx context.Context, territory string) (casedb.Request, error) {
	q := r.request(territory)
	q.Data = r.party(r.endorsed, territory, 0)
	q.Data.GroupName, q.Data.SalesAccountNo = words(2 * r.n)[0], fmt.Sprintf("RACE-%d", r.n)
	facts := append([]customerdb.SalesFact(nil), r.sales...)
	for i := range facts {
		facts[i].AccountNo = q.Data.SalesAccountNo
	}
	return q, r.db.Customers.LoadSales(ctx, storetest.Act(), facts)
}

// existing loads a customer that has been there for long, and returns its
// number.
func (r *round) existing(ctx context.Context, status kam.KAStatus) (string, error) {
	c := customerdb.BookCustomer{
		CustomerNo: fmt.Sprintf("BOOK-%d", r.n), Data: r.party(r.plain, still, 1), Territory: still, OwnerID: "rosa.rep", Coverage: "C",
	}
	if status == kam.KA {
		c.KAStatus, c.Tier, c.Coverage = kam.KA, kam.TierTerritory, ""
	}
	rules.Clean(&c.Data)
	c.Keys = parties.Keys(c.Data)
	return c.CustomerNo, r.db.Customers.Load(ctx, storetest.Act(), []customerdb.BookCustomer{c})
}

// begin starts a case and has it reach a state. A start that is not confirmed
// is sent again.
func (r *round) begin(ctx context.Context, q casedb.Request, state kam.State) (kam.Snapshot, error) {
	for {
		s, err := r.client.Start(ctx, q)
		if err == nil {
			r.note(s.CaseNo)
			return r.reach(ctx, s.CaseNo, state)
		}
		if kam.CodeOf(err) != kam.Unreachable || pause(ctx, 100*time.Millisecond) != nil {
			return kam.Snapshot{}, fmt.Errorf("start %s: %w", q.Key, err)
		}
	}
}

func (r *round) note(no kam.CaseNo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cases = append(r.cases, no)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// look is how often a round looks where its case stands.
const look = 40 * time.Millisecond

// reach waits until the case is in a state, or has ended.
func (r *round) reach(ctx context.Context, no kam.CaseNo, want kam.State) (kam.Snapshot, error) {
	return r.until(ctx, no, string(want), func(s kam.Snapshot) bool { return s.State == want })
}

func (r *round) until(ctx context.Context, no kam.CaseNo, what string, fine func(kam.Snapshot) bool) (kam.Snapshot, error) {
	for {
		s, err := r.db.Cases.Case(ctx, no)
		switch {
		case err != nil:
			return s, err
		case fine(s):
			return s, nil
		case s.State.Ended():
			return s, fmt.Errorf("%s is %s and will not be %s: %s", no, s.State, what, s.Headline)
		case s.State == kam.NeedsIntervention:
			return s, wrong("%s was set aside: %s", no, s.Task.Note)
		case s.State == kam.DuplicateReview: // two invented names that are somewhat alike
			_, err := r.act(ctx, no, kam.Act{Name: kam.ActResolveDuplicate, Verdict: kam.NotDuplicate, By: "stew.one", Reason: "Another company."}, nil)
			if err != nil {
				return s, err
			}
		}
		if err := pause(ctx, look); err != nil {
			return s, fmt.Errorf("%s is still %s and not %s: %w", no, s.State, what, err)
		}
	}
}

// act is what somebody does who is no part of the race; it must be taken.
func (r *round) act(ctx context.Context, no kam.CaseNo, a kam.Act, data *kam.RequestData) (kam.Snapshot, error) {
	x, err := r.send(ctx, no, a, data, false)
	if err == nil && x.code != "" {
		err = fmt.Errorf("%s %s on %s by %s: %s: %s", a.Name, a.Verdict, no, a.By, x.code, x.text)
	}
	return x.snapshot, err
}

// try is what somebody does who races: a refusal is an answer like another.
func (r *round) try(ctx context.Context, no kam.CaseNo, a kam.Act, data *kam.RequestData) (told, error) {
	return r.send(ctx, no, a, data, true)
}

// send brings an act to the case until an answer comes: an act that is not
// confirmed is sent again under its id.
func (r *round) send(ctx context.Context, no kam.CaseNo, a kam.Act, data *kam.RequestData, racing bool) (told, error) {
	if a.DecisionID == "" {
		a.DecisionID = service.NewDecisionID()
	}
	x := told{no: no, act: a, racing: racing}
	begin := time.Now()
	for {
		p, err := r.client.Act(ctx, no, a, data)
		switch x.code = kam.CodeOf(err); {
		case x.code == kam.Unreachable:
			x.unconfirmed++
			if pause(ctx, 100*time.Millisecond) == nil {
				continue
			}
			return x, fmt.Errorf("%s %s on %s: %w", a.Name, a.Verdict, no, err)
		case err != nil && x.code == "":
			return x, fmt.Errorf("%s %s on %s: %w", a.Name, a.Verdict, no, err)
		case err != nil:
			x.text = err.Error()
		}
		x.snapshot, x.took = p.Snapshot, time.Since(begin)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, x)
		return x, nil
	}
}

// both does two things, the second the gap after the first; a negative gap
// turns them round.
func (r *round) both(ctx context.Context, first, second func() error) error {
	base := time.Now().Add(5 * time.Millisecond)
	one, two := base, base.Add(r.gap)
	if r.gap < 0 {
		one, two = base.Add(-r.gap), base
	}
	return together(func() error { return after(ctx, one, first) }, func() error { return after(ctx, two, second) })
}

func together(all ...func() error) error {
	errs := make([]error, len(all))
	var wait sync.WaitGroup
	for i, do := range all {
		wait.Go(func() { errs[i] = do() })
	}
	wait.Wait()
	return errors.Join(errs...)
}

func after(ctx context.Context, at time.Time, do func() error) error {
	if err := pause(ctx, time.Until(at)); err != nil {
		return err
	}
	return do()
}

// due is a deadline of the open task.
func due(s kam.Snapshot, want kam.DeadlineKind) (time.Time, error) {
	if s.Task != nil {
		for _, d := range s.Task.Deadlines {
			if d.Kind == want {
				return d.At, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%s in %s has no deadline %s", s.CaseNo, s.State, want)
}

// end takes back what has not come to its end.
func (r *round) end(ctx context.Context, no kam.CaseNo) error {
	s, err := r.db.Cases.Case(ctx, no)
	if err != nil || s.State.Ended() {
		return err
	}
	_, err = r.act(ctx, no, kam.Act{Name: kam.ActWithdraw, By: s.Requester}, nil)
	return err
}

func confirm(s kam.Snapshot, by kam.UserID) kam.Act {
	return kam.Act{Name: kam.ActDecideConfirmation, Verdict: kam.Confirm, By: by, ExpectHash: s.MaterialHash, Reason: "As discussed."}
}

func reject(s kam.Snapshot, by kam.UserID) kam.Act {
	return kam.Act{Name: kam.ActDecideConfirmation, Verdict: kam.RejectIt, By: by, ExpectHash: s.MaterialHash, ReasonCode: "CAPACITY", Reason: "Not this year."}
}

func sendBack(s kam.Snapshot, by kam.UserID) kam.Act {
	return kam.Act{Name: kam.ActDecideConfirmation, Verdict: kam.SendBack, By: by, ExpectHash: s.MaterialHash, Reason: "Say more."}
}

func withdraw(by kam.UserID) kam.Act { return kam.Act{Name: kam.ActWithdraw, By: by} }
