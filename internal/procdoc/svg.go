package procdoc

import (
	"fmt"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// Pages are the generated files by name.
func Pages() map[string]string {
	return map[string]string{"process.md": Process(), "permissions.md": Permissions(), "process.svg": SVG(), "rules.md": Rules()}
}

// The grid of the picture, in pixels.
const (
	width    = 1200
	margin   = 24
	colWidth = 172
	colGap   = 24
	boxH     = 66
	rowA     = 432 // main path, first line
	rowAside = 544
	rowB     = 700 // main path, second line
	rowBside = 812
	rowEnds  = 936
	perRow   = 6
)

// Colours by kind of state: light fill, darker edge, dark text on both.
var paint = map[kam.StateKind][2]string{
	kam.Human:     {"#fff1d6", "#b4690e"},
	kam.Automatic: {"#e0edfb", "#2563a8"},
	kam.End:       {"#eceef1", "#5b6570"},
}

const (
	green, greenEdge = "#dff3e4", "#1f7a3d"
	paper, paperEdge = "#f6f7f9", "#c3c9d1"
	ink, quiet       = "#1b2430", "#4b5663"
)

type canvas struct{ strings.Builder }

func (c *canvas) add(format string, args ...any) { fmt.Fprintf(c, format+"\n", args...) }

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func (c *canvas) text(x, y, size int, weight, fill, anchor, s string) {
	c.add(`<text x="%d" y="%d" font-size="%d" font-weight="%s" fill="%s" text-anchor="%s">%s</text>`, x, y, size, weight, fill, anchor, escape.Replace(s))
}

func (c *canvas) rect(x, y, w, h, r int, fill, edge string, stroke float64) {
	c.add(`<rect x="%d" y="%d" width="%d" height="%d" rx="%d" fill="%s" stroke="%s" stroke-width="%g"/>`, x, y, w, h, r, fill, edge, stroke)
}

// arrow draws a line through points "x,y x,y" with a head at its end.
func (c *canvas) arrow(points string, dashed bool) {
	dash := ""
	if dashed {
		dash = ` stroke-dasharray="5 4"`
	}
	c.add(`<polyline points="%s" fill="none" stroke="%s" stroke-width="1.6"%s marker-end="url(#head)"/>`, points, quiet, dash)
}

// wrap breaks text into lines of at most n characters.
func wrap(s string, n int) []string {
	var lines []string
	for _, w := range strings.Fields(s) {
		if last := len(lines) - 1; last >= 0 && len(lines[last])+1+len(w) <= n {
			lines[last] += " " + w
		} else {
			lines = append(lines, w)
		}
	}
	return lines
}

// SVG is docs/process.svg: the three levels, and the states of a case by kind
// with the main path from left to right.
func SVG() string {
	c := &canvas{}
	height := rowEnds + boxH + 74
	c.add(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-labelledby="title desc" font-family="'Segoe UI', 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif">`, width, height, width, height)
	c.add(`<title id="title">The Key Account Management process</title>`)
	c.add(`<desc id="desc">%s</desc>`, escape.Replace(description()))
	c.add(`<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0,0 L10,5 L0,10 z" fill="%s"/></marker></defs>`, quiet)
	c.rect(0, 0, width, height, 0, "#ffffff", "none", 0)
	c.text(margin, 40, 24, "700", ink, "start", "The Key Account Management process")
	c.level1()
	c.level2()
	c.level3()
	c.add(`</svg>`)
	return c.String()
}

func description() string {
	var path []string
	for _, s := range onboarding.MainPath {
		path = append(path, strings.ToLower(Name(s)))
	}
	return fmt.Sprintf("Level 1: five processes. Level 2: from 1.1 to 1.5, then the question whether the customer is a key account; key accounts go to 2.1, others to 3.1. Level 3: the %d states of a case. The main path is %s. From states where people decide, a case may also end as rejected, withdrawn, merged, expired or cancelled.", len(onboarding.States), strings.Join(path, ", "))
}

func (c *canvas) band(y, h int, title string) {
	c.rect(margin-12, y, width-2*margin+24, h, 10, paper, paperEdge, 1)
	c.text(margin, y+22, 13, "700", quiet, "start", title)
}

// label writes a box of the deck, its number in front.
func (c *canvas) label(x, y, w, h, size int, b kam.Box, fill, edge string) {
	c.rect(x, y, w, h, 7, fill, edge, 1.6)
	lines := wrap(b.Label(), 10*w/(7*size))
	for i, line := range lines {
		c.text(x+w/2, y+h/2+5-(len(lines)-1)*8+i*16, size, "600", ink, "middle", line)
	}
}

func (c *canvas) level1() {
	c.band(60, 116, "Level 1 · Process overview")
	x := margin
	for _, b := range kam.Boxes {
		if b.Level != 1 {
			continue
		}
		fill, edge := "#ffffff", paperEdge
		if b.Code == "1" {
			fill, edge = green, greenEdge
		}
		c.label(x, 94, 210, 50, 13, b, fill, edge)
		x += 210 + 25
	}
	c.arrow(fmt.Sprintf("%d,119 %d,119", margin+210, margin+233), false)
	c.arrow(fmt.Sprintf("%d,119 %d,119", margin+445, margin+468), false)
	// 1 leads to 3 as well, past 2, and the reviews of 3 lead back.
	there, back := margin+105, margin+575
	c.arrow(fmt.Sprintf("%d,158 %d,158 %d,146", there, back, back), false)
	c.arrow(fmt.Sprintf("%d,158 %d,158 %d,146", back, there, there), false)
	c.text((there+back)/2, 172, 11, "400", quiet, "middle", "customers that are no key accounts; reviews lead back")
}

func (c *canvas) level2() {
	c.band(190, 170, "Level 2 · 1 Analyze and Classify Customers")
	const w, gap, y, h = 136, 20, 242, 58
	x := margin
	for _, code := range []kam.StepCode{"1.1", "1.2", "1.3", "1.4", "1.5"} {
		b, _ := kam.BoxOf(code)
		c.label(x, y, w, h, 12, b, green, greenEdge)
		c.arrow(fmt.Sprintf("%d,%d %d,%d", x+w, y+h/2, x+w+gap-1, y+h/2), false)
		x += w + gap
	}
	mid := y + h/2
	c.add(`<polygon points="%d,%d %d,%d %d,%d %d,%d" fill="#ffffff" stroke="%s" stroke-width="1.6"/>`, x, mid, x+40, mid-30, x+80, mid, x+40, mid+30, greenEdge)
	ka, _ := kam.BoxOf(kam.BoxKA)
	c.text(x+40, mid+5, 13, "700", ink, "middle", ka.Name)
	for i, end := range []struct {
		outcome, box kam.StepCode
		y            int
	}{{kam.BoxKAs, "2.1", 212}, {kam.BoxNonKAs, "3.1", 292}} {
		b, _ := kam.BoxOf(end.box)
		edge := mid - 30 + 60*i
		c.arrow(fmt.Sprintf("%d,%d %d,%d %d,%d", x+40, edge, x+40, end.y+27, x+133, end.y+27), false)
		c.text(x+86, end.y+20, 12, "600", quiet, "middle", string(end.outcome))
		c.label(x+135, end.y, 118, 54, 12, b, "#ffffff", paperEdge)
	}
	review, _ := kam.BoxOf("3.3")
	c.label(1080, y, 96, h, 12, review, "#ffffff", paperEdge)
	c.arrow("1057,239 1128,239 1128,241", false)
	c.arrow("1057,319 1110,319 1110,302", false)
	c.arrow("1146,300 1146,354 248,354 248,302", true)
	c.text(590, 347, 11, "400", quiet, "middle", "a review may look at the customer again from 1.2, or change it from 1.1")
}
