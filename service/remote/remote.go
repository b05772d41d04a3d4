package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/routes"
)

// Options say where the gateway is, and who asks.
type Options struct {
	// Address is the gateway's: https://kamflow.example.org
	Address string
	// Token is a personal token, or the one that a standalone leaves for its owner.
	Token string
	// Patience is how long an answer is waited for, with all tries.
	Patience time.Duration
	// Client sends; nil is one of our own.
	Client *http.Client
}

// Service is the service over HTTP. It may be used from many goroutines.
type Service struct {
	address  *url.URL
	token    string
	patience time.Duration
	client   *http.Client
}

var _ service.Service = (*Service)(nil)

const (
	defaultPatience = 15 * time.Second
	mostAnswer      = 256 << 20 // bytes of one answer
)

// Open returns the service at an address. Nothing is asked yet.
func Open(o Options) (*Service, error) {
	u, err := url.Parse(o.Address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, kam.Errorf(kam.Invalid, "%q is no address of a gateway", o.Address).On("gateway").Try("write https://HOST")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	s := &Service{address: u, token: o.Token, patience: o.Patience, client: o.Client}
	if s.patience <= 0 {
		s.patience = defaultPatience
	}
	if s.client == nil {
		s.client = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
			ExpectContinueTimeout: 10 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
		}}
	}
	// A token goes to the gateway and to nobody to whom the gateway points.
	own := *s.client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client = &own
	return s, nil
}

// Close lets go of idle connections.
func (s *Service) Close() { s.client.CloseIdleConnections() }

// call asks a route.
func call[In, Out any](ctx context.Context, s *Service, who service.Principal, r *routes.Route[In, Out], in *In) (out Out, err error) {
	req, err := encode(r.Spec, in)
	if err != nil {
		return out, s.named(ctx, who, err)
	}
	if req.stream == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.patience)
		defer cancel()
	}
	for try := 0; ; try++ {
		again, err := s.once(ctx, who, req, &out)
		if err == nil || !again || !r.Again || req.stream != nil || pause(ctx, try) != nil {
			return out, err
		}
	}
}

// all asks for a list page by page, up to most items, or all of it for 0.
func all[In any, P interface {
	*In
	routes.Pager
}, T any](ctx context.Context, s *Service, who service.Principal, r *routes.Route[In, routes.Page[T]], in *In, most int) (items []T, err error) {
	p := routes.PageOf(P(in))
	for {
		p.Limit = routes.MostOnPage
		if most > 0 {
			p.Limit = min(p.Limit, most-len(items))
		}
		page, err := call(ctx, s, who, r, in)
		if err != nil {
			return nil, err
		}
		if items == nil {
			items = page.Items
		} else {
			items = append(items, page.Items...)
		}
		if page.Next == "" || most > 0 && len(items) >= most {
			return items, nil
		}
		p.Cursor = page.Next
	}
}

// request is what is sent.
type request struct {
	method, path string
	query        url.Values
	header       http.Header
	body         []byte
	stream       routes.Streamer
}

// errNoName says that something has no name and therefore no address.
var errNoName = errors.New("no name")

// encode writes what goes in as the tags of its fields say.
func encode(spec routes.Spec, in any) (request, error) {
	r := request{method: spec.Method, path: routes.Prefix + spec.Path, query: url.Values{}, header: http.Header{}}
	r.stream, _ = in.(routes.Streamer)
	return r, r.fields(reflect.ValueOf(in).Elem())
}

func (r *request) fields(v reflect.Value) error {
	for i := range v.NumField() {
		f, value := v.Type().Field(i), v.Field(i)
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			if err := r.fields(value); err != nil {
				return err
			}
			continue
		case !f.IsExported():
			continue
		case f.Name == "Body":
			b, err := json.Marshal(value.Interface())
			if err != nil {
				return fmt.Errorf("write the request: %w", err)
			}
			if at := replaced.FindSubmatch(b); at != nil {
				return noText(string(at[1]))
			}
			r.body = b
			continue
		}
		if name := f.Tag.Get("path"); name != "" {
			text := textOf(value)
			switch {
			case text == "":
				return errNoName
			case !utf8.ValidString(text):
				return noText(name)
			}
			r.path = strings.Replace(r.path, "{"+name+"}", url.PathEscape(text), 1)
		}
		if name := f.Tag.Get("query"); name != "" && !value.IsZero() {
			text := textOf(value)
			if !utf8.ValidString(text) {
				return noText(name)
			}
			r.query.Set(name, text)
		}
		if name := f.Tag.Get("header"); name != "" && !value.IsZero() {
			r.header.Set(name, textOf(value))
		}
	}
	return nil
}

