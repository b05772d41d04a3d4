package workflows_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/kamflow/kamflow/workflows"
)

// TestReplay holds today's code against histories recorded from released
// versions, testdata/history/<version>/<case>.json. A failure means that open
// cases would break: put the change behind workflow.GetVersion rather than
// record the file again.
func TestReplay(t *testing.T) {
	t.Parallel()

	files, err := filepath.Glob("testdata/history/*/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files, "no recorded history: record one with the end-to-end test")

	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()

			text, err := os.Open(file)
			require.NoError(t, err)
			defer func() { require.NoError(t, text.Close()) }()
			history, err := client.HistoryFromJSON(text, client.HistoryJSONOptions{})
			require.NoError(t, err)

			replayer := worker.NewWorkflowReplayer()
			workflows.Register(replayer, nil)
			require.NoError(t, replayer.ReplayWorkflowHistory(nil, history))
		})
	}
}
