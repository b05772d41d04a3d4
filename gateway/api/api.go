package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/routes"
)

// Options are what the API stands on.
type Options struct {
	Service service.Service
	// Principal finds out who sends a request; an error is nobody.
	Principal func(*http.Request) (service.Principal, error)
	// SignedOut says whether such an error is that nobody is signed in; any other
	// is the answer itself. Nil takes all for that.
	SignedOut func(error) bool
	// Still says whether whoever sent a request some time ago may still send it:
	// what streams asks now and then. Nil asks Principal again.
	Still func(*http.Request) (service.Principal, error)
	Log   *slog.Logger
}

// API serves the table of routes.
type API struct {
	Options
	mux     *http.ServeMux
	huma    huma.API
	streams chan struct{} // one for each document that is read row by row
	open    listeners
}

const (
	mostStreams = 4
	// patience is how long a document may take to arrive.
	patience = 30 * time.Second
)

// New makes the API. It answers below [routes.Prefix] and /api/docs.
func New(o Options) *API {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{Options: o, mux: http.NewServeMux(), streams: make(chan struct{}, mostStreams)}
	c := config()
	a.huma = humago.New(a.mux, c)
	a.huma.UseMiddleware(a.enter)
	d := routes.Door{Service: o.Service, Who: principalOf, Refuse: a.refuse, Describe: a.describe}
	for _, row := range routes.All {
		row.Serve(a.huma, d)
	}
	a.mux.HandleFunc("GET "+EventsPath, a.events)
	a.document()
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, kam.Errorf(kam.NotFound, "there is no %s", kam.Clip(r.URL.Path, 80)).Try("/api/docs lists what there is"))
	})
	return a
}

// Mount puts the API where it is found.
func (a *API) Mount(at func(pattern string, h http.Handler)) {
	at(routes.Prefix+"/", a)
	at(DocsPath+"/", a)
}

// ServeHTTP answers a request. Nothing of it may be kept by a browser or a proxy.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	a.mux.ServeHTTP(w, r)
}

func config() huma.Config {
	c := huma.DefaultConfig("kamflow", "1")
	c.Info.Description = about
	c.Info.License = nil
	c.DocsPath, c.SchemasPath, c.OpenAPIPath = "", "", ""
	c.CreateHooks = nil // no links to schemas in answers
	c.FieldsOptionalByDefault = true
	c.Components.Schemas = registry()
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "A personal token, or that of starter login"},
		"session": {Type: "apiKey", In: "cookie", Name: "kam_session", Description: "Who is signed in with a browser"},
	}
	c.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	// A refusal within huma is a problem as any other.
	huma.NewErrorWithContext = func(_ huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return malformed(status, msg, errs)
	}
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError { return malformed(status, msg, errs) }
	return c
}

const about = `Every act, read and list of kamflow, with the same refusals as at the terminal and in the browser.

A refusal is a problem (RFC 9457) with code, field, rule and remedy. What carries a decision_id or a request_key may be sent again: the same id is the same act. Lists come in pages: send next_cursor as cursor. A case carries an ETag, its revision and material_hash: an act with If-Match counts only on that.`

type key struct{}

func principalOf(ctx context.Context) service.Principal {
	who, _ := ctx.Value(key{}).(service.Principal)
	return who
}

// enter finds out who asks. Nobody reads anything.
func (a *API) enter(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	who, err := a.Principal(r)
	if err != nil {
		a.nobody(w, err)
		return
	}
	if max := ctx.Operation().MaxBodyBytes; max == routes.MaxStream {
		select {
		case a.streams <- struct{}{}:
			defer func() { <-a.streams }()
		default:
			answer(w, kam.Errorf(kam.Unreachable, "%d uploads run already", mostStreams).Try("send it again in a minute"))
			return
		}
	}
	next(huma.WithValue(ctx, key{}, who))
}

