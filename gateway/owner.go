package gateway

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/routes"
)

// An Owner runs the gateway on his own machine. He can read its database all the
// same, so he is let in by a secret that stands in a file which only he can read.
// He is nobody of the organisation: he signs in as somebody, which is on the trail,
// or speaks for others where that is what the gateway was started for.
type Owner struct {
	Secret    string // "" where there is no owner
	SpeaksFor func(context.Context) (bool, error)
}

// Is says whether a request is the owner's.
func (o Owner) Is(r *http.Request) bool {
	bearer, ok := bearerOf(r)
	return ok && o.Secret != "" && subtle.ConstantTimeCompare([]byte(bearer), []byte(o.Secret)) == 1
}

// Programs is [Gate.Principal] for what programs send: an owner may name for whom
// he speaks, and whoever else names somebody must be him.
func (g *Gate) Programs(o Owner) func(*http.Request) (service.Principal, error) {
	return func(r *http.Request) (service.Principal, error) {
		as, err := url.QueryUnescape(r.Header.Get(routes.AsHeader))
		if err != nil {
			return service.Principal{}, kam.Errorf(kam.Invalid, "the header %s cannot be read", routes.AsHeader).On("by")
		}
		if !o.Is(r) {
			who, err := g.Principal(r)
			if err == nil && as != "" && kam.UserID(as) != who.User() {
				err = kam.Errorf(kam.Forbidden, "%s is signed in, and speaks for nobody else", who.User()).On("by").Try("leave out --as, or sign in as the other")
			}
			return who, err
		}
		if as == "" {
			return service.Principal{}, errOwner
		}
		may, err := o.SpeaksFor(r.Context())
		if err == nil && !may {
			err = kam.Errorf(kam.Forbidden, "nobody speaks for %s: --as is for demonstrations and tests", kam.Clip(as, 80)).On("by").Try("starter login %s", kam.Clip(as, 80))
		}
		if err != nil {
			return service.Principal{}, err
		}
		return service.As(kam.UserID(as)), nil
	}
}

var errOwner = kam.Errorf(kam.Forbidden, "the owner of the machine is nobody of the organisation").On("by").Try("starter login USER signs you in as somebody")

// Still is [Gate.Principal] with nothing remembered: a session that has ended since
// the request came is none any more.
func (g *Gate) Still(r *http.Request) (service.Principal, error) {
	if _, ok := bearerOf(r); ok {
		return g.Principal(r)
	}
	c, err := r.Cookie(g.cookieName("session"))
	if err != nil {
		return g.Principal(r) // which says that nobody is
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // the session stands in that of the request
	defer cancel()
	ctx, err = g.sessions.Load(ctx, c.Value)
	if err != nil {
		return service.Principal{}, err
	}
	return g.Principal(r.WithContext(ctx))
}
