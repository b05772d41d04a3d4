package activities

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
)

// submit takes request data: SubmitData and SubmitDetails while the requester
// is asked for them, AmendMaterial while somebody else decides. The data were
// staged by the client; the act is bound to exactly those by their digest.
func (w *work) submit(d doing) error {
	given, digest, err := w.Staged(d.DecisionID)
	if err != nil {
		return err
	}
	if digest != d.DataDigest {
		return kam.Errorf(kam.IDReused, "the data stored under this decision id are others").On("data_digest").Try("send the act again with a new decision id")
	}
	merged, err := overlay(w.data, given)
	if err != nil {
		return err
	}
	rules.Clean(&merged)
	if err := errorList(rules.FormErrors(merged)); err != nil {
		return err
	}
	before := w.data
	w.data = merged
	if err := w.mayChange(d, before); err != nil {
		return err
	}
	if err := w.complete(d); err != nil {
		return err
	}
	if err := w.SaveRevision(merged, d.By); err != nil {
		return err
	}
	if merged.NominateKeyAccount && !before.NominateKeyAccount {
		w.Case.Nominator = d.By
	}
	return w.onward(d)
}

// mayChange refuses what the form of the moment does not take: material fields
// in a detail form before the confirmation, or a credit rating by a hand that
// is not finance is a matter of the matrix and not of this test.
func (w *work) mayChange(d doing, before kam.RequestData) error {
	if d.Name != kam.ActSubmitDetails || w.Case.State == kam.AwaitingCompletion {
		return nil
	}
	for _, c := range kam.Diff(before, w.data) {
		if c.Material {
			return kam.Errorf(kam.Invalid, "is a material field and does not belong to the detail set").On(c.Field).Try("send it with AmendMaterial or SubmitData")
		}
	}
	return nil
}

// complete refuses a form whose set is still incomplete, and names what lacks.
func (w *work) complete(d doing) error {
	var missing []string
	switch {
	case d.Name == kam.ActSubmitData && w.Case.State == kam.Draft:
		if !w.facts().HasNameCountryChannel {
			missing = slices.DeleteFunc([]string{"legal_name", "country_code", "source_channel"}, func(f string) bool { return !slices.Contains(w.missing(kam.Screening), f) })
		}
	case d.Name == kam.ActSubmitData, d.Name == kam.ActAmendMaterial:
		missing = w.missingForDecision()
	case w.Case.State == kam.AwaitingCompletion:
		missing = w.missing(kam.Detail)
	}
	if len(missing) > 0 {
		return kam.Errorf(kam.Invalid, "still missing: %s", strings.Join(missing, ", ")).On(missing[0]).By("VF01").Try("send the missing fields too; what you sent is kept")
	}
	return nil
}

// onward moves the case as the stored data demand.
func (w *work) onward(d doing) error {
	f := w.facts()
	switch w.Case.State {
	case kam.Draft:
		return w.move(kam.EvSubmitRequest, f, d.log(kam.EventDataSubmitted))
	case kam.DataEntry:
		if d.Name == kam.ActSubmitDetails {
			w.Log(d.log(kam.EventDetailsSubmitted))
			return nil
		}
		if f.IdentityChanged {
			w.Case.ReturnTo = kam.DataEntry
			return w.move(kam.EvChangeIdentity, f, d.log(kam.EventDataSubmitted))
		}
		return w.move(kam.EvSubmitData, f, d.log(kam.EventDataSubmitted))
	case kam.ChangesRequested:
		if d.Name == kam.ActSubmitDetails {
			w.Log(d.log(kam.EventDetailsSubmitted))
			return nil
		}
		if f.IdentityChanged {
			w.Case.ReturnTo = kam.ChangesRequested
			return w.move(kam.EvChangeIdentity, f, d.log(kam.EventDataSubmitted))
		}
		w.Log(d.log(kam.EventDataSubmitted))
		return w.resubmit(d.By)
	case kam.AwaitingCompletion:
		if f.HashChanged || d.Name == kam.ActAmendMaterial {
			return w.amend(d, f)
		}
		return w.move(kam.EvSubmitDetails, f, d.log(kam.EventDetailsSubmitted))
	case kam.AwaitingConfirmation:
		if d.Name == kam.ActAmendMaterial {
			return w.amend(d, f)
		}
		w.Log(d.log(kam.EventDetailsSubmitted))
		return nil
	default:
		w.Log(d.log(kam.EventDetailsSubmitted))
		return nil
	}
}

// amend voids a confirmation and has the case decided again.
func (w *work) amend(d doing, f kam.Facts) error {
	w.Case.ConfirmedBy, w.Case.ConfirmedHash, w.Case.ReturnTo = "", "", ""
	return w.move(kam.EvAmendMaterial, f, d.log(kam.EventAmended))
}

// resubmit goes on from CHANGES_REQUESTED. A confirmation stays exactly as
// long as the material_hash that it was given for.
func (w *work) resubmit(actor kam.UserID) error {
	f := w.facts()
	if !f.Confirmed {
		w.Case.ConfirmedBy, w.Case.ConfirmedHash = "", ""
	}
	return w.move(kam.EvResubmit, f, kam.AuditEvent{Type: kam.EventDataSubmitted, Actor: actor, Step: "1.2.1a"})
}
