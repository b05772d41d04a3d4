// Package customers is the list of customers, and the page of one.
package customers

import (
	"embed"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/service"
	customerdb "github.com/kamflow/kamflow/store/customer"
)

//go:embed customers.html customer.html
var files embed.FS

// Page is the list.
type Page struct {
	Filter   service.CustomerFilter
	Filtered bool
	Tiers    []kam.Tier
	Table    page.Table
}

// One is a customer.
type One struct {
	customerdb.View
	Name    string
	Segment *rules.SegmentResult // nil before the first segmentation
	X, Y    int                  // its place in the matrix, from the upper left
	Causes  []Cause
}

// A Cause is what of the Improvement Potential comes from where.
type Cause struct {
	Name   string
	Amount kam.Money
}

// Template and OneTemplate are the pages.
var (
	Template    = page.Parse[Page](files, "customers.html")
	OneTemplate = page.Parse[One](files, "customer.html")
)

const rows = 200

// Mount puts both behind a gate.
func Mount(g *gateway.Gate, s service.Service) {
	g.Page("GET /customers", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error { return list(w, r, v, s) })
	g.Page("GET /customers/{no}", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
		c, err := s.Customer(r.Context(), v.Who, r.PathValue("no"))
		if err != nil {
			return err
		}
		p := One{View: c, Name: c.Customer.Data.LegalName}
		if len(c.Customer.Segment) > 0 && string(c.Customer.Segment) != "null" {
			p.Segment = &rules.SegmentResult{}
			if err := json.Unmarshal(c.Customer.Segment, p.Segment); err != nil {
				return err
			}
			p.X, p.Y = int(p.Segment.RelativeStrength/100)*2, 200-int(p.Segment.Attractiveness/100)*2
			for _, name := range slices.Sorted(maps.Keys(p.Segment.Leakage)) {
				p.Causes = append(p.Causes, Cause{name, p.Segment.Leakage[name]})
			}
		}
		return OneTemplate.Write(w, http.StatusOK, v.Frame(p.Name), p)
	})
}

func list(w http.ResponseWriter, r *http.Request, v *gateway.Visit, s service.Service) error {
	in := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	as, err := page.FileOf(r)
	if err != nil {
		return err
	}
	p := Page{Tiers: kam.Tiers, Filter: service.CustomerFilter{
		Text: in("text"), Territory: in("territory"), OwnerID: kam.UserID(in("owner")), Class: kam.ABCClass(in("class")), Quadrant: kam.Quadrant(in("quadrant")), Tier: kam.Tier(in("tier")),
	}}
	f := p.Filter
	p.Filtered = f.Text != "" || f.Territory != "" || f.OwnerID != "" || f.Class != "" || f.Quadrant != "" || f.Tier != ""
	p.Filter.Order, p.Filter.Limit = customerdb.Order(in("order")), rows
	if as != "" {
		p.Filter.Limit = page.MostInFile
	}
	lines, err := s.Customers(r.Context(), v.Who, p.Filter)
	if err != nil {
		if kam.CodeOf(err) != kam.NotFound { // a territory that nobody knows: the filter is wrong
			return err
		}
		return Template.Write(w, gateway.StatusOf(err), v.Answered(v.Text("nav.customers"), "", err), p)
	}
	p.Table = table(v, lines)
	if as != "" {
		return p.Table.File(w, v.Words, as, "customers")
	}
	return Template.Write(w, http.StatusOK, v.Frame(v.Text("nav.customers")), p)
}

func table(v *gateway.Visit, lines []service.CustomerLine) page.Table {
	t := page.Table{Caption: v.Text("nav.customers"), Columns: []page.Column{
		{Name: "name", Text: "label.customer"}, {Name: "customer_no", Text: "label.number"}, {Name: "city", Text: "label.city"}, {Name: "territory_code", Text: "label.territory"}, {Name: "owner_id", Text: "label.owner"},
		{Name: "abc_class", Text: "customers.class"}, {Name: "quadrant", Text: "customers.quadrant"}, {Name: "tier", Text: "label.tier"}, {Name: "improvement_value", Text: "customers.gain", Right: true},
	}}
	for _, c := range lines {
		gain := ""
		if c.Improvement != nil {
			gain = c.Improvement.String()
		}
		t.Rows = append(t.Rows, page.Row{Cells: []page.Cell{
			{Text: c.Name, At: "/customers/" + c.CustomerNo}, {Text: c.CustomerNo, Class: "nowrap"}, {Text: c.City}, {Text: c.Territory}, {Text: v.Words.Person(c.OwnerID)},
			{Text: string(c.Class)}, {Text: v.Code(string(c.Quadrant))}, {Text: v.Code(string(c.Tier))}, {Text: gain, Class: "num"},
		}})
	}
	return t
}
