package start_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/config/sample"
	"github.com/kamflow/kamflow/gateway/dataform"
	"github.com/kamflow/kamflow/internal/browsertest"
	"github.com/kamflow/kamflow/internal/consoletest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// fill types what is not in a form yet.
func fill(t *testing.T, b *browsertest.Tab, d customer.RequestData, before customer.RequestData) {
	t.Helper()
	typed, err := dataform.Typed(d)
	require.NoError(t, err)
	was, err := dataform.Typed(before)
	require.NoError(t, err)
	for path, v := range typed {
		switch id := `[name="` + path + `"]`; {
		case v[0] == was.Get(path):
		case b.Has("select" + id):
			b.Choose("select"+id, v[0])
		case v[0] != "EUR" || path == "currency":
			b.Type(id, v[0])
		}
	}
}

// TestNewCustomer: the whole case of a new customer in a browser, by everybody who
// has a part in it.
func TestNewCustomer(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	asked := h.Data("Deichgraf KG", consoletest.Fields{"nominate_key_account": true, "nomination_reason": "A group with forty houses in the north."})
	rep := h.As("anna.rep").Go("/start")
	fill(t, rep, asked, customer.RequestData{})
	rep.Click("form[data-preview] > p .btn.main").See(".note.done", "is open")
	no := kam.CaseNo(rep.At()[len("/cases/"):])

	h.As("hanna.terr").See(".pane h1", "Deichgraf KG").Click("button[value=CONFIRM]").See(".note.done", string(no))
	require.Equal(t, onboarding.AwaitingCompletion, h.Now(no).State)

	whole := h.Data("Deichgraf KG", consoletest.Fields{
		"nominate_key_account": true, "nomination_reason": "A group with forty houses in the north.",
		"addresses":             []consoletest.Fields{{"type": "LEGAL", "line1": "Deichweg 12", "city": "Hamburg", "postal_code": "20099", "country_code": "DE"}},
		"contacts":              []consoletest.Fields{{"name": "Dr. Deich", "decision_role": "DECIDER", "email": "deich@example.com"}},
		"buying_centralization": "NATIONAL", "reference_value": "HIGH", "relationship_stage": "COOPERATIVE", "product_fit": 70, "expected_margin_pct": 30,
		"capability_items": map[string]int{}, "currency": "EUR", "language": "de", "payment_terms_days": 30,
	})
	for _, item := range kam.CapabilityItems {
		whole.CapabilityItems[item] = 3
	}
	whole.Identifiers = asked.Identifiers
	rep.Go("/cases/" + string(no)).Leave(`.verbs a.main[href$="/data"]`)
	fill(t, rep, whole, asked)
	rep.Click("button[value=SubmitDetails]").See(".note.done", string(no))
	s := h.Now(no)
	require.Equal(t, onboarding.AwaitingEndorsement, s.State)
	h.As(s.Task.Assignees[0]).Go("/cases/"+string(no)).Click(".verbs summary[data-key=e]").Type("details[open] textarea", "A key account from the first day.").
		Click("details[open] form .btn.main").See(".note.done", string(no))
	require.Equal(t, onboarding.Completed, h.Now(no).State)
	h.As(sample.Auditor).Go("/cases/"+string(no)).See("h1", "Deichgraf KG").See("main", "Hanna Brodersen")
}
