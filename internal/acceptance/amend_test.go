package acceptance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

func amend(by kam.UserID) onboarding.Act {
	return onboarding.Act{Name: onboarding.ActAmendMaterial, By: by}
}

// task checks the id of the open task against the one seen before.
func (s *scene) sameTask(seen *string, want bool) func(onboarding.Snapshot) {
	return func(now onboarding.Snapshot) {
		id := ""
		if now.Task != nil {
			id = now.Task.ID
		}
		if *seen != "" && (id == *seen) != want {
			s.faults = append(s.faults, "the same task: want "+map[bool]string{true: "yes", false: "no"}[want]+", is "+id+" after "+*seen)
		}
		*seen = id
	}
}

func TestAC13_MaterialFieldChangedWhileWaiting(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Nachtrag GmbH"), details()))
	task := ""
	s.at(1*hour, s.sameTask(&task, true))
	old := confirm("theo.territory", "")
	s.at(1*hour, func(now onboarding.Snapshot) { old.ExpectHash = now.MaterialHash })
	s.act(2*hour, "", amend("rep.south"), data(t, fields{"declared_potential": eur("600000.00")}))
	s.expect(3*hour, onboarding.AwaitingConfirmation, "rita.regional") // from 500,000 the region confirms
	s.at(3*hour, s.sameTask(&task, false))
	s.at(4*hour, func(now onboarding.Snapshot) { s.send(now, kam.StaleRevision, old) })
	s.act(5*hour, "", confirm("rita.regional", ""))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, 2, countOf(s.states(), onboarding.Deciding), "the decision is computed again")
	require.Equal(t, 1, s.count(kam.EventAmended))
}

// TestAmendmentsHaveExactlyTheirEffects: which fields take the case back from
// the manager, and which leave task and confirmation alone.
func TestAmendmentsHaveExactlyTheirEffects(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Feinheiten GmbH")))
	task := ""
	s.at(1*hour, s.sameTask(&task, true))
	// Neither material nor an input of 1.1.4: the task stays.
	s.act(2*hour, "", amend("rep.south"), data(t, fields{"justification": "Said in other words, at some more length."}))
	s.at(3*hour, s.sameTask(&task, true))
	// An input of 1.1.4 that is not material: decided again, on what there is.
	s.act(4*hour, "", amend("rep.south"), data(t, fields{"growth_outlook_pct": 4}))
	s.at(5*hour, s.sameTask(&task, false))
	// An identity field: searched again, then decided again (D11).
	s.act(6*hour, "", amend("rep.south"), data(t, fields{"phone": "+49895554433"}))
	s.at(7*hour, s.sameTask(&task, false))
	// Details, before they are asked for.
	s.act(8*hour, "", onboarding.Act{Name: onboarding.ActSubmitDetails, By: "rep.south"}, data(t, fields{"language": "de"}))
	s.at(9*hour, s.sameTask(&task, true))
	s.act(10*hour, "", confirm("theo.territory", ""))
	s.expect(11*hour, onboarding.AwaitingCompletion, "rep.south")
	// After the confirmation: other fields keep it, material ones void it.
	s.act(12*hour, "", amend("rep.south"), data(t, fields{"justification": "And once more, because it reads better so."}))
	s.at(13*hour, func(now onboarding.Snapshot) {
		if now.ConfirmedBy != "theo.territory" || now.State != onboarding.AwaitingCompletion {
			s.faults = append(s.faults, "the confirmation is kept: "+text(t, now))
		}
	})
	s.act(14*hour, "", amend("rep.south"), data(t, fields{"website": "https://feinheiten.example"}))
	s.expect(15*hour, onboarding.ChangesRequested, "rep.south") // searched again; the details are still missing
	s.at(15*hour, func(now onboarding.Snapshot) {
		if now.ConfirmedBy != "theo.territory" {
			s.faults = append(s.faults, "the hash is the same, so the confirmation is kept (D11): "+text(t, now))
		}
	})
	s.act(16*hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, details()))
	end := s.run()
	require.Equal(t, onboarding.Completed, end.State)
	require.Equal(t, 1, s.count(kam.EventConfirmed))
	require.Equal(t, 3, countOf(s.states(), onboarding.Deciding))
	require.Equal(t, 3, countOf(s.states(), onboarding.Identifying))
}

func TestMaterialFieldWithTheDetailsVoidsTheConfirmation(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Spaete Aenderung GmbH")))
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.act(2*hour, "", onboarding.Act{Name: onboarding.ActSubmitDetails, By: "rep.south"}, data(t, details(), fields{"credit_rating": "C"}))
	s.expect(3*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(4*hour, "", amend("rep.south"), data(t, fields{"legal_name": "Spaete Aenderungen GmbH"}))
	s.expect(5*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(6*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Completed, s.run().State)
	require.Equal(t, 2, s.count(kam.EventConfirmed))
	require.Equal(t, 2, countOf(s.states(), onboarding.Identifying), "the name is looked for again")
}

func TestMaterialFieldsAfterTheConfirmation(t *testing.T) {
	w := newWorld(t)
	s := w.onboard("rep.south", data(t, screening("Doppelt Geaendert GmbH")))
	s.act(1*hour, "", confirm("theo.territory", ""))
	s.expect(2*hour, onboarding.AwaitingCompletion)
	s.act(3*hour, "", amend("rep.south"), data(t, fields{"legal_name": "Doppelt Anders GmbH"}))
	s.expect(4*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(5*hour, "", confirm("theo.territory", ""))
	s.act(6*hour, "", amend("rep.south"), data(t, fields{"strategic_fit": "PARTIAL"}))
	s.expect(7*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(8*hour, "", onboarding.Act{Name: onboarding.ActWithdraw, By: "rep.south"})
	require.Equal(t, onboarding.Withdrawn, s.run().State)
}

func TestModifyAmendedWhileWaiting(t *testing.T) {
	w := newWorld(t)
	w.known("C-AM", "Amendement Klinik GmbH")
	s := w.change(kam.Modify, "C-AM", "rep.south", fields{"legal_name": "Amendement Klinikum GmbH"})
	task := ""
	s.at(1*hour, s.sameTask(&task, true))
	s.act(2*hour, "", amend("rep.south"), data(t, fields{"trading_names": []string{"AKG"}}))
	s.at(3*hour, s.sameTask(&task, true)) // not material
	s.act(4*hour, "", amend("rep.south"), data(t, fields{"legal_name": "Amendement Kliniken GmbH"}))
	s.at(5*hour, s.sameTask(&task, false))
	s.act(6*hour, "", onboarding.Act{Name: onboarding.ActDecideConfirmation, Verdict: onboarding.SendBack, By: "theo.territory", ExpectHash: current, Fields: []string{"legal_name"}})
	s.act(7*hour, "", onboarding.Act{Name: onboarding.ActSubmitData, By: "rep.south"}, data(t, fields{"legal_name": "Amendement Haus GmbH"}))
	s.expect(8*hour, onboarding.AwaitingConfirmation, "theo.territory")
	s.act(9*hour, "", confirm("theo.territory", ""))
	require.Equal(t, onboarding.Modified, s.run().Outcome)
	require.Equal(t, "Amendement Haus GmbH", w.customer("C-AM").Data.LegalName)
	require.NotContains(t, s.states(), onboarding.Deciding)
}
