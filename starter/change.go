package main

import (
	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam"
)

// conflicts says whether somebody else changed the customer while the case is
// still to commit. A review has nothing of its own that could conflict.
func conflicts(s kam.Snapshot, c *parties.Change) bool {
	return c != nil && s.Type != kam.Reclassify && !s.State.Ended() && !s.State.AfterCommit() && c.CurrentVersion != c.BaseVersion
}

// printChange shows before and after, or the three versions where they
// conflict.
func (a *app) printChange(s kam.Snapshot, c *parties.Change) {
	if c == nil {
		return
	}
	if conflicts(s, c) {
		a.conflict(c)
		return
	}
	t := term.NewTable(a.text("label.field"), a.text("label.before"), a.text("label.after"))
	if s.Type == kam.Deactivate {
		t.Row("lifecycle_status *", string(kam.Active), string(kam.Inactive))
	}
	for _, f := range c.Fields {
		if f.Mine {
			t.Row(starred(f), oneLine(f.Base), oneLine(f.Request))
		}
	}
	a.section(a.text("label.changes"), t)
}

func (a *app) conflict(c *parties.Change) {
	t := term.NewTable(a.text("label.field"), a.text("conflict.base", c.BaseVersion), a.text("conflict.current", c.CurrentVersion), a.text("conflict.request"), a.text("conflict.clash"))
	for _, f := range c.Fields {
		was, wanted, clash := oneLine(f.Base), "", ""
		if f.Field == "contacts" && f.Theirs {
			was = a.text("conflict.gone") // persons are not kept with a case
		}
		if f.Mine {
			wanted = oneLine(f.Request)
		}
		if f.Mine && f.Theirs && f.Current != f.Request {
			clash = a.text("conflict.both")
		}
		t.Row(starred(f), was, oneLine(f.Current), wanted, clash)
	}
	a.section(a.text("conflict.title", c.BaseVersion, c.CurrentVersion), t)
}

// starred marks a material field as the form does.
func starred(f parties.FieldVersions) string {
	if f.Material {
		return f.Field + " *"
	}
	return f.Field
}
