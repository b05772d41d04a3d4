// Package people is the page on which admins let people in: who signs in by
// what, and what of it waits for a second admin.
package people

import (
	"embed"
	"net/http"
	"strings"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/gateway/pages/link"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store/identity"
)

//go:embed people.html
var files embed.FS

// Page is what is shown.
type Page struct {
	Me         kam.UserID
	Waiting    []service.Proposal
	Identities []service.Identity
	Issuers    []string // that somebody may be linked by
	Typed      service.Identity
}

// Template is the page.
var Template = page.Parse[Page](files, "people.html")

// Mount puts the page behind a gate; issuers are the providers that people come
// by.
func Mount(g *gateway.Gate, s service.Service, signIns *identity.Store, issuers []string) {
	d := desk{g, s, signIns, append([]string{identity.Local}, issuers...)}
	g.Page("GET /people/sign-ins", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
		return d.show(w, r, v, "", nil)
	})
	g.Page("POST /people/sign-ins", gateway.Acts(d.propose, d.show))
	g.Page("POST /people/sign-ins/remove", gateway.Acts(d.remove, d.show))
	g.Page("POST /people/sign-ins/decide", gateway.Acts(d.decide, d.show))
	g.Page("POST /people/sign-ins/link", gateway.Acts(d.link, d.show))
}

type desk struct {
	gate    *gateway.Gate
	service service.Service
	signIns *identity.Store
	issuers []string
}

// show shows the page to whoever may read it: the service asks.
func (d desk) show(w http.ResponseWriter, r *http.Request, v *gateway.Visit, done string, refused error) error {
	p := Page{Me: v.Person.ID, Issuers: d.issuers}
	if refused != nil {
		p.Typed = named(r)
	}
	var err error
	if p.Identities, err = d.service.Identities(r.Context(), v.Who, ""); err != nil {
		return err
	}
	waiting, err := d.service.Proposals(r.Context(), v.Who, false)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		if w.Kind == service.ChangeIdentity {
			p.Waiting = append(p.Waiting, w)
		}
	}
	f := v.Answered(v.Text("people.title"), done, refused)
	return Template.Write(w, gateway.StatusOf(refused), f, p)
}

// named is the identity that a form names.
func named(r *http.Request) service.Identity {
	in := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	return service.Identity{User: kam.UserID(in("user")), Issuer: in("issuer"), Subject: in("subject")}
}

func (d desk) propose(r *http.Request, v *gateway.Visit) (string, error) {
	c, err := d.service.LinkIdentity(r.Context(), v.Who, service.OrgAct{Reason: r.PostForm.Get("reason")}, named(r))
	if err != nil || !c.Pending {
		return v.Text("people.agreed", c.What), err
	}
	return v.Text("people.proposed", c.Proposal, c.What), nil
}

func (d desk) remove(r *http.Request, v *gateway.Visit) (string, error) {
	c, err := d.service.UnlinkIdentity(r.Context(), v.Who, service.OrgAct{}, named(r))
	return v.Text("people.removed", c.What), err
}

func (d desk) decide(r *http.Request, v *gateway.Visit) (string, error) {
	no := r.PostForm.Get("proposal")
	if r.PostForm.Get("verdict") == "refuse" {
		c, err := d.service.Decline(r.Context(), v.Who, service.OrgAct{}, no)
		return v.Text("people.removed", c.What), err
	}
	c, err := d.service.Agree(r.Context(), v.Who, service.OrgAct{}, no)
	return v.Text("people.agreed", c.What), err
}

// link gives out the link by which the holder of a new account chooses his
// password; only to the admin who agreed to it.
func (d desk) link(r *http.Request, v *gateway.Visit) (string, error) {
	secret, i := identity.NewSecret(), named(r)
	act := service.OrgAct{DecisionID: service.NewDecisionID(), By: v.Person.ID, May: access.Permit}
	err := d.signIns.MakePasswordLink(r.Context(), act, secret, i.Subject, link.PasswordLasts)
	return v.Text("people.link", i.User, d.gate.Address(r)+link.At(secret)), err
}
