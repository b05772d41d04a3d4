package procdoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
)

// place is the corner of a state in the picture: the main path in two lines,
// the states beside it below them, ends in the last line.
func place(s onboarding.State) (x, y int) {
	if main, ok := besides[s]; ok {
		x, y = place(main)
		if y == rowA {
			return x, rowAside
		}
		return x, rowBside
	}
	if i := slices.Index(onboarding.MainPath, s); i >= 0 && s != onboarding.Completed {
		x = margin + i%perRow*(colWidth+colGap)
		if i < perRow {
			return x, rowA
		}
		return x, rowB
	}
	if s == onboarding.Completed {
		x, _ = place(onboarding.HandingOff)
		return x, rowBside
	}
	if s == onboarding.NeedsIntervention {
		return margin, rowBside
	}
	ends := []onboarding.State{onboarding.Rejected, onboarding.Withdrawn, onboarding.Merged, onboarding.Expired, onboarding.Cancelled}
	return margin + slices.Index(ends, s)*(colWidth+65), rowEnds
}

func (c *canvas) state(s onboarding.StateSpec) {
	x, y := place(s.State)
	fill, edge := paint[s.Kind][0], paint[s.Kind][1]
	if s.State == onboarding.Completed {
		fill, edge = green, greenEdge
	}
	c.rect(x, y, colWidth, boxH, 8, fill, edge, 1.6)
	step := s.Step.Label()
	if of := stageSteps(s.State); of != "" {
		step = of
	}
	if s.Kind == kam.End {
		step = ""
	}
	if s.State == onboarding.NeedsIntervention {
		step = "after a fault in any step; a retry resumes there"
	}
	lines := wrap(step, 27)
	top := y + boxH/2 + 5 - len(lines)*7
	size := 13
	if len(Name(s.State)) > 18 {
		size = 12
	}
	c.text(x+colWidth/2, top, size, "700", ink, "middle", Name(s.State))
	for i, line := range lines {
		c.text(x+colWidth/2, top+16+i*14, 11, "400", ink, "middle", line)
	}
}

// words are the events that lead from one state to another, for people.
func words(from, to onboarding.State) string {
	var events []string
	for _, t := range onboarding.Transitions {
		if w := strings.ReplaceAll(string(t.Event), "_", " "); t.From == from && t.To == to && !slices.Contains(events, w) {
			events = append(events, w)
		}
	}
	return strings.Join(events, ", ")
}

// origins are the states from which a case can end as end.
func origins(end onboarding.State) []string {
	var from []string
	for _, t := range onboarding.Transitions {
		if n := Name(t.From); t.To == end && !slices.Contains(from, n) {
			from = append(from, n)
		}
	}
	return from
}

func (c *canvas) level3() {
	c.band(376, rowEnds-376+boxH+62, fmt.Sprintf("Level 3 · The %d states of a case", len(onboarding.States)))
	c.text(margin, 416, 11, "400", quiet, "start", fmt.Sprintf("drawn for a new customer; process.md has all %d transitions", len(onboarding.Transitions)))
	c.legend()
	c.mainPath()
	c.detours()
	for _, s := range onboarding.States {
		c.state(s)
	}
	c.text(margin, rowEnds-14, 13, "700", quiet, "start", "Other ends, and where they are reached from")
	for _, s := range onboarding.States {
		if s.Kind != kam.End || s.State == onboarding.Completed {
			continue
		}
		x, y := place(s.State)
		from := origins(s.State)
		text := strings.Join(from, ", ")
		if len(from) > 5 {
			text = fmt.Sprintf("%d states before the commit", len(from))
		}
		for i, line := range wrap(text, 36) {
			c.text(x, y+boxH+16+i*14, 11, "400", quiet, "start", line)
		}
	}
}

func (c *canvas) legend() {
	x := width - margin - 612
	for _, l := range []struct {
		kind kam.StateKind
		text string
		w    int
	}{{kam.Human, "waits for a person", 152}, {kam.Automatic, "runs by itself", 124}, {kam.End, "end", 60}} {
		c.rect(x, 388, 16, 14, 3, paint[l.kind][0], paint[l.kind][1], 1.4)
		c.text(x+22, 400, 12, "400", ink, "start", l.text)
		x += l.w
	}
	c.add(`<line x1="%d" y1="395" x2="%d" y2="395" stroke="%s" stroke-width="2" stroke-dasharray="2 3"/>`, x, x+24, greenEdge)
	c.text(x+30, 400, 12, "400", ink, "start", "commit: from here a case only completes")
}

