package gateway

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// A Visit is one request for a page.
type Visit struct {
	Who     service.Principal
	Person  *kam.Person // nil where nobody is signed in
	Session string      // the id of his session
	// Words are those of his language, in his zone.
	page.Words
	form, at, here, done string
	waits                page.Waits
}

// Frame is what stands around the page, with its title.
func (v *Visit) Frame(title string) page.Frame {
	return page.Frame{Title: title, Person: v.Person, Form: v.form, Done: v.done, Words: v.Words, At: v.at, Here: v.here, Waits: v.waits}
}

// Answered is the frame of a page that shows what came of a form: what was done,
// or what was refused.
func (v *Visit) Answered(title, done string, refused error) page.Frame {
	f := v.Frame(title)
	if f.Wrong = page.WrongOf(refused); f.Wrong == nil && done != "" {
		f.Done = done
	}
	return f
}

// A Handler answers a request for a page. An error that it returns is shown by
// a page of its own.
type Handler func(w http.ResponseWriter, r *http.Request, v *Visit) error

// Acts carries out what a form asks for, and has the page show what came of it:
// what was done or what was refused, never both.
func Acts(do func(r *http.Request, v *Visit) (done string, err error), show func(w http.ResponseWriter, r *http.Request, v *Visit, done string, refused error) error) Handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		done, err := do(r, v)
		switch {
		case err == nil:
			return show(w, r, v, done, nil)
		case kam.AsError(err) == nil:
			return err
		}
		return show(w, r, v, "", err)
	}
}

// maxForm bounds what a form sends.
const maxForm = 1 << 20

// Page puts a page for people who are signed in behind the gate. Who is not is
// asked to sign in and comes back.
func (g *Gate) Page(pattern string, h Handler) { g.page(pattern, true, h) }

// Open puts a page that needs nobody to be signed in behind the gate.
func (g *Gate) Open(pattern string, h Handler) { g.page(pattern, false, h) }

func (g *Gate) page(pattern string, signedIn bool, h Handler) {
	g.Mount(pattern, http.MaxBytesHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := g.visit(w, r, signedIn)
		switch {
		case SignedOut(err) && safe(r):
			http.Redirect(w, r, "/sign-in?then="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		case err == nil:
			err = h(w, r, v)
		}
		if err != nil {
			g.failOn(w, r, v, err)
		}
	}), maxForm))
}

