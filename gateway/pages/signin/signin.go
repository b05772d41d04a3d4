// Package signin is the page by which people come in, and the way out.
package signin

import (
	"embed"
	"net/http"
	"net/url"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/openid"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/identity"
)

//go:embed signin.html
var files embed.FS

// Page is what is shown.
type Page struct {
	Login     string
	Then      string // where he wanted to go
	Providers []*Provider
}

// A Provider is another house that says who somebody is.
type Provider = openid.Provider

// Address is where signing in by a provider begins.
func (p Page) Address(provider *Provider) string {
	return "/sign-in/with/" + url.PathEscape(provider.Name) + "?then=" + url.QueryEscape(p.Then)
}

// Template is the page.
var Template = page.Parse[Page](files, "signin.html")

// Mount puts the page behind a gate.
func Mount(g *gateway.Gate, accounts *identity.Store, providers []*Provider) {
	show := func(w http.ResponseWriter, v *gateway.Visit, p Page, err error) error {
		f := v.Answered(v.Text("signin.title"), "", err)
		p.Providers = providers
		return Template.Write(w, gateway.StatusOf(err), f, p)
	}
	g.Open("GET /sign-in", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
		then := gateway.Local(r.FormValue("then"))
		if v.Person != nil {
			http.Redirect(w, r, then, http.StatusSeeOther)
			return nil
		}
		return show(w, v, Page{Then: then}, nil)
	})
	g.Open("POST /sign-in", g.Throttled(func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
		p := Page{Login: r.PostForm.Get("login"), Then: gateway.Local(r.PostForm.Get("then"))}
		user, err := accounts.CheckPassword(r.Context(), p.Login, r.PostForm.Get("password"))
		if kam.CodeOf(err) == kam.Forbidden {
			return show(w, v, p, g.Refused(r, gateway.RefusedPassword, err))
		}
		if err == nil {
			err = g.SignIn(r, user, identity.Local)
		}
		if err != nil {
			return err
		}
		http.Redirect(w, r, p.Then, http.StatusSeeOther)
		return nil
	}))
	o := others{g, accounts, providers}
	g.Open("GET /sign-in/with/{provider}", g.Throttled(o.begin))
	g.Open("GET "+BackAt+"{provider}", g.Throttled(o.finish))
	g.Open("POST /sign-out", func(w http.ResponseWriter, r *http.Request, _ *gateway.Visit) error {
		if err := g.SignOut(r); err != nil {
			return err
		}
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return nil
	})
}
