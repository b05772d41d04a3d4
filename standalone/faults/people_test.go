package faults

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// A journey is one case and the people who take it to its end.
type journey struct {
	request   casedb.Request
	want      kam.Outcome
	no        kam.CaseNo
	told      []answer
	deadlines map[string][]kam.Deadline // of each task, as first seen
}

// An answer is what a client was told, and what it had asked.
type answer struct {
	decision string // "" is the start
	act      kam.ActName
	snapshot kam.Snapshot
	code     kam.Code // of a refusal
}

// templates are the sample requests that the cases of a run are made from.
type templates struct {
	plain    kam.RequestData // with all details: no key account
	request  kam.RequestData // the same without its details
	details  kam.RequestData // and these alone
	endorsed kam.RequestData // a key account of one territory
	sales    []customerdb.SalesFact
}

func readTemplates(t *testing.T) templates {
	t.Helper()
	all, err := demo.Scripts()
	require.NoError(t, err)
	byName := map[string]demo.Script{}
	for _, s := range all {
		byName[s.Name] = s
	}
	var out templates
	plain := byName["01_clear_add"]
	out.plain, out.request = plain.Request, plain.Request
	for _, step := range plain.Steps {
		if step.Data != nil {
			b, err := json.Marshal(step.Data)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(b, &out.plain))
			require.NoError(t, json.Unmarshal(b, &out.details))
		}
	}
	out.endorsed = byName["12_territory_key_account"].Request
	facts, err := demo.Sales(time.Now())
	require.NoError(t, err)
	for _, f := range facts {
		if f.AccountNo == out.endorsed.SalesAccountNo {
			out.sales = append(out.sales, f)
		}
	}
	require.NotEmpty(t, out.sales)
	return out
}

// towns are where the customers are, one in each territory of the requesters.
var towns = []struct {
	city, postal string
	requester    kam.UserID
}{
	{"Stuttgart", "70", "dirk.rep"}, {"München", "80", "emil.rep"}, {"Hamburg", "20", "anna.rep"},
}

// newJourney is the request for another customer, like no one before it.
func (r *rig) newJourney(t *testing.T) *journey {
	t.Helper()
	return r.newJourneyOf(t, len(r.journeys)%12 == 11) // in Hamburg
}

// newJourneyOf makes a key account or none. Key accounts are in Hamburg, where
// every third journey leads.
func (r *rig) newJourneyOf(t *testing.T, endorsed bool) *journey {
	t.Helper()
	n := len(r.journeys)
	town := towns[n%len(towns)]
	data, want := r.template.plain, kam.AddedNonKA
	if endorsed {
		data, want = r.template.endorsed, kam.AddedKA
	}
	name := words(n)
	data.LegalName = name[0] + " " + name[1] + " GmbH"
	data.City, data.PostalCode = town.city, fmt.Sprintf("%s%03d", town.postal, 100+n%800)
	data.Street = fmt.Sprintf("%sweg %d", name[2], 1+n)
	data.Identifiers = []kam.Identifier{{Scheme: "OTHER", Name: "Sample register", Value: fmt.Sprintf("SR-7%05d", n), Country: "DE"}}
	data.Addresses = []kam.Address{{Type: "LEGAL", Line1: data.Street, City: data.City, PostalCode: data.PostalCode, CountryCode: "DE"}}
	data.Contacts = []kam.Contact{{Name: "Annegret Seewald", DecisionRole: "DECIDER", Email: "seewald@" + strings.ToLower(name[0]) + ".example", ConsentBasis: "contract"}}
	if want == kam.AddedKA {
		data.GroupName, data.SalesAccountNo = name[0], fmt.Sprintf("FAULT-%d", n)
		facts := append([]customerdb.SalesFact(nil), r.template.sales...)
		for i := range facts {
			facts[i].AccountNo = data.SalesAccountNo
		}
		require.NoError(t, r.db.Customers.LoadSales(t.Context(), storetest.Act(), facts))
	}
	j := &journey{
		request:   casedb.Request{Key: fmt.Sprintf("fault-%d", n), Type: kam.NewCase, Requester: town.requester, Data: data},
		want:      want,
		deadlines: map[string][]kam.Deadline{},
	}
	r.journeys = append(r.journeys, j)
	return j
}

// words are three invented words that resemble no others.
func words(n int) [3]string {
	const consonants, vowels = "bdfgklmnprstvwxz", "aeiou"
	sum := sha256.Sum256(fmt.Appendf(nil, "customer %d", n))
	var out [3]string
	for i, b := range sum[:24] {
		s := string(consonants[b%16]) + string(vowels[b/16%5])
		out[i/8] += s
	}
	for i, w := range out {
		out[i] = strings.ToUpper(w[:1]) + w[1:10]
	}
	return out
}

