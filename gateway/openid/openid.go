// Package openid has a person say by an OpenID provider who he is: code flow
// with PKCE, state and nonce. What comes of it is an issuer and a subject; whose
// they are here it does not know.
package openid

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Settings of a provider. Redirect is the address to which it sends people back.
type Settings struct {
	Name, Title, Issuer, ClientID, ClientSecret, Redirect string
}

// A Provider is one OpenID provider. It is asked for what it can do when it is
// first needed, so that it may be away while we start.
type Provider struct {
	Settings
	client *http.Client

	mu    sync.Mutex
	known *oidc.Provider
	asked time.Time
}

// New is a provider with these settings.
func New(s Settings) *Provider {
	return &Provider{Settings: s, client: &http.Client{Timeout: 10 * time.Second}}
}

// A Flow is what the browser keeps for itself while its user is at the provider.
type Flow struct {
	Provider, State, Nonce, Verifier string
	Then                             string // where he goes afterwards
}

// FlowLasts is how long somebody may take at the provider.
const FlowLasts = 15 * time.Minute

// String is the flow as a cookie holds it.
func (f Flow) String() string {
	b, err := json.Marshal(f)
	if err != nil {
		return "" // there is nothing in it that cannot be written
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ReadFlow reads what String wrote.
func ReadFlow(s string) (f Flow, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return f, err == nil && json.Unmarshal(b, &f) == nil && f.State != ""
}

// Begin is where the browser goes, and what it keeps.
func (p *Provider) Begin(ctx context.Context, then string) (address string, f Flow, err error) {
	config, _, err := p.reach(ctx)
	if err != nil {
		return "", f, err
	}
	f = Flow{Provider: p.Name, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Then: then}
	return config.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), f, nil
}

// afresh is how long the answers of a provider are kept. A key that it has taken
// back, because somebody else has it, holds no longer than that; one that is new
// is looked for at once.
const afresh = time.Hour

// reach asks the provider for what it can do, where that is not known.
func (p *Provider) reach(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || time.Since(p.asked) > afresh {
		known, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("reach %s: %w", p.Issuer, err)
		}
		p.known, p.asked = known, time.Now()
	}
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: p.known.Endpoint(), RedirectURL: p.Redirect, Scopes: []string{oidc.ScopeOpenID},
	}, p.known, nil
}

// Denied is what the provider says where it does not say who somebody is, as
// when he has changed his mind there.
type Denied struct{ Code string }

func (d Denied) Error() string { return "the provider answers " + d.Code }

// Finish is what the provider calls the person whom it has sent back: the flow
// is what his browser kept, the answer what it carries.
func (p *Provider) Finish(ctx context.Context, f Flow, answer url.Values) (subject string, err error) {
	switch {
	case f.Provider != p.Name || !hmac.Equal([]byte(f.State), []byte(answer.Get("state"))):
		return "", errors.New("the answer is to another question: its state differs")
	case answer.Has("iss") && answer.Get("iss") != p.Issuer: // RFC 9207
		return "", fmt.Errorf("the answer is of another provider: %q", answer.Get("iss"))
	case answer.Get("error") != "":
		return "", Denied{clip(answer.Get("error"))}
	}
	config, known, err := p.reach(ctx)
	if err != nil {
		return "", err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := config.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return "", fmt.Errorf("exchange the code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return "", errors.New("the answer holds no id token")
	}
	return p.verify(ctx, known, raw, token.AccessToken, f.Nonce)
}

// The clocks of two houses differ. Of a flow that is minutes old at most, a
// token is not older than that.
const (
	skew   = time.Minute
	oldest = FlowLasts
)

// verify holds an id token to what OpenID Connect Core 3.1.3.7 asks for.
func (p *Provider) verify(ctx context.Context, known *oidc.Provider, raw, access, nonce string) (string, error) {
	now := time.Now()
	token, err := known.Verifier(&oidc.Config{ClientID: p.ClientID, Now: func() time.Time { return now.Add(-skew) }}).Verify(ctx, raw)
	if err != nil {
		return "", err
	}
	var also struct {
		Party     string `json:"azp"`
		NotBefore int64  `json:"nbf"`
	}
	if err := token.Claims(&also); err != nil {
		return "", fmt.Errorf("read the id token: %w", err)
	}
	switch {
	case token.Issuer != p.Issuer:
		return "", fmt.Errorf("the id token is of %q", token.Issuer)
	case !hmac.Equal([]byte(token.Nonce), []byte(nonce)):
		return "", errors.New("the id token is of another visit: its nonce differs")
	case len(token.Audience) > 1 && also.Party == "", also.Party != "" && also.Party != p.ClientID:
		return "", fmt.Errorf("the id token was made for %q", also.Party)
	case token.IssuedAt.After(now.Add(skew)), time.Unix(also.NotBefore, 0).After(now.Add(skew)):
		return "", errors.New("the id token is of the future: do the clocks of both houses agree?")
	case token.IssuedAt.Before(now.Add(-oldest)):
		return "", errors.New("the id token is of long ago: do the clocks of both houses agree?")
	case token.Subject == "":
		return "", errors.New("the id token names nobody")
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(access); err != nil {
			return "", fmt.Errorf("the access token is of another answer: %w", err)
		}
	}
	return token.Subject, nil
}

// clip shortens what somebody else has written.
func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80])
	}
	return s
}
