package acceptance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

// What the random walk found, each as a case of its own.

// TestConvertVoidsTheConfirmation: a confirmation was kept while the search was
// repeated; it was for a new customer and not for a change of another one.
func TestConvertVoidsTheConfirmation(t *testing.T) {
	w := newWorld(t)
	s := w.complete("Erst Neu Klinik GmbH", ad2, fields{"identifiers": nil})
	s.act(1*hour, "", confirm("theo.territory", "tender in May"))
	s.expect(2*hour, kam.ChangesRequested) // no identifier: VF09
	s.at(3*hour, func(now kam.Snapshot) {
		w.known("C-DOCH", "Erst Neu Klinik GmbH", identifier("VAT_EU", "DE136695976"))
		s.send(now, "", submit("rep.south"), data(t, identifier("VAT_EU", "DE136695976")))
	})
	s.expect(4*hour, kam.DuplicateReview)
	s.act(5*hour, "", kam.Act{Name: kam.ActResolveDuplicate, Verdict: kam.ConvertToModify, By: "rep.south", CustomerNo: "C-DOCH"})
	s.at(6*hour, func(now kam.Snapshot) {
		if now.Type != kam.Modify || now.ConfirmedBy != "" || now.ConfirmedHash != "" || now.Recommended != "" {
			s.faults = append(s.faults, "nothing of what was decided on the new customer holds: "+text(t, now))
		}
	})
	s.act(7*hour, "", submit("rep.south"), data(t, fields{"legal_name": "Doch Bekannt Klinik GmbH"}))
	s.expect(8*hour, kam.AwaitingConfirmation, "theo.territory")
	s.act(9*hour, "", confirm("theo.territory", "")) // of a change no rule says REFER, so no reason is asked for
	require.Equal(t, kam.Modified, s.run().Outcome)
}

// TestRefusedWithdrawalIsNotTakenLater: the client notes a withdrawal before it
// sends it (D12). Where it is refused, the note goes with it.
func TestRefusedWithdrawalIsNotTakenLater(t *testing.T) {
	w := newWorld(t)
	s := w.complete("Bleibt Dabei GmbH")
	s.at(1*hour, func(now kam.Snapshot) {
		a := kam.Act{DecisionID: "withdraw-0001", Name: kam.ActWithdraw, By: "rep.south", ExpectRevision: 99}
		require.NoError(t, w.db.Cases.WithdrawIntent(t.Context(), s.no, a.By, a.DecisionID))
		s.send(now, kam.StaleRevision, a)
		require.NoError(t, w.db.Cases.Refuse(t.Context(), s.no, a, kam.AsError(a.CheckAgainst(now)), s.env.Now()))
	})
	s.act(2*hour, "", confirm("theo.territory", ""))
	require.Equal(t, kam.Completed, s.run().State)
}

// TestChangeOfGroupLeavesTheOldAccount: a customer is in one running key
// account. One that joins another group leaves the account that it was in, and
// that ends where nobody is left in it.
func TestChangeOfGroupLeavesTheOldAccount(t *testing.T) {
	w := newWorld(t)
	w.nordwind(kam.TierNational, "DE")
	w.has(customerdb.BookCustomer{CustomerNo: "C-SOLO", Territory: "DE-S-02", OwnerID: "kam.one", KAStatus: kam.KA, Tier: kam.TierNational,
		Data: data(t, screening("Solo Klinik GmbH"), details())})
	s := w.change(kam.Modify, "C-SOLO", "rep.south", fields{"group_id": "NORDWIND", "group_name": "Nordwind"})
	s.at(1*hour, func(now kam.Snapshot) {
		if now.State == kam.AwaitingConfirmation {
			s.send(now, "", confirm("theo.territory", ""))
		}
	})
	s.at(2*hour, func(now kam.Snapshot) {
		if now.State == kam.AwaitingEndorsement {
			s.send(now, "", endorse(now.Task.Assignees[0]))
		}
	})
	require.Equal(t, kam.Modified, s.run().Outcome)
	require.Equal(t, "NORDWIND", w.customer("C-SOLO").GroupID)
	k, err := w.db.Customers.KeyAccountOf(t.Context(), "NORDWIND")
	require.NoError(t, err)
	require.Contains(t, k.Members, "C-SOLO")
	require.Equal(t, kam.KA, w.customer("C-SOLO").KAStatus)
	st, err := w.db.Cases.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, st.KeyAccounts[kam.TierNational], "the account that it was in alone has ended")
}

// TestNoteOfNobodyIsNoWithdrawal: whoever calls himself "system" is the requester
// of a review by name, and nobody all the same. His note must not strand it.
func TestNoteOfNobodyIsNoWithdrawal(t *testing.T) {
	w := newWorld(t)
	w.known("C-RUHE", "Ruhige Klinik GmbH")
	s := w.review("C-RUHE", monday)
	require.NoError(t, w.db.Cases.WithdrawIntent(t.Context(), s.no, kam.System, "withdraw-0001"))
	s.at(5*day, func(now kam.Snapshot) { // only where it was stranded
		s.send(now, "", kam.Act{Name: kam.ActCancel, Verdict: kam.AskCancel, By: "ops.one", Reason: "stranded"})
	})
	s.act(6*day, "", kam.Act{Name: kam.ActCancel, Verdict: kam.AgreeCancel, By: "pol.admin"})
	require.Equal(t, kam.Completed, s.run().State)
}
