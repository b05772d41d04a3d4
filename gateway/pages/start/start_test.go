package start_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/dataform"
	"github.com/kamflow/kamflow/internal/consoletest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// TestAskForACustomer: who is alike shows while typing, what is wrong stands at its
// field with what was typed, and a form in order is a case at the manager.
func TestAskForACustomer(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	b := h.As("anna.rep")
	h.Ask("anna.rep", "Alsterufer GmbH", nil)
	b.Go("/start").Type("#legal_name", "Alsterufer").Type("#country_code", "DE").Type("#city", "Hamburg").Type("#postal_code", "20099")
	b.See("#preview", "Alsterufer GmbH").See("#preview", "Hanna Brodersen is asked first")

	typed, err := dataform.Typed(h.Data("Deichgraf KG", nil))
	require.NoError(t, err)
	b.Go("/start")
	for path, v := range typed {
		if id := `[name="` + path + `"]`; b.Has("select" + id) {
			b.Choose("select"+id, v[0])
		} else if path != "declared_potential.currency" {
			b.Type(id, v[0])
		}
	}
	b.Type("#growth_outlook_pct", "much").Click("form[data-preview] > p .btn.main").See("#wrong", "much")
	b.Forgive("422")
	require.True(t, b.Has(`#growth_outlook_pct[aria-invalid=true]`))
	b.Type("#growth_outlook_pct", "6").Click("form[data-preview] > p .btn.main").See(".note.done", "is open").See("h1", "Deichgraf KG")
	require.Equal(t, onboarding.AwaitingConfirmation, h.Now(kam.CaseNo(b.At()[len("/cases/"):])).State)
}

// TestAllDataGoThroughTheForm and come back as they were.
func TestAllDataGoThroughTheForm(t *testing.T) {
	t.Parallel()
	_, errs := dataform.Read(url.Values{"declared_potential.amount": {"x"}, "employees": {"1.5"}, "growth_outlook_pct": {"6,5"}})
	require.Len(t, errs, 3)
	d, errs := dataform.Read(url.Values{"identifiers[0].scheme": {"OTHER"}, "identifiers[2].value": {"7"}, "capability_items.x": {"1"}, "identifiers[21].value": {"8"}})
	require.Empty(t, errs)
	require.NotEmpty(t, d.Identifiers)
	require.LessOrEqual(t, len(d.Identifiers), 20)
}
