package e2e

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/worker"

	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/ledger"
	"github.com/kamflow/kamflow/workflows"
)

type event = history.HistoryEvent

const allEvents = enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT

// Budgets of a case without incident.
const (
	maxEvents         = 40
	maxEventsEndorsed = 50
	maxTransactions   = 45
)

// TestSampleOnboardings plays every sample case on the real servers:
// each ends as its script says, the audit chains verify, what the workflow
// returned is what PostgreSQL holds, and every history replays.
func TestSampleOnboardings(t *testing.T) {
	h := open(t, pgtestDir(t))
	defer h.close(t)
	var out bytes.Buffer
	h.play(t, &out)
	t.Log("\n" + out.String())

	require.NoError(t, h.db.Chains(t.Context(), func(c ledger.Chain) error {
		broken, ok := c.Verify()
		require.Falsef(t, !ok, "%s event %d: %s", broken.CaseNo, broken.Seq, broken.Why)
		return nil
	}))
	all, err := demo.Scripts()
	require.NoError(t, err)
	for _, s := range all {
		no, ok, err := h.db.Cases.RequestByKey(t.Context(), s.Key())
		require.NoError(t, err)
		require.True(t, ok, s.Name)
		t.Run(s.Name, func(t *testing.T) { h.checkCase(t, s, no) })
	}
	h.play(t, io.Discard) // a second demo on the same data goes on from there
}

func (h *house) checkCase(t *testing.T, s demo.Script, no kam.CaseNo) {
	events := h.history(t, no)
	if dir := recordTo(); dir != "" {
		// Before the replay, which writes into the first event.
		record(t, filepath.Join(dir, s.Name+".json"), events)
	}
	stored, err := h.db.Cases.Case(t.Context(), no)
	require.NoError(t, err)
	if stored.State.Ended() {
		var told onboarding.Snapshot
		require.NoError(t, h.temporal.GetWorkflow(t.Context(), no.WorkflowID(), "").Get(t.Context(), &told))
		require.Equal(t, stored.State, told.State, "told is what is stored")
		require.Equal(t, stored.Version, told.Version)
	}
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer, nil)
	require.NoError(t, replayer.ReplayWorkflowHistory(nil, &history.History{Events: events}))
	t.Logf("%s ended %s %s after %d history events", s.Name, stored.State, stored.Outcome, len(events))
}

// identity and sticky name the process and host that recorded, which is nobody's
// business.
var (
	identity = regexp.MustCompile(`"identity": "[^"]*"`)
	sticky   = regexp.MustCompile(`"name": "[^":]*:([0-9a-f-]{36})"`)
)

// record writes a history as the replay tests read it.
func record(t *testing.T, file string, events []*event) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	b, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(&history.History{Events: events})
	require.NoError(t, err)
	b = identity.ReplaceAll(b, []byte(`"identity": "recorder"`))
	b = sticky.ReplaceAll(b, []byte(`"name": "recorder:$1"`))
	require.NoError(t, os.WriteFile(file, append(b, '\n'), 0o644))
}

// TestBudget asserts what a NEW case costs that is confirmed and completed
// without incident: history events, and transactions of our own.
func TestBudget(t *testing.T) {
	h := open(t, pgtestDir(t))
	defer h.close(t)
	h.furnish(t)
	for _, tt := range []struct {
		script string
		events int
	}{
		{"01_clear_add", maxEvents},
		{"12_territory_key_account", maxEventsEndorsed},
	} {
		t.Run(tt.script, func(t *testing.T) {
			no := h.playOne(t, script(t, tt.script))
			events := len(h.history(t, no))
			own := h.ownTransactions(t, no)
			t.Logf("%s: %d history events (at most %d), %d transactions that write (at most %d)", tt.script, events, tt.events, own, maxTransactions)
			require.LessOrEqual(t, events, tt.events)
			require.LessOrEqual(t, own, maxTransactions)
		})
	}
}
