// Package casedata is the page on which the data of a case are entered, amended
// and completed.
package casedata

import (
	"embed"
	"net/http"
	"net/url"
	"slices"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/caseview"
	"github.com/kamflow/kamflow/gateway/dataform"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

//go:embed casedata.html
var files embed.FS

// Page is what is shown.
type Page struct {
	At, Case         string
	DecisionID, Hash string // of the act, and of the data that it was begun on
	Note             string // what was asked for
	Verbs            []caseview.Verb
	Data             dataform.Form
}

// Template is the page.
var Template = page.Parse[Page](files, "casedata.html", dataform.Part)

// Mount puts the page behind a gate.
func Mount(d caseview.Desk) {
	c := data{d}
	d.Gate.Page("GET /cases/{no}/data", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
		return c.show(w, r, v, nil, nil)
	})
	d.Gate.Page("POST /cases/{no}/data", c.send)
}

type data struct{ desk caseview.Desk }

func (c data) show(w http.ResponseWriter, r *http.Request, v *gateway.Visit, typed url.Values, refused error) error {
	no := kam.CaseNo(r.PathValue("no"))
	view, err := c.desk.Service.CaseView(r.Context(), v.Who, no)
	if err != nil {
		return err
	}
	if view.Hidden != nil {
		return view.Hidden
	}
	p := Page{At: "/cases/" + string(no) + "/data", Case: "/cases/" + string(no), DecisionID: service.NewDecisionID(), Hash: view.Snapshot.MaterialHash}
	details := view.Snapshot.State == onboarding.AwaitingCompletion
	for _, x := range view.Verbs {
		if x.Cause == nil && slices.Contains(x.Needs, onboarding.NeedData) {
			p.Verbs = append(p.Verbs, caseview.Verb{Act: x.Act, Label: caseview.Label(v.Words, x.Act, x.Verdict), Main: len(p.Verbs) == 0})
		}
	}
	var asked []string
	if t := view.Snapshot.Task; t != nil {
		asked, p.Note = t.Fields, t.Note
	}
	var errs []*kam.Error
	if typed == nil {
		if typed, err = dataform.Typed(view.Request); err != nil {
			return err
		}
	} else {
		var d customer.RequestData
		d, errs = dataform.Read(typed)
		errs = append(errs, customer.CheckForm(d)...)
		if kam.CodeOf(refused) == kam.Unreachable { // it may have got there: another try is the same act
			p.DecisionID = typed.Get("decision_id")
		}
		if kam.CodeOf(refused) != kam.StaleRevision {
			p.Hash = typed.Get("material_hash")
		}
	}
	p.Data = dataform.New(v.Words, typed, errs, asked, p.At, details)
	return Template.Write(w, gateway.StatusOf(refused), v.Answered(view.Request.LegalName+" · "+string(no), "", refused), p)
}

// send brings the data to the case; without an act the form is shown again.
func (c data) send(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
	no, in := kam.CaseNo(r.PathValue("no")), r.PostForm
	d, errs := dataform.Read(in)
	if in.Get("act") == "" {
		return c.show(w, r, v, in, nil)
	}
	if len(errs) > 0 {
		return c.show(w, r, v, in, errs[0])
	}
	act := onboarding.Act{Name: onboarding.ActName(in.Get("act")), DecisionID: in.Get("decision_id"), ExpectHash: in.Get("material_hash")}
	p, err := c.desk.Service.Decide(r.Context(), v.Who, no, act, &d)
	if err != nil {
		if kam.AsError(err) == nil {
			return err
		}
		return c.show(w, r, v, in, err)
	}
	c.desk.Gate.Then(w, r, "/cases/"+string(no), v.Text("case.done", caseview.Label(v.Words, act.Name, ""), string(no), v.State(p.Snapshot.State)))
	return nil
}