// mainPath draws the arrows between neighbours of the main path, all of which
// stand in the table.
func (c *canvas) mainPath() {
	for i, from := range onboarding.MainPath[:len(onboarding.MainPath)-1] {
		to := onboarding.MainPath[i+1]
		if words(from, to) == "" {
			continue
		}
		x, y := place(from)
		x2, y2 := place(to)
		switch {
		case to == onboarding.Completed:
			c.arrow(fmt.Sprintf("%d,%d %d,%d", x+colWidth/2, y+boxH, x+colWidth/2, y2-2), false)
		case y == y2:
			c.arrow(fmt.Sprintf("%d,%d %d,%d", x+colWidth, y+boxH/2, x2-2, y+boxH/2), false)
		default: // to the next line
			turn := rowB - 42
			c.arrow(fmt.Sprintf("%d,%d %d,%d %d,%d %d,%d", x+colWidth/2, y+boxH, x+colWidth/2, turn, x2+colWidth/2, turn, x2+colWidth/2, y2-2), false)
		}
	}
	// The ways past a state that not every case needs.
	x, y := place(onboarding.AwaitingConfirmation)
	c.arrow(fmt.Sprintf("%d,%d %d,%d", x+colWidth/2, y+boxH, x+colWidth/2, rowB-44), false)
	c.text(x+colWidth/2+8, rowAside+50, 11, "400", quiet, "start", "details complete")
	x, y = place(onboarding.Classifying)
	x2, _ := place(onboarding.HandingOff)
	c.arrow(fmt.Sprintf("%d,%d %d,%d %d,%d %d,%d", x+colWidth/2, y, x+colWidth/2, y-22, x2+colWidth/2, y-22, x2+colWidth/2, y-2), false)
	c.text((x+x2+colWidth)/2, y-8, 11, "400", quiet, "middle", "no change of status")
	// The commit stands between validating and classifying.
	x -= colGap / 2
	c.add(`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="2" stroke-dasharray="2 3"/>`, x, rowB-34, x, rowBside+boxH, greenEdge)
}

// detours draws the states beside the main path, with the events that lead
// there, back and onward.
func (c *canvas) detours() {
	for _, s := range onboarding.States {
		main, ok := besides[s.State]
		if !ok {
			continue
		}
		x, y := place(main)
		_, y2 := place(s.State)
		if down := words(main, s.State); down != "" {
			if s.State == onboarding.ComplianceReview {
				down = "refer compliance"
			}
			c.arrow(fmt.Sprintf("%d,%d %d,%d", x+24, y+boxH, x+24, y2-2), false)
			first, _, _ := strings.Cut(down, ",") // what follows is for the other case types
			c.text(x+30, y+boxH+18, 11, "400", quiet, "start", first)
		}
		if up := words(s.State, main); up != "" && main == onboarding.Validating {
			c.arrow(fmt.Sprintf("%d,%d %d,%d", x+colWidth-24, y2, x+colWidth-24, y+boxH+2), false)
			c.text(x+colWidth-30, y2-8, 11, "400", quiet, "end", up)
		}
	}
	c.onward(onboarding.DuplicateReview, onboarding.DataEntry)
	c.onward(onboarding.ChangesRequested, onboarding.Deciding)
	c.onward(onboarding.ComplianceReview, onboarding.AwaitingConfirmation)

	// Back to the requester: sent back by a manager, or failed in validation.
	x, y := place(onboarding.ChangesRequested)
	x4, y4 := place(onboarding.AwaitingConfirmation)
	floor := y + boxH + 18
	c.arrow(fmt.Sprintf("%d,%d %d,%d %d,%d %d,%d", x4+50, y4+boxH, x4+50, floor, x+110, floor, x+110, y+boxH+2), false)
	c.text(x4+42, floor-6, 11, "400", quiet, "end", words(onboarding.AwaitingConfirmation, onboarding.ChangesRequested))
	_, yv := place(onboarding.Validating)
	c.arrow(fmt.Sprintf("%d,%d %d,%d", x+50, yv, x+50, y+boxH+2), false)
	c.text(x+58, yv-10, 11, "400", quiet, "start", words(onboarding.Validating, onboarding.ChangesRequested))
}

// onward draws the way from a state beside the main path to the next column.
func (c *canvas) onward(from, to onboarding.State) {
	event := words(from, to)
	if event == "" {
		return
	}
	x, y := place(from)
	x2, y2 := place(to)
	mid, turn := x+colWidth+colGap/2, y2+boxH+28
	c.arrow(fmt.Sprintf("%d,%d %d,%d %d,%d %d,%d %d,%d", x+colWidth, y+boxH/2, mid, y+boxH/2, mid, turn, x2+10, turn, x2+10, y2+boxH+2), false)
	first, _, _ := strings.Cut(event, ",")
	c.text(x+colWidth-4, y-8, 11, "400", quiet, "end", first)
}
