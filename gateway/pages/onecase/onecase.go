// Package onecase is the page of a case, and the page behind the link of a task.
package onecase

import (
	"embed"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/caseview"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

//go:embed onecase.html
var files embed.FS

// Page is what is shown.
type Page struct {
	Case *caseview.Pane
	Task string // the task that a link named
	Over bool   // which waits for nobody any more
}

// Template is the page.
var Template = page.Parse[Page](files, "onecase.html", caseview.Part)

// Mount puts both pages behind a gate.
func Mount(d caseview.Desk) {
	o, g := one{d}, d.Gate
	g.Page("GET /cases/{no}", o.aCase)
	g.Page("POST /cases/{no}", o.aCase)
	g.Page("GET /tasks/{id...}", o.aTask)
	g.Page("POST /tasks/{id...}", o.aTask)
}

type one struct{ desk caseview.Desk }

func (o one) aCase(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
	return o.page(w, r, v, kam.CaseNo(r.PathValue("no")), Page{})
}

// aTask is the case of a task. A link in a mail shows and asks, and never decides.
func (o one) aTask(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
	id := r.PathValue("id")
	no, _, ok := strings.Cut(id, "/")
	if !ok {
		return kam.Errorf(kam.NotFound, "there is no task %s", kam.Clip(id, 80)).Try("open the inbox")
	}
	items, err := o.desk.Service.Inbox(r.Context(), v.Who)
	if err != nil {
		return err
	}
	mine := slices.ContainsFunc(items, func(i service.InboxItem) bool { return i.Task.ID == id })
	return o.page(w, r, v, kam.CaseNo(no), Page{Task: id, Over: !mine})
}

func (o one) page(w http.ResponseWriter, r *http.Request, v *gateway.Visit, no kam.CaseNo, p Page) error {
	at := &url.URL{Path: r.URL.Path}
	ask := caseview.Asked{At: at.String(), All: true}
	var refused error
	if r.Method == http.MethodPost {
		done, typed, err := o.desk.Decide(r, v, no)
		if err == nil {
			o.desk.Gate.Then(w, r, at.String(), done)
			return nil
		}
		if kam.AsError(err) == nil {
			return err
		}
		ask.Typed, refused = typed, err
	}
	ask.Revision, _ = strconv.Atoi(r.URL.Query().Get("revision")) // of no link of ours: the newest
	var err error
	if p.Case, err = o.desk.Pane(r.Context(), v, no, ask); err != nil {
		return err
	}
	return Template.Write(w, gateway.StatusOf(refused), v.Answered(p.Case.Title, "", refused), p)
}
