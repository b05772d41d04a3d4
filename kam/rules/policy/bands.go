package policy

import (
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/kamflow/kamflow/kam"
)

// Bands give points to ranges of a number: each row starts at its bound and
// ends before the next one's. A value under the first bound gets the points
// of the first row.
type Bands []Band

// A Band is one row: From is the inclusive lower bound.
type Band struct{ From, Points kam.Dec }

// At is the points of a value.
func (b Bands) At(v kam.Dec) kam.Dec {
	p := kam.Dec(0)
	for i, row := range b {
		if i > 0 && v < row.From {
			break
		}
		p = row.Points
	}
	return p
}

// readBands reads a table, either as lower bounds [[0, 0], [5000, 40]] or as
// ranges [{min: 0, max: 5000, points: 0}, {min: 5000, points: 40}] whose max
// is exclusive. Both must cover the field's range without gap or overlap.
func (r *reader) readBands(n *yaml.Node, path string, tag reflect.StructTag) Bands {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.fail(n, path, kam.Say("write [[bound, points], ..]"), "expected a table of bands, found %s", kindName(n))
		return nil
	}
	before := len(r.problems)
	var rows []bandRow
	for i, c := range n.Content {
		rows = append(rows, r.readBandRow(c, fmt.Sprintf("%s[%d]", path, i)))
	}
	if len(r.problems) > before {
		return nil
	}
	highest := kam.DecFromInt(100)
	lowest := kam.Dec(0)
	if tag.Get("score") != "" {
		lowest, highest = kam.DecFromInt(1), kam.DecFromInt(5)
	}
	bands := make(Bands, len(rows))
	for i, row := range rows {
		bands[i] = row.Band
		if row.Points < lowest || row.Points > highest || tag.Get("score") != "" && row.Points%100 != 0 {
			r.fail(n.Content[i], path, kam.Say("give %s to %s", lowest, highest), "%s points are out of range", row.Points)
		}
		r.checkBandRow(n.Content[i], path, rows, i)
	}
	from, _ := limit(tag, "from")
	if rows[0].From > from {
		r.fail(n, path, kam.Say("start the table at %s", from), "values from %s to under %s have no points", from, rows[0].From)
	}
	if to, ok := limit(tag, "to"); ok {
		if last := rows[len(rows)-1]; last.From > to {
			r.fail(n, path, kam.Say("end the table at %s", to), "the band from %s lies outside the field's range, which ends at %s", last.From, to)
		} else if last.closed && last.to <= to {
			r.fail(n, path, kam.Say("leave max out of the last range"), "values from %s on have no points", last.to)
		}
	} else if last := rows[len(rows)-1]; last.closed {
		r.fail(n, path, kam.Say("leave max out of the last range"), "values from %s on have no points", last.to)
	}
	return bands
}

// A bandRow is a band with the exclusive end it was written with, if any.
type bandRow struct {
	Band
	to     kam.Dec
	closed bool
}

func (r *reader) readBandRow(n *yaml.Node, path string) (row bandRow) {
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) == 2:
		row.From, _ = r.number(n.Content[0], path+"[0]")
		row.Points, _ = r.number(n.Content[1], path+"[1]")
	case n.Kind == yaml.MappingNode:
		var rng struct {
			Min    kam.Dec  `yaml:"min"`
			Max    *kam.Dec `yaml:"max" opt:"true"`
			Points kam.Dec  `yaml:"points"`
		}
		r.read(n, reflect.ValueOf(&rng).Elem(), path, "")
		row.From, row.Points = rng.Min, rng.Points
		if rng.Max != nil {
			row.to, row.closed = *rng.Max, true
			if *rng.Max <= rng.Min {
				r.fail(n, path, kam.Say("give a max above min"), "the range from %s to %s is empty", rng.Min, *rng.Max)
			}
		}
	default:
		r.fail(n, path, kam.Say("write [bound, points]"), "expected a bound and its points")
	}
	return row
}

func (r *reader) checkBandRow(n *yaml.Node, path string, rows []bandRow, i int) {
	if i == 0 {
		return
	}
	prev, row := rows[i-1], rows[i]
	switch {
	case row.From <= prev.From:
		r.fail(n, path, kam.Say("sort the table by rising bounds, each once"), "bound %s does not rise above %s", row.From, prev.From)
	case prev.closed && row.From > prev.to:
		r.fail(n, path, kam.Say("let the range start at %s", prev.to), "gap: values from %s to under %s have no points", prev.to, row.From)
	case prev.closed && row.From < prev.to:
		r.fail(n, path, kam.Say("let the range start at %s", prev.to), "overlap: values from %s to under %s stand in two ranges", row.From, prev.to)
	}
}