// begin starts the case. A start that is not confirmed is sent again.
func (r *rig) begin(ctx context.Context, j *journey) error {
	for {
		s, err := r.client.Start(ctx, j.request)
		if err == nil {
			j.no = s.CaseNo
			j.told = append(j.told, answer{snapshot: s.Progress.Snapshot})
			return nil
		}
		if err := again(ctx, err); err != nil {
			return fmt.Errorf("start %s: %w", j.request.Key, err)
		}
	}
}

// again is nil where an act was not confirmed and time is left.
func again(ctx context.Context, err error) error {
	if kam.CodeOf(err) != kam.Unreachable {
		return err
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case <-time.After(100 * time.Millisecond):
		return nil
	}
}

// act sends an act until its answer comes, and keeps that.
func (r *rig) act(ctx context.Context, j *journey, act kam.Act) error {
	for {
		p, err := r.client.Act(ctx, j.no, act, nil)
		if err == nil {
			j.told = append(j.told, answer{decision: act.DecisionID, act: act.Name, snapshot: p.Snapshot})
			return nil
		}
		if err := again(ctx, err); err != nil {
			j.told = append(j.told, answer{decision: act.DecisionID, act: act.Name, code: kam.CodeOf(err)})
			return fmt.Errorf("%s on %s: %w", act.Name, j.no, err)
		}
	}
}

var space = uuid.MustParse("f4c4b1de-52a8-5f0c-a8ab-0a3f54f4fa11")

// decide is what the person does that a case waits for.
func decide(s kam.Snapshot, by kam.UserID) kam.Act {
	act := kam.Act{By: by, DecisionID: uuid.NewSHA1(space, []byte(s.Task.ID+string(by))).String(), Reason: "As discussed."}
	if s.State == kam.AwaitingEndorsement {
		act.Name, act.Verdict, act.OwnerID = kam.ActDecideEndorsement, kam.Endorse, "paul.kam"
	} else {
		act.Name, act.Verdict, act.ExpectHash = kam.ActDecideConfirmation, kam.Confirm, s.MaterialHash
	}
	return act
}

// reach has people decide what a case waits for until it is in a state.
func (r *rig) reach(ctx context.Context, j *journey, want kam.State) (kam.Snapshot, error) {
	for {
		s, err := r.db.Cases.Case(ctx, j.no)
		switch {
		case err != nil: // the database is away
		case s.State == want:
			return s, nil
		case s.State == kam.AwaitingConfirmation, s.State == kam.AwaitingEndorsement:
			if _, seen := j.deadlines[s.Task.ID]; !seen {
				j.deadlines[s.Task.ID] = s.Task.Deadlines
			}
			err = r.act(ctx, j, decide(s, s.Task.Assignees[0]))
			if err != nil {
				return s, err
			}
			continue
		case s.State != kam.Draft && s.State.Kind() != kam.Automatic:
			return s, fmt.Errorf("%s is %s and not %s: %s", j.no, s.State, want, s.Headline)
		}
		select {
		case <-ctx.Done():
			return s, fmt.Errorf("%s is still %s at version %d, not %s: %w (%v)", j.no, s.State, s.Version, want, ctx.Err(), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// release sends new cases on their way, each with people who take it to its
// end.
func (r *rig) release(t *testing.T, n int) {
	t.Helper()
	for range n {
		r.drive(t.Context(), r.newJourney(t))
	}
}

// drive has people take cases to their end. A case that was started before is
// started again: that changes nothing.
func (r *rig) drive(ctx context.Context, all ...*journey) {
	for _, j := range all {
		r.underWay.Add(1)
		r.running.Go(func() {
			defer r.underWay.Add(-1)
			ctx, cancel := context.WithTimeout(ctx, toEnd)
			defer cancel()
			err := r.begin(ctx, j)
			if err == nil {
				_, err = r.reach(ctx, j, kam.Completed)
			}
			if err != nil {
				r.offMu.Lock()
				defer r.offMu.Unlock()
				r.off = append(r.off, err)
			}
		})
	}
}

// finish takes one case to its end while we wait.
func (r *rig) finish(t *testing.T, j *journey) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), toEnd)
	defer cancel()
	_, err := r.reach(ctx, j, kam.Completed)
	require.NoError(t, err, r.logs())
}
