package page

import (
	"slices"
	"strings"

	"github.com/kamflow/kamflow/kam"
)

// A Line is one page of the navigation.
type Line struct {
	At    string // its path
	Text  string // id of its name
	Group string // id of the heading that it stands under, "" at the top
	// For are the roles that it is shown to, all where there are none. It hides
	// what is of no use; who may read, the service asks.
	For []kam.Role
	Key string // goes there, after g
}

// Nav is the navigation: a line for each page, in its order.
var Nav = []Line{
	{At: "/", Text: "nav.process", Key: "p"},
	{At: "/inbox", Text: "nav.inbox", Key: "i"},
	{At: "/start", Text: "nav.start", Key: "n", For: []kam.Role{kam.SalesRep, kam.TerritoryManager}},
	{At: "/requests", Text: "nav.requests", Key: "r"},
	{At: "/cases", Text: "nav.cases", Key: "c"},
	{At: "/customers", Text: "nav.customers", Key: "k"},
	{At: "/people/sign-ins", Text: "nav.signins", Group: "nav.steering", For: []kam.Role{kam.UserAdmin}},
}

// A NavGroup is a heading of the navigation with its lines.
type NavGroup struct {
	Text  string
	Lines []NavLine
}

// A NavLine is a line as a page shows it.
type NavLine struct {
	Line
	Here bool // this is the page, or it lies below
}

// Nav is the navigation for whoever is signed in.
func (f Frame) Nav() []NavGroup {
	if f.Person == nil {
		return nil
	}
	var all []NavGroup
	for _, l := range Nav {
		if len(l.For) > 0 && !slices.ContainsFunc(l.For, f.Person.Is) {
			continue
		}
		if len(all) == 0 || all[len(all)-1].Text != l.Group {
			all = append(all, NavGroup{Text: l.Group})
		}
		g := &all[len(all)-1]
		g.Lines = append(g.Lines, NavLine{l, f.At == l.At || l.At != "/" && strings.HasPrefix(f.At, l.At+"/")})
	}
	return all
}
