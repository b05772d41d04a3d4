package activities

import (
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
	if err := errorList(w.pol.FormErrors(merged)); err != nil {
		return err
	}
	before := w.data
	w.data = merged
	if err := w.mayChange(d, before); err != nil {
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

// onward moves the case as the stored data demand. What is not complete yet is
// kept, and the wait for the rest begins anew: nothing that somebody typed is
// lost.
func (w *work) onward(d doing) error {
	f := w.facts()
	details := d.Name == kam.ActSubmitDetails
	switch from := w.Case.State; {
	case w.incomplete(d, f):
		w.Log(d.log(kam.EventDataSubmitted))
		if err := w.CloseTask("DONE", d.By); err != nil {
			return err
		}
		return w.enter()
	case from == kam.AwaitingCompletion && details && !f.HashChanged:
		return w.move(kam.EvSubmitDetails, f, d.log(kam.EventDetailsSubmitted))
	case from == kam.AwaitingCompletion, d.Name == kam.ActAmendMaterial:
		return w.amend(d, f)
	case details:
		w.Log(d.log(kam.EventDetailsSubmitted))
		return nil
	case from == kam.Draft:
		return w.move(kam.EvSubmitRequest, f, d.log(kam.EventDataSubmitted))
	case f.IdentityChanged:
		w.Case.ReturnTo = from
		return w.move(kam.EvChangeIdentity, f, d.log(kam.EventDataSubmitted))
	case from == kam.DataEntry:
		return w.move(kam.EvSubmitData, f, d.log(kam.EventDataSubmitted))
	default:
		w.Log(d.log(kam.EventDataSubmitted))
		return w.resubmit(d.By)
	}
}

// incomplete says whether the form that the case waits for still lacks fields.
func (w *work) incomplete(d doing, f kam.Facts) bool {
	switch {
	case w.Case.State == kam.Draft:
		return !f.HasNameCountryChannel
	case w.Case.State == kam.DataEntry && d.Name == kam.ActSubmitData:
		return !f.ScreeningComplete
	case w.Case.State == kam.AwaitingCompletion && d.Name == kam.ActSubmitDetails:
		return !f.DetailComplete
	}
	return false
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