func (g *Gate) visit(w http.ResponseWriter, r *http.Request, signedIn bool) (*Visit, error) {
	v := g.reader(r)
	if !safe(r) {
		if err := r.ParseForm(); err != nil {
			return v, kam.Errorf(kam.Invalid, "the form cannot be read").Try("go back and send it again")
		}
		if !g.formHolds(r) {
			return v, g.refuse(r, refusedForm, errForm)
		}
	}
	v.form = g.formToken(w, r)
	who, err := g.Principal(r)
	if SignedOut(err) && !signedIn {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	p, err := g.People.Person(r.Context(), who, who.User())
	if err != nil {
		return v, err
	}
	v.Who, v.Person, v.Session = who, &p, g.sessions.GetString(r.Context(), sessionID)
	if safe(r) {
		v.done = g.sessions.PopString(r.Context(), sessionDone)
	}
	if v.Names, err = g.names.get(r.Context(), g.Names); err != nil {
		return v, err
	}
	if g.Waits != nil {
		v.waits, err = g.Waits(r.Context(), who)
	}
	return v, err
}

// Then sends a browser on to another page after a form, which says there what was
// done.
func (g *Gate) Then(w http.ResponseWriter, r *http.Request, to, done string) {
	g.sessions.Put(r.Context(), sessionDone, done)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// errForm says what to do about a form that is not of this visit.
var errForm = kam.Errorf(kam.Forbidden, "the form was not made for this session").Try("open the page again and send it once more; cookies must be allowed")

// Keep has a browser keep a value for a time, out of the reach of scripts and of
// other houses; for no time, that it forgets it.
func (g *Gate) Keep(w http.ResponseWriter, name, value string, lasts time.Duration) {
	c := &http.Cookie{Name: g.cookieName(name), Value: value, Path: "/", MaxAge: int(lasts.Seconds()), HttpOnly: true, Secure: g.secure(), SameSite: http.SameSiteLaxMode}
	if lasts == 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// Kept is what a browser was to keep.
func (g *Gate) Kept(r *http.Request, name string) string {
	c, err := r.Cookie(g.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// formSecret is what the token of a form is made of: what only this browser
// sends, by its session or, where nobody is signed in, by a cookie of its own.
func (g *Gate) formSecret(r *http.Request) string {
	name := "visitor"
	if g.sessions.GetString(r.Context(), sessionUser) != "" {
		name = "session"
	}
	return g.Kept(r, name)
}

func tokenOf(secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("kam form"))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// formToken is the token of this browser's forms. A browser without any gets
// what it is made of.
func (g *Gate) formToken(w http.ResponseWriter, r *http.Request) string {
	secret := g.formSecret(r)
	if secret == "" {
		secret = rand.Text()
		g.Keep(w, "visitor", secret, 24*time.Hour)
	}
	return tokenOf(secret)
}

// FormHeader carries the token of a form where a script sends it.
const FormHeader = "Kam-Form"

// formHolds says whether a request carries the token of its browser's forms.
func (g *Gate) formHolds(r *http.Request) bool {
	secret, sent := g.formSecret(r), r.Header.Get(FormHeader)
	if sent == "" && r.Form != nil {
		sent = r.Form.Get("form")
	}
	return secret != "" && hmac.Equal([]byte(sent), []byte(tokenOf(secret)))
}

// simple says whether a browser would send the request for any page, without
// asking first: only what does not need a token of a form is something else.
func simple(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err != nil || kind == "application/x-www-form-urlencoded" || kind == "multipart/form-data" || kind == "text/plain"
}

func safe(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
}

// Address is where the sender of a request finds this gateway, without a path.
func (g *Gate) Address(r *http.Request) string {
	if g.Base != nil {
		return g.Base.Scheme + "://" + g.Base.Host
	}
	return "http://" + r.Host
}

// Local is where somebody wanted to go, where that is on this gateway; else the
// way home.
func Local(then string) string {
	u, err := url.Parse(then)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(then, "/") || strings.HasPrefix(then, "//") || strings.ContainsAny(then, "\\\r\n\t") {
		return "/"
	}
	return then
}

var failed = page.Parse[struct{}](errorFiles, "error.html")

// failOn shows what went wrong: a refusal in its words, a fault without any.
func (g *Gate) failOn(w http.ResponseWriter, r *http.Request, v *Visit, err error) {
	if kam.CodeOf(err) == "" {
		g.Log.Error("a page failed", "pattern", r.Pattern, "error", err)
	}
	f := v.Frame(v.Text("page.failed"))
	if f.Wrong = page.WrongOf(err); f.Wrong == nil {
		f.Wrong = &page.Wrong{Text: kam.Word(v.Text("page.fault"))}
	}
	if err := failed.Write(w, StatusOf(err), f, struct{}{}); err != nil {
		g.Log.Error("an error cannot be shown", "error", err)
	}
}

// fail is failOn before it is known who asks.
func (g *Gate) fail(w http.ResponseWriter, r *http.Request, err error) {
	g.failOn(w, r, g.reader(r), err)
}

// StatusOf is the HTTP status of an error, 200 for none.
func StatusOf(err error) int {
	if err == nil {
		return http.StatusOK
	}
	switch {
	case SignedOut(err):
		return http.StatusUnauthorized
	case errors.Is(err, errThrottled):
		return http.StatusTooManyRequests
	}
	if status, ok := map[kam.Code]int{
		kam.Invalid: http.StatusUnprocessableEntity, kam.ReasonNeeded: http.StatusUnprocessableEntity, kam.TargetInvalid: http.StatusUnprocessableEntity,
		kam.NotFound: http.StatusNotFound, kam.Forbidden: http.StatusForbidden, kam.Separation: http.StatusForbidden,
		kam.WrongState: http.StatusConflict, kam.StaleRevision: http.StatusConflict, kam.AlreadyDecided: http.StatusConflict, kam.RoundsUsed: http.StatusConflict,
		kam.IDReused: http.StatusConflict, kam.OpenCaseExists: http.StatusConflict, kam.Claimed: http.StatusConflict, kam.TooLate: http.StatusGone,
		kam.Unreachable: http.StatusServiceUnavailable,
	}[kam.CodeOf(err)]; ok {
		return status
	}
	return http.StatusInternalServerError
}
