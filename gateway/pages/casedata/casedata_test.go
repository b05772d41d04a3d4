package casedata_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/dataform"
	"github.com/kamflow/kamflow/internal/consoletest"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// TestSendAgain: what was sent back is marked, and goes on as it was with what was
// changed.
func TestSendAgain(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	no := h.Ask("anna.rep", "Thymianhof GmbH", consoletest.Fields{"trading_names": []string{"Thymian"}})
	h.Does("hanna.terr", no, onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.SendBack, Fields: []string{"city"}, ExpectHash: h.Now(no).MaterialHash}, nil)
	require.Equal(t, onboarding.ChangesRequested, h.Now(no).State)
	b := h.As("anna.rep").Go("/cases/" + string(no)).Leave(`.verbs a[href$="/data"]`)
	b.See(`label[for=city] .chip`, "asked for").Type("#city", "Altona").Click("button[value=SubmitData]").See(".note.done", string(no)).See("#data", "Altona").See("#data", "Thymian")
	require.Equal(t, onboarding.AwaitingConfirmation, h.Now(no).State)
}

// TestDataStayAsTheyAre where nobody touches them.
func TestDataStayAsTheyAre(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	d := h.Data("Kastel", consoletest.Fields{
		"trading_names": []string{"K", "Kas"}, "nominate_key_account": true, "employees": 12, "product_fit": 50.25, "capability_items": consoletest.Fields{"x": 1},
		"contacts":  []consoletest.Fields{{"name": "A", "decision_role": "USER"}, {"name": "B", "decision_role": "USER", "email": "b@example.com"}},
		"addresses": []consoletest.Fields{{"type": "LEGAL", "line1": "x", "city": "y", "country_code": "DE", "lat": 53.55, "lon": 9.99}},
	})
	d.CapabilityItems = nil
	typed, err := dataform.Typed(d)
	require.NoError(t, err)
	got, errs := dataform.Read(typed)
	require.Empty(t, errs)
	if len(got.CapabilityItems) == 0 {
		got.CapabilityItems = nil
	}
	require.Equal(t, d, got)
}
