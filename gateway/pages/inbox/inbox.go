// Package inbox is what waits for somebody: left the tasks, right the case with
// everything for the decision.
package inbox

import (
	"cmp"
	"embed"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/caseview"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

//go:embed inbox.html inbox.css
var files embed.FS

func init() { page.Asset(files, "inbox.css") } //nolint:gochecknoinits // assets are part of the program

// Page is what is shown.
type Page struct {
	Kinds  []Kind
	Kind   string // the one that is shown, "" for all
	Tasks  []Task
	Picked bool // by the address, so a small screen shows the case
	Case   *caseview.Pane
	Other  *Task // a task of no case
}

// A Kind is a kind of task with how many there are.
type Kind struct {
	Kind kam.TaskKind
	At   string
	N    int
	Here bool
}

// A Task is a row of the list.
type Task struct {
	service.InboxItem
	At      string
	Name    string
	Why     string // it is mine
	Late    bool
	Percent int // of the time that the stage should take
	Here    bool
}

// Template is the page.
var Template = page.Parse[Page](files, "inbox.html", caseview.Part)

// Mount puts the page behind a gate.
func Mount(d caseview.Desk) {
	b, g := box{d}, d.Gate
	g.Page("GET /inbox", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
		return b.show(w, r, v, "", nil, nil)
	})
	g.Page("POST /inbox", b.decide)
}

type box struct{ desk caseview.Desk }

// Late says whether a task should have been done.
func Late(i service.InboxItem, now time.Time) bool {
	return i.Measure != nil && i.Measure.Overdue || i.Due != nil && i.Due.Before(now)
}

func address(task, kind string) string {
	q := url.Values{}
	if kind != "" {
		q.Set("kind", kind)
	}
	if task != "" {
		q.Set("task", task)
	}
	if len(q) == 0 {
		return "/inbox"
	}
	return "/inbox?" + q.Encode()
}

func (b box) show(w http.ResponseWriter, r *http.Request, v *gateway.Visit, no kam.CaseNo, typed *caseview.Typed, refused error) error {
	q := r.URL.Query()
	p := Page{Kind: q.Get("kind"), Picked: q.Get("task") != ""}
	items, err := b.desk.Service.Inbox(r.Context(), v.Who)
	if err != nil {
		return err
	}
	p.tasks(v, items, q.Get("task"), no)
	if i := slices.IndexFunc(p.Tasks, func(t Task) bool { return t.Here }); i >= 0 {
		if at := p.Tasks[i]; at.CaseNo == "" {
			p.Other = &at
		} else if p.Case, err = b.desk.Pane(r.Context(), v, at.CaseNo, caseview.Asked{At: at.At, Typed: typed}); err != nil {
			return err
		}
	}
	return Template.Write(w, gateway.StatusOf(refused), v.Answered(v.Text("nav.inbox"), "", refused), p)
}

// tasks are the rows. The one that is asked for is shown, else another of its case,
// else the first.
func (p *Page) tasks(v *gateway.Visit, items []service.InboxItem, task string, no kam.CaseNo) {
	if !slices.ContainsFunc(items, func(i service.InboxItem) bool { return i.Task.ID == task }) && no != "" {
		if i := slices.IndexFunc(items, func(i service.InboxItem) bool { return i.CaseNo == no }); i >= 0 {
			task = items[i].Task.ID
		}
	}
	for _, i := range items {
		at := slices.IndexFunc(p.Kinds, func(k Kind) bool { return k.Kind == i.Task.Kind })
		if at < 0 {
			at = len(p.Kinds)
			p.Kinds = append(p.Kinds, Kind{Kind: i.Task.Kind, At: address("", string(i.Task.Kind)), Here: string(i.Task.Kind) == p.Kind})
		}
		p.Kinds[at].N++
		if p.Kind != "" && string(i.Task.Kind) != p.Kind {
			continue
		}
		t := Task{InboxItem: i, At: address(i.Task.ID, p.Kind), Name: cmp.Or(i.CustomerName, i.Task.Note, string(i.CaseNo), i.Subject), Why: why(v, i), Late: Late(i, v.Now), Here: i.Task.ID == task}
		if m := i.Measure; m != nil && m.Target > 0 {
			t.Percent = int(min(100, m.Worked*100/m.Target))
		}
		p.Tasks = append(p.Tasks, t)
	}
	if len(p.Tasks) > 0 && !slices.ContainsFunc(p.Tasks, func(t Task) bool { return t.Here }) {
		p.Tasks[0].Here, p.Picked = true, false
	}
}

// why says why a task is in front of somebody.
func why(v *gateway.Visit, i service.InboxItem) string {
	t := i.Task
	switch {
	case t.ClaimedBy == v.Person.ID:
		return v.Text("why.claimed")
	case t.Queue != "":
		return v.Text("why.queue", v.Code(t.Queue))
	case t.ByHand:
		return v.Text("why.hand")
	case t.Escalated > 0:
		return v.Text("why.escalated")
	case t.Level != "":
		return v.Text("why.post", cmp.Or(t.Node, i.Territory))
	}
	return v.Text("why.request")
}

// decide carries out the decision on a case, and goes on to the next task.
func (b box) decide(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
	q, no := r.URL.Query(), kam.CaseNo(r.PostForm.Get("case_no"))
	items, err := b.desk.Service.Inbox(r.Context(), v.Who)
	if err != nil {
		return err
	}
	p := Page{Kind: q.Get("kind")}
	p.tasks(v, items, q.Get("task"), no)
	next := "" // the first, where the task is not there any more
	if i := slices.IndexFunc(p.Tasks, func(t Task) bool { return t.CaseNo == no }); i >= 0 && i+1 < len(p.Tasks) {
		next = p.Tasks[i+1].InboxItem.Task.ID
	}
	done, typed, err := b.desk.Decide(r, v, no)
	switch {
	case err == nil:
		b.desk.Gate.Then(w, r, address(next, p.Kind), done)
		return nil
	case kam.AsError(err) == nil:
		return err
	}
	return b.show(w, r, v, no, typed, err)
}
