package signin

import (
	"errors"
	"net/http"

	"github.com/kamflow/kamflow/gateway"
	"github.com/kamflow/kamflow/gateway/openid"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/identity"
)

// BackAt is where providers send people back to, followed by their name.
const BackAt = "/sign-in/back/"

// others are the providers behind the page.
type others struct {
	gate      *gateway.Gate
	accounts  *identity.Store
	providers []*Provider
}

func (o others) named(r *http.Request) (*Provider, error) {
	for _, p := range o.providers {
		if p.Name == r.PathValue("provider") {
			return p, nil
		}
	}
	return nil, kam.Errorf(kam.NotFound, "there is no such provider").Try("open the page to sign in")
}

const flowCookie = "flow"

// begin sends a browser to a provider. It keeps what only it can answer with.
func (o others) begin(w http.ResponseWriter, r *http.Request, _ *gateway.Visit) error {
	p, err := o.named(r)
	if err != nil {
		return err
	}
	address, flow, err := p.Begin(r.Context(), gateway.Local(r.FormValue("then")))
	if err != nil {
		o.gate.Log.Warn("a provider is not reached", "provider", p.Name, "error", err)
		return o.gate.Refused(r, gateway.RefusedOpenID, kam.Errorf(kam.Unreachable, "%s does not answer", p.Title).Try("try again, or sign in otherwise"))
	}
	o.gate.Keep(w, flowCookie, flow.String(), openid.FlowLasts)
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// finish signs in whom a provider sends back.
func (o others) finish(w http.ResponseWriter, r *http.Request, _ *gateway.Visit) error {
	p, err := o.named(r)
	if err != nil {
		return err
	}
	flow, ok := openid.ReadFlow(o.gate.Kept(r, flowCookie))
	o.gate.Keep(w, flowCookie, "", 0) // it holds once
	if !ok {
		return o.gate.Refused(r, gateway.RefusedOpenID, kam.Errorf(kam.Forbidden, "this browser has not asked %s who you are, or long ago", p.Title).
			Try("open the page to sign in and begin again; cookies must be allowed"))
	}
	subject, err := p.Finish(r.Context(), flow, r.URL.Query())
	var denied openid.Denied
	switch {
	case errors.As(err, &denied):
		return o.gate.Refused(r, gateway.RefusedOpenID, kam.Errorf(kam.Forbidden, "%s does not say who you are: %s", p.Title, denied.Code).Try("try again there, or sign in otherwise"))
	case err != nil:
		o.gate.Log.Warn("the answer of a provider does not hold", "provider", p.Name, "error", err)
		return o.gate.Refused(r, gateway.RefusedOpenID, kam.Errorf(kam.Forbidden, "the answer of %s does not hold", p.Title).Try("open the page to sign in and begin again; the log of the console says why"))
	}
	user, err := o.accounts.PersonOf(r.Context(), p.Issuer, subject)
	if kam.CodeOf(err) == kam.NotFound {
		return o.gate.Refused(r, gateway.RefusedOpenID, kam.Errorf(kam.Forbidden, "%s calls you %q, and nobody here signs in by that", p.Title, subject).
			Try("give a user_admin this: issuer %s, subject %s; two of them link it to you", p.Issuer, subject))
	}
	if err == nil {
		err = o.gate.SignIn(r, user, p.Issuer)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, gateway.Local(flow.Then), http.StatusSeeOther)
	return nil
}
