// Package me is the page of oneself: who I am to the system, where I am signed
// in, and what my programs sign in by.
package me

import (
	"embed"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store/identity"
)

//go:embed me.html
var files embed.FS

// Page is what is shown.
type Page struct {
	Me         kam.Person
	Posts      []string // nodes that he manages
	Works      []string // nodes that he works at besides
	Identities []service.Identity
	Sessions   []Session
	Tokens     []identity.Token
	Days       []int // that a new token may last
}

// A Session is one of his sessions, and whether it is this one.
type Session struct {
	identity.Session
	Here bool
}

// Admits says whether he lets others in.
func (p Page) Admits() bool { return p.Me.Is(kam.UserAdmin) }

// Login is the login of his local account, "" where he has none.
func (p Page) Login() string {
	for _, i := range p.Identities {
		if i.Issuer == identity.Local {
			return i.Subject
		}
	}
	return ""
}

// Template is the page.
var Template = page.Parse[Page](files, "me.html")

// Mount puts the page behind a gate. A token lasts at most as long as said.
func Mount(g *gateway.Gate, s service.Service, signIns *identity.Store, longest time.Duration) {
	m := mine{g, s, signIns, int(longest / day)}
	g.Page("GET /me", func(w http.ResponseWriter, r *http.Request, v *gateway.Visit) error { return m.show(w, r, v, "", nil) })
	g.Page("POST /me/sessions", gateway.Acts(m.endSession, m.show))
	g.Page("POST /me/tokens", gateway.Acts(m.makeToken, m.show))
	g.Page("POST /me/tokens/revoke", gateway.Acts(m.revokeToken, m.show))
	g.Page("POST /me/password", g.Throttled(gateway.Acts(m.changePassword, m.show)))
}

const day = 24 * time.Hour

type mine struct {
	gate    *gateway.Gate
	service service.Service
	signIns *identity.Store
	longest int // days
}

func (m mine) show(w http.ResponseWriter, r *http.Request, v *gateway.Visit, done string, refused error) error {
	ctx, me := r.Context(), *v.Person
	p := Page{Me: me}
	for _, n := range me.Nodes {
		if slices.Contains(me.NoPost, n) || !manages(me) {
			p.Works = append(p.Works, n)
		} else {
			p.Posts = append(p.Posts, n)
		}
	}
	for _, n := range []int{1, 7, 30, 90, 365} {
		if n <= m.longest {
			p.Days = append(p.Days, n)
		}
	}
	var err error
	if p.Identities, err = m.service.Identities(ctx, v.Who, me.ID); err != nil {
		return err
	}
	sessions, err := m.signIns.SessionsOf(ctx, me.ID)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, Session{s, s.ID == v.Session})
	}
	if p.Tokens, err = m.signIns.TokensOf(ctx, me.ID); err != nil {
		return err
	}
	f := v.Answered(v.Text("me.title"), done, refused)
	return Template.Write(w, gateway.StatusOf(refused), f, p)
}

func manages(p kam.Person) bool { return slices.ContainsFunc(kam.ManagerRoles, p.Is) }

func actOf(v *gateway.Visit) service.OrgAct {
	return service.OrgAct{DecisionID: service.NewDecisionID(), By: v.Person.ID}
}

func (m mine) endSession(r *http.Request, v *gateway.Visit) (string, error) {
	if id := r.PostForm.Get("session"); id != "" {
		return v.Text("me.ended"), m.signIns.EndSession(r.Context(), v.Person.ID, id)
	}
	return v.Text("me.endedothers"), m.signIns.EndOthers(r.Context(), v.Person.ID, v.Session)
}

func (m mine) makeToken(r *http.Request, v *gateway.Visit) (string, error) {
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil || days < 1 || days > m.longest {
		return "", kam.Errorf(kam.Invalid, "is not within 1 to %d", m.longest).On("days").Try("choose one of the list")
	}
	secret := identity.NewTokenSecret()
	err = m.signIns.MakeToken(r.Context(), actOf(v), secret, r.PostForm.Get("name"), identity.Scope(r.PostForm.Get("scope")), time.Duration(days)*day)
	if err != nil {
		return "", err
	}
	return v.Text("me.token", secret), nil
}

func (m mine) revokeToken(r *http.Request, v *gateway.Visit) (string, error) {
	no := r.PostForm.Get("token")
	return v.Text("me.revoked", no), m.signIns.RevokeToken(r.Context(), actOf(v), no)
}

func (m mine) changePassword(r *http.Request, v *gateway.Visit) (string, error) {
	in := r.PostForm.Get
	if in("password") != in("again") {
		return "", kam.Errorf(kam.Invalid, "the two differ").On("again").Try("type the same password twice")
	}
	err := m.signIns.ChangePassword(r.Context(), actOf(v), in("login"), in("before"), in("password"))
	if err == nil {
		err = m.gate.SignIn(r, v.Person.ID, identity.Local) // all sessions have ended
	}
	return v.Text("me.changed"), err
}