func textOf(v reflect.Value) string {
	if t, ok := v.Interface().(time.Time); ok {
		return t.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v.Interface())
}

// noText says that something holds bytes that are no text.
func noText(field string) error {
	return kam.Errorf(kam.Invalid, "holds bytes that are no UTF-8").On(field).Try("write it anew")
}

// replaced finds bytes that were no UTF-8, with the field that held them:
// encoding/json writes an escape in their place, and the character itself where
// that was meant.
var replaced = regexp.MustCompile(`(?:"(\w+)":)?"(?:[^"\\]|\\.)*?\\ufffd`)

// named answers for what has no name: that there is none such, once it is known
// that somebody asks.
func (s *Service) named(ctx context.Context, who service.Principal, err error) error {
	if !errors.Is(err, errNoName) {
		return err
	}
	if _, err := call(ctx, s, who, routes.Me, &routes.Empty{}); err != nil {
		return err
	}
	return kam.Errorf(kam.NotFound, "nothing has an empty name").Try("say which one")
}

// once sends a request once. again says that another try may do better.
func (s *Service) once(ctx context.Context, who service.Principal, r request, into any) (again bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u := *s.address
	raw := strings.TrimSuffix(s.address.EscapedPath(), "/") + r.path
	if u.Path, err = url.PathUnescape(raw); err != nil {
		return false, fmt.Errorf("write the address: %w", err)
	}
	u.RawPath, u.RawQuery = raw, r.query.Encode()
	var body io.Reader
	var rows <-chan error
	switch {
	case r.stream != nil:
		body, rows = writeRows(r.stream)
	case r.body != nil:
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return false, fmt.Errorf("write the request: %w", err)
	}
	req.Header = r.header.Clone()
	req.Header.Set("Accept", "application/json")
	switch {
	case r.stream != nil:
		req.Header.Set("Content-Type", routes.NDJSON)
		req.Header.Set("Expect", "100-continue") // whoever is refused sends nothing
	case body != nil:
		req.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	if who.User() != "" {
		req.Header.Set(routes.AsHeader, url.QueryEscape(string(who.User())))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if rows != nil {
			cancel()
			if bad := <-rows; bad != nil && !errors.Is(bad, io.ErrClosedPipe) {
				return false, bad // what is sent is at fault
			}
		}
		return true, lost(err)
	}
	defer resp.Body.Close()
	return read(resp, into)
}

// writeRows writes a document while it is sent; the error is of what writes it.
func writeRows(s routes.Streamer) (io.Reader, <-chan error) {
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := s.WriteRows(out)
		out.CloseWithError(err)
		done <- err
	}()
	return in, done
}

// read reads an answer.
func read(resp *http.Response, into any) (again bool, err error) {
	body := io.LimitReader(resp.Body, mostAnswer+1)
	b, err := io.ReadAll(body)
	switch {
	case err != nil:
		return true, lost(err)
	case len(b) > mostAnswer:
		return false, kam.Errorf(kam.Fault, "the gateway answers with more than %d bytes", mostAnswer)
	case resp.StatusCode >= 300:
		return refused(resp, b, into)
	case len(bytes.TrimSpace(b)) == 0:
		return false, nil
	}
	if err := json.Unmarshal(b, into); err != nil {
		return false, kam.Errorf(kam.Fault, "the gateway's answer cannot be read: %v", err).Try("use a starter of the gateway's version")
	}
	return false, nil
}

// refused is the kam.Error of a problem. What is no problem of ours comes from
// something between us and the gateway.
func refused(resp *http.Response, b []byte, into any) (again bool, err error) {
	p := struct {
		kam.Error
		Result json.RawMessage `json:"result"`
	}{}
	if json.Unmarshal(b, &p) == nil && p.Code != "" {
		if len(p.Result) > 0 {
			_ = json.Unmarshal(p.Result, into) // what went wrong counts
		}
		return false, &p.Error // the gateway has tried for as long as it does
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return false, kam.Errorf(kam.Forbidden, "the gateway does not know who asks").On("by").Try("starter login")
	case resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests:
		return true, kam.Errorf(kam.Unreachable, "%s answers %s", resp.Request.URL.Host, resp.Status)
	}
	return false, kam.Errorf(kam.Fault, "%s answers %s, which is no answer of kamflow", resp.Request.URL.Host, resp.Status).Try("look at the address of the gateway")
}

// lost is an answer that did not come.
func lost(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return kam.Errorf(kam.Unreachable, "the gateway does not answer: %v", err).Try("safe to retry: the same command is the same act")
}

// pause waits between tries, longer each time.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(min(50*time.Millisecond<<min(try, 6), 2*time.Second))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
