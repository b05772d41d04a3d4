// Package process is the process map: the boxes of the deck as a picture, with
// what stands in each, and the same figures in a table.
package process

import (
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

//go:embed process.html process.css
var files embed.FS

func init() { page.Asset(files, "process.css") }

// Page is what is shown.
type Page struct {
	Box      kam.StepCode // whose inside is shown: 1, or 1.1 to 1.5
	Filter   service.MapFilter
	Filtered bool
	Types    []kam.CaseType
	All      service.MapBox // the box itself
	Levels   []Level
	Picture  Picture
	Table    page.Table
	Up       string // to the whole of process 1, "" there
}

// A Level is a process of level 1.
type Level struct {
	Code kam.StepCode
	At   string // where it leads, "" where nothing stands there yet
	Here bool
}

// A Picture is the boxes of one level with their figures.
type Picture struct {
	Width, Height int
	Boxes         []Box
	Edges         []Edge
	Loop          *Edge // 3.3 leads back to 1
}

// A Box is one box of the picture.
type Box struct {
	service.MapBox
	X, Y  int
	At    string // where it leads
	Class string // who owes the next step there
	Shape string // box, decision or outcome
	Waits string
	Spark string // the points of its line
	Went  int    // on from here, in the weeks of the line
}

// An Edge is an arrow, with what stands beside it.
type Edge struct {
	Path, Text string
	X, Y       int
}

// Template is the page.
var Template = page.Parse[Page](files, "process.html")

// Mount puts the map behind a gate.
func Mount(g *gateway.Gate, s service.Service) {
	g.Page("GET /{$}", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
		in := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
		p := Page{Box: kam.StepCode(in("box")), Types: kam.CaseTypes, Filter: service.MapFilter{Territory: in("node"), Type: kam.CaseType(in("type")), Requester: kam.UserID(in("requester"))}}
		p.Filtered = p.Filter != service.MapFilter{}
		if p.Box == "" {
			p.Box = "1"
		}
		if !slices.Contains([]kam.StepCode{"1", "1.1", "1.2", "1.3", "1.4", "1.5"}, p.Box) {
			return kam.Errorf(kam.NotFound, "the map has no box %q", kam.Clip(string(p.Box), 20)).On("box")
		}
		as, err := page.FileOf(r)
		if err != nil {
			return err
		}
		title := v.Words.Step(p.Box)
		m, err := s.Map(r.Context(), v.Who, p.Filter)
		if err != nil {
			if kam.CodeOf(err) != kam.NotFound { // a territory or a requester that nobody knows: the filter is wrong
				return err
			}
			return Template.Write(w, gateway.StatusOf(err), v.Answered(title, "", err), p)
		}
		p.draw(v, m)
		if as != "" {
			return p.Table.File(w, v.Words, as, "process")
		}
		return Template.Write(w, http.StatusOK, v.Frame(title), p)
	})
}

const (
	boxWidth, boxHeight = 172, 112
	gapX, gapY          = 40, 44
	perRow              = 5
	margin              = 12
)

// draw lays out the boxes within one, in the order of the deck, row by row.
func (p *Page) draw(v *gateway.Visit, m service.ProcessMap) {
	figures := map[kam.StepCode]service.MapBox{}
	for _, b := range m.Boxes {
		figures[b.Code] = b
	}
	p.All = figures[p.Box]
	for _, l := range kam.Boxes {
		if l.Level == 1 {
			at := ""
			if l.Code == "1" {
				at = p.at("/", "box", "")
			}
			p.Levels = append(p.Levels, Level{l.Code, at, l.Code == "1"})
		}
	}
	if p.Box != "1" {
		p.Up = p.at("/", "box", "")
	}
	p.Table = page.Table{Caption: v.Words.Step(p.Box), Columns: []page.Column{
		{Name: "step", Text: "label.step"}, {Name: "open", Text: "label.open", Right: true}, {Name: "median_hours", Text: "label.median", Right: true},
		{Name: "late", Text: "label.late", Right: true}, {Name: "owed", Text: "label.owed"}, {Name: "weeks", Text: "map.weeks", Right: true},
	}}
	place, inside, level := map[kam.StepCode][2]int{}, kam.Within(p.Box), 3
	if p.Box == "1" {
		level = 2
	}
	for _, b := range kam.Boxes {
		if b.Code == p.Box || b.Level != level || !slices.Contains(inside, b.Code) {
			continue
		}
		f := figures[b.Code]
		n := len(p.Picture.Boxes)
		box := Box{MapBox: f, X: margin + n%perRow*(boxWidth+gapX), Y: margin + n/perRow*(boxHeight+gapY), Class: class(f), Shape: "box", Waits: waits(v, f), Spark: spark(f)}
		for _, w := range f.Weeks {
			box.Went += w
		}
		switch b.Kind {
		case kam.KindDecision:
			box.Shape = "decision"
		case kam.KindOutcome:
			if box.Shape, box.Class = "outcome", "done"; b.Code == kam.BoxReject {
				box.Class = "stop"
			}
		}
		if p.Box == "1" && box.Shape == "box" {
			box.At = p.at("/", "box", string(b.Code))
		} else if box.Shape == "box" {
			box.At = p.at("/cases", "step", string(b.Code), "open", "1")
		}
		p.Picture.Boxes = append(p.Picture.Boxes, box)
		place[b.Code] = [2]int{box.X, box.Y}
		p.Table.Rows = append(p.Table.Rows, p.row(v, box))
	}
	for _, b := range p.Picture.Boxes {
		of, _ := kam.BoxOf(b.Code)
		for _, to := range of.Next {
			if at, ok := place[to]; ok {
				p.Picture.Edges = append(p.Picture.Edges, Edge{Path: path(b.X, b.Y, at[0], at[1])})
			}
		}
	}
	n := len(p.Picture.Boxes)
	p.Picture.Width = 2*margin + perRow*boxWidth + (perRow-1)*gapX
	p.Picture.Height = 2*margin + (n+perRow-1)/perRow*(boxHeight+gapY)
	if p.Box == "1" {
		right, low := p.Picture.Width-margin, p.Picture.Height-margin-8
		last := p.Picture.Boxes[n-1]
		p.Picture.Loop = &Edge{Path: fmt.Sprintf("M%d %dH%dV%dH6V%dH%d", last.X+boxWidth, last.Y+boxHeight/2, right, low, margin+boxHeight/2, margin), X: last.X + boxWidth + gapX, Y: low - 6}
	}
}

