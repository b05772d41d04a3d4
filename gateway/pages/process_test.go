package pages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/browsertest"
	"github.com/kamflow/kamflow/internal/consoletest"
)

// TestProcessMap: where cases stand, from the whole to the cases of a box.
func TestProcessMap(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	b := h.As(hanna).Go("/").See("h1", "1 Analyze and Classify Customers").See(".head", "0 open")
	h.Ask(anna, "Kartenhaus GmbH", nil)
	require.True(t, b.Has(`main[data-watch="cases"]`), "the frame keeps it live, see TestLive")
	b.Go("/").See(".head", "1 open").See("table", "Manager 1")
	b.Go("/?type=MODIFY").See(".head", "0 open")
	b.Go("/").Leave(`.map a[href="/?box=1.1"]`).See("h1", "1.1 Identify/Add").See("table", "1.1.5 Management Confirmation")
	b.Leave(`table a[href*="step=1.1.5"]`).See("table", "Kartenhaus GmbH")
	b.Go("/cases?open=1&step=1.2").See("main", "Nothing fits these filters.")
	b.Go("/?node=nowhere").See("#wrong", "nowhere")
	b.Forgive("404")
	b.Size(540, 900).Go("/")
	require.LessOrEqual(t, browsertest.Run[int](b, `document.documentElement.scrollWidth`), 540)
}
