// Package terminal is how starter and other programs sign in: the program shows a
// code, and whoever is signed in with a browser agrees that it acts as him.
package terminal

import (
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/api"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/routes"
	"github.com/kamflow/kamflow/store/identity"
)

//go:embed terminal.html
var files embed.FS

// Page is what is shown: a terminal to agree to, or without one where to type its
// code.
type Page struct {
	Code     string
	Terminal *identity.Terminal
	Days     int
	Closed   bool // decided on
}

// Template is the page.
var Template = page.Parse[Page](files, "terminal.html")

// At is the path of the page.
const At = "/terminal"

// Mount puts the page and what programs send behind a gate. A token that is made so
// lasts as long as said.
func Mount(g *gateway.Gate, signIns *identity.Store, owner gateway.Owner, lasts time.Duration) {
	t := terminals{g, signIns, owner, lasts}
	g.Page("GET "+At, g.Throttled(t.show))
	g.Page("POST "+At, g.Throttled(t.decide))
	g.Mount("POST "+routes.Login, t.program(t.ask))
	g.Mount("POST "+routes.LoginWait, t.program(t.wait))
	g.Mount("POST "+routes.LoginOwn, t.program(t.own))
	g.Mount("POST "+routes.Logout, t.program(t.logout))
}

type terminals struct {
	gate    *gateway.Gate
	signIns *identity.Store
	owner   gateway.Owner
	lasts   time.Duration
}

// every is how often a program asks what became of it.
const every = 2 * time.Second

// maxAsked bounds what a program sends, in bytes.
const maxAsked = 4 << 10

// program answers what a program sends, bounded as trying to get in is.
func (t terminals) program(do func(r *http.Request, a routes.LoginAsked) (routes.LoginAnswer, error)) http.Handler {
	throttled := t.gate.Throttled(func(w http.ResponseWriter, r *http.Request, _ *gateway.Visit) error {
		var a routes.LoginAsked
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAsked))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&a); err != nil {
			return kam.Errorf(kam.Invalid, "what was sent cannot be read").Try("send one JSON document, as docs/api.md shows")
		}
		answer, err := do(r, a)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(answer)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		err := throttled(w, r, nil)
		if err != nil && kam.AsError(err) == nil {
			t.gate.Log.Error("a program cannot sign in", "error", err)
		}
		if err != nil {
			api.Answer(w, err)
		}
	})
}

func (t terminals) ask(r *http.Request, a routes.LoginAsked) (routes.LoginAnswer, error) {
	secret := identity.NewTokenSecret()
	code, err := t.signIns.AskTerminal(r.Context(), secret, a.Name)
	if err != nil {
		return routes.LoginAnswer{}, err
	}
	page := t.gate.Address(r) + At
	return routes.LoginAnswer{Device: secret, Code: code, Page: page, Whole: page + "?code=" + code, Expires: int(identity.TerminalLasts / time.Second), Every: int(every / time.Second)}, nil
}

func (t terminals) wait(r *http.Request, a routes.LoginAsked) (routes.LoginAnswer, error) {
	got, err := t.signIns.TerminalBy(r.Context(), a.Device)
	return routes.LoginAnswer{State: string(got.State), User: got.User}, err
}

// own signs the owner of the machine in as somebody. He could read the database all
// the same; so it is on the trail.
func (t terminals) own(r *http.Request, a routes.LoginAsked) (routes.LoginAnswer, error) {
	if !t.owner.Is(r) {
		return routes.LoginAnswer{}, identity.ErrNobody
	}
	if _, err := t.gate.People.Person(r.Context(), service.As(a.User), a.User); err != nil {
		return routes.LoginAnswer{}, err
	}
	secret := identity.NewTokenSecret()
	act := service.OrgAct{DecisionID: service.NewDecisionID(), By: a.User}
	if err := t.signIns.MakeToken(r.Context(), act, secret, a.Name, identity.ScopeAll, t.lasts); err != nil {
		return routes.LoginAnswer{}, err
	}
	return routes.LoginAnswer{Token: secret, User: a.User}, nil
}

// logout ends the token that a request carries. It may run twice.
func (t terminals) logout(r *http.Request, _ routes.LoginAsked) (routes.LoginAnswer, error) {
	token, err := t.gate.TokenOf(r)
	if errors.Is(err, identity.ErrNobody) {
		return routes.LoginAnswer{}, nil
	}
	if err == nil {
		err = t.signIns.RevokeToken(r.Context(), service.OrgAct{DecisionID: service.NewDecisionID(), By: token.User}, token.No)
	}
	return routes.LoginAnswer{}, err
}

func (t terminals) page(w http.ResponseWriter, v *gateway.Visit, p Page, done string, err error) error {
	f := v.Answered(v.Text("terminal.title"), done, err)
	p.Days = int(t.lasts / (24 * time.Hour))
	return Template.Write(w, gateway.StatusOf(err), f, p)
}

func (t terminals) show(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
	p := Page{Code: r.FormValue("code")}
	if p.Code == "" {
		return t.page(w, v, p, "", nil)
	}
	got, err := t.signIns.TerminalOf(r.Context(), p.Code)
	if err != nil && kam.AsError(err) == nil {
		return err
	}
	if err == nil {
		p.Terminal = &got
	}
	return t.page(w, v, p, "", err)
}

func (t terminals) decide(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error {
	code, done := r.PostForm.Get("code"), v.Text("terminal.declined")
	var err error
	if r.PostForm.Get("answer") == "agree" {
		done = v.Text("terminal.agreed")
		err = t.signIns.AgreeTerminal(r.Context(), service.OrgAct{DecisionID: service.NewDecisionID(), By: v.Person.ID}, code, t.lasts)
	} else {
		err = t.signIns.DeclineTerminal(r.Context(), v.Person.ID, code)
	}
	if err != nil && kam.AsError(err) == nil {
		return err
	}
	if err != nil {
		done = ""
	}
	return t.page(w, v, Page{Code: code, Closed: err == nil}, done, err)
}
