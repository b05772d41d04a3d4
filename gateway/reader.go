package gateway

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/identity"
)

// reader is a visit of which only is known how it reads: in the language that its
// person chose, else that of the cookie, else what the browser accepts; in the zone
// that the browser says it is in.
func (g *Gate) reader(r *http.Request) *Visit {
	v := &Visit{at: r.URL.Path, here: r.URL.RequestURI()}
	if !safe(r) {
		v.here = r.URL.Path
	}
	v.Now, v.Zone = time.Now(), time.UTC
	if c, err := r.Cookie(zoneCookie); err == nil && len(c.Value) < 100 {
		if name, err := url.QueryUnescape(c.Value); err == nil {
			if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
				v.Zone = zone
			}
		}
	}
	for _, lang := range []string{g.sessionLang(r), g.Kept(r, langCookie)} {
		if p, ok := text.In(lang); ok && lang != "" {
			v.Printer = p
			return v
		}
	}
	v.Printer = page.Accepted(r.Header.Get("Accept-Language"))
	return v
}

// The cookies of how somebody reads. A script of the pages writes the zone, which
// no server is told otherwise.
const (
	langCookie = "lang"
	zoneCookie = "kam_zone"
)

// sessionLang is the language of whoever is signed in; there is no session yet
// where a request is refused at the door.
func (g *Gate) sessionLang(r *http.Request) string {
	if r.Context().Value(inside{}) == nil {
		return ""
	}
	return g.sessions.GetString(r.Context(), sessionLang)
}

// inside marks the context of a request that has its session.
type inside struct{}

// speak takes the choice of a language, of whoever is signed in for all his
// browsers.
func (g *Gate) speak(w http.ResponseWriter, r *http.Request, v *Visit) error {
	p, ok := text.In(r.PostForm.Get("lang"))
	if !ok {
		return kam.Errorf(kam.Invalid, "there are no texts in the language %q", kam.Clip(r.PostForm.Get("lang"), 40)).On("lang").Try("one of %s", kam.ListOf(text.Languages))
	}
	if v.Person != nil {
		if err := g.SignIns.SetLang(r.Context(), v.Person.ID, p.Lang()); err != nil {
			return err
		}
		g.sessions.Put(r.Context(), sessionLang, p.Lang())
	}
	g.Keep(w, langCookie, p.Lang(), 365*24*time.Hour)
	http.Redirect(w, r, Local(r.PostForm.Get("then")), http.StatusSeeOther)
	return nil
}

// A Look is what somebody had seen of a subject before what he sees now.
type Look = identity.Look

// Seen notes that a visitor sees a revision of a subject, and tells which other he
// had seen before it; nil for none.
func (g *Gate) Seen(ctx context.Context, v *Visit, subject string, revision int) (*Look, error) {
	return g.SignIns.Seen(ctx, v.Person.ID, subject, revision)
}

// names are those of people, read anew now and then: a page shows many.
type names struct {
	sync.Mutex
	of map[kam.UserID]string
	at time.Time
}

// namesHold is how long a changed name may show as it was.
const namesHold = time.Minute

func (n *names) get(ctx context.Context, read func(context.Context) (map[kam.UserID]string, error)) (map[kam.UserID]string, error) {
	if read == nil {
		return nil, nil //nolint:nilnil // ids stand for them
	}
	n.Lock()
	defer n.Unlock()
	if n.of != nil && time.Since(n.at) < namesHold {
		return n.of, nil
	}
	of, err := read(ctx)
	if err != nil {
		return nil, err
	}
	n.of, n.at = of, time.Now()
	return of, nil
}
