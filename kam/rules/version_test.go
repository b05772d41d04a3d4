package rules

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

var updateRecords = flag.Bool("update-records", false, "write the records of a version that has none yet")

// recordsOf are the decision records of a book, one a line.
func recordsOf(t *testing.T) (all []onboarding.DecisionRecord, text string) {
	t.Helper()
	p := defaultPolicy(t)
	b := exampleBook()
	b.Customers = append(b.Customers, syntheticBook(12, 3).Customers...)
	b.Nodes = append(b.Nodes, syntheticBook(1, 3).Nodes...)
	stopped := example("STOPPED", "", "DE-N-01", 90_000, 0, 1, 20, "PARTIAL", "LOCAL", "LOW", "BASIC", 60, 60, [5]int{1, 1, 1, 1, 1}, nil)
	stopped.ActiveMonths, stopped.NetRevenuePrior12m = ptr(int64(0)), eur(50_000)
	b.Customers = append(b.Customers, stopped)
	tree, err := NewTree(b.Nodes)
	require.NoError(t, err)
	var entries []SnapshotEntry
	for i := range b.Customers {
		e, err := p.Entry(&b.Customers[i], tree, nil)
		require.NoError(t, err)
		entries = append(entries, e)
	}
	snapshot, err := p.NewSnapshot("abc/2026-11-30", entries)
	require.NoError(t, err)
	var out strings.Builder
	for i, c := range b.Customers {
		add, err := p.AddDecision(c, nil)
		require.NoError(t, err)
		_, segment, err := p.Segment(c, SegmentContext{Snapshot: snapshot, Tree: tree})
		require.NoError(t, err)
		_, class, err := p.Classify(c.GroupID, b.Customers[i:i+1], tree, nil)
		require.NoError(t, err)
		for _, r := range []onboarding.DecisionRecord{add, segment, class} {
			line, err := json.Marshal(r)
			require.NoError(t, err)
			fmt.Fprintf(&out, "%s\n", line)
			all = append(all, r)
		}
	}
	return all, out.String()
}

// TestReplayOfRecords: what this version of the rules makes of the book gives
// the bytes that are on record for it, and where it differs from an older one
// each difference names a listed change. An outcome that changed needs a new
// Version and its Change; then: go test ./kam/rules -run TestReplayOfRecords -update-records
func TestReplayOfRecords(t *testing.T) {
	t.Parallel()
	now, text := recordsOf(t)
	file := func(version int) string { return fmt.Sprintf("testdata/records/v%d.jsonl", version) }
	if _, err := os.Stat(file(Version)); *updateRecords && os.IsNotExist(err) {
		require.NoError(t, os.WriteFile(file(Version), []byte(text), 0o600))
	}
	same, err := os.ReadFile(file(Version))
	require.NoError(t, err)
	require.Equal(t, string(same), text, "under the same version every byte is the same")

	for v := 1; v < Version; v++ {
		old, err := os.ReadFile(file(v))
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(old)), "\n")
		require.Len(t, lines, len(now))
		differ := map[string]int{}
		for i, line := range lines {
			var was onboarding.DecisionRecord
			require.NoError(t, json.Unmarshal([]byte(line), &was))
			changes, err := replayed(was, now[i])
			require.NoError(t, err, line)
			for _, c := range changes {
				require.NotEmpty(t, c.Changes)
				differ[string(was.Kind)+" "+c.Field]++
			}
		}
		require.NotEmpty(t, differ, "version %d changed nothing: it needs no number", v+1)
		t.Logf("version %d against %d: %v", v, Version, differ)
	}
}

func TestReplayedNamesWhatNothingAccountsFor(t *testing.T) {
	t.Parallel()
	now, _ := recordsOf(t)
	was := now[1] // a segmentation
	was.Outcome = "other"
	_, err := replayed(was, now[1])
	require.ErrorIs(t, err, kam.Fault, "the same version")
	was.RulesVersion = 0
	changes, err := replayed(was, now[1])
	require.NoError(t, err)
	require.Len(t, changes, 1)
	require.Equal(t, "outcome", changes[0].Field)
	require.Contains(t, changes[0].Changes, "NEW_AND_C")
	require.NotContains(t, changes[0].Changes, "HS1_HS5", "it changes no segment")
	changes, err = replayed(now[1], now[1])
	require.NoError(t, err)
	require.Empty(t, changes)
}

// TestChangesAreListed: every change has a version up to this one, an id of its
// own, and stands in the page for people.
func TestChangesAreListed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/rules-versions.md")
	require.NoError(t, err)
	seen := map[string]bool{}
	last := 2
	for _, c := range Changes {
		require.GreaterOrEqual(t, c.Version, last)
		require.LessOrEqual(t, c.Version, Version)
		require.False(t, seen[c.ID], c.ID)
		require.NotEmpty(t, c.Kinds, c.ID)
		require.Contains(t, string(page), fmt.Sprintf("| %d | %s | %s |", c.Version, c.ID, c.Text))
		seen[c.ID], last = true, c.Version
	}
	require.Equal(t, Version, last, "a version without a change")
}

// A recordChange is a part of a record that came out otherwise, with the
// changes of the rules that it may come from.
type recordChange struct {
	Field   string          `json:"field"`
	Was     json.RawMessage `json:"was,omitempty"`
	Is      json.RawMessage `json:"is,omitempty"`
	Changes []string        `json:"changes"`
}

// notReplayed are the parts of a record that its own making and people give it.
var notReplayed = []string{"decision_id", "computed_at", "human", "rules_version"}

// replayed holds a record that was made before against one that the same data
// and policy make now. Under the same version of the rules they are the same;
// under an older one each difference names the listed changes that it may come
// from. A difference that no change accounts for is a kam.Fault.
func replayed(was, is onboarding.DecisionRecord) ([]recordChange, error) {
	before, err := parts(was)
	if err != nil {
		return nil, err
	}
	after, err := parts(is)
	if err != nil {
		return nil, err
	}
	var since []string
	for _, c := range Changes {
		if c.Version > max(was.RulesVersion, 1) && c.Version <= is.RulesVersion && slices.Contains(c.Kinds, was.Kind) {
			since = append(since, c.ID)
		}
	}
	fields := map[string]bool{}
	for _, m := range []map[string]json.RawMessage{before, after} {
		for k := range m {
			fields[k] = true
		}
	}
	var out []recordChange
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(notReplayed, f) || reflect.DeepEqual(before[f], after[f]) {
			continue
		}
		if len(since) == 0 {
			return nil, kam.Errorf(kam.Fault, "%s of the record %s differs, and no change of the rules from version %d to %d accounts for it",
				f, was.Kind, max(was.RulesVersion, 1), is.RulesVersion).On(f)
		}
		out = append(out, recordChange{f, before[f], after[f], since})
	}
	return out, nil
}

func parts(r onboarding.DecisionRecord) (m map[string]json.RawMessage, err error) {
	b, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return nil, fmt.Errorf("read the parts of a record: %w", err)
	}
	return m, nil
}
