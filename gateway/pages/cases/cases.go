// Package cases is the list of cases, and that of one's own requests.
package cases

import (
	"embed"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

//go:embed cases.html
var files embed.FS

// Page is what is shown.
type Page struct {
	At       string // its path
	Own      bool   // my requests
	Filter   service.Filter
	Days     string // not changed for so many
	Filtered bool
	Types    []kam.CaseType
	States   onboardingStates
	Steps    []kam.StepCode
	Table    page.Table
	Next     string // the page after, "" on the last
}

type onboardingStates = kam.StatesOf[onboarding.State]

// Template is the page.
var Template = page.Parse[Page](files, "cases.html")

// Mount puts both lists behind a gate.
func Mount(g *gateway.Gate, s service.Service) {
	l := lists{s}
	g.Page("GET /cases", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error { return l.show(w, r, v, false) })
	g.Page("GET /requests", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error { return l.show(w, r, v, true) })
}

type lists struct{ service service.Service }

const rows = 50 // of a page

var caseNo = regexp.MustCompile(`(?i)^\s*KAM-\d{4}-\d{6,}\s*$`)

func (l lists) show(w http.ResponseWriter, r *http.Request, v *gateway.Visit, own bool) error {
	in := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	if no := in("customer"); caseNo.MatchString(no) { // a link to a case shows it, whatever the filter
		http.Redirect(w, r, "/cases/"+strings.ToUpper(strings.TrimSpace(no)), http.StatusSeeOther)
		return nil
	}
	as, err := page.FileOf(r)
	if err != nil {
		return err
	}
	p := Page{At: r.URL.Path, Own: own, Days: in("days"), Types: kam.CaseTypes, States: onboarding.States, Steps: kam.Within("1")}
	p.Filter = service.Filter{
		Customer: in("customer"), Type: kam.CaseType(in("type")), State: onboarding.State(in("state")), Requester: kam.UserID(in("requester")), Territory: in("territory"), Open: in("open") != "", Step: kam.StepCode(in("step")), Limit: rows + 1,
	}
	if p.Days != "" {
		days, err := strconv.Atoi(p.Days)
		if err != nil || days < 0 || days > 3650 {
			return kam.Errorf(kam.Invalid, "is not within %d to %d", 0, 3650).On("days")
		}
		p.Filter.OlderThan = time.Duration(days) * 24 * time.Hour
	}
	p.Filtered = p.Filter != service.Filter{Limit: rows + 1}
	if own {
		p.Filter.Requester = v.Person.ID
	}
	if after := in("after"); after != "" {
		no, at, _ := strings.Cut(after, " ")
		if p.Filter.BehindAt, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return kam.Errorf(kam.Invalid, "this is no place in the list").On("after").Try("open the list again")
		}
		p.Filter.Behind = kam.CaseNo(no)
	}
	if as != "" {
		p.Filter.Limit = page.MostInFile
	}
	lines, err := l.service.Cases(r.Context(), v.Who, p.Filter)
	if err != nil {
		if kam.CodeOf(err) != kam.NotFound { // a requester or a territory that nobody knows: the filter is wrong, not the page
			return err
		}
		f := v.Answered(v.Text(title(own)), "", err)
		return Template.Write(w, gateway.StatusOf(err), f, p)
	}
	if as == "" && len(lines) > rows {
		lines = lines[:rows]
		last := lines[rows-1]
		p.Next = page.With(r.URL.RequestURI(), "after", string(last.CaseNo)+" "+last.UpdatedAt.UTC().Format(time.RFC3339Nano))
	}
	p.Table = table(v, lines, own)
	if as != "" {
		return p.Table.File(w, v.Words, as, strings.Trim(p.At, "/"))
	}
	return Template.Write(w, http.StatusOK, v.Frame(v.Text(title(own))), p)
}

func title(own bool) string {
	if own {
		return "nav.requests"
	}
	return "nav.cases"
}

func table(v *gateway.Visit, lines []service.CaseLine, own bool) page.Table {
	t := page.Table{Caption: v.Text(title(own)), Columns: []page.Column{
		{Name: "customer_name", Text: "label.customer"}, {Name: "case_no", Text: "label.case"}, {Name: "case_type", Text: "label.type"}, {Name: "state", Text: "label.state"},
		{Name: "territory_code", Text: "label.territory"}, {Name: "requester_id", Text: "label.requester"}, {Name: "stage", Text: "label.stage", Right: true}, {Name: "updated_at", Text: "label.changed"},
	}}
	for _, c := range lines {
		name := c.CustomerName
		if name == "" {
			name = string(c.CaseNo)
		}
		stage, late := "", ""
		if m := c.Measure; m != nil {
			if stage = v.Words.Measured(m); m.Overdue {
				late = " late"
			}
		}
		t.Rows = append(t.Rows, page.Row{Cells: []page.Cell{
			{Text: name, At: "/cases/" + string(c.CaseNo)}, {Text: string(c.CaseNo), Class: "nowrap"}, {Text: v.Code(string(c.Type))},
			{Text: v.Code(string(c.State)), Chip: chip(c)}, {Text: c.Territory}, {Text: v.Words.Person(c.Requester)}, {Text: stage, Class: "num" + late}, {When: c.UpdatedAt, Class: "nowrap"},
		}})
	}
	return t
}

// chip is who owes the next step, or how it ended.
func chip(c service.CaseLine) string {
	switch {
	case c.State == onboarding.Completed:
		return "done"
	case c.State == onboarding.Rejected, c.State == onboarding.Expired, c.State == onboarding.Cancelled:
		return "stop"
	case c.State.Kind() == kam.Human:
		return "person"
	case c.State.Kind() == kam.Automatic:
		return "engine"
	}
	return "end"
}