// path is an arrow between two boxes: straight to a neighbour, else around.
func path(x, y, toX, toY int) string {
	middle := y + boxHeight/2
	switch {
	case y == toY && toX == x+boxWidth+gapX:
		return fmt.Sprintf("M%d %dH%d", x+boxWidth, middle, toX-2)
	case y == toY: // over what stands between
		return fmt.Sprintf("M%d %dV%dH%dV%d", x+boxWidth/2, y+boxHeight, y+boxHeight+10, toX+boxWidth/2, y+boxHeight+2)
	}
	between := toY - gapY/2
	if toY < y {
		between = y - gapY/2
		return fmt.Sprintf("M%d %dV%dH%dV%d", x+boxWidth/2, y, between, toX+boxWidth/2, toY+boxHeight+2)
	}
	return fmt.Sprintf("M%d %dV%dH%dV%d", x+boxWidth/2, y+boxHeight, between, toX+boxWidth/2, toY-2)
}

// at is an address that keeps the filters of the map.
func (p *Page) at(to string, pairs ...string) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	node := "node"
	if to == "/cases" {
		node = "territory"
	}
	set(node, p.Filter.Territory)
	set("type", string(p.Filter.Type))
	set("requester", string(p.Filter.Requester))
	for i := 0; i+1 < len(pairs); i += 2 {
		set(pairs[i], pairs[i+1])
	}
	if len(q) == 0 {
		return to
	}
	return to + "?" + q.Encode()
}

func (p *Page) row(v *gateway.Visit, b Box) page.Row {
	late := ""
	if b.Late > 0 {
		late = " late"
	}
	return page.Row{Cells: []page.Cell{
		{Text: v.Words.Step(b.Code), At: b.At}, {Text: fmt.Sprint(b.Open), Class: "num", Number: true}, {Text: v.Words.Hours(b.Median), Class: "num"},
		{Text: fmt.Sprint(b.Late), Class: "num" + late, Number: true}, {Text: b.Waits}, {Text: fmt.Sprint(b.Went), Class: "num", Number: true},
	}}
}

// waits says how many wait for whom.
func waits(v *gateway.Visit, b service.MapBox) string {
	var all []string
	for _, o := range b.Owed {
		all = append(all, fmt.Sprintf("%s %d", v.Code(string(o.Party)), o.Open))
	}
	return strings.Join(all, " · ")
}

// class is the colour of who owes most.
func class(b service.MapBox) string {
	most, at := 0, ""
	for _, o := range b.Owed {
		if o.Open > most {
			if most, at = o.Open, "person"; o.Party == kam.PartyEngine {
				at = "engine"
			}
		}
	}
	return at
}

// spark is the line of the last weeks, from the left to the right of a box.
func spark(b service.MapBox) string {
	most := slices.Max(b.Weeks[:])
	if most == 0 {
		return ""
	}
	var s strings.Builder
	for i, n := range b.Weeks {
		fmt.Fprintf(&s, "%d,%d ", 12+i*13, 104-n*18/most)
	}
	return strings.TrimSpace(s.String())
}
