// Package screening asks a service outside whether a party is on a list of
// sanctions (P3.4.5). Which service that is, is configuration.
package screening

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
)

// A Service takes a POST of the party as JSON and answers
//
//	{"result": "CLEAR" | "POSSIBLE" | "CONFIRMED", "hits": ["reference", …]}
//
// with status 200. Anything else is no answer: the question is asked again.
type Service struct {
	url    string
	token  config.Secret
	client *http.Client
}

// New is the service that the configuration names, nil where it names none.
func New(c config.Screening) *Service {
	if c.URL == "" {
		return nil
	}
	return &Service{url: c.URL, token: c.Token, client: &http.Client{
		Timeout: c.Timeout,
		// A redirect would carry the party to an address that nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

const (
	maxAnswer = 64 << 10 // bytes
	maxHits   = 100
	maxRef    = 200 // bytes
)

// Provider names who answers: the references of its hits are its own.
func (s *Service) Provider() string {
	u, err := url.Parse(s.url)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Screen asks about one party.
func (s *Service) Screen(ctx context.Context, p customer.ScreenedParty) (customer.ScreeningAnswer, error) {
	var a customer.ScreeningAnswer
	body, err := json.Marshal(p)
	if err != nil {
		return a, fmt.Errorf("print the party: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return a, fmt.Errorf("ask the screening service: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token.Reveal())
	}
	res, err := s.client.Do(req)
	if err != nil {
		return a, fmt.Errorf("ask the screening service: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its bound below
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return a, fmt.Errorf("read the answer of the screening service: %w", err)
	case res.StatusCode != http.StatusOK:
		return a, fmt.Errorf("the screening service answered %s", res.Status)
	case len(text) > maxAnswer:
		return a, fmt.Errorf("the screening service answered more than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("the answer of the screening service: %w", err)
	}
	switch a.Result {
	case kam.ScreeningClear, kam.ScreeningPossible, kam.ScreeningConfirmed:
	default:
		return a, fmt.Errorf("the screening service knows a result %.40q that is none of CLEAR, POSSIBLE, CONFIRMED", a.Result)
	}
	// Hits are judged one by one, so none may be left out.
	if len(a.Hits) > maxHits {
		return a, fmt.Errorf("the screening service found %d hits, more than %d", len(a.Hits), maxHits)
	}
	for _, ref := range a.Hits {
		if len(ref) > maxRef {
			return a, fmt.Errorf("the screening service gave a hit a reference of %d bytes, more than %d", len(ref), maxRef)
		}
	}
	return a, nil
}
