package acceptance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules/policy"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

// policyWith is the default policy with changes, in pairs of before and after.
func policyWith(t *testing.T, changes ...string) []byte {
	t.Helper()
	text := string(policy.DefaultYAML())
	for i := 0; i < len(changes); i += 2 {
		require.Contains(t, text, changes[i])
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return []byte(text)
}

// under publishes the default policy with one change as version 2.
func (w *world) under(from, to string) {
	w.t.Helper()
	require.NoError(w.t, storetest.PublishPolicy(w.t.Context(), w.db, 2, policyWith(w.t, from, to, "\nversion: 1\n", "\nversion: 2\n")))
}

func TestWithoutAutoRejectTheManagerDecides(t *testing.T) {
	w := newWorld(t)
	w.under("auto_reject: true", "auto_reject: false")
	s := w.onboard("rep.south", data(t, screening("Trotzdem GmbH"), ad3, details()))
	s.expect(1*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(2*hour, kam.ReasonNeeded, confirm("theo.territory", ""))
	s.act(3*hour, "", confirm("theo.territory", "the mother company is a key account elsewhere"))
	end := s.run()
	require.Equal(t, kam.Completed, end.State)
	require.Equal(t, 2, end.PolicyVersion)
	require.True(t, end.Has(kam.FlagOverridden))
}

func TestFullDataBeforeTheDecision(t *testing.T) {
	w := newWorld(t)
	w.under("data_entry_mode: progressive", "data_entry_mode: full_before_decision")
	s := w.onboard("rep.south", data(t, screening("Alles Vorher GmbH")))
	s.expect(1*hour, kam.DataEntry, "rep.south")
	s.act(2*hour, "", kam.Act{Name: kam.ActSubmitData, By: "rep.south"}, data(t, details()))
	s.expect(3*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(4*hour, "", confirm("theo.territory", ""))
	require.Equal(t, kam.Completed, s.run().State)
	require.NotContains(t, s.states(), kam.AwaitingCompletion)
}

func TestSOD3StewardMayNotClearHisOwnRequest(t *testing.T) {
	w := newWorld(t, func(o *accessdb.Org) {
		o.Users = append(o.Users, accessdb.User{ID: "stew.two", Name: "stew.two", Roles: []kam.Role{kam.DataSteward}, Nodes: []string{"GLOBAL"}})
	})
	w.has(customerdb.BookCustomer{CustomerNo: "C-OLD", Territory: "DE-N-01", Data: data(t, screening("Altkunde Klinik GmbH"), fields{"street": "Alter Weg 1", "postal_code": "20095", "city": "Hamburg"}, identifier("VAT_EU", "DE136695976"))})
	s := w.onboard("stew.one", data(t, screening("Neukunde Praxis GmbH"), identifier("VAT_EU", "DE136695976")))
	other := kam.Act{Name: kam.ActResolveDuplicate, Verdict: kam.NotDuplicate, By: "stew.one", Reason: "another company"}
	s.act(1*hour, kam.Separation, other)
	other.By = "stew.two"
	s.act(2*hour, "", other)
	s.expect(3*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(4*hour, "", kam.Act{Name: kam.ActWithdraw, By: "theo.territory"})
	require.Equal(t, kam.Withdrawn, s.run().State)
}

func TestLateMergeNeedsACustomerThatExists(t *testing.T) {
	w := newWorld(t)
	w.has(customerdb.BookCustomer{CustomerNo: "C-OLD", Territory: "DE-N-01", Data: data(t, screening("Altkunde Klinik GmbH"), fields{"postal_code": "20095", "city": "Hamburg", "identifiers": nil})})
	box := details()
	box["addresses"] = []fields{{"type": "LEGAL", "line1": "Postfach 10 20 30", "city": "München", "postal_code": "80331", "country_code": "DE"}}
	s := w.onboard("rep.south", data(t, screening("Postfach Klinik GmbH"), box))
	s.act(1*hour, "", confirm("theo.territory", ""))
	merge := kam.Act{Name: kam.ActDecideValidation, Verdict: kam.MergeIt, By: "stew.one", CustomerNo: "C-NONE", Reason: "the same clinic"}
	s.act(2*hour, kam.Invalid, merge)
	merge.CustomerNo = "C-OLD"
	s.act(3*hour, "", merge)
	end := s.run()
	require.Equal(t, kam.Merged, end.State)
	require.Equal(t, "C-OLD", end.CommittedAs)
}
