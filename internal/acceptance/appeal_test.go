package acceptance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// appeal is a request against a rejection.
func (w *world) appeal(of kam.CaseNo, by kam.UserID, days int, d customer.RequestData) *scene {
	w.t.Helper()
	return w.requestAt(monday.AddDate(0, 0, days), casedb.Request{Type: kam.NewCase, Requester: by, AppealOf: of, Data: d})
}

// refused runs a case that may not be opened, and says why.
func (s *scene) refused() kam.Code {
	s.t.Helper()
	s.env.ExecuteWorkflow(onboarding.WorkflowOnboarding, s.start)
	return codeOf(s.env.GetWorkflowError())
}

func TestAC04_AppealGoesToAnotherPersonOneLevelUp(t *testing.T) {
	w := newWorld(t)
	first := w.onboard("rep.south", data(t, screening("Widerspruch GmbH"), ad3))
	require.Equal(t, onboarding.Rejected, first.run().State)

	s := w.appeal(first.no, "rep.south", 10, data(t, screening("Widerspruch GmbH"), details()))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "rita.regional") // the region; HS5 does not fire
	s.act(2*hour, kam.Forbidden, confirm("theo.territory", ""))
	s.act(3*hour, "", confirm("rita.regional", ""))
	end := s.run()
	require.Equal(t, onboarding.AddedNonKA, end.Outcome)
	require.Equal(t, first.no, end.AppealOf)
	require.NotContains(t, s.states(), onboarding.DuplicateReview, "the rejection itself is no candidate")
}

func TestAC04_AppealOfAManagersRejection(t *testing.T) {
	w := newWorld(t)
	first := w.onboard("rep.south", data(t, screening("Widerspruch GmbH")))
	// Nobody acts, the region joins, and the regional manager rejects.
	first.act(2*day+hour, "", onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.RejectIt, By: "rita.regional", ExpectHash: current, ReasonCode: "CAPACITY", Reason: "no capacity"})
	require.Equal(t, onboarding.Rejected, first.run().State)
	s := w.appeal(first.no, "theo.territory", 10, data(t, screening("Widerspruch GmbH"), details(), fields{"declared_potential": eur("180000.00")}))
	s.expect(1*hour, onboarding.AwaitingConfirmation, "nadja.national")
	s.act(2*hour, kam.Separation, confirm("rita.regional", "")) // SOD10
	s.act(3*hour, "", confirm("nadja.national", ""))
	require.Equal(t, onboarding.AddedNonKA, s.run().Outcome)
}

func TestAppealIsBounded(t *testing.T) {
	w := newWorld(t)
	first := w.onboard("rep.south", data(t, screening("Widerspruch GmbH"), ad3))
	require.Equal(t, onboarding.Rejected, first.run().State)
	fresh := data(t, screening("Widerspruch GmbH"), details())

	require.Equal(t, kam.Forbidden, w.appeal(first.no, "rep.north", 1, fresh).refused(), "neither requester nor his manager")
	_, _, err := w.db.Cases.Allot(t.Context(), casedb.Request{Key: "again", Type: kam.NewCase, Requester: "rep.south", AppealOf: first.no, Data: fresh})
	require.Equal(t, kam.AlreadyDecided, kam.CodeOf(err), "one appeal")

	other := w.onboard("rep.south", data(t, screening("Zu Spaet GmbH"), ad3, identifier("VAT_EU", "DE136695976")))
	require.Equal(t, onboarding.Rejected, other.run().State)
	require.Equal(t, kam.TooLate, w.appeal(other.no, "rep.south", 15, data(t, screening("Zu Spaet GmbH"), details())).refused())
	third := w.onboard("rep.south", data(t, screening("Nichts Neues GmbH"), ad3, identifier("VAT_EU", "DE129273398")))
	require.Equal(t, onboarding.Rejected, third.run().State)
	require.Equal(t, kam.Invalid, w.appeal(third.no, "rep.south", 1, data(t, screening("Nichts Neues GmbH"), ad3, identifier("VAT_EU", "DE129273398"))).refused(), "no new facts")
	fourth := w.onboard("rep.south", data(t, screening("Laeuft Noch GmbH"), identifier("VAT_EU", "DE811907980")))
	fourth.act(1*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"})
	require.Equal(t, onboarding.Withdrawn, fourth.run().State)
	require.Equal(t, kam.WrongState, w.appeal(fourth.no, "rep.south", 1, data(t, screening("Laeuft Noch GmbH"), details())).refused())
}
