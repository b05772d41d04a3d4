// Package link is the page behind a one-time link: it signs in, has the holder
// of a new account choose his password, or sets up the first admins.
package link

import (
	"embed"
	"net/http"
	"time"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/identity"
)

//go:embed link.html
var files embed.FS

// Page is what is shown.
type Page struct {
	Purpose identity.Purpose
	User    kam.UserID
	Login   string
	Second  string // the link of the second admin, once the first two are set up
	// What was typed before something was refused.
	First, FirstName, Other, OtherName string
}

// Template is the page.
var Template = page.Parse[Page](files, "link.html")

// At is the path of a link.
func At(secret string) string { return "/link/" + secret }

// PasswordLasts is how long the holder of a new account has to choose his
// password.
const PasswordLasts = 7 * 24 * time.Hour

// Mount puts the page behind a gate.
func Mount(g *gateway.Gate, accounts *identity.Store) {
	l := links{g, accounts}
	g.Open("GET /link/{secret}", g.Throttled(l.show))
	g.Open("POST /link/{secret}", g.Throttled(l.use))
}

type links struct {
	gate     *gateway.Gate
	accounts *identity.Store
}

var titles = map[identity.Purpose]string{
	identity.LinkFirst:    "link.first",
	identity.LinkPassword: "link.password",
	identity.LinkSignIn:   "link.signin",
}

func (l links) page(w http.ResponseWriter, v *gateway.Visit, p Page, err error) error {
	return Template.Write(w, gateway.StatusOf(err), v.Answered(v.Text(titles[p.Purpose]), "", err), p)
}

// show says what a link is for. A browser that opens it because its user clicked
// on it outside of any page, on this machine, is in at once; whatever fetches
// links ahead uses none up.
func (l links) show(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
	k, err := l.accounts.LinkOf(r.Context(), r.PathValue("secret"))
	if err != nil {
		return l.gate.Refused(r, gateway.RefusedLink, err)
	}
	if k.Purpose == identity.LinkSignIn && l.gate.Base == nil && r.Header.Get("Sec-Fetch-Site") == "none" && r.Header.Get("Sec-Purpose") == "" {
		return l.signIn(w, r)
	}
	return l.page(w, v, Page{Purpose: k.Purpose, User: k.User, Login: k.Subject}, nil)
}

func (l links) signIn(w http.ResponseWriter, r *http.Request) error {
	user, err := l.accounts.UseSignInLink(r.Context(), r.PathValue("secret"))
	if err != nil {
		return l.gate.Refused(r, gateway.RefusedLink, err)
	}
	if err := l.gate.SignIn(r, user, gateway.ViaLink); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (l links) use(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
	k, err := l.accounts.LinkOf(r.Context(), r.PathValue("secret"))
	if err != nil {
		return l.gate.Refused(r, gateway.RefusedLink, err)
	}
	switch k.Purpose {
	case identity.LinkSignIn:
		return l.signIn(w, r)
	case identity.LinkPassword:
		return l.choose(w, r, v, k)
	}
	return l.setUp(w, r, v)
}

// chosen is the password that was typed twice.
func chosen(r *http.Request) (string, error) {
	if r.PostForm.Get("password") != r.PostForm.Get("again") {
		return "", kam.Errorf(kam.Invalid, "the two differ").On("again").Try("type the same password twice")
	}
	return r.PostForm.Get("password"), nil
}

func (l links) choose(w http.ResponseWriter, r *http.Request, v *gateway.Visit, k identity.Link) error {
	password, err := chosen(r)
	var user kam.UserID
	if err == nil {
		user, err = l.accounts.ChoosePassword(r.Context(), r.PathValue("secret"), password)
	}
	if kam.CodeOf(err) == kam.Invalid {
		return l.page(w, v, Page{Purpose: k.Purpose, User: k.User, Login: k.Subject}, err)
	}
	if err == nil {
		err = l.gate.SignIn(r, user, identity.Local)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (l links) setUp(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
	in := r.PostForm.Get
	p := Page{Purpose: identity.LinkFirst, First: in("first"), FirstName: in("first_name"), Other: in("second"), OtherName: in("second_name")}
	password, err := chosen(r)
	f := identity.Founding{
		Link: r.PathValue("secret"), Password: password, SecondLink: identity.NewSecret(),
		First: identity.Founder{User: kam.UserID(p.First), Name: p.FirstName}, Second: identity.Founder{User: kam.UserID(p.Other), Name: p.OtherName},
	}
	if err == nil {
		err = l.accounts.SetUp(r.Context(), f, PasswordLasts)
	}
	if kam.AsError(err) != nil {
		return l.page(w, v, p, err)
	}
	if err == nil {
		err = l.gate.SignIn(r, f.First.User, identity.Local)
	}
	if err != nil {
		return err
	}
	p.Second = l.gate.Address(r) + At(f.SecondLink)
	return l.page(w, v, p, nil)
}
