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
	was, err := w.rebase(w.data)
	if err != nil {
		return err
	}
	merged, err := kam.Overlay(was, given)
	if err != nil {
		return err
	}
	rules.Clean(&merged)
	if err := errorList(w.Pol.FormErrors(merged)); err != nil {
		return err
	}
	before := was
	nominates := merged.NominateKeyAccount && !before.NominateKeyAccount
	if nominates {
		if _, err := kam.Permit(d.who, kam.ActionNominate, d.subject); err != nil {
			return err
		}
	}
	w.data = merged
	if err := w.mayChange(d, before); err != nil {
		return err
	}
	hash := w.Case.MaterialHash
	if err := w.SaveRevision(merged, d.By); err != nil {
		return err
	}
	if nominates {
		w.Case.Nominator = d.By
	}
	if w.existing() && w.Case.State != kam.Draft {
		if err := w.place(); err != nil {
			return err
		}
	}
	return w.onward(d, touched{hash != w.Case.MaterialHash, w.decisionInput(before)})
}

// touched says what a submission changed, as far as the table asks.
type touched struct {
	material bool // the material_hash is another
	decision bool // what 1.1.4 decides by, and is not material
}

// onward moves the case as the stored data demand. What is not complete yet is
// kept, and the wait for the rest begins again: nothing that somebody typed is
// lost.
func (w *work) onward(d doing, t touched) error {
	f := w.facts()
	details := d.Name == kam.ActSubmitDetails
	newParty := w.Case.Type == kam.NewCase || w.Case.Type == kam.Reactivate
	switch from := w.Case.State; {
	case from == kam.AwaitingCompletion && !f.HashChanged && f.IdentityChanged:
		// Searched again; the confirmation is for the same material data and stays
		// (D11).
		w.Case.ReturnTo = kam.ChangesRequested
		return w.move(kam.EvAmendMaterial, f, d.log(kam.EventAmended))
	case w.incomplete(d, f):
		w.Log(d.log(kam.EventDataSubmitted))
		if err := w.CloseTask("DONE", d.By); err != nil {
			return err
		}
		return w.enter()
	case from == kam.AwaitingCompletion && !f.HashChanged && f.DetailComplete:
		return w.move(kam.EvSubmitDetails, f, d.log(kam.EventDetailsSubmitted))
	case from == kam.AwaitingCompletion && f.HashChanged, from == kam.AwaitingConfirmation && (w.voids(t) || newParty && f.IdentityChanged):
		return w.amend(d, f)
	case d.Name == kam.ActAmendMaterial:
		// Nothing that somebody decides by was touched: the task stays, and so
		// does a confirmation.
		w.Log(d.log(kam.EventAmended))
		return nil
	case details:
		w.Log(d.log(kam.EventDetailsSubmitted))
		return nil
	case from == kam.Draft:
		return w.move(kam.EvSubmitRequest, f, d.log(kam.EventDataSubmitted))
	case newParty && f.IdentityChanged:
		w.Case.ReturnTo = from
		return w.move(kam.EvChangeIdentity, f, d.log(kam.EventDataSubmitted))
	case from == kam.DataEntry:
		return w.moveAndEnter(kam.EvSubmitData, f, d.log(kam.EventDataSubmitted))
	default:
		w.Log(d.log(kam.EventDataSubmitted))
		return w.resubmit(d.By)
	}
}

// amend voids a confirmation and has the case decided again.
func (w *work) amend(d doing, f kam.Facts) error {
	w.unconfirm()
	w.Case.ReturnTo = ""
	again := w.Case.State
	if err := w.move(kam.EvAmendMaterial, f, d.log(kam.EventAmended)); err != nil {
		return err
	}
	if w.Case.State == again { // a MODIFY or DEACTIVATE waits again, with a new task
		if err := w.CloseTask("WITHDRAWN", d.By); err != nil {
			return err
		}
	}
	return w.enter()
}

// unconfirm voids every confirmation that was given.
func (w *work) unconfirm() {
	w.Case.ConfirmedBy, w.Case.ConfirmedHash, w.Case.FirstConfirmedBy = "", "", ""
}

// resubmit goes on from CHANGES_REQUESTED. A confirmation stays exactly as
// long as the material_hash that it was given for.
func (w *work) resubmit(actor kam.UserID) error {
	f := w.facts()
	if !f.Confirmed {
		w.unconfirm()
	}
	return w.moveAndEnter(kam.EvResubmit, f, kam.AuditEvent{Type: kam.EventDataSubmitted, Actor: actor, Step: "1.2.1a"})
}
