package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/importer"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

var update = flag.Bool("update", false, "write the golden files anew")

const golden = "testdata/onboarding_open.golden.json"

// starter starts cases through the client and follows each to where somebody
// has to do something, as the command does.
func (h *house) starter() importer.StarterFunc {
	return func(ctx context.Context, c importer.Case) (importer.Started, error) {
		s, err := h.client.Start(ctx, casedb.Request{Key: c.RequestKey, Type: kam.NewCase, Requester: c.By, Data: c.Data})
		if err != nil {
			return importer.Started{}, err
		}
		now, err := h.settled(ctx, s.CaseNo)
		return importer.Started{CaseNo: s.CaseNo, State: now.State, Existing: !s.Created, Missing: now.MissingFields}, err
	}
}

// settled waits until a case stands where a person has to act or has ended. A
// form that lacks nothing submits itself, so it is not waited for by a person.
func (h *house) settled(ctx context.Context, no kam.CaseNo) (kam.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		s, err := h.db.Cases.Case(ctx, no)
		if err != nil {
			return s, err
		}
		passing := s.State == kam.Draft || s.State == kam.DataEntry && len(s.MissingFields) == 0
		if s.Version > 0 && s.State.Kind() != kam.Automatic && !passing {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return s, fmt.Errorf("%s is still %s: %w", no, s.State, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tooSmall is what the managers do not take a new customer for: the floor of
// the estimate in the defaults file.
var tooSmall = kam.NewMoney(5000, "EUR")

// decideAll lets the managers whom the tasks name confirm, reject and endorse, some
// cases at a time, until every case waits for somebody else or has ended.
func (h *house) decideAll(t *testing.T, rep importer.Report) {
	t.Helper()
	var wg sync.WaitGroup
	gate := make(chan struct{}, inFlight)
	errs := make([]error, len(rep.Rows))
	for i, r := range rep.Rows {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			errs[i] = h.decide(t.Context(), r.CaseNo)
		})
	}
	wg.Wait()
	for i, err := range errs {
		require.NoError(t, err, rep.Rows[i].Ref)
	}
}

func (h *house) decide(ctx context.Context, no kam.CaseNo) error {
	for {
		s, err := h.settled(ctx, no)
		if err != nil {
			return err
		}
		act := kam.Act{Reason: "Known from the book that the list was taken from."}
		switch s.State {
		case kam.AwaitingConfirmation:
			v, err := h.db.Cases.View(ctx, no)
			if err != nil {
				return err
			}
			act.Name, act.Verdict, act.ExpectHash = kam.ActDecideConfirmation, kam.Confirm, s.MaterialHash
			if v.Request.DeclaredPotential.Minor <= tooSmall.Minor {
				act.Verdict, act.ReasonCode = kam.RejectIt, "TOO_SMALL"
			}
		case kam.AwaitingEndorsement:
			act.Name, act.Verdict = kam.ActDecideEndorsement, kam.Endorse
		default:
			return nil
		}
		if s.Task == nil || len(s.Task.Assignees) == 0 {
			return fmt.Errorf("%s waits in %s for nobody", no, s.State)
		}
		i := slices.IndexFunc(s.Task.Assignees, func(u kam.UserID) bool { return !slices.Contains(s.Endorsed, u) })
		act.By = s.Task.Assignees[max(i, 0)]
		if _, err := h.client.Act(ctx, no, act, nil); err != nil {
			return fmt.Errorf("%s, %s %s: %w", no, act.By, act.Verdict, err)
		}
	}
}

// An end is what became of a row: facts, not the row's data.
type end struct {
	Ref         string             `json:"row_ref"`
	State       kam.State          `json:"state"`
	Territory   string             `json:"territory,omitempty"`
	Recommended kam.Recommendation `json:"recommendation,omitempty"`
	Outcome     kam.Outcome        `json:"outcome,omitempty"`
	Tier        kam.Tier           `json:"tier,omitempty"`
	Flags       []kam.Flag         `json:"flags,omitempty"`
	Reason      string             `json:"reason_code,omitempty"`
	Missing     []string           `json:"missing,omitempty"`
	Findings    []string           `json:"findings,omitempty"`
	Duplicate   kam.MatchClass     `json:"duplicate,omitempty"`
}

func (h *house) ends(t *testing.T, b *importer.Batch, rep importer.Report) []end {
	t.Helper()
	out := make([]end, len(rep.Rows))
	for i, r := range rep.Rows {
		v, err := h.db.Cases.View(t.Context(), r.CaseNo)
		require.NoError(t, err)
		s := v.Snapshot
		e := end{
			Ref: r.Ref, State: s.State, Territory: s.Territory, Recommended: s.Recommended, Outcome: s.Outcome, Tier: s.Tier,
			Flags: s.Flags, Reason: s.ReasonCode, Missing: s.MissingFields,
		}
		for _, f := range slices.Concat(b.Rows[i].Findings, v.Findings) {
			if f.RuleID != "" && !slices.Contains(e.Findings, f.RuleID) {
				e.Findings = append(e.Findings, f.RuleID)
			}
		}
		sort.Strings(e.Findings)
		for _, c := range v.Candidates {
			if e.Duplicate == "" || c.Class == kam.MatchCertain || c.Class == kam.MatchProbable && e.Duplicate == kam.MatchPossible {
				e.Duplicate = c.Class
			}
		}
		out[i] = e
	}
	return out
}

// count counts the rows of a table.
func (h *house) count(t *testing.T, table string) int {
	t.Helper()
	var n int
	require.NoError(t, h.connect(t).QueryRow(t.Context(), "select count(*) from "+table).Scan(&n))
	return n
}

// summary tells how rows ended, the commonest first.
func summary(ends []end) string {
	type kind struct {
		state               kam.State
		outcome, why, class string
	}
	n := map[kind]int{}
	for _, e := range ends {
		k := kind{state: e.State, outcome: string(e.Outcome), why: e.Reason, class: string(e.Duplicate)}
		if e.Tier != "" {
			k.outcome += " " + string(e.Tier)
		}
		if len(e.Missing) > 0 {
			k.why = "missing " + fmt.Sprint(e.Missing)
		}
		n[k]++
	}
	kinds := make([]kind, 0, len(n))
	for k := range n {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b kind) int {
		if n[a] != n[b] {
			return n[b] - n[a]
		}
		return bytes.Compare(fmt.Append(nil, a), fmt.Append(nil, b))
	})
	table := term.NewTable("Rows>", "State", "Outcome", "Why", "Duplicate")
	for _, k := range kinds {
		table.Row(fmt.Sprint(n[k]), string(k.state), k.outcome, k.why, k.class)
	}
	return table.Text(term.Screen{})
}

// checkGolden compares the ends with the golden file, one row a line.
func checkGolden(t *testing.T, ends []end) {
	t.Helper()
	var got bytes.Buffer
	got.WriteString("[\n")
	for i, e := range ends {
		b, err := json.Marshal(e)
		require.NoError(t, err)
		got.Write(b)
		if i < len(ends)-1 {
			got.WriteByte(',')
		}
		got.WriteByte('\n')
	}
	got.WriteString("]\n")
	if *update {
		require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o644))
		return
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String(), "read it by eye and run with -update if it is right")
}
