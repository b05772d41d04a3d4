package pages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/browsertest"
	"github.com/kamflow/kamflow/internal/consoletest"
)

// TestCustomers: from the list, by its filters, to the page of one.
func TestCustomers(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t).As(hanna).Go("/customers").See("table.list", "C-")
	name := b.Text("table.list a[data-row]")
	b.Leave("table.list a[data-row]").See("h1", name).See("main", "Versions")
	b.Go("/customers?text=nobody-at-all").See("main", "Nothing fits these filters.")
	b.Size(540, 900).Go("/customers")
	require.LessOrEqual(t, browsertest.Run[int](b, `document.documentElement.scrollWidth`), 540)
}
