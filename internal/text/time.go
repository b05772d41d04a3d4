package text

import "github.com/kamflow/kamflow/kam"

// Measured is the time in a stage against its target: "6.5 of 16 h", or "OVERDUE
// by 2 h, 18 of 16 h"; "" for none.
func (p *Printer) Measured(m *kam.Measure) string {
	switch {
	case m == nil:
		return ""
	case m.Target == 0:
		return p.Hours(&m.Worked)
	case m.Overdue:
		return p.Say("stage.overdue", m.Over.String(), m.Worked.String(), m.Target.String())
	}
	return p.Say("stage.time", m.Worked.String(), m.Target.String())
}

// Hours are working hours, "" for none.
func (p *Printer) Hours(h *kam.Dec) string {
	if h == nil {
		return ""
	}
	return p.Say("stage.hours", h.String())
}