// nobody tells who is not signed in that he is not. Who is, and may not do this by
// what he sent, and an outage, are told as such.
func (a *API) nobody(w http.ResponseWriter, err error) {
	switch {
	case kam.AsError(err) == nil: // the database does not say who he is
		a.Log.Error("it cannot be said who sends a request", "error", err)
		answer(w, kam.Errorf(kam.Unreachable, "it cannot be said who asks").Try("safe to retry: the same command is the same act"))
		return
	case a.SignedOut != nil && !a.SignedOut(err):
		a.problem(context.Background(), err).write(w)
		return
	}
	e := kam.AsError(err)
	w.Header().Set("WWW-Authenticate", `Bearer realm="kamflow"`)
	problemOf(http.StatusUnauthorized, e).write(w)
}

// describe completes what the document says about a route.
func (a *API) describe(s routes.Spec, op *huma.Operation) {
	op.BodyReadTimeout = patience
	op.Metadata = map[string]any{"asks": s.Asks}
	op.Errors = []int{400, 401, 403, 404, 409, 412, 422, 503}
	if len(s.Asks) > 0 {
		op.Extensions = map[string]any{"x-asks": s.Asks}
	}
	if s.Example != nil {
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: plainly(s.Example)}}}
	}
	if s.MaxBody == routes.MaxStream {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{routes.NDJSON: {Schema: &huma.Schema{Type: "string", Description: streamed}}}}
	}
}

const streamed = "One JSON document a line, the last one {\"end\": true}. A document that is cut off leaves nothing. See docs/api.md for the lines."

// plainly is a value as JSON shows it.
func plainly(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var plain any
	if json.Unmarshal(b, &plain) != nil {
		return nil
	}
	return plain
}

// names are those of types that the rooms of the store call by a short one.
var names = map[reflect.Type]string{
	reflect.TypeFor[service.CaseLine]():        "CaseLine",
	reflect.TypeFor[service.CustomerLine]():    "CustomerLine",
	reflect.TypeFor[service.CustomerTrail]():   "CustomerTrail",
	reflect.TypeFor[service.CustomerVersion](): "CustomerVersion",
	reflect.TypeFor[service.CustomerView]():    "CustomerView",
	reflect.TypeFor[service.MergeResult]():     "MergeResult",
	reflect.TypeFor[service.BatchOutcome]():    "BatchOutcome",
}

func nameOf(t reflect.Type, hint string) string {
	if name, ok := names[t]; ok {
		return name
	}
	if t.Kind() == reflect.Struct && strings.HasPrefix(t.Name(), "Page[") {
		if items, ok := t.FieldByName("Items"); ok {
			return "Page" + nameOf(items.Type.Elem(), hint)
		}
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// registry names the types of the document: by the names of the service, with a
// number behind where two share one.
func registry() huma.Registry {
	taken := map[string]reflect.Type{}
	r := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		name := nameOf(t, hint)
		for n := 2; ; n++ {
			if was, ok := taken[name]; !ok || was == t {
				taken[name] = t
				return name
			}
			name = nameOf(t, hint) + strconv.Itoa(n)
		}
	})
	r.RegisterTypeAlias(reflect.TypeFor[kam.Dec](), reflect.TypeFor[decimal]())
	r.RegisterTypeAlias(reflect.TypeFor[kam.Money](), reflect.TypeFor[money]())
	r.RegisterTypeAlias(reflect.TypeFor[onboarding.Figure](), reflect.TypeFor[decimal]())
	r.RegisterTypeAlias(reflect.TypeFor[kam.Arg](), reflect.TypeFor[anything]())
	r.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[anything]())
	return r
}

// How types that write themselves look in the document.
type (
	decimal  struct{}
	money    struct{}
	anything struct{}
)

func (decimal) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "A decimal number, or text that holds one", AnyOf: []*huma.Schema{{Type: huma.TypeNumber}, {Type: huma.TypeString}}}
}

func (money) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "An amount with its currency, or a bare number of whole units of the base currency", AnyOf: []*huma.Schema{
		{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
			"amount":   {AnyOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeNumber}}, Examples: []any{"140000.00"}},
			"currency": {Type: huma.TypeString, Examples: []any{"EUR"}},
		}, AdditionalProperties: false},
		{Type: huma.TypeNumber}, {Type: huma.TypeString},
	}}
}

func (anything) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Description: "Any JSON"} }
