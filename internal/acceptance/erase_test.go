package acceptance

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/customer/erase"
	"github.com/kamflow/kamflow/store/ledger"
	"github.com/kamflow/kamflow/store/storetest"
)

// TestAC46_ContactPersonIsErased while the case waits: the name is gone
// everywhere, the chain is valid, and the case goes on to its customer. What the
// activities answer, and with it a history, never holds the person.
func TestAC46_ContactPersonIsErased(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Helix Labs GmbH"), details(), helix))
	said := 0
	s.env.SetOnLocalActivityCompletedListener(func(_ *activity.Info, result converter.EncodedValue, _ error) {
		var v json.RawMessage
		if result != nil && result.HasValue() && result.Get(&v) == nil {
			said++
			if strings.Contains(strings.ToLower(string(v)), "beispiel") || strings.Contains(string(v), "petra@") || strings.Contains(string(v), "891234567") {
				s.faults = append(s.faults, "an activity answers with the person: "+string(v))
			}
		}
	})
	order := erase.Order{Subject: string(s.no), Email: "Petra@klinik.example", Order: "ticket 4711", By: "comp.one"}
	erase := func(want int) func(onboarding.Snapshot) {
		return func(onboarding.Snapshot) {
			r, err := w.db.Erasures.Contact(t.Context(), order, func(kam.Person) (kam.Role, error) { return kam.ComplianceRole, nil }, nil)
			if err != nil || (r.Contacts > 0) != (want > 0) || len(r.Left) > 0 {
				s.faults = append(s.faults, "erase: "+text(t, r))
			}
		}
	}
	s.expect(1*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.at(1*hour, func(onboarding.Snapshot) {
		if len(storetest.Holding(t, w.db, "Petra Beispiel")) == 0 {
			s.faults = append(s.faults, "nobody is there to be erased")
		}
	})
	s.at(2*hour, erase(1))
	s.at(3*hour, erase(0)) // the order twice is one
	s.act(4*hour, "", confirm("theo.territory", ""))
	end := s.run()
	require.Equal(t, onboarding.AddedNonKA, end.Outcome)
	require.Positive(t, said)

	for _, what := range []string{"Beispiel", "petra", "891234567"} {
		require.Empty(t, storetest.Holding(t, w.db, what), what)
	}
	c, err := w.db.Customers.Customer(t.Context(), end.CommittedAs)
	require.NoError(t, err)
	require.Equal(t, []customer.Contact{{Name: "[erased E-000001]", DecisionRole: "DECIDER"}}, c.Data.Contacts)
	require.Equal(t, 1, s.count(kam.EventDataErased))
	require.NoError(t, w.db.Chains(t.Context(), func(c ledger.Chain) error {
		b, ok := c.Verify()
		require.True(t, ok, b)
		return nil
	}))
}
